/*
 * read_test.c: normal forms, matches, look-alikes, checks of text; faults, texts, excerpts, origins.
 */
#include <stdlib.h>

#include "dialect/dialect.h"
#include "tap.h"

static LprSlice
slice(const char *text)
{
	return (LprSlice){text, text ? strlen(text) : 0};
}

static void
normal(const char *plate, const char *expected)
{
	char out[LPR_PLATE_ROOM], shown[LPR_EXCERPT_ROOM];
	uint32_t len = 0;
	bool good = lpr_plate_normal(slice(plate), out, &len);

	is_text(good ? out : NULL, expected, lpr_excerpt(plate, strlen(plate), shown));
	if (good && len != strlen(out))
		ok(false, "the length of %s", plate);
}

static void
test_plates(void)
{
	char out[LPR_PLATE_ROOM];
	uint32_t len;

	normal("7ABC123", "7ABC123");
	normal(" 7abc-123 ", "7ABC123");
	normal("a.b'c_d/e f", "ABCDEF");
	normal("AB\xC2\xB7"
		   "12",
		   "AB12");
	normal("AB\xC2\xA0"
		   "12",
		   "AB12");
	normal("O0I1B8S5", "O0I1B8S5");
	normal("M\xC3\x9C\xC3\xBC 12", "M\xC3\x9C\xC3\x9C"
								   "12");
	normal("\xE4\xBA\xAC"
		   "A12345",
		   "\xE4\xBA\xAC"
		   "A12345");
	normal("\xF0\x9F\x9A\x97", "\xF0\x9F\x9A\x97");
	normal("1234567890123456", "1234567890123456");
	normal("1234-5678-9012-3456", "1234567890123456");
	normal("12345678901234567", NULL);
	normal("\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F"
		   "\x9A\x97"
		   "\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F"
		   "\x9A\x97"
		   "\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97",
		   "\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F"
		   "\x9A\x97"
		   "\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97\xF0\x9F"
		   "\x9A\x97"
		   "\xF0\x9F\x9A\x97\xF0\x9F\x9A\x97");
	normal("", NULL);
	normal(" - . ", NULL);
	normal("AB\t12\r\n", "AB12");
	normal("AB\xC2\x85", "AB");
	normal("AB\x7F", NULL);
	normal("AB\xC2\x80", NULL);
	normal("AB\x1F", NULL);
	normal("AB\xC2", NULL);
	normal("AB\xC0\x80", NULL);
	normal("AB\xE0\x80\x80", NULL);
	normal("AB\xED\xA0\x80", NULL);
	normal("AB\xF4\x90\x80\x80", NULL);
	normal("AB\xF5\x80\x80\x80", NULL);
	normal("AB\x80", NULL);
	normal("AB\xE4\xBA", NULL);
	normal("AB%_*\\;", "AB%*\\;");
	/* U+00F1 A U+00F1, and N with U+0303 */
	normal("\xC3\xB1"
		   "a\xC3\xB1-123",
		   "\xC3\x91"
		   "A\xC3\x91"
		   "123");
	normal("n\xCC\x83"
		   "aN\xCC\x83"
		   "123",
		   "\xC3\x91"
		   "A\xC3\x91"
		   "123");
	/* Dashes, minus, non-breaking hyphen; blanks, thin and ideographic; zero-width, marks of direction, BOM. */
	normal("7\xE2\x80\x93"
		   "A\xE2\x88\x92"
		   "B\xE2\x80\x91"
		   "C\xE2\x80\x94"
		   "1",
		   "7ABC1");
	normal("7\xE2\x80\x89"
		   "A\xE3\x80\x80"
		   "B\xE2\x80\xA8"
		   "C",
		   "7ABC");
	normal("\xEF\xBB\xBF"
		   "7\xE2\x80\x8B"
		   "A\xE2\x80\xAE"
		   "B\xC2\xAD"
		   "C\xE2\x81\xA0",
		   "7ABC");
	/* Wide letters and digits, a wide dash; a bold one; a typographic apostrophe. */
	normal("\xEF\xBC\x97\xEF\xBD\x81\xEF\xBC\xA2\xEF\xBC\x8D\xEF\xBC\x91", "7AB1");
	normal("\xF0\x9D\x90\x80\xE2\x80\x99"
		   "1",
		   "A1");
	normal("\xC2\xBDTON", "\xC2\xBDTON");
	normal("12345678901234567\xE2\x80\x8B", NULL);
	ok(!lpr_plate_normal((LprSlice){NULL, 0}, out, &len), "null is no plate");
	ok(!lpr_plate_normal((LprSlice){"A\0B", 3}, out, &len), "nor is one with a NUL");
}

static void
faulty(const char *plate, const char *expected)
{
	char out[LPR_PLATE_FAULT_ROOM];

	lpr_plate_fault(slice(plate), out);
	is_text(out, expected, "why it is no plate");
}

static void
test_plate_faults(void)
{
	faulty("AB\x07", "The character U+0007 has no place in a plate.");
	faulty("\xC3\x91\xC2\x80", "The character U+0080 has no place in a plate.");
	faulty("AB\xC2", "It is not in UTF-8.");
	faulty(" - \xE2\x80\x8B", "It has nothing but blanks and separators.");
	faulty("1234-5678-9012-3456-7", "A plate has 1 to 16 characters besides blanks and separators, this one 17.");
}

static void
match(const char *asked, const char *region, const char *plate, const char *of, const char *expected)
{
	char what[100];

	snprintf(what, sizeof(what), "%s/%s against %s/%s", asked, region ? region : "null", plate, of);
	is_text(lpr_match_name(lpr_plate_match(slice(asked), region, slice(plate), of)), expected, what);
}

static void
test_matches(void)
{
	char forms[100][LPR_PLATE_ROOM], few[3][LPR_PLATE_ROOM];
	int n, changed, before = 0;
	bool ordered = true, distinct = true, confusable = true;

	match("7ABC123", "", "7ABC123", "CA", "exact");
	match("7ABC123", NULL, "7ABC123", "", "exact");
	match("7ABC123", "CA", "7ABC123", "CA", "exact");
	match("7ABC123", "CA", "7ABC123", "NV", "other_region");
	match("7ABC123", "CA", "7ABC123", "", "unknown_region");
	match("7ABC123", "", "7A8C123", "CA", "confusable");
	match("O0QD", "", "D0O0", "", "confusable");
	match("1IL", "", "L11", "", "confusable");
	match("S5Z2G6", "", "5S2Z6G", "", "confusable");
	match("7ABC123", "", "7ABC124", "", NULL);
	match("7ABC123", "", "7ABC12", "", NULL);
	match("7ABC123", "", "7ABC1234", "", NULL);
	match("8", "", "S", "", NULL);
	match("", "", "", "", NULL);

	n = lpr_plate_confusables(slice("7ABC123"), forms, 100);
	is_text(forms[0], "7ABC123", "a plate is its own first look-alike");
	/* B: 2 forms, 1: 3, 2: 2 */
	ok(n == 12, "all look-alikes: %d", n);
	for (int i = 0; i < n; i++)
	{
		changed = 0;
		for (int c = 0; c < 7; c++)
			changed += forms[i][c] != "7ABC123"[c];
		ordered &= changed >= before;
		before = changed;
		confusable &= i == 0 || lpr_plate_match(slice("7ABC123"), "", slice(forms[i]), "") == LPR_MATCH_CONFUSABLE;
		for (int j = 0; j < i; j++)
			distinct &= strcmp(forms[i], forms[j]) != 0;
	}
	ok(ordered && distinct && confusable, "ordered by changes, distinct, and confusable");
	ok(lpr_plate_confusables(slice("O0O0O0O0O0O0O0O0"), few, 3) == 3, "at most as many as asked for");
	ok(lpr_plate_confusables(slice("0000000000000000"), forms, 100) == 100, "out of billions");
	ok(lpr_plate_confusables_count(slice("0000000000000000")) == UINT64_C(4294967296), "which are counted");
	ok(lpr_plate_confusables_count(slice("7ABC123")) == 12 && lpr_plate_confusables_count(slice("777")) == 1,
	   "as are few");
	ok(lpr_plate_confusables(slice("777"), forms, 100) == 1, "none but itself");
	ok(lpr_plate_confusables(slice(""), forms, 100) == 0 && lpr_plate_confusables(slice("7"), forms, 0) == 0, "none");
}

static void
test_texts(void)
{
	char out[64], shown[LPR_EXCERPT_ROOM];
	char long_text[500];
	size_t len;
	LprText text = {0};
	LprFault fault;

	len = lpr_word_normal(slice("  land \t rover\n"), out);
	is_slice((LprSlice){out, len}, "LAND ROVER", "a word");
	len = lpr_word_normal(slice("citro\xC3\xABn"), out);
	is_slice((LprSlice){out, len}, "CITRO\xC3\x8BN", "… of other letters");
	len = lpr_word_normal(slice("\xE3\x80\x80 citroe\xCC\x88n\xC2\xA0 C\xE2\x80\x93"
								"5"),
						  out);
	is_slice((LprSlice){out, len},
			 "CITRO\xC3\x8BN C-"
			 "5",
			 "… in parts, with other blanks and dashes");
	ok(lpr_word_normal(slice("   "), out) == 0 && lpr_word_normal((LprSlice){NULL, 0}, out) == 0, "nothing");
	ok(lpr_word_contains(slice("12 Ca\xC3\xB1on  Rd"), slice("CA\xC3\x91ON RD")) &&
		   !lpr_word_contains(slice("12 Canon Rd"), slice("CA\xC3\x91ON")) &&
		   !lpr_word_contains((LprSlice){NULL, 0}, slice("")) && lpr_word_contains(slice("x"), slice("")),
	   "part of a text");
	ok(lpr_words_meet(slice("12 HARBOR DR"), slice("HARBOR")) && lpr_words_meet(slice("HARBOR"), slice("12 HARBOR DR")),
	   "either holds the other");
	ok(lpr_words_meet(slice("12 HARBOR DR"), slice("HARBOR DR SAN DIEGO")) &&
		   lpr_words_meet(slice("12 HARBOR DR"), slice("DR SAN DIEGO")) &&
		   lpr_words_meet(slice("12 HARBOR DR"), slice("R DR SAN DIEGO")) &&
		   lpr_words_meet(slice("12 HARBOR DR"), slice("SAN YSIDRO 12")) &&
		   lpr_words_meet(slice("12 HARBOR DR"), slice("SAN YSIDRO 12 H")),
	   "one goes on where the other ends");
	ok(!lpr_words_meet(slice("12 HARBOR DR"), slice("DRAKE ST")) &&
		   !lpr_words_meet(slice("12 AVE"), slice("AVENIDA")) &&
		   !lpr_words_meet(slice("12 HARBOR DR"), slice("14 HARBOR DR SAN DIEGO")) &&
		   !lpr_words_meet(slice("12 HARBOR DR SAN DIEGO"), slice("4 MAIN ST SAN DIEGO")) &&
		   !lpr_words_meet(slice("12 HARBOR DR"), slice("SAN DIEGO")),
	   "neither");

	ok(lpr_text_ok(slice("caf\xC3\xA9 \xC2\xA0"), 10), "good text");
	ok(lpr_text_ok((LprSlice){NULL, 0}, 0), "null");
	ok(!lpr_text_ok(slice("abc"), 2), "too long");
	ok(!lpr_text_ok(slice("a\tb"), 10) && !lpr_text_ok(slice("\x7F"), 10) && !lpr_text_ok(slice("\xC2\x80"), 10) &&
		   !lpr_text_ok(slice("0123456789\x1F"), 20) && !lpr_text_ok(slice("01234567890123456789\xC2\x9F"), 40) &&
		   !lpr_text_ok((LprSlice){"a\0b", 3}, 10),
	   "control characters");

	is_text(lpr_excerpt("a\\b\"\n\xC3\xA9\0", 8, shown), "a\\x5Cb\"\\x0A\\xC3\\xA9\\x00", "an excerpt");
	is_text(lpr_excerpt("", 0, shown), "", "an empty one");
	memset(long_text, '\n', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	lpr_excerpt(long_text, sizeof(long_text), shown);
	ok(strlen(shown) == LPR_EXCERPT_ROOM - 1 && strcmp(shown + strlen(shown) - 3, "...") == 0, "the longest one");

	lpr_text_add_escaped(&text, "aZ0-._~ /?&=%\r\n\xC3\xA9", 17);
	is_text(text.data, "aZ0-._~%20%2F%3F%26%3D%25%0D%0A%C3%A9", "percent encoding");
	lpr_text_free(&text);
	for (int i = 0; i < 1000; i++)
		lpr_text_printf(&text, "%d,", i);
	ok(text.len == 3890 && strlen(text.data) == 3890 && !text.failed, "text grows");
	lpr_text_append(&text, "x", SIZE_MAX / 2);
	ok(text.failed && text.len == 3890, "what cannot be kept fails");
	lpr_text_adds(&text, "more");
	ok(text.len == 3890, "and goes on failing");
	lpr_text_free(&text);

	ok(!lpr_fault(&fault, "HV00M", "%s", long_text), "a fault is false");
	ok(strlen(fault.message) == sizeof(fault.message) - 1 && fault.detail[0] == '\0', "cut to its room");
	lpr_fault_detail(&fault, "d %d", 1);
	lpr_fault_hint(&fault, "h %d", 2);
	ok(strcmp(fault.detail, "d 1") == 0 && strcmp(fault.hint, "h 2") == 0, "detail and hint");
}

static void
origin(const char *url, const char *expected)
{
	LprText text = {0};
	char shown[LPR_EXCERPT_ROOM];
	bool good = lpr_url_origin(slice(url), &text);

	is_text(good ? text.data : NULL, expected, lpr_excerpt(url, strlen(url), shown));
	lpr_text_free(&text);
}

static void
test_origins(void)
{
	origin("https://vendor.example", "https://vendor.example:443");
	origin("HTTPS://Vendor.Example/x?y#z", "https://vendor.example:443");
	origin("http://vendor.example:8080/", "http://vendor.example:8080");
	origin("http://vendor.example:080/", "http://vendor.example:80");
	origin("https://vendor.example?x", "https://vendor.example:443");
	origin("https://[::1]:8443/x", "https://[::1]:8443");
	origin("https://[2001:DB8::1]", "https://[2001:db8::1]:443");
	origin("http://127.0.0.1:1", "http://127.0.0.1:1");
	origin("https://user@vendor.example/", NULL);
	origin("https://vendor.example:pw@evil.example/", NULL);
	origin("https://vendor.example:443@evil.example/", NULL);
	origin("https://vendor.example\\@evil.example/", NULL);
	origin("https:\\\\vendor.example/", NULL);
	origin("https:///vendor.example/", NULL);
	origin("https:/vendor.example/", NULL);
	origin("https://", NULL);
	origin("https://:443/", NULL);
	origin("https://vendor.example:/", NULL);
	origin("https://vendor.example:0/", NULL);
	origin("https://vendor.example:65536/", NULL);
	origin("https://vendor.example:0000443/", NULL);
	origin("https://ven dor.example/", NULL);
	origin("https://vendor.example/a b", NULL);
	origin("https://vendor.example/\r\nX: y", NULL);
	origin("https://vendor%2eexample/", NULL);
	origin("https://v\xC3\xA9ndor.example/", NULL);
	origin("https://[::1/", NULL);
	origin("https://[]/", NULL);
	origin("https://[::1]x/", NULL);
	origin("ftp://vendor.example/", NULL);
	origin("file:///etc/passwd", NULL);
	origin("//vendor.example/", NULL);
	origin("/path", NULL);
	origin("", NULL);
	ok(!lpr_url_same_origin((LprSlice){NULL, 0}, slice("https://a")), "null has no origin");
	ok(lpr_url_same_origin(slice("https://A.example/x"), slice("https://a.example:443/y")), "same");
	ok(!lpr_url_same_origin(slice("https://a.example/"), slice("http://a.example/")), "another scheme");
	ok(!lpr_url_same_origin(slice("https://a.example/"), slice("https://a.example:444/")), "another port");
	ok(!lpr_url_same_origin(slice("https://a.example/"), slice("https://a.example.evil/")), "another host");
	ok(!lpr_url_same_origin(slice("nonsense"), slice("nonsense")), "no URL is like no URL");
}

int
main(void)
{
	test_plates();
	test_plate_faults();
	test_matches();
	test_texts();
	test_origins();
	return tap_done();
}
