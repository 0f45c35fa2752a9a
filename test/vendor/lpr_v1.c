/*
 * lpr_v1: the reference protocol, docs/vendor-api.yaml. The one dialect written for speed: a read is a few copies of
 * prepared pieces.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "vendor.h"

#define TOKEN      "sim-lpr-token"
#define PAGE_MAX   1000
#define PLATES_MAX 1000

#define REFERENCE_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-"

static const char *
code_of(int status)
{
	switch (status)
	{
		case 400:
			return "bad_request";
		case 401:
			return "unauthorized";
		case 403:
			return "forbidden";
		case 404:
			return "not_found";
		case 410:
			return "gone";
		case 429:
			return "rate_limited";
		case 503:
			return "unavailable";
		default:
			return status >= 500 ? "unavailable" : "unprocessable";
	}
}

static void
error(struct reply *rp, int status, const char *message)
{
	rp->type = "application/json";
	buf_fmt(&rp->body, "{\"error\":{\"code\":\"%s\",\"message\":", code_of(status));
	buf_json(&rp->body, message);
	buf_str(&rp->body, "}}");
}

static enum request_class
classify(const struct request *rq)
{
	if (strncmp(rq->rest, "/images/", 8) == 0)
		return CLASS_IMAGE;
	if (strcmp(rq->rest, "/reads/received") == 0)
		return CLASS_SEARCH;
	if (strcmp(rq->rest, "/reads/search") != 0)
		return CLASS_OTHER;
	return rq->body != NULL && strstr(rq->body, "\"cursor\"") != NULL ? CLASS_PAGE : CLASS_SEARCH;
}

/*
 * A cursor (c) is the offset, a mark (m) the place in the order of receipt. A check finds mangled ones.
 */
static bool
cursor_read(const char *text, char kind, int64_t *offset)
{
	unsigned long long value;
	unsigned check;
	int used = 0;

	if (text[0] != kind || sscanf(text + 1, "%llx.%8x%n", &value, &check, &used) != 2 || text[used + 1] != '\0' ||
		value > INT64_MAX / 2)
		return false;
	*offset = (int64_t) value;
	return check == (unsigned) mix64(world.seed + (unsigned char) kind, value);
}

static void
cursor_write(struct buf *out, char kind, int64_t offset)
{
	buf_fmt(out, "\"%c%llx.%08x\"", kind, (unsigned long long) offset,
			(unsigned) mix64(world.seed + (unsigned char) kind, (uint64_t) offset));
}

struct asked
{
	struct question q;
	int64_t offset;
	int page_size;
	int status; /* of the error, if there is a message */
	const char *message;
};

static void
refuse(struct asked *a, int status, const char *message)
{
	if (a->message != NULL)
		return;
	a->status = status;
	a->message = message;
}

static void
take_text(struct asked *a, struct json_object *value, char *to, size_t size, const char *message)
{
	if (!json_object_is_type(value, json_type_string))
		refuse(a, 400, message);
	else if ((size_t) json_object_get_string_len(value) >= size)
		refuse(a, 422, message);
	else
		memcpy(to, json_object_get_string(value), (size_t) json_object_get_string_len(value) + 1);
}

static void
take_time(struct asked *a, struct json_object *value, int64_t *to)
{
	if (!json_object_is_type(value, json_type_string) || !date_time_read(json_object_get_string(value), to))
		refuse(a, 400, "from and until are date-times");
}

static bool
take_number(struct json_object *object, const char *key, double *to)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
		(!json_object_is_type(value, json_type_double) && !json_object_is_type(value, json_type_int)))
		return false;
	*to = json_object_get_double(value);
	return true;
}

static void
take_near(struct asked *a, struct json_object *value)
{
	struct question *q = &a->q;

	if (!json_object_is_type(value, json_type_object) || json_object_object_length(value) != 3 ||
		!take_number(value, "latitude", &q->latitude) || !take_number(value, "longitude", &q->longitude) ||
		!take_number(value, "radius_m", &q->radius_m))
		refuse(a, 400, "near has latitude, longitude and radius_m, and nothing else");
	else if (!(q->latitude >= -90 && q->latitude <= 90 && q->longitude >= -180 && q->longitude <= 180 &&
			   q->radius_m >= 1 && q->radius_m <= 500000))
		refuse(a, 422, "near is out of range");
	q->has_near = true;
}

static void
take_plates(struct asked *a, struct json_object *value)
{
	size_t n = json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;

	if (n < 1 || n > PLATES_MAX)
	{
		refuse(a, 422, "plates is an array of 1 to 1000 texts");
		return;
	}
	for (size_t i = 0; i < n; i++)
	{
		struct json_object *plate = json_object_array_get_idx(value, i);
		const char *text = json_object_is_type(plate, json_type_string) ? json_object_get_string(plate) : "";

		if (strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") != strlen(text) || strlen(text) > 16 ||
			!question_add_plate(&a->q, text))
			refuse(a, 422, "a plate is 1 to 16 upper-case letters and digits");
	}
}

static void
take(struct asked *a, const char *key, struct json_object *value)
{
	struct question *q = &a->q;
	char text[64] = "";

	if (strcmp(key, "plates") == 0)
		take_plates(a, value);
	else if (strcmp(key, "region") == 0)
	{
		take_text(a, value, q->region, sizeof(q->region), "region has two capital letters");
		if (strlen(q->region) != 2)
			refuse(a, 422, "region has two capital letters");
	}
	else if (strcmp(key, "near") == 0)
		take_near(a, value);
	else if (strcmp(key, "address") == 0)
		take_text(a, value, q->address, 201, "address is a text of at most 200");
	else if (strcmp(key, "make") == 0)
		take_text(a, value, q->make, 65, "make is a text of at most 64");
	else if (strcmp(key, "model") == 0)
		take_text(a, value, q->model, 65, "model is a text of at most 64");
	else if (strcmp(key, "from") == 0)
	{
		int64_t from = INT64_MIN;

		take_time(a, value, &from);
		q->from = from > q->from ? from : q->from;
	}
	else if (strcmp(key, "until") == 0)
		take_time(a, value, &q->until);
	else if (strcmp(key, "order") == 0)
	{
		take_text(a, value, text, sizeof(text), "order is captured_at_desc or captured_at_asc");
		q->ascending = strcmp(text, "captured_at_asc") == 0;
		if (!q->ascending && strcmp(text, "captured_at_desc") != 0)
			refuse(a, 422, "order is captured_at_desc or captured_at_asc");
	}
	else if (strcmp(key, "page_size") == 0)
	{
		int64_t size = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : 0;

		if (size < 1 || size > PAGE_MAX)
			refuse(a, 422, "page_size is 1 to 1000");
		else
			a->page_size = (int) size;
	}
	else if (strcmp(key, "cursor") == 0)
	{
		take_text(a, value, text, sizeof(text), "bad cursor");
		if (!cursor_read(text, 'c', &a->offset))
			refuse(a, 400, "bad cursor");
	}
	else
		refuse(a, 400, "unknown property in the question");
}

static void
write_vehicle(struct buf *out, const struct row *r)
{
	const char *const *model = vehicle_models[r->model];

	buf_str(out, ",\"vehicle\":{\"make\":\"");
	buf_str(out, model[0]);
	buf_str(out, "\",\"model\":\"");
	buf_str(out, model[1]);
	buf_str(out, "\",\"color\":\"");
	buf_str(out, vehicle_colors[r->color]);
	buf_str(out, "\"}");
}

static void
write_image(struct buf *out, const char *base, size_t base_len, const struct row *r, char which, const char *expires,
			int64_t expires_at)
{
	buf_put(out, base, base_len);
	buf_hex16(out, r->id);
	buf_str(out, which == 'p' ? "-plate.png?expires=" : "-vehicle.png?expires=");
	buf_str(out, expires);
	buf_str(out, "&sig=");
	buf_hex16(out, image_signature(r->id, which, expires_at));
}

static void
write_read(struct buf *out, const struct row *r, const char *base, size_t base_len, const char *expires, int64_t at)
{
	char confidence[] = ",\"confidence\":0.000,\"camera\":";

	buf_room(out, 2048);
	buf_str(out, "{\"id\":\"");
	buf_hex16(out, r->id);
	buf_str(out, "\",\"plate\":\"");
	buf_str(out, r->plate);
	buf_str(out, "\",\"plate_region\":\"");
	buf_put(out, r->region, 2);
	buf_str(out, "\",\"captured_at\":\"");
	buf_time(out, r->t, TIME_RFC3339);
	buf_put(out, "\"", 1);
	confidence[16] = (char) ('0' + r->confidence / 100);
	confidence[17] = (char) ('0' + r->confidence / 10 % 10);
	confidence[18] = (char) ('0' + r->confidence % 10);
	buf_put(out, confidence, sizeof(confidence) - 1);
	buf_put(out, r->camera->json, r->camera->json_len);
	write_vehicle(out, r);
	buf_str(out, ",\"images\":{\"plate\":\"");
	write_image(out, base, base_len, r, 'p', expires, at);
	buf_str(out, "\",\"vehicle\":\"");
	write_image(out, base, base_len, r, 'v', expires, at);
	buf_str(out, "\"}}");
}

/* The member "reads", and the end of the page. */
static void
write_reads(const struct request *rq, struct reply *rp, const struct page *page)
{
	struct buf *out = &rp->body;
	char base[640];
	char expires[24];
	int64_t at = rq->arrived / SECOND + settings.image_seconds;
	size_t base_len = (size_t) snprintf(base, sizeof(base), "%s/images/", rq->base);

	snprintf(expires, sizeof(expires), "%lld", (long long) at);
	buf_room(out, 1024 + 768 * (size_t) page->n);
	buf_str(out, ",\"reads\":[");
	for (int i = 0; i < page->n; i++)
	{
		if (i > 0)
			buf_put(out, ",", 1);
		write_read(out, &page->rows[i], base, base_len, expires, at);
	}
	buf_str(out, "]}");
	rp->rows = page->n;
}

static void
write_page(const struct request *rq, struct reply *rp, const struct page *page)
{
	struct buf *out = &rp->body;

	buf_str(out, "{\"next\":");
	if (page->next_raw != NULL)
		buf_json(out, page->next_raw);
	else if (page->more)
		cursor_write(out, 'c', page->next);
	else
		buf_str(out, "null");
	write_reads(rq, rp, page);
}

/* What was received of some plates since a mark; without one, the mark alone. */
static void
received(struct request *rq, struct reply *rp, struct asked *a, int64_t since)
{
	struct page page;

	since = uploads_since(&a->q, since, a->page_size, &page);
	faults_page(rq, &a->q, &page, 0, a->page_size);
	buf_str(&rp->body, "{\"mark\":");
	cursor_write(&rp->body, 'm', since);
	buf_fmt(&rp->body, ",\"more\":%s", page.more ? "true" : "false");
	write_reads(rq, rp, &page);
	page_free(&page);
}

static void
take_received(struct asked *a, const char *key, struct json_object *value, int64_t *since)
{
	char text[64] = "";

	if (strcmp(key, "plates") == 0 || strcmp(key, "page_size") == 0)
		take(a, key, value);
	else if (strcmp(key, "since") == 0)
	{
		take_text(a, value, text, sizeof(text), "bad mark");
		if (!cursor_read(text, 'm', since))
			refuse(a, 400, "bad mark");
		else if (*since > uploads_count())
			refuse(a, 410, "the mark is no longer known");
	}
	else
		refuse(a, 400, "unknown property in the question");
}

static void
search(struct request *rq, struct reply *rp)
{
	const char *reference = request_header(rq, "X-Request-Reference");
	struct json_object *body = request_json(rq);
	struct asked a = {.page_size = PAGE_MAX};
	bool by_receipt = strcmp(rq->rest, "/reads/received") == 0;
	int64_t since = uploads_count();
	struct page page;

	question_init(&a.q, rq->vendor);
	if (reference == NULL || reference[0] == '\0' || strlen(reference) > 128 ||
		strspn(reference, REFERENCE_CHARS) != strlen(reference))
		refuse(&a, 400, "the header X-Request-Reference is required");
	if (!json_object_is_type(body, json_type_object))
		refuse(&a, 400, "the body is not a JSON object");
	else
	{
		json_object_object_foreach(body, key, value)
		{
			if (by_receipt)
				take_received(&a, key, value, &since);
			else
				take(&a, key, value);
		}
		if (a.q.n_plates == 0 && (by_receipt || (!a.q.has_near && a.q.address[0] == '\0' && a.q.make[0] == '\0')))
			refuse(&a, 422, by_receipt ? "plates are required" : "a question has plates, a place or a make");
		if (a.q.model[0] != '\0' && a.q.make[0] == '\0' && a.q.n_plates == 0 && !a.q.has_near)
			refuse(&a, 422, "model needs make");
	}
	json_object_put(body);
	if (a.message != NULL)
		reply_fail(rq, rp, a.status, a.message);
	else if (by_receipt)
		received(rq, rp, &a, since);
	else
	{
		answer_page(rq, &a.q, a.offset, a.page_size, false, &page);
		write_page(rq, rp, &page);
		page_free(&page);
	}
	question_free(&a.q);
}

static void
answer(struct request *rq, struct reply *rp)
{
	const char *authorization = request_header(rq, "Authorization");
	bool known = authorization != NULL && strcmp(authorization, "Bearer " TOKEN) == 0;

	rp->type = "application/json";
	/* The signature of an image's URL is its right; a bearer token, if there is one, must be good all the same. */
	if (rq->class == CLASS_IMAGE ? authorization != NULL && !known : !known)
		reply_fail(rq, rp, 401, "the bearer token is missing or unknown");
	else if (rq->class == CLASS_OTHER)
		reply_fail(rq, rp, 404, "no such path");
	else if (strcmp(rq->method, rq->class == CLASS_IMAGE ? "GET" : "POST") != 0)
		reply_fail(rq, rp, 400, "wrong method");
	else if (rq->class == CLASS_IMAGE)
		image_signed(rq, rp, rq->rest + 8);
	else
		search(rq, rp);
}

const struct dialect lpr_v1 = {
	.name = "lpr-v1",
	.secret = TOKEN,
	.images = "/images/",
	.classify = classify,
	.answer = answer,
	.error = error,
	.search = {"reads", "id", "plate", "captured_at", "confidence", "confidence", "latitude"},
};
