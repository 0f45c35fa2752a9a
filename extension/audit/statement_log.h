/*
 * statement_log.h: statements that no trigger sees, on record with the transaction that they are of (U4).
 *
 * In the database of the log they wait like other changes when the writer cannot be waited for; from elsewhere they go
 * through shared memory. A record is there before the transaction commits, while there is a writer; if it does not,
 * another one says so. Nothing here stops a statement: see docs/decisions/72.
 */
#ifndef LPR_STATEMENT_LOG_H
#define LPR_STATEMENT_LOG_H

#include "postgres.h"
#include "base/base.h"

extern void lpr_statement_log_init(void);

/* Begins the particulars of a statement. */
extern void lpr_statement_open(LprText *payload, const char *command, const char *type);
/* Ends them. In memory of the transaction; what is not noted afterwards is forgotten with it. */
extern char *lpr_statement_close(LprText *payload);
/*
 * It was executed: on record when the transaction ends. roles: whether it changes roles, memberships or their
 * settings. awaited: whether the transaction waits until that is safe; not for what may mend the writer.
 */
extern void lpr_statement_note(char *payload, bool roles, bool awaited);
/* On record now, and waited for: of what takes along that which would write it. ERROR LP020 when that cannot be. */
extern void lpr_statement_record_now(const char *payload);
/* Text of this database as UTF-8. */
extern const char *lpr_statement_utf8(const char *text);

#endif
