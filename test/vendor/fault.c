/*
 * fault: the faults that are switched on, which of them hit a request, and those that stand instead of an answer.
 */
#include <json-c/json.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "vendor.h"

#define MAX_FAULTS 256
#define ELSEWHERE  "http://127.0.0.2:1/elsewhere"

static const char *const names[] = {"delay",     "drip",         "cut",        "hang",     "truncated",
									"overlong",  "status",       "rate_limit", "redirect", "next_elsewhere",
									"endless",   "endless_same", "gzip_bomb",  "gzip",     "html",
									"malformed", "wrong_rows",   "not_image",  "expired",  "images_elsewhere",
									"hold"};

#define N_NAMES ((int) (sizeof(names) / sizeof(names[0])))

static struct fault faults[MAX_FAULTS];
static int n_faults;
static atomic_int clearings;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int64_t
number_of(struct json_object *spec, const char *key, int64_t otherwise)
{
	struct json_object *value;

	return json_object_object_get_ex(spec, key, &value) && json_object_is_type(value, json_type_int)
			   ? json_object_get_int64(value)
			   : otherwise;
}

static bool
flag_of(struct json_object *spec, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(spec, key, &value) && json_object_get_boolean(value);
}

static bool
text_of(struct json_object *spec, const char *key, char *to, size_t size, const char *otherwise)
{
	struct json_object *value;
	bool there = json_object_object_get_ex(spec, key, &value) && json_object_is_type(value, json_type_string);

	snprintf(to, size, "%s", there ? json_object_get_string(value) : otherwise);
	return there;
}

/* Switches a fault on. A text: what is wrong with it. */
const char *
fault_add(struct json_object *spec)
{
	static const char *const known[] = {"vendor", "class",  "fault",       "times",   "after",  "ms",    "bytes",
										"at",     "status", "retry_after", "as_date", "length", "count", "depth",
										"kind",   "to",     "body",        "header",  "value",  "reset"};
	struct fault f = {.class = -1};
	char name[32];
	char class[32];
	int number = 0;
	const char *message = NULL;

	if (!json_object_is_type(spec, json_type_object))
		return "a fault is a JSON object";
	json_object_object_foreach(spec, key, value)
	{
		size_t i = 0;

		(void) value;
		while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i], key) != 0)
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return "unknown parameter of a fault";
	}
	text_of(spec, "vendor", f.vendor, sizeof(f.vendor), "*");
	text_of(spec, "class", class, sizeof(class), "*");
	text_of(spec, "fault", name, sizeof(name), "");
	text_of(spec, "kind", f.kind, sizeof(f.kind), "");
	text_of(spec, "to", f.to, sizeof(f.to), ELSEWHERE);
	text_of(spec, "header", f.header, sizeof(f.header), "Retry-After");
	text_of(spec, "value", f.value, sizeof(f.value), "");
	f.has_body = text_of(spec, "body", f.body, sizeof(f.body), "");
	while (number < N_NAMES && strcmp(names[number], name) != 0)
		number++;
	if (number == N_NAMES)
		return "unknown fault: README.md has the list";
	f.name = (enum fault_name) number;
	for (int i = 0; i <= CLASS_OTHER; i++)
	{
		if (strcmp(class_names[i], class) == 0)
			f.class = i;
	}
	if (f.class < 0 && strcmp(class, "*") != 0)
		return "class is login, search, page, cameras, image or *";
	if (f.name == FAULT_MALFORMED && !malform_known(f.kind))
		return "unknown kind of malformed";
	if (f.name == FAULT_WRONG_ROWS && !wrong_known(f.kind))
		return "unknown kind of wrong_rows";
	f.times = (long) number_of(spec, "times", -1);
	f.after = (long) number_of(spec, "after", 0);
	f.ms = (long) number_of(spec, "ms", f.name == FAULT_DRIP ? 100 : 1000);
	f.bytes = number_of(spec, "bytes", -1);
	f.at = number_of(spec, "at", -1);
	f.status = (int) number_of(spec, "status", 500);
	f.retry_after = (int) number_of(spec, "retry_after", -1);
	f.reset = (int) number_of(spec, "reset", -1);
	f.count = (int) number_of(spec, "count", f.name == FAULT_WRONG_ROWS ? 3 : 1);
	f.depth = (int) number_of(spec, "depth", 100000);
	f.as_date = flag_of(spec, "as_date");
	f.length = flag_of(spec, "length");
	if (f.status != 200 && f.status != 204 && (f.status < 400 || f.status > 599))
		return "status is 200, 204, or 400 to 599";
	if (f.ms < 0 || f.count < 0 || f.count > 10000 || f.depth < 1 || f.depth > 10000000)
		return "a parameter is out of range";
	pthread_mutex_lock(&lock);
	if (n_faults == MAX_FAULTS)
		message = "too many faults";
	else
		faults[n_faults++] = f;
	pthread_mutex_unlock(&lock);
	return message;
}

void
faults_clear(void)
{
	pthread_mutex_lock(&lock);
	n_faults = 0;
	clearings++;
	pthread_mutex_unlock(&lock);
}

/* How often the faults were switched off. */
int
faults_clearings(void)
{
	return clearings;
}

/* Copies the faults that hit a request into it, and counts them down. */
void
faults_match(struct request *rq)
{
	pthread_mutex_lock(&lock);
	rq->clearings = clearings;
	for (int i = 0; i < n_faults && rq->n_faults < MAX_ACTIVE_FAULTS; i++)
	{
		struct fault *f = &faults[i];

		if ((f->class >= 0 && f->class != (int) rq->class) ||
			(strcmp(f->vendor, "*") != 0 && strcmp(f->vendor, rq->vendor->name) != 0) || f->times == 0)
			continue;
		if (f->after > 0)
		{
			f->after--;
			continue;
		}
		if (f->times > 0)
			f->times--;
		rq->faults[rq->n_faults++] = *f;
	}
	pthread_mutex_unlock(&lock);
}

const struct fault *
fault_of(const struct request *rq, enum fault_name name)
{
	for (int i = 0; i < rq->n_faults; i++)
	{
		if (rq->faults[i].name == name)
			return &rq->faults[i];
	}
	return NULL;
}

static void
html(struct reply *rp)
{
	rp->type = "text/html";
	buf_str(&rp->body, "<!DOCTYPE html>\n<html><head><title>Service Unavailable</title></head>"
					   "<body><h1>We'll be back soon</h1></body></html>\n");
}

static void
rate_limit(struct request *rq, struct reply *rp, const struct fault *f)
{
	char text[64];
	time_t when = (time_t) (rq->arrived / SECOND) + f->retry_after;
	struct tm tm;

	reply_fail(rq, rp, 429, "Too many requests");
	if (f->value[0] != '\0')
		reply_header(rp, f->header, f->value);
	if (f->reset >= 0)
	{
		snprintf(text, sizeof(text), "%d", f->reset);
		reply_header(rp, "X-RateLimit-Reset", text);
	}
	if (f->retry_after < 0)
		return;
	snprintf(text, sizeof(text), "%d", f->retry_after);
	if (f->as_date && gmtime_r(&when, &tm) != NULL)
		strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	reply_header(rp, "Retry-After", text);
}

/* An answer that a fault gives in the dialect's place. */
bool
faults_instead(struct request *rq, struct reply *rp)
{
	const struct fault *f;

	if ((f = fault_of(rq, FAULT_STATUS)) != NULL)
	{
		reply_fail(rq, rp, f->status, "simulated failure");
		if (f->has_body)
		{
			rp->body.len = 0;
			buf_str(&rp->body, f->body);
		}
	}
	else if ((f = fault_of(rq, FAULT_RATE_LIMIT)) != NULL)
		rate_limit(rq, rp, f);
	else if ((f = fault_of(rq, FAULT_REDIRECT)) != NULL)
	{
		rp->status = 302;
		rp->type = "text/plain";
		reply_header(rp, "Location", f->to);
	}
	else if (fault_of(rq, FAULT_HTML) != NULL)
		html(rp);
	else if (rq->class == CLASS_IMAGE && fault_of(rq, FAULT_EXPIRED) != NULL)
		reply_fail(rq, rp, 403, "the URL has expired");
	else if (rq->class == CLASS_IMAGE && fault_of(rq, FAULT_NOT_IMAGE) != NULL)
	{
		html(rp);
		rp->type = "image/png";
	}
	else
		return false;
	return true;
}

/* What faults do to a page of reads before a dialect writes it. */
void
faults_page(struct request *rq, const struct question *q, struct page *page, int64_t offset, int limit)
{
	const struct fault *same = fault_of(rq, FAULT_ENDLESS_SAME);
	const struct fault *f;

	if (same != NULL || fault_of(rq, FAULT_ENDLESS) != NULL)
	{
		for (int i = 0; i < page->n && offset > 0; i++)
			page->rows[i].id = mix64(page->rows[i].id, (uint64_t) offset);
		page->more = true;
		page->next = same != NULL ? limit : offset + limit;
	}
	if ((f = fault_of(rq, FAULT_NEXT_ELSEWHERE)) != NULL)
		page->next_raw = f->to;
	for (int i = 0; i < rq->n_faults; i++)
	{
		if (rq->faults[i].name == FAULT_WRONG_ROWS)
			wrong_rows(&rq->faults[i], q, page);
	}
}

/* Its images lie at another origin. */
static void
images_elsewhere(const struct request *rq, const struct fault *f, struct buf *body)
{
	size_t len = strlen(rq->base);
	const char *images = rq->dialect->images;
	size_t images_len = images != NULL ? strlen(images) : 0;

	for (size_t i = 0; images != NULL && i + len + images_len < body->len; i++)
	{
		const char *at = body->at + i;

		if (memcmp(at, rq->base, len) == 0 && memcmp(at + len, images, images_len) == 0)
		{
			buf_replace(body, i, len, f->to, strlen(f->to));
			i += strlen(f->to);
		}
	}
}

/* What faults do to the text of a good answer. */
void
faults_body(struct request *rq, struct reply *rp)
{
	const struct reply_keys *keys = &rq->dialect->search;

	if (rq->class == CLASS_LOGIN)
		keys = &rq->dialect->login;
	else if (rq->class == CLASS_CAMERAS)
		keys = &rq->dialect->cameras;
	for (int i = 0; i < rq->n_faults && rp->status == 200; i++)
	{
		if (rq->faults[i].name == FAULT_MALFORMED)
			malform(keys, &rq->faults[i], &rp->body);
		else if (rq->faults[i].name == FAULT_IMAGES_ELSEWHERE)
			images_elsewhere(rq, &rq->faults[i], &rp->body);
		else if (rq->faults[i].name == FAULT_TRUNCATED)
			rp->body.len = rq->faults[i].at >= 0 && (size_t) rq->faults[i].at < rp->body.len ? (size_t) rq->faults[i].at
																							 : rp->body.len / 2;
	}
}
