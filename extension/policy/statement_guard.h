/*
 * statement_guard.h: ways by which an answer could leave the screen and be kept (E2), and by which the log or a
 * person's login could be lost (U3, A1).
 */
#ifndef LPR_STATEMENT_GUARD_H
#define LPR_STATEMENT_GUARD_H

#include "postgres.h"
#include "nodes/plannodes.h"

/* Puts the hooks in. */
extern void lpr_statement_guard_init(void);

/*
 * Called where reads are about to be shown, with the statement that asks (NULL = not known) and the source (NULL =
 * none). ERROR LP050, on record, when a statement that could keep them is under way.
 */
extern void lpr_statement_guard_check(const PlannedStmt *own, const char *source);

/*
 * Called by a verb that writes before it puts itself on record. ERROR LP050, on record, when its statement shows reads,
 * or could keep what it returns.
 */
extern void lpr_statement_guard_check_verb(void);

#endif
