/*
 * rekor_scout_v2: the key in the query, a bare array for an answer, no paging: at most topn rows.
 *
 * The shape of GET /api/cameras/ is not publicly documented. It is modelled here on that of the search: a bare array of
 * {pk, model, fields{}}.
 */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "vendor.h"

#define API_KEY      "sim-rekor-key"
#define TOPN_DEFAULT 10
#define TOPN_MAX     10000

static void
error(struct reply *rp, int status, const char *message)
{
	(void) status;
	rp->type = "text/plain";
	buf_str(&rp->body, message);
}

static enum request_class
classify(const struct request *rq)
{
	if (strncmp(rq->rest, "/api/search/", 12) == 0)
		return CLASS_SEARCH;
	if (strcmp(rq->rest, "/api/cameras/") == 0)
		return CLASS_CAMERAS;
	return strncmp(rq->rest, "/img/", 5) == 0 ? CLASS_IMAGE : CLASS_OTHER;
}

static void
write_site(struct buf *out, const struct camera *c)
{
	buf_str(out, "\"site\":");
	buf_json(out, c->city[0] ? c->city : "unplaced");
	buf_fmt(out, ",\"site_id\":%d", c->site);
}

static void
write_read(const struct request *rq, struct buf *out, const struct row *r)
{
	const struct camera *c = r->camera;
	int x = (int) (r->id >> 8 & 511);
	int y = (int) (r->id >> 20 & 255);

	buf_fmt(out, "{\"pk\":%llu,\"model\":\"plate.plategroup\",\"fields\":{\"best_plate\":",
			(unsigned long long) (r->id >> 12));
	buf_json(out, r->plate);
	buf_fmt(out,
			",\"best_confidence\":%.1f,\"best_index\":0,\"best_uuid\":\"AGENT%d-%s-%016llx\",\"epoch_time_start\":\"",
			r->confidence / 10.0, c->site, c->id, (unsigned long long) r->id);
	buf_time(out, r->t, TIME_RFC3339);
	buf_str(out, "\",\"epoch_time_end\":\"");
	buf_time(out, r->t + 1500000, TIME_RFC3339);
	buf_fmt(out, "\",\"camera\":%d,\"camera_id\":%d,", c->number, c->number);
	write_site(out, c);
	buf_fmt(out, ",\"agent_uid\":\"AGENT%d\",\"company\":\"%s\",\"img_width\":1280,\"img_height\":720", c->site,
			rq->vendor->name);
	buf_fmt(out,
			",\"plate_x1\":%d,\"plate_y1\":%d,\"plate_x2\":%d,\"plate_y2\":%d,"
			"\"plate_x3\":%d,\"plate_y3\":%d,\"plate_x4\":%d,\"plate_y4\":%d}}",
			x, y, x + 128, y, x + 128, y + 48, x, y + 48);
}

/* A text of the query that must be a number or a time is named when it is not. */
static bool
take(const struct request *rq, struct question *q, int *topn, char *message, size_t size)
{
	const char *start = request_arg(rq, "start");
	const char *end = request_arg(rq, "end");
	const char *plate = request_arg(rq, "plate");
	const char *camera = request_arg(rq, "camera");
	const char *site = request_arg(rq, "site");
	const char *order = request_arg(rq, "order");
	const char *text = request_arg(rq, "topn");
	const char *wrong = NULL;

	if (start == NULL && end == NULL)
		wrong = "start";
	if (start != NULL && !time_read(start, &q->from))
		wrong = "start";
	if (end != NULL && !time_read(end, &q->until))
		wrong = "end";
	if (plate != NULL && !question_add_plate(q, plate))
		wrong = "plate";
	if (camera != NULL && (q->camera = camera_by_id(camera)) < 0)
		wrong = "camera";
	if (text != NULL && ((*topn = atoi(text)) < 1 || *topn > TOPN_MAX))
		wrong = "topn";
	if (order != NULL)
	{
		q->ascending = strcasecmp(order, "asc") == 0;
		if (!q->ascending && strcasecmp(order, "desc") != 0)
			wrong = "order";
	}
	if (site != NULL)
	{
		q->site = atoi(site);
		for (int i = 0; i < world.n_cameras; i++)
		{
			if (strcasecmp(world.cameras[i].city, site) == 0)
				q->site = world.cameras[i].site;
		}
	}
	if (wrong != NULL)
		snprintf(message, size, "Invalid or missing parameter: %s", wrong);
	return wrong == NULL;
}

static void
search(struct request *rq, struct reply *rp)
{
	const char *kind = rq->rest + 12;
	struct question q;
	struct page page;
	char message[128];
	int topn = TOPN_DEFAULT;

	question_init(&q, rq->vendor);
	if (strcmp(kind, "plate") != 0 && strcmp(kind, "platecandidate") != 0 && strcmp(kind, "alert") != 0)
		reply_fail(rq, rp, 404, "Not Found");
	else if (!take(rq, &q, &topn, message, sizeof(message)))
		reply_fail(rq, rp, 400, message);
	else if (strcmp(kind, "alert") == 0)
		buf_str(&rp->body, "[]"); /* nobody has an alert here */
	else
	{
		answer_page(rq, &q, 0, topn, false, &page);
		buf_str(&rp->body, "[");
		for (int i = 0; i < page.n; i++)
		{
			buf_str(&rp->body, i > 0 ? "," : "");
			write_read(rq, &rp->body, &page.rows[i]);
		}
		buf_str(&rp->body, "]");
		rp->rows = page.n;
		page_free(&page);
	}
	question_free(&q);
}

static void
cameras(struct request *rq, struct reply *rp)
{
	const char *comma = "";

	buf_str(&rp->body, "[");
	for (int i = 0; i < world.n_cameras; i++)
	{
		const struct camera *c = &world.cameras[i];

		if (!rq->vendor->sees[i])
			continue;
		buf_fmt(&rp->body, "%s{\"pk\":%d,\"model\":\"cameras.camera\",\"fields\":{\"camera_id\":%d,\"name\":", comma,
				c->number, c->number);
		buf_json(&rp->body, c->name);
		buf_str(&rp->body, ",");
		write_site(&rp->body, c);
		if (c->kind == CAMERA_UNKNOWN)
			buf_str(&rp->body, ",\"latitude\":null,\"longitude\":null}}");
		else
			buf_fmt(&rp->body, ",\"latitude\":%.6f,\"longitude\":%.6f}}", c->latitude, c->longitude);
		comma = ",";
	}
	buf_str(&rp->body, "]");
}

static void
answer(struct request *rq, struct reply *rp)
{
	const char *key = request_arg(rq, "api_key");

	rp->type = "application/json";
	if (key == NULL || strcmp(key, API_KEY) != 0)
		reply_fail(rq, rp, 401, "Unauthorized");
	else if (rq->class == CLASS_OTHER || strcmp(rq->method, "GET") != 0)
		reply_fail(rq, rp, 404, "Not Found");
	else if (rq->class == CLASS_CAMERAS)
		cameras(rq, rp);
	else if (rq->class == CLASS_SEARCH)
		search(rq, rp);
	else if (strchr(rq->rest + 5, '/') == NULL)
		reply_fail(rq, rp, 404, "Not Found");
	else
		image_reply(rp, hash_text(rq->rest));
}

const struct dialect rekor_scout_v2 = {
	.name = "rekor-scout-v2",
	.secret = API_KEY,
	.classify = classify,
	.answer = answer,
	.error = error,
	.search = {"", "pk", "best_plate", "epoch_time_start", "best_confidence", "best_confidence", NULL},
	.cameras = {"", "camera_id", "name", NULL, "latitude", NULL, "latitude"},
};
