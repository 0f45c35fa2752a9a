/*
 * record_test.c: the canonical bytes of a row, and its digests. format_test.c holds them against docs/audit-format.md.
 */
#include <stdlib.h>

#include "format/record.h"
#include "tap.h"
#include "format/tree.h"

static const uint8_t log_id[LPR_LOG_ID_LEN] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
											   0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

static LprSlice
slice(const char *text)
{
	return (LprSlice){text, strlen(text)};
}

static void
bytes_are(const void *bytes, size_t len, const char *expected, const char *what)
{
	char *hex = malloc(2 * len + 1);

	lpr_hex(bytes, len, hex);
	is_text(hex, expected, what);
	free(hex);
}

static void
test_bytes(void)
{
	LprRecord record = {.log = log_id,
						.number = 0x0102030405060708,
						.at = -2,
						.kind = slice("ask"),
						.login = slice(""),
						.pid = {true, 1},
						.session_started = {true, -1},
						.event_id = {false, 99},
						.mode = slice("plate"),
						.ask = {true, INT64_MIN},
						.sqlstate = slice("LP001")};
	LprRecord least = {.log = log_id};
	LprText out = {0};

	memset(record.payload_digest.bytes, 0xAB, LPR_DIGEST_LEN);
	lpr_record_write(&record, &out);
	bytes_are(out.data, out.len,
			  "4c505231"
			  "00112233445566778899aabbccddeeff"
			  "0102030405060708"
			  "fffffffffffffffe"
			  "0000000361736b"
			  "00000000"
			  "000000080000000000000001"
			  "00000008ffffffffffffffff"
			  "ffffffff"
			  "ffffffff"
			  "00000005706c617465"
			  "000000088000000000000000"
			  "ffffffff"
			  "000000054c50303031"
			  "abababababababababababababababababababababababababababababababab",
			  "every kind of field");
	lpr_text_free(&out);

	lpr_record_write(&least, &out);
	ok(out.len == 36 + 10 * 4 + 32, "nothing but NULL");
	lpr_record_write(&record, &out);
	ok(out.len == 36 + 10 * 4 + 32 + 36 + 10 * 4 + 3 + 8 + 8 + 5 + 8 + 5 + 32 && memcmp(out.data + 108, "LPR1", 4) == 0,
	   "appends");
	lpr_text_free(&out);

	/* What NULL and empty have in common is not their bytes. */
	record.login = (LprSlice){NULL, 0};
	lpr_record_write(&record, &out);
	ok(memcmp(out.data + 36 + 7, "\xFF\xFF\xFF\xFF", 4) == 0, "NULL is not the empty text");
	lpr_text_free(&out);
}

static void
test_digests(void)
{
	uint8_t salt[LPR_SALT_LEN];
	LprDigest previous = {{0}}, digest, again;

	for (int i = 0; i < LPR_SALT_LEN; i++)
		salt[i] = (uint8_t) i;
	lpr_record_payload(salt, slice("{}"), &digest);
	lpr_digest("\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf{}", 18, &again);
	ok(lpr_digest_same(&digest, &again), "payload: salt, then the bytes");
	lpr_record_payload(salt, slice(""), &digest);
	lpr_digest(salt, sizeof(salt), &again);
	ok(lpr_digest_same(&digest, &again), "empty payload");

	previous.bytes[31] = 7;
	lpr_record_chain(&previous, "row", 3, &digest);
	lpr_digest("LPRC\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\7row", 39, &again);
	ok(lpr_digest_same(&digest, &again), "chain: tag, previous, record");
	lpr_record_leaf("row", 3, &digest);
	lpr_digest("\0row", 4, &again);
	ok(lpr_digest_same(&digest, &again), "leaf: zero byte, record");
}

int
main(void)
{
	test_bytes();
	test_digests();
	return tap_done();
}
