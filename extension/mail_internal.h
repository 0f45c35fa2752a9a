/*
 * mail_internal.h: what mail.c (settings, the outside) and mail_worker.c (the worker) share.
 */
#ifndef LPR_MAIL_INTERNAL_H
#define LPR_MAIL_INTERNAL_H

#include "mail.h"

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

#endif
