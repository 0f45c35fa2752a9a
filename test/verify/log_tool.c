/*
 * log_tool.c: honest logs, and what an attacker who knows the format could make of them.
 *
 *   log_tool generate ID SEED ROWS PAYLOAD MONTH DESTROYED
 *       an export: a month every MONTH rows (0: none), payloads of about PAYLOAD bytes, DESTROYED of 100 gone
 *   log_tool rechain [ID]
 *       stdin to stdout: numbers, payload digests, months' boundaries and chain made anew
 *   log_tool checkpoints PEM DIR EVERY
 *       stdin: checkpoints every EVERY rows, at the months' boundaries, at the end
 *   log_tool note PEM ORIGIN SIZE ROOT HEAD
 *       a signed checkpoint of digests in hex
 *   log_tool reads ID ROW READS VERSION whole|part
 *       an answer's payload, and a line for each of its reads: the proof that it is that of row ROW
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "export.h"
#include "file.h"
#include "format/month.h"
#include "format/payload.h"
#include "format/read_proof.h"
#include "format/submission.h"

#define START_AT INT64_C(800000000000000)

static LprFault fault;
static char hex[2 * LPR_DIGEST_LEN + 1];

static void
die(const char *why)
{
	fprintf(stderr, "log_tool: %s\n", why);
	exit(2);
}

/* xorshift64*: the same logs everywhere. */
static uint64_t
chance(uint64_t *state, uint64_t below)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * UINT64_C(2685821657736338717) >> 11) % below;
}

static void
put_field(LprSlice field, char end)
{
	if (field.data == NULL)
		fputs("\\N", stdout);
	for (size_t i = 0; i < field.len; i++)
		switch (field.data[i])
		{
			case '\\':
				fputs("\\\\", stdout);
				break;
			case '\t':
				fputs("\\t", stdout);
				break;
			case '\n':
				fputs("\\n", stdout);
				break;
			case '\r':
				fputs("\\r", stdout);
				break;
			default:
				putchar(field.data[i]);
		}
	putchar(end);
}

static void
put_number(LprNumber number)
{
	if (number.given)
		printf("%" PRId64 "\t", number.value);
	else
		fputs("\\N\t", stdout);
}

static void
put_row(const Row *row)
{
	const LprRecord *record = &row->record;

	printf("%" PRId64 "\t%" PRId64 "\t", record->number, record->at);
	put_field(record->kind, '\t');
	put_field(record->login, '\t');
	put_number(record->pid);
	put_number(record->session_started);
	put_number(record->event_id);
	put_field(record->source, '\t');
	put_field(record->mode, '\t');
	put_number(record->ask);
	put_field(record->control, '\t');
	put_field(record->sqlstate, '\t');
	lpr_hex(row->salt, LPR_SALT_LEN, hex);
	put_field((LprSlice){row->has_salt ? hex : NULL, row->has_salt ? 2 * LPR_SALT_LEN : 0}, '\t');
	put_field(row->payload, '\t');
	lpr_hex(record->payload_digest.bytes, LPR_DIGEST_LEN, hex);
	printf("%s\t", hex);
	lpr_hex(row->digest.bytes, LPR_DIGEST_LEN, hex);
	printf("%s\n", hex);
}

/* The log as it grows. */
typedef struct Growing
{
	uint8_t id[LPR_LOG_ID_LEN];
	LprMonth now; /* tree and head */
	LprText bytes;
} Growing;

/* Its digests, and into the tree with it. */
static void
grow(Growing *log, Row *row, bool make)
{
	LprDigest leaf;

	row->record.log = log->id;
	if (make && row->has_salt && row->payload.data != NULL)
		lpr_record_payload(row->salt, row->payload, &row->record.payload_digest);
	log->bytes.len = 0;
	lpr_record_write(&row->record, &log->bytes);
	if (make)
		lpr_record_chain(&log->now.head, log->bytes.data, log->bytes.len, &row->digest);
	log->now.head = row->digest;
	lpr_record_leaf(log->bytes.data, log->bytes.len, &leaf);
	lpr_tree_add(&log->now.tree, &leaf);
}

static LprSlice
slice(const char *text)
{
	return (LprSlice){text, strlen(text)};
}

static void
header(const uint8_t *id)
{
	lpr_hex(id, LPR_LOG_ID_LEN, hex);
	printf("lpr-audit-export-1\t%s\n", hex);
}

static void
generate(char **arguments)
{
	static const char *const kinds[] = {"ask",  "answer", "refused", "sent", "change",
										"read", "clock",  "consent", "flag"};
	uint64_t state = strtoull(arguments[1], NULL, 10) * 2654435761 + 88172645463325252;
	int64_t rows = atoll(arguments[2]), month = atoll(arguments[4]), at = START_AT;
	uint64_t payload = strtoull(arguments[3], NULL, 10), destroyed = strtoull(arguments[5], NULL, 10);
	Growing log = {0};
	LprText text = {0};

	if (!lpr_unhex(slice(arguments[0]), log.id, LPR_LOG_ID_LEN))
		die("the id is 32 hex digits");
	header(log.id);
	for (int64_t number = 1; number <= rows; number++)
	{
		const char *kind = kinds[chance(&state, 7)];
		Row row = {.has_salt = true};
		LprDigest keep;

		at += (int64_t) chance(&state, 1000);
		row.record.number = number;
		row.record.at = at;
		row.record.kind = slice(kind);
		row.record.login = slice("officer");
		row.record.pid = (LprNumber){true, (int64_t) chance(&state, 30000)};
		row.record.session_started = (LprNumber){true, at - 1000000};
		row.record.event_id = (LprNumber){chance(&state, 2) > 0, (int64_t) chance(&state, 500)};
		row.record.source = slice("flock_north");
		row.record.mode = slice("plate");
		if (strcmp(kind, "answer") == 0 && number > 1)
			row.record.ask = (LprNumber){true, 1 + (int64_t) chance(&state, (uint64_t) number - 1)};
		if (strcmp(kind, "refused") == 0)
			row.record.control = slice("Q6"), row.record.sqlstate = slice("LP001");
		for (int i = 0; i < LPR_SALT_LEN; i++)
			row.salt[i] = (uint8_t) chance(&state, 256);
		text.len = 0;
		if (number == 1)
			row.record.kind = slice("start"), row.record.login = (LprSlice){NULL, 0};
		if (number > 1 && month > 0 && number % month == 1)
		{
			row.record.kind = slice("month");
			row.record.ask.given = false;
			lpr_month_write(&log.now, &text);
		}
		else
		{
			lpr_text_printf(&text,
							"{\"plates\": [\"%" PRIu64 "\"], \"why\": \"a\\tb \\\"quoted\\\"\n\t\\\\\", \"fill\": \"",
							chance(&state, 1000000));
			while (text.len + 2 < payload)
				lpr_text_adds(&text, &"0123456789"[chance(&state, 10)]);
			lpr_text_adds(&text, "\"}");
		}
		row.payload = (LprSlice){text.data, text.len};
		grow(&log, &row, true);
		keep = row.record.payload_digest;
		if (number > 1 && (month == 0 || number % month != 1) && chance(&state, 100) < destroyed)
		{
			row.has_salt = false;
			row.payload.data = NULL;
			row.payload.len = 0;
		}
		row.record.payload_digest = keep;
		put_row(&row);
	}
	lpr_text_free(&text);
	lpr_text_free(&log.bytes);
}

/* Calls for every row of standard input. */
static Export *input;

static bool
next(Row *row)
{
	ExportStep step;

	if (input == NULL && (input = export_open("-", &fault)) == NULL)
		die(fault.message);
	step = export_next(input, row, &fault);
	if (step != EXPORT_ROW && step != EXPORT_END)
		die(fault.message);
	return step == EXPORT_ROW;
}

static void
rechain(char **arguments)
{
	Growing log = {0};
	LprText text = {0};
	Row row;

	if (!next(&row))
		die("no rows");
	memcpy(log.id, export_log(input), LPR_LOG_ID_LEN);
	if (arguments[0] != NULL && !lpr_unhex(slice(arguments[0]), log.id, LPR_LOG_ID_LEN))
		die("the id is 32 hex digits");
	header(log.id);
	do
	{
		row.record.number = (int64_t) log.now.tree.size + 1;
		if (row_is(&row, "month"))
		{
			text.len = 0;
			lpr_month_write(&log.now, &text);
			row.payload = (LprSlice){text.data, text.len};
		}
		grow(&log, &row, true);
		put_row(&row);
	} while (next(&row));
	lpr_text_free(&text);
	lpr_text_free(&log.bytes);
	export_close(input);
}

static LprSigner *
signer(const char *path, const char *name)
{
	LprText pem = {0};
	LprSigner *signer = NULL;

	if (file_read(path, &pem, &fault))
		signer = lpr_signer_read(name, (LprSlice){pem.data, pem.len}, &fault);
	if (signer == NULL)
		die(fault.message);
	lpr_text_free(&pem);
	return signer;
}

typedef struct Kept
{
	uint64_t size;
	LprMonth now;
} Kept;

static void
write_checkpoint(const LprSigner *key, const char *directory, const Growing *log, const Kept *old, LprProver *prover)
{
	LprCheckpoint checkpoint = {.size = log->now.tree.size, .head = log->now.head, .at = START_AT};
	LprText note = {0}, file = {0};
	LprProof proof;
	char name[64];

	lpr_origin(log->id, checkpoint.origin);
	lpr_tree_root(&log->now.tree, &checkpoint.root);
	lpr_checkpoint_write(&checkpoint, &note);
	if (!lpr_prover_end(prover, &proof) || !lpr_note_sign(key, &note, &fault))
		die("no proof, or no signature");
	lpr_submission_write(old->size, &proof, (LprSlice){note.data, note.len}, &file);
	snprintf(name, sizeof(name), "%020" PRIu64 LPR_SUBMISSION_ENDING, checkpoint.size);
	if (!file_write(directory, name, (LprSlice){file.data, file.len}, &fault))
		die(fault.message);
	lpr_text_free(&note);
	lpr_text_free(&file);
}

/* A checkpoint's size is known only when its last row is: leaves since the last one are kept for the proof. */
static void
checkpoints(char **arguments)
{
	uint64_t every = strtoull(arguments[2], NULL, 10), nleaves = 0;
	Growing log = {0};
	Kept old = {0};
	LprDigest *leaves = NULL;
	LprSigner *key;
	char origin[LPR_ORIGIN_ROOM];
	bool more;
	Row row;

	if (!next(&row))
		die("no rows");
	memcpy(log.id, export_log(input), LPR_LOG_ID_LEN);
	lpr_origin(log.id, origin);
	key = signer(arguments[0], origin);
	do
	{
		grow(&log, &row, false);
		leaves = realloc(leaves, ++nleaves * sizeof(*leaves));
		lpr_record_leaf(log.bytes.data, log.bytes.len, &leaves[nleaves - 1]);
		more = next(&row);
		if (!more || log.now.tree.size % every == 0 || row_is(&row, "month"))
		{
			LprProver *prover = lpr_prove_consistency(&old.now.tree, log.now.tree.size);

			for (uint64_t i = 0; i < nleaves; i++)
				lpr_prover_add(prover, &leaves[i]);
			write_checkpoint(key, arguments[1], &log, &old, prover);
			old = (Kept){log.now.tree.size, log.now};
			nleaves = 0;
		}
	} while (more);
	free(leaves);
	lpr_signer_free(key);
	lpr_text_free(&log.bytes);
	export_close(input);
}

static void
note(char **arguments)
{
	LprCheckpoint checkpoint = {.size = strtoull(arguments[2], NULL, 10), .at = START_AT};
	LprSigner *key = signer(arguments[0], arguments[1]);
	LprText text = {0};

	snprintf(checkpoint.origin, sizeof(checkpoint.origin), "%s", arguments[1]);
	if (!lpr_unhex(slice(arguments[3]), checkpoint.root.bytes, LPR_DIGEST_LEN) ||
		!lpr_unhex(slice(arguments[4]), checkpoint.head.bytes, LPR_DIGEST_LEN))
		die("digests are 64 hex digits");
	lpr_checkpoint_write(&checkpoint, &text);
	if (!lpr_note_sign(key, &text, &fault))
		die(fault.message);
	fputs(text.data, stdout);
	lpr_text_free(&text);
	lpr_signer_free(key);
}

/* The n-th read of an answer; its texts lie in text. */
static LprReadRecord
make_read(int n, bool as_told, char text[3][40])
{
	LprReadRecord read = {.texts = {[LPR_READ_ADDRESS] = slice("S\xC3\xA3o \"Paulo\"\\ St \xF0\x9F\x9A\x97"),
									[LPR_READ_MAKE] = slice(as_told ? "Honda" : "HONDA")},
						  .numbers = {[LPR_READ_CAPTURED_AT] = {true, START_AT + n},
									  [LPR_READ_LATITUDE] = {true, INT64_C(327157000) + n},
									  [LPR_READ_LONGITUDE] = {true, INT64_C(-1171611000)},
									  [LPR_READ_CONFIDENCE] = {n % 2 == 0, 957000}}};

	snprintf(text[0], sizeof(text[0]), "r-%d", n);
	snprintf(text[1], sizeof(text[1]), "7ABC%d", n);
	snprintf(text[2], sizeof(text[2]), "7abc-%d", n);
	read.texts[LPR_READ_ID] = slice(text[0]);
	read.texts[LPR_READ_PLATE] = slice(text[1]);
	read.texts[LPR_READ_PLATE_AS_READ] = slice(text[2]);
	if (n % 3 != 0)
		read.texts[LPR_READ_PLATE_REGION] = slice("CA");
	return read;
}

static void
reads(char **arguments)
{
	LprReadProof proof = {.row = atoll(arguments[1]),
						  .source = slice("acme"),
						  .reads = atoll(arguments[2]),
						  .version = atoll(arguments[3])};
	bool whole = strcmp(arguments[4], "whole") == 0;
	LprInclusions *inclusions = lpr_inclusions_new();
	LprText scratch = {0}, out = {0};
	LprSalts salts = {.seed = "the seed of a test's salts"};
	LprDigest details, leaf;
	char text[3][40];

	if (!lpr_unhex(slice(arguments[0]), proof.log, LPR_LOG_ID_LEN))
		die("an id is 32 hex digits");
	for (int64_t i = 0; i < proof.reads; i++)
	{
		LprReadRecord read = make_read((int) i, proof.version == 1, text);

		if (!lpr_read_details(&read, lpr_salts_at(&salts, (uint64_t) i), &scratch, &details) ||
			!(proof.version == 1 ? lpr_read_leaf_1(&read, &scratch, &leaf)
								 : lpr_read_leaf(&read, &details, &scratch, &leaf)) ||
			!lpr_inclusions_add(inclusions, &leaf, true))
			die("out of memory");
	}
	lpr_inclusions_end(inclusions, &proof.root);
	lpr_hex(proof.root.bytes, LPR_DIGEST_LEN, hex);
	lpr_payload_open(&out);
	lpr_payload_json(&out, "dropped", "{\"reads\": [{\"digest\": \"]}\"}, null, 1.5e3]}");
	lpr_payload_integer(&out, "reads", proof.reads);
	lpr_payload_text(&out, "digest", hex);
	if (proof.version != 1)
		lpr_payload_integer(&out, "digest_version", proof.version);
	lpr_payload_close(&out);
	puts(out.data);
	for (int64_t i = 0; i < proof.reads; i++)
	{
		LprSlice path = lpr_inclusions_path(inclusions, (size_t) i);

		proof.read = make_read((int) i, proof.version == 1, text);
		memcpy(proof.salt, lpr_salts_at(&salts, (uint64_t) i), LPR_SALT_LEN);
		proof.salted = whole && proof.version != 1;
		lpr_read_details(&proof.read, proof.salt, &scratch, &proof.digest);
		if (proof.version == 1)
		{
			lpr_read_leaf_1(&proof.read, &scratch, &proof.digest);
			proof.read.texts[LPR_READ_PLATE] = (LprSlice){NULL, 0};
		}
		proof.shown = whole ? LPR_READ_WHOLE : proof.version == 1 ? LPR_READ_LEAF : LPR_READ_NO_DETAILS;
		if (!whole)
		{
			for (int j = LPR_READ_PLATE_REGION; j < LPR_READ_TEXTS; j++)
				proof.read.texts[j] = (LprSlice){NULL, 0};
			proof.read.numbers[LPR_READ_CONFIDENCE].given = false;
		}
		proof.place = i;
		proof.path.count = (int) (path.len / LPR_DIGEST_LEN);
		if (path.len > 0)
			memcpy(proof.path.nodes, path.data, path.len);
		out.len = 0;
		lpr_read_proof_write(&proof, &out);
		puts(out.data);
	}
	lpr_inclusions_free(inclusions);
	lpr_text_free(&scratch);
	lpr_text_free(&out);
}

int
main(int argc, char **argv)
{
	if (argc == 8 && strcmp(argv[1], "generate") == 0)
		generate(argv + 2);
	else if ((argc == 2 || argc == 3) && strcmp(argv[1], "rechain") == 0)
		rechain(argv + 2);
	else if (argc == 5 && strcmp(argv[1], "checkpoints") == 0)
		checkpoints(argv + 2);
	else if (argc == 7 && strcmp(argv[1], "note") == 0)
		note(argv + 2);
	else if (argc == 7 && strcmp(argv[1], "reads") == 0)
		reads(argv + 2);
	else
		die("see the comment at its top");
	return fflush(stdout) == 0 ? 0 : 2;
}
