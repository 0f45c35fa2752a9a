/*
 * judge_quota.h: how much was asked before the questions that are judged now.
 */
#ifndef LPR_JUDGE_QUOTA_H
#define LPR_JUDGE_QUOTA_H

#include "audit/audit_queue.h"

/* Before any is judged: what is in the log counts. Connected to SPI. */
extern void lpr_judge_know_quotas(void);
/* LprQueued that are judged together: each counts for the others. */
extern void lpr_judge_expect(List *questions);
/* Counts those that were let through, from the first that is new, once they are on record; outside a transaction. */
extern void lpr_judge_count(List *records, const LprReceipt *receipts, int first);

#endif
