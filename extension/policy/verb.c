/*
 * verb.c: whether a function of lpr acts, with rights that its caller has not.
 *
 * Whose rights count now, the server tells; whose work it is, it does not. A site's own function with SECURITY DEFINER
 * may belong to a superuser, or to lpr_verb, and is no verb of ours. So functions that run with rights or settings of
 * their own are noted when they begin and end.
 */
#include "policy/verb.h"

#include "access/htup_details.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

static fmgr_hook_type earlier_fmgr = NULL;

/* Functions within each other, the innermost last; some have settings only. */
static Oid *running = NULL;
static int nrunning = 0;
static int room = 0;

/* The server tells of every end, that by an error as well. */
static void
note_function(FmgrHookEventType event, FmgrInfo *function, Datum *private)
{
	if (earlier_fmgr != NULL)
		earlier_fmgr(event, function, private);
	if (event != FHET_START)
	{
		nrunning -= nrunning > 0;
		return;
	}
	if (nrunning == room)
	{
		int more = Max(2 * room, 32);

		running = running == NULL ? MemoryContextAlloc(TopMemoryContext, more * sizeof(Oid))
								  : repalloc(running, more * sizeof(Oid));
		room = more;
	}
	running[nrunning++] = function->fn_oid;
}

/* The innermost function that runs with its owner's rights, and that owner. */
static Oid
innermost_definer(Oid *owner)
{
	for (int i = nrunning - 1; i >= 0; i--)
	{
		HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(running[i]));
		bool definer = false;

		if (!HeapTupleIsValid(tuple))
			return InvalidOid;
		definer = ((Form_pg_proc) GETSTRUCT(tuple))->prosecdef;
		*owner = ((Form_pg_proc) GETSTRUCT(tuple))->proowner;
		ReleaseSysCache(tuple);
		if (definer)
			return running[i];
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

void
lpr_verb_init(void)
{
	earlier_fmgr = fmgr_hook;
	fmgr_hook = note_function;
}
