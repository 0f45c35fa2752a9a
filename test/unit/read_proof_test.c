/*
 * read_proof_test.c: records of reads, proofs of saved reads, answers' payloads. format_test.c holds the bytes against docs/audit-format.md,
 * test/verify/read.t tries every change of a proof.
 */
#include <stdlib.h>

#include "format/object.h"
#include "format/payload.h"
#include "format/read_proof.h"
#include "tap.h"

static LprSlice
slice(const char *text)
{
	return (LprSlice){text, strlen(text)};
}

static LprReadRecord
full_read(void)
{
	LprReadRecord read;

	for (int i = 0; i < LPR_READ_TEXTS; i++)
		read.texts[i] = slice(lpr_read_text_name(i));
	for (int i = 0; i < LPR_READ_NUMBERS; i++)
		read.numbers[i] = (LprNumber){true, i};
	return read;
}

static const uint8_t salt[LPR_SALT_LEN + 1] = "a salt of a test";

static LprDigest
leaf_of(const LprReadRecord *read, int version)
{
	LprText scratch = {0};
	LprDigest details, leaf = {{0}};

	if (version == 1)
		lpr_read_leaf_1(read, &scratch, &leaf);
	else if (lpr_read_details(read, salt, &scratch, &details))
		lpr_read_leaf(read, &details, &scratch, &leaf);
	lpr_text_free(&scratch);
	return leaf;
}

/* Whatever of a read changes, its leaf does; version 1 has no plate, and takes a region that is not told for an empty one. */
static void
test_leaves(void)
{
	LprReadRecord read = full_read();

	for (int version = 1; version <= 2; version++)
	{
		LprDigest leaf = leaf_of(&read, version), other;

		for (int i = 0; i < LPR_READ_TEXTS; i++)
		{
			LprReadRecord changed = read;

			changed.texts[i] = slice("x");
			other = leaf_of(&changed, version);
			ok(lpr_digest_same(&leaf, &other) == (version == 1 && i == LPR_READ_PLATE), "version %d: another %s",
			   version, lpr_read_text_name(i));
			changed.texts[i] = (LprSlice){NULL, 0};
			leaf = leaf_of(&changed, version);
			changed.texts[i] = slice("");
			other = leaf_of(&changed, version);
			ok(lpr_digest_same(&leaf, &other) == (version == 1 && (i == LPR_READ_PLATE || i == LPR_READ_PLATE_REGION)),
			   "version %d: NULL is not the empty %s", version, lpr_read_text_name(i));
			leaf = leaf_of(&read, version);
		}
		for (int i = 0; i < LPR_READ_NUMBERS; i++)
		{
			LprReadRecord changed = read;

			changed.numbers[i].value = -1;
			other = leaf_of(&changed, version);
			ok(!lpr_digest_same(&leaf, &other), "version %d: another %s", version, lpr_read_number_name(i));
			changed.numbers[i].given = false;
			other = leaf_of(&changed, version);
			ok(!lpr_digest_same(&leaf, &other), "version %d: no %s", version, lpr_read_number_name(i));
		}
	}
	ok(lpr_read_text_name(LPR_READ_TEXTS) == NULL && lpr_read_number_name(LPR_READ_NUMBERS) == NULL, "no more names");
}

/* Of places 2n and 2n + 1: the two halves of SHA-256 over the seed and n, in whatever order they are asked for. */
static void
test_salts(void)
{
	static const uint64_t places[] = {0, 1, 2, 3, 2, 1, 0, 513, 512, UINT64_C(0x102030405060708), UINT64_MAX, 0};
	uint8_t bytes[LPR_SEED_LEN + 8];
	LprSalts salts;
	LprDigest two;
	LprReadRecord read = full_read();
	LprText scratch = {0};

	for (int seed = 0; seed < 2; seed++)
	{
		for (int i = 0; i < LPR_SEED_LEN; i++)
			bytes[i] = (uint8_t) (seed * 100 + i);
		lpr_salts_start(&salts, bytes);
		for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		{
			for (int j = 0; j < 8; j++)
				bytes[LPR_SEED_LEN + j] = (uint8_t) (places[i] / 2 >> (56 - 8 * j));
			lpr_digest(bytes, sizeof(bytes), &two);
			ok(memcmp(lpr_salts_at(&salts, places[i]), two.bytes + (places[i] % 2 ? 16 : 0), LPR_SALT_LEN) == 0,
			   "seed %d: the salt of place %llu", seed, (unsigned long long) places[i]);
		}
	}
	for (int i = 0; i < LPR_SALT_LEN; i++)
	{
		uint8_t other[LPR_SALT_LEN];
		LprDigest details, changed;

		memcpy(other, salt, LPR_SALT_LEN);
		other[i] ^= 1;
		ok(lpr_read_details(&read, salt, &scratch, &details) && lpr_read_details(&read, other, &scratch, &changed) &&
			   !lpr_digest_same(&details, &changed),
		   "byte %d of the salt changes the details", i);
	}
	lpr_text_free(&scratch);
}

static void
test_proof(void)
{
	LprReadProof proof = {.row = 9,
						  .source = slice("\"\\\n\x7F \xC3\xA9 \xF0\x9F\x9A\x97"),
						  .version = 2,
						  .reads = 1,
						  .salted = true},
				 again;
	LprText text = {0};
	LprFault fault;

	proof.read = full_read();
	memcpy(proof.salt, salt, LPR_SALT_LEN);
	proof.root = leaf_of(&proof.read, 2);
	ok(lpr_read_proof_holds(&proof, &fault), "of an answer with one read");
	lpr_read_proof_write(&proof, &text);
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < 0x20 || text.data[i] > 0x7E)
			ok(false, "byte %zu is not in ASCII", i);
	ok(lpr_read_proof_read((LprSlice){text.data, text.len}, &again, &fault), "read: %s", fault.message);
	ok(again.source.len == proof.source.len && memcmp(again.source.data, proof.source.data, proof.source.len) == 0,
	   "escapes come back as what they stand for");
	ok(lpr_read_proof_holds(&again, &fault) && again.row == 9 && again.shown == LPR_READ_WHOLE, "and it holds");
	again.place = -1;
	ok(!lpr_read_proof_holds(&again, &fault), "a place before the first");
	again.place = 1;
	ok(!lpr_read_proof_holds(&again, &fault), "a place after the last");
	lpr_text_free(&text);
}

static void
test_answer(void)
{
#define ROOT "\"digest\": \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\""
	static const char *const bad[] = {"",
									  "{}",
									  "{\"reads\": 2}",
									  "{" ROOT "}",
									  "{\"reads\": 2, " ROOT,
									  "{\"reads\": 2, " ROOT "} x",
									  "{\"reads\": 2, \"reads\": 2, " ROOT "}",
									  "{\"reads\": \"2\", " ROOT "}",
									  "{\"reads\": 2, " ROOT ", \"x\": [1, }",
									  "{\"reads\": 2, " ROOT ", \"x\": }",
									  "{\"reads\": 2, " ROOT ", \"digest_version\": null}",
									  "{\"reads\": 2, \"digest\": \"00\"}"};
	LprAnswerDigest answer;
	LprText deep = {0};

	ok(lpr_answer_digest_read(slice("{\"reads\": 2, " ROOT "}"), &answer) && answer.version == 1 && answer.reads == 2 &&
		   answer.root.bytes[31] == 31,
	   "before versions were told");
	ok(lpr_answer_digest_read(slice("{\"x\": {\"reads\": [7, \"]}\\\"\", {}, []]}, " ROOT
									", \"digest_version\": 2, \"y\": -1.5e7, \"reads\": 3}"),
							  &answer) &&
		   answer.version == 2 && answer.reads == 3,
	   "among others");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!lpr_answer_digest_read(slice(bad[i]), &answer), "refused: %s", bad[i]);
	ok(!lpr_answer_digest_read((LprSlice){NULL, 0}, &answer), "NULL");
	lpr_text_adds(&deep, "{\"x\": ");
	for (int i = 0; i < 100000; i++)
		lpr_text_adds(&deep, "[");
	ok(!lpr_answer_digest_read((LprSlice){deep.data, deep.len}, &answer), "deeper than anything of ours");
	lpr_text_free(&deep);
}

int
main(void)
{
	test_leaves();
	test_salts();
	test_proof();
	test_answer();
	return tap_done();
}
