/*
 * watcher.c: the worker: looks what is watched, lets each source that is due begin a round, and drives all of them side
 * by side.
 *
 * No transaction, snapshot or lock is held while anything is asked. What was asked is on record before it goes out, and
 * what came of it before anybody sees it.
 */
#include "watch/watcher.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "audit/audit_queue.h"
#include "http/http.h"
#include "server/version.h"
#include "server/worker.h"
#include "watch/watch_internal.h"

#define IDLE_MS       2000 /* while nothing is watched */
#define PAUSE_MOST_MS 60000
#define WAKE_MS       1000 /* between two words to one client */
#define PUSHED_MS     2000 /* until a look at what vendors pushed to others */

static int64 round_ms = 0;
static int64 wake_at = 0; /* clients that wait for hits; at first: there may be some from before */
static bool wake_more = false;

void
lpr_watcher_register(void)
{
	lpr_worker_register("lpr watcher", "lpr_watcher_main", 2);
}

/* Milliseconds, by a clock that nobody sets. */
static int64
now_ms(void)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MILLISEC(now);
}

static void
look(LprWatched *none)
{
	round_ms = lpr_watch_look() * INT64CONST(1000);
}

static void
begin_round(LprWatched *watched)
{
	(void) lpr_watch_round_begin(watched);
}

static void
wake(LprWatched *none)
{
	wake_more = lpr_hit_wake();
}

/* In a transaction of its own; whether it went well. */
static bool
attempt(MemoryContext context, void (*work)(LprWatched *), LprWatched *watched)
{
	volatile bool good = false;

	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		good = lpr_worker_hold_extension() && lpr_version_is_ours();
		if (good)
		{
			PopActiveSnapshot();
			PushActiveSnapshot(GetTransactionSnapshot());
			work(watched);
		}
		PopActiveSnapshot();
		CommitTransactionCommand();
		pgstat_report_stat(false);
	}
	PG_CATCH();
	{
		good = false;
		lpr_worker_give_up(context);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return good;
}

/* Outside of any; whether anything was done. */
static bool
step(MemoryContext context, LprWatched *watched)
{
	volatile bool moved = true;

	PG_TRY();
	{
		moved = lpr_watch_round_step(watched);
	}
	PG_CATCH();
	{
		lpr_worker_give_up(context);
		lpr_watch_round_break_off(watched);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return moved;
}

/* The more often it failed, the longer it is left alone. */
static void
settle(LprWatched *watched, bool good)
{
	watched->failures = good ? 0 : Min(watched->failures + 1, 10);
	watched->paused_until =
		good ? 0 : now_ms() + Min(round_ms << Min(watched->failures - 1, 10), Max(PAUSE_MOST_MS, round_ms));
}

static void
begin_rounds(MemoryContext context)
{
	for (LprWatched *watched = lpr_watched; watched != NULL; watched = watched->next)
	{
		if (watched->round != NULL || watched->set == NULL || watched->nplates == 0 || now_ms() < watched->paused_until)
			continue;
		if (!attempt(context, begin_round, watched))
		{
			lpr_watch_round_drop(watched);
			settle(watched, false);
		}
	}
}

/* Whether any round was got on with; *rest: one goes on at once. */
static bool
step_rounds(MemoryContext context, bool *rest, bool *waiting)
{
	bool moved = false;

	for (LprWatched *watched = lpr_watched; watched != NULL; watched = watched->next)
	{
		if (watched->round == NULL)
			continue;
		moved |= step(context, watched);
		if (watched->round != NULL && lpr_watch_round_over(watched))
		{
			bool good = attempt(context, lpr_watch_round_end, watched);
			bool failed = lpr_watch_round_failed(watched);

			if (!good)
				lpr_watch_round_break_off(watched);
			if (good && watched->has_hits)
				wake_at = now_ms();
			lpr_watch_round_drop(watched);
			settle(watched, good && !failed);
			*rest = *rest || watched->rest != NULL;
		}
		*waiting = *waiting || watched->round != NULL;
	}
	return moved;
}

/* Waits for the network, or for a time. */
static void
wait_until(int64 moment, bool network)
{
	long ms = (long) Max(moment - now_ms(), 1);

	if (network)
		lpr_http_wait(ms);
	else
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}

void
lpr_watcher_main(Datum argument)
{
	MemoryContext context;
	int64 look_at = 0;

	pqsignal(SIGTERM, die);
	pqsignal(SIGINT, lpr_worker_handle_cancel);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	lpr_worker_connect(lpr_queue_ready);
	context = AllocSetContextCreate(TopMemoryContext, "lpr watcher", ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		int64 now = now_ms();
		bool rest = false;
		bool waiting = false;

		CHECK_FOR_INTERRUPTS();
		(void) lpr_worker_reload();
		MemoryContextReset(context);
		MemoryContextSwitchTo(context);
		if (now >= look_at)
		{
			if (!attempt(context, look, NULL))
			{
				lpr_watch_forget();
				round_ms = 0;
			}
			else
				begin_rounds(context);
			look_at = now + (round_ms > 0 ? round_ms : IDLE_MS);
		}
		if (now >= wake_at)
			wake_at = now + (!attempt(context, wake, NULL) || wake_more ? WAKE_MS : PUSHED_MS);
		if (step_rounds(context, &rest, &waiting))
		{
			if (rest)
				look_at = 0;
			continue;
		}
		wait_until(Min(look_at, wake_at), waiting);
	}
}
