/*
 * submission.h: the file in which a checkpoint leaves the log: the body of C2SP tlog-witness's add-checkpoint: size of
 * the checkpoint before, proof of consistency with it, signed note.
 */
#ifndef LPR_SUBMISSION_H
#define LPR_SUBMISSION_H

#include "format/note.h"
#include "format/tree.h"

/* Files are named "<size, 20 digits>" and this. */
#define LPR_SUBMISSION_ENDING ".checkpoint"

typedef struct LprSubmission
{
	bool plain; /* a signed note alone, without old size and proof */
	uint64_t old;
	LprProof proof;
	LprSlice note; /* of the file */
} LprSubmission;

extern void lpr_submission_write(uint64_t old, const LprProof *proof, LprSlice note, LprText *out);
extern bool lpr_submission_read(LprSlice file, LprSubmission *submission, LprFault *fault);

#endif
