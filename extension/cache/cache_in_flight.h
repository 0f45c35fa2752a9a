/*
 * cache_in_flight.h: which questions are being asked just now, so that the same one asked by others meanwhile waits for
 * that answer (C1).
 */
#ifndef LPR_CACHE_IN_FLIGHT_H
#define LPR_CACHE_IN_FLIGHT_H

#include "postgres.h"

#include "format/digest.h"

extern Size lpr_in_flight_shmem_size(void);
extern void lpr_in_flight_shmem_init(void);

/*
 * Says that we ask it now, until the context goes or lpr_in_flight_end. False when somebody else does already, and
 * makes progress.
 */
extern bool lpr_in_flight_begin(MemoryContext context, const LprDigest *key);
/* We got some of it. Who makes none for a while (a cursor that nobody reads on) is waited for no longer. */
extern void lpr_in_flight_progress(const LprDigest *key);
extern void lpr_in_flight_end(const LprDigest *key);

#endif
