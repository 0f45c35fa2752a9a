/*
 * digest.c: SHA-256 by libcrypto's low-level functions: they allocate nothing and belong to no resource owner, so that
 * a hash may outlive a transaction, and cost a fraction of EVP's on short input.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <string.h>

#include <openssl/sha.h>

#include "format/digest.h"

_Static_assert(sizeof(SHA256_CTX) <= sizeof(LprHash), "a hash under way fits");
_Static_assert(_Alignof(SHA256_CTX) <= _Alignof(LprHash), "and is aligned");

/* Nobody but libcrypto looks into it. */
static SHA256_CTX *
context(LprHash *hash)
{
	return (SHA256_CTX *) hash->state;
}

void
lpr_hash_start(LprHash *hash)
{
	SHA256_Init(context(hash));
}

void
lpr_hash_add(LprHash *hash, const void *data, size_t len)
{
	if (len > 0)
		SHA256_Update(context(hash), data, len);
}

void
lpr_hash_end(LprHash *hash, LprDigest *digest)
{
	SHA256_Final(digest->bytes, context(hash));
}

void
lpr_digest(const void *data, size_t len, LprDigest *digest)
{
	LprHash hash;

	lpr_hash_start(&hash);
	lpr_hash_add(&hash, data, len);
	lpr_hash_end(&hash, digest);
}

bool
lpr_digest_same(const LprDigest *a, const LprDigest *b)
{
	return memcmp(a->bytes, b->bytes, LPR_DIGEST_LEN) == 0;
}

void
lpr_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = data;

	for (size_t i = 0; i < len; i++)
	{
		*out++ = digits[from[i] >> 4];
		*out++ = digits[from[i] & 15];
	}
	*out = '\0';
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool
lpr_unhex(LprSlice hex, void *out, size_t len)
{
	uint8_t *to = out;

	if (hex.data == NULL || hex.len != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++)
	{
		int high = nibble(hex.data[2 * i]), low = nibble(hex.data[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		to[i] = (uint8_t) (high << 4 | low);
	}
	return true;
}
