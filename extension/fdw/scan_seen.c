/*
 * scan_seen.c: what a scan can see of its statement beside the question itself, for the record (U1): the conditions
 * that are checked here, the columns, whether anything is aggregated, the statement's text and its parameters.
 */
#include "fdw/scan_internal.h"

#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/plannodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

#include "audit/audit.h"
#include "gate/decision.h"
#include "server/read_value.h"

/* Of conditions on record: so many, each with so many bytes of its text. */
#define MOST_CONDITIONS 32
#define CONDITION_ROOM  400
/* Texts of statements and values of parameters are on record whole, or nothing is asked. In bytes, of all together. */
#define STATEMENT_ROOM (64 * 1024)
/* What is longer stands in the record of a scan's first question only, and the others name that one. */
#define EACH_ROOM 1024

/*
 * The value of a parameter that a statement was given, NULL when it has none of that type. `guess`: it need not be one
 * that the statement uses.
 */
static Const *
value_of(ParamListInfo given, int id, Oid type, bool guess)
{
	ParamExternData room;
	ParamExternData *value;
	int16 len;
	bool by_value;

	if (given == NULL || id < 1 || id > given->numParams)
		return NULL;
	value = given->paramFetch != NULL ? given->paramFetch(given, id, guess, &room) : &given->params[id - 1];
	if (!OidIsValid(value->ptype) || (OidIsValid(type) && value->ptype != type))
		return NULL;
	get_typlenbyval(value->ptype, &len, &by_value);
	return makeConst(value->ptype, -1, get_typcollation(value->ptype), len, value->value, value->isnull, by_value);
}

/* A value that the client gave for a parameter, in the place of the parameter. */
static Node *
put_values(Node *node, void *parameters)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
	{
		Const *value = value_of(parameters, ((Param *) node)->paramid, ((Param *) node)->paramtype, false);

		if (value != NULL)
		{
			value->consttypmod = ((Param *) node)->paramtypmod;
			value->constcollid = ((Param *) node)->paramcollid;
			return (Node *) value;
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
	MemoryContext work, keep;

	if (places == NIL)
		return;
	seen->nlocal_all = list_length(places);
	seen->local = palloc(MOST_CONDITIONS * sizeof(char *));
	/* Values can be large, and all of them are written out before they are clipped. */
	work = AllocSetContextCreate(CurrentMemoryContext, "lpr conditions", ALLOCSET_DEFAULT_SIZES);
	keep = MemoryContextSwitchTo(work);
	all = bms_add_range(NULL, 1, list_length(estate->es_plannedstmt->rtable));
	names = select_rtable_names_for_explain(estate->es_plannedstmt->rtable, all);
	context =
		set_deparse_context_plan(deparse_context_for_plan_tree(estate->es_plannedstmt, names), (Plan *) plan, NIL);
	foreach (cell, places)
	{
		Node *condition = list_nth(plan->scan.plan.qual, lfirst_int(cell));
		char *text;
		bool clipped;

		if (seen->nlocal == MOST_CONDITIONS)
			break;
		condition = put_values(condition, estate->es_param_list_info);
		text = deparse_expression(condition, context, false, false);
		clipped = strlen(text) > CONDITION_ROOM;
		if (clipped)
			text[pg_mbcliplen(text, strlen(text), CONDITION_ROOM)] = '\0';
		MemoryContextSwitchTo(keep);
		seen->local[seen->nlocal++] = clipped ? psprintf("%s ...", text) : pstrdup(text);
		MemoryContextSwitchTo(work);
	}
	MemoryContextSwitchTo(keep);
	MemoryContextDelete(work);
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

/* The text of a statement, of those that its text stands among. */
static char *
text_of(const EState *estate)
{
	const PlannedStmt *statement = estate->es_plannedstmt;
	const char *text = estate->es_sourceText;
	size_t start = Max(statement->stmt_location, 0);

	if (text == NULL)
		return NULL;
	if (start > strlen(text))
		start = 0;
	return statement->stmt_len > 0 ? pnstrdup(text + start, statement->stmt_len) : pstrdup(text + start);
}

/* What a statement was given for its parameters, as SQL. Adds its bytes; those that pass all bounds are left out. */
static void
tell_parameters(LprGateSeen *seen, ParamListInfo given, size_t *bytes)
{
	int count = given != NULL ? given->numParams : 0;

	for (int id = 1; id <= count && *bytes <= STATEMENT_ROOM; id++)
	{
		Const *value = value_of(given, id, InvalidOid, true);
		char *text;

		if (value == NULL)
			continue;
		text = psprintf("$%d = %s", id, deparse_expression((Node *) value, NIL, false, false));
		*bytes += strlen(text);
		seen->parameters = seen->parameters == NULL
							   ? palloc(sizeof(char *))
							   : repalloc(seen->parameters, (seen->nparameters + 1) * sizeof(char *));
		seen->parameters[seen->nparameters++] = text;
	}
}

/* Whoever could fill the record with what is nothing could hide behind it what they look for. */
static void
check_length(const LprScan *scan, size_t bytes)
{
	const char *message = "the statement is too long to be on record";

	if (bytes <= STATEMENT_ROOM)
		return;
	lpr_audit_refusal((LprAuditEntry){.source = scan->source, .control = "U1"}, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
					  message);
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s", message),
			 errdetail("A question is on record with all of its statement: text and parameters, of at most %d bytes.",
					   STATEMENT_ROOM),
			 errhint("Ask in several statements, without long comments and lists.")));
}

/*
 * The statement that the person gave: the outermost that is executed now. Where functions ask, the one that asks as
 * well, and what each of those between them was given.
 */
static void
tell_statement(LprScan *scan, LprGateSeen *seen)
{
	const EState *own = scan->node->ss.ps.state;
	const EState *top = own;
	List *estates = NIL;
	ListCell *cell;
	size_t bytes = 0;

	for (const LprRun *run = lpr_run_current(); run != NULL; run = run->outer)
	{
		top = run->estate;
		estates = lcons(run->estate, estates);
	}
	if (!list_member_ptr(estates, own))
		estates = lappend(estates, (void *) own);
	foreach (cell, estates)
	{
		const EState *estate = lfirst(cell);

		seen->aggregated = seen->aggregated || statement_aggregates(estate->es_plannedstmt);
		tell_parameters(seen, estate->es_param_list_info, &bytes);
	}
	seen->statement = text_of(top);
	seen->inner_statement = top != own ? text_of(own) : NULL;
	bytes += seen->statement != NULL ? strlen(seen->statement) : 0;
	bytes += seen->inner_statement != NULL ? strlen(seen->inner_statement) : 0;
	check_length(scan, bytes);
	seen->statement_bytes = bytes;
}

const LprGateSeen *
lpr_scan_seen(LprScan *scan)
{
	MemoryContext old;

	if (scan->seen != NULL)
	{
		if (scan->seen->statement_bytes > EACH_ROOM)
			scan->seen->statement_in = scan->first_asked;
		return scan->seen;
	}
	/* It is the same for all questions of the scan. */
	old = MemoryContextSwitchTo(scan->node->ss.ps.state->es_query_cxt);
	scan->seen = palloc0(sizeof(LprGateSeen));
	tell_conditions(scan, scan->seen);
	tell_columns(scan, scan->seen);
	tell_statement(scan, scan->seen);
	MemoryContextSwitchTo(old);
	return scan->seen;
}
