/*
 * mail_outbox.c: the mail worker's transactions: each step is one, and none is open while anything is sent.
 */
#include "mail/mail_internal.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "common/pg_prng.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "server/data.h"
#include "server/secret.h"
#include "server/worker.h"

static MemoryContext step_context = NULL;

int
lpr_outbox_busy(const LprOutbox *outbox)
{
	int n = 0;

	for (int i = 0; i < LPR_MAIL_SLOTS; i++)
		n += outbox->slots[i].context != NULL;
	return n;
}

int
lpr_outbox_unrecorded(const LprOutbox *outbox)
{
	int n = 0;

	for (int i = 0; i < LPR_MAIL_SLOTS; i++)
		n += outbox->slots[i].context != NULL && outbox->slots[i].settled;
	return n;
}

void
lpr_outbox_free_slot(LprMailSlot *slot)
{
	MemoryContextDelete(slot->context);
	memset(slot, 0, sizeof(*slot));
}

static LprMailSlot *
free_slot_there(LprOutbox *outbox)
{
	for (int i = 0; i < LPR_MAIL_SLOTS; i++)
		if (outbox->slots[i].context == NULL)
			return &outbox->slots[i];
	return NULL;
}

/* ---- transactions ---- */

static bool
outbox_there(void)
{
	return OidIsValid(get_extension_oid("lpr", true)) && OidIsValid(lpr_data_table("mail"));
}

bool
lpr_outbox_attempt(LprOutbox *outbox, void (*step)(LprOutbox *outbox))
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool good = true;

	if (step_context == NULL)
		step_context = AllocSetContextCreate(TopMemoryContext, "lpr mail step", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(step_context);
	outbox->problem = NULL;
	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		if (!outbox_there())
			for (int i = 0; i < LPR_MAIL_SLOTS; i++)
			{
				if (outbox->slots[i].context != NULL)
					lpr_outbox_free_slot(&outbox->slots[i]);
			}
		else if (lpr_worker_hold_extension())
		{
			PopActiveSnapshot();
			PushActiveSnapshot(GetTransactionSnapshot());
			SPI_connect();
			step(outbox);
			SPI_finish();
		}
		else
		{
			outbox->problem = "the extension is being made or dropped";
			good = false;
		}
		PopActiveSnapshot();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(step_context);
		error = CopyErrorData();
		outbox->problem = error->detail != NULL ? psprintf("%s: %s", error->message, error->detail) : error->message;
		lpr_worker_give_up(context);
		good = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	pgstat_report_stat(false);
	return good;
}

void
lpr_outbox_remind(LprOutbox *outbox)
{
	if (SPI_execute("SELECT lpr_data.remind()", false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not write the reminders");
}

static const char *
text_of(HeapTuple tuple, TupleDesc desc, int column, MemoryContext context)
{
	return MemoryContextStrdup(context, SPI_getvalue(tuple, desc, column));
}

/*
 * Takes mails that are due into free slots. One that is "sending" without being here was under way when a worker ended,
 * or a dump was made.
 */
void
lpr_outbox_take(LprOutbox *outbox)
{
	static const char query[] =
		"UPDATE lpr_data.mail AS m SET state = 'sending', attempts = m.attempts + 1 "
		"FROM (SELECT d.mail_id FROM lpr_data.mail AS d WHERE d.state IN ('waiting', 'sending') "
		"AND (d.next_try_at <= now() OR d.next_try_at > now() + interval '2 hours') AND d.mail_id <> ALL ($1) "
		"ORDER BY d.next_try_at, d.mail_id LIMIT $2 FOR UPDATE SKIP LOCKED) AS due "
		"WHERE m.mail_id = due.mail_id RETURNING m.mail_id, m.attempts, extract(epoch FROM m.made_at)::bigint, "
		"m.message_id, m.address, m.subject, m.body";
	Oid types[2] = {INT8ARRAYOID, INT8OID};
	Datum held[LPR_MAIL_SLOTS];
	Datum values[2];
	int n = 0;
	bool isnull;

	if (lpr_smtp_user[0] != '\0')
	{
		char *secret = lpr_secret_get(lpr_smtp_secret);

		outbox->password = MemoryContextStrdup(step_context, secret);
		explicit_bzero(secret, strlen(secret));
	}
	for (int i = 0; i < LPR_MAIL_SLOTS; i++)
		if (outbox->slots[i].context != NULL)
			held[n++] = Int64GetDatum(outbox->slots[i].mail_id);
	values[0] = PointerGetDatum(construct_array(held, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[1] = Int64GetDatum(outbox->wanted - n);
	if (SPI_execute_with_args(query, 2, types, values, NULL, false, 0) != SPI_OK_UPDATE_RETURNING)
		elog(ERROR, "could not take mails from the outbox");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		LprMailSlot *slot = free_slot_there(outbox);

		slot->context = AllocSetContextCreate(TopMemoryContext, "lpr mail", ALLOCSET_SMALL_SIZES);
		slot->mail_id = DatumGetInt64(SPI_getbinval(tuple, desc, 1, &isnull));
		slot->attempts = DatumGetInt32(SPI_getbinval(tuple, desc, 2, &isnull));
		slot->message.made_at = DatumGetInt64(SPI_getbinval(tuple, desc, 3, &isnull));
		slot->message.id = text_of(tuple, desc, 4, slot->context);
		slot->message.recipient = text_of(tuple, desc, 5, slot->context);
		slot->message.subject = text_of(tuple, desc, 6, slot->context);
		slot->message.body = text_of(tuple, desc, 7, slot->context);
	}
}

/*
 * When a mail that this server put off is tried again: soon at first, then every hour. Where it may have taken it, not
 * so soon.
 */
static double
retry_after_s(const LprMailSlot *slot)
{
	double wait = slot->fate == LPR_MAIL_IN_DOUBT ? 600 : 5;

	for (int i = 1; i < slot->attempts && wait < 3600; i++)
		wait *= 2;
	return Min(wait, 3600) * (0.75 + 0.25 * pg_prng_double(&pg_global_prng_state));
}

void
lpr_outbox_record(LprOutbox *outbox)
{
	static const char query[] = "UPDATE lpr_data.mail AS m SET state = $2, last_error = $3, "
								"next_try_at = now() + $4 * interval '1 second', "
								"sent_at = CASE WHEN $2 = 'sent' THEN clock_timestamp() END "
								"WHERE m.mail_id = $1 AND m.state = 'sending'";

	for (int i = 0; i < LPR_MAIL_SLOTS; i++)
	{
		LprMailSlot *slot = &outbox->slots[i];
		Oid types[4] = {INT8OID, TEXTOID, TEXTOID, FLOAT8OID};
		const char *state = slot->fate == LPR_MAIL_TAKEN     ? "sent"
							: slot->fate == LPR_MAIL_REFUSED ? "failed"
															 : "waiting";
		bool later = slot->fate == LPR_MAIL_PUT_OFF || slot->fate == LPR_MAIL_IN_DOUBT;
		Datum values[4];
		char nulls[5] = "    ";

		if (slot->context == NULL || !slot->settled)
			continue;
		values[0] = Int64GetDatum(slot->mail_id);
		values[1] = CStringGetTextDatum(state);
		values[2] = CStringGetTextDatum(slot->error != NULL ? slot->error : "");
		values[3] = Float8GetDatum(later ? retry_after_s(slot) : 0);
		if (slot->error == NULL)
			nulls[2] = 'n';
		if (SPI_execute_with_args(query, 4, types, values, nulls, false, 0) != SPI_OK_UPDATE)
			elog(ERROR, "could not record what became of a mail");
	}
}
