/*
 * verkada_v1: a key is changed for a token of 30 minutes, one camera a call, times in seconds, pages by a token, which
 * is a text as the vendor's page about paging says, and means nothing to a client.
 *
 * The list of cameras (GET /cameras/v1/devices) is in Verkada's public documents, but not in vendor-dialects.md; only
 * the fields that a client needs to know a camera and its place are here.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "vendor.h"

#define API_KEY         "sim-verkada-key"
#define PAGE_DEFAULT    50
#define PAGE_MAX        200
#define DEVICES_DEFAULT 100
#define IMAGES          "/cameras/v1/analytics/lpr/images"
#define DEVICES         "/cameras/v1/devices"

static enum request_class
classify(const struct request *rq)
{
	const char *token = request_arg(rq, "page_token");

	if (strcmp(rq->rest, "/token") == 0)
		return CLASS_LOGIN;
	if (strcmp(rq->rest, DEVICES) == 0)
		return CLASS_CAMERAS;
	if (strncmp(rq->rest, "/media/", 7) == 0)
		return CLASS_IMAGE;
	if (strcmp(rq->rest, IMAGES) != 0)
		return CLASS_OTHER;
	return token != NULL && token[0] != '\0' ? CLASS_PAGE : CLASS_SEARCH;
}

/* A whole number of the query. */
static bool
take(const struct request *rq, const char *name, int64_t low, int64_t high, int64_t *to)
{
	const char *text = request_arg(rq, name);
	char *end;

	if (text == NULL || text[0] == '\0')
		return true;
	*to = strtoll(text, &end, 10);
	return *end == '\0' && *to >= low && *to <= high;
}

/* A token of write_token(). */
static bool
take_token(const struct request *rq, int64_t *offset)
{
	const char *text = request_arg(rq, "page_token");
	char *end;

	if (text == NULL || text[0] == '\0')
		return true;
	if (text[0] != 'o')
		return false;
	*offset = strtoll(text + 1, &end, 10);
	return strcmp(end, "==") == 0 && *offset >= 0 && *offset <= INT_MAX;
}

static void
write_detection(const struct request *rq, struct buf *out, const struct row *r, int64_t expires)
{
	buf_fmt(out, "{\"timestamp\":%lld,\"license_plate\":", (long long) (r->t / SECOND));
	buf_json(out, r->plate);
	buf_fmt(out, ",\"image_url\":\"%s/media/%016llx-p.png?expires=%lld&sig=%016llx\"}", rq->base,
			(unsigned long long) r->id, (long long) expires, (unsigned long long) image_signature(r->id, 'p', expires));
}

static void
write_token(struct buf *out, const struct page *page)
{
	buf_str(out, "],\"next_page_token\":");
	if (page->next_raw != NULL)
		buf_json(out, page->next_raw);
	else if (page->more)
		buf_fmt(out, "\"o%lld==\"", (long long) page->next);
	else
		buf_str(out, "null");
	buf_str(out, "}");
}

static void
images(struct request *rq, struct reply *rp)
{
	const char *camera = request_arg(rq, "camera_id");
	const char *plate = request_arg(rq, "license_plate");
	int64_t start = rq->arrived / SECOND - 3600;
	int64_t end = rq->arrived / SECOND;
	int64_t size = PAGE_DEFAULT;
	int64_t offset = 0;
	struct question q;
	struct page page;

	question_init(&q, rq->vendor);
	if (camera == NULL || (q.camera = camera_by_id(camera)) < 0 || !rq->vendor->sees[q.camera])
		reply_fail(rq, rp, 400, "camera_id must be one camera of the organization");
	else if (!take(rq, "start_time", 0, UINT32_MAX, &start) || !take(rq, "end_time", 0, UINT32_MAX, &end))
		reply_fail(rq, rp, 400, "start_time and end_time must be seconds since the epoch");
	else if (!take(rq, "page_size", 1, PAGE_MAX, &size))
		reply_fail(rq, rp, 400, "page_size must be between 1 and 200");
	else if (!take_token(rq, &offset))
		reply_fail(rq, rp, 400, "page_token must be one that was sent");
	else if (plate != NULL && !question_add_plate(&q, plate))
		reply_fail(rq, rp, 400, "license_plate is empty");
	else
	{
		q.from = start * SECOND;
		q.until = end * SECOND + SECOND - 1;
		answer_page(rq, &q, offset, (int) size, false, &page);
		buf_str(&rp->body, "{\"detections\":[");
		for (int i = 0; i < page.n; i++)
		{
			buf_str(&rp->body, i > 0 ? "," : "");
			write_detection(rq, &rp->body, &page.rows[i], rq->arrived / SECOND + settings.image_seconds);
		}
		write_token(&rp->body, &page);
		rp->rows = page.n;
		page_free(&page);
	}
	question_free(&q);
}

static void
devices(struct request *rq, struct reply *rp)
{
	int64_t size = DEVICES_DEFAULT;
	int64_t offset = 0;
	struct page page = {0};
	int64_t seen = 0;
	int64_t sent = 0;

	if (!take(rq, "page_size", 1, PAGE_MAX, &size) || !take_token(rq, &offset))
	{
		reply_fail(rq, rp, 400, "page_size must be between 1 and 200, page_token one that was sent");
		return;
	}
	buf_str(&rp->body, "{\"cameras\":[");
	for (int i = 0; i < world.n_cameras; i++)
	{
		const struct camera *c = &world.cameras[i];

		if (!rq->vendor->sees[i] || seen++ < offset)
			continue;
		if (sent == size)
		{
			page.more = true;
			page.next = offset + sent;
			break;
		}
		buf_fmt(&rp->body, "%s{\"camera_id\":\"%s\",\"name\":", sent++ > 0 ? "," : "", c->id);
		buf_json(&rp->body, c->name);
		buf_str(&rp->body, ",\"site\":");
		buf_json(&rp->body, c->city);
		buf_fmt(&rp->body, ",\"site_id\":\"%d\",\"location\":", c->site);
		buf_json(&rp->body, c->address);
		if (c->kind == CAMERA_UNKNOWN)
			buf_str(&rp->body, ",\"location_lat\":null,\"location_lon\":null}");
		else
			buf_fmt(&rp->body, ",\"location_lat\":%.6f,\"location_lon\":%.6f}", c->latitude, c->longitude);
	}
	write_token(&rp->body, &page);
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
		reply_fail(rq, rp, 401, "Token is missing, unknown or expired");
	else if (!under_rate(rq, settings.verkada_per_minute, 60))
		reply_fail(rq, rp, 429, "Too many requests");
	else if (rq->class == CLASS_OTHER || strcmp(rq->method, "GET") != 0)
		reply_fail(rq, rp, 404, "Not found");
	else if (rq->class == CLASS_CAMERAS)
		devices(rq, rp);
	else
		images(rq, rp);
}

const struct dialect verkada_v1 = {
	.name = "verkada-v1",
	.secret = API_KEY,
	.headers = {"x-api-key", "x-verkada-auth"},
	.token_seconds = 1800,
	.images = "/media/",
	.classify = classify,
	.answer = answer,
	.error = verkada_error,
	.search = {"detections", NULL, "license_plate", "timestamp", "timestamp", NULL, NULL},
	.cameras = {"cameras", "camera_id", "name", NULL, "location_lat", NULL, "location_lat"},
	.login = {.plate = "token", .rows = "token"},
};
