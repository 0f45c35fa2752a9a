/*
 * cache_internal.h: what the files of the cache's tables share: their columns, opening one, writing past what may go
 * wrong.
 */
#ifndef LPR_CACHE_INTERNAL_H
#define LPR_CACHE_INTERNAL_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "storage/lock.h"
#include "utils/relcache.h"

#include "core/read_columns.h"

/* Columns of lpr_data.cache_read: two of the cache's own, then those of core/read_columns.h, all of which it has. */
enum
{
	READ_EXPIRES_AT,
	READ_ANSWER,
	READ_FIRST,
	READ_COLUMNS = READ_FIRST + LPR_COLUMNS_OF_READ
};
#define READ_AT(symbol) (READ_FIRST + LPR_COLUMN_##symbol)

/* The partition of an hour, by its name; InvalidOid when there is none. */
extern Oid lpr_cache_partition(const char *kind, TimestampTz expires_at);
/* A partition of reads, opened; NULL when it is gone, or is not as lpr made it: then nothing is cached. */
extern Relation lpr_cache_open_reads(Oid partition, LOCKMODE mode);
/*
 * Runs what writes to the cache. If it fails, as on a full disk, the answer is shown all the same: it is not cached,
 * and the person is told. But a cancel stays a cancel.
 */
extern bool lpr_cache_attempt(void (*write)(void *), void *arg);

#endif
