/*
 * row.c: the values of a read's columns.
 */
#include "fdw/row.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "server/read_value.h"

Datum
lpr_row_value(const LprRowFrame *frame, LprColumn column, const LprRead *read, bool *isnull)
{
	*isnull = false;
	switch (column)
	{
		case LPR_COLUMN_EVENT_ID:
			*isnull = !frame->event.given;
			return Int64GetDatum(frame->event.id);
		case LPR_COLUMN_SOURCE:
			return CStringGetTextDatum(frame->source);
		case LPR_COLUMN_RECENT:
			return BoolGetDatum(read->captured_at >= frame->thirty_days_ago);
		case LPR_COLUMN_MATCHED_HOW:
			return lpr_read_matched_how(read, frame->query->nplates > 0, frame->query->region[0] != '\0', isnull);
		case LPR_COLUMN_FETCHED_AT:
			return lpr_read_fetched_at(frame->fetched_at);
		case LPR_COLUMN_FROM_CACHE:
			return BoolGetDatum(frame->from_cache);
		case LPR_COLUMN_EXPIRES_AT:
			*isnull = frame->expires_at == 0;
			return TimestampTzGetDatum(frame->expires_at);
		case LPR_COLUMN_PLACE_CERTAINTY:
			return lpr_read_place_certainty(read);
		case LPR_COLUMN_CAVEAT:
			return lpr_caveat_value();
		case LPR_COLUMN_HAS_IMAGES:
			return BoolGetDatum(read->plate_image.data != NULL || read->vehicle_image.data != NULL);
		case LPR_COLUMN_PLATE_IMAGE:
		case LPR_COLUMN_VEHICLE_IMAGE:
			*isnull = true;
			return (Datum) 0;
		default:
			return lpr_read_value(read, column, isnull);
	}
}
