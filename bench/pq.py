"""pq: as much of libpq as the bench needs. Connections are those of the environment (PGHOST, PGPORT, …)."""
import ctypes

_pq = ctypes.CDLL('libpq.so.5')
_pq.PQconnectdb.restype = ctypes.c_void_p
_pq.PQexec.restype = ctypes.c_void_p
_pq.PQgetResult.restype = ctypes.c_void_p
for _name in ('PQerrorMessage', 'PQgetvalue', 'PQresultErrorMessage', 'PQresultErrorField'):
    getattr(_pq, _name).restype = ctypes.c_char_p

COMMAND_OK, TUPLES_OK = 1, 2
DIAG_SQLSTATE = ord('C')


class Failed(Exception):
    def __init__(self, sqlstate, message):
        super().__init__(f'{sqlstate}: {message.strip()}')
        self.sqlstate = sqlstate


class Session:
    def __init__(self, user):
        # Warnings and notices would go to stderr; what they say shows in the counts, which are checked.
        conninfo = f"user={user} options='-c client_min_messages=error'".encode()
        self.connection = ctypes.c_void_p(_pq.PQconnectdb(conninfo))
        if _pq.PQstatus(self.connection) != 0:
            raise Failed('08006', _pq.PQerrorMessage(self.connection).decode())
        self.pid = _pq.PQbackendPID(self.connection)
        self.nrows = 0  # of the last result

    def close(self):
        _pq.PQfinish(self.connection)

    def _rows(self, result):
        result = ctypes.c_void_p(result)
        try:
            if _pq.PQresultStatus(result) not in (COMMAND_OK, TUPLES_OK):
                state = _pq.PQresultErrorField(result, DIAG_SQLSTATE) or b'?????'
                raise Failed(state.decode(), (_pq.PQresultErrorMessage(result) or b'').decode())
            self.nrows = _pq.PQntuples(result)
            columns = range(_pq.PQnfields(result))
            return [[_pq.PQgetvalue(result, row, column).decode() for column in columns]
                    for row in range(min(self.nrows, 1000))]
        finally:
            _pq.PQclear(result)

    def query(self, sql):
        """Runs a statement; its first 1,000 rows, or Failed."""
        return self._rows(_pq.PQexec(self.connection, sql.encode()))

    def value(self, sql):
        return self.query(sql)[0][0]

    def send(self, sql):
        if not _pq.PQsendQuery(self.connection, sql.encode()):
            raise Failed('08006', _pq.PQerrorMessage(self.connection).decode())

    def result(self):
        """Waits for the answer to send()."""
        rows = self._rows(_pq.PQgetResult(self.connection))
        while _pq.PQgetResult(self.connection):
            pass
        return rows
