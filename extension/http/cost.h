/*
 * cost.h: what a transfer cost.
 */
#ifndef LPR_COST_H
#define LPR_COST_H

#include "postgres.h"

typedef struct LprHttpCost
{
	int requests; /* sent, retries included */
	int retries;
	uint64 bytes; /* received, headers left out, after decompression */
} LprHttpCost;

#endif
