/*
 * query_stats.c: statements and their scans, what the client is told of them, and lpr.last_query().
 */
#include "gate/query_stats.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "server/data.h"
#include "server/read_value.h"

/* Statements of this session that still run, and the one that lpr.last_query() tells of. */
static LprStatement *running = NULL;
static LprStatement *last = NULL;

static TimestampTz
moment_before(TimestampTz moment, int months, int days)
{
	Interval span = {.time = 0, .day = days, .month = months};

	/* Counted on the calendar of UTC; the session's time zone does not matter. */
	return DatumGetTimestamp(
		DirectFunctionCall2(timestamp_mi_interval, TimestampGetDatum(moment), IntervalPGetDatum(&span)));
}

TimestampTz
lpr_five_years_before(TimestampTz moment)
{
	return moment_before(moment, 60, 0);
}

/* The executor state goes, by its end or by an error: a record that nobody can ask for any more goes as well. */
static void
statement_over(void *arg)
{
	LprStatement *statement = arg;
	LprStatement **link = &running;

	while (*link != NULL && *link != statement)
		link = &(*link)->next;
	if (*link != NULL)
		*link = statement->next;
	statement->estate = NULL;
	statement->scans = NIL;
	if (statement->broken_off != NULL)
		statement->broken_off(statement);
	for (LprQueryStats *stats = statement->tallies; stats != NULL; stats = stats->next)
	{
		if (stats->ended_at == 0)
			stats->ended_at = GetCurrentTimestamp();
		if (stats->outcome == LPR_OUTCOME_ASKED)
			stats->outcome = LPR_OUTCOME_STOPPED; /* by an error before it was asked, such as that of a sibling */
	}
	if (statement != last)
		MemoryContextDelete(statement->context);
}

LprStatement *
lpr_statement(EState *estate)
{
	MemoryContext context;
	MemoryContextCallback *callback;
	LprStatement *statement;

	for (statement = running; statement != NULL; statement = statement->next)
		if (statement->estate == estate)
			return statement;

	context = AllocSetContextCreate(TopMemoryContext, "lpr statement", ALLOCSET_SMALL_SIZES);
	statement = MemoryContextAllocZero(context, sizeof(LprStatement));
	statement->context = context;
	statement->estate = estate;
	statement->asked_at = GetCurrentTimestamp();
	statement->five_years_ago = lpr_five_years_before(statement->asked_at);
	statement->thirty_days_ago = moment_before(statement->asked_at, 0, 30);

	callback = MemoryContextAllocZero(estate->es_query_cxt, sizeof(MemoryContextCallback));
	callback->func = statement_over;
	callback->arg = statement;
	MemoryContextRegisterResetCallback(estate->es_query_cxt, callback);

	statement->next = running;
	running = statement;
	return statement;
}

LprQueryStats *
lpr_query_stats_add(LprStatement *statement, const char *source, const char *dialect)
{
	LprQueryStats *stats = MemoryContextAllocZero(statement->context, sizeof(LprQueryStats));
	LprQueryStats **link = &statement->tallies;

	/* From its first question on this is the statement that lpr.last_query() tells of. */
	if (last != statement)
	{
		if (last != NULL && last->estate == NULL)
			MemoryContextDelete(last->context);
		last = statement;
	}
	stats->source = MemoryContextStrdup(statement->context, source);
	stats->dialect = dialect;
	stats->asked_at = GetCurrentTimestamp();
	while (*link != NULL)
		link = &(*link)->next;
	*link = stats;
	return stats;
}

bool
lpr_statement_asks(void)
{
	for (const LprStatement *statement = running; statement != NULL; statement = statement->next)
		if (statement->tallies != NULL)
			return true;
	return false;
}

void
lpr_query_stats_forget(void)
{
	if (last != NULL && last->estate == NULL)
		MemoryContextDelete(last->context);
	last = NULL;
}

void
lpr_query_stats_sent(LprStatement *statement, LprQueryStats *stats, const char *shown)
{
	if (stats->nsent < LPR_SENT_SHOWN)
		stats->sent[stats->nsent++] = MemoryContextStrdup(statement->context, shown);
}

void
lpr_query_stats_cost(LprQueryStats *stats, LprHttpCost cost)
{
	stats->requests +=
		cost.requests -
		1; /* the first was counted when it went out, so that none is missing of a statement that is broken off */
	stats->retries += cost.retries;
	stats->bytes += cost.bytes;
}

void
lpr_query_stats_odd(LprQueryStats *stats, const LprOdd *odd, int nodd)
{
	for (int i = 0; i < nodd; i++)
	{
		int at = 0;

		while (at < stats->nodd && strcmp(stats->odd[at].member, odd[i].member) != 0)
			at++;
		at = Min(at, LPR_ODD_MAX - 1);
		if (at == stats->nodd)
			stats->odd[stats->nodd++] = odd[i];
		else
			stats->odd[at].count += odd[i].count;
	}
}

void
lpr_query_stats_report(const LprQueryStats *stats, int level)
{
	const LprFault *fault = &stats->fault;

	ereport(level, (errcode(MAKE_SQLSTATE(fault->sqlstate[0], fault->sqlstate[1], fault->sqlstate[2],
										  fault->sqlstate[3], fault->sqlstate[4])),
					errmsg("%s", fault->message), fault->detail[0] != '\0' ? errdetail("%s", fault->detail) : 0,
					fault->hint[0] != '\0' ? errhint("%s", fault->hint) : 0));
}

void
lpr_query_stats_refresh(LprQueryStats *stats)
{
	LprDataScan row;
	bool isnull = true;

	if (stats->refresh_known || !lpr_data_begin(&row, "source", "name", stats->source))
		return;
	if (lpr_data_next(&row))
	{
		Datum at = lpr_data_get(&row, "refreshed_at", TIMESTAMPTZOID, &isnull);

		if (!isnull)
			stats->refreshed_at = DatumGetTimestampTz(at);
	}
	lpr_data_end(&row);
	stats->refresh_known = true;
}

/* Whether a source of which this one is a scan was told of before. */
static bool
is_repeated(const LprStatement *statement, const LprQueryStats *stats)
{
	for (const LprQueryStats *other = statement->tallies; other != stats; other = other->next)
		if (other->refresh_known && strcmp(other->source, stats->source) == 0)
			return true;
	return false;
}

/* A source that was not refreshed within the last day says so, whatever came of it: nothing may be what is missing. */
static void
tell_stale(const LprStatement *statement)
{
	StringInfoData list;
	int n = 0;

	initStringInfo(&list);
	for (const LprQueryStats *stats = statement->tallies; stats != NULL; stats = stats->next)
	{
		if (!stats->refresh_known || stats->refreshed_at > statement->asked_at - USECS_PER_DAY ||
			is_repeated(statement, stats))
			continue;
		appendStringInfo(&list, "%s%s", n++ > 0 ? ", " : "", stats->source);
		if (stats->refreshed_at != 0)
			appendStringInfo(&list, " (%s)", timestamptz_to_str(stats->refreshed_at));
		else
			appendStringInfoString(&list, " (not on record)");
	}
	if (n > 0)
		ereport(NOTICE, (errmsg_plural("%d source was not refreshed within the last day: %s",
									   "%d sources were not refreshed within the last day: %s", n, n, list.data),
						 errdetail("What its cameras saw since may be missing."),
						 errhint("SELECT source, refreshed_at FROM lpr.sources; a system owner records a refresh with "
								 "lpr.note_refresh(...).")));
	pfree(list.data);
}

/* Who reads an answer without the column that says what a read is not is told it. */
static void
tell_caveat(const LprStatement *statement)
{
	for (const LprQueryStats *stats = statement->tallies; stats != NULL; stats = stats->next)
		if (stats->reads > stats->unmet && !stats->caveat)
		{
			char *caveat = TextDatumGetCString(lpr_caveat_value());

			ereport(NOTICE, (errmsg("%s", caveat)));
			pfree(caveat);
			return;
		}
}

void
lpr_statement_tell(LprStatement *statement)
{
	int64 total = 0;
	int64 images = 0;
	int64 drops[LPR_DROPS] = {0};
	int64 odd = 0;
	StringInfoData reasons;

	for (LprQueryStats *stats = statement->tallies; stats != NULL; stats = stats->next)
	{
		for (int i = 0; i < LPR_DROPS; i++)
		{
			drops[i] += stats->drops[i];
			total += stats->drops[i];
		}
		images += stats->images_missing;
		for (int i = 0; i < stats->nodd; i++)
			odd += stats->odd[i].count;
	}
	if (total > 0)
	{
		initStringInfo(&reasons);
		for (int i = 0; i < LPR_DROPS; i++)
			if (drops[i] > 0)
				appendStringInfo(&reasons, "%s%lld %s", reasons.len > 0 ? ", " : "", (long long) drops[i],
								 lpr_drop_words(i));
		ereport(NOTICE, (errmsg_plural("%lld read was dropped: %s", "%lld reads were dropped: %s",
									   (unsigned long) total, (long long) total, reasons.data),
						 errhint("SELECT source, dropped FROM lpr.last_query();")));
		pfree(reasons.data);
	}
	if (odd > 0)
		ereport(NOTICE,
				(errmsg_plural("%lld odd value was left out", "%lld odd values were left out", (unsigned long) odd,
							   (long long) odd),
				 errdetail("A value of another type or range than its vendor documents is NULL; its read is shown."),
				 errhint("SELECT source, odd_value FROM lpr.last_query();")));
	if (images > 0)
		ereport(NOTICE, (errmsg_plural("%lld image could not be had", "%lld images could not be had",
									   (unsigned long) images, (long long) images)));
	tell_stale(statement);
	tell_caveat(statement);
}

static const char *const outcome_names[] = {
	[LPR_OUTCOME_ASKED] = "asked", [LPR_OUTCOME_COMPLETE] = "complete", [LPR_OUTCOME_STOPPED] = "stopped",
	[LPR_OUTCOME_CUT] = "cut",     [LPR_OUTCOME_FAILED] = "failed",     [LPR_OUTCOME_PASSED_OVER] = "passed_over",
};

const char *
lpr_outcome_name(LprOutcome outcome)
{
	return outcome_names[outcome];
}

static Datum
dropped_json(const LprQueryStats *stats)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	for (int i = 0; i < LPR_DROPS; i++)
		if (stats->drops[i] > 0)
			appendStringInfo(&json, "%s\"%s\": %lld", json.len > 1 ? ", " : "", lpr_drop_name(i),
							 (long long) stats->drops[i]);
	if (stats->unmet > 0)
		appendStringInfo(&json, "%s\"other_condition\": %lld", json.len > 1 ? ", " : "", (long long) stats->unmet);
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

static Datum
odd_json(const LprQueryStats *stats)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	/* Names of members are those that our dialects know: nothing in them is to be escaped. */
	for (int i = 0; i < stats->nodd; i++)
		appendStringInfo(&json, "%s\"%s\": %lld", i > 0 ? ", " : "", stats->odd[i].member,
						 (long long) stats->odd[i].count);
	appendStringInfoChar(&json, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
}

PG_FUNCTION_INFO_V1(lpr_last_query);
Datum
lpr_last_query(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	if (last == NULL)
		return (Datum) 0;
	for (LprQueryStats *stats = last->tallies; stats != NULL; stats = stats->next)
	{
		Datum values[18];
		bool nulls[18] = {false};
		Datum sent[LPR_SENT_SHOWN];
		TimestampTz until = stats->ended_at != 0 ? stats->ended_at : GetCurrentTimestamp();

		for (int i = 0; i < stats->nsent; i++)
			sent[i] = CStringGetTextDatum(stats->sent[i]);
		values[0] = CStringGetTextDatum(stats->source);
		values[1] = CStringGetTextDatum(stats->dialect);
		values[2] = CStringGetTextDatum(outcome_names[stats->outcome]);
		nulls[3] = stats->fault.sqlstate[0] == '\0';
		values[3] = nulls[3] ? (Datum) 0 : CStringGetTextDatum(stats->fault.sqlstate);
		nulls[4] = stats->fault.message[0] == '\0';
		values[4] = nulls[4] ? (Datum) 0 : CStringGetTextDatum(stats->fault.message);
		values[5] = PointerGetDatum(construct_array(sent, stats->nsent, TEXTOID, -1, false, TYPALIGN_INT));
		nulls[6] = stats->requests == 0;
		values[6] = nulls[6] ? (Datum) 0 : CStringGetTextDatum(stats->reference);
		values[7] = Int32GetDatum(stats->requests);
		values[8] = Int32GetDatum(stats->retries);
		values[9] = Int32GetDatum(stats->pages);
		values[10] = Int64GetDatum(stats->bytes);
		values[11] = Int64GetDatum(stats->received);
		values[12] = Int64GetDatum(stats->reads);
		values[13] = dropped_json(stats);
		values[14] = odd_json(stats);
		values[15] = TimestampTzGetDatum(stats->asked_at);
		values[16] = Float8GetDatum((double) (until - stats->asked_at) / 1000.0);
		nulls[17] = stats->refreshed_at == 0;
		values[17] = TimestampTzGetDatum(stats->refreshed_at);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
