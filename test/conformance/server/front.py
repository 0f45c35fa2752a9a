"""The front: HTTP on 127.0.0.1. Routes of dialects are answered here and logged; /control is the simulator's."""
import http.server
import itertools
import json
import re
import socketserver
import sys
import threading
import time
import traceback
import urllib.parse

import desk
import dialects
import strict

ROUTE = re.compile(r"/([a-z0-9_-]{1,39})/([a-z0-9-]+)(/[^?]*)(?:\?(.*))?\Z")


class Request:
    """What came: method, target, path beneath the base, query as pairs, headers, body."""

    def __init__(self, handler, body):
        self.method, self.target, self.version = handler.command, handler.path, handler.request_version
        self.headers, self.body = handler.headers, body
        self.connection = handler.number
        self.arrived = time.time_ns() // 1000
        found = ROUTE.match(self.target)
        self.vendor, self.dialect, self.path, query = found.groups() if found else (None, None, self.target, None)
        self.host = self.header("Host", "")
        self.base = "http://%s/%s/%s" % (self.host, self.vendor, self.dialect)
        self.query = [tuple(map(urllib.parse.unquote_plus, (pair + "=").split("=")[:2]))
                      for pair in query.split("&")] if query else []

    def header(self, name, otherwise=None):
        found = self.headers.get_all(name)
        if found and len(found) > 1:
            raise strict.Refused(400, "the header %s is there twice" % name)
        return found[0] if found else otherwise


class Reply:
    """What goes out: data as JSON, a text, or bytes of a type."""

    def __init__(self, content, status=200, kind="application/json", headers=(), reads=0):
        if isinstance(content, bytes):
            self.body = content
        elif kind == "application/json":
            self.body = json.dumps(content).encode()
        else:
            self.body = content.encode()
        self.status, self.kind, self.headers, self.reads = status, kind, dict(headers), reads


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    numbers = itertools.count(1)
    house = None

    def setup(self):
        super().setup()
        self.number = next(self.numbers)

    def log_message(self, *_):
        pass

    def any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        rq = Request(self, body)
        try:
            reply = self.house.control(rq) if self.path.startswith("/control/") else self.house.answer(rq)
        except Exception:  # pylint: disable=broad-except
            traceback.print_exc(file=sys.stderr)
            reply = Reply("the conformance server failed: " + traceback.format_exc(), 500, "text/plain")
        head = "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n" % (
            reply.status, self.responses.get(reply.status, ("-",))[0], reply.kind, len(reply.body))
        head += "".join("%s: %s\r\n" % pair for pair in reply.headers.items())
        try:
            self.wfile.write(head.encode() + b"\r\n" + reply.body)
        except OSError: # the client had enough
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = any


class House:
    """All vendors: the world, the log, and a desk for each dialect."""

    def __init__(self, world, told):
        self.world = world
        self.settings = dict(desk.SETTINGS)
        self.desks = {name: desk.Desk(name, its, world, self.settings) for name, its in told.items()}
        self.log = []
        self.count = 0
        self.lock = threading.Lock()

    def answer(self, rq):
        if rq.dialect not in self.desks:
            return Reply("no such dialect: see test/conformance/README.md\n", 404, "text/plain")
        module, its = dialects.TABLE[rq.dialect], self.desks[rq.dialect]
        kind = "other"
        try:
            for method, pattern, kind, action in module.ROUTES:
                found = re.fullmatch(pattern, rq.path)
                if found and method == rq.method:
                    break
            else:
                known = any(re.fullmatch(pattern, rq.path) for _, pattern, _, _ in module.ROUTES)
                kind = "other"
                raise strict.Refused(405 if known else 404, "no such route: %s %s" % (rq.method, rq.path))
            if callable(kind):
                kind = kind(rq)
            if kind == "search":
                self.fail(module)
            reply = action(its, rq, *map(urllib.parse.unquote, found.groups()))
        except strict.Refused as refused:
            content = module.error(refused.status, refused.message, kind)
            reply = Reply(content, refused.status, "application/json" if isinstance(content, dict) else "text/plain",
                          refused.headers)
        self.remember(rq, reply, kind)
        return reply

    def fail(self, module):
        """Refuses, once, if a test wants that: with an error that the document has."""
        with self.lock:
            status, self.settings["fail_status"] = self.settings["fail_status"], 0
        if status and status not in module.STATUSES:
            raise strict.Refused(500, "the document of %s has no status %d" % (module.NAME, status))
        if status:
            raise strict.Refused(status, module.STATUSES[status])

    def remember(self, rq, reply, kind):
        entry = {"t_us": rq.arrived, "vendor": rq.vendor, "dialect": rq.dialect, "class": kind, "method": rq.method,
                 "path": rq.target, "body": rq.body[:65536].decode("utf-8", "replace"), "status": reply.status,
                 "reference": rq.headers.get("X-Request-Reference"), "user_agent": rq.headers.get("User-Agent"),
                 "authorization": any(rq.headers.get(name) is not None
                                      for name in ("Authorization", "x-api-key", "x-verkada-auth")),
                 "http": rq.version, "connection": rq.connection, "reads": reply.reads}
        if reply.status >= 400:
            entry["refusal"] = reply.body.decode("utf-8", "replace")
        with self.lock:
            self.count += 1
            self.log.append({"n": self.count, **entry})

    def control(self, rq):
        path = rq.target.split("?")[0]
        arguments = dict(urllib.parse.parse_qsl(rq.target.partition("?")[2]))
        if path == "/control/log":
            with self.lock:
                if rq.method == "DELETE":
                    self.log = []
                    return Reply({"ok": True})
                return Reply([entry for entry in self.log if entry["n"] > int(arguments.get("since", 0))
                              and entry["vendor"] == arguments.get("vendor", entry["vendor"])
                              and entry["class"] == arguments.get("class", entry["class"])])
        if path == "/control/settings":
            return self.set(json.loads(rq.body))
        if path == "/control/faults" and rq.method == "POST":
            return Reply({"error": "faults are the simulator's"}, 501)
        status, kind, body = self.world.ask(rq.method, rq.target, rq.body or None)
        return Reply(body, status, kind)

    def set(self, wanted):
        for name, value in wanted.items():
            if name == "forget_tokens":
                for its in self.desks.values():
                    its.forget()
            elif name in self.settings and (name not in desk.CHOICES or value in desk.CHOICES[name]):
                self.settings[name] = value
            else:
                return Reply({"error": "unknown setting"}, 400)
        return Reply(self.settings)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128


def listen(port, world, told):
    handler = type("Ours", (Handler,), {"house": House(world, told)})
    return Server(("127.0.0.1", port), handler)
