"""parkpow-v1, by parkpow/parkpow-documentation: source/index.html.md ("Get a Visit list", "Export Vehicle Visits"), and
by the vendor's own client, parkpow/deep-license-plate-recognition: parkpow/remove-old-visits (pages, ordering),
upload-csv (plate, camera). What they leave open: docs/vendors/parkpow-v1.md."""
import urllib.parse

import desk
import front
import strict
import world

NAME = "parkpow-v1"
LIST = {"start": {"type": "string"}, "end": {"type": "string"}, "plate": {"type": "string", "minLength": 1},
        "camera": {"type": "string"}, "ordering": {"type": "string", "enum": ["start_date", "-start_date"]},
        "page": {"type": "integer", "minimum": 1}}
PAGE = 50          # no document says how many
STAY = 8 * 3600000000  # two sightings of a plate that are no further apart are the ends of a visit
DAY = 86400000000
STATUSES = {403: "Invalid token.", 429: "Request was throttled. Expected available in 1 second."}


def error(status, message, _kind):
    return {"detail": message, "status_code": status}


def kind_of(rq):
    return "page" if dict(rq.query).get("page", "1") != "1" else "search"


def time_of(asked, name):
    if name not in asked:
        return None
    t = strict.moment(asked[name], "any")
    if t is None:
        raise strict.Refused(400, "%s: Enter a valid date/time." % name)
    return t


def visits(its, rq):
    strict.no_body(rq)
    if rq.header("Authorization") != "Token " + its.secret:
        raise strict.Refused(403, "Invalid token.")
    asked = strict.parameters(rq, LIST)
    start, end = time_of(asked, "start"), time_of(asked, "end")
    if start is None and end is None: # "If the period is omitted, retrieve all visits made during the last 24 hours."
        start = rq.arrived - DAY
    two = its.settings["parkpow_visits"] == "two"
    found = its.world.reads(rq.vendor, [asked["plate"]] if "plate" in asked else None,
                            start - STAY if two and start is not None else start,
                            end + STAY if two and end is not None else end, asked.get("camera"))
    found = [ends for ends in (paired(found) if two else [(read, read) for read in found])
             if any((start is None or start <= read.t) and (end is None or read.t <= end) for read in ends)]
    if asked.get("ordering") == "-start_date":
        found.reverse()
    if its.settings["parkpow_list"] == "array": # as the document shows it: without pages
        return front.Reply([write(its, rq, ends) for ends in found], reads=sum(len(set(ends)) for ends in found))
    number = asked.get("page", 1)
    shown = found[(number - 1) * PAGE:number * PAGE]
    if number > 1 and not shown:
        raise strict.Refused(404, "Invalid page.")
    return front.Reply({"estimated_count": len(found), "next": link(rq, number + 1) if number * PAGE < len(found)
                        else None, "previous": link(rq, number - 1) if number > 1 else None,
                        "results": [write(its, rq, ends) for ends in shown]},
                       reads=sum(len(set(ends)) for ends in shown))


def paired(found):
    """Sightings as visits with a beginning and an end, which may be the same sighting."""
    waiting, ends = {}, []
    for read in found:
        plate = world.plain(read.plate), read.region
        before = waiting.pop(plate, None)
        if before and read.t - before.t <= STAY:
            ends.append((before, read))
        else:
            ends += [(before, before)] if before else []
            waiting[plate] = read
    ends += [(read, read) for read in waiting.values()]
    return sorted(ends, key=lambda pair: pair[0].t)


def link(rq, number):
    query = sorted([pair for pair in rq.query if pair[0] != "page"] + ([("page", number)] if number > 1 else []))
    return "%s/api/v1/visit-list/?%s" % (rq.base, urllib.parse.urlencode(query))


def write(its, rq, ends):
    first, last = ends
    # A visit of one sighting is one that goes on, or one that ended with it.
    ended = first is not last or world.number_of("ended", first.id) % 2 == 0
    visit = {"id": world.number_of("parkpow", first.id),
             "vehicle": {"license_plate": first.plate, "status": "Authorized"}, "start_cam": camera(first.camera),
             "end_cam": camera(last.camera) if ended else "None", "start_img": picture(its, rq, first),
             "end_img": picture(its, rq, last) if ended else "None",
             "duration": (last.t - first.t) / 1000000, "start_date": world.rfc3339(first.t)[:-1],
             "start_prediction": prediction(first)}
    if its.settings["sparse"]: # the document requires nothing at all
        return {name: visit[name] for name in ("id", "vehicle", "start_cam", "start_date")}
    visit["end_date"] = world.rfc3339(last.t)[:-1] if ended else "None"
    visit["end_prediction"] = prediction(last) if ended and first is not last else "None"
    return visit


def camera(one):
    unknown = one.latitude is None
    return {"code": one.id, "name": one.name, "type": "Entrance", "latitude": "None" if unknown else one.latitude,
            "longitude": "None" if unknown else one.longitude, "notes": "notes"}


def prediction(read):
    left = world.number_of("box", read.id) % 800
    return {"box": {"xmax": left + 91, "xmin": left, "ymax": 260, "ymin": 223}, "plate": read.plate.lower(),
            "score": read.confidence, "dscore": 0.936}


def picture(its, rq, read):
    url = its.signed(rq.base, "/media/%s.JPG" % read.id, read.id)
    return url if its.settings["parkpow_images"] == "whole" else url[len("http://"):]


def image(its, rq, name):
    its.check(rq, name)
    return front.Reply(desk.jpeg("vehicle " + name), kind="image/jpeg")


ROUTES = [
    ("GET", "/api/v1/visit-list/", kind_of, visits),
    ("GET", r"/media/(\w+)\.JPG", "image", image)]
