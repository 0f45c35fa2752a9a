/*
 * row.h: from a canonical read to the columns of lpr.reads.
 */
#ifndef LPR_ROW_H
#define LPR_ROW_H

#include "postgres.h"
#include "datatype/timestamp.h"

#include "core/query.h"
#include "core/read_columns.h"

/* What a row says that its read does not. */
typedef struct LprRowFrame
{
	const char *source;
	const LprQuery *query;
	LprEvent event;
	TimestampTz thirty_days_ago;
	TimestampTz fetched_at;
	bool from_cache;
	TimestampTz expires_at; /* 0: not cached */
} LprRowFrame;

/* One column of a read, in the current memory context. Images are not among them. */
extern Datum lpr_row_value(const LprRowFrame *frame, LprColumn column, const LprRead *read, bool *isnull);

#endif
