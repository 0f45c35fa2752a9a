/*
 * audit_worker.c: the life of the audit writer: its start, its waits, what it looks after when nothing waits. Its work
 * is in audit_batch.c.
 */
#include "writer/audit_worker.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit/audit_queue.h"
#include "server/compat.h"
#include "server/worker.h"
#include "writer/audit_batch.h"
#include "writer/refusals.h"
#include "writer/remember.h"

#define IDLE_MS     1000
#define RETRY_FIRST 10 /* milliseconds; doubled up to RETRY_MOST */
#define RETRY_MOST  1000

static LprLog the_log;

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
	proc_exit(1); /* restarts, and connects to it */
}

/* Makes the next month's partition ahead of time. False when it cannot be made now: nothing else waits for it. */
static bool
prepare_ahead(bool told)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool good = false;

	PG_TRY();
	{
		bool held;

		StartTransactionCommand();
		held = lpr_worker_hold_extension();
		PushActiveSnapshot(GetTransactionSnapshot());
		if (the_log.there && held)
		{
			lpr_log_prepare_months();
			/*
			 * Settings that changed become changes of policy: their trigger writes them down (U4). So do roles that
			 * nobody saw changing.
			 */
			SPI_connect();
			if (SPI_execute(told ? "SELECT lpr_data.note_settings(), lpr_data.note_roles(true)"
								 : "SELECT lpr_data.note_settings(), lpr_data.note_roles(false)",
							false, 0) != SPI_OK_SELECT)
				elog(ERROR, "could not note the settings");
			SPI_finish();
		}
		PopActiveSnapshot();
		CommitTransactionCommand();
		good = held;
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
	proc_exit(1); /* restarts */
}

void
lpr_audit_worker_main(Datum argument)
{
	int pause = RETRY_FIRST;
	TimestampTz prepared = 0;
	bool prepared_well = false;
	bool told = false; /* of a statement about roles */
	TimestampTz looked = 0;
	bool behind = true;
	MemoryContext batch_context;

	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, lpr_worker_handle_cancel);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	lpr_queue_attach(); /* model: start */
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
	lpr_batch_init();
	lpr_worker_force_settings();
	batch_context = AllocSetContextCreate(TopMemoryContext, "lpr audit batch", ALLOCSET_DEFAULT_SIZES);
	memset(&the_log, 0, sizeof(the_log));
	lpr_queue_set_changes_wait();
	ereport(LOG, (errmsg("lpr audit writer started for database \"%s\"", lpr_database)));
	for (;;)
	{
		CHECK_FOR_INTERRUPTS(); /* model: end */
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			lpr_worker_force_settings();
			lpr_remember_forget();
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
		if (behind || lpr_queue_waits() || (the_log.there && (lpr_log_checkpoint_due(&the_log) || lpr_refusals_due())))
		{
			pgstat_report_activity(STATE_RUNNING, "writing the audit log");
			behind = !lpr_batch_write(&the_log);
			pgstat_report_activity(STATE_IDLE, NULL);
			pgstat_report_stat(false);
			if (!behind)
			{
				pause = RETRY_FIRST;
				/* What is on record of roles comes first: the rest is what nobody saw. */
				told = told || lpr_queue_take_roles_changed();
				if (the_log.there && !lpr_queue_waits() &&
					(told || passed(prepared, prepared_well ? USECS_PER_HOUR : USECS_PER_MINUTE)))
				{
					prepared_well = prepare_ahead(told);
					told = told && !prepared_well;
					prepared = GetCurrentTimestamp();
				}
				continue;
			}
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, behind ? pause : IDLE_MS,
						 PG_WAIT_EXTENSION);
		if (behind)
			pause = Min(pause * 2, RETRY_MOST);
		ResetLatch(MyLatch); /* model: wait */
	}
}
