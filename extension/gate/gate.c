/*
 * gate.c: a question as a record of the audit log, and the verdict that comes back.
 */
#include "gate/gate.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "audit/audit.h"
#include "core/address.h"
#include "server/errors.h"
#include "server/invisible.h"
#include "format/payload.h"

#define SIDE_BY_SIDE (LPR_RECEIPTS / 2)

static const char *
utf8(const char *text)
{
	return text != NULL ? pg_server_to_any(text, strlen(text), PG_UTF8) : NULL;
}

/* What the statement does with the answer (U1). */
static void
describe_seen(LprText *payload, const LprGateSeen *seen)
{
	if (seen->nlocal > 0)
		lpr_payload_texts(payload, "local", seen->local, seen->nlocal);
	if (seen->nlocal_all > seen->nlocal)
		lpr_payload_integer(payload, "local_all", seen->nlocal_all);
	lpr_payload_texts(payload, "columns", seen->columns, seen->ncolumns);
	if (seen->aggregated)
		lpr_payload_bool(payload, "aggregated", true);
	if (seen->statement_in != 0)
	{
		lpr_payload_integer(payload, "statement_in", seen->statement_in);
		return;
	}
	lpr_payload_text(payload, "statement", utf8(seen->statement));
	lpr_payload_text(payload, "inner_statement", utf8(seen->inner_statement));
	if (seen->nparameters > 0)
		lpr_payload_texts(payload, "parameters", seen->parameters, seen->nparameters);
}

/* The whole normalized question. */
static void
describe_question(LprText *payload, const LprGateQuestion *question)
{
	const LprQuery *query = question->query;

	lpr_payload_open(payload);
	if (query->nplates > 0)
		lpr_payload_texts(payload, "plates", query->plates, query->nplates);
	if (query->region[0] != '\0')
	{
		lpr_payload_text(payload, "region", query->region);
		lpr_payload_bool(payload, "or_unknown_region", query->region_if_known);
	}
	if (query->has_near)
	{
		lpr_payload_double(payload, "latitude", query->latitude);
		lpr_payload_double(payload, "longitude", query->longitude);
		lpr_payload_double(payload, "radius_m", query->radius_m);
	}
	lpr_payload_text(payload, "address", query->address);
	lpr_payload_text(payload, "make", query->make);
	lpr_payload_text(payload, "model", query->model);
	lpr_payload_moment(payload, "from", query->from);
	lpr_payload_moment(payload, "until", query->until);
	lpr_payload_moment(payload, "asked_at", query->asked_at);
	if (query->want_images)
		lpr_payload_bool(payload, "images", true);
	if (query->fresh)
		lpr_payload_bool(payload, "fresh", true);
	lpr_payload_text(payload, "url", utf8(question->url));
	if (question->seen != NULL)
		describe_seen(payload, question->seen);
	lpr_audit_describe_session(payload);
}

static LprTicket
send_question(const LprGateQuestion *question)
{
	const LprQuery *query = question->query;
	LprText payload = {0};
	LprAuditEntry entry = {
		.kind = LPR_AUDIT_ASK,
		.source = question->source,
		.facts =
			{
				.event = question->event,
				.mode = query->mode,
				.from = query->from,
				.until = query->until,
				.radius_m = query->has_near ? query->radius_m : 0,
				.address_length = query->address != NULL ? lpr_address_characters(utf8(query->address)) : 0,
				.plates = Max(query->nplates, 1),
			},
	};

	describe_question(&payload, question);
	lpr_audit_set_payload(&entry, &payload);
	return lpr_audit_send(&entry);
}

void
lpr_gate_ask(LprGateQuestion **questions, int n)
{
	LprTicket tickets[SIDE_BY_SIDE];

	for (int first = 0; first < n; first += SIDE_BY_SIDE)
	{
		int some = Min(n - first, SIDE_BY_SIDE);

		for (int i = 0; i < some; i++)
			tickets[i] = send_question(questions[first + i]);
		for (int i = 0; i < some; i++)
			lpr_audit_await(tickets[i], &questions[first + i]->receipt);
	}
}

void
lpr_gate_texts(const LprReceipt *receipt, const char **message, const char **detail, const char **hint)
{
	*message = receipt->texts;
	*detail = *message + strlen(*message) + 1;
	*hint = *detail + strlen(*detail) + 1;
}

void
lpr_gate_reference(const LprReceipt *receipt, char out[LPR_REFERENCE_ROOM])
{
	char log[2 * LPR_LOG_ID_LEN + 1];
	char digest[2 * LPR_REFERENCE_BYTES + 1];

	/* Not its number: a vendor would learn how much else is recorded between two of its requests. */
	lpr_hex(receipt->log, LPR_LOG_ID_LEN, log);
	lpr_hex(receipt->digest.bytes, LPR_REFERENCE_BYTES, digest);
	snprintf(out, LPR_REFERENCE_ROOM, "%s-%s", log, digest);
}

void
lpr_gate_raise(const LprReceipt *receipt)
{
	const char *message, *detail, *hint;

	lpr_gate_texts(receipt, &message, &detail, &hint);
	error_context_stack = NULL; /* where in our functions it was found tells a person nothing */
	ereport(ERROR, (errcode(MAKE_SQLSTATE(receipt->sqlstate[0], receipt->sqlstate[1], receipt->sqlstate[2],
										  receipt->sqlstate[3], receipt->sqlstate[4])),
					errmsg("%s", message), errdetail("%s", detail), errhint("%s", hint)));
}

/* The control whose rule an error before the gate tells of. */
static const char *
control_of(int code)
{
	switch (code)
	{
		case LPR_ERRCODE_NOT_A_PLATE:
		case LPR_ERRCODE_NOT_CANONICAL:
			return "G1";
		case LPR_ERRCODE_TOO_MANY_PLATES:
			return "Q8";
		default:
			return "Q2";
	}
}

void
lpr_gate_record_error(const char *source, LprEvent event, const ErrorData *error)
{
	lpr_audit_refusal((LprAuditEntry){.facts.event = event, .source = source, .control = control_of(error->sqlerrcode)},
					  error->sqlerrcode, error->message);
}

/*
 * A refusal of policy outside the gate: on record first, then raised as an error without the context of our own
 * functions.
 */
pg_noreturn static void
refuse_question(const char *control, int code, const char *message, const char *detail, const char *hint)
{
	lpr_audit_refusal((LprAuditEntry){.control = control}, code, message);
	error_context_stack = NULL; /* where in our functions it was found tells a person nothing */
	ereport(ERROR, (errcode(code), errmsg("%s", message), detail != NULL ? errdetail("%s", detail) : 0,
					hint != NULL ? errhint("%s", hint) : 0));
}

/* lpr_data.refuse(control, sqlstate, message, detail, hint) */
PG_FUNCTION_INFO_V1(lpr_gate_refuse);
Datum
lpr_gate_refuse(PG_FUNCTION_ARGS)
{
	char *texts[5];

	if (lpr_audit_before_write != NULL)
		lpr_audit_before_write(); /* its message may hold what a verb was given */
	for (int i = 0; i < 5; i++)
		texts[i] = PG_ARGISNULL(i) ? NULL : lpr_visible_part(text_to_cstring(PG_GETARG_TEXT_PP(i)));
	if (texts[0] == NULL || texts[1] == NULL || strlen(texts[1]) != 5 || texts[2] == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("not a refusal")));
	refuse_question(texts[0], MAKE_SQLSTATE(texts[1][0], texts[1][1], texts[1][2], texts[1][3], texts[1][4]), texts[2],
					texts[3], texts[4]);
	PG_RETURN_VOID(); /* not reached */
}
