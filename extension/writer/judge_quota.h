/*
 * judge_quota.h: how much was asked and shown before the questions that are judged now.
 */
#ifndef LPR_JUDGE_QUOTA_H
#define LPR_JUDGE_QUOTA_H

#include "audit/audit_queue.h"

/* Before any is judged: what is in the log counts. Connected to SPI. */
extern void lpr_judge_know_quotas(void);
/* LprQueued that are written together: each question counts for the others, and what answers among them have shown. */
extern void lpr_judge_expect(List *records);
/* How much of the limits is used: of the records that ask that. */
extern void lpr_judge_usage(List *records, LprReceipt *receipts);
/*
 * Counts questions that were let through and answers, from the first that is new, once they are on record; outside a
 * transaction.
 */
extern void lpr_judge_count(List *records, const LprReceipt *receipts, int first);

#endif
