"""The world: what the simulator's control routes tell of a vendor, in no dialect."""
import collections
import hashlib
import http.client
import json
import math
import threading
import urllib.parse

# One sighting. `t` is in microseconds since 1970; `camera` is a Camera.
Read = collections.namedtuple("Read", "id t plate region confidence region_confidence camera make model color")
Camera = collections.namedtuple("Camera", "id number name latitude longitude address owner type region country")


def number_of(*texts):
    """A number of 52 bits that stands for these texts."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, texts)).encode()).digest()[:7], "big") >> 4


def distance_m(lat1, lon1, lat2, lon2):
    """Along the great circle of a sphere of 6371008.8 m."""
    lat1, lon1, lat2, lon2 = map(math.radians, (lat1, lon1, lat2, lon2))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6371008.8 * math.asin(math.sqrt(half))


class World:
    def __init__(self, port):
        self.port = port
        self.kept = {}
        self.lock = threading.Lock()

    def ask(self, method, target, body=None):
        """One request to the simulator: (status, type, body)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request(method, target, body, {"Content-Type": "application/json"} if body else {})
            reply = connection.getresponse()
            return reply.status, reply.headers.get("Content-Type", "text/plain"), reply.read()
        finally:
            connection.close()

    def get(self, route, **arguments):
        target = "/control/%s?%s" % (route, urllib.parse.urlencode(
            {name: value for name, value in arguments.items() if value is not None}))
        status, _, body = self.ask("GET", target)
        if status != 200:
            raise RuntimeError("%s: %d %s" % (target, status, body))
        return body.decode()

    def cameras(self, vendor):
        """The cameras of a vendor by id."""
        with self.lock:
            if vendor not in self.kept:
                self.kept[vendor] = {camera["id"]: Camera(*(camera[name] for name in Camera._fields))
                                     for camera in json.loads(self.get("cameras", vendor=vendor))}
            return self.kept[vendor]

    def reads(self, vendor, plates=None, start=None, end=None, camera=None):
        """Its reads, the oldest first: of plates in any spelling, from start to end, both in it, in microseconds."""
        if plates is not None:
            plates = [plate for plate in map(plain, plates) if plate]
            if not plates:
                return []
        cameras = self.cameras(vendor)
        lines = self.get("reads", vendor=vendor, plate=",".join(plates) if plates else None, camera=camera,
                         **{"from": rfc3339(start), "until": rfc3339(end)}).splitlines()
        reads = []
        for line in lines:
            its = json.loads(line)
            reads.append(Read(its["id"], its["t_us"], its["plate"], its["region"], its["confidence"],
                              its["region_confidence"], cameras[its["camera"]], its["make"], its["model"],
                              its["color"]))
        return reads


def plain(plate):
    """A plate without what vendors put between its characters."""
    return "".join(c for c in plate.upper() if c.isalnum())


def rfc3339(t, digits=6):
    """A moment in UTC, with so many digits behind the second; None is None."""
    if t is None:
        return None
    seconds, rest = divmod(t, 1000000)
    days, seconds = divmod(seconds, 86400)
    # Days since 1970 to a date: by 400 years of 146097 days (proleptic Gregorian).
    days += 719468
    era, day = divmod(days, 146097)
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    return "%04d-%02d-%02dT%02d:%02d:%02d%sZ" % (
        year + era * 400 + (month >= 10), month + 3 if month < 10 else month - 9, day - (153 * month + 2) // 5 + 1,
        seconds // 3600, seconds // 60 % 60, seconds % 60, (".%06d" % rest)[:digits + 1] if digits else "")
