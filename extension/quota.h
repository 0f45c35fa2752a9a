/*
 * quota.h: how much a person asked, and was asked for an event, within the last hour and day (Q8). Kept by the audit writer.
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
extern void lpr_quota_forget(void);
extern void lpr_quota_begin(void);
/* One question, at a moment that does not go back. */
extern void lpr_quota_count(LprQuotaScope scope, int64 id, TimestampTz at);
/* Within the last hour, or the last day. */
extern int64 lpr_quota_asked(LprQuotaScope scope, int64 id, bool day, TimestampTz now);

#endif
