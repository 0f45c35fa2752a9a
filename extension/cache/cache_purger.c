/*
 * cache_purger.c: the worker that has expired hours purged and the coming ones prepared.
 */
#include "cache/cache_purger.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "audit/audit_queue.h"
#include "gate/held.h"
#include "server/worker.h"

#define LOOK_EVERY_MS 2000
#define HELD_GRACE    USECS_PER_MINUTE /* for whoever just reads on to its end */

void
lpr_cache_purger_register(void)
{
	lpr_worker_register("lpr cache purger", "lpr_cache_purger_main", 2);
}

/* In a transaction of its own: a lock that holds it up holds up nothing else. */
static void
attempt(MemoryContext context, const char *sql)
{
	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		if (lpr_worker_hold_extension())
		{
			PopActiveSnapshot();
			PushActiveSnapshot(GetTransactionSnapshot());
			SPI_connect();
			if (SPI_execute(sql, false, 0) != SPI_OK_SELECT)
				elog(ERROR, "could not keep the cache");
			SPI_finish();
		}
		PopActiveSnapshot();
		CommitTransactionCommand();
		pgstat_report_stat(false);
	}
	PG_CATCH();
	{
		lpr_worker_give_up(context);
	}
	PG_END_TRY();
}

void
lpr_cache_purger_main(Datum argument)
{
	MemoryContext context;

	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, lpr_worker_handle_cancel);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	lpr_worker_connect(lpr_queue_ready);
	context = AllocSetContextCreate(TopMemoryContext, "lpr cache purger", ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		(void) lpr_worker_reload();
		MemoryContextReset(context);
		MemoryContextSwitchTo(context);
		attempt(context, "SELECT lpr_data.prepare_cache()");
		attempt(context, "SELECT lpr_data.purge_cache()");
		(void) lpr_held_end_late(HELD_GRACE);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_EVERY_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
