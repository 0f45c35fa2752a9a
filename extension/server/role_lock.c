/*
 * role_lock.c: nobody comes into a role, or out of one, for the rest of a transaction. As LOCK TABLE pg_auth_members
 * IN SHARE MODE, which needs a right to change that table: nobody has it but superusers.
 */
#include "postgres.h"

#include "catalog/pg_auth_members.h"
#include "fmgr.h"
#include "storage/lmgr.h"

PG_FUNCTION_INFO_V1(lpr_lock_roles);

Datum
lpr_lock_roles(PG_FUNCTION_ARGS)
{
	LockRelationOid(AuthMemRelationId, ShareLock);
	PG_RETURN_VOID();
}
