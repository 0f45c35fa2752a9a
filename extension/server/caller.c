/*
 * caller.c: follows calls of functions with rights or settings of their own.
 */
#include "server/caller.h"

#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/* Those under way, the innermost last. */
static Oid *functions = NULL;
static int depth = 0;
static int room = 0;
static fmgr_hook_type earlier_fmgr = NULL;

static Oid looked_at = InvalidOid; /* function that was last looked at, and whether it is ours */
static bool looked_ours = false;

static void
function_changed(Datum argument, int cache, uint32 hash)
{
	looked_at = InvalidOid;
}

static void
follow_function(FmgrHookEventType event, FmgrInfo *function, Datum *private)
{
	if (earlier_fmgr != NULL)
		earlier_fmgr(event, function, private);
	if (event != FHET_START) /* the server tells of every end, of that by an error as well */
		depth = Max(depth - 1, 0);
	else
	{
		if (depth == room)
		{
			room = Max(32, room * 2);
			functions = functions == NULL ? MemoryContextAlloc(TopMemoryContext, room * sizeof(Oid))
										  : repalloc(functions, room * sizeof(Oid));
		}
		functions[depth++] = function->fn_oid;
	}
}

bool
lpr_caller_is_ours(void)
{
	if (depth == 0)
		return false;
	if (functions[depth - 1] != looked_at)
	{
		Oid function = functions[depth - 1];
		Oid extension = getExtensionOfObject(ProcedureRelationId, function);

		looked_ours = OidIsValid(extension) && extension == get_extension_oid("lpr", true);
		looked_at = function;
	}
	return looked_ours;
}

int
lpr_callers(void)
{
	return depth;
}

Oid
lpr_caller(int n)
{
	return functions[depth - 1 - n];
}

void
lpr_caller_end(void)
{
	depth = 0;
}

void
lpr_caller_init(void)
{
	earlier_fmgr = fmgr_hook;
	fmgr_hook = follow_function;
	CacheRegisterSyscacheCallback(PROCOID, function_changed, (Datum) 0);
}
