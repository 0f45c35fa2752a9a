/*
 * hit.h: what vendors told, against what displays watch (D1, D6): each new read of a watched plate becomes a hit of
 * each item that watches it. The read goes into the cache, where only its hits reach it; what nobody watches goes
 * nowhere.
 *
 * Everything is part of the caller's transaction but the reads, which the cache writes past it: should it be rolled
 * back, nothing points to them, and they go with their hour.
 *
 * What was suspended gets nothing that a camera saw before it was watched again (display_item.watched_since, which a
 * trigger sets when holds_until is put off after it had passed; lpr_data.renew_displays() notes it).
 */
#ifndef LPR_HIT_H
#define LPR_HIT_H

#include "postgres.h"

#include "core/filter.h"
#include "format/digest.h"

/* What came of it. For the record of the answer: kept, digest, oldest, newest, dropped by reason. */
typedef struct LprHitCounts
{
	int64 told;             /* reads that were handed in */
	int64 kept;             /* new ones of watched plates: in the digest, and in the cache for their hours */
	int64 hits;             /* one an item and read */
	int64 again;            /* of watched plates, but there already */
	int64 unwatched;        /* nobody's, or from before it was watched: dropped */
	int64 drops[LPR_DROPS]; /* that no question would show either: too old, abroad, twice in one answer, ... */
	bool cached;            /* whether their content is in the cache; else their hits say that it is gone */
	LprDigest digest;       /* of those that were kept, as that of any answer (LPR_READ_VERSION) */
	LprMoment oldest;       /* of those that were kept; LPR_MOMENT_NONE = none */
	LprMoment newest;
} LprHitCounts;

typedef struct LprHitStore LprHitStore;

/*
 * `ask`: the number of the audit record of the ask that they come from; one store an ask. Goes with the context; ends
 * without hits when it is not finished. Within a transaction, with an active snapshot.
 *
 * The record of the answer must be on disk before the transaction commits: nobody sees a hit that no record tells of.
 */
extern LprHitStore *lpr_hit_store_begin(MemoryContext context, const char *source, int64 ask);
/* Keeps a copy; may store what has gathered. */
extern void lpr_hit_store_add(LprHitStore *store, const LprRead *read);
/* One that the dialect could not read. */
extern void lpr_hit_store_malformed(LprHitStore *store);
/* Stores the rest, and notes whose owners are to be told. */
extern void lpr_hit_store_end(LprHitStore *store, LprHitCounts *counts);

/* What an answer's record says of it, into a payload that is open: reads, digest, oldest, newest, dropped, ... */
extern void lpr_hit_describe(LprText *payload, const LprHitCounts *counts);

/*
 * Wakes the clients of owners of hits, as soon as the transaction commits, and posts their mails; whether some are
 * still to be told, a second later. The watcher calls it in a transaction of its own: after each one that stored hits,
 * and each second while it is true.
 */
extern bool lpr_hit_wake(void);

/* What the reads of an ask are found by in the cache: no question has that key. */
extern void lpr_hit_key(int64 ask, LprDigest *key);

#endif
