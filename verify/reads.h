/*
 * reads.h: proofs of saved reads (lpr.saved_proof), held against the answers' rows of an export.
 */
#ifndef LPR_READS_H
#define LPR_READS_H

#include "check.h"

typedef struct Reads Reads; /* malloc */

/* A file of proofs, one a line. NULL: it cannot be read, and the fault says why. A proof that is none is a finding. */
extern Reads *reads_load(const char *path, const uint8_t log[LPR_LOG_ID_LEN], Findings *findings, LprFault *fault);
/* A row of the export, as it comes by. */
extern void reads_row(Reads *reads, const Row *row, Findings *findings);
/* After the last row: what was not found, or comes after the last row that a checkpoint covers. */
extern void reads_end(Reads *reads, int64_t signed_rows, Findings *findings);
/* One a line, on standard output: the reads that are proved, if nothing was found. */
extern void reads_show(const Reads *reads);
extern void reads_free(Reads *reads);

#endif
