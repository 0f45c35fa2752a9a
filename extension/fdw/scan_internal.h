/*
 * scan_internal.h: what scan.c (the life of a scan, its rows), scan_group.c (the question, the gate, the start),
 * scan_seen.c (what goes on record beside the question) and scan_images.c (rows whose images are read ahead) share.
 */
#ifndef LPR_SCAN_INTERNAL_H
#define LPR_SCAN_INTERNAL_H

#include "fdw/fdw.h"

#include "executor/executor.h"

#include "cache/cache.h"
#include "fdw/question.h"
#include "fdw/row.h"
#include "source/ask.h"

typedef struct LprImages LprImages; /* of scan_images.c */

typedef struct LprScan
{
	ForeignScanState *node;
	LprStatement *statement;
	Oid server;
	char *source;
	const char *dialect;
	/* of the plan */
	Index reads; /* which lpr.reads of the statement it is a part of, by its place among the statement's relations */
	List *outer; /* integers: the relations that its parameters come from */
	LprConditions conditions; /* without values; room for one more */
	int nvalues;
	List *expressions; /* ExprState: the values, evaluated for each question */
	LprOrder order;
	int page_size;
	AttrNumber attnums[LPR_COLUMNS]; /* 0 = not needed */
	bool event_later;                /* nothing can be asked: its event comes from a join above */
	bool batched;
	LprBatch *batch;
	ExprState *before_images; /* what a row must meet before its images are fetched, or NULL */
	ExprState *check;         /* … and when it is whole, or NULL */
	LprGateSeen *seen;        /* for the record; NULL until something is asked */
	int64 first_asked;        /* number of the record of its first question; 0 = none yet */
	/* of this execution */
	MemoryContext context; /* of one question; reset at a rescan */
	bool started;
	bool ahead; /* started for the parameters of a rescan that has yet to come */
	char *key;  /* the question's values as text, to know it again */
	LprQuery query;
	LprEvent event;
	bool wants; /* there is something to ask */
	bool fail_on_error;
	LprGateQuestion question;
	LprAsk *ask;     /* NULL: nothing to ask */
	LprCache *cache; /* NULL: this question is not cached */
	LprQueryStats *stats;
	LprImages *images; /* NULL: none are wanted */
} LprScan;

/* Whether the answer is there already. */
static inline bool
lpr_scan_is_cached(const LprScan *scan)
{
	return scan->cache != NULL && lpr_cache_hit(scan->cache);
}

/* The next read of the answer. Inline, as it stands on the way of every read. */
static inline bool
lpr_scan_next_read(LprScan *scan, LprRead *read)
{
	if (lpr_scan_is_cached(scan))
		return lpr_cache_next(scan->cache, read);
	if (!lpr_ask_next(scan->ask, read))
		return false;
	if (scan->cache != NULL)
		lpr_cache_keep(scan->cache, read, lpr_ask_fetched_at(scan->ask));
	return true;
}

/* Whether the row in the slot meets conditions, or NULL. One that does not is counted, and leaves the slot. */
static inline bool
lpr_scan_meets(LprScan *scan, ExprState *conditions, TupleTableSlot *slot)
{
	ExprContext *econtext = scan->node->ss.ps.ps_ExprContext;

	econtext->ecxt_scantuple = slot;
	if (conditions == NULL || ExecQual(conditions, econtext))
		return true;
	scan->stats->unmet++;
	InstrCountFiltered1(&scan->node->ss, 1);
	ExecClearTuple(slot);
	ResetExprContext(econtext);
	return false;
}

/* What its rows say that no read does. */
static inline LprRowFrame
lpr_scan_row_frame(const LprScan *scan)
{
	bool cached = lpr_scan_is_cached(scan);

	return (LprRowFrame){scan->source,
						 &scan->query,
						 scan->event,
						 scan->statement->thirty_days_ago,
						 cached ? lpr_cache_fetched_at(scan->cache) : lpr_ask_fetched_at(scan->ask),
						 cached,
						 scan->cache != NULL ? lpr_cache_expires_at(scan->cache) : 0};
}

/* scan_group.c */
/*
 * Starts a scan and with it all that read the same lpr.reads, so that gate and vendors work side by side. A member
 * whose parameters changed, but whose rescan the executor has yet to call, is started for the new ones.
 */
extern void lpr_scan_start_group(LprScan *scan);
/* Whether the values of its conditions are still those that it was started for. */
extern bool lpr_scan_is_same_question(LprScan *scan);
/*
 * Tells which sources of its group are not asked; an error when that is all of them, since no rows would look like
 * "never seen".
 */
extern void lpr_scan_tell_passed_over(LprScan *scan);
/* Tells that its source has failed: an error when all have that were asked, and else a warning. */
extern void lpr_scan_tell_failed(LprScan *scan);
/* No more of its answer is read. */
extern void lpr_scan_close_answer(LprScan *scan);
/* Ends its question; the next row begins another. */
extern void lpr_scan_stop(LprScan *scan);

/* scan_seen.c */
/* What it sees of its statement beside the question, for the record. Made once. */
extern const LprGateSeen *lpr_scan_seen(LprScan *scan);

/* scan_images.c */
/* Makes room for rows whose images are fetched, in the question's context. */
extern LprImages *lpr_images_new(MemoryContext context);
/* The next row with its images, in the slot; empty at the end. */
extern void lpr_images_next_row(LprScan *scan, TupleTableSlot *slot);

#endif
