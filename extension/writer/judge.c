/*
 * judge.c: one statement that asks the rules about all questions that wait, and one about all looks at decisions.
 */
#include "writer/judge.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"

#include "audit/audit_row.h"
#include "core/query.h"
#include "server/data.h"
#include "writer/anchor.h"
#include "writer/quota.h"

/* The columns of its answer. */
enum
{
	PLACE = 1,
	CONTROL,
	STATE,
	MESSAGE,
	DETAIL,
	HINT,
	READS_LIMIT,
	HOLDS_UNTIL,
	EXPIRES_AT
};

/* Of the last day; who asks more than this together is counted from less. */
#define COUNTED_AT_START "200000"

static SPIPlanPtr gate_plans[2] = {NULL, NULL}; /* of questions, and of the rests of answers */

/* "$1, $2, ..." or "login, same_user, ...": one for each fact, in the gate's order. */
static char *
list_facts(bool by_name)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < LPR_FACTS; i++)
		if (by_name)
			appendStringInfo(&list, "%s%s", i > 0 ? ", " : "", lpr_facts[i].name);
		else
			appendStringInfo(&list, "%s$%d", i > 0 ? ", " : "", i + 1);
	return list.data;
}

/* The columns of lpr_data.question, out of what was handed over. */
static char *
list_columns(void)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < LPR_FACTS; i++)
		appendStringInfo(&list, lpr_facts[i].kind == LPR_FACT_PLATES ? "%sstring_to_array(q.%s, ' ')" : "%sq.%s",
						 i > 0 ? ", " : "", lpr_facts[i].name);
	return list.data;
}

/* The facts are handed over by their place. */
static void
check_question(void)
{
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("question"),
							   ObjectIdGetDatum(lpr_data_schema()));
	TupleDesc desc;

	if (!OidIsValid(type))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("type lpr_data.question does not exist")));
	desc = lookup_rowtype_tupdesc(type, -1);
	lpr_facts_check(desc);
	ReleaseTupleDesc(desc);
}

static void
prepare_gate(bool again)
{
	Oid types[LPR_FACTS];
	SPIPlanPtr plan;
	char *query;

	if (gate_plans[again] != NULL)
		return;
	check_question();
	for (int i = 0; i < LPR_FACTS; i++)
		types[i] = get_array_type(lpr_fact_value_type(&lpr_facts[i]));
	query = psprintf(
		"SELECT q.number::integer, g.control, g.sqlstate, g.message, g.detail, g.hint, l.reads::bigint, g.holds_until, "
		/* the moment by a subquery: a volatile argument would keep the function from being inlined */
		"(SELECT lpr_data.cache_expiry(n.moment, c.keep) FROM lpr_data.cache_time AS c, "
		"(SELECT clock_timestamp() AS moment OFFSET 0) AS n) "
		"FROM unnest(%s) WITH ORDINALITY AS q (%s, number) "
		"LEFT JOIN lpr_data.search_limit AS l ON l.mode = q.mode "
		"LEFT JOIN LATERAL lpr_data.gate(ROW(%s)::lpr_data.question, %s) AS g ON true",
		list_facts(false), list_facts(true), list_columns(), again ? "true" : "false");
	/*
	 * One plan for all batches: planning costs more than deciding. It is made anew when anything that it rests on
	 * changes.
	 */
	plan = SPI_prepare_cursor(query, LPR_FACTS, types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "could not prepare the gate: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	gate_plans[again] = plan;
}

void
lpr_refuse(LprReceipt *receipt, const char *control, const char *sqlstate, const char *message, const char *detail,
		   const char *hint)
{
	/* Whole characters, and no more than the receiver has room for. */
	const char *const texts[] = {message[0] != '\0' ? message : "the question was refused", detail, hint};
	const int most[] = {sizeof(((LprFault *) 0)->message) - 1, sizeof(((LprFault *) 0)->detail) - 1,
						sizeof(((LprFault *) 0)->hint) - 1};
	char *out = receipt->texts;
	size_t room = sizeof(receipt->texts) - lengthof(texts);

	receipt->refused = true;
	memset(receipt->control, 0, sizeof(receipt->control));
	memcpy(receipt->control, control, pg_mbcliplen(control, strlen(control), sizeof(receipt->control) - 1));
	/* A refusal without a proper SQLSTATE is one all the same. */
	if (strlen(sqlstate) != 5 || strspn(sqlstate, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5 || sqlstate[0] == '0')
		sqlstate = unpack_sql_state(ERRCODE_INSUFFICIENT_PRIVILEGE);
	strlcpy(receipt->sqlstate, sqlstate, sizeof(receipt->sqlstate));
	for (size_t i = 0; i < lengthof(texts); i++)
	{
		int len = texts[i] != NULL ? pg_mbcliplen(texts[i], strlen(texts[i]), (int) Min(room, (size_t) most[i])) : 0;

		memcpy(out, texts[i] != NULL ? texts[i] : "", len);
		out[len] = '\0';
		out += len + 1;
		room -= len;
	}
}

static char *
value(HeapTuple tuple, TupleDesc desc, int column)
{
	char *text = SPI_getvalue(tuple, desc, column);

	return text != NULL ? text : "";
}

/* What was asked within the last day, from the log: once, before the first question is judged. */
static void
fill_quotas(void)
{
	TimestampTz day_ago = GetCurrentTimestamp() - USECS_PER_DAY;

	if (SPI_execute("SELECT u.oid, a.event_id, a.at FROM (SELECT kind, login, event_id, at FROM lpr_data.audit "
					"ORDER BY number DESC LIMIT " COUNTED_AT_START ") AS a JOIN pg_authid AS u ON u.rolname = a.login "
					"WHERE a.kind = 'ask' ORDER BY a.at",
					true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not count the questions of the last day");
	lpr_quota_begin();
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		HeapTuple tuple = SPI_tuptable->vals[row];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool isnull, no_event;
		Oid login = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
		int64 event = DatumGetInt64(SPI_getbinval(tuple, desc, 2, &no_event));
		TimestampTz at = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 3, &isnull));

		if (at < day_ago)
			continue;
		lpr_quota_count(LPR_QUOTA_PERSON, login, at);
		if (!no_event)
			lpr_quota_count(LPR_QUOTA_EVENT, event, at);
	}
}

static void
expect_all(List *questions)
{
	ListCell *cell;

	lpr_quota_begin_batch();
	foreach (cell, questions)
	{
		const LprFacts *facts = &((LprQueued *) lfirst(cell))->facts;

		lpr_quota_expect(LPR_QUOTA_PERSON, facts->login);
		if (facts->event.given)
			lpr_quota_expect(LPR_QUOTA_EVENT, facts->event.id);
	}
}

/* One fact of all questions, as the array that the statement takes. */
static Datum
facts_array(List *questions, const LprAnchor *anchors, const LprFact *fact)
{
	int n = list_length(questions);
	int lower = 1;
	Datum *values = palloc(n * sizeof(Datum));
	bool *nulls = palloc(n * sizeof(bool));
	Oid type = lpr_fact_value_type(fact);
	int16 len;
	bool by_value;
	char align;
	int i = 0;
	ListCell *cell;

	foreach (cell, questions)
	{
		values[i] = lpr_fact_value(&((LprQueued *) lfirst(cell))->facts, &anchors[i], fact, &nulls[i]);
		i++;
	}
	get_typlenbyvalalign(type, &len, &by_value, &align);
	return PointerGetDatum(construct_md_array(values, nulls, 1, &n, &lower, type, len, by_value, align));
}

/*
 * Whether a row of the gate's lets through: it says until when, and nothing that a refusal says. No row is none of
 * these.
 */
static bool
lets_through(HeapTuple tuple, TupleDesc desc)
{
	bool isnull;

	(void) SPI_getbinval(tuple, desc, HOLDS_UNTIL, &isnull);
	for (int column = CONTROL; !isnull && column <= HINT; column++)
	{
		bool silent;

		(void) SPI_getbinval(tuple, desc, column, &silent);
		isnull = !silent;
	}
	return !isnull;
}

/* One row of the gate's answer. The texts of a refusal are copied into the receipt. */
static void
take_verdict(HeapTuple tuple, TupleDesc desc, LprReceipt **receipts, int n)
{
	bool isnull, unlimited;
	int place = DatumGetInt32(SPI_getbinval(tuple, desc, PLACE, &isnull));
	int64 reads = DatumGetInt64(SPI_getbinval(tuple, desc, READS_LIMIT, &unlimited));
	LprReceipt *receipt;

	if (isnull || place < 1 || place > n)
		elog(ERROR, "the gate answered about nothing that was asked");
	receipt = receipts[place - 1];
	receipt->reads_limit = unlimited ? 0 : reads;
	receipt->expires_at = DatumGetTimestampTz(SPI_getbinval(tuple, desc, EXPIRES_AT, &isnull));
	if (isnull)
		receipt->expires_at = 0;
	if (lets_through(tuple, desc))
		receipt->holds_until = DatumGetTimestampTz(SPI_getbinval(tuple, desc, HOLDS_UNTIL, &isnull));
	else
		lpr_refuse(receipt, value(tuple, desc, CONTROL), value(tuple, desc, STATE), value(tuple, desc, MESSAGE),
				   value(tuple, desc, DETAIL), value(tuple, desc, HINT));
}

/* Those of a kind: questions, or rests of answers. */
static void
judge(List *records, LprReceipt *receipts, LprAuditKind kind)
{
	List *questions = NIL;
	LprReceipt **theirs = palloc(list_length(records) * sizeof(LprReceipt *));
	LprAnchor *anchors = palloc0(list_length(records) * sizeof(LprAnchor));
	Datum facts[LPR_FACTS];
	bool again = kind == LPR_AUDIT_LOOK;
	int n = 0;
	int i = 0;
	ListCell *cell;

	foreach (cell, records)
	{
		LprQueued *record = lfirst(cell);

		if (record->kind == kind)
		{
			questions = lappend(questions, record);
			if (!again && record->facts.mode != LPR_MODE_SAVED)
				lpr_anchor_of(record, &anchors[n]);
			theirs[n++] = &receipts[i];
		}
		i++;
	}
	if (n == 0)
		return;
	for (int f = 0; f < LPR_FACTS; f++)
		facts[f] = facts_array(questions, anchors, &lpr_facts[f]);
	SPI_connect();
	if (!lpr_quota_known())
		fill_quotas();
	if (!again)
		expect_all(questions);
	prepare_gate(again);
	/* model: judge */
	if (SPI_execute_plan(gate_plans[again], facts, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the gate did not answer");
	if (SPI_processed != (uint64) n)
		elog(ERROR, "the gate did not answer about all that was asked");
	for (uint64 row = 0; row < SPI_processed; row++)
		take_verdict(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, theirs, n);
	SPI_finish();
}

/* A mode that has no limit any more shows the least that one can be. */
void
lpr_judge_limits(List *records, LprReceipt *receipts, int n)
{
	SPI_connect();
	if (SPI_execute("SELECT mode, reads::bigint FROM lpr_data.search_limit", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the limits");
	for (int i = 0; i < n; i++)
	{
		LprQueued *record = list_nth(records, i);

		if (record->facts.mode != LPR_MODE_LOCATION && record->facts.mode != LPR_MODE_VEHICLE)
			continue;
		receipts[i].reads_limit = 1;
		for (uint64 row = 0; row < SPI_processed; row++)
		{
			HeapTuple tuple = SPI_tuptable->vals[row];
			bool isnull;

			if (strcmp(value(tuple, SPI_tuptable->tupdesc, 1), lpr_audit_mode_name(record->facts.mode)) == 0)
				receipts[i].reads_limit = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull));
		}
	}
	SPI_finish();
}

void
lpr_judge(List *records, LprReceipt *receipts)
{
	judge(records, receipts, LPR_AUDIT_ASK);
	judge(records, receipts, LPR_AUDIT_LOOK);
}

void
lpr_judge_count(List *records, const LprReceipt *receipts)
{
	ListCell *cell;
	TimestampTz now = GetCurrentTimestamp();
	int i = 0;

	foreach (cell, records)
	{
		LprQueued *record = lfirst(cell);

		if (record->kind == LPR_AUDIT_ASK && !receipts[i].refused && lpr_quota_known())
		{
			lpr_quota_count(LPR_QUOTA_PERSON, record->facts.login, now);
			if (record->facts.event.given)
				lpr_quota_count(LPR_QUOTA_EVENT, record->facts.event.id, now);
		}
		i++;
	}
}

/* lpr_data.asked(scope, per, login, event_id): for the gate. */
PG_FUNCTION_INFO_V1(lpr_judge_asked);
Datum
lpr_judge_asked(PG_FUNCTION_ARGS)
{
	LprQuotaScope scope;
	bool day;
	int64 id;

	if (!lpr_quota_known())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("only the audit writer knows how much was asked")));
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	scope = strcmp(text_to_cstring(PG_GETARG_TEXT_PP(0)), "person") == 0 ? LPR_QUOTA_PERSON : LPR_QUOTA_EVENT;
	day = strcmp(text_to_cstring(PG_GETARG_TEXT_PP(1)), "day") == 0;
	if (PG_ARGISNULL(scope == LPR_QUOTA_PERSON ? 2 : 3))
		PG_RETURN_NULL();
	id = scope == LPR_QUOTA_PERSON ? (int64) PG_GETARG_OID(2) : PG_GETARG_INT64(3);
	PG_RETURN_INT64(lpr_quota_asked(scope, id, day, GetCurrentTimestamp()));
}

void
lpr_judge_forget_plan(void)
{
	for (int i = 0; i < 2; i++)
	{
		if (gate_plans[i] != NULL)
			SPI_freeplan(gate_plans[i]);
		gate_plans[i] = NULL;
	}
}
