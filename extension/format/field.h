/*
 * field.h: fields of canonical bytes (docs/audit-format.md, "Record"): a length of 4 bytes, then so many bytes; NULL is
 * the length ffffffff.
 */
#ifndef LPR_FIELD_H
#define LPR_FIELD_H

#include <string.h>

#include "base/base.h"

/* A number that may be NULL. */
typedef struct LprNumber
{
	bool given;
	int64_t value;
} LprNumber;

#define LPR_FIELD_NULL   UINT32_MAX
#define LPR_FIELD_LENGTH 4
#define LPR_FIELD_NUMBER (LPR_FIELD_LENGTH + 8)

static inline char *
lpr_put_32(char *to, uint32_t value)
{
	uint32_t bytes = __builtin_bswap32(value);

	memcpy(to, &bytes, sizeof(bytes));
	return to + sizeof(bytes);
}

static inline char *
lpr_put_64(char *to, uint64_t value)
{
	uint64_t bytes = __builtin_bswap64(value);

	memcpy(to, &bytes, sizeof(bytes));
	return to + sizeof(bytes);
}

static inline char *
lpr_put_bytes(char *to, const void *bytes, size_t len)
{
	memcpy(to, bytes, len);
	return to + len;
}

static inline char *
lpr_put_text(char *to, LprSlice text)
{
	if (text.data == NULL)
		return lpr_put_32(to, LPR_FIELD_NULL);
	return lpr_put_bytes(lpr_put_32(to, (uint32_t) text.len), text.data, text.len);
}

static inline char *
lpr_put_number(char *to, LprNumber number)
{
	if (!number.given)
		return lpr_put_32(to, LPR_FIELD_NULL);
	return lpr_put_64(lpr_put_32(to, sizeof(number.value)), (uint64_t) number.value);
}

/* What texts take as fields; 0 when one is too long to be written down: no record rather than a wrong one. */
static inline size_t
lpr_fields_room(const LprSlice *texts, size_t n)
{
	size_t room = n * LPR_FIELD_LENGTH;

	for (size_t i = 0; i < n; i++)
	{
		if (texts[i].data == NULL)
			continue;
		if (texts[i].len >= LPR_FIELD_NULL)
			return 0;
		room += texts[i].len;
	}
	return room;
}

#endif
