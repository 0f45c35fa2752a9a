/*
 * cache_keeper.h: the worker that makes the cache's tables ahead of time and drops those that are over (C2).
 */
#ifndef LPR_CACHE_KEEPER_H
#define LPR_CACHE_KEEPER_H

#include "postgres.h"

extern void lpr_cache_keeper_register(void);
extern PGDLLEXPORT void lpr_cache_keeper_main(Datum argument);

#endif
