#include "mail.h"

#include "commands/trigger.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(lpr_wake_mail);
Datum
lpr_wake_mail(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("lpr_data.wake_mail() was not called as a trigger")));
	PG_RETURN_POINTER(NULL);
}
