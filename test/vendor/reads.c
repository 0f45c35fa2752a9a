/*
 * reads: the reads of a vendor that answer a question, in no dialect, a line of JSON each, the oldest first: the world
 * for servers that write dialects of their own (test/conformance).
 */
#include "vendor.h"

static void
write_read(struct buf *out, const struct row *r)
{
	buf_fmt(out, "{\"id\":\"%016llx\",\"t_us\":%lld,\"plate\":", (unsigned long long) r->id, (long long) r->t);
	buf_json(out, r->plate);
	buf_fmt(out, ",\"region\":\"%s\",\"confidence\":%d.%03d,\"region_confidence\":%d.%03d", r->region,
			r->confidence / 1000, r->confidence % 1000, r->state_confidence / 1000, r->state_confidence % 1000);
	buf_fmt(out, ",\"camera\":\"%s\",\"make\":\"%s\",\"model\":\"%s\",\"color\":\"%s\"}\n", r->camera->id,
			vehicle_models[r->model][0], vehicle_models[r->model][1], vehicle_colors[r->color]);
}

void
reads_answer(struct request *rq, struct reply *rp)
{
	struct question q;
	struct walk *walk;
	struct row r;

	rp->type = "application/jsonl";
	question_init(&q, rq->vendor);
	q.ascending = true;
	if (!truth_question(rq, &q))
	{
		rp->status = 400;
		buf_str(&rp->body, "{\"error\":\"the parameters are those of /control/truth\"}\n");
		question_free(&q);
		return;
	}
	walk = walk_open(&q, 0);
	while (walk_next(walk, &r))
		write_read(&rp->body, &r);
	walk_close(walk);
	question_free(&q);
}
