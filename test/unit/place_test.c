/*
 * place: control Q4, "only cameras in the United States". TAP.
 */
#define _POSIX_C_SOURCE 200809L

#include "core/place.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int tests = 0;
static int failures = 0;

static void
ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
	if (!good)
		failures++;
}

static size_t
length(const char *text)
{
	return text == NULL ? 0 : strlen(text);
}

static LprPlace
judge(const char *country, const char *region, double latitude, double longitude)
{
	return lpr_place_judge(country, length(country), region, length(region), true, latitude, longitude);
}

static const struct
{
	const char *name;
	const char *state;
	double latitude;
	double longitude;
} inside[] = {
	/* ports of entry and border towns */
	{"San Ysidro port of entry", "CA", 32.5437, -117.0296},
	{"Otay Mesa port of entry", "CA", 32.5510, -116.9385},
	{"Calexico West port of entry", "CA", 32.6660, -115.4960},
	{"San Luis, Arizona", "AZ", 32.4880, -114.7820},
	{"Nogales, Arizona", "AZ", 31.3340, -110.9410},
	{"Douglas, Arizona", "AZ", 31.3370, -109.5600},
	{"El Paso", "TX", 31.7587, -106.4869},
	{"Presidio, Texas", "TX", 29.5610, -104.3700},
	{"Eagle Pass", "TX", 28.7090, -100.4990},
	{"Laredo", "TX", 27.5006, -99.5070},
	{"Hidalgo, Texas", "TX", 26.1000, -98.2630},
	{"Brownsville", "TX", 25.9017, -97.4975},
	{"Blaine", "WA", 48.9950, -122.7480},
	{"Point Roberts", "WA", 48.9850, -123.0600},
	{"Peace Arch port of entry", "WA", 49.0010, -122.7565},
	{"Sweetgrass, Montana", "MT", 48.9960, -111.9600},
	{"Northwest Angle, Minnesota", "MN", 49.3500, -95.0800},
	{"International Falls", "MN", 48.6010, -93.4100},
	{"Sault Ste. Marie, Michigan", "MI", 46.4953, -84.3453},
	{"Ambassador Bridge plaza, Detroit", "MI", 42.3140, -83.0760},
	{"Ambassador Bridge, the river's west", "MI", 42.3120, -83.0740},
	{"Port Huron", "MI", 42.9980, -82.4280},
	{"Buffalo, Peace Bridge plaza", "NY", 42.9060, -78.9020},
	{"Niagara Falls, New York", "NY", 43.0930, -79.0500},
	{"Champlain, New York", "NY", 44.9990, -73.4530},
	{"Derby Line, Vermont", "VT", 45.0040, -72.0990},
	{"Calais, Maine", "ME", 45.1850, -67.2790},
	{"Hyder, Alaska", "AK", 55.9150, -130.0230},
	/* bridges, piers, causeways, islands */
	{"Golden Gate Bridge", "CA", 37.8199, -122.4783},
	{"Chesapeake Bay Bridge", "MD", 38.9930, -76.3800},
	{"Chesapeake Bay Bridge-Tunnel", "VA", 37.0300, -76.0800},
	{"Seven Mile Bridge", "FL", 24.6960, -81.1670},
	{"Lake Pontchartrain Causeway", "LA", 30.2000, -90.1220},
	{"Mackinac Bridge", "MI", 45.8170, -84.7278},
	{"Santa Monica Pier", "CA", 34.0083, -118.4988},
	{"Queen Isabella Causeway", "TX", 26.0800, -97.1900},
	{"Key West", "FL", 24.5551, -81.7800},
	{"Nantucket", "MA", 41.2835, -70.0995},
	/* towns all over */
	{"New York", "NY", 40.7128, -74.0060},
	{"Los Angeles", "CA", 34.0522, -118.2437},
	{"Chicago", "IL", 41.8781, -87.6298},
	{"Houston", "TX", 29.7604, -95.3698},
	{"Phoenix", "AZ", 33.4484, -112.0740},
	{"Philadelphia", "PA", 39.9526, -75.1652},
	{"Washington", "DC", 38.9072, -77.0369},
	{"Arlington, Virginia", "VA", 38.8816, -77.0910},
	{"Miami", "FL", 25.7617, -80.1918},
	{"Atlanta", "GA", 33.7490, -84.3880},
	{"Boston", "MA", 42.3601, -71.0589},
	{"Seattle", "WA", 47.6062, -122.3321},
	{"Denver", "CO", 39.7392, -104.9903},
	{"Minneapolis", "MN", 44.9778, -93.2650},
	{"St. Louis", "MO", 38.6270, -90.1994},
	{"East St. Louis", "IL", 38.6245, -90.1509},
	{"Kansas City, Kansas", "KS", 39.1142, -94.6275},
	{"New Orleans", "LA", 29.9511, -90.0715},
	{"Memphis", "TN", 35.1495, -90.0490},
	{"Salt Lake City", "UT", 40.7608, -111.8910},
	{"Las Vegas", "NV", 36.1699, -115.1398},
	{"Portland, Oregon", "OR", 45.5152, -122.6784},
	{"Portland, Maine", "ME", 43.6591, -70.2568},
	{"Boise", "ID", 43.6150, -116.2023},
	{"Fargo", "ND", 46.8772, -96.7898},
	{"Sioux Falls", "SD", 43.5446, -96.7311},
	{"Omaha", "NE", 41.2565, -95.9345},
	{"Tulsa", "OK", 36.1540, -95.9928},
	{"Little Rock", "AR", 34.7465, -92.2896},
	{"Jackson, Mississippi", "MS", 32.2988, -90.1848},
	{"Birmingham, Alabama", "AL", 33.5186, -86.8104},
	{"Charlotte", "NC", 35.2271, -80.8431},
	{"Charleston, South Carolina", "SC", 32.7765, -79.9311},
	{"Charleston, West Virginia", "WV", 38.3498, -81.6326},
	{"Louisville", "KY", 38.2527, -85.7585},
	{"Indianapolis", "IN", 39.7684, -86.1581},
	{"Columbus, Ohio", "OH", 39.9612, -82.9988},
	{"Milwaukee", "WI", 43.0389, -87.9065},
	{"Des Moines", "IA", 41.5868, -93.6250},
	{"Newark, New Jersey", "NJ", 40.7357, -74.1724},
	{"Wilmington, Delaware", "DE", 39.7391, -75.5398},
	{"Hartford", "CT", 41.7658, -72.6734},
	{"Providence", "RI", 41.8240, -71.4128},
	{"Manchester, New Hampshire", "NH", 42.9956, -71.4548},
	{"Albuquerque", "NM", 35.0844, -106.6504},
	{"Cheyenne", "WY", 41.1400, -104.8202},
	/* far away */
	{"Anchorage", "AK", 61.2181, -149.9003},
	{"Juneau", "AK", 58.3019, -134.4197},
	{"Utqiagvik", "AK", 71.2906, -156.7886},
	{"Adak, Aleutians", "AK", 51.8800, -176.6580},
	{"Shemya, Aleutians beyond 180", "AK", 52.7240, 174.1120},
	{"Amchitka, Aleutians beyond 180", "AK", 51.4000, 179.2500},
	{"Little Diomede", "AK", 65.7539, -168.9220},
	{"Honolulu", "HI", 21.3069, -157.8583},
	{"Hilo", "HI", 19.7071, -155.0885},
	{"San Juan, Puerto Rico", "PR", 18.4655, -66.1057},
	{"Ponce", "PR", 18.0111, -66.6141},
	{"Vieques", "PR", 18.1490, -65.4420},
	{"Charlotte Amalie", "VI", 18.3419, -64.9307},
	{"Cruz Bay, St. John", "VI", 18.3310, -64.7940},
	{"Coral Bay, St. John", "VI", 18.3480, -64.7130},
	{"Christiansted, St. Croix", "VI", 17.7460, -64.7030},
	{"Hagatna, Guam", "GU", 13.4757, 144.7489},
	{"Tamuning, Guam", "GU", 13.4880, 144.7810},
	{"Saipan", "MP", 15.1778, 145.7510},
	{"Tinian", "MP", 14.9700, 145.6200},
	{"Rota", "MP", 14.1400, 145.1860},
};

static const struct
{
	const char *name;
	double latitude;
	double longitude;
} foreign[] = {
	{"Tijuana at San Ysidro", 32.5400, -117.0295},
	{"Tijuana, El Chaparral", 32.5415, -117.0330},
	{"Mexicali", 32.6600, -115.4900},
	{"San Luis Rio Colorado", 32.4760, -114.7800},
	{"Nogales, Sonora", 31.3300, -110.9410},
	{"Agua Prieta", 31.3280, -109.5600},
	{"Ciudad Juarez", 31.7390, -106.4870},
	{"Ojinaga", 29.5500, -104.4080},
	{"Piedras Negras", 28.7000, -100.5150},
	{"Nuevo Laredo", 27.4930, -99.5070},
	{"Reynosa", 26.0800, -98.2850},
	{"Matamoros", 25.8800, -97.5040},
	{"Surrey, Peace Arch", 49.0035, -122.7565},
	{"White Rock, British Columbia", 49.0200, -122.8030},
	{"Tsawwassen", 49.0070, -123.0600},
	{"Victoria, British Columbia", 48.4284, -123.3656},
	{"Coutts, Alberta", 49.0040, -111.9600},
	{"Emerson, Manitoba", 49.0070, -97.2100},
	{"Fort Frances, Ontario", 48.6130, -93.4000},
	{"Sault Ste. Marie, Ontario", 46.5136, -84.3358},
	{"Windsor", 42.3050, -83.0660},
	{"Windsor, Ambassador Bridge plaza", 42.3080, -83.0680},
	{"Sarnia", 42.9745, -82.4066},
	{"Fort Erie", 42.9065, -78.9160},
	{"Niagara Falls, Ontario", 43.0896, -79.0849},
	{"Cornwall, Ontario", 45.0180, -74.7280},
	{"Lacolle, Quebec", 45.0130, -73.4530},
	{"Stanstead, Quebec", 45.0100, -72.0980},
	{"St. Stephen, New Brunswick", 45.1940, -67.2750},
	{"Campobello Island", 44.8800, -66.9300},
	{"Stewart, British Columbia", 55.9380, -129.9900},
	{"Beaver Creek, Yukon", 62.3840, -140.8750},
	{"Toronto", 43.6532, -79.3832},
	{"Montreal", 45.5017, -73.5673},
	{"Vancouver", 49.2827, -123.1207},
	{"Mexico City", 19.4326, -99.1332},
	{"Monterrey", 25.6866, -100.3161},
	{"Havana", 23.1136, -82.3666},
	{"Bimini, Bahamas", 25.7300, -79.2960},
	{"Big Diomede", 65.7800, -169.0600},
	{"Petropavlovsk-Kamchatsky", 53.0370, 158.6550},
	{"Tortola", 18.4286, -64.6185},
	{"Tortola, West End", 18.3860, -64.7030},
	{"Great Thatch Island", 18.3850, -64.7370},
	{"Norman Island", 18.3180, -64.6180},
	{"Jost Van Dyke", 18.4430, -64.7510},
	{"Punta Cana", 18.5601, -68.3725},
	{"American Samoa", -14.2756, -170.7020},
	{"London", 51.5072, -0.1276},
	{"Tokyo", 35.6762, 139.6503},
	{"The middle of the Atlantic", 35.0000, -45.0000},
	{"Beijing, Chicago without its sign", 41.8781, 87.6298},
	{"South pole", -90.0, 0.0},
	{"North pole", 90.0, 180.0},
};

static void
test_points(void)
{
	char what[160];

	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
	{
		const char *state = lpr_place_state(inside[i].latitude, inside[i].longitude);

		snprintf(what, sizeof(what), "inside: %s, %s (%s)", inside[i].name, inside[i].state, state ? state : "none");
		ok(state != NULL && strcmp(state, inside[i].state) == 0 &&
			   judge("US", inside[i].state, inside[i].latitude, inside[i].longitude) == LPR_PLACE_INSIDE &&
			   judge(NULL, NULL, inside[i].latitude, inside[i].longitude) == LPR_PLACE_INSIDE,
		   what);
	}
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
	{
		const char *state = lpr_place_state(foreign[i].latitude, foreign[i].longitude);

		snprintf(what, sizeof(what), "foreign: %s (%s)", foreign[i].name, state ? state : "none");
		ok(state == NULL && judge(NULL, NULL, foreign[i].latitude, foreign[i].longitude) == LPR_PLACE_OUTSIDE &&
			   judge("US", NULL, foreign[i].latitude, foreign[i].longitude) == LPR_PLACE_CONTRADICTION,
		   what);
	}
}

static void
test_verdicts(void)
{
	static const char unterminated[4] = {'U', 'S', 'x', 'y'};
	static const char *const nothing[] = {
		"Unknown", "N/A", "n.a.", "US", "USA", "-", "none", "NULL", "ZZ", "San Diego County", "Sector 7G", "Federal"};
	const double lat = 34.0522, lon = -118.2437; /* Los Angeles */
	char what[100];

	ok(judge("us", "ca", lat, lon) == LPR_PLACE_INSIDE, "country and region in lower case");
	ok(judge("USA", "California", lat, lon) == LPR_PLACE_INSIDE, "USA, California");
	ok(judge("united STATES", "US-CA", lat, lon) == LPR_PLACE_INSIDE, "United States, US-CA");
	ok(judge("United States of America", "", lat, lon) == LPR_PLACE_INSIDE, "United States of America");
	ok(judge("", "", lat, lon) == LPR_PLACE_INSIDE, "blank country and region: the point proves it");
	ok(judge("  ", NULL, lat, lon) == LPR_PLACE_INSIDE, "spaces are blank");
	ok(lpr_place_judge(unterminated, 2, NULL, 0, true, lat, lon) == LPR_PLACE_INSIDE, "no zero byte is needed");
	ok(judge("PR", NULL, 18.4655, -66.1057) == LPR_PLACE_INSIDE, "ISO country PR is the United States");
	ok(judge("GUM", "GU", 13.4757, 144.7489) == LPR_PLACE_INSIDE, "ISO country GUM is the United States");
	ok(judge("VIR", NULL, 18.3419, -64.9307) == LPR_PLACE_INSIDE, "ISO country VIR is the United States");
	ok(judge("MP", "Northern Mariana Islands", 15.1778, 145.7510) == LPR_PLACE_INSIDE, "ISO country MP");

	ok(judge("MX", NULL, lat, lon) == LPR_PLACE_OUTSIDE, "country MX, point in the United States");
	ok(judge("CA", "CA", lat, lon) == LPR_PLACE_OUTSIDE, "country CA is Canada");
	ok(judge("MX", "CA", 32.54, -117.0295) == LPR_PLACE_OUTSIDE, "country MX, point in Mexico");
	ok(judge("USSR", NULL, lat, lon) == LPR_PLACE_OUTSIDE, "a country that only begins with US");
	ok(judge("U|S", NULL, lat, lon) == LPR_PLACE_OUTSIDE, "a country that is no name");
	ok(judge("|", NULL, lat, lon) == LPR_PLACE_OUTSIDE, "a bar is no country");
	ok(lpr_place_judge("US\0MX", 5, NULL, 0, true, lat, lon) == LPR_PLACE_OUTSIDE, "a zero byte in the country");
	ok(judge("AS", NULL, -14.2756, -170.702) == LPR_PLACE_OUTSIDE, "country AS");
	ok(judge("US", "AS", -14.2756, -170.702) == LPR_PLACE_OUTSIDE, "American Samoa is not in INA 101(a)(38)");
	ok(judge("US", "AS", lat, lon) == LPR_PLACE_CONTRADICTION, "region American Samoa, point in Los Angeles");
	ok(judge("US", "ON", 43.65, -79.38) == LPR_PLACE_OUTSIDE, "region Ontario, point there");
	ok(lpr_place_judge("US", 2, "ON", 2, false, 0, 0) == LPR_PLACE_OUTSIDE, "region Ontario without a point");
	ok(judge("US", "ON", lat, lon) == LPR_PLACE_CONTRADICTION, "region Ontario, point in Los Angeles");
	ok(judge("US", "MX-BCN", lat, lon) == LPR_PLACE_CONTRADICTION, "region Baja California, point in Los Angeles");
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
	{
		snprintf(what, sizeof(what), "region \"%s\" is not given", nothing[i]);
		ok(judge("US", nothing[i], lat, lon) == LPR_PLACE_INSIDE, what);
		snprintf(what, sizeof(what), "... without a point: unknown");
		ok(lpr_place_judge("US", 2, nothing[i], strlen(nothing[i]), false, 0, 0) == LPR_PLACE_UNKNOWN, what);
		snprintf(what, sizeof(what), "... with a point abroad: a contradiction");
		ok(judge("US", nothing[i], 32.53, -117.03) == LPR_PLACE_CONTRADICTION, what);
	}
	ok(judge("Unknown", "n/a", lat, lon) == LPR_PLACE_INSIDE, "a country that says nothing is not given");
	ok(judge("Unknown", "n/a", 32.53, -117.03) == LPR_PLACE_OUTSIDE, "... and then the point decides");
	ok(judge("U.S.A.", "Calif.", lat, lon) == LPR_PLACE_INSIDE, "U.S.A., Calif.");
	ok(judge("US", "CA, USA", lat, lon) == LPR_PLACE_INSIDE, "CA, USA");
	ok(judge("US", "06", lat, lon) == LPR_PLACE_INSIDE, "06 is California");
	ok(judge("US", "Nev.", lat, lon) == LPR_PLACE_CONTRADICTION, "Nev. is not");
	ok(lpr_place_judge("MX", 2, NULL, 0, false, 0, 0) == LPR_PLACE_OUTSIDE, "country MX without a point");

	ok(lpr_place_judge("US", 2, "CA", 2, false, lat, lon) == LPR_PLACE_UNKNOWN, "no point: unknown, whatever is said");
	ok(lpr_place_judge(NULL, 0, NULL, 0, false, 0, 0) == LPR_PLACE_UNKNOWN, "nothing at all");
	ok(judge("US", "CA", 0, 0) == LPR_PLACE_UNKNOWN, "0,0");
	ok(judge("US", "CA", -0.0, 0) == LPR_PLACE_UNKNOWN, "-0,0");
	ok(judge("US", "CA", NAN, lon) == LPR_PLACE_UNKNOWN, "latitude not a number");
	ok(judge("US", "CA", lat, NAN) == LPR_PLACE_UNKNOWN, "longitude not a number");
	ok(judge("US", "CA", INFINITY, lon) == LPR_PLACE_UNKNOWN, "latitude infinite");
	ok(judge("US", "CA", lat, -INFINITY) == LPR_PLACE_UNKNOWN, "longitude infinite");
	ok(judge("US", "CA", lon, lat) == LPR_PLACE_UNKNOWN, "latitude and longitude exchanged");
	ok(judge("US", "CA", 90.0001, lon) == LPR_PLACE_UNKNOWN, "latitude beyond the pole");
	ok(judge("US", "CA", lat, 180.0001) == LPR_PLACE_UNKNOWN, "longitude beyond 180");
	ok(judge("US", "CA", 1e300, -1e300) == LPR_PLACE_UNKNOWN, "enormous numbers");
	ok(lpr_place_state(NAN, NAN) == NULL && lpr_place_state(0, 0) == NULL, "no state of an unusable point");

	ok(judge("US", "NY", lat, lon) == LPR_PLACE_CONTRADICTION, "region New York, point in Los Angeles");
	ok(judge(NULL, "TX", 27.493, -99.507) == LPR_PLACE_CONTRADICTION, "region Texas, point in Nuevo Laredo");
	ok(judge("US", "CA", 32.54, -117.0295) == LPR_PLACE_CONTRADICTION, "near a state, but in Mexico");
	ok(judge("US", "CA", 36.1699, -115.1398) == LPR_PLACE_CONTRADICTION, "region California, point in Las Vegas");
	ok(judge("PR", NULL, lat, lon) == LPR_PLACE_CONTRADICTION, "country PR, point in Los Angeles");
	ok(judge("GU", "PR", 18.4655, -66.1057) == LPR_PLACE_CONTRADICTION, "country GU, region PR");
	ok(judge("US", "MO", 38.6245, -90.1509) == LPR_PLACE_INSIDE, "region Missouri, 3 km into Illinois: tolerated");
	ok(judge("US", "MO", 38.6245, -90.08) == LPR_PLACE_CONTRADICTION, "region Missouri, 8 km into Illinois: not");
	ok(judge("US", "DC", 38.8816, -77.0910) == LPR_PLACE_INSIDE, "region DC, in Arlington: tolerated");
}

static void
test_distances(void)
{
	double la_ny = lpr_place_distance_m(34.0522, -118.2437, 40.7128, -74.0060);

	ok(fabs(la_ny - 3935746) < 100, "Los Angeles to New York is 3935.7 km");
	ok(fabs(lpr_place_distance_m(0, 0, 0, 1) - 111195.08) < 0.01, "a degree of the equator");
	ok(fabs(lpr_place_distance_m(0, 0, 0, 180) - 20015114.4) < 1, "half around");
	ok(fabs(lpr_place_distance_m(90, 0, -90, 77) - 20015114.4) < 1, "pole to pole");
	ok(lpr_place_distance_m(40, -100, 40, -100) == 0, "no way at all");
	ok(fabs(lpr_place_distance_m(51.9, 179.9, 51.9, -179.9) - 13722) < 5, "across the antimeridian");
	ok(isnan(lpr_place_distance_m(NAN, 0, 0, 0)), "NaN stays NaN");
}

static double
spent(const char *what, int count, bool again, const char *region)
{
	struct timespec from, to;
	static double points[4096][2];
	double ns;
	int inside_count = 0;

	srand(7);
	for (int i = 0; i < 4096; i++)
	{
		points[i][0] = 25 + 24.0 * rand() / RAND_MAX;
		points[i][1] = -124 + 57.0 * rand() / RAND_MAX;
	}
	clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < count; i++)
	{
		const double *p = points[again ? i & 255 : i & 4095];

		/* A hair's breadth more each round, so that the cache cannot know the point. */
		inside_count += judge("US", region, p[0] + (again ? 0 : (i >> 12) * 1e-9), p[1]) == LPR_PLACE_INSIDE;
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	ns = ((double) (to.tv_sec - from.tv_sec) * 1e9 + (double) (to.tv_nsec - from.tv_nsec)) / count;
	printf("# %s: %.0f ns a call, %.0f%% inside\n", what, ns, 100.0 * inside_count / count);
	return ns;
}

int
main(void)
{
	clock_t begin = clock();
	double plain;

	lpr_place_state(40, -100);
	printf("# first call, which builds the index: %.2f ms\n", 1e3 * (double) (clock() - begin) / CLOCKS_PER_SEC);
	test_points();
	test_verdicts();
	test_distances();
	ok((plain = spent("random points", 1000000, false, NULL)) > 0, "a million random points");
	ok(spent("the same 256 cameras", 1000000, true, NULL) > 0, "a million reads of the same cameras");
	/* What a vendor claims may not cost minutes a page: all of a long coast would be a thousand times as much. */
	ok(spent("false claims of Alaska", 100000, false, "AK") < plain * 100, "a hundred thousand false claims");
	printf("1..%d\n", tests);
	return failures == 0 ? 0 : 1;
}
