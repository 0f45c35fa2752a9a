/*
 * visibility.c: who is asking, and what they see: lpr_data.me(), my_people(), sees_all() and sees(event), the
 * conditions of policies and views. The rules stand in SQL (lpr_data.look_up_me() and its like). Their answers are
 * remembered here, since policies ask for every row, and of several tables in a query.
 *
 * An answer holds as long as the snapshot shows the same: then nothing can have been committed in between, neither a
 * membership nor a grant of a role. A snapshot is told by its contents. A transaction that has changed something sees
 * its own changes too, hence command and subtransaction. What ends by the clock names its end: what is done in
 * another's stead (lpr_data.look_up_end()).
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/pathnodes.h"
#include "nodes/supportnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "server/compat.h"

#include "server/data.h"

#define AT_FIRST 100 /* events of a person that are fetched at once */
#define PROBES   16  /* of a person with more: events that are asked for one by one, before all are fetched */

static struct
{
	/* What it holds for. */
	bool valid;
	Oid login;
	TransactionId transaction; /* if it has changed something, with the next two */
	SubTransactionId subtransaction;
	CommandId command;
	SnapshotData snapshot; /* of which the limits and the lists of transactions count */
	size_t size;           /* of what the lists have room for, in TopMemoryContext */
	TimestampTz end;       /* what is done in another's stead ends by the clock */

	/* What was said so far; the rest was not asked yet. */
	bool has_me, has_people, has_all, has_events;
	bool nobody;
	int32 me;
	ArrayType *people; /* in context */
	bool all;
	bool complete; /* events are all that are seen */
	int64 *events; /* in order, in context */
	int nevents;
	bool has_last; /* the event asked about last */
	int64 last;
	bool last_seen;
	struct
	{
		int64 event;
		bool seen;
	} probed[PROBES];
	int nprobed;
	MemoryContext context;
} visibility;

static int64 generation = 0; /* counts what it held for */

PG_FUNCTION_INFO_V1(lpr_me);
PG_FUNCTION_INFO_V1(lpr_my_people);
PG_FUNCTION_INFO_V1(lpr_sees_all);
PG_FUNCTION_INFO_V1(lpr_my_events);
PG_FUNCTION_INFO_V1(lpr_sees);
PG_FUNCTION_INFO_V1(lpr_sees_support);

static bool
same_transactions(const TransactionId *a, const TransactionId *b, int n)
{
	return n == 0 || memcmp(a, b, n * sizeof(TransactionId)) == 0;
}

static bool
holds_for(Snapshot now)
{
	const SnapshotData *then = &visibility.snapshot;

	return visibility.valid && GetCurrentTimestamp() < visibility.end && visibility.login == GetAuthenticatedUserId() &&
		   visibility.transaction == GetTopTransactionIdIfAny() &&
		   (!TransactionIdIsValid(visibility.transaction) ||
			(visibility.subtransaction == GetCurrentSubTransactionId() && visibility.command == now->curcid)) &&
		   then->xmin == now->xmin && then->xmax == now->xmax && then->xcnt == now->xcnt &&
		   then->subxcnt == now->subxcnt && then->suboverflowed == now->suboverflowed &&
		   then->takenDuringRecovery == now->takenDuringRecovery && same_transactions(then->xip, now->xip, now->xcnt) &&
		   same_transactions(then->subxip, now->subxip, now->subxcnt);
}

static void
keep_snapshot(Snapshot now)
{
	size_t size = (now->xcnt + Max(now->subxcnt, 0)) * sizeof(TransactionId);
	TransactionId *lists = visibility.snapshot.xip;

	if (lists == NULL || visibility.size < size)
	{
		if (lists != NULL)
			pfree(lists);
		visibility.snapshot.xip = NULL;
		visibility.size = Max(size * 2, 1024);
		lists = MemoryContextAlloc(TopMemoryContext, visibility.size);
	}
	visibility.snapshot = *now;
	visibility.snapshot.xip = lists;
	visibility.snapshot.subxip = lists + now->xcnt;
	if (now->xcnt > 0)
		memcpy(lists, now->xip, now->xcnt * sizeof(TransactionId));
	if (now->subxcnt > 0)
		memcpy(lists + now->xcnt, now->subxip, now->subxcnt * sizeof(TransactionId));
	visibility.login = GetAuthenticatedUserId();
	visibility.transaction = GetTopTransactionIdIfAny();
	visibility.subtransaction = GetCurrentSubTransactionId();
	visibility.command = now->curcid;
}

static Oid
find(const char *name, Oid argument)
{
	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(name),
						   PointerGetDatum(buildoidvector(&argument, OidIsValid(argument) ? 1 : 0)),
						   ObjectIdGetDatum(lpr_data_schema()));
}

/* A function of schema lpr_data, where the reader may look nothing up. */
static void
our_function(const char *name, Oid argument, FmgrInfo *function)
{
	Oid oid = find(name, argument);

	if (!OidIsValid(oid))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FUNCTION), errmsg("function lpr_data.%s() does not exist", name)));
	fmgr_info(oid, function);
}

/* Before the first answer that could end by the clock: looked up later, its end might have passed unseen. */
static void
look_up_end(void)
{
	FmgrInfo function;

	/* 0.2.0 has none, before its update. */
	if (visibility.end != DT_NOEND || !OidIsValid(find("look_up_end", InvalidOid)))
		return;
	our_function("look_up_end", InvalidOid, &function);
	visibility.end = DatumGetTimestampTz(FunctionCall0Coll(&function, InvalidOid));
}

static int
compare_events(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

static void
look_up_events(int at_most)
{
	FmgrInfo function;
	ArrayType *found;

	our_function("look_up_events", INT4OID, &function);
	found = DatumGetArrayTypeP(FunctionCall1(&function, Int32GetDatum(at_most)));
	if (ARR_NDIM(found) > 1 || ARR_HASNULL(found) || ARR_ELEMTYPE(found) != INT8OID)
		elog(ERROR, "lpr_data.look_up_events() returned no list of events");
	visibility.has_events = false;
	visibility.nevents = ArrayGetNItems(ARR_NDIM(found), ARR_DIMS(found));
	visibility.events = MemoryContextAllocHuge(visibility.context, Max(visibility.nevents, 1) * sizeof(int64));
	memcpy(visibility.events, ARR_DATA_PTR(found), visibility.nevents * sizeof(int64));
	qsort(visibility.events, visibility.nevents, sizeof(int64), compare_events);
	visibility.complete = visibility.nevents < at_most;
	visibility.has_events = true;
	pfree(found);
}

/* Forgets what does not hold for the active snapshot any more. */
static void
refresh(FmgrInfo *function)
{
	int64 *seen = function->fn_extra; /* the generation that was compared with this query's snapshot */
	Snapshot now;

	if (seen == NULL)
		seen = function->fn_extra = MemoryContextAllocZero(function->fn_mcxt, sizeof(int64));
	if (visibility.valid && *seen == generation)
		return;
	now = GetActiveSnapshot();
	if (!holds_for(now))
	{
		visibility.valid = false;
		if (visibility.context == NULL)
			visibility.context = AllocSetContextCreate(TopMemoryContext, "lpr visibility", ALLOCSET_DEFAULT_SIZES);
		MemoryContextReset(visibility.context);
		visibility.has_me = visibility.has_people = visibility.has_all = visibility.has_events = visibility.has_last =
			false;
		visibility.nprobed = 0;
		visibility.end = DT_NOEND;
		keep_snapshot(now);
		generation++;
		visibility.valid = true;
	}
	*seen = generation;
}

/* lpr_data.me(): the person behind the authenticated login. */
Datum
lpr_me(PG_FUNCTION_ARGS)
{
	refresh(fcinfo->flinfo);
	if (!visibility.has_me)
	{
		FmgrInfo function;
		LOCAL_FCINFO(call, 0);
		Datum me;

		our_function("look_up_me", InvalidOid, &function);
		InitFunctionCallInfoData(*call, &function, 0, InvalidOid, NULL, NULL);
		me = FunctionCallInvoke(call);
		visibility.nobody = call->isnull;
		visibility.me = call->isnull ? 0 : DatumGetInt32(me);
		visibility.has_me = true;
	}
	if (visibility.nobody)
		PG_RETURN_NULL();
	PG_RETURN_INT32(visibility.me);
}

/* lpr_data.my_people(): that person, and those whom they supervise. */
Datum
lpr_my_people(PG_FUNCTION_ARGS)
{
	refresh(fcinfo->flinfo);
	if (!visibility.has_people)
	{
		FmgrInfo function;
		ArrayType *found;

		look_up_end();
		our_function("look_up_my_people", InvalidOid, &function);
		found = DatumGetArrayTypeP(FunctionCall0Coll(&function, InvalidOid));
		visibility.people = MemoryContextAlloc(visibility.context, VARSIZE(found));
		memcpy(visibility.people, found, VARSIZE(found));
		visibility.has_people = true;
	}
	PG_RETURN_DATUM(datumCopy(PointerGetDatum(visibility.people), false, -1));
}

static bool
sees_all(void)
{
	if (!visibility.has_all)
	{
		FmgrInfo function;

		our_function("look_up_all", InvalidOid, &function);
		visibility.all = DatumGetBool(FunctionCall0Coll(&function, InvalidOid));
		visibility.has_all = true;
	}
	return visibility.all;
}

static bool
sees(int64 event)
{
	FmgrInfo function;
	bool seen;

	if (sees_all())
		return true;
	if (!visibility.has_events)
		look_up_events(AT_FIRST);
	if (bsearch(&event, visibility.events, visibility.nevents, sizeof(int64), compare_events) != NULL)
		return true;
	if (visibility.complete)
		return false;
	for (int i = 0; i < visibility.nprobed; i++)
		if (visibility.probed[i].event == event)
			return visibility.probed[i].seen;
	if (visibility.nprobed == PROBES)
	{
		look_up_events(PG_INT32_MAX);
		return sees(event);
	}
	our_function("look_up_event", INT8OID, &function);
	seen = DatumGetBool(FunctionCall1(&function, Int64GetDatum(event)));
	visibility.probed[visibility.nprobed].event = event;
	visibility.probed[visibility.nprobed++].seen = seen;
	return seen;
}

/* lpr_data.sees_all(): whether the person sees all events. */
Datum
lpr_sees_all(PG_FUNCTION_ARGS)
{
	refresh(fcinfo->flinfo);
	PG_RETURN_BOOL(sees_all());
}

/* lpr_data.sees(event) */
Datum
lpr_sees(PG_FUNCTION_ARGS)
{
	int64 event = PG_GETARG_INT64(0);

	refresh(fcinfo->flinfo);
	if (!visibility.has_last || visibility.last != event)
	{
		visibility.has_last = false;
		visibility.last_seen = sees(event);
		visibility.last = event;
		visibility.has_last = true;
	}
	PG_RETURN_BOOL(visibility.last_seen);
}

/* lpr_data.my_events(): all that are seen. */
Datum
lpr_my_events(PG_FUNCTION_ARGS)
{
	ArrayType *events;
	size_t size;

	refresh(fcinfo->flinfo);
	if (!visibility.has_events || !visibility.complete)
		look_up_events(PG_INT32_MAX);
	if (visibility.nevents == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(INT8OID));
	size = ARR_OVERHEAD_NONULLS(1) + visibility.nevents * sizeof(int64);
	if (!AllocSizeIsValid(size))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many events")));
	events = palloc0(size);
	SET_VARSIZE(events, size);
	events->ndim = 1;
	events->elemtype = INT8OID;
	ARR_DIMS(events)[0] = visibility.nevents;
	ARR_LBOUND(events)[0] = 1;
	memcpy(ARR_DATA_PTR(events), visibility.events, visibility.nevents * sizeof(int64));
	PG_RETURN_ARRAYTYPE_P(events);
}

/*
 * The share of all events that is seen. Of a table that something else narrows as well, such as the number of an event,
 * nearly all that is left is seen.
 */
static Selectivity
share(const SupportRequestSelectivity *request)
{
	Node *event = linitial(request->args);
	RelOptInfo *rel = IsA(event, Var) ? request->root->simple_rel_array[((Var *) event)->varno] : NULL;
	HeapTuple tuple;
	double total = 0;
	ListCell *cell;

	if (sees_all())
		return 1.0;
	if (rel != NULL)
		foreach (cell, rel->baserestrictinfo)
		{
			const RestrictInfo *other = lfirst(cell);

			if (!other->pseudoconstant &&
				!(IsA(other->clause, FuncExpr) && ((FuncExpr *) other->clause)->funcid == request->funcid))
				return 0.9;
		}
	if (!visibility.has_events)
		look_up_events(AT_FIRST);
	if (!visibility.complete)
		return 0.1;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lpr_data_table("event")));
	if (HeapTupleIsValid(tuple))
	{
		total = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
		ReleaseSysCache(tuple);
	}
	return total > 0 ? Min(Max(visibility.nevents, 1) / total, 1.0) : 0.1;
}

/* sees(event) as event = ANY (my_events()), for an index that starts with it; unless all events are seen. */
static Node *
index_condition(SupportRequestIndexCondition *request)
{
	FmgrInfo function;
	Node *event;
	ScalarArrayOpExpr *any;
	ListCell *cell;

	/* Further on in an index it would disturb the order that the planner counts on. */
	if (request->indexarg != 0 || request->indexcol != 0 || request->index->relam != BTREE_AM_OID ||
		request->opfamily != INTEGER_BTREE_FAM_OID || !IsA(request->node, FuncExpr) || sees_all())
		return NULL;
	event = linitial(((FuncExpr *) request->node)->args);
	if (exprType(event) != INT8OID)
		return NULL;
	/* Where one event is looked for, all of them would be in the way. */
	foreach (cell, request->index->rel->baserestrictinfo)
	{
		const OpExpr *other = (const OpExpr *) lfirst_node(RestrictInfo, cell)->clause;

		if (IsA(other, OpExpr) && (equal(linitial(other->args), event) || equal(llast(other->args), event)))
			return NULL;
	}
	our_function("my_events", InvalidOid, &function);
	any = makeNode(ScalarArrayOpExpr);
	any->opno = get_opfamily_member(request->opfamily, INT8OID, INT8OID, BTEqualStrategyNumber);
	any->opfuncid = get_opcode(any->opno);
	any->useOr = true;
	any->args = list_make2(
		event, makeFuncExpr(function.fn_oid, INT8ARRAYOID, NIL, InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL));
	any->location = -1;
	request->lossy = false;
	return (Node *) list_make1(any);
}

/* What the planner asks about sees(event): how often it is true, and whether an index helps. */
Datum
lpr_sees_support(PG_FUNCTION_ARGS)
{
	Node *request = (Node *) PG_GETARG_POINTER(0);

	if ((!IsA(request, SupportRequestSelectivity) && !IsA(request, SupportRequestIndexCondition)) ||
		!ActiveSnapshotSet())
		PG_RETURN_POINTER(NULL);
	refresh(fcinfo->flinfo);
	if (IsA(request, SupportRequestIndexCondition))
		PG_RETURN_POINTER(index_condition((SupportRequestIndexCondition *) request));
	((SupportRequestSelectivity *) request)->selectivity = share((SupportRequestSelectivity *) request);
	PG_RETURN_POINTER(request);
}
