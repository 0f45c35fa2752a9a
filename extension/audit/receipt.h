/*
 * receipt.h: the kinds of records of the audit log, and what became of one that was sent.
 */
#ifndef LPR_RECEIPT_H
#define LPR_RECEIPT_H

#include "postgres.h"
#include "datatype/timestamp.h"

#include "format/record.h"

typedef enum LprAuditKind
{
	LPR_AUDIT_START,   /* the log begins */
	LPR_AUDIT_MONTH,   /* the partition of a month begins */
	LPR_AUDIT_ASK,     /* a question that the gate let through */
	LPR_AUDIT_REFUSED, /* one that it did not, or that was no question */
	LPR_AUDIT_SENT,    /* more of what was sent than fits into the answer's row */
	LPR_AUDIT_ANSWER,  /* what came of a question */
	LPR_AUDIT_CHANGE,  /* of policy or case data */
	LPR_AUDIT_READ,    /* of the audit itself */
	LPR_AUDIT_CLOCK,   /* the server's clock was set back */
	LPR_AUDIT_CONSENT, /* somebody agreed to the rules for this session */
	LPR_AUDIT_FLAG,    /* something that oversight should look at */
	LPR_AUDIT_LOOK,    /* whether an earlier decision still holds: no record, unless it is refused */
	LPR_AUDIT_USAGE    /* how much of the limits is used: no record */
} LprAuditKind;
#define LPR_AUDIT_KINDS 13

extern const char *const lpr_audit_kind_names[LPR_AUDIT_KINDS];

#define LPR_RECEIPTS   16 /* that one process waits for at once */
#define LPR_TEXTS_ROOM 1000

/* What became of a record. */
typedef struct LprReceipt
{
	uint64 ticket;
	bool written;
	bool refused;
	int64 number;
	LprDigest digest;        /* the chain's, of that record */
	int64 reads_limit;       /* that may be shown; 0 = no limit */
	int64 plates_limit;      /* … different plates, likewise */
	TimestampTz expires_at;  /* until when the answer may be cached; 0 = not at all */
	TimestampTz holds_until; /* the decision, if nothing changes */
	uint64 generation;       /* of policy and cases, as lpr_queue_generation() said before it was made */
	uint8 log[LPR_LOG_ID_LEN];
	char control[8];
	char sqlstate[6];
	char texts[LPR_TEXTS_ROOM]; /* message, detail and hint, a NUL behind each; LprUsage, if that was asked */
} LprReceipt;

/* Of a person, and of an event: plates asked in an hour and in a day, and shown in a day (writer/quota.h). */
typedef struct LprUsage
{
	bool known;
	int64 used[2][3];
	TimestampTz until[2][3]; /* when the oldest of it counts no longer; 0 = nothing is used */
} LprUsage;

#endif
