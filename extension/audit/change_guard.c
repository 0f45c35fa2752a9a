/*
 * change_guard.c: the trigger of lpr_data.change, and what the library itself puts in.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "audit/audit_queue.h"
#include "audit/change.h"
#include "audit/change_internal.h"
#include "format/payload.h"
#include "server/caller.h"
#include "server/data.h"
#include "server/version.h"
#include "server/worker.h"

static int64
next_number(void)
{
	Oid sequence = lpr_data_table("change_number_seq");

	if (!OidIsValid(sequence))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("sequence lpr_data.change_number_seq does not exist")));
	/*
	 * A restore brings changes that waited, under numbers that the restore's own have taken, or that later ones would
	 * take.
	 */
	return nextval_internal(sequence, false);
}

/* What names this session, as lpr.login() and lpr_data.wake_writer() tell it. */
static void
name_session(Datum *values, bool *nulls)
{
	nulls[LOGIN - 1] = lpr_is_worker();
	if (!lpr_is_worker())
		values[LOGIN - 1] = CStringGetTextDatum(GetUserNameFromId(GetAuthenticatedUserId(), false));
	values[PID - 1] = Int32GetDatum(MyProcPid);
	values[SESSION - 1] = TimestampTzGetDatum(MyStartTimestamp);
	nulls[PID - 1] = nulls[SESSION - 1] = false;
}

/*
 * A row that COPY brings becomes the particulars of one of this session: who brings what others are said to have done.
 */
static void
wrap_restored(Datum *values, bool *nulls)
{
	LprText payload = {0};
	char *said = nulls[PAYLOAD - 1] ? NULL : TextDatumGetCString(values[PAYLOAD - 1]);
	char *login = nulls[LOGIN - 1] ? NULL : TextDatumGetCString(values[LOGIN - 1]);

	lpr_payload_open(&payload);
	lpr_payload_text(&payload, "command", "restore");
	lpr_payload_text(&payload, "type", "change");
	lpr_payload_text(&payload, "login", login);
	if (!nulls[PID - 1])
		lpr_payload_integer(&payload, "pid", DatumGetInt32(values[PID - 1]));
	if (!nulls[SESSION - 1])
		lpr_payload_text(&payload, "session_started", timestamptz_to_str(DatumGetTimestampTz(values[SESSION - 1])));
	lpr_payload_text(&payload, "change", said);
	lpr_payload_close(&payload);
	if (payload.failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	values[PAYLOAD - 1] = CStringGetTextDatum(pnstrdup(payload.data, payload.len));
	nulls[PAYLOAD - 1] = false;
	lpr_text_free(&payload);
	name_session(values, nulls);
}

/* What a background worker does is on record as its doing, by its name. */
static void
name_worker(Datum *values)
{
	LprText member = {0};
	char *payload;
	size_t len;

	if (MyBgworkerEntry == NULL)
		return;
	payload = TextDatumGetCString(values[PAYLOAD - 1]);
	len = strlen(payload);
	if (len < 3 || payload[len - 1] != '}')
		return;
	payload[len - 1] = '\0';
	lpr_payload_text(&member, "worker", MyBgworkerEntry->bgw_name);
	if (member.failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	values[PAYLOAD - 1] = CStringGetTextDatum(psprintf("%s, %.*s}", payload, (int) member.len, member.data));
	lpr_text_free(&member);
}

/* Whether a row says that it is of this session. */
static bool
is_own(Datum *values, bool *nulls)
{
	Datum own[COLUMNS] = {0};
	bool own_nulls[COLUMNS];

	name_session(own, own_nulls);
	return !nulls[PID - 1] && DatumGetInt32(values[PID - 1]) == MyProcPid && !nulls[SESSION - 1] &&
		   DatumGetTimestampTz(values[SESSION - 1]) == MyStartTimestamp && nulls[LOGIN - 1] == own_nulls[LOGIN - 1] &&
		   (nulls[LOGIN - 1] ||
			strcmp(TextDatumGetCString(values[LOGIN - 1]), TextDatumGetCString(own[LOGIN - 1])) == 0);
}

static HeapTuple
enter(TriggerData *trigger)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	Datum values[COLUMNS];
	bool nulls[COLUMNS];

	lpr_change_check_form(trigger->tg_relation, false);
	heap_deform_tuple(trigger->tg_trigtuple, desc, values, nulls);
	if (lpr_change_is_restoring())
		wrap_restored(values, nulls);
	else if (lpr_queue_there() && !lpr_caller_is_ours()) /* loaded on demand, the library has not seen who called it */
		lpr_change_refuse("INSERT into lpr_data.change by hand is refused",
						  "Change policy by the functions of schema lpr; a restore brings "
						  "changes that waited by COPY.");
	else if (!is_own(values, nulls) || nulls[PAYLOAD - 1])
		lpr_change_refuse("a change in somebody else's name is refused",
						  "Change policy by the functions of schema lpr.");
	name_worker(values);
	values[NUMBER - 1] = Int64GetDatum(next_number());
	nulls[NUMBER - 1] = false;
	lpr_change_count_in(RelationGetRelid(trigger->tg_relation), DatumGetInt64(values[NUMBER - 1]), values[LOGIN - 1],
						!nulls[LOGIN - 1], values[PAYLOAD - 1]);
	return heap_form_tuple(desc, values, nulls);
}

PG_FUNCTION_INFO_V1(lpr_guard_change);
Datum
lpr_guard_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "not called as a trigger");
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return PointerGetDatum(enter(trigger));
	if (!TRIGGER_FIRED_BY_DELETE(trigger->tg_event) || !lpr_change_is_taking())
		lpr_change_refuse(
			psprintf("%s of lpr_data.change is refused", TRIGGER_FIRED_BY_DELETE(trigger->tg_event)   ? "DELETE"
														 : TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? "UPDATE"
																									  : "TRUNCATE"),
			"The audit writer takes them into the log; SELECT * FROM lpr.audit_status() tells whether it does.");
	return PointerGetDatum(trigger->tg_trigtuple);
}

/* ---- by ourselves ---- */

bool
lpr_change_there(void)
{
	return OidIsValid(lpr_data_table("change")) && OidIsValid(lpr_data_table("change_number_seq")) &&
		   lpr_version_is_ours();
}

void
lpr_change_put(const char *payload)
{
	Relation relation = table_open(lpr_data_table("change"), RowExclusiveLock);
	EState *estate = CreateExecutorState();
	ResultRelInfo *result = makeNode(ResultRelInfo);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(relation), table_slot_callbacks(relation));
	Oid user;
	int context;

	lpr_change_check_form(relation, false);
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(relation->rd_rel->relowner, context | SECURITY_RESTRICTED_OPERATION);
	InitResultRelInfo(result, relation, 1, NULL, 0);
	ExecOpenIndices(result, false);
	ExecClearTuple(slot);
	memset(slot->tts_isnull, false, COLUMNS * sizeof(bool));
	slot->tts_values[NUMBER - 1] = Int64GetDatum(next_number());
	slot->tts_values[PAYLOAD - 1] = CStringGetTextDatum(payload);
	name_session(slot->tts_values, slot->tts_isnull);
	name_worker(slot->tts_values);
	ExecStoreVirtualTuple(slot);
	lpr_change_count_in(RelationGetRelid(relation), DatumGetInt64(slot->tts_values[NUMBER - 1]),
						slot->tts_values[LOGIN - 1], !slot->tts_isnull[LOGIN - 1], slot->tts_values[PAYLOAD - 1]);
	table_tuple_insert(relation, slot, GetCurrentCommandId(true), 0, NULL);
	lpr_insert_index_entries(result, slot, estate);
	ExecDropSingleTupleTableSlot(slot);
	ExecCloseIndices(result);
	FreeExecutorState(estate);
	SetUserIdAndSecContext(user, context);
	table_close(relation, NoLock);
}
