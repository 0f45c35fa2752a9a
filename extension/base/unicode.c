/*
 * unicode.c: characters of foreign text, made alike by a table. See unicode.h.
 */
#include "base/unicode.h"

#include <string.h>

#include "base/invisible.h"

/* Hangul syllables are computed (The Unicode Standard, 3.12). */
#define L_BASE  0x1100u
#define V_BASE  0x1161u
#define T_BASE  0x11A7u
#define S_BASE  0xAC00u
#define V_COUNT 21u
#define T_COUNT 28u
#define L_COUNT 19u
#define S_COUNT (L_COUNT * V_COUNT * T_COUNT)

size_t
lpr_put_char(char out[4], uint32_t code)
{
	if (code < 0x80)
	{
		out[0] = (char) code;
		return 1;
	}
	if (code < 0x800)
	{
		out[0] = (char) (0xC0 | code >> 6);
		out[1] = (char) (0x80 | (code & 0x3F));
		return 2;
	}
	if (code < 0x10000)
	{
		out[0] = (char) (0xE0 | code >> 12);
		out[1] = (char) (0x80 | (code >> 6 & 0x3F));
		out[2] = (char) (0x80 | (code & 0x3F));
		return 3;
	}
	out[0] = (char) (0xF0 | code >> 18);
	out[1] = (char) (0x80 | (code >> 12 & 0x3F));
	out[2] = (char) (0x80 | (code >> 6 & 0x3F));
	out[3] = (char) (0x80 | (code & 0x3F));
	return 4;
}

static const LprUnicodeFold *
find_fold(uint32_t code)
{
	int low = 0, high = lpr_unicode_fold_count - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;

		if (lpr_unicode_folds[middle].code == code)
			return &lpr_unicode_folds[middle];
		if (lpr_unicode_folds[middle].code < code)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return NULL;
}

/* How a mark binds to the letter before it; 0: it is no mark. */
static uint8_t
class_of(uint32_t code)
{
	int low = 0, high = lpr_unicode_class_count - 1;

	if (code < 0x300)
		return 0;
	while (low <= high)
	{
		int middle = (low + high) / 2;

		if (code < lpr_unicode_classes[middle].first)
			high = middle - 1;
		else if (code > lpr_unicode_classes[middle].last)
			low = middle + 1;
		else
			return lpr_unicode_classes[middle].of;
	}
	return 0;
}

static bool
is_dropped(uint32_t code)
{
	for (int i = 0; i < lpr_unicode_drop_count && code >= lpr_unicode_drops[i].first; i++)
		if (code <= lpr_unicode_drops[i].last)
			return true;
	return false;
}

/* What two characters are together; 0: nothing. */
static uint32_t
composed(uint32_t first, uint32_t second)
{
	if (first - L_BASE < L_COUNT && second - V_BASE < V_COUNT)
		return S_BASE + ((first - L_BASE) * V_COUNT + second - V_BASE) * T_COUNT;
	if (first - S_BASE < S_COUNT && (first - S_BASE) % T_COUNT == 0 && second - T_BASE - 1 < T_COUNT - 1)
		return first + second - T_BASE;
	if (second < 0x300)
		return 0;
	for (int i = 0; i < lpr_unicode_pair_count; i++)
		if (lpr_unicode_pairs[i][0] == first && lpr_unicode_pairs[i][1] == second)
			return lpr_unicode_pairs[i][2];
	return 0;
}

/* A letter and its marks, until the next letter comes. More marks than text in any language has stay as they stand. */
#define MARKS_MAX 30
typedef struct Folding
{
	uint32_t letter;
	uint32_t marks[MARKS_MAX];
	uint8_t classes[MARKS_MAX];
	int nmarks;
	bool has_letter;
	bool plain;
	LprTakeChar take;
	void *to;
} Folding;

/* The letter takes the marks that it can (UAX #15); what is left stays behind it, in the order of classes. */
static void
compose(Folding *f)
{
	int left = 0;
	uint8_t before = 0;

	for (int i = 0; i < f->nmarks; i++)
	{
		uint32_t both = f->has_letter && (left == 0 || before < f->classes[i]) ? composed(f->letter, f->marks[i]) : 0;

		if (both != 0)
			f->letter = both;
		else
		{
			before = f->classes[i];
			f->classes[left] = before;
			f->marks[left++] = f->marks[i];
		}
	}
	f->nmarks = left;
}

static bool
flush(Folding *f)
{
	if (f->has_letter && !f->take(f->to, f->letter))
		return false;
	for (int i = 0; i < f->nmarks; i++)
		if (!f->take(f->to, f->marks[i]))
			return false;
	f->has_letter = false;
	f->nmarks = 0;
	return true;
}

/* The next character in the order of the decomposed text. */
static bool
add(Folding *f, uint32_t code)
{
	uint8_t class = class_of(code);
	int at;

	if (class != 0)
	{
		if (f->plain)
			return true;
		if (f->nmarks == MARKS_MAX)
		{
			compose(f);
			if (!flush(f))
				return false;
		}
		for (at = f->nmarks++; at > 0 && f->classes[at - 1] > class; at--)
		{
			f->classes[at] = f->classes[at - 1];
			f->marks[at] = f->marks[at - 1];
		}
		f->classes[at] = class;
		f->marks[at] = code;
		return true;
	}
	compose(f);
	if (f->has_letter && f->nmarks == 0)
	{
		uint32_t both = composed(f->letter, code);

		if (both != 0)
		{
			f->letter = both;
			return true;
		}
	}
	if (!flush(f))
		return false;
	f->letter = code;
	f->has_letter = true;
	return true;
}

/* A character in parts of the table, or as it is. */
static bool
add_parts(Folding *f, uint32_t code)
{
	const LprUnicodeFold *fold;

	if (code - S_BASE < S_COUNT)
	{
		uint32_t syllable = code - S_BASE;

		return add(f, L_BASE + syllable / (V_COUNT * T_COUNT)) &&
			   add(f, V_BASE + syllable % (V_COUNT * T_COUNT) / T_COUNT) &&
			   (syllable % T_COUNT == 0 || add(f, T_BASE + syllable % T_COUNT));
	}
	if (is_dropped(code))
		return true;
	fold = find_fold(code);
	if (fold == NULL)
		return add(f, code);
	for (int i = 0; i < fold->count; i++)
		if (!add(f, lpr_unicode_parts[fold->first + i]))
			return false;
	return true;
}

bool
lpr_fold(LprSlice text, bool plain, LprTakeChar take, void *to)
{
	Folding f = {.plain = plain, .take = take, .to = to};
	size_t at = 0;

	while (at < text.len)
	{
		uint32_t code;

		if (!lpr_next_character(text, &at, &code))
			return false;
		if (code >= 'a' && code <= 'z')
			code -= 'a' - 'A';
		if (!(code < 0x80 ? add(&f, code) : add_parts(&f, code)))
			return false;
	}
	compose(&f);
	return flush(&f);
}
