/*
 * verb.c: whether a function of lpr acts, with rights that its caller has not.
 *
 * Whose rights count now, the server tells; whose work it is, it does not. A site's own function with SECURITY DEFINER
 * may belong to a superuser, or to lpr_verb, and is no verb of ours. So it is looked which functions are under way
 * (server/caller.h).
 */
#include "policy/verb.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/syscache.h"

#include "server/caller.h"

/* The innermost function that runs with its owner's rights, and that owner; others have settings only. */
static Oid
innermost_definer(Oid *owner)
{
	for (int i = 0; i < lpr_callers(); i++)
	{
		HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(lpr_caller(i)));
		bool definer = false;

		if (!HeapTupleIsValid(tuple))
			return InvalidOid;
		definer = ((Form_pg_proc) GETSTRUCT(tuple))->prosecdef;
		*owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
		ReleaseSysCache(tuple);
		if (definer)
			return lpr_caller(i);
	}
	return InvalidOid;
}

bool
lpr_verb_acts(void)
{
	Oid owner = InvalidOid;
	Oid function = innermost_definer(&owner);
	Oid extension;

	if (!OidIsValid(function) || owner != GetUserId() ||
		(owner != get_role_oid("lpr_verb", true) && !superuser_arg(owner)))
		return false;
	extension = get_extension_oid("lpr", true);
	return OidIsValid(extension) && getExtensionOfObject(ProcedureRelationId, function) == extension;
}
