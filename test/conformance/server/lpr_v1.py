"""lpr-v1, by docs/vendor-api.yaml, our own protocol."""
import desk
import front
import strict
import world

NAME = "lpr-v1"
TEXT = {"type": "string", "maxLength": 64}
QUESTION = {"type": "object", "properties": {
    "plates": {"type": "array", "minItems": 1, "maxItems": 1000,
               "items": {"type": "string", "minLength": 1, "maxLength": 16}},
    "region": {"type": "string", "pattern": "^[A-Z]{2}$"},
    "near": {"type": "object", "required": ["latitude", "longitude", "radius_m"], "properties": {
        "latitude": {"type": "number", "minimum": -90, "maximum": 90},
        "longitude": {"type": "number", "minimum": -180, "maximum": 180},
        "radius_m": {"type": "number", "minimum": 1, "maximum": 500000}}},
    "address": {"type": "string", "maxLength": 200}, "make": TEXT, "model": TEXT,
    "from": {"type": "string", "format": "date-time"}, "until": {"type": "string", "format": "date-time"},
    "order": {"type": "string", "enum": ["captured_at_desc", "captured_at_asc"]},
    "page_size": {"type": "integer", "minimum": 1, "maximum": 1000}, "cursor": {"type": "string"}}}
REFERENCE = {"type": "string", "pattern": r"^[A-Za-z0-9._:-]{1,128}\Z"}
CODES = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 404: "not_found", 405: "bad_request",
         422: "unprocessable", 429: "rate_limited", 503: "unavailable"}
STATUSES = {400: "bad", 401: "who?", 403: "not you", 422: "no question", 429: "too many", 503: "later"}


def error(status, message, _kind):
    return {"error": {"code": CODES[status], "message": message}}


def kind_of(rq):
    try:
        return "page" if "cursor" in strict.read_json(rq.body) else "search"
    except (ValueError, TypeError):
        return "search"


def search(its, rq):
    strict.no_query(rq)
    if rq.header("Authorization") != "Bearer " + its.secret:
        raise strict.Refused(401, "the token is not good")
    wrong = strict.fault(rq.header("X-Request-Reference"), REFERENCE, "X-Request-Reference")
    if wrong:
        raise strict.Refused(400, wrong)
    question = strict.json_body(rq, QUESTION, 422)
    if not {"plates", "near", "address", "make"} & set(question):
        raise strict.Refused(422, "a question has plates, a place or a vehicle")
    if any(world.plain(plate) != plate for plate in question.get("plates", ())):
        raise strict.Refused(422, "plates are in normal form: upper case, no separators")
    if "model" in question and "make" not in question:
        raise strict.Refused(422, "a model goes with its make")
    size, cursor = question.pop("page_size", 1000), question.pop("cursor", None)
    if cursor is None:
        found, first = reads(its, rq.vendor, question), 0
    else:
        kept = its.kept(cursor)
        if kept is None or kept[0] != question:
            raise strict.Refused(400, "the cursor is not one of this question")
        _, found, first = kept
    shown = found[first:first + size]
    following = its.keep((question, found, first + size)) if first + size < len(found) else None
    return front.Reply({"next": following, "reads": [write(its, rq, read) for read in shown]}, reads=len(shown))


def reads(its, vendor, question):
    start, end = (strict.moment(question[name]) if name in question else None for name in ("from", "until"))
    if start is not None and end is not None and start > end:
        raise strict.Refused(422, "from is after until")
    found = [read for read in its.world.reads(vendor, question.get("plates"), start, end) if fits(read, question)]
    return found if question.get("order") == "captured_at_asc" else found[::-1]


def fits(read, question):
    camera, near = read.camera, question.get("near")
    if near and (camera.latitude is None or world.distance_m(near["latitude"], near["longitude"], camera.latitude,
                                                             camera.longitude) > near["radius_m"]):
        return False
    return (question.get("region", read.region) == read.region
            and question.get("address", "").lower() in (camera.address or "").lower()
            and ("address" not in question or camera.address is not None)
            and question.get("make", read.make).lower() == read.make.lower()
            and question.get("model", read.model).lower() == read.model.lower())


def write(its, rq, read):
    if its.settings["sparse"]:
        point = {} if read.camera.latitude is None else {"latitude": read.camera.latitude,
                                                         "longitude": read.camera.longitude}
        return {"id": read.id, "plate": read.plate, "captured_at": world.rfc3339(read.t), "confidence": None,
                "camera": {"id": read.camera.id, "owner": None, **point}, "vehicle": None, "images": None}
    camera = {name: value for name, value in read.camera._asdict().items()
              if name in ("id", "latitude", "longitude", "address", "owner", "type", "region", "country")
              and (value is not None or name in ("owner", "country"))}
    moment = world.rfc3339(read.t)[:-1].rstrip("0").rstrip(".") # up to six decimals
    return {"id": read.id, "plate": read.plate, "plate_region": read.region, "captured_at": moment + "Z",
            "confidence": read.confidence, "camera": camera,
            "vehicle": {"make": read.make, "model": read.model, "color": read.color},
            "images": {name: its.signed(rq.base, "/images/%s-%s" % (read.id, file), "%s-%s" % (read.id, file))
                       for name, file in (("plate", "plate.png"), ("vehicle", "vehicle.jpg"))}}


def image(its, rq, name):
    its.check(rq, name)
    if name.endswith(".png"):
        return front.Reply(desk.png(name[:-4]), kind="image/png")
    return front.Reply(desk.jpeg(name[:-4]), kind="image/jpeg")


ROUTES = [
    ("POST", "/reads/search", kind_of, search),
    ("GET", r"/images/([\w.-]+)", "image", image)]
