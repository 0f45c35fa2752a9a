/*
 * digest.h: SHA-256, and digests as values.
 */
#ifndef LPR_DIGEST_H
#define LPR_DIGEST_H

#include "base/base.h"

#define LPR_DIGEST_LEN 32

typedef struct LprDigest
{
	uint8_t bytes[LPR_DIGEST_LEN];
} LprDigest;

/* A hash under way. Plain memory: nothing to free, no resource owner, never fails. */
typedef struct LprHash
{
	uint64_t state[16];
} LprHash;

extern void lpr_hash_start(LprHash *hash);
extern void lpr_hash_add(LprHash *hash, const void *data, size_t len);
extern void lpr_hash_end(LprHash *hash, LprDigest *digest);

extern void lpr_digest(const void *data, size_t len, LprDigest *digest);
extern bool lpr_digest_same(const LprDigest *a, const LprDigest *b);
/* Lower-case hex of len bytes; out holds 2 * len + 1. */
extern void lpr_hex(const void *data, size_t len, char *out);
/* False when it is not exactly len bytes of hex, in lower case. */
extern bool lpr_unhex(LprSlice hex, void *out, size_t len);

#endif
