/*
 * http_reply.c: HTTP's replies: their headers, and what to do when a try has ended.
 *
 * The callback runs inside curl: it may not raise errors, palloc, or look at interrupts, only note and return.
 */
#include "http/http_internal.h"

#include "common/pg_prng.h"
#include "miscadmin.h"

#include "http/rate.h"

#define RETRY_FIRST_MS   250
#define RETRY_LONGEST_MS 10000
#define LIMIT_MS         1000

/* Keeps the value of a header, if it is that. */
static void
keep_header(const char *data, size_t len, const char *name, char kept[64])
{
	size_t name_len = strlen(name);
	const char *value = data + name_len, *end = data + len;
	size_t room;

	if (len <= name_len || pg_strncasecmp(data, name, name_len) != 0)
		return;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (unsigned char) end[-1] <= ' ')
		end--;
	room = Min((size_t) 63, (size_t) (end - value));
	memcpy(kept, value, room);
	kept[room] = '\0';
}

size_t
lpr_reply_header(char *data, size_t size, size_t count, void *arg)
{
	LprTransfer *transfer = arg;
	size_t len = size * count;

	transfer->heard_ms = lpr_engine_now();
	transfer->header_bytes += len;
	if (transfer->header_bytes > LPR_HTTP_HEADERS_MAX)
	{
		transfer->stop = LPR_STOP_HEADERS_TOO_LARGE;
		return 0;
	}
	if (len >= 5 && memcmp(data, "HTTP/", 5) == 0)
		transfer->retry_after[0] = transfer->reset[0] = '\0'; /* of an intermediate reply */
	else
	{
		keep_header(data, len, "Retry-After:", transfer->retry_after);
		keep_header(data, len, "X-RateLimit-Reset:", transfer->reset);
		keep_header(data, len, "RateLimit-Reset:", transfer->reset);
	}
	return len;
}

/* A number of seconds, with a fraction or without. */
static bool
seconds_of(const char *text, double *seconds)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0)
		return false;
	if (text[digits] == '.')
		digits += 1 + strspn(text + digits + 1, "0123456789");
	*seconds = strtod(text, NULL); /* the server keeps LC_NUMERIC at C */
	return text[digits] == '\0';
}

/*
 * Milliseconds that the peer asks us to wait, -1 when it does not say so in a way we know: "120", "1.5", or a date; or
 * when its limit begins anew, in seconds from now or, as most have it, since 1970.
 */
static int64
asked_wait(const LprTransfer *transfer)
{
	double seconds;
	time_t when;

	if (seconds_of(transfer->retry_after, &seconds))
		return (int64) (Min(seconds, 2e6) * 1000);
	when = transfer->retry_after[0] != '\0' ? curl_getdate(transfer->retry_after, NULL) : (time_t) -1;
	if (when != (time_t) -1)
		return Max(when - time(NULL), 0) * INT64CONST(1000);
	if (!seconds_of(transfer->reset, &seconds))
		return -1;
	if (seconds > 1e11)
		seconds /= 1000; /* since 1970 in milliseconds */
	if (seconds > 1e8)
		seconds = Max(seconds - (double) time(NULL), 0);
	return (int64) (Min(seconds, 2e6) * 1000);
}

/*
 * Doubling from RETRY_FIRST_MS, and at random between half and all of it, so that backends that failed together come
 * back apart.
 */
static int64
backoff(const LprTransfer *transfer)
{
	int64 wait = RETRY_LONGEST_MS;

	if (transfer->tries < 6)
		wait = Min(wait, (int64) RETRY_FIRST_MS << (transfer->tries - 1));
	return (int64) (wait * (0.5 + 0.5 * pg_prng_double(&pg_global_prng_state)));
}

/* Replies that say, or mean, that the same request may be answered later. */
static bool
is_passing_status(int status)
{
	return status == 408 || status == 425 || status == 429 || status == 500 || (status >= 502 && status <= 504) ||
		   (status >= 520 && status <= 524);
}

/*
 * Sets a transfer aside for another try; false when there is none left. A reply that will pass is waited for as long as
 * the option says, since a limit of requests per second outlives any two retries; a line that fails has so many.
 */
static bool
try_again(LprTransfer *transfer, bool replied, int64 asked_ms)
{
	const LprHttpPeer *peer = &transfer->peer;
	int64 now = lpr_engine_now(), wait = backoff(transfer);

	if (!transfer->repeatable)
		return false;
	if (transfer->trouble_ms == 0)
		transfer->trouble_ms = now;
	if (asked_ms >= 0)
		wait = asked_ms > 0 ? asked_ms + Min(wait, 1000) / 4 : wait;
	else if (replied && transfer->status == 429)
		wait += LIMIT_MS; /* without a word: it is per second */
	if (transfer->tries > peer->retries && !(replied && now + wait - transfer->trouble_ms <= peer->retry_time_ms))
		return false;
	if (asked_ms > peer->retry_after_max_ms)
	{
		lpr_fault(&transfer->fault, LPR_STATE_NO_CONNECTION, "%s asks to wait " INT64_FORMAT " s", transfer->name,
				  asked_ms / 1000);
		lpr_fault_detail(&transfer->fault,
						 "It answered with HTTP status %d. The longest wait that is honoured is %d ms. Request: %s",
						 transfer->status, peer->retry_after_max_ms, transfer->place);
		lpr_transfer_settle(transfer, LPR_HTTP_FAILED);
		return true;
	}
	if (replied && transfer->status == 429 && peer->retry_time_ms > 0)
		lpr_rate_slow(MyDatabaseId, peer->key, asked_ms);
	transfer->state = LPR_HTTP_WAITING;
	transfer->due_ms = now + wait;
	transfer->cost.retries++;
	return true;
}

/* Failures of the line, which may be gone the next time. Time limits are not among them: a retry would double them. */
static bool
is_passing(CURLcode code)
{
	switch (code)
	{
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_CONNECT:
		case CURLE_GOT_NOTHING:
		case CURLE_SEND_ERROR:
		case CURLE_RECV_ERROR:
		case CURLE_PARTIAL_FILE:
		case CURLE_HTTP2:
		case CURLE_HTTP2_STREAM:
			return true;
		default:
			return false;
	}
}

static void
note_cost(LprTransfer *transfer)
{
	long status = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	transfer->cost.bytes += transfer->reply.len;
	transfer->status = (int) status;
}

/* A try has ended: settled, or set aside for another. */
void
lpr_reply_finish(LprTransfer *transfer, CURLcode code)
{
	note_cost(transfer);
	if (transfer->stop != LPR_STOP_NONE || code != CURLE_OK)
	{
		bool again = transfer->stop == LPR_STOP_NONE && is_passing(code);

		/* before the handle is detached: it is asked for what it knows */
		lpr_transfer_explain(transfer, code);
		lpr_engine_detach(transfer);
		if (again && try_again(transfer, false, -1))
			return;
		lpr_transfer_settle(transfer, LPR_HTTP_FAILED);
		return;
	}
	lpr_engine_detach(transfer);
	if (transfer->status >= 200 && transfer->status < 300)
	{
		memset(&transfer->fault, 0, sizeof(transfer->fault));
		lpr_transfer_settle(transfer, LPR_HTTP_DONE);
		return;
	}
	if (is_passing_status(transfer->status) && try_again(transfer, true, asked_wait(transfer)))
		return;
	lpr_http_explain_status(transfer);
	lpr_transfer_settle(transfer, LPR_HTTP_REFUSED);
}
