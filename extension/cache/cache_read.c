/*
 * cache_read.c: reads out of an hour's table, in the order in which they were written.
 */
#include "cache/cache_read.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "cache/cache_internal.h"

#define PAGES_ONCE 16

struct LprCacheRead
{
	LprCacheAnswer answer;
	Oid partition;
	TupleDesc desc;
	int run;
	int block; /* of the run */
	int npages;
	int page;
	OffsetNumber line;
	char *pages;
	char vehicle_image[LPR_IMAGE_URL_MAX]; /* of the read at hand */
};

LprCacheRead *
lpr_cache_read(MemoryContext context, const LprCacheAnswer *answer)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	LprCacheRead *walk = palloc0(sizeof(LprCacheRead));

	walk->answer = *answer;
	walk->answer.runs = palloc((2 * answer->nruns + 1) * sizeof(int32));
	memcpy(walk->answer.runs, answer->runs, 2 * answer->nruns * sizeof(int32));
	walk->partition = lpr_cache_partition("cache_read", answer->expires_at);
	walk->pages = palloc(PAGES_ONCE * BLCKSZ);
	MemoryContextSwitchTo(old);
	return walk;
}

/* Copies the next pages, with the lock for just as long. False at the end. */
static bool
take_pages(LprCacheRead *walk, bool *gone)
{
	Relation relation;
	BlockNumber most;

	walk->npages = walk->page = 0;
	walk->line = FirstOffsetNumber;
	if (walk->run >= walk->answer.nruns)
		return false;
	relation =
		GetCurrentTimestamp() < walk->answer.expires_at ? lpr_cache_open_reads(walk->partition, AccessShareLock) : NULL;
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

static inline LprSlice
unpack_slice(Datum value, bool isnull)
{
	text *t = isnull ? NULL : (text *) DatumGetPointer(value);

	return isnull ? (LprSlice){NULL, 0} : (LprSlice){VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t)};
}

/*
 * unpack_KIND: a column's value into its member of a read; false when it is not as it was written. The order of the
 * calls is that of core/read_columns.h. The other half is in cache_write.c.
 */
static inline bool
unpack_moment(LprCacheRead *walk, LprRead *read, LprMoment *moment, Datum value, bool isnull)
{
	*moment = DatumGetTimestampTz(value);
	return !isnull;
}

static inline bool
unpack_degrees(LprCacheRead *walk, LprRead *read, double *degrees, Datum value, bool isnull)
{
	read->has_point = !isnull;
	*degrees = isnull ? 0 : DatumGetFloat8(value);
	return true;
}

static inline bool
unpack_confidence(LprCacheRead *walk, LprRead *read, double *confidence, Datum value, bool isnull)
{
	read->has_confidence = !isnull;
	*confidence = isnull ? 0 : DatumGetFloat8(value);
	return true;
}

static inline bool
unpack_text(LprCacheRead *walk, LprRead *read, LprSlice *slice, Datum value, bool isnull)
{
	*slice = unpack_slice(value, isnull);
	return true;
}
#define unpack_country unpack_text
#define unpack_word    unpack_text
#define unpack_image   unpack_text

static inline bool
unpack_plate(LprCacheRead *walk, LprRead *read, char (*plate)[LPR_PLATE_ROOM], Datum value, bool isnull)
{
	LprSlice slice = unpack_slice(value, isnull);

	if (slice.data == NULL || slice.len >= LPR_PLATE_ROOM)
		return false;
	memcpy(*plate, slice.data, slice.len);
	read->plate_len = slice.len;
	return true;
}

static inline bool
unpack_region(LprCacheRead *walk, LprRead *read, char (*region)[3], Datum value, bool isnull)
{
	LprSlice slice = unpack_slice(value, isnull);

	if (slice.len >= sizeof(*region))
		return false;
	if (slice.len > 0)
		memcpy(*region, slice.data, slice.len);
	return true;
}

static inline bool
unpack_as_read(LprCacheRead *walk, LprRead *read, LprSlice *slice, Datum value, bool isnull)
{
	*slice = unpack_slice(value, isnull);
	if (slice->data != NULL && slice->len == 0)
		*slice = (LprSlice){read->plate, read->plate_len};
	return true;
}

/* An image is not worth a read: none when its URL is not as it was written. */
static inline bool
unpack_image_alike(LprCacheRead *walk, LprRead *read, LprSlice *url, Datum value, bool isnull)
{
	LprSlice shortened = unpack_slice(value, isnull);
	char digits[3] = {0};
	size_t shared, rest;

	if (shortened.data == NULL || shortened.len < 2)
		return true;
	memcpy(digits, shortened.data, 2);
	shared = strtoul(digits, NULL, 16);
	rest = shortened.len - 2;
	if (shared > read->plate_image.len || shared + rest > sizeof(walk->vehicle_image))
		return true;
	if (shared > 0)
		memcpy(walk->vehicle_image, read->plate_image.data, shared);
	memcpy(walk->vehicle_image + shared, shortened.data + 2, rest);
	*url = (LprSlice){walk->vehicle_image, shared + rest};
	return true;
}

#define AND_UNPACK(symbol, name, kind, member, ...)                                                                    \
	&&unpack_##kind(walk, read, &read->member, values[READ_AT(symbol)], nulls[READ_AT(symbol)])

static bool
unpack_row(LprCacheRead *walk, HeapTuple tuple, LprRead *read)
{
	Datum values[READ_COLUMNS];
	bool nulls[READ_COLUMNS];

	heap_deform_tuple(tuple, walk->desc, values, nulls);
	if (DatumGetInt64(values[READ_ANSWER]) != walk->answer.answer)
		return false;
	memset(read, 0, sizeof(*read));
	return true LPR_READ_COLUMNS(AND_UNPACK);
}

bool
lpr_cache_read_next(LprCacheRead *walk, LprRead *read, bool *gone)
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
		tuple.t_tableOid = walk->partition;
		ItemPointerSetInvalid(&tuple.t_self);
		if (HeapTupleHeaderXminFrozen(tuple.t_data) && unpack_row(walk, &tuple, read))
			return true;
	}
}
