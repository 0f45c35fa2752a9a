/*
 * scan_seen.c: what a scan can see of its statement beside the question itself, for the record (U1): the conditions
 * that are checked here, the columns, whether anything is aggregated, and the statement's text.
 */
#include "fdw/scan_internal.h"

#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "gate/decision.h"
#include "server/read_value.h"

/* Of conditions on record: so many, each with so many bytes of its text. */
#define MOST_CONDITIONS 32
#define CONDITION_ROOM  400

/* A value that the client gave for a parameter, in the place of the parameter. */
static Node *
put_values(Node *node, void *parameters)
{
	ParamListInfo given = parameters;

	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN && given != NULL &&
		((Param *) node)->paramid >= 1 && ((Param *) node)->paramid <= given->numParams)
	{
		Param *param = (Param *) node;
		ParamExternData room;
		ParamExternData *value = given->paramFetch != NULL ? given->paramFetch(given, param->paramid, false, &room)
														   : &given->params[param->paramid - 1];
		int16 len;
		bool by_value;

		if (value->ptype == param->paramtype)
		{
			get_typlenbyval(param->paramtype, &len, &by_value);
			return (Node *) makeConst(param->paramtype, param->paramtypmod, param->paramcollid, len, value->value,
									  value->isnull, by_value);
		}
	}
	return expression_tree_mutator(node, put_values, parameters);
}

/* The conditions that the question does not tell, as SQL; each of them by itself, so that none hides another. */
static void
tell_conditions(LprScan *scan, LprGateSeen *seen)
{
	ForeignScan *plan = (ForeignScan *) scan->node->ss.ps.plan;
	EState *estate = scan->node->ss.ps.state;
	List *places = list_nth(plan->fdw_private, LPR_PLAN_LOCAL);
	List *names, *context;
	Bitmapset *all;
	ListCell *cell;

	if (places == NIL)
		return;
	all = bms_add_range(NULL, 1, list_length(estate->es_plannedstmt->rtable));
	names = select_rtable_names_for_explain(estate->es_plannedstmt->rtable, all);
	context =
		set_deparse_context_plan(deparse_context_for_plan_tree(estate->es_plannedstmt, names), (Plan *) plan, NIL);
	seen->nlocal_all = list_length(places);
	seen->local = palloc(MOST_CONDITIONS * sizeof(char *));
	foreach (cell, places)
	{
		Node *condition = list_nth(plan->scan.plan.qual, lfirst_int(cell));
		char *text;

		if (seen->nlocal == MOST_CONDITIONS)
			break;
		condition = put_values(condition, estate->es_param_list_info);
		text = deparse_expression(condition, context, false, false);
		if (strlen(text) > CONDITION_ROOM)
			text = psprintf("%.*s ...", pg_mbcliplen(text, strlen(text), CONDITION_ROOM), text);
		seen->local[seen->nlocal++] = text;
	}
}

/* All but the images is the everyday row, and told as one. */
static void
tell_columns(LprScan *scan, LprGateSeen *seen)
{
	Oid relid = RelationGetRelid(scan->node->ss.ss_currentRelation);
	bool everyday = true;

	for (int i = 0; i < LPR_COLUMNS; i++)
		everyday = everyday && (scan->attnums[i] != 0 || lpr_column_is_image(i) ||
								lpr_column_attnum(relid, i) == InvalidAttrNumber);
	seen->columns = palloc((LPR_COLUMNS + 1) * sizeof(char *));
	if (everyday)
		seen->columns[seen->ncolumns++] = "*";
	for (int i = 0; i < LPR_COLUMNS; i++)
		if (scan->attnums[i] != 0 && !(everyday && !lpr_column_is_image(i)))
			seen->columns[seen->ncolumns++] = lpr_columns[i].name;
}

static bool aggregates(const Plan *plan);

static bool
any_aggregates(const List *plans)
{
	ListCell *cell;

	foreach (cell, plans)
		if (aggregates(lfirst(cell)))
			return true;
	return false;
}

/* Whether rows are counted, grouped, numbered or made distinct anywhere in a plan. */
static bool
aggregates(const Plan *plan)
{
	if (plan == NULL)
		return false;
	switch (nodeTag(plan))
	{
		case T_Agg:
		case T_Group:
		case T_WindowAgg:
		case T_Unique:
		case T_SetOp:
			return true;
		case T_Append:
			return any_aggregates(((const Append *) plan)->appendplans);
		case T_MergeAppend:
			return any_aggregates(((const MergeAppend *) plan)->mergeplans);
		case T_SubqueryScan:
			return aggregates(((const SubqueryScan *) plan)->subplan);
		case T_CustomScan:
			if (any_aggregates(((const CustomScan *) plan)->custom_plans))
				return true;
			break;
		default:
			break;
	}
	return aggregates(outerPlan(plan)) || aggregates(innerPlan(plan));
}

static bool
statement_aggregates(const PlannedStmt *statement)
{
	return aggregates(statement->planTree) || any_aggregates(statement->subplans);
}

/* The statement that the person gave: the outermost that is executed now, by the text it stands in. */
static void
tell_statement(LprScan *scan, LprGateSeen *seen)
{
	EState *top = scan->node->ss.ps.state;
	const char *text;
	size_t start;
	int len;

	seen->aggregated = statement_aggregates(top->es_plannedstmt);
	for (const LprRun *run = lpr_run_current(); run != NULL; run = run->outer)
	{
		top = run->estate;
		seen->aggregated = seen->aggregated || statement_aggregates(top->es_plannedstmt);
	}
	text = top->es_sourceText;
	if (text == NULL)
		return;
	start = Max(top->es_plannedstmt->stmt_location, 0);
	len = top->es_plannedstmt->stmt_len;
	if (start > strlen(text))
		start = 0;
	text += start;
	seen->statement = len > 0 ? pnstrdup(text, len) : pstrdup(text);
}

const LprGateSeen *
lpr_scan_seen(LprScan *scan)
{
	MemoryContext old;

	if (scan->seen != NULL)
		return scan->seen;
	/* It is the same for all questions of the scan. */
	old = MemoryContextSwitchTo(scan->node->ss.ps.state->es_query_cxt);
	scan->seen = palloc0(sizeof(LprGateSeen));
	tell_conditions(scan, scan->seen);
	tell_columns(scan, scan->seen);
	tell_statement(scan, scan->seen);
	MemoryContextSwitchTo(old);
	return scan->seen;
}
