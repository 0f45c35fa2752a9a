/*
 * unicode_test.c: every character of Unicode, made alike: once is enough, in one piece or in parts, within its room.
 */
#include "base/unicode.h"

#include <stdlib.h>

#include "tap.h"

typedef struct Folded
{
	uint32_t codes[64];
	int count;
	char bytes[256];
	size_t len;
} Folded;

static bool
take(void *to, uint32_t code)
{
	Folded *folded = to;

	if (folded->count == 64)
		return false;
	folded->codes[folded->count++] = code;
	folded->len += lpr_put_char(folded->bytes + folded->len, code);
	return true;
}

static Folded
fold(LprSlice text, bool plain)
{
	Folded folded = {.count = 0};

	if (!lpr_fold(text, plain, take, &folded))
		folded.count = -1;
	return folded;
}

static Folded
fold_codes(const uint32_t *codes, int count)
{
	char bytes[256];
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += lpr_put_char(bytes + len, codes[i]);
	return fold((LprSlice){bytes, len}, false);
}

static bool
same(const Folded *a, const Folded *b)
{
	return a->count >= 0 && a->count == b->count && memcmp(a->codes, b->codes, (size_t) a->count * 4) == 0;
}

static void
test_all(void)
{
	int unstable = 0, wide = 0, uncomposed = 0;

	for (uint32_t code = 1; code <= 0x10FFFF; code++)
	{
		char bytes[4];
		LprSlice text = {bytes, 0};
		Folded once, twice;

		if (code == 0xD800)
			code = 0xE000;
		text.len = lpr_put_char(bytes, code);
		once = fold(text, false);
		twice = fold((LprSlice){once.bytes, once.len}, false);
		unstable += !same(&once, &twice);
		wide += once.len > text.len * LPR_FOLD_GROWTH;
	}
	for (int i = 0; i < lpr_unicode_pair_count; i++)
	{
		Folded parts = fold_codes(lpr_unicode_pairs[i], 2);
		Folded whole = fold_codes(&lpr_unicode_pairs[i][2], 1);

		uncomposed += !same(&parts, &whole) || whole.count != 1 || whole.codes[0] != lpr_unicode_pairs[i][2];
	}
	ok(unstable == 0, "what is folded stays as it is: %d", unstable);
	ok(wide == 0, "none needs more room than told");
	ok(uncomposed == 0, "all pairs are composed");
}

static void
becomes(const uint32_t *codes, int count, const char *expected, const char *what)
{
	Folded folded = fold_codes(codes, count);

	is_slice((LprSlice){folded.bytes, folded.len}, expected, what);
}

static void
test_some(void)
{
	Folded folded;
	uint32_t many[40] = {'a'};

	becomes((uint32_t[]){0x1EA5}, 1, "\xE1\xBA\xA4", "a letter with two marks");
	becomes((uint32_t[]){'a', 0x302, 0x301}, 3, "\xE1\xBA\xA4", "… in parts");
	becomes((uint32_t[]){0xE2, 0x301}, 2, "\xE1\xBA\xA4", "… in half parts");
	becomes((uint32_t[]){'q', 0x323, 0x307}, 3, "Q\xCC\xA3\xCC\x87", "marks that no letter takes, in their order");
	becomes((uint32_t[]){'q', 0x307, 0x323}, 3, "Q\xCC\xA3\xCC\x87", "… and in another");
	becomes((uint32_t[]){0x1E9B, 0x323}, 2, "\xE1\xB9\xA8", "a long s with marks below and above");
	becomes((uint32_t[]){0x1100, 0x1161, 0x11A8}, 3, "\xEA\xB0\x81", "a Hangul syllable of letters");
	becomes((uint32_t[]){0xAC00, 0x11A8}, 2, "\xEA\xB0\x81", "… of a syllable and a letter");
	becomes((uint32_t[]){0xAC01}, 1, "\xEA\xB0\x81", "… as it is");
	becomes((uint32_t[]){0xDF}, 1, "SS", "a sharp s");
	becomes((uint32_t[]){0x301, 'a'}, 2,
			"\xCC\x81"
			"A",
			"a mark without a letter");
	becomes((uint32_t[]){0x200D, 0xFE0F, 0xE0041}, 3, "", "nothing to be seen");
	for (int i = 1; i < 40; i++)
		many[i] = 0x301;
	folded = fold_codes(many, 40);
	ok(folded.count == 39 && folded.codes[0] == 0xC1, "more marks than any language has");
	folded = fold((LprSlice){"qu\xC3\xA9"
							 "bec n\xCC\x83",
							 11},
				  true);
	is_slice((LprSlice){folded.bytes, folded.len}, "QUEBEC N", "without marks");
	ok(fold((LprSlice){"A\xC3", 2}, false).count == -1, "broken UTF-8");
}

int
main(void)
{
	test_all();
	test_some();
	return tap_done();
}
