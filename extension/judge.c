#include "judge.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit_row.h"

#define GATE_COLUMNS 9

static SPIPlanPtr gate_plan = NULL;

static Datum
array_of(Datum *values, int n, Oid type, int len, bool by_value, char align)
{
	return PointerGetDatum(construct_array(values, n, type, len, by_value, align));
}

static Datum
optional_array(Datum *values, bool *nulls, int n, Oid type, int len, bool by_value, char align)
{
	int lower = 1;

	return PointerGetDatum(construct_md_array(values, nulls, 1, &n, &lower, type, len, by_value, align));
}

static void
prepare_gate(void)
{
	Oid types[GATE_COLUMNS] = {OIDARRAYOID,  BOOLARRAYOID, BOOLARRAYOID,        BOOLARRAYOID,       TEXTARRAYOID,
							   TEXTARRAYOID, INT8ARRAYOID, TIMESTAMPTZARRAYOID, TIMESTAMPTZARRAYOID};
	SPIPlanPtr plan;

	if (gate_plan != NULL)
		return;
	/* One plan for all batches: planning costs more than deciding. It is made anew when anything that it rests on changes. */
	plan = SPI_prepare_cursor("SELECT q.place::integer, g.control, g.sqlstate, g.message, g.detail, g.hint "
							  "FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY AS q "
							  "(login, same_user, remote, encrypted, source, mode, event_id, since, until, place) "
							  "CROSS JOIN LATERAL lpr_data.gate(q.login, q.same_user, q.remote, q.encrypted, q.source, "
							  "q.mode, q.event_id, q.since, q.until) AS g",
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
		int len = texts[i] != NULL ? pg_mbcliplen(texts[i], strlen(texts[i]), Min(room, most[i])) : 0;

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

void
lpr_judge(List *records, LprReceipt *receipts)
{
	int n = 0;
	int total = list_length(records);
	int *places = palloc(total * sizeof(int));
	Datum *columns[GATE_COLUMNS];
	bool *no_event = palloc0(total * sizeof(bool));
	bool *no_mode = palloc0(total * sizeof(bool));
	Datum values[GATE_COLUMNS];
	ListCell *cell;
	MemoryContext context = CurrentMemoryContext;
	int i = 0;

	for (int c = 0; c < GATE_COLUMNS; c++)
		columns[c] = palloc(total * sizeof(Datum));
	foreach (cell, records)
	{
		LprQueued *record = lfirst(cell);
		const char *mode = lpr_audit_mode_name(record->mode);

		if (record->kind == LPR_AUDIT_ASK)
		{
			columns[0][n] = ObjectIdGetDatum(record->login);
			columns[1][n] = BoolGetDatum(record->same_user);
			columns[2][n] = BoolGetDatum(record->remote);
			columns[3][n] = BoolGetDatum(record->encrypted);
			columns[4][n] = CStringGetTextDatum(NameStr(record->source));
			no_mode[n] = mode == NULL;
			columns[5][n] = mode != NULL ? CStringGetTextDatum(mode) : (Datum) 0;
			no_event[n] = !record->has_event;
			columns[6][n] = Int64GetDatum(record->event_id);
			columns[7][n] = TimestampTzGetDatum(record->from);
			columns[8][n] = TimestampTzGetDatum(record->until);
			places[n++] = i;
		}
		i++;
	}
	if (n == 0)
		return;
	values[0] = array_of(columns[0], n, OIDOID, sizeof(Oid), true, TYPALIGN_INT);
	values[1] = array_of(columns[1], n, BOOLOID, 1, true, TYPALIGN_CHAR);
	values[2] = array_of(columns[2], n, BOOLOID, 1, true, TYPALIGN_CHAR);
	values[3] = array_of(columns[3], n, BOOLOID, 1, true, TYPALIGN_CHAR);
	values[4] = array_of(columns[4], n, TEXTOID, -1, false, TYPALIGN_INT);
	values[5] = optional_array(columns[5], no_mode, n, TEXTOID, -1, false, TYPALIGN_INT);
	values[6] = optional_array(columns[6], no_event, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	values[7] = array_of(columns[7], n, TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	values[8] = array_of(columns[8], n, TIMESTAMPTZOID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
	SPI_connect();
	prepare_gate();
	if (SPI_execute_plan(gate_plan, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the gate did not answer");
	for (uint64 row = 0; row < SPI_processed; row++)
	{
		HeapTuple tuple = SPI_tuptable->vals[row];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool isnull;
		int place = DatumGetInt32(SPI_getbinval(tuple, desc, 1, &isnull));
		MemoryContext old;

		if (isnull || place < 1 || place > n)
			elog(ERROR, "the gate answered about nothing that was asked");
		old = MemoryContextSwitchTo(context);
		lpr_refuse(&receipts[places[place - 1]], value(tuple, desc, 2), value(tuple, desc, 3), value(tuple, desc, 4),
				   value(tuple, desc, 5), value(tuple, desc, 6));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
}

void
lpr_judge_forget_plan(void)
{
	if (gate_plan != NULL)
		SPI_freeplan(gate_plan);
	gate_plan = NULL;
}
