"""house: what the cases share: the simulator, the clock, rounds, the table."""
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request

from pq import Session

VENDOR = os.environ['LPR_VENDOR_URL']
ROUNDS = max(int(os.environ.get('ROUNDS', '7')), 5)

# All columns of lpr.reads but the images, and the caveat, which is the same in every row; expires_at is always null.
COLUMNS = ('event_id source read_id plate plate_as_read plate_region country captured_at recent latitude longitude address '
           'camera_id camera_owner camera_type make model color confidence matched_how fetched_at from_cache place_certainty '
           'expires_at').split()
COUNT_ALL = 'count(*), ' + ', '.join(f'count({column})' for column in COLUMNS)


def say(text):
    print(text, file=sys.stderr, flush=True)


def vendor(method, path, body=None):
    """One request to the simulator's own routes."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(VENDOR + '/control' + path, data, {'Content-Type': 'application/json'}, method=method)
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as reply:
        return json.loads(reply.read())


def requests_seen(name):
    """Requests that a vendor of the simulator has seen since forget_requests()."""
    return len(vendor('GET', f'/log?vendor={name}'))


def forget_requests():
    vendor('DELETE', '/log')


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def rounds(works, n=ROUNDS):
    """Alternates: each round does each of the works once, and a round that is not counted comes first. {name: [seconds]}"""
    times = {name: [] for name in works}
    for turn in range(n + 1):
        for name, work in works.items():
            taken = work()
            if turn > 0:
                times[name].append(taken)
    return times


def ratio(times, above, below):
    """The median of the rounds' own ratios: what slows a round slows both."""
    return statistics.median(a / b for a, b in zip(times[above], times[below]))


median = statistics.median


def timed_query(session, sql, first=None, nrows=1):
    """Seconds of a statement, which has to give so many rows, the first of them beginning with `first`."""
    start = time.perf_counter()
    rows = session.query(sql)
    taken = time.perf_counter() - start
    if session.nrows != nrows or (first is not None and rows[0][:len(first)] != first):
        raise SystemExit(f'bench: expected {nrows} rows, {first}; got {session.nrows}, {rows[:1]}, of: {sql[:300]}')
    return taken


class Peer:
    """The C program, which waits for its turns."""

    def __init__(self, source, plate):
        self.process = subprocess.Popen([os.environ['PEER'], f'{VENDOR}/{source}/lpr-v1', 'sim-lpr-token', plate], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, what, expected):
        self.process.stdin.write(what + '\n')
        self.process.stdin.flush()
        line = self.process.stdout.readline().split()
        if len(line) != 3 or int(line[0]) != expected:
            raise SystemExit(f'bench: the peer said {line}')
        return float(line[2])

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Table:
    """What the bench has to tell. Unmet numbers are told again below it."""

    def __init__(self):
        self.rows = []

    def add(self, what, ours, peer='', number='', wanted='', met=None):
        self.rows.append((what, ours, peer, number, wanted, '' if met is None else 'yes' if met else '**no**'))
        say('  ' + ' | '.join(self.rows[-1]))

    def markdown(self):
        lines = ['| what | ours | peer | ratio | wanted | met? |', '|---|---|---|---|---|---|']
        lines += ['| ' + ' | '.join(row) + ' |' for row in self.rows]
        lines += [f'\nNot met: {row[0]}: {row[3] or row[1]}, wanted {row[4]}.' for row in self.rows if row[5] == '**no**']
        return '\n'.join(lines)


def milliseconds(value):
    return f'{value * 1000:.0f} ms' if value >= 0.01 else f'{value * 1000:.1f} ms'


def status(pid, field):
    """A field of /proc/PID/status, in MB."""
    with open(f'/proc/{pid}/status', encoding='ascii') as lines:
        for line in lines:
            if line.startswith(field + ':'):
                return int(line.split()[1]) / 1024
    raise SystemExit(f'bench: no {field} of process {pid}')


def analyst():
    session = Session('analyst')
    code = session.value('SELECT code FROM lpr.rules()')
    session.query(f"SELECT lpr.accept_rules('{code}'), lpr.work_on(1)")
    return session
