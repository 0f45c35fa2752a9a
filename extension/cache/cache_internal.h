/*
 * cache_internal.h: what the files of the cache's tables share: their columns, opening one, writing past what may go wrong.
 */
#ifndef LPR_CACHE_INTERNAL_H
#define LPR_CACHE_INTERNAL_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "storage/lock.h"
#include "utils/relcache.h"

/* Columns of lpr_data.cache_read. */
enum
{
	READ_EXPIRES_AT,
	READ_ANSWER,
	READ_CAPTURED_AT,
	READ_LATITUDE,
	READ_LONGITUDE,
	READ_CONFIDENCE,
	READ_ID,
	READ_PLATE,
	READ_PLATE_AS_READ,
	READ_PLATE_REGION,
	READ_COUNTRY,
	READ_ADDRESS,
	READ_CAMERA_ID,
	READ_CAMERA_OWNER,
	READ_CAMERA_TYPE,
	READ_CAMERA_REGION,
	READ_MAKE,
	READ_MODEL,
	READ_COLOR,
	READ_PLATE_IMAGE,
	READ_VEHICLE_IMAGE,
	READ_COLUMNS
};

/* The leaf of an hour, by its name; InvalidOid when there is none. */
extern Oid lpr_cache_leaf(const char *kind, TimestampTz expires_at);
/* A leaf of reads, opened; NULL when it is gone, or is not as lpr made it: then nothing is kept. */
extern Relation lpr_cache_open_reads(Oid leaf, LOCKMODE mode);
/*
 * Runs what writes to the cache. What goes wrong with that, such as a full disk, is no reason why the answer should not be shown: it is not kept, and whoever
 * asked is told. But who is cancelled is cancelled.
 */
extern bool lpr_cache_attempt(void (*write)(void *), void *arg);

#endif
