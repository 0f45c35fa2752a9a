/*
 * fdw.c: the entry points of the foreign-data wrapper, and what it says in EXPLAIN.
 */
#include "fdw/fdw.h"

#include "foreign/foreign.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/ruleutils.h"

#include "gate/query_stats.h"
#include "server/compat.h"

static Node *
conjunction(List *clauses)
{
	return (Node *) make_ands_explicit(copyObject(clauses));
}

static void
explain_scan(ForeignScanState *node, ExplainState *es)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	ForeignServer *server = GetForeignServer(plan->fs_server);
	LprOptions options;
	List *context;
	LprOrder order = intVal(list_nth(plan->fdw_private, LPR_PLAN_ORDER));
	int page_size = intVal(list_nth(plan->fdw_private, LPR_PLAN_PAGE_SIZE));
	LprQueryStats *stats = lpr_scan_stats(node);
	const char *not_asked = strVal(list_nth(plan->fdw_private, LPR_PLAN_NOT_ASKED));

	lpr_options_read(server->options, NIL, &options);
	ExplainPropertyText("Source", psprintf("%s (%s)", server->servername, options.dialect->name), es);
	if (not_asked[0] != '\0')
		ExplainPropertyText("Not Asked", not_asked, es);
	context = set_deparse_context_plan(deparse_context_for_plan_tree(es->pstmt, es->rtable_names), (Plan *) plan, NIL);
	if (plan->fdw_recheck_quals != NIL && not_asked[0] == '\0')
		ExplainPropertyText("Sent",
							deparse_expression(conjunction(plan->fdw_recheck_quals), context, es->verbose, false), es);
	if (intVal(list_nth(plan->fdw_private, LPR_PLAN_BATCHED)) != 0)
		ExplainPropertyText("Sent in Batches", "plates of the join", es);
	if (order != LPR_ORDER_NONE)
		ExplainPropertyText("Sent Order", order == LPR_ORDER_NEWEST_FIRST ? "captured_at DESC" : "captured_at", es);
	if (page_size > 0)
		ExplainPropertyInteger("First Page", "reads", page_size, es);
	if (es->analyze && stats != NULL)
	{
		ExplainPropertyInteger("Requests", NULL, stats->requests, es);
		ExplainPropertyInteger("Pages", NULL, stats->pages, es);
		ExplainPropertyInteger("Retries", NULL, stats->retries, es);
		ExplainPropertyInteger("Bytes", NULL, stats->bytes, es);
		ExplainPropertyInteger("Reads Received", NULL, stats->received, es);
		for (int i = 0; i < LPR_DROPS; i++)
			if (stats->drops[i] > 0)
				ExplainPropertyInteger(psprintf("Dropped, %s", lpr_drop_words(i)), NULL, stats->drops[i], es);
		for (int i = 0; i < stats->nodd; i++)
			ExplainPropertyInteger(psprintf("Odd Value, %s", stats->odd[i].member), NULL, stats->odd[i].count, es);
		if (es->timing)
			ExplainPropertyFloat(
				"Vendor Time", "ms",
				(double) ((stats->ended_at != 0 ? stats->ended_at : GetCurrentTimestamp()) - stats->asked_at) / 1000.0,
				3, es);
		for (int i = 0; es->verbose && i < stats->nsent; i++)
			ExplainPropertyText("Request", stats->sent[i], es);
	}
}

PG_FUNCTION_INFO_V1(lpr_fdw_handler);
Datum
lpr_fdw_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = lpr_get_rel_size;
	routine->GetForeignPaths = lpr_get_paths;
	routine->GetForeignPlan = lpr_get_plan;
	routine->BeginForeignScan = lpr_begin_scan;
	routine->IterateForeignScan = lpr_iterate_scan;
	routine->ReScanForeignScan = lpr_rescan;
	routine->EndForeignScan = lpr_end_scan;
	routine->ExplainForeignScan = explain_scan;
	PG_RETURN_POINTER(routine);
}
