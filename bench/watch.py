"""watch: what displays watch, asked round by round: hits, how late they are, what the rounds cost and leave in the log.

WATCH_PLATES=n: plates that are watched at three sources (10,000; what is asked for is 100,000). WATCH_READS=n: new reads a second
(40; 200). WATCH_SECONDS=n: for so long (20; 60).
"""
import os
import time

from audit import cpu
from house import VENDOR, analyst, median, milliseconds, seconds, status, timed_query, vendor
from pq import Session

PLATES = int(os.environ.get('WATCH_PLATES', '10000'))
READS = int(os.environ.get('WATCH_READS', '40'))
SECONDS = int(os.environ.get('WATCH_SECONDS', '20'))
SOURCES = ('north', 'east', 'south')
EACH = 50       # plates a person
ROUND = 5       # seconds
LIST = 1000     # plates of a request
ANSWERS = "lpr_data.audit AS a WHERE a.mode = 'display' AND a.kind = 'answer'"


def until(owner, sql, value, most=600):
    """Waits for a state."""
    end = time.time() + most
    while owner.value(sql) != value:
        if time.time() > end:
            raise SystemExit(f'bench: {sql} is {owner.value(sql)}, not {value}')
        time.sleep(0.2)


def watched(owner, plates):
    """So many plates are watched at each source, and a round has asked for them."""
    owner.query(f'CALL bench.watch({plates // EACH}, {EACH})')
    owner.query('ANALYZE')
    until(owner, f"SELECT count(DISTINCT a.source) FROM lpr_data.audit AS q JOIN {ANSWERS.replace(' WHERE', ' ON a.ask = q.number AND')} "
                 f"AND q.payload LIKE '%\"received\", %\"plates\": {plates},%' AND a.sqlstate IS NULL", '3')


def idle_rounds(owner, n):
    """So many rounds of each source in which nothing is new: their milliseconds, and the bytes of log that an hour of them leaves."""
    start = owner.value('SELECT max(number) FROM lpr_data.audit')
    began = time.time()
    until(owner, f'SELECT count(*) >= {3 * n} FROM {ANSWERS} AND a.number > {start}', 't')
    taken = time.time() - began
    # With their line pointers, and their places in the index.
    size = int(owner.value(f"SELECT sum(pg_column_size(a) + 4 + 20) FROM lpr_data.audit AS a WHERE a.mode = 'display' AND a.number > {start}"))
    rows = owner.query(f"SELECT a.payload::json ->> 'milliseconds', a.payload::json ->> 'requests' FROM {ANSWERS} AND a.number > {start}")
    return [float(row[0]) / 1000 for row in rows], sum(int(row[1]) for row in rows) / len(rows), size * 3600 / taken


def new_reads(owner):
    """Reads that a vendor receives, so many a second; one in ten was seen by its camera some seconds before. Their times of receipt."""
    plates = [row[0] for row in owner.query("SELECT t.plate FROM lpr_data.target AS t WHERE t.plate ~ '^W\\d+X' ORDER BY random() LIMIT 1000")]
    received, n, start = {}, 0, time.time()
    while n < READS * SECONDS:
        batch = []
        while n < READS * SECONDS and n <= (time.time() - start) * READS:
            late = 7 if n % 10 == 0 else 0
            at = time.time() - late
            captured = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at)) + f'.{int(at % 1 * 1e6):06d}Z'
            batch.append({'vendor': SOURCES[n % 3], 'plate': plates[n % len(plates)], 'captured_at': captured})
            received[(SOURCES[n % 3], plates[n % len(plates)], captured)] = time.time()
            n += 1
            time.sleep(0.0005)
        if batch:
            vendor('POST', '/uploads', batch)
        time.sleep(0.02)
    return received


def found(owner, received):
    """Every read a hit, once; seconds from receipt until it was stored."""
    until(owner, f'SELECT count(*) >= {len(received)} FROM lpr_data.hit', 't', 120)
    time.sleep(2 * ROUND)
    rows = []
    for source in SOURCES:
        for part in range(0, len(received), 1000):
            rows += owner.query(f"SELECT h.source, t.plate, to_char(h.captured_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), extract(epoch FROM h.seen_at) "
                                "FROM lpr_data.hit AS h JOIN lpr_data.display_item AS i USING (item_id) JOIN lpr_data.target AS t USING (target_id) "
                                f"WHERE h.source = '{source}' ORDER BY h.hit_id OFFSET {part} LIMIT 1000")
    keys = [tuple(row[:3]) for row in rows]
    exact = sorted(keys) == sorted(received)
    return exact, sorted(float(row[3]) - received[tuple(row[:3])] for row in rows if tuple(row[:3]) in received)


def question_cost(owner, session):
    """Processor time of 100 questions, of backend and writer together."""
    writer = owner.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'lpr audit writer'")
    before = cpu(session.pid) + cpu(writer)
    for _ in range(100):
        timed_query(session, "SELECT count(*) FROM lpr.reads WHERE source = 'west' AND plate = 'BULK1'", ['1'])
    return (cpu(session.pid) + cpu(writer) - before) / 100


def watch(table):
    owner, session = Session('postgres'), analyst()
    with open(os.path.join(os.path.dirname(__file__), 'watch.sql'), encoding='utf-8') as file:
        owner.query(file.read())
    owner.query("SELECT lpr.set_cache_time('12 hours')")
    quiet = question_cost(owner, session)
    watched(owner, PLATES // 2)
    half, _, _ = idle_rounds(owner, 4)
    watched(owner, PLATES)
    pid = owner.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'lpr watcher'")
    whole, requests, log = idle_rounds(owner, 6)
    before = status(pid, 'VmRSS')
    what = f'{PLATES:,} plates, 3 sources, rounds of {ROUND} s'
    lists = (PLATES + LIST - 1) // LIST
    table.add(f'{what}: requests a round and source', f'{requests:.1f}', '', f'{requests / lists:.2f}', '≤ 1.1 a list', requests <= 1.1 * lists)
    table.add(f'{what}: a round, against half the plates', milliseconds(median(whole)), milliseconds(median(half)),
              f'{median(whole) / median(half):.2f}', '≤ 2', median(whole) <= 2 * median(half))
    table.add(f'{what}, nothing new: log an hour', f'{log / 1e6:.1f} MB', '', '', '≤ 3 MB', log <= 3e6)
    counts = [seconds(lambda: owner.query('SELECT * FROM lpr_data.recount_watch()')) for _ in range(5)]
    table.add(f'{PLATES:,} items of {PLATES // EACH:,} owners: full recount', milliseconds(median(counts)), '', '',
              '≤ 100 ms' if PLATES >= 100_000 else '', median(counts) <= 0.1 if PLATES >= 100_000 else None)
    busy = question_cost(owner, session)
    table.add(f'{what}: processor time of a question meanwhile, against none watched', milliseconds(busy), milliseconds(quiet),
              f'{busy / quiet:.2f}', '≤ 1.1', busy <= 1.1 * quiet)
    received = new_reads(owner)
    exact, late = found(owner, received)
    p99 = late[int(len(late) * 0.99)] if late else float('inf')
    table.add(f'{what}, {READS} new reads/s for {SECONDS} s: each a hit, once', f'{len(late):,} of {len(received):,}', '', '', 'all, once', exact)
    table.add(f'{what}, {READS} new reads/s: from receipt to the hit, p99 (median)', f'{p99:.1f} s ({median(late):.1f} s)', '', '',
              f'≤ {2 * ROUND + 1} s', p99 <= 2 * ROUND + 1)
    rss = status(pid, 'VmHWM')
    table.add(f'{what}: peak RSS of the watcher (before the reads: {before:.0f} MB)', f'{rss:.0f} MB', '', '', '≤ 128 MB', rss <= 128)
    few = [row[0] for row in owner.query("SELECT t.plate FROM lpr_data.target AS t WHERE t.plate ~ '^W\\d+X' LIMIT 100")]
    peer = seconds(lambda: owner.query("SELECT count(*) FROM unnest('{%s}'::text[]) AS p (plate), LATERAL (SELECT count(*) FROM bench.python_reads("
                                       "'%s/north/lpr-v1', 'sim-lpr-token', p.plate)) AS r" % (','.join(few), VENDOR)))
    scaled = peer / len(few) * PLATES
    table.add(f'{PLATES:,} plates of a source once: against plpython3u + requests, a request a plate ({len(few)}, scaled)',
              milliseconds(median(whole)), f'{scaled:.1f} s', f'{scaled / median(whole):.0f}')
    owner.query('DELETE FROM lpr_data.cache_time')
    owner.close()
    session.close()
