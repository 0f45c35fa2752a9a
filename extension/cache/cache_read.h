/*
 * cache_read.h: the reads of an answer, out of the cache's tables.
 */
#ifndef LPR_CACHE_READ_H
#define LPR_CACHE_READ_H

#include "cache/cache_table.h"

/* The reads of an answer. */
typedef struct LprCacheRead LprCacheRead;
extern LprCacheRead *lpr_cache_read(MemoryContext context, const LprCacheAnswer *answer);
/* False at the end, or with *gone when it expired meanwhile. Slices live until the next call. */
extern bool lpr_cache_read_next(LprCacheRead *walk, LprRead *read, bool *gone);

#endif
