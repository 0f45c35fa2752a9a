/*
 * object.c: see object.h. What is read may come from a hostile place.
 */
#include <string.h>

#include "format/object.h"

#define DEPTH_MAX 32

static void
advance(LprObject *rest, size_t n)
{
	rest->data += n;
	rest->len -= n;
}

static void
skip_blanks(LprObject *rest)
{
	while (rest->len > 0 && memchr(" \t\r\n", rest->data[0], 4) != NULL)
		advance(rest, 1);
}

bool
lpr_object_take(LprObject *rest, char c)
{
	skip_blanks(rest);
	if (rest->len == 0 || rest->data[0] != c)
		return false;
	advance(rest, 1);
	return true;
}

bool
lpr_object_end(LprObject *rest)
{
	skip_blanks(rest);
	return rest->len == 0;
}

/* A string as it is written, without its quotes. */
static bool
take_plain_string(LprObject *rest, LprSlice *string)
{
	size_t len = 0;

	if (!lpr_object_take(rest, '"'))
		return false;
	while (len < rest->len && rest->data[len] != '"')
		len += rest->data[len] == '\\' ? 2 : 1;
	if (len >= rest->len)
		return false;
	*string = (LprSlice){rest->data, len};
	advance(rest, len + 1);
	return true;
}

bool
lpr_object_name(LprObject *rest, LprSlice *name)
{
	return take_plain_string(rest, name) && lpr_object_take(rest, ':');
}

bool
lpr_object_is(LprSlice name, const char *word)
{
	return name.len == strlen(word) && memcmp(name.data, word, name.len) == 0;
}

bool
lpr_object_integer(LprObject *rest, int64_t *value)
{
	LprSlice digits;

	skip_blanks(rest);
	digits = (LprSlice){rest->data, 0};
	while (digits.len < rest->len && strchr("-0123456789", rest->data[digits.len]) != NULL &&
		   rest->data[digits.len] != '\0')
		digits.len++;
	advance(rest, digits.len);
	return lpr_decimal(digits, value);
}

bool
lpr_object_hex(LprObject *rest, void *out, size_t len)
{
	LprSlice hex;

	return take_plain_string(rest, &hex) && lpr_unhex(hex, out, len);
}

bool
lpr_object_digests(LprObject *rest, LprDigest *digests, int max, int *count)
{
	*count = 0;
	if (!lpr_object_take(rest, '['))
		return false;
	if (lpr_object_take(rest, ']'))
		return true;
	do
	{
		if (*count == max || !lpr_object_hex(rest, digests[*count].bytes, LPR_DIGEST_LEN))
			return false;
		(*count)++;
	} while (lpr_object_take(rest, ','));
	return lpr_object_take(rest, ']');
}

/* Four hex digits. */
static bool
take_unit(const char *from, const char *end, uint32_t *unit)
{
	uint8_t bytes[2];

	if (end - from < 4 || !lpr_unhex((LprSlice){from, 4}, bytes, sizeof(bytes)))
		return false;
	*unit = (uint32_t) bytes[0] << 8 | bytes[1];
	return true;
}

static char *
put_character(char *to, uint32_t c)
{
	if (c < 0x80)
		*to++ = (char) c;
	else if (c < 0x800)
	{
		*to++ = (char) (0xC0 | c >> 6);
		*to++ = (char) (0x80 | (c & 0x3F));
	}
	else
	{
		if (c < 0x10000)
			*to++ = (char) (0xE0 | c >> 12);
		else
		{
			*to++ = (char) (0xF0 | c >> 18);
			*to++ = (char) (0x80 | (c >> 12 & 0x3F));
		}
		*to++ = (char) (0x80 | (c >> 6 & 0x3F));
		*to++ = (char) (0x80 | (c & 0x3F));
	}
	return to;
}

/* \uXXXX, or a pair of them; from is behind the u. No character U+0000, no half of a pair. */
static bool
take_escape(const char **from, const char *end, uint32_t *c)
{
	uint32_t low;

	if (!take_unit(*from, end, c) || *c == 0 || (*c >= 0xDC00 && *c < 0xE000))
		return false;
	*from += 4;
	if (*c < 0xD800 || *c >= 0xDC00)
		return true;
	if (end - *from < 6 || (*from)[0] != '\\' || (*from)[1] != 'u' || !take_unit(*from + 2, end, &low) ||
		low < 0xDC00 || low >= 0xE000)
		return false;
	*c = 0x10000 + ((*c - 0xD800) << 10 | (low - 0xDC00));
	*from += 6;
	return true;
}

bool
lpr_object_text(LprObject *rest, LprSlice *text)
{
	static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	LprSlice raw;
	const char *from, *end;
	char *start, *to;

	if (!take_plain_string(rest, &raw))
		return false;
	from = raw.data;
	end = from + raw.len;
	start = to = (char *) raw.data;
	while (from < end)
	{
		const char *escape;
		uint32_t c = (unsigned char) *from++;

		if (c < 0x20 || c >= 0x7F)
			return false;
		if (c == '\\')
		{
			char letter = *from++;

			escape = letter != '\0' ? strchr(escapes, letter) : NULL;
			if (escape != NULL)
				c = (unsigned char) meant[escape - escapes];
			else if (letter != 'u' || !take_escape(&from, end, &c))
				return false;
		}
		/* Never longer than what it was written as. */
		to = put_character(to, c);
	}
	*text = (LprSlice){start, (size_t) (to - start)};
	return true;
}

static bool
skip_value(LprObject *rest, int depth)
{
	LprSlice string;
	size_t start;
	bool object;

	skip_blanks(rest);
	if (rest->len == 0 || depth == DEPTH_MAX)
		return false;
	if (rest->data[0] == '"')
		return take_plain_string(rest, &string);
	if (rest->data[0] != '{' && rest->data[0] != '[')
	{
		start = rest->len;
		while (rest->len > 0 && memchr(" \t\r\n,]}\":{[", rest->data[0], 11) == NULL)
			advance(rest, 1);
		return rest->len < start;
	}
	object = rest->data[0] == '{';
	advance(rest, 1);
	if (lpr_object_take(rest, object ? '}' : ']'))
		return true;
	do
		if ((object && !lpr_object_name(rest, &string)) || !skip_value(rest, depth + 1))
			return false;
	while (lpr_object_take(rest, ','));
	return lpr_object_take(rest, object ? '}' : ']');
}

bool
lpr_object_skip(LprObject *rest)
{
	return skip_value(rest, 0);
}
