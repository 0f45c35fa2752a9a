/*
 * purpose.c: the event that this session works on.
 */
#include "postgres.h"

#include "gate/purpose.h"

#include "fmgr.h"

/* Only a default: whether the person may ask for it is judged at each question. */
static LprEvent current;

PG_FUNCTION_INFO_V1(lpr_purpose_set);

LprEvent
lpr_purpose_event(void)
{
	return current;
}

void
lpr_purpose_forget(void)
{
	current = (LprEvent){false, 0};
}

Datum
lpr_purpose_set(PG_FUNCTION_ARGS)
{
	lpr_purpose_forget();
	if (!PG_ARGISNULL(0))
		current = (LprEvent){true, PG_GETARG_INT64(0)};
	PG_RETURN_VOID();
}
