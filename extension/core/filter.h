/*
 * filter.h: the checks that no vendor can get past. Every read is compared with the question, the five years (Q6) and
 * the borders of the United States (Q4); what does not pass is dropped, and counted by reason.
 */
#ifndef LPR_FILTER_H
#define LPR_FILTER_H

#include "core/place.h"
#include "core/read.h"

typedef enum LprDrop
{
	LPR_DROP_NONE,
	LPR_DROP_MALFORMED,
	LPR_DROP_REPEATED,
	LPR_DROP_OTHER_PLATE,
	LPR_DROP_OTHER_REGION,
	LPR_DROP_OTHER_PLACE,
	LPR_DROP_OTHER_VEHICLE,
	LPR_DROP_OUTSIDE_WINDOW,
	LPR_DROP_TOO_OLD,
	LPR_DROP_IN_THE_FUTURE,
	LPR_DROP_ABROAD,
	LPR_DROP_UNKNOWN_PLACE,
	LPR_DROP_CONTRADICTORY_PLACE,
	LPR_DROPS
} LprDrop;

/* How far a vendor's clock may run ahead of ours before its reads count as from the future. */
#define LPR_CLOCK_SKEW (INT64_C(300) * LPR_SECOND)

typedef struct LprSeen LprSeen; /* identifiers met so far, as 64-bit hashes */
extern LprSeen *lpr_seen_new(uint64_t seed);
extern void lpr_seen_free(LprSeen *seen);
extern bool lpr_seen_add(LprSeen *seen, LprSlice id, bool *failed); /* false: it was there already */
extern bool lpr_seen_has(const LprSeen *seen, LprSlice id);

/*
 * Why a read must not be shown, or LPR_DROP_NONE. five_years_ago is counted from query->asked_at. Does not look for
 * repeated ids.
 */
extern LprDrop lpr_filter(const LprQuery *query, LprMoment five_years_ago, const LprRead *read);

/* Where the camera of a read stands, and by what that is known. */
extern LprPlace lpr_read_place(const LprRead *read, LprCertainty *certainty);

/*
 * Short name, as in lpr.last_query().dropped: "older_than_five_years"; and the words for a notice: "older than five
 * years".
 */
extern const char *lpr_drop_name(LprDrop drop);
extern const char *lpr_drop_words(LprDrop drop);

#endif
