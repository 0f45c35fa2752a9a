/*
 * plan.c: what a scan of lpr.reads would cost, and what it would ask.
 */
#include "fdw/fdw.h"

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
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/*
 * A network round trip stands for some hundred thousand tuples; what cannot be asked at all must lose against every plan that can.
 * A page costs enough to make merging and stopping early worth while, and too little to start the JIT compiler.
 */
#define COST_ASK       1000.0
#define COST_PAGE      20.0
#define COST_READ      0.02
#define COST_KNOWN     0.95   /* for each relation whose row is known when a source is asked */
#define COST_NO_ANCHOR 1.0e13 /* enable_nestloop and its like add 1.0e10 a node */
#define ROWS_PLATE     500.0
#define ROWS_OTHER     10000.0
#define TUPLES         100000.0 /* a plate is 0.5 % of them by the planner's default, hence 500 reads */

/* What the conditions of a scan can ask. */
typedef struct Asked
{
	unsigned modes;     /* of the anchors, bits of LprMode */
	unsigned unguarded; /* of those that ask whatever the values are */
	bool single_plate;
	bool all; /* every condition is one that is asked */
} Asked;

/* A text that is too short or too long for an anchor (question.c). */
static bool
is_useless_address(const LprCondition *condition)
{
	Const *value = llast(condition->values);
	const char *address;

	if (!IsA(value, Const) || value->constisnull)
		return false;
	address = TextDatumGetCString(value->constvalue);
	if (condition->kind == LPR_CONDITION_ADDRESS_LIKE)
		address = lpr_like_text(address);
	return address == NULL || strlen(address) < 3 || strlen(address) > 200;
}

/* The search mode that a condition anchors, or 0. */
static unsigned
anchored_mode(const LprCondition *condition)
{
	switch (condition->kind)
	{
		case LPR_CONDITION_PLATE:
		case LPR_CONDITION_PLATES:
			return LPR_MODE_PLATE;
		case LPR_CONDITION_NEAR:
			return LPR_MODE_LOCATION;
		case LPR_CONDITION_ADDRESS:
		case LPR_CONDITION_ADDRESS_LIKE:
			return is_useless_address(condition) ? 0 : LPR_MODE_LOCATION;
		case LPR_CONDITION_MAKE:
			return LPR_MODE_VEHICLE;
		default:
			return 0;
	}
}

/* The mode that a question with these anchors has: the first one counts. */
static unsigned
first_mode(unsigned modes)
{
	return (modes & LPR_MODE_PLATE) != 0      ? LPR_MODE_PLATE
		   : (modes & LPR_MODE_LOCATION) != 0 ? LPR_MODE_LOCATION
											  : modes;
}

/* Whether a source can be asked by anchors of these modes. If not, it would be passed over, and a join that brings it a plate is better. */
static bool
can_ask(const LprRelation *relation, unsigned modes)
{
	return (relation->options.dialect->modes & first_mode(modes)) != 0;
}

/* For EXPLAIN: why the conditions of a scan can be asked by no value. */
static char *
why_not_asked(const LprRelation *relation, Asked asked)
{
	unsigned mode = first_mode(asked.modes);

	if (asked.modes == 0)
		return "no anchor";
	if ((asked.unguarded & mode) == 0 || can_ask(relation, mode))
		return "";
	return mode == LPR_MODE_PLATE      ? "cannot be asked by plate"
		   : mode == LPR_MODE_LOCATION ? "cannot be asked by place"
									   : "cannot be asked by vehicle";
}

static Asked
look_at_conditions(List *restrictions, Index varno, Oid relid)
{
	Asked asked = {0, 0, false, true};
	ListCell *cell;

	foreach (cell, restrictions)
	{
		LprCondition condition;

		if (!lpr_condition_recognize(lfirst_node(RestrictInfo, cell)->clause, varno, relid, &condition))
		{
			asked.all = false;
			continue;
		}
		asked.modes |= anchored_mode(&condition);
		if (condition.guarded)
			continue; /* it may ask nothing */
		asked.unguarded |= anchored_mode(&condition);
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
	/*
	 * What knows more costs less, even where it is expected to bring as many rows: else add_path() would keep the path of fewer relations alone, here
	 * and not for another partition, and partitions without paths of the same relations cannot be appended.
	 */
	double known = pow(COST_KNOWN, bms_num_members(outer));
	double cost = COST_ASK + ceil(rows / page) * COST_PAGE + rows * COST_READ + (anchored ? 0 : COST_NO_ANCHOR);
	List *private =
		list_make3(makeInteger(order), makeInteger(rows_that_will_do(root, relation, order != LPR_ORDER_NONE)),
				   makeInteger(batched));

	return lpr_create_foreignscan_path(root, rel, rows, !anchored, COST_ASK * known, cost * known,
									   order != LPR_ORDER_NONE ? root->query_pathkeys : NIL, outer, private);
}

static int
member_column(RelOptInfo *rel, EquivalenceMember *em)
{
	Node *node = (Node *) em->em_expr;

	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	if (!IsA(node, Var) || ((Var *) node)->varno != (int) rel->relid)
		return -1;
	return lpr_column_of(((LprRelation *) rel->fdw_private)->relid, ((Var *) node)->varattno);
}

static bool
is_anchor_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em, void *arg)
{
	int column = member_column(rel, em);

	return column == LPR_COLUMN_PLATE || column == LPR_COLUMN_ADDRESS || column == LPR_COLUMN_MAKE;
}

static bool
is_event_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em, void *arg)
{
	return member_column(rel, em) == LPR_COLUMN_EVENT_ID;
}

/* The relations that give a join clause its value, when it is an anchor or (for_event) names the event; else NULL. */
static Relids
relations_of(RelOptInfo *rel, Oid relid, RestrictInfo *clause, bool for_event)
{
	LprCondition condition;

	if (!join_clause_is_movable_to(clause, rel) ||
		!lpr_condition_recognize(clause->clause, rel->relid, relid, &condition) ||
		(for_event ? condition.kind != LPR_CONDITION_EVENT : !lpr_condition_is_anchor(condition.kind)))
		return NULL;
	return bms_del_member(bms_copy(clause->clause_relids), rel->relid);
}

/*
 * Reads carry the event that they are asked with: joined by it, they have to be asked event by event. The relations that it comes
 * from, NULL if it is not joined by.
 */
static Relids
event_relations(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	Relids event = NULL;
	List *clauses = generate_implied_equalities_for_column(root, rel, is_event_member, NULL, rel->lateral_referencers);
	ListCell *cell;

	foreach (cell, list_concat_copy(rel->joininfo, clauses))
		event = bms_add_members(event, relations_of(rel, relid, lfirst_node(RestrictInfo, cell), true));
	return bms_is_subset(event, rel->lateral_relids) ? NULL : event;
}

ForeignPath *
lpr_batched_path(PlannerInfo *root, RelOptInfo *rel)
{
	if (event_relations(root, rel, ((LprRelation *) rel->fdw_private)->relid) != NULL)
		return NULL;
	return make_path(root, rel, rel->lateral_relids, rel->rows, true, LPR_ORDER_NONE, true);
}

/* Adds the path whose conditions get their values from these relations. */
static void
add_parameterized_path(PlannerInfo *root, RelOptInfo *rel, Relids outer, List **done)
{
	LprRelation *relation = rel->fdw_private;
	ParamPathInfo *info;
	Asked asked;
	ListCell *cell;

	outer = bms_union(outer, rel->lateral_relids);
	if (bms_is_empty(outer))
		return;
	foreach (cell, *done)
		if (bms_equal(lfirst(cell), outer))
			return;
	*done = lappend(*done, outer);
	info = get_baserel_parampathinfo(root, rel, outer);
	asked = look_at_conditions(info->ppi_clauses, rel->relid, relation->relid);
	add_path(rel, (Path *) make_path(root, rel, outer, info->ppi_rows, can_ask(relation, relation->modes | asked.modes),
									 LPR_ORDER_NONE, false));
}

void
lpr_get_paths(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	LprRelation *relation = rel->fdw_private;
	LprOrder order = wanted_order(root, rel, relid);
	Asked lateral = {0, 0, false, true};
	double rows = rel->rows;
	Relids event = event_relations(root, rel, relid);
	List *done = NIL;
	List *clauses;
	ListCell *cell;
	bool anchored;
	bool askable;

	/* Conditions on lateral references can be asked as well. */
	if (!bms_is_empty(rel->lateral_relids))
	{
		ParamPathInfo *info = get_baserel_parampathinfo(root, rel, rel->lateral_relids);

		lateral = look_at_conditions(info->ppi_clauses, rel->relid, relid);
		rows = info->ppi_rows;
	}
	anchored = can_ask(relation, relation->modes | lateral.modes);
	askable = anchored && event == NULL;
	if (anchored && event != NULL)
		add_parameterized_path(root, rel, event, &done);

	add_path(rel, (Path *) make_path(root, rel, rel->lateral_relids, rows, askable, LPR_ORDER_NONE, false));
	if (order != LPR_ORDER_NONE && vendor_orders(relation, relation->single_plate || lateral.single_plate))
		add_path(rel, (Path *) make_path(root, rel, rel->lateral_relids, rows, askable, order, false));

	clauses = generate_implied_equalities_for_column(root, rel, is_anchor_member, NULL, rel->lateral_referencers);
	foreach (cell, list_concat_copy(rel->joininfo, clauses))
	{
		Relids outer = relations_of(rel, relid, lfirst_node(RestrictInfo, cell), false);

		if (!bms_is_empty(outer))
			add_parameterized_path(root, rel, bms_union(outer, event), &done);
	}
}

static bool
is_image_column(int column)
{
	return column == LPR_COLUMN_PLATE_IMAGE || column == LPR_COLUMN_VEHICLE_IMAGE;
}

/* Whether an expression has the whole row of a relation. */
static bool
has_whole_row(Node *expression, Index varno)
{
	Bitmapset *used = NULL;

	pull_varattnos(expression, varno, &used);
	return bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);
}

/*
 * Whether the statement itself wants the whole row. A table that rows are locked or changed beside is kept row by row as a whole, in case they have to
 * be joined again: nobody looks at an image there that no expression names.
 */
static bool
wants_whole_row(PlannerInfo *root, RelOptInfo *rel)
{
	AppendRelInfo *child = root->append_rel_array != NULL ? root->append_rel_array[rel->relid] : NULL;
	Index parent = child != NULL ? child->parent_relid : rel->relid;
	RelOptInfo *named = root->simple_rel_array[parent];
	ListCell *cell;

	/* Joins and placeholders may use it as well as the target list, which is relation 0. */
	if (named->reloptkind != RELOPT_BASEREL ||
		!bms_is_subset(named->attr_needed[0 - named->min_attr], bms_make_singleton(0)))
		return true;
	foreach (cell, root->processed_tlist)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, cell);
		bool kept = entry->resjunk && entry->resname != NULL && strncmp(entry->resname, "wholerow", 8) == 0;

		if (!kept && has_whole_row((Node *) entry->expr, parent))
			return true;
	}
	/* These take it from that entry. */
	return has_whole_row((Node *) root->parse->returningList, parent) ||
		   has_whole_row(root->parse->havingQual, parent) ||
		   has_whole_row((Node *) root->parse->mergeActionList, parent);
}

static List *
needed_columns(PlannerInfo *root, RelOptInfo *rel, Oid relid, List *clauses)
{
	Bitmapset *used = NULL;
	List *columns = NIL;
	ListCell *cell;
	bool whole;
	bool with_images;

	pull_varattnos((Node *) rel->reltarget->exprs, rel->relid, &used);
	whole = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);
	with_images = whole && wants_whole_row(root, rel);
	foreach (cell, clauses)
	{
		Node *clause = (Node *) lfirst_node(RestrictInfo, cell)->clause;

		pull_varattnos(clause, rel->relid, &used);
		with_images = with_images || has_whole_row(clause, rel->relid);
	}
	whole = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);
	for (int i = 0; i < LPR_COLUMNS; i++)
	{
		AttrNumber attnum = lpr_column_attnum(relid, i);

		if (attnum != InvalidAttrNumber && (bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, used) ||
											(whole && (with_images || !is_image_column(i)))))
			columns = lappend_int(columns, i);
	}
	return columns;
}

static bool
looks_at_images(Node *clause, Index varno, Oid relid)
{
	Bitmapset *used = NULL;

	pull_varattnos(clause, varno, &used);
	for (int i = 0; i < LPR_COLUMNS; i++)
	{
		AttrNumber attnum = is_image_column(i) ? lpr_column_attnum(relid, i) : InvalidAttrNumber;

		if (attnum != InvalidAttrNumber && bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, used))
			return true;
	}
	return bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);
}

/*
 * Puts the conditions that look at no image first, and counts them: a row that does not meet them costs no image. Not past a condition of a higher
 * security level, which may only see rows that the lower ones let through.
 */
static List *
images_last(List *clauses, Index varno, Oid relid, int *before_images)
{
	List *first = NIL;
	List *last = NIL;
	Index level = 0;
	ListCell *cell;

	foreach (cell, clauses)
	{
		RestrictInfo *clause = lfirst_node(RestrictInfo, cell);

		if (clause->pseudoconstant)
			continue;
		if (looks_at_images((Node *) clause->clause, varno, relid) || (last != NIL && clause->security_level > level))
			last = lappend(last, clause->clause);
		else
			first = lappend(first, clause->clause);
		if (last != NIL && list_length(last) == 1)
			level = clause->security_level;
	}
	*before_images = list_length(first);
	return list_concat(first, last);
}

/* In a join partition by partition the outer relations are partitions, too. */
static Relids
with_parents(PlannerInfo *root, Relids relids)
{
	Relids all = bms_copy(relids);
	int member = -1;

	while ((member = bms_next_member(relids, member)) >= 0)
		if (root->simple_rel_array[member] != NULL)
			all = bms_add_members(all, root->simple_rel_array[member]->top_parent_relids);
	return all;
}

/* A plan holds nodes only, and a set is none before PostgreSQL 16. */
static List *
integers_of(Relids relids)
{
	List *integers = NIL;
	int member = -1;

	while ((member = bms_next_member(relids, member)) >= 0)
		integers = lappend_int(integers, member);
	return integers;
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
	Relids outer = PATH_REQ_OUTER(&path->path);
	List *checked;
	int before_images;
	Asked asked;
	bool event_later;

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
	private = list_make5(conditions, needed_columns(root, rel, relid, clauses), linitial(path->fdw_private),
						 lsecond(path->fdw_private), integers_of(outer));
	private = lappend(private, lthird(path->fdw_private));
	checked = images_last(clauses, rel->relid, relid, &before_images);
	private = lappend(private, makeInteger(before_images));
	asked = look_at_conditions(clauses, rel->relid, relid);
	if (intVal(lthird(path->fdw_private)) != 0)
	{
		asked.modes |= LPR_MODE_PLATE;
		asked.unguarded |= LPR_MODE_PLATE;
	}
	event_later = !bms_is_subset(event_relations(root, rel, relid), with_parents(root, outer));
	private = lappend(private, makeString(event_later ? "its event comes later" : why_not_asked(relation, asked)));
	private = lappend(private, makeInteger(event_later));
	/* What is asked stays a local condition: a vendor's meaning is never trusted. `sent` travels along for EXPLAIN. */
	return make_foreignscan(tlist, checked, rel->relid, values, private, NIL, sent, outer_plan);
}
