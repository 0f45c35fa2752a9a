/*
 * scan.c: a scan of one source: from the plan's conditions to rows. How it starts stands in scan_group.c.
 */
#include "fdw/scan_internal.h"

#include "executor/executor.h"
#include "foreign/foreign.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "gate/answer.h"

/*
 * The conditions are checked here and not by the executor, so that what they leave out is counted; with images, those
 * that look at none before a row's images are fetched. In an EvalPlanQual recheck the rows are not ours, and the
 * executor checks all.
 */
static void
take_conditions(LprScan *scan, int before_images)
{
	ForeignScanState *node = scan->node;
	List *conditions = node->ss.ps.plan->qual;

	if (node->ss.ps.state->es_epq_active != NULL)
		return;
	if (before_images > 0 &&
		(scan->attnums[LPR_COLUMN_PLATE_IMAGE] != 0 || scan->attnums[LPR_COLUMN_VEHICLE_IMAGE] != 0))
	{
		scan->before_images = ExecInitQual(list_truncate(list_copy(conditions), before_images), &node->ss.ps);
		node->ss.ps.qual = ExecInitQual(list_copy_tail(conditions, before_images), &node->ss.ps);
	}
	scan->check = node->ss.ps.qual;
	node->ss.ps.qual = NULL;
}

bool
lpr_is_our_scan(PlanState *node)
{
	return IsA(node, ForeignScanState) && ((ForeignScanState *) node)->fdwroutine != NULL &&
		   ((ForeignScanState *) node)->fdwroutine->IterateForeignScan == lpr_iterate_scan;
}

LprQueryStats *
lpr_scan_stats(ForeignScanState *node)
{
	LprScan *scan = node->fdw_state;

	return scan != NULL ? scan->stats : NULL;
}

void
lpr_scan_set_batch(ForeignScanState *node, LprBatch *batch)
{
	((LprScan *) node->fdw_state)->batch = batch;
}

/*
 * The lpr.reads that a scan is a part of: its parent among the relations of the whole statement. So scans of one are
 * recognized in any subquery, and in any copy of the plan.
 */
static Index
which_reads(const EState *estate, Index scanned)
{
	ListCell *cell;

	foreach (cell, estate->es_plannedstmt->appendRelations)
		if (lfirst_node(AppendRelInfo, cell)->child_relid == scanned)
			return lfirst_node(AppendRelInfo, cell)->parent_relid;
	return scanned;
}

static void
read_conditions(LprConditions *conditions, List *planned)
{
	int n = list_length(planned) / 2;

	conditions->count = n;
	conditions->kinds = palloc((n + 1) * sizeof(LprConditionKind));
	conditions->guarded = palloc((n + 1) * sizeof(bool));
	for (int i = 0; i < n; i++)
	{
		conditions->kinds[i] = list_nth_int(planned, 2 * i);
		conditions->guarded[i] = list_nth_int(planned, 2 * i + 1) != 0;
	}
}

void
lpr_begin_scan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState *estate = node->ss.ps.state;
	ForeignServer *server;
	LprOptions options;
	LprScan *scan;
	ListCell *cell;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	server = GetForeignServer(plan->fs_server);
	lpr_options_read(server->options, NIL, &options);
	scan = palloc0(sizeof(LprScan));
	scan->node = node;
	scan->server = server->serverid;
	scan->source = server->servername;
	scan->dialect = options.dialect->name;
	scan->reads = which_reads(estate, plan->scan.scanrelid);
	scan->outer = list_nth(plan->fdw_private, LPR_PLAN_OUTER);
	scan->order = intVal(list_nth(plan->fdw_private, LPR_PLAN_ORDER));
	scan->page_size = intVal(list_nth(plan->fdw_private, LPR_PLAN_PAGE_SIZE));
	scan->event_later = intVal(list_nth(plan->fdw_private, LPR_PLAN_EVENT_LATER)) != 0;
	scan->batched = intVal(list_nth(plan->fdw_private, LPR_PLAN_BATCHED)) != 0;
	read_conditions(&scan->conditions, list_nth(plan->fdw_private, LPR_PLAN_CONDITIONS));
	scan->expressions = ExecInitExprList(plan->fdw_exprs, &node->ss.ps);
	scan->nvalues = list_length(scan->expressions);
	foreach (cell, (List *) list_nth(plan->fdw_private, LPR_PLAN_COLUMNS))
		scan->attnums[lfirst_int(cell)] =
			lpr_column_attnum(RelationGetRelid(node->ss.ss_currentRelation), lfirst_int(cell));
	take_conditions(scan, intVal(list_nth(plan->fdw_private, LPR_PLAN_BEFORE_IMAGES)));
	scan->context = AllocSetContextCreate(estate->es_query_cxt, "lpr question", ALLOCSET_SMALL_SIZES);
	scan->statement = lpr_statement(estate);
	scan->statement->scans = lappend(scan->statement->scans, scan);
	node->fdw_state = scan;
}

static void
store_read(LprScan *scan, TupleTableSlot *slot, const LprRead *read)
{
	LprRowFrame frame = lpr_scan_row_frame(scan);
	MemoryContext old = MemoryContextSwitchTo(scan->node->ss.ps.ps_ExprContext->ecxt_per_tuple_memory);

	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < LPR_COLUMNS; i++)
	{
		int attribute = scan->attnums[i] - 1;

		if (attribute >= 0)
			slot->tts_values[attribute] = lpr_row_value(&frame, i, read, &slot->tts_isnull[attribute]);
	}
	MemoryContextSwitchTo(old);
	ExecStoreVirtualTuple(slot);
}

/* The next row that meets the conditions, in the slot; empty at the end. */
static void
next_row(LprScan *scan, TupleTableSlot *slot)
{
	LprRead read;

	do
	{
		CHECK_FOR_INTERRUPTS();
		if (scan->images != NULL)
			lpr_images_next_row(scan, slot);
		else if (lpr_scan_next_read(scan, &read))
			store_read(scan, slot, &read);
	} while (!TupIsNull(slot) && !lpr_scan_meets(scan, scan->check, slot));
}

TupleTableSlot *
lpr_iterate_scan(ForeignScanState *node)
{
	LprScan *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	ExecClearTuple(slot);
	if (scan->ahead)
	{
		/* Started by a sibling before its rescan: is this still the question? */
		if (!lpr_scan_is_same_question(scan))
			lpr_scan_stop(scan);
		scan->ahead = false;
	}
	if (!scan->started)
		lpr_scan_start_group(scan);
	if (scan->ask == NULL && !lpr_scan_is_cached(scan))
	{
		lpr_scan_tell_failed(scan);
		return slot;
	}
	next_row(scan, slot);
	if (TupIsNull(slot))
	{
		if (!lpr_scan_is_cached(scan))
			lpr_scan_close_answer(scan);
		else
			lpr_answer_end(scan->stats);
		/* It may turn out late that there is nobody to ask. */
		if (scan->stats->outcome == LPR_OUTCOME_PASSED_OVER && !scan->stats->told)
			lpr_scan_tell_passed_over(scan);
		lpr_scan_tell_failed(scan);
	}
	return slot;
}

void
lpr_rescan(ForeignScanState *node)
{
	LprScan *scan = node->fdw_state;

	if (scan != NULL && !scan->ahead)
		lpr_scan_stop(scan);
}

void
lpr_end_scan(ForeignScanState *node)
{
	LprScan *scan = node->fdw_state;
	LprStatement *statement;

	if (scan == NULL)
		return;
	statement = scan->statement;
	lpr_scan_stop(scan);
	statement->scans = list_delete_ptr(statement->scans, scan);
	if (statement->scans == NIL)
	{
		lpr_answer_await();
		lpr_statement_tell(statement);
	}
}
