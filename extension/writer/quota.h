/*
 * quota.h: how much a person asked, and was asked for an event, within the last hour and day (Q8). Kept by the audit
 * writer.
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

/* Whose counters, from when on: they are wrong until they were filled from the log. */
extern bool lpr_quota_known(void);
extern void lpr_quota_begin(void);
/* One question, at a moment that does not go back. */
extern void lpr_quota_count(LprQuotaScope scope, int64 id, TimestampTz at);
/* Questions that are judged together: each is to know of the others. Those of the batch before are forgotten. */
extern void lpr_quota_begin_batch(void);
extern void lpr_quota_expect(LprQuotaScope scope, int64 id);
/*
 * Within the last hour, or the last day, the others of this batch included: so that those together do not pass where
 * one after the other would not.
 */
extern int64 lpr_quota_asked(LprQuotaScope scope, int64 id, bool day, TimestampTz now);

#endif
