/*
 * submission_test.c: files of checkpoints, payloads of "month" rows, decimals: written, read, refused.
 */
#include <stdlib.h>

#include "format/month.h"
#include "format/submission.h"
#include "tap.h"

#define DIGEST_1 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define HEX_1    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define HEX_2    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"

static LprFault fault;

static LprSlice
slice(const char *text)
{
	return (LprSlice){text, strlen(text)};
}

static void
test_submission(void)
{
	static const char *const bad[] = {
		"old \n\nnote\n",
		"old 05\n\nnote\n",
		"old -5\n\nnote\n",
		"old 5",
		"old 5\n",
		"old 5\n\n",
		"old 5\n" DIGEST_1 "\n\n",
		"old 5\n" DIGEST_1,
		"old 5\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==\n\nnote\n",
		"old 5\nx\n\nnote\n",
		"old 5\n" DIGEST_1 "\r\n\nnote\n",
	};
	LprSubmission submission;
	LprProof proof = {0};
	LprText text = {0};

	for (int i = 0; i < LPR_DIGEST_LEN; i++)
		proof.nodes[0].bytes[i] = (uint8_t) i;
	proof.nodes[1] = proof.nodes[0];
	proof.count = 2;
	lpr_submission_write(5, &proof, slice("note\n"), &text);
	is_text(text.data, "old 5\n" DIGEST_1 "\n" DIGEST_1 "\n\nnote\n", "written");
	ok(lpr_submission_read(slice(text.data), &submission, &fault) && !submission.plain && submission.old == 5 &&
		   submission.proof.count == 2 && lpr_digest_same(&submission.proof.nodes[1], &proof.nodes[1]),
	   "read");
	is_slice(submission.note, "note\n", "its note");
	lpr_text_free(&text);
	proof.count = 0;
	lpr_submission_write(0, &proof, slice("note\n"), &text);
	ok(lpr_submission_read(slice(text.data), &submission, &fault) && submission.old == 0 && submission.proof.count == 0,
	   "the first");
	lpr_text_free(&text);
	ok(lpr_submission_read(slice("older/log\n1\n"), &submission, &fault) && submission.plain, "a plain note");
	is_slice(submission.note, "older/log\n1\n", "is all of it");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!lpr_submission_read(slice(bad[i]), &submission, &fault), "refused: %zu", i);
	lpr_text_adds(&text, "old 5\n");
	for (int i = 0; i < 63; i++)
		lpr_text_adds(&text, DIGEST_1 "\n");
	lpr_text_adds(&text, "\nnote\n");
	ok(lpr_submission_read(slice(text.data), &submission, &fault) && submission.proof.count == 63, "63 lines of proof");
	lpr_text_free(&text);
	lpr_text_adds(&text, "old 5\n");
	for (int i = 0; i < 64; i++)
		lpr_text_adds(&text, DIGEST_1 "\n");
	lpr_text_adds(&text, "\nnote\n");
	ok(!lpr_submission_read(slice(text.data), &submission, &fault), "64 are too many");
	lpr_text_free(&text);
}

static void
test_month(void)
{
#define HEAD     "\"head\": \"" HEX_1 "\""
#define FRONTIER "\"frontier\": [\"" HEX_2 "\", \"" HEX_1 "\"]"
	static const char *const bad[] = {
		"",
		"{}",
		"null",
		"{\"size\": 5, " HEAD "}",
		"{\"size\": 4, " HEAD ", " FRONTIER "}",
		"{\"size\": 7, " HEAD ", " FRONTIER "}",
		"{\"size\": -5, " HEAD ", " FRONTIER "}",
		"{\"size\": 05, " HEAD ", " FRONTIER "}",
		"{\"size\": 5.0, " HEAD ", " FRONTIER "}",
		"{\"size\": \"5\", " HEAD ", " FRONTIER "}",
		"{\"size\": 5, \"size\": 5, " HEAD ", " FRONTIER "}",
		"{\"size\": 5, " HEAD ", " FRONTIER ", \"more\": 1}",
		"{\"size\": 5, " HEAD ", " FRONTIER "} x",
		"{\"size\": 5, " HEAD ", " FRONTIER,
		"{\"size\": 5, " HEAD ", " FRONTIER ",}",
		"{\"size\": 5 " HEAD ", " FRONTIER "}",
		"{\"size\": 5, " HEAD ", \"frontier\": [\"" HEX_2 "\", \"" HEX_1 "\",]}",
		"{\"size\": 5, " HEAD ", \"frontier\": [\"" HEX_2 "\" \"" HEX_1 "\"]}",
		"{\"size\": 5, " HEAD ", \"frontier\": [\"" HEX_2 "\", \"" HEX_1 "\"",
		"{\"size\": 5, \"head\": \"00\", " FRONTIER "}",
	};
	LprMonth month = {0}, again;
	LprText text = {0};

	month.tree.size = 5;
	for (int i = 0; i < LPR_DIGEST_LEN; i++)
	{
		month.head.bytes[i] = month.tree.roots[1].bytes[i] = (uint8_t) i;
		month.tree.roots[0].bytes[i] = (uint8_t) (32 + i);
	}
	lpr_month_write(&month, &text);
	is_text(text.data, "{\"size\": 5, " HEAD ", " FRONTIER "}", "written");
	ok(lpr_month_read(slice(text.data), &again) && memcmp(&month, &again, sizeof(month)) == 0, "read");
	lpr_text_free(&text);
	ok(lpr_month_read(slice(" {\t\"frontier\":[\"" HEX_2 "\",\"" HEX_1 "\"]\n,\"head\" :\"" HEX_1 "\",\"size\":5 } "),
					  &again) &&
		   memcmp(&month, &again, sizeof(month)) == 0,
	   "in another order, with other blanks");
	ok(lpr_month_read(slice("{\"size\": 0, " HEAD ", \"frontier\": []}"), &again), "no rows before");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!lpr_month_read(slice(bad[i]), &again), "refused: %zu", i);
	ok(!lpr_month_read((LprSlice){NULL, 0}, &again), "NULL");
	lpr_text_adds(&text, "{\"size\": 5, \"frontier\": [");
	for (int i = 0; i < 65; i++)
		lpr_text_adds(&text, i > 0 ? ",\"" HEX_1 "\"" : "\"" HEX_1 "\"");
	lpr_text_adds(&text, "], " HEAD "}");
	ok(!lpr_month_read(slice(text.data), &again), "more roots than a tree can have");
	lpr_text_free(&text);
}

static void
test_decimal(void)
{
	static const char *const bad[] = {"",
									  "-",
									  "-0",
									  "00",
									  "01",
									  "-01",
									  "+1",
									  " 1",
									  "1 ",
									  "1a",
									  "0x1",
									  "9223372036854775808",
									  "-9223372036854775809",
									  "99999999999999999999"};
	int64_t value = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!lpr_decimal(slice(bad[i]), &value), "no decimal: \"%s\"", bad[i]);
	ok(!lpr_decimal((LprSlice){NULL, 0}, &value), "no decimal: NULL");
	ok(lpr_decimal(slice("0"), &value) && value == 0, "0");
	ok(lpr_decimal(slice("-7"), &value) && value == -7, "-7");
	ok(lpr_decimal(slice("9223372036854775807"), &value) && value == INT64_MAX, "the largest");
	ok(lpr_decimal(slice("-9223372036854775808"), &value) && value == INT64_MIN, "the smallest");
}

int
main(void)
{
	test_submission();
	test_month();
	test_decimal();
	return tap_done();
}
