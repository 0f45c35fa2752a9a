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

#define UNITS          1e5  /* of the data, in a degree */
#define BAND           2500 /* units of latitude in a band */
#define BANDS          (2 * 9000000 / BAND + 1)
#define CACHED         1024 /* a power of two */
#define EARTH_RADIUS_M 6371008.8
#define PI             3.14159265358979323846
#define METRES_DEGREE  (EARTH_RADIUS_M * PI / 180)
#define NEAR_STATE_M   5000.0 /* a camera on a bridge between two states may carry the name of the other */
#define NAME_MAX_LEN   48
#define NOWHERE        (-1)
#define NOT_BUILT      (-2)

typedef struct Edge
{
	int32_t point; /* from this point of the data to the next */
	int32_t arc;
} Edge;

static Edge *edges = NULL;             /* band by band */
static uint32_t band_start[BANDS + 1]; /* first edge of a band */

/* A state of a country that has a two-letter code. */
typedef struct Region
{
	const char code[3];
	char country;      /* U, C, M */
	const char *names; /* between bars; after a plus: only with the country in front, as in MX-BCN */
} Region;

/*
 * The United States have their postal codes. Canada and Mexico have the codes of the NCIC tables, which do not collide
 * with each other, except where a postal code of the United States has the letters already (Guanajuato is GT, not GU).
 * Codes of Canada Post are understood; alone, the letters NL are Nuevo Leon and not Newfoundland (CA-NL is).
 */
static const Region regions[] = {
	{"AL", 'U', "|alabama|"},
	{"AK", 'U', "|alaska|"},
	{"AZ", 'U', "|arizona|"},
	{"AR", 'U', "|arkansas|"},
	{"CA", 'U', "|california|"},
	{"CO", 'U', "|colorado|"},
	{"CT", 'U', "|connecticut|"},
	{"DE", 'U', "|delaware|"},
	{"DC", 'U', "|district of columbia|washington dc|washington d c|d c|"},
	{"FL", 'U', "|florida|"},
	{"GA", 'U', "|georgia|"},
	{"HI", 'U', "|hawaii|"},
	{"ID", 'U', "|idaho|"},
	{"IL", 'U', "|illinois|"},
	{"IN", 'U', "|indiana|"},
	{"IA", 'U', "|iowa|"},
	{"KS", 'U', "|kansas|"},
	{"KY", 'U', "|kentucky|"},
	{"LA", 'U', "|louisiana|"},
	{"ME", 'U', "|maine|"},
	{"MD", 'U', "|maryland|"},
	{"MA", 'U', "|massachusetts|"},
	{"MI", 'U', "|michigan|"},
	{"MN", 'U', "|minnesota|"},
	{"MS", 'U', "|mississippi|"},
	{"MO", 'U', "|missouri|"},
	{"MT", 'U', "|montana|"},
	{"NE", 'U', "|nebraska|"},
	{"NV", 'U', "|nevada|"},
	{"NH", 'U', "|new hampshire|"},
	{"NJ", 'U', "|new jersey|"},
	{"NM", 'U', "|new mexico|"},
	{"NY", 'U', "|new york|"},
	{"NC", 'U', "|north carolina|"},
	{"ND", 'U', "|north dakota|"},
	{"OH", 'U', "|ohio|"},
	{"OK", 'U', "|oklahoma|"},
	{"OR", 'U', "|oregon|"},
	{"PA", 'U', "|pennsylvania|"},
	{"RI", 'U', "|rhode island|"},
	{"SC", 'U', "|south carolina|"},
	{"SD", 'U', "|south dakota|"},
	{"TN", 'U', "|tennessee|"},
	{"TX", 'U', "|texas|"},
	{"UT", 'U', "|utah|"},
	{"VT", 'U', "|vermont|"},
	{"VA", 'U', "|virginia|"},
	{"WA", 'U', "|washington|washington state|"},
	{"WV", 'U', "|west virginia|"},
	{"WI", 'U', "|wisconsin|"},
	{"WY", 'U', "|wyoming|"},
	{"PR", 'U', "|puerto rico|pri|"},
	{"VI", 'U', "|virgin islands|us virgin islands|u s virgin islands|united states virgin islands|usvi|vir|"},
	{"GU", 'U', "|guam|gum|"},
	{"MP", 'U', "|northern mariana islands|northern marianas|cnmi|mnp|"},
	{"AS", 'U', "|american samoa|"},
	{"AB", 'C', "|alberta|"},
	{"BC", 'C', "|british columbia|"},
	{"MB", 'C', "|manitoba|"},
	{"NK", 'C', "|new brunswick|nb|"},
	{"NF", 'C', "|newfoundland and labrador|newfoundland|+nl|"},
	{"NT", 'C', "|northwest territories|"},
	{"NS", 'C', "|nova scotia|"},
	{"NU", 'C', "|nunavut|"},
	{"ON", 'C', "|ontario|"},
	{"PE", 'C', "|prince edward island|"},
	{"PQ", 'C', "|quebec|qc|"},
	{"SN", 'C', "|saskatchewan|sk|"},
	{"YT", 'C', "|yukon|yukon territory|"},
	{"AG", 'M', "|aguascalientes|+agu|"},
	{"BA", 'M', "|baja california|baja california norte|+bcn|"},
	{"BJ", 'M', "|baja california sur|+bcs|"},
	{"CE", 'M', "|campeche|+cam|"},
	{"CI", 'M', "|chiapas|+chp|"},
	{"CH", 'M', "|chihuahua|+chh|"},
	{"CU", 'M', "|coahuila|coahuila de zaragoza|+coa|"},
	{"CL", 'M', "|colima|+col|"},
	{"DF", 'M', "|distrito federal|ciudad de mexico|mexico city|cdmx|+cmx|"},
	{"DO", 'M', "|durango|+dur|"},
	{"GT", 'M', "|guanajuato|+gua|+gu|"},
	{"GR", 'M', "|guerrero|+gro|"},
	{"HL", 'M', "|hidalgo|+hid|"},
	{"JL", 'M', "|jalisco|+jal|"},
	{"MX", 'M', "|estado de mexico|state of mexico|+mex|"},
	{"MC", 'M', "|michoacan|michoacan de ocampo|+mic|"},
	{"MR", 'M', "|morelos|+mor|"},
	{"NA", 'M', "|nayarit|+nay|"},
	{"NL", 'M', "|nuevo leon|+nle|"},
	{"OA", 'M', "|oaxaca|+oax|"},
	{"PB", 'M', "|puebla|+pue|"},
	{"QU", 'M', "|queretaro|+que|"},
	{"QR", 'M', "|quintana roo|+roo|"},
	{"SL", 'M', "|san luis potosi|+slp|"},
	{"SI", 'M', "|sinaloa|+sin|"},
	{"SO", 'M', "|sonora|+son|"},
	{"TB", 'M', "|tabasco|+tab|"},
	{"TA", 'M', "|tamaulipas|+tam|"},
	{"TL", 'M', "|tlaxcala|+tla|"},
	{"VC", 'M', "|veracruz|veracruz de ignacio de la llave|+ver|"},
	{"YU", 'M', "|yucatan|+yuc|"},
	{"ZA", 'M', "|zacatecas|+zac|"},
};

#define REGIONS (sizeof(regions) / sizeof(regions[0]))

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
 * Is the point at most NEAR_STATE_M from the line around the state? Plane geometry does at this distance. Only the
 * bands within reach are looked at: a vendor chooses how often this is called. The index is built by now.
 */
static bool
near_state(int state, double latitude, double longitude)
{
	double narrow = cos(latitude * PI / 180);
	double reach = NEAR_STATE_M / METRES_DEGREE;
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

/*
 * Lower case, words separated by one space, accents of Spanish and French letters gone. Returns the length: 0 for
 * a blank, -1 when it cannot be a name.
 */
static int
fold_name(const char *name, size_t len, char out[NAME_MAX_LEN + 1])
{
	/* U+00E0 to U+00FF without their accents; 20 hexadecimal less are the capitals. */
	static const char plain[] = "aaaaaa?ceeeeiiii?nooooo?ouuuuy?y";
	int n = 0;

	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) name[i];

		if (c == 0xC3 && i + 1 < len && ((unsigned char) name[i + 1] & 0xC0) == 0x80)
			c = (unsigned char) plain[(unsigned char) name[++i] & 0x1F];
		else if (c >= 'A' && c <= 'Z')
			c = (unsigned char) (c - 'A' + 'a');
		else if (c == ' ' || c == '_' || c == '-' || c == '.' || c == '\t')
			c = ' ';
		if (c == ' ' && (n == 0 || out[n - 1] == ' '))
			continue;
		if (n == NAME_MAX_LEN || c == '|' || c == '+' || c == '\0')
			return -1;
		out[n++] = (char) c;
	}
	if (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return n;
}

/* Is "|name|" among the names, or "|+name|" when the country stood in front? */
static bool
named(const char *names, const char *name, int len, bool with_country)
{
	for (const char *at = names + 1; *at != '\0'; at = strchr(at, '|') + 1)
	{
		const char *begin = *at == '+' ? at + 1 : at;

		if ((*at != '+' || with_country) && strncmp(begin, name, (size_t) len) == 0 && begin[len] == '|')
			return true;
	}
	return false;
}

/* What lpr_place_region_code describes, as a row of the table; NULL when unknown. */
static const Region *
find_region(const char *name, size_t name_len)
{
	static const char *const prefix[] = {"us ", "ca ", "mx "};
	char folded[NAME_MAX_LEN + 1];
	const char *at = folded;
	char country = '\0';
	int len = fold_name(name, name_len, folded);

	for (int i = 0; i < 3; i++)
		if (len > 4 && memcmp(folded, prefix[i], 3) == 0)
		{
			country = "UCM"[i];
			at = folded + 3;
			len -= 3;
			break;
		}
	if (len < 2)
		return NULL;

	/* The country's own two letters win over another's name for itself: US first, in the order of the table. */
	for (int by_name = len == 2 ? 0 : 1; by_name < 2; by_name++)
		for (size_t i = 0; i < REGIONS; i++)
		{
			if (country != '\0' && country != regions[i].country)
				continue;
			if (by_name ? named(regions[i].names, at, len, country != '\0')
						: at[0] == regions[i].code[0] + 32 && at[1] == regions[i].code[1] + 32)
				return &regions[i];
		}
	return NULL;
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
 * The two-letter code of a state, province or territory, from a code ("CA", "us-ca", "MX-BCN") or a name ("new_york",
 * "Nuevo León", UTF-8), in any case. For the fifty states, DC, PR, VI, GU, MP, AS, and, as places where plates are
 * registered, the provinces of Canada and the states of Mexico (table above). False, and out untouched, when unknown.
 * A name need not end in a zero byte. Control Q4.
 */
bool
lpr_place_region_code(const char *name, size_t len, char out[3])
{
	const Region *region = name == NULL ? NULL : find_region(name, len);

	if (region == NULL)
		return false;
	memcpy(out, region->code, 2);
	out[2] = '\0';
	return true;
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

/*
 * May a read of this camera be shown? Only LPR_PLACE_INSIDE says so; all else is dropped and counted. Control Q4.
 *
 * country: ISO 3166 alpha-2 or NULL; "USA" and "United States" (of America) are understood, and the countries that
 * ISO makes of PR, GU, VI and MP are the United States with that region. region: the camera's state, a code or a name
 * as of lpr_place_region_code, or NULL. latitude, longitude: degrees, read only if has_point. Blank is not given.
 *
 * OUTSIDE: another country, a region that is no state of the United States, or a point outside while nothing else
 * says "United States". UNKNOWN: no usable point, even if all else says "United States", or no memory. CONTRADICTION:
 * the point is outside although country or region say otherwise, or more than 5 km from the region.
 */
LprPlace
lpr_place_judge(const char *country, size_t country_len, const char *region, size_t region_len, bool has_point,
				double latitude, double longitude)
{
	static const char us[] = "|us|usa|u s|u s a|united states|united states of america|";
	static const char territories[] = "|pr|pri|puerto rico|gu|gum|guam|vi|vir|us virgin islands|mp|mnp|"
									  "northern mariana islands|";
	char folded[NAME_MAX_LEN + 1];
	int claims[2] = {NOWHERE, NOWHERE}; /* the state that the country is, and the state of the region */
	bool says_us = false;
	int len, state;

	len = country == NULL ? 0 : fold_name(country, country_len, folded);
	if (len != 0)
	{
		says_us = len > 0 && named(us, folded, len, false);
		if (!says_us && len > 0 && named(territories, folded, len, false))
			claims[0] = state_number(find_region(folded, (size_t) len)->code);
		if (!says_us && claims[0] == NOWHERE)
			return LPR_PLACE_OUTSIDE;
	}

	len = region == NULL ? 0 : fold_name(region, region_len, folded);
	if (len != 0)
	{
		const Region *found = len > 0 ? find_region(folded, (size_t) len) : NULL;

		if (found != NULL && found->country == 'U')
			claims[1] = state_number(found->code);
		if (claims[1] == NOWHERE)
			return LPR_PLACE_OUTSIDE;
	}

	if (!has_point || !usable_point(latitude, longitude))
		return LPR_PLACE_UNKNOWN;
	state = state_at(latitude, longitude);
	if (state == NOT_BUILT)
		return LPR_PLACE_UNKNOWN;
	if (state == NOWHERE)
		return says_us || claims[0] != NOWHERE || claims[1] != NOWHERE ? LPR_PLACE_CONTRADICTION : LPR_PLACE_OUTSIDE;
	for (int i = 0; i < 2; i++)
		if (claims[i] != NOWHERE && claims[i] != state && !near_state(claims[i], latitude, longitude))
			return LPR_PLACE_CONTRADICTION;
	return LPR_PLACE_INSIDE;
}
