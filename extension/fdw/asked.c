/*
 * asked.c: looks at the conditions of a scan as they are planned.
 */
#include "fdw/asked.h"

#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"

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

bool
lpr_asked_can(const LprRelation *relation, unsigned modes)
{
	return (relation->options.dialect->modes & first_mode(modes)) != 0;
}

char *
lpr_asked_why_not(const LprRelation *relation, LprAsked asked)
{
	unsigned mode = first_mode(asked.modes);

	if (asked.modes == 0)
		return "no anchor";
	if ((asked.unguarded & mode) == 0 || lpr_asked_can(relation, mode))
		return "";
	return mode == LPR_MODE_PLATE      ? "cannot be asked by plate"
		   : mode == LPR_MODE_LOCATION ? "cannot be asked by place"
									   : "cannot be asked by vehicle";
}

LprAsked
lpr_asked_by(List *restrictions, Index varno, Oid relid)
{
	LprAsked asked = {0, 0, false, true};
	ListCell *cell;

	foreach (cell, restrictions)
	{
		LprCondition condition;

		if (!lpr_condition_recognize(lfirst_node(RestrictInfo, cell)->clause, varno, relid, &condition))
		{
			asked.all = asked.all && lpr_condition_is_empty(lfirst_node(RestrictInfo, cell)->clause, varno, relid);
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

int
lpr_asked_column(RelOptInfo *rel, EquivalenceMember *em)
{
	return lpr_column_expression((Node *) em->em_expr, rel->relid, ((LprRelation *) rel->fdw_private)->relid);
}

static bool
is_event_member(PlannerInfo *root, RelOptInfo *rel, EquivalenceClass *ec, EquivalenceMember *em, void *arg)
{
	return lpr_asked_column(rel, em) == LPR_COLUMN_EVENT_ID;
}

Relids
lpr_asked_relations(RelOptInfo *rel, Oid relid, RestrictInfo *clause, bool for_event)
{
	LprCondition condition;

	if (!join_clause_is_movable_to(clause, rel) ||
		!lpr_condition_recognize(clause->clause, rel->relid, relid, &condition) ||
		(for_event ? condition.kind != LPR_CONDITION_EVENT : !lpr_condition_is_anchor(condition.kind)))
		return NULL;
	return bms_del_member(bms_copy(clause->clause_relids), rel->relid);
}

Relids
lpr_asked_event_relations(PlannerInfo *root, RelOptInfo *rel, Oid relid)
{
	Relids event = NULL;
	List *clauses = generate_implied_equalities_for_column(root, rel, is_event_member, NULL, rel->lateral_referencers);
	ListCell *cell;

	foreach (cell, list_concat_copy(rel->joininfo, clauses))
		event = bms_add_members(event, lpr_asked_relations(rel, relid, lfirst_node(RestrictInfo, cell), true));
	return bms_is_subset(event, rel->lateral_relids) ? NULL : event;
}
