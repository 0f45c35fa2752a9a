/*
 * mail_internal.h: what mail.c (settings, the outside), mail_worker.c (the worker) and mail_outbox.c (its transactions)
 * share.
 */
#ifndef LPR_MAIL_INTERNAL_H
#define LPR_MAIL_INTERNAL_H

#include "mail/smtp.h"
#include "mail/mail.h"
#include "mail/message.h"

/* GUCs */
extern char *lpr_smtp_url;
extern char *lpr_smtp_sender;
extern char *lpr_smtp_user;
extern char *lpr_smtp_secret;
extern char *lpr_smtp_ca_file;
extern int lpr_smtp_timeout_s;

/* How the worker stands, for lpr.mail_status(). */
typedef enum LprMailerState
{
	LPR_MAILER_DOWN,
	LPR_MAILER_OFF, /* no lpr.smtp_url: mail waits */
	LPR_MAILER_READY,
	LPR_MAILER_STUCK /* nothing can be sent just now: the reason says why */
} LprMailerState;

extern void lpr_mailer_attach(void);
extern void lpr_mailer_publish(LprMailerState state, const char *reason);
/* Whether mails were committed since; asking takes the answer back. */
extern bool lpr_mailer_take_wait(void);

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

#define LPR_MAIL_SLOTS 4

/* What the worker has taken from the outbox. */
typedef struct LprOutbox
{
	LprMailSlot slots[LPR_MAIL_SLOTS];
	int wanted;     /* how many side by side: one while the server is in trouble */
	char *password; /* for what was taken; to be wiped */
	char *problem;  /* why a step failed */
} LprOutbox;

/* mail_outbox.c */
extern int lpr_outbox_busy(const LprOutbox *outbox);
extern int lpr_outbox_unrecorded(const LprOutbox *outbox);
extern void lpr_outbox_free_slot(LprMailSlot *slot);
/*
 * One step, in a transaction of its own; false when it failed, and outbox->problem says why. Without an outbox there is
 * nothing to do.
 */
extern bool lpr_outbox_attempt(LprOutbox *outbox, void (*step)(LprOutbox *outbox));
/*
 * The steps: writes reminders; takes mails that are due into free slots; records what became of those that are settled.
 */
extern void lpr_outbox_remind(LprOutbox *outbox);
extern void lpr_outbox_take(LprOutbox *outbox);
extern void lpr_outbox_record(LprOutbox *outbox);

#endif
