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

LprCacheRead *
lpr_cache_read(MemoryContext context, const LprCacheAnswer *answer)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	LprCacheRead *walk = palloc0(sizeof(LprCacheRead));

	walk->answer = *answer;
	walk->answer.runs = palloc((2 * answer->nruns + 1) * sizeof(int32));
	memcpy(walk->answer.runs, answer->runs, 2 * answer->nruns * sizeof(int32));
	walk->leaf = lpr_cache_leaf("cache_read", answer->expires_at);
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
		GetCurrentTimestamp() < walk->answer.expires_at ? lpr_cache_open_reads(walk->leaf, AccessShareLock) : NULL;
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
take_vehicle_image(LprCacheRead *walk, LprSlice plate_image, LprSlice kept)
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
take_row(LprCacheRead *walk, HeapTuple tuple, LprRead *read)
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
		tuple.t_tableOid = walk->leaf;
		ItemPointerSetInvalid(&tuple.t_self);
		if (HeapTupleHeaderXminFrozen(tuple.t_data) && take_row(walk, &tuple, read))
			return true;
	}
}
