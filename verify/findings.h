/*
 * findings.h: what a verification found, gathered and shown in the order of the rows.
 */
#ifndef LPR_FINDINGS_H
#define LPR_FINDINGS_H

#include "base/base.h"

#define FINDINGS_SHOWN 100

typedef struct Findings Findings; /* malloc */

extern Findings *findings_new(void);
extern void findings_free(Findings *findings);
/* row: where it belongs in the order; 0: before all rows. Never fails; what cannot be kept is counted. */
extern void finding(Findings *findings, int64_t row, const char *format, ...) __attribute__((format(printf, 3, 4)));
extern uint64_t findings_count(const Findings *findings);
/* One a line, on standard output; the first FINDINGS_SHOWN of them. */
extern void findings_show(Findings *findings);

/* "1,234,567". The text lives until eight more were made. */
extern const char *number_text(int64_t number);

#endif
