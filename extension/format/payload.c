/*
 * payload.c: particulars of a record as JSON in ASCII.
 */
#include "format/payload.h"

#include <string.h>

void
lpr_payload_open(LprText *payload)
{
	lpr_text_adds(payload, "{");
}

void
lpr_payload_close(LprText *payload)
{
	lpr_text_adds(payload, "}");
}

/* One character of UTF-8; the bytes it takes, 0 when it is none. */
static int
decode(const unsigned char *at, const unsigned char *end, uint32_t *character)
{
	int len = *at < 0x80                  ? 1
			  : *at >= 0xc2 && *at < 0xe0 ? 2
			  : *at >= 0xe0 && *at < 0xf0 ? 3
			  : *at >= 0xf0 && *at < 0xf5 ? 4
										  : 0;

	if (len <= 1)
	{
		*character = *at;
		return len;
	}
	if (end - at < len)
		return 0;
	*character = *at & (0x7f >> len);
	for (int i = 1; i < len; i++)
	{
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		*character = *character << 6 | (at[i] & 0x3f);
	}
	if ((len == 3 && *character < 0x800) || (len == 4 && *character < 0x10000) || *character > 0x10ffff ||
		(*character >= 0xd800 && *character < 0xe000))
		return 0;
	return len;
}

static void
add_string(LprText *payload, LprSlice value)
{
	const unsigned char *at = (const unsigned char *) value.data, *end = at + value.len;

	lpr_text_adds(payload, "\"");
	while (at < end)
	{
		uint32_t c;
		int len = decode(at, end, &c);
		const unsigned char *plain = at;

		while (plain < end && *plain >= 0x20 && *plain < 0x7f && *plain != '"' && *plain != '\\')
			plain++;
		if (plain > at)
		{
			lpr_text_append(payload, (const char *) at, (size_t) (plain - at));
			at = plain;
			continue;
		}
		if (len == 0)
			c = 0xfffd;
		if (c == '"' || c == '\\')
			lpr_text_printf(payload, "\\%c", (int) c);
		else if (c < 0x10000)
			lpr_text_printf(payload, "\\u%04x", (unsigned) c);
		else
			lpr_text_printf(payload, "\\u%04x\\u%04x", (unsigned) (0xd800 + ((c - 0x10000) >> 10)),
							(unsigned) (0xdc00 + ((c - 0x10000) & 0x3ff)));
		at += len > 0 ? len : 1;
	}
	lpr_text_adds(payload, "\"");
}

static void
add_comma(LprText *payload)
{
	if (payload->len > 0 && strchr("{[:", payload->data[payload->len - 1]) == NULL)
		lpr_text_adds(payload, ", ");
}

void
lpr_payload_json(LprText *payload, const char *key, const char *value)
{
	add_comma(payload);
	add_string(payload, (LprSlice){key, strlen(key)});
	lpr_text_adds(payload, ": ");
	if (value != NULL)
		lpr_text_adds(payload, value);
}

void
lpr_payload_text(LprText *payload, const char *key, const char *value)
{
	if (value != NULL)
		lpr_payload_slice(payload, key, (LprSlice){value, strlen(value)});
}

void
lpr_payload_slice(LprText *payload, const char *key, LprSlice value)
{
	if (value.data == NULL)
		return;
	lpr_payload_json(payload, key, NULL);
	add_string(payload, value);
}

void
lpr_payload_hex(LprText *payload, const char *key, const void *bytes, size_t len)
{
	char hex[2 * LPR_DIGEST_LEN + 1];

	lpr_hex(bytes, len, hex);
	lpr_payload_text(payload, key, hex);
}

void
lpr_payload_integer(LprText *payload, const char *key, int64_t value)
{
	lpr_payload_json(payload, key, NULL);
	lpr_text_printf(payload, "%lld", (long long) value);
}

void
lpr_payload_double(LprText *payload, const char *key, double value)
{
	lpr_payload_json(payload, key, NULL);
	lpr_text_printf(payload, "%.9g", value);
}

void
lpr_payload_bool(LprText *payload, const char *key, bool value)
{
	lpr_payload_json(payload, key, value ? "true" : "false");
}

void
lpr_payload_moment(LprText *payload, const char *key, LprMoment value)
{
	char formatted[LPR_MOMENT_ROOM];

	if (value != LPR_MOMENT_NONE)
		lpr_payload_text(payload, key, lpr_moment_format(value, formatted));
}

void
lpr_payload_element(LprText *payload, const char *value)
{
	add_comma(payload);
	add_string(payload, (LprSlice){value, strlen(value)});
}

void
lpr_payload_texts(LprText *payload, const char *key, const char *const *values, int n)
{
	lpr_payload_json(payload, key, "[");
	for (int i = 0; i < n; i++)
		lpr_payload_element(payload, values[i]);
	lpr_text_adds(payload, "]");
}
