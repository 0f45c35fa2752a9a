/*
 * gate_plan.h: the statements that ask the rules about many questions at once.
 */
#ifndef LPR_GATE_PLAN_H
#define LPR_GATE_PLAN_H

#include "postgres.h"
#include "executor/spi.h"

#include "audit/audit_queue.h"
#include "writer/remember.h"

/* One question, or the rest of an answer. */
typedef struct LprCase
{
	const LprQueued *record;
	LprReceipt *receipt;
	LprAnchor anchor;
	LprAccepted accepted; /* by the second part, before */
} LprCase;

/* The columns of the gate's answer. */
enum
{
	PLACE = 1,
	CONTROL,
	STATE,
	MESSAGE,
	DETAIL,
	HINT,
	READS_LIMIT,
	HOLDS_UNTIL,
	EXPIRES_AT,
	PERSON,
	DECIDED_AT,
	PERSON_UNTIL,
	PLATES_LIMIT, /* different ones that an answer may show; and a person, an event within a day */
	PERSON_PLATES,
	EVENT_PLATES
};

/*
 * The whole gate, or that for questions whose second part is accepted; of questions, or of the rests of answers.
 * Connected to SPI, as is all that follows.
 */
extern SPIPlanPtr lpr_gate_plan(bool again, bool accepted);
/*
 * The second part alone, of what it accepted: whether it would do so now, as long; and whether it is now that it holds.
 */
extern SPIPlanPtr lpr_person_plan(void);
/* Executes a plan about all of them: a row each, in SPI_tuptable. */
extern void lpr_gate_plan_execute(SPIPlanPtr plan, List *cases, bool with_accepted);
extern void lpr_gate_plan_forget(void);

#endif
