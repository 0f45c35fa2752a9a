"""rekor-scout-v2, by openalpr/doc: source/scout.yaml, "Rekor Scout API" v2.0.1. What it leaves open:
docs/vendors/rekor-scout-v2.md."""
import re

import desk
import front
import strict
import world

NAME = "rekor-scout-v2"
SEARCH = {"api_key": {"type": "string"}, "site": {"type": "string"}, "camera": {"type": "number"},
          "start": {"type": "string"}, "end": {"type": "string"}, "plate": {"type": "string"},
          "topn": {"type": "number", "minimum": 1}, "order": {"type": "string", "enum": ["asc", "desc"]}}
CROP = ("x", "y", "width", "height")
IMAGE = {"api_key": {"type": "string"}, "max_width": {"type": "string", "pattern": r"^\d+$"},
         **{name: {"type": "string", "pattern": r"^\d+(\.\d+)?$"} for name in CROP}}
TOPN = 10  # the document has no default
WIDTH, HEIGHT = 1280, 720
STATUSES = {400: "Bad input provided.  Adjust the query parameters and try again.",
            401: "Unauthorized.  You must either provide a valid api_key or have a logged in session"}
NEEDED = ("agent_uid", "best_confidence", "best_plate", "best_uuid", "epoch_time_start", "camera_id")


def error(_status, message, _kind):
    return message


def authorize(its, rq):
    strict.no_body(rq)
    if [value for name, value in rq.query if name == "api_key"] != [its.secret]:
        raise strict.Refused(401, STATUSES[401])
    if rq.header("Authorization") is not None:
        raise strict.Refused(400, "a header Authorization is not documented")


def time_of(asked, name):
    if name not in asked:
        return None
    t = strict.moment(asked[name], "any")
    if t is None:
        raise strict.Refused(400, name + " is not in ISO 8601")
    return t


def search(its, rq):
    authorize(its, rq)
    asked = strict.parameters(rq, SEARCH)
    start, end = time_of(asked, "start"), time_of(asked, "end")
    if start is None and end is None:
        raise strict.Refused(400, "start or end must be defined")
    camera = None
    if "camera" in asked:
        camera = next((one.id for one in its.world.cameras(rq.vendor).values() if one.number == asked["camera"]), "")
    found = its.world.reads(rq.vendor, [asked["plate"]] if "plate" in asked else None, start, end, camera or None)
    if camera == "":
        found = []
    if "site" in asked:
        found = [read for read in found if site(read.camera) == asked["site"]]
    if asked.get("order", "desc") == "desc":
        found.reverse()
    found = found[:int(asked.get("topn", TOPN))]
    return front.Reply([write(its, rq.vendor, read) for read in found], reads=len(found))


def site(camera):
    return re.sub(r" \w+ \w+ \d+$", "", camera.name)


def corners(read):
    """The box of a plate in its image: x, y, width, height."""
    number = world.number_of("box", read.id)
    return 100.5 + number % 900, 50.25 + number // 900 % 500, 80 + number % 97, 24 + number % 31


def write(its, vendor, read):
    agent = "AG" + read.camera.id.upper()
    # One image may show several plates: all that a camera saw in the same ten minutes is on one here.
    uuid = "%s-%d-%d" % (agent, read.camera.number, read.t // 600000000)
    x, y, width, height = corners(read)
    its.keep((agent, WIDTH, HEIGHT), "image %s %s" % (vendor, uuid))
    zone = ("Z", "+00:00")[world.number_of(read.id) % 2] if its.settings["rekor_zone"] == "told" else ""
    fields = {
        "agent_uid": agent, "best_confidence": round(read.confidence * 100, 4), "best_plate": read.plate,
        "best_index": world.number_of("index", read.id) % 1000, "best_uuid": uuid,
        "epoch_time_start": world.rfc3339(read.t)[:-1] + zone,
        "epoch_time_end": world.rfc3339(read.t + 2500000)[:-1] + zone,
        "camera": read.camera.number, "camera_id": read.camera.number, "company": 7, "site": site(read.camera),
        "site_id": world.number_of(site(read.camera)) % 10000, "img_width": WIDTH, "img_height": HEIGHT,
        "plate_x1": x, "plate_y1": y, "plate_x2": x + width, "plate_y2": y, "plate_x3": x + width,
        "plate_y3": y + height, "plate_x4": x, "plate_y4": y + height, "processing_time_ms": 41.75}
    if its.settings["sparse"]: # the document requires nothing at all
        fields = {name: fields[name] for name in NEEDED}
    return {"pk": world.number_of("rekor", read.id), "model": "alpr.alprplate", "fields": fields}


def cameras(its, rq):
    """Its reply is not described: that of the simulator, which is modelled on the search."""
    authorize(its, rq)
    strict.parameters(rq, {"api_key": {"type": "string"}})
    return front.Reply([{"pk": one.number, "model": "cameras.camera", "fields": {
        "camera_id": one.number, "name": one.name, "site": site(one), "latitude": one.latitude,
        "longitude": one.longitude}} for one in its.world.cameras(rq.vendor).values()])


def image(its, rq, agent, uuid):
    authorize(its, rq)
    asked = strict.parameters(rq, IMAGE)
    crop = [float(asked[name]) for name in CROP if name in asked]
    if len(crop) not in (0, 4):
        raise strict.Refused(400, "x, y, width and height go together")
    kept = its.kept("image %s %s" % (rq.vendor, uuid))
    if kept is None or kept[0] != agent:
        raise strict.Refused(404, "not found")
    if crop and not (crop[0] + crop[2] <= WIDTH and crop[1] + crop[3] <= HEIGHT and crop[2] > 0 and crop[3] > 0):
        raise strict.Refused(400, "the crop is not within the image")
    what = "plate " + ",".join("%g" % one for one in crop) if crop else "vehicle"
    return front.Reply(desk.jpeg("%s %s" % (uuid, what)), kind="image/jpeg")


ROUTES = [
    ("GET", "/api/search/plate", "search", search),
    ("GET", "/api/cameras/", "cameras", cameras),
    ("GET", "/img/([^/]+)/([^/]+)", "image", image)]
