/*
 * mail_internal.h: what mail.c (settings, the outside) and mail_worker.c (the worker) share.
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

extern LprMailSlot lpr_mail_slots[LPR_MAIL_SLOTS];
extern int lpr_mail_wanted;     /* how many side by side: one while the server is in trouble */
extern char *lpr_mail_password; /* for what was taken; to be wiped */
extern char *lpr_mail_problem;  /* why a step failed */

/* mail_outbox.c */
extern int lpr_mail_busy(void);
extern int lpr_mail_unrecorded(void);
extern void lpr_mail_free_slot(LprMailSlot *slot);
/* One step, in a transaction of its own; false when it failed, and lpr_mail_problem says why. Without an outbox there is nothing to do. */
extern bool lpr_mail_attempt(void (*step)(void));
/* The steps: writes reminders; takes mails that are due into free slots; records what became of those that are settled. */
extern void lpr_mail_remind(void);
extern void lpr_mail_take(void);
extern void lpr_mail_record(void);

#endif
