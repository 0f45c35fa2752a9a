"""A desk: what a dialect keeps between requests: tokens, pages, requests of a span, signatures of images."""
import base64
import collections
import hashlib
import hmac
import secrets
import struct
import threading
import time
import urllib.parse
import zlib

import strict

# Settings that tests may change, POST /control/settings, and the values of those that have but some.
# token_uses: for how many requests a token is good (0: for any). sparse: what a document does not require is left out.
# rekor_zone: whether times have one. fail_status: with which error of its document the next search is refused, once.
SETTINGS = {"token_seconds": 0, "token_uses": 0, "image_seconds": 900, "flock_per_second": 0, "verkada_per_minute": 0,
            "verkada_tokens": "integer", "parkpow_list": "object", "parkpow_visits": "one", "parkpow_images": "whole",
            "sparse": False, "rekor_zone": "told", "fail_status": 0}
CHOICES = {"verkada_tokens": ("integer", "text"), "parkpow_list": ("object", "array"),
           "parkpow_visits": ("one", "two"), "parkpow_images": ("whole", "bare"),
           "sparse": (False, True), "rekor_zone": ("told", "none")}
PAGES = 2000


class Desk:
    def __init__(self, name, told, world, settings):
        self.name, self.world, self.settings = name, world, settings
        self.secret, self.client_id = told["secret"], told.get("client_id")
        self.key = secrets.token_bytes(16)
        self.tokens = {}
        self.pages = collections.OrderedDict()
        self.spans = {}
        self.lock = threading.Lock()

    # ---- tokens ----

    def issue(self, vendor, seconds):
        """A new token: (token, for how many seconds)."""
        seconds = self.settings["token_seconds"] or seconds
        token = "tok_" + secrets.token_hex(16)
        with self.lock:
            self.tokens[token] = [vendor, time.time() + seconds, 0]
        return token, seconds

    def state(self, vendor, token):
        """'good', which counts as a use, 'expired' or 'unknown'."""
        with self.lock:
            its = self.tokens.get(token)
            if its is None or its[0] != vendor:
                return "unknown"
            most = self.settings["token_uses"]
            if its[1] <= time.time() or (most and its[2] >= most):
                return "expired"
            its[2] += 1
            return "good"

    def forget(self):
        with self.lock:
            self.tokens.clear()

    # ---- pages ----

    def keep(self, page, token=None):
        """Keeps what the next page is made of, under a token."""
        token = token or "p:%s==" % base64.b64encode(secrets.token_bytes(14), b"+-").decode().rstrip("=")
        with self.lock:
            self.pages[str(token)] = page
            while len(self.pages) > PAGES:
                self.pages.popitem(last=False)
        return token

    def kept(self, token):
        with self.lock:
            return self.pages.get(str(token))

    # ---- rates ----

    def under(self, vendor, most, seconds):
        """Counts a request of a span of so many seconds; False: it is one too many."""
        span = int(time.time() / seconds)
        with self.lock:
            last, count = self.spans.get(vendor, (None, 0))
            count = count + 1 if last == span else 1
            self.spans[vendor] = span, count
        return not most or count <= most

    # ---- images ----

    def signature(self, what, expires):
        return hmac.new(self.key, ("%s|%d" % (what, expires)).encode(), hashlib.sha256).hexdigest()[:32]

    def signed(self, base, path, what):
        """The URL of an image that carries its own right."""
        expires = int(time.time()) + self.settings["image_seconds"]
        return "%s%s?%s" % (base, path, urllib.parse.urlencode({"expires": expires,
                                                                 "signature": self.signature(what, expires)}))

    def check(self, rq, what):
        """Refuses an image whose URL is not one of signed()."""
        strict.no_body(rq)
        strict.no_credential(rq)
        its = strict.parameters(rq, {"expires": {"type": "integer", "required": True},
                                     "signature": {"type": "string", "required": True}})
        if not hmac.compare_digest(its["signature"], self.signature(what, its["expires"])):
            raise strict.Refused(403, "the signature is not good")
        if its["expires"] < time.time():
            raise strict.Refused(403, "the URL has expired")


JPEG = bytes.fromhex(
    "ffdb004300030202020202030202020303030304060404040404080606050609080a0a090809090a0c0f0c0a0b0e0b09090d110d0e0f101011"
    "100a0c12131210130f101010ffc9000b080001000101011100ffcc000600101005ffda0008010100003f00d2cf20ffd9")


def jpeg(words):
    """A JPEG of one pixel that says words in a comment."""
    text = words.encode()
    return (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x01\x00\x48\x00\x48\x00\x00"
            + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + JPEG)


def png(words):
    """The same as a PNG."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
            + chunk(b"tEXt", b"Comment\0" + words.encode()) + chunk(b"IDAT", zlib.compress(b"\0\x80"))
            + chunk(b"IEND", b""))
