/*
 * mail_worker.c: takes mails out of the outbox, sends a few side by side, and records what became of each.
 *
 * Never lost: a mail is in state "sending" on disk before its first byte goes out, and "sent" only when the server has said that it took it. Never twice:
 * what is recorded as sent is not touched again. Between the server's word and our commit there is a moment in which we may die; the mail goes out again
 * then, under the same Message-ID, since a notice that comes twice does less harm than one that never comes.
 *
 * No transaction, snapshot or lock is held while anything is sent.
 */
#include "mail_internal.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "http.h"
#include "message.h"
#include "secret.h"
#include "worker.h"

#define SIDE_BY_SIDE   4
#define LOOK_EVERY_MS  5000
#define PAUSE_FIRST_MS 1000 /* while the server cannot be reached; doubled up to PAUSE_MOST_MS */
#define PAUSE_MOST_MS  300000
#define GRACE_MS       1000 /* at our end, for the word of a server that has the message */

/* A mail under way, or its outcome that is not recorded yet. */
typedef struct LprMailSlot
{
	MemoryContext context; /* NULL = free */
	int64 mail_id;
	int attempts;
	LprMessage message;
	LprHttp *http;
	bool settled;
	LprMailFate fate;
	char *error;
} LprMailSlot;

static LprMailSlot slots[SIDE_BY_SIDE];
static int wanted = SIDE_BY_SIDE; /* how many side by side: one while the server is in trouble */
static char *password = NULL;
static char *problem = NULL; /* why a step failed */
static MemoryContext step_context = NULL;
static int64 pause_ms = 0; /* while the server is in trouble */
static int64 paused_until = 0;

static bool is_worker = false;
static volatile sig_atomic_t at_the_network = false;

bool
lpr_is_mail_worker(void)
{
	return is_worker;
}

/* While mails are under way our end is not sudden: the server's word about one that it has is worth a second. */
static void
handle_terminate(SIGNAL_ARGS)
{
	if (at_the_network)
		SignalHandlerForShutdownRequest(postgres_signal_arg);
	else
		die(postgres_signal_arg);
}

static int64
now_ms(void)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MILLISEC(now);
}

static int
busy(void)
{
	int n = 0;

	for (int i = 0; i < SIDE_BY_SIDE; i++)
		n += slots[i].context != NULL;
	return n;
}

static int
unrecorded(void)
{
	int n = 0;

	for (int i = 0; i < SIDE_BY_SIDE; i++)
		n += slots[i].context != NULL && slots[i].settled;
	return n;
}

static void
free_slot(LprMailSlot *slot)
{
	MemoryContextDelete(slot->context);
	memset(slot, 0, sizeof(*slot));
}

static LprMailSlot *
free_slot_there(void)
{
	for (int i = 0; i < SIDE_BY_SIDE; i++)
		if (slots[i].context == NULL)
			return &slots[i];
	return NULL;
}

/* ---- transactions ---- */

static bool
outbox_there(void)
{
	Oid schema = get_namespace_oid("lpr_data", true);

	return OidIsValid(get_extension_oid("lpr", true)) && OidIsValid(schema) &&
		   OidIsValid(get_relname_relid("mail", schema));
}

/* One step, in a transaction of its own; false when it failed, and problem says why. Without an outbox there is nothing to do. */
static bool
attempt(void (*step)(void))
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool good = true;

	MemoryContextReset(step_context);
	problem = NULL;
	PG_TRY();
	{
		SetCurrentStatementStartTimestamp();
		StartTransactionCommand();
		PushActiveSnapshot(GetTransactionSnapshot());
		if (outbox_there())
		{
			SPI_connect();
			step();
			SPI_finish();
		}
		else
			for (int i = 0; i < SIDE_BY_SIDE; i++)
				if (slots[i].context != NULL)
					free_slot(&slots[i]);
		PopActiveSnapshot();
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(step_context);
		error = CopyErrorData();
		problem = error->detail != NULL ? psprintf("%s: %s", error->message, error->detail) : error->message;
		lpr_worker_give_up(context);
		good = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	pgstat_report_stat(false);
	return good;
}

static void
forget_password(void)
{
	if (password != NULL)
		explicit_bzero(password, strlen(password));
	password = NULL;
}

static void
remind(void)
{
	if (SPI_execute("SELECT lpr_data.remind()", false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not write the reminders");
}

static const char *
text_of(HeapTuple tuple, TupleDesc desc, int column, MemoryContext context)
{
	return MemoryContextStrdup(context, SPI_getvalue(tuple, desc, column));
}

/* Takes mails that are due into free slots. One that is "sending" without being here was under way when a worker ended, or a dump was made. */
static void
take(void)
{
	static const char query[] =
		"UPDATE lpr_data.mail AS m SET state = 'sending', attempts = m.attempts + 1 "
		"FROM (SELECT d.mail_id FROM lpr_data.mail AS d WHERE d.state IN ('waiting', 'sending') "
		"AND (d.next_try_at <= now() OR d.next_try_at > now() + interval '2 hours') AND d.mail_id <> ALL ($1) "
		"ORDER BY d.next_try_at, d.mail_id LIMIT $2 FOR UPDATE SKIP LOCKED) AS due "
		"WHERE m.mail_id = due.mail_id RETURNING m.mail_id, m.attempts, extract(epoch FROM m.made_at)::bigint, "
		"m.message_id, m.address, m.subject, m.body";
	Oid types[2] = {INT8ARRAYOID, INT8OID};
	Datum held[SIDE_BY_SIDE];
	Datum values[2];
	int n = 0;
	bool isnull;

	if (lpr_smtp_user[0] != '\0')
	{
		char *secret = lpr_secret_get(lpr_smtp_secret);

		password = MemoryContextStrdup(step_context, secret);
		explicit_bzero(secret, strlen(secret));
	}
	for (int i = 0; i < SIDE_BY_SIDE; i++)
		if (slots[i].context != NULL)
			held[n++] = Int64GetDatum(slots[i].mail_id);
	values[0] = PointerGetDatum(construct_array(held, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[1] = Int64GetDatum(wanted - n);
	if (SPI_execute_with_args(query, 2, types, values, NULL, false, 0) != SPI_OK_UPDATE_RETURNING)
		elog(ERROR, "could not take mails from the outbox");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple tuple = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		LprMailSlot *slot = free_slot_there();

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

/* When a mail that this server put off is tried again: soon at first, then every hour. Where it may have taken it, not so soon. */
static double
retry_after_s(const LprMailSlot *slot)
{
	double wait = slot->fate == LPR_MAIL_IN_DOUBT ? 600 : 5;

	for (int i = 1; i < slot->attempts && wait < 3600; i++)
		wait *= 2;
	return Min(wait, 3600) * (0.75 + 0.25 * lpr_random_fraction());
}

static void
record(void)
{
	static const char query[] = "UPDATE lpr_data.mail AS m SET state = $2, last_error = $3, "
								"next_try_at = now() + $4 * interval '1 second', "
								"sent_at = CASE WHEN $2 = 'sent' THEN clock_timestamp() END "
								"WHERE m.mail_id = $1 AND m.state = 'sending'";

	for (int i = 0; i < SIDE_BY_SIDE; i++)
	{
		LprMailSlot *slot = &slots[i];
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

/* ---- sending ---- */

static void
settle(LprMailSlot *slot, LprMailFate fate, const LprFault *fault)
{
	slot->settled = true;
	slot->fate = fate;
	if (fate == LPR_MAIL_TAKEN)
		return;
	slot->error = MemoryContextAlloc(slot->context, sizeof(LprFault));
	snprintf(slot->error, sizeof(LprFault), "%s%s%s%s", fault->message,
			 fate == LPR_MAIL_IN_DOUBT ? " after it was given the whole message, which it may have taken" : "",
			 fault->detail[0] != '\0' ? ". " : "", fault->detail);
}

/* Starts what was taken. A mail that cannot even be written down waits like one that the server put off. */
static void
start_taken(void)
{
	for (int i = 0; i < SIDE_BY_SIDE; i++)
	{
		LprMailSlot *slot = &slots[i];
		LprHttpPeer peer = {.key = InvalidOid, .name = "mail", .min_tls = "1.2"};
		LprHttpMail mail = {.url = lpr_smtp_url, .sender = lpr_smtp_sender};
		LprFault fault = {0};
		LprText text = {0};

		if (slot->context == NULL || slot->http != NULL || slot->settled)
			continue;
		slot->message.sender = lpr_smtp_sender;
		if (!lpr_message_write(&text, &slot->message, &fault))
		{
			settle(slot, LPR_MAIL_PUT_OFF, &fault);
			lpr_text_free(&text);
			continue;
		}
		peer.ca_file = lpr_smtp_ca_file[0] != '\0' ? lpr_smtp_ca_file : NULL;
		peer.connect_timeout_ms = peer.stall_timeout_ms = lpr_smtp_timeout_s * 1000;
		peer.request_timeout_ms = lpr_smtp_timeout_s * 1000 * 20; /* of one that keeps talking */
		mail.recipient = slot->message.recipient;
		if (password != NULL)
		{
			mail.login = lpr_smtp_user;
			mail.password = password;
		}
		mail.message = text.data;
		mail.message_len = text.len;
		slot->http = lpr_http_start_mail(slot->context, &peer, &mail);
		lpr_text_free(&text);
	}
	forget_password();
}

/* Takes the outcomes from the engine; whether there is one that is not recorded. */
static bool
collect(void)
{
	for (int i = 0; i < SIDE_BY_SIDE; i++)
	{
		LprMailSlot *slot = &slots[i];

		if (slot->http == NULL || !lpr_http_settled(slot->http))
			continue;
		settle(slot, lpr_http_mail_fate(slot->http), lpr_http_fault(slot->http));
		lpr_http_free(slot->http);
		slot->http = NULL;
	}
	return unrecorded() > 0;
}

/* Not at every mail: a server may be there and gone by turns. */
static void
tell(const char *what, const char *why)
{
	static int64 told_at = 0;

	if (told_at != 0 && now_ms() - told_at < 60000)
		return;
	told_at = now_ms();
	ereport(LOG, (errmsg("%s%s", what, why)));
}

/* What the recorded outcomes tell about the server: in trouble it is asked for one mail at a time, and ever more seldom. */
static void
judge_server(void)
{
	for (int i = 0; i < SIDE_BY_SIDE; i++)
	{
		LprMailSlot *slot = &slots[i];

		if (slot->context == NULL || !slot->settled)
			continue;
		if (slot->fate == LPR_MAIL_UNREACHABLE)
		{
			lpr_mailer_publish(LPR_MAILER_STUCK, slot->error);
			tell("mail waits: ", slot->error);
			wanted = 1;
			/* those that were under way together count as one try */
			if (now_ms() >= paused_until)
			{
				pause_ms = pause_ms == 0 ? PAUSE_FIRST_MS : Min(pause_ms * 2, PAUSE_MOST_MS);
				paused_until = now_ms() + (int64) (pause_ms * (0.75 + 0.25 * lpr_random_fraction()));
			}
		}
		else if (slot->fate != LPR_MAIL_IN_DOUBT)
		{
			lpr_mailer_publish(LPR_MAILER_READY, "");
			wanted = SIDE_BY_SIDE;
			pause_ms = paused_until = 0;
		}
		free_slot(slot);
	}
}

/* Our end, with mails under way. Those that the server does not have wait for the next worker; about the others it has a moment to say its word. */
static void
finish(void)
{
	int64 until = now_ms() + GRACE_MS;

	for (;;)
	{
		bool awaited = false;

		for (int i = 0; i < SIDE_BY_SIDE; i++)
			awaited |=
				slots[i].http != NULL && !lpr_http_settled(slots[i].http) && lpr_http_mail_handed_over(slots[i].http);
		if (!awaited || now_ms() >= until)
			break;
		lpr_http_wait(Max(until - now_ms(), 1));
	}
	at_the_network = false;
	(void) collect();
	for (int i = 0; i < SIDE_BY_SIDE; i++)
	{
		static const LprFault stopped = {LPR_STATE_NO_CONNECTION, "the mail worker was stopped", "", ""};

		if (slots[i].http != NULL && !lpr_http_mail_handed_over(slots[i].http))
			settle(&slots[i], LPR_MAIL_UNREACHABLE, &stopped);
	}
	/* the signal that cuts a wait for a standby short is spent */
	SetConfigOption("synchronous_commit", "local", PGC_SUSET, PGC_S_OVERRIDE);
	(void) attempt(record);
	proc_exit(1); /* and come again, unless the server ends too */
}

static bool
configured(void)
{
	if (lpr_smtp_url[0] == '\0')
		lpr_mailer_publish(LPR_MAILER_OFF, "lpr.smtp_url is not set");
	else if (lpr_smtp_sender[0] == '\0')
		lpr_mailer_publish(LPR_MAILER_STUCK, "lpr.smtp_sender is not set");
	else
		return true;
	return false;
}

/* Waits for the network, for whoever posts, or for a time. */
static void
await(int64 ms)
{
	if (busy() > unrecorded())
	{
		at_the_network = true;
		lpr_http_wait((long) ms);
		if (ShutdownRequestPending)
			finish();
		at_the_network = false;
		return;
	}
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, (long) ms, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
}

/* Sends what is due, as far as there are slots; false when nothing could be taken from the outbox. */
static bool
send_due(void)
{
	bool good = attempt(take);

	if (good)
		start_taken();
	else
	{
		forget_password();
		for (int i = 0; i < SIDE_BY_SIDE; i++)
			if (slots[i].context != NULL && slots[i].http == NULL && !slots[i].settled)
				free_slot(&slots[i]);
		lpr_mailer_publish(LPR_MAILER_STUCK, problem);
	}
	return good;
}

void
lpr_mail_main(Datum argument)
{
	int64 look_at = 0, remind_at = 0;

	is_worker = true;
	pqsignal(SIGTERM, handle_terminate);
	pqsignal(SIGINT, lpr_worker_handle_cancel);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	lpr_worker_connect();
	lpr_mailer_attach();
	step_context = AllocSetContextCreate(TopMemoryContext, "lpr mail step", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, "lpr mail worker", ALLOCSET_DEFAULT_SIZES));
	for (;;)
	{
		int64 now = now_ms();

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(CurrentMemoryContext);
		if (lpr_worker_reload())
			look_at = paused_until = pause_ms = 0;
		if (now >= remind_at)
			remind_at = now + (attempt(remind) ? 3600 : 60) * INT64CONST(1000);
		if (collect())
		{
			/* nothing else is sent before that is on disk */
			if (!attempt(record))
			{
				lpr_mailer_publish(LPR_MAILER_STUCK, problem);
				await(PAUSE_FIRST_MS);
				continue;
			}
			judge_server();
			look_at = 0;
		}
		if (!configured())
		{
			await(LOOK_EVERY_MS);
			continue;
		}
		if (lpr_mailer_take_wait())
			look_at = 0;
		now = now_ms();
		if (now >= look_at && now >= paused_until && busy() < wanted)
		{
			if (!send_due())
				paused_until = now + PAUSE_FIRST_MS;
			else if (pause_ms == 0)
				lpr_mailer_publish(LPR_MAILER_READY, "");
			look_at = busy() < wanted ? now + LOOK_EVERY_MS : 0;
			if (collect())
				continue;
		}
		await(busy() >= wanted ? LOOK_EVERY_MS : Max(Min(Max(look_at, paused_until) - now, LOOK_EVERY_MS), 1));
	}
}
