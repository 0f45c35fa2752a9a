/*
 * request: what the dialects read from a request and put into a reply, and the page that answers a question.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "vendor.h"

const char *const class_names[] = {"login", "search", "page", "cameras", "image", "other"};

int64_t
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * SECOND + now.tv_nsec / 1000;
}

const char *
request_arg(const struct request *rq, const char *name)
{
	return MHD_lookup_connection_value(rq->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *
request_header(const struct request *rq, const char *name)
{
	return MHD_lookup_connection_value(rq->connection, MHD_HEADER_KIND, name);
}

/* The body as strict JSON; NULL: it is none. */
struct json_object *
request_json(const struct request *rq)
{
	return json_read(rq->body, rq->body_len);
}

void
reply_header(struct reply *rp, const char *name, const char *value)
{
	if (rp->n_headers == sizeof(rp->headers) / sizeof(rp->headers[0]))
		return;
	snprintf(rp->headers[rp->n_headers].name, sizeof(rp->headers[0].name), "%s", name);
	snprintf(rp->headers[rp->n_headers].value, sizeof(rp->headers[0].value), "%s", value);
	rp->n_headers++;
}

/* An error in the dialect's own shape, instead of all that was written. */
void
reply_fail(const struct request *rq, struct reply *rp, int status, const char *message)
{
	rp->body.len = 0;
	rp->rows = 0;
	rp->status = status;
	if (rq->class == CLASS_LOGIN && rq->dialect->login_error != NULL)
		rq->dialect->login_error(rp, status, message);
	else
		rq->dialect->error(rp, status, message);
}

void
answer_page(struct request *rq, const struct question *q, int64_t offset, int limit, bool total, struct page *page)
{
	bool endless = fault_of(rq, FAULT_ENDLESS) != NULL || fault_of(rq, FAULT_ENDLESS_SAME) != NULL;
	struct walk *walk = walk_open(q, endless ? 0 : offset);
	struct row beyond;

	*page = (struct page){.rows = need(malloc(sizeof(struct row) * (size_t) limit)), .total = -1};
	while (page->n < limit && walk_next(walk, &page->rows[page->n]))
		page->n++;
	page->more = page->n == limit && walk_next(walk, &beyond);
	page->next = offset + page->n;
	walk_close(walk);
	if (total)
		page->total = question_count(q);
	faults_page(rq, q, page, offset, limit);
}

void
page_free(struct page *page)
{
	free(page->rows);
	page->rows = NULL;
}
