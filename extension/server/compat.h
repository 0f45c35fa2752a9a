/*
 * compat.h: what differs between PostgreSQL 14 and 18. Include after postgres.h (or postgres_fe.h, in tests).
 */
#ifndef LPR_COMPAT_H
#define LPR_COMPAT_H

#include "commands/cluster.h"
#include "storage/latch.h"
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/wait_event.h"
#if PG_VERSION_NUM >= 150000
#include "common/pg_prng.h"
#endif

/* A wait event set that lives as long as the backend. */
static inline WaitEventSet *
lpr_wait_set_create(int nevents)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(NULL, nevents);
#else
	return CreateWaitEventSet(TopMemoryContext, nevents);
#endif
}

/* A wait event of its own name where the server can name one (17 on), else "Extension". */
static inline uint32
lpr_wait_event(uint32 *cache, const char *name)
{
#if PG_VERSION_NUM >= 170000
	if (*cache == 0)
		*cache = WaitEventExtensionNew(name);
	return *cache;
#else
	(void) cache;
	(void) name;
	return PG_WAIT_EXTENSION;
#endif
}

#if PG_VERSION_NUM >= 170000
#define LPR_MY_PROC_NUMBER MyProcNumber
#define LPR_MY_LXID        (MyProc->vxid.lxid)
#else
#define LPR_MY_PROC_NUMBER (MyProc->pgprocno)
#define LPR_MY_LXID        (MyProc->lxid)
#endif

/* An empty table of the same columns, for what becomes its content. */
static inline Oid
lpr_make_heap_like(Relation table)
{
#if PG_VERSION_NUM >= 150000
	return make_new_heap(RelationGetRelid(table), table->rd_rel->reltablespace, table->rd_rel->relam,
						 table->rd_rel->relpersistence, AccessExclusiveLock);
#else
	return make_new_heap(RelationGetRelid(table), table->rd_rel->reltablespace, table->rd_rel->relpersistence,
						 AccessExclusiveLock);
#endif
}

/* In [0, 1): for jitter, never for secrets. */
static inline double
lpr_random_fraction(void)
{
#if PG_VERSION_NUM >= 150000
	return pg_prng_double(&pg_global_prng_state);
#else
	return (double) random() / ((double) MAX_RANDOM_VALUE + 1.0);
#endif
}

#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "optimizer/pathnode.h"
#if PG_VERSION_NUM >= 180000
#include "access/cmptype.h"
#else
#include "access/stratnum.h"
#endif

/* Prepares a set-returning function to fill a tuplestore: rsinfo->setResult and setDesc. */
static inline void
lpr_init_materialized_srf(FunctionCallInfo fcinfo)
{
#if PG_VERSION_NUM >= 150000
	InitMaterializedSRF(fcinfo, 0);
#else
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext old;

	if (result == NULL || !IsA(result, ReturnSetInfo) || !(result->allowedModes & SFRM_Materialize))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("set-valued function called in context that cannot accept a set")));
	old = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	if (get_call_result_type(fcinfo, NULL, &result->setDesc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	result->setDesc = CreateTupleDescCopy(result->setDesc);
	result->setResult = tuplestore_begin_heap((result->allowedModes & SFRM_Materialize_Random) != 0, false, work_mem);
	result->returnMode = SFRM_Materialize;
	MemoryContextSwitchTo(old);
#endif
}

static inline bool
lpr_pathkey_is_descending(const PathKey *key)
{
#if PG_VERSION_NUM >= 180000
	return key->pk_cmptype == COMPARE_GT;
#else
	return key->pk_strategy == BTGreaterStrategyNumber;
#endif
}

static inline ForeignPath *
lpr_create_foreignscan_path(PlannerInfo *root, RelOptInfo *rel, double rows, Cost startup, Cost total, List *pathkeys,
							Relids outer, List *fdw_private)
{
#if PG_VERSION_NUM >= 180000
	return create_foreignscan_path(root, rel, NULL, rows, 0, startup, total, pathkeys, outer, NULL, NIL, fdw_private);
#elif PG_VERSION_NUM >= 170000
	return create_foreignscan_path(root, rel, NULL, rows, startup, total, pathkeys, outer, NULL, NIL, fdw_private);
#else
	return create_foreignscan_path(root, rel, NULL, rows, startup, total, pathkeys, outer, NULL, fdw_private);
#endif
}

/* The actions of a MERGE. */
static inline Node *
lpr_merge_actions(const Query *query)
{
#if PG_VERSION_NUM >= 150000
	return (Node *) query->mergeActionList;
#else
	(void) query;
	return NULL;
#endif
}

#include "access/genam.h"
#include "replication/message.h"

/* Writes something to the WAL that means nothing, within this transaction. */
static inline void
lpr_write_wal(void)
{
#if PG_VERSION_NUM >= 170000
	(void) LogLogicalMessage("lpr", "", 0, true, false);
#else
	(void) LogLogicalMessage("lpr", "", 0, true);
#endif
}

#include "executor/executor.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"

static inline void
lpr_insert_index_entries(ResultRelInfo *result, TupleTableSlot *slot, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	list_free(ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL, false));
#else
	list_free(ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL));
#endif
}

static inline IndexScanDesc
lpr_index_beginscan(Relation table, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(table, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(table, index, snapshot, nkeys, 0);
#endif
}

/* Whether this transaction holds a lock of exactly that mode on a table. */
static inline bool
lpr_holds_lock(Oid relid, LOCKMODE mode)
{
	LOCKTAG tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
#if PG_VERSION_NUM >= 170000
	return LockHeldByMe(&tag, mode, false);
#else
	return LockHeldByMe(&tag, mode);
#endif
}

#endif
