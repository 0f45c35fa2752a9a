/*
 * plate.h: what is no plate.
 */
#ifndef LPR_FDW_PLATE_H
#define LPR_FDW_PLATE_H

#include "postgres.h"

#include "core/read.h"

/* The normal form of a plate that a person wrote; ERRORs (LP011) when it is none, and says why. */
extern void lpr_plate_make(LprSlice plate, char out[LPR_PLATE_ROOM], uint32_t *len);

#endif
