/*
 * retired.c: functions that the SQL of a released version names and that were removed since. CREATE EXTENSION ...
 * VERSION and a database that is not updated yet still find them. Who calls one is told that library and SQL are of
 * different versions.
 */
#include "postgres.h"

#include "fmgr.h"

#include "server/version.h"

#define RETIRED(name)                                                                                                  \
	PG_FUNCTION_INFO_V1(name);                                                                                         \
	Datum name(PG_FUNCTION_ARGS)                                                                                       \
	{                                                                                                                  \
		lpr_version_check();                                                                                           \
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("function %s was removed", #name),   \
						errhint("ALTER EXTENSION lpr UPDATE;")));                                                      \
	}                                                                                                                  \
	extern Datum name(PG_FUNCTION_ARGS)

RETIRED(lpr_consent_agree);      /* 0.2.0: lpr_data.agree(version) */
RETIRED(lpr_consent_code);       /* 0.2.0: lpr_data.consent_code(version) */
RETIRED(lpr_consent_take_code);  /* 0.2.0: lpr_data.take_code() as an integer */
RETIRED(lpr_consent_agreed);     /* 0.2.0: lpr_data.agreed() */
RETIRED(lpr_consent_session);    /* 0.2.0: lpr_data.session() as three columns */
RETIRED(lpr_judge_asked);        /* 0.2.0: lpr_data.asked(scope, per, login, event) */
RETIRED(lpr_saved_fetch_images); /* 0.2.0: lpr_data.fetch_images(source, urls) */
