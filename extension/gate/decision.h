/*
 * decision.h: what a question that was let through rests on, and looking whether it still does (A1, A3, Q7, Q10).
 *
 * A decision holds until anything that the rules read changes, or until the moment that they themselves named. An
 * answer goes on for as long as somebody reads it: so it is looked at before each request that goes out for it, and at
 * each FETCH of rows of it. Looking costs a few comparisons; only when something changed is the writer asked again.
 */
#ifndef LPR_DECISION_H
#define LPR_DECISION_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "nodes/execnodes.h"

#include "gate/gate.h"

typedef struct LprDecision
{
	char source[NAMEDATALEN];
	uint8 mode;
	LprEvent event;
	int64 ask;               /* the question's record */
	TimestampTz decided_at;  /* 0: not yet */
	TimestampTz holds_until; /* as the rules said */
	uint64 generation;       /* of policy and cases, before they were read */
	uint64 catalog;          /* changes of roles and servers that this backend knew of */
	NameData agreed;         /* the texts of the rules, and how long nobody was there since */
	int away_min;
} LprDecision;

/*
 * The verdict on what was let through. `source`: NULL of a look at what is saved. `catalog`: see
 * lpr_decision_catalog(), before it was asked.
 */
extern void lpr_decision_take(LprDecision *decision, const char *source, LprMode mode, LprEvent event,
							  const LprReceipt *receipt, uint64 catalog);
/* How often roles and servers changed so far. */
extern uint64 lpr_decision_catalog(void);
/* Has it judged again if it is due: ERROR, on record, when it no longer holds. */
extern void lpr_decision_check(LprDecision *decision);

/* Executor runs under way, within each other: each of them may keep what a question within it is answered. */
typedef struct LprRun
{
	EState *estate;
	struct LprRun *outer;
} LprRun;

/* A run begins: ERROR, on record, if rows of an earlier one that it keeps may be shown no longer. */
extern void lpr_run_begin(LprRun *run, EState *estate);
extern void lpr_run_end(LprRun *run);
/* The innermost run under way, or NULL. */
extern const LprRun *lpr_run_current(void);
/*
 * A question is answered within the runs under way: its rows are theirs. `expires_at`: of the rows; DT_NOEND: they do
 * not by themselves.
 */
extern void lpr_run_shows(const LprDecision *decision, TimestampTz expires_at);

#endif
