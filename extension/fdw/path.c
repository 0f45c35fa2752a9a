/*
 * path.c: what scans of lpr.reads would cost, by which the planner chooses.
 */
#include "fdw/asked.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "nodes/makefuncs.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"

#include "server/compat.h"

/*
 * A network round trip stands for some hundred thousand tuples; what cannot be asked at all must lose against every
 * plan that can. A page costs enough to make merging and stopping early worth while, and too little to start the JIT
 * compiler.
 */
#define COST_ASK       1000.0
#define COST_PAGE      20.0
#define COST_READ      0.02
#define COST_KNOWN     0.95   /* for each relation whose row is known when a source is asked */
#define COST_NO_ANCHOR 1.0e13 /* enable_nestloop and its like add 1.0e10 a node */
#define ROWS_PLATE     500.0
#define ROWS_OTHER     10000.0
#define TUPLES         100000.0 /* a plate is 0.5 % of them by the planner's default, hence 500 reads */

void
lpr_get_rel_size(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	LprRelation *relation = palloc0(sizeof(LprRelation));
	LprAsked asked = lpr_asked_by(rel->baserestrictinfo, rel->relid, relid);

	lpr_check_columns(relid);
	/* The server ignores it for the foreign tables of a partitioned one: a sample of everything is everything. */
	if (root->simple_rte_array[rel->relid]->tablesample != NULL)
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("TABLESAMPLE cannot be applied to lpr.reads"),
						errdetail("Vendors hand over no samples."), errhint("WHERE random() < 0.1 drops rows here.")));
	relation->relid = relid;
	relation->server = rel->serverid;
	lpr_options_read(GetForeignServer(rel->serverid)->options, NIL, &relation->options);
	relation->modes = asked.modes;
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
vendor_orders(const LprRelation *relation, LprOrder order, bool single_plate)
{
	const LprDialect *dialect = relation->options.dialect;

	/* Only one leg comes in order. */
	return order != LPR_ORDER_NONE && dialect->orders && (order == LPR_ORDER_NEWEST_FIRST || !dialect->newest_only) &&
		   !dialect->by_camera && !relation->options.order_here &&
		   (single_plate || dialect->plates_per_leg >= LPR_PLATES_MAX);
}

/*
 * How many rows are enough for the reader, 0 = all of them. Used as the size of the first page only, so that a wrong
 * guess costs a request and never a row.
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
	/*
	 * What knows more costs less, even where it is expected to bring as many rows: else add_path() would keep the path
	 * of fewer relations alone, here and not for another partition, and partitions without paths of the same relations
	 * cannot be appended.
	 */
	double known = pow(COST_KNOWN, bms_num_members(outer));
	double cost = COST_ASK + ceil(rows / page) * COST_PAGE + rows * COST_READ + (anchored ? 0 : COST_NO_ANCHOR);
	List *private =
		list_make3(makeInteger(order), makeInteger(rows_that_will_do(root, relation, order != LPR_ORDER_NONE)),
				   makeInteger(batched));

	return lpr_create_foreignscan_path(root, rel, rows, !anchored, COST_ASK * known, cost * known,
									   order != LPR_ORDER_NONE ? root->query_pathkeys : NIL, outer, private);
}

static bool
is_anchor_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em, void *arg)
{
	int column = lpr_asked_column(rel, em);

	return column == LPR_COLUMN_PLATE || column == LPR_COLUMN_ADDRESS || column == LPR_COLUMN_MAKE;
}

ForeignPath *
lpr_batched_path(PlannerInfo *root, RelOptInfo *rel)
{
	if (lpr_asked_event_relations(root, rel, ((LprRelation *) rel->fdw_private)->relid) != NULL)
		return NULL;
	return make_path(root, rel, rel->lateral_relids, rel->rows, true, LPR_ORDER_NONE, true);
}

/* Adds the path whose conditions get their values from these relations. */
static void
add_parameterized_path(PlannerInfo *root, RelOptInfo *rel, Relids outer, List **done)
{
	LprRelation *relation = rel->fdw_private;
	ParamPathInfo *info;
	LprAsked asked;
	ListCell *cell;

	outer = bms_union(outer, rel->lateral_relids);
	if (bms_is_empty(outer))
		return;
	foreach (cell, *done)
		if (bms_equal(lfirst(cell), outer))
			return;
	*done = lappend(*done, outer);
	info = get_baserel_parampathinfo(root, rel, outer);
	asked = lpr_asked_by(info->ppi_clauses, rel->relid, relation->relid);
	add_path(rel, (Path *) make_path(root, rel, outer, info->ppi_rows,
									 lpr_asked_can(relation, relation->modes | asked.modes), LPR_ORDER_NONE, false));
}

void
lpr_get_paths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	LprRelation *relation = rel->fdw_private;
	LprOrder order = wanted_order(root, rel, relid);
	LprAsked lateral = {0, 0, false, true};
	double rows = rel->rows;
	Relids event = lpr_asked_event_relations(root, rel, relid);
	List *done = NIL;
	List *clauses;
	ListCell *cell;
	bool anchored;
	bool askable;

	/* Conditions on lateral references can be asked as well. */
	if (!bms_is_empty(rel->lateral_relids))
	{
		ParamPathInfo *info = get_baserel_parampathinfo(root, rel, rel->lateral_relids);

		lateral = lpr_asked_by(info->ppi_clauses, rel->relid, relid);
		rows = info->ppi_rows;
	}
	anchored = lpr_asked_can(relation, relation->modes | lateral.modes);
	askable = anchored && event == NULL;
	if (anchored && event != NULL)
		add_parameterized_path(root, rel, event, &done);

	add_path(rel, (Path *) make_path(root, rel, rel->lateral_relids, rows, askable, LPR_ORDER_NONE, false));
	if (vendor_orders(relation, order, relation->single_plate || lateral.single_plate))
		add_path(rel, (Path *) make_path(root, rel, rel->lateral_relids, rows, askable, order, false));

	clauses = generate_implied_equalities_for_column(root, rel, is_anchor_member, NULL, rel->lateral_referencers);
	foreach (cell, list_concat_copy(rel->joininfo, clauses))
	{
		Relids outer = lpr_asked_relations(rel, relid, lfirst_node(RestrictInfo, cell), false);

		if (!bms_is_empty(outer))
			add_parameterized_path(root, rel, bms_union(outer, event), &done);
	}
}
