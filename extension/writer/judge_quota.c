/*
 * judge_quota.c: what was asked, counted for the gate: from the log when the writer starts, then question by question.
 */
#include "writer/judge_quota.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "writer/quota.h"

/* Of the last day; who asks more than this together is counted from less. */
#define COUNTED_AT_START "200000"

/* What was asked within the last day. */
void
lpr_judge_know_quotas(void)
{
	TimestampTz day_ago = GetCurrentTimestamp() - USECS_PER_DAY;

	if (lpr_quota_known())
		return;
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

void
lpr_judge_expect(List *questions)
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

void
lpr_judge_count(List *records, const LprReceipt *receipts, int first)
{
	TimestampTz now = GetCurrentTimestamp();

	for (int i = first; i < list_length(records); i++)
	{
		const LprQueued *record = list_nth(records, i);

		if (record->kind == LPR_AUDIT_ASK && !receipts[i].refused && lpr_quota_known())
		{
			lpr_quota_count(LPR_QUOTA_PERSON, record->facts.login, now);
			if (record->facts.event.given)
				lpr_quota_count(LPR_QUOTA_EVENT, record->facts.event.id, now);
		}
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
