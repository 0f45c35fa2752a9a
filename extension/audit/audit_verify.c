/*
 * audit_verify.c: lpr.verify_audit(): holds the log against itself and its checkpoints, in constant memory (U3).
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit/audit_log.h"
#include "server/data.h"
#include "server/errors.h"
#include "format/month.h"
#include "server/secret.h"

#define FINDINGS_SHOWN 1000

typedef struct Verification
{
	ReturnSetInfo *result;
	MemoryContext context; /* of one record */
	int64 findings;
	uint8 log[LPR_LOG_ID_LEN];
	char origin[LPR_ORIGIN_ROOM];
	LprVerifier *verifier;
	bool started; /* a record was met, or a checkpoint to start from */
	int64 number;
	TimestampTz at;
	LprDigest digest;
	bool whole; /* the tree is that of all records so far */
	LprTree tree;
	int64 records;
	int64 destroyed; /* payloads */
	int64 gone;      /* records of months that were destroyed */
	bool in_gone;    /* the record before is one */
	int64 checkpoints;
	int64 next; /* size of the next checkpoint to hold against, INT64_MAX = none */
	LprCheckpoint checkpoint;
	LprTree checkpoint_tree;
	int64 begins_after; /* records up to this one are in an archive */
} Verification;

static void
add_row(Verification *v, bool good, bool has_number, int64 number, const char *detail)
{
	Datum values[3] = {BoolGetDatum(good), Int64GetDatum(number), CStringGetTextDatum(detail)};
	bool nulls[3] = {false, !has_number, false};

	tuplestore_putvalues(v->result->setResult, v->result->setDesc, values, nulls);
}

static void finding(Verification *v, int64 number, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void
finding(Verification *v, int64 number, const char *format, ...)
{
	char text[300];
	va_list args;

	if (v->findings++ >= FINDINGS_SHOWN)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add_row(v, false, true, number, text);
}

static Datum
column_of_row(int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, number, isnull);
}

/*
 * The checkpoint that a statement finds. One that this log's key did not sign is a finding, and nothing is held against
 * it.
 */
static bool
read_checkpoint(Verification *v, const char *sql, int64 bound)
{
	LprTree *tree = &v->checkpoint_tree;
	Oid types[1] = {INT8OID};
	Datum values[1] = {Int64GetDatum(bound)};
	bool isnull;
	text *note;
	bytea *frontier;
	LprSlice slice;
	LprFault fault = {0};
	LprDigest root;
	int64 size;

	if (SPI_execute_with_args(sql, 1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the checkpoints");
	if (SPI_processed == 0)
		return false;
	size = DatumGetInt64(column_of_row(1, &isnull));
	note = DatumGetTextPP(column_of_row(2, &isnull));
	frontier = DatumGetByteaPP(column_of_row(3, &isnull));
	slice = (LprSlice){VARDATA_ANY(note), VARSIZE_ANY_EXHDR(note)};
	memset(&v->checkpoint, 0, sizeof(v->checkpoint));
	if (!lpr_note_verify(v->verifier, slice, NULL) || !lpr_checkpoint_read(slice, &v->checkpoint, &fault) ||
		strcmp(v->checkpoint.origin, v->origin) != 0 || v->checkpoint.size != (uint64) size)
	{
		finding(v, size, "the checkpoint is not one of this log's key");
		v->checkpoint.size = size;
		v->checkpoint.origin[0] = '\0'; /* not to be held against */
	}
	memset(tree, 0, sizeof(*tree));
	if (VARSIZE_ANY_EXHDR(frontier) == lpr_tree_nroots(size) * sizeof(LprDigest))
	{
		tree->size = size;
		memcpy(tree->roots, VARDATA_ANY(frontier), VARSIZE_ANY_EXHDR(frontier));
	}
	lpr_tree_root(tree, &root);
	if (v->checkpoint.origin[0] != '\0' && !lpr_digest_same(&root, &v->checkpoint.root))
	{
		finding(v, size, "the checkpoint's frontier does not make its root");
		tree->size = 0;
	}
	SPI_freetuptable(SPI_tuptable);
	return true;
}

static void
next_checkpoint(Verification *v, int64 after)
{
	v->next =
		read_checkpoint(v, "SELECT size, note, frontier FROM lpr_data.checkpoint WHERE size > $1 ORDER BY size LIMIT 1",
						after)
			? (int64) v->checkpoint.size
			: PG_INT64_MAX;
}

/* Where records end that a checkpoint covers, the two must agree. */
static void
hold_against_checkpoint(Verification *v)
{
	LprDigest root;

	while (v->next < v->number)
	{
		finding(v, v->next, "the checkpoint ends at a record that is missing");
		next_checkpoint(v, v->next);
	}
	if (v->next != v->number)
		return;
	if (v->checkpoint.origin[0] != '\0')
	{
		lpr_tree_root(&v->tree, &root);
		if (!lpr_digest_same(&v->digest, &v->checkpoint.head))
			finding(v, v->number, "the chain is not the one that the checkpoint signs");
		else if (v->whole && !lpr_digest_same(&root, &v->checkpoint.root))
			finding(v, v->number, "the records are not those that the checkpoint signs");
		v->checkpoints++;
		/*
		 * From here on the tree is the signed one, so that one damaged record is not found again at every checkpoint.
		 */
		if (v->checkpoint_tree.size == (uint64) v->number)
		{
			v->tree = v->checkpoint_tree;
			v->whole = true;
		}
	}
	next_checkpoint(v, v->number);
}

static bool
is_month(const LprAuditRow *row)
{
	return row->kind != NULL && strcmp(row->kind, lpr_audit_kind_names[LPR_AUDIT_MONTH]) == 0;
}

static bool
is_gone(const LprAuditRow *row)
{
	return row->kind != NULL && lpr_record_is_gone((LprSlice){row->kind, strlen(row->kind)});
}

/* Records go by a list that was released, whole months only: it has their number and the digest of the last (E10). */
static void
hold_against_list(Verification *v, Oid partition, int64 gone)
{
	Oid types[3] = {TEXTOID, INT8OID, BYTEAOID};
	Datum values[3] = {CStringGetTextDatum(get_rel_name(partition)), Int64GetDatum(gone),
					   lpr_data_bytes(v->digest.bytes, LPR_DIGEST_LEN)};

	if (SPI_execute_with_args("SELECT FROM lpr_data.disposal_part AS p WHERE p.kind = 'log' AND p.state = 'destroyed' "
							  "AND 'audit_' || pg_catalog.to_char(pg_catalog.to_timestamp(p.key::text, 'YYYYMM'), "
							  "'YYYY_MM') = $1 AND p.records = $2 AND p.digest = $3",
							  3, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the lists of what was destroyed");
	if (SPI_processed == 0)
		finding(v, v->number, "records of table %s are gone, and no list has them", get_rel_name(partition));
	SPI_freetuptable(SPI_tuptable);
}

static void
verify_record(Verification *v, const LprAuditRow *row, LprText *scratch)
{
	LprDigest digest, leaf, payload;
	MemoryContext old = MemoryContextSwitchTo(v->context);

	v->records++;
	if (row->number != v->number + 1)
	{
		if (row->number == v->number + 2)
			finding(v, v->number + 1, "the record is missing");
		else if (row->number > v->number)
			finding(v, v->number + 1, "the records up to " INT64_FORMAT " are missing", row->number - 1);
		else
			finding(v, row->number, "the number is there twice");
		v->whole = false;
	}
	if (row->at < v->at)
		finding(v, row->number, "the record is older than the one before");
	if (is_gone(row))
	{
		v->gone++;
		if (row->login != NULL || row->has_session || row->has_event || row->source != NULL || row->mode != NULL ||
			row->has_ask || row->control != NULL || row->sqlstate != NULL || row->has_payload)
			finding(v, row->number, "it is gone, and more than its digests is there");
	}
	else if (v->in_gone && !is_month(row))
		finding(v, row->number, "the record before it is gone, and its month is not");
	v->in_gone = is_gone(row);
	if (row->has_payload && !v->in_gone)
	{
		lpr_audit_payload_digest(row->salt, row->payload, row->payload_len, &payload);
		if (!lpr_digest_same(&payload, &row->payload_digest))
			finding(v, row->number, "the payload is not what it was");
	}
	else if (!v->in_gone)
		v->destroyed++;
	lpr_audit_hash(v->log, row, &v->digest, scratch, &digest, &leaf);
	if (row->number == v->number + 1 && !lpr_digest_same(&digest, &row->digest))
		finding(v, row->number, "the record, or its place in the chain, is not what it was");
	if (is_month(row) && v->whole && row->has_payload)
	{
		LprMonth month;
		LprDigest told = {0}, root;
		bool good = lpr_month_read((LprSlice){row->payload, row->payload_len}, &month);

		if (good)
			lpr_tree_root(&month.tree, &told);
		lpr_tree_root(&v->tree, &root);
		if (!good || !lpr_digest_same(&told, &root) || !lpr_digest_same(&month.head, &v->digest))
			finding(v, row->number, "the month does not begin where the one before ends");
	}
	lpr_tree_add(&v->tree, &leaf);
	v->number = row->number;
	v->at = row->at;
	v->digest = row->digest; /* as it stands there, so that one damaged record is one finding */
	MemoryContextSwitchTo(old);
	MemoryContextReset(v->context);
	hold_against_checkpoint(v);
}

/* A record's part in a sum that does not depend on the order. */
static uint64
mark_of(const LprAuditRow *row)
{
	uint64 digest;

	memcpy(&digest, row->digest.bytes, sizeof(digest));
	return digest ^ (uint64) row->number;
}

/* One partition: by its index, and once more as it lies there, so that no record hides from the index. */
static void
verify_partition(Verification *v, Oid partition, int64 first, int64 last, LprText *scratch)
{
	LprAuditScan *scan = lpr_audit_scan(partition, true, false, first, last);
	LprAuditRow row;
	int64 count[2] = {0, 0}, gone = v->gone;
	uint64 sum[2] = {0, 0};

	while (lpr_audit_scan_next(scan, &row))
	{
		CHECK_FOR_INTERRUPTS();
		verify_record(v, &row, scratch);
		count[0]++;
		sum[0] += mark_of(&row);
	}
	lpr_audit_scan_end(scan);
	/* Of some of its records the list tells nothing. */
	if (v->gone > gone && first <= 1 && last == PG_INT64_MAX)
		hold_against_list(v, partition, v->gone - gone);
	scan = lpr_audit_scan(partition, false, false, first, last);
	while (lpr_audit_scan_next(scan, &row))
	{
		CHECK_FOR_INTERRUPTS();
		count[1]++;
		sum[1] += mark_of(&row);
	}
	lpr_audit_scan_end(scan);
	if (count[0] != count[1] || sum[0] != sum[1])
		finding(v, v->number, "table %s and its index do not hold the same records", get_rel_name(partition));
}

static void
read_identity(Verification *v)
{
	bool isnull;
	bytea *id;
	LprText public = {0};
	LprFault fault = {0};
	char *pem;
	LprSigner *signer;

	if (!OidIsValid(lpr_data_table("log")))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("there is no audit log yet"),
						errdetail("It begins with the first question.")));
	if (SPI_execute("SELECT id FROM lpr_data.log", true, 2) != SPI_OK_SELECT || SPI_processed != 1)
		ereport(ERROR, (errcode(LPR_ERRCODE_LOG_ALTERED), errmsg("the audit log was altered"),
						errdetail("Table lpr_data.log does not have exactly one row.")));
	id = DatumGetByteaPP(column_of_row(1, &isnull));
	memcpy(v->log, VARDATA_ANY(id), Min(VARSIZE_ANY_EXHDR(id), LPR_LOG_ID_LEN));
	lpr_origin(v->log, v->origin);
	pem = lpr_secret_get_key(lpr_checkpoint_key);
	if (pem == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("checkpoint key \"%s\" does not exist", lpr_checkpoint_key),
				 errdetail("Its public part is needed to verify the checkpoints.")));
	signer = lpr_signer_read(v->origin, (LprSlice){pem, strlen(pem)}, &fault);
	explicit_bzero(pem, strlen(pem));
	if (signer != NULL && lpr_signer_public(signer, false, &public))
		v->verifier = lpr_verifier_read((LprSlice){public.data, public.len}, &fault);
	lpr_signer_free(signer);
	lpr_text_free(&public);
	if (v->verifier == NULL)
		ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("the checkpoint key cannot be used"),
						errdetail("%s", fault.message)));
}

static void
free_verifier(void *arg)
{
	lpr_verifier_free(((Verification *) arg)->verifier);
}

static void
free_scratch(void *arg)
{
	lpr_text_free(arg);
}

static void
on_reset(MemoryContextCallbackFunction function, void *arg)
{
	MemoryContextCallback *callback = palloc(sizeof(MemoryContextCallback));

	callback->func = function;
	callback->arg = arg;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
}

/* Continues from a checkpoint of exactly this size, or (smaller) from the last one before. */
static bool
start_from_checkpoint(Verification *v, int64 size, bool smaller)
{
	if (!read_checkpoint(
			v,
			smaller ? "SELECT size, note, frontier FROM lpr_data.checkpoint WHERE size <= $1 ORDER BY size DESC LIMIT 1"
					: "SELECT size, note, frontier FROM lpr_data.checkpoint WHERE size = $1",
			size) ||
		v->checkpoint.origin[0] == '\0' || v->checkpoint_tree.size == 0)
		return false;
	v->tree = v->checkpoint_tree;
	v->number = v->tree.size;
	v->digest = v->checkpoint.head;
	return true;
}

/*
 * Months that lie in an archive are verified there: then the log begins with the month that follows them, behind a
 * checkpoint.
 */
static void
find_begin(Verification *v, List *partitions)
{
	ListCell *cell;

	foreach (cell, partitions)
	{
		LprAuditScan *scan = lpr_audit_scan(lfirst_oid(cell), true, false, PG_INT64_MIN, PG_INT64_MAX);
		LprAuditRow row;
		bool found = lpr_audit_scan_next(scan, &row);
		bool month = found && (is_month(&row) || is_gone(&row));

		lpr_audit_scan_end(scan);
		if (month && row.number > 1 && start_from_checkpoint(v, row.number - 1, false))
			v->begins_after = v->number;
		if (found)
			return;
	}
}

PG_FUNCTION_INFO_V1(lpr_verify_audit);
Datum
lpr_verify_audit(PG_FUNCTION_ARGS)
{
	int64 first = PG_ARGISNULL(0) ? 1 : PG_GETARG_INT64(0);
	int64 last = PG_ARGISNULL(1) ? PG_INT64_MAX : PG_GETARG_INT64(1);
	Verification *v = palloc0(sizeof(Verification));
	LprText *scratch = palloc0(sizeof(LprText));
	ListCell *cell;
	List *partitions;

	InitMaterializedSRF(fcinfo, 0);
	on_reset(free_verifier, v);
	on_reset(free_scratch, scratch);
	v->result = (ReturnSetInfo *) fcinfo->resultinfo;
	v->context = AllocSetContextCreate(CurrentMemoryContext, "lpr verify", ALLOCSET_SMALL_SIZES);
	v->whole = true;
	v->at = DT_NOBEGIN;
	SPI_connect();
	read_identity(v);
	partitions = lpr_audit_partitions();
	/* From the last checkpoint before the first record asked for: what lies between must be hashed anyway. */
	if (first <= 1 || !start_from_checkpoint(v, first - 1, true))
		find_begin(v, partitions);
	/* What is numbered below the first record has no place in the log: it is read as well. */
	first = v->number == v->begins_after ? PG_INT64_MIN : v->number + 1;
	next_checkpoint(v, v->number);
	foreach (cell, partitions)
		verify_partition(v, lfirst_oid(cell), first, last, scratch);
	if (last == PG_INT64_MAX && v->next != PG_INT64_MAX)
		finding(v, v->number + 1, "the log is cut: a checkpoint covers " INT64_FORMAT " records", v->next);
	SPI_finish();
	{
		StringInfoData text;

		initStringInfo(&text);
		appendStringInfo(&text, INT64_FORMAT " %s, " INT64_FORMAT " to " INT64_FORMAT ", " INT64_FORMAT " %s",
						 v->records, v->records == 1 ? "record" : "records", v->number - v->records + 1, v->number,
						 v->checkpoints, v->checkpoints == 1 ? "checkpoint" : "checkpoints");
		if (v->begins_after > 0)
			appendStringInfo(&text, ", " INT64_FORMAT " before them in archived months", v->begins_after);
		if (v->destroyed > 0)
			appendStringInfo(&text, ", " INT64_FORMAT " payloads destroyed on schedule", v->destroyed);
		if (v->gone > 0)
			appendStringInfo(&text, ", " INT64_FORMAT " of months destroyed on schedule", v->gone);
		appendStringInfo(&text,
						 v->findings == 0   ? ": no finding"
						 : v->findings == 1 ? ": 1 finding"
											: ": " INT64_FORMAT " findings",
						 v->findings);
		add_row(v, v->findings == 0, false, 0, text.data);
	}
	return (Datum) 0;
}
