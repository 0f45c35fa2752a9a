/*
 * cache_table.h: the tables of the cache, a pair for each hour of expiry (C1, C2).
 *
 * They are written and read past the executor and past transactions. Rows are frozen at once: a rollback takes nothing
 * back, and other sessions see them before we commit. A lock is held only as long as a few pages take, so that an open
 * transaction does not hold up a purge.
 */
#ifndef LPR_CACHE_TABLE_H
#define LPR_CACHE_TABLE_H

#include "postgres.h"
#include "datatype/timestamp.h"

#include "cache/cache_told.h"
#include "format/read_record.h"
#include "core/read.h"

#define LPR_CACHE_PLACES_MAX 500 /* more of them, and an answer's row would not lie within a page */

/* What of a question its reads match (G1). */
typedef enum LprCacheMatched
{
	LPR_MATCHED_NOTHING,
	LPR_MATCHED_PLATE,
	LPR_MATCHED_PLATE_AND_REGION
} LprCacheMatched;

/* A cached answer, and to whom it was shown for what. */
typedef struct LprCacheAnswer
{
	TimestampTz expires_at; /* a full hour */
	bool has_key;           /* without one it is found by lpr_cache_table_shown() only */
	LprDigest key;
	int64 ask;    /* the question that it was shown for */
	int64 answer; /* the question that fetched it */
	char login[NAMEDATALEN];
	int64 event_id;
	char source[NAMEDATALEN];
	bool complete;
	LprOrder sorted;
	LprCacheMatched matched;
	LprMoment since;
	LprMoment until;
	bool open_until; /* asked up to now */
	TimestampTz fetched_at;
	int64 reads;
	int64 shown; /* the first so many of those between since and until; the others were not shown to this login */
	int nplaces; /* … or, when there are any, those at these places among all, in order */
	int32 *places;
	LprCacheTold told;        /* what it left out */
	uint8 seed[LPR_SEED_LEN]; /* of the salts of its reads; stored nowhere else */
	int nruns;
	int32 *runs; /* first block and number of blocks, pair by pair */
} LprCacheAnswer;

/* An answer's row, of reads that are there already. */
extern void lpr_cache_table_add_answer(const LprCacheAnswer *answer);

/* Calls back for each answer of that key that has not expired, the newest hour first, until it returns false. */
typedef bool (*LprCacheVisit)(const LprCacheAnswer *answer, void *arg);
extern void lpr_cache_table_find(const LprDigest *key, LprCacheVisit visit, void *arg);
/* The same of one hour of expiry. */
extern void lpr_cache_table_find_at(const LprDigest *key, TimestampTz expires_at, LprCacheVisit visit, void *arg);
/* For each answer that was shown to a login for an event. */
extern void lpr_cache_table_shown(const char *login, int64 event_id, LprCacheVisit visit, void *arg);

#endif
