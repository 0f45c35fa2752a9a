/*
 * verkada_v2: the licence plate search for organizations with CJIS access (docs/vendors/verkada-v2.md): the sign-in of
 * verkada-v1, then one POST over all cameras, newest first, of three years at most, pages by a cursor that goes with
 * the same question. Wildcards are refused here: no client of ours may ask for them.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "vendor.h"

#define API_KEY       "sim-verkada-cjis-key"
#define LIMIT_DEFAULT 100
#define LIMIT_MAX     1000
#define CORNERS_MIN   3
#define CORNERS_MAX   700
#define SEARCH        "/v2/cameras/ncic/license_plates/search"

static enum request_class
classify(const struct request *rq)
{
	if (strcmp(rq->rest, "/token") == 0)
		return CLASS_LOGIN;
	if (strncmp(rq->rest, "/media/", 7) == 0)
		return CLASS_IMAGE;
	if (strcmp(rq->rest, SEARCH) != 0)
		return CLASS_OTHER;
	return rq->body != NULL && strstr(rq->body, "\"cursor\"") != NULL ? CLASS_PAGE : CLASS_SEARCH;
}

struct asked
{
	struct question q;
	const char *plate;
	const char *cursor;
	int64_t offset;
	int limit;
	const char *message; /* what is wrong with it */
};

/* Belongs to the question, so that no other one can be asked with it. */
static unsigned
cursor_check(const struct asked *a, int64_t offset)
{
	uint64_t hash = mix64((uint64_t) a->q.from, (uint64_t) a->q.until);

	return (unsigned) mix64(mix64(world.seed ^ hash, hash_text(a->plate != NULL ? a->plate : "")), (uint64_t) offset);
}

static void
take_cursor(struct asked *a)
{
	unsigned long long value;
	unsigned check;
	int used = 0;

	if (a->cursor == NULL)
		return;
	if (sscanf(a->cursor, "%llx/%8x==%n", &value, &check, &used) != 2 || a->cursor[used] != '\0' || used == 0 ||
		value > INT64_MAX / 2 || check != cursor_check(a, (int64_t) value))
		a->message = "cursor is none of this search";
	else
		a->offset = (int64_t) value;
}

static const char *
text_of(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

static bool
degrees(struct json_object *corner, const char *key, double most, double *to)
{
	struct json_object *value;

	if (!json_object_object_get_ex(corner, key, &value) ||
		(!json_object_is_type(value, json_type_double) && !json_object_is_type(value, json_type_int)))
		return false;
	*to = json_object_get_double(value);
	return *to >= -most && *to <= most;
}

static void
take_fence(struct asked *a, struct json_object *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	if (n < CORNERS_MIN || n > CORNERS_MAX)
	{
		a->message = "geo_fence has 3 to 700 coordinate pairs";
		return;
	}
	a->q.ring = need(malloc(sizeof(*a->q.ring) * n));
	for (size_t i = 0; i < n; i++)
	{
		struct json_object *corner = json_object_array_get_idx(list, i);

		if (!json_object_is_type(corner, json_type_object) || json_object_object_length(corner) != 2 ||
			!degrees(corner, "longitude", 180, &a->q.ring[i][0]) || !degrees(corner, "latitude", 90, &a->q.ring[i][1]))
			a->message = "a corner of geo_fence has latitude and longitude";
	}
	a->q.n_ring = (int) n;
}

/* As the document's example writes it: whole seconds of UTC. */
static void
take_time(struct asked *a, struct json_object *value, int64_t *to)
{
	const char *text = text_of(value);

	if (text == NULL || strlen(text) != 20 || text[19] != 'Z' || !time_read(text, to))
		a->message = "start_time and end_time are times like 2025-01-17T00:00:00Z";
}

static void
take(struct asked *a, const char *key, struct json_object *value)
{
	if (strcmp(key, "license_plate") == 0)
	{
		a->plate = text_of(value);
		if (a->plate == NULL || strchr(a->plate, '*') != NULL || !question_add_plate(&a->q, a->plate))
			a->message = "license_plate is a plate";
	}
	else if (strcmp(key, "start_time") == 0)
		take_time(a, value, &a->q.from);
	else if (strcmp(key, "end_time") == 0)
		take_time(a, value, &a->q.until);
	else if (strcmp(key, "limit") == 0)
	{
		a->limit = json_object_is_type(value, json_type_int) ? json_object_get_int(value) : 0;
		if (a->limit < 1 || a->limit > LIMIT_MAX)
			a->message = "limit is 1 to 1000";
	}
	else if (strcmp(key, "geo_fence") == 0)
		take_fence(a, value);
	else if (strcmp(key, "cursor") == 0)
	{
		a->cursor = text_of(value);
		if (a->cursor == NULL)
			a->message = "cursor is a text";
	}
	else
		a->message = "unknown member in the search";
}

static void
write_image(const struct request *rq, struct buf *out, const struct row *r, char which, int64_t expires)
{
	buf_fmt(out, "\"%s/media/%016llx-%c.png?expires=%lld&sig=%016llx\"", rq->base, (unsigned long long) r->id, which,
			(long long) expires, (unsigned long long) image_signature(r->id, which, expires));
}

static void
write_item(const struct request *rq, struct buf *out, const struct row *r, int64_t expires)
{
	const struct camera *c = r->camera;

	buf_str(out, "{\"read_id\":\"");
	buf_hex16(out, r->id);
	buf_str(out, "\",\"plate\":");
	buf_json(out, r->plate);
	buf_str(out, ",\"plate_state\":");
	buf_json_or_null(out, r->region);
	if (c->kind == CAMERA_UNKNOWN)
		buf_str(out, ",\"lat\":null,\"lon\":null");
	else
		buf_fmt(out, ",\"lat\":%.6f,\"lon\":%.6f", c->latitude, c->longitude);
	buf_str(out, ",\"event_time\":\"");
	buf_time(out, r->t, TIME_RFC3339);
	buf_str(out, "\",\"image_data\":");
	write_image(rq, out, r, 'p', expires);
	buf_str(out, ",\"additional_image\":");
	write_image(rq, out, r, 'v', expires);
	buf_str(out, ",\"agency_name\":");
	buf_json(out, c->owner);
	buf_str(out, ",\"camera_name\":");
	buf_json(out, c->name);
	buf_fmt(out, ",\"site_id\":\"site-%d\",\"ori\":null,\"user_id\":null}", c->site);
}

static void
write_page(struct request *rq, struct reply *rp, struct asked *a)
{
	struct buf *out = &rp->body;
	struct page page;

	a->q.until += SECOND - 1; /* the second that was named */
	answer_page(rq, &a->q, a->offset, a->limit, false, &page);
	a->q.until -= SECOND - 1;
	buf_str(out, "{\"items\":[");
	for (int i = 0; i < page.n; i++)
	{
		buf_str(out, i > 0 ? "," : "");
		write_item(rq, out, &page.rows[i], rq->arrived / SECOND + settings.image_seconds);
	}
	buf_str(out, "],\"cursor\":");
	if (page.next_raw != NULL)
		buf_json(out, page.next_raw);
	else if (page.more)
		buf_fmt(out, "\"%llx/%08x==\"", (unsigned long long) page.next, cursor_check(a, page.next));
	else
		buf_str(out, "null");
	buf_str(out, "}");
	rp->rows = page.n;
	page_free(&page);
}

static void
search(struct request *rq, struct reply *rp)
{
	struct json_object *body = request_json(rq);
	struct asked a = {.limit = LIMIT_DEFAULT};

	question_init(&a.q, rq->vendor);
	if (!json_object_is_type(body, json_type_object))
		a.message = "the body is no JSON object";
	else
	{
		json_object_object_foreach(body, key, value)
		{
			if (a.message == NULL)
				take(&a, key, value);
		}
		if (a.message == NULL && (a.q.from == INT64_MIN || a.q.until == INT64_MAX))
			a.message = "start_time and end_time are required";
		if (a.message == NULL && a.q.from > a.q.until)
			a.message = "start_time is after end_time";
		if (a.message == NULL && a.q.from < years_before(a.q.until, 3))
			a.message = "the time range is more than 3 years";
		if (a.message == NULL)
			take_cursor(&a);
	}
	if (a.message != NULL)
		reply_fail(rq, rp, 400, a.message);
	else
		write_page(rq, rp, &a);
	json_object_put(body);
	question_free(&a.q);
}

static void
answer(struct request *rq, struct reply *rp)
{
	rp->type = "application/json";
	if (rq->class == CLASS_LOGIN)
		verkada_login(rq, rp, API_KEY);
	else if (rq->class == CLASS_IMAGE)
		image_signed(rq, rp, rq->rest + 7);
	else if (!token_valid(rq, request_header(rq, "x-verkada-auth")))
		reply_fail(rq, rp, 401, "Token expired");
	else if (!under_rate(rq, settings.verkada_per_minute, 60))
		reply_fail(rq, rp, 429, "Too many requests");
	else if (rq->class == CLASS_OTHER)
		reply_fail(rq, rp, 404, "Not found");
	else if (strcmp(rq->method, "POST") != 0)
		reply_fail(rq, rp, 405, "Method not allowed");
	else
		search(rq, rp);
}

const struct dialect verkada_v2 = {
	.name = "verkada-v2",
	.secret = API_KEY,
	.headers = {"x-api-key", "x-verkada-auth"},
	.token_seconds = 1800,
	.images = "/media/",
	.classify = classify,
	.answer = answer,
	.error = verkada_error,
	.search = {"items", "read_id", "plate", "event_time", "lat", NULL, "lat"},
	.login = {.plate = "token", .rows = "token"},
};
