/*
 * purpose.c: the event that this session works on.
 */
#include "postgres.h"

#include "gate/purpose.h"

#include "access/xact.h"
#include "fmgr.h"

#include "audit/audit.h"
#include "gate/query_stats.h"

/* Only a default: whether the person may ask for it is judged at each question. */
static LprEvent current;
static bool passing = false; /* it ends with this transaction */

PG_FUNCTION_INFO_V1(lpr_purpose_set);
PG_FUNCTION_INFO_V1(lpr_purpose_pass);

LprEvent
lpr_purpose_event(void)
{
	return current;
}

void
lpr_purpose_forget(void)
{
	current = (LprEvent){false, 0};
	passing = false;
}

static void
transaction_ends(XactEvent event, void *arg)
{
	if (!passing || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE))
		return;
	lpr_purpose_forget();
	lpr_query_stats_forget(); /* what was asked is no more the next one's business */
}

void
lpr_purpose_init(void)
{
	RegisterXactCallback(transaction_ends, NULL);
}

Datum
lpr_purpose_set(PG_FUNCTION_ARGS)
{
	if (lpr_audit_before_write != NULL)
		lpr_audit_before_write(); /* it stands in each later record */
	lpr_purpose_forget();
	if (!PG_ARGISNULL(0))
		current = (LprEvent){true, PG_GETARG_INT64(0)};
	passing = PG_GETARG_BOOL(1);
	PG_RETURN_VOID();
}

Datum
lpr_purpose_pass(PG_FUNCTION_ARGS)
{
	if (!passing)
		lpr_purpose_forget();
	passing = true;
	PG_RETURN_VOID();
}

/* lpr_data.working_on() */
PG_FUNCTION_INFO_V1(lpr_purpose_working_on);
Datum
lpr_purpose_working_on(PG_FUNCTION_ARGS)
{
	if (!current.given)
		PG_RETURN_NULL();
	PG_RETURN_INT64(current.id);
}
