/*
 * record.c: the canonical bytes of a row of the audit log, and its digests. docs/audit-format.md specifies them.
 */
#include <string.h>

#include "format/record.h"

#define NULL_LENGTH UINT32_MAX

static char *
put(char *to, uint64_t value, int bytes)
{
	for (int i = bytes - 1; i >= 0; i--)
		*to++ = (char) (value >> (8 * i));
	return to;
}

static void
add_text(LprText *out, LprSlice text)
{
	char length[4];

	/* A text that long cannot be written down: no record rather than a wrong one. */
	if (text.data != NULL && text.len >= NULL_LENGTH)
	{
		out->failed = true;
		return;
	}
	put(length, text.data == NULL ? NULL_LENGTH : text.len, 4);
	lpr_text_append(out, length, 4);
	if (text.data != NULL)
		lpr_text_append(out, text.data, text.len);
}

static void
add_number(LprText *out, LprNumber number)
{
	char field[12];
	char *to = put(field, number.given ? 8 : NULL_LENGTH, 4);

	if (number.given)
		to = put(to, (uint64_t) number.value, 8);
	lpr_text_append(out, field, (size_t) (to - field));
}

void
lpr_record_write(const LprRecord *record, LprText *out)
{
	char start[4 + LPR_LOG_ID_LEN + 8 + 8] = "LPR1";
	char *to = start + 4;

	memcpy(to, record->log, LPR_LOG_ID_LEN);
	to = put(to + LPR_LOG_ID_LEN, (uint64_t) record->number, 8);
	put(to, (uint64_t) record->at, 8);
	lpr_text_append(out, start, sizeof(start));

	add_text(out, record->kind);
	add_text(out, record->login);
	add_number(out, record->pid);
	add_number(out, record->session_started);
	add_number(out, record->event_id);
	add_text(out, record->source);
	add_text(out, record->mode);
	add_number(out, record->ask);
	add_text(out, record->control);
	add_text(out, record->sqlstate);

	lpr_text_append(out, (const char *) record->payload_digest.bytes, LPR_DIGEST_LEN);
}

void
lpr_record_payload(const uint8_t salt[LPR_SALT_LEN], LprSlice payload, LprDigest *digest)
{
	LprHash hash;

	lpr_hash_start(&hash);
	lpr_hash_add(&hash, salt, LPR_SALT_LEN);
	lpr_hash_add(&hash, payload.data, payload.len);
	lpr_hash_end(&hash, digest);
}

void
lpr_record_chain(const LprDigest *previous, const char *record, size_t len, LprDigest *digest)
{
	LprHash hash;

	/* The tag keeps a link of the chain from ever being a leaf or a node of the tree. */
	lpr_hash_start(&hash);
	lpr_hash_add(&hash, "LPRC", 4);
	lpr_hash_add(&hash, previous->bytes, LPR_DIGEST_LEN);
	lpr_hash_add(&hash, record, len);
	lpr_hash_end(&hash, digest);
}

void
lpr_record_leaf(const char *record, size_t len, LprDigest *leaf)
{
	LprHash hash;

	lpr_hash_start(&hash);
	lpr_hash_add(&hash, "", 1);
	lpr_hash_add(&hash, record, len);
	lpr_hash_end(&hash, leaf);
}
