/*
 * rounds.h: what rounds of the watcher say of the set that was watched, held against the records of what came into it
 * and went out of it (D1, U1; docs/audit-format.md).
 */
#ifndef LPR_ROUNDS_H
#define LPR_ROUNDS_H

#include "export.h"
#include "findings.h"

typedef struct Rounds Rounds; /* malloc */

extern Rounds *rounds_new(void); /* NULL: out of memory */
extern void rounds_free(Rounds *rounds);
/*
 * Each row in its order. A log that does not begin at its start, or of which a payload is gone, says nothing of its
 * sets from then on: what a round names is not looked at.
 */
extern void rounds_row(Rounds *rounds, const Row *row, Findings *findings);
/* Rounds that named a set which no record tells of. */
extern void rounds_end(Rounds *rounds, Findings *findings);

#endif
