"""interrupts: how long a backend that waits for a vendor takes to come back when it is told to."""
import socket
import time

from house import analyst, milliseconds, requests_seen, forget_requests, say, vendor
from pq import Failed, Session

TRIES = 10
LIMIT = 0.250


def deaf_socket():
    """A listening socket of loopback whose backlog is full: who connects to it waits. Returns what has to stay open."""
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(0)
    crowd = [listener]
    for _ in range(4):
        client = socket.socket()
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        crowd.append(client)
    time.sleep(0.2)
    return listener.getsockname()[1], crowd


def waits(admin, pid):
    state = admin.query(f'SELECT state, wait_event_type FROM pg_stat_activity WHERE pid = {pid}')[0]
    return state == ['active', 'Extension']


def one_try(admin, session, sql, by_timeout):
    """Seconds from the interrupt to the error at the client; None when it came with another SQLSTATE or at the wrong time."""
    if by_timeout:
        session.query("SET statement_timeout = '400ms'")
    start = time.perf_counter()
    session.send(sql)
    if by_timeout:
        told = start + 0.4
    else:
        time.sleep(0.3)
        waiting = waits(admin, session.pid)
        told = time.perf_counter()
        admin.query(f'SELECT pg_cancel_backend({session.pid})')
    state = 'no error'
    try:
        session.result()
    except Failed as failed:
        state = failed.sqlstate
    taken = time.perf_counter() - told
    if by_timeout:
        session.query('RESET statement_timeout')
    elif not waiting:
        say(f'  not waiting: {sql}')
        return None
    if session.value('SELECT 1') != '1' or state != '57014' or taken < 0:
        say(f'  SQLSTATE {state} after {taken:.3f} s: {sql}')
        return None
    return taken


def stays(session, sql):
    """Whether the phase lasts: without an interrupt there is neither answer nor failure within two seconds."""
    session.query("SET statement_timeout = '2s'")
    try:
        session.query(sql)
        state = 'no error'
    except Failed as failed:
        state = failed.sqlstate
    session.query('RESET statement_timeout')
    return state == '57014'


def cancel(table):
    """What waits is interrupted: every phase, ten times by pg_cancel_backend() and ten times by statement_timeout."""
    admin, session = Session('postgres'), analyst()
    port, crowd = deaf_socket()
    for name, url in (('nameless', 'https://vendor.slow.invalid'), ('deaf', f'http://127.0.0.1:{port}')):
        admin.query(f"SELECT lpr.add_source('{name}', 'lpr-v1', '{url}/{name}/lpr-v1', secret => 'sim-lpr-token', "
                    "assessment => 'bench', grant_to => '{lpr_user}')")
        admin.query(f"SELECT lpr.approve_source('{name}', 'bench', published_on => '2017-12-11')")
    vendor('DELETE', '/faults')
    vendor('POST', '/faults', [{'vendor': 'hang', 'fault': 'hang'},
                               {'vendor': 'drip', 'fault': 'drip', 'ms': 100},
                               {'vendor': 'busy', 'fault': 'rate_limit', 'retry_after': 20}])
    for phase, source in (('name lookup', 'nameless'), ('connect', 'deaf'), ('first byte', 'hang'), ('body', 'drip'), ('429 wait', 'busy')):
        sql = f"SELECT count(*) FROM lpr.reads WHERE source = '{source}' AND plate = 'BULK1000'"
        lasts = stays(session, sql)
        for by_timeout in (False, True):
            forget_requests()
            taken = [one_try(admin, session, sql, by_timeout) for _ in range(TRIES)]
            # Where the simulator is reached, each try has reached it once.
            good = lasts and None not in taken and (source in ('nameless', 'deaf') or requests_seen(source) == TRIES)
            worst = max((one for one in taken if one is not None), default=0)
            table.add(f'{"statement_timeout" if by_timeout else "cancel"} during {phase}: worst of {TRIES}, 57014',
                      milliseconds(worst) + ('' if good else ' (not every try)'), '', '', f'≤ {LIMIT * 1000:.0f} ms',
                      good and worst <= LIMIT)
    vendor('DELETE', '/faults')
    for name in ('nameless', 'deaf'):
        admin.query(f"SELECT lpr.remove_source('{name}')")
    for one in crowd:
        one.close()
    admin.close()
    session.close()
