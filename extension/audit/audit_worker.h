/*
 * audit_worker.h: the audit writer: one background worker that decides every question by the rules of lpr_data.gate() and writes the log.
 */
#ifndef LPR_AUDIT_WORKER_H
#define LPR_AUDIT_WORKER_H

#include "postgres.h"

extern char *lpr_database; /* GUC */

/* Has the postmaster start it. */
extern void lpr_audit_worker_register(void);
extern PGDLLEXPORT void lpr_audit_worker_main(Datum argument);

/* Whether this process is the writer: what it changes was no person's doing. */
extern bool lpr_is_audit_writer(void);

#endif
