/*
 * checkpoints.h: the checkpoints that a verification has at hand, read from directories and files.
 */
#ifndef LPR_CHECKPOINTS_H
#define LPR_CHECKPOINTS_H

#include "findings.h"
#include "format/submission.h"

typedef struct Checkpoint
{
	uint64_t size;
	LprDigest root;
	LprDigest head;
	bool cosigned; /* by one of the witnesses asked for */
} Checkpoint;

typedef struct CheckpointFile
{
	uint64_t size; /* by its name, or by its note if the name tells nothing */
	bool named;    /* it is one of a directory's */
	char *path;
} CheckpointFile;

/* Zero-initialize. */
typedef struct Checkpoints
{
	int nfiles;
	CheckpointFile *files; /* the smallest first once they are sorted */
	int count;
	Checkpoint *list; /* signed by the log's key and of this log; the smallest first, one a size */
	int nmissing;
	struct MissingCheckpoint
	{
		uint64_t size;
		uint64_t after; /* the checkpoint that follows it */
	} * missing;
} Checkpoints;

/* A directory's checkpoints, or one file. What else lies in the directory is left alone. */
extern bool checkpoints_add(Checkpoints *checkpoints, const char *path, LprFault *fault);
extern void checkpoints_sort(Checkpoints *checkpoints);
/*
 * Reads them all: signatures, origin, proofs. What is wrong with them is a finding; false when a file cannot be read.
 */
extern bool checkpoints_load(Checkpoints *checkpoints, const LprVerifier *log, const char *origin,
							 LprVerifier *const *witnesses, int nwitnesses, Findings *findings, LprFault *fault);
/* Of exactly that size; NULL: none. */
extern const Checkpoint *checkpoints_find(const Checkpoints *checkpoints, uint64_t size);
extern void checkpoints_free(Checkpoints *checkpoints);

/* One file: *submission and the checkpoint in it; text holds the file. */
extern bool checkpoint_file_read(const char *path, LprText *text, LprSubmission *submission, LprCheckpoint *checkpoint,
								 bool *readable, LprFault *fault);

#endif
