/*
 * scan_images.c: rows with images: some rows are read ahead, so that their images are fetched side by side.
 */
#include "fdw/scan_internal.h"

#include "executor/executor.h"
#include "utils/memutils.h"

#include "source/image.h"

/* Rows whose images are fetched side by side. */
#define ROWS_AHEAD 8
/* Reads that are looked through for the next of them while the first one waits to be returned. */
#define READS_AHEAD 64

typedef struct AheadRow
{
	MemoryContext context;
	Datum values[LPR_COLUMNS];
	bool nulls[LPR_COLUMNS];
	LprHttp *images[2]; /* plate, vehicle */
	bool waits[2];
} AheadRow;

/* A ring of rows. */
struct LprImages
{
	AheadRow rows[ROWS_AHEAD];
	int first_row;
	int nrows;
	int taken; /* rows whose images were started */
	bool no_more;
};

LprImages *
lpr_images_new(MemoryContext context)
{
	LprImages *images = MemoryContextAllocZero(context, sizeof(LprImages));

	for (int i = 0; i < ROWS_AHEAD; i++)
		images->rows[i].context = AllocSetContextCreate(context, "lpr row", ALLOCSET_SMALL_SIZES);
	return images;
}

static void
fill_row_slot(const LprScan *scan, TupleTableSlot *slot, const AheadRow *row)
{
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	for (int i = 0; i < LPR_COLUMNS; i++)
		if (scan->attnums[i] != 0)
		{
			slot->tts_values[scan->attnums[i] - 1] = row->values[i];
			slot->tts_isnull[scan->attnums[i] - 1] = row->nulls[i];
		}
	ExecStoreVirtualTuple(slot);
}

/* Whether a row without its images meets the conditions that look at none. */
static bool
is_worth_images(LprScan *scan, TupleTableSlot *slot, const AheadRow *row)
{
	bool worth;

	if (scan->before_images == NULL)
		return true;
	fill_row_slot(scan, slot, row);
	worth = lpr_scan_meets(scan, scan->before_images, slot);
	ExecClearTuple(slot);
	return worth;
}

static void
start_image(LprScan *scan, AheadRow *row, int which, LprColumn column, LprSlice url)
{
	row->waits[which] = scan->attnums[column] != 0 && url.data != NULL;
	row->images[which] =
		row->waits[which] ? lpr_image_start(lpr_ask_source(scan->ask), row->context, scan->stats, url) : NULL;
}

/* Takes reads and starts their images until enough are under way. */
static void
fetch_ahead(LprScan *scan, TupleTableSlot *slot)
{
	LprImages *images = scan->images;
	int rejected = 0;

	/* Once there is a row to return, the others are not looked for through all of the answer. */
	while (images->nrows < ROWS_AHEAD && !images->no_more && (images->nrows == 0 || rejected < READS_AHEAD))
	{
		AheadRow *row = &images->rows[(images->first_row + images->nrows) % ROWS_AHEAD];
		LprRead read;
		LprRowFrame frame;
		MemoryContext old;

		/* Beyond the rows that are enough, only what is really asked for. */
		if (scan->page_size > 0 && images->taken >= scan->page_size && images->nrows > 0)
			break;
		if (!lpr_scan_next_read(scan, &read))
		{
			images->no_more = true;
			break;
		}
		frame = lpr_scan_row_frame(scan);
		MemoryContextReset(row->context);
		old = MemoryContextSwitchTo(row->context);
		for (int i = 0; i < LPR_COLUMNS; i++)
			if (scan->attnums[i] != 0)
				row->values[i] = lpr_row_value(&frame, i, &read, &row->nulls[i]);
		if (!is_worth_images(scan, slot, row))
		{
			MemoryContextSwitchTo(old);
			rejected++;
			continue;
		}
		images->taken++;
		start_image(scan, row, 0, LPR_COLUMN_PLATE_IMAGE, read.plate_image);
		start_image(scan, row, 1, LPR_COLUMN_VEHICLE_IMAGE, read.vehicle_image);
		MemoryContextSwitchTo(old);
		images->nrows++;
	}
}

void
lpr_images_next_row(LprScan *scan, TupleTableSlot *slot)
{
	LprImages *images = scan->images;
	AheadRow *row;
	MemoryContext old;

	fetch_ahead(scan, slot);
	if (images->nrows == 0)
		return;
	row = &images->rows[images->first_row];
	images->first_row = (images->first_row + 1) % ROWS_AHEAD;
	images->nrows--;
	old = MemoryContextSwitchTo(row->context);
	for (int i = 0; i < 2; i++)
	{
		LprColumn column = i == 0 ? LPR_COLUMN_PLATE_IMAGE : LPR_COLUMN_VEHICLE_IMAGE;
		bytea *image = row->waits[i] ? lpr_image_take(scan->stats, row->images[i]) : NULL;

		row->values[column] = PointerGetDatum(image);
		row->nulls[column] = image == NULL;
	}
	MemoryContextSwitchTo(old);
	fill_row_slot(scan, slot, row);
}
