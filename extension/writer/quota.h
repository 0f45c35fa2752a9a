/*
 * quota.h: how much a person asked, and was asked for an event, within the last hour and day, and how much they were
 * shown that nobody had named (Q8). Kept by the audit writer.
 */
#ifndef LPR_QUOTA_H
#define LPR_QUOTA_H

#include "postgres.h"
#include "datatype/timestamp.h"

typedef enum LprQuotaScope
{
	LPR_QUOTA_PERSON,
	LPR_QUOTA_EVENT
} LprQuotaScope;

typedef enum LprQuotaOf
{
	LPR_QUOTA_HOUR, /* plates asked; a question without any counts as one */
	LPR_QUOTA_DAY,
	LPR_QUOTA_SHOWN /* within a day: different plates of each answer to a question that named none */
} LprQuotaOf;
#define LPR_QUOTA_SCOPES 2
#define LPR_QUOTA_OFS    3

/* Whose counters, from when on: they are wrong until they were filled from the log. */
extern bool lpr_quota_known(void);
extern void lpr_quota_begin(void);
/* So many plates, asked or shown, at a moment that does not go back. */
extern void lpr_quota_ask(LprQuotaScope scope, int64 id, TimestampTz at, int plates);
extern void lpr_quota_show(LprQuotaScope scope, int64 id, TimestampTz at, int plates);
/*
 * What is judged together, and what the answers beside it have shown: each is to know of the others. That of the batch
 * before is forgotten.
 */
extern void lpr_quota_begin_batch(void);
extern void lpr_quota_end_batch(void);
extern void lpr_quota_expect(LprQuotaScope scope, int64 id, int asked, int shown);
/*
 * What counts at a moment, this batch included: so that those together do not pass where one after the other would not.
 */
extern int64 lpr_quota_used(LprQuotaOf of, LprQuotaScope scope, int64 id, TimestampTz now);
/* From when on that is `most` again, without this batch, if nothing is added; 0: not within a day. */
extern TimestampTz lpr_quota_until(LprQuotaOf of, LprQuotaScope scope, int64 id, int64 most, TimestampTz now);

#endif
