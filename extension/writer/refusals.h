/*
 * refusals.h: how many refusals of a login are on record singly, and the count of the others (U4). Kept by the audit
 * writer, from its start on.
 */
#ifndef LPR_REFUSALS_H
#define LPR_REFUSALS_H

#include "audit/audit_row.h"

extern int lpr_refusals_singly; /* GUC: of a login within an hour */

/* A transaction begins: what one before it did not commit is forgotten. */
extern void lpr_refusals_begin(void);
/* Whether a refusal is to be on record; if not, it is counted. */
extern bool lpr_refusals_record(const LprAuditRow *row);
/* Whether counts wait that nobody was told of for a minute. */
extern bool lpr_refusals_due(void);
/* Their records, in the current memory context: at most one a login and minute. */
extern int lpr_refusals_take(LprAuditRow **rows);
/* It was committed. */
extern void lpr_refusals_committed(void);

#endif
