/*
 * audit_leaves.c: lpr_data.leaves(): what stays of the records of a month that is destroyed (E10).
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "audit/audit_row.h"
#include "server/data.h"

PG_FUNCTION_INFO_V1(lpr_audit_leaves);
Datum
lpr_audit_leaves(PG_FUNCTION_ARGS)
{
	Oid table = PG_GETARG_OID(0);
	bytea *log = PG_GETARG_BYTEA_PP(1);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	LprText scratch = {0};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lpr leaves", ALLOCSET_SMALL_SIZES);
	LprAuditScan *scan;
	LprAuditRow row;

	if (VARSIZE_ANY_EXHDR(log) != LPR_LOG_ID_LEN)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("not the identity of a log")));
	InitMaterializedSRF(fcinfo, 0);
	scan = lpr_audit_scan(table, true, false, PG_INT64_MIN, PG_INT64_MAX);
	PG_TRY();
	{
		while (lpr_audit_scan_next(scan, &row))
		{
			MemoryContext old = MemoryContextSwitchTo(context);
			LprDigest none = {0}, digest, leaf;
			Datum values[2];
			bool nulls[2] = {false, false};

			CHECK_FOR_INTERRUPTS();
			lpr_audit_hash((const uint8 *) VARDATA_ANY(log), &row, &none, &scratch, &digest, &leaf);
			values[0] = Int64GetDatum(row.number);
			values[1] = lpr_data_bytes(leaf.bytes, LPR_DIGEST_LEN);
			tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
			MemoryContextSwitchTo(old);
			MemoryContextReset(context);
		}
	}
	PG_FINALLY();
	{
		lpr_text_free(&scratch);
	}
	PG_END_TRY();
	lpr_audit_scan_end(scan);
	return (Datum) 0;
}
