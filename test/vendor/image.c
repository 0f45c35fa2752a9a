/*
 * image: a small PNG for each read, and the signatures of the URLs that lead to one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "vendor.h"

#define WIDTH  64
#define HEIGHT 24

static void
be32(unsigned char *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (unsigned char) (value >> (24 - 8 * i));
}

static void
chunk(struct buf *out, const char *type, const unsigned char *data, size_t len)
{
	unsigned char word[4];
	uint32_t crc = (uint32_t) crc32(crc32(0, (const Bytef *) type, 4), data, (uInt) len);

	be32(word, (uint32_t) len);
	buf_put(out, word, 4);
	buf_put(out, type, 4);
	buf_put(out, data, len);
	be32(word, crc);
	buf_put(out, word, 4);
}

/* Grey bars that differ from read to read. */
void
image_png(uint64_t seed, struct buf *out)
{
	static const unsigned char magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
	unsigned char head[13] = {0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0};
	unsigned char pixels[HEIGHT * (WIDTH + 1)];
	unsigned char packed[2 * sizeof(pixels)];
	uLongf packed_len = sizeof(packed);

	be32(head, WIDTH);
	be32(head + 4, HEIGHT);
	for (int y = 0; y < HEIGHT; y++)
	{
		pixels[y * (WIDTH + 1)] = 0;
		for (int x = 0; x < WIDTH; x++)
			pixels[y * (WIDTH + 1) + 1 + x] = (unsigned char) (mix64(seed, (uint64_t) (x / 4 + y / 12 * 16)) & 0xff);
	}
	if (compress(packed, &packed_len, pixels, sizeof(pixels)) != Z_OK)
		abort();
	buf_put(out, magic, sizeof(magic));
	chunk(out, "IHDR", head, sizeof(head));
	chunk(out, "IDAT", packed, packed_len);
	chunk(out, "IEND", (const unsigned char *) "", 0);
}

uint64_t
image_signature(uint64_t id, char which, int64_t expires)
{
	return mix64(mix64(world.seed ^ 0x51647, id ^ (uint64_t) which), (uint64_t) expires);
}

void
image_reply(struct reply *rp, uint64_t seed)
{
	rp->body.len = 0;
	rp->type = "image/png";
	image_png(seed, &rp->body);
}

/* An image behind a signed URL: <16 hex digits>-<which>.png?expires=<epoch>&sig=<16 hex digits>. */
void
image_signed(const struct request *rq, struct reply *rp, const char *file)
{
	const char *expires = request_arg(rq, "expires");
	const char *sig = request_arg(rq, "sig");
	char *end;
	uint64_t id = strtoull(file, &end, 16);

	if (end != file + 16 || end[0] != '-' || end[1] == '\0')
		reply_fail(rq, rp, 404, "no such image");
	else if (expires == NULL || sig == NULL ||
			 strtoull(sig, NULL, 16) != image_signature(id, end[1], strtoll(expires, NULL, 10)))
		reply_fail(rq, rp, 403, "bad signature");
	else if (strtoll(expires, NULL, 10) * SECOND < clock_us())
		reply_fail(rq, rp, 403, "the URL has expired");
	else
		image_reply(rp, mix64(id, (uint64_t) end[1]));
}
