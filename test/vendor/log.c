/*
 * log: the last requests, for the tests to read, and all of them in a file if one is asked for.
 */
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>

#include "vendor.h"

#define LOG_MAX  100000
#define BODY_MAX 65536

static struct entry
{
	int64_t n;
	enum request_class class;
	const struct vendor *vendor;
	char *line;
} entries[LOG_MAX];

static int64_t count;
static FILE *file;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

bool
log_open(const char *name)
{
	file = fopen(name, "a");
	return file != NULL;
}

void
log_close(void)
{
	log_clear();
	if (file != NULL)
		fclose(file);
}

void
log_add(const struct request *rq, const struct reply *rp)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(rq->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	const char *reference = request_header(rq, "X-Request-Reference");
	const char *agent = request_header(rq, "User-Agent");
	bool authorized = request_header(rq, "Authorization") != NULL;
	struct buf line = {0};
	struct entry *e;

	for (size_t i = 0; i < sizeof(rq->dialect->headers) / sizeof(rq->dialect->headers[0]); i++)
	{
		if (rq->dialect->headers[i] != NULL && request_header(rq, rq->dialect->headers[i]) != NULL)
			authorized = true;
	}
	buf_fmt(&line,
			",\"t_us\":%lld,\"vendor\":\"%s\",\"dialect\":\"%s\",\"class\":\"%s\",\"method\":", (long long) rq->arrived,
			rq->vendor->name, rq->dialect->name, class_names[rq->class]);
	buf_json(&line, rq->method);
	buf_str(&line, ",\"path\":");
	buf_json(&line, rq->raw);
	buf_str(&line, ",\"body\":");
	buf_json_bytes(&line, rq->body ? rq->body : "", rq->body_len < BODY_MAX ? rq->body_len : BODY_MAX);
	buf_fmt(&line, ",\"status\":%d,\"reference\":", rp->status);
	buf_json_or_null(&line, reference);
	buf_str(&line, ",\"user_agent\":");
	buf_json_or_null(&line, agent);
	buf_fmt(&line, ",\"authorization\":%s,\"http\":", authorized ? "true" : "false");
	buf_json(&line, rq->version);
	buf_fmt(&line, ",\"connection\":%lld,\"reads\":%d}", info ? (long long) (intptr_t) info->socket_context : 0,
			rp->rows);

	pthread_mutex_lock(&lock);
	e = &entries[count % LOG_MAX];
	free(e->line);
	e->n = ++count;
	e->class = rq->class;
	e->vendor = rq->vendor;
	e->line = need(malloc(line.len + 32));
	sprintf(e->line, "{\"n\":%lld%.*s", (long long) e->n, (int) line.len, line.at);
	if (file != NULL)
	{
		fprintf(file, "%s\n", e->line);
		fflush(file);
	}
	pthread_mutex_unlock(&lock);
	buf_free(&line);
}

void
log_clear(void)
{
	pthread_mutex_lock(&lock);
	for (int i = 0; i < LOG_MAX; i++)
	{
		free(entries[i].line);
		entries[i] = (struct entry){0};
	}
	pthread_mutex_unlock(&lock);
}

/* Entries after number "since", oldest first, as a JSON array. */
void
log_list(struct buf *out, const char *vendor, const char *class, int64_t since)
{
	const char *comma = "";

	buf_str(out, "[");
	pthread_mutex_lock(&lock);
	for (int64_t n = count > LOG_MAX ? count - LOG_MAX : 0; n < count; n++)
	{
		const struct entry *e = &entries[n % LOG_MAX];

		if (e->line == NULL || e->n <= since || (vendor && strcmp(vendor, e->vendor->name) != 0) ||
			(class && strcmp(class, class_names[e->class]) != 0))
			continue;
		buf_str(out, comma);
		buf_str(out, e->line);
		comma = ",\n";
	}
	pthread_mutex_unlock(&lock);
	buf_str(out, "]\n");
}
