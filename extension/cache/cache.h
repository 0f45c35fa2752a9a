/*
 * cache.h: answers that need not be asked again (C1): finding the answer to a question, and caching a new one.
 */
#ifndef LPR_CACHE_H
#define LPR_CACHE_H

#include "cache/cache_table.h"
#include "gate/gate.h"
#include "gate/query_stats.h"

/* One question that the gate let through, its answer out of the cache or on its way into it. */
typedef struct LprCache LprCache;

/*
 * Looks for an answer to a question; waits while another session asks the same (interruptibly). `refresh`: the vendor
 * is asked anew, even if there is an answer. Lives in the context. `mapping`: as whom the vendor is asked.
 */
extern LprCache *lpr_cache_open(MemoryContext context, LprStatement *statement, LprQueryStats *stats,
								const LprGateQuestion *question, Oid mapping, bool refresh);
/* Whether the answer is there: then it is read with lpr_cache_next, and nobody is asked. */
extern bool lpr_cache_hit(const LprCache *cache);
/* The next read of it that answers the question. False at the end; what expired meanwhile is told by the stats. */
extern bool lpr_cache_next(LprCache *cache, LprRead *read);
/* A read of the vendor's, as it is shown, and when it came. */
extern void lpr_cache_keep(LprCache *cache, const LprRead *read, TimestampTz fetched_at);
/* No more is read; how it came out stands in the stats. */
extern void lpr_cache_close(LprCache *cache);

extern TimestampTz lpr_cache_fetched_at(const LprCache *cache); /* of a hit */
extern TimestampTz lpr_cache_expires_at(const LprCache *cache); /* 0: not cached */

#endif
