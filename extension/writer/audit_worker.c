#include "writer/audit_worker.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit/audit_log.h"
#include "audit/audit_queue.h"
#include "server/compat.h"
#include "server/errors.h"
#include "writer/judge.h"
#include "server/version.h"
#include "server/worker.h"

#define BATCH_BYTES   (4 * 1024 * 1024)
#define IDLE_MS       1000
#define RETRY_FIRST   10 /* milliseconds; doubled up to RETRY_MOST */
#define RETRY_MOST    1000
#define CHANGES_LIMIT 10000

static LprLog the_log;
static bool reconciled = false; /* nothing of what the ring holds can be in the log already */
static MemoryContext batch_context = NULL;

static bool purged = false; /* what had expired when the server started is gone */

void
lpr_audit_worker_register(void)
{
	lpr_worker_register("lpr audit writer", "lpr_audit_worker_main", 1);
}

/* Waits until the database is there, so that its absence fills no log with restarts. */
static void
await_database(void)
{
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	for (;;)
	{
		Oid database;

		StartTransactionCommand();
		database = get_database_oid(lpr_database, true);
		CommitTransactionCommand();
		if (OidIsValid(database))
			break;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, IDLE_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	lpr_queue_set_database_missing(false);
	proc_exit(1); /* and come again, to connect to it */
}

/* An extension has no cache of its own in the catalogue, but with it its functions come and go. */
static bool look_for_extension = true;

static void
function_changed(Datum arg, int cache, uint32 hash)
{
	look_for_extension = true;
}

/* Whether the extension is installed. When it was made anew since, the log is taken up anew as well, guards and all. */
static bool
extension_there(void)
{
	static Oid known = InvalidOid;
	Oid extension;

	if (look_for_extension)
	{
		look_for_extension = false; /* first: a message may come while we look */
		extension = get_extension_oid("lpr", true);
		if (extension != known)
			lpr_log_forget(&the_log);
		known = extension;
	}
	return OidIsValid(known);
}

static void
fill_row(LprAuditRow *row, const LprQueued *record, const LprReceipt *receipt)
{
	bool refused = record->kind == LPR_AUDIT_ASK && receipt->refused;

	memset(row, 0, sizeof(*row));
	row->kind = lpr_audit_kind_names[refused ? LPR_AUDIT_REFUSED : record->kind];
	row->login = NameStr(record->login_name);
	row->has_session = true;
	row->pid = record->pid;
	row->session_started = record->session_started;
	row->has_event = record->has_event;
	row->event_id = record->event_id;
	row->source = NameStr(record->source)[0] != '\0' ? NameStr(record->source) : NULL;
	row->mode = lpr_audit_mode_name(record->mode);
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
fill_receipt(LprReceipt *receipt, const LprAuditRow *row)
{
	receipt->number = row->number;
	receipt->digest = row->digest;
	memcpy(receipt->log, the_log.id, LPR_LOG_ID_LEN);
}

/*
 * A writer that ended between its commit and its answer left records in the ring that are in the log already: they are known by their salts,
 * and answered now. Returns how many of the first records that are; what they need was written in one transaction.
 */
static int
reconcile(List *records, LprReceipt *receipts)
{
	int found = 0;
	List *leaves = lpr_audit_leaves();
	ListCell *cell;

	foreach (cell, leaves)
	{
		LprAuditScan *scan =
			lpr_audit_scan(lfirst_oid(cell), true, false, lpr_queue_settled_number() + 1, PG_INT64_MAX);
		LprAuditRow row;

		while (found < list_length(records) && lpr_audit_scan_next(scan, &row))
		{
			LprQueued *record = list_nth(records, found);

			if (!row.has_payload || memcmp(row.salt, record->salt, LPR_SALT_LEN) != 0)
				continue;
			if (record->kind == LPR_AUDIT_ASK && strcmp(row.kind, lpr_audit_kind_names[LPR_AUDIT_REFUSED]) == 0)
				lpr_refuse(&receipts[found], row.control != NULL ? row.control : "",
						   row.sqlstate != NULL ? row.sqlstate : "", "the question was refused",
						   "The audit writer was interrupted before it could say more.", NULL);
			fill_receipt(&receipts[found], &row);
			found++;
		}
		lpr_audit_scan_end(scan);
	}
	return found;
}

/* Chains the changes that were committed since, in the order in which their commits were seen; of one look in that in which they were made. */
static int
chain_changes(void)
{
	LprAuditRow *rows;
	int n;
	SPITupleTable *table;
	TupleDesc desc;
	bool isnull;

	SPI_connect();
	/* Read with the snapshot at hand and deleted by number: none that is committed meanwhile is lost. */
	if (SPI_execute("DELETE FROM lpr_data.change AS c WHERE c.number IN (SELECT n.number FROM lpr_data.change AS n "
					"ORDER BY n.number LIMIT 10000) "
					"RETURNING c.number, c.login, c.pid, c.session_started, c.payload",
					false, 0) != SPI_OK_DELETE_RETURNING)
		elog(ERROR, "could not take the changes");
	n = SPI_processed;
	table = SPI_tuptable;
	if (n > 0)
	{
		int64 *order = palloc(n * sizeof(int64));

		desc = table->tupdesc;
		rows = palloc0(n * sizeof(LprAuditRow));
		for (int i = 0; i < n; i++)
		{
			HeapTuple tuple = table->vals[i];
			int64 number = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &isnull));
			LprAuditRow row = {
				.kind = lpr_audit_kind_names[LPR_AUDIT_CHANGE], .has_session = true, .has_payload = true};
			int at = i;

			row.login = SPI_getvalue(tuple, desc, 2);
			row.pid = DatumGetInt32(SPI_getbinval(tuple, desc, 3, &isnull));
			row.session_started = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 4, &isnull));
			row.payload = SPI_getvalue(tuple, desc, 5);
			row.payload_len = strlen(row.payload);
			if (!pg_strong_random(row.salt, LPR_SALT_LEN))
				ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
			lpr_audit_payload_digest(row.salt, row.payload, row.payload_len, &row.payload_digest);
			for (; at > 0 && order[at - 1] > number; at--)
			{
				order[at] = order[at - 1];
				rows[at] = rows[at - 1];
			}
			order[at] = number;
			rows[at] = row;
		}
		lpr_log_append(&the_log, rows, n);
	}
	SPI_finish();
	return n;
}

/* What expired while the server was down is gone before the first question, and what that one brings can be kept (C1, C2). */
static void
purge_cache(void)
{
	SPI_connect();
	if (SPI_execute("SELECT lpr_data.purge_cache(), lpr_data.prepare_cache()", false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not purge the cache");
	SPI_finish();
}

/*
 * Writes what waits, in one transaction, and hands out the receipts. `only` > 0: no more than that many records. `unjudged`: the gate cannot judge the first
 * record, for this reason: it is refused.
 */
static void
write_batch(List *records, const ErrorData *unjudged)
{
	int n = list_length(records);
	LprReceipt *receipts = palloc0(Max(n, 1) * sizeof(LprReceipt));
	LprAuditRow *rows = palloc(Max(n, 1) * sizeof(LprAuditRow));
	int known = 0;
	bool wrote = false;
	bool changes = lpr_queue_take_changes_wait(); /* before the snapshot, so that none is overlooked */

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (!extension_there())
	{
		lpr_log_forget(&the_log);
		if (n > 0)
			ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
							errmsg("extension lpr is not installed in database \"%s\"", lpr_database)));
		PopActiveSnapshot();
		CommitTransactionCommand();
		return;
	}
	lpr_version_check();
	if (!purged)
		purge_cache();
	if (!the_log.there)
		lpr_log_load(&the_log);
	if (lpr_queue_settled_number() < 0)
		lpr_queue_set_settled_number(the_log.kept.number);
	if (!reconciled && the_log.there)
	{
		known = reconcile(records, receipts);
		/*
		 * What was found is committed, but perhaps not flushed where a standby is to have it: our own commit comes behind it. Only a transaction
		 * that writes something waits for its commit to be safe.
		 */
		if (known > 0)
		{
			lpr_write_wal();
			wrote = true;
		}
	}
	if (!the_log.there && n > 0)
	{
		lpr_log_begin(&the_log);
		lpr_queue_set_settled_number(0);
		changes = true; /* those that waited for it */
	}
	if (known < n)
	{
		List *fresh = list_copy_tail(records, known);
		ListCell *cell;
		int i = 0;

		if (unjudged != NULL)
			lpr_refuse(&receipts[known], "U2", unpack_sql_state(unjudged->sqlerrcode),
					   "the gate cannot decide this question", unjudged->message,
					   "Ask an administrator to look at lpr_data.gate().");
		else
			lpr_judge(fresh, receipts + known);
		foreach (cell, fresh)
		{
			fill_row(&rows[i], lfirst(cell), &receipts[known + i]);
			i++;
		}
		lpr_log_append(&the_log, rows, i);
		for (i = 0; i < n - known; i++)
			fill_receipt(&receipts[known + i], &rows[i]);
		wrote = true;
	}
	if (the_log.there && changes)
	{
		while (chain_changes() == CHANGES_LIMIT)
			CommandCounterIncrement();
		wrote = true;
	}
	if (the_log.there && lpr_log_checkpoint_due(&the_log))
	{
		lpr_log_checkpoint(&the_log);
		wrote = true;
	}
	PopActiveSnapshot();
	reconciled = false; /* until they are settled */
	CommitTransactionCommand();
	lpr_log_committed(&the_log);
	purged = true;
	lpr_judge_count(list_copy_tail(records, known), receipts + known);
	/* The wait for a standby may have been cut short by our own end: then nothing is acknowledged. */
	CHECK_FOR_INTERRUPTS();
	if (wrote && !XLogRecPtrIsInvalid(XactLastCommitEnd))
		XLogFlush(XactLastCommitEnd);
	reconciled = true;
	lpr_queue_settle(records, receipts);
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

	if (strncmp(told, error->message, sizeof(told) - 1) == 0 && now - told_at < USECS_PER_MINUTE)
		return;
	strlcpy(told, error->message, sizeof(told));
	told_at = now;
	EmitErrorReport();
}

/* One attempt. NULL when it went well, else why it did not. */
static ErrorData *
try_batch(List *records, const ErrorData *unjudged)
{
	ErrorData *volatile error = NULL;
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		write_batch(records, unjudged);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		report_once(error);
		FlushErrorState();
		AbortCurrentTransaction();
		lpr_queue_set_changes_wait();
		MemoryContextSwitchTo(context);
		lpr_log_aborted(&the_log);
		look_for_extension = true;
		lpr_judge_forget_plan(); /* it may be what is wrong */
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

/* All that waits, once. False when it could not be written: then wait before the next try. */
static bool
write_all(void)
{
	List *records = lpr_queue_peek(BATCH_BYTES);
	ErrorData *error;

	error = try_batch(records, NULL);
	if (error != NULL && !passes(error->sqlerrcode) && records != NIL)
	{
		/* Something is wrong with one of them, or with a rule: go one by one, and refuse what cannot be judged. */
		List *first = list_make1(linitial(records));
		LprQueued *record = linitial(records);

		if (list_length(records) > 1)
			error = try_batch(first, NULL);
		if (error != NULL && !passes(error->sqlerrcode) && record->kind == LPR_AUDIT_ASK)
			error = try_batch(first, error);
	}
	if (error != NULL)
	{
		publish_error(error);
		return false;
	}
	lpr_queue_publish(LPR_WRITER_READY, "", "");
	return true;
}

/* Makes the next month's leaf while there is time. False when it cannot be made just now: nothing else waits for it. */
static bool
prepare_ahead(void)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool good = false;

	PG_TRY();
	{
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		if (the_log.there)
		{
			lpr_log_prepare_months();
			/* Settings that changed become changes of policy: their trigger writes them down (U4). */
			SPI_connect();
			if (SPI_execute("SELECT lpr_data.note_settings()", false, 0) != SPI_OK_SELECT)
				elog(ERROR, "could not note the settings");
			SPI_finish();
		}
		PopActiveSnapshot();
		CommitTransactionCommand();
		good = true;
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
	}
	PG_END_TRY();
	return good;
}

/* Whether so much time has passed, by a clock that may be set back. */
static bool
passed(TimestampTz since, int64 usecs)
{
	TimestampTz now = GetCurrentTimestamp();

	return now < since || now - since > usecs;
}

/* Waits while fsync is off. */
static void
await_fsync(void)
{
	lpr_queue_publish(LPR_WRITER_STUCK, "fsync is off, so nothing written is safe",
					  "ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();");
	ereport(LOG, (errmsg("the lpr audit writer does not write: fsync is off")));
	while (!enableFsync)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, -1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
	proc_exit(1); /* and come again */
}

void
lpr_audit_worker_main(Datum argument)
{
	int pause = RETRY_FIRST;
	TimestampTz prepared = 0;
	bool prepared_well = false;
	TimestampTz looked = 0;
	bool behind = true;

	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, lpr_worker_handle_cancel);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	lpr_queue_attach();
	if (!enableFsync)
		await_fsync();
	if (lpr_queue_database_missing())
	{
		lpr_queue_publish(LPR_WRITER_STUCK, psprintf("it cannot connect to database \"%s\"", lpr_database), "");
		await_database();
	}
	lpr_queue_set_database_missing(true);
	BackgroundWorkerInitializeConnection(lpr_database, NULL, 0);
	lpr_queue_set_database_missing(false);
	lpr_queue_drop_others();
	CacheRegisterSyscacheCallback(PROCOID, function_changed, (Datum) 0);
	lpr_worker_force_settings();
	batch_context = AllocSetContextCreate(TopMemoryContext, "lpr audit batch", ALLOCSET_DEFAULT_SIZES);
	memset(&the_log, 0, sizeof(the_log));
	lpr_queue_set_changes_wait();
	ereport(LOG, (errmsg("lpr audit writer started for database \"%s\"", lpr_database)));
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			lpr_worker_force_settings();
			prepared = 0;
			if (!enableFsync)
				await_fsync();
		}
		MemoryContextReset(batch_context);
		MemoryContextSwitchTo(batch_context);
		if (passed(looked, 10 * USECS_PER_SEC))
		{
			/* Prepared transactions are committed by others, who tell us nothing. */
			lpr_queue_set_changes_wait();
			looked = GetCurrentTimestamp();
		}
		if (behind || lpr_queue_waits() || (the_log.there && lpr_log_checkpoint_due(&the_log)))
		{
			pgstat_report_activity(STATE_RUNNING, "writing the audit log");
			behind = !write_all();
			pgstat_report_activity(STATE_IDLE, NULL);
			pgstat_report_stat(false);
			if (!behind)
			{
				pause = RETRY_FIRST;
				if (the_log.there && passed(prepared, prepared_well ? USECS_PER_HOUR : USECS_PER_MINUTE))
				{
					prepared_well = prepare_ahead();
					prepared = GetCurrentTimestamp();
				}
				continue;
			}
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, behind ? pause : IDLE_MS,
						 PG_WAIT_EXTENSION);
		if (behind)
			pause = Min(pause * 2, RETRY_MOST);
		ResetLatch(MyLatch);
	}
}
