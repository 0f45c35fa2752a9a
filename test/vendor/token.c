/*
 * token: the tokens that a login has issued, until when they hold, and the requests of a token within a minute.
 */
#include <stdio.h>

#include "vendor.h"

#define MAX_TOKENS 4096
#define MAX_RATES  256

struct settings settings = {.image_seconds = 900};

static struct token
{
	char text[48];
	const struct vendor *vendor;
	const struct dialect *dialect;
	int64_t expires;
} tokens[MAX_TOKENS];

static struct rate
{
	const struct vendor *vendor;
	int64_t span;
	long count;
} rates[MAX_RATES];

static uint64_t issued;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

long
token_issue(const struct request *rq, char *out, size_t size)
{
	long seconds = settings.token_seconds > 0 ? settings.token_seconds : rq->dialect->token_seconds;
	struct token *t;

	pthread_mutex_lock(&lock);
	t = &tokens[issued % MAX_TOKENS];
	issued++;
	snprintf(t->text, sizeof(t->text), "tok_%016llx%08llx", (unsigned long long) mix64(rq->vendor->salt, issued),
			 (unsigned long long) issued);
	t->vendor = rq->vendor;
	t->dialect = rq->dialect;
	t->expires = clock_us() + seconds * SECOND;
	snprintf(out, size, "%s", t->text);
	pthread_mutex_unlock(&lock);
	return seconds;
}

bool
token_valid(const struct request *rq, const char *token)
{
	bool valid = false;

	if (token == NULL || token[0] == '\0')
		return false;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < MAX_TOKENS && !valid; i++)
	{
		const struct token *t = &tokens[i];

		valid = t->vendor == rq->vendor && t->dialect == rq->dialect && strcmp(t->text, token) == 0 &&
				t->expires > clock_us();
	}
	pthread_mutex_unlock(&lock);
	return valid;
}

void
tokens_forget(void)
{
	pthread_mutex_lock(&lock);
	memset(tokens, 0, sizeof(tokens));
	pthread_mutex_unlock(&lock);
}

/* Counts a request; false: the vendor has had its share of this span of so many seconds. */
bool
under_rate(const struct request *rq, long most, int seconds)
{
	int64_t span = rq->arrived / (seconds * SECOND);
	struct rate *r = NULL;
	bool under;

	if (most <= 0)
		return true;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < MAX_RATES && r == NULL; i++)
	{
		if (rates[i].vendor == rq->vendor || rates[i].vendor == NULL)
			r = &rates[i];
	}
	if (r == NULL)
		r = &rates[0];
	if (r->vendor != rq->vendor || r->span != span)
		*r = (struct rate){.vendor = rq->vendor, .span = span};
	under = ++r->count <= most;
	pthread_mutex_unlock(&lock);
	return under;
}
