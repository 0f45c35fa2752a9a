/*
 * sight.c: lpr_data.sees(event), the condition of every policy on what belongs to an event. Who sees which event is told in SQL (lpr_data.sight and
 * lpr_data.sees_all()); here is only remembered what that said, since policies ask for every row, and of several tables in a query.
 *
 * What was said holds as long as the snapshot shows the same: nothing can have been committed in between then, neither a membership nor a grant of a role.
 * A snapshot is told by its contents. Within a transaction its own changes count as well, hence command and subtransaction.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "compat.h"

#define AT_FIRST 100 /* events of a person that are fetched at once */
#define PROBES   16  /* of a person with more: events that are asked for one by one, before all are fetched */

static struct
{
	bool valid;
	Oid login;
	LocalTransactionId transaction;
	SubTransactionId subtransaction;
	CommandId command;
	SnapshotData snapshot; /* of which the limits and the lists of transactions count */
	size_t size;           /* of what the lists have room for, in TopMemoryContext */

	bool all;
	bool complete; /* events has all that are seen */
	int64 *events; /* in order, in context */
	int nevents;
	struct
	{
		int64 event;
		bool seen;
	} probed[PROBES];
	int nprobed;
	MemoryContext context;
} sight;

static int64 generation = 0; /* of what is in it */

PG_FUNCTION_INFO_V1(lpr_sees);

static bool
same_transactions(const TransactionId *a, const TransactionId *b, int n)
{
	return n == 0 || memcmp(a, b, n * sizeof(TransactionId)) == 0;
}

static bool
holds_for(Snapshot now)
{
	const SnapshotData *then = &sight.snapshot;

	return sight.valid && sight.login == GetAuthenticatedUserId() && sight.transaction == LPR_MY_LXID &&
		   sight.subtransaction == GetCurrentSubTransactionId() && sight.command == now->curcid &&
		   then->xmin == now->xmin && then->xmax == now->xmax && then->xcnt == now->xcnt &&
		   then->subxcnt == now->subxcnt && then->suboverflowed == now->suboverflowed &&
		   then->takenDuringRecovery == now->takenDuringRecovery && same_transactions(then->xip, now->xip, now->xcnt) &&
		   same_transactions(then->subxip, now->subxip, now->subxcnt);
}

static void
keep_snapshot(Snapshot now)
{
	size_t size = (now->xcnt + Max(now->subxcnt, 0)) * sizeof(TransactionId);
	TransactionId *lists = sight.snapshot.xip;

	if (lists == NULL || sight.size < size)
	{
		if (lists != NULL)
			pfree(lists);
		sight.snapshot.xip = NULL;
		sight.size = Max(size * 2, 1024);
		lists = MemoryContextAlloc(TopMemoryContext, sight.size);
	}
	sight.snapshot = *now;
	sight.snapshot.xip = lists;
	sight.snapshot.subxip = lists + now->xcnt;
	if (now->xcnt > 0)
		memcpy(lists, now->xip, now->xcnt * sizeof(TransactionId));
	if (now->subxcnt > 0)
		memcpy(lists + now->xcnt, now->subxip, now->subxcnt * sizeof(TransactionId));
	sight.login = GetAuthenticatedUserId();
	sight.transaction = LPR_MY_LXID;
	sight.subtransaction = GetCurrentSubTransactionId();
	sight.command = now->curcid;
}

/* A function of schema lpr_data, where the reader may look nothing up. */
static void
our_function(const char *name, Oid argument, FmgrInfo *function)
{
	Oid schema = get_namespace_oid("lpr_data", false);
	Oid oid = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
							  PointerGetDatum(buildoidvector(&argument, OidIsValid(argument) ? 1 : 0)),
							  ObjectIdGetDatum(schema));

	if (!OidIsValid(oid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION), errmsg("function lpr_data.%s() does not exist", name)));
	fmgr_info(oid, function);
}

static int
compare_events(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

static void
fetch(int at_most)
{
	FmgrInfo function;
	ArrayType *found;

	our_function("events_in_sight", INT4OID, &function);
	found = DatumGetArrayTypeP(FunctionCall1(&function, Int32GetDatum(at_most)));
	if (ARR_NDIM(found) > 1 || ARR_HASNULL(found) || ARR_ELEMTYPE(found) != INT8OID)
		elog(ERROR, "lpr_data.events_in_sight() returned no list of events");
	MemoryContextReset(sight.context);
	sight.nevents = ArrayGetNItems(ARR_NDIM(found), ARR_DIMS(found));
	sight.events = MemoryContextAllocHuge(sight.context, Max(sight.nevents, 1) * sizeof(int64));
	memcpy(sight.events, ARR_DATA_PTR(found), sight.nevents * sizeof(int64));
	qsort(sight.events, sight.nevents, sizeof(int64), compare_events);
	sight.complete = sight.nevents < at_most;
	pfree(found);
}

static void
look(Snapshot now)
{
	FmgrInfo function;

	if (sight.context == NULL)
		sight.context = AllocSetContextCreate(TopMemoryContext, "lpr sight", ALLOCSET_DEFAULT_SIZES);
	sight.valid = false;
	sight.complete = false;
	sight.nprobed = 0;
	keep_snapshot(now);
	our_function("sees_all", InvalidOid, &function);
	sight.all = DatumGetBool(FunctionCall0Coll(&function, InvalidOid));
	if (!sight.all)
		fetch(AT_FIRST);
	sight.valid = true;
	generation++;
}

static bool
sees(int64 event)
{
	FmgrInfo function;
	bool seen;

	if (sight.all || bsearch(&event, sight.events, sight.nevents, sizeof(int64), compare_events) != NULL)
		return true;
	if (sight.complete)
		return false;
	for (int i = 0; i < sight.nprobed; i++)
		if (sight.probed[i].event == event)
			return sight.probed[i].seen;
	if (sight.nprobed == PROBES)
	{
		sight.valid = false; /* should it fail */
		fetch(PG_INT32_MAX);
		sight.valid = true;
		return sees(event);
	}
	our_function("sees_event", INT8OID, &function);
	seen = DatumGetBool(FunctionCall1(&function, Int64GetDatum(event)));
	sight.probed[sight.nprobed].event = event;
	sight.probed[sight.nprobed++].seen = seen;
	return seen;
}

/* lpr_data.sees(event): whether the authenticated login sees an event. */
Datum
lpr_sees(PG_FUNCTION_ARGS)
{
	int64 *mine = fcinfo->flinfo->fn_extra; /* the generation that was compared with this query's snapshot */

	if (mine == NULL)
		mine = fcinfo->flinfo->fn_extra = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, sizeof(int64));
	if (!sight.valid || *mine != generation)
	{
		Snapshot now = GetActiveSnapshot();

		if (!holds_for(now))
			look(now);
		*mine = generation;
	}
	PG_RETURN_BOOL(sees(PG_GETARG_INT64(0)));
}
