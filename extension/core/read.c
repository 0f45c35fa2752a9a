/*
 * read.c: the canonical read: normal forms, look-alikes, checks of text.
 */
#include "core/read.h"

#include <stdio.h>
#include <string.h>

#include "base/invisible.h"
#include "base/unicode.h"

static bool
is_separator(uint32_t code)
{
	return code == ' ' || code == '-' || code == '.' || code == '\'' || code == '_' || code == '/' ||
		   code == 0xB7 /* middle dot */;
}

static bool
is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

/* Tab, the ends of lines of all kinds, and the next-line of C1: blanks that came along with what was copied. */
static bool
is_blank_control(uint32_t code)
{
	return (code >= 0x09 && code <= 0x0D) || code == 0x85;
}

/* A plate that is being made. */
typedef struct Making
{
	char *out;
	uint32_t len;
	uint32_t chars;
	bool control; /* one was met: bad */
	uint32_t bad;
} Making;

static bool
take_plate_char(void *to, uint32_t code)
{
	Making *making = to;

	if (is_separator(code) || is_blank_control(code))
		return true;
	making->control = is_control(code);
	making->bad = code;
	if (making->control)
		return false;
	if (++making->chars <= LPR_PLATE_MAX)
		making->len += (uint32_t) lpr_put_char(making->out + making->len, code);
	return true;
}

bool
lpr_plate_normal(LprSlice plate, char out[LPR_PLATE_ROOM], uint32_t *out_len)
{
	Making making = {.out = out};
	size_t i;

	if (plate.data == NULL)
		return false;
	/* What nearly every plate is made of comes first: reads arrive by the million. */
	for (i = 0; i < plate.len && (unsigned char) plate.data[i] < 0x80; i++)
		if (!take_plate_char(&making, (unsigned char) lpr_capital(plate.data[i])))
			return false;
	if (i < plate.len)
	{
		making = (Making){.out = out};
		if (!lpr_fold(plate, false, take_plate_char, &making))
			return false;
	}
	if (making.chars == 0 || making.chars > LPR_PLATE_MAX)
		return false;
	out[making.len] = '\0';
	*out_len = making.len;
	return true;
}

void
lpr_plate_fault(LprSlice plate, char out[LPR_PLATE_FAULT_ROOM])
{
	char made[LPR_PLATE_ROOM];
	Making making = {.out = made};
	bool whole = plate.data != NULL && lpr_fold(plate, false, take_plate_char, &making);

	if (making.control)
		snprintf(out, LPR_PLATE_FAULT_ROOM, "The character U+%04X has no place in a plate.", making.bad);
	else if (!whole)
		snprintf(out, LPR_PLATE_FAULT_ROOM, "It is not in UTF-8.");
	else if (making.chars == 0)
		snprintf(out, LPR_PLATE_FAULT_ROOM, "It has nothing but blanks and separators.");
	else
		snprintf(out, LPR_PLATE_FAULT_ROOM,
				 "A plate has 1 to %d characters besides blanks and separators, this one %u.", LPR_PLATE_MAX,
				 making.chars);
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

void
lpr_plate_shape(char *plate, size_t len)
{
	for (size_t i = 0; i < len; i++)
	{
		const char *group = lookalikes_of(plate[i]);

		if (group != NULL)
			plate[i] = group[0];
	}
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

/* A word that is being made. */
typedef struct Word
{
	char *out;
	size_t len;
} Word;

static bool
take_word_char(void *to, uint32_t code)
{
	Word *word = to;

	if (code != ' ' && !is_blank_control(code))
		word->len += lpr_put_char(word->out + word->len, code);
	else if (word->len > 0 && word->out[word->len - 1] != ' ')
		word->out[word->len++] = ' ';
	return true;
}

size_t
lpr_word_normal(LprSlice text, char *out)
{
	Word word = {out, 0};
	size_t i;

	for (i = 0; i < text.len && (unsigned char) text.data[i] < 0x80; i++)
		take_word_char(&word, (unsigned char) lpr_capital(text.data[i]));
	if (i < text.len)
	{
		word.len = 0;
		lpr_fold(text, false, take_word_char, &word); /* of broken UTF-8 the part before the break */
	}
	if (word.len > 0 && out[word.len - 1] == ' ')
		word.len--;
	return word.len;
}

static bool
holds(LprSlice text, LprSlice part)
{
	for (size_t at = 0; at + part.len <= text.len; at++)
		if (memcmp(text.data + at, part.data, part.len) == 0)
			return true;
	return false;
}

bool
lpr_word_contains(LprSlice text, LprSlice part)
{
	char normal[LPR_WORD_ROOM(LPR_TEXT_MAX)];

	if (text.data == NULL || text.len > LPR_TEXT_MAX)
		return false;
	return holds((LprSlice){normal, lpr_word_normal(text, normal)}, part);
}

/* Whether a ends with what b begins with. */
static bool
goes_on(LprSlice a, LprSlice b)
{
	for (size_t n = 1; n <= a.len && n <= b.len; n++)
	{
		bool whole = (n == a.len || a.data[a.len - n - 1] == ' ') && (n == b.len || b.data[n] == ' ');

		if ((n >= 4 || whole) && memcmp(a.data + a.len - n, b.data, n) == 0)
			return true;
	}
	return false;
}

bool
lpr_words_meet(LprSlice a, LprSlice b)
{
	return holds(a, b) || holds(b, a) || goes_on(a, b) || goes_on(b, a);
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

		if (!lpr_next_character(text, &at, &code))
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
	return lpr_drop_invisible((LprSlice){out, len}, out);
}
