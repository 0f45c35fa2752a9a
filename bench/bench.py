"""bench: runs the cases and prints their table as Markdown on stdout. docs/performance.md tells what each line means."""
import os
import time

from audit import audit, decisions, gate, size, verify
from cache import cache
from house import (COLUMNS, COUNT_ALL, ROUNDS, VENDOR, Peer, Table, analyst, forget_requests, median, milliseconds, ratio,
                   requests_seen, rounds, say, status, timed_query, vendor)
from interrupts import cancel
from policy import policy, rules
from pq import Session
from watch import watch

READS = 100_000
PLATE = f'BULK{READS}'
WITHOUT_IMAGES = ', '.join(COLUMNS)


def bulk(table):
    """All columns but the images, against what one would write instead."""
    session, python, peer = analyst(), analyst(), Peer('bulk', PLATE)
    full = [str(READS)] * len(COLUMNS) + ['0']
    ours = f"SELECT {COUNT_ALL} FROM lpr.reads WHERE source = 'bulk' AND plate = '{PLATE}'"
    theirs = f"SELECT {COUNT_ALL} FROM bench.python_reads('{VENDOR}/bulk/lpr-v1', 'sim-lpr-token', '{PLATE}')"
    times = rounds({
        'ours': lambda: timed_query(session, ours, full),
        'c': lambda: peer.run('read', READS),
        'transport': lambda: peer.run('transport', READS // 1000),
    })
    # In rounds of their own, since a PL/Python run takes as long as several of the others.
    slow = rounds({
        'ours': lambda: timed_query(session, ours, full),
        'python': lambda: timed_query(python, theirs, full),
    }, 5)
    what = f'{READS:,} reads, pages of 1,000, all columns but images: against '
    for name, other, of, least in (('bare C (libcurl, json-c)', 'c', times, 1.5), ('plpython3u (requests)', 'python', slow, 3.0)):
        got = ratio(of, other, 'ours')
        table.add(what + name, milliseconds(median(of['ours'])), milliseconds(median(of[other])), f'{got:.2f}', f'≥ {least}',
                  got >= least)
    table.add('the same pages fetched and thrown away, in C', '', milliseconds(median(times['transport'])))
    session.close()
    python.close()
    peer.close()


def federated(table):
    """Four vendors that think for 200 ms each."""
    names = ['north', 'east', 'south', 'west']
    session = analyst()
    vendor('DELETE', '/faults')
    for name in names:
        vendor('POST', '/faults', {'vendor': name, 'class': 'search', 'fault': 'delay', 'ms': 200})
    several = ', '.join(f"'{name}'" for name in names)
    for order, node in (('', 'Append'), (' ORDER BY captured_at DESC', 'Merge Append')):
        select = f"SELECT {WITHOUT_IMAGES} FROM lpr.reads WHERE plate = 'BULK1000' AND source "
        plan = session.query(f'EXPLAIN {select} IN ({several}){order}')[0][0]
        if not plan.startswith(node):
            raise SystemExit(f'bench: expected {node}, not {plan}')
        works = {name: lambda sql=f"{select} = '{name}'{order}": timed_query(session, sql, nrows=1000) for name in names}
        works['all'] = lambda sql=f'{select} IN ({several}){order}': timed_query(session, sql, nrows=4000)
        times = rounds(works)
        slowest = max(names, key=lambda name: median(times[name]))
        got = ratio(times, 'all', slowest)
        table.add(f'4 sources, 200 ms and 1,000 reads each, {node}: against the slowest alone', milliseconds(median(times['all'])),
                  milliseconds(median(times[slowest])), f'{got:.2f}', '≤ 1.25', got <= 1.25)
    vendor('DELETE', '/faults')
    session.close()


def memory(table):
    """Peak RSS of a fresh backend that streams a million reads."""
    for what, columns, expected in (('count(*)', 'count(*)', ['1000000']), ('every column but images needed', COUNT_ALL, ['1000000'])):
        session = analyst()
        before = status(session.pid, 'VmHWM')
        taken = timed_query(session, f"SELECT {columns} FROM lpr.reads WHERE source = 'bulk' AND plate = 'BULK1000000'", expected)
        peak = status(session.pid, 'VmHWM')
        limit = what == 'count(*)'
        table.add(f'1,000,000 reads, {what}: peak RSS of the backend (before: {before:.0f} MB; {taken:.1f} s)',
                  f'{peak:.0f} MB (anonymous at the end: {status(session.pid, "RssAnon"):.0f} MB)', '', '', '≤ 64 MB' if limit else '',
                  peak <= 64 if limit else None)
        session.close()


def limit(table):
    """The first ten of many."""
    session = analyst()
    where = f"FROM lpr.reads WHERE source = 'bulk' AND plate = '{PLATE}'"
    for order in ('', ' ORDER BY captured_at DESC'):
        ten = f'SELECT {WITHOUT_IMAGES} {where}{order} LIMIT 10'
        forget_requests()
        timed_query(session, ten, nrows=10)
        asked = requests_seen('bulk')
        # Counted in the server: sending 100,000 rows to the client would only flatter us.
        every = f'SELECT {COUNT_ALL} FROM (SELECT {WITHOUT_IMAGES} {where}{order} OFFSET 0) AS r'
        times = rounds({'ten': lambda sql=ten: timed_query(session, sql, nrows=10),
                        'all': lambda sql=every: timed_query(session, sql, [str(READS)])})
        got = ratio(times, 'all', 'ten')
        label = f'LIMIT 10 of {READS:,}' + (', newest first' if order else '')
        table.add(label + ': requests', str(asked), '', '', '1', asked == 1)
        table.add(label + ': against reading all', milliseconds(median(times['ten'])), milliseconds(median(times['all'])), f'{got:.0f}',
                  '≥ 50', got >= 50)
    session.close()


def join(table):
    """A hot list of 1,000 plates, the last 30 days: asked in batches, and row by row."""
    owner, session = Session('postgres'), analyst()
    plates = {plate['plate'] for kind in ('commuter', 'border', 'long_haul', 'occasional')
              for plate in vendor('GET', f'/plates?kind={kind}&n=1000')}
    plates = sorted(plates)[:1000]
    owner.query('TRUNCATE bench.hot_list')
    owner.query("INSERT INTO bench.hot_list SELECT unnest('{%s}'::text[])" % ','.join(plates))
    owner.query('ANALYZE bench.hot_list')
    owner.query('CALL bench.aim(ARRAY(SELECT plate FROM bench.hot_list))')
    tail = "lpr.reads AS r ON r.plate = h.plate AND r.source = 'bulk' AND r.captured_at > now() - interval '30 days'"
    batched = f'SELECT count(r.read_id) FROM bench.hot_list AS h JOIN {tail}'
    single = f'SELECT count(r.read_id) FROM bench.hot_list AS h LEFT JOIN {tail}'
    found = session.value(batched)
    asked = {}
    for name, sql in (('batched', batched), ('single', single)):
        forget_requests()
        timed_query(session, sql, [found])
        asked[name] = requests_seen('bulk')
    times = rounds({'batched': lambda: timed_query(session, batched, [found]), 'single': lambda: timed_query(session, single, [found])}, 5)
    table.add(f'join with {len(plates):,} plates, 30 days, {int(found):,} reads: in batches, against plate by plate (LEFT JOIN)',
              f'{milliseconds(median(times["batched"]))}, {asked["batched"]} requests',
              f'{milliseconds(median(times["single"]))}, {asked["single"]} requests', f'{ratio(times, "single", "batched"):.1f}')
    owner.close()
    session.close()


def main():
    table = Table()
    cases = {'bulk': bulk, 'federated': federated, 'memory': memory, 'limit': limit, 'cancel': cancel, 'join': join,
             'audit': audit, 'gate': gate, 'decisions': decisions, 'verify': verify, 'policy': policy, 'rules': rules, 'cache': cache, 'watch': watch, 'size': size}
    wanted = os.environ.get('ONLY', ' '.join(name for name in cases if name != 'size')).split()
    start = time.time()
    for name in wanted:
        say(f'… {name}')
        cases[name](table)
    with open('/proc/cpuinfo', encoding='utf-8') as lines:
        cpu = next((line.split(':')[1].strip() for line in lines if line.startswith('model name')), 'unknown CPU')
    print(table.markdown())
    print(f'\n{os.cpu_count()} × {cpu}, load {os.getloadavg()[0]:.1f}, {Session("postgres").value("SHOW server_version")}, '
          f'{ROUNDS} rounds, {time.strftime("%Y-%m-%d")}, {time.time() - start:.0f} s')


main()
