/*
 * plan.c: the plan of a scan: what it asks, which columns it needs, what is checked when.
 */
#include "fdw/asked.h"

#include "access/sysattr.h"
#include "optimizer/optimizer.h"
#include "optimizer/planmain.h"

#include "server/compat.h"
#include "server/read_value.h"
/* Whether an expression has the whole row of a relation. */
static bool
has_whole_row(Node *expression, Index varno)
{
	Bitmapset *used = NULL;

	pull_varattnos(expression, varno, &used);
	return bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);
}

/*
 * Whether the statement itself wants the whole row. When rows of another table are locked or changed, rows of this one
 * are kept whole, in case they have to be joined again: then only an expression that names an image needs it.
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
											(whole && (with_images || !lpr_column_is_image(i)))))
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
		AttrNumber attnum = lpr_column_is_image(i) ? lpr_column_attnum(relid, i) : InvalidAttrNumber;

		if (attnum != InvalidAttrNumber && bms_is_member(attnum - FirstLowInvalidHeapAttributeNumber, used))
			return true;
	}
	return bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used);
}

/*
 * Puts the conditions that look at no image first, and counts them: a row that does not meet them costs no image. Not
 * past a condition of a higher security level, which may only see rows that the lower ones let through.
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

/* Of the conditions of a family a question tells one: which, may depend on their values. */
static unsigned
family_of(LprConditionKind kind)
{
	switch (kind)
	{
		case LPR_CONDITION_PLATE:
		case LPR_CONDITION_PLATES:
			return 1;
		case LPR_CONDITION_NEAR:
			return 2;
		case LPR_CONDITION_REGION_IF_KNOWN:
			return 4;
		default:
			return 0; /* any number of them comes out as one */
	}
}

/*
 * Whether a question that is made of a condition, and of no other of its family, tells all of it. What names no place
 * is no address that could be asked (question.c), and whether a pattern is one depends on its value.
 */
static bool
is_told(const LprCondition *condition)
{
	return condition->kind != LPR_CONDITION_ADDRESS && condition->kind != LPR_CONDITION_ADDRESS_LIKE;
}

/* The places, among those that are checked, of the conditions which the question does not tell (U1). */
static List *
places_of_others(List *checked, Index varno, Oid relid)
{
	List *places = NIL;
	LprCondition condition;
	unsigned once = 0;
	unsigned again = 0;
	ListCell *cell;

	foreach (cell, checked)
		if (lpr_condition_recognize(lfirst(cell), varno, relid, &condition))
		{
			again |= once & family_of(condition.kind);
			once |= family_of(condition.kind);
		}
	foreach (cell, checked)
		if (!lpr_condition_recognize(lfirst(cell), varno, relid, &condition) || !is_told(&condition) ||
			(again & family_of(condition.kind)) != 0)
			places = lappend_int(places, foreach_current_index(cell));
	return places;
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
	LprAsked asked;
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
	asked = lpr_asked_by(clauses, rel->relid, relid);
	if (intVal(lthird(path->fdw_private)) != 0)
	{
		asked.modes |= LPR_MODE_PLATE;
		asked.unguarded |= LPR_MODE_PLATE;
	}
	event_later = !bms_is_subset(lpr_asked_event_relations(root, rel, relid), with_parents(root, outer));
	private = lappend(private, makeString(event_later ? "its event comes later" : lpr_asked_why_not(relation, asked)));
	private = lappend(private, makeInteger(event_later));
	private = lappend(private, places_of_others(checked, rel->relid, relid));
	/* What is asked stays a local condition: a vendor's meaning is never trusted. `sent` travels along for EXPLAIN. */
	return make_foreignscan(tlist, checked, rel->relid, values, private, NIL, sent, outer_plan);
}
