/*
 * read_record.c: the canonical bytes of a read that was shown. docs/audit-format.md, "The digest of an answer",
 * specifies them.
 */
#include <string.h>

#include "format/read_record.h"

#define MARK "LRD2"

/* Of these texts, so many numbers and further bytes. NULL: out of memory. */
static char *
room_for(LprText *scratch, const LprSlice *texts, size_t ntexts, size_t more)
{
	size_t room = lpr_fields_room(texts, ntexts);

	scratch->len = 0;
	return room == 0 ? NULL : lpr_text_extend(scratch, room + more);
}

void
lpr_salts_start(LprSalts *salts, const uint8_t seed[LPR_SEED_LEN])
{
	memcpy(salts->seed, seed, LPR_SEED_LEN);
	salts->made = false;
}

const uint8_t *
lpr_salts_at(LprSalts *salts, uint64_t place)
{
	if (!salts->made || salts->pair != place / 2)
	{
		char bytes[LPR_SEED_LEN + 8];

		memcpy(bytes, salts->seed, LPR_SEED_LEN);
		lpr_put_64(bytes + LPR_SEED_LEN, place / 2);
		lpr_digest(bytes, sizeof(bytes), &salts->two);
		salts->pair = place / 2;
		salts->made = true;
	}
	return salts->two.bytes + place % 2 * LPR_SALT_LEN;
}

bool
lpr_read_details(const LprReadRecord *record, const uint8_t salt[LPR_SALT_LEN], LprText *scratch, LprDigest *details)
{
	const LprSlice *texts = record->texts + LPR_READ_PLATE_REGION;
	size_t n = LPR_READ_TEXTS - LPR_READ_PLATE_REGION;
	char *to = room_for(scratch, texts, n, 1 + LPR_SALT_LEN + LPR_FIELD_NUMBER);

	if (to == NULL)
		return false;
	*to++ = 2; /* neither a leaf (0) nor a node (1) */
	to = lpr_put_bytes(to, salt, LPR_SALT_LEN);
	for (size_t i = 0; i < n; i++)
		to = lpr_put_text(to, texts[i]);
	to = lpr_put_number(to, record->numbers[LPR_READ_CONFIDENCE]);
	lpr_digest(scratch->data, (size_t) (to - scratch->data), details);
	return true;
}

bool
lpr_read_leaf(const LprReadRecord *record, const LprDigest *details, LprText *scratch, LprDigest *leaf)
{
	size_t mark = sizeof(MARK) - 1;
	char *to = room_for(scratch, record->texts, 2, 1 + mark + 3 * LPR_FIELD_NUMBER + LPR_DIGEST_LEN);

	if (to == NULL)
		return false;
	*to++ = 0; /* lpr_record_leaf() in one go: this is done for every read */
	to = lpr_put_bytes(to, MARK, mark);
	to = lpr_put_text(to, record->texts[LPR_READ_ID]);
	to = lpr_put_text(to, record->texts[LPR_READ_PLATE]);
	for (int i = LPR_READ_CAPTURED_AT; i <= LPR_READ_LONGITUDE; i++)
		to = lpr_put_number(to, record->numbers[i]);
	to = lpr_put_bytes(to, details->bytes, LPR_DIGEST_LEN);
	lpr_digest(scratch->data, (size_t) (to - scratch->data), leaf);
	return true;
}

bool
lpr_read_leaf_1(const LprReadRecord *record, LprText *scratch, LprDigest *leaf)
{
	static const int order[] = {LPR_READ_ID,           LPR_READ_PLATE_AS_READ, LPR_READ_CAMERA_ID,
								LPR_READ_CAMERA_OWNER, LPR_READ_CAMERA_TYPE,   LPR_READ_ADDRESS,
								LPR_READ_MAKE,         LPR_READ_MODEL,         LPR_READ_COLOR};
	LprSlice region = record->texts[LPR_READ_PLATE_REGION];
	char *to = room_for(scratch, record->texts, LPR_READ_TEXTS, LPR_READ_NUMBERS * LPR_FIELD_NUMBER);

	if (to == NULL)
		return false;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		to = lpr_put_text(to, record->texts[order[i]]);
	/* Never NULL there. */
	to = lpr_put_text(to, region.data != NULL ? region : (LprSlice){"", 0});
	for (int i = 0; i < LPR_READ_NUMBERS; i++)
		to = lpr_put_number(to, record->numbers[i]);
	lpr_record_leaf(scratch->data, (size_t) (to - scratch->data), leaf);
	return true;
}
