/*
 * audit.h: how a session puts records into the audit log, and waits until they are safe (U1, U2).
 */
#ifndef LPR_AUDIT_H
#define LPR_AUDIT_H

#include "audit/facts.h"
#include "audit/receipt.h"

extern int lpr_audit_timeout; /* GUC, milliseconds */

/* Bytes of a text that SQL gives for a record. */
#define LPR_WHAT_MAX 1024

/*
 * Called before anything that SQL gave is written down: a change, a refusal, a record. ERROR when it must not be. The
 * room of policies sets it.
 */
extern void (*lpr_audit_before_write)(void);
/* Instead of that, before a record that the log is read, which is shown then. */
extern void (*lpr_audit_before_read)(void);

/* What a session says; who it is is added here. Strings may be NULL. The payload is ASCII. */
typedef struct LprAuditEntry
{
	LprAuditKind kind;
	LprFacts facts; /* except for those of the session, and the source, which are added */
	const char *source;
	int64 ask; /* 0 = none */
	const char *control;
	const char *sqlstate;
	const char *payload;
	Size payload_len;
} LprAuditEntry;

/* Where the receipt will be. Up to LPR_RECEIPTS / 2 may be awaited by one caller at a time. */
typedef struct LprTicket
{
	int place;
	uint64 ticket;
} LprTicket;

/*
 * Puts a record into the queue, waiting for room (interruptibly). ERROR LP020 when there can be none: library not
 * preloaded, standby, another database, writer down, no room in time; and when the record is too large.
 */
extern LprTicket lpr_audit_send(const LprAuditEntry *entry);
/*
 * Waits until the record is durable, and for the gate's verdict. ERROR LP020 after lpr.audit_timeout, or at once when
 * we ourselves lock the log.
 */
extern void lpr_audit_await(LprTicket ticket, LprReceipt *receipt);
/* Whether this is where the log is kept: preloaded, the right database, no standby. */
extern bool lpr_audit_here(void);
/*
 * Writes down that something was refused, and waits until that is durable. The entry says of what; the message is all
 * that its payload tells.
 */
extern void lpr_audit_refusal(LprAuditEntry entry, int code, const char *message);
/* The same, for who cannot wait: left in the queue if there is room. */
extern void lpr_audit_leave_refusal(LprAuditEntry entry, int code, const char *message);
/* Whether nobody has awaited it yet. */
extern bool lpr_audit_pending(LprTicket ticket);
/* Puts a record into the queue if there is room, waits for nothing, throws nothing: for transactions that abort. */
extern bool lpr_audit_leave(const LprAuditEntry *entry);

/*
 * A record of what concerns the cluster, from any database: put into the queue if there is room, and waited for if so
 * wanted and the writer is well. Whether it is durable; whoever left it before is not told. ERROR only when
 * interrupted.
 */
extern bool lpr_audit_leave_for_cluster(const LprAuditEntry *entry, bool wait);
/* Whether this transaction holds a lock that the audit writer would wait for. */
extern bool lpr_audit_is_held_up(void);
/* Notes the login's name for transactions that abort. */
extern void lpr_audit_know_login(void);

/* Closes the payload, which becomes the entry's in memory of the current context: sending may throw. */
extern void lpr_audit_set_payload(LprAuditEntry *entry, LprText *payload);
/* What SQL says of a record, as "what". ERROR 22001 when that is longer than LPR_WHAT_MAX, but of superusers. */
extern void lpr_audit_describe_what(LprText *payload, const char *what);
/* What names this session in a payload: client, application. */
extern void lpr_audit_describe_session(LprText *payload);

#endif
