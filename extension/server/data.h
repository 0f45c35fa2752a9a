/*
 * data.h: tables of schema lpr_data, read past SQL: the person who asks has no rights there, and neither a statement's
 * text nor its parameters may get into a log.
 */
#ifndef LPR_DATA_H
#define LPR_DATA_H

#include "postgres.h"
#include "access/genam.h"
#include "utils/rel.h"
#include "utils/snapshot.h"

/* InvalidOid: it is gone. */
extern Oid lpr_data_schema(void);
extern Oid lpr_data_table(const char *name);

/* What is committed now, and what this transaction did. */
typedef struct LprDataScan
{
	Relation relation;
	Snapshot snapshot;
	SysScanDesc scan;
	HeapTuple row;
} LprDataScan;

/* The rows whose text column `key` has that value. False: the table is gone. ERROR when it is not as lpr made it. */
extern bool lpr_data_begin(LprDataScan *scan, const char *table, const char *key, const char *value);
extern bool lpr_data_next(LprDataScan *scan);
extern void lpr_data_end(LprDataScan *scan);
/* Of the row at hand. ERROR when there is no such column of that type. */
extern Datum lpr_data_get(const LprDataScan *scan, const char *column, Oid type, bool *isnull);
extern char *lpr_data_text(const LprDataScan *scan, const char *column); /* NULL = NULL */

/* A value of type bytea. */
extern Datum lpr_data_bytes(const void *bytes, size_t len);

#endif
