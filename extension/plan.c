/*
 * plan.c: what a scan of lpr.reads would cost, and what it would ask.
 */
#include "fdw.h"

#include <math.h>

#include "access/stratnum.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

#include "compat.h"

/*
 * A network round trip stands for some hundred thousand tuples; what cannot be asked at all must lose against every plan that can.
 * A page costs enough to make merging and stopping early worth while, and too little to start the JIT compiler.
 */
#define COST_ASK       1000.0
#define COST_PAGE      20.0
#define COST_READ      0.02
#define COST_NO_ANCHOR 1.0e10
#define ROWS_PLATE     500.0
#define ROWS_OTHER     10000.0
#define TUPLES         100000.0 /* a plate is 0.5 % of them by the planner's default, hence 500 reads */

/* What the conditions of a scan can ask. */
typedef struct Asked
{
	bool anchor;
	bool single_plate;
	bool all; /* every condition is one that is asked */
} Asked;

static Asked
look_at_conditions(List *restrictions, Index varno, Oid relid)
{
	Asked asked = {false, false, true};
	ListCell *cell;

	foreach (cell, restrictions)
	{
		LprCondition condition;

		if (!lpr_condition_recognize(lfirst_node(RestrictInfo, cell)->clause, varno, relid, &condition))
		{
			asked.all = false;
			continue;
		}
		asked.anchor = asked.anchor || lpr_condition_is_anchor(condition.kind);
		asked.single_plate = asked.single_plate || condition.kind == LPR_CONDITION_PLATE;
		if (condition.kind == LPR_CONDITION_PLATES)
		{
			Node *plates = linitial(condition.values);

			if (IsA(plates, Const) && !((Const *) plates)->constisnull)
				asked.single_plate = asked.single_plate ||
									 ArrayGetNItems(ARR_NDIM(DatumGetArrayTypeP(((Const *) plates)->constvalue)),
													ARR_DIMS(DatumGetArrayTypeP(((Const *) plates)->constvalue))) == 1;
			else if (IsA(plates, ArrayExpr))
				asked.single_plate = asked.single_plate || list_length(((ArrayExpr *) plates)->elements) == 1;
		}
	}
	return asked;
}

void
lpr_get_rel_size(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	LprRelation *relation = palloc0(sizeof(LprRelation));
	Asked asked = look_at_conditions(rel->baserestrictinfo, rel->relid, relid);

	lpr_check_columns(relid);
	relation->relid = relid;
	relation->server = rel->serverid;
	lpr_options_read(GetForeignServer(rel->serverid)->options, NIL, &relation->options);
	relation->anchored = asked.anchor;
	relation->single_plate = asked.single_plate;
	relation->all_asked = asked.all;
	rel->fdw_private = relation;
	rel->tuples = asked.single_plate ? ROWS_PLATE : TUPLES; /* MergeAppend counts on these when it sorts a child */
	rel->rows = asked.single_plate ? ROWS_PLATE : ROWS_OTHER;
}

/* The order that the whole query wants, when it is that of captured_at of this relation alone. */
static LprOrder
wanted_order(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	PathKey *key;
	AttrNumber attnum = lpr_column_attnum(relid, LPR_COLUMN_CAPTURED_AT);
	Var *captured_at;

	if (list_length(root->query_pathkeys) != 1 || attnum == InvalidAttrNumber)
		return LPR_ORDER_NONE;
	key = linitial_node(PathKey, root->query_pathkeys);
	captured_at = makeVar(rel->relid, attnum, TIMESTAMPTZOID, -1, InvalidOid, 0);
	if (key->pk_eclass->ec_has_volatile ||
		find_ec_member_matching_expr(key->pk_eclass, (Expr *) captured_at, rel->relids) == NULL)
		return LPR_ORDER_NONE;
	return lpr_pathkey_is_descending(key) ? LPR_ORDER_NEWEST_FIRST : LPR_ORDER_OLDEST_FIRST;
}

static bool
vendor_orders(const LprRelation *relation, bool single_plate)
{
	const LprDialect *dialect = relation->options.dialect;

	/* Only one leg comes in order. */
	return dialect->orders && !dialect->by_camera && !relation->options.order_here &&
		   (single_plate || dialect->plates_per_leg >= LPR_PLATES_MAX);
}

/*
 * How many rows will do for the reader, 0 = all of them. Used as the size of the first page only, so that a wrong guess costs a request and never a
 * row.
 */
static int
rows_that_will_do(PlannerInfo *root, const LprRelation *relation, bool ordered)
{
	double wish = 0;

	if (!relation->all_asked || (root->query_pathkeys != NIL && !ordered))
		return 0;
	if (root->limit_tuples > 0)
		wish = root->limit_tuples;
	else if (root->tuple_fraction >= 1 && !root->parse->hasAggs)
		wish = root->tuple_fraction;
	return wish >= 1 && wish < 100000 ? (int) wish : 0;
}

static ForeignPath *
make_path(PlannerInfo *root, RelOptInfo *rel, Relids outer, double rows, bool anchored, LprOrder order, bool batched)
{
	LprRelation *relation = rel->fdw_private;
	double page = relation->options.page_size > 0 ? relation->options.page_size : relation->options.dialect->page_size;
	double cost = COST_ASK + ceil(rows / page) * COST_PAGE + rows * COST_READ + (anchored ? 0 : COST_NO_ANCHOR);
	List *private =
		list_make3(makeInteger(order), makeInteger(rows_that_will_do(root, relation, order != LPR_ORDER_NONE)),
				   makeInteger(batched));

	return lpr_create_foreignscan_path(root, rel, rows, COST_ASK, cost,
									   order != LPR_ORDER_NONE ? root->query_pathkeys : NIL, outer, private);
}

ForeignPath *
lpr_batched_path(PlannerInfo *root, RelOptInfo *rel)
{
	return make_path(root, rel, rel->lateral_relids, rel->rows, true, LPR_ORDER_NONE, true);
}

static bool
is_anchor_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em, void *arg)
{
	Node *node = (Node *) em->em_expr;
	int column;

	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (!IsA(node, Var) || ((Var *) node)->varno != (int) rel->relid)
		return false;
	column = lpr_column_of(((LprRelation *) rel->fdw_private)->relid, ((Var *) node)->varattno);
	return column == LPR_COLUMN_PLATE || column == LPR_COLUMN_ADDRESS || column == LPR_COLUMN_MAKE;
}

/* Adds the path that gets its anchor from the relations that a join clause names. */
static void
add_parameterized_path(PlannerInfo *root, RelOptInfo *rel, Oid relid, RestrictInfo *clause, List **done)
{
	LprCondition condition;
	Relids outer;
	ListCell *cell;
	ParamPathInfo *info;

	if (!join_clause_is_movable_to(clause, rel) ||
		!lpr_condition_recognize(clause->clause, rel->relid, relid, &condition) ||
		!lpr_condition_is_anchor(condition.kind))
		return;
	outer = bms_del_member(bms_union(clause->clause_relids, rel->lateral_relids), rel->relid);
	if (bms_is_empty(outer))
		return;
	foreach (cell, *done)
		if (bms_equal(lfirst(cell), outer))
			return;
	*done = lappend(*done, outer);
	info = get_baserel_parampathinfo(root, rel, outer);
	add_path(rel, (Path *) make_path(root, rel, outer, info->ppi_rows, true, LPR_ORDER_NONE, false));
}

void
lpr_get_paths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	LprRelation *relation = rel->fdw_private;
	LprOrder order = wanted_order(root, rel, relid);
	Asked lateral = {false, false, true};
	double rows = rel->rows;
	List *done = NIL;
	List *clauses;
	ListCell *cell;

	/* Conditions on lateral references can be asked as well. */
	if (!bms_is_empty(rel->lateral_relids))
	{
		ParamPathInfo *info = get_baserel_parampathinfo(root, rel, rel->lateral_relids);

		lateral = look_at_conditions(info->ppi_clauses, rel->relid, relid);
		rows = info->ppi_rows;
	}
	add_path(rel, (Path *) make_path(root, rel, rel->lateral_relids, rows, relation->anchored || lateral.anchor,
									 LPR_ORDER_NONE, false));
	if (order != LPR_ORDER_NONE && vendor_orders(relation, relation->single_plate || lateral.single_plate))
		add_path(rel, (Path *) make_path(root, rel, rel->lateral_relids, rows, relation->anchored || lateral.anchor,
										 order, false));

	foreach (cell, rel->joininfo)
		add_parameterized_path(root, rel, relid, lfirst_node(RestrictInfo, cell), &done);
	clauses = generate_implied_equalities_for_column(root, rel, is_anchor_member, NULL, rel->lateral_referencers);
	foreach (cell, clauses)
		add_parameterized_path(root, rel, relid, lfirst_node(RestrictInfo, cell), &done);
}

static List *
needed_columns(RelOptInfo *rel, Oid relid, List *clauses)
{
	Bitmapset *used = NULL;
	List *columns = NIL;
	ListCell *cell;
	bool whole;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &used);
	foreach (cell, clauses)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, cell)->clause, rel->relid, &used);
	whole = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);
	for (int i = 0; i < LPR_COLUMNS; i++)
	{
		AttrNumber attnum = lpr_column_attnum(relid, i);

		if (attnum != InvalidAttrNumber && (whole || bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, used)))
			columns = lappend_int(columns, i);
	}
	return columns;
}

ForeignScan *
lpr_get_plan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path, List *tlist, List *clauses,
			 Plan *outer_plan)
{
	LprRelation *relation = rel->fdw_private;
	List *conditions = NIL;
	List *values = NIL;
	List *sent = NIL;
	List *private;
	ListCell *cell;
	Index parent = rel->relid;

	foreach (cell, clauses)
	{
		Expr *clause = lfirst_node(RestrictInfo, cell)->clause;
		LprCondition condition;

		if (lfirst_node(RestrictInfo, cell)->pseudoconstant ||
			!lpr_condition_recognize(clause, rel->relid, relid, &condition))
			continue;
		conditions = lappend_int(lappend_int(conditions, condition.kind), condition.guarded);
		values = list_concat(values, condition.values);
		if (lpr_dialect_takes(relation->options.dialect, condition.kind))
			sent = lappend(sent, clause);
	}
	if (root->append_rel_array != NULL && root->append_rel_array[rel->relid] != NULL)
		parent = root->append_rel_array[rel->relid]->parent_relid;
	private = list_make5(conditions, needed_columns(rel, relid, clauses), linitial(path->fdw_private),
						 lsecond(path->fdw_private),
						 /* One PlannerInfo lives at one address while its statement is planned. */
						 makeString(psprintf("%p/%u", (void *) root, parent)));
	private = lappend(private, lthird(path->fdw_private));
	/* What is asked stays a local condition: a vendor's meaning is never trusted. `sent` travels along for EXPLAIN. */
	return make_foreignscan(tlist, extract_actual_clauses(clauses, false), rel->relid, values, private, NIL, sent,
							outer_plan);
}
