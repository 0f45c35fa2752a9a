"""verkada-v2, by apidocs.verkada.com: "Search License Plate Events" (postlicenseplatesearchviewv2), and by the schema
of postLicensePlateSearchViewV2 as yujiterada/mcp-server-verkada took it from the vendor's OpenAPI
(src/tools/product/camera/search-license-plate-search.ts). The sign-in is that of verkada-v1. What they leave open:
docs/vendors/verkada-v2.md."""
import desk
import front
import strict
import verkada_v1
import world

NAME = "verkada-v2"
THREE_YEARS = 3 * 365 * 86400000000
SEARCH = {"type": "object", "required": ["start_time", "end_time"], "properties": {
    "start_time": {"type": "string"}, "end_time": {"type": "string"}, "cursor": {"type": "string", "minLength": 1},
    "license_plate": {"type": "string", "minLength": 1},
    "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
    "geo_fence": {"type": "array", "minItems": 3, "maxItems": 700, "items": {
        "type": "object", "required": ["latitude", "longitude"], "properties": {
            "latitude": {"type": "number", "minimum": -90, "maximum": 90},
            "longitude": {"type": "number", "minimum": -180, "maximum": 180}}}}}}

STATUSES = verkada_v1.STATUSES
error = verkada_v1.error


def kind_of(rq):
    try:
        return "page" if "cursor" in strict.read_json(rq.body) else "search"
    except (ValueError, TypeError):
        return "search"


def search(its, rq):
    strict.no_query(rq)
    verkada_v1.authorize(its, rq)
    question = strict.json_body(rq, SEARCH)
    start, end = strict.moment(question["start_time"]), strict.moment(question["end_time"])
    if start is None or end is None:
        raise strict.Refused(400, "start_time and end_time are in ISO 8601")
    if start > end or end - start > THREE_YEARS:
        raise strict.Refused(400, "the time range is at most 3 years")
    if "*" in question.get("license_plate", ""):
        raise strict.Refused(400, "wildcards are documented, but not served here")
    limit, cursor = question.pop("limit", 100), question.pop("cursor", None)
    if cursor is None:
        found, first = reads(its, rq.vendor, question, start, end), 0
    else:
        kept = its.kept(cursor)
        if kept is None or kept[0] != question:
            raise strict.Refused(400, "the cursor is not one of this question")
        _, found, first = kept
    shown = found[first:first + limit]
    following = its.keep((question, found, first + limit)) if first + limit < len(found) else None
    return front.Reply({"cursor": following, "items": [write(its, rq, read) for read in shown]}, reads=len(shown))


def reads(its, vendor, question, start, end):
    """Newest first. Whether the end belongs to the range is not said: here it does not."""
    plates = [question["license_plate"]] if "license_plate" in question else None
    found = its.world.reads(vendor, plates, start, end - 1)
    if "geo_fence" in question:
        ring = [(corner["longitude"], corner["latitude"]) for corner in question["geo_fence"]]
        found = [read for read in found if read.camera.latitude is not None
                 and inside(ring, read.camera.longitude, read.camera.latitude)]
    return found[::-1]


def inside(ring, x, y):
    odd = False
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1]):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            odd = not odd
    return odd


def write(its, rq, read):
    camera = read.camera
    if its.settings["sparse"]:
        return {"read_id": read.id, "plate": read.plate, "lat": camera.latitude, "lon": camera.longitude,
                "event_time": world.rfc3339(read.t), "plate_state": None, "image_data": None, "agency_name": None}
    return {"read_id": read.id, "plate": read.plate, "plate_state": read.region, "lat": camera.latitude,
            "lon": camera.longitude, "event_time": world.rfc3339(read.t), "camera_name": camera.name,
            "site_id": "site-%d" % (camera.number // 10), "agency_name": camera.owner, "ori": None, "user_id": None,
            "image_data": its.signed(rq.base, "/media/%s-plate" % read.id, read.id + "-plate"),
            "additional_image": its.signed(rq.base, "/media/%s-vehicle" % read.id, read.id + "-vehicle")}


def image(its, rq, name):
    its.check(rq, name)
    return front.Reply(desk.jpeg(name), kind="image/jpeg")


ROUTES = [
    ("POST", "/token", "login", verkada_v1.sign_in),
    ("POST", "/v2/cameras/ncic/license_plates/search", kind_of, search),
    ("GET", r"/media/(\w+-\w+)", "image", image)]
