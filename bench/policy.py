"""policy: what row-level security costs a person who looks at their own, and what the rules of the gate add to a question."""
import os
import re
import statistics
import subprocess
import tempfile

from audit import ACCEPTED, Load, cpu, writer_cpu
from house import ROUNDS, Session, median, milliseconds, ratio, rounds, say

READS = int(os.environ.get('ROWS', '10000000'))
EVERYDAY = 1.5
ALIAS = {'lpr.events': 'e', 'lpr.event_members': 'm', 'bench.event_reads': 'r', 'bench.displays': 'd'}


def without_policies(owner, view, person):
    """The view's query on the tables, with what its functions say of that person as constants, and the condition that one would write instead of a policy."""
    me, people, all_events = owner.query(
        "SELECT p.person_id, p.person_id || ARRAY(SELECT s.person_id FROM lpr_data.person AS s WHERE s.supervisor_id = p.person_id), "
        f"pg_has_role(p.login, 'lpr_oversight', 'MEMBER') FROM lpr_data.person AS p WHERE p.login = '{person}'")[0]
    sql = owner.value(f"SELECT pg_get_viewdef('{view}')").rstrip(';')
    sql = sql.replace('lpr_data.me()', me).replace('lpr_data.my_people()', f"'{people}'::integer[]")
    if re.search(r'lpr_data\.\w+\(', sql):
        raise SystemExit(f'bench: a function is left: {sql}')
    if all_events == 'f':
        seen = f"event_id IN (SELECT event_id FROM lpr_data.event_member WHERE person_id = ANY ('{people}'::integer[]))"
        sql, order, ordered = sql.partition('ORDER BY')
        sql += f" {'AND' if view == 'bench.displays' else 'WHERE'} {ALIAS[view]}.{seen} {order}{ordered}"
    return f'({sql})'


def repeated(session, sql, times, nrows, other=None):
    """Seconds of the backend on a processor, each. other: a session that commits something before each."""
    start = cpu(session.pid)
    for _ in range(times):
        if other:
            other.query('SELECT pg_current_xact_id()')
        session.query(sql)
    taken = (cpu(session.pid) - start) / times
    if session.nrows != nrows:
        raise SystemExit(f'bench: expected {nrows} rows, got {session.nrows}, of: {sql}')
    return taken


def count_all(view, owner):
    """A count of every column, so that each is made and none has to travel."""
    columns = [row[0] for row in owner.query(f"SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = '{view}'::regclass AND attnum > 0 ORDER BY attnum")]
    return 'count(*), ' + ', '.join(f'count({column})' for column in columns)


def policy(table):
    """Each view, against the same query without policies, by a superuser."""
    owner = Session('postgres')
    if owner.value("SELECT to_regclass('bench.event_read') IS NULL") == 't':
        say(f'  2,000 people, 100,000 events, {READS:,} reads')
        subprocess.run([os.path.join(os.environ['LPR_BIN'], 'psql'), '-X', '-q', '-v', f'reads={READS}', '-f', 'bench/policy.sql'], check=True)
    base = int(owner.value("SELECT event_id FROM lpr_data.event WHERE title = 'Event 1'")) - 1
    own, large, team, on = base + 2 * 3333, base + 3333, base + 5, base + 1
    events = count_all('lpr.events', owner)
    reads = count_all('bench.event_reads', owner)
    # Who, what, everyday, view, columns, the rest.
    cases = [
        ('reader', 'my 30 events', True, 'lpr.events', '*', 'ORDER BY event'),
        ('reader', 'my 20 newest events', True, 'lpr.events', '*', 'ORDER BY opened_at DESC LIMIT 20'),
        ('reader', 'one of my events', True, 'lpr.events', '*', f'AND event = {own}'),
        ('reader', 'who works on one event', True, 'lpr.event_members', '*', f'AND event = {own}'),
        ('reader', '100 reads of one event', True, 'bench.event_reads', '*', f'AND event = {own}'),
        ('reader', 'their 20 newest', True, 'bench.event_reads', '*', f'AND event = {own} ORDER BY captured_at DESC LIMIT 20'),
        ('reader', '10,100 reads of one event', True, 'bench.event_reads', reads, f'AND event = {large}'),
        ('reader', 'their 100 newest', True, 'bench.event_reads', '*', f'AND event = {large} ORDER BY captured_at DESC LIMIT 100'),
        ('reader', 'my displays', True, 'bench.displays', '*', 'ORDER BY created_at DESC'),
        ('busy', 'my 20,000 events', True, 'lpr.events', events, ''),
        ('busy', 'my 20 newest events of 20,000', True, 'lpr.events', '*', 'ORDER BY opened_at DESC LIMIT 20'),
        ('busy', '100 reads of one event of 20,000', True, 'bench.event_reads', '*', f'AND event = {on}'),
        ('busy', 'my 10,000 displays', True, 'bench.displays', count_all('bench.displays', owner), ''),
        ('boss', '20,000 events of my people', True, 'lpr.events', events, ''),
        ('boss', 'the 20 newest of them', True, 'lpr.events', '*', 'ORDER BY opened_at DESC LIMIT 20'),
        ('boss', 'one of them', True, 'lpr.events', '*', f'AND event = {team}'),
        ('boss', '100 reads of one of them', True, 'bench.event_reads', '*', f'AND event = {team}'),
        ('boss', '10,000 displays of my people', True, 'bench.displays', count_all('bench.displays', owner), ''),
        ('watcher', 'all 100,000 events', False, 'lpr.events', events, ''),
        ('watcher', 'one of them', False, 'lpr.events', '*', f'AND event = {team}'),
        ('watcher', '100 reads of one of them', False, 'bench.event_reads', '*', f'AND event = {team}'),
    ]
    sessions = {who: Session(who) for who in ('reader', 'busy', 'boss', 'watcher')}
    for session in (owner, *sessions.values()):
        session.query('SET jit = off')  # the estimates differ, and compiling costs more than all the rest
    other, anew = Session('postgres'), []
    for who, what, everyday, view, columns, tail in cases:
        ours = f'SELECT {columns} FROM {view} WHERE true {tail}'
        peer = f'SELECT {columns} FROM {without_policies(owner, view, who)} AS v WHERE true {tail}'
        expected = owner.query(peer)
        nrows = owner.nrows
        if sorted(sessions[who].query(ours)) != sorted(expected) or not expected:
            raise SystemExit(f'bench: other rows under the policies: {ours}; {peer}')
        n = max(1, min(100, int(0.1 / repeated(owner, peer, 1, nrows))))
        times = rounds({'ours': lambda: repeated(sessions[who], ours, n, nrows), 'peer': lambda: repeated(owner, peer, n, nrows),
                        'anew': lambda: repeated(sessions[who], ours, n, nrows, other)}, max(ROUNDS, 9))
        got = ratio(times, 'ours', 'peer')
        table.add(f'{who}: {what}', fine(median(times['ours'])), fine(median(times['peer'])), f'{got:.2f}', f'≤ {EVERYDAY}' if everyday else '', got <= EVERYDAY if everyday else None)
        anew.append((ratio(times, 'anew', 'peer'), f'{who}: {what}', everyday))
    worst = max(a for a in anew if a[2])
    table.add(f'the same, when somebody has committed something before each: median, and worst ({worst[1]})', '', '', f'{median([a[0] for a in anew if a[2]]):.2f}, {worst[0]:.2f}')
    for session in sessions.values():
        session.close()
    other.close()
    owner.close()


def fine(value):
    return f'{value * 1000:.2f} ms' if value < 0.01 else milliseconds(value)


def rules(table):
    """One decision with its durable record: by the rules, and by none, which let everything through."""
    owner = Session('postgres')
    is_gate = "FROM pg_proc WHERE oid = 'lpr_data.gate'::regproc"
    full = owner.value(f'SELECT pg_get_functiondef(oid) {is_gate}')
    body = owner.value(f'SELECT prosrc {is_gate}')
    gates = {'rules': full, 'none': full.replace(body, " SELECT NULL::text, NULL::text, NULL::text, NULL::text, NULL::text, timestamptz 'infinity', "
                                                                "NULL::integer, NULL::timestamptz, NULL::timestamptz ")}
    middles = {name: [] for name in gates}
    tails = {name: [] for name in gates}
    used = {name: [] for name in gates}
    with tempfile.TemporaryDirectory() as directory:
        load = Load(directory, 'accepted', ACCEPTED, logon=True)
        try:
            for turn in range(ROUNDS + 1):
                for name, sql in gates.items():
                    owner.query(sql)
                    load.latencies()
                    start = writer_cpu(owner)
                    one = load.latencies()
                    spent = (writer_cpu(owner) - start) / len(one)
                    many = sorted(load.latencies(64))
                    if turn > 0:
                        used[name].append(spent * 1e6)
                        middles[name].append(statistics.median(one))
                        tails[name].append(many[len(many) * 99 // 100])
        finally:
            owner.query(full)
    got = statistics.median(a - b for a, b in zip(middles['rules'], middles['none']))
    table.add('a decision on record, 1 client, median: by the rules, against no rules', f'{median(middles["rules"]):.0f} µs', f'{median(middles["none"]):.0f} µs',
              f'{got:+.0f} µs', '≤ +300 µs', got <= 300)
    table.add("the same: the writer's processor time a decision", f'{median(used["rules"]):.0f} µs', f'{median(used["none"]):.0f} µs',
              f'{statistics.median(a - b for a, b in zip(used["rules"], used["none"])):+.0f} µs')
    table.add('the same, 64 clients, 99th percentile', f'{median(tails["rules"]) / 1000:.1f} ms', f'{median(tails["none"]) / 1000:.1f} ms')
    owner.close()
