/*
 * base64.c: strict base64. libcrypto's own decoder takes blanks, line ends and loose last bits, so that one signature had several spellings.
 */
#include "base/base64.h"

static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
lpr_base64_add(LprText *text, const void *data, size_t len)
{
	const uint8_t *from = data;

	for (size_t i = 0; i < len; i += 3)
	{
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t bits =
			(uint32_t) from[i] << 16 | (n > 1 ? (uint32_t) from[i + 1] << 8 : 0) | (n > 2 ? from[i + 2] : 0);
		char group[4] = {DIGITS[bits >> 18], DIGITS[bits >> 12 & 63], '=', '='};

		if (n > 1)
			group[2] = DIGITS[bits >> 6 & 63];
		if (n > 2)
			group[3] = DIGITS[bits & 63];
		lpr_text_append(text, group, 4);
	}
}

static int
digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool
lpr_unbase64(LprSlice base64, void *out, size_t room, size_t *len)
{
	uint8_t *to = out;
	size_t padding = 0, bytes;

	if (base64.data == NULL || base64.len % 4 != 0)
		return false;
	while (padding < 2 && padding < base64.len && base64.data[base64.len - 1 - padding] == '=')
		padding++;
	bytes = base64.len / 4 * 3 - padding;
	if (out != NULL && bytes > room)
		return false;
	for (size_t i = 0, done = 0; i < base64.len; i += 4)
	{
		size_t n = i + 4 == base64.len ? 3 - padding : 3; /* bytes of this group */
		uint32_t bits = 0;

		for (size_t j = 0; j < 4; j++)
		{
			int value = j <= n ? digit(base64.data[i + j]) : 0;

			if (value < 0)
				return false;
			bits = bits << 6 | (uint32_t) value;
		}
		/* Bits that belong to no byte must be zero. */
		if (bits & ((UINT32_C(1) << 8 * (3 - n)) - 1))
			return false;
		for (size_t j = 0; j < n && out != NULL; j++)
			to[done++] = (uint8_t) (bits >> (16 - 8 * j));
	}
	if (len != NULL)
		*len = bytes;
	return true;
}
