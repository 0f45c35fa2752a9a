/*
 * scan.c: a scan of one source: from the plan's conditions to the question, from reads to rows.
 *
 * All scans of one lpr.reads start together, at the first row that is wanted of any of them. Until then, and for plans that are only
 * explained, nothing goes out.
 */
#include "fdw/fdw.h"

#include "access/htup_details.h"
#include "access/parallel.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "gate/answer.h"
#include "source/ask.h"
#include "cache/cache.h"
#include "server/errors.h"
#include "source/image.h"
#include "policy/outlet.h"
#include "fdw/row.h"
#include "server/version.h"

/* Rows whose images are fetched side by side. */
#define ROWS_AHEAD 8
/* Reads that are looked through for the next of them while the first one waits to be returned. */
#define READS_AHEAD 64

typedef struct AheadRow
{
	MemoryContext context;
	Datum values[LPR_COLUMNS];
	bool nulls[LPR_COLUMNS];
	LprHttp *images[2]; /* plate, vehicle */
	bool waits[2];
} AheadRow;

typedef struct LprScan
{
	ForeignScanState *node;
	LprStatement *statement;
	Oid server;
	char *source;
	const char *dialect;
	const char *group;
	/* of the plan */
	int nconditions;
	LprConditionKind *conditions;
	bool *guarded;
	int nvalues;
	List *expressions; /* ExprState */
	LprOrder order;
	int page_size;
	AttrNumber attnums[LPR_COLUMNS]; /* 0 = not needed */
	bool event_later;                /* nothing can be asked: its event comes from a join above */
	bool batched;
	LprBatch *batch;
	ExprState *
		before_images; /* conditions that a row must meet before its images are fetched; NULL = all are the executor's */
	/* of this execution */
	MemoryContext context; /* of one question; reset at a rescan */
	bool started;
	bool ahead; /* started for the parameters of a rescan that has yet to come */
	char *key;  /* the question's values as text, to know it again */
	LprQuery query;
	LprEvent event;
	bool wants; /* there is something to ask */
	bool fail_on_error;
	LprGateQuestion question;
	LprAsk *ask;     /* NULL: nothing to ask */
	LprCache *cache; /* NULL: nothing is kept of this question */
	LprTally *tally;
	AheadRow *rows; /* ROWS_AHEAD of them, when images are wanted */
	int first_row;
	int nrows;
	int taken; /* rows whose images were started */
	bool no_more;
} LprScan;

/*
 * With images: the conditions that look at none are checked here, before a row's images are fetched, and the executor checks the others. In an
 * EvalPlanQual recheck the rows are not ours, and the executor checks all.
 */
static void
divide_conditions(LprScan *scan, int before_images)
{
	ForeignScanState *node = scan->node;
	List *conditions = node->ss.ps.plan->qual;

	if (before_images == 0 || node->ss.ps.state->es_epq_active != NULL ||
		(scan->attnums[LPR_COLUMN_PLATE_IMAGE] == 0 && scan->attnums[LPR_COLUMN_VEHICLE_IMAGE] == 0))
		return;
	scan->before_images = ExecInitQual(list_truncate(list_copy(conditions), before_images), &node->ss.ps);
	node->ss.ps.qual = ExecInitQual(list_copy_tail(conditions, before_images), &node->ss.ps);
}

bool
lpr_is_our_scan(PlanState *node)
{
	return IsA(node, ForeignScanState) && ((ForeignScanState *) node)->fdwroutine != NULL &&
		   ((ForeignScanState *) node)->fdwroutine->IterateForeignScan == lpr_iterate_scan;
}

LprTally *
lpr_scan_tally(ForeignScanState *node)
{
	LprScan *scan = node->fdw_state;

	return scan != NULL ? scan->tally : NULL;
}

void
lpr_scan_set_batch(ForeignScanState *node, LprBatch *batch)
{
	((LprScan *) node->fdw_state)->batch = batch;
}

void
lpr_begin_scan(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = (ForeignScan *) node->ss.ps.plan;
	EState *estate = node->ss.ps.state;
	ForeignServer *server;
	LprOptions options;
	LprScan *scan;
	List *conditions = list_nth(plan->fdw_private, LPR_PLAN_CONDITIONS);
	ListCell *cell;
	int i = 0;

	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		return;
	server = GetForeignServer(plan->fs_server);
	lpr_options_read(server->options, NIL, &options);
	scan = palloc0(sizeof(LprScan));
	scan->node = node;
	scan->server = server->serverid;
	scan->source = server->servername;
	scan->dialect = options.dialect->name;
	scan->group = strVal(list_nth(plan->fdw_private, LPR_PLAN_GROUP));
	scan->order = intVal(list_nth(plan->fdw_private, LPR_PLAN_ORDER));
	scan->page_size = intVal(list_nth(plan->fdw_private, LPR_PLAN_PAGE_SIZE));
	scan->event_later = intVal(list_nth(plan->fdw_private, LPR_PLAN_EVENT_LATER)) != 0;
	scan->batched = intVal(list_nth(plan->fdw_private, LPR_PLAN_BATCHED)) != 0;
	scan->nconditions = list_length(conditions) / 2;
	scan->conditions = palloc((scan->nconditions + 1) * sizeof(LprConditionKind));
	scan->guarded = palloc((scan->nconditions + 1) * sizeof(bool));
	foreach (cell, conditions)
	{
		if (i % 2 == 0)
			scan->conditions[i / 2] = lfirst_int(cell);
		else
			scan->guarded[i / 2] = lfirst_int(cell) != 0;
		i++;
	}
	scan->expressions = ExecInitExprList(plan->fdw_exprs, &node->ss.ps);
	scan->nvalues = list_length(scan->expressions);
	foreach (cell, (List *) list_nth(plan->fdw_private, LPR_PLAN_COLUMNS))
		scan->attnums[lfirst_int(cell)] =
			lpr_column_attnum(RelationGetRelid(node->ss.ss_currentRelation), lfirst_int(cell));
	divide_conditions(scan, intVal(list_nth(plan->fdw_private, LPR_PLAN_BEFORE_IMAGES)));
	scan->context = AllocSetContextCreate(estate->es_query_cxt, "lpr question", ALLOCSET_SMALL_SIZES);
	scan->statement = lpr_statement(estate);
	scan->statement->scans = lappend(scan->statement->scans, scan);
	node->fdw_state = scan;
}

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

static void
pass_over(LprScan *scan, const LprReceipt *receipt)
{
	LprTally *tally = scan->tally;
	const char *message, *detail, *hint;

	lpr_gate_texts(receipt, &message, &detail, &hint);
	tally->outcome = LPR_OUTCOME_PASSED_OVER;
	tally->ended_at = GetCurrentTimestamp();
	lpr_fault(&tally->fault, receipt->sqlstate, "%s", message);
	lpr_fault_detail(&tally->fault, "%s", detail);
	lpr_fault_hint(&tally->fault, "%s", hint);
}

static void
prepare_images(LprScan *scan)
{
	scan->rows = MemoryContextAllocZero(scan->context, ROWS_AHEAD * sizeof(AheadRow));
	for (int i = 0; i < ROWS_AHEAD; i++)
		scan->rows[i].context = AllocSetContextCreate(scan->context, "lpr row", ALLOCSET_SMALL_SIZES);
}

/*
 * ANALYZE, REFRESH, index builds and autovacuum run the functions of a table's owner in somebody else's session, whose login would be taken
 * for the one that asks. And what a parallel worker asks, the session would not know of.
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
	LprTally *tally = scan->tally;
	LprFault why = tally->fault;

	lpr_fault(&tally->fault, why.sqlstate, "source \"%s\": %.300s", scan->source, why.message);
	lpr_fault_detail(&tally->fault, "%s", why.detail);
	lpr_fault_hint(&tally->fault, "%s", why.hint);
	tally->outcome = LPR_OUTCOME_FAILED;
	tally->ended_at = GetCurrentTimestamp();
	lpr_answer_end(tally);
	lpr_tally_report(tally, fail_on_error ? ERROR : WARNING);
}

/* The question, from the values that its conditions have now. */
static LprQuestion
read_question(LprScan *scan)
{
	LprValue *values = evaluate(scan, &scan->key);
	int nconditions = scan->nconditions;

	if (scan->batched)
	{
		/* The join above gathered the plates: one more condition, which the plan could not know. */
		Datum *plates = palloc((scan->batch->nplates + 1) * sizeof(Datum));

		for (int i = 0; i < scan->batch->nplates; i++)
			plates[i] = CStringGetTextDatum(scan->batch->plates[i]);
		scan->conditions[nconditions] = LPR_CONDITION_PLATES;
		scan->guarded[nconditions] = false;
		values[scan->nvalues].value =
			PointerGetDatum(construct_array(plates, scan->batch->nplates, TEXTOID, -1, false, TYPALIGN_INT));
		values[scan->nvalues].isnull = false;
		nconditions++;
	}
	return lpr_question_make(scan->statement, scan->source, nconditions, scan->conditions, scan->guarded, values,
							 &scan->query, &scan->event);
}

/* An error of policy that is raised before the gate is a refusal like those of the gate, and is on record before it is told (U4). */
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
		/* Nothing but the error goes on from here, so what was caught needs no subtransaction. */
		if ((error->sqlerrcode & 0xfff) == (LPR_ERRCODE_NO_ANCHOR & 0xfff))
			lpr_gate_record_error(scan->source, scan->event, error);
		ReThrowError(error);
	}
	return made;
}

/* Makes the question. Sets `wants` when it is one that has to be asked. */
static void
prepare(LprScan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->context);

	refuse_borrowed_session();
	lpr_version_check();
	lpr_outlet_check(scan->node->ss.ps.state->es_plannedstmt, scan->source);
	scan->started = true;
	scan->wants = false;
	if (scan->tally == NULL)
		scan->tally = lpr_tally_add(scan->statement, scan->source, scan->dialect);
	if (make_question(scan) == LPR_QUESTION_ASK)
	{
		LprOptions options;

		scan->query.order = scan->order;
		scan->query.page_size = scan->page_size;
		scan->query.want_images =
			scan->attnums[LPR_COLUMN_PLATE_IMAGE] != 0 || scan->attnums[LPR_COLUMN_VEHICLE_IMAGE] != 0;
		lpr_options_read(GetForeignServer(scan->server)->options, NIL, &options);
		scan->fail_on_error = options.fail_on_error;
		scan->question =
			(LprGateQuestion){.source = scan->source, .query = &scan->query, .event = scan->event, .url = options.url};
		scan->wants = true;
	}
	else if (scan->tally->outcome == LPR_OUTCOME_ASKED)
	{
		scan->tally->outcome = LPR_OUTCOME_COMPLETE;
		scan->tally->ended_at = GetCurrentTimestamp();
	}
	MemoryContextSwitchTo(old);
}

/* Whether the answer is there already. */
static bool
is_kept(const LprScan *scan)
{
	return scan->cache != NULL && lpr_cache_hit(scan->cache);
}

static bool
next_read(LprScan *scan, LprRead *read)
{
	if (is_kept(scan))
		return lpr_cache_next(scan->cache, read);
	if (!lpr_ask_next(scan->ask, read))
		return false;
	if (scan->cache != NULL)
		lpr_cache_keep(scan->cache, read, lpr_ask_fetched_at(scan->ask));
	return true;
}

/* No more of it is read. */
static void
close_answer(LprScan *scan)
{
	if (scan->cache != NULL)
		lpr_cache_close(scan->cache);
	scan->cache = NULL;
	lpr_answer_end(scan->tally);
}

/* The gate has spoken: asks the source, or passes it over. */
static void
start(LprScan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->context);
	LprTally *tally = scan->tally;
	LprSource *source;

	if (scan->question.receipt.refused)
		pass_over(scan, &scan->question.receipt);
	else
	{
		lpr_gate_reference(&scan->question.receipt, scan->query.reference);
		strlcpy(tally->reference, scan->query.reference, sizeof(tally->reference));
		scan->query.reads_max = scan->question.receipt.reads_limit;
		lpr_answer_begin(scan->statement, tally, &scan->question);
		/* The mapping is that of the login, whoever the plan is checked as: identity is the authenticated login. */
		source = lpr_source_hold(scan->server, GetAuthenticatedUserId(), &tally->fault);
		if (source != NULL)
		{
			if (!source->options.uncached)
				scan->cache = lpr_cache_open(scan->context, scan->statement, tally, &scan->question, source->mapping,
											 scan->query.fresh);
			if (is_kept(scan))
				lpr_source_release(source);
			else
				scan->ask = lpr_ask_start(scan->context, scan->statement, source, &scan->query, tally);
			if (scan->query.want_images)
				prepare_images(scan);
		}
		else
			fail_unasked(scan, scan->fail_on_error);
	}
	MemoryContextSwitchTo(old);
}

static void
stop(LprScan *scan)
{
	if (scan->ask != NULL)
		lpr_ask_stop(scan->ask);
	scan->ask = NULL;
	close_answer(scan);
	scan->rows = NULL;
	scan->first_row = scan->nrows = scan->taken = 0;
	scan->no_more = false;
	scan->started = scan->ahead = false;
	MemoryContextReset(scan->context);
}

static bool
is_wrong_mode(const LprTally *tally)
{
	return strcmp(tally->fault.sqlstate, unpack_sql_state(LPR_ERRCODE_WRONG_MODE)) == 0;
}

/* Tells which sources are not asked; an error when that is all of them, lest silence look like "never seen". */
static void
tell_passed_over(LprScan *scan)
{
	ListCell *cell;
	int asked = 0;
	int passed = 0;
	bool alike = true;
	LprTally *only = NULL;

	foreach (cell, scan->statement->scans)
	{
		LprScan *member = lfirst(cell);

		if (strcmp(member->group, scan->group) != 0 || member->tally == NULL)
			continue;
		if (member->tally->outcome != LPR_OUTCOME_PASSED_OVER)
			asked++;
		else
		{
			passed++;
			/* That a source cannot be asked this way matters only when nothing else does. */
			if (only != NULL && is_wrong_mode(member->tally))
				continue;
			alike = only == NULL || is_wrong_mode(only) ||
					(alike && strcmp(only->fault.message, member->tally->fault.message) == 0);
			only = member->tally;
		}
	}
	if (passed == 0)
		return;
	if (asked == 0 && alike)
		lpr_tally_report(only, ERROR); /* one reason for all of them, such as one that lies with the person */
	if (asked == 0)
	{
		StringInfoData reasons;

		initStringInfo(&reasons);
		foreach (cell, scan->statement->scans)
		{
			LprScan *member = lfirst(cell);

			if (strcmp(member->group, scan->group) == 0 && member->tally != NULL)
				appendStringInfo(&reasons, "%s%s", reasons.len > 0 ? "; " : "", member->tally->fault.message);
		}
		ereport(ERROR, (errcode(LPR_ERRCODE_NO_SOURCE), errmsg("no source can be asked this question"),
						errdetail("%s.", reasons.data), errhint("SELECT * FROM lpr.sources;")));
	}
	foreach (cell, scan->statement->scans)
	{
		LprScan *member = lfirst(cell);

		if (strcmp(member->group, scan->group) == 0 && member->tally != NULL && !member->tally->told &&
			member->tally->outcome == LPR_OUTCOME_PASSED_OVER)
		{
			member->tally->told = true;
			ereport(NOTICE, (errmsg("%s", member->tally->fault.message), errhint("%s", member->tally->fault.hint)));
		}
	}
}

/*
 * Starts a scan and with it all that read the same lpr.reads, so that gate and vendors work side by side. A member whose parameters changed, but whose
 * rescan the executor has yet to call, is started for the new ones.
 */
static void
start_group(LprScan *scan)
{
	List *scans = scan->statement->scans;
	LprScan **started = palloc(list_length(scans) * sizeof(LprScan *));
	LprGateQuestion **questions = palloc(list_length(scans) * sizeof(LprGateQuestion *));
	int n = 0;
	ListCell *cell;

	AcceptInvalidationMessages(); /* sources as they are now, also in an open transaction */
	prepare(scan);
	if (scan->wants)
		started[n++] = scan;
	foreach (cell, scans)
	{
		LprScan *member = lfirst(cell);

		if (member == scan || strcmp(member->group, scan->group) != 0)
			continue;
		if (member->node->ss.ps.chgParam != NULL)
		{
			stop(member);
			prepare(member);
			member->ahead = true;
		}
		else if (!member->started)
			prepare(member);
		else
			continue;
		if (member->wants)
			started[n++] = member;
	}
	for (int i = 0; i < n; i++)
		questions[i] = &started[i]->question;
	lpr_gate_ask(questions, n);
	for (int i = 0; i < n; i++)
		start(started[i]);
	pfree(questions);
	pfree(started);
	tell_passed_over(scan);
}

static LprRowFrame
row_frame(const LprScan *scan)
{
	return (LprRowFrame){scan->source,
						 &scan->query,
						 scan->event,
						 scan->statement->thirty_days_ago,
						 is_kept(scan) ? lpr_cache_fetched_at(scan->cache) : lpr_ask_fetched_at(scan->ask),
						 is_kept(scan),
						 scan->cache != NULL ? lpr_cache_expires_at(scan->cache) : 0};
}

static TupleTableSlot *
store(LprScan *scan, TupleTableSlot *slot, const LprRead *read)
{
	LprRowFrame frame = row_frame(scan);
	MemoryContext old = MemoryContextSwitchTo(scan->node->ss.ps.ps_ExprContext->ecxt_per_tuple_memory);

	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < LPR_COLUMNS; i++)
	{
		int attribute = scan->attnums[i] - 1;

		if (attribute >= 0)
			slot->tts_values[attribute] = lpr_row_value(&frame, i, read, &slot->tts_isnull[attribute]);
	}
	MemoryContextSwitchTo(old);
	return ExecStoreVirtualTuple(slot);
}

static void
fill_slot(const LprScan *scan, TupleTableSlot *slot, const AheadRow *row)
{
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < LPR_COLUMNS; i++)
		if (scan->attnums[i] != 0)
		{
			slot->tts_values[scan->attnums[i] - 1] = row->values[i];
			slot->tts_isnull[scan->attnums[i] - 1] = row->nulls[i];
		}
	ExecStoreVirtualTuple(slot);
}

/* Whether a row without its images meets the conditions that look at none. */
static bool
is_worth_images(LprScan *scan, TupleTableSlot *slot, const AheadRow *row)
{
	ExprContext *econtext = scan->node->ss.ps.ps_ExprContext;
	bool worth;

	if (scan->before_images == NULL)
		return true;
	fill_slot(scan, slot, row);
	econtext->ecxt_scantuple = slot;
	worth = ExecQual(scan->before_images, econtext);
	ExecClearTuple(slot);
	if (!worth)
	{
		InstrCountFiltered1(&scan->node->ss, 1);
		ResetExprContext(econtext);
	}
	return worth;
}

/* Takes reads and starts their images until enough are under way. */
static void
fetch_ahead(LprScan *scan, TupleTableSlot *slot)
{
	int rejected = 0;

	/* Once there is a row to return, the others are not looked for through all of the answer. */
	while (scan->nrows < ROWS_AHEAD && !scan->no_more && (scan->nrows == 0 || rejected < READS_AHEAD))
	{
		AheadRow *row = &scan->rows[(scan->first_row + scan->nrows) % ROWS_AHEAD];
		LprRead read;
		LprRowFrame frame;
		MemoryContext old;

		/* Past the rows that will do, only what is really asked for. */
		if (scan->page_size > 0 && scan->taken >= scan->page_size && scan->nrows > 0)
			break;
		if (!next_read(scan, &read))
		{
			scan->no_more = true;
			break;
		}
		frame = row_frame(scan);
		MemoryContextReset(row->context);
		old = MemoryContextSwitchTo(row->context);
		for (int i = 0; i < LPR_COLUMNS; i++)
			if (scan->attnums[i] != 0)
				row->values[i] = lpr_row_value(&frame, i, &read, &row->nulls[i]);
		if (!is_worth_images(scan, slot, row))
		{
			MemoryContextSwitchTo(old);
			rejected++;
			continue;
		}
		scan->taken++;
		row->waits[0] = scan->attnums[LPR_COLUMN_PLATE_IMAGE] != 0 && read.plate_image.data != NULL;
		row->waits[1] = scan->attnums[LPR_COLUMN_VEHICLE_IMAGE] != 0 && read.vehicle_image.data != NULL;
		row->images[0] =
			row->waits[0] ? lpr_image_start(lpr_ask_source(scan->ask), row->context, read.plate_image) : NULL;
		row->images[1] =
			row->waits[1] ? lpr_image_start(lpr_ask_source(scan->ask), row->context, read.vehicle_image) : NULL;
		MemoryContextSwitchTo(old);
		scan->nrows++;
	}
}

static TupleTableSlot *
next_with_images(LprScan *scan, TupleTableSlot *slot)
{
	AheadRow *row;
	MemoryContext old;

	fetch_ahead(scan, slot);
	if (scan->nrows == 0)
		return slot;
	row = &scan->rows[scan->first_row];
	scan->first_row = (scan->first_row + 1) % ROWS_AHEAD;
	scan->nrows--;
	old = MemoryContextSwitchTo(row->context);
	for (int i = 0; i < 2; i++)
	{
		LprColumn column = i == 0 ? LPR_COLUMN_PLATE_IMAGE : LPR_COLUMN_VEHICLE_IMAGE;
		bytea *image = row->waits[i] ? lpr_image_take(scan->tally, row->images[i]) : NULL;

		row->values[column] = PointerGetDatum(image);
		row->nulls[column] = image == NULL;
	}
	MemoryContextSwitchTo(old);
	fill_slot(scan, slot, row);
	return slot;
}

TupleTableSlot *
lpr_iterate_scan(ForeignScanState *node)
{
	LprScan *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;
	LprRead read;

	ExecClearTuple(slot);
	if (scan->ahead)
	{
		/* Started by a sibling before its rescan: is this still the question? */
		MemoryContext old = MemoryContextSwitchTo(node->ss.ps.ps_ExprContext->ecxt_per_tuple_memory);
		char *key;

		evaluate(scan, &key);
		MemoryContextSwitchTo(old);
		if (strcmp(key, scan->key) != 0)
			stop(scan);
		scan->ahead = false;
	}
	if (!scan->started)
		start_group(scan);
	if (scan->ask == NULL && !is_kept(scan))
		return slot;
	if (scan->rows != NULL)
		next_with_images(scan, slot);
	else if (next_read(scan, &read))
		store(scan, slot, &read);
	if (TupIsNull(slot))
	{
		if (!is_kept(scan))
			close_answer(scan);
		else
			lpr_answer_end(scan->tally);
		/* It may turn out late that there is nobody to ask. */
		if (scan->tally->outcome == LPR_OUTCOME_PASSED_OVER && !scan->tally->told)
			tell_passed_over(scan);
	}
	return slot;
}

void
lpr_rescan(ForeignScanState *node)
{
	LprScan *scan = node->fdw_state;

	if (scan != NULL && !scan->ahead)
		stop(scan);
}

void
lpr_end_scan(ForeignScanState *node)
{
	LprScan *scan = node->fdw_state;
	LprStatement *statement;

	if (scan == NULL)
		return;
	statement = scan->statement;
	stop(scan);
	statement->scans = list_delete_ptr(statement->scans, scan);
	if (statement->scans == NIL)
	{
		lpr_answer_await();
		lpr_statement_tell(statement);
	}
}
