/*
 * login_guard.c: which logins are registered to a person, and the end of what they have under way.
 */
#include "server/login_guard.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/proc.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "server/compat.h"
#include "server/data.h"

/* Not through SQL: who drops a role need not have any right to the table, and must not be able to interfere. */
bool
lpr_login_is_registered(const char *login)
{
	LprDataScan people;
	bool here = false;

	if (!lpr_data_begin(&people, "person", "login", login))
		return false;
	while (!here && lpr_data_next(&people))
		(void) lpr_data_get(&people, "left_at", TIMESTAMPTZOID, &here); /* NULL: they have not left */
	lpr_data_end(&people);
	return here;
}

PG_FUNCTION_INFO_V1(lpr_takes_part);
Datum
lpr_takes_part(PG_FUNCTION_ARGS)
{
	char *role = text_to_cstring(PG_GETARG_TEXT_PP(1));

	PG_RETURN_BOOL(lpr_has_role(PG_GETARG_OID(0), get_role_oid(role, false)));
}

/* Logins whose sessions end when this transaction commits, and in which subtransaction it was said. */
typedef struct Leaving
{
	Oid login;
	SubTransactionId said_in;
} Leaving;

static List *leaving = NIL; /* in TopTransactionContext */

static bool
is_leaving(Oid login)
{
	ListCell *cell;

	foreach (cell, leaving)
		if (((Leaving *) lfirst(cell))->login == login)
			return true;
	return false;
}

/* By our own hand: lpr_verb, for whom it is done, is no member of pg_signal_backend. */
static void
end_sessions(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_PRE_PREPARE && leaving != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("a retirement cannot be prepared"),
				 errdetail("Sessions end when the transaction commits that retires their login."), errhint("COMMIT;")));
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT)
		return;
	if (leaving != NIL && event == XACT_EVENT_COMMIT)
	{
		LWLockAcquire(ProcArrayLock, LW_SHARED);
		for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
		{
			const PGPROC *process = &ProcGlobal->allProcs[i];

			if (process->pid != 0 && process->pid != MyProcPid && lpr_is_regular_backend(process) &&
				is_leaving(process->roleId))
				kill(process->pid, SIGTERM);
		}
		LWLockRelease(ProcArrayLock);
	}
	leaving = NIL;
}

/* What was said in a subtransaction that is rolled back was not said. */
static void
end_subtransaction(SubXactEvent event, SubTransactionId own, SubTransactionId parent, void *arg)
{
	ListCell *cell;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	foreach (cell, leaving)
	{
		Leaving *one = lfirst(cell);

		if (one->said_in != own)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			leaving = foreach_delete_current(leaving, cell);
		else
			one->said_in = parent;
	}
}

PG_FUNCTION_INFO_V1(lpr_end_sessions);
Datum
lpr_end_sessions(PG_FUNCTION_ARGS)
{
	static bool registered = false;
	MemoryContext before = MemoryContextSwitchTo(TopTransactionContext);
	Leaving *one = palloc(sizeof(Leaving));

	if (!registered)
	{
		RegisterXactCallback(end_sessions, NULL);
		RegisterSubXactCallback(end_subtransaction, NULL);
	}
	registered = true;
	*one = (Leaving){PG_GETARG_OID(0), GetCurrentSubTransactionId()};
	leaving = lappend(leaving, one);
	MemoryContextSwitchTo(before);
	PG_RETURN_VOID();
}
