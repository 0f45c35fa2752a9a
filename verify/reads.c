/*
 * reads.c: see reads.h. A proof counts for nothing unless the export verifies, its answer's row is signed for, and that
 * row says what the proof says.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/moment.h"
#include "file.h"
#include "format/read_proof.h"
#include "reads.h"

typedef struct ProvedRead
{
	int line; /* of the file */
	bool found;
	bool good;
	LprReadProof proof;
} ProvedRead;

struct Reads
{
	char shown[LPR_EXCERPT_ROOM]; /* the file's name */
	LprText text;                 /* what it holds */
	int count;
	int room;
	ProvedRead *list; /* in the order of the answers' rows */
};

static bool
add_proof(Reads *reads, LprSlice line, int number, const uint8_t log[LPR_LOG_ID_LEN], Findings *findings)
{
	ProvedRead *read;
	LprFault fault;

	if (reads->count == reads->room)
	{
		int room = reads->room > 0 ? 2 * reads->room : 8;
		ProvedRead *list = realloc(reads->list, (size_t) room * sizeof(ProvedRead));

		if (list == NULL)
			return false;
		reads->list = list;
		reads->room = room;
	}
	read = &reads->list[reads->count];
	*read = (ProvedRead){.line = number};
	if (!lpr_read_proof_read(line, &read->proof, &fault) || !lpr_read_proof_holds(&read->proof, &fault))
		finding(findings, 0, "%s, line %d: %s", reads->shown, number, fault.message);
	else if (memcmp(read->proof.log, log, LPR_LOG_ID_LEN) != 0)
		finding(findings, 0, "%s, line %d: it is a proof for another log", reads->shown, number);
	else
		reads->count++;
	return true;
}

static int
by_row(const void *a, const void *b)
{
	const ProvedRead *one = a, *other = b;

	if (one->proof.row != other->proof.row)
		return one->proof.row < other->proof.row ? -1 : 1;
	return one->line - other->line;
}

Reads *
reads_load(const char *path, const uint8_t log[LPR_LOG_ID_LEN], Findings *findings, LprFault *fault)
{
	Reads *reads = calloc(1, sizeof(*reads));
	LprSlice rest;
	bool good;
	int number = 0;

	if (reads == NULL)
	{
		lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	lpr_excerpt(path, strlen(path), reads->shown);
	good = file_read(path, &reads->text, fault);
	rest = (LprSlice){reads->text.data, reads->text.len};
	if (good && rest.len == 0)
		good = lpr_fault(fault, LPR_STATE_BAD_REPLY, "\"%s\" is empty", reads->shown);
	while (good && rest.len > 0)
	{
		const char *end = memchr(rest.data, '\n', rest.len);
		LprSlice line = {rest.data, end != NULL ? (size_t) (end - rest.data) : rest.len};

		rest.data += line.len + (end != NULL);
		rest.len -= line.len + (end != NULL);
		good =
			add_proof(reads, line, ++number, log, findings) || lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
	}
	if (!good)
	{
		reads_free(reads);
		return NULL;
	}
	if (reads->count > 0)
		qsort(reads->list, (size_t) reads->count, sizeof(ProvedRead), by_row);
	return reads;
}

void
reads_free(Reads *reads)
{
	if (reads == NULL)
		return;
	lpr_text_free(&reads->text);
	free(reads->list);
	free(reads);
}

/* The first of those whose answer has this row, or a later one. */
static int
first_of(const Reads *reads, int64_t row)
{
	int low = 0, high = reads->count;

	while (low < high)
	{
		int middle = low + (high - low) / 2;

		if (reads->list[middle].proof.row < row)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What the row says otherwise than the proof; false: it was told. */
static bool
agrees(const Reads *reads, const ProvedRead *read, const Row *row, Findings *findings)
{
	const LprReadProof *proof = &read->proof;
	const char *number = number_text(proof->row);
	LprSlice source = row->record.source;
	LprAnswerDigest answer;
	char told[LPR_EXCERPT_ROOM], known[LPR_EXCERPT_ROOM];

#define DISAGREE(...) return finding(findings, proof->row, __VA_ARGS__), false
	if (!row_is(row, "answer"))
		DISAGREE("%s, line %d: row %s is not an answer", reads->shown, read->line, number);
	if (source.data == NULL || source.len != proof->source.len ||
		memcmp(source.data, proof->source.data, source.len) != 0)
		DISAGREE("%s, line %d: row %s is an answer of source \"%.60s\", not of \"%.60s\"", reads->shown, read->line,
				 number, lpr_excerpt(source.data != NULL ? source.data : "", source.len, told),
				 lpr_excerpt(proof->source.data, proof->source.len, known));
	if (row->payload.data == NULL)
		DISAGREE("%s, line %d: the payload of row %s is gone, and with it the digest of the answer's reads",
				 reads->shown, read->line, number);
	if (!lpr_answer_digest_read(row->payload, &answer))
		DISAGREE("%s, line %d: the payload of row %s holds no digest of reads", reads->shown, read->line, number);
	if (answer.version != proof->version)
		DISAGREE("%s, line %d: the digest of row %s is of version %s, not %s", reads->shown, read->line, number,
				 number_text(answer.version), number_text(proof->version));
	if (answer.reads != proof->reads)
		DISAGREE("%s, line %d: the answer of row %s has %s reads, not %s", reads->shown, read->line, number,
				 number_text(answer.reads), number_text(proof->reads));
	if (!lpr_digest_same(&answer.root, &proof->root))
		DISAGREE("%s, line %d: its root is not the digest of row %s: that answer did not hold this read", reads->shown,
				 read->line, number);
#undef DISAGREE
	return true;
}

void
reads_row(Reads *reads, const Row *row, Findings *findings)
{
	for (int i = first_of(reads, row->record.number);
		 i < reads->count && reads->list[i].proof.row == row->record.number; i++)
	{
		reads->list[i].found = true;
		reads->list[i].good = agrees(reads, &reads->list[i], row, findings);
	}
}

void
reads_end(Reads *reads, int64_t signed_rows, Findings *findings)
{
	for (int i = 0; i < reads->count; i++)
	{
		const ProvedRead *read = &reads->list[i];
		const char *number = number_text(read->proof.row);

		if (!read->found)
			finding(findings, read->proof.row, "%s, line %d: row %s is not in the export", reads->shown, read->line,
					number);
		else if (read->proof.row > signed_rows)
			finding(findings, read->proof.row,
					"%s, line %d: row %s comes after the newest checkpoint: nobody has signed for it yet", reads->shown,
					read->line, number);
	}
}

/* A number in units of 10^-places. */
static void
show_scaled(const char *name, LprNumber number, int places)
{
	uint64_t scale = 1, value = number.value < 0 ? 0 - (uint64_t) number.value : (uint64_t) number.value;

	for (int i = 0; i < places; i++)
		scale *= 10;
	if (number.given)
		printf(", %s %s%" PRIu64 ".%0*" PRIu64, name, number.value < 0 ? "-" : "", value / scale, places,
			   value % scale);
}

static void
show_read(const LprReadProof *proof)
{
	const LprNumber *numbers = proof->read.numbers;
	char shown[LPR_EXCERPT_ROOM], moment[LPR_MOMENT_ROOM];

	for (int i = 0; i < LPR_READ_TEXTS; i++)
	{
		LprSlice text = proof->read.texts[i];

		if (text.data != NULL)
			printf("%s%s \"%s\"", i == 0 ? "" : ", ", lpr_read_text_name(i), lpr_excerpt(text.data, text.len, shown));
	}
	if (numbers[LPR_READ_CAPTURED_AT].given)
		printf(", captured_at %s", lpr_moment_format(numbers[LPR_READ_CAPTURED_AT].value, moment));
	show_scaled("latitude", numbers[LPR_READ_LATITUDE], 7);
	show_scaled("longitude", numbers[LPR_READ_LONGITUDE], 7);
	show_scaled("confidence", numbers[LPR_READ_CONFIDENCE], 6);
}

void
reads_show(const Reads *reads)
{
	for (int i = 0; i < reads->count; i++)
	{
		const LprReadProof *proof = &reads->list[i].proof;
		char shown[LPR_EXCERPT_ROOM], hex[2 * LPR_DIGEST_LEN + 1];

		if (!reads->list[i].good)
			continue;
		printf("proved: read %s of the %s in the answer of source \"%s\", row %s: ", number_text(proof->place + 1),
			   number_text(proof->reads), lpr_excerpt(proof->source.data, proof->source.len, shown),
			   number_text(proof->row));
		if (proof->shown == LPR_READ_LEAF)
		{
			lpr_hex(proof->digest.bytes, LPR_DIGEST_LEN, hex);
			printf("leaf %s; the proof does not show the read itself", hex);
		}
		else
			show_read(proof);
		puts(proof->shown == LPR_READ_NO_DETAILS ? "; its details are not shown" : "");
	}
}
