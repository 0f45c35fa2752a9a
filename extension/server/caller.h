/*
 * caller.h: which function calls: of those that have rights or settings of their own, as all of lpr have that change
 * something.
 */
#ifndef LPR_CALLER_H
#define LPR_CALLER_H

#include "postgres.h"

extern void lpr_caller_init(void);

/* Whether the innermost of them is one of this extension. */
extern bool lpr_caller_is_ours(void);
/* How many of them are under way. */
extern int lpr_callers(void);
/* The n-th of them from the innermost on, which is 0. */
extern Oid lpr_caller(int n);
/* A transaction ends: none is under way, whatever became of them. */
extern void lpr_caller_end(void);

#endif
