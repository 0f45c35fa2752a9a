/*
 * read.c: the canonical read: normal forms, look-alikes, checks of text.
 */
#include <string.h>

#include "core/read.h"

/*
 * The character at text[*at] as UTF-8 demands it (RFC 3629); *at moves past it. False for broken sequences, overlong
 * forms, surrogates and what lies beyond Unicode.
 */
static bool
next_char(LprSlice text, size_t *at, uint32_t *code)
{
	const unsigned char *s = (const unsigned char *) text.data + *at;
	size_t left = text.len - *at;
	uint32_t c = s[0];
	size_t len = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;

	if (len == 0 || len > left)
		return false;
	if (len > 1)
	{
		c &= 0x7Fu >> len;
		for (size_t i = 1; i < len; i++)
		{
			if ((s[i] & 0xC0) != 0x80)
				return false;
			c = c << 6 | (s[i] & 0x3F);
		}
		if ((len == 3 && (c < 0x800 || (c >= 0xD800 && c <= 0xDFFF))) || (len == 4 && (c < 0x10000 || c > 0x10FFFF)))
			return false;
	}
	*at += len;
	*code = c;
	return true;
}

static bool
is_separator(uint32_t code)
{
	return code == ' ' || code == '-' || code == '.' || code == '\'' || code == '_' || code == '/' ||
		   code == 0xB7 /* middle dot */ || code == 0xA0 /* no-break space */;
}

bool
lpr_plate_normal(LprSlice plate, char out[LPR_PLATE_ROOM], uint32_t *out_len)
{
	size_t at = 0;
	uint32_t len = 0, chars = 0;

	if (plate.data == NULL)
		return false;
	while (at < plate.len)
	{
		size_t start = at;
		uint32_t code;

		if (!next_char(plate, &at, &code) || code < 0x20 || (code >= 0x7F && code < 0xA0))
			return false;
		if (is_separator(code))
			continue;
		if (++chars > LPR_PLATE_MAX)
			return false;
		if (code >= 'a' && code <= 'z')
			out[len++] = (char) (code - 'a' + 'A');
		else
		{
			memcpy(out + len, plate.data + start, at - start);
			len += (uint32_t) (at - start);
		}
	}
	out[len] = '\0';
	*out_len = len;
	return len > 0;
}

/* What readers take for one another. The first character of a group stands for the group. */
static const char *const LOOKALIKES[] = {"0OQD", "1IL", "8B", "5S", "2Z", "6G"};

static const char *
lookalikes_of(char c)
{
	if (c != '\0')
		for (size_t i = 0; i < sizeof(LOOKALIKES) / sizeof(LOOKALIKES[0]); i++)
			if (strchr(LOOKALIKES[i], c) != NULL)
				return LOOKALIKES[i];
	return NULL;
}

LprMatch
lpr_plate_match(LprSlice asked, const char *asked_region, LprSlice plate, const char *region)
{
	bool same = true;

	if (asked.len != plate.len || asked.len == 0)
		return LPR_MATCH_NONE;
	for (size_t i = 0; i < asked.len; i++)
	{
		const char *group;

		if (asked.data[i] == plate.data[i])
			continue;
		same = false;
		group = lookalikes_of(asked.data[i]);
		if (group == NULL || group != lookalikes_of(plate.data[i]))
			return LPR_MATCH_NONE;
	}
	if (!same)
		return LPR_MATCH_CONFUSABLE;
	if (asked_region == NULL || asked_region[0] == '\0')
		return LPR_MATCH_EXACT;
	if (region == NULL || region[0] == '\0')
		return LPR_MATCH_UNKNOWN_REGION;
	return strcmp(asked_region, region) == 0 ? LPR_MATCH_EXACT : LPR_MATCH_OTHER_REGION;
}

const char *
lpr_match_name(LprMatch match)
{
	switch (match)
	{
		case LPR_MATCH_EXACT:
			return "exact";
		case LPR_MATCH_CONFUSABLE:
			return "confusable";
		case LPR_MATCH_UNKNOWN_REGION:
			return "unknown_region";
		case LPR_MATCH_OTHER_REGION:
			return "other_region";
		case LPR_MATCH_NONE:
			break;
	}
	return NULL;
}

typedef struct Lookalikes
{
	LprSlice plate;
	char work[LPR_PLATE_ROOM];
	size_t places[LPR_PLATE_ROOM]; /* where a character has look-alikes */
	int nplaces;
	char (*out)[LPR_PLATE_ROOM];
	int max;
	int count;
} Lookalikes;

/* All forms with exactly `changes` changed characters at places[first...]. */
static void
spread(Lookalikes *l, int first, int changes)
{
	if (changes == 0)
	{
		memcpy(l->out[l->count++], l->work, l->plate.len + 1);
		return;
	}
	for (int i = first; i + changes <= l->nplaces && l->count < l->max; i++)
	{
		char *c = &l->work[l->places[i]];
		char kept = *c;

		for (const char *other = lookalikes_of(kept); *other != '\0' && l->count < l->max; other++)
			if (*other != kept)
			{
				*c = *other;
				spread(l, i + 1, changes - 1);
			}
		*c = kept;
	}
}

int
lpr_plate_confusables(LprSlice plate, char (*out)[LPR_PLATE_ROOM], int max)
{
	Lookalikes l = {.plate = plate, .out = out, .max = max};

	if (plate.data == NULL || plate.len == 0 || plate.len >= LPR_PLATE_ROOM)
		return 0;
	memcpy(l.work, plate.data, plate.len);
	l.work[plate.len] = '\0';
	for (size_t i = 0; i < plate.len; i++)
		if (lookalikes_of(plate.data[i]) != NULL)
			l.places[l.nplaces++] = i;
	for (int changes = 0; changes <= l.nplaces && l.count < max; changes++)
		spread(&l, 0, changes);
	return l.count;
}

uint64_t
lpr_plate_confusables_count(LprSlice plate)
{
	uint64_t count = 1; /* at most 4 to the power of LPR_PLATE_MAX */

	for (size_t i = 0; i < plate.len; i++)
	{
		const char *group = lookalikes_of(plate.data[i]);

		if (group != NULL)
			count *= strlen(group);
	}
	return count;
}

size_t
lpr_upper(LprSlice text, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++)
	{
		char c = text.data[i];

		if (c == ' ' || c == '\t')
		{
			if (len > 0 && out[len - 1] != ' ')
				out[len++] = ' ';
		}
		else
			out[len++] = c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c;
	}
	if (len > 0 && out[len - 1] == ' ')
		len--;
	return len;
}

bool
lpr_text_ok(LprSlice text, size_t max)
{
	const unsigned char *s = (const unsigned char *) text.data;
	size_t i = 0;

	if (text.len > max)
		return false;
	while (text.len - i >= 8 && lpr_eight_printable(text.data + i, 0x20))
		i += 8;
	for (; i < text.len; i++)
		if (s[i] < 0x20 || s[i] == 0x7F || (s[i] == 0xC2 && i + 1 < text.len && s[i + 1] >= 0x80 && s[i + 1] < 0xA0))
			return false; /* C0, DEL, C1 */
	return true;
}

size_t
lpr_text_clean(LprSlice text, size_t max, char *out)
{
	size_t at = 0, len = 0;

	while (at < text.len)
	{
		size_t start = at;
		uint32_t code;

		if (!next_char(text, &at, &code))
			break;
		if (code < 0x20 || (code >= 0x7F && code < 0xA0))
		{
			if (len == max)
				break;
			out[len++] = ' ';
			continue;
		}
		if (len + (at - start) > max)
			break;
		memcpy(out + len, text.data + start, at - start);
		len += at - start;
	}
	while (len > 0 && out[len - 1] == ' ')
		len--;
	return len;
}
