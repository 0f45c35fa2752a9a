#include "cache_table.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/hio.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"

#define BATCH      2000 /* reads that are written at once */
#define RUNS_MAX   400  /* more of them, and an answer's row would not lie within a page */
#define ROW_MAX    7000 /* bytes; a read that is longer is not kept, and so its answer is not */
#define PAGES_ONCE 16
#define HOURS      25

enum
{
	READ_EXPIRES_AT,
	READ_ANSWER,
	READ_CAPTURED_AT,
	READ_LATITUDE,
	READ_LONGITUDE,
	READ_CONFIDENCE,
	READ_ID,
	READ_PLATE,
	READ_PLATE_AS_READ,
	READ_PLATE_REGION,
	READ_COUNTRY,
	READ_ADDRESS,
	READ_CAMERA_ID,
	READ_CAMERA_OWNER,
	READ_CAMERA_TYPE,
	READ_CAMERA_REGION,
	READ_MAKE,
	READ_MODEL,
	READ_COLOR,
	READ_PLATE_IMAGE,
	READ_VEHICLE_IMAGE,
	READ_COLUMNS
};

enum
{
	ANSWER_EXPIRES_AT,
	ANSWER_KEY,
	ANSWER_ASK,
	ANSWER_ANSWER,
	ANSWER_LOGIN,
	ANSWER_EVENT_ID,
	ANSWER_SOURCE,
	ANSWER_COMPLETE,
	ANSWER_SORTED,
	ANSWER_MATCHED,
	ANSWER_SINCE,
	ANSWER_UNTIL,
	ANSWER_OPEN_UNTIL,
	ANSWER_FETCHED_AT,
	ANSWER_READS,
	ANSWER_BLOCKS,
	ANSWER_COLUMNS
};

static const Oid read_types[READ_COLUMNS] = {
	[READ_EXPIRES_AT] = TIMESTAMPTZOID,
	[READ_ANSWER] = INT8OID,
	[READ_CAPTURED_AT] = TIMESTAMPTZOID,
	[READ_LATITUDE] = FLOAT8OID,
	[READ_LONGITUDE] = FLOAT8OID,
	[READ_CONFIDENCE] = FLOAT8OID,
	[READ_ID] = TEXTOID,
	[READ_PLATE] = TEXTOID,
	[READ_PLATE_AS_READ] = TEXTOID,
	[READ_PLATE_REGION] = TEXTOID,
	[READ_COUNTRY] = TEXTOID,
	[READ_ADDRESS] = TEXTOID,
	[READ_CAMERA_ID] = TEXTOID,
	[READ_CAMERA_OWNER] = TEXTOID,
	[READ_CAMERA_TYPE] = TEXTOID,
	[READ_CAMERA_REGION] = TEXTOID,
	[READ_MAKE] = TEXTOID,
	[READ_MODEL] = TEXTOID,
	[READ_COLOR] = TEXTOID,
	[READ_PLATE_IMAGE] = TEXTOID,
	[READ_VEHICLE_IMAGE] = TEXTOID,
};

static const Oid answer_types[ANSWER_COLUMNS] = {
	[ANSWER_EXPIRES_AT] = TIMESTAMPTZOID,
	[ANSWER_KEY] = BYTEAOID,
	[ANSWER_ASK] = INT8OID,
	[ANSWER_ANSWER] = INT8OID,
	[ANSWER_LOGIN] = TEXTOID,
	[ANSWER_EVENT_ID] = INT8OID,
	[ANSWER_SOURCE] = TEXTOID,
	[ANSWER_COMPLETE] = BOOLOID,
	[ANSWER_SORTED] = INT2OID,
	[ANSWER_MATCHED] = INT2OID,
	[ANSWER_SINCE] = TIMESTAMPTZOID,
	[ANSWER_UNTIL] = TIMESTAMPTZOID,
	[ANSWER_OPEN_UNTIL] = BOOLOID,
	[ANSWER_FETCHED_AT] = TIMESTAMPTZOID,
	[ANSWER_READS] = INT8OID,
	[ANSWER_BLOCKS] = INT4ARRAYOID,
};

/* The leaf of an hour, by its name; InvalidOid when there is none. */
static Oid
leaf_of(const char *kind, TimestampTz expires_at)
{
	Oid schema = get_namespace_oid("lpr_data", true);
	pg_time_t seconds = timestamptz_to_time_t(expires_at);
	struct pg_tm *tm = pg_gmtime(&seconds);

	if (!OidIsValid(schema) || tm == NULL)
		return InvalidOid;
	return get_relname_relid(
		psprintf("%s_%04d%02d%02d%02d", kind, tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday, tm->tm_hour), schema);
}

/* The leaf, opened; NULL when it is gone, or is not as lpr made it: then nothing is kept. */
static Relation
open_leaf(Oid leaf, LOCKMODE mode, const Oid *types, int ncolumns)
{
	Relation relation = OidIsValid(leaf) ? try_table_open(leaf, mode) : NULL;
	TupleDesc desc;
	bool good;

	if (relation == NULL)
		return NULL;
	desc = RelationGetDescr(relation);
	good = desc->natts == ncolumns && relation->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED &&
		   relation->rd_rel->relam == HEAP_TABLE_AM_OID;
	for (int i = 0; good && i < ncolumns; i++)
		good = TupleDescAttr(desc, i)->atttypid == types[i] && !TupleDescAttr(desc, i)->attisdropped &&
			   (TupleDescAttr(desc, i)->attstorage == TYPSTORAGE_PLAIN);
	if (good)
		return relation;
	table_close(relation, mode);
	return NULL;
}

/* ---- filling ---- */

struct LprCacheFill
{
	MemoryContext context;
	MemoryContext rows; /* of the batch */
	TupleDesc desc;
	Oid leaf;
	TimestampTz expires_at;
	int64 answer;
	int n;
	HeapTuple tuples[BATCH];
	TupleTableSlot *slots[BATCH]; /* made once */
	int64 reads;
	int nruns;
	int32 runs[2 * RUNS_MAX];
	bool broken;
};

LprCacheFill *
lpr_cache_table_fill(MemoryContext context, TimestampTz expires_at, int64 answer)
{
	Oid leaf;
	Relation relation;
	LprCacheFill *fill;
	MemoryContext own;

	/* A row needs a transaction id, which a transaction with parallel workers must not take. */
	if (IsInParallelMode() || RecoveryInProgress())
		return NULL;
	leaf = leaf_of("cache_read", expires_at);
	relation = open_leaf(leaf, AccessShareLock, read_types, READ_COLUMNS);
	if (relation == NULL)
		return NULL;
	own = AllocSetContextCreate(context, "lpr cache fill", ALLOCSET_DEFAULT_SIZES);
	fill = MemoryContextAllocZero(own, sizeof(LprCacheFill));
	fill->context = own;
	fill->rows = AllocSetContextCreate(own, "lpr cache rows", ALLOCSET_DEFAULT_SIZES);
	fill->leaf = leaf;
	fill->expires_at = expires_at;
	fill->answer = answer;
	{
		MemoryContext old = MemoryContextSwitchTo(own);

		fill->desc = CreateTupleDescCopy(RelationGetDescr(relation));
		MemoryContextSwitchTo(old);
	}
	table_close(relation, AccessShareLock);
	return fill;
}

static void
note_block(LprCacheFill *fill, BlockNumber block)
{
	int32 *last = fill->nruns > 0 ? &fill->runs[2 * (fill->nruns - 1)] : NULL;

	if (last != NULL && block >= (BlockNumber) last[0] && block < (BlockNumber) last[0] + last[1])
		return;
	if (last != NULL && block == (BlockNumber) last[0] + last[1])
	{
		last[1]++;
		return;
	}
	if (fill->nruns == RUNS_MAX)
	{
		fill->broken = true;
		return;
	}
	fill->runs[2 * fill->nruns] = (int32) block;
	fill->runs[2 * fill->nruns + 1] = 1;
	fill->nruns++;
}

/*
 * Runs what writes to the cache. What goes wrong with that, such as a full disk, is no reason why the answer should not be shown: it is not kept, and whoever
 * asked is told. But who is cancelled is cancelled.
 */
static bool
write_or_forget(void (*write)(void *), void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool good = true;

	BeginInternalSubTransaction("lpr cache");
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		write(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION)
			ReThrowError(error);
		ereport(WARNING, (errmsg("this answer is not kept"), errdetail("%s.", error->message),
						  errhint("It is asked anew the next time, and nothing can be saved from it.")));
		FreeErrorData(error);
		good = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return good;
}

static void
write_reads(void *arg)
{
	LprCacheFill *fill = arg;
	Relation relation;
	MemoryContext old;

	relation = open_leaf(fill->leaf, RowExclusiveLock, read_types, READ_COLUMNS);
	if (relation == NULL || GetCurrentTimestamp() >= fill->expires_at)
	{
		if (relation != NULL)
			table_close(relation, RowExclusiveLock);
		fill->broken = true;
		return;
	}
	old = MemoryContextSwitchTo(fill->context);
	for (int i = 0; i < fill->n; i++)
	{
		if (fill->slots[i] == NULL)
			fill->slots[i] = MakeSingleTupleTableSlot(fill->desc, &TTSOpsHeapTuple);
		ExecStoreHeapTuple(fill->tuples[i], fill->slots[i], false);
	}
	MemoryContextSwitchTo(fill->rows);
	/*
	 * Pages of our own: another session's rows do not come between ours. No ring of buffers: unlogged pages are written out only when their buffers are
	 * needed, and may well be gone before.
	 */
	heap_multi_insert(relation, fill->slots, fill->n, GetCurrentCommandId(true),
					  HEAP_INSERT_FROZEN | HEAP_INSERT_SKIP_FSM, NULL);
	for (int i = 0; i < fill->n; i++)
	{
		note_block(fill, ItemPointerGetBlockNumber(&fill->slots[i]->tts_tid));
		ExecClearTuple(fill->slots[i]);
	}
	MemoryContextSwitchTo(old);
	table_close(relation, RowExclusiveLock);
	fill->n = 0;
	MemoryContextReset(fill->rows);
}

static void
flush(LprCacheFill *fill)
{
	if (fill->n > 0 && !fill->broken && !write_or_forget(write_reads, fill))
		fill->broken = true;
}

/* A text with the shortest header. */
static Datum
put_text(char **to, const char *data, size_t len, bool *isnull)
{
	char *at = *to;

	*isnull = data == NULL;
	if (data == NULL)
		return (Datum) 0;
	if (len + VARHDRSZ_SHORT <= VARATT_SHORT_MAX)
	{
		SET_VARSIZE_SHORT(at, len + VARHDRSZ_SHORT);
		memcpy(at + VARHDRSZ_SHORT, data, len);
		*to = at + VARHDRSZ_SHORT + len;
	}
	else
	{
		at = (char *) INTALIGN(at);
		SET_VARSIZE(at, len + VARHDRSZ);
		memcpy(at + VARHDRSZ, data, len);
		*to = at + VARHDRSZ + len;
	}
	return PointerGetDatum(at);
}

static Datum
put_slice(char **to, LprSlice slice, bool *isnull)
{
	return put_text(to, slice.data, slice.len, isnull);
}

/*
 * Pages are what keeping costs. The two images of a read have addresses that begin alike, and most plates are written as they are: the one is kept as two hexadecimal
 * digits of how much is shared and the rest, the other as an empty text.
 */
static Datum
put_vehicle_image(char **to, const LprRead *read, bool *isnull)
{
	char address[LPR_IMAGE_URL_MAX + 3];
	size_t shared = 0;
	size_t most = Min(Min(read->plate_image.len, read->vehicle_image.len), 255);

	*isnull = read->vehicle_image.data == NULL;
	if (*isnull || read->vehicle_image.len > LPR_IMAGE_URL_MAX)
		return (Datum) 0;
	while (read->plate_image.data != NULL && shared < most &&
		   read->plate_image.data[shared] == read->vehicle_image.data[shared])
		shared++;
	snprintf(address, 3, "%02x", (unsigned) shared);
	memcpy(address + 2, read->vehicle_image.data + shared, read->vehicle_image.len - shared);
	return put_text(to, address, read->vehicle_image.len - shared + 2, isnull);
}

static Datum
put_plate_as_read(char **to, const LprRead *read, bool *isnull)
{
	if (read->plate_as_read.data != NULL && read->plate_as_read.len == read->plate_len &&
		memcmp(read->plate_as_read.data, read->plate, read->plate_len) == 0)
		return put_text(to, "", 0, isnull);
	return put_slice(to, read->plate_as_read, isnull);
}

bool
lpr_cache_table_add(LprCacheFill *fill, const LprRead *read)
{
	Datum values[READ_COLUMNS];
	bool nulls[READ_COLUMNS] = {false};
	char buffer[ROW_MAX + READ_COLUMNS * 8];
	char *to = buffer;
	size_t len = read->plate_len + 4;
	const LprSlice texts[] = {read->id,           read->plate_as_read, read->country,     read->address,
							  read->camera_id,    read->camera_owner,  read->camera_type, read->camera_region,
							  read->make,         read->model,         read->color,       read->plate_image,
							  read->vehicle_image};
	MemoryContext old;

	for (size_t i = 0; i < lengthof(texts); i++)
		len += texts[i].data != NULL ? texts[i].len : 0;
	if (fill->broken || len > ROW_MAX)
	{
		fill->broken = true;
		return false;
	}
	values[READ_EXPIRES_AT] = TimestampTzGetDatum(fill->expires_at);
	values[READ_ANSWER] = Int64GetDatum(fill->answer);
	values[READ_CAPTURED_AT] = TimestampTzGetDatum(read->captured_at);
	values[READ_LATITUDE] = Float8GetDatum(read->latitude);
	values[READ_LONGITUDE] = Float8GetDatum(read->longitude);
	nulls[READ_CONFIDENCE] = !read->has_confidence;
	values[READ_CONFIDENCE] = Float8GetDatum(read->confidence);
	values[READ_ID] = put_slice(&to, read->id, &nulls[READ_ID]);
	values[READ_PLATE] = put_text(&to, read->plate, read->plate_len, &nulls[READ_PLATE]);
	values[READ_PLATE_AS_READ] = put_plate_as_read(&to, read, &nulls[READ_PLATE_AS_READ]);
	values[READ_PLATE_REGION] = put_text(&to, read->plate_region[0] != '\0' ? read->plate_region : NULL,
										 strlen(read->plate_region), &nulls[READ_PLATE_REGION]);
	values[READ_COUNTRY] = put_slice(&to, read->country, &nulls[READ_COUNTRY]);
	values[READ_ADDRESS] = put_slice(&to, read->address, &nulls[READ_ADDRESS]);
	values[READ_CAMERA_ID] = put_slice(&to, read->camera_id, &nulls[READ_CAMERA_ID]);
	values[READ_CAMERA_OWNER] = put_slice(&to, read->camera_owner, &nulls[READ_CAMERA_OWNER]);
	values[READ_CAMERA_TYPE] = put_slice(&to, read->camera_type, &nulls[READ_CAMERA_TYPE]);
	values[READ_CAMERA_REGION] = put_slice(&to, read->camera_region, &nulls[READ_CAMERA_REGION]);
	values[READ_MAKE] = put_slice(&to, read->make, &nulls[READ_MAKE]);
	values[READ_MODEL] = put_slice(&to, read->model, &nulls[READ_MODEL]);
	values[READ_COLOR] = put_slice(&to, read->color, &nulls[READ_COLOR]);
	values[READ_PLATE_IMAGE] = put_slice(&to, read->plate_image, &nulls[READ_PLATE_IMAGE]);
	values[READ_VEHICLE_IMAGE] = put_vehicle_image(&to, read, &nulls[READ_VEHICLE_IMAGE]);
	old = MemoryContextSwitchTo(fill->rows);
	fill->tuples[fill->n++] = heap_form_tuple(fill->desc, values, nulls);
	MemoryContextSwitchTo(old);
	fill->reads++;
	if (fill->n == BATCH)
		flush(fill);
	return !fill->broken;
}

bool
lpr_cache_table_finish(LprCacheFill *fill, LprCacheAnswer *answer)
{
	bool kept;

	flush(fill);
	kept = !fill->broken;
	if (kept)
	{
		answer->expires_at = fill->expires_at;
		answer->answer = fill->answer;
		answer->reads = fill->reads;
		answer->nruns = fill->nruns;
		answer->runs = fill->runs;
		lpr_cache_table_add_answer(answer);
	}
	MemoryContextDelete(fill->context);
	return kept;
}

static void
write_answer(void *arg)
{
	const LprCacheAnswer *answer = arg;
	Relation relation;
	Datum values[ANSWER_COLUMNS];
	bool nulls[ANSWER_COLUMNS] = {false};
	Datum *blocks = palloc((2 * answer->nruns + 1) * sizeof(Datum));
	bytea *key = palloc(VARHDRSZ + LPR_DIGEST_LEN);
	EState *estate;
	ResultRelInfo *result;
	TupleTableSlot *slot;

	if (IsInParallelMode() || GetCurrentTimestamp() >= answer->expires_at)
		return;
	relation = open_leaf(leaf_of("cache_answer", answer->expires_at), RowExclusiveLock, answer_types, ANSWER_COLUMNS);
	if (relation == NULL)
		return;
	for (int i = 0; i < 2 * answer->nruns; i++)
		blocks[i] = Int32GetDatum(answer->runs[i]);
	SET_VARSIZE(key, VARHDRSZ + LPR_DIGEST_LEN);
	memcpy(VARDATA(key), answer->key.bytes, LPR_DIGEST_LEN);
	values[ANSWER_EXPIRES_AT] = TimestampTzGetDatum(answer->expires_at);
	nulls[ANSWER_KEY] = !answer->has_key;
	values[ANSWER_KEY] = PointerGetDatum(key);
	values[ANSWER_ASK] = Int64GetDatum(answer->ask);
	values[ANSWER_ANSWER] = Int64GetDatum(answer->answer);
	values[ANSWER_LOGIN] = CStringGetTextDatum(answer->login);
	values[ANSWER_EVENT_ID] = Int64GetDatum(answer->event_id);
	values[ANSWER_SOURCE] = CStringGetTextDatum(answer->source);
	values[ANSWER_COMPLETE] = BoolGetDatum(answer->complete);
	values[ANSWER_SORTED] = Int16GetDatum((int16) answer->sorted);
	values[ANSWER_MATCHED] = Int16GetDatum((int16) answer->matched);
	values[ANSWER_SINCE] = TimestampTzGetDatum(answer->since);
	values[ANSWER_UNTIL] = TimestampTzGetDatum(answer->until);
	values[ANSWER_OPEN_UNTIL] = BoolGetDatum(answer->open_until);
	values[ANSWER_FETCHED_AT] = TimestampTzGetDatum(answer->fetched_at);
	values[ANSWER_READS] = Int64GetDatum(answer->reads);
	values[ANSWER_BLOCKS] =
		PointerGetDatum(construct_array(blocks, 2 * answer->nruns, INT4OID, sizeof(int32), true, TYPALIGN_INT));

	estate = CreateExecutorState();
	result = makeNode(ResultRelInfo);
	InitResultRelInfo(result, relation, 1, NULL, 0);
	ExecOpenIndices(result, false);
	slot = MakeSingleTupleTableSlot(RelationGetDescr(relation), table_slot_callbacks(relation));
	memcpy(slot->tts_values, values, sizeof(values));
	memcpy(slot->tts_isnull, nulls, sizeof(nulls));
	ExecStoreVirtualTuple(slot);
	table_tuple_insert(relation, slot, GetCurrentCommandId(true), HEAP_INSERT_FROZEN, NULL);
	lpr_insert_index_entries(result, slot, estate);
	ExecDropSingleTupleTableSlot(slot);
	/* Unlike ExecCloseIndices we keep no locks. */
	for (int i = 0; i < result->ri_NumIndices; i++)
		index_close(result->ri_IndexRelationDescs[i], RowExclusiveLock);
	FreeExecutorState(estate);
	table_close(relation, RowExclusiveLock);
}

void
lpr_cache_table_add_answer(const LprCacheAnswer *answer)
{
	(void) write_or_forget(write_answer, unconstify(LprCacheAnswer *, answer));
}

/* ---- finding ---- */

static bool
read_answer(TupleDesc desc, HeapTuple tuple, LprCacheAnswer *answer)
{
	Datum values[ANSWER_COLUMNS];
	bool nulls[ANSWER_COLUMNS];
	bytea *key;
	Datum *blocks;
	int nblocks;

	heap_deform_tuple(tuple, desc, values, nulls);
	for (int i = 0; i < ANSWER_COLUMNS; i++)
		if (nulls[i] && i != ANSWER_KEY)
			return false;
	memset(answer, 0, sizeof(*answer));
	answer->expires_at = DatumGetTimestampTz(values[ANSWER_EXPIRES_AT]);
	answer->has_key = !nulls[ANSWER_KEY];
	if (answer->has_key)
	{
		key = DatumGetByteaPP(values[ANSWER_KEY]);
		if (VARSIZE_ANY_EXHDR(key) != LPR_DIGEST_LEN)
			return false;
		memcpy(answer->key.bytes, VARDATA_ANY(key), LPR_DIGEST_LEN);
	}
	answer->ask = DatumGetInt64(values[ANSWER_ASK]);
	answer->answer = DatumGetInt64(values[ANSWER_ANSWER]);
	strlcpy(answer->login, TextDatumGetCString(values[ANSWER_LOGIN]), NAMEDATALEN);
	answer->event_id = DatumGetInt64(values[ANSWER_EVENT_ID]);
	strlcpy(answer->source, TextDatumGetCString(values[ANSWER_SOURCE]), NAMEDATALEN);
	answer->complete = DatumGetBool(values[ANSWER_COMPLETE]);
	answer->sorted = (LprOrder) DatumGetInt16(values[ANSWER_SORTED]);
	answer->matched = (LprCacheMatched) DatumGetInt16(values[ANSWER_MATCHED]);
	answer->since = DatumGetTimestampTz(values[ANSWER_SINCE]);
	answer->until = DatumGetTimestampTz(values[ANSWER_UNTIL]);
	answer->open_until = DatumGetBool(values[ANSWER_OPEN_UNTIL]);
	answer->fetched_at = DatumGetTimestampTz(values[ANSWER_FETCHED_AT]);
	answer->reads = DatumGetInt64(values[ANSWER_READS]);
	deconstruct_array(DatumGetArrayTypeP(values[ANSWER_BLOCKS]), INT4OID, sizeof(int32), true, TYPALIGN_INT, &blocks,
					  NULL, &nblocks);
	answer->nruns = nblocks / 2;
	answer->runs = palloc((nblocks + 1) * sizeof(int32));
	for (int i = 0; i < nblocks; i++)
		answer->runs[i] = DatumGetInt32(blocks[i]);
	return true;
}

/* The hours in which something may expire that has not yet, the last first. */
static void
visit_hours(const LprDigest *key, LprCacheVisit visit, void *arg, const char *login, int64 event_id)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz hour = now - now % USECS_PER_HOUR;
	bool go_on = true;

	for (int i = HOURS; i > 0 && go_on; i--)
	{
		TimestampTz expires_at = hour + i * USECS_PER_HOUR;
		Relation relation =
			open_leaf(leaf_of("cache_answer", expires_at), AccessShareLock, answer_types, ANSWER_COLUMNS);
		ScanKeyData scan_key;
		SysScanDesc scan;
		HeapTuple tuple;
		List *indexes;
		bytea *wanted = palloc(VARHDRSZ + LPR_DIGEST_LEN);

		if (relation == NULL)
			continue;
		indexes = RelationGetIndexList(relation);
		if (key != NULL)
		{
			SET_VARSIZE(wanted, VARHDRSZ + LPR_DIGEST_LEN);
			memcpy(VARDATA(wanted), key->bytes, LPR_DIGEST_LEN);
			ScanKeyInit(&scan_key, ANSWER_KEY + 1, BTEqualStrategyNumber, F_BYTEAEQ, PointerGetDatum(wanted));
		}
		scan = systable_beginscan(relation, key != NULL && indexes != NIL ? linitial_oid(indexes) : InvalidOid,
								  key != NULL && indexes != NIL, GetActiveSnapshot(), key != NULL ? 1 : 0, &scan_key);
		while (go_on && (tuple = systable_getnext(scan)) != NULL)
		{
			LprCacheAnswer answer;

			if (!read_answer(RelationGetDescr(relation), tuple, &answer) || answer.expires_at <= now)
				continue;
			if (login != NULL && (strcmp(answer.login, login) != 0 || answer.event_id != event_id))
				continue;
			go_on = visit(&answer, arg);
		}
		systable_endscan(scan);
		list_free(indexes);
		table_close(relation, AccessShareLock);
	}
}

void
lpr_cache_table_find(const LprDigest *key, LprCacheVisit visit, void *arg)
{
	visit_hours(key, visit, arg, NULL, 0);
}

void
lpr_cache_table_shown(const char *login, int64 event_id, LprCacheVisit visit, void *arg)
{
	visit_hours(NULL, visit, arg, login, event_id);
}

/* ---- walking ---- */

struct LprCacheWalk
{
	LprCacheAnswer answer;
	Oid leaf;
	TupleDesc desc;
	int run;
	int block; /* of the run */
	int npages;
	int page;
	OffsetNumber line;
	char *pages;
	char vehicle_image[LPR_IMAGE_URL_MAX]; /* of the read at hand */
};

LprCacheWalk *
lpr_cache_table_walk(MemoryContext context, const LprCacheAnswer *answer)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	LprCacheWalk *walk = palloc0(sizeof(LprCacheWalk));

	walk->answer = *answer;
	walk->answer.runs = palloc((2 * answer->nruns + 1) * sizeof(int32));
	memcpy(walk->answer.runs, answer->runs, 2 * answer->nruns * sizeof(int32));
	walk->leaf = leaf_of("cache_read", answer->expires_at);
	walk->pages = palloc(PAGES_ONCE * BLCKSZ);
	MemoryContextSwitchTo(old);
	return walk;
}

/* Copies the next pages, with the lock for just as long. False at the end. */
static bool
take_pages(LprCacheWalk *walk, bool *gone)
{
	Relation relation;
	BlockNumber most;

	walk->npages = walk->page = 0;
	walk->line = FirstOffsetNumber;
	if (walk->run >= walk->answer.nruns)
		return false;
	relation = GetCurrentTimestamp() < walk->answer.expires_at
				   ? open_leaf(walk->leaf, AccessShareLock, read_types, READ_COLUMNS)
				   : NULL;
	*gone = relation == NULL;
	if (*gone)
		return false;
	if (walk->desc == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(walk));

		walk->desc = CreateTupleDescCopy(RelationGetDescr(relation));
		MemoryContextSwitchTo(old);
	}
	most = RelationGetNumberOfBlocks(relation);
	while (walk->npages < PAGES_ONCE && walk->run < walk->answer.nruns)
	{
		BlockNumber block = (BlockNumber) walk->answer.runs[2 * walk->run] + walk->block;
		Buffer buffer;

		if (block >= most)
		{
			*gone = true; /* emptied by a crash */
			break;
		}
		buffer = ReadBuffer(relation, block);
		LockBuffer(buffer, BUFFER_LOCK_SHARE);
		memcpy(walk->pages + walk->npages * BLCKSZ, BufferGetPage(buffer), BLCKSZ);
		UnlockReleaseBuffer(buffer);
		walk->npages++;
		if (++walk->block >= walk->answer.runs[2 * walk->run + 1])
		{
			walk->run++;
			walk->block = 0;
		}
	}
	table_close(relation, AccessShareLock);
	return walk->npages > 0;
}

static LprSlice
take_text(Datum value, bool isnull)
{
	text *t = isnull ? NULL : (text *) DatumGetPointer(value);

	return isnull ? (LprSlice){NULL, 0} : (LprSlice){VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
}

/* See put_vehicle_image. What is not as it was written there is none. */
static LprSlice
take_vehicle_image(LprCacheWalk *walk, LprSlice plate_image, LprSlice kept)
{
	char digits[3] = {0};
	size_t shared, rest;

	if (kept.data == NULL || kept.len < 2)
		return (LprSlice){NULL, 0};
	memcpy(digits, kept.data, 2);
	shared = strtoul(digits, NULL, 16);
	rest = kept.len - 2;
	if (shared > plate_image.len || shared + rest > sizeof(walk->vehicle_image))
		return (LprSlice){NULL, 0};
	if (shared > 0)
		memcpy(walk->vehicle_image, plate_image.data, shared);
	memcpy(walk->vehicle_image + shared, kept.data + 2, rest);
	return (LprSlice){walk->vehicle_image, shared + rest};
}

static bool
take_row(LprCacheWalk *walk, HeapTuple tuple, LprRead *read)
{
	Datum values[READ_COLUMNS];
	bool nulls[READ_COLUMNS];
	LprSlice plate, region;

	heap_deform_tuple(tuple, walk->desc, values, nulls);
	if (DatumGetInt64(values[READ_ANSWER]) != walk->answer.answer)
		return false;
	memset(read, 0, sizeof(*read));
	read->captured_at = DatumGetTimestampTz(values[READ_CAPTURED_AT]);
	read->has_point = true;
	read->latitude = DatumGetFloat8(values[READ_LATITUDE]);
	read->longitude = DatumGetFloat8(values[READ_LONGITUDE]);
	read->has_confidence = !nulls[READ_CONFIDENCE];
	read->confidence = read->has_confidence ? DatumGetFloat8(values[READ_CONFIDENCE]) : 0;
	read->id = take_text(values[READ_ID], nulls[READ_ID]);
	plate = take_text(values[READ_PLATE], nulls[READ_PLATE]);
	region = take_text(values[READ_PLATE_REGION], nulls[READ_PLATE_REGION]);
	if (plate.data == NULL || plate.len >= LPR_PLATE_ROOM || region.len >= sizeof(read->plate_region))
		return false;
	memcpy(read->plate, plate.data, plate.len);
	read->plate_len = plate.len;
	if (region.len > 0)
		memcpy(read->plate_region, region.data, region.len);
	read->plate_as_read = take_text(values[READ_PLATE_AS_READ], nulls[READ_PLATE_AS_READ]);
	if (read->plate_as_read.data != NULL && read->plate_as_read.len == 0)
		read->plate_as_read = (LprSlice){read->plate, read->plate_len};
	read->country = take_text(values[READ_COUNTRY], nulls[READ_COUNTRY]);
	read->address = take_text(values[READ_ADDRESS], nulls[READ_ADDRESS]);
	read->camera_id = take_text(values[READ_CAMERA_ID], nulls[READ_CAMERA_ID]);
	read->camera_owner = take_text(values[READ_CAMERA_OWNER], nulls[READ_CAMERA_OWNER]);
	read->camera_type = take_text(values[READ_CAMERA_TYPE], nulls[READ_CAMERA_TYPE]);
	read->camera_region = take_text(values[READ_CAMERA_REGION], nulls[READ_CAMERA_REGION]);
	read->make = take_text(values[READ_MAKE], nulls[READ_MAKE]);
	read->model = take_text(values[READ_MODEL], nulls[READ_MODEL]);
	read->color = take_text(values[READ_COLOR], nulls[READ_COLOR]);
	read->plate_image = take_text(values[READ_PLATE_IMAGE], nulls[READ_PLATE_IMAGE]);
	read->vehicle_image =
		take_vehicle_image(walk, read->plate_image, take_text(values[READ_VEHICLE_IMAGE], nulls[READ_VEHICLE_IMAGE]));
	return true;
}

bool
lpr_cache_table_next(LprCacheWalk *walk, LprRead *read, bool *gone)
{
	*gone = false;
	for (;;)
	{
		Page page;
		ItemId item;
		HeapTupleData tuple;

		if (walk->page >= walk->npages)
		{
			CHECK_FOR_INTERRUPTS();
			if (!take_pages(walk, gone))
				return false;
		}
		page = (Page) (walk->pages + walk->page * BLCKSZ);
		if (PageIsNew(page) || walk->line > PageGetMaxOffsetNumber(page))
		{
			walk->page++;
			walk->line = FirstOffsetNumber;
			continue;
		}
		item = PageGetItemId(page, walk->line++);
		if (!ItemIdIsNormal(item))
			continue;
		tuple.t_data = (HeapTupleHeader) PageGetItem(page, item);
		tuple.t_len = ItemIdGetLength(item);
		tuple.t_tableOid = walk->leaf;
		ItemPointerSetInvalid(&tuple.t_self);
		if (HeapTupleHeaderXminFrozen(tuple.t_data) && take_row(walk, &tuple, read))
			return true;
	}
}
