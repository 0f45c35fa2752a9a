/*
 * scan_group.c: the start of a scan: its question, the gate, the vendor or the cache.
 *
 * All scans of one lpr.reads are asked together, at the first row that is wanted of any of them. Until then, and for
 * plans that are only explained, nothing goes out.
 */
#include "fdw/scan_internal.h"

#include "access/parallel.h"
#include "catalog/pg_type.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "gate/answer.h"
#include "policy/statement_guard.h"
#include "server/errors.h"
#include "server/version.h"

/* The values of the conditions, evaluated now. Also makes the key by which the question is known again. */
static LprValue *
evaluate(LprScan *scan, char **key)
{
	ExprContext *econtext = scan->node->ss.ps.ps_ExprContext;
	LprValue *values = palloc0((scan->nvalues + 1) * sizeof(LprValue));
	ListCell *cell;
	StringInfoData text;
	int i = 0;

	initStringInfo(&text);
	foreach (cell, scan->expressions)
	{
		ExprState *state = lfirst(cell);
		Oid output;
		bool varlena;

		values[i].value = ExecEvalExpr(state, econtext, &values[i].isnull);
		if (!values[i].isnull)
		{
			getTypeOutputInfo(exprType((Node *) state->expr), &output, &varlena);
			appendStringInfo(&text, "%s\n", OidOutputFunctionCall(output, values[i].value));
			values[i].value = lpr_condition_moment(exprType((Node *) state->expr), values[i].value);
		}
		else
			appendStringInfoString(&text, "\\N\n");
		i++;
	}
	*key = text.data;
	return values;
}

bool
lpr_scan_is_same_question(LprScan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->node->ss.ps.ps_ExprContext->ecxt_per_tuple_memory);
	char *key;

	evaluate(scan, &key);
	MemoryContextSwitchTo(old);
	return strcmp(key, scan->key) == 0;
}

static void
pass_over(LprScan *scan, const LprReceipt *receipt)
{
	LprQueryStats *stats = scan->stats;
	const char *message, *detail, *hint;

	lpr_gate_texts(receipt, &message, &detail, &hint);
	stats->outcome = LPR_OUTCOME_PASSED_OVER;
	stats->ended_at = GetCurrentTimestamp();
	lpr_fault(&stats->fault, receipt->sqlstate, "%s", message);
	lpr_fault_detail(&stats->fault, "%s", detail);
	lpr_fault_hint(&stats->fault, "%s", hint);
}

/*
 * ANALYZE, REFRESH, index builds and autovacuum run the functions of a table's owner in another person's session: its
 * login would be taken for the one that asks. And the session would not know what a parallel worker asks.
 */
static void
refuse_borrowed_session(void)
{
	if (InSecurityRestrictedOperation() || IsParallelWorker())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("no source is asked here"),
						errdetail("Vendors are asked by a person's own statement only, not by maintenance commands and "
								  "not by parallel workers."),
						errhint("Ask in a statement of your own.")));
}

/* Why a source could not even be asked. */
static void
fail_unasked(LprScan *scan, bool fail_on_error)
{
	LprQueryStats *stats = scan->stats;
	LprFault why = stats->fault;

	lpr_fault(&stats->fault, why.sqlstate, "source \"%s\": %.300s", scan->source, why.message);
	lpr_fault_detail(&stats->fault, "%s", why.detail);
	lpr_fault_hint(&stats->fault, "%s", why.hint);
	stats->outcome = LPR_OUTCOME_FAILED;
	stats->ended_at = GetCurrentTimestamp();
	lpr_answer_end(stats);
	if (fail_on_error)
		lpr_query_stats_report(stats, ERROR);
	stats->to_tell = true;
}

/* The question, from the values that its conditions have now. */
static LprQuestion
read_question(LprScan *scan)
{
	LprConditions conditions = scan->conditions;

	conditions.values = evaluate(scan, &scan->key);
	if (scan->batched)
	{
		/* The join above gathered the plates: one more condition, which the plan could not know. */
		Datum *plates = palloc((scan->batch->nplates + 1) * sizeof(Datum));

		for (int i = 0; i < scan->batch->nplates; i++)
			plates[i] = CStringGetTextDatum(scan->batch->plates[i]);
		conditions.kinds[conditions.count] = LPR_CONDITION_PLATES;
		conditions.guarded[conditions.count] = false;
		conditions.values[scan->nvalues].value =
			PointerGetDatum(construct_array(plates, scan->batch->nplates, TEXTOID, -1, false, TYPALIGN_INT));
		conditions.values[scan->nvalues].isnull = false;
		conditions.count++;
	}
	return lpr_question_make(scan->statement, scan->source, &conditions, &scan->query, &scan->event);
}

/*
 * An error of policy that is raised before the gate is a refusal like those of the gate, and is on record before it is
 * told (U4).
 */
static LprQuestion
make_question(LprScan *scan)
{
	MemoryContext context = CurrentMemoryContext;
	volatile LprQuestion made = LPR_QUESTION_EMPTY;
	ErrorData *volatile error = NULL;

	scan->event = (LprEvent){false, 0};
	PG_TRY();
	{
		/* Reads carry the event that they are asked with, so this join could only be empty. */
		if (scan->event_later)
			ereport(ERROR,
					(errcode(LPR_ERRCODE_EVENT_LATER), errmsg("the question would be asked before its event is known"),
					 errdetail("Reads carry the event that they are asked with, and the plan joins by event_id later."),
					 errhint("Put lpr.reads into a LATERAL subquery behind the table that has the event.")));
		made = read_question(scan);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	if (error != NULL)
	{
		LprFault *fault = &scan->stats->fault;

		scan->stats->outcome = LPR_OUTCOME_FAILED;
		scan->stats->ended_at = GetCurrentTimestamp();
		lpr_fault(fault, unpack_sql_state(error->sqlerrcode), "%s", error->message);
		/* Nothing but the error goes on from here, so what was caught needs no subtransaction. */
		if ((error->sqlerrcode & 0xfff) == (LPR_ERRCODE_NO_ANCHOR & 0xfff))
			lpr_gate_record_error(scan->source, scan->event, error);
		ReThrowError(error);
	}
	return made;
}

/* Makes the question. Sets `wants` when it is one that has to be asked. */
static void
prepare_question(LprScan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->context);

	refuse_borrowed_session();
	lpr_version_check();
	lpr_statement_guard_check(scan->node->ss.ps.state->es_plannedstmt, scan->source);
	scan->started = true;
	scan->wants = false;
	if (scan->stats == NULL)
		scan->stats = lpr_query_stats_add(scan->statement, scan->source, scan->dialect);
	if (make_question(scan) == LPR_QUESTION_ASK)
	{
		LprOptions options;

		scan->query.order = scan->order;
		scan->query.page_size = scan->page_size;
		scan->stats->caveat = scan->attnums[LPR_COLUMN_CAVEAT] != 0;
		scan->query.want_images =
			scan->attnums[LPR_COLUMN_PLATE_IMAGE] != 0 || scan->attnums[LPR_COLUMN_VEHICLE_IMAGE] != 0;
		lpr_options_read(GetForeignServer(scan->server)->options, NIL, &options);
		scan->fail_on_error = options.fail_on_error;
		scan->question = (LprGateQuestion){.source = scan->source,
										   .query = &scan->query,
										   .event = scan->event,
										   .url = options.url,
										   .seen = lpr_scan_seen(scan)};
		scan->wants = true;
	}
	else if (scan->stats->outcome == LPR_OUTCOME_ASKED)
	{
		scan->stats->outcome = LPR_OUTCOME_COMPLETE;
		scan->stats->ended_at = GetCurrentTimestamp();
	}
	MemoryContextSwitchTo(old);
}

void
lpr_scan_close_answer(LprScan *scan)
{
	if (scan->cache != NULL)
		lpr_cache_close(scan->cache);
	scan->cache = NULL;
	lpr_answer_end(scan->stats);
}

/* The gate has spoken: asks the source, or passes it over. */
static void
start_asking(LprScan *scan, uint64 catalog)
{
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	LprQueryStats *stats = scan->stats;
	LprSource *source;

	if (scan->first_asked == 0)
		scan->first_asked = scan->question.receipt.number;
	if (scan->question.receipt.refused)
		pass_over(scan, &scan->question.receipt); /* model: pass over */
	else
	{
		/* model: disclose */
		lpr_gate_reference(&scan->question.receipt, scan->query.reference);
		strlcpy(stats->reference, scan->query.reference, sizeof(stats->reference));
		scan->query.reads_max = scan->question.receipt.reads_limit;
		scan->query.plates_max = scan->question.receipt.plates_limit;
		lpr_query_stats_refresh(stats);
		lpr_answer_begin(scan->statement, stats, &scan->question, catalog);
		/* The mapping is that of the authenticated login, not of the user that the plan is checked as. */
		source = lpr_source_hold(scan->server, GetAuthenticatedUserId(), &stats->fault);
		if (source != NULL)
		{
			if (!source->options.uncached)
				scan->cache = lpr_cache_open(scan->context, scan->statement, stats, &scan->question, source->mapping,
											 scan->query.fresh);
			lpr_run_shows(lpr_answer_decision(stats), lpr_scan_is_cached(scan) ? lpr_cache_expires_at(scan->cache)
																			   : scan->question.receipt.expires_at);
			if (lpr_scan_is_cached(scan))
				lpr_source_release(source);
			else
				scan->ask = lpr_ask_start(scan->context, scan->statement, source, &scan->query, stats);
			if (scan->query.want_images)
				scan->images = lpr_images_new(scan->context);
		}
		else
			fail_unasked(scan, scan->fail_on_error);
	}
	MemoryContextSwitchTo(old);
}

void
lpr_scan_stop(LprScan *scan)
{
	if (scan->ask != NULL)
		lpr_ask_stop(scan->ask);
	scan->ask = NULL;
	lpr_scan_close_answer(scan);
	scan->images = NULL;
	scan->started = scan->ahead = false;
	MemoryContextReset(scan->context);
}

/*
 * Whether two scans of a statement are asked together: they read the same lpr.reads, and their parameters come from the
 * same relations. Of others (as in a join partition by partition) one may run while those of the other are not yet set.
 */
static bool
is_beside(const LprScan *scan, const LprScan *other)
{
	return scan->reads == other->reads && equal(scan->outer, other->outer);
}

static bool
is_wrong_mode(const LprQueryStats *stats)
{
	return strcmp(stats->fault.sqlstate, unpack_sql_state(LPR_ERRCODE_WRONG_MODE)) == 0;
}

void
lpr_scan_tell_passed_over(LprScan *scan)
{
	ListCell *cell;
	int asked = 0;
	int passed = 0;
	bool alike = true;
	LprQueryStats *only = NULL;

	foreach (cell, scan->statement->scans)
	{
		LprScan *member = lfirst(cell);

		if (!is_beside(member, scan) || member->stats == NULL)
			continue;
		if (member->stats->outcome != LPR_OUTCOME_PASSED_OVER)
			asked++;
		else
		{
			passed++;
			/* That a source cannot be asked this way matters only when nothing else does. */
			if (only != NULL && is_wrong_mode(member->stats))
				continue;
			alike = only == NULL || is_wrong_mode(only) ||
					(alike && strcmp(only->fault.message, member->stats->fault.message) == 0);
			only = member->stats;
		}
	}
	if (passed == 0)
		return;
	if (asked == 0 && alike)
		lpr_query_stats_report(only, ERROR); /* one reason for all of them, such as one that lies with the person */
	if (asked == 0)
	{
		StringInfoData reasons;

		initStringInfo(&reasons);
		foreach (cell, scan->statement->scans)
		{
			LprScan *member = lfirst(cell);

			if (is_beside(member, scan) && member->stats != NULL)
				appendStringInfo(&reasons, "%s%s", reasons.len > 0 ? "; " : "", member->stats->fault.message);
		}
		ereport(ERROR, (errcode(LPR_ERRCODE_NO_SOURCE), errmsg("no source can be asked this question"),
						errdetail("%s.", reasons.data), errhint("SELECT * FROM lpr.sources;")));
	}
	foreach (cell, scan->statement->scans)
	{
		LprScan *member = lfirst(cell);

		if (is_beside(member, scan) && member->stats != NULL && !member->stats->told &&
			member->stats->outcome == LPR_OUTCOME_PASSED_OVER)
		{
			member->stats->told = true;
			ereport(NOTICE, (errmsg("%s", member->stats->fault.message), errhint("%s", member->stats->fault.hint)));
		}
	}
}

/* Whether all that were asked have failed, none of which showed a read. Then no rows would look like "never seen". */
static bool
have_all_failed(const LprScan *scan)
{
	ListCell *cell;
	bool failed = false;

	foreach (cell, scan->statement->scans)
	{
		const LprScan *member = lfirst(cell);

		if (!is_beside(member, scan) || member->stats == NULL || !member->wants ||
			member->stats->outcome == LPR_OUTCOME_PASSED_OVER)
			continue;
		if (member->stats->outcome != LPR_OUTCOME_FAILED || member->stats->ended_at == 0 || member->stats->reads > 0)
			return false;
		failed = true;
	}
	return failed;
}

void
lpr_scan_tell_failed(LprScan *scan)
{
	StringInfoData reasons;
	ListCell *cell;
	int n = 0;

	if (!scan->stats->to_tell)
		return;
	scan->stats->to_tell = false;
	if (!have_all_failed(scan))
	{
		lpr_query_stats_report(scan->stats, WARNING);
		return;
	}
	initStringInfo(&reasons);
	foreach (cell, scan->statement->scans)
	{
		LprScan *member = lfirst(cell);

		if (is_beside(member, scan) && member->stats != NULL && member->stats->outcome >= LPR_OUTCOME_FAILED)
			appendStringInfo(&reasons, "%s%s", n++ > 0 ? "; " : "", member->stats->fault.message);
	}
	if (n == 1)
		lpr_query_stats_report(scan->stats, ERROR);
	ereport(ERROR, (errcode(LPR_ERRCODE_NO_ANSWER), errmsg("no source has answered"), errdetail("%s.", reasons.data),
					errhint("SELECT source, outcome, message FROM lpr.last_query();")));
}

void
lpr_scan_start_group(LprScan *scan)
{
	List *scans = scan->statement->scans;
	LprScan **started = palloc(list_length(scans) * sizeof(LprScan *));
	LprGateQuestion **questions = palloc(list_length(scans) * sizeof(LprGateQuestion *));
	int n = 0;
	uint64 catalog = lpr_decision_catalog(); /* looks at sources as they are now, also in an open transaction */
	ListCell *cell;

	prepare_question(scan);
	if (scan->wants)
		started[n++] = scan;
	foreach (cell, scans)
	{
		LprScan *member = lfirst(cell);

		if (member == scan || !is_beside(member, scan))
			continue;
		if (member->node->ss.ps.chgParam != NULL)
		{
			lpr_scan_stop(member);
			prepare_question(member);
			member->ahead = true;
		}
		else if (!member->started)
			prepare_question(member);
		else
			continue;
		if (member->wants)
			started[n++] = member;
	}
	for (int i = 0; i < n; i++)
		questions[i] = &started[i]->question;
	lpr_gate_ask(questions, n);
	for (int i = 0; i < n; i++)
		start_asking(started[i], catalog);
	pfree(questions);
	pfree(started);
	lpr_scan_tell_passed_over(scan);
}
