/*
 * month.c: the one shape of JSON that a "month" row's payload has. A reader of its own keeps the verifier free of the server's lexer.
 */
#include <inttypes.h>
#include <string.h>

#include "format/month.h"

void
lpr_month_write(const LprMonth *month, LprText *payload)
{
	char hex[2 * LPR_DIGEST_LEN + 1];

	lpr_hex(month->head.bytes, LPR_DIGEST_LEN, hex);
	lpr_text_printf(payload, "{\"size\": %" PRIu64 ", \"head\": \"%s\", \"frontier\": [", month->tree.size, hex);
	for (int i = 0; i < lpr_tree_nroots(month->tree.size); i++)
	{
		lpr_hex(month->tree.roots[i].bytes, LPR_DIGEST_LEN, hex);
		lpr_text_printf(payload, "%s\"%s\"", i > 0 ? ", " : "", hex);
	}
	lpr_text_adds(payload, "]}");
}

static void
skip_blanks(LprSlice *rest)
{
	while (rest->len > 0 && memchr(" \t\r\n", rest->data[0], 4) != NULL)
	{
		rest->data++;
		rest->len--;
	}
}

/* The next character, if it is that one. */
static bool
take(LprSlice *rest, char c)
{
	skip_blanks(rest);
	if (rest->len == 0 || rest->data[0] != c)
		return false;
	rest->data++;
	rest->len--;
	return true;
}

/* A string; ours have no escapes. */
static bool
take_string(LprSlice *rest, LprSlice *string)
{
	const char *end;

	if (!take(rest, '"') || (end = memchr(rest->data, '"', rest->len)) == NULL)
		return false;
	*string = (LprSlice){rest->data, (size_t) (end - rest->data)};
	rest->data = end + 1;
	rest->len -= string->len + 1;
	return true;
}

static bool
take_size(LprSlice *rest, uint64_t *size)
{
	LprSlice digits;
	int64_t value;

	skip_blanks(rest);
	digits = (LprSlice){rest->data, 0};
	while (digits.len < rest->len && rest->data[digits.len] >= '0' && rest->data[digits.len] <= '9')
		digits.len++;
	if (!lpr_decimal(digits, &value))
		return false;
	rest->data += digits.len;
	rest->len -= digits.len;
	*size = (uint64_t) value;
	return true;
}

static bool
take_digest(LprSlice *rest, LprDigest *digest)
{
	LprSlice hex;

	return take_string(rest, &hex) && lpr_unhex(hex, digest->bytes, LPR_DIGEST_LEN);
}

static bool
take_frontier(LprSlice *rest, LprTree *tree, int *nroots)
{
	*nroots = 0;
	if (!take(rest, '['))
		return false;
	if (take(rest, ']'))
		return true;
	do
	{
		if (*nroots == 64 || !take_digest(rest, &tree->roots[*nroots]))
			return false;
		(*nroots)++;
	} while (take(rest, ','));
	return take(rest, ']');
}

static bool
is(LprSlice text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.data, word, text.len) == 0;
}

bool
lpr_month_read(LprSlice payload, LprMonth *month)
{
	bool size = false, head = false, frontier = false;
	LprSlice name;
	int nroots = 0;

	memset(month, 0, sizeof(*month));
	if (payload.data == NULL || !take(&payload, '{'))
		return false;
	do
	{
		bool *seen, good;

		if (!take_string(&payload, &name) || !take(&payload, ':'))
			return false;
		if (is(name, "size"))
			seen = &size, good = take_size(&payload, &month->tree.size);
		else if (is(name, "head"))
			seen = &head, good = take_digest(&payload, &month->head);
		else if (is(name, "frontier"))
			seen = &frontier, good = take_frontier(&payload, &month->tree, &nroots);
		else
			return false;
		if (*seen || !good)
			return false;
		*seen = true;
	} while (take(&payload, ','));
	if (!take(&payload, '}'))
		return false;
	skip_blanks(&payload);
	return payload.len == 0 && size && head && frontier && nroots == lpr_tree_nroots(month->tree.size);
}
