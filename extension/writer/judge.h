/*
 * judge.h: the audit writer's side of the gate: puts the questions that wait before the rules of lpr_data.gate().
 */
#ifndef LPR_JUDGE_H
#define LPR_JUDGE_H

#include "audit/audit_queue.h"

/*
 * Decides all questions among the records with one statement, and all looks at earlier decisions with another; fills
 * the receipts of those that are refused, and how many reads the others may show. Within the writer's transaction.
 */
extern void lpr_judge(List *records, LprReceipt *receipts);
/*
 * How many reads may be shown to questions that an earlier writer let through: of the first n records, by the limits
 * as they are now.
 */
extern void lpr_judge_limits(List *records, LprReceipt *receipts, int n);
/* Makes a receipt that of a refusal. hint may be NULL. */
extern void lpr_refuse(LprReceipt *receipt, const char *control, const char *sqlstate, const char *message,
					   const char *detail, const char *hint);
/* The plans of those statements are made anew at the next batch, and nothing is remembered. */
extern void lpr_judge_forget(void);

/*
 * GUC: what is remembered is judged anew, and a difference is a crash. For tests: no right outlives its end unnoticed.
 */
extern bool lpr_debug_remembered;

#endif
