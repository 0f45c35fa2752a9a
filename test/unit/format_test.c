/*
 * format_test.c: the vectors of docs/audit-format.md, made anew: each must stand on the page as it is made here.
 */
#include <stdlib.h>

#include "format/note.h"
#include "format/read_proof.h"
#include "format/record.h"
#include "tap.h"
#include "format/tree.h"

#define PEM(seed)   "-----BEGIN PRIVATE KEY-----\n" seed "\n-----END PRIVATE KEY-----\n"
#define LOG_PEM     PEM("MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g")
#define WITNESS_PEM PEM("MC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7")

static const uint8_t log_id[LPR_LOG_ID_LEN] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
											   0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
static char *doc;
static char hex[2 * 4096 + 1];

static LprSlice
slice(const char *text)
{
	return (LprSlice){text, strlen(text)};
}

static void
read_doc(void)
{
	LprText text = {0};
	char buffer[4096];
	size_t n;
	FILE *file = fopen("../../docs/audit-format.md", "r");

	ok(file != NULL, "docs/audit-format.md");
	while (file != NULL && (n = fread(buffer, 1, sizeof(buffer), file)) > 0)
		lpr_text_append(&text, buffer, n);
	if (file != NULL)
		fclose(file);
	doc = text.data;
}

/* On the page, with what stands before it there. */
static void
shown(const char *before, const void *bytes, size_t len, const char *what)
{
	LprText line = {0};

	lpr_hex(bytes, len, hex);
	lpr_text_printf(&line, "%s%s\n", before, hex);
	ok(doc != NULL && strstr(doc, line.data) != NULL, "%s", what);
	if (doc == NULL || strstr(doc, line.data) == NULL)
		printf("# not on the page: %s", line.data);
	lpr_text_free(&line);
}

/* The read of the page, and one that nothing but its plate, time and place is told of. */
static const LprReadRecord reads[2] = {
	{.texts = {[LPR_READ_ID] = {"r-17", 4},
			   [LPR_READ_PLATE] = {"7ABC123", 7},
			   [LPR_READ_PLATE_REGION] = {"CA", 2},
			   [LPR_READ_PLATE_AS_READ] = {"7abc-123", 8},
			   [LPR_READ_CAMERA_ID] = {"cam-9", 5},
			   [LPR_READ_MAKE] = {"HONDA", 5}},
	 .numbers = {{true, 799999000000000}, {true, 327157000}, {true, -1171611000}, {true, 957000}}},
	{.texts = {[LPR_READ_ID] = {"r-18", 4}, [LPR_READ_PLATE] = {"7ABC123", 7}},
	 .numbers = {{true, 799999600000000}, {true, 327160000}, {true, -1171600000}}},
};

static void
test_reads(LprDigest *root, LprText *payload)
{
	LprReadProof proof = {.row = 3, .source = slice("acme"), .version = 2, .reads = 2, .path = {.count = 1}};
	LprDigest details[2], leaves[2], old;
	LprText scratch = {0}, block = {0};
	LprTree tree = {0};
	LprFault fault;
	uint8_t seed[LPR_SEED_LEN];
	LprSalts salts;

	for (int i = 0; i < LPR_SEED_LEN; i++)
		seed[i] = (uint8_t) (0xC0 + i);
	lpr_salts_start(&salts, seed);
	shown("seed             ", seed, sizeof(seed), "the seed of the salts");
	for (int i = 0; i < 2; i++)
	{
		const uint8_t *salt = lpr_salts_at(&salts, (uint64_t) i);

		shown(i == 0 ? "salt of read 1   " : "salt of read 2   ", salt, LPR_SALT_LEN, "its salt");
		ok(lpr_read_details(&reads[i], salt, &scratch, &details[i]), "details");
		if (i == 0)
			shown("details record   ", scratch.data, scratch.len, "the record of details");
		ok(lpr_read_leaf(&reads[i], &details[i], &scratch, &leaves[i]), "leaf");
		if (i == 0)
		{
			/* What is hashed begins with the leaf's zero byte. */
			shown("tag              ", scratch.data + 1, 4, "tag of a read");
			shown("read_id          ", scratch.data + 5, 8, "read_id");
			shown("plate            ", scratch.data + 13, 11, "plate");
			shown("captured_at      ", scratch.data + 24, 12, "captured_at");
			shown("latitude         ", scratch.data + 36, 12, "latitude");
			shown("longitude        ", scratch.data + 48, 12, "longitude");
			shown("details          ", scratch.data + 60, 32, "details");
			ok(scratch.len == 92, "no more: %zu bytes", scratch.len);
		}
		lpr_tree_add(&tree, &leaves[i]);
	}
	lpr_tree_root(&tree, root);
	shown("leaf of read 1   ", leaves[0].bytes, LPR_DIGEST_LEN, "leaf of a read");
	shown("leaf of read 2   ", leaves[1].bytes, LPR_DIGEST_LEN, "leaf of the other");
	shown("root of two      ", root->bytes, LPR_DIGEST_LEN, "root");
	ok(lpr_read_leaf_1(&reads[0], &scratch, &old), "leaf of version 1");
	shown("version 1        ", old.bytes, LPR_DIGEST_LEN, "leaf of version 1");
	lpr_hex(root->bytes, LPR_DIGEST_LEN, hex);
	lpr_text_printf(payload,
					"{\"reads\": 2, \"digest\": \"%s\", \"digest_version\": 2, \"note\": \"S\xC3\xA3o Paulo\"}", hex);

	memcpy(proof.log, log_id, LPR_LOG_ID_LEN);
	proof.root = *root;
	lpr_text_adds(&block, "```\n");
	for (int i = 0; i < 2; i++)
	{
		proof.place = i;
		proof.path.nodes[0] = leaves[1 - i];
		proof.shown = i == 0 ? LPR_READ_WHOLE : LPR_READ_NO_DETAILS;
		proof.read = reads[i];
		proof.salted = i == 0;
		memcpy(proof.salt, lpr_salts_at(&salts, (uint64_t) i), LPR_SALT_LEN);
		proof.digest = details[i];
		ok(lpr_read_proof_holds(&proof, &fault), "the proof of read %d", i + 1);
		lpr_read_proof_write(&proof, &block);
		lpr_text_adds(&block, "\n");
	}
	lpr_text_adds(&block, "```\n");
	has(doc, block.data, "the proofs");
	lpr_text_free(&scratch);
	lpr_text_free(&block);
}

static void
test_rows(LprTree *tree, LprDigest *head, const char *answer)
{
	const char *const payloads[] = {"{\"version\": \"0.1.0\"}", "{\"plates\": [\"7ABC123\"]}", answer};
	static const int64_t ats[] = {800000000000000, 800000001000000, 800000001250000};
	static const char *const kinds[] = {"start", "ask", "answer"};
	LprDigest leaves[3];

	for (int i = 0; i < 3; i++)
	{
		LprRecord record = {.log = log_id, .number = i + 1, .at = ats[i], .kind = slice(kinds[i])};
		uint8_t salt[LPR_SALT_LEN];
		LprText bytes = {0}, line = {0};
		LprDigest digest;

		if (i > 0)
		{
			record.login = slice("analyst1");
			record.pid = (LprNumber){true, 4242};
			record.session_started = (LprNumber){true, 799999990000000};
			record.event_id = (LprNumber){true, 17};
			record.source = slice("acme");
			record.mode = slice("plate");
		}
		record.ask = (LprNumber){i == 2, 2};
		for (int j = 0; j < LPR_SALT_LEN; j++)
			salt[j] = (uint8_t) (16 * i + j);
		lpr_record_payload(salt, slice(payloads[i]), &record.payload_digest);
		lpr_record_write(&record, &bytes);
		lpr_record_chain(head, bytes.data, bytes.len, &digest);
		*head = digest;
		lpr_record_leaf(bytes.data, bytes.len, &leaves[i]);
		lpr_tree_add(tree, &leaves[i]);

		lpr_hex(salt, sizeof(salt), hex);
		lpr_text_printf(&line, "%s\t%s\t", hex, payloads[i]);
		lpr_hex(record.payload_digest.bytes, LPR_DIGEST_LEN, hex);
		lpr_text_printf(&line, "%s\t", hex);
		shown(line.data, head->bytes, LPR_DIGEST_LEN, "a row's salt, payload and digests");
		lpr_text_free(&line);
		lpr_text_printf(&line, "leaf of row %d    ", i + 1);
		shown(line.data, leaves[i].bytes, LPR_DIGEST_LEN, "its leaf");
		lpr_text_free(&line);
		if (i == 1)
		{
			ok(bytes.len == 152, "%zu bytes", bytes.len);
			shown("tag              ", bytes.data, 4, "tag");
			shown("log              ", bytes.data + 4, 16, "log");
			shown("number           ", bytes.data + 20, 8, "number");
			shown("at               ", bytes.data + 28, 8, "at");
			shown("kind             ", bytes.data + 36, 7, "kind");
			shown("login            ", bytes.data + 43, 12, "login");
			shown("pid              ", bytes.data + 55, 12, "pid");
			shown("session_started  ", bytes.data + 67, 12, "session_started");
			shown("event_id         ", bytes.data + 79, 12, "event_id");
			shown("source           ", bytes.data + 91, 8, "source");
			shown("mode             ", bytes.data + 99, 9, "mode");
			shown("ask              ", bytes.data + 108, 4, "ask");
			shown("control          ", bytes.data + 112, 4, "control");
			shown("sqlstate         ", bytes.data + 116, 4, "sqlstate");
			shown("payload digest   ", bytes.data + 120, 32, "payload digest");
		}
		else
			shown("\n", bytes.data, bytes.len, "its record");
		lpr_text_free(&bytes);
	}
}

static void
test_checkpoint(const LprTree *tree, const LprDigest *head)
{
	LprCheckpoint checkpoint = {.size = 3, .head = *head, .at = 800000060000000};
	LprSigner *log, *witness;
	LprText note = {0}, block = {0};
	LprFault fault = {0};

	lpr_origin(log_id, checkpoint.origin);
	lpr_tree_root(tree, &checkpoint.root);
	shown("node of 1 and 2  ", tree->roots[0].bytes, LPR_DIGEST_LEN, "node");
	shown("root of three    ", checkpoint.root.bytes, LPR_DIGEST_LEN, "root");

	log = lpr_signer_read(checkpoint.origin, slice(LOG_PEM), &fault);
	witness = lpr_signer_read("witness.example/lpr", slice(WITNESS_PEM), &fault);
	ok(log != NULL && witness != NULL, "keys: %s", fault.message);
	has(doc, "```\n" LOG_PEM "```\n```\n" WITNESS_PEM "```\n", "private keys");
	lpr_text_adds(&block, "```\n");
	lpr_signer_public(log, false, &block);
	lpr_text_adds(&block, "\n");
	lpr_signer_public(witness, true, &block);
	lpr_text_adds(&block, "\n```\n");
	has(doc, block.data, "public keys");

	lpr_checkpoint_write(&checkpoint, &note);
	ok(lpr_note_sign(log, &note, &fault) && lpr_note_cosign(witness, 1746684861, &note, &fault), "signed");
	has(doc, note.data, "the checkpoint");
	lpr_signer_free(log);
	lpr_signer_free(witness);
	lpr_text_free(&note);
	lpr_text_free(&block);
}

int
main(void)
{
	LprTree tree = {0};
	LprDigest head = {{0}}, root;
	LprText answer = {0};

	read_doc();
	test_reads(&root, &answer);
	test_rows(&tree, &head, answer.data);
	test_checkpoint(&tree, &head);
	lpr_text_free(&answer);
	free(doc);
	return tap_done();
}
