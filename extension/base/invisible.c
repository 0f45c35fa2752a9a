/*
 * invisible.c: which characters nobody sees. The one list of them, for what vendors send and for what people write.
 */
#include "base/invisible.h"

#include <string.h>

typedef struct Range
{
	uint32_t first;
	uint32_t last;
} Range;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * General category Cf of Unicode 17.0 (https://www.unicode.org/Public/17.0.0/ucd/extracted/DerivedGeneralCategory.txt),
 * and the two separators, Zl and Zp.
 */
static const Range invisible[] = {
	{0x00AD, 0x00AD},   /* soft hyphen */
	{0x0600, 0x0605},   /* signs around Arabic numbers */
	{0x061C, 0x061C},   /* Arabic letter mark */
	{0x06DD, 0x06DD},   /* Arabic end of ayah */
	{0x070F, 0x070F},   /* Syriac abbreviation mark */
	{0x0890, 0x0891},   /* Arabic pound and piastre marks */
	{0x08E2, 0x08E2},   /* Arabic disputed end of ayah */
	{0x180E, 0x180E},   /* Mongolian vowel separator */
	{0x200B, 0x200F},   /* zero width space, joiners, marks of direction */
	{0x2028, 0x202E},   /* separators of lines and paragraphs; embeddings and overrides of direction */
	{0x2060, 0x2064},   /* word joiner, invisible operators */
	{0x2066, 0x206F},   /* isolates of direction, deprecated controls */
	{0xFEFF, 0xFEFF},   /* byte order mark */
	{0xFFF9, 0xFFFB},   /* interlinear annotation */
	{0x110BD, 0x110BD}, /* Kaithi number sign */
	{0x110CD, 0x110CD}, /* Kaithi number sign above */
	{0x13430, 0x1343F}, /* Egyptian hieroglyph controls */
	{0x1BCA0, 0x1BCA3}, /* shorthand controls */
	{0x1D173, 0x1D17A}, /* musical controls */
	{0xE0001, 0xE0001}, /* language tag */
	{0xE0020, 0xE007F}, /* tags */
};

/*
 * Blocks (Unicode 17.0, Blocks.txt) behind whose characters a joiner is spelling: it shapes the letters of Arabic and
 * of the scripts of India and their kin, and makes one emoji of several.
 */
static const Range joined[] = {
	{0x0600, 0x109F},   /* Arabic to Myanmar */
	{0x1780, 0x18AF},   /* Khmer, Mongolian */
	{0x1900, 0x1CFF},   /* Limbu to Vedic extensions */
	{0x2190, 0x2BFF},   /* symbols, some of them emoji */
	{0xA800, 0xABFF},   /* Syloti Nagri to Meetei Mayek */
	{0xFB50, 0xFDFF},   /* Arabic forms */
	{0xFE0F, 0xFE0F},   /* what makes a symbol an emoji */
	{0xFE70, 0xFEFC},   /* Arabic forms */
	{0x10A00, 0x11FFF}, /* Kharoshthi to Tamil supplement */
	{0x1E900, 0x1E95F}, /* Adlam */
	{0x1F000, 0x1FAFF}, /* emoji */
};

bool
lpr_next_character(LprSlice text, size_t *at, uint32_t *code)
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
within(const Range *ranges, size_t count, uint32_t code)
{
	for (size_t i = 0; i < count && ranges[i].first <= code; i++)
		if (code <= ranges[i].last)
			return true;
	return false;
}

static bool
is_invisible(uint32_t code)
{
	return within(invisible, COUNT(invisible), code);
}

static bool
invisible_behind(uint32_t before, uint32_t code)
{
	if ((code == 0x200C || code == 0x200D) && within(joined, COUNT(joined), before))
		return false;
	return is_invisible(code);
}

/* How many of the first bytes are ASCII, by eights: none of these is looked for. */
static size_t
plain_bytes(LprSlice text)
{
	size_t len = 0;
	uint64_t eight;

	while (text.len - len >= sizeof(eight))
	{
		memcpy(&eight, text.data + len, sizeof(eight));
		if ((eight & UINT64_C(0x8080808080808080)) != 0)
			break;
		len += sizeof(eight);
	}
	return len;
}

uint32_t
lpr_find_invisible(LprSlice text)
{
	size_t at = plain_bytes(text);
	uint32_t before = 0, code;

	while (at < text.len)
	{
		if (!lpr_next_character(text, &at, &code))
		{
			code = 0;
			at++;
		}
		else if (invisible_behind(before, code))
			return code;
		before = code;
	}
	return 0;
}

size_t
lpr_drop_invisible(LprSlice text, char *out)
{
	size_t at = 0, len = 0;
	uint32_t before = 0, code;

	while (at < text.len)
	{
		size_t start = at;

		if (!lpr_next_character(text, &at, &code))
		{
			code = 0;
			at++;
		}
		else if (invisible_behind(before, code))
			continue;
		memmove(out + len, text.data + start, at - start);
		len += at - start;
		before = code;
	}
	return len;
}
