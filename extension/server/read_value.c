/*
 * read_value.c: the values of a read's columns.
 */
#include "server/read_value.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "server/compat.h"

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

/* value_KIND: a member of a read as lpr.reads shows it. */
static inline Datum
value_moment(const LprRead *read, const LprMoment *moment, bool *isnull)
{
	return TimestampTzGetDatum(*moment);
}

static inline Datum
value_degrees(const LprRead *read, const double *degrees, bool *isnull)
{
	*isnull = !read->has_point;
	return Float8GetDatum(*degrees);
}

static inline Datum
value_confidence(const LprRead *read, const double *confidence, bool *isnull)
{
	*isnull = !read->has_confidence;
	return Float8GetDatum(*confidence);
}

/* The page's UTF-8 was proved when it was opened, and the database speaks UTF-8 (sql/00-roles.sql). */
static inline Datum
value_text(const LprRead *read, const LprSlice *slice, bool *isnull)
{
	*isnull = slice->data == NULL;
	return *isnull ? (Datum) 0 : PointerGetDatum(cstring_to_text_with_len(slice->data, slice->len));
}
#define value_as_read     value_text
#define value_image       value_text
#define value_image_alike value_text

static inline Datum
value_plate(const LprRead *read, const char (*plate)[LPR_PLATE_ROOM], bool *isnull)
{
	return PointerGetDatum(cstring_to_text_with_len(*plate, read->plate_len));
}

static inline Datum
value_region(const LprRead *read, const char (*region)[3], bool *isnull)
{
	*isnull = **region == '\0';
	return *isnull ? (Datum) 0 : CStringGetTextDatum(*region);
}

static inline Datum
value_country(const LprRead *read, const LprSlice *country, bool *isnull)
{
	return CStringGetTextDatum("US"); /* the filter let it through */
}

static inline Datum
value_word(const LprRead *read, const LprSlice *word, bool *isnull)
{
	char canonical[LPR_WORD_ROOM(LPR_TEXT_MAX)];

	*isnull = word->data == NULL || word->len > LPR_TEXT_MAX;
	return *isnull ? (Datum) 0
				   : PointerGetDatum(cstring_to_text_with_len(canonical, lpr_word_normal(*word, canonical)));
}

#define CASE(symbol, name, kind, member, ...)                                                                          \
	case LPR_COLUMN_##symbol:                                                                                          \
		return value_##kind(read, &read->member, isnull);

Datum
lpr_read_value(const LprRead *read, LprColumn column, bool *isnull)
{
	*isnull = false;
	switch (column)
	{
		LPR_READ_COLUMNS(CASE)
		default:
			break;
	}
	*isnull = true; /* not reached: no column of a read */
	return (Datum) 0;
}

Datum
lpr_read_place_certainty(const LprRead *read)
{
	LprCertainty certainty;

	/* The filter let it through, so it has one. */
	(void) lpr_read_place(read, &certainty);
	return CStringGetTextDatum(lpr_certainty_name(certainty));
}

PG_FUNCTION_INFO_V1(lpr_caveat);
Datum
lpr_caveat(PG_FUNCTION_ARGS)
{
	PG_RETURN_DATUM(lpr_caveat_value());
}

Datum
lpr_caveat_value(void)
{
#define CAVEAT "A read locates a vehicle, not a person, and may be wrong: no action on it alone."
	static struct
	{
		int32 header;
		char said[sizeof(CAVEAT) - 1];
	} caveat;

	/* Made once: a million rows point to it. */
	if (caveat.header == 0)
	{
		memcpy(caveat.said, CAVEAT, sizeof(caveat.said));
		SET_VARSIZE(&caveat, VARHDRSZ + sizeof(caveat.said));
	}
	return PointerGetDatum(&caveat);
}

Datum
lpr_read_fetched_at(TimestampTz fetched_at)
{
	return TimestampTzGetDatum(fetched_at - fetched_at % USECS_PER_MINUTE);
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
