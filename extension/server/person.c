/*
 * person.c: which logins are registered to a person.
 */
#include "server/person.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "server/compat.h"

bool
lpr_person_has_login(const char *login)
{
	Oid schema = get_namespace_oid("lpr_data", true);
	Oid relid = OidIsValid(schema) ? get_relname_relid("person", schema) : InvalidOid;
	AttrNumber login_at, left_at;
	Relation rel;
	Snapshot snapshot;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	bool found = false;

	if (!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_RELATION)
		return false;
	/* Not through SQL: whoever drops a role need not have any right to the table, and nothing of theirs may have a say. */
	rel = table_open(relid, AccessShareLock);
	login_at = get_attnum(relid, "login");
	left_at = get_attnum(relid, "left_at");
	if (login_at <= 0 || left_at <= 0 || get_atttype(relid, login_at) != TEXTOID)
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("table lpr_data.person is not as lpr made it")));
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	ScanKeyInit(&key, login_at, BTEqualStrategyNumber, F_TEXTEQ, CStringGetTextDatum(login));
	scan = systable_beginscan(rel, InvalidOid, false, snapshot, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = heap_attisnull(tuple, left_at, RelationGetDescr(rel));
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);
	return found;
}

PG_FUNCTION_INFO_V1(lpr_takes_part);
Datum
lpr_takes_part(PG_FUNCTION_ARGS)
{
	char *role = text_to_cstring(PG_GETARG_TEXT_PP(1));

	PG_RETURN_BOOL(lpr_has_role(PG_GETARG_OID(0), get_role_oid(role, false)));
}
