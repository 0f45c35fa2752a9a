/*
 * sequence.h: numbers that are missing, repeated, or out of order, told in ranges.
 */
#ifndef LPR_SEQUENCE_H
#define LPR_SEQUENCE_H

#include "findings.h"

#define SEQUENCE_GAPS 1000

/* Zero-initialize, then set findings. */
typedef struct Sequence
{
	Findings *findings;
	int64_t first; /* rows before it were never looked for */
	int ngaps;
	struct
	{
		int64_t first;
		int64_t last;
	} gaps[SEQUENCE_GAPS];
	/* A run of numbers that come when their place has passed. */
	bool running;
	bool out_of_order; /* they are missing at their place; otherwise they are there a second time */
	int64_t run_first;
	int64_t run_last;
	int64_t run_after;
} Sequence;

/* Rows first to last were jumped over; they are missing unless they come later. */
extern void sequence_gap(Sequence *sequence, int64_t first, int64_t last);
/* A row comes after row `after`, which is not its place. */
extern void sequence_late(Sequence *sequence, int64_t number, int64_t after);
/* A row came in its place: a run of late rows ends. */
extern void sequence_goes_on(Sequence *sequence);
extern void sequence_end(Sequence *sequence);

#endif
