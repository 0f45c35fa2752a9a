"""flock-v3, by api-evangelist/flock-safety: openapi/flock-safety-oauth2-api-openapi.yml and
openapi/flock-safety-plate-reads-api-openapi.yml, version 3.0.0, and conventions/flock-safety-conventions.yml (audience,
24 hours). What they leave open: docs/vendors/flock-v3.md."""
import re
import urllib.parse

import front
import strict
import world

NAME = "flock-v3"
AUDIENCE = "com.flocksafety.integrations"
DAY = 86400
PAGE = 10  # the document has no default of `limit`
STATUSES = {400: "Bad request", 401: "The token is either expired or invalid.", 403: "Forbidden", 422: "Invalid lookup",
            429: "The maximum number of requests you can perform per second has been exceeded."}

STATES = {
    "AL": "alabama", "AK": "alaska", "AZ": "arizona", "AR": "arkansas", "CA": "california", "CO": "colorado",
    "CT": "connecticut", "DE": "delaware", "DC": "washington_dc", "FL": "florida", "GA": "georgia", "HI": "hawaii",
    "ID": "idaho", "IL": "illinois", "IN": "indiana", "IA": "iowa", "KS": "kansas", "KY": "kentucky",
    "LA": "louisiana", "ME": "maine", "MD": "maryland", "MA": "massachusetts", "MI": "michigan", "MN": "minnesota",
    "MS": "mississippi", "MO": "missouri", "MT": "montana", "NE": "nebraska", "NV": "nevada", "NH": "new_hampshire",
    "NJ": "new_jersey", "NM": "new_mexico", "NY": "new_york", "NC": "north_carolina", "ND": "north_dakota",
    "OH": "ohio", "OK": "oklahoma", "OR": "oregon", "PA": "pennsylvania", "RI": "rhode_island",
    "SC": "south_carolina", "SD": "south_dakota", "TN": "tennessee", "TX": "texas", "UT": "utah", "VT": "vermont",
    "VA": "virginia", "WA": "washington", "WV": "west_virginia", "WI": "wisconsin", "WY": "wyoming",
    "PR": "puerto_rico"}
REGIONS = {name: code for code, name in STATES.items()}

LOOKUP = {
    "type": "object", "required": ["plate", "reason", "startDate", "endDate"], "properties": {
        "plate": {"type": "string", "minLength": 1},
        "startDate": {"type": "string", "format": "date-time"},
        "endDate": {"type": "string", "format": "date-time"},
        "limit": {"type": "number", "minimum": 1, "maximum": 50},
        "minConfidences": {"type": "array", "items": {
            "type": "object", "required": ["attribute", "minConfidence"], "properties": {
                "attribute": {"type": "string", "enum": ["plate", "state"]},
                "minConfidence": {"type": "number", "minimum": 0, "maximum": 1}}}},
        "state": {"type": "string", "enum": list(REGIONS)},
        "reason": {"type": "string", "minLength": 1},
        "caseNumber": {"type": "string"},
        "sort": {"type": "array", "items": {
            "type": "object", "required": ["field", "order"], "properties": {
                "field": {"type": "string", "enum": ["capturedAt"]},
                "order": {"type": "string", "enum": ["asc", "desc"]}}}},
        "radius": {"type": "object", "properties": {"radius": {"type": "object", "properties": {
            "latitude": {"type": "number"}, "longitude": {"type": "number"},
            "radius": {"type": "number", "minimum": 1, "maximum": 2000}}}}},
        "area": {"type": "object", "properties": {"area": {
            "type": "object", "required": ["type", "coordinates"], "properties": {
                "type": {"type": "string", "enum": ["Polygon"]},
                "coordinates": {"type": "array", "minItems": 1, "maxItems": 1, "items": {
                    "type": "array", "minItems": 4, "items": {
                        "type": "array", "minItems": 2, "maxItems": 2, "items": {"type": "number"}}}}}}}}}}

# Location.country and Location.state are texts without a form.
COUNTRIES = {"US": ("US", "USA", "United States"), "MX": ("MX", "Mexico"), "CA": ("CA", "Canada"),
             "GB": ("GB", "United Kingdom")}


def error(status, message, kind):
    if kind == "login":
        code = {400: "invalid_request", 401: "invalid_client", 403: "access_denied"}.get(status, "server_error")
        return {"error": code, "error_description": message}
    return {"error": message}


def sign_in(its, rq):
    strict.no_query(rq)
    if rq.header("Content-Type", "").split(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise strict.Refused(400, "the body must be application/x-www-form-urlencoded")
    try:
        found = urllib.parse.parse_qsl(rq.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        form = strict.pairs(found)
    except ValueError:
        raise strict.Refused(400, "the body is no form") from None
    for name in form:
        if name not in ("grant_type", "client_id", "client_secret", "audience"):
            raise strict.Refused(400, "unknown parameter: " + name)
    if form.get("grant_type") != "client_credentials":
        raise strict.Refused(400, "Missing or unsupported parameter: grant_type")
    if (form.get("client_id"), form.get("client_secret")) != (its.client_id, its.secret):
        raise strict.Refused(401, "Client credentials invalid")
    if form.get("audience") != AUDIENCE:
        raise strict.Refused(403, "Invalid or missing audience")
    token, seconds = its.issue(rq.vendor, DAY)
    return front.Reply({"access_token": token, "token_type": "Bearer", "expires_in": seconds})


def authorize(its, rq):
    strict.no_query(rq)
    scheme, _, token = rq.header("Authorization", "").partition(" ")
    if scheme != "Bearer" or its.state(rq.vendor, token) != "good":
        raise strict.Refused(401, STATUSES[401])
    if not its.under(rq.vendor, its.settings["flock_per_second"], 1):
        raise strict.Refused(429, STATUSES[429])


def lookup(its, rq):
    authorize(its, rq)
    body = strict.json_body(rq, LOOKUP, 422)
    start, end = strict.moment(body["startDate"]), strict.moment(body["endDate"])
    if "radius" in body and "area" in body:
        raise strict.Refused(422, "radius and area exclude each other")
    if start > end:
        raise strict.Refused(422, "startDate is after endDate")
    found = its.world.reads(rq.vendor, [body["plate"]], start, end)
    if "state" in body:
        found = [read for read in found if read.region == REGIONS[body["state"]]]
    for least in body.get("minConfidences", ()):
        of = {"plate": "confidence", "state": "region_confidence"}[least["attribute"]]
        found = [read for read in found if getattr(read, of) >= least["minConfidence"]]
    if "area" in body:
        raise strict.Refused(422, "area is not served here")
    if "radius" in body:
        found = within(found, body["radius"].get("radius", {}))
    order = body["sort"][0]["order"] if body.get("sort") else None
    if order == "desc":
        found.reverse()
    elif order is None: # no order is documented
        found.sort(key=lambda read: read.id)
    return page(its, found, 0, int(body.get("limit", PAGE)))


def within(found, circle):
    if set(circle) != {"latitude", "longitude", "radius"}:
        raise strict.Refused(422, "a radius has latitude, longitude and radius")
    return [read for read in found if read.camera.latitude is not None and world.distance_m(
        circle["latitude"], circle["longitude"], read.camera.latitude, read.camera.longitude)
        <= circle["radius"] * 1609.344]


def page(its, found, first, limit):
    shown = found[first:first + limit]
    reply = {"results": [write(read, its.settings["sparse"]) for read in shown], "totalItems": len(found)}
    if first + limit < len(found):
        reply["nextPageId"] = its.keep((found, first + limit, limit))
    if first > 0:
        reply["previousPageId"] = its.keep((found, max(0, first - limit), limit))
    return front.Reply(reply, reads=len(shown))


def next_page(its, rq, page_id):
    authorize(its, rq)
    strict.no_body(rq)
    kept = its.kept(page_id)
    if kept is None:
        raise strict.Refused(422, "The page ID is missing.")
    return page(its, *kept)


def write(read, sparse):
    written = {"id": read.id, "capturedAt": world.rfc3339(read.t), "device": device(read.camera, sparse),
               "plate": {"plate": read.plate, "confidence": read.confidence}}
    if not sparse:
        written["state"] = {"state": STATES.get(read.region, read.region.lower()),
                            "confidence": read.region_confidence}
        written["link"] = "https://share.flocksafety.example/lookup/" + read.id
    return written


def device(camera, sparse):
    location = {"name": camera.name, "additionalMetadata": {}}
    if camera.latitude is None: # then the document wants an address, or a part of one
        location["city"] = "On patrol"
    elif sparse:
        location = {"latitude": camera.latitude, "longitude": camera.longitude}
    else:
        location.update(latitude=camera.latitude, longitude=camera.longitude)
        forms = COUNTRIES.get(camera.country, (camera.country,))
        location["country"] = forms[camera.number % len(forms)]
        street = re.match(r"(.*), ([^,]*), [A-Z]{2}$", camera.address or "")
        if street:
            location.update(streetAddress=street[1], city=street[2])
        if camera.region:
            name = STATES.get(camera.region, camera.region).replace("_", " ").title()
            location["state"] = (camera.region, name)[camera.number % 2]
    return {"id": camera.id, "type": "camera", "name": camera.name, "location": location,
            "network": {"id": "net-" + camera.id, "name": camera.owner or "Patrol"}, "metadata": {},
            "createdAt": "2023-12-31T23:59:59.999999Z", "modifiedAt": "2023-12-31T23:59:59.999999Z"}


ROUTES = [
    ("POST", "/oauth/token", "login", sign_in),
    ("POST", "/api/v3/reads/lookup", "search", lookup),
    ("GET", "/api/v3/reads/lookup/page/([^/]+)", "page", next_page)]
