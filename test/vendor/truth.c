/*
 * truth: what a client that asks a vendor and filters rightly must find, counted from the world itself.
 */
#include <stdio.h>
#include <stdlib.h>

#include "vendor.h"

#define MAX_REGIONS 80

struct stats
{
	char region[3];
	int64_t n;
};

static void
stats_add(struct stats *tallies, const char *region)
{
	for (int i = 0; i < MAX_REGIONS; i++)
	{
		if (tallies[i].n == 0)
			memcpy(tallies[i].region, region, 3);
		if (strcmp(tallies[i].region, region) == 0)
		{
			tallies[i].n++;
			return;
		}
	}
}

static void
stats_write(struct buf *out, const char *key, const struct stats *tallies)
{
	buf_fmt(out, ",\"%s\":{", key);
	for (int i = 0; i < MAX_REGIONS && tallies[i].n > 0; i++)
		buf_fmt(out, "%s\"%s\":%lld", i > 0 ? "," : "", tallies[i].region, (long long) tallies[i].n);
	buf_str(out, "}");
}

static void
time_or_null(struct buf *out, const char *key, int64_t t, bool known)
{
	buf_fmt(out, ",\"%s\":", key);
	if (!known)
	{
		buf_str(out, "null");
		return;
	}
	buf_str(out, "\"");
	buf_time(out, t, TIME_RFC3339);
	buf_str(out, "\"");
}

/* A question in the parameters of a control route; false: they are not those. */
bool
truth_question(const struct request *rq, struct question *q)
{
	const char *plate = request_arg(rq, "plate");
	const char *near = request_arg(rq, "near");
	const char *text;
	static const struct
	{
		const char *name;
		size_t at;
		size_t size;
	} texts[] = {{"make", offsetof(struct question, make), 68},
				 {"model", offsetof(struct question, model), 68},
				 {"address", offsetof(struct question, address), 204},
				 {"region", offsetof(struct question, region), 3}};

	/* Several plates stand with commas between them. */
	for (const char *p = plate; p != NULL && *p != '\0'; p += strspn(p, ","))
	{
		char one[32];
		size_t len = strcspn(p, ",");

		snprintf(one, sizeof(one), "%.*s", (int) (len < sizeof(one) ? len : sizeof(one) - 1), p);
		if (!question_add_plate(q, one))
			return false;
		p += len;
	}
	if (near != NULL)
	{
		q->has_near = true;
		if (sscanf(near, "%lf,%lf,%lf", &q->latitude, &q->longitude, &q->radius_m) != 3)
			return false;
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		if ((text = request_arg(rq, texts[i].name)) != NULL)
			snprintf((char *) q + texts[i].at, texts[i].size, "%s", text);
	}
	if ((text = request_arg(rq, "camera")) != NULL && (q->camera = camera_by_id(text)) < 0)
		return false;
	if ((text = request_arg(rq, "from")) != NULL && !time_read(text, &q->from))
		return false;
	return (text = request_arg(rq, "until")) == NULL || time_read(text, &q->until);
}

void
truth_answer(struct request *rq, struct reply *rp)
{
	struct stats cameras[MAX_REGIONS] = {{{0}, 0}};
	struct stats plates[MAX_REGIONS] = {{{0}, 0}};
	int64_t total = 0;
	int64_t usable = 0;
	int64_t abroad = 0;
	int64_t unknown = 0;
	int64_t older = 0;
	int64_t older_anywhere = 0;
	int64_t newest = INT64_MIN;
	int64_t oldest = INT64_MAX;
	int64_t limit = years_before(clock_us(), 5);
	bool with_ids = request_arg(rq, "ids") != NULL;
	struct buf ids = {0};
	struct question q;
	struct walk *walk;
	struct row r;

	question_init(&q, rq->vendor);
	if (!truth_question(rq, &q))
	{
		rp->status = 400;
		buf_str(&rp->body,
				"{\"error\":\"plate, near=lat,lon,radius_m, make, model, address, region, camera, from, until\"}");
		question_free(&q);
		return;
	}
	walk = walk_open(&q, 0);
	while (walk_next(walk, &r))
	{
		total++;
		older_anywhere += r.t < limit;
		if (r.camera->kind == CAMERA_ABROAD)
			abroad++;
		else if (r.camera->kind == CAMERA_UNKNOWN)
			unknown++;
		else if (r.t < limit)
			older++;
		else
		{
			usable++;
			newest = r.t > newest ? r.t : newest;
			oldest = r.t < oldest ? r.t : oldest;
			stats_add(cameras, r.camera->region);
			stats_add(plates, r.region);
			if (with_ids)
				buf_fmt(&ids, "%s\"%016llx\"", usable > 1 ? "," : "", (unsigned long long) r.id);
		}
	}
	walk_close(walk);
	question_free(&q);
	buf_fmt(&rp->body,
			"{\"total\":%lld,\"usable\":%lld,\"abroad\":%lld,\"unknown_place\":%lld,\"older\":%lld,"
			"\"older_anywhere\":%lld",
			(long long) total, (long long) usable, (long long) abroad, (long long) unknown, (long long) older,
			(long long) older_anywhere);
	time_or_null(&rp->body, "newest", newest, usable > 0);
	time_or_null(&rp->body, "oldest", oldest, usable > 0);
	stats_write(&rp->body, "by_camera_region", cameras);
	stats_write(&rp->body, "by_plate_region", plates);
	if (with_ids)
	{
		buf_str(&rp->body, ",\"ids\":[");
		buf_put(&rp->body, ids.len ? ids.at : "", ids.len);
		buf_str(&rp->body, "]");
	}
	buf_str(&rp->body, "}\n");
	buf_free(&ids);
}
