/*
 * data.c: tables of schema lpr_data, read past SQL.
 */
#include "server/data.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

Oid
lpr_data_schema(void)
{
	return get_namespace_oid("lpr_data", true);
}

Oid
lpr_data_table(const char *name)
{
	Oid schema = lpr_data_schema();

	return OidIsValid(schema) ? get_relname_relid(name, schema) : InvalidOid;
}

/* A table whose columns were changed must not make us read something else. */
static AttrNumber
find_column(const LprDataScan *scan, const char *name, Oid type)
{
	TupleDesc desc = RelationGetDescr(scan->relation);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, i);

		if (!attribute->attisdropped && attribute->atttypid == type && strcmp(NameStr(attribute->attname), name) == 0)
			return attribute->attnum;
	}
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("table lpr_data.%s is not as lpr made it", RelationGetRelationName(scan->relation))));
}

bool
lpr_data_begin(LprDataScan *scan, const char *table, const char *key, const char *value)
{
	Oid relid = lpr_data_table(table);
	ScanKeyData condition;

	if (!OidIsValid(relid) || get_rel_relkind(relid) != RELKIND_RELATION)
		return false;
	scan->relation = table_open(relid, AccessShareLock);
	ScanKeyInit(&condition, find_column(scan, key, TEXTOID), BTEqualStrategyNumber, F_TEXTEQ,
				CStringGetTextDatum(value));
	/* GetLatestSnapshot() would refuse where another part of the plan runs in parallel. */
	scan->snapshot = RegisterSnapshot(GetCatalogSnapshot(relid));
	/* No index: the tables are small, and a plain scan does not care about the collation of one. */
	scan->scan = systable_beginscan(scan->relation, InvalidOid, false, scan->snapshot, 1, &condition);
	scan->row = NULL;
	return true;
}

bool
lpr_data_next(LprDataScan *scan)
{
	scan->row = systable_getnext(scan->scan);
	return HeapTupleIsValid(scan->row);
}

void
lpr_data_end(LprDataScan *scan)
{
	systable_endscan(scan->scan);
	UnregisterSnapshot(scan->snapshot);
	table_close(scan->relation, AccessShareLock);
}

Datum
lpr_data_get(const LprDataScan *scan, const char *column, Oid type, bool *isnull)
{
	return heap_getattr(scan->row, find_column(scan, column, type), RelationGetDescr(scan->relation), isnull);
}

char *
lpr_data_text(const LprDataScan *scan, const char *column)
{
	bool isnull;
	Datum value = lpr_data_get(scan, column, TEXTOID, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

Datum
lpr_data_bytes(const void *bytes, size_t len)
{
	bytea *value = palloc(VARHDRSZ + len);

	SET_VARSIZE(value, VARHDRSZ + len);
	if (len > 0)
		memcpy(VARDATA(value), bytes, len);
	return PointerGetDatum(value);
}
