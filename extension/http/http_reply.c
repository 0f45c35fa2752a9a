/*
 * http_reply.c: HTTP's replies: their headers, and what to do when a try has ended.
 *
 * The callback runs inside curl: it may not raise errors, palloc, or look at interrupts, only note and return.
 */
#include "http/http_internal.h"

#include "common/pg_prng.h"

#define RETRY_FIRST_MS   250
#define RETRY_LONGEST_MS 10000

size_t
lpr_reply_header(char *data, size_t size, size_t count, void *arg)
{
	static const char retry_after[] = "Retry-After:";
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
		transfer->retry_after[0] = '\0'; /* of an intermediate reply */
	else if (len > sizeof(retry_after) && pg_strncasecmp(data, retry_after, sizeof(retry_after) - 1) == 0)
	{
		const char *value = data + sizeof(retry_after) - 1;
		const char *end = data + len;
		size_t room = sizeof(transfer->retry_after) - 1;

		while (value < end && (*value == ' ' || *value == '\t'))
			value++;
		while (end > value && (unsigned char) end[-1] <= ' ')
			end--;
		room = Min(room, (size_t) (end - value));
		memcpy(transfer->retry_after, value, room);
		transfer->retry_after[room] = '\0';
	}
	return len;
}

/* Milliseconds that the peer asks us to wait, -1 when it does not say so in a way we know: "120", or a date. */
static int64
asked_wait(const LprTransfer *transfer)
{
	const char *text = transfer->retry_after;
	time_t when;

	if (text[0] == '\0')
		return -1;
	if (text[strspn(text, "0123456789")] == '\0')
		return strlen(text) > 9 ? PG_INT32_MAX : strtol(text, NULL, 10) * INT64CONST(1000);
	when = curl_getdate(text, NULL);
	if (when == (time_t) -1)
		return -1;
	return Max(when - time(NULL), 0) * INT64CONST(1000);
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

/* Sets a transfer aside for another try; false when there is none left. */
static bool
try_again(LprTransfer *transfer, int64 asked_ms)
{
	int64 wait = backoff(transfer);

	if (!transfer->repeatable || transfer->tries > transfer->peer.retries)
		return false;
	if (asked_ms > transfer->peer.retry_after_max_ms)
	{
		lpr_fault(&transfer->fault, LPR_STATE_NO_CONNECTION, "%s asks to wait " INT64_FORMAT " s", transfer->name,
				  asked_ms / 1000);
		lpr_fault_detail(&transfer->fault,
						 "It answered with HTTP status %d. The longest wait that is honoured is %d ms. Request: %s",
						 transfer->status, transfer->peer.retry_after_max_ms, transfer->place);
		lpr_transfer_settle(transfer, LPR_HTTP_FAILED);
		return true;
	}
	transfer->state = LPR_HTTP_WAITING;
	transfer->due_ms = lpr_engine_now() + (asked_ms > 0 ? asked_ms + wait / 4 : wait);
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
		if (again && try_again(transfer, -1))
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
	switch (transfer->status)
	{
		case 429:
		case 502:
		case 503:
		case 504:
			if (try_again(transfer, asked_wait(transfer)))
				return;
			break;
	}
	lpr_http_explain_status(transfer);
	lpr_transfer_settle(transfer, LPR_HTTP_REFUSED);
}
