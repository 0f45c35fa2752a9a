/*
 * answer.h: what came of one question to one source, for the audit: metadata only, never the reads (U1).
 */
#ifndef LPR_ANSWER_H
#define LPR_ANSWER_H

#include "postgres.h"

#include "format/read_record.h"
#include "gate/decision.h"
#include "gate/gate.h"
#include "gate/query_stats.h"

/*
 * Begins the answer to a question that the gate let through; it becomes the stats's. `catalog`: of
 * lpr_decision_catalog(), before it was asked.
 */
extern void lpr_answer_begin(LprStatement *statement, LprQueryStats *stats, const LprGateQuestion *question,
							 uint64 catalog);
/*
 * What the answer rests on. Before anything more is asked for it: lpr_answer_check(), which is an ERROR, on record,
 * when that holds no longer.
 */
extern const LprDecision *lpr_answer_decision(const LprQueryStats *stats);
extern void lpr_answer_check(LprQueryStats *stats);
/*
 * Saving fetches images, which is no question of its own: what was sent, and what it cost, becomes a record of the
 * save's. `decision`: of the save, by the way in which its reads were asked for. failed: while an error is on its way,
 * nothing is thrown and nothing waited for.
 */
extern void lpr_answer_begin_save(MemoryContext context, LprQueryStats *stats, const LprDecision *decision);
extern void lpr_answer_end_save(LprQueryStats *stats, bool failed);
/* A request as it was sent, without secrets. Nothing is left out: many requests take records of their own. */
extern void lpr_answer_sent(LprQueryStats *stats, const char *request);
/* What the salts of its reads are made of: it is stored with the reads, wherever they are stored. */
extern const uint8_t *lpr_answer_seed(const LprQueryStats *stats);
/* It is that of an earlier question, by the number of its record, and has its salts. */
extern void lpr_answer_from_cache(LprQueryStats *stats, int64 answer, const uint8_t seed[LPR_SEED_LEN]);
/*
 * The leaf of a read in the tree of its answer's digest, and what of it stands for its details (read_record.h). False:
 * out of memory.
 */
extern bool lpr_answer_leaf(const LprRead *read, const uint8_t salt[LPR_SALT_LEN], LprText *scratch, LprDigest *details,
							LprDigest *leaf);
/*
 * Why a read is not shown: there are as many reads, or different plates, as the answer may show (Q8), `shown` so far.
 * NULL: it is, and its plate counts.
 */
extern char *lpr_answer_full(LprQueryStats *stats, const LprQuery *query, int64 shown, const LprRead *read);
/* A read that is shown: goes into the digest. `place`: among those of the answer that fetched it, from 0. */
extern void lpr_answer_read(LprQueryStats *stats, const LprRead *read, int64 place);
/*
 * A round of the watcher instead, whose record was made: its requests are hashed one after the other, SHA-256 of the
 * digest before (32 zero bytes) and the request as people are shown it; its reads are shown to nobody (U1).
 */
extern void lpr_answer_begin_round(MemoryContext context, LprQueryStats *stats);
extern const LprDigest *lpr_answer_round_sent(const LprQueryStats *stats);
extern bool lpr_answer_is_round(const LprQueryStats *stats);

/* The answer is complete, or as complete as it gets: puts its record into the queue. No answer, no effect. */
extern void lpr_answer_end(LprQueryStats *stats);
/*
 * Waits until the answers of this session are on disk. What a broken-off statement leaves open is written without
 * waiting.
 */
extern void lpr_answer_await(void);

#endif
