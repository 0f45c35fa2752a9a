/*
 * question.h: how the conditions of a scan, with their values, become the canonical question.
 */
#ifndef LPR_QUESTION_H
#define LPR_QUESTION_H

#include "postgres.h"

#include "core/read.h"
#include "fdw/condition.h"
#include "gate/query_stats.h"

/* One evaluated value of a condition. */
typedef struct LprValue
{
	Datum value;
	bool isnull;
} LprValue;

/* The conditions of a scan, side by side with their values. */
typedef struct LprConditions
{
	int count;
	LprConditionKind *kinds;
	bool *guarded;
	LprValue *values; /* lpr_condition_nvalues() a condition, a guard before them */
} LprConditions;

/* What the conditions of a scan come to. */
typedef enum LprQuestion
{
	LPR_QUESTION_ASK,
	LPR_QUESTION_EMPTY /* no read can meet the conditions: nobody is asked */
} LprQuestion;

/*
 * Turns conditions and their values into the canonical question. ERRORs on values that no read can have, on too many
 * plates, and without an anchor. Clips the window to five years, with a NOTICE once a statement when the person asked
 * for more. *event gets the purpose.
 */
extern LprQuestion lpr_question_make(LprStatement *statement, const char *source, const LprConditions *conditions,
									 LprQuery *query, LprEvent *event);

#endif
