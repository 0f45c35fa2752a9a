/*
 * digest_test.c: SHA-256 against FIPS 180's examples, hex, base64.
 */
#include <stdlib.h>

#include "base/base64.h"
#include "format/digest.h"
#include "tap.h"

static LprSlice
slice(const char *text)
{
	return (LprSlice){text, strlen(text)};
}

static void
digest_is(const char *data, size_t len, const char *expected, const char *what)
{
	LprDigest digest;
	char hex[2 * LPR_DIGEST_LEN + 1];

	lpr_digest(data, len, &digest);
	lpr_hex(digest.bytes, LPR_DIGEST_LEN, hex);
	is_text(hex, expected, what);
}

static void
test_sha256(void)
{
	static char million[1000000];
	LprHash hash, copy;
	LprDigest whole, parts;
	char hex[2 * LPR_DIGEST_LEN + 1];

	digest_is("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "of nothing");
	digest_is(NULL, 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "of no memory");
	digest_is("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "of abc");
	digest_is("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
			  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "of two blocks");
	memset(million, 'a', sizeof(million));
	digest_is(million, sizeof(million), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
			  "of a million a");

	lpr_digest(million, 1000, &whole);
	lpr_hash_start(&hash);
	for (size_t done = 0, step = 0; done < 1000; done += step, step = step % 67 + 1)
		lpr_hash_add(&hash, million, step = step < 1000 - done ? step : 1000 - done);
	copy = hash;
	lpr_hash_end(&hash, &parts);
	ok(lpr_digest_same(&whole, &parts), "in parts");
	lpr_hash_end(&copy, &parts);
	ok(lpr_digest_same(&whole, &parts), "a hash is a value");
	parts.bytes[LPR_DIGEST_LEN - 1] ^= 1;
	ok(!lpr_digest_same(&whole, &parts), "one bit is a difference");
	lpr_hex(parts.bytes, 0, hex);
	is_text(hex, "", "hex of nothing");
}

static void
test_hex(void)
{
	uint8_t bytes[4] = {0};

	ok(lpr_unhex(slice("00ff7a10"), bytes, 4) && bytes[0] == 0 && bytes[1] == 255 && bytes[2] == 0x7a &&
		   bytes[3] == 0x10,
	   "unhex");
	ok(!lpr_unhex(slice("00FF7a10"), bytes, 4), "upper case is not ours");
	ok(!lpr_unhex(slice("00ff7a1"), bytes, 4) && !lpr_unhex(slice("00ff7a1000"), bytes, 4), "of that very length");
	ok(!lpr_unhex(slice("00ff7a1g"), bytes, 4) && !lpr_unhex(slice("0x00ff7a"), bytes, 4), "hex digits");
	ok(!lpr_unhex((LprSlice){NULL, 0}, bytes, 0), "NULL is no hex");
}

static void
test_base64(void)
{
	static const char *good[][2] = {{"", ""},
									{"f", "Zg=="},
									{"fo", "Zm8="},
									{"foo", "Zm9v"},
									{"foob", "Zm9vYg=="},
									{"fooba", "Zm9vYmE="},
									{"foobar", "Zm9vYmFy"},
									{"\xFB\xFF\xBF", "+/+/"}};
	static const char *bad[] = {"Z",    "Zg",   "Zg=",  "Zh==", "Zm9=", "Zm8=Zm8=", "====",     "=",   "Zg==\n",
								" Zg=", "Zg= ", "Z===", "Zm_v", "Zm-v", "Zm9vZ",    "Zg==Zg==", "Z=g="};
	char out[8];
	size_t len;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
	{
		LprText text = {0};

		lpr_base64_add(&text, good[i][0], strlen(good[i][0]));
		lpr_text_adds(&text, "");
		is_text(text.data, good[i][1], "base64");
		ok(lpr_unbase64(slice(good[i][1]), out, sizeof(out), &len) && len == strlen(good[i][0]) &&
			   memcmp(out, good[i][0], len) == 0,
		   "and back");
		lpr_text_free(&text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!lpr_unbase64(slice(bad[i]), out, sizeof(out), &len), "not base64: %zu", i);
	ok(!lpr_unbase64(slice("Zm9vYmFy"), out, 5, &len), "no room");
	ok(lpr_unbase64(slice("Zm9vYmE="), out, 5, &len) && len == 5, "just enough room");
	ok(lpr_unbase64(slice("Zm9vYmFy"), NULL, 0, &len) && len == 6, "only looked at");
}

int
main(void)
{
	test_sha256();
	test_hex();
	test_base64();
	return tap_done();
}
