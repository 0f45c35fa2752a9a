/*
 * submission.c: files of checkpoints, written and read. They may come from a hostile place.
 */
#include <inttypes.h>
#include <string.h>

#include "base/base64.h"
#include "format/note_internal.h"
#include "format/submission.h"

#define PROOF_LINES_MAX 63 /* of C2SP */

void
lpr_submission_write(uint64_t old, const LprProof *proof, LprSlice note, LprText *out)
{
	lpr_text_printf(out, "old %" PRIu64 "\n", old);
	for (int i = 0; i < proof->count; i++)
	{
		lpr_base64_add(out, proof->nodes[i].bytes, LPR_DIGEST_LEN);
		lpr_text_adds(out, "\n");
	}
	lpr_text_adds(out, "\n");
	lpr_text_append(out, note.data, note.len);
}

bool
lpr_submission_read(LprSlice file, LprSubmission *submission, LprFault *fault)
{
	LprSlice rest = file, line;
	int64_t old;
	size_t len;

	memset(submission, 0, sizeof(*submission));
	submission->note = file;
	/* No origin begins like that, since origins have no blanks. */
	submission->plain = file.data == NULL || file.len < 4 || memcmp(file.data, "old ", 4) != 0;
	if (submission->plain)
		return true;
	if (!lpr_note_line(&rest, &line) || !lpr_decimal((LprSlice){line.data + 4, line.len - 4}, &old) || old < 0)
		return lpr_fault(fault, LPR_STATE_BAD_NOTE, "line 1 of the checkpoint's file is not \"old\" and a size");
	submission->old = (uint64_t) old;
	for (;;)
	{
		if (!lpr_note_line(&rest, &line))
			return lpr_fault(fault, LPR_STATE_BAD_NOTE, "no empty line after the proof");
		if (line.len == 0)
			break;
		if (submission->proof.count == PROOF_LINES_MAX)
			return lpr_fault(fault, LPR_STATE_BAD_NOTE, "the proof has more than %d lines", PROOF_LINES_MAX);
		if (!lpr_unbase64(line, submission->proof.nodes[submission->proof.count].bytes, LPR_DIGEST_LEN, &len) ||
			len != LPR_DIGEST_LEN)
			return lpr_fault(fault, LPR_STATE_BAD_NOTE, "line %d of the proof is not a digest in base64",
							 submission->proof.count + 1);
		submission->proof.count++;
	}
	submission->note = rest;
	if (rest.len == 0)
		return lpr_fault(fault, LPR_STATE_BAD_NOTE, "the checkpoint's file holds no signed note");
	return true;
}
