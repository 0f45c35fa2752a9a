/*
 * place: is a point in the United States, and in which state (control Q4)?
 *
 * "United States" is that of INA 101(a)(38): the fifty states, the District of Columbia, Puerto Rico, Guam, the U.S.
 * Virgin Islands and the Northern Mariana Islands; not American Samoa. The boundary is the legal one, out to the
 * territorial sea (three nautical miles; nine off Texas, western Florida and Puerto Rico), so bridges, piers and
 * causeways are inside without any tolerance. At the border there is one of metres, for cameras that are said to be in
 * a state: data/README.md has the sources.
 *
 * Knows nothing of PostgreSQL. Single-threaded: a process builds one index at the first call and keeps it.
 */
#ifndef LPR_PLACE_H
#define LPR_PLACE_H

#include "base/base.h"

typedef enum LprPlace
{
	LPR_PLACE_INSIDE,       /* the only verdict that lets a read through */
	LPR_PLACE_OUTSIDE,      /* another country, or nowhere in the United States */
	LPR_PLACE_UNKNOWN,      /* nothing proves where it is */
	LPR_PLACE_CONTRADICTION /* what the vendor says of country, state and point does not agree */
} LprPlace;

/* By what a camera counts as in the United States. */
typedef enum LprCertainty
{
	LPR_CERTAINTY_NONE,   /* it does not */
	LPR_CERTAINTY_POINT,  /* its point */
	LPR_CERTAINTY_BORDER, /* a point a few metres beyond the line, while country and region both say so */
	LPR_CERTAINTY_ADDRESS /* a street address in a state; it has no point */
} LprCertainty;
extern const char *lpr_certainty_name(LprCertainty certainty); /* "point", "border", "address", NULL */

/* What is said of a camera; data == NULL is not given. */
typedef struct LprPlaceSaid
{
	LprSlice country;
	LprSlice region;
	LprSlice address;
	bool has_point;
	double latitude;
	double longitude;
} LprPlaceSaid;

extern LprPlace lpr_place_judge(const LprPlaceSaid *said, LprCertainty *certainty);
extern double lpr_place_distance_m(double lat1, double lon1, double lat2, double lon2);
extern const char *lpr_place_state(double latitude, double longitude);

/* The rest is the generated data (place_data.c), for place.c alone. */
typedef struct LprPlaceArc
{
	int32_t first;  /* of lpr_place_points */
	int32_t points; /* how many */
	int32_t left;   /* state on the left of the line, of lpr_place_codes; -1: not the United States */
	int32_t right;
} LprPlaceArc;

extern const int32_t lpr_place_points[][2]; /* longitude, latitude in 1e-5 degrees */
extern const LprPlaceArc lpr_place_arcs[];
extern const char lpr_place_codes[][3];
extern const int lpr_place_arc_count;
extern const int lpr_place_code_count;

#endif /* LPR_PLACE_H */
