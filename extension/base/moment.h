/*
 * moment.h: points in time as PostgreSQL keeps them: microseconds since 2000-01-01 00:00:00 UTC.
 */
#ifndef LPR_MOMENT_H
#define LPR_MOMENT_H

#include "base/base.h"

typedef int64_t LprMoment;

#define LPR_MOMENT_NONE INT64_MIN /* not given */

#define LPR_SECOND   INT64_C(1000000)
#define LPR_UNIX_GAP INT64_C(946684800) /* seconds from 1970-01-01 to 2000-01-01 */

/*
 * RFC 3339 and its ISO 8601 neighbours: "2026-11-23T10:00:00.123456Z", "... 10:00:00+02:00", "... 10:00 UTC", a blank
 * for the T, no seconds, 24:00 as the next day's first minute, second 60 as the next minute's first. Years 1900 to
 * 2200, real days of the calendar; decimals past the sixth are cut. zone: whether there is one; without one the moment
 * is as if of UTC. NULL: there has to be one. False if not.
 */
extern bool lpr_moment_parse(LprSlice text, bool *zone, LprMoment *moment);
/* per_second: 1, 1000, 1000000, 1000000000. False outside the years 1900 to 2200. */
extern bool lpr_moment_from_epoch(int64_t value, int64_t per_second, LprMoment *moment);

/* "2026-11-23T10:00:00.123456Z", years held between 1 and 9999; out holds LPR_MOMENT_ROOM bytes. */
#define LPR_MOMENT_ROOM 32
extern const char *lpr_moment_format(LprMoment moment, char out[LPR_MOMENT_ROOM]);
extern int64_t lpr_moment_epoch_floor(LprMoment moment);   /* whole seconds since 1970, rounded down */
extern int64_t lpr_moment_epoch_ceiling(LprMoment moment); /* rounded up */

#endif
