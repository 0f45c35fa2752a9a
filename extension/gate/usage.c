/*
 * usage.c: how much of the limits the asker, and the event worked on, have used; the audit writer counts (Q8).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "audit/audit_queue.h"
#include "format/payload.h"
#include "gate/purpose.h"

/* False: nobody counts here, as on a standby. */
static bool
ask_usage(LprUsage *usage)
{
	LprText payload = {0};
	LprReceipt receipt;
	LprAuditEntry entry = {.kind = LPR_AUDIT_USAGE, .facts = {.event = lpr_purpose_event()}};

	if (!lpr_audit_here() || !lpr_queue_ready() || lpr_audit_is_held_up())
		return false;
	lpr_payload_open(&payload);
	lpr_audit_set_payload(&entry, &payload);
	lpr_audit_await(lpr_audit_send(&entry), &receipt);
	memcpy(usage, receipt.texts, sizeof(*usage));
	return usage->known;
}

/* lpr_data.usage(): a row a limit that counts. */
PG_FUNCTION_INFO_V1(lpr_usage);
Datum
lpr_usage(PG_FUNCTION_ARGS)
{
	static const char *const scopes[] = {"person", "event"};
	static const char *const ofs[] = {"hour", "day", "shown"};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	LprUsage usage;

	InitMaterializedSRF(fcinfo, 0);
	if (!ask_usage(&usage))
		return (Datum) 0;
	for (size_t scope = 0; scope < lengthof(scopes); scope++)
	{
		for (size_t of = 0; of < lengthof(ofs) && (scope == 0 || lpr_purpose_event().given); of++)
		{
			TimestampTz until = usage.until[scope][of];
			bool nulls[4] = {false, false, false, until == 0};
			Datum values[4] = {CStringGetTextDatum(scopes[scope]), CStringGetTextDatum(ofs[of]),
							   Int64GetDatum(usage.used[scope][of]), TimestampTzGetDatum(until)};

			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
		}
	}
	return (Datum) 0;
}
