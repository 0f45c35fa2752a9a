/*
 * cache_write.c: reads on their way into an hour's table: gathered, and written page by page.
 */
#include "cache/cache_write.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "executor/executor.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "cache/cache_internal.h"

#define BATCH    2000 /* reads that are written at once */
#define RUNS_MAX 400  /* more of them, and an answer's row would not lie within a page */
#define ROW_MAX  7000 /* bytes; a read that is longer is not kept, and so its answer is not */

struct LprCacheWrite
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

LprCacheWrite *
lpr_cache_write(MemoryContext context, TimestampTz expires_at, int64 answer)
{
	Oid leaf;
	Relation relation;
	LprCacheWrite *fill;
	MemoryContext own;

	/* A row needs a transaction id, which a transaction with parallel workers must not take. */
	if (IsInParallelMode() || RecoveryInProgress())
		return NULL;
	leaf = lpr_cache_leaf("cache_read", expires_at);
	relation = lpr_cache_open_reads(leaf, AccessShareLock);
	if (relation == NULL)
		return NULL;
	own = AllocSetContextCreate(context, "lpr cache fill", ALLOCSET_DEFAULT_SIZES);
	fill = MemoryContextAllocZero(own, sizeof(LprCacheWrite));
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
note_block(LprCacheWrite *fill, BlockNumber block)
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

static void
write_reads(void *arg)
{
	LprCacheWrite *fill = arg;
	Relation relation;
	MemoryContext old;

	relation = lpr_cache_open_reads(fill->leaf, RowExclusiveLock);
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
flush(LprCacheWrite *fill)
{
	if (fill->n > 0 && !fill->broken && !lpr_cache_attempt(write_reads, fill))
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
lpr_cache_write_add(LprCacheWrite *fill, const LprRead *read)
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
lpr_cache_write_finish(LprCacheWrite *fill, LprCacheAnswer *answer)
{
	bool kept;

	flush(fill);
	kept = !fill->broken;
	if (kept)
	{
		answer->expires_at = fill->expires_at;
		answer->answer = fill->answer;
		answer->reads = answer->shown = fill->reads;
		answer->nruns = fill->nruns;
		answer->runs = fill->runs;
		lpr_cache_table_add_answer(answer);
	}
	MemoryContextDelete(fill->context);
	return kept;
}
