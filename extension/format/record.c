/*
 * record.c: the canonical bytes of a row of the audit log, and its digests. docs/audit-format.md specifies them.
 */
#include <string.h>

#include "format/record.h"

void
lpr_record_write(const LprRecord *record, LprText *out)
{
	const LprSlice texts[] = {record->kind, record->login,   record->source,
							  record->mode, record->control, record->sqlstate};
	size_t room = lpr_fields_room(texts, sizeof(texts) / sizeof(texts[0]));
	char *to = NULL;

	if (room > 0)
		to = lpr_text_extend(out, 4 + LPR_LOG_ID_LEN + 8 + 8 + room + 4 * LPR_FIELD_NUMBER + LPR_DIGEST_LEN);
	if (to == NULL)
	{
		out->failed = true;
		return;
	}
	to = lpr_put_bytes(to, "LPR1", 4);
	to = lpr_put_bytes(to, record->log, LPR_LOG_ID_LEN);
	to = lpr_put_64(to, (uint64_t) record->number);
	to = lpr_put_64(to, (uint64_t) record->at);
	to = lpr_put_text(to, record->kind);
	to = lpr_put_text(to, record->login);
	to = lpr_put_number(to, record->pid);
	to = lpr_put_number(to, record->session_started);
	to = lpr_put_number(to, record->event_id);
	to = lpr_put_text(to, record->source);
	to = lpr_put_text(to, record->mode);
	to = lpr_put_number(to, record->ask);
	to = lpr_put_text(to, record->control);
	to = lpr_put_text(to, record->sqlstate);
	to = lpr_put_bytes(to, record->payload_digest.bytes, LPR_DIGEST_LEN);
	*to = '\0';
	out->len = (size_t) (to - out->data);
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

bool
lpr_record_is_gone(LprSlice kind)
{
	return kind.len == 4 && memcmp(kind.data, "gone", 4) == 0;
}
