/*
 * audit_batch.h: the audit writer's work: the records, changes and checkpoints that wait, written.
 */
#ifndef LPR_AUDIT_BATCH_H
#define LPR_AUDIT_BATCH_H

#include "audit/audit_log.h"

/* To be called once, when the writer is connected. */
extern void lpr_batch_init(void);

/*
 * Writes all that waits, once, in the current memory context. False when it could not be written: then wait before the
 * next try.
 */
extern bool lpr_batch_write(LprLog *log);

#endif
