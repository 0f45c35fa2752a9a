/*
 * worker.c: how our background workers start, connect and go on after an error.
 */
#include "server/worker.h"

#include "access/xact.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#define LOOK_EVERY_MS 2000

char *lpr_database = NULL;

static bool is_worker = false;

bool
lpr_is_worker(void)
{
	return is_worker;
}

void
lpr_worker_register(const char *name, const char *function, int restart_seconds)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = restart_seconds;
	strlcpy(worker.bgw_library_name, "lpr", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, function, sizeof(worker.bgw_function_name));
	strlcpy(worker.bgw_name, name, sizeof(worker.bgw_name));
	strlcpy(worker.bgw_type, name, sizeof(worker.bgw_type));
	RegisterBackgroundWorker(&worker);
}

static void
force(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

/* A setting that only newer servers have. */
static void
force_if_known(const char *name, const char *value)
{
	if (GetConfigOption(name, true, false) != NULL)
		force(name, value);
}

void
lpr_worker_force_settings(void)
{
	is_worker = true;
	if (synchronous_commit < SYNCHRONOUS_COMMIT_REMOTE_FLUSH) /* model: standby */
		force("synchronous_commit", "on");
	force("role", "none");
	force("search_path", "pg_catalog, pg_temp");
	force("default_transaction_isolation", "read committed");
	force("default_transaction_read_only", "off");
	force("default_transaction_deferrable", "off");
	force("session_replication_role", "origin");
	force("statement_timeout", "0");
	force("idle_in_transaction_session_timeout", "0");
	force("idle_session_timeout", "0");
	force_if_known("transaction_timeout", "0"); /* 17 on */
	force_if_known("event_triggers", "on");     /* 17 on */
	force("lock_timeout", "1s");                /* who holds a lock may wait for us */
	force("deadlock_timeout", "100ms");         /* of two, we give way: we try again by ourselves */
	force("row_security", "on");
	force("jit", "off");
	force("client_min_messages", "warning");
	force("TimeZone", "UTC");
	force("DateStyle", "ISO");
}

void
lpr_worker_connect(bool (*ready)(void))
{
	while (!ready())
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_EVERY_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	BackgroundWorkerInitializeConnection(lpr_database, NULL, 0);
	lpr_worker_force_settings();
}

void
lpr_worker_handle_cancel(SIGNAL_ARGS)
{
	if (get_timeout_indicator(LOCK_TIMEOUT, false))
		StatementCancelHandler(postgres_signal_arg);
}

bool
lpr_worker_reload(void)
{
	if (!ConfigReloadPending)
		return false;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	lpr_worker_force_settings();
	return true;
}

bool
lpr_worker_hold_extension(void)
{
	Oid extension = get_extension_oid("lpr", true);
	LOCKTAG tag;

	if (!OidIsValid(extension))
		return false;
	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, ExtensionRelationId, extension, 0);
	if (LockAcquire(&tag, AccessShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		return false;
	AcceptInvalidationMessages();
	return get_extension_oid("lpr", true) == extension;
}

void
lpr_worker_give_up(MemoryContext context)
{
	static TimestampTz told_at = 0;
	TimestampTz now = GetCurrentTimestamp();

	MemoryContextSwitchTo(context);
	if (now < told_at || now - told_at > USECS_PER_MINUTE)
	{
		EmitErrorReport();
		told_at = now;
	}
	FlushErrorState();
	AbortCurrentTransaction();
	MemoryContextSwitchTo(context);
}
