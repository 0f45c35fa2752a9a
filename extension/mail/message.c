/*
 * message.c: a mail written down as RFC 5322 and MIME have it.
 */
#include "mail/message.h"

#include <string.h>
#include <time.h>

#include "base/base64.h"

#define ADDRESS_MAX 254
#define LINE_MAX_   76 /* of an encoded line, its end left out */
#define WORD_BYTES  39 /* of an encoded word: with its marks and "Subject: " it just fits a line */

bool
lpr_message_address(const char *address)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-";
	static const char atoms[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-.!#$%&'*+/=?^_`{|}~";
	size_t local = strspn(address, atoms);
	const char *at = address + local;

	if (local == 0 || *at != '@' || strlen(address) > ADDRESS_MAX)
		return false;
	do
	{
		size_t label = strspn(++at, letters);

		if (label == 0)
			return false;
		at += label;
	} while (*at == '.');
	return *at == '\0';
}

/* Only what can be printed, and bytes of UTF-8. */
static bool
is_line(const char *value)
{
	for (const unsigned char *c = (const unsigned char *) value; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			return false;
	return true;
}

static bool
is_ascii(const char *value)
{
	for (const unsigned char *c = (const unsigned char *) value; *c; c++)
		if (*c >= 0x80)
			return false;
	return true;
}

static void
add_date(LprText *out, int64_t made_at)
{
	static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
										 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t clock = (time_t) made_at;
	struct tm t = {0};

	gmtime_r(&clock, &t);
	lpr_text_printf(out, "Date: %s, %d %s %d %02d:%02d:%02d +0000\r\n", days[t.tm_wday], t.tm_mday, months[t.tm_mon],
					t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

/* As encoded words (RFC 2047), none of which splits a character. */
static void
add_encoded_words(LprText *out, const char *value)
{
	size_t left = strlen(value);

	while (left > 0)
	{
		size_t len = left < WORD_BYTES ? left : WORD_BYTES;

		while (len > 1 && len < left && ((unsigned char) value[len] & 0xc0) == 0x80)
			len--;
		lpr_text_adds(out, "=?UTF-8?B?");
		lpr_base64_add(out, value, len);
		lpr_text_adds(out, "?=");
		value += len;
		left -= len;
		if (left > 0)
			lpr_text_adds(out, "\r\n ");
	}
}

/* As it is, folded before a word that would make the line too long. */
static void
add_folded(LprText *out, const char *value, size_t column)
{
	while (*value)
	{
		size_t blanks = strspn(value, " ");
		size_t word = strcspn(value + blanks, " ");

		if (blanks > 0 && word > 0 && column + blanks + word > LINE_MAX_)
		{
			lpr_text_adds(out, "\r\n");
			column = 0;
		}
		lpr_text_append(out, value, blanks + word);
		column += blanks + word;
		value += blanks + word;
	}
}

/* Quoted-printable (RFC 2045): one line of text, soft breaks within. */
static void
add_quoted_line(LprText *out, const char *line, size_t len)
{
	size_t column = 0;
	/* mail stores mark such a line, which would break signatures and look odd */
	bool from = len >= 5 && memcmp(line, "From ", 5) == 0;

	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) line[i];
		bool plain = (c > 0x20 && c < 0x7f && c != '=' && !(from && i == 0)) || (c == ' ' && i + 1 < len);
		size_t width = plain ? 1 : 3;

		if (column + width > LINE_MAX_ - (i + 1 < len))
		{
			lpr_text_adds(out, "=\r\n");
			column = 0;
		}
		if (plain)
			lpr_text_append(out, line + i, 1);
		else
			lpr_text_printf(out, "=%02X", c);
		column += width;
	}
	lpr_text_adds(out, "\r\n");
}

static bool
refuse_field(LprFault *fault, const char *what, const char *rule)
{
	lpr_fault(fault, LPR_STATE_BAD_OPTION, "%s of a mail is not usable", what);
	lpr_fault_detail(fault, "%s", rule);
	return false;
}

bool
lpr_message_write(LprText *out, const LprMessage *message, LprFault *fault)
{
	static const char address_rule[] = "An address is one, of the form name@host, in ASCII.";

	if (!lpr_message_address(message->sender))
		return refuse_field(fault, "the sender", address_rule);
	if (!lpr_message_address(message->recipient))
		return refuse_field(fault, "the recipient", address_rule);
	if (!is_line(message->subject))
		return refuse_field(fault, "the subject", "A subject is one line without control characters.");
	if (message->id[0] == '\0' || message->id[strspn(message->id, "0123456789abcdef")] != '\0')
		return refuse_field(fault, "the Message-ID", "It is made of hexadecimal digits.");

	add_date(out, message->made_at);
	lpr_text_printf(out, "From: <%s>\r\nTo: <%s>\r\nSubject: ", message->sender, message->recipient);
	if (is_ascii(message->subject) && strstr(message->subject, "=?") == NULL)
		add_folded(out, message->subject, strlen("Subject: "));
	else
		add_encoded_words(out, message->subject);
	lpr_text_printf(out, "\r\nMessage-ID: <%s%s>\r\n", message->id, strrchr(message->sender, '@'));
	lpr_text_adds(out, "Auto-Submitted: auto-generated\r\n"
					   "MIME-Version: 1.0\r\n"
					   "Content-Type: text/plain; charset=utf-8\r\n"
					   "Content-Transfer-Encoding: quoted-printable\r\n"
					   "\r\n");
	for (const char *line = message->body; *line;)
	{
		size_t len = strcspn(line, "\n");

		add_quoted_line(out, line, len);
		line += len + (line[len] == '\n');
	}
	if (out->failed)
		return lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
	return true;
}
