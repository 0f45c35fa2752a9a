/*
 * invisible_test.c: characters that nobody sees: which those are, how they are found and left out, and that no read
 * that is handed over has one.
 */
#include "base/invisible.h"
#include "base/unicode.h"
#include "dialect_case.h"

static bool
is_found(uint32_t code)
{
	char text[4];

	return lpr_find_invisible((LprSlice){text, lpr_put_char(text, code)}) == code;
}

static void
test_which(void)
{
	static const uint32_t yes[] = {0xAD,   0x61C,  0x180E,  0x200B,  0x200C,  0x200D,  0x200E,  0x200F, 0x2028, 0x2029,
								   0x202A, 0x202E, 0x2060,  0x2064,  0x2066,  0x2069,  0x206F,  0xFEFF, 0xFFF9, 0xFFFB,
								   0x600,  0x6DD,  0x110BD, 0x13430, 0x1343F, 0xE0001, 0xE0020, 0xE007F};
	static const uint32_t no[] = {0,      'A',    0x7F,   0xA0,    0xAC,    0xAE,    0xE9,    0x606,
								  0x61B,  0x627,  0x5D0,  0x200A,  0x2010,  0x202F,  0x2065,  0x3000,
								  0xFE0F, 0xFEFE, 0xFFFD, 0x1F468, 0xE0002, 0xE001F, 0xE0080, 0x10FFFF};
	int count = 0;

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		ok(is_found(yes[i]), "U+%04X is invisible", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		ok(no[i] == 0 || !is_found(no[i]), "U+%04X is not", no[i]);
	for (uint32_t code = 1; code <= 0x10FFFF; code++)
		count += is_found(code);
	/* A new version of Unicode has more of them: then list, number and version change together. */
	ok(count == 172, "172 characters: the 170 of Cf of Unicode 17.0, and two separators (%d)", count);
}

/* What is left of a text, which is another if something is found in it. */
static void
left(const char *text, uint32_t found, const char *expected, const char *what)
{
	LprSlice whole = slice(text);
	char *out = malloc(whole.len + 1); /* of its very size, for the sanitizers */
	size_t len = lpr_drop_invisible(whole, out);

	ok(lpr_find_invisible(whole) == found, "%s: U+%04X", what, found);
	is_slice((LprSlice){out, len}, expected, "what is left");
	ok(lpr_find_invisible((LprSlice){out, len}) == 0, "of which nothing is found");
	free(out);
}

static void
test_texts(void)
{
	left("", 0, "", "nothing");
	ok(lpr_find_invisible((LprSlice){NULL, 0}) == 0, "NULL");
	left("1 \xC3\x89lm St, M\xC3\xBCnchen \xC2\xA0\xE4\xBA\xAC", 0,
		 "1 \xC3\x89lm St, M\xC3\xBCnchen \xC2\xA0\xE4\xBA\xAC", "accents, ideographs");
	left("\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D", 0, "\xD7\xA9\xD7\x9C\xD7\x95\xD7\x9D", "a script from right to left");
	left("a\xE2\x80\xAE"
		 "b",
		 0x202E, "ab", "an override of direction");
	left("12345678\xE2\x80\x8B", 0x200B, "12345678", "behind eight letters");
	left("1234567\xE2\x80\x8B", 0x200B, "1234567", "across eight bytes");
	left("\xEF\xBB\xBF\xC2\xAD\xE2\x80\xA8\xD8\x9C\xF3\xA0\x80\xA0", 0xFEFF, "", "nothing else");
	left("\xE2\x80\xAE\xE2\x80\x8B", 0x202E, "", "the first of two is told");

	/* Joiners: spelling where they shape letters or make an emoji, nothing else. */
	left("\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xAE", 0, "\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xAE", "Persian");
	left("\xE0\xA4\x95\xE0\xA5\x8D\xE2\x80\x8D\xE0\xA4\xB7", 0, "\xE0\xA4\x95\xE0\xA5\x8D\xE2\x80\x8D\xE0\xA4\xB7",
		 "Hindi");
	left("\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9", 0, "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9", "a family");
	left("\xE2\x9D\xA4\xEF\xB8\x8F\xE2\x80\x8D\xF0\x9F\x94\xA5", 0,
		 "\xE2\x9D\xA4\xEF\xB8\x8F\xE2\x80\x8D\xF0\x9F\x94\xA5", "a heart on fire");
	left("O\xE2\x80\x8D"
		 "tay",
		 0x200D, "Otay", "between Latin letters");
	left("\xE2\x80\x8C"
		 "a",
		 0x200C, "a", "at the start");
	left("\xD9\x85\xE2\x80\x8C\xE2\x80\x8C\xD9\x85", 0x200C, "\xD9\x85\xE2\x80\x8C\xD9\x85", "one behind another");
	left("\xD0\xB6\xE2\x80\x8D", 0x200D, "\xD0\xB6", "in Cyrillic");
	left("\xE4\xBA\xAC\xE2\x80\x8D", 0x200D, "\xE4\xBA\xAC", "behind an ideograph");

	/* What is no UTF-8 comes from nowhere; it is passed over byte by byte. */
	left("\xE2\x80", 0, "\xE2\x80", "a sequence that is cut");
	left("\xFF\xE2\x80\xAE\xC3", 0x202E, "\xFF\xC3", "bytes that are none");
	left("\xE0\x82\xAD", 0, "\xE0\x82\xAD", "a form that is too long");
}

#define PAGE(id, plate, camera, make)                                                                                  \
	"{\"next\":null,\"watermark\":\"w\",\"reads\":[{\"id\":\"" id "\",\"plate\":\"" plate                              \
	"\",\"captured_at\":\"2026-11-20T10:00:00Z\",\"camera\":{\"id\":\"" camera "\",\"owner\":\"P\\u202eD\",\"type\":"  \
	"\"\\u200bfixed\",\"region\":\"C\\u2066A\",\"country\":\"U\xC2\xADS\",\"latitude\":34.05,\"longitude\":-118.25,"   \
	"\"address\":\"\xEF\xBB\xBF"                                                                                       \
	"1 \xC3\x89lm\xE2\x80\xA8 St\"},\"vehicle\":{\"make\":\"" make "\",\"model\":\"c\\u061camry\",\"color\":"          \
	"\"sil\\udb40\\udc41ver\"}}]}"

/* Descriptions and plates lose them; ids are told apart by each byte, and are refused with them. */
static void
test_reads(void)
{
	start("lpr-v1");
	make_legs(1);
	ok(open_page(legs, PAGE("r1", "7abc\\u200d-123", "cam-1", "to\\u200byota")) && step() == LPR_PAGE_READ,
	   "a read: %s", page.fault.message);
	is_slice(read_.plate_as_read, "7abc-123", "plate as read");
	is_slice((LprSlice){read_.plate, read_.plate_len}, "7ABC123", "plate");
	is_slice(read_.camera_owner, "PD", "owner");
	is_slice(read_.camera_type, "fixed", "type");
	is_slice(read_.camera_region, "CA", "region");
	is_slice(read_.country, "US", "country");
	is_slice(read_.address, "1 \xC3\x89lm St", "address");
	is_slice(read_.make, "toyota", "make");
	is_slice(read_.model, "camry", "model");
	is_slice(read_.color, "silver", "color");

	bad_read(PAGE("r\\u200b1", "7abc-123", "cam-1", "x"), "\"read_id\" has invisible characters");
	has(page.fault.detail,
		"r\\xE2\\x80\\x8B"
		"1",
		"in ASCII");
	make_legs(1);
	ok(open_page(legs, PAGE("r1", "7abc-123", "cam\xE2\x80\xAE-1", "x\\u202e\\u0007y")) && step() == LPR_PAGE_READ,
	   "a read whose camera holds one: %s", page.fault.message);
	ok(read_.camera_id.data == NULL, "its camera_id is none");
	is_slice(read_.make, "x y", "control characters of texts are blanks");
}

/* A refusal may have them: its words are shown in ASCII. */
static void
test_words(void)
{
	char shown[LPR_EXCERPT_ROOM];

	is_text(lpr_excerpt("a\xE2\x80\xAE"
						"b",
						5, shown),
			"a\\xE2\\x80\\xAE"
			"b",
			"an excerpt of a vendor's words");
}

int
main(void)
{
	test_which();
	test_texts();
	test_reads();
	test_words();
	return finish();
}
