/*
 * audit_queue.h: the way to the audit writer through shared memory: a ring of records of any length, and receipts for
 * those who wait.
 *
 * A record belongs to nobody once it is in the ring: it is written whether its sender still waits, was cancelled, or is
 * dead. A receipt is found by process and ticket, so that a later process in the same place never takes an earlier
 * one's.
 */
#ifndef LPR_AUDIT_QUEUE_H
#define LPR_AUDIT_QUEUE_H

#include "postgres.h"
#include "nodes/pg_list.h"

#include "audit/facts.h"
#include "audit/receipt.h"

/* One record on its way. Fixed part; its payload follows. */
typedef struct LprQueued
{
	uint32 len; /* of all, payload included */
	uint32 payload_len;
	int procno; /* whose receipt */
	int place;  /* of its receipts */
	uint64 ticket;
	Oid database; /* whose log it belongs to; InvalidOid: that of the cluster, whichever database has it */
	bool of_cluster;
	LprAuditKind kind;
	uint8 salt[LPR_SALT_LEN]; /* random: also the key by which a record is known again */
	LprDigest payload_digest;
	NameData login_name;
	int pid;
	TimestampTz session_started;
	LprFacts facts; /* of what is no question, those that it has */
	bool has_ask;
	int64 ask;
	char control[8];
	char sqlstate[6];
	char payload[FLEXIBLE_ARRAY_MEMBER];
} LprQueued;

#define LPR_REASON_ROOM 400
#define LPR_HINT_ROOM   300

typedef enum LprWriterState
{
	LPR_WRITER_DOWN,
	LPR_WRITER_STARTING,
	LPR_WRITER_READY,
	LPR_WRITER_STUCK /* it cannot write just now: the reason says why */
} LprWriterState;

extern int lpr_audit_queue_kb; /* GUC */

extern Size lpr_queue_shmem_size(void);
extern void lpr_queue_shmem_init(void);
/* False when the library was not preloaded. */
extern bool lpr_queue_there(void);
/* The most that a record may be, payload included. */
extern Size lpr_queue_record_max(void);

/*
 * For senders. Fills len, procno, place, ticket and database and puts the record in, in one piece. False when there is
 * no room. Never throws and allocates nothing, so that it can be called while a transaction aborts.
 */
extern bool lpr_queue_put(LprQueued *head, const char *payload, int place);
extern bool lpr_queue_receipt(int place, uint64 ticket, LprReceipt *receipt);
extern int64 lpr_queue_bytes(void); /* that wait */
extern LprWriterState lpr_queue_writer(char reason[LPR_REASON_ROOM], char hint[LPR_HINT_ROOM]);
extern void lpr_queue_wake_writer(void);
/* Something that the rules may read has changed, and is committed: decisions of before are looked at again. */
extern void lpr_queue_note_change(void);
/* Read before a decision is made, it is that of all that the decision can have seen. */
extern uint64 lpr_queue_generation(void);
/* Likewise of what is watched, which what the watcher itself brings does not change. */
extern void lpr_queue_note_watch_change(void);
extern uint64 lpr_queue_watch_generation(void);
/* Of a transaction with changes of policy, once it is committed. */
extern void lpr_queue_set_changes_wait(void);

/* Of a transaction with changes of roles, once it is committed. */
extern void lpr_queue_set_roles_changed(void);
/*
 * Whoever makes the extension anew out of a dump: the dump may bring a log, so none is begun while they are connected.
 */
extern void lpr_queue_set_restorer(void);

/* How many decisions there were since the server started, and how many whose second part was remembered. */
extern uint64 lpr_queue_decisions(uint64 *remembered);

/* For the writer. */
extern void lpr_queue_count_decisions(int n, int remembered);
extern bool lpr_queue_take_roles_changed(void);
extern bool lpr_queue_restorer_there(void);
extern void lpr_queue_attach(void);
/* Drops what sessions of a dropped database of that name left in the ring: its log is gone with it. */
extern void lpr_queue_drop_others(void);
extern void lpr_queue_publish(LprWriterState state, const char *reason, const char *hint);
/*
 * Copies the records that wait, up to a number of bytes but at least one, into the current memory context. The ring
 * keeps them until lpr_queue_settle.
 */
extern List *lpr_queue_peek(Size most);
/* Drops the first records of the ring, and hands over their receipts. */
extern void lpr_queue_settle(List *records, const LprReceipt *receipts);
/* The records of the ring cannot be in the log up to this number; -1 = not known yet. */
extern int64 lpr_queue_settled_number(void);
extern void lpr_queue_set_settled_number(int64 number);
/* Whether records or changes wait. */
extern bool lpr_queue_waits(void);
/* Whether committed changes of policy wait in lpr_data.change; asking takes the answer back. */
extern bool lpr_queue_take_changes_wait(void);
/* Whether the writer has found its database: then others may connect to it, too. */
extern bool lpr_queue_ready(void);
/* A note that the writer leaves for its next life. */
extern bool lpr_queue_database_missing(void);
extern void lpr_queue_set_database_missing(bool missing);

#endif
