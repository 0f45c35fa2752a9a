/*
 * row.c: the values of a read's columns.
 */
#include "fdw/row.h"

#include "utils/builtins.h"
#include "utils/timestamp.h"

/* The page's UTF-8 was proved when it was opened, and the database speaks UTF-8 (sql/00-roles.sql). */
static Datum
slice_text(LprSlice slice, bool *isnull)
{
	*isnull = slice.data == NULL;
	return *isnull ? (Datum) 0 : PointerGetDatum(cstring_to_text_with_len(slice.data, slice.len));
}

static Datum
upper_text(LprSlice slice, bool *isnull)
{
	char canonical[LPR_TEXT_MAX];

	*isnull = slice.data == NULL || slice.len > sizeof(canonical);
	return *isnull ? (Datum) 0 : PointerGetDatum(cstring_to_text_with_len(canonical, lpr_upper(slice, canonical)));
}

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
		case LPR_COLUMN_READ_ID:
			return slice_text(read->id, isnull);
		case LPR_COLUMN_PLATE:
			return PointerGetDatum(cstring_to_text_with_len(read->plate, read->plate_len));
		case LPR_COLUMN_PLATE_AS_READ:
			return slice_text(read->plate_as_read, isnull);
		case LPR_COLUMN_PLATE_REGION:
			*isnull = read->plate_region[0] == '\0';
			return *isnull ? (Datum) 0 : CStringGetTextDatum(read->plate_region);
		case LPR_COLUMN_COUNTRY:
			return CStringGetTextDatum("US"); /* the filter let it through */
		case LPR_COLUMN_CAPTURED_AT:
			return TimestampTzGetDatum(read->captured_at);
		case LPR_COLUMN_RECENT:
			return BoolGetDatum(read->captured_at >= frame->thirty_days_ago);
		case LPR_COLUMN_LATITUDE:
			return Float8GetDatum(read->latitude);
		case LPR_COLUMN_LONGITUDE:
			return Float8GetDatum(read->longitude);
		case LPR_COLUMN_ADDRESS:
			return slice_text(read->address, isnull);
		case LPR_COLUMN_CAMERA_ID:
			return slice_text(read->camera_id, isnull);
		case LPR_COLUMN_CAMERA_OWNER:
			return slice_text(read->camera_owner, isnull);
		case LPR_COLUMN_CAMERA_TYPE:
			return slice_text(read->camera_type, isnull);
		case LPR_COLUMN_MAKE:
			return upper_text(read->make, isnull);
		case LPR_COLUMN_MODEL:
			return upper_text(read->model, isnull);
		case LPR_COLUMN_COLOR:
			return upper_text(read->color, isnull);
		case LPR_COLUMN_CONFIDENCE:
			*isnull = !read->has_confidence;
			return Float8GetDatum(read->confidence);
		case LPR_COLUMN_MATCHED_HOW:
			/* Only the asked plates come this far; of the region asked for, or of none. */
			*isnull = frame->query->nplates == 0;
			if (*isnull)
				return (Datum) 0;
			return CStringGetTextDatum(lpr_match_name(frame->query->region[0] != '\0' && read->plate_region[0] == '\0'
														  ? LPR_MATCH_UNKNOWN_REGION
														  : LPR_MATCH_EXACT));
		case LPR_COLUMN_FETCHED_AT:
			return TimestampTzGetDatum(frame->fetched_at);
		case LPR_COLUMN_FROM_CACHE:
			return BoolGetDatum(frame->from_cache);
		case LPR_COLUMN_EXPIRES_AT:
			*isnull = frame->expires_at == 0;
			return TimestampTzGetDatum(frame->expires_at);
		default:
			*isnull = true;
			return (Datum) 0;
	}
}
