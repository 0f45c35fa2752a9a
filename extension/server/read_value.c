/*
 * read_value.c: the values of a read's columns.
 */
#include "server/read_value.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define TYPE_moment                      TIMESTAMPTZOID
#define TYPE_degrees                     FLOAT8OID
#define TYPE_confidence                  FLOAT8OID
#define TYPE_text                        TEXTOID
#define TYPE_plate                       TEXTOID
#define TYPE_as_read                     TEXTOID
#define TYPE_region                      TEXTOID
#define TYPE_country                     TEXTOID
#define TYPE_word                        TEXTOID
#define TYPE_image                       TEXTOID
#define TYPE_image_alike                 TEXTOID
#define TYPE_number                      INT8OID
#define TYPE_yes                         BOOLOID
#define TYPE_OF(symbol, name, kind, ...) [LPR_COLUMN_##symbol] = TYPE_##kind,

const Oid lpr_column_types[LPR_COLUMNS] = {LPR_READ_COLUMNS(TYPE_OF) LPR_FRAME_COLUMNS(TYPE_OF)};

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
lpr_read_value(const LprRead *read, LprColumn column, bool *isnull)
{
	const void *at = (const char *) read + lpr_columns[column].offset;

	*isnull = false;
	switch (lpr_columns[column].kind)
	{
		case LPR_KIND_moment:
			return TimestampTzGetDatum(*(const LprMoment *) at);
		case LPR_KIND_degrees:
			return Float8GetDatum(*(const double *) at);
		case LPR_KIND_confidence:
			*isnull = !read->has_confidence;
			return Float8GetDatum(*(const double *) at);
		case LPR_KIND_plate:
			return PointerGetDatum(cstring_to_text_with_len(at, read->plate_len));
		case LPR_KIND_region:
			*isnull = *(const char *) at == '\0';
			return *isnull ? (Datum) 0 : CStringGetTextDatum((const char *) at);
		case LPR_KIND_country:
			return CStringGetTextDatum("US"); /* the filter let it through */
		case LPR_KIND_word:
			return upper_text(*(const LprSlice *) at, isnull);
		case LPR_KIND_text:
		case LPR_KIND_as_read:
		case LPR_KIND_image:
		case LPR_KIND_image_alike:
			return slice_text(*(const LprSlice *) at, isnull);
		case LPR_KIND_number:
		case LPR_KIND_yes:
			break;
	}
	*isnull = true; /* not reached: no column of a read */
	return (Datum) 0;
}

Datum
lpr_read_matched_how(const LprRead *read, bool plate_asked, bool region_asked, bool *isnull)
{
	/* Only the plates asked for come this far; of the region asked for, or of none. */
	*isnull = !plate_asked;
	if (*isnull)
		return (Datum) 0;
	return CStringGetTextDatum(
		lpr_match_name(region_asked && read->plate_region[0] == '\0' ? LPR_MATCH_UNKNOWN_REGION : LPR_MATCH_EXACT));
}
