/*
 * judge_quota.c: what was asked and shown, counted for the gate: from the log when the writer starts, then record by
 * record.
 */
#include "writer/judge_quota.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "writer/quota.h"

/* Of the last day; who asks more than this together is counted from less. */
#define COUNTED_AT_START "200000"

/* Whether its answer shows plates that nobody named. */
static bool
names_none(uint8 mode)
{
	return mode == LPR_MODE_LOCATION || mode == LPR_MODE_VEHICLE;
}

/* What a record counts: a question its plates, and as one at least; an answer what it has shown. */
static int
plates_of(const LprQueued *record)
{
	return record->kind == LPR_AUDIT_ASK ? Max(record->facts.plates, 1) : record->facts.plates;
}

static void
count(Oid login, LprEvent event, TimestampTz at, bool answer, int plates)
{
	void (*add)(LprQuotaScope, int64, TimestampTz, int) = answer ? lpr_quota_show : lpr_quota_ask;

	add(LPR_QUOTA_PERSON, login, at, plates);
	if (event.given)
		add(LPR_QUOTA_EVENT, event.id, at, plates);
}

/* What was asked and shown within the last day. Of a record whose payload is destroyed the least counts. */
void
lpr_judge_know_quotas(void)
{
	TimestampTz day_ago = GetCurrentTimestamp() - USECS_PER_DAY;

	if (lpr_quota_known())
		return;
	if (SPI_execute("SELECT u.oid, a.event_id, a.at, a.kind = 'answer', coalesce(CASE "
					"WHEN a.kind = 'answer' THEN (a.payload::json->>'plates_shown')::integer "
					"WHEN a.payload LIKE '{\"plates\": [\"%\", \"%' THEN json_array_length(a.payload::json->'plates') "
					"END, 1) "
					"FROM (SELECT kind, login, event_id, at, mode, payload FROM lpr_data.audit "
					"ORDER BY number DESC LIMIT " COUNTED_AT_START ") AS a JOIN pg_authid AS u ON u.rolname = a.login "
					"WHERE a.kind = 'ask' OR a.kind = 'answer' AND a.mode IN ('location', 'vehicle') ORDER BY a.at",
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

		if (at >= day_ago)
			count(login, (LprEvent){!no_event, event}, at, DatumGetBool(SPI_getbinval(tuple, desc, 4, &isnull)),
				  DatumGetInt32(SPI_getbinval(tuple, desc, 5, &isnull)));
	}
}

void
lpr_judge_expect(List *records)
{
	ListCell *cell;

	lpr_quota_begin_batch();
	foreach (cell, records)
	{
		const LprQueued *record = lfirst(cell);
		const LprFacts *facts = &record->facts;
		int asked = record->kind == LPR_AUDIT_ASK && facts->mode != LPR_MODE_DISPLAY ? plates_of(record) : 0;
		int shown = record->kind == LPR_AUDIT_ANSWER && names_none(facts->mode) ? plates_of(record) : 0;

		if (asked + shown == 0)
			continue;
		lpr_quota_expect(LPR_QUOTA_PERSON, facts->login, asked, shown);
		if (facts->event.given)
			lpr_quota_expect(LPR_QUOTA_EVENT, facts->event.id, asked, shown);
	}
}

void
lpr_judge_count(List *records, const LprReceipt *receipts, int first)
{
	TimestampTz now = GetCurrentTimestamp();

	lpr_quota_end_batch();
	for (int i = first; i < list_length(records) && lpr_quota_known(); i++)
	{
		const LprQueued *record = list_nth(records, i);
		bool answer = record->kind == LPR_AUDIT_ANSWER && names_none(record->facts.mode);

		if (record->facts.mode != LPR_MODE_DISPLAY &&
			(answer || (record->kind == LPR_AUDIT_ASK && !receipts[i].refused)))
			count(record->facts.login, record->facts.event, now, answer, plates_of(record));
	}
}

static void
tell_usage(const LprFacts *facts, LprUsage *usage)
{
	TimestampTz now = GetCurrentTimestamp();

	memset(usage, 0, sizeof(*usage));
	usage->known = true;
	for (int scope = 0; scope < LPR_QUOTA_SCOPES; scope++)
	{
		int64 id = scope == LPR_QUOTA_PERSON ? (int64) facts->login : facts->event.id;

		for (int of = 0; of < LPR_QUOTA_OFS && (scope == LPR_QUOTA_PERSON || facts->event.given); of++)
		{
			int64 used = lpr_quota_used(of, scope, id, now);

			usage->used[scope][of] = used;
			usage->until[scope][of] = used > 0 ? lpr_quota_until(of, scope, id, used - 1, now) : 0;
		}
	}
}

void
lpr_judge_usage(List *records, LprReceipt *receipts)
{
	StaticAssertStmt(sizeof(LprUsage) <= LPR_TEXTS_ROOM, "what is used fits into the texts of a receipt");
	for (int i = 0; i < list_length(records); i++)
	{
		const LprQueued *record = list_nth(records, i);
		LprUsage usage;

		if (record->kind != LPR_AUDIT_USAGE)
			continue;
		SPI_connect();
		lpr_judge_know_quotas();
		SPI_finish();
		tell_usage(&record->facts, &usage);
		memcpy(receipts[i].texts, &usage, sizeof(usage));
	}
}

/* Whose counter, of what, by the first arguments (scope, of, login, event_id); false: of none that is named. */
static bool
take_arguments(FunctionCallInfo fcinfo, LprQuotaScope *scope, LprQuotaOf *of, int64 *id)
{
	char *name;

	if (!lpr_quota_known())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("only the audit writer knows how much was asked")));
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return false;
	*scope = strcmp(text_to_cstring(PG_GETARG_TEXT_PP(0)), "person") == 0 ? LPR_QUOTA_PERSON : LPR_QUOTA_EVENT;
	name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	*of = strcmp(name, "hour") == 0 ? LPR_QUOTA_HOUR : strcmp(name, "day") == 0 ? LPR_QUOTA_DAY : LPR_QUOTA_SHOWN;
	if (PG_ARGISNULL(*scope == LPR_QUOTA_PERSON ? 2 : 3))
		return false;
	*id = *scope == LPR_QUOTA_PERSON ? (int64) PG_GETARG_OID(2) : PG_GETARG_INT64(3);
	return true;
}

/* lpr_data.used(scope, of, login, event_id): for the gate. */
PG_FUNCTION_INFO_V1(lpr_judge_used);
Datum
lpr_judge_used(PG_FUNCTION_ARGS)
{
	LprQuotaScope scope;
	LprQuotaOf of;
	int64 id;

	if (!take_arguments(fcinfo, &scope, &of, &id))
		PG_RETURN_NULL();
	PG_RETURN_INT64(lpr_quota_used(of, scope, id, GetCurrentTimestamp()));
}

/* lpr_data.used_until(scope, of, login, event_id, most): likewise. */
PG_FUNCTION_INFO_V1(lpr_judge_used_until);
Datum
lpr_judge_used_until(PG_FUNCTION_ARGS)
{
	LprQuotaScope scope;
	LprQuotaOf of;
	int64 id;
	TimestampTz until;

	if (!take_arguments(fcinfo, &scope, &of, &id) || PG_ARGISNULL(4))
		PG_RETURN_NULL();
	until = lpr_quota_until(of, scope, id, PG_GETARG_INT64(4), GetCurrentTimestamp());
	if (until == 0)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(until);
}
