/*
 * saved.c: what lpr.save() and lpr.event_reads() need of the library: the gate, and images. saved_shown.c has the
 * reads.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "server/errors.h"
#include "gate/gate.h"
#include "source/image.h"
#include "policy/statement_guard.h"
#include "format/payload.h"

#define IMAGES_AT_ONCE 8

PG_FUNCTION_INFO_V1(lpr_saved_pass_gate);
PG_FUNCTION_INFO_V1(lpr_saved_note_answer);
PG_FUNCTION_INFO_V1(lpr_saved_fetch_images);

static int64
send_and_wait(LprAuditEntry entry, LprText *payload, LprReceipt *receipt)
{
	lpr_audit_set_payload(&entry, payload);
	lpr_audit_await(lpr_audit_send(&entry), receipt);
	return receipt->number;
}

Datum
lpr_saved_pass_gate(PG_FUNCTION_ARGS)
{
	LprText payload = {0};
	LprReceipt receipt;
	TimestampTz now = GetCurrentTimestamp();
	LprAuditEntry entry = {
		.kind = LPR_AUDIT_ASK,
		.facts = {.mode = LPR_MODE_SAVED, .from = now, .until = now},
	};

	if (!PG_ARGISNULL(0))
		entry.facts.event = (LprEvent){true, PG_GETARG_INT64(0)};
	lpr_statement_guard_check(NULL, NULL);
	lpr_payload_open(&payload);
	lpr_payload_text(&payload, "what", PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	lpr_audit_describe_session(&payload);
	(void) send_and_wait(entry, &payload, &receipt);
	if (receipt.refused)
	{
		const char *message, *detail, *hint;

		lpr_gate_texts(&receipt, &message, &detail, &hint);
		error_context_stack = NULL; /* where in our functions it was found tells a person nothing */
		ereport(ERROR, (errcode(MAKE_SQLSTATE(receipt.sqlstate[0], receipt.sqlstate[1], receipt.sqlstate[2],
											  receipt.sqlstate[3], receipt.sqlstate[4])),
						errmsg("%s", message), errdetail("%s", detail), errhint("%s", hint)));
	}
	PG_RETURN_INT64(receipt.number);
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

Datum
lpr_saved_fetch_images(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ForeignServer *server;
	LprFault fault = {0};
	LprSource *source;
	LprQueryStats stats = {0};
	LprHttp *https[IMAGES_AT_ONCE];
	Datum *urls;
	bool *nulls;
	int n;

	InitMaterializedSRF(fcinfo, 0);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &urls, &nulls, &n);
	if (n == 0)
		return (Datum) 0;
	server = GetForeignServerByName(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	source = lpr_source_hold(server->serverid, GetAuthenticatedUserId(), &fault);
	if (source == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_ERROR), errmsg("source \"%s\": %s", server->servername, fault.message)));
	PG_TRY();
	{
		for (int first = 0; first < n; first += IMAGES_AT_ONCE)
		{
			int some = Min(n - first, IMAGES_AT_ONCE);

			for (int i = 0; i < some; i++)
			{
				text *url = nulls[first + i] ? NULL : DatumGetTextPP(urls[first + i]);

				https[i] = url == NULL ? NULL
									   : lpr_image_start(source, CurrentMemoryContext,
														 (LprSlice){VARDATA_ANY(url), VARSIZE_ANY_EXHDR(url)});
			}
			for (int i = 0; i < some; i++)
			{
				bytea *image = lpr_image_take(&stats, https[i]);
				Datum values[2] = {urls[first + i], PointerGetDatum(image)};
				bool isnull[2] = {nulls[first + i], image == NULL};

				tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
				if (image != NULL)
					pfree(image);
			}
		}
	}
	PG_FINALLY();
	{
		lpr_source_release(source);
	}
	PG_END_TRY();
	return (Datum) 0;
}
