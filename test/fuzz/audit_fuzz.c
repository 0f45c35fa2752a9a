/*
 * audit_fuzz.c: whatever may come in place of notes, checkpoints, keys, months' boundaries, exports of the audit log,
 * proofs of saved reads and payloads of answers (-DPARSER="name").
 *
 * Beside what the sanitizers see: what was read has one spelling, so that written again it is the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "export.h"
#include "format/month.h"
#include "format/read_proof.h"
#include "format/submission.h"

#define CHECK(condition)                                                                                               \
	do                                                                                                                 \
	{                                                                                                                  \
		if (!(condition))                                                                                              \
		{                                                                                                              \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
			abort();                                                                                                   \
		}                                                                                                              \
	} while (0)

/* Go's example key, in both types; the corpus holds notes that it signed. */
#define LOG_KEY     "lpr-audit/00112233445566778899aabbccddeeff+8e0919db+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
#define WITNESS_KEY "witness.example/w1+cc9a7044+BBpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

static LprFault fault;

static void
check_fault(void)
{
	CHECK(strlen(fault.sqlstate) == 5 && fault.message[0] != '\0');
	for (const char *c = fault.message; *c; c++)
		CHECK((unsigned char) *c >= 0x20 && (unsigned char) *c < 0x7F);
}

static bool
verifies(const char *key, LprSlice note)
{
	LprVerifier *verifier = lpr_verifier_read((LprSlice){key, strlen(key)}, &fault);
	int64_t stamp = 0;
	bool good = lpr_note_verify(verifier, note, &stamp);

	CHECK(stamp >= 0);
	lpr_verifier_free(verifier);
	return good;
}

/* A file of a checkpoint: submission, note, checkpoint, signatures. */
static void
fuzz_checkpoint(LprSlice input)
{
	LprSubmission submission;
	LprCheckpoint checkpoint, again;
	LprText text = {0};
	bool read;

	if (!lpr_submission_read(input, &submission, &fault))
	{
		check_fault();
		return;
	}
	CHECK(submission.proof.count >= 0 && submission.proof.count <= LPR_PROOF_MAX);
	if (!submission.plain)
	{
		lpr_submission_write(submission.old, &submission.proof, submission.note, &text);
		CHECK(text.len == input.len && memcmp(text.data, input.data, text.len) == 0);
		lpr_text_free(&text);
	}
	read = lpr_checkpoint_read(submission.note, &checkpoint, &fault);
	if (read)
	{
		lpr_checkpoint_write(&checkpoint, &text);
		CHECK(lpr_checkpoint_read((LprSlice){text.data, text.len}, &again, &fault));
		CHECK(memcmp(&checkpoint, &again, sizeof(again)) == 0);
		lpr_text_free(&text);
		lpr_consistency_holds(submission.old, &checkpoint.head, checkpoint.size, &checkpoint.root, &submission.proof);
	}
	else
		check_fault();
	verifies(LOG_KEY, submission.note);
	verifies(WITNESS_KEY, submission.note);
}

static void
fuzz_key(LprSlice input)
{
	LprVerifier *verifier = lpr_verifier_read(input, &fault);
	LprSigner *signer;

	if (verifier != NULL)
		CHECK(strlen(lpr_verifier_name(verifier)) > 0);
	else
		check_fault();
	lpr_verifier_free(verifier);
	signer = lpr_signer_read("name", input, &fault);
	if (signer == NULL)
		check_fault();
	lpr_signer_free(signer);
}

static void
fuzz_month(LprSlice input)
{
	LprMonth month, again;
	LprText text = {0};

	if (!lpr_month_read(input, &month))
		return;
	lpr_month_write(&month, &text);
	CHECK(lpr_month_read((LprSlice){text.data, text.len}, &again) && memcmp(&month, &again, sizeof(month)) == 0);
	lpr_text_free(&text);
}

static void
touch(LprSlice text)
{
	volatile char seen = 0;

	for (size_t i = 0; i < text.len; i++)
		seen ^= text.data[i];
	(void) seen;
	CHECK(text.data != NULL || text.len == 0);
}

/* A line of an export; and as its first. */
static void
fuzz_export(LprSlice input)
{
	static const uint8_t id[LPR_LOG_ID_LEN];
	uint8_t log[LPR_LOG_ID_LEN];
	char *line = malloc(input.len ? input.len : 1);
	LprText text = {0};
	Row row;

	if (!export_parse_header(input, log, &fault))
		check_fault();
	if (input.len > 0)
		memcpy(line, input.data, input.len);
	if (export_parse(line, input.len, &row, &fault))
	{
		CHECK(row.has_number && row.has_digest && row.record.number > 0);
		touch(row.record.kind);
		touch(row.record.login);
		touch(row.record.source);
		touch(row.record.mode);
		touch(row.record.control);
		touch(row.record.sqlstate);
		touch(row.payload);
		row.record.log = id;
		lpr_record_write(&row.record, &text);
		CHECK(!text.failed && text.len >= 36 + 10 * 4 + 32);
		lpr_text_free(&text);
	}
	else
		check_fault();
	free(line);
}

static bool
same_text(LprSlice a, LprSlice b)
{
	return (a.data == NULL) == (b.data == NULL) && a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* A proof of a saved read; and as an answer's payload. Texts are unescaped in place, so it comes last. */
static void
fuzz_read(LprSlice input)
{
	LprReadProof proof, again;
	LprAnswerDigest answer;
	LprText text = {0};

	if (lpr_answer_digest_read(input, &answer))
		touch(input);
	if (!lpr_read_proof_read(input, &proof, &fault))
	{
		check_fault();
		return;
	}
	CHECK(proof.path.count >= 0 && proof.path.count <= LPR_READ_PATH_MAX && proof.row > 0 && proof.reads > 0);
	touch(proof.source);
	lpr_read_proof_write(&proof, &text);
	CHECK(!text.failed && lpr_read_proof_read((LprSlice){text.data, text.len}, &again, &fault));
	CHECK(same_text(proof.source, again.source) && proof.version == again.version && proof.shown == again.shown &&
		  proof.salted == again.salted && memcmp(proof.salt, again.salt, LPR_SALT_LEN) == 0 && proof.row == again.row &&
		  proof.place == again.place && proof.reads == again.reads);
	CHECK(memcmp(&proof.path, &again.path, sizeof(proof.path)) == 0 && lpr_digest_same(&proof.root, &again.root) &&
		  lpr_digest_same(&proof.digest, &again.digest) && memcmp(proof.log, again.log, LPR_LOG_ID_LEN) == 0);
	for (int i = 0; i < LPR_READ_TEXTS; i++)
	{
		touch(proof.read.texts[i]);
		CHECK(same_text(proof.read.texts[i], again.read.texts[i]));
	}
	for (int i = 0; i < LPR_READ_NUMBERS; i++)
		CHECK(proof.read.numbers[i].given == again.read.numbers[i].given &&
			  proof.read.numbers[i].value == again.read.numbers[i].value);
	if (!lpr_read_proof_holds(&proof, &fault))
		check_fault();
	lpr_text_free(&text);
}

static const struct
{
	const char *name;
	void (*fuzz)(LprSlice input);
} parsers[] = {{"checkpoint", fuzz_checkpoint},
			   {"key", fuzz_key},
			   {"month", fuzz_month},
			   {"export", fuzz_export},
			   {"read", fuzz_read}};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* In a block of its very size, so that a step beyond is seen. */
	char *copy = malloc(size ? size : 1);

	if (size > 0)
		memcpy(copy, data, size);
	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++)
		if (strcmp(parsers[i].name, PARSER) == 0)
			parsers[i].fuzz((LprSlice){copy, size});
	free(copy);
	return 0;
}
