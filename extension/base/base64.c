/*
 * base64.c: strict base64 by libcrypto, whose own decoder takes blanks and loose last bits: one signature would have
 * several spellings.
 */
#include <limits.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/base64.h"

#define CHUNK 64 /* digits at once */

void
lpr_base64_add(LprText *text, const void *data, size_t len)
{
	char *to = len < INT_MAX / 2 ? lpr_text_extend(text, (len + 2) / 3 * 4) : NULL;

	if (to == NULL)
		text->failed = true;
	else
		EVP_EncodeBlock((unsigned char *) to, data, (int) len); /* and its zero byte is the text's */
}

bool
lpr_unbase64(LprSlice base64, void *out, size_t room, size_t *len)
{
	unsigned char bytes[CHUNK / 4 * 3], again[CHUNK + 1];
	size_t done = 0;

	if (base64.data == NULL || base64.len % 4 != 0)
		return false;
	for (size_t at = 0; at < base64.len;)
	{
		const unsigned char *from = (const unsigned char *) base64.data + at;
		int digits = base64.len - at < CHUNK ? (int) (base64.len - at) : CHUNK;
		int n = EVP_DecodeBlock(bytes, from, digits);

		at += (size_t) digits;
		if (at == base64.len)
			n -= (from[digits - 1] == '=') + (from[digits - 2] == '=');
		/* Written again it must be the same. */
		if (n < 0 || EVP_EncodeBlock(again, bytes, n) != digits || memcmp(again, from, (size_t) digits) != 0)
			return false;
		if (out != NULL && (size_t) n > room - done)
			return false;
		if (out != NULL)
			memcpy((char *) out + done, bytes, (size_t) n);
		done += (size_t) n;
	}
	if (len != NULL)
		*len = done;
	return true;
}
