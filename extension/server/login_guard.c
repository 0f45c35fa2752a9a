/*
 * login_guard.c: which logins are registered to a person.
 */
#include "server/login_guard.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "server/compat.h"
#include "server/data.h"

/* Not through SQL: who drops a role need not have any right to the table, and must not be able to interfere. */
bool
lpr_login_is_registered(const char *login)
{
	LprDataScan people;
	bool here = false;

	if (!lpr_data_begin(&people, "person", "login", login))
		return false;
	while (!here && lpr_data_next(&people))
		(void) lpr_data_get(&people, "left_at", TIMESTAMPTZOID, &here); /* NULL: they have not left */
	lpr_data_end(&people);
	return here;
}

PG_FUNCTION_INFO_V1(lpr_takes_part);
Datum
lpr_takes_part(PG_FUNCTION_ARGS)
{
	char *role = text_to_cstring(PG_GETARG_TEXT_PP(1));

	PG_RETURN_BOOL(lpr_has_role(PG_GETARG_OID(0), get_role_oid(role, false)));
}
