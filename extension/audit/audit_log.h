/*
 * audit_log.h: the log as its writer holds it: head of the chain, frontier of the tree, checkpoints. All within the
 * writer's transactions.
 */
#ifndef LPR_AUDIT_LOG_H
#define LPR_AUDIT_LOG_H

#include "audit/audit_row.h"
#include "format/note.h"
#include "format/tree.h"

#define LPR_CHECKPOINT_RECORDS 10000
#define LPR_CHECKPOINT_SECONDS 60

/* What the last commit left, or what this transaction will. */
typedef struct LprLogState
{
	int64 number; /* of the last record, 0 = none */
	TimestampTz at;
	LprDigest digest;
	bool has_previous; /* the digest before the last record's is known */
	LprDigest previous;
	LprTree tree;
	LprTree checkpointed; /* the tree at the last checkpoint */
	TimestampTz checkpoint_at;
	char partition[NAMEDATALEN];
	int nfresh;      /* records since the last checkpoint: their leaf hashes stand in LprLog.fresh */
	bool clock_told; /* that the clock was set back */
} LprLogState;

typedef struct LprLog
{
	bool there;
	uint8 id[LPR_LOG_ID_LEN];
	LprSigner *signer;
	LprLogState committed;
	LprLogState state;
	LprDigest *fresh; /* in TopMemoryContext */
	int fresh_room;
} LprLog;

extern char *lpr_checkpoint_key; /* GUC: name of a secret */

/*
 * Looks for the log and continues it: reads the last checkpoint, hashes the records after it again, and compares them
 * with their own digests. ERROR LP032 when they do not agree, or when records are missing. log->there stays false when
 * there is no log yet.
 */
extern void lpr_log_load(LprLog *log);
/* Makes a new log, in this transaction. */
extern void lpr_log_begin(LprLog *log);
/* Numbers, chains and writes rows; fills number, at and digest of each. Makes due partitions and checkpoints. */
extern void lpr_log_append(LprLog *log, LprAuditRow *rows, int nrows);
/* Signs a checkpoint now, if there are records that none covers. */
extern void lpr_log_checkpoint(LprLog *log);
extern bool lpr_log_checkpoint_due(const LprLog *log);
/* Makes the partitions of this month and the next. */
extern void lpr_log_prepare_months(void);

extern void lpr_log_committed(LprLog *log);
extern void lpr_log_aborted(LprLog *log);
extern void lpr_log_forget(LprLog *log);

#endif
