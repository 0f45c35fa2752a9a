/*
 * version.c: the version of the library, held against that of the SQL.
 */
#include "postgres.h"

#include "server/version.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/syscache.h"

/* The version of the extension in this database, or NULL without it. */
static char *
extension_version(void)
{
	Relation relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	char *version = NULL;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum("lpr"));
	scan = systable_beginscan(relation, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		bool isnull;
		Datum value = heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(relation), &isnull);

		version = isnull ? NULL : TextDatumGetCString(value);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return version;
}

/* How often functions have changed, and at which of these counts both were of one version. */
static uint64 changes = 1;
static uint64 good_at = 0;

static void
forget_good_version(Datum argument, int cache, uint32 hash)
{
	changes++;
}

void
lpr_version_check(void)
{
	static bool listening = false;
	uint64 now = changes;
	char *version;

	if (good_at == now)
		return;
	if (!listening)
		CacheRegisterSyscacheCallback(PROCOID, forget_good_version, (Datum) 0);
	listening = true;
	version = extension_version();
	/* The library and the rules of the gate, which are SQL, were tested together only. */
	if (version == NULL || strcmp(version, LPR_VERSION) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the library is lpr %s and the extension is lpr %s", LPR_VERSION,
						version != NULL ? version : "(none)"),
				 errdetail("Nothing is asked unless both are of one version."),
				 errhint("ALTER EXTENSION lpr UPDATE; or, when the library is the older one, restart the server.")));
	good_at = now;
}

bool
lpr_version_is_ours(void)
{
	char *version = extension_version();

	return version != NULL && strcmp(version, LPR_VERSION) == 0;
}
