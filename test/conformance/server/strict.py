"""Requests read strictly: what a document does not have is refused."""
import datetime
import json
import re

TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)?)?\Z")


class Refused(Exception):
    """An error that the document has: the status, and what is said."""

    def __init__(self, status, message, headers=()):
        super().__init__(message)
        self.status, self.message, self.headers = status, message, dict(headers)


def moment(text, forms="zone"):
    """A time as microseconds since 1970, or None. Forms: zone (RFC 3339); any: also without one (UTC), or a date."""
    found = TIME.match(text)
    if not found or (forms == "zone" and (found[8] is None or text[10] != "T")):
        return None
    try:
        day = datetime.datetime(int(found[1]), int(found[2]), int(found[3]), int(found[4] or 0), int(found[5] or 0),
                                int(found[6] or 0))
    except ValueError:
        return None
    t = int((day - datetime.datetime(1970, 1, 1)).total_seconds()) * 1000000 + int((found[7] or "0").ljust(6, "0"))
    if found[8] and found[8] != "Z":
        minutes = int(found[8][1:3]) * 60 + int(found[8][4:6])
        t -= (minutes if found[8][0] == "+" else -minutes) * 60000000
    return t


def pairs(found):
    names = [name for name, _ in found]
    if len(names) != len(set(names)):
        raise ValueError("a member is there twice")
    return dict(found)


def constant(name):
    raise ValueError(name + " is no JSON")


def read_json(body):
    """JSON, and nothing else. ValueError."""
    return json.loads(body.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant)


KINDS = {"object": dict, "array": list, "string": str, "boolean": bool}


def fault(value, schema, where="body"):
    """What is wrong with a value by a schema of OpenAPI, or None. Members that it does not name are wrong."""
    if value is None:
        return None if schema.get("nullable") else where + " is null"
    kind = schema.get("type")
    if kind in ("number", "integer"):
        if isinstance(value, bool) or not isinstance(value, int if kind == "integer" else (int, float)):
            return "%s is not of type %s" % (where, kind)
    elif kind and not isinstance(value, KINDS[kind]):
        return "%s is not of type %s" % (where, kind)
    if "enum" in schema and value not in schema["enum"]:
        return "%s is not one of the values there are" % where
    if kind in ("number", "integer") and not (
            schema.get("minimum", value) <= value <= schema.get("maximum", value)):
        return "%s is out of range" % where
    if kind in ("string", "array"):
        low, high = ("minLength", "maxLength") if kind == "string" else ("minItems", "maxItems")
        if not schema.get(low, 0) <= len(value) <= schema.get(high, len(value)):
            return "%s is too short or too long" % where
    if kind == "string":
        if "pattern" in schema and not re.search(schema["pattern"], value):
            return "%s has not the form it must have" % where
        if schema.get("format") == "date-time" and moment(value) is None:
            return "%s is not a date-time" % where
    if kind == "array":
        return next(filter(None, (fault(one, schema.get("items", {}), "%s[%d]" % (where, i))
                                  for i, one in enumerate(value))), None)
    return members(value, schema, where) if kind == "object" and "properties" in schema else None


def members(value, schema, where):
    for name in schema.get("required", ()):
        if name not in value:
            return "%s.%s is missing" % (where, name)
    for name, its in value.items():
        if name not in schema["properties"]:
            return "%s.%s is not documented" % (where, name)
        found = fault(its, schema["properties"][name], "%s.%s" % (where, name))
        if found:
            return found
    return None


def parameters(rq, schema, status=400):
    """The query of a request by the document's table name => schema (with required): values of their types."""
    values = {}
    for name, text in rq.query:
        if name not in schema:
            raise Refused(status, "unknown parameter: " + name)
        if name in values:
            raise Refused(status, "parameter is there twice: " + name)
        kind, value = schema[name].get("type"), text
        if kind == "integer" and re.fullmatch(r"-?\d{1,18}", text):
            value = int(text)
        elif kind == "number" and re.fullmatch(r"-?\d{1,18}(\.\d+)?", text):
            value = float(text)
        found = fault(value, {key: its for key, its in schema[name].items() if key != "required"}, name)
        if found:
            raise Refused(status, found)
        values[name] = value
    for name, its in schema.items():
        if its.get("required") and name not in values:
            raise Refused(status, "parameter is missing: " + name)
    return values


def no_body(rq):
    if rq.body:
        raise Refused(400, "a %s has no body here" % rq.method)


def no_query(rq):
    parameters(rq, {})


def json_body(rq, schema, wrong=400):
    """The body by its schema; what is no JSON is 400, what is not by the schema `wrong`."""
    if rq.header("Content-Type", "").split(";")[0].strip().lower() != "application/json":
        raise Refused(400, "the body must be application/json")
    try:
        body = read_json(rq.body)
    except ValueError as error:
        raise Refused(400, "the body is no JSON: %s" % error) from None
    found = fault(body, schema)
    if found:
        raise Refused(wrong, found)
    return body


def no_credential(rq):
    """An image whose URL says all: whoever sends a secret along gives it away."""
    for name in ("Authorization", "x-api-key", "x-verkada-auth", "Cookie"):
        if rq.header(name) is not None:
            raise Refused(400, "a credential in the header %s goes to an image" % name)
