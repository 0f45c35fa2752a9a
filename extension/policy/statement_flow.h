/*
 * statement_flow.h: nothing that a question showed flows into a verb that writes in the same statement, nor the other
 * way round (E2, C2, U1).
 *
 * A statement is what runs from the outside: whatever it starts within, by functions, cursors, triggers, procedures,
 * belongs to it. It either asks (and reads what is kept), or writes; the second of the two is refused.
 */
#ifndef LPR_STATEMENT_FLOW_H
#define LPR_STATEMENT_FLOW_H

#include "postgres.h"
#include "nodes/execnodes.h"

/* What happened so far. */
typedef struct LprFlow
{
	bool asked;
	bool writes;
	Oid verb; /* that writes, as far as known */
} LprFlow;

/* A run of the executor or of a utility, on the C stack of who runs it. */
typedef struct LprFlowFrame
{
	struct LprFlowFrame *outer;
	LprFlow *flow;
	LprFlow own;
} LprFlowFrame;

/* Around every run. estate: of the executor, whose flow goes on from run to run; NULL: of none. */
extern void lpr_flow_enter(LprFlowFrame *frame, const EState *estate);
extern void lpr_flow_leave(LprFlowFrame *frame);
/* What a frame saw while the executor was started is that executor's from now on. */
extern void lpr_flow_keep(const LprFlowFrame *frame, EState *estate);
/* Around the planner, which calls functions that claim to be immutable. */
extern int lpr_flow_planning;

/* Something asks, or is about to show what is kept. NULL when it may, else what DETAIL and HINT say why not. */
extern const char *lpr_flow_ask(const char **hint);
/* Something is about to write. The same. */
extern const char *lpr_flow_write(const char **hint);
/* A function that writes is about to be called. The same. */
extern const char *lpr_flow_call(Oid function, const char **hint);

#endif
