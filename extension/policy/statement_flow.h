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
	bool shows; /* reads, what is kept of them, or the log */
	bool asked; /* for reads, or for what is kept of them */
	bool writes;
	Oid verb; /* that writes, as far as known */
} LprFlow;

/* A run of the executor or of a utility, on the C stack of who runs it. */
typedef struct LprFlowFrame
{
	struct LprFlowFrame *outer;
	LprFlow *flow;
	LprFlow own;
	bool starts; /* an executor: what it prepares is gone with it */
} LprFlowFrame;

/* Once, at server start. */
extern void lpr_flow_init(void);

/* Around every run. estate: of the executor, whose flow goes on from run to run; NULL: of none. */
extern void lpr_flow_enter(LprFlowFrame *frame, const EState *estate);
extern void lpr_flow_leave(LprFlowFrame *frame);
/* What a frame saw while the executor was started is that executor's from now on. */
extern void lpr_flow_keep(const LprFlowFrame *frame, EState *estate);
/* Around the planner, which calls functions that claim to be immutable. */
extern int lpr_flow_planning;

/* Whether a frame goes on with what has shown something already, or with what writes where something was: a cursor. */
extern bool lpr_flow_goes_on(const LprFlowFrame *frame);

/* Something asks, or is about to show what is kept. NULL when it may, else what DETAIL and HINT say why not. */
extern const char *lpr_flow_ask(const char **hint);
/* The log is about to be shown, and a record is written of it. The same. */
extern const char *lpr_flow_read_log(const char **hint);
/* What has shown something goes on, entered as the innermost frame. The same. */
extern const char *lpr_flow_go_on(const char **hint);
/* Something is about to write. The same. */
extern const char *lpr_flow_write(const char **hint);
/*
 * A function that writes is about to be called. The same. looks: itself, at each call, whether it may; what does not is
 * remembered until the transaction ends, if it is prepared where no executor starts.
 */
extern const char *lpr_flow_call(Oid function, bool looks, const char **hint);

#endif
