/*
 * held.h: until when each backend may hold reads in its memory: whoever holds them for longer is ended by the purger
 * (C2).
 */
#ifndef LPR_HELD_H
#define LPR_HELD_H

#include "postgres.h"
#include "datatype/timestamp.h"

extern Size lpr_held_shmem_size(void);
extern void lpr_held_shmem_init(void);
/* This transaction was shown reads that expire then. It is over when the transaction is. */
extern void lpr_held_until(TimestampTz expires_at);
/* Ends the backends whose transaction was shown reads that expired so long ago; how many. */
extern int lpr_held_end_late(int64 grace);

#endif
