"""audit: what it costs that no question goes unrecorded: against a plain INSERT and COMMIT, which a ROLLBACK would erase."""
import os
import statistics
import subprocess
import tempfile
import threading
import time

from house import ROUNDS, analyst, say
from pq import Session

SECONDS = float(os.environ.get('SECONDS', '2'))
CLIENTS = (1, 8, 32, 64)
RECORD_TEXT = 'x' * 186  # makes a payload of 258 bytes
PLAIN = """INSERT INTO bench.plain (kind, login, pid, session_started, source, mode, salt, payload, payload_digest, digest)
VALUES ('ask', 'analyst', 12345, '2026-01-01T00:00:00Z', 'bulk', 'plate', '\\x{salt}', '{payload}', '\\x{digest}', '\\x{digest}');
""".format(salt='5a' * 16, digest='a5' * 32, payload='x' * 258).replace('\n', ' ')
RECORD = f"SELECT lpr_data.audit_record('read', NULL, NULL, '{RECORD_TEXT}');"
ACCEPTED = "SELECT bench.ask('bulk', 1);"
REFUSED = "SELECT bench.ask('nowhere', 1);"
MANY = 1000
OF_MANY = f"SELECT bench.ask('bulk', {MANY});"


# For pgbench.
LOGON = r'SELECT code FROM lpr.rules() \gset' + '\nSELECT lpr.accept_rules(:code), lpr.work_on(1)'


class Load:
    """A statement that clients send over and over, by pgbench, each time in a transaction of its own."""

    def __init__(self, directory, name, sql, logon=False):
        self.path = os.path.join(directory, name)
        with open(self.path, 'w', encoding='ascii') as file:
            if logon:  # once a client, before its first transaction
                file.write(f'\\if :begun = 0\n{LOGON};\n\\set begun 1\n\\endif\n')
            file.write(sql + '\n')

    def command(self, clients, *more):
        return [os.path.join(os.environ['LPR_BIN'], 'pgbench'), '-n', '-U', 'analyst', '-M', 'prepared', '-c', str(clients),
                '-D', 'begun=0', '-f', self.path, *more]

    def rate(self, clients):
        """Transactions a second, without connecting."""
        done = subprocess.run(self.command(clients, '-T', f'{SECONDS:.0f}'), check=True, text=True, capture_output=True, cwd='/')
        if 'number of failed transactions: 0 ' not in done.stdout:
            raise SystemExit(f'bench: {done.stdout}{done.stderr}')
        return float(next(line for line in done.stdout.splitlines() if line.startswith('tps')).split()[2])

    def latencies(self, clients=1):
        """Microseconds of each transaction, the logons left out."""
        with tempfile.TemporaryDirectory() as directory:
            prefix = os.path.join(directory, 'log')
            subprocess.run(self.command(clients, '-T', f'{SECONDS:.0f}', '--log', f'--log-prefix={prefix}'), check=True, text=True,
                           capture_output=True, cwd='/')
            (name,) = os.listdir(directory)
            with open(os.path.join(directory, name), encoding='ascii') as lines:
                return [int(line.split()[2]) for line in lines if line.split()[1] != '0']


def against(table, loads, clients, wanted):
    """Throughput of each load against the first. wanted: {name: ratio}"""
    rates = {name: [] for name in loads}
    for turn in range(ROUNDS + 1):
        for name, load in loads.items():
            rate = load.rate(clients)
            if turn > 0:
                rates[name].append(rate)
    peer = next(iter(loads))
    for name in wanted:
        got = statistics.median(a / b for a, b in zip(rates[name], rates[peer]))
        table.add(f'{name}, {clients} client{"s" if clients > 1 else ""}: against INSERT and COMMIT', f'{statistics.median(rates[name]):.0f}/s',
                  f'{statistics.median(rates[peer]):.0f}/s', f'{got:.2f}', f'≥ {wanted[name]}', got >= wanted[name])


def audit(table):
    """One durable record, nothing decided."""
    with tempfile.TemporaryDirectory() as directory:
        loads = {'plain': Load(directory, 'plain', PLAIN), 'a durable record': Load(directory, 'record', RECORD)}
        for clients, least in zip(CLIENTS, (0.6, 1.0, 1.2, 1.0)):
            against(table, loads, clients, {'a durable record': least})


def gate(table):
    """The gate's whole decision, with its durable record."""
    def decided():
        if (session.value(ACCEPTED), session.value(REFUSED)) != ('t', 'f'):
            raise SystemExit('bench: the gate decided something else')

    with tempfile.TemporaryDirectory() as directory:
        names = ('a decision that lets through', 'a decision that refuses')
        loads = {'plain': Load(directory, 'plain', PLAIN), names[0]: Load(directory, 'accepted', ACCEPTED, logon=True),
                 names[1]: Load(directory, 'refused', REFUSED, logon=True)}
        session = analyst()
        decided()
        # A refusal is never remembered: the whole gate says why.
        for clients, *least in zip(CLIENTS, (0.6, 1.0, 1.0, 1.0), (0.5, 0.7, 0.8, 0.7)):
            against(table, loads, clients, dict(zip(names, least)))
        middles = {name: [] for name in loads}
        for turn in range(ROUNDS + 1):
            for name, load in loads.items():
                middle = statistics.median(load.latencies())
                if turn > 0:
                    middles[name].append(middle)
        for name in names:
            got = statistics.median(a / b for a, b in zip(middles[name], middles['plain']))
            table.add(f'{name}, 1 client, median latency: against INSERT and COMMIT', f'{statistics.median(middles[name]):.0f} µs',
                      f'{statistics.median(middles["plain"]):.0f} µs', f'{got:.2f}', '≤ 1.75', got <= 1.75)
        decided()
        session.close()


def writer_cpu(owner):
    """Seconds of processor time that the audit writer has taken."""
    return cpu(owner.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'lpr audit writer'"))


def records(owner):
    """How many there are, by one more."""
    return int(owner.value("SELECT lpr_data.audit_record('read', NULL, NULL, 'step')"))


def decisions(table):
    """What a decision costs the writer: its second part remembered, or judged anew, since one of its tables cannot tell of changes; and a record without any."""
    ways = {'remembered': 'ENABLE ALWAYS', 'anew': 'DISABLE', 'record': 'ENABLE ALWAYS'}
    owner = Session('postgres')
    with tempfile.TemporaryDirectory() as directory:
        decided = Load(directory, 'accepted', ACCEPTED, logon=True)
        loads = {'remembered': decided, 'anew': decided, 'record': Load(directory, 'record', RECORD)}
        for clients in CLIENTS:
            used = {way: [] for way in ways}
            for turn in range(ROUNDS + 1):
                for way, triggers in ways.items():
                    owner.query(f'ALTER TABLE lpr_data.grace {triggers} TRIGGER audit_change')
                    there, start = records(owner), writer_cpu(owner)
                    loads[way].rate(clients)
                    spent = writer_cpu(owner) - start
                    if turn > 0:
                        used[way].append(spent / (records(owner) - there) * 1e6)
            middle = {way: statistics.median(of) for way, of in used.items()}
            got = statistics.median(a / b for a, b in zip(used['remembered'], used['anew']))
            many = f'{clients} client{"s" if clients > 1 else ""}'
            table.add(f"the writer's processor time a decision, {many}: remembered, against judged anew", f'{middle["remembered"]:.0f} µs',
                      f'{middle["anew"]:.0f} µs', f'{got:.2f}')
            rules = statistics.median(a - b for a, b in zip(used['remembered'], used['record']))
            table.add(f'the same, {many}: against a record without a decision', f'{middle["remembered"]:.0f} µs', f'{middle["record"]:.0f} µs',
                      f'{rules:+.0f} µs', '≤ +300 µs', rules <= 300)
    owner.query('ALTER TABLE lpr_data.grace ENABLE ALWAYS TRIGGER audit_change')
    further(table, owner)
    decided, remembered = owner.query('SELECT decided, remembered FROM lpr_data.decisions()')[0]
    if int(remembered) * 4 < int(decided):
        raise SystemExit(f'bench: {remembered} of {decided} decisions were remembered')
    owner.close()


def further(table, owner):
    """What each further plate of a question costs the writer, its target looked for and its record longer."""
    used = {1: [], MANY: []}
    with tempfile.TemporaryDirectory() as directory:
        loads = {1: Load(directory, 'one', ACCEPTED, logon=True), MANY: Load(directory, 'many', OF_MANY, logon=True)}
        for turn in range(ROUNDS + 1):
            for plates, load in loads.items():
                there, start = records(owner), writer_cpu(owner)
                load.rate(1)
                spent = writer_cpu(owner) - start
                if turn > 0:
                    used[plates].append(spent / (records(owner) - there) * 1e6)
    each = statistics.median((b - a) / (MANY - 1) for a, b in zip(used[1], used[MANY]))
    table.add(f"the writer's processor time a decision about {MANY:,} plates, all targets: each further one", f'{statistics.median(used[MANY]):.0f} µs',
              f'{statistics.median(used[1]):.0f} µs', f'{each:.2f} µs', '≤ 2 µs', each <= 2)


SENDERS = 3
STEP = 250_000


def fill(owner, senders, rows):
    """Seconds, and the writer's of them on a processor, for so many records of several senders."""
    step = "SELECT lpr_data.audit_record('read', NULL, NULL, 'step')"
    last = int(owner.value(step))
    cpu, start = writer_cpu(owner), time.perf_counter()
    threads = [threading.Thread(target=session.query, args=(f'SELECT bench.leave({rows // len(senders)})',)) for session in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The writer goes by the queue's order: what is sent now is written after all of that.
    rows_there = int(owner.value(step)) - last
    if rows_there < rows // len(senders) * len(senders):
        raise SystemExit(f'bench: {rows_there} records of {rows} arrived')
    return (time.perf_counter() - start) / rows_there, (writer_cpu(owner) - cpu) / rows_there


def size(table):
    """The insert rate does not fall as the log grows."""
    rows = int(os.environ.get('ROWS', '50000000'))
    marks = [mark for mark in (1_000_000, 10_000_000, 50_000_000) if mark <= rows]
    owner, senders = Session('postgres'), [analyst() for _ in range(SENDERS)]
    steps = [fill(owner, senders, STEP) for _ in range(2)]  # not counted: files and caches come into being
    there = 2 * STEP
    at = {}
    for mark in marks:
        steps = []
        while there < mark + STEP * 2:
            steps.append(fill(owner, senders, STEP))
            there += STEP
            if len(steps) % 8 == 0:
                rate, used = (statistics.median(step[i] for step in steps[-8:]) for i in (0, 1))
                say(f'  {there:,} records, {1 / rate:.0f}/s, {used * 1e6:.1f} µs of the writer each')
        # The last million, of which half lies beyond the mark.
        at[mark] = [statistics.median(step[i] for step in steps[-4:]) for i in (0, 1)]
    for mark in marks:
        got = at[marks[0]][0] / at[mark][0]
        table.add(f'insert rate at {mark:,} records: against that at {marks[0]:,}', f'{1 / at[mark][0]:.0f}/s', f'{1 / at[marks[0]][0]:.0f}/s',
                  f'{got:.2f}' if mark != marks[0] else '', '0.9 to 1.1' if mark != marks[0] else '',
                  0.9 <= got <= 1.1 if mark != marks[0] else None)
        spent = at[marks[0]][1] / at[mark][1]
        table.add("the same: the writer's processor time a record", f'{at[mark][1] * 1e6:.1f} µs', f'{at[marks[0]][1] * 1e6:.1f} µs',
                  f'{spent:.2f}' if mark != marks[0] else '', '0.9 to 1.1' if mark != marks[0] else '',
                  0.9 <= spent <= 1.1 if mark != marks[0] else None)
    kept = owner.value("SELECT (sum(pg_total_relation_size(i.inhrelid)) / max(a.rows))::integer FROM pg_inherits AS i, "
                       "(SELECT max(number) AS rows FROM lpr_data.audit) AS a WHERE i.inhparent = 'lpr_data.audit'::regclass")
    table.add('a record on disk, with its index, payload of 234 bytes', f'{kept} bytes')
    for session in senders:
        session.close()
    owner.close()


def resident(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith('RssAnon:')) / 1024


def cpu(pid):
    """Seconds on a processor."""
    with open(f'/proc/{pid}/schedstat', encoding='ascii') as file:
        return int(file.read().split()[0]) / 1e9


def verify(table):
    """Chain, tree and payload digests of the whole log, hashed again in the server."""
    owner, senders = Session('postgres'), [analyst() for _ in range(SENDERS)]
    fill(owner, senders, 500_000)
    rates, elapsed, grown = [], [], []
    for turn in range(ROUNDS + 1):
        session = Session('postgres')
        session.query('SELECT * FROM lpr.verify_audit(1, 20000)')
        records = int(owner.value('SELECT max(number) FROM lpr_data.audit'))
        memory, used, start = resident(session.pid), cpu(session.pid), time.perf_counter()
        rows = session.query('SELECT ok FROM lpr.verify_audit()')
        if rows != [['t']]:
            raise SystemExit(f'bench: the log does not verify: {rows}')
        if turn > 0:
            rates.append(records / (cpu(session.pid) - used))
            elapsed.append(records / (time.perf_counter() - start))
            grown.append(resident(session.pid) - memory)
        session.close()
    got = statistics.median(rates)
    table.add(f'verification of {records:,} records in the server: chain, tree, payloads; a second of one processor',
              f'{got:,.0f} records (by the clock: {statistics.median(elapsed):,.0f}/s)', '', '', '≥ 250,000', got >= 250_000)
    table.add('the same: memory that grew after the first 20,000', f'{max(grown):.1f} MB', '', '', '≤ 1 MB', max(grown) <= 1)
    for session in senders:
        session.close()
    owner.close()
