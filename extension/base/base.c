/*
 * base.c: faults, growing text, excerpts of foreign text.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

static const char HEX_DIGITS[] = "0123456789ABCDEF";

bool
lpr_fault(LprFault *fault, const char *sqlstate, const char *format, ...)
{
	va_list args;

	memset(fault, 0, sizeof(*fault));
	snprintf(fault->sqlstate, sizeof(fault->sqlstate), "%s", sqlstate);
	va_start(args, format);
	vsnprintf(fault->message, sizeof(fault->message), format, args);
	va_end(args);
	return false;
}

void
lpr_fault_detail(LprFault *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault->detail, sizeof(fault->detail), format, args);
	va_end(args);
}

void
lpr_fault_hint(LprFault *fault, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(fault->hint, sizeof(fault->hint), format, args);
	va_end(args);
}

/* Room for len more bytes and a terminator; false (and failed) when memory ran out. */
static bool
text_room(LprText *text, size_t len)
{
	size_t size = text->size ? text->size : 256;
	char *data;

	if (text->failed)
		return false;
	if (text->size && len < text->size - text->len)
		return true;
	if (len > SIZE_MAX / 4 - text->len)
	{
		text->failed = true;
		return false;
	}
	while (size - text->len <= len)
		size *= 2;
	data = realloc(text->data, size);
	if (data == NULL)
	{
		text->failed = true;
		return false;
	}
	text->data = data;
	text->size = size;
	return true;
}

void
lpr_text_append(LprText *text, const char *data, size_t len)
{
	if (!text_room(text, len))
		return;
	if (len > 0)
		memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
}

char *
lpr_text_extend(LprText *text, size_t len)
{
	char *room;

	if (!text_room(text, len))
		return NULL;
	room = text->data + text->len;
	text->len += len;
	text->data[text->len] = '\0';
	return room;
}

void
lpr_text_adds(LprText *text, const char *string)
{
	lpr_text_append(text, string, strlen(string));
}

void
lpr_text_printf(LprText *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0)
	{
		text->failed = true;
		return;
	}
	if (!text_room(text, (size_t) len))
		return;
	va_start(args, format);
	vsnprintf(text->data + text->len, (size_t) len + 1, format, args);
	va_end(args);
	text->len += (size_t) len;
}

void
lpr_text_add_escaped(LprText *text, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) data[i];

		/* Spelled out, since isalnum() asks the locale. */
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
			c == '_' || c == '~')
			lpr_text_append(text, data + i, 1);
		else
		{
			char code[3] = {'%', HEX_DIGITS[c >> 4], HEX_DIGITS[c & 15]};

			lpr_text_append(text, code, sizeof(code));
		}
	}
}

void
lpr_text_free(LprText *text)
{
	free(text->data);
	memset(text, 0, sizeof(*text));
}

bool
lpr_decimal(LprSlice digits, int64_t *value)
{
	bool negative = digits.len > 1 && digits.data[0] == '-';
	uint64_t count = 0;

	if (negative)
		digits = (LprSlice){digits.data + 1, digits.len - 1};
	if (digits.len == 0 || digits.len > 19 || (digits.data[0] == '0' && (digits.len > 1 || negative)))
		return false;
	for (size_t i = 0; i < digits.len; i++)
	{
		if (digits.data[i] < '0' || digits.data[i] > '9')
			return false;
		count = count * 10 + (uint64_t) (digits.data[i] - '0'); /* nineteen digits always fit */
	}
	if (count > (uint64_t) INT64_MAX + negative)
		return false;
	*value = (int64_t) (negative ? 0 - count : count);
	return true;
}

const char *
lpr_excerpt(const char *data, size_t len, char out[LPR_EXCERPT_ROOM])
{
	size_t shown = len < LPR_EXCERPT_MAX ? len : LPR_EXCERPT_MAX;
	char *to = out;

	for (size_t i = 0; i < shown; i++)
	{
		unsigned char c = (unsigned char) data[i];

		/* The backslash is escaped too, so that what is shown can be told from what was sent. */
		if (c >= 0x20 && c < 0x7F && c != '\\')
			*to++ = (char) c;
		else
		{
			*to++ = '\\';
			*to++ = 'x';
			*to++ = HEX_DIGITS[c >> 4];
			*to++ = HEX_DIGITS[c & 15];
		}
	}
	if (shown < len)
	{
		memcpy(to, "...", 3);
		to += 3;
	}
	*to = '\0';
	return out;
}
