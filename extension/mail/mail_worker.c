/*
 * mail_worker.c: takes mails out of the outbox, sends a few side by side, and records what became of each.
 *
 * Never lost: a mail is in state "sending" on disk before its first byte goes out, and "sent" only when the server has
 * said that it took it. Never twice: what is recorded as sent is not touched again. Between the server's word and our
 * commit there is a moment in which we may die; the mail goes out again then, under the same Message-ID, since a notice
 * that comes twice does less harm than one that never comes.
 *
 * No transaction, snapshot or lock is held while anything is sent.
 */
#include "mail/mail_internal.h"

#include "common/pg_prng.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "mail/message.h"
#include "audit/audit_queue.h"
#include "server/worker.h"

#define LOOK_EVERY_MS  5000
#define PAUSE_FIRST_MS 1000 /* while the server cannot be reached; doubled up to PAUSE_MOST_MS */
#define PAUSE_MOST_MS  300000
#define GRACE_MS       1000 /* at our end, for the word of a server that has the message */

static LprOutbox outbox = {.wanted = LPR_MAIL_SLOTS};
static int64 pause_ms = 0; /* while the server is in trouble */
static int64 paused_until = 0;

static volatile sig_atomic_t at_the_network = false;

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

static void
forget_password(void)
{
	if (outbox.password != NULL)
		explicit_bzero(outbox.password, strlen(outbox.password));
	outbox.password = NULL;
}

/* ---- sending ---- */

static void
settle_slot(LprMailSlot *slot, LprMailFate fate, const LprFault *fault)
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
	for (int i = 0; i < LPR_MAIL_SLOTS; i++)
	{
		LprMailSlot *slot = &outbox.slots[i];
		LprHttpPeer peer = {.key = InvalidOid, .name = "mail", .min_tls = "1.2"};
		LprSmtpMail mail = {.url = lpr_smtp_url, .sender = lpr_smtp_sender};
		LprFault fault = {0};
		LprText text = {0};

		if (slot->context == NULL || slot->http != NULL || slot->settled)
			continue;
		slot->message.sender = lpr_smtp_sender;
		if (!lpr_message_write(&text, &slot->message, &fault))
		{
			settle_slot(slot, LPR_MAIL_PUT_OFF, &fault);
			lpr_text_free(&text);
			continue;
		}
		peer.ca_file = lpr_smtp_ca_file[0] != '\0' ? lpr_smtp_ca_file : NULL;
		peer.connect_timeout_ms = peer.stall_timeout_ms = lpr_smtp_timeout_s * 1000;
		peer.request_timeout_ms = lpr_smtp_timeout_s * 1000 * 20; /* of one that keeps talking */
		mail.recipient = slot->message.recipient;
		if (outbox.password != NULL)
		{
			mail.login = lpr_smtp_user;
			mail.password = outbox.password;
		}
		mail.message = text.data;
		mail.message_len = text.len;
		slot->http = lpr_smtp_start(slot->context, &peer, &mail);
		lpr_text_free(&text);
	}
	forget_password();
}

/* Takes the outcomes from the engine; whether there is one that is not recorded. */
static bool
collect_outcomes(void)
{
	for (int i = 0; i < LPR_MAIL_SLOTS; i++)
	{
		LprMailSlot *slot = &outbox.slots[i];

		if (slot->http == NULL || !lpr_http_settled(slot->http))
			continue;
		settle_slot(slot, lpr_smtp_fate(slot->http), lpr_http_fault(slot->http));
		lpr_http_free(slot->http);
		slot->http = NULL;
	}
	return lpr_outbox_unrecorded(&outbox) > 0;
}

/* Not at every mail: a server may be there and gone by turns. */
static void
tell_log(const char *what, const char *why)
{
	static int64 told_at = 0;

	if (told_at != 0 && now_ms() - told_at < 60000)
		return;
	told_at = now_ms();
	ereport(LOG, (errmsg("%s%s", what, why)));
}

/*
 * What the recorded outcomes tell about the server: while it is in trouble it is asked for one mail at a time, and less
 * and less often.
 */
static void
judge_server(void)
{
	for (int i = 0; i < LPR_MAIL_SLOTS; i++)
	{
		LprMailSlot *slot = &outbox.slots[i];

		if (slot->context == NULL || !slot->settled)
			continue;
		if (slot->fate == LPR_MAIL_UNREACHABLE)
		{
			lpr_mailer_publish(LPR_MAILER_STUCK, slot->error);
			tell_log("mail waits: ", slot->error);
			outbox.wanted = 1;
			/* those that were under way together count as one try */
			if (now_ms() >= paused_until)
			{
				pause_ms = pause_ms == 0 ? PAUSE_FIRST_MS : Min(pause_ms * 2, PAUSE_MOST_MS);
				paused_until = now_ms() + (int64) (pause_ms * (0.75 + 0.25 * pg_prng_double(&pg_global_prng_state)));
			}
		}
		else if (slot->fate != LPR_MAIL_IN_DOUBT)
		{
			lpr_mailer_publish(LPR_MAILER_READY, "");
			outbox.wanted = LPR_MAIL_SLOTS;
			pause_ms = paused_until = 0;
		}
		lpr_outbox_free_slot(slot);
	}
}

/*
 * At our end, with mails under way: those that the server does not have wait for the next worker; about the others it
 * has a moment to answer.
 */
static void
end_worker(void)
{
	int64 until = now_ms() + GRACE_MS;

	for (;;)
	{
		bool awaited = false;

		for (int i = 0; i < LPR_MAIL_SLOTS; i++)
			awaited |= outbox.slots[i].http != NULL && !lpr_http_settled(outbox.slots[i].http) &&
					   lpr_smtp_handed_over(outbox.slots[i].http);
		if (!awaited || now_ms() >= until)
			break;
		lpr_http_wait(Max(until - now_ms(), 1));
	}
	at_the_network = false;
	(void) collect_outcomes();
	for (int i = 0; i < LPR_MAIL_SLOTS; i++)
	{
		static const LprFault stopped = {LPR_STATE_NO_CONNECTION, "the mail worker was stopped", "", ""};

		if (outbox.slots[i].http != NULL && !lpr_smtp_handed_over(outbox.slots[i].http))
			settle_slot(&outbox.slots[i], LPR_MAIL_UNREACHABLE, &stopped);
	}
	/* the signal that cuts a wait for a standby short is spent */
	SetConfigOption("synchronous_commit", "local", PGC_SUSET, PGC_S_OVERRIDE);
	(void) lpr_outbox_attempt(&outbox, lpr_outbox_record);
	proc_exit(1); /* restarts, unless the server ends too */
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

/* Waits for the network, for a new mail, or for a time. */
static void
await_work(int64 ms)
{
	if (lpr_outbox_busy(&outbox) > lpr_outbox_unrecorded(&outbox))
	{
		at_the_network = true;
		lpr_http_wait((long) ms);
		if (ShutdownRequestPending)
			end_worker();
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
	bool good = lpr_outbox_attempt(&outbox, lpr_outbox_take);

	if (good)
		start_taken();
	else
	{
		forget_password();
		for (int i = 0; i < LPR_MAIL_SLOTS; i++)
			if (outbox.slots[i].context != NULL && outbox.slots[i].http == NULL && !outbox.slots[i].settled)
				lpr_outbox_free_slot(&outbox.slots[i]);
		lpr_mailer_publish(LPR_MAILER_STUCK, outbox.problem);
	}
	return good;
}

void
lpr_mail_main(Datum argument)
{
	int64 look_at = 0, remind_at = 0;

	pqsignal(SIGTERM, handle_terminate);
	pqsignal(SIGINT, lpr_worker_handle_cancel);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	lpr_worker_connect(lpr_queue_ready);
	lpr_mailer_attach();
	MemoryContextSwitchTo(AllocSetContextCreate(TopMemoryContext, "lpr mail worker", ALLOCSET_DEFAULT_SIZES));
	for (;;)
	{
		int64 now = now_ms();

		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(CurrentMemoryContext);
		if (lpr_worker_reload())
			look_at = paused_until = pause_ms = 0;
		if (now >= remind_at)
			remind_at = now + (lpr_outbox_attempt(&outbox, lpr_outbox_remind) ? 3600 : 60) * INT64CONST(1000);
		if (collect_outcomes())
		{
			/* nothing else is sent before that is on disk */
			if (!lpr_outbox_attempt(&outbox, lpr_outbox_record))
			{
				lpr_mailer_publish(LPR_MAILER_STUCK, outbox.problem);
				await_work(PAUSE_FIRST_MS);
				continue;
			}
			judge_server();
			look_at = 0;
		}
		if (!configured())
		{
			await_work(LOOK_EVERY_MS);
			continue;
		}
		if (lpr_mailer_take_wait())
			look_at = 0;
		now = now_ms();
		if (now >= look_at && now >= paused_until && lpr_outbox_busy(&outbox) < outbox.wanted)
		{
			if (!send_due())
				paused_until = now + PAUSE_FIRST_MS;
			else if (pause_ms == 0)
				lpr_mailer_publish(LPR_MAILER_READY, "");
			look_at = lpr_outbox_busy(&outbox) < outbox.wanted ? now + LOOK_EVERY_MS : 0;
			if (collect_outcomes())
				continue;
		}
		await_work(lpr_outbox_busy(&outbox) >= outbox.wanted
					   ? LOOK_EVERY_MS
					   : Max(Min(Max(look_at, paused_until) - now, LOOK_EVERY_MS), 1));
	}
}
