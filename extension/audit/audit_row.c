/*
 * audit_row.c: rows of the log's table, past the executor.
 */
#include "audit/audit_row.h"

#include "access/genam.h"
#include "access/relscan.h"
#include "access/skey.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "server/compat.h"
#include "core/query.h"
#include "server/data.h"

enum
{
	NUMBER,
	AT,
	KIND,
	LOGIN,
	PID,
	SESSION_STARTED,
	EVENT_ID,
	SOURCE,
	MODE,
	ASK,
	CONTROL,
	SQLSTATE,
	SALT,
	PAYLOAD,
	PAYLOAD_DIGEST,
	DIGEST,
	COLUMNS
};

static const struct
{
	const char *name;
	Oid type;
} columns[COLUMNS] = {
	{"number", INT8OID},   {"at", TIMESTAMPTZOID}, {"kind", TEXTOID},
	{"login", TEXTOID},    {"pid", INT4OID},       {"session_started", TIMESTAMPTZOID},
	{"event_id", INT8OID}, {"source", TEXTOID},    {"mode", TEXTOID},
	{"ask", INT8OID},      {"control", TEXTOID},   {"sqlstate", TEXTOID},
	{"salt", BYTEAOID},    {"payload", TEXTOID},   {"payload_digest", BYTEAOID},
	{"digest", BYTEAOID},
};

const char *
lpr_audit_mode_name(uint8 mode)
{
	return mode == LPR_MODE_PLATE      ? "plate"
		   : mode == LPR_MODE_LOCATION ? "location"
		   : mode == LPR_MODE_VEHICLE  ? "vehicle"
		   : mode == LPR_MODE_SAVED    ? "saved"
		   : mode == LPR_MODE_DISPLAY  ? "display"
									   : NULL;
}

void
lpr_audit_payload_digest(const uint8 salt[LPR_SALT_LEN], const char *payload, Size len, LprDigest *digest)
{
	char *utf8 = pg_server_to_any(payload, len, PG_UTF8);

	lpr_record_payload(salt, (LprSlice){utf8, utf8 == payload ? len : strlen(utf8)}, digest);
	if (utf8 != payload)
		pfree(utf8);
}

static LprSlice
slice(const char *text)
{
	char *utf8;

	if (text == NULL)
		return (LprSlice){NULL, 0};
	utf8 = pg_server_to_any(text, strlen(text), PG_UTF8);
	return (LprSlice){utf8, strlen(utf8)};
}

void
lpr_audit_row_payload(LprAuditRow *row, const char *payload)
{
	if (!pg_strong_random(row->salt, LPR_SALT_LEN))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
	row->has_payload = true;
	row->payload = payload;
	row->payload_len = strlen(payload);
	lpr_audit_payload_digest(row->salt, payload, row->payload_len, &row->payload_digest);
}

void
lpr_audit_hash(const uint8 log[LPR_LOG_ID_LEN], const LprAuditRow *row, const LprDigest *previous, LprText *scratch,
			   LprDigest *digest, LprDigest *leaf)
{
	LprRecord record = {
		.log = log,
		.number = row->number,
		.at = row->at,
		.kind = slice(row->kind),
		.login = slice(row->login),
		.pid = {row->has_session, row->pid},
		.session_started = {row->has_session, row->session_started},
		.event_id = {row->has_event, row->event_id},
		.source = slice(row->source),
		.mode = slice(row->mode),
		.ask = {row->has_ask, row->ask},
		.control = slice(row->control),
		.sqlstate = slice(row->sqlstate),
		.payload_digest = row->payload_digest,
	};

	if (lpr_record_is_gone(record.kind))
	{
		/* What is left of it stands there as it is. */
		*digest = row->digest;
		*leaf = row->payload_digest;
		return;
	}
	scratch->len = 0;
	lpr_record_write(&record, scratch);
	if (scratch->failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	lpr_record_chain(previous, scratch->data, scratch->len, digest);
	lpr_record_leaf(scratch->data, scratch->len, leaf);
}

/* A log whose columns were changed must not make us read or write something else. */
static void
check_columns(Relation relation)
{
	TupleDesc desc = RelationGetDescr(relation);

	for (int i = 0; i < COLUMNS; i++)
		if (i >= desc->natts || TupleDescAttr(desc, i)->attisdropped ||
			TupleDescAttr(desc, i)->atttypid != columns[i].type ||
			strcmp(NameStr(TupleDescAttr(desc, i)->attname), columns[i].name) != 0)
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("table \"%s\" does not have the columns of the audit log",
								   RelationGetRelationName(relation))));
}

static Datum
text_datum(const char *text, bool *isnull)
{
	*isnull = text == NULL;
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

static void
fill_slot(TupleTableSlot *slot, const LprAuditRow *row)
{
	Datum *values = slot->tts_values;
	bool *nulls = slot->tts_isnull;

	ExecClearTuple(slot);
	memset(nulls, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	nulls[NUMBER] = nulls[AT] = nulls[PAYLOAD_DIGEST] = nulls[DIGEST] = false;
	values[NUMBER] = Int64GetDatum(row->number);
	values[AT] = TimestampTzGetDatum(row->at);
	values[KIND] = text_datum(row->kind, &nulls[KIND]);
	values[LOGIN] = text_datum(row->login, &nulls[LOGIN]);
	nulls[PID] = nulls[SESSION_STARTED] = !row->has_session;
	values[PID] = Int32GetDatum(row->pid);
	values[SESSION_STARTED] = TimestampTzGetDatum(row->session_started);
	nulls[EVENT_ID] = !row->has_event;
	values[EVENT_ID] = Int64GetDatum(row->event_id);
	values[SOURCE] = text_datum(row->source, &nulls[SOURCE]);
	values[MODE] = text_datum(row->mode, &nulls[MODE]);
	nulls[ASK] = !row->has_ask;
	values[ASK] = Int64GetDatum(row->ask);
	values[CONTROL] = text_datum(row->control, &nulls[CONTROL]);
	values[SQLSTATE] = text_datum(row->sqlstate, &nulls[SQLSTATE]);
	nulls[SALT] = nulls[PAYLOAD] = !row->has_payload;
	if (row->has_payload)
	{
		values[SALT] = lpr_data_bytes(row->salt, LPR_SALT_LEN);
		values[PAYLOAD] = lpr_data_bytes(row->payload, row->payload_len);
	}
	values[PAYLOAD_DIGEST] = lpr_data_bytes(row->payload_digest.bytes, LPR_DIGEST_LEN);
	values[DIGEST] = lpr_data_bytes(row->digest.bytes, LPR_DIGEST_LEN);
	ExecStoreVirtualTuple(slot);
}

void
lpr_audit_lock(Oid partition)
{
	/* Never wait here: the holder of the lock may be waiting for us. */
	if (ConditionalLockRelationOid(partition, RowExclusiveLock)) /* model: lock the log */
		return;
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE), errmsg("the audit log is locked"),
			 errhint("SELECT pid, mode, granted FROM pg_locks WHERE relation = 'lpr_data.%s'::regclass; shows by whom.",
					 get_rel_name(partition))));
}

void
lpr_audit_insert(Oid partition, const LprAuditRow *rows, int nrows)
{
	Relation relation;
	EState *estate;
	ResultRelInfo *result;
	TupleTableSlot **slots = palloc(nrows * sizeof(TupleTableSlot *));
	Oid user;
	int context;

	lpr_audit_lock(partition);
	relation = table_open(partition, NoLock);
	check_columns(relation);
	/* No code of an index or a constraint that somebody added may run with our rights. */
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(relation->rd_rel->relowner, context | SECURITY_RESTRICTED_OPERATION);

	estate = CreateExecutorState();
	result = makeNode(ResultRelInfo);
	InitResultRelInfo(result, relation, 1, NULL, 0);
	ExecOpenIndices(result, false);
	if (result->ri_NumIndices == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("table \"%s\" has lost its index on number", RelationGetRelationName(relation))));
	for (int i = 0; i < nrows; i++)
	{
		slots[i] = MakeSingleTupleTableSlot(RelationGetDescr(relation), table_slot_callbacks(relation));
		fill_slot(slots[i], &rows[i]);
	}
	table_multi_insert(relation, slots, nrows, GetCurrentCommandId(true), 0, NULL);
	for (int i = 0; i < nrows; i++)
	{
		lpr_insert_index_entries(result, slots[i], estate);
		ExecDropSingleTupleTableSlot(slots[i]);
	}
	ExecCloseIndices(result);
	FreeExecutorState(estate);
	SetUserIdAndSecContext(user, context);
	table_close(relation, NoLock);
	pfree(slots);
}

struct LprAuditScan
{
	Relation relation;
	Relation index;
	IndexScanDesc by_index;
	TableScanDesc by_place;
	ScanDirection direction;
	ScanKeyData keys[2];
	TupleTableSlot *slot;
	MemoryContext context; /* of the row at hand */
	int64 first;
	int64 last;
};

/* The unique index on number, without conditions. */
static Oid
index_on_number(Relation relation)
{
	List *indexes = RelationGetIndexList(relation);
	ListCell *cell;
	Oid found = InvalidOid;

	foreach (cell, indexes)
	{
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		Form_pg_index form = index->rd_index;

		if (form->indisunique && form->indisvalid && form->indnkeyatts == 1 && form->indkey.values[0] == NUMBER + 1 &&
			RelationGetIndexPredicate(index) == NIL)
			found = RelationGetRelid(index);
		index_close(index, NoLock);
	}
	list_free(indexes);
	if (!OidIsValid(found))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("table \"%s\" has lost its index on number", RelationGetRelationName(relation)),
						errhint("CREATE UNIQUE INDEX ON lpr_data.%s (number);",
								quote_identifier(RelationGetRelationName(relation)))));
	return found;
}

LprAuditScan *
lpr_audit_scan(Oid table, bool by_index, bool backward, int64 first, int64 last)
{
	LprAuditScan *scan = palloc0(sizeof(LprAuditScan));
	Snapshot snapshot = GetActiveSnapshot();

	scan->relation = table_open(table, AccessShareLock);
	check_columns(scan->relation);
	scan->slot = table_slot_create(scan->relation, NULL);
	scan->context = AllocSetContextCreate(CurrentMemoryContext, "lpr audit row", ALLOCSET_DEFAULT_SIZES);
	scan->direction = backward ? BackwardScanDirection : ForwardScanDirection;
	scan->first = first;
	scan->last = last;
	if (by_index)
	{
		scan->index = index_open(index_on_number(scan->relation), AccessShareLock);
		ScanKeyInit(&scan->keys[0], 1, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(first));
		ScanKeyInit(&scan->keys[1], 1, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(last));
		scan->by_index = lpr_index_beginscan(scan->relation, scan->index, snapshot, 2);
		index_rescan(scan->by_index, scan->keys, 2, NULL, 0);
	}
	else
		scan->by_place = table_beginscan(scan->relation, snapshot, 0, NULL);
	return scan;
}

static const char *
text_value(TupleTableSlot *slot, int column)
{
	return slot->tts_isnull[column] ? NULL : TextDatumGetCString(slot->tts_values[column]);
}

/* Bytes of a fixed length; anything else is no digest, and verifies as one that is wrong. */
static void
take_bytes(TupleTableSlot *slot, int column, void *out, Size len)
{
	bytea *value;

	memset(out, 0, len);
	if (slot->tts_isnull[column])
		return;
	value = DatumGetByteaPP(slot->tts_values[column]);
	memcpy(out, VARDATA_ANY(value), Min(len, VARSIZE_ANY_EXHDR(value)));
}

bool
lpr_audit_scan_next(LprAuditScan *scan, LprAuditRow *row)
{
	TupleTableSlot *slot = scan->slot;
	MemoryContext old;

	for (;;)
	{
		if (scan->by_index != NULL ? !index_getnext_slot(scan->by_index, scan->direction, slot)
								   : !table_scan_getnextslot(scan->by_place, scan->direction, slot))
			return false;
		slot_getsomeattrs(slot, COLUMNS);
		row->number = DatumGetInt64(slot->tts_values[NUMBER]);
		if (scan->by_index != NULL || (row->number >= scan->first && row->number <= scan->last))
			break;
	}
	MemoryContextReset(scan->context);
	old = MemoryContextSwitchTo(scan->context);
	row->at = DatumGetTimestampTz(slot->tts_values[AT]);
	row->kind = text_value(slot, KIND);
	row->login = text_value(slot, LOGIN);
	row->has_session = !slot->tts_isnull[PID] && !slot->tts_isnull[SESSION_STARTED];
	row->pid = row->has_session ? DatumGetInt32(slot->tts_values[PID]) : 0;
	row->session_started = row->has_session ? DatumGetTimestampTz(slot->tts_values[SESSION_STARTED]) : 0;
	row->has_event = !slot->tts_isnull[EVENT_ID];
	row->event_id = row->has_event ? DatumGetInt64(slot->tts_values[EVENT_ID]) : 0;
	row->source = text_value(slot, SOURCE);
	row->mode = text_value(slot, MODE);
	row->has_ask = !slot->tts_isnull[ASK];
	row->ask = row->has_ask ? DatumGetInt64(slot->tts_values[ASK]) : 0;
	row->control = text_value(slot, CONTROL);
	row->sqlstate = text_value(slot, SQLSTATE);
	row->has_payload = !slot->tts_isnull[SALT] || !slot->tts_isnull[PAYLOAD];
	take_bytes(slot, SALT, row->salt, LPR_SALT_LEN);
	row->payload = NULL;
	row->payload_len = 0;
	if (!slot->tts_isnull[PAYLOAD])
	{
		text *payload = DatumGetTextPP(slot->tts_values[PAYLOAD]);

		row->payload = VARDATA_ANY(payload);
		row->payload_len = VARSIZE_ANY_EXHDR(payload);
	}
	else
		row->payload = "";
	take_bytes(slot, PAYLOAD_DIGEST, row->payload_digest.bytes, LPR_DIGEST_LEN);
	take_bytes(slot, DIGEST, row->digest.bytes, LPR_DIGEST_LEN);
	MemoryContextSwitchTo(old);
	return true;
}

void
lpr_audit_scan_end(LprAuditScan *scan)
{
	if (scan->by_index != NULL)
	{
		index_endscan(scan->by_index);
		index_close(scan->index, AccessShareLock);
	}
	else
		table_endscan(scan->by_place);
	ExecDropSingleTupleTableSlot(scan->slot);
	table_close(scan->relation, AccessShareLock);
	MemoryContextDelete(scan->context);
	pfree(scan);
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(get_rel_name(lfirst_oid(a)), get_rel_name(lfirst_oid(b)));
}

List *
lpr_audit_partitions(void)
{
	List *partitions = find_inheritance_children(lpr_data_table("audit"), AccessShareLock);

	list_sort(partitions, compare_names);
	return partitions;
}
