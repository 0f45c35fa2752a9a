/*
 * cache_in_flight.h: which questions vendors are asked just now: who asks the same meanwhile waits for that answer
 * (C1).
 */
#ifndef LPR_CACHE_IN_FLIGHT_H
#define LPR_CACHE_IN_FLIGHT_H

#include "postgres.h"

#include "format/digest.h"

extern Size lpr_in_flight_shmem_size(void);
extern void lpr_in_flight_shmem_init(void);

/*
 * Says that we ask it now, until the context goes or lpr_in_flight_end. False when another session asks it already, and
 * makes progress.
 */
extern bool lpr_in_flight_begin(MemoryContext context, const LprDigest *key);
/*
 * We got some of it. A session that makes no progress for a while (a cursor that is not read on) is no longer waited
 * for.
 */
extern void lpr_in_flight_progress(const LprDigest *key);
extern void lpr_in_flight_end(const LprDigest *key);

#endif
