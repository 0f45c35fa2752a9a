/*
 * statement_jit.h: which statements are not compiled by the server before they run.
 */
#ifndef LPR_STATEMENT_JIT_H
#define LPR_STATEMENT_JIT_H

#include "postgres.h"
#include "nodes/plannodes.h"

/*
 * Takes compilation (jit) out of a plan that reads a table of lpr_data. Those of policy have a row or a few, so the
 * server never analyzes them, guesses at hundreds, multiplies them by what each rule may cost, and compiles for half a
 * second what runs for a millisecond.
 */
extern void lpr_statement_without_jit(PlannedStmt *planned);

#endif
