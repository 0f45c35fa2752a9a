/*
 * statement_guard.c: what a person is shown stays on the screen (E2).
 *
 * Privileges come first (lpr.harden()). What they cannot close is refused here, to the logins of people who see reads:
 * statements that keep or pass on what they are given; a question within a statement that could keep its answer; and a
 * change of data by a function that has seen one. No setting switches it off. Our own verbs may do all of it
 * (policy/verb.c); a site's function with SECURITY DEFINER may not, whoever owns it.
 */
#include "policy/statement_guard.h"

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/prepare.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "optimizer/planner.h"
#include "tcop/cmdtag.h"
#include "tcop/pquery.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

#include "audit/audit.h"
#include "audit/consent.h"
#include "server/compat.h"
#include "server/errors.h"
#include "gate/decision.h"
#include "gate/purpose.h"
#include "gate/query_stats.h"
#include "policy/verb.h"
#include "policy/statement_barred.h"
#include "policy/statement_flow.h"
#include "policy/statement_function.h"
#include "policy/statement_jit.h"

#define RULE "What a login of these roles is shown is kept by lpr's own functions only."

static ProcessUtility_hook_type earlier_utility = NULL;
static ExecutorStart_hook_type earlier_start = NULL;
static ExecutorRun_hook_type earlier_run = NULL;
static ExecutorFinish_hook_type earlier_finish = NULL;
static planner_hook_type earlier_planner = NULL;
static object_access_hook_type earlier_access = NULL;

/* Statements under way, of a confined login, that could keep an answer. */
static int keeping = 0;
/* Calls of executor and utilities within each other. */
static int depth = 0;
/*
 * When the client sent what last asked: triggers that wait for the end of a transaction run outside of any statement,
 * but still for that message.
 */
static TimestampTz asked_at = 0;

/*
 * Whether a login is that of a person who sees reads, or the log, and so is confined to statements that only show
 * them. Superusers are not; nor can they ask.
 */
static bool
is_confined(Oid login)
{
	static const char *const roles[] = {"lpr_user",      "lpr_supervisor", "lpr_system_owner",
										"lpr_oversight", "lpr_privacy",    "lpr_lead"};

	if (superuser_arg(login))
		return false;
	for (int i = 0; i < (int) lengthof(roles); i++)
	{
		Oid role = get_role_oid(roles[i], true);

		if (OidIsValid(role) && is_member_of_role_nosuper(login, role))
			return true;
	}
	return false;
}

/* Whether what runs now is for a person who is confined, and not the work of a verb, or of a foreign key. */
static bool
is_confined_now(void)
{
	if (InLocalUserIdChange() && (InNoForceRLSOperation() || lpr_verb_acts()))
		return false;
	return IsTransactionState() && is_confined(GetAuthenticatedUserId());
}

static void
refuse_statement(const char *source, const char *message, const char *detail, const char *hint)
{
	/* In another database there is no log, and nothing is asked. */
	if (lpr_audit_here())
		lpr_audit_refusal((LprAuditEntry){.source = source, .control = "E2"}, LPR_ERRCODE_STATEMENT_GUARD, message);
	ereport(ERROR, (errcode(LPR_ERRCODE_STATEMENT_GUARD), errmsg("%s", message), errdetail("%s", detail),
					hint != NULL ? errhint("%s", hint) : 0));
}

/* ---- questions within statements that could keep their answers, and the other way round ---- */

/* FOR UPDATE and its like: which rows were locked, everybody sees who reads them, until somebody changes them. */
static bool
locks_rows(const PlannedStmt *statement)
{
	ListCell *cell;

	foreach (cell, statement->rowMarks)
		if (!lfirst_node(PlanRowMark, cell)->isParent && /* of foreign tables it locks nothing */
			RowMarkRequiresRowShareLock(lfirst_node(PlanRowMark, cell)->markType))
			return true;
	return false;
}

static bool
is_modifying(const PlannedStmt *statement)
{
	return (statement->commandType != CMD_SELECT && statement->commandType != CMD_UTILITY) ||
		   statement->hasModifyingCTE || locks_rows(statement);
}

/* The same of a query that is not planned yet. */
static bool
would_modify(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, would_modify, context);
	return ((Query *) node)->commandType != CMD_SELECT || ((Query *) node)->rowMarks != NIL ||
		   query_tree_walker((Query *) node, would_modify, context, 0);
}

/* What is shown does not flow into what is written in the same statement (statement_flow.h). */
static void
refuse_flow(const char *source, const char *message, const char *detail, const char *hint)
{
	if (detail == NULL)
		return;
	error_context_stack = NULL; /* where in our functions it was found tells a person nothing */
	refuse_statement(source, message, detail, hint);
}

static void
check_write(void)
{
	const char *hint = NULL;
	const char *detail = lpr_flow_write(&hint);

	refuse_flow(NULL, "what was read would be kept", detail, hint);
}

static void
check_call(Oid function)
{
	LprFunctionKind kind = lpr_function_kind(function);
	const char *hint = NULL;
	const char *detail;

	if (kind == LPR_FUNCTION_PLAIN || (kind != LPR_FUNCTION_VERB && !is_confined_now()))
		return;
	if (kind == LPR_FUNCTION_PASSES)
		refuse_statement(NULL, psprintf("%s is refused", get_func_name(function)), RULE, NULL);
	detail = lpr_flow_call(function, kind == LPR_FUNCTION_VERB, &hint);
	refuse_flow(NULL, "what was read would be kept", detail, hint);
}

static void
check_kept(const PlannedStmt *own, const char *source)
{
	if (keeping > 0 || (own != NULL && is_modifying(own) && is_confined_now()))
		refuse_statement(
			source, "the answer would be kept",
			"Reads are shown by a SELECT of its own, not within a statement that changes or defines something.",
			"SELECT them first.");
}

void
lpr_statement_guard_check(const PlannedStmt *own, const char *source)
{
	const char *hint = NULL;
	const char *detail;

	check_kept(own, source);
	detail = lpr_flow_ask(&hint);
	refuse_flow(source, "the answer would be kept", detail, hint);
	asked_at = GetCurrentStatementStartTimestamp();
}

/* What a cursor shows when it is read on, flows as little as the answer to a question. */
static void
check_going_on(const LprFlowFrame *frame)
{
	const char *hint = NULL;
	const char *detail;

	if (!lpr_flow_goes_on(frame))
		return;
	check_kept(NULL, NULL);
	detail = lpr_flow_go_on(&hint);
	refuse_flow(NULL, "the answer would be kept", detail, hint);
}

/* The log is about to be shown to oversight. Superusers, who can read its tables, may keep it. */
static void
check_log_read(void)
{
	const char *hint = NULL;
	const char *detail;

	if (!is_confined(GetAuthenticatedUserId()))
	{
		check_write();
		return;
	}
	check_kept(NULL, NULL);
	detail = lpr_flow_read_log(&hint);
	refuse_flow(NULL, "the answer would be kept", detail, hint);
	asked_at = GetCurrentStatementStartTimestamp();
}

void
lpr_statement_guard_check_verb(void)
{
	check_kept(NULL, NULL);
	check_write();
}

/* Whether a statement of the executor could keep an answer. ERROR when it is one that a function has seen. */
static bool
check_executor(const PlannedStmt *statement)
{
	if (!is_modifying(statement) || !is_confined_now())
		return false;
	/*
	 * A client's own statement beside an open cursor knows no more than the person; one from within another knows what
	 * that was shown.
	 */
	if ((depth > 0 || ActivePortal == NULL) &&
		(asked_at == GetCurrentStatementStartTimestamp() || lpr_statement_asks()))
		refuse_statement(NULL, "what was read would be kept",
						 "A function that reads, or is given reads, changes no data.",
						 "SELECT the reads by themselves.");
	return true;
}

/*
 * Rows of the client's own FETCH or EXECUTE that it has not taken yet wait in a store, in the portal without a name. A
 * portal with a name could read them there without running anything that we could look at: before it does so the store
 * is gone.
 */
static void
drop_store(void)
{
	Portal portal = depth == 0 ? GetPortalByName("") : NULL;

	if (PortalIsValid(portal) && portal != ActivePortal && portal->strategy == PORTAL_UTIL_SELECT &&
		portal->holdStore != NULL && portal->status == PORTAL_READY && is_confined_now())
		PortalDrop(portal, false);
}

/* Where the functions are looked up that it calls. */
static void
guard_executor_start(QueryDesc *query, int flags)
{
	LprFlowFrame frame;

	lpr_flow_enter(&frame, NULL);
	frame.starts = true;
	PG_TRY();
	{
		if (earlier_start != NULL)
			earlier_start(query, flags);
		else
			standard_ExecutorStart(query, flags);
	}
	PG_FINALLY();
	{
		lpr_flow_leave(&frame);
	}
	PG_END_TRY();
	lpr_flow_keep(&frame, query->estate);
}

static void
guard_executor_run(QueryDesc *query, ScanDirection direction, uint64 count LPR_EXECUTOR_RUN_PARAMETERS)
{
	bool keeps;
	LprRun run;
	LprFlowFrame frame;

	drop_store();
	lpr_consent_note_statement();
	keeps = check_executor(query->plannedstmt);
	lpr_run_begin(&run, query->estate);
	lpr_flow_enter(&frame, query->estate);
	keeping += keeps;
	depth++;
	PG_TRY();
	{
		check_going_on(&frame);
		if (earlier_run != NULL)
			earlier_run(query, direction, count LPR_EXECUTOR_RUN_ARGS);
		else
			standard_ExecutorRun(query, direction, count LPR_EXECUTOR_RUN_ARGS);
	}
	PG_FINALLY();
	{
		lpr_run_end(&run);
		keeping -= keeps;
		depth--;
		lpr_flow_leave(&frame);
	}
	PG_END_TRY();
}

/* Triggers, and what is left of data-modifying CTEs. */
static void
guard_executor_finish(QueryDesc *query)
{
	bool keeps = check_executor(query->plannedstmt);
	LprFlowFrame frame;

	lpr_flow_enter(&frame, query->estate);
	keeping += keeps;
	depth++;
	PG_TRY();
	{
		if (earlier_finish != NULL)
			earlier_finish(query);
		else
			standard_ExecutorFinish(query);
	}
	PG_FINALLY();
	{
		keeping -= keeps;
		depth--;
		lpr_flow_leave(&frame);
	}
	PG_END_TRY();
}

/* The planner calls functions that claim to be immutable. */
static PlannedStmt *
guard_plan(Query *query, const char *text, int options, ParamListInfo params)
{
	PlannedStmt *planned = NULL;
	bool keeps = ((query->commandType != CMD_SELECT && query->commandType != CMD_UTILITY) || query->hasModifyingCTE) &&
				 is_confined_now();

	drop_store();
	keeping += keeps;
	lpr_flow_planning++;
	PG_TRY();
	{
		planned = earlier_planner != NULL ? earlier_planner(query, text, options, params)
										  : standard_planner(query, text, options, params);
	}
	PG_FINALLY();
	{
		keeping -= keeps;
		lpr_flow_planning--;
	}
	PG_END_TRY();
	lpr_statement_without_jit(planned);
	return planned;
}

/* ---- statements ---- */

static bool
is_explain_analyze(const ExplainStmt *statement)
{
	ListCell *cell;
	bool analyze = false;

	foreach (cell, statement->options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "analyze") == 0)
			analyze = defGetBoolean(lfirst_node(DefElem, cell));
	return analyze;
}

/* What of a statement's kind is refused, behind its tag: "" = all of it, NULL = nothing. */
static const char *
denied(Node *statement, const char **hint)
{
	switch (nodeTag(statement))
	{
		case T_CreateTableAsStmt:
		case T_RefreshMatViewStmt:
		case T_CopyStmt:
			*hint = "Read with SELECT.";
			return "";
		case T_DeclareCursorStmt:
			if ((((DeclareCursorStmt *) statement)->options & CURSOR_OPT_HOLD) != 0)
			{
				*hint = "Declare the cursor without HOLD.";
				return " WITH HOLD";
			}
			/* Its rows would stay, to be shown again when nobody looks any more whether they may be (C2). */
			*hint = "Declare the cursor without SCROLL; what was shown is shown again by asking again.";
			return (((DeclareCursorStmt *) statement)->options & CURSOR_OPT_SCROLL) != 0 ? " SCROLL" : NULL;
		case T_ExplainStmt:
			*hint = "EXPLAIN tells what would be asked, lpr.last_query() what was.";
			return is_explain_analyze((ExplainStmt *) statement) ? " ANALYZE" : NULL;
		case T_AlterRoleSetStmt:
		case T_AlterDatabaseSetStmt:
			*hint = "SET it in the session.";
			return " SET";
		case T_TransactionStmt:
			return ((TransactionStmt *) statement)->kind == TRANS_STMT_PREPARE ? "" : NULL;
		case T_NotifyStmt:
		case T_DoStmt:
		case T_LoadStmt:
		case T_CreateFunctionStmt: /* its variables carry from a question to a change what no rule of ours sees */
			return "";
		default:
			return NULL;
	}
}

static void
check_denied(Node *statement)
{
	const char *hint = NULL;
	const char *what = denied(statement, &hint);

	if (what != NULL && is_confined_now())
		refuse_statement(NULL, psprintf("%s%s is refused", GetCommandTagName(CreateCommandTag(statement)), what), RULE,
						 hint);
}

/*
 * Whether a utility statement could keep the answer of a question that it makes the server ask: by a DEFAULT, a USING,
 * a bound, a parameter.
 */
static bool
could_keep(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_TransactionStmt:
		case T_VariableSetStmt:
		case T_VariableShowStmt:
		case T_DiscardStmt:
		case T_PrepareStmt:
		case T_DeallocateStmt:
		case T_DeclareCursorStmt:
		case T_FetchStmt:
		case T_ClosePortalStmt:
		case T_ExplainStmt:
		case T_CallStmt:
			return false;
		case T_ExecuteStmt:
		{
			/* Its parameters are evaluated before the executor is called. */
			PreparedStatement *prepared = FetchPreparedStatement(((ExecuteStmt *) statement)->name, false);
			ListCell *cell;

			if (prepared != NULL)
				foreach (cell, prepared->plansource->query_list)
					if (would_modify(lfirst(cell), NULL))
						return is_confined_now();
			return false;
		}
		default:
			return is_confined_now();
	}
}

/*
 * What a function SETs, names, or LOCKs, can be what it was shown; a client's own statement knows no more than the
 * person.
 */
static void
check_kept_in_session(Node *statement)
{
	if (depth > 0 &&
		(IsA(statement, VariableSetStmt) || IsA(statement, PrepareStmt) || IsA(statement, ListenStmt) ||
		 IsA(statement, LockStmt)) &&
		is_confined_now())
		check_write();
}

/* A session begins again for another person: by DISCARD (all = DISCARD ALL), or by a change of authorization. */
static void
reset_session(bool all)
{
	lpr_consent_end();
	lpr_purpose_forget();
	if (all)
		lpr_query_stats_forget();
}

/* Whether a statement is one that resets the session; *all says how far. */
static bool
is_reset(Node *statement, bool *all)
{
	*all = IsA(statement, DiscardStmt) && ((DiscardStmt *) statement)->target == DISCARD_ALL;
	return IsA(statement, DiscardStmt) ||
		   (IsA(statement, VariableSetStmt) && ((VariableSetStmt *) statement)->name != NULL &&
			strcmp(((VariableSetStmt *) statement)->name, "session_authorization") == 0);
}

/*
 * A cursor over a FETCH or an EXECUTE stores all that it returns; what reads it then runs nothing that we could look
 * at. The client's own statement is a portal without a name (drop_store()).
 */
static void
check_stored(const LprFlowFrame *frame, Node *statement, const DestReceiver *dest)
{
	if (frame->own.shows && dest->mydest == DestTuplestore && ActivePortal != NULL && ActivePortal->name[0] != '\0')
		refuse_statement(NULL, psprintf("a cursor over %s is refused", GetCommandTagName(CreateCommandTag(statement))),
						 RULE, "Open it for a SELECT.");
}

static void
guard_utility(PlannedStmt *planned, const char *text, bool read_only, ProcessUtilityContext context,
			  ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	Node *statement = planned->utilityStmt;
	/* EXECUTE is as much the client's own statement as what it executes. */
	bool nests = !IsA(statement, ExecuteStmt);
	bool all;
	volatile bool resets = is_reset(statement, &all); /* looked at now: a statement may be gone once it has run */
	bool keeps;
	LprFlowFrame frame;

	drop_store();
	lpr_consent_note_statement();
	check_denied(statement);
	check_kept_in_session(statement);
	lpr_statement_check_barred(statement);
	keeps = could_keep(statement);
	lpr_flow_enter(&frame, NULL);
	keeping += keeps;
	depth += nests;
	PG_TRY();
	{
		if (earlier_utility != NULL)
			earlier_utility(planned, text, read_only, context, params, environment, dest, completion);
		else
			standard_ProcessUtility(planned, text, read_only, context, params, environment, dest, completion);
	}
	PG_FINALLY();
	{
		keeping -= keeps;
		depth -= nests;
		lpr_flow_leave(&frame);
	}
	PG_END_TRY();
	check_stored(&frame, statement, dest);
	if (resets)
		reset_session(all);
}

/* ---- objects ---- */

static void
guard_access_object(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (earlier_access != NULL)
		earlier_access(access, class, object, sub, arg);
	if (access == OAT_DROP && class == RelationRelationId && sub == 0)
		lpr_statement_check_drop(object);
	else if (access == OAT_FUNCTION_EXECUTE)
		check_call(object);
}

void
lpr_statement_guard_init(void)
{
	earlier_utility = ProcessUtility_hook;
	ProcessUtility_hook = guard_utility;
	lpr_flow_init();
	lpr_audit_before_write = check_write;
	lpr_audit_before_read = check_log_read;
	earlier_start = ExecutorStart_hook;
	ExecutorStart_hook = guard_executor_start;
	earlier_run = ExecutorRun_hook;
	ExecutorRun_hook = guard_executor_run;
	earlier_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = guard_executor_finish;
	earlier_planner = planner_hook;
	planner_hook = guard_plan;
	earlier_access = object_access_hook;
	object_access_hook = guard_access_object;
}

PG_FUNCTION_INFO_V1(lpr_login_is_confined);
Datum
lpr_login_is_confined(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(is_confined(PG_GETARG_OID(0)));
}
