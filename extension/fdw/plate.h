/*
 * plate.h: what is no plate.
 */
#ifndef LPR_FDW_PLATE_H
#define LPR_FDW_PLATE_H

#include "postgres.h"

#include "core/read.h"

/* ERRORs (LP011) unless the plate has a normal form. */
extern void lpr_normalize_plate(LprSlice plate, char normal[LPR_PLATE_ROOM], uint32_t *len);

#endif
