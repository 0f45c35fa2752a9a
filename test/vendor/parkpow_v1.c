/*
 * parkpow_v1: visits in pages of 50, the next page as a full URL, times without a zone (UTC), the text "None" where
 * nothing is known.
 */
#include <stdio.h>
#include <stdlib.h>

#include "vendor.h"

#define TOKEN     "sim-parkpow-token"
#define PAGE_SIZE 50

static void
error(struct reply *rp, int status, const char *message)
{
	rp->type = "application/json";
	buf_str(&rp->body, "{\"detail\":");
	buf_json(&rp->body, message);
	if (status == 429)
		buf_str(&rp->body, ",\"status_code\":429");
	buf_str(&rp->body, "}");
}

static enum request_class
classify(const struct request *rq)
{
	const char *page = request_arg(rq, "page");

	if (strncmp(rq->rest, "/media/", 7) == 0)
		return CLASS_IMAGE;
	if (strcmp(rq->rest, "/api/v1/visit-list/") != 0)
		return CLASS_OTHER;
	return page != NULL && strcmp(page, "1") != 0 ? CLASS_PAGE : CLASS_SEARCH;
}

static void
write_camera(struct buf *out, const char *key, const struct camera *c)
{
	buf_fmt(out, "\"%s\":{\"code\":\"%s\",\"name\":", key, c->id);
	buf_json(out, c->name);
	buf_fmt(out, ",\"type\":\"%s\"", c->type);
	if (c->kind == CAMERA_UNKNOWN)
		buf_str(out, ",\"latitude\":\"None\",\"longitude\":\"None\"}");
	else
		buf_fmt(out, ",\"latitude\":%.6f,\"longitude\":%.6f}", c->latitude, c->longitude);
}

/* A sighting of the world is a visit that goes on. One with two ends is in test/unit/dialect_more_test.c. */
static void
write_visit(const struct request *rq, struct buf *out, const struct row *r)
{
	unsigned long long id = r->id;
	int x = (int) (r->id >> 8 & 511);
	char plate[24];

	plate_normal(r->plate, plate, sizeof(plate));
	buf_fmt(out, "{\"id\":%llu,\"vehicle\":{\"license_plate\":", id >> 12);
	buf_json(out, r->plate);
	buf_str(out, ",\"status\":\"None\"},");
	write_camera(out, "start_cam", r->camera);
	buf_str(out, ",");
	buf_str(out, "\"end_cam\":\"None\"");
	buf_fmt(out, ",\"start_img\":\"%s/media/%016llx-start.png\",\"end_img\":", rq->base, id);
	buf_str(out, "\"None\"");
	buf_str(out, ",\"start_date\":\"");
	buf_time(out, r->t, TIME_BARE);
	buf_str(out, "\",\"end_date\":\"");
	buf_str(out, "None");
	buf_str(out, "\",\"duration\":0.0,\"end_prediction\":\"None\",\"start_prediction\":{\"plate\":");
	buf_json(out, plate);
	buf_fmt(out, ",\"score\":%.3f,\"dscore\":%.3f,\"box\":{\"xmin\":%d,\"ymin\":%d,\"xmax\":%d,\"ymax\":%d}}}",
			r->confidence / 1000.0, r->state_confidence / 1000.0, x, x / 2, x + 128, x / 2 + 48);
}

/* A query argument of the next page's URL, escaped. */
static void
write_arg(const struct request *rq, struct buf *out, const char *name)
{
	const char *value = request_arg(rq, name);

	if (value == NULL)
		return;
	buf_fmt(out, "&%s=", name);
	for (; *value != '\0'; value++)
	{
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", *value) != NULL)
			buf_put(out, value, 1);
		else
			buf_fmt(out, "%%%02X", (unsigned char) *value);
	}
}

static void
write_next(const struct request *rq, struct buf *out, int64_t page)
{
	buf_fmt(out, "\"%s/api/v1/visit-list/?page=%lld", rq->base, (long long) page);
	write_arg(rq, out, "start");
	write_arg(rq, out, "end");
	write_arg(rq, out, "plate");
	write_arg(rq, out, "ordering");
	buf_str(out, "\"");
}

static const char *
take(const struct request *rq, struct question *q, int64_t *number)
{
	const char *start = request_arg(rq, "start");
	const char *end = request_arg(rq, "end");
	const char *plate = request_arg(rq, "plate");
	const char *ordering = request_arg(rq, "ordering");
	const char *page = request_arg(rq, "page");

	if ((start != NULL && !time_read(start, &q->from)) || (end != NULL && !time_read(end, &q->until)))
		return "start and end are dates";
	if (plate != NULL && !question_add_plate(q, plate))
		return "plate is empty";
	if (ordering != NULL && strcmp(ordering, "start_date") != 0 && strcmp(ordering, "-start_date") != 0)
		return "ordering is start_date or -start_date";
	q->ascending = ordering != NULL && ordering[0] != '-';
	*number = page != NULL ? atoll(page) : 1;
	return NULL;
}

static void
visits(struct request *rq, struct reply *rp)
{
	struct buf *out = &rp->body;
	struct question q;
	struct page page;
	int64_t number = 1;
	const char *message;

	question_init(&q, rq->vendor);
	message = take(rq, &q, &number);
	if (message != NULL)
		reply_fail(rq, rp, 400, message);
	else if (number < 1 || number > INT32_MAX)
		reply_fail(rq, rp, 404, "Invalid page.");
	else
	{
		answer_page(rq, &q, (number - 1) * PAGE_SIZE, PAGE_SIZE, true, &page);
		buf_str(out, "{\"results\":[");
		for (int i = 0; i < page.n; i++)
		{
			buf_str(out, i > 0 ? "," : "");
			write_visit(rq, out, &page.rows[i]);
		}
		buf_str(out, "],\"next\":");
		if (page.next_raw != NULL)
			buf_json(out, page.next_raw);
		else if (page.more)
			write_next(rq, out, page.next / PAGE_SIZE + 1);
		else
			buf_str(out, "null");
		/* An estimate, as the name says: rounded to tens above a hundred. */
		buf_fmt(out, ",\"estimated_count\":%lld}",
				(long long) (page.total > 100 ? (page.total + 5) / 10 * 10 : page.total));
		rp->rows = page.n;
		page_free(&page);
		if (rp->rows == 0 && number > 1)
			reply_fail(rq, rp, 404, "Invalid page.");
	}
	question_free(&q);
}

static void
answer(struct request *rq, struct reply *rp)
{
	const char *authorization = request_header(rq, "Authorization");

	rp->type = "application/json";
	/* The URL of an image is its right: it is not documented that a token would be asked for. */
	if (rq->class != CLASS_IMAGE && (authorization == NULL || strcmp(authorization, "Token " TOKEN) != 0))
		reply_fail(rq, rp, 403, "Invalid token.");
	else if (rq->class == CLASS_OTHER)
		reply_fail(rq, rp, 404, "Not found.");
	else if (strcmp(rq->method, "GET") != 0)
		reply_fail(rq, rp, 405, "Method not allowed.");
	else if (rq->class == CLASS_IMAGE)
		image_reply(rp, hash_text(rq->rest));
	else
		visits(rq, rp);
}

const struct dialect parkpow_v1 = {
	.name = "parkpow-v1",
	.secret = TOKEN,
	.images = "/media/",
	.classify = classify,
	.answer = answer,
	.error = error,
	.search = {"results", "id", "license_plate", "start_date", "score", "score", "latitude"},
};
