/*
 * audit_worker.h: the audit writer: one background worker that decides every question by the rules of lpr_data.gate()
 * and writes the log.
 */
#ifndef LPR_AUDIT_WORKER_H
#define LPR_AUDIT_WORKER_H

#include "postgres.h"

/* Has the postmaster start it. */
extern void lpr_audit_worker_register(void);
extern PGDLLEXPORT void lpr_audit_worker_main(Datum argument);

#endif
