/*
 * log.h: verifies the log's rows as they stream by, against one another and against the checkpoints. Memory does not
 * grow with the rows.
 *
 * A bad row does not end the verification: it goes on from the digest that is stored with the row, so that every
 * damaged place is named.
 */
#ifndef LPR_LOG_H
#define LPR_LOG_H

#include "checkpoints.h"
#include "export.h"

typedef struct Log Log; /* malloc */

typedef struct LogCounts
{
	uint64_t rows;
	int64_t first; /* 0: there was no row in its place */
	int64_t last;
	uint64_t destroyed; /* payloads that are gone on schedule */
	uint64_t gone;      /* rows of months that are, but for their digests */
	uint64_t compared;  /* checkpoints held against the rows */
	int64_t covered;    /* the newest checkpoint's size */
} LogCounts;

/* part: the rows after the last one are elsewhere, as with an archived month. Both pointers must outlive the log. */
extern Log *log_new(const uint8_t id[LPR_LOG_ID_LEN], const Checkpoints *checkpoints, bool part, Findings *findings);
extern void log_row(Log *log, const Row *row);
/* A row that cannot be read, and why; place says where it stands. */
extern void log_bad_row(Log *log, const Row *row, const char *why, const char *place);
/* What is missing at the end. */
extern void log_end(Log *log, LogCounts *counts);
extern void log_free(Log *log);

#endif
