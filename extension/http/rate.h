/*
 * rate.h: requests per minute of each source, counted for the whole cluster in shared memory.
 */
#ifndef LPR_RATE_H
#define LPR_RATE_H

#include "postgres.h"
#include "datatype/timestamp.h"

extern Size lpr_rate_shmem_size(void);
extern void lpr_rate_shmem_init(void);

/*
 * Takes the next turn of a source and tells when it is: milliseconds from now, 0 = at once. Turns are spaced evenly,
 * with a burst of up to one second's worth (at least one). A source's counter is keyed by database and server; when the
 * table is full the longest idle one is reused.
 */
extern int64 lpr_rate_take(Oid database, Oid server, int per_minute);

/*
 * Likewise for what can wait: a turn is taken only when it is at once and leaves half of the burst to others; else none
 * is, and it is asked for again after so many milliseconds.
 */
extern int64 lpr_rate_take_idle(Oid database, Oid server, int per_minute);

/*
 * A source said that it got too many requests: for all sessions it is slowed down to half of what it got within a
 * second, the next of them after asked_ms (-1: it did not say). Every so often without such a word it is made faster,
 * until it is as before.
 */
extern void lpr_rate_slow(Oid database, Oid server, int64 asked_ms);

/* Gives a turn back that was taken but not used, so that cancelled queries do not hold up the next ones. */
extern void lpr_rate_give_back(Oid database, Oid server);
/* Refuses when there is no shared memory to count in. */
extern void lpr_rate_check(void);

#endif
