/*
 * cache_walk.h: the reads of an answer, out of the cache's tables.
 */
#ifndef LPR_CACHE_WALK_H
#define LPR_CACHE_WALK_H

#include "cache/cache_table.h"

/* The reads of an answer. */
typedef struct LprCacheWalk LprCacheWalk;
extern LprCacheWalk *lpr_cache_walk(MemoryContext context, const LprCacheAnswer *answer);
/* False at the end, or with *gone when it expired meanwhile. Slices live until the next call. */
extern bool lpr_cache_walk_next(LprCacheWalk *walk, LprRead *read, bool *gone);

#endif
