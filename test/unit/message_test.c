/*
 * message_test.c: mails as a mail server takes them, and what is refused.
 */
#include <stdlib.h>

#include "mail/message.h"
#include "tap.h"

static LprFault fault;

static const char *
written(const char *subject, const char *body)
{
	static LprText text;
	LprMessage message = {.id = "0123456789abcdef",
						  .sender = "lpr@agency.example",
						  .recipient = "ann@agency.example",
						  .subject = subject,
						  .body = body,
						  .made_at = 1795678957};

	lpr_text_free(&text);
	memset(&fault, 0, sizeof(fault));
	return lpr_message_write(&text, &message, &fault) ? text.data : NULL;
}

/* What stands behind "Subject: ", up to the next header. */
static const char *
subject_of(const char *subject)
{
	static char shown[2000];
	const char *text = written(subject, "b\n");
	const char *from = text == NULL ? NULL : strstr(text, "Subject: ");
	const char *to = from == NULL ? NULL : strstr(from, "\r\nMessage-ID:");

	if (to == NULL)
		return NULL;
	snprintf(shown, sizeof(shown), "%.*s", (int) (to - from - 9), from + 9);
	return shown;
}

static const char *
body_of(const char *body)
{
	const char *text = written("s", body);
	const char *from = text == NULL ? NULL : strstr(text, "\r\n\r\n");

	return from == NULL ? NULL : from + 4;
}

static void
test_addresses(void)
{
	static const char *const good[] = {"a@b", "Ann.O'Hara+lpr@mail.agency.example", "x@192-0-2-1.example"};
	static const char *const bad[] = {
		"",
		"a",
		"@b",
		"a@",
		"a@b.",
		"a@.b",
		"a@b..c",
		"a@b@c",
		"a b@c",
		"a@b\n",
		"a@b\r\nRCPT TO:<x@y>",
		"<a@b>",
		"a@b>",
		"a,c@b",
		"a@b c",
		"\xc3\xa4@b",
		"a@b\x7f",
		"\"a\"@b",
	};
	char longest[300];

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		ok(lpr_message_address(good[i]), "an address: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(!lpr_message_address(bad[i]), "no address (%zu)", i);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + 252, "@b", 3);
	ok(lpr_message_address(longest), "254 bytes");
	memcpy(longest + 253, "@b", 3);
	ok(!lpr_message_address(longest), "255 bytes");
}

static void
test_headers(void)
{
	is_text(written("Hello", "World\n"),
			"Date: Thu, 26 Nov 2026 07:42:37 +0000\r\n"
			"From: <lpr@agency.example>\r\n"
			"To: <ann@agency.example>\r\n"
			"Subject: Hello\r\n"
			"Message-ID: <0123456789abcdef@agency.example>\r\n"
			"Auto-Submitted: auto-generated\r\n"
			"MIME-Version: 1.0\r\n"
			"Content-Type: text/plain; charset=utf-8\r\n"
			"Content-Transfer-Encoding: quoted-printable\r\n"
			"\r\n"
			"World\r\n",
			"a mail");
	is_text(subject_of("Gr\xc3\xbc\xc3\x9f"
					   "e"),
			"=?UTF-8?B?R3LDvMOfZQ==?=", "a subject beyond ASCII");
	is_text(subject_of("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
					   "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"),
			"=?UTF-8?B?w6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6TDpMOkw6Q=?=\r\n =?UTF-8?B?w6Q=?=",
			"no encoded word splits a character");
	is_text(subject_of("=?UTF-8?B?R3LDvA==?="),
			"=?UTF-8?B?PT9VVEYtOD9CP1IzTER2QT09Pz0=?=", "what looks encoded and is not");
	is_text(subject_of("aaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb ccccccccccccccccccc ddddddddd eeeeeeeee"),
			"aaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbb ccccccccccccccccccc\r\n ddddddddd eeeeeeeee",
			"a long subject is folded");
	ok(written("a\r\nBcc: x@y", "b") == NULL && strstr(fault.message, "subject") != NULL, "CR and LF in a subject");
	ok(written("a\nb", "b") == NULL, "LF");
	ok(written("a\rb", "b") == NULL, "CR");
	ok(written("a\tb", "b") == NULL, "a tab");
	ok(written("a\x7f", "b") == NULL, "DEL");
}

static void
test_refused(void)
{
	LprText text = {0};
	LprMessage message = {.id = "ab", .sender = "a@b", .recipient = "c@d", .subject = "s", .body = "b", .made_at = 0};

	ok(lpr_message_write(&text, &message, &fault), "all in order");
	message.sender = "a@b\r\nX: y";
	ok(!lpr_message_write(&text, &message, &fault) && strstr(fault.message, "sender") != NULL, "a sender");
	message.sender = "a@b";
	message.recipient = "c@d>\r\nDATA";
	ok(!lpr_message_write(&text, &message, &fault) && strstr(fault.message, "recipient") != NULL, "a recipient");
	message.recipient = "c@d";
	message.id = "ab>";
	ok(!lpr_message_write(&text, &message, &fault) && strstr(fault.message, "Message-ID") != NULL, "a Message-ID");
	lpr_text_free(&text);
}

static void
test_bodies(void)
{
	char line[200], expected[300];

	is_text(body_of(""), "", "nothing");
	is_text(body_of("a"), "a\r\n", "a line without an end");
	is_text(body_of("a\n\nb\n"), "a\r\n\r\nb\r\n", "lines end with CRLF");
	is_text(body_of("50% = half"), "50% =3D half\r\n", "=");
	is_text(body_of("\xc3\xa4\r"), "=C3=A4=0D\r\n", "bytes beyond ASCII, and CR");
	is_text(body_of("a \nb\t\n"), "a=20\r\nb=09\r\n", "blanks at the end");
	is_text(body_of("From me\nFrom: x\n"), "=46rom me\r\nFrom: x\r\n", "a line that mail stores would mark");
	is_text(body_of(".\n"), ".\r\n", "dots are the transport's");
	memset(line, 'x', sizeof(line));
	line[76] = '\0';
	snprintf(expected, sizeof(expected), "%s\r\n", line);
	is_text(body_of(line), expected, "76 characters fit a line");
	line[76] = 'x';
	line[77] = '\0';
	snprintf(expected, sizeof(expected), "%.75s=\r\nxx\r\n", line);
	is_text(body_of(line), expected, "77 do not");
	memcpy(line + 74, "\xc3\xa4", 3);
	snprintf(expected, sizeof(expected), "%.74s=\r\n=C3=A4\r\n", line);
	is_text(body_of(line), expected, "a code is not split");
}

int
main(void)
{
	test_addresses();
	test_headers();
	test_refused();
	test_bodies();
	return tap_done();
}
