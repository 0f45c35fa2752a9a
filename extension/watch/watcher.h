/*
 * watcher.h: the worker that asks the sources, round by round, for what displays watch (D1).
 */
#ifndef LPR_WATCHER_H
#define LPR_WATCHER_H

#include "postgres.h"

extern void lpr_watcher_register(void);
extern PGDLLEXPORT void lpr_watcher_main(Datum argument);

#endif
