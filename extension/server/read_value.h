/*
 * read_value.h: columns of the canonical read as types and values of the server.
 */
#ifndef LPR_READ_VALUE_H
#define LPR_READ_VALUE_H

#include "postgres.h"
#include "datatype/timestamp.h"

#include "core/filter.h"
#include "core/read_columns.h"

/* The type of each column. An image is its URL here; in lpr.reads it is its bytes. */
extern const Oid lpr_column_types[LPR_COLUMNS];

static inline bool
lpr_column_is_image(LprColumn column)
{
	return lpr_columns[column].kind == LPR_KIND_image || lpr_columns[column].kind == LPR_KIND_image_alike;
}

/* A column of a read's own, as lpr.reads shows it, in the current memory context; an image's URL. */
extern Datum lpr_read_value(const LprRead *read, LprColumn column, bool *isnull);

/* Column fetched_at: to the minute, since more of it would tell when exactly somebody else asked. */
extern Datum lpr_read_fetched_at(TimestampTz fetched_at);

/* Column place_certainty: by what the camera counts as in the United States. */
extern Datum lpr_read_place_certainty(const LprRead *read);

/* Column caveat: what a read is not (G3). The same text for every row, never freed. */
extern Datum lpr_caveat_value(void);

/* Column matched_how: how a read matches a question that asked for plates, or for plates of one region. */
extern Datum lpr_read_matched_how(const LprRead *read, bool plate_asked, bool region_asked, bool *isnull);

#endif
