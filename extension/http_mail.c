/*
 * http_mail.c: mails: the same engine, speaking SMTP.
 *
 * Each mail has a connection of its own. curl takes its leave of the server with QUIT and waits for an answer, in a loop of its own that nothing
 * interrupts: so once QUIT is out, nothing more is read.
 *
 * curl tells a refused recipient, a refused login and a refused greeting apart only by its words. So we listen to what it says, and remember the command that
 * was answered last.
 */
#include "http_internal.h"

#include <ctype.h>

#define AFTER_MESSAGE 10 /* times as patient, once the server has the message */
#define REPLY_ROOM    200

typedef enum LprCommand
{
	LPR_COMMAND_NONE, /* the greeting */
	LPR_COMMAND_HELLO,
	LPR_COMMAND_STARTTLS,
	LPR_COMMAND_AUTH,
	LPR_COMMAND_MAIL,
	LPR_COMMAND_RCPT,
	LPR_COMMAND_DATA,
	LPR_COMMAND_QUIT
} LprCommand;

typedef struct LprSmtp
{
	struct curl_slist *recipients;
	size_t offset; /* of the message: so much was handed to curl */
	bool handed_over;
	LprCommand command;
	int code; /* of the last reply, 0 = none */
	char reply[REPLY_ROOM];
	size_t reply_len;
	LprMailFate fate;
} LprSmtp;

void
lpr_mail_free(LprTransfer *transfer)
{
	LprSignals before;

	if (transfer->smtp == NULL)
		return;
	before = lpr_curl_enter();
	curl_slist_free_all(transfer->smtp->recipients);
	lpr_curl_leave(before);
	free(transfer->smtp);
	transfer->smtp = NULL;
}

/* ---- curl's callbacks ---- */

/* What curl says. The lines of a login are no commands, and are not kept. */
static int
note_command(CURL *easy, curl_infotype type, char *data, size_t size, void *arg)
{
	static const struct
	{
		const char *begins;
		LprCommand command;
	} commands[] = {
		{"EHLO ", LPR_COMMAND_HELLO},   {"HELO ", LPR_COMMAND_HELLO},     {"STARTTLS\r\n", LPR_COMMAND_STARTTLS},
		{"AUTH ", LPR_COMMAND_AUTH},    {"MAIL FROM:", LPR_COMMAND_MAIL}, {"RCPT TO:", LPR_COMMAND_RCPT},
		{"DATA\r\n", LPR_COMMAND_DATA}, {"QUIT\r\n", LPR_COMMAND_QUIT},
	};
	LprTransfer *transfer = arg;

	if (type != CURLINFO_HEADER_OUT)
		return 0;
	for (size_t i = 0; i < lengthof(commands); i++)
	{
		size_t len = strlen(commands[i].begins);

		if (size < len || memcmp(data, commands[i].begins, len) != 0)
			continue;
		if (commands[i].command == LPR_COMMAND_QUIT)
			lpr_sockets_deafen(transfer);
		else
			transfer->smtp->command = commands[i].command;
	}
	return 0;
}

/* A line of a reply: "250-more follows", "250 the last one". */
static size_t
take_reply(char *data, size_t size, size_t count, void *arg)
{
	LprTransfer *transfer = arg;
	LprSmtp *smtp = transfer->smtp;
	size_t len = size * count;
	size_t text_len = len;

	transfer->heard_ms = lpr_engine_now();
	transfer->header_bytes += len;
	if (transfer->header_bytes > LPR_HTTP_HEADERS_MAX)
	{
		transfer->stop = LPR_STOP_HEADERS_TOO_LARGE;
		return 0;
	}
	if (len < 4 || !isdigit((unsigned char) data[0]) || !isdigit((unsigned char) data[1]) ||
		!isdigit((unsigned char) data[2]))
		return len;
	smtp->code = (data[0] - '0') * 100 + (data[1] - '0') * 10 + (data[2] - '0');
	while (text_len > 0 && (unsigned char) data[text_len - 1] <= ' ')
		text_len--;
	smtp->reply_len = Min(text_len, REPLY_ROOM);
	memcpy(smtp->reply, data, smtp->reply_len);
	return len;
}

static size_t
give_message(char *data, size_t size, size_t count, void *arg)
{
	LprTransfer *transfer = arg;
	LprSmtp *smtp = transfer->smtp;
	size_t len = Min(size * count, transfer->body_len - smtp->offset);

	memcpy(data, transfer->body + smtp->offset, len);
	smtp->offset += len;
	transfer->heard_ms = lpr_engine_now();
	if (smtp->offset == transfer->body_len && !smtp->handed_over)
	{
		smtp->handed_over = true;
		transfer->peer.stall_timeout_ms *= AFTER_MESSAGE;
	}
	return len;
}

/* ---- start ---- */

static CURLcode
set_mail(LprTransfer *transfer, const LprHttpMail *mail, bool open)
{
	const LprHttpPeer *peer = &transfer->peer;
	CURLcode code = CURLE_OK;

	SET(CURLOPT_URL, mail->url);
	SET(CURLOPT_USE_SSL, (long) (open ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	if (mail->login != NULL)
	{
		SET(CURLOPT_USERNAME, mail->login);
		SET(CURLOPT_PASSWORD, mail->password);
		/* within TLS these give nothing away; others would ask Kerberos, and wait for it */
		SET(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN");
	}
	SET(CURLOPT_MAIL_FROM, mail->sender);
	SET(CURLOPT_MAIL_RCPT, transfer->smtp->recipients);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_READFUNCTION, give_message);
	SET(CURLOPT_READDATA, transfer);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t) transfer->body_len);
	SET(CURLOPT_HEADERFUNCTION, take_reply);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_WRITEFUNCTION, lpr_reply_body);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_DEBUGFUNCTION, note_command);
	SET(CURLOPT_DEBUGDATA, transfer);
	SET(CURLOPT_VERBOSE, 1L);
	SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_FORBID_REUSE, 1L);
	/* the engine watches for silence; curl's own limit of two minutes would come before ours */
	SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, (long) peer->stall_timeout_ms / 1000 * AFTER_MESSAGE + 60);
	return code;
}

/* Everything up to the first try; false leaves a fault. Signals are masked. */
static bool
prepare(LprTransfer *transfer, const LprHttpMail *mail)
{
	bool loopback = false;
	CURLcode code;

	transfer->smtp = calloc(1, sizeof(LprSmtp));
	if (transfer->smtp == NULL)
		return false;
	transfer->smtp->fate = LPR_MAIL_UNREACHABLE;
	if (!lpr_transfer_url(transfer, mail->url, "", true, &loopback))
		return false;
	/* curl would send what follows a line end as a command */
	for (int i = 0; i < 3; i++)
	{
		const char *value = i == 0 ? mail->sender : i == 1 ? mail->recipient : mail->login != NULL ? mail->login : "";

		for (const unsigned char *c = (const unsigned char *) value; *c; c++)
			if (*c < 0x20 || *c == 0x7f)
			{
				lpr_fault(&transfer->fault, LPR_STATE_BAD_OPTION, "%s of a mail is not usable",
						  i == 0   ? "the sender"
						  : i == 1 ? "the recipient"
								   : "the login");
				lpr_fault_detail(&transfer->fault, "It holds a control character.");
				return false;
			}
	}
	transfer->smtp->recipients = curl_slist_append(NULL, mail->recipient);
	transfer->body = malloc(mail->message_len + 1);
	if (transfer->smtp->recipients == NULL || transfer->body == NULL)
		return false;
	memcpy(transfer->body, mail->message, mail->message_len);
	transfer->body_len = mail->message_len;
	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL)
		return false;
	code = lpr_transfer_peer(transfer, "smtp,smtps");
	if (code == CURLE_OK)
		code = set_mail(transfer, mail, loopback && mail->login == NULL && transfer->peer.ca_file == NULL);
	if (code == CURLE_OK || code == CURLE_OUT_OF_MEMORY)
		return code == CURLE_OK;
	return lpr_fault(&transfer->fault, LPR_STATE_BAD_OPTION, "libcurl cannot send a mail: %s",
					 curl_easy_strerror(code));
}

LprHttp *
lpr_http_start_mail(MemoryContext context, const LprHttpPeer *peer, const LprHttpMail *mail)
{
	LprHttp *http = lpr_transfer_new(context, peer, "the mail server");
	LprSignals before;
	bool good;

	before = lpr_curl_enter();
	good = prepare(http->transfer, mail);
	lpr_curl_leave(before);
	lpr_transfer_go(http->transfer, good);
	return http;
}

/* ---- end ---- */

/* The fault of a mail that the server answered with a code of refusal. */
static void
explain_reply(LprTransfer *transfer)
{
	LprSmtp *smtp = transfer->smtp;
	LprFault *fault = &transfer->fault;
	char shown[LPR_EXCERPT_ROOM];

	memset(fault, 0, sizeof(*fault));
	switch (smtp->command)
	{
		case LPR_COMMAND_AUTH:
			lpr_fault(fault, LPR_STATE_NO_CONNECTION, "the mail server refused the login (%d)", smtp->code);
			lpr_fault_detail(fault, "Request: %s", transfer->place); /* its text may repeat what it was told */
			return;
		case LPR_COMMAND_STARTTLS:
			lpr_fault(fault, LPR_STATE_NO_CONNECTION, "the mail server refused encryption");
			break;
		case LPR_COMMAND_MAIL:
			lpr_fault(fault, LPR_STATE_NO_CONNECTION, "the mail server refused the sender");
			break;
		case LPR_COMMAND_RCPT:
			lpr_fault(fault, LPR_STATE_VENDOR, "the mail server refused the recipient");
			break;
		case LPR_COMMAND_DATA:
			lpr_fault(fault, LPR_STATE_VENDOR, "the mail server refused the message");
			break;
		default:
			lpr_fault(fault, LPR_STATE_NO_CONNECTION, "the mail server refused the connection");
			break;
	}
	lpr_fault_detail(fault, "It answered: %s. Request: %s", lpr_excerpt(smtp->reply, smtp->reply_len, shown),
					 transfer->place);
}

static void
explain(LprTransfer *transfer, CURLcode code)
{
	LprSmtp *smtp = transfer->smtp;
	LprFault *fault = &transfer->fault;

	if (transfer->stop == LPR_STOP_NONE && smtp->code >= 400)
	{
		explain_reply(transfer);
		return;
	}
	memset(fault, 0, sizeof(*fault));
	if (code == CURLE_USE_SSL_FAILED)
	{
		lpr_fault(fault, LPR_STATE_NO_CONNECTION, "the mail server offers no encryption");
		lpr_fault_detail(fault, "Mails and logins are sent through TLS only. Request: %s", transfer->place);
		return;
	}
	if (code == CURLE_LOGIN_DENIED)
	{
		lpr_fault(fault, LPR_STATE_NO_CONNECTION, "the mail server takes no login that we know");
		lpr_fault_detail(fault, "A login is given by AUTH PLAIN or AUTH LOGIN. Request: %s", transfer->place);
		return;
	}
	if (transfer->stop == LPR_STOP_STALLED || code == CURLE_OPERATION_TIMEDOUT)
	{
		lpr_fault(fault, LPR_STATE_NO_CONNECTION, "the mail server does not answer");
		lpr_fault_detail(fault, "Nothing was heard of it for " INT64_FORMAT " s. Request: %s",
						 (lpr_engine_now() - transfer->heard_ms) / 1000, transfer->place);
		return;
	}
	lpr_http_explain_failure(transfer, code);
}

void
lpr_mail_finish(LprTransfer *transfer, CURLcode code)
{
	LprSmtp *smtp = transfer->smtp;
	bool about_this = smtp->command == LPR_COMMAND_RCPT || smtp->command == LPR_COMMAND_DATA;

	if (code == CURLE_OK)
	{
		smtp->fate = LPR_MAIL_TAKEN;
		lpr_engine_detach(transfer);
		lpr_reply_settle(transfer, LPR_HTTP_DONE);
		return;
	}
	explain(transfer, code);
	lpr_engine_detach(transfer);
	/* 421: it closes down, whatever it was asked */
	if (transfer->stop == LPR_STOP_NONE && about_this && smtp->code >= 400 && smtp->code != 421)
		smtp->fate = smtp->code >= 500 ? LPR_MAIL_REFUSED : LPR_MAIL_PUT_OFF;
	else if (smtp->handed_over && smtp->code < 400)
		smtp->fate = LPR_MAIL_IN_DOUBT;
	else
		smtp->fate = LPR_MAIL_UNREACHABLE;
	lpr_reply_settle(transfer, LPR_HTTP_FAILED);
}

LprMailFate
lpr_http_mail_fate(const LprHttp *http)
{
	return http->transfer == NULL || http->transfer->smtp == NULL ? LPR_MAIL_UNREACHABLE : http->transfer->smtp->fate;
}

bool
lpr_http_mail_handed_over(const LprHttp *http)
{
	return http->transfer != NULL && http->transfer->smtp != NULL && http->transfer->smtp->handed_over;
}
