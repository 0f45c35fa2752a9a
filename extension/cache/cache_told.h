/*
 * cache_told.h: what an answer left out of what the vendor sent: kept with it, and told of it again.
 */
#ifndef LPR_CACHE_TOLD_H
#define LPR_CACHE_TOLD_H

#include "postgres.h"

#include "gate/query_stats.h"

typedef struct LprCacheTold
{
	int64 drops[LPR_DROPS]; /* reads, by reason */
	int nodd;
	LprOdd odd[LPR_ODD_MAX]; /* values, by member */
} LprCacheTold;

/* What the stats count so far, of the questions before. */
extern void lpr_cache_told_start(LprCacheTold *told, const LprQueryStats *stats);
/* What they count since then. */
extern void lpr_cache_told_finish(LprCacheTold *told, const LprQueryStats *stats);
/* Counts it for another question. */
extern void lpr_cache_told_tell(const LprCacheTold *told, LprQueryStats *stats);

/* As columns of type jsonb, and back: false if they are none of ours. */
extern Datum lpr_cache_told_dropped(const LprCacheTold *told);
extern Datum lpr_cache_told_odd(const LprCacheTold *told);
extern bool lpr_cache_told_take(LprCacheTold *told, Datum dropped, Datum odd);

#endif
