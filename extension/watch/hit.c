/*
 * hit.c: reads that vendors told, batch by batch: filtered as any answer, held against the items by
 * lpr_data.store_hits(), and those of watched plates into the cache.
 */
#include "watch/hit.h"

#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "executor/spi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "cache/cache_write.h"
#include "format/payload.h"
#include "format/tree.h"
#include "gate/answer.h"
#include "gate/query_stats.h"

#define BATCH 1000 /* reads that are held against the items at once */

struct LprHitStore
{
	MemoryContext context;
	MemoryContext batch; /* the reads that have gathered */
	MemoryContextCallback callback;
	const char *source;
	int64 ask;
	TimestampTz expires_at;
	LprQuery query; /* for the filter: anything within five years */
	LprSeen *seen;  /* ids of this answer */
	int n;
	LprRead *reads;
	LprHitCounts counts;
	LprCacheWrite *fill; /* NULL: not yet, or it cannot be */
	LprSalts salts;
	LprTree tree;
	LprText scratch;
};

static void
free_store(void *arg)
{
	LprHitStore *store = arg;

	lpr_seen_free(store->seen);
	lpr_text_free(&store->scratch);
}

void
lpr_hit_key(int64 ask, LprDigest *key)
{
	/* Keys of questions begin with another number (cache.c). */
	int64 numbers[] = {2, ask};
	LprHash hash;

	lpr_hash_start(&hash);
	lpr_hash_add(&hash, numbers, sizeof(numbers));
	lpr_hash_end(&hash, key);
}

/* The one value of a statement; ERROR when there is none. */
static Datum
fetch(const char *sql, int nargs, Oid *types, Datum *args)
{
	bool isnull = true;
	Datum value = (Datum) 0;

	if (SPI_execute_with_args(sql, nargs, types, args, NULL, false, 1) == SPI_OK_SELECT && SPI_processed == 1)
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	if (isnull)
		elog(ERROR, "nothing comes of %s", sql);
	return value;
}

static TimestampTz
find_expiry(void)
{
	TimestampTz expires_at;

	SPI_connect();
	expires_at = DatumGetTimestampTz(fetch("SELECT lpr_data.hit_expiry()", 0, NULL, NULL));
	SPI_finish();
	return expires_at;
}

LprHitStore *
lpr_hit_store_begin(MemoryContext context, const char *source, int64 ask)
{
	MemoryContext own = AllocSetContextCreate(context, "lpr hits", ALLOCSET_DEFAULT_SIZES);
	LprHitStore *store = MemoryContextAllocZero(own, sizeof(LprHitStore));
	TimestampTz now = GetCurrentTimestamp();
	uint8_t seed[LPR_SEED_LEN];

	store->context = own;
	store->batch = AllocSetContextCreate(own, "lpr hits: batch", ALLOCSET_DEFAULT_SIZES);
	store->source = MemoryContextStrdup(own, source);
	store->ask = ask;
	store->reads = MemoryContextAlloc(own, BATCH * sizeof(LprRead));
	store->query = (LprQuery){
		.mode = LPR_MODE_PLATE, .from = lpr_five_years_before(now), .until = now + LPR_CLOCK_SKEW, .asked_at = now};
	store->callback = (MemoryContextCallback){.func = free_store, .arg = store};
	MemoryContextRegisterResetCallback(own, &store->callback);
	store->seen = lpr_seen_new(pg_prng_uint64(&pg_global_prng_state));
	if (store->seen == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (!pg_strong_random(seed, sizeof(seed)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
	lpr_salts_start(&store->salts, seed);
	store->counts.oldest = store->counts.newest = LPR_MOMENT_NONE;
	store->counts.cached = true;
	store->expires_at = find_expiry();
	return store;
}

/* Slices of a vendor's page do not outlive it. */
static LprSlice
keep_slice(LprSlice slice)
{
	char *copy;

	if (slice.data == NULL)
		return slice;
	copy = palloc(slice.len + 1);
	memcpy(copy, slice.data, slice.len);
	copy[slice.len] = '\0';
	return (LprSlice){copy, slice.len};
}

static void
keep_read(LprHitStore *store, const LprRead *read)
{
	LprRead *kept = &store->reads[store->n++];
	LprSlice *const slices[] = {&kept->id,           &kept->plate_as_read, &kept->camera_id,     &kept->camera_owner,
								&kept->camera_type,  &kept->address,       &kept->camera_region, &kept->country,
								&kept->make,         &kept->model,         &kept->color,         &kept->plate_image,
								&kept->vehicle_image};
	MemoryContext old = MemoryContextSwitchTo(store->batch);

	*kept = *read;
	for (size_t i = 0; i < lengthof(slices); i++)
		*slices[i] = keep_slice(*slices[i]);
	MemoryContextSwitchTo(old);
}

/* What is kept goes into the digest whatever becomes of the cache: the record tells what came. */
static void
keep(LprHitStore *store, const LprRead *read, int64 place)
{
	LprHitCounts *counts = &store->counts;
	LprDigest details, leaf;

	if (place != counts->kept)
		elog(ERROR, "a hit is at place " INT64_FORMAT ", not " INT64_FORMAT, place, counts->kept);
	if (!lpr_answer_leaf(read, lpr_salts_at(&store->salts, (uint64) place), &store->scratch, &details, &leaf))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	lpr_tree_add(&store->tree, &leaf);
	if (counts->kept++ == 0)
		store->fill = lpr_cache_write(store->context, store->expires_at, store->ask);
	if (counts->oldest == LPR_MOMENT_NONE || read->captured_at < counts->oldest)
		counts->oldest = read->captured_at;
	if (counts->newest == LPR_MOMENT_NONE || read->captured_at > counts->newest)
		counts->newest = read->captured_at;
	if (store->fill == NULL || !lpr_cache_write_add(store->fill, read))
		counts->cached = false;
}

static Datum
array_of(Datum *values, int n, Oid type)
{
	return PointerGetDatum(type == TEXTOID
							   ? construct_array(values, n, TEXTOID, -1, false, TYPALIGN_INT)
							   : construct_array(values, n, type, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

/* A number that lpr_data.store_hits() returns; 0 with NULL. */
static int64
column(HeapTuple row, TupleDesc desc, int which, bool *isnull)
{
	Datum value = SPI_getbinval(row, desc, which, isnull);

	return *isnull ? 0 : DatumGetInt64(value);
}

typedef struct Kept
{
	const LprRead *read;
	int64 place;
} Kept;

static void
store_batch(LprHitStore *store)
{
	static const char sql[] = "SELECT * FROM lpr_data.store_hits($1, $2, $3, $4, $5, $6, $7)";
	Oid types[] = {TEXTOID, INT8OID, TIMESTAMPTZOID, INT8OID, TEXTARRAYOID, TEXTARRAYOID, TIMESTAMPTZARRAYOID};
	Datum ids[BATCH], plates[BATCH], captured[BATCH];
	Datum args[lengthof(types)];
	Kept kept[BATCH];
	int nkept = 0;
	int watched;

	if (store->n == 0)
		return;
	SPI_connect();
	for (int i = 0; i < store->n; i++)
	{
		const LprRead *read = &store->reads[i];

		ids[i] = PointerGetDatum(cstring_to_text_with_len(read->id.data, read->id.len));
		plates[i] = PointerGetDatum(cstring_to_text_with_len(read->plate, read->plate_len));
		captured[i] = TimestampTzGetDatum(read->captured_at);
	}
	args[0] = CStringGetTextDatum(store->source);
	args[1] = Int64GetDatum(store->ask);
	args[2] = TimestampTzGetDatum(store->expires_at);
	args[3] = Int64GetDatum(store->counts.kept);
	args[4] = array_of(ids, store->n, TEXTOID);
	args[5] = array_of(plates, store->n, TEXTOID);
	args[6] = array_of(captured, store->n, TIMESTAMPTZOID);
	if (SPI_execute_with_args(sql, lengthof(types), types, args, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not store hits");
	watched = (int) SPI_processed;
	for (int i = 0; i < watched; i++)
	{
		HeapTuple row = SPI_tuptable->vals[i];
		TupleDesc desc = SPI_tuptable->tupdesc;
		bool known;
		int64 read = column(row, desc, 1, &known);
		int64 place = column(row, desc, 2, &known);

		if (read < 1 || read > store->n)
			elog(ERROR, "lpr_data.store_hits() tells of read " INT64_FORMAT, read);
		if (known)
			store->counts.again++;
		else
			kept[nkept++] = (Kept){&store->reads[read - 1], place};
		store->counts.hits += column(row, desc, 3, &known);
	}
	SPI_finish();
	for (int i = 0; i < nkept; i++)
		keep(store, kept[i].read, kept[i].place);
	store->counts.unwatched += store->n - watched;
	store->n = 0;
	MemoryContextReset(store->batch);
}

void
lpr_hit_store_add(LprHitStore *store, const LprRead *read)
{
	LprDrop drop = lpr_filter(&store->query, store->query.from, read);
	bool failed = false;

	store->counts.told++;
	if (drop == LPR_DROP_NONE && !lpr_seen_add(store->seen, read->id, &failed))
		drop = LPR_DROP_REPEATED;
	if (failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (drop != LPR_DROP_NONE)
	{
		store->counts.drops[drop]++;
		return;
	}
	keep_read(store, read);
	if (store->n == BATCH)
		store_batch(store);
}

void
lpr_hit_store_malformed(LprHitStore *store)
{
	store->counts.told++;
	store->counts.drops[LPR_DROP_MALFORMED]++;
}

/* The answer's row, which its hits find it by: shown to nobody yet, for no event. */
static void
finish_cache(LprHitStore *store)
{
	LprCacheAnswer *answer = MemoryContextAllocZero(store->context, sizeof(LprCacheAnswer));

	if (store->fill == NULL)
		return;
	answer->has_key = true;
	lpr_hit_key(store->ask, &answer->key);
	answer->ask = store->ask;
	strlcpy(answer->source, store->source, NAMEDATALEN);
	answer->matched = LPR_MATCHED_PLATE;
	answer->since = store->counts.oldest;
	answer->until = store->counts.newest;
	answer->fetched_at = store->query.asked_at;
	memcpy(answer->seed, store->salts.seed, LPR_SEED_LEN);
	if (!lpr_cache_write_finish(store->fill, answer))
		store->counts.cached = false;
}

static void
announce(const LprHitStore *store)
{
	Oid types[] = {TEXTOID, INT8OID};
	Datum args[lengthof(types)];

	SPI_connect();
	args[0] = CStringGetTextDatum(store->source);
	args[1] = Int64GetDatum(store->ask);
	if (SPI_execute_with_args("SELECT lpr_data.announce_hits($1, $2)", lengthof(types), types, args, NULL, false, 0) !=
		SPI_OK_SELECT)
		elog(ERROR, "could not announce hits");
	SPI_finish();
}

void
lpr_hit_store_end(LprHitStore *store, LprHitCounts *counts)
{
	store_batch(store);
	finish_cache(store);
	lpr_tree_root(&store->tree, &store->counts.digest);
	if (store->counts.hits > 0)
		announce(store);
	*counts = store->counts;
	MemoryContextDelete(store->context);
}

void
lpr_hit_describe(LprText *payload, const LprHitCounts *counts)
{
	lpr_payload_integer(payload, "reads", counts->kept);
	lpr_payload_integer(payload, "received", counts->told);
	lpr_payload_integer(payload, "hits", counts->hits);
	lpr_payload_integer(payload, "again", counts->again);
	lpr_payload_integer(payload, "unwatched", counts->unwatched);
	lpr_payload_hex(payload, "digest", counts->digest.bytes, LPR_DIGEST_LEN);
	lpr_payload_integer(payload, "digest_version", LPR_READ_VERSION);
	lpr_payload_moment(payload, "oldest", counts->oldest);
	lpr_payload_moment(payload, "newest", counts->newest);
	lpr_payload_json(payload, "dropped", "{");
	for (int i = 0; i < LPR_DROPS; i++)
		if (counts->drops[i] > 0)
			lpr_payload_integer(payload, lpr_drop_name(i), counts->drops[i]);
	lpr_payload_close(payload);
}

bool
lpr_hit_wake(void)
{
	bool more;

	SPI_connect();
	more = DatumGetBool(fetch("SELECT lpr_data.wake_channels()", 0, NULL, NULL));
	SPI_finish();
	return more;
}
