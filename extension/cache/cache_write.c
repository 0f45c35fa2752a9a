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
#define ROW_MAX  7000 /* bytes; an answer with a longer read is not cached */

struct LprCacheWrite
{
	MemoryContext context;
	MemoryContext rows; /* of the batch */
	TupleDesc desc;
	Oid partition;
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
	Oid partition;
	Relation relation;
	LprCacheWrite *fill;
	MemoryContext own;

	/* A row needs a transaction id, which a transaction with parallel workers must not take. */
	if (IsInParallelMode() || RecoveryInProgress())
		return NULL;
	partition = lpr_cache_partition("cache_read", expires_at);
	relation = lpr_cache_open_reads(partition, AccessShareLock);
	if (relation == NULL)
		return NULL;
	own = AllocSetContextCreate(context, "lpr cache fill", ALLOCSET_DEFAULT_SIZES);
	fill = MemoryContextAllocZero(own, sizeof(LprCacheWrite));
	fill->context = own;
	fill->rows = AllocSetContextCreate(own, "lpr cache rows", ALLOCSET_DEFAULT_SIZES);
	fill->partition = partition;
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

	relation = lpr_cache_open_reads(fill->partition, RowExclusiveLock);
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
	 * Pages of our own: another session's rows do not come between ours. No ring of buffers: unlogged pages are written
	 * out only when their buffers are needed, and may well be gone before.
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
pack_bytes(char **to, const char *data, size_t len, bool *isnull)
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

/* pack_KIND: a member of a read as the value of its column; texts go to *to. cache_read.c has the other half. */
static inline Datum
pack_moment(char **to, const LprRead *read, const LprMoment *moment, bool *isnull)
{
	return TimestampTzGetDatum(*moment);
}

static inline Datum
pack_degrees(char **to, const LprRead *read, const double *degrees, bool *isnull)
{
	*isnull = !read->has_point;
	return Float8GetDatum(*degrees);
}

static inline Datum
pack_confidence(char **to, const LprRead *read, const double *confidence, bool *isnull)
{
	*isnull = !read->has_confidence;
	return Float8GetDatum(*confidence);
}

static inline Datum
pack_text(char **to, const LprRead *read, const LprSlice *slice, bool *isnull)
{
	return pack_bytes(to, slice->data, slice->len, isnull);
}
#define pack_country pack_text
#define pack_word    pack_text
#define pack_image   pack_text

static inline Datum
pack_plate(char **to, const LprRead *read, const char (*plate)[LPR_PLATE_ROOM], bool *isnull)
{
	return pack_bytes(to, *plate, read->plate_len, isnull);
}

static inline Datum
pack_region(char **to, const LprRead *read, const char (*region)[3], bool *isnull)
{
	return pack_bytes(to, **region != '\0' ? *region : NULL, strlen(*region), isnull);
}

/* Most plates are read as they are: such a one is written as an empty text. */
static inline Datum
pack_as_read(char **to, const LprRead *read, const LprSlice *as_read, bool *isnull)
{
	if (as_read->data != NULL && as_read->len == read->plate_len &&
		memcmp(as_read->data, read->plate, read->plate_len) == 0)
		return pack_bytes(to, "", 0, isnull);
	return pack_text(to, read, as_read, isnull);
}

/*
 * Pages are what caching costs. The two images of a read have addresses that begin alike: this one is written as two
 * hexadecimal digits of how much it shares with that of the plate, and the rest.
 */
static inline Datum
pack_image_alike(char **to, const LprRead *read, const LprSlice *url, bool *isnull)
{
	char shortened[LPR_IMAGE_URL_MAX + 3];
	size_t shared = 0;
	size_t most = Min(Min(read->plate_image.len, url->len), 255);

	*isnull = url->data == NULL;
	if (*isnull || url->len > LPR_IMAGE_URL_MAX)
		return (Datum) 0;
	while (read->plate_image.data != NULL && shared < most && read->plate_image.data[shared] == url->data[shared])
		shared++;
	snprintf(shortened, 3, "%02x", (unsigned) shared);
	memcpy(shortened + 2, url->data + shared, url->len - shared);
	return pack_bytes(to, shortened, url->len - shared + 2, isnull);
}

#define PACK(symbol, name, kind, member, ...)                                                                          \
	values[READ_AT(symbol)] = pack_##kind(&to, read, &read->member, &nulls[READ_AT(symbol)]);

/* Room that the texts of a read take at most, besides their headers. */
#define ROOM_moment(member)                        0
#define ROOM_degrees(member)                       0
#define ROOM_confidence(member)                    0
#define ROOM_plate(member)                         read->plate_len
#define ROOM_region(member)                        sizeof(read->member)
#define ROOM_text(member)                          (read->member.data != NULL ? read->member.len : 0)
#define ROOM_country                               ROOM_text
#define ROOM_word                                  ROOM_text
#define ROOM_as_read                               ROOM_text
#define ROOM_image                                 ROOM_text
#define ROOM_image_alike                           ROOM_text
#define PLUS_ROOM(symbol, name, kind, member, ...) +ROOM_##kind(member)

bool
lpr_cache_write_add(LprCacheWrite *fill, const LprRead *read)
{
	Datum values[READ_COLUMNS];
	bool nulls[READ_COLUMNS] = {false};
	char buffer[ROW_MAX + READ_COLUMNS * 8];
	char *to = buffer;
	size_t room = 0 LPR_READ_COLUMNS(PLUS_ROOM);
	MemoryContext old;

	if (fill->broken || room > ROW_MAX)
	{
		fill->broken = true;
		return false;
	}
	values[READ_EXPIRES_AT] = TimestampTzGetDatum(fill->expires_at);
	values[READ_ANSWER] = Int64GetDatum(fill->answer);
	LPR_READ_COLUMNS(PACK)
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
	bool cached;

	flush(fill);
	cached = !fill->broken;
	if (cached)
	{
		answer->expires_at = fill->expires_at;
		answer->answer = fill->answer;
		answer->reads = answer->shown = fill->reads;
		answer->nruns = fill->nruns;
		answer->runs = fill->runs;
		lpr_cache_table_add_answer(answer);
	}
	MemoryContextDelete(fill->context);
	return cached;
}
