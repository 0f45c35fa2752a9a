/*
 * deliver: a reply on its way out, with the faults of the way: late, slow, cut, padded, compressed, or never.
 */
#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <zlib.h>

#include "vendor.h"

#define OVERLONG_BYTES (INT64_C(256) << 20)
#define BOMB_BYTES     (INT64_C(1) << 30)
#define BOMB_PIECE     (1 << 20)
#define BLOCK          65536

#ifndef POLLRDHUP
#define POLLRDHUP 0x2000
#endif

/* A body that is handed over piece by piece: blanks first, then the text. */
struct outflow
{
	struct buf body;
	uint64_t pad;
	uint64_t cut; /* the connection ends here; UINT64_MAX: never */
	size_t piece;
	long ms;
	int fd;
};

/* For what lasts a while, whatever the time of day is set to. */
static int64_t
steady_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec / 1000;
}

/* Waits, but not for a client that has gone or a server that stops. */
static bool
wait_ms(int fd, long ms)
{
	int64_t until = steady_us() + ms * 1000;

	while (!stopping)
	{
		struct pollfd p = {.fd = fd, .events = POLLRDHUP};
		int64_t left = (until - steady_us() + 999) / 1000;

		if (left <= 0)
			return true;
		if (poll(&p, 1, left > 50 ? 50 : (int) left) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)))
			return false;
	}
	return false;
}

static ssize_t
flow(void *cls, uint64_t pos, char *to, size_t max)
{
	struct outflow *o = cls;
	uint64_t end = o->pad + o->body.len;
	size_t n = max < o->piece ? max : o->piece;

	if (pos >= o->cut)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (pos >= end)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (o->ms > 0 && pos > 0 && !wait_ms(o->fd, o->ms))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (n > end - pos)
		n = (size_t) (end - pos);
	if (n > o->cut - pos)
		n = (size_t) (o->cut - pos);
	if (pos < o->pad)
	{
		if (n > o->pad - pos)
			n = (size_t) (o->pad - pos);
		memset(to, ' ', n);
	}
	else
		memcpy(to, o->body.at + (pos - o->pad), n);
	return (ssize_t) n;
}

static void
flow_end(void *cls)
{
	struct outflow *o = cls;

	buf_free(&o->body);
	free(o);
}

static void
deflate_to(struct buf *out, z_stream *z, const void *bytes, size_t len, int how)
{
	z->next_in = (Bytef *) bytes;
	z->avail_in = (uInt) len;
	do
	{
		buf_room(out, BLOCK);
		z->next_out = (Bytef *) out->at + out->len;
		z->avail_out = BLOCK;
		deflate(z, how);
		out->len += BLOCK - z->avail_out;
	} while (z->avail_out == 0);
}

/*
 * Compresses a body. A bomb has blanks before it: one piece of them, deflated to a byte boundary without reference to
 * what came before, is simply repeated.
 */
static void
compress_body(struct buf *body, int64_t blanks)
{
	struct buf out = {0};
	z_stream z = {0};
	unsigned char tail[8];
	uLong crc = crc32(0, NULL, 0);
	uint32_t size = (uint32_t) (blanks + (int64_t) body->len);

	if (deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	buf_put(&out, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10);
	if (blanks > 0)
	{
		char *piece = need(malloc(BOMB_PIECE));
		size_t start = out.len;
		size_t len;
		uLong piece_crc;

		memset(piece, ' ', BOMB_PIECE);
		piece_crc = crc32(crc, (const Bytef *) piece, BOMB_PIECE);
		deflate_to(&out, &z, piece, BOMB_PIECE, Z_FULL_FLUSH);
		crc = piece_crc;
		len = out.len - start;
		for (int64_t done = BOMB_PIECE; done < blanks; done += BOMB_PIECE)
		{
			buf_room(&out, len);
			buf_put(&out, out.at + start, len);
			crc = crc32_combine(crc, piece_crc, BOMB_PIECE);
		}
		free(piece);
	}
	crc = crc32(crc, (const Bytef *) body->at, (uInt) body->len);
	deflate_to(&out, &z, body->at, body->len, Z_FINISH);
	deflateEnd(&z);
	for (int i = 0; i < 4; i++)
	{
		tail[i] = (unsigned char) (crc >> (8 * i));
		tail[i + 4] = (unsigned char) (size >> (8 * i));
	}
	buf_put(&out, tail, 8);
	buf_free(body);
	*body = out;
}

static void
pack(struct request *rq, struct reply *rp)
{
	const char *accept = request_header(rq, "Accept-Encoding");
	const struct fault *bomb = fault_of(rq, FAULT_GZIP_BOMB);
	int64_t blanks = 0;

	if (bomb != NULL)
		blanks = (bomb->bytes > 0 ? bomb->bytes + BOMB_PIECE - 1 : BOMB_BYTES) / BOMB_PIECE * BOMB_PIECE;
	else if (fault_of(rq, FAULT_GZIP) == NULL || accept == NULL || strstr(accept, "gzip") == NULL)
		return;
	buf_room(&rp->body, 1);
	compress_body(&rp->body, blanks);
	reply_header(rp, "Content-Encoding", "gzip");
}

static struct MHD_Response *
response_of(struct request *rq, struct reply *rp, int fd)
{
	const struct fault *drip = fault_of(rq, FAULT_DRIP);
	const struct fault *cut = fault_of(rq, FAULT_CUT);
	const struct fault *overlong = fault_of(rq, FAULT_OVERLONG);
	struct outflow *o;
	bool unknown_size;
	struct MHD_Response *response;

	if (drip == NULL && cut == NULL && overlong == NULL)
	{
		response = MHD_create_response_from_buffer(rp->body.len, rp->body.at ? rp->body.at : (void *) "",
												   rp->body.at ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
		if (response != NULL)
			rp->body = (struct buf){0};
		return response;
	}
	o = need(calloc(1, sizeof(*o)));
	o->body = rp->body;
	rp->body = (struct buf){0};
	o->fd = fd;
	o->piece = BLOCK;
	o->cut = UINT64_MAX;
	if (overlong != NULL)
		o->pad = (uint64_t) (overlong->bytes >= 0 ? overlong->bytes : OVERLONG_BYTES);
	if (drip != NULL)
	{
		o->piece = drip->bytes > 0 ? (size_t) drip->bytes : 1;
		o->ms = drip->ms;
	}
	if (cut != NULL)
	{
		uint64_t total = o->pad + o->body.len;

		o->cut = cut->at >= 0 ? (uint64_t) cut->at : total / 2;
		if (o->cut >= total && total > 0)
			o->cut = total - 1;
	}
	unknown_size = overlong != NULL && !overlong->length && cut == NULL;
	response = MHD_create_response_from_callback(unknown_size ? MHD_SIZE_UNKNOWN : o->pad + o->body.len, BLOCK, flow, o,
												 flow_end);
	if (response == NULL)
		flow_end(o);
	return response;
}

int
deliver(struct request *rq, struct reply *rp)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(rq->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	const struct fault *delay = fault_of(rq, FAULT_DELAY);
	int fd = info ? info->connect_fd : -1;
	struct MHD_Response *response;
	int result;

	if (fault_of(rq, FAULT_HANG) != NULL)
	{
		while (wait_ms(fd, 3600 * 1000))
			;
		return MHD_NO;
	}
	while (fault_of(rq, FAULT_HOLD) != NULL && faults_clearings() == rq->clearings)
	{
		if (!wait_ms(fd, 5))
			return MHD_NO;
	}
	if (delay != NULL && !wait_ms(fd, delay->ms))
		return MHD_NO;
	pack(rq, rp);
	response = response_of(rq, rp, fd);
	if (response == NULL)
		return MHD_NO;
	if (rp->type != NULL)
		MHD_add_response_header(response, "Content-Type", rp->type);
	for (int i = 0; i < rp->n_headers; i++)
		MHD_add_response_header(response, rp->headers[i].name, rp->headers[i].value);
	result = (int) MHD_queue_response(rq->connection, (unsigned) rp->status, response);
	MHD_destroy_response(response);
	return result;
}
