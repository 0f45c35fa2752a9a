/*
 * message.h: a mail as a mail server takes it (RFC 5322): headers, and plain text as quoted-printable.
 */
#ifndef LPR_MESSAGE_H
#define LPR_MESSAGE_H

#include "base/base.h"

/* All in UTF-8. */
typedef struct LprMessage
{
	const char *id;        /* left part of the Message-ID */
	const char *sender;    /* an address */
	const char *recipient; /* another */
	const char *subject;
	const char *body; /* lines end with LF */
	int64_t made_at;  /* seconds since 1970 */
} LprMessage;

/* One address, in ASCII: what may stand between < and >, and nothing that could end the line or the address. */
extern bool lpr_message_address(const char *address);

/*
 * Appends the message, lines ended by CRLF. What could smuggle in a header is refused: a fault, and nothing of use in
 * out.
 */
extern bool lpr_message_write(LprText *out, const LprMessage *message, LprFault *fault);

#endif
