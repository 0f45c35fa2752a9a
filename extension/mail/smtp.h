/*
 * smtp.h: a mail on its way to the mail server, through the engine that drives the requests (http/transfer.h).
 */
#ifndef LPR_SMTP_H
#define LPR_SMTP_H

#include "http/http.h"

/*
 * A mail. It goes out encrypted and to the server that its certificate names; in the open only to this machine itself,
 * when there is neither a login nor a CA file of the peer's. Strings are copied; otherwise as lpr_http_start.
 * stall_timeout_ms of the peer is how long the server may be silent, and ten times that once it has the message: a
 * retry before it answers would be a second mail. Of the peer's other limits only connect_timeout_ms counts.
 */
typedef struct LprSmtpMail
{
	const char *url; /* smtp://host:port: STARTTLS; smtps://host:port */
	const char *sender;
	const char *recipient;
	const char *login; /* NULL = none */
	const char *password;
	const char *message; /* lpr_message_write() makes it */
	size_t message_len;
} LprSmtpMail;
extern LprHttp *lpr_smtp_start(MemoryContext context, const LprHttpPeer *peer, const LprSmtpMail *mail);

/* What became of a mail once it is settled. */
typedef enum LprMailFate
{
	LPR_MAIL_TAKEN,
	LPR_MAIL_REFUSED,    /* this mail, for good */
	LPR_MAIL_PUT_OFF,    /* this mail, for now */
	LPR_MAIL_IN_DOUBT,   /* the server has it, but did not say whether it took it */
	LPR_MAIL_UNREACHABLE /* nothing of it got there, and no other mail would */
} LprMailFate;
extern LprMailFate lpr_smtp_fate(const LprHttp *http);
/* Whether the server has the whole mail: from then on it may accept it, even if we stop. */
extern bool lpr_smtp_handed_over(const LprHttp *http);

#endif
