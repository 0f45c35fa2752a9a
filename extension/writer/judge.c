/*
 * judge.c: one statement that asks the rules about all questions that wait, and one about all looks at decisions; each
 * in two forms, since of some the second part is remembered.
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
#include "writer/gate_plan.h"
#include "writer/judge_quota.h"
#include "writer/quota.h"
#include "writer/remember.h"

/* Seconds between a change that can be seen and the message of it; less than askers wait. */
#define VOID_WITHIN 5

bool lpr_debug_remembered = false;

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

/* Which of them a row is about. */
static LprCase *
case_of(HeapTuple tuple, TupleDesc desc, List *cases)
{
	bool isnull;
	int place = DatumGetInt32(SPI_getbinval(tuple, desc, PLACE, &isnull));

	if (isnull || place < 1 || place > list_length(cases))
		elog(ERROR, "the gate answered about nothing that was asked");
	return list_nth(cases, place - 1);
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

static void
remember(const LprCase *one, HeapTuple tuple, TupleDesc desc)
{
	LprAccepted accepted;
	bool nobody, never, endless;

	accepted.person_id = DatumGetInt32(SPI_getbinval(tuple, desc, PERSON, &nobody));
	accepted.since = DatumGetTimestampTz(SPI_getbinval(tuple, desc, DECIDED_AT, &never));
	accepted.until = DatumGetTimestampTz(SPI_getbinval(tuple, desc, PERSON_UNTIL, &endless));
	if (!nobody && !never && !endless)
		lpr_remember_keep(&one->record->facts, &accepted, lpr_person_plan());
}

/* How many different plates its answer may show, that nobody named: those of an answer, or what the day has left. */
static int64
plates_limit(HeapTuple tuple, TupleDesc desc, const LprFacts *facts)
{
	TimestampTz now = GetCurrentTimestamp();
	bool none[3];
	int64 each = DatumGetInt64(SPI_getbinval(tuple, desc, PLATES_LIMIT, &none[0]));
	int64 person = DatumGetInt64(SPI_getbinval(tuple, desc, PERSON_PLATES, &none[1]));
	int64 event = DatumGetInt64(SPI_getbinval(tuple, desc, EVENT_PLATES, &none[2]));

	if (facts->mode != LPR_MODE_LOCATION && facts->mode != LPR_MODE_VEHICLE)
		return 0;
	if (none[0] || none[1] || none[2])
		return 1; /* the least that a limit can be */
	person -= lpr_quota_used(LPR_QUOTA_SHOWN, LPR_QUOTA_PERSON, facts->login, now);
	event -= lpr_quota_used(LPR_QUOTA_SHOWN, LPR_QUOTA_EVENT, facts->event.id, now);
	return Max(Min(each, Min(person, event)), 1);
}

/* One row of the gate's answer; whether it lets through. The texts of a refusal are copied into the receipt. */
static bool
take_verdict(HeapTuple tuple, TupleDesc desc, const LprCase *one)
{
	bool isnull, unlimited;
	int64 reads = DatumGetInt64(SPI_getbinval(tuple, desc, READS_LIMIT, &unlimited));
	LprReceipt *receipt = one->receipt;

	receipt->reads_limit = unlimited ? 0 : reads;
	receipt->plates_limit = plates_limit(tuple, desc, &one->record->facts);
	receipt->expires_at = DatumGetTimestampTz(SPI_getbinval(tuple, desc, EXPIRES_AT, &isnull));
	if (isnull)
		receipt->expires_at = 0;
	if (lets_through(tuple, desc))
	{
		receipt->holds_until = DatumGetTimestampTz(SPI_getbinval(tuple, desc, HOLDS_UNTIL, &isnull));
		return true;
	}
	lpr_refuse(receipt, value(tuple, desc, CONTROL), value(tuple, desc, STATE), value(tuple, desc, MESSAGE),
			   value(tuple, desc, DETAIL), value(tuple, desc, HINT));
	return false;
}

/* Those that the whole gate is to decide about. */
static void
ask_gate(List *cases, bool again)
{
	SPITupleTable *table;

	lpr_gate_plan_execute(lpr_gate_plan(again, false), cases, false);
	table = SPI_tuptable;
	for (uint64 row = 0; row < table->numvals; row++)
	{
		LprCase *one = case_of(table->vals[row], table->tupdesc, cases);

		if (take_verdict(table->vals[row], table->tupdesc, one))
			remember(one, table->vals[row], table->tupdesc);
	}
}

/* What is remembered is what would be said now, or the message that voids it is on its way. */
static void
compare(List *cases)
{
	if (cases == NIL)
		return;
	lpr_gate_plan_execute(lpr_person_plan(), cases, true);
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		HeapTuple tuple = SPI_tuptable->vals[row];
		const LprFacts *facts = &case_of(tuple, SPI_tuptable->tupdesc, cases)->record->facts;
		bool isnull;
		bool same = DatumGetBool(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull)) && !isnull;

		if (!same && DatumGetBool(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 3, &isnull)) &&
			!lpr_remember_await_change(VOID_WITHIN))
			elog(PANIC, "lpr remembered a decision that does not hold: login %u, event " INT64_FORMAT ", source %s",
				 facts->login, facts->event.id, NameStr(facts->source));
	}
}

/*
 * Those whose second part is remembered. Returns those that are not let through by that: the whole gate has to say why,
 * or that something is otherwise by now.
 */
static List *
ask_remembered(List *cases, bool again)
{
	List *open = NIL, *through = NIL;
	SPITupleTable *table;

	lpr_gate_plan_execute(lpr_gate_plan(again, true), cases, true);
	table = SPI_tuptable;
	for (uint64 row = 0; row < table->numvals; row++)
	{
		LprCase *one = case_of(table->vals[row], table->tupdesc, cases);

		if (!lets_through(table->vals[row], table->tupdesc))
			open = lappend(open, one);
		else if (take_verdict(table->vals[row], table->tupdesc, one))
			through = lappend(through, one);
	}
	if (lpr_debug_remembered)
		compare(through);
	return open;
}

/* The record of the question that a rest of an answer is of; NULL when it is gone. */
static char *
payload_of(int64 ask)
{
	static SPIPlanPtr plan = NULL;
	Oid type = INT8OID;
	Datum number = Int64GetDatum(ask);
	char *payload;

	if (plan == NULL)
	{
		plan = SPI_prepare("SELECT a.payload FROM lpr_data.audit AS a WHERE a.number = $1", 1, &type);
		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare to read the log: %s", SPI_result_code_string(SPI_result));
	}
	if (SPI_execute_plan(plan, &number, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the record of a question");
	payload = SPI_processed > 0 ? SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1) : NULL;
	return payload != NULL ? pg_server_to_any(payload, strlen(payload), PG_UTF8) : NULL;
}

/* What saved reads are of was looked at when they were asked for. */
static void
take_anchor(LprCase *one, bool again)
{
	const char *payload;

	if (one->record->facts.mode == LPR_MODE_SAVED)
		return;
	if (!again)
		lpr_anchor_of(one->record->payload, one->record->payload_len, &one->anchor);
	else if ((payload = payload_of(one->record->ask)) != NULL)
		lpr_anchor_of(payload, strlen(payload), &one->anchor);
	else
		one->anchor.plates = ""; /* of nothing that is on record: no target */
}

/* Those of a kind: questions, or rests of answers. */
static void
judge(List *records, LprReceipt *receipts, LprAuditKind kind)
{
	List *questions = NIL, *cases = NIL, *whole = NIL, *remembered = NIL;
	bool again = kind == LPR_AUDIT_LOOK;
	int i = 0;
	ListCell *cell;

	foreach (cell, records)
	{
		LprCase *one = palloc0(sizeof(LprCase));

		one->record = lfirst(cell);
		one->receipt = &receipts[i++];
		if (one->record->kind != kind || one->record->facts.mode == LPR_MODE_DISPLAY)
			continue;
		questions = lappend(questions, lfirst(cell));
		cases = lappend(cases, one);
		if (lpr_remember_find(&one->record->facts, &one->accepted))
			remembered = lappend(remembered, one);
		else
			whole = lappend(whole, one);
	}
	if (questions == NIL)
		return;
	SPI_connect();
	foreach (cell, cases)
		take_anchor(lfirst(cell), again);
	lpr_judge_know_quotas();
	if (!again)
		lpr_judge_expect(records);
	if (remembered != NIL)
		whole = list_concat(whole, ask_remembered(remembered, again));
	lpr_queue_count_decisions(list_length(questions), list_length(questions) - list_length(whole));
	if (whole != NIL)
		ask_gate(whole, again);
	SPI_finish();
}

/* A mode that has no limit any more shows the least that one can be. */
void
lpr_judge_limits(List *records, LprReceipt *receipts, int n)
{
	SPI_connect();
	if (SPI_execute("SELECT mode, reads::bigint, plates::bigint FROM lpr_data.search_limit", true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the limits");
	for (int i = 0; i < n; i++)
	{
		LprQueued *record = list_nth(records, i);

		if (record->facts.mode != LPR_MODE_LOCATION && record->facts.mode != LPR_MODE_VEHICLE)
			continue;
		receipts[i].reads_limit = receipts[i].plates_limit = 1;
		for (uint64 row = 0; row < SPI_processed; row++)
		{
			HeapTuple tuple = SPI_tuptable->vals[row];
			bool isnull;

			if (strcmp(value(tuple, SPI_tuptable->tupdesc, 1), lpr_audit_mode_name(record->facts.mode)) != 0)
				continue;
			receipts[i].reads_limit = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 2, &isnull));
			receipts[i].plates_limit = DatumGetInt64(SPI_getbinval(tuple, SPI_tuptable->tupdesc, 3, &isnull));
		}
	}
	SPI_finish();
}

void
lpr_judge(List *records, LprReceipt *receipts)
{
	judge(records, receipts, LPR_AUDIT_ASK);
	judge(records, receipts, LPR_AUDIT_LOOK);
	lpr_judge_usage(records, receipts);
}

void
lpr_judge_forget(void)
{
	lpr_gate_plan_forget();
	lpr_remember_forget();
}
