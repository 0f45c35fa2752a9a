/*
 * flock_v3: login by OAuth2 client credentials, one plate a question, 50 reads a page, pages by an id that needs no
 * question.
 */
#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "vendor.h"

#define CLIENT_ID     "sim-flock-client"
#define CLIENT_SECRET "sim-flock-secret"
#define AUDIENCE      "com.flocksafety.integrations"
#define LIMIT_MAX     50
#define QUESTIONS_MAX 4096
#define MILE_M        1609.344

static const char *const states[][2] = {
	{"AL", "alabama"},        {"AK", "alaska"},         {"AZ", "arizona"},      {"AR", "arkansas"},
	{"CA", "california"},     {"CO", "colorado"},       {"CT", "connecticut"},  {"DE", "delaware"},
	{"DC", "washington_dc"},  {"FL", "florida"},        {"GA", "georgia"},      {"HI", "hawaii"},
	{"ID", "idaho"},          {"IL", "illinois"},       {"IN", "indiana"},      {"IA", "iowa"},
	{"KS", "kansas"},         {"KY", "kentucky"},       {"LA", "louisiana"},    {"ME", "maine"},
	{"MD", "maryland"},       {"MA", "massachusetts"},  {"MI", "michigan"},     {"MN", "minnesota"},
	{"MS", "mississippi"},    {"MO", "missouri"},       {"MT", "montana"},      {"NE", "nebraska"},
	{"NV", "nevada"},         {"NH", "new_hampshire"},  {"NJ", "new_jersey"},   {"NM", "new_mexico"},
	{"NY", "new_york"},       {"NC", "north_carolina"}, {"ND", "north_dakota"}, {"OH", "ohio"},
	{"OK", "oklahoma"},       {"OR", "oregon"},         {"PA", "pennsylvania"}, {"RI", "rhode_island"},
	{"SC", "south_carolina"}, {"SD", "south_dakota"},   {"TN", "tennessee"},    {"TX", "texas"},
	{"UT", "utah"},           {"VT", "vermont"},        {"VA", "virginia"},     {"WA", "washington"},
	{"WV", "west_virginia"},  {"WI", "wisconsin"},      {"WY", "wyoming"}};

#define N_STATES (sizeof(states) / sizeof(states[0]))

/* The questions that page ids refer to; an old one makes room for a new one. */
static struct
{
	uint64_t number;
	struct question q;
	int limit;
} asked[QUESTIONS_MAX];

static uint64_t n_asked;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void
error(struct reply *rp, int status, const char *message)
{
	(void) status;
	rp->type = "application/json";
	buf_str(&rp->body, "{\"error\":");
	buf_json(&rp->body, message);
	buf_str(&rp->body, "}");
}

static enum request_class
classify(const struct request *rq)
{
	if (strcmp(rq->rest, "/oauth/token") == 0)
		return CLASS_LOGIN;
	if (strcmp(rq->rest, "/api/v3/reads/lookup") == 0)
		return CLASS_SEARCH;
	return strncmp(rq->rest, "/api/v3/reads/lookup/page/", 26) == 0 ? CLASS_PAGE : CLASS_OTHER;
}

/* The token endpoint has another shape than the rest. */
static void
login_error(struct reply *rp, int status, const char *message)
{
	const char *code = status == 401 ? "access_denied" : status >= 500 ? "server_error" : "invalid_request";

	rp->type = "application/json";
	buf_fmt(&rp->body, "{\"error\":\"%s\",\"error_description\":", status == 429 ? "too_many_requests" : code);
	buf_json(&rp->body, message);
	buf_str(&rp->body, "}");
}

/* A field of the login's form. */
static bool
login_field(const struct request *rq, const char *name, char *out, size_t size)
{
	size_t len = strlen(name);

	out[0] = '\0';
	for (const char *p = rq->body; p != NULL && *p != '\0'; p = strchr(p, '&') ? strchr(p, '&') + 1 : NULL)
	{
		size_t n = 0;

		if (strncmp(p, name, len) != 0 || p[len] != '=')
			continue;
		for (p += len + 1; *p != '\0' && *p != '&' && n + 1 < size; p++)
		{
			unsigned c = *p == '+' ? ' ' : (unsigned char) *p;

			if (*p == '%' && isxdigit((unsigned char) p[1]) && isxdigit((unsigned char) p[2]))
			{
				sscanf(p + 1, "%2x", &c);
				p += 2;
			}
			out[n++] = (char) c;
		}
		out[n] = '\0';
		break;
	}
	return out[0] != '\0';
}

static void
login(struct request *rq, struct reply *rp)
{
	const char *type = request_header(rq, "Content-Type");
	bool form = type != NULL && strncasecmp(type, "application/x-www-form-urlencoded", 33) == 0;
	char grant[64];
	char id[128];
	char secret[128];
	char audience[256];
	char token[64];
	const char *missing = !form || !login_field(rq, "grant_type", grant, sizeof(grant)) ? "grant_type"
						  : !login_field(rq, "client_id", id, sizeof(id))               ? "client_id"
						  : !login_field(rq, "client_secret", secret, sizeof(secret))   ? "client_secret"
																						: NULL;
	char message[64];

	if (strcmp(rq->method, "POST") != 0)
		reply_fail(rq, rp, 405, "POST only");
	else if (missing != NULL)
	{
		snprintf(message, sizeof(message), "Missing required parameter: %s", missing);
		reply_fail(rq, rp, 400, message);
	}
	else if (strcmp(grant, "client_credentials") != 0)
		reply_fail(rq, rp, 400, "unsupported grant_type");
	else if (strcmp(id, CLIENT_ID) != 0 || strcmp(secret, CLIENT_SECRET) != 0)
		reply_fail(rq, rp, 401, "Unauthorized");
	else if (!login_field(rq, "audience", audience, sizeof(audience)) || strcmp(audience, AUDIENCE) != 0)
		reply_fail(rq, rp, 403, "Invalid or missing audience");
	else
	{
		long seconds = token_issue(rq, token, sizeof(token));

		buf_fmt(&rp->body, "{\"access_token\":\"%s\",\"token_type\":\"Bearer\",\"expires_in\":%ld}", token, seconds);
	}
}

static const char *
text_of(struct json_object *body, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(body, key, &value) || !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static bool
number_of(struct json_object *object, const char *key, double *to)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
		(!json_object_is_type(value, json_type_double) && !json_object_is_type(value, json_type_int)))
		return false;
	*to = json_object_get_double(value);
	return true;
}

static const char *
take_radius(struct question *q, struct json_object *outer)
{
	struct json_object *inner;
	double miles;

	if (!json_object_object_get_ex(outer, "radius", &inner) || !number_of(inner, "latitude", &q->latitude) ||
		!number_of(inner, "longitude", &q->longitude) || !number_of(inner, "radius", &miles))
		return "radius.radius has latitude, longitude and radius";
	if (!(miles >= 1 && miles <= 2000))
		return "radius is 1 to 2000 miles";
	q->has_near = true;
	q->radius_m = miles * MILE_M;
	return NULL;
}

static const char *
take_area(struct question *q, struct json_object *outer)
{
	struct json_object *inner;
	struct json_object *rings;
	struct json_object *ring;
	size_t n;

	if (!json_object_object_get_ex(outer, "area", &inner) || !json_object_object_get_ex(inner, "coordinates", &rings) ||
		!json_object_is_type(rings, json_type_array) || json_object_array_length(rings) != 1)
		return "area.area.coordinates is a polygon of one ring";
	ring = json_object_array_get_idx(rings, 0);
	n = json_object_is_type(ring, json_type_array) ? json_object_array_length(ring) : 0;
	if (n < 4 || n > 10000)
		return "a ring has at least four points";
	q->ring = need(malloc(sizeof(*q->ring) * n));
	for (size_t i = 0; i < n; i++)
	{
		struct json_object *point = json_object_array_get_idx(ring, i);

		if (!json_object_is_type(point, json_type_array) || json_object_array_length(point) < 2)
			return "a point is an array of longitude and latitude";
		q->ring[i][0] = json_object_get_double(json_object_array_get_idx(point, 0));
		q->ring[i][1] = json_object_get_double(json_object_array_get_idx(point, 1));
	}
	q->n_ring = (int) n;
	return NULL;
}

static const char *
take_confidences(struct question *q, struct json_object *list)
{
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;

	for (size_t i = 0; i < n; i++)
	{
		struct json_object *item = json_object_array_get_idx(list, i);
		const char *attribute = text_of(item, "attribute");
		double minimum;

		if (attribute == NULL || !number_of(item, "minConfidence", &minimum) || minimum < 0 || minimum > 1)
			return "minConfidences has attribute and minConfidence, 0 to 1";
		if (strcmp(attribute, "plate") == 0)
			q->min_confidence = (int) (minimum * 1000 + 0.5);
		else if (strcmp(attribute, "state") == 0)
			q->min_state_confidence = (int) (minimum * 1000 + 0.5);
		else
			return "attribute is plate or state";
	}
	return NULL;
}

static const char *
take_sort(struct question *q, struct json_object *list)
{
	struct json_object *first = json_object_is_type(list, json_type_array) ? json_object_array_get_idx(list, 0) : NULL;
	const char *field = first ? text_of(first, "field") : NULL;
	const char *order = first ? text_of(first, "order") : NULL;

	if (field == NULL || order == NULL || strcmp(field, "capturedAt") != 0 ||
		(strcasecmp(order, "asc") != 0 && strcasecmp(order, "desc") != 0))
		return "sort has the field capturedAt and the order asc or desc";
	q->ascending = strcasecmp(order, "asc") == 0;
	return NULL;
}

/* The question of a lookup; a text: what is wrong with it. */
static const char *
take(struct json_object *body, struct question *q, int *limit)
{
	const char *plate = text_of(body, "plate");
	const char *reason = text_of(body, "reason");
	const char *start = text_of(body, "startDate");
	const char *end = text_of(body, "endDate");
	const char *message = NULL;
	struct json_object *value;

	if (plate == NULL || reason == NULL || reason[0] == '\0' || start == NULL || end == NULL)
		return "plate, reason, startDate and endDate are required";
	if (!question_add_plate(q, plate))
		return "plate is empty";
	if (!date_time_read(start, &q->from) || !date_time_read(end, &q->until))
		return "startDate and endDate are date-times";
	if (q->from > q->until)
		return "startDate is after endDate";
	if (json_object_object_get_ex(body, "state", &value))
	{
		const char *state = text_of(body, "state");

		for (size_t i = 0; i < N_STATES && state != NULL; i++)
		{
			if (strcmp(states[i][1], state) == 0)
				memcpy(q->region, states[i][0], 3);
		}
		if (q->region[0] == '\0')
			return "state is not a known state";
	}
	if (json_object_object_get_ex(body, "limit", &value))
	{
		*limit = json_object_is_type(value, json_type_int) ? json_object_get_int(value) : 0;
		if (*limit < 1 || *limit > LIMIT_MAX)
			return "limit is 1 to 50";
	}
	if (json_object_object_get_ex(body, "minConfidences", &value))
		message = take_confidences(q, value);
	if (message == NULL && json_object_object_get_ex(body, "sort", &value))
		message = take_sort(q, value);
	if (message == NULL && json_object_object_get_ex(body, "radius", &value))
		message = take_radius(q, value);
	if (message == NULL && json_object_object_get_ex(body, "area", &value))
		message = q->has_near ? "either radius or area" : take_area(q, value);
	return message;
}

static const char *
state_name(const char *region)
{
	for (size_t i = 0; i < N_STATES; i++)
	{
		if (strcmp(states[i][0], region) == 0)
			return states[i][1];
	}
	return NULL;
}

static void
write_read(const struct request *rq, struct buf *out, const struct row *r)
{
	const struct camera *c = r->camera;

	buf_str(out, "{\"id\":\"");
	buf_hex16(out, r->id);
	buf_str(out, "\",\"capturedAt\":\"");
	buf_time(out, r->t, TIME_RFC3339);
	buf_fmt(out, "\",\"device\":{\"id\":\"%s\",\"type\":\"camera\",\"name\":", c->id);
	buf_json(out, c->name);
	buf_str(out, ",\"location\":{\"name\":");
	buf_json_or_null(out, c->city);
	if (c->kind != CAMERA_UNKNOWN)
		buf_fmt(out, ",\"latitude\":%.6f,\"longitude\":%.6f", c->latitude, c->longitude);
	buf_str(out, ",\"streetAddress\":");
	buf_json_or_null(out, c->address);
	buf_str(out, ",\"city\":");
	buf_json_or_null(out, c->city);
	buf_str(out, ",\"state\":");
	buf_json_or_null(out, c->region);
	buf_str(out, ",\"country\":");
	buf_json_or_null(out, c->country);
	buf_fmt(out, "},\"network\":{\"id\":\"net%d\",\"name\":", c->site);
	buf_json(out, c->owner);
	buf_str(out, "}},\"state\":{\"state\":");
	buf_json_or_null(out, state_name(r->region));
	buf_fmt(out, ",\"confidence\":%.3f},\"plate\":{\"plate\":", r->state_confidence / 1000.0);
	buf_json(out, r->plate);
	buf_fmt(out, ",\"confidence\":%.3f},\"link\":\"%s/reads/%016llx\"}", r->confidence / 1000.0, rq->base,
			(unsigned long long) r->id);
}

static void
answer_reads(struct request *rq, struct reply *rp, const struct question *q, uint64_t number, int64_t offset, int limit)
{
	struct buf *out = &rp->body;
	struct page page;

	answer_page(rq, q, offset, limit, true, &page);
	buf_str(out, "{\"results\":[");
	for (int i = 0; i < page.n; i++)
	{
		buf_str(out, i > 0 ? "," : "");
		write_read(rq, out, &page.rows[i]);
	}
	buf_fmt(out, "],\"totalItems\":%lld", (long long) page.total);
	if (page.next_raw != NULL)
	{
		buf_str(out, ",\"nextPageId\":");
		buf_json(out, page.next_raw);
	}
	else if (page.more)
		buf_fmt(out, ",\"nextPageId\":\"p%llx-%llx\"", (unsigned long long) number, (unsigned long long) page.next);
	if (offset > 0)
		buf_fmt(out, ",\"previousPageId\":\"p%llx-%llx\"", (unsigned long long) number,
				(unsigned long long) (offset > limit ? offset - limit : 0));
	buf_str(out, "}");
	rp->rows = page.n;
	page_free(&page);
}

static void
lookup(struct request *rq, struct reply *rp)
{
	const char *type = request_header(rq, "Content-Type");
	struct json_object *body = request_json(rq);
	struct question q;
	int limit = LIMIT_MAX;
	const char *message = NULL;
	uint64_t number;

	question_init(&q, rq->vendor);
	if (type == NULL || strncasecmp(type, "application/json", 16) != 0 || !json_object_is_type(body, json_type_object))
		reply_fail(rq, rp, 400, "the body is not a JSON object");
	else if ((message = take(body, &q, &limit)) != NULL)
		reply_fail(rq, rp, 422, message);
	else
	{
		pthread_mutex_lock(&lock);
		number = n_asked++;
		question_free(&asked[number % QUESTIONS_MAX].q);
		question_copy(&asked[number % QUESTIONS_MAX].q, &q);
		asked[number % QUESTIONS_MAX].number = number;
		asked[number % QUESTIONS_MAX].limit = limit;
		pthread_mutex_unlock(&lock);
		answer_reads(rq, rp, &q, number, 0, limit);
	}
	json_object_put(body);
	question_free(&q);
}

static void
lookup_page(struct request *rq, struct reply *rp)
{
	unsigned long long number;
	unsigned long long offset;
	struct question q = {0};
	int used = 0;
	int limit = 0;
	const char *id = rq->rest + 26;

	if (sscanf(id, "p%llx-%llx%n", &number, &offset, &used) == 2 && id[used] == '\0' && offset < INT64_MAX / 2)
	{
		pthread_mutex_lock(&lock);
		if (number < n_asked && asked[number % QUESTIONS_MAX].number == number &&
			asked[number % QUESTIONS_MAX].q.vendor == rq->vendor)
		{
			question_copy(&q, &asked[number % QUESTIONS_MAX].q);
			limit = asked[number % QUESTIONS_MAX].limit;
		}
		pthread_mutex_unlock(&lock);
	}
	if (limit == 0)
		reply_fail(rq, rp, 422, "unknown pageId");
	else
		answer_reads(rq, rp, &q, number, (int64_t) offset, limit);
	question_free(&q);
}

static void
answer(struct request *rq, struct reply *rp)
{
	const char *authorization = request_header(rq, "Authorization");

	rp->type = "application/json";
	if (rq->class == CLASS_LOGIN)
		login(rq, rp);
	else if (authorization == NULL || strncmp(authorization, "Bearer ", 7) != 0 || !token_valid(rq, authorization + 7))
		reply_fail(rq, rp, 401, "Unauthorized");
	else if (!under_rate(rq, settings.flock_per_second, 1))
		reply_fail(rq, rp, 429, "The maximum number of requests you can perform per second has been exceeded");
	else if (rq->class == CLASS_OTHER)
		reply_fail(rq, rp, 404, "Not Found");
	else if (strcmp(rq->method, rq->class == CLASS_PAGE ? "GET" : "POST") != 0)
		reply_fail(rq, rp, 405, "Method Not Allowed");
	else if (rq->class == CLASS_PAGE)
		lookup_page(rq, rp);
	else
		lookup(rq, rp);
}

/* The questions of the page ids, at the end. */
static void
end(void)
{
	for (int i = 0; i < QUESTIONS_MAX; i++)
		question_free(&asked[i].q);
}

const struct dialect flock_v3 = {
	.name = "flock-v3",
	.secret = CLIENT_SECRET,
	.client_id = CLIENT_ID,
	.token_seconds = 86400,
	.classify = classify,
	.answer = answer,
	.error = error,
	.login_error = login_error,
	.end = end,
	.search = {"results", "id", "plate", "capturedAt", "confidence", "confidence", "latitude"},
	.login = {.plate = "access_token", .number = "expires_in", .rows = "access_token"},
};
