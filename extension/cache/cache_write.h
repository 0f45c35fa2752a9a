/*
 * cache_write.h: reads on their way into the cache's tables.
 */
#ifndef LPR_CACHE_WRITE_H
#define LPR_CACHE_WRITE_H

#include "cache/cache_table.h"

/* Reads on their way into the table. */
typedef struct LprCacheWrite LprCacheWrite;

/* NULL when there is no table of that hour: then nothing is cached. Goes with the context. */
extern LprCacheWrite *lpr_cache_write(MemoryContext context, TimestampTz expires_at, int64 answer);
/* False when it can no longer be cached. */
extern bool lpr_cache_write_add(LprCacheWrite *fill, const LprRead *read);
/* The last reads and the answer's own row. False when it could not be cached. */
extern bool lpr_cache_write_finish(LprCacheWrite *fill, LprCacheAnswer *answer);

#endif
