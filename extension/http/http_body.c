/*
 * http_body.c: the memory that replies are read into.
 *
 * The callback runs inside curl: it may not raise errors, palloc, or look at interrupts, only note and return.
 */
#include "http/http_internal.h"

#define FIRST_SIZE ((size_t) 16 * 1024)
/*
 * Buffers kept for the next replies: memory that was written to before costs no page faults (a third of the time at
 * bulk).
 */
#define SPARE_BUFFERS  2
#define SPARE_SIZE_MAX ((size_t) 4 * 1024 * 1024)

static LprBuffer spare[SPARE_BUFFERS];

void
lpr_buffer_recycle(LprBuffer *buffer)
{
	LprBuffer given = *buffer;

	memset(buffer, 0, sizeof(*buffer));
	if (given.size > 0 && given.size <= SPARE_SIZE_MAX)
		for (int i = 0; i < SPARE_BUFFERS; i++)
			if (spare[i].size < given.size)
			{
				LprBuffer smaller = spare[i];

				spare[i] = given;
				given = smaller;
			}
	free(given.data);
}

/* Makes room for `more` bytes and a terminator; in one step when the reply's length is known. */
static bool
make_room(LprTransfer *transfer, size_t more)
{
	LprBuffer *reply = &transfer->reply;
	size_t cap = transfer->peer.body_max + 1;
	size_t need = reply->len + more + 1;
	size_t want;
	char *data;

	if (need <= reply->size)
		return true;
	if (reply->size == 0)
	{
		curl_off_t told = -1;

		curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &told);
		want = told > 0 && (uint64) told < cap ? (size_t) told + 1 : FIRST_SIZE;
		want = Max(want, need);
		for (int i = 0; i < SPARE_BUFFERS; i++)
			if (spare[i].size >= need && (reply->size == 0 || (reply->size < want && spare[i].size > reply->size)))
			{
				LprBuffer swap = *reply;

				*reply = spare[i];
				spare[i] = swap;
			}
		reply->len = 0;
		if (reply->size >= want)
			return true;
	}
	else
		want = Min(Max(reply->size * 2, need), cap);
	data = realloc(reply->data, want);
	if (data == NULL)
		return false;
	reply->data = data;
	reply->size = want;
	return true;
}

size_t
lpr_transfer_body(char *data, size_t size, size_t count, void *arg)
{
	LprTransfer *transfer = arg;
	size_t len = size * count;

	transfer->heard_ms = lpr_engine_now();
	if (transfer->reply.len + len > transfer->peer.body_max)
	{
		transfer->stop = LPR_STOP_BODY_TOO_LARGE;
		return 0;
	}
	if (!make_room(transfer, len))
	{
		transfer->stop = LPR_STOP_NO_MEMORY;
		return 0;
	}
	memcpy(transfer->reply.data + transfer->reply.len, data, len);
	transfer->reply.len += len;
	transfer->reply.data[transfer->reply.len] = '\0';
	return len;
}
