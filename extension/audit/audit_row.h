/*
 * audit_row.h: rows of lpr_data.audit: the audit writer writes them, the verification reads them.
 */
#ifndef LPR_AUDIT_ROW_H
#define LPR_AUDIT_ROW_H

#include "audit/audit_queue.h"
#include "utils/rel.h"

/* One row. Strings may be NULL; of a row that is read they live until the next one. */
typedef struct LprAuditRow
{
	int64 number;
	TimestampTz at;
	const char *kind;
	const char *login;
	bool has_session;
	int pid;
	TimestampTz session_started;
	bool has_event;
	int64 event_id;
	const char *source;
	const char *mode;
	bool has_ask;
	int64 ask;
	const char *control;
	const char *sqlstate;
	bool has_payload; /* false: destroyed on its schedule, with its salt */
	uint8 salt[LPR_SALT_LEN];
	const char *payload;
	Size payload_len;
	LprDigest payload_digest;
	LprDigest digest;
} LprAuditRow;

extern const char *lpr_audit_mode_name(uint8 mode); /* "plate", ...; NULL for none */

/* The payload digest of a payload in the server's encoding: over its UTF-8. */
extern void lpr_audit_payload_digest(const uint8 salt[LPR_SALT_LEN], const char *payload, Size len, LprDigest *digest);
/* The row's payload, which stays the caller's, with a salt of its own. */
extern void lpr_audit_row_payload(LprAuditRow *row, const char *payload);

/* Hashes a row: its place in the chain and its leaf in the tree. `scratch` is reused from row to row. */
extern void lpr_audit_hash(const uint8 log[LPR_LOG_ID_LEN], const LprAuditRow *row, const LprDigest *previous,
						   LprText *scratch, LprDigest *digest, LprDigest *leaf);

/* Locks a partition for writing, without waiting: an ERROR when somebody else's lock is in the way. */
extern void lpr_audit_lock(Oid partition);

/*
 * Appends rows to a partition, all at once, past all triggers and rights, without waiting for a lock on it: an ERROR
 * when it is locked.
 */
extern void lpr_audit_insert(Oid partition, const LprAuditRow *rows, int nrows);

/*
 * Reads rows of one table, which has the log's columns: by its index on number, from `first` to `last`, or in the order
 * in which they lie there. Uses the active snapshot.
 */
typedef struct LprAuditScan LprAuditScan;
extern LprAuditScan *lpr_audit_scan(Oid table, bool by_index, bool backward, int64 first, int64 last);
extern bool lpr_audit_scan_next(LprAuditScan *scan, LprAuditRow *row);
extern void lpr_audit_scan_end(LprAuditScan *scan);

/* The partitions of the log, oldest month first. Locks them against changes of their columns. */
extern List *lpr_audit_partitions(void);

#endif
