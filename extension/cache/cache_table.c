/*
 * cache_table.c: the tables of an hour: how they are opened, and the rows of the answers.
 */
#include "cache/cache_table.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "cache/cache_internal.h"
#include "server/compat.h"
#include "server/data.h"
#include "server/read_value.h"

#define HOURS 25

/* Columns of lpr_data.cache_answer. */
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
	ANSWER_DIGEST_VERSION,
	ANSWER_SEED,
	ANSWER_SHOWN,
	ANSWER_DROPPED,
	ANSWER_ODD_VALUE,
	ANSWER_PLACES,
	ANSWER_COLUMNS
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
	[ANSWER_DIGEST_VERSION] = INT2OID,
	[ANSWER_SEED] = BYTEAOID,
	[ANSWER_SHOWN] = INT8OID,
	[ANSWER_DROPPED] = JSONBOID,
	[ANSWER_ODD_VALUE] = JSONBOID,
	[ANSWER_PLACES] = INT4ARRAYOID,
};

Oid
lpr_cache_partition(const char *kind, TimestampTz expires_at)
{
	pg_time_t seconds = timestamptz_to_time_t(expires_at);
	struct pg_tm *tm = pg_gmtime(&seconds);

	if (tm == NULL)
		return InvalidOid;
	return lpr_data_table(
		psprintf("%s_%04d%02d%02d%02d", kind, tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday, tm->tm_hour));
}

/* The partition, opened; NULL when it is gone, or is not as lpr made it: then nothing is cached. */
static Relation
open_partition(Oid partition, LOCKMODE mode, const Oid *types, int ncolumns)
{
	Relation relation = OidIsValid(partition) ? try_table_open(partition, mode) : NULL;
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

Relation
lpr_cache_open_reads(Oid partition, LOCKMODE mode)
{
	Oid types[READ_COLUMNS] = {[READ_EXPIRES_AT] = TIMESTAMPTZOID, [READ_ANSWER] = INT8OID};

	memcpy(types + READ_FIRST, lpr_column_types, LPR_COLUMNS_OF_READ * sizeof(Oid));
	return open_partition(partition, mode, types, READ_COLUMNS);
}

bool
lpr_cache_attempt(void (*write)(void *), void *arg)
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
		ereport(WARNING,
				(errmsg("this answer is not cached"), errdetail("%s.", error->message),
				 errhint("The vendor is asked again the next time, and nothing can be saved from this answer.")));
		FreeErrorData(error);
		good = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return good;
}

/* ---- answers ---- */

/* False when it is not as long as that. */
static bool
take_so_many_bytes(Datum datum, uint8 *bytes, size_t len)
{
	bytea *value = DatumGetByteaPP(datum);

	if (VARSIZE_ANY_EXHDR(value) != len)
		return false;
	memcpy(bytes, VARDATA_ANY(value), len);
	return true;
}

static Datum
integers(const int32 *values, int n)
{
	Datum *elements = palloc((n + 1) * sizeof(Datum));

	for (int i = 0; i < n; i++)
		elements[i] = Int32GetDatum(values[i]);
	return PointerGetDatum(construct_array(elements, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

static int32 *
take_integers(Datum array, int *n)
{
	Datum *elements;
	int32 *values;

	deconstruct_array(DatumGetArrayTypeP(array), INT4OID, sizeof(int32), true, TYPALIGN_INT, &elements, NULL, n);
	values = palloc((*n + 1) * sizeof(int32));
	for (int i = 0; i < *n; i++)
		values[i] = DatumGetInt32(elements[i]);
	return values;
}

static void
write_answer(void *arg)
{
	const LprCacheAnswer *answer = arg;
	Relation relation;
	Datum values[ANSWER_COLUMNS];
	bool nulls[ANSWER_COLUMNS] = {false};
	EState *estate;
	ResultRelInfo *result;
	TupleTableSlot *slot;

	if (IsInParallelMode() || GetCurrentTimestamp() >= answer->expires_at)
		return;
	relation = open_partition(lpr_cache_partition("cache_answer", answer->expires_at), RowExclusiveLock, answer_types,
							  ANSWER_COLUMNS);
	if (relation == NULL)
		return;
	values[ANSWER_EXPIRES_AT] = TimestampTzGetDatum(answer->expires_at);
	nulls[ANSWER_KEY] = !answer->has_key;
	values[ANSWER_KEY] = lpr_data_bytes(answer->key.bytes, LPR_DIGEST_LEN);
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
	values[ANSWER_BLOCKS] = integers(answer->runs, 2 * answer->nruns);
	values[ANSWER_DIGEST_VERSION] = Int16GetDatum(LPR_READ_VERSION);
	values[ANSWER_SEED] = lpr_data_bytes(answer->seed, LPR_SEED_LEN);
	values[ANSWER_SHOWN] = Int64GetDatum(answer->shown);
	values[ANSWER_DROPPED] = lpr_cache_told_dropped(&answer->told);
	values[ANSWER_ODD_VALUE] = lpr_cache_told_odd(&answer->told);
	nulls[ANSWER_PLACES] = answer->nplaces == 0;
	values[ANSWER_PLACES] = integers(answer->places, answer->nplaces);

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
	(void) lpr_cache_attempt(write_answer, unconstify(LprCacheAnswer *, answer));
}

static bool
read_answer(TupleDesc desc, HeapTuple tuple, LprCacheAnswer *answer)
{
	Datum values[ANSWER_COLUMNS];
	bool nulls[ANSWER_COLUMNS];
	int nblocks;

	heap_deform_tuple(tuple, desc, values, nulls);
	for (int i = 0; i < ANSWER_COLUMNS; i++)
		if (nulls[i] && i != ANSWER_KEY && i != ANSWER_PLACES)
			return false;
	/* What is saved of it must be proved by the digest that its record has. */
	if (DatumGetInt16(values[ANSWER_DIGEST_VERSION]) != LPR_READ_VERSION)
		return false;
	memset(answer, 0, sizeof(*answer));
	answer->expires_at = DatumGetTimestampTz(values[ANSWER_EXPIRES_AT]);
	answer->has_key = !nulls[ANSWER_KEY];
	if ((answer->has_key && !take_so_many_bytes(values[ANSWER_KEY], answer->key.bytes, LPR_DIGEST_LEN)) ||
		!take_so_many_bytes(values[ANSWER_SEED], answer->seed, LPR_SEED_LEN) ||
		!lpr_cache_told_take(&answer->told, values[ANSWER_DROPPED], values[ANSWER_ODD_VALUE]))
		return false;
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
	answer->shown = DatumGetInt64(values[ANSWER_SHOWN]);
	answer->runs = take_integers(values[ANSWER_BLOCKS], &nblocks);
	answer->nruns = nblocks / 2;
	if (!nulls[ANSWER_PLACES])
		answer->places = take_integers(values[ANSWER_PLACES], &answer->nplaces);
	return true;
}

typedef struct Visit
{
	const LprDigest *key; /* or */
	const char *login;    /* and */
	int64 event_id;
	LprCacheVisit visit;
	void *arg;
	TimestampTz now;
} Visit;

/* The answers of one hour; false when the visitor wants no more. */
static bool
visit_hour(const Visit *whose, TimestampTz expires_at)
{
	Relation relation =
		open_partition(lpr_cache_partition("cache_answer", expires_at), AccessShareLock, answer_types, ANSWER_COLUMNS);
	bool by_key = whose->key != NULL;
	bool go_on = true;
	ScanKeyData scan_key;
	SysScanDesc scan;
	HeapTuple tuple;
	List *indexes;

	if (relation == NULL)
		return true;
	indexes = RelationGetIndexList(relation);
	if (by_key)
		ScanKeyInit(&scan_key, ANSWER_KEY + 1, BTEqualStrategyNumber, F_BYTEAEQ,
					lpr_data_bytes(whose->key->bytes, LPR_DIGEST_LEN));
	scan = systable_beginscan(relation, by_key && indexes != NIL ? linitial_oid(indexes) : InvalidOid,
							  by_key && indexes != NIL, GetActiveSnapshot(), by_key ? 1 : 0, &scan_key);
	while (go_on && (tuple = systable_getnext(scan)) != NULL)
	{
		LprCacheAnswer answer;

		if (!read_answer(RelationGetDescr(relation), tuple, &answer) || answer.expires_at <= whose->now)
			continue;
		if (whose->login != NULL && (strcmp(answer.login, whose->login) != 0 || answer.event_id != whose->event_id))
			continue;
		go_on = whose->visit(&answer, whose->arg);
	}
	systable_endscan(scan);
	list_free(indexes);
	table_close(relation, AccessShareLock);
	return go_on;
}

/* The hours in which something may expire that has not yet, the last first. */
static void
visit_hours(const Visit *whose)
{
	TimestampTz hour = whose->now - whose->now % USECS_PER_HOUR;

	for (int i = HOURS; i > 0; i--)
		if (!visit_hour(whose, hour + i * USECS_PER_HOUR))
			break;
}

void
lpr_cache_table_find(const LprDigest *key, LprCacheVisit visit, void *arg)
{
	visit_hours(&(Visit){.key = key, .visit = visit, .arg = arg, .now = GetCurrentTimestamp()});
}

void
lpr_cache_table_find_at(const LprDigest *key, TimestampTz expires_at, LprCacheVisit visit, void *arg)
{
	(void) visit_hour(&(Visit){.key = key, .visit = visit, .arg = arg, .now = GetCurrentTimestamp()}, expires_at);
}

void
lpr_cache_table_shown(const char *login, int64 event_id, LprCacheVisit visit, void *arg)
{
	visit_hours(
		&(Visit){.login = login, .event_id = event_id, .visit = visit, .arg = arg, .now = GetCurrentTimestamp()});
}
