/*
 * smtp.c: sends mails by SMTP, through the engine of the requests.
 *
 * curl connects, greets, encrypts and logs in, and hands the connection over to us (CURLOPT_CONNECT_ONLY). The rest of
 * the conversation is ours. curl would wait for the server's reply to the message, and to QUIT, in loops of its own
 * that neither our latch nor a signal interrupts. And when it is stopped half-way, it ends the message there, so that
 * the server accepts half a mail.
 */
#include "mail/smtp.h"

#include <ctype.h>

#include "http/transfer.h"

#define AFTER_MESSAGE 10 /* times as patient, once the server has the message */
#define LINE_ROOM     2048
#define REPLY_ROOM    200

typedef enum Stage
{
	STAGE_CONNECT, /* up to the login: curl's */
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_DATA,
	STAGE_MESSAGE
} Stage;

typedef struct Conversation
{
	Stage stage;
	char *sender;
	char *recipient;
	curl_socket_t fd;
	/* what is being sent; the message itself stands in the transfer's body */
	char command[LPR_HTTP_HOST_ROOM + 300];
	const char *out;
	size_t out_len;
	/* what is being read */
	char line[LINE_ROOM];
	size_t line_len;
	int code; /* of the last whole reply, 0 = none */
	char reply[REPLY_ROOM];
	size_t reply_len;
	bool handed_over;
	LprMailFate fate;
} Conversation;

static void
free_conversation(LprTransfer *transfer)
{
	Conversation *smtp = transfer->own;

	if (smtp == NULL)
		return;
	free(smtp->sender);
	free(smtp->recipient);
	free(smtp);
	transfer->own = NULL;
}

/* ---- start ---- */

/* A line of a reply: "250-more follows", "250 the last one". Whether it is the last. */
static bool
take_line(Conversation *smtp, const char *line, size_t len)
{
	if (len < 3 || !isdigit((unsigned char) line[0]) || !isdigit((unsigned char) line[1]) ||
		!isdigit((unsigned char) line[2]))
		return false;
	while (len > 0 && (unsigned char) line[len - 1] <= ' ')
		len--;
	smtp->code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	smtp->reply_len = Min(len, REPLY_ROOM);
	memcpy(smtp->reply, line, smtp->reply_len);
	return len == 3 || line[3] != '-';
}

/* While the conversation is curl's it shows us the replies. */
static size_t
note_reply(char *data, size_t size, size_t count, void *arg)
{
	LprTransfer *transfer = arg;
	size_t len = size * count;

	transfer->heard_ms = lpr_engine_now();
	transfer->header_bytes += len;
	if (transfer->header_bytes > LPR_HTTP_HEADERS_MAX)
	{
		transfer->stop = LPR_STOP_HEADERS_TOO_LARGE;
		return 0;
	}
	(void) take_line(transfer->own, data, len);
	return len;
}

static CURLcode
set_mail(LprTransfer *transfer, const LprSmtpMail *mail, bool open)
{
	CURLcode code = CURLE_OK;
	CURL *easy = transfer->easy;

	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_URL, mail->url));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_USE_SSL, (long) (open ? CURLUSESSL_NONE : CURLUSESSL_ALL)));
	if (mail->login != NULL)
	{
		lpr_also(&code, curl_easy_setopt(easy, CURLOPT_USERNAME, mail->login));
		lpr_also(&code, curl_easy_setopt(easy, CURLOPT_PASSWORD, mail->password));
		/* within TLS these give nothing away; others would ask Kerberos, and wait for it */
		lpr_also(&code, curl_easy_setopt(easy, CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN"));
	}
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, note_reply));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, lpr_transfer_body));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer));
	return code;
}

/* curl would send what follows a line end as a command, and so would we. */
static bool
check_line(LprTransfer *transfer, const char *value, const char *what)
{
	for (const unsigned char *c = (const unsigned char *) value; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
		{
			lpr_fault(&transfer->fault, LPR_STATE_BAD_OPTION, "the %s of a mail is not usable", what);
			lpr_fault_detail(&transfer->fault, "It holds a control character.");
			return false;
		}
	return true;
}

/* The message as it is sent: a dot more where a line begins with one, and the dot that ends it. */
static bool
copy_message(LprTransfer *transfer, const char *message, size_t len)
{
	LprText text = {0};
	bool at_start = true;

	for (size_t i = 0; i < len; i++)
	{
		if (at_start && message[i] == '.')
			lpr_text_append(&text, ".", 1);
		lpr_text_append(&text, message + i, 1);
		at_start = message[i] == '\n';
	}
	lpr_text_adds(&text, at_start ? ".\r\n" : "\r\n.\r\n");
	transfer->body = text.data;
	transfer->body_len = text.len;
	return !text.failed;
}

static const char *
refuse_smtp_url(const LprUrl *url)
{
	if (strcmp(url->scheme, "smtp") != 0 && strcmp(url->scheme, "smtps") != 0)
		return "A mail server is spoken to by smtp, or by smtps.";
	if (strcmp(url->path, "/") != 0 || strpbrk(url->text, "?#") != NULL)
		return "There is more in the URL than smtp://host:port.";
	return NULL;
}

static bool
start_mail(LprTransfer *transfer, const void *request)
{
	static const LprUrlRule rule = {"", false, "The URL is malformed, or its scheme is neither smtp nor smtps.",
									refuse_smtp_url};
	const LprSmtpMail *mail = request;
	bool loopback = false;
	Conversation *smtp = calloc(1, sizeof(Conversation));
	CURLcode code;

	if (smtp == NULL)
		return false;
	transfer->own = smtp;
	smtp->fate = LPR_MAIL_UNREACHABLE;
	if (!lpr_transfer_url(transfer, mail->url, &rule, &loopback) || !check_line(transfer, mail->sender, "sender") ||
		!check_line(transfer, mail->recipient, "recipient") ||
		!check_line(transfer, mail->login != NULL ? mail->login : "", "login"))
		return false;
	smtp->sender = strdup(mail->sender);
	smtp->recipient = strdup(mail->recipient);
	if (smtp->sender == NULL || smtp->recipient == NULL || !copy_message(transfer, mail->message, mail->message_len))
		return false;
	code = lpr_transfer_peer(transfer, "smtp,smtps");
	if (code == CURLE_OK)
		code = set_mail(transfer, mail, loopback && mail->login == NULL && transfer->peer.ca_file == NULL);
	if (code == CURLE_OK || code == CURLE_OUT_OF_MEMORY)
		return code == CURLE_OK;
	return lpr_fault(&transfer->fault, LPR_STATE_BAD_OPTION, "libcurl cannot send a mail: %s",
					 curl_easy_strerror(code));
}

/* ---- end ---- */

/* The fault of a mail that the server answered with a code of refusal. */
static void
explain_reply(LprTransfer *transfer, CURLcode code)
{
	static const char *const refused[] = {
		[STAGE_CONNECT] = "the connection", [STAGE_MAIL] = "the sender",     [STAGE_RCPT] = "the recipient",
		[STAGE_DATA] = "the message",       [STAGE_MESSAGE] = "the message",
	};
	Conversation *smtp = transfer->own;
	LprFault *fault = &transfer->fault;
	char shown[LPR_EXCERPT_ROOM];

	if (code == CURLE_LOGIN_DENIED)
	{
		lpr_fault(fault, LPR_STATE_NO_CONNECTION, "the mail server refused the login (%d)", smtp->code);
		lpr_fault_detail(fault, "Request: %s", transfer->place); /* its text may repeat what it was told */
		return;
	}
	lpr_fault(fault, LPR_STATE_NO_CONNECTION, "the mail server refused %s",
			  code == CURLE_USE_SSL_FAILED ? "encryption" : refused[smtp->stage]);
	lpr_fault_detail(fault, "It answered: %s. Request: %s", lpr_excerpt(smtp->reply, smtp->reply_len, shown),
					 transfer->place);
}

static void
explain_failure(LprTransfer *transfer, CURLcode code)
{
	Conversation *smtp = transfer->own;
	LprFault *fault = &transfer->fault;

	memset(fault, 0, sizeof(*fault));
	if (transfer->stop == LPR_STOP_NONE && smtp->code >= 400)
		explain_reply(transfer, code);
	else if (code == CURLE_USE_SSL_FAILED)
	{
		lpr_fault(fault, LPR_STATE_NO_CONNECTION, "the mail server offers no encryption");
		lpr_fault_detail(fault, "Mails and logins are sent through TLS only. Request: %s", transfer->place);
	}
	else if (code == CURLE_LOGIN_DENIED)
	{
		lpr_fault(fault, LPR_STATE_NO_CONNECTION, "the mail server takes no login that we know");
		lpr_fault_detail(fault, "A login is given by AUTH PLAIN or AUTH LOGIN. Request: %s", transfer->place);
	}
	else if (transfer->stop == LPR_STOP_STALLED || code == CURLE_OPERATION_TIMEDOUT)
	{
		lpr_fault(fault, LPR_STATE_NO_CONNECTION, "the mail server does not answer");
		lpr_fault_detail(fault, "It sent nothing more for " INT64_FORMAT " s. Request: %s",
						 (lpr_engine_now() - transfer->heard_ms) / 1000, transfer->place);
	}
	else if (code == CURLE_WEIRD_SERVER_REPLY)
	{
		lpr_fault(fault, LPR_STATE_BAD_REPLY, "the mail server does not speak SMTP as it should");
		lpr_fault_detail(fault, "Request: %s", transfer->place);
	}
	else
		lpr_transfer_explain(transfer, code);
}

static void
fail_mail(LprTransfer *transfer, CURLcode code)
{
	Conversation *smtp = transfer->own;
	bool answered = transfer->stop == LPR_STOP_NONE && smtp->code >= 400;

	explain_failure(transfer, code);
	if (answered && smtp->stage >= STAGE_RCPT && smtp->code != 421) /* 421: it closes down, whatever it was asked */
		smtp->fate = smtp->code >= 500 ? LPR_MAIL_REFUSED : LPR_MAIL_PUT_OFF;
	else if (smtp->handed_over && !answered)
		smtp->fate = LPR_MAIL_IN_DOUBT;
	else
		smtp->fate = LPR_MAIL_UNREACHABLE;
	lpr_transfer_settle(transfer, LPR_HTTP_FAILED);
}

/* ---- the conversation ---- */

static void
say_command(LprTransfer *transfer, Stage stage, const char *format, const char *value)
{
	Conversation *smtp = transfer->own;

	smtp->stage = stage;
	snprintf(smtp->command, sizeof(smtp->command), format, value);
	smtp->out = smtp->command;
	smtp->out_len = strlen(smtp->command);
}

/* Sends QUIT without waiting for an answer: the connection is closed next. */
static void
say_quit(LprTransfer *transfer)
{
	LprSignals before = lpr_curl_enter();
	size_t sent;

	(void) curl_easy_send(transfer->easy, "QUIT\r\n", 6, &sent);
	lpr_curl_leave(before);
}

/* A whole reply is there. False when the mail is settled. */
static bool
answer_reply(LprTransfer *transfer)
{
	Conversation *smtp = transfer->own;
	int kind = smtp->code / 100;

	if (kind == (smtp->stage == STAGE_DATA ? 3 : 2) && smtp->out_len == 0)
		switch (smtp->stage)
		{
			case STAGE_MAIL:
				say_command(transfer, STAGE_RCPT, "RCPT TO:<%s>\r\n", smtp->recipient);
				return true;
			case STAGE_RCPT:
				say_command(transfer, STAGE_DATA, "%s\r\n", "DATA");
				return true;
			case STAGE_DATA:
				smtp->stage = STAGE_MESSAGE;
				smtp->out = transfer->body;
				smtp->out_len = transfer->body_len;
				return true;
			default:
				smtp->fate = LPR_MAIL_TAKEN;
				say_quit(transfer);
				lpr_transfer_settle(transfer, LPR_HTTP_DONE);
				return false;
		}
	/* also one that comes before we have said everything, unless it refuses */
	if (smtp->code < 400)
	{
		fail_mail(transfer, CURLE_WEIRD_SERVER_REPLY);
		return false;
	}
	if (smtp->out_len == 0)
		say_quit(transfer);
	fail_mail(transfer, CURLE_OK);
	return false;
}

/* Sends as much as goes. */
static CURLcode
send_some(LprTransfer *transfer)
{
	Conversation *smtp = transfer->own;
	CURLcode code = CURLE_OK;

	while (code == CURLE_OK && smtp->out_len > 0)
	{
		size_t sent = 0;
		LprSignals before;

		/* it may be delivered although we report a failure */
		if (smtp->stage == STAGE_MESSAGE && !smtp->handed_over)
		{
			smtp->handed_over = true;
			transfer->peer.stall_timeout_ms *= AFTER_MESSAGE;
		}
		before = lpr_curl_enter();
		code = curl_easy_send(transfer->easy, smtp->out, smtp->out_len, &sent);
		lpr_curl_leave(before);
		smtp->out += sent;
		smtp->out_len -= sent;
	}
	return code == CURLE_AGAIN ? CURLE_OK : code;
}

/* Reads one line if it is there whole: CURLE_AGAIN when not. */
static CURLcode
read_line(LprTransfer *transfer)
{
	Conversation *smtp = transfer->own;

	while (memchr(smtp->line, '\n', smtp->line_len) == NULL)
	{
		size_t got = 0;
		LprSignals before;
		CURLcode code;

		if (smtp->line_len == LINE_ROOM)
			return CURLE_WEIRD_SERVER_REPLY;
		before = lpr_curl_enter();
		code = curl_easy_recv(transfer->easy, smtp->line + smtp->line_len, LINE_ROOM - smtp->line_len, &got);
		lpr_curl_leave(before);
		if (code != CURLE_OK)
			return code;
		if (got == 0)
			return CURLE_RECV_ERROR; /* closed */
		smtp->line_len += got;
		transfer->header_bytes += got;
		transfer->heard_ms = lpr_engine_now();
		if (transfer->header_bytes > LPR_HTTP_HEADERS_MAX)
			return CURLE_WEIRD_SERVER_REPLY;
	}
	return CURLE_OK;
}

static void
talk(LprTransfer *transfer)
{
	Conversation *smtp = transfer->own;
	CURLcode code;

	if (smtp->stage == STAGE_CONNECT)
		return;
	for (;;)
	{
		size_t len;
		bool last;

		code = send_some(transfer);
		if (code == CURLE_OK)
			code = read_line(transfer);
		if (code != CURLE_OK)
			break;
		len = (const char *) memchr(smtp->line, '\n', smtp->line_len) - smtp->line + 1;
		last = take_line(smtp, smtp->line, len);
		smtp->line_len -= len;
		memmove(smtp->line, smtp->line + len, smtp->line_len);
		/* more than was asked for would be taken as the answer to what comes next */
		if (last && smtp->line_len > 0)
		{
			smtp->code = 0;
			code = CURLE_WEIRD_SERVER_REPLY;
			break;
		}
		if (last && !answer_reply(transfer))
			return;
	}
	if (code != CURLE_AGAIN)
	{
		smtp->code = 0;
		fail_mail(transfer, code);
		return;
	}
	if (lpr_engine_now() - transfer->try_ms > transfer->peer.request_timeout_ms)
	{
		smtp->code = 0;
		transfer->stop = LPR_STOP_STALLED;
		fail_mail(transfer, CURLE_OPERATION_TIMEDOUT);
		return;
	}
	lpr_engine_watch(smtp->fd, smtp->out_len > 0);
}

/* curl has done its part, or a time limit was reached. */
static void
finish_connecting(LprTransfer *transfer, CURLcode code)
{
	Conversation *smtp = transfer->own;

	if (transfer->stop != LPR_STOP_NONE || code != CURLE_OK)
	{
		if (transfer->stop != LPR_STOP_NONE || smtp->stage != STAGE_CONNECT)
			smtp->code = 0;
		fail_mail(transfer, code);
		return;
	}
	if (curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &smtp->fd) != CURLE_OK || smtp->fd == CURL_SOCKET_BAD)
	{
		fail_mail(transfer, CURLE_RECV_ERROR);
		return;
	}
	smtp->code = 0;
	say_command(transfer, STAGE_MAIL, "MAIL FROM:<%s>\r\n", smtp->sender);
	talk(transfer);
}

static const LprProtocol protocol = {
	.start = start_mail, .talk = talk, .finish = finish_connecting, .free = free_conversation};

LprHttp *
lpr_smtp_start(MemoryContext context, const LprHttpPeer *peer, const LprSmtpMail *mail)
{
	return lpr_transfer_start(context, peer, "the mail server", &protocol, mail);
}

/* NULL once it is freed, or of another protocol. */
static const Conversation *
conversation_of(const LprHttp *http)
{
	return http->transfer != NULL && http->transfer->protocol == &protocol ? http->transfer->own : NULL;
}

LprMailFate
lpr_smtp_fate(const LprHttp *http)
{
	const Conversation *smtp = conversation_of(http);

	return smtp != NULL ? smtp->fate : LPR_MAIL_UNREACHABLE;
}

bool
lpr_smtp_handed_over(const LprHttp *http)
{
	const Conversation *smtp = conversation_of(http);

	return smtp != NULL && smtp->handed_over;
}
