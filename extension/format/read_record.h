/*
 * read_record.h: the canonical bytes of a read that was shown, and its leaf in the tree of its answer's digest (U1).
 *
 * Version 2 is written. Its leaf covers what every saved read holds (read_id, plate, time, place) and the digest of all
 * else, so that it can be made anew of a read that was saved without the rest (E3). The rest is salted, so that neither
 * that digest nor a leaf can be tried against guesses. Version 1, of answers before 0.3.0, has no mark and covers the
 * vendor's words as told: it is only verified. docs/audit-format.md is the specification.
 */
#ifndef LPR_READ_RECORD_H
#define LPR_READ_RECORD_H

#include "format/digest.h"
#include "format/field.h"
#include "format/record.h"

#define LPR_READ_VERSION 2
#define LPR_SEED_LEN     32

/* Version 2 hashes them in this order: the first two and the first three numbers as they are, the rest as details. */
enum
{
	LPR_READ_ID,
	LPR_READ_PLATE, /* normal form */
	LPR_READ_PLATE_REGION,
	LPR_READ_PLATE_AS_READ,
	LPR_READ_ADDRESS,
	LPR_READ_CAMERA_ID,
	LPR_READ_CAMERA_OWNER,
	LPR_READ_CAMERA_TYPE,
	LPR_READ_MAKE, /* in version 2 as lpr.reads shows it */
	LPR_READ_MODEL,
	LPR_READ_COLOR,
	LPR_READ_TEXTS
};

enum
{
	LPR_READ_CAPTURED_AT,
	LPR_READ_LATITUDE,   /* in units of 10^-7 degrees */
	LPR_READ_LONGITUDE,  /* likewise */
	LPR_READ_CONFIDENCE, /* in units of 10^-6 */
	LPR_READ_NUMBERS
};

typedef struct LprReadRecord
{
	LprSlice texts[LPR_READ_TEXTS];
	LprNumber numbers[LPR_READ_NUMBERS];
} LprReadRecord;

/*
 * The salts of an answer's reads, LPR_SALT_LEN bytes each, made of one seed: two a hash, since this is done for every
 * read.
 */
typedef struct LprSalts
{
	uint8_t seed[LPR_SEED_LEN];
	bool made; /* `two` are those of reads 2 * pair and 2 * pair + 1 */
	uint64_t pair;
	LprDigest two;
} LprSalts;

extern void lpr_salts_start(LprSalts *salts, const uint8_t seed[LPR_SEED_LEN]);
/* That of the read at a place, from 0; until the next call. One tells nothing of the seed, and so of no other. */
extern const uint8_t *lpr_salts_at(LprSalts *salts, uint64_t place);

/* All return false when out of memory; scratch is overwritten. */
extern bool lpr_read_details(const LprReadRecord *record, const uint8_t salt[LPR_SALT_LEN], LprText *scratch,
							 LprDigest *details);
extern bool lpr_read_leaf(const LprReadRecord *record, const LprDigest *details, LprText *scratch, LprDigest *leaf);
extern bool lpr_read_leaf_1(const LprReadRecord *record, LprText *scratch, LprDigest *leaf);

#endif
