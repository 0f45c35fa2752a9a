/*
 * rewrite.c: writes a table anew, into files of its own: what is visible of it now, and nothing else.
 *
 * DELETE leaves its rows in the files. VACUUM leaves them too: it moves together what stays and wipes nothing. VACUUM
 * FULL and CLUSTER wipe, but keep what an older snapshot might see, and run in transactions of their own. This runs in
 * the transaction that deletes: at its commit the old files go.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/multixact.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/cluster.h"
#include "commands/tablecmds.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/predicate.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "server/data.h"

PG_FUNCTION_INFO_V1(lpr_rewrite);
PG_FUNCTION_INFO_V1(lpr_lock_table);

/* For this transaction alone. Whoever may call us has no other right on the table. */
static Relation
take_table(Oid table)
{
	Relation relation = table_open(table, AccessExclusiveLock);

	if (relation->rd_rel->relkind != RELKIND_RELATION || relation->rd_rel->relnamespace != lpr_data_schema())
		ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
						errmsg("\"%s\" is not a table of lpr_data", RelationGetRelationName(relation))));
	return relation;
}

/* Frozen: an older snapshot still sees the rows that are left. */
static void
copy_visible(Relation from, Relation to)
{
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(from, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(from, NULL);
	BulkInsertState bulk = GetBulkInsertState();
	CommandId command = GetCurrentCommandId(true);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		table_tuple_insert(to, slot, command, TABLE_INSERT_SKIP_FSM | TABLE_INSERT_FROZEN, bulk);
		ExecClearTuple(slot);
	}
	FreeBulkInsertState(bulk);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_finish_bulk_insert(to, TABLE_INSERT_SKIP_FSM | TABLE_INSERT_FROZEN);
}

/*
 * Takes the table for itself until the end of the transaction. Snapshots taken before see what is left of it, like all
 * others.
 */
static void
rewrite_table(Oid table)
{
	Relation old = take_table(table);
	char persistence = old->rd_rel->relpersistence;
	Relation anew;
	Oid heap;

	CheckTableNotInUse(old, "rewrite");
	CommandCounterIncrement(); /* what this transaction deleted is left out */
	TransferPredicateLocksToHeapRelation(old);
	heap = make_new_heap(RelationGetRelid(old), old->rd_rel->reltablespace, old->rd_rel->relam,
						 old->rd_rel->relpersistence, AccessExclusiveLock);
	anew = table_open(heap, AccessExclusiveLock);
	copy_visible(old, anew);
	table_close(anew, NoLock);
	table_close(old, NoLock);
	finish_heap_swap(table, heap, false, false, true, true, RecentXmin, ReadNextMultiXactId(), persistence);
}

Datum
lpr_rewrite(PG_FUNCTION_ARGS)
{
	rewrite_table(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}

Datum
lpr_lock_table(PG_FUNCTION_ARGS)
{
	table_close(take_table(PG_GETARG_OID(0)), NoLock);
	PG_RETURN_VOID();
}
