/*
 * json_value.c: strings with escapes, and numbers.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_value.h"

static inline uint32_t
hex4(const char *s)
{
	uint32_t code = 0;

	for (int i = 0; i < 4; i++)
		code = code << 4 | (uint32_t) (s[i] <= '9' ? s[i] - '0' : (s[i] | 0x20) - 'a' + 10);
	return code;
}

static char *
put_utf8(char *to, uint32_t code)
{
	if (code < 0x80)
		*to++ = (char) code;
	else if (code < 0x800)
		*to++ = (char) (0xC0 | code >> 6);
	else
	{
		if (code < 0x10000)
			*to++ = (char) (0xE0 | code >> 12);
		else
		{
			*to++ = (char) (0xF0 | code >> 18);
			*to++ = (char) (0x80 | (code >> 12 & 0x3F));
		}
		*to++ = (char) (0x80 | (code >> 6 & 0x3F));
	}
	if (code >= 0x80)
		*to++ = (char) (0x80 | (code & 0x3F));
	return to;
}

const char *
lpr_json_unescape(const char *start, const char *end, char *out, size_t *out_len, const char **at)
{
	char *to = out;

	for (const char *s = start; s < end;)
	{
		uint32_t code;

		if (*s != '\\')
		{
			if (out)
				*to++ = *s;
			s++;
			continue;
		}
		*at = s;
		switch (s[1])
		{
			case 'b':
				code = '\b';
				break;
			case 'f':
				code = '\f';
				break;
			case 'n':
				code = '\n';
				break;
			case 'r':
				code = '\r';
				break;
			case 't':
				code = '\t';
				break;
			case 'u':
				code = hex4(s + 2);
				if (code == 0)
					return "\\u0000 cannot be kept";
				if (code >= 0xDC00 && code <= 0xDFFF)
					return "low surrogate without a high one";
				if (code >= 0xD800 && code <= 0xDBFF)
				{
					uint32_t low = end - s >= 12 && s[6] == '\\' && s[7] == 'u' ? hex4(s + 8) : 0;

					if (low < 0xDC00 || low > 0xDFFF)
						return "high surrogate without a low one";
					code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
					s += 6;
				}
				s += 4;
				break;
			default: /* " \ / */
				code = (unsigned char) s[1];
				break;
		}
		s += 2;
		if (out)
			to = put_utf8(to, code);
	}
	if (out)
		*out_len = (size_t) (to - out);
	return NULL;
}

bool
lpr_json_to_double(LprSlice number, double *value)
{
	static const double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
									1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	const char *s = number.data, *end = s + number.len;
	char copy[128];
	bool negative = *s == '-';
	uint64_t digits = 0;
	size_t ndigits = 0, decimals = 0;

	/*
	 * Up to 15 digits with a point and no exponent: both the digits and the power of ten are exact doubles, so that
	 * their quotient, being rounded once, is the very double that strtod would find.
	 */
	if (negative)
		s++;
	for (; s < end && *s >= '0' && *s <= '9'; s++, ndigits++)
		digits = digits * 10 + (uint64_t) (*s - '0');
	if (s < end && *s == '.')
		for (s++; s < end && *s >= '0' && *s <= '9'; s++, ndigits++, decimals++)
			digits = digits * 10 + (uint64_t) (*s - '0');
	if (s == end && ndigits <= 15)
	{
		*value = (double) digits / powers[decimals];
		if (negative)
			*value = -*value;
		return true;
	}

	if (number.len >= sizeof(copy))
		return false;
	memcpy(copy, number.data, number.len);
	copy[number.len] = '\0';
	*value = strtod(copy, NULL); /* the server keeps LC_NUMERIC at C */
	return isfinite(*value);
}

bool
lpr_json_to_int64(LprSlice number, int64_t *value)
{
	bool negative = number.data[0] == '-';
	int64_t sum = 0;

	for (size_t i = negative; i < number.len; i++)
	{
		int digit = number.data[i] - '0';

		/* Summed up below zero, where the range has one more number. */
		if (digit < 0 || digit > 9 || __builtin_mul_overflow(sum, 10, &sum) || __builtin_sub_overflow(sum, digit, &sum))
			return false;
	}
	if (!negative && __builtin_sub_overflow(0, sum, &sum))
		return false;
	*value = sum;
	return true;
}
