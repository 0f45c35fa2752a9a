/*
 * join.c: a join of any relation with lpr.reads by plate, asked in batches.
 *
 * A nested loop asks the vendors once for every row of its outer side. This join gathers outer rows first, asks for all
 * their plates in one question, and matches the reads as they stream in: nothing of an answer is stored. The vendors
 * learn no plate that a nested loop would not have asked for, except for outer rows that a LIMIT would have left
 * unread.
 */
#include "fdw/fdw.h"

#include <math.h>

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

/* Outer rows of the first batch, which a small LIMIT may leave unused, and of the later ones. */
#define FIRST_BATCH 100
#define LATER_BATCH LPR_PLATES_MAX

/* ---- planning ---- */

static set_join_pathlist_hook_type earlier_join_pathlist = NULL;
static const CustomPathMethods path_methods;
static const CustomScanMethods plan_methods;
static const CustomExecMethods exec_methods;

bool
lpr_is_our_relation(RelOptInfo *rel)
{
	return rel->fdwroutine != NULL && rel->fdwroutine->IterateForeignScan == lpr_iterate_scan;
}

/* The partitions of lpr.reads behind a relation, or the relation itself; NIL when it is something else. */
static List *
our_members(PlannerInfo *root, RelOptInfo *rel)
{
	List *members = NIL;

	if (lpr_is_our_relation(rel))
		return list_make1(rel);
	if (rel->reloptkind != RELOPT_BASEREL || rel->rtekind != RTE_RELATION || root->append_rel_array == NULL)
		return NIL;
	for (int i = 1; i < root->simple_rel_array_size; i++)
	{
		RelOptInfo *member;

		if (root->append_rel_array[i] == NULL || root->append_rel_array[i]->parent_relid != rel->relid)
			continue;
		member = root->simple_rel_array[i];
		if (member == NULL || IS_DUMMY_REL(member))
			continue;
		if (!lpr_is_our_relation(member))
			return NIL;
		members = lappend(members, member);
	}
	return members;
}

/* The expression over the outer relation that a plate of the inner one must equal, or NULL. */
static Node *
outer_plate(PlannerInfo *root, RelOptInfo *outerrel, RelOptInfo *innerrel, List *restrictlist)
{
	Oid relid = root->simple_rte_array[innerrel->relid]->relid;
	Node *found = NULL;
	ListCell *cell;

	foreach (cell, restrictlist)
	{
		RestrictInfo *restriction = lfirst_node(RestrictInfo, cell);
		LprCondition condition;

		if (restriction->pseudoconstant)
			return NULL;
		if (found == NULL && lpr_condition_recognize(restriction->clause, innerrel->relid, relid, &condition) &&
			condition.kind == LPR_CONDITION_PLATE && !condition.guarded &&
			bms_is_subset(pull_varnos(root, linitial(condition.values)), outerrel->relids))
			found = linitial(condition.values);
	}
	return found;
}

static int
plate_position(List *expressions, Index varno, Oid relid)
{
	ListCell *cell;
	int position = 0;

	foreach (cell, expressions)
	{
		Node *node = lfirst(cell);

		if (lpr_column_expression(node, varno, relid) == LPR_COLUMN_PLATE)
			return position;
		position++;
	}
	return -1;
}

static void
add_batched_join(PlannerInfo *root, RelOptInfo *joinrel, RelOptInfo *outerrel, RelOptInfo *innerrel, JoinType jointype,
				 JoinPathExtraData *extra)
{
	CustomPath *path;
	List *members;
	List *subpaths = NIL;
	Node *plate;
	Path *outer = outerrel->cheapest_total_path;
	Path *inner;
	ListCell *cell;
	double batches;

	if (earlier_join_pathlist != NULL)
		earlier_join_pathlist(root, joinrel, outerrel, innerrel, jointype, extra);

	/* Rows that are locked or changed may have to be joined again one by one (EvalPlanQual), which this join cannot. */
	if ((jointype != JOIN_INNER && jointype != JOIN_UNIQUE_OUTER) || !bms_is_empty(joinrel->lateral_relids) ||
		!bms_is_empty(innerrel->lateral_relids) || outer == NULL || outer->param_info != NULL || root->rowMarks != NIL)
		return;
	members = our_members(root, innerrel);
	if (members == NIL)
		return;
	plate = outer_plate(root, outerrel, innerrel, extra->restrictlist);
	if (plate == NULL ||
		plate_position(innerrel->reltarget->exprs, innerrel->relid, root->simple_rte_array[innerrel->relid]->relid) < 0)
		return;
	if (jointype == JOIN_UNIQUE_OUTER)
	{
		outer = (Path *) create_unique_path(root, outerrel, outer, extra->sjinfo);
		if (outer == NULL)
			return;
	}

	foreach (cell, members)
	{
		Path *batched = (Path *) lpr_batched_path(root, lfirst(cell));

		if (batched == NULL)
			return;
		subpaths = lappend(subpaths, batched);
	}
	inner = lpr_is_our_relation(innerrel)
				? linitial(subpaths)
				: (Path *) create_append_path(root, innerrel, subpaths, NIL, NIL, NULL, 0, false, -1);

	path = makeNode(CustomPath);
	path->path.pathtype = T_CustomScan;
	path->path.parent = joinrel;
	path->path.pathtarget = joinrel->reltarget;
	path->path.rows = joinrel->rows;
	batches = ceil(Max(outer->rows, 1) / FIRST_BATCH);
	path->path.startup_cost = outer->startup_cost + inner->startup_cost;
	path->path.total_cost =
		outer->total_cost + batches * inner->total_cost + outer->rows + joinrel->rows * cpu_tuple_cost;
	LPR_ADD_DISABLED_NODES(&path->path, outer);
	LPR_ADD_DISABLED_NODES(&path->path, inner);
	path->flags = CUSTOMPATH_SUPPORT_PROJECTION;
	path->custom_paths = list_make2(outer, inner);
	path->custom_private = list_make3(plate, extra->restrictlist, innerrel);
	path->methods = &path_methods;
	add_path(joinrel, (Path *) path);
}

static Plan *
plan_batched_join(PlannerInfo *root, RelOptInfo *joinrel, CustomPath *path, List *tlist, List *clauses, List *plans)
{
	CustomScan *plan = makeNode(CustomScan);
	Plan *outer = linitial(plans);
	Plan *inner = lsecond(plans);
	RelOptInfo *innerrel = lthird(path->custom_private);
	List *row = NIL;
	List *inner_expressions = NIL;
	ListCell *cell;

	foreach (cell, list_concat_copy(outer->targetlist, inner->targetlist))
		row = lappend(
			row, makeTargetEntry(copyObject(lfirst_node(TargetEntry, cell)->expr), list_length(row) + 1, NULL, false));
	foreach (cell, inner->targetlist)
		inner_expressions = lappend(inner_expressions, lfirst_node(TargetEntry, cell)->expr);
	plan->scan.plan.targetlist = tlist;
	plan->scan.plan.qual = extract_actual_clauses(lsecond(path->custom_private), false);
	plan->scan.scanrelid = 0;
	plan->flags = path->flags;
	plan->custom_plans = plans;
	plan->custom_scan_tlist = row;
	plan->custom_exprs = list_make1(linitial(path->custom_private));
	plan->custom_private = list_make2(makeInteger(list_length(outer->targetlist)),
									  makeInteger(plate_position(inner_expressions, innerrel->relid,
																 root->simple_rte_array[innerrel->relid]->relid)));
	plan->custom_relids = joinrel->relids;
	plan->methods = &plan_methods;
	return &plan->scan.plan;
}

/* ---- execution ---- */

typedef struct OuterRow
{
	const char *plate;
	MinimalTuple tuple;
} OuterRow;

typedef struct BatchedJoin
{
	CustomScanState css;
	PlanState *outer;
	PlanState *inner;
	ExprState *key;
	int outer_width;
	int plate_position;         /* in the inner row */
	TupleTableSlot *outer_slot; /* the outer row at hand */
	TupleTableSlot *inner_slot; /* the read at hand */
	MemoryContext context;      /* of one batch */
	OuterRow *rows;             /* sorted by plate */
	int nrows;
	int match;              /* next row that the read at hand goes with */
	const char *read_plate; /* of the read at hand */
	int size;               /* of the next batch */
	bool open;              /* a batch is being read */
	bool outer_done;
	LprBatch batch;
} BatchedJoin;

static Node *
create_state(CustomScan *plan)
{
	BatchedJoin *join = (BatchedJoin *) newNode(sizeof(BatchedJoin), T_CustomScanState);

	join->css.methods = &exec_methods;
	return (Node *) join;
}

static bool
set_batches(PlanState *node, void *batch)
{
	if (lpr_is_our_scan(node))
	{
		lpr_scan_set_batch((ForeignScanState *) node, batch);
		return false;
	}
	return planstate_tree_walker(node, set_batches, batch);
}

static void
begin_join(CustomScanState *node, EState *estate, int eflags)
{
	BatchedJoin *join = (BatchedJoin *) node;
	CustomScan *plan = (CustomScan *) node->ss.ps.plan;

	join->outer = ExecInitNode(linitial(plan->custom_plans), estate, eflags);
	join->inner = ExecInitNode(lsecond(plan->custom_plans), estate, eflags);
	node->custom_ps = list_make2(join->outer, join->inner);
	join->key = ExecInitExpr(linitial(plan->custom_exprs), &node->ss.ps);
	join->outer_width = intVal(linitial(plan->custom_private));
	join->plate_position = intVal(lsecond(plan->custom_private));
	join->outer_slot = ExecInitExtraTupleSlot(estate, ExecGetResultType(join->outer), &TTSOpsMinimalTuple);
	join->context = AllocSetContextCreate(estate->es_query_cxt, "lpr batch", ALLOCSET_DEFAULT_SIZES);
	join->size = FIRST_BATCH;
	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY))
		set_batches(join->inner, &join->batch);
}

/* Puts a row of one side into its columns of the joined row. */
static void
fill_joined_row(BatchedJoin *join, TupleTableSlot *from, int first)
{
	TupleTableSlot *slot = join->css.ss.ss_ScanTupleSlot;

	slot_getallattrs(from);
	memcpy(slot->tts_values + first, from->tts_values, from->tts_tupleDescriptor->natts * sizeof(Datum));
	memcpy(slot->tts_isnull + first, from->tts_isnull, from->tts_tupleDescriptor->natts * sizeof(bool));
}

/* The plate of an outer row, in the batch's memory; NULL when it has none. */
static const char *
key_of(BatchedJoin *join, TupleTableSlot *outer)
{
	TupleTableSlot *slot = join->css.ss.ss_ScanTupleSlot;
	ExprContext *econtext = join->css.ss.ps.ps_ExprContext;
	MemoryContext old;
	bool isnull;
	Datum value;
	const char *plate;

	ExecClearTuple(slot);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	fill_joined_row(join, outer, 0);
	ExecStoreVirtualTuple(slot);
	econtext->ecxt_scantuple = slot;
	value = ExecEvalExprSwitchContext(join->key, econtext, &isnull);
	if (isnull)
		return NULL;
	old = MemoryContextSwitchTo(join->context);
	plate = TextDatumGetCString(value);
	MemoryContextSwitchTo(old);
	return plate;
}

static int
compare_rows(const void *a, const void *b)
{
	return strcmp(((const OuterRow *) a)->plate, ((const OuterRow *) b)->plate);
}

/* Gathers the next outer rows and has the inner side asked for their plates. False when there are no more. */
static bool
next_batch(BatchedJoin *join)
{
	MemoryContextReset(join->context);
	join->rows = MemoryContextAlloc(join->context, join->size * sizeof(OuterRow));
	join->batch.plates = MemoryContextAlloc(join->context, join->size * sizeof(char *));
	join->nrows = 0;
	while (!join->outer_done && join->nrows < join->size)
	{
		TupleTableSlot *slot = ExecProcNode(join->outer);
		const char *plate;
		MemoryContext old;

		if (TupIsNull(slot))
		{
			join->outer_done = true;
			break;
		}
		ResetExprContext(join->css.ss.ps.ps_ExprContext);
		plate = key_of(join, slot);
		if (plate == NULL)
			continue;
		old = MemoryContextSwitchTo(join->context);
		join->rows[join->nrows].plate = plate;
		join->rows[join->nrows].tuple = ExecCopySlotMinimalTuple(slot);
		MemoryContextSwitchTo(old);
		join->nrows++;
		CHECK_FOR_INTERRUPTS();
	}
	if (join->nrows == 0)
		return false;
	qsort(join->rows, join->nrows, sizeof(OuterRow), compare_rows);
	join->batch.nplates = 0;
	for (int i = 0; i < join->nrows; i++)
		if (i == 0 || strcmp(join->rows[i].plate, join->rows[i - 1].plate) != 0)
			join->batch.plates[join->batch.nplates++] = join->rows[i].plate;
	join->size = LATER_BATCH;
	ExecReScan(join->inner);
	return true;
}

/* The first outer row with a plate, or nrows. */
static int
first_match(BatchedJoin *join, const char *plate)
{
	int low = 0;
	int high = join->nrows;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (strcmp(join->rows[middle].plate, plate) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static TupleTableSlot *
next_row(ScanState *node)
{
	BatchedJoin *join = (BatchedJoin *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;

	ExecClearTuple(slot);
	for (;;)
	{
		bool isnull;
		Datum plate;
		MemoryContext old;

		if (join->read_plate != NULL && join->match < join->nrows &&
			strcmp(join->rows[join->match].plate, join->read_plate) == 0)
		{
			ExecStoreMinimalTuple(join->rows[join->match++].tuple, join->outer_slot, false);
			fill_joined_row(join, join->outer_slot, 0);
			fill_joined_row(join, join->inner_slot, join->outer_width);
			return ExecStoreVirtualTuple(slot);
		}
		if (!join->open)
		{
			if (!next_batch(join))
				return slot;
			ExecClearTuple(slot);
			join->open = true;
		}
		join->inner_slot = ExecProcNode(join->inner);
		if (TupIsNull(join->inner_slot))
		{
			join->open = false;
			join->read_plate = NULL;
			continue;
		}
		plate = slot_getattr(join->inner_slot, join->plate_position + 1, &isnull);
		old = MemoryContextSwitchTo(node->ps.ps_ExprContext->ecxt_per_tuple_memory);
		join->read_plate = isnull ? NULL : TextDatumGetCString(plate);
		MemoryContextSwitchTo(old);
		join->match = join->read_plate != NULL ? first_match(join, join->read_plate) : join->nrows;
		/* The name may not outlive this tuple's memory: the row that it matched keeps a copy. */
		if (join->match < join->nrows && strcmp(join->rows[join->match].plate, join->read_plate) == 0)
			join->read_plate = join->rows[join->match].plate;
		else
			join->read_plate = NULL;
	}
}

static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

static TupleTableSlot *
execute_join(CustomScanState *node)
{
	return ExecScan(&node->ss, next_row, recheck_row);
}

static void
end_join(CustomScanState *node)
{
	BatchedJoin *join = (BatchedJoin *) node;

	ExecEndNode(join->outer);
	ExecEndNode(join->inner);
}

static void
rescan_join(CustomScanState *node)
{
	BatchedJoin *join = (BatchedJoin *) node;
	ListCell *cell;

	foreach (cell, node->custom_ps)
	{
		PlanState *child = lfirst(cell);

		if (node->ss.ps.chgParam != NULL)
			UpdateChangedParamSet(child, node->ss.ps.chgParam);
		if (child == join->outer && child->chgParam == NULL)
			ExecReScan(child);
	}
	join->open = join->outer_done = false;
	join->read_plate = NULL;
	join->nrows = 0;
	join->size = FIRST_BATCH;
	ExecScanReScan(&node->ss);
}

static const CustomPathMethods path_methods = {
	.CustomName = "Batched Join",
	.PlanCustomPath = plan_batched_join,
};

static const CustomScanMethods plan_methods = {
	.CustomName = "Batched Join",
	.CreateCustomScanState = create_state,
};

static const CustomExecMethods exec_methods = {
	.CustomName = "Batched Join",
	.BeginCustomScan = begin_join,
	.ExecCustomScan = execute_join,
	.EndCustomScan = end_join,
	.ReScanCustomScan = rescan_join,
};

void
lpr_join_init(void)
{
	RegisterCustomScanMethods(&plan_methods);
	earlier_join_pathlist = set_join_pathlist_hook;
	set_join_pathlist_hook = add_batched_join;
}
