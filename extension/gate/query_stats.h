/*
 * query_stats.h: what happened to a question, source by source: counted while it runs, told in one notice, remembered
 * for lpr.last_query().
 */
#ifndef LPR_QUERY_STATS_H
#define LPR_QUERY_STATS_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/execnodes.h"

#include "core/filter.h"
#include "dialect/dialect.h"
#include "http/cost.h"

typedef enum LprOutcome
{
	LPR_OUTCOME_ASKED,      /* under way, or nothing had to be asked */
	LPR_OUTCOME_COMPLETE,   /* every page was taken */
	LPR_OUTCOME_STOPPED,    /* the reader wanted no more (LIMIT, a closed cursor) */
	LPR_OUTCOME_CUT,        /* there is more than the vendor or a limit lets through */
	LPR_OUTCOME_FAILED,     /* the source gave an error; what came before it was shown */
	LPR_OUTCOME_PASSED_OVER /* it was not asked: not enabled, not granted, or not able */
} LprOutcome;

#define LPR_SENT_SHOWN 20

struct LprAnswer;

/* One scan of one source. */
typedef struct LprQueryStats
{
	struct LprQueryStats *next;
	char *source;
	const char *dialect;
	LprOutcome outcome;
	LprFault fault;
	int nsent;
	char *sent[LPR_SENT_SHOWN]; /* requests without their secrets */
	char reference[LPR_REFERENCE_ROOM];
	int requests; /* also those under way */
	int retries;
	int pages;
	int64 bytes;
	int64 received; /* reads that came */
	int64 reads;    /* reads that were shown */
	int64 drops[LPR_DROPS];
	int64 unmet;             /* of those that were shown: reads that a condition of the statement left out */
	LprOdd odd[LPR_ODD_MAX]; /* values of shown or dropped reads that were left out, by member */
	int nodd;
	int64 images_missing;
	bool told;                /* that it was passed over */
	bool to_tell;             /* that it failed */
	bool caveat;              /* its rows have the column that says what a read is not */
	bool refresh_known;       /* whether refreshed_at was looked up */
	TimestampTz refreshed_at; /* when its vendor last refreshed its data; 0 = not on record */
	TimestampTz asked_at;
	TimestampTz ended_at;
	struct LprAnswer *answer; /* of the question under way, for the audit (answer.c) */
} LprQueryStats;

/* One execution of a statement. All its questions share one moment, from which the five years and the 30 days count. */
typedef struct LprStatement
{
	struct LprStatement *next;
	MemoryContext context;
	EState *estate; /* NULL once it is over */
	TimestampTz asked_at;
	TimestampTz five_years_ago;
	TimestampTz thirty_days_ago;
	bool clip_told;
	void (*broken_off)(struct LprStatement *statement); /* called when it ends, for what is still open */
	List *scans;                                        /* of scan.c */
	LprQueryStats *tallies;
} LprStatement;

/* Nothing captured before that is asked for or shown at that moment. */
extern TimestampTz lpr_five_years_before(TimestampTz moment);
/* The statement that an executor state belongs to, begun if need be. It ends with the executor state. */
extern LprStatement *lpr_statement(EState *estate);
extern LprQueryStats *lpr_query_stats_add(LprStatement *statement, const char *source, const char *dialect);
extern void lpr_query_stats_sent(LprStatement *statement, LprQueryStats *stats, const char *shown);
/* Whether a statement that has asked still runs. */
extern bool lpr_statement_asks(void);
/* Forgets what lpr.last_query() would tell. */
extern void lpr_query_stats_forget(void);
extern const char *lpr_outcome_name(LprOutcome outcome);
/* Tells a source's fault to the client: as a WARNING, or as the end of the query. */
extern void lpr_query_stats_report(const LprQueryStats *stats, int level);
/* Adds values that were left out. */
extern void lpr_query_stats_odd(LprQueryStats *stats, const LprOdd *odd, int nodd);
extern void lpr_query_stats_cost(LprQueryStats *stats, LprHttpCost cost);
/* Looks up, once, when the source's vendor last refreshed its data (Q9a). */
extern void lpr_query_stats_refresh(LprQueryStats *stats);
/*
 * Tells of a whole statement, in one NOTICE each: what was dropped; of which sources the data are old (Q9a); what a
 * read is not, unless the rows say it (G3). Called when its last scan ends.
 */
extern void lpr_statement_tell(LprStatement *statement);

#endif
