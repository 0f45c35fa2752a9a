#include "writer/judge.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/audit_row.h"
#include "writer/quota.h"

/* The numbers of places in the gate's call, and of the columns of its answer. */
enum
{
	LOGIN,
	SAME_USER,
	REMOTE,
	ENCRYPTED,
	CLIENT,
	AGREED,
	SOURCE,
	MODE,
	EVENT_ID,
	SINCE,
	UNTIL,
	RADIUS_M,
	ADDRESS_LENGTH,
	GATE_COLUMNS
};

/* Of the last day; who asks more than this together is counted from less. */
#define COUNTED_AT_START "200000"

static SPIPlanPtr gate_plan = NULL;

static void
prepare_gate(void)
{
	Oid types[GATE_COLUMNS] = {
		[LOGIN] = OIDARRAYOID,          [SAME_USER] = BOOLARRAYOID,    [REMOTE] = BOOLARRAYOID,
		[ENCRYPTED] = BOOLARRAYOID,     [CLIENT] = BOOLARRAYOID,       [AGREED] = INT4ARRAYOID,
		[SOURCE] = TEXTARRAYOID,        [MODE] = TEXTARRAYOID,         [EVENT_ID] = INT8ARRAYOID,
		[SINCE] = TIMESTAMPTZARRAYOID,  [UNTIL] = TIMESTAMPTZARRAYOID, [RADIUS_M] = FLOAT8ARRAYOID,
		[ADDRESS_LENGTH] = INT4ARRAYOID};
	SPIPlanPtr plan;

	if (gate_plan != NULL)
		return;
	/* One plan for all batches: planning costs more than deciding. It is made anew when anything that it rests on changes. */
	plan = SPI_prepare_cursor(
		"SELECT q.place::integer, g.control, g.sqlstate, g.message, g.detail, g.hint, l.reads::bigint, g.refuses, "
		/* the moment by a subquery: a volatile argument would keep the function from being inlined */
		"(SELECT lpr_data.cache_expiry(n.moment, c.keep) FROM lpr_data.cache_time AS c, "
		"(SELECT clock_timestamp() AS moment OFFSET 0) AS n) "
		"FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) WITH ORDINALITY AS q "
		"(login, same_user, remote, encrypted, client, agreed, source, mode, event_id, since, until, "
		"radius_m, address_length, place) "
		"LEFT JOIN lpr_data.search_limit AS l ON l.mode = q.mode "
		"LEFT JOIN LATERAL (SELECT true AS refuses, r.* FROM lpr_data.gate(q.login, q.same_user, q.remote, "
		"q.encrypted, q.client, q.agreed, q.source, q.mode, q.event_id, q.since, q.until, q.radius_m, "
		"q.address_length) AS r) AS g ON true",
		GATE_COLUMNS, types, CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "could not prepare the gate: %s", SPI_result_code_string(SPI_result));
	SPI_keepplan(plan);
	gate_plan = plan;
}

void
lpr_refuse(LprReceipt *receipt, const char *control, const char *sqlstate, const char *message, const char *detail,
		   const char *hint)
{
	/* Whole characters, and no more than whoever shows them has room for. */
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
expect_all(List *records)
{
	ListCell *cell;

	lpr_quota_begin_batch();
	foreach (cell, records)
	{
		LprQueued *record = lfirst(cell);

		if (record->kind != LPR_AUDIT_ASK)
			continue;
		lpr_quota_expect(LPR_QUOTA_PERSON, record->login);
		if (record->has_event)
			lpr_quota_expect(LPR_QUOTA_EVENT, record->event_id);
	}
}

void
lpr_judge(List *records, LprReceipt *receipts)
{
	static const struct
	{
		Oid type;
		int len;
		bool by_value;
		char align;
	} of[GATE_COLUMNS] = {
		[LOGIN] = {OIDOID, sizeof(Oid), true, TYPALIGN_INT},
		[SAME_USER] = {BOOLOID, 1, true, TYPALIGN_CHAR},
		[REMOTE] = {BOOLOID, 1, true, TYPALIGN_CHAR},
		[ENCRYPTED] = {BOOLOID, 1, true, TYPALIGN_CHAR},
		[CLIENT] = {BOOLOID, 1, true, TYPALIGN_CHAR},
		[AGREED] = {INT4OID, 4, true, TYPALIGN_INT},
		[SOURCE] = {TEXTOID, -1, false, TYPALIGN_INT},
		[MODE] = {TEXTOID, -1, false, TYPALIGN_INT},
		[EVENT_ID] = {INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE},
		[SINCE] = {TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE},
		[UNTIL] = {TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE},
		[RADIUS_M] = {FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE},
		[ADDRESS_LENGTH] = {INT4OID, 4, true, TYPALIGN_INT},
	};
	int n = 0;
	int total = list_length(records);
	int *places = palloc(total * sizeof(int));
	Datum *columns[GATE_COLUMNS];
	bool *nulls[GATE_COLUMNS];
	Datum values[GATE_COLUMNS];
	ListCell *cell;
	MemoryContext context = CurrentMemoryContext;
	int i = 0;

	for (int c = 0; c < GATE_COLUMNS; c++)
	{
		columns[c] = palloc(total * sizeof(Datum));
		nulls[c] = palloc0(total * sizeof(bool));
	}
	foreach (cell, records)
	{
		LprQueued *record = lfirst(cell);
		const char *mode = lpr_audit_mode_name(record->mode);

		if (record->kind == LPR_AUDIT_ASK)
		{
			columns[LOGIN][n] = ObjectIdGetDatum(record->login);
			columns[SAME_USER][n] = BoolGetDatum(record->same_user);
			columns[REMOTE][n] = BoolGetDatum(record->remote);
			columns[ENCRYPTED][n] = BoolGetDatum(record->encrypted);
			columns[CLIENT][n] = BoolGetDatum(record->client);
			nulls[AGREED][n] = record->agreed == 0;
			columns[AGREED][n] = Int32GetDatum(record->agreed);
			columns[SOURCE][n] = CStringGetTextDatum(NameStr(record->source));
			nulls[MODE][n] = mode == NULL;
			columns[MODE][n] = mode != NULL ? CStringGetTextDatum(mode) : (Datum) 0;
			nulls[EVENT_ID][n] = !record->has_event;
			columns[EVENT_ID][n] = Int64GetDatum(record->event_id);
			columns[SINCE][n] = TimestampTzGetDatum(record->from);
			columns[UNTIL][n] = TimestampTzGetDatum(record->until);
			nulls[RADIUS_M][n] = record->radius_m <= 0;
			columns[RADIUS_M][n] = Float8GetDatum(record->radius_m);
			columns[ADDRESS_LENGTH][n] = Int32GetDatum(record->address_length);
			places[n++] = i;
		}
		i++;
	}
	if (n == 0)
		return;
	for (int c = 0; c < GATE_COLUMNS; c++)
	{
		int lower = 1;

		values[c] = PointerGetDatum(construct_md_array(columns[c], nulls[c], 1, &n, &lower, of[c].type, of[c].len,
													   of[c].by_value, of[c].align));
	}
	SPI_connect();
	if (!lpr_quota_known())
		fill_quotas();
	expect_all(records);
	prepare_gate();
	if (SPI_execute_plan(gate_plan, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the gate did not answer");
	if (SPI_processed != (uint64) n)
		elog(ERROR, "the gate did not answer about all that was asked");
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		HeapTuple tuple = SPI_tuptable->vals[row];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool isnull, unlimited, let_through;
		int place = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull));
		int64 reads = DatumGetInt64(SPI_getbinval(tuple, desc, 7, &unlimited));
		MemoryContext old;

		if (isnull || place < 1 || place > n)
			elog(ERROR, "the gate answered about nothing that was asked");
		receipts[places[place - 1]].reads_limit = unlimited ? 0 : reads;
		receipts[places[place - 1]].expires_at = DatumGetTimestampTz(SPI_getbinval(tuple, desc, 9, &isnull));
		if (isnull)
			receipts[places[place - 1]].expires_at = 0;
		(void) SPI_getbinval(tuple, desc, 8, &let_through); /* whatever stands in a row of the gate's, it refuses */
		if (let_through)
			continue;
		old = MemoryContextSwitchTo(context);
		lpr_refuse(&receipts[places[place - 1]], value(tuple, desc, 2), value(tuple, desc, 3), value(tuple, desc, 4),
				   value(tuple, desc, 5), value(tuple, desc, 6));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
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
			lpr_quota_count(LPR_QUOTA_PERSON, record->login, now);
			if (record->has_event)
				lpr_quota_count(LPR_QUOTA_EVENT, record->event_id, now);
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
	if (gate_plan != NULL)
		SPI_freeplan(gate_plan);
	gate_plan = NULL;
}
