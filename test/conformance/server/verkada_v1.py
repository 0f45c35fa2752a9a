"""verkada-v1, by apidocs.verkada.com: "Get API Token" (postloginapikeyviewv2), "Get seen license plates" (lpr-1,
getlprimagesview), "Get Camera Data" (devices), "Pagination", "Rate limiting", "Response codes". What they leave open:
docs/vendors/verkada-v1.md."""
import base64
import secrets

import desk
import front
import strict
import world

NAME = "verkada-v1"
HALF_HOUR = 1800
DAY = 86400
STATUSES = {400: "Request could not be processed", 401: "Missing or Invalid API Key",
            403: "API key does not have required permissions", 404: "The requested resource doesn't exist",
            429: "You have exceeded the API rate limit"}
TIME = {"type": "integer", "minimum": 0}
# page_token is an integer in the table of the call, and a string on the page about paging: see the setting.
SEEN = {"camera_id": {"type": "string", "required": True}, "license_plate": {"type": "string", "minLength": 1},
        "start_time": TIME, "end_time": TIME, "page_size": {"type": "integer", "minimum": 0, "maximum": 200},
        "page_token": {"type": "string", "minLength": 1}}
DEVICES = {"page_size": {"type": "integer", "minimum": 0, "maximum": 200}, "page_token": {"type": "string"}}


def error(_status, message, _kind):
    return {"id": "0e2d", "message": message, "data": None}


def kind_of(rq):
    return "page" if "page_token" in dict(rq.query) else "search"


def sign_in(its, rq):
    strict.no_query(rq)
    strict.no_body(rq)
    if rq.header("x-api-key") != its.secret:
        raise strict.Refused(401, "Missing or Invalid API Key")
    return front.Reply({"token": its.issue(rq.vendor, HALF_HOUR)[0]})


def authorize(its, rq):
    if rq.method == "GET":
        strict.no_body(rq)
    if rq.header("x-api-key") is not None:
        raise strict.Refused(400, "the API key is for the token only")
    state = its.state(rq.vendor, rq.header("x-verkada-auth"))
    if state != "good":
        raise strict.Refused(401, "Token expired" if state == "expired" else "Missing or Invalid API Token")
    if not its.under(rq.vendor, its.settings["verkada_per_minute"], 60):
        raise strict.Refused(429, "You have exceeded the API rate limit")


def seen(its, rq):
    authorize(its, rq)
    asked = strict.parameters(rq, SEEN)
    camera = its.world.cameras(rq.vendor).get(asked["camera_id"])
    if camera is None:
        raise strict.Refused(404, "The requested resource doesn't exist")
    start = asked.get("start_time", rq.arrived // 1000000 - DAY)
    end = asked.get("end_time", rq.arrived // 1000000)
    question = {name: asked.get(name) for name in ("camera_id", "license_plate", "start_time", "end_time")}
    if start > end:
        raise strict.Refused(400, "start_time is after end_time")
    if "page_token" in asked:
        kept = its.kept(asked["page_token"])
        if kept is None or kept[0] != question:
            raise strict.Refused(400, "page_token is not one of this question")
        _, found, first = kept
    else:
        plates = [asked["license_plate"]] if "license_plate" in asked else None
        found = its.world.reads(rq.vendor, plates, start * 1000000, end * 1000000 + 999999, camera.id)
        first = 0
    size = asked.get("page_size") or 100
    shown = found[first:first + size]
    token = None
    if first + size < len(found):
        token = its.keep((question, found, first + size), new_token(its.settings["verkada_tokens"]))
    return front.Reply({"camera_id": camera.id, "detections": [write(its, rq, read) for read in shown],
                        "next_page_token": token}, reads=len(shown))


def new_token(form):
    if form == "integer":
        return secrets.randbelow(1 << 52) + 1
    return base64.b64encode(b"\xfb\xef\xff" + secrets.token_bytes(13)).decode() # with + / =


def write(its, rq, read):
    if its.settings["sparse"]:
        return {"timestamp": read.t // 1000000, "license_plate": read.plate}
    return {"timestamp": read.t // 1000000, "license_plate": read.plate,
            "image_url": its.signed(rq.base, "/media/%s-plate" % read.id, read.id + "-plate"),
            "vehicle_image_url": its.signed(rq.base, "/media/%s-vehicle" % read.id, read.id + "-vehicle")}


def devices(its, rq):
    authorize(its, rq)
    asked = strict.parameters(rq, DEVICES)
    cameras = list(its.world.cameras(rq.vendor).values())
    first = its.kept(asked["page_token"]) if "page_token" in asked else 0
    if first is None:
        raise strict.Refused(400, "page_token is not known")
    size = asked.get("page_size") or 100
    token = its.keep(first + size, new_token("text")) if first + size < len(cameras) else None
    return front.Reply({"cameras": [device(one) for one in cameras[first:first + size]], "next_page_token": token})


def device(one):
    return {"camera_id": one.id, "name": one.name, "site": one.owner or "Patrol", "location": one.address or "",
            "location_lat": one.latitude, "location_lon": one.longitude, "location_angle": 0.0, "status": "Live",
            "model": "CB62-E", "serial": "S" + one.id, "timezone": "America/Los_Angeles"}


def image(its, rq, name):
    its.check(rq, name)
    return front.Reply(desk.jpeg(name), kind="image/jpeg")


ROUTES = [
    ("POST", "/token", "login", sign_in),
    ("GET", "/cameras/v1/analytics/lpr/images", kind_of, seen),
    ("GET", "/cameras/v1/devices", "cameras", devices),
    ("GET", r"/media/(\w+-\w+)", "image", image)]
