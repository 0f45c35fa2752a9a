/*
 * cache_purger.h: the worker that makes the cache's tables ahead of time and drops those that are over (C2).
 */
#ifndef LPR_CACHE_PURGER_H
#define LPR_CACHE_PURGER_H

#include "postgres.h"

extern void lpr_cache_purger_register(void);
extern PGDLLEXPORT void lpr_cache_purger_main(Datum argument);

#endif
