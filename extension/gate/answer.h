/*
 * answer.h: what came of one question to one source, for the audit: metadata only, never the reads (U1).
 */
#ifndef LPR_ANSWER_H
#define LPR_ANSWER_H

#include "gate/gate.h"
#include "gate/tally.h"

/* Begins the answer to a question that the gate let through; it becomes the tally's. */
extern void lpr_answer_begin(LprStatement *statement, LprTally *tally, const LprGateQuestion *question);
/* A request as it was sent, without secrets. Nothing is left out: many requests take records of their own. */
extern void lpr_answer_sent(LprTally *tally, const char *request);
/* It is that of an earlier question, by the number of its record. */
extern void lpr_answer_from_cache(LprTally *tally, int64 answer);
/* The leaf of a read in the tree of its answer's digest, and what of it stands for its details (read_record.h). False: out of memory. */
extern bool lpr_answer_leaf(const LprRead *read, LprText *scratch, LprDigest *details, LprDigest *leaf);
/* A read that is shown: goes into the digest. */
extern void lpr_answer_read(LprTally *tally, const LprRead *read);
/* The answer is complete, or as complete as it gets: puts its record into the queue. No answer, no effect. */
extern void lpr_answer_end(LprTally *tally);
/* Waits until the answers of this session are on disk. What a broken-off statement leaves open is written without waiting. */
extern void lpr_answer_await(void);

#endif
