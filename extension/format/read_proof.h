/*
 * read_proof.h: the proof that a saved read was in a vendor's answer, as lpr.saved_proof() gives it to anybody and
 * lpr-audit-verify --read checks it. docs/audit-format.md is the specification.
 */
#ifndef LPR_READ_PROOF_H
#define LPR_READ_PROOF_H

#include "format/read_record.h"
#include "format/tree.h"

#define LPR_READ_PATH_MAX 64

typedef enum LprReadShown
{
	LPR_READ_WHOLE,
	LPR_READ_NO_DETAILS, /* version 2: read_id, plate, time and place, and the digest of the rest */
	LPR_READ_LEAF        /* version 1: nothing but the leaf */
} LprReadShown;

typedef struct LprReadProof
{
	uint8_t log[LPR_LOG_ID_LEN];
	int64_t row; /* the answer's record */
	LprSlice source;
	int64_t version; /* of the records of reads */
	int64_t place;   /* among the answer's reads, from 0 */
	int64_t reads;
	LprProof path;
	LprDigest root;
	LprReadShown shown;
	LprReadRecord read;
	bool salted; /* version 2, shown whole: what its details were hashed with */
	uint8_t salt[LPR_SALT_LEN];
	LprDigest digest; /* the details', or the leaf, if not all is shown */
} LprReadProof;

extern void lpr_read_proof_write(const LprReadProof *proof, LprText *out);
/* Texts become slices of what is read, which must be the caller's to change. */
extern bool lpr_read_proof_read(LprSlice text, LprReadProof *proof, LprFault *fault);
/* Whether path and read lead to the root; the fault says what is wrong. */
extern bool lpr_read_proof_holds(const LprReadProof *proof, LprFault *fault);
/* Names a member of the read; NULL: there is none of that number. */
extern const char *lpr_read_text_name(int text);
extern const char *lpr_read_number_name(int number);

/* What an answer's payload says of its reads. */
typedef struct LprAnswerDigest
{
	int64_t reads;
	int64_t version; /* 1 where it is not told */
	LprDigest root;
} LprAnswerDigest;

extern bool lpr_answer_digest_read(LprSlice payload, LprAnswerDigest *digest);

#endif
