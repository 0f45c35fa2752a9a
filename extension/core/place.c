/*
 * place: is a point in the United States, and in which state (control Q4)? See place.h.
 *
 * The boundary is a set of lines ("arcs"), each with the state on its left and on its right. A ray from the point to
 * the east flips, at every line it crosses, the bits of the two states beside the line; the bits left standing name
 * the state that holds the point. Since neighbours share one line, no point can fall between two states. Lines are
 * indexed by narrow bands of latitude, and the answers of the last points are kept, because cameras stand still.
 */
#include "core/place.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/address.h"
#include "core/region.h"

#define UNITS          1e5  /* of the data, in a degree */
#define BAND           2500 /* units of latitude in a band */
#define BANDS          (2 * 9000000 / BAND + 1)
#define CACHED         1024 /* a power of two */
#define EARTH_RADIUS_M 6371008.8
#define PI             3.14159265358979323846
#define METRES_DEGREE  (EARTH_RADIUS_M * PI / 180)
#define NEAR_STATE_M   5000.0 /* a camera on a bridge between two states may carry the name of the other */
#define NEAR_BORDER_M  120.0  /* data/README.md, "The tolerance at the border" */
#define ADDRESS_MAX    400
#define NOWHERE        (-1)
#define NOT_BUILT      (-2)

typedef struct Edge
{
	int32_t point; /* from this point of the data to the next */
	int32_t arc;
} Edge;

static Edge *edges = NULL;             /* band by band */
static uint32_t band_start[BANDS + 1]; /* first edge of a band */

static int
band_of(double units)
{
	return (int) ((units + 9000000) / BAND);
}

/* Sorts the edges into bands: counts, then places. False when memory is short; the next call tries again. */
static bool
build_index(void)
{
	uint32_t *fill = calloc(BANDS, sizeof(uint32_t));

	if (fill == NULL)
		return false;
	for (int pass = 0; pass < 2; pass++)
	{
		for (int arc = 0; arc < lpr_place_arc_count; arc++)
			for (int32_t i = 0; i + 1 < lpr_place_arcs[arc].points; i++)
			{
				int32_t point = lpr_place_arcs[arc].first + i;
				int32_t y1 = lpr_place_points[point][1];
				int32_t y2 = lpr_place_points[point + 1][1];

				for (int band = band_of(y1 < y2 ? y1 : y2); band <= band_of(y1 < y2 ? y2 : y1); band++)
				{
					if (pass == 1)
						edges[band_start[band] + fill[band]] = (Edge){point, arc};
					fill[band]++;
				}
			}
		if (pass == 1)
			break;
		band_start[0] = 0;
		for (int band = 0; band < BANDS; band++)
			band_start[band + 1] = band_start[band] + fill[band];
		memset(fill, 0, BANDS * sizeof(uint32_t));
		edges = malloc(band_start[BANDS] * sizeof(Edge));
		if (edges == NULL)
			break;
	}
	free(fill);
	return edges != NULL;
}

/* The bits of the states that hold the point, in units of the data. */
static uint64_t
states_holding(double x, double y)
{
	uint64_t bits = 0;
	int band = band_of(y);

	for (uint32_t i = band_start[band]; i < band_start[band + 1]; i++)
	{
		const int32_t *a = lpr_place_points[edges[i].point];
		const int32_t *b = lpr_place_points[edges[i].point + 1];
		const LprPlaceArc *arc = &lpr_place_arcs[edges[i].arc];

		/* Half-open in latitude, so that a ray through a corner meets one of its two lines. */
		if ((a[1] > y) == (b[1] > y) || (x >= a[0] && x >= b[0]))
			continue;
		if (x >= a[0] + ((double) b[0] - a[0]) * (y - a[1]) / ((double) b[1] - a[1]))
			continue;
		if (arc->left >= 0)
			bits ^= UINT64_C(1) << arc->left;
		if (arc->right >= 0)
			bits ^= UINT64_C(1) << arc->right;
	}
	return bits;
}

static bool
usable_point(double latitude, double longitude)
{
	/* Exactly 0,0 is what a camera without a fix reports. */
	return isfinite(latitude) && isfinite(longitude) && fabs(latitude) <= 90 && fabs(longitude) <= 180 &&
		   (latitude != 0 || longitude != 0);
}

/* Index of the state that holds a usable point, NOWHERE, or NOT_BUILT when memory is short. */
static int
state_at(double latitude, double longitude)
{
	static struct
	{
		double latitude;
		double longitude;
		int state; /* one more than the index; 0 is nowhere */
		bool filled;
	} cache[CACHED];
	uint64_t hash, half, bits;
	size_t slot;
	int state = NOWHERE;

	memcpy(&hash, &latitude, sizeof(hash));
	memcpy(&half, &longitude, sizeof(half));
	hash = (hash ^ (half * UINT64_C(0x9E3779B97F4A7C15))) * UINT64_C(0xD6E8FEB86659FD93);
	slot = (size_t) (hash >> 32) & (CACHED - 1);
	if (cache[slot].filled && cache[slot].latitude == latitude && cache[slot].longitude == longitude)
		return cache[slot].state - 1;

	if (edges == NULL && !build_index())
		return NOT_BUILT;
	bits = states_holding((longitude == 180 ? -180 : longitude) * UNITS, latitude * UNITS);
	for (int i = 0; bits != 0 && i < lpr_place_code_count; i++)
		if (bits >> i & 1)
		{
			state = i;
			break;
		}
	cache[slot].latitude = latitude;
	cache[slot].longitude = longitude;
	cache[slot].state = state + 1;
	cache[slot].filled = true;
	return state;
}

/*
 * Is the point at most so many metres from the line around the state? Plane geometry does at this distance. Only the
 * bands within reach are looked at: a vendor chooses how often this is called. The index is built by now.
 */
static bool
near_state(int state, double latitude, double longitude, double metres)
{
	double narrow = cos(latitude * PI / 180);
	double reach = metres / METRES_DEGREE;
	uint32_t first = band_start[band_of(fmax(latitude - reach, -90) * UNITS)];
	uint32_t end = band_start[band_of(fmin(latitude + reach, 90) * UNITS) + 1];

	for (uint32_t i = first; i < end; i++)
	{
		const LprPlaceArc *arc = &lpr_place_arcs[edges[i].arc];
		const int32_t *a = lpr_place_points[edges[i].point];
		const int32_t *b = lpr_place_points[edges[i].point + 1];
		double ax, ay, dx, dy, square, t;

		if (arc->left != state && arc->right != state)
			continue;
		ax = remainder(a[0] / UNITS - longitude, 360) * narrow;
		ay = a[1] / UNITS - latitude;
		dx = ((double) b[0] - a[0]) / UNITS * narrow;
		dy = ((double) b[1] - a[1]) / UNITS;
		square = dx * dx + dy * dy;
		t = square > 0 ? fmax(0, fmin(1, -(ax * dx + ay * dy) / square)) : 0;
		if (hypot(ax + t * dx, ay + t * dy) <= reach)
			return true;
	}
	return false;
}

/* Index in lpr_place_codes, NOWHERE for a state that is not in the United States of control Q4. */
static int
state_number(const char *code)
{
	for (int i = 0; i < lpr_place_code_count; i++)
		if (memcmp(lpr_place_codes[i], code, 2) == 0)
			return i;
	return NOWHERE;
}

/*
 * Metres between two points given in degrees, along a great circle of a sphere of radius 6371008.8 m; at most half a
 * percent from the ellipsoid. NaN in, NaN out. Control Q4.
 */
double
lpr_place_distance_m(double lat1, double lon1, double lat2, double lon2)
{
	double half_lat = sin((lat2 - lat1) * PI / 360);
	double half_lon = sin((lon2 - lon1) * PI / 360);
	double h = half_lat * half_lat + cos(lat1 * PI / 180) * cos(lat2 * PI / 180) * half_lon * half_lon;

	return 2 * EARTH_RADIUS_M * asin(sqrt(h > 1 ? 1 : h));
}

/*
 * Two-letter code of the state (fifty states, DC, PR, GU, VI, MP) that contains the point, in degrees, latitude from
 * -90 to 90, longitude from -180 to 180. NULL when none does, when the point is unusable (not finite, out of range,
 * exactly 0,0), or when memory is short. The string is constant. Control Q4.
 */
const char *
lpr_place_state(double latitude, double longitude)
{
	int state = usable_point(latitude, longitude) ? state_at(latitude, longitude) : NOWHERE;

	return state >= 0 ? lpr_place_codes[state] : NULL;
}

/* What the country says. False: another one; else that it is the United States, or the part that *claim names. */
static bool
take_country(LprSlice country, bool *says_us, int *claim)
{
	static const char us[] = "|us|usa|united states|united states of america|the united states|us america|";
	static const char territories[] = "|pr|pri|puerto rico|gu|gum|guam|vi|vir|us virgin islands|mp|mnp|"
									  "northern mariana islands|";
	char name[LPR_NAME_MAX + 1];
	char code[3];
	int len;

	*says_us = country.len == 2 && memcmp(country.data, "US", 2) == 0; /* what nearly all vendors write */
	if (*says_us)
		return true;
	len = lpr_name_fold(country, name);
	if (len == 0)
		return true;
	if (len < 0)
		return false;
	*says_us = lpr_named(us, name, (size_t) len, false);
	if (!*says_us && lpr_named(territories, name, (size_t) len, false))
	{
		lpr_region_of((LprSlice){name, (size_t) len}, code);
		*claim = state_number(code);
	}
	return *says_us || *claim != NOWHERE || lpr_name_says_nothing(name, (size_t) len);
}

/* An address that names a place, in a state that the region names. */
static bool
has_street(LprSlice address)
{
	char text[ADDRESS_MAX + 1];

	if (address.data == NULL || address.len > ADDRESS_MAX || memchr(address.data, '\0', address.len) != NULL)
		return false;
	memcpy(text, address.data, address.len);
	text[address.len] = '\0';
	return lpr_address_characters(text) > 0;
}

/*
 * May a read of this camera be shown? Only LPR_PLACE_INSIDE says so, and then *certainty tells by what; all else is
 * dropped and counted. Control Q4.
 *
 * country: ISO 3166 alpha-2 or NULL; "USA" and "United States" (of America) are understood, and the countries that
 * ISO makes of PR, GU, VI and MP are the United States with that region. region: the camera's state, as of
 * lpr_region_of(), or NULL. What is blank, or says nothing ("Unknown"), is not given; nor is a text in place of the
 * region that names none ("San Diego County"). latitude, longitude: degrees, read only if has_point.
 *
 * INSIDE: by the point; by a point at most NEAR_BORDER_M beyond the line around the state that the region names, when
 * the country says "United States" as well; or, without a point, by a street address in such a state.
 * OUTSIDE: another country, a region of another one without a point that says otherwise, or a point outside while
 * nothing else says "United States". UNKNOWN: no usable point, even if all else says "United States", or no memory.
 * CONTRADICTION: the point is outside although country or region say otherwise, inside although the region is abroad,
 * or more than 5 km from the region.
 */
LprPlace
lpr_place_judge(const LprPlaceSaid *said, LprCertainty *certainty)
{
	int claims[2] = {NOWHERE, NOWHERE}; /* the state that the country is, and the state of the region */
	const double latitude = said->latitude, longitude = said->longitude;
	bool says_us = false, abroad;
	char code[3];
	LprRegionKind kind = lpr_region_of(said->region, code);
	int state;

	*certainty = LPR_CERTAINTY_NONE;
	if (!take_country(said->country, &says_us, &claims[0]))
		return LPR_PLACE_OUTSIDE;
	says_us = says_us || claims[0] != NOWHERE;
	if (kind == LPR_REGION_US)
		claims[1] = state_number(code);
	abroad = kind == LPR_REGION_ABROAD || (kind == LPR_REGION_US && claims[1] == NOWHERE);
	if (!said->has_point || !usable_point(latitude, longitude))
	{
		if (abroad)
			return LPR_PLACE_OUTSIDE;
		if (claims[1] == NOWHERE || (claims[0] != NOWHERE && claims[0] != claims[1]) || !has_street(said->address))
			return LPR_PLACE_UNKNOWN;
		*certainty = LPR_CERTAINTY_ADDRESS;
		return LPR_PLACE_INSIDE;
	}
	state = state_at(latitude, longitude);
	if (state == NOT_BUILT)
		return LPR_PLACE_UNKNOWN;
	if (abroad)
		return state == NOWHERE ? LPR_PLACE_OUTSIDE : LPR_PLACE_CONTRADICTION;
	if (state == NOWHERE && says_us && claims[1] != NOWHERE && (claims[0] == NOWHERE || claims[0] == claims[1]) &&
		near_state(claims[1], latitude, longitude, NEAR_BORDER_M))
	{
		*certainty = LPR_CERTAINTY_BORDER;
		return LPR_PLACE_INSIDE;
	}
	if (state == NOWHERE)
		return says_us || claims[1] != NOWHERE ? LPR_PLACE_CONTRADICTION : LPR_PLACE_OUTSIDE;
	for (int i = 0; i < 2; i++)
		if (claims[i] != NOWHERE && claims[i] != state && !near_state(claims[i], latitude, longitude, NEAR_STATE_M))
			return LPR_PLACE_CONTRADICTION;
	*certainty = LPR_CERTAINTY_POINT;
	return LPR_PLACE_INSIDE;
}

const char *
lpr_certainty_name(LprCertainty certainty)
{
	static const char *const names[] = {
		[LPR_CERTAINTY_NONE] = NULL,
		[LPR_CERTAINTY_POINT] = "point",
		[LPR_CERTAINTY_BORDER] = "border",
		[LPR_CERTAINTY_ADDRESS] = "address",
	};

	return names[certainty];
}
