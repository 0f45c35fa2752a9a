/*
 * saved.c: what lpr.save() and lpr.event_reads() need of the library: the gate. saved_shown.c has the reads,
 * saved_images.c the images.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "gate/decision.h"
#include "audit/audit.h"
#include "server/errors.h"
#include "gate/gate.h"
#include "policy/statement_guard.h"
#include "format/payload.h"

PG_FUNCTION_INFO_V1(lpr_saved_pass_gate);
PG_FUNCTION_INFO_V1(lpr_saved_pass_until);
PG_FUNCTION_INFO_V1(lpr_saved_pass_verb);
PG_FUNCTION_INFO_V1(lpr_saved_note_answer);

static int64
send_and_wait(LprAuditEntry entry, LprText *payload, LprReceipt *receipt)
{
	lpr_audit_set_payload(&entry, payload);
	lpr_audit_await(lpr_audit_send(&entry), receipt);
	return receipt->number;
}

/* `expires_at`: of what is shown then; DT_NOEND: it does not. */
static int64
pass_gate(FunctionCallInfo fcinfo, TimestampTz expires_at)
{
	LprText payload = {0};
	LprReceipt receipt;
	TimestampTz now = GetCurrentTimestamp();
	LprDecision decision;
	uint64 catalog = lpr_decision_catalog();
	LprAuditEntry entry = {
		.kind = LPR_AUDIT_ASK,
		.facts = {.mode = LPR_MODE_SAVED, .from = now, .until = now},
	};

	if (!PG_ARGISNULL(0))
		entry.facts.event = (LprEvent){true, PG_GETARG_INT64(0)};
	lpr_payload_open(&payload);
	lpr_audit_describe_what(&payload, PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	lpr_audit_describe_session(&payload);
	(void) send_and_wait(entry, &payload, &receipt);
	if (receipt.refused)
		lpr_gate_raise(&receipt); /* model: pass over */
	/* What is shown of it now may be kept by a cursor, and read on when that is over. */
	lpr_decision_take(&decision, NULL, LPR_MODE_SAVED, entry.facts.event, &receipt, catalog);
	lpr_run_shows(&decision, expires_at);
	return receipt.number; /* model: disclose */
}

/* Of what shows: from now on its statement writes nothing. */
Datum
lpr_saved_pass_gate(PG_FUNCTION_ARGS)
{
	lpr_statement_guard_check(NULL, NULL);
	PG_RETURN_INT64(pass_gate(fcinfo, DT_NOEND));
}

/* The same of what is in the cache, whose rows no cursor shows once it has expired. */
Datum
lpr_saved_pass_until(PG_FUNCTION_ARGS)
{
	lpr_statement_guard_check(NULL, NULL);
	PG_RETURN_INT64(pass_gate(fcinfo, PG_ARGISNULL(2) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(2)));
}

/* Of a verb that writes: what it was given is not what its statement was shown. */
Datum
lpr_saved_pass_verb(PG_FUNCTION_ARGS)
{
	lpr_statement_guard_check_verb();
	PG_RETURN_INT64(pass_gate(fcinfo, DT_NOEND));
}

Datum
lpr_saved_note_answer(PG_FUNCTION_ARGS)
{
	LprText payload = {0};
	LprReceipt receipt;
	LprAuditEntry entry = {
		.kind = LPR_AUDIT_ANSWER,
		.facts = {.event = {true, PG_GETARG_INT64(1)}, .mode = LPR_MODE_SAVED},
		.ask = PG_GETARG_INT64(0),
	};

	lpr_payload_open(&payload);
	lpr_payload_text(&payload, "outcome", "complete");
	lpr_payload_integer(&payload, "reads", PG_GETARG_INT64(2));
	(void) send_and_wait(entry, &payload, &receipt);
	PG_RETURN_VOID();
}
