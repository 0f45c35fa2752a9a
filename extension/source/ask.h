/*
 * ask.h: one question to one source, from the sign-in to the last page. All questions of the backend progress together:
 * each wait drives them all, so that several vendors cost as much as the slowest and not the sum.
 */
#ifndef LPR_ASK_H
#define LPR_ASK_H

#include "source/source.h"
#include "gate/query_stats.h"

typedef struct LprAsk LprAsk;

/*
 * Starts asking; returns at once. The question, the source (held, released with the ask) and the stats must outlive it.
 * It goes with `context`, or with lpr_ask_stop. `statement`: or NULL.
 */
extern LprAsk *lpr_ask_start(MemoryContext context, LprStatement *statement, LprSource *source, const LprQuery *query,
							 LprQueryStats *stats);

/*
 * The next read that passes the filter, waiting for it if need be (interruptibly). False at the end of the answer, or
 * of what could be had: the stats tells which. The read's slices live until the next call.
 */
extern bool lpr_ask_next(LprAsk *ask, LprRead *read);

/* Likewise, without waiting. At the end, the caller asks how it ended; nothing was told to anybody. */
typedef enum LprAskStep
{
	LPR_ASK_STEP_READ,
	LPR_ASK_STEP_WAIT, /* for lpr_http_wait() */
	LPR_ASK_STEP_END
} LprAskStep;
extern LprAskStep lpr_ask_step(LprAsk *ask, LprRead *read);

typedef struct LprAskEnd
{
	bool failed;      /* the stats's fault says why */
	int status;       /* of HTTP, if that was it; 0 = it was not */
	bool cut;         /* there is more */
	const char *mark; /* of a question for what was received: what the next one begins with; else NULL */
} LprAskEnd;
extern LprAskEnd lpr_ask_how_ended(const LprAsk *ask);

/* When the vendor handed over the page of the read at hand. */
extern TimestampTz lpr_ask_fetched_at(const LprAsk *ask);

extern LprSource *lpr_ask_source(const LprAsk *ask);

extern void lpr_ask_stop(LprAsk *ask);

#endif
