/*
 * audit_batch.c: what waits in the ring, written in one transaction: judged, numbered, chained, committed and flushed,
 * and only then answered.
 */
#include "writer/audit_batch.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit/audit_queue.h"
#include "audit/change.h"
#include "server/compat.h"
#include "server/errors.h"
#include "server/version.h"
#include "server/worker.h"
#include "writer/judge.h"
#include "writer/judge_quota.h"
#include "writer/refusals.h"
#include "writer/remember.h"

#define BATCH_BYTES   (4 * 1024 * 1024)
#define CHANGES_LIMIT 10000

/* Records that are written together, and what is to be answered. */
typedef struct Batch
{
	LprLog *log;
	List *records; /* LprQueued, in their order */
	LprReceipt *receipts;
	int known;         /* so many of the first are in the log already */
	uint64 generation; /* of all that is decided now, or an older one */
	bool changes;
	bool wrote;
} Batch;

static const char *idle = NULL; /* why what waits is not written yet, although nothing is wrong */
static bool reconciled = false; /* nothing of what the ring holds can be in the log already */
static bool purged = false;     /* what had expired when the server started is gone */

/* An extension has no cache of its own in the catalogue, but its functions come and go with it. */
static bool look_for_extension = true;

static void
look_for_extension_again(Datum arg, int cache, uint32 hash)
{
	look_for_extension = true;
}

/* Whether the extension is installed. If it was created again since, the log is looked for again, guards included. */
static bool
extension_there(LprLog *log)
{
	static Oid known = InvalidOid;
	Oid extension;

	if (look_for_extension)
	{
		look_for_extension = false; /* first: a message may come while we look */
		extension = get_extension_oid("lpr", true);
		if (extension != known)
			lpr_log_forget(log);
		known = extension;
	}
	return OidIsValid(known);
}

/* What the gate is asked about. A round of the watcher is of a set that was judged as a whole, item by item. */
static bool
is_judged(const LprQueued *record)
{
	return record->facts.mode != LPR_MODE_DISPLAY && (record->kind == LPR_AUDIT_ASK || record->kind == LPR_AUDIT_LOOK);
}

/* That an earlier decision still holds is not put on record, nor that somebody asks what they may still ask. */
static bool
leaves_row(const LprQueued *record, const LprReceipt *receipt)
{
	return record->kind != LPR_AUDIT_USAGE && (record->kind != LPR_AUDIT_LOOK || receipt->refused);
}

static void
fill_row(LprAuditRow *row, const LprQueued *record, const LprReceipt *receipt)
{
	bool refused = is_judged(record) && receipt->refused;

	memset(row, 0, sizeof(*row));
	row->kind = lpr_audit_kind_names[refused ? LPR_AUDIT_REFUSED : record->kind];
	row->login = NameStr(record->login_name)[0] != '\0' ? NameStr(record->login_name) : NULL; /* a worker's */
	row->has_session = true;
	row->pid = record->pid;
	row->session_started = record->session_started;
	row->has_event = record->facts.event.given;
	row->event_id = record->facts.event.id;
	row->source = NameStr(record->facts.source)[0] != '\0' ? NameStr(record->facts.source) : NULL;
	row->mode = lpr_audit_mode_name(record->facts.mode);
	row->has_ask = record->has_ask;
	row->ask = record->ask;
	row->control = refused ? receipt->control : record->control[0] != '\0' ? record->control : NULL;
	row->sqlstate = refused ? receipt->sqlstate : record->sqlstate[0] != '\0' ? record->sqlstate : NULL;
	row->has_payload = true;
	memcpy(row->salt, record->salt, LPR_SALT_LEN);
	row->payload = record->payload;
	row->payload_len = record->payload_len;
	row->payload_digest = record->payload_digest;
}

static void
fill_receipt(LprReceipt *receipt, const LprLog *log, const LprAuditRow *row)
{
	receipt->number = row->number;
	receipt->digest = row->digest;
	memcpy(receipt->log, log->id, LPR_LOG_ID_LEN);
}

/* Whether a record may have left no row: a refusal that was counted, a look that was let through, one at the limits. */
static bool
may_leave_no_row(const LprQueued *record)
{
	return record->kind == LPR_AUDIT_ASK || record->kind == LPR_AUDIT_REFUSED || record->kind == LPR_AUDIT_LOOK ||
		   record->kind == LPR_AUDIT_USAGE;
}

/*
 * The place of the record that a row is of, from a place on, past those that may have been counted; -1 when it is none
 * of them.
 */
static int
find_record(List *records, int from, const LprAuditRow *row)
{
	for (int i = from; row->has_payload && i < list_length(records); i++)
	{
		LprQueued *record = list_nth(records, i);

		if (memcmp(row->salt, record->salt, LPR_SALT_LEN) == 0)
			return i;
		if (!may_leave_no_row(record))
			break;
	}
	return -1;
}

/* What it was refused for is not known any more. */
static void
refuse_known(LprReceipt *receipt, const char *control, const char *sqlstate)
{
	lpr_refuse(receipt, control != NULL ? control : "", sqlstate != NULL ? sqlstate : "", "the question was refused",
			   "The audit writer was interrupted before it could say more.", NULL);
}

/*
 * A writer that ended between its commit and its answer left records in the ring that are in the log already: they are
 * known by their salts, and answered now. Those are the first ones; what they need was written in one transaction.
 */
static void
reconcile(Batch *batch)
{
	int found = 0;
	List *partitions = lpr_audit_partitions();
	ListCell *cell;

	foreach (cell, partitions)
	{
		LprAuditScan *scan =
			lpr_audit_scan(lfirst_oid(cell), true, false, lpr_queue_settled_number() + 1, PG_INT64_MAX);
		LprAuditRow row;

		while (found < list_length(batch->records) && lpr_audit_scan_next(scan, &row))
		{
			int place = find_record(batch->records, found, &row);

			if (place < 0)
				continue;
			/*
			 * Before it stand looks that were let through and left no row: they are told nothing, so they look again. And
			 * refusals that were counted.
			 */
			for (; found < place; found++)
				if (leaves_row(list_nth(batch->records, found), &batch->receipts[found]))
					refuse_known(&batch->receipts[found], NULL, NULL);
			if (is_judged(list_nth(batch->records, found)) &&
				strcmp(row.kind, lpr_audit_kind_names[LPR_AUDIT_REFUSED]) == 0)
				refuse_known(&batch->receipts[found], row.control, row.sqlstate);
			fill_receipt(&batch->receipts[found], batch->log, &row);
			found++; /* model: reconcile */
		}
		lpr_audit_scan_end(scan);
	}
	batch->known = found;
	/*
	 * What was found is committed, but perhaps not flushed where a standby is to have it: our own commit comes behind
	 * it. Only a transaction that writes something waits for its commit to be safe.
	 */
	if (found > 0)
	{
		lpr_judge_limits(batch->records, batch->receipts, found);
		lpr_write_wal();
		batch->wrote = true;
	}
}

/* A change as it waits in lpr_data.change; its number there. */
static int64
change_row(HeapTuple tuple, TupleDesc desc, LprAuditRow *row)
{
	bool isnull;

	*row = (LprAuditRow){.kind = lpr_audit_kind_names[LPR_AUDIT_CHANGE], .has_session = true};
	row->login = SPI_getvalue(tuple, desc, 2);
	row->pid = DatumGetInt32(SPI_getbinval(tuple, desc, 3, &isnull));
	row->session_started = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 4, &isnull));
	if (lpr_change_is_for_watch(SPI_getbinval(tuple, desc, 5, &isnull)))
		lpr_queue_note_watch_change();
	lpr_audit_row_payload(row, SPI_getvalue(tuple, desc, 5));
	return DatumGetInt64(SPI_getbinval(tuple, desc, 1, &isnull));
}

/*
 * Chains the changes that were committed since, in the order in which their commits were seen; of one look in that in
 * which they were made.
 */
static int
chain_changes(LprLog *log)
{
	int n;

	SPI_connect();
	lpr_change_let_take(true); /* until the transaction ends */
	/* Read with the snapshot at hand and deleted by number: none that is committed meanwhile is lost. */
	/* model: chain the changes */
	if (SPI_execute(
			"DELETE FROM ONLY lpr_data.change AS c WHERE c.number IN (SELECT n.number FROM ONLY lpr_data.change AS n "
			"ORDER BY n.number LIMIT 10000) "
			"RETURNING c.number, c.login, c.pid, c.session_started, c.payload",
			false, 0) != SPI_OK_DELETE_RETURNING)
		elog(ERROR, "could not take the changes");
	n = SPI_processed;
	if (n > 0)
	{
		LprAuditRow *rows = palloc(n * sizeof(LprAuditRow));
		int64 *order = palloc(n * sizeof(int64));

		lpr_queue_note_change(); /* also of transactions that others prepared, who told nobody */
		for (int i = 0; i < n; i++)
		{
			LprAuditRow row;
			int64 number = change_row(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, &row);
			int at = i;

			for (; at > 0 && order[at - 1] > number; at--)
			{
				order[at] = order[at - 1];
				rows[at] = rows[at - 1];
			}
			order[at] = number;
			rows[at] = row;
		}
		lpr_log_append(log, rows, n);
	}
	SPI_finish();
	return n;
}

/*
 * What expired while the server was down is gone before the first question; then the answer to that one can be cached
 * (C1, C2).
 */
static void
purge_cache(void)
{
	SPI_connect();
	if (SPI_execute("SELECT lpr_data.purge_cache(), lpr_data.prepare_cache()", false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not purge the cache");
	SPI_finish();
}

/* Whether one of the records is of this database's sessions: those of the cluster are of nobody who waits for long. */
static bool
anybody_waits(List *records)
{
	ListCell *cell;

	foreach (cell, records)
		if (!((LprQueued *) lfirst(cell))->of_cluster)
			return true;
	return false;
}

/*
 * Takes the log up, and what of the records is in it already. The log begins with the extension: before somebody asks,
 * and before somebody drops it again. For a restore, which may bring a log along, write_batch() waits.
 */
static void
take_up_log(Batch *batch)
{
	LprLog *log = batch->log;

	if (!log->there)
		lpr_log_load(log);
	if (lpr_queue_settled_number() < 0)
		lpr_queue_set_settled_number(log->committed.number);
	if (!reconciled && log->there)
		reconcile(batch);
	if (!log->there)
	{
		lpr_log_begin(log);
		lpr_queue_set_settled_number(0);
		batch->changes = true; /* those that waited for it */
	}
}

/*
 * Judges the records that are not in the log yet, and writes them. `unjudged`: the gate cannot judge the first one, for
 * this reason: it is refused.
 */
static void
write_records(Batch *batch, const ErrorData *unjudged)
{
	List *fresh = list_copy_tail(batch->records, batch->known);
	LprReceipt *receipts = batch->receipts + batch->known;
	int n = list_length(fresh);
	LprAuditRow *rows = palloc(n * sizeof(LprAuditRow));
	LprReceipt **whose = palloc(n * sizeof(LprReceipt *));
	int nrows = 0;

	if (unjudged != NULL)
		lpr_refuse(&receipts[0], "U2", unpack_sql_state(unjudged->sqlerrcode), "the gate cannot decide this question",
				   unjudged->message, "Ask an administrator to look at lpr_data.gate().");
	else
		lpr_judge(fresh, receipts);
	for (int i = 0; i < n; i++)
	{
		const LprQueued *record = list_nth(fresh, i);

		receipts[i].generation = batch->generation;
		if (!leaves_row(record, &receipts[i]))
			continue;
		fill_row(&rows[nrows], record, &receipts[i]);
		/* A look that is refused ends its statement, and is on record: without a row it was let through. */
		if (record->kind != LPR_AUDIT_LOOK && strcmp(rows[nrows].kind, lpr_audit_kind_names[LPR_AUDIT_REFUSED]) == 0 &&
			!lpr_refusals_record(&rows[nrows]))
			continue;
		whose[nrows++] = &receipts[i];
	}
	if (nrows == 0)
		return;
	lpr_log_append(batch->log, rows, nrows);
	for (int i = 0; i < nrows; i++)
		fill_receipt(whose[i], batch->log, &rows[i]);
	batch->wrote = true;
}

/* The counts of refusals that are not on record singly. */
static void
write_counts(Batch *batch)
{
	LprAuditRow *rows;
	int n = lpr_refusals_take(&rows);

	if (n == 0)
		return;
	lpr_log_append(batch->log, rows, n);
	batch->wrote = true;
}

/* Commits, and answers once that is safe. */
static void
settle_batch(Batch *batch)
{
	PopActiveSnapshot();
	reconciled = false;         /* until they are settled */
	CommitTransactionCommand(); /* model: commit */
	lpr_log_committed(batch->log);
	lpr_refusals_committed();
	purged = true;
	lpr_judge_count(batch->records, batch->receipts, batch->known);
	/* The wait for a standby may have been cut short by our own end: then nothing is acknowledged. */
	CHECK_FOR_INTERRUPTS(); /* model: end after the commit */
	if (batch->wrote && !XLogRecPtrIsInvalid(XactLastCommitEnd))
		XLogFlush(XactLastCommitEnd); /* model: flush */
	reconciled = true;
	lpr_queue_settle(batch->records, batch->receipts);
}

/* Writes what waits, in one transaction, and hands out the receipts. `unjudged`: see write_records. */
static void
write_batch(LprLog *log, List *records, const ErrorData *unjudged)
{
	int n = list_length(records);
	Batch batch = {.log = log, .records = records, .receipts = palloc0(Max(n, 1) * sizeof(LprReceipt))};
	bool held;

	idle = NULL;
	/* Both before the snapshot, so that none is overlooked. */
	batch.changes = lpr_queue_take_changes_wait(); /* model: take the flag */
	batch.generation = lpr_queue_generation();
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	held = lpr_worker_hold_extension();
	lpr_remember_begin();
	PushActiveSnapshot(GetTransactionSnapshot()); /* model: snapshot */
	if (!extension_there(log))
	{
		lpr_log_forget(log);
		if (anybody_waits(records))
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("extension lpr is not installed in database \"%s\"", lpr_database)));
		if (n > 0)
			idle = "extension lpr is not installed";
		PopActiveSnapshot();
		CommitTransactionCommand();
		return;
	}
	if (!anybody_waits(records) && (!held || (!log->there && lpr_queue_restorer_there())))
	{
		/* What waits may be what a DROP EXTENSION is refused; the log may be there in parts. */
		idle = held ? "a dump is being loaded, which may bring a log" : "extension lpr is being dropped";
		PopActiveSnapshot();
		CommitTransactionCommand();
		return;
	}
	lpr_version_check();
	lpr_refusals_begin();
	if (!purged)
		purge_cache();
	take_up_log(&batch);
	if (batch.known < n)
		write_records(&batch, unjudged);
	if (log->there)
		write_counts(&batch);
	if (log->there && batch.changes)
	{
		while (chain_changes(log) == CHANGES_LIMIT)
			CommandCounterIncrement();
		batch.wrote = true;
	}
	if (log->there && lpr_log_checkpoint_due(log))
	{
		lpr_log_checkpoint(log);
		batch.wrote = true;
	}
	settle_batch(&batch);
}

/* Errors that pass: nobody is refused for them, all wait. */
static bool
passes(int sqlstate)
{
	int category = ERRCODE_TO_CATEGORY(sqlstate);

	return category == ERRCODE_INSUFFICIENT_RESOURCES || category == ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE ||
		   category == ERRCODE_OPERATOR_INTERVENTION ||
		   category == ERRCODE_TO_CATEGORY(ERRCODE_T_R_SERIALIZATION_FAILURE) || sqlstate == ERRCODE_QUERY_CANCELED ||
		   sqlstate == LPR_ERRCODE_LOG_ALTERED || category == ERRCODE_TO_CATEGORY(ERRCODE_IO_ERROR);
}

/* To the server's log, but not the same at every try. */
static void
report_once(const ErrorData *error)
{
	static char told[200];
	static TimestampTz told_at = 0;
	TimestampTz now = GetCurrentTimestamp();

	if (strncmp(told, error->message, sizeof(told) - 1) == 0 && now >= told_at && now - told_at < USECS_PER_MINUTE)
		return;
	strlcpy(told, error->message, sizeof(told));
	told_at = now;
	EmitErrorReport();
}

/* One attempt. NULL when it went well, else why it did not. */
static ErrorData *
try_batch(LprLog *log, List *records, const ErrorData *unjudged)
{
	ErrorData *volatile error = NULL;
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		write_batch(log, records, unjudged);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		report_once(error);
		FlushErrorState();
		AbortCurrentTransaction(); /* model: abort */
		lpr_queue_set_changes_wait();
		MemoryContextSwitchTo(context);
		lpr_log_aborted(log);
		look_for_extension = true;
		lpr_judge_forget(); /* it may be what is wrong */
	}
	PG_END_TRY();
	return error;
}

static void
publish_error(const ErrorData *error)
{
	char *reason = error->detail != NULL ? psprintf("%s: %s", error->message, error->detail) : pstrdup(error->message);
	const char *hint = error->hint != NULL ? error->hint : "";
	size_t len;

	if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE && hint[0] == '\0')
	{
		/* The server's words for a wait of its own are about a statement that nobody here made. */
		reason = psprintf("it waits for a lock that somebody holds (%s)", error->message);
		hint = "SELECT pid, relation::regclass, mode FROM pg_locks WHERE granted; in that database shows who holds one "
			   "on tables of lpr_data.";
	}
	len = strlen(reason);

	if (len > 0 && reason[len - 1] == '.')
		reason[len - 1] = '\0';
	lpr_queue_publish(LPR_WRITER_STUCK, reason, hint);
}

bool
lpr_batch_write(LprLog *log)
{
	List *records = lpr_queue_peek(BATCH_BYTES); /* model: peek */
	ErrorData *error;

	error = try_batch(log, records, NULL);
	if (error != NULL && !passes(error->sqlerrcode) && records != NIL)
	{
		/* Something is wrong with one of them, or with a rule: go one by one, and refuse what cannot be judged. */
		List *first = list_make1(linitial(records));
		LprQueued *record = linitial(records);

		if (list_length(records) > 1)
			error = try_batch(log, first, NULL);
		if (error != NULL && !passes(error->sqlerrcode) && is_judged(record))
			error = try_batch(log, first, error);
	}
	if (error != NULL)
	{
		publish_error(error);
		return false;
	}
	if (idle != NULL)
	{
		lpr_queue_publish(LPR_WRITER_STUCK, idle, "");
		return false;
	}
	lpr_queue_publish(LPR_WRITER_READY, "", "");
	return true;
}

void
lpr_batch_init(void)
{
	CacheRegisterSyscacheCallback(PROCOID, look_for_extension_again, (Datum) 0);
	lpr_remember_init();
}
