/*
 * change.h: the waiting room of changes, lpr_data.change: what this transaction puts into it, and that nothing else
 * happens to it (U3, U4).
 *
 * Triggers refuse what is not ours, row by row. A superuser can switch triggers off; so at pre-commit what lies in the
 * table is held against what went through them: each row that this transaction put in, by a digest, and none that it
 * took away.
 */
#ifndef LPR_CHANGE_H
#define LPR_CHANGE_H

#include "postgres.h"

/* Whether this database has the table, and it is guarded as this library guards it. */
extern bool lpr_change_there(void);

/* Puts one in, past triggers and rules. JSON of ASCII. */
extern void lpr_change_put(const char *payload);

/*
 * Something may have happened to the table that its triggers did not see: all of it is looked at when the transaction
 * ends.
 */
extern void lpr_change_touched(void);

/* A change is on its way in: looked for when the transaction ends, whether its guard saw it or not. */
extern void lpr_change_expected(void);

/* The script of our own extension has just made the guards: what it put in before is not counted. */
extern void lpr_change_guarded(void);

/* While it is true, rows are taken out: by the audit writer, into the log. */
extern void lpr_change_let_take(bool take);

/* While it is true, rows come by COPY: a restore. They come in as what they are, brought by this login. */
extern void lpr_change_let_restore(bool restore);

/*
 * Before a transaction commits or is prepared: ERROR LP031 when something is there, or is gone, that did not go
 * through the guards.
 */
extern void lpr_change_check(void);

/* As the (sub)transaction ends. Whether the transaction has put something in. */
extern bool lpr_change_any(void);
/* … and anything by which what is watched may be another. */
extern bool lpr_change_any_for_watch(void);
extern bool lpr_change_is_for_watch(Datum payload);
extern void lpr_change_end_sub(bool commit, SubTransactionId own, SubTransactionId parent);
extern void lpr_change_end(void);

#endif
