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

static LprCertainty certainty; /* of the last verdict */

static LprPlace
judge_said(const char *country, size_t country_len, const char *region, size_t region_len, bool has_point,
		   double latitude, double longitude)
{
	const LprPlaceSaid said = {.country = {country, country_len},
							   .region = {region, region_len},
							   .has_point = has_point,
							   .latitude = latitude,
							   .longitude = longitude};
	LprPlace verdict = lpr_place_judge(&said, &certainty);

	if ((verdict == LPR_PLACE_INSIDE) != (certainty != LPR_CERTAINTY_NONE))
		ok(false, "a certainty of what is inside, and of nothing else");
	return verdict;
}

static LprPlace
judge(const char *country, const char *region, double latitude, double longitude)
{
	return judge_said(country, length(country), region, length(region), true, latitude, longitude);
}

/* Without a point. */
static LprPlace
judge_address(const char *country, const char *region, const char *address)
{
	const LprPlaceSaid said = {.country = {country, length(country)},
							   .region = {region, length(region)},
							   .address = {address, length(address)}};

	return lpr_place_judge(&said, &certainty);
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
	/* the middle of tunnels, ferries on their way, locks */
	{"Detroit-Windsor tunnel, American half", "MI", 42.3272, -83.0420},
	{"Sault locks", "MI", 46.5025, -84.3540},
	{"Seattle-Bainbridge ferry, midway", "WA", 47.6120, -122.4250},
	{"Anacortes-Friday Harbor ferry, midway", "WA", 48.5400, -122.8300},
	{"Cape May-Lewes ferry, midway", "NJ", 38.8600, -75.0500},
	{"Bolivar ferry, midway", "TX", 29.3450, -94.7700},
	{"Staten Island ferry, midway", "NY", 40.6700, -74.0440},
	{"Hampton Roads Bridge-Tunnel", "VA", 36.9830, -76.3150},
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
			   judge(NULL, NULL, inside[i].latitude, inside[i].longitude) == LPR_PLACE_INSIDE &&
			   certainty == LPR_CERTAINTY_POINT,
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

/* A hundred metres of latitude, and so on. */
#define NORTH(metres) ((metres) / 111195.08)

static void
test_border(void)
{
	/* The 49th parallel, west of Sweetgrass: the line runs near 48.9995. */
	double line = 48.99, lon = -112.2;

	while (lpr_place_state(line, lon) != NULL)
		line += 1e-6;
	ok(judge("US", "MT", line + NORTH(1), lon) == LPR_PLACE_INSIDE && certainty == LPR_CERTAINTY_BORDER,
	   "a metre beyond the line, country and region say Montana");
	ok(judge("US", "Mont.", line + NORTH(115), lon) == LPR_PLACE_INSIDE && certainty == LPR_CERTAINTY_BORDER,
	   "115 m beyond it");
	ok(judge("US", "MT", line + NORTH(125), lon) == LPR_PLACE_CONTRADICTION, "125 m beyond it");
	ok(judge("US", "MT", line - NORTH(1), lon) == LPR_PLACE_INSIDE && certainty == LPR_CERTAINTY_POINT,
	   "a metre before it");
	ok(judge("US", NULL, line + NORTH(1), lon) == LPR_PLACE_CONTRADICTION, "the country alone does not do");
	ok(judge("US", "Unknown", line + NORTH(1), lon) == LPR_PLACE_CONTRADICTION,
	   "... nor with a region that says nothing");
	ok(judge(NULL, "MT", line + NORTH(1), lon) == LPR_PLACE_CONTRADICTION, "the region alone does not do");
	ok(judge(NULL, NULL, line + NORTH(1), lon) == LPR_PLACE_OUTSIDE, "the point alone does not do");
	ok(judge("US", "ND", line + NORTH(1), lon) == LPR_PLACE_CONTRADICTION, "another state does not do");
	ok(judge("US", "AB", line + NORTH(1), lon) == LPR_PLACE_OUTSIDE, "a province does not do");
	ok(judge("CA", "MT", line + NORTH(1), lon) == LPR_PLACE_OUTSIDE, "another country does not do");
	ok(judge("US", "CA", 32.5410, -117.0296) == LPR_PLACE_CONTRADICTION, "El Chaparral, 160 m from San Ysidro's line");
	ok(judge("US", "AK", 51.9, 165.0) == LPR_PLACE_CONTRADICTION, "far beyond the date line");
	ok(judge("US", "VI", 18.3830, -64.6200) == LPR_PLACE_CONTRADICTION, "Tortola");
}

/* Land ports of entry at the points that their own authority publishes (sql/12-port.sql has the source). */
static const struct
{
	const char *name;
	const char *state;
	double latitude;
	double longitude;
	LprCertainty certainty;
} ports[] = {
	{"Portland, Maine", "ME", 43.659444, -70.243056, LPR_CERTAINTY_POINT},
	{"Eastport, Maine", "ME", 44.859440, -66.980076, LPR_CERTAINTY_POINT},
	{"Jackman, Maine", "ME", 45.805661, -70.396722, LPR_CERTAINTY_POINT},
	{"Vanceboro, Maine", "ME", 45.568761, -67.428541, LPR_CERTAINTY_BORDER},
	{"Houlton, Maine", "ME", 46.134879, -67.781288, LPR_CERTAINTY_POINT},
	{"Fort Fairfield, Maine", "ME", 46.765323, -67.789471, LPR_CERTAINTY_BORDER},
	{"Van Buren, Maine", "ME", 47.159645, -67.930799, LPR_CERTAINTY_BORDER},
	{"Madawaska, Maine", "ME", 47.360052, -68.328684, LPR_CERTAINTY_BORDER},
	{"Fort Kent, Maine", "ME", 47.249206, -68.603918, LPR_CERTAINTY_POINT},
	{"Bar Harbor, Maine", "ME", 44.399722, -68.224722, LPR_CERTAINTY_POINT},
	{"Calais, Maine", "ME", 45.188548, -67.275381, LPR_CERTAINTY_POINT},
	{"Limestone, Maine", "ME", 46.924555, -67.789597, LPR_CERTAINTY_BORDER},
	{"Bridgewater, Maine", "ME", 46.450335, -67.784840, LPR_CERTAINTY_POINT},
	{"Richford, Vermont", "VT", 45.011740, -72.588559, LPR_CERTAINTY_POINT},
	{"Beecher Falls, Vermont", "VT", 45.013411, -71.505309, LPR_CERTAINTY_BORDER},
	{"Derby Line, Vermont", "VT", 45.005739, -72.099279, LPR_CERTAINTY_BORDER},
	{"Norton, Vermont", "VT", 45.010771, -71.793219, LPR_CERTAINTY_POINT},
	{"Highgate Springs, Vermont", "VT", 45.015414, -73.085037, LPR_CERTAINTY_BORDER},
	{"Ogdensburg, New York", "NY", 44.733090, -75.457750, LPR_CERTAINTY_POINT},
	{"Massena, New York", "NY", 44.990556, -74.739722, LPR_CERTAINTY_BORDER},
	{"Cape Vincent, New York", "NY", 44.134917, -76.352489, LPR_CERTAINTY_POINT},
	{"Alexandria Bay, New York", "NY", 44.347229, -75.983592, LPR_CERTAINTY_POINT},
	{"Champlain Rouses Point, New York", "NY", 45.008833, -73.452663, LPR_CERTAINTY_BORDER},
	{"Trout River, New York", "NY", 44.992058, -74.308172, LPR_CERTAINTY_POINT},
	{"Buffalo Niagara Falls, New York", "NY", 43.095490, -79.055847, LPR_CERTAINTY_POINT},
	{"Brownsville, Texas", "TX", 25.951550, -97.400670, LPR_CERTAINTY_POINT},
	{"Del Rio, Texas", "TX", 29.326784, -100.927612, LPR_CERTAINTY_BORDER},
	{"Eagle Pass, Texas", "TX", 28.705483, -100.511977, LPR_CERTAINTY_POINT},
	{"Laredo, Texas", "TX", 27.499561, -99.507412, LPR_CERTAINTY_BORDER},
	{"Hidalgo, Texas", "TX", 26.095032, -98.271092, LPR_CERTAINTY_POINT},
	{"Rio Grande City, Texas", "TX", 26.365761, -98.802513, LPR_CERTAINTY_POINT},
	{"Progreso, Texas", "TX", 26.062133, -97.949958, LPR_CERTAINTY_POINT},
	{"Roma, Texas", "TX", 26.403928, -99.018981, LPR_CERTAINTY_BORDER},
	{"Ysleta, Texas", "TX", 31.673126, -106.335450, LPR_CERTAINTY_POINT},
	{"El Paso, Texas", "TX", 31.764363, -106.451188, LPR_CERTAINTY_BORDER},
	{"Presidio, Texas", "TX", 29.561827, -104.394907, LPR_CERTAINTY_POINT},
	{"Tornillo, Texas", "TX", 31.435334, -106.142669, LPR_CERTAINTY_POINT},
	{"Columbus, New Mexico", "NM", 31.783742, -107.627948, LPR_CERTAINTY_BORDER},
	{"Santa Teresa, New Mexico", "NM", 31.783939, -106.679437, LPR_CERTAINTY_POINT},
	{"Boquillas, Texas", "TX", 29.190074, -102.946705, LPR_CERTAINTY_POINT},
	{"Andrade, California", "CA", 32.718143, -114.728320, LPR_CERTAINTY_BORDER},
	{"Calexico, California", "CA", 32.673389, -115.388018, LPR_CERTAINTY_POINT},
	{"San Ysidro, California", "CA", 32.542528, -117.028761, LPR_CERTAINTY_POINT},
	{"Tecate, California", "CA", 32.576428, -116.626216, LPR_CERTAINTY_POINT},
	{"Otay Mesa, California", "CA", 32.550330, -116.938538, LPR_CERTAINTY_POINT},
	{"Calexico East, California", "CA", 32.673389, -115.388018, LPR_CERTAINTY_POINT},
	{"Cross Border Xpress, California", "CA", 32.548340, -116.974462, LPR_CERTAINTY_POINT},
	{"Douglas, Arizona", "AZ", 31.334043, -109.560344, LPR_CERTAINTY_POINT},
	{"Lukeville, Arizona", "AZ", 31.880195, -112.817077, LPR_CERTAINTY_POINT},
	{"Naco, Arizona", "AZ", 31.334084, -109.948413, LPR_CERTAINTY_POINT},
	{"Nogales, Arizona", "AZ", 31.332839, -110.942516, LPR_CERTAINTY_POINT},
	{"Sasabe, Arizona", "AZ", 31.483039, -111.544363, LPR_CERTAINTY_BORDER},
	{"San Luis, Arizona", "AZ", 32.485000, -114.782222, LPR_CERTAINTY_BORDER},
	{"Blaine, Washington", "WA", 48.994045, -122.748884, LPR_CERTAINTY_POINT},
	{"Port Angeles, Washington", "WA", 48.121858, -123.430694, LPR_CERTAINTY_POINT},
	{"Sumas, Washington", "WA", 49.002388, -122.264805, LPR_CERTAINTY_POINT},
	{"Anacortes, Washington", "WA", 48.496170, -122.599530, LPR_CERTAINTY_POINT},
	{"Nighthawk, Washington", "WA", 49.000144, -119.671030, LPR_CERTAINTY_POINT},
	{"Danville, Washington", "WA", 49.000083, -118.503722, LPR_CERTAINTY_POINT},
	{"Ferry, Washington", "WA", 49.000083, -118.761166, LPR_CERTAINTY_POINT},
	{"Friday Harbor, Washington", "WA", 48.534485, -123.016484, LPR_CERTAINTY_POINT},
	{"Boundary, Washington", "WA", 49.000750, -117.627583, LPR_CERTAINTY_BORDER},
	{"Laurier, Washington", "WA", 49.000083, -118.223777, LPR_CERTAINTY_POINT},
	{"Point Roberts, Washington", "WA", 49.002056, -123.068056, LPR_CERTAINTY_BORDER},
	{"Oroville, Washington", "WA", 49.000083, -119.461833, LPR_CERTAINTY_POINT},
	{"Frontier, Washington", "WA", 49.000500, -117.831527, LPR_CERTAINTY_POINT},
	{"Kenneth G Ward, Washington", "WA", 49.002277, -122.485027, LPR_CERTAINTY_POINT},
	{"Metaline Falls, Washington", "WA", 48.999972, -117.299444, LPR_CERTAINTY_BORDER},
	{"Ketchikan, Alaska", "AK", 55.342080, -131.647804, LPR_CERTAINTY_POINT},
	{"Skagway, Alaska", "AK", 59.629722, -135.164444, LPR_CERTAINTY_POINT},
	{"Alcan, Alaska", "AK", 62.614961, -141.001444, LPR_CERTAINTY_BORDER},
	{"Dalton Cache, Alaska", "AK", 59.450556, -136.361944, LPR_CERTAINTY_NONE},
	{"Raymond, Montana", "MT", 48.999194, -104.574333, LPR_CERTAINTY_POINT},
	{"Eastport, Idaho", "ID", 49.000555, -116.181027, LPR_CERTAINTY_POINT},
	{"Turner, Montana", "MT", 48.999527, -108.387916, LPR_CERTAINTY_BORDER},
	{"Porthill, Idaho", "ID", 48.999861, -116.499250, LPR_CERTAINTY_POINT},
	{"Scobey, Montana", "MT", 48.999527, -105.407638, LPR_CERTAINTY_BORDER},
	{"Sweetgrass, Montana", "MT", 48.998388, -111.959611, LPR_CERTAINTY_POINT},
	{"Whitetail, Montana", "MT", 48.999347, -105.162324, LPR_CERTAINTY_BORDER},
	{"Piegan, Montana", "MT", 48.998083, -113.378777, LPR_CERTAINTY_POINT},
	{"Opheim, Montana", "MT", 48.999527, -106.377583, LPR_CERTAINTY_POINT},
	{"Roosville, Montana", "MT", 48.999638, -115.056027, LPR_CERTAINTY_BORDER},
	{"Morgan, Montana", "MT", 48.999829, -107.831819, LPR_CERTAINTY_BORDER},
	{"Whitlash, Montana", "MT", 48.997250, -111.257916, LPR_CERTAINTY_POINT},
	{"Del Bonita, Montana", "MT", 48.998555, -112.788250, LPR_CERTAINTY_POINT},
	{"Wildhorse, Montana", "MT", 48.999361, -110.215083, LPR_CERTAINTY_BORDER},
	{"Willow Creek, Montana", "MT", 48.999972, -109.731333, LPR_CERTAINTY_BORDER},
	{"Pembina, North Dakota", "ND", 49.000453, -97.237036, LPR_CERTAINTY_POINT},
	{"Noyes, Minnesota", "MN", 49.000171, -97.206601, LPR_CERTAINTY_POINT},
	{"Portal, North Dakota", "ND", 48.998944, -102.551944, LPR_CERTAINTY_POINT},
	{"Neche, North Dakota", "ND", 49.000527, -97.557333, LPR_CERTAINTY_POINT},
	{"St John, North Dakota", "ND", 48.999277, -99.659111, LPR_CERTAINTY_BORDER},
	{"Northgate, North Dakota", "ND", 48.998833, -102.274750, LPR_CERTAINTY_BORDER},
	{"Walhalla, North Dakota", "ND", 49.000472, -97.908416, LPR_CERTAINTY_POINT},
	{"Hannah, North Dakota", "ND", 49.000138, -98.693777, LPR_CERTAINTY_BORDER},
	{"Sarles, North Dakota", "ND", 49.000027, -98.938361, LPR_CERTAINTY_BORDER},
	{"Ambrose, North Dakota", "ND", 48.999305, -103.486555, LPR_CERTAINTY_BORDER},
	{"Antler, North Dakota", "ND", 48.999472, -101.296055, LPR_CERTAINTY_BORDER},
	{"Sherwood, North Dakota", "ND", 48.999305, -101.627527, LPR_CERTAINTY_BORDER},
	{"Hansboro, North Dakota", "ND", 48.999583, -99.346527, LPR_CERTAINTY_BORDER},
	{"Maida, North Dakota", "ND", 49.000250, -98.365250, LPR_CERTAINTY_BORDER},
	{"Fortuna, North Dakota", "ND", 48.999555, -103.809250, LPR_CERTAINTY_BORDER},
	{"Westhope, North Dakota", "ND", 48.999611, -101.017277, LPR_CERTAINTY_BORDER},
	{"Noonan, North Dakota", "ND", 48.999333, -103.004361, LPR_CERTAINTY_BORDER},
	{"Carbury, North Dakota", "ND", 48.999416, -100.555805, LPR_CERTAINTY_BORDER},
	{"Dunseith, North Dakota", "ND", 48.999277, -100.052166, LPR_CERTAINTY_BORDER},
	{"Warroad, Minnesota", "MN", 48.999000, -95.376555, LPR_CERTAINTY_BORDER},
	{"Baudette, Minnesota", "MN", 48.719109, -94.590467, LPR_CERTAINTY_BORDER},
	{"Pinecreek, Minnesota", "MN", 48.999916, -95.977694, LPR_CERTAINTY_POINT},
	{"Roseau, Minnesota", "MN", 48.999538, -95.766469, LPR_CERTAINTY_POINT},
	{"Lancaster, Minnesota", "MN", 49.000194, -96.800527, LPR_CERTAINTY_BORDER},
	{"International Falls, Minnesota", "MN", 48.607800, -93.401355, LPR_CERTAINTY_BORDER},
	{"Grand Portage, Minnesota", "MN", 48.001427, -89.585150, LPR_CERTAINTY_BORDER},
	{"Detroit, Michigan", "MI", 42.331685, -83.047924, LPR_CERTAINTY_POINT},
	{"Port Huron, Michigan", "MI", 42.998611, -82.423611, LPR_CERTAINTY_BORDER},
	{"Sault Sainte Marie, Michigan", "MI", 46.508611, -84.360833, LPR_CERTAINTY_BORDER},
	{"Algonac, Michigan", "MI", 42.618300, -82.531100, LPR_CERTAINTY_POINT},
};

static void
test_ports(void)
{
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
	{
		LprPlace verdict = judge("US", ports[i].state, ports[i].latitude, ports[i].longitude);

		ok(verdict == (ports[i].certainty != LPR_CERTAINTY_NONE ? LPR_PLACE_INSIDE : LPR_PLACE_CONTRADICTION) &&
			   certainty == ports[i].certainty,
		   ports[i].name);
	}
}

static void
test_addresses(void)
{
	ok(judge_address("US", "CA", "500 Camino de la Plaza") == LPR_PLACE_INSIDE && certainty == LPR_CERTAINTY_ADDRESS,
	   "a street address in a state");
	ok(judge_address(NULL, "Calif.", "I-5 at Dairy Mart Rd") == LPR_PLACE_INSIDE && certainty == LPR_CERTAINTY_ADDRESS,
	   "... that the region names, whatever the country");
	ok(judge_address("US", "CA", NULL) == LPR_PLACE_UNKNOWN, "no address");
	ok(judge_address("US", "CA", "California") == LPR_PLACE_UNKNOWN, "an address that names no place");
	ok(judge_address("US", "CA", "Main Street") == LPR_PLACE_UNKNOWN, "... but a street of any town");
	ok(judge_address("US", NULL, "500 Camino de la Plaza") == LPR_PLACE_UNKNOWN, "no state");
	ok(judge_address("US", "Unknown", "500 Camino de la Plaza") == LPR_PLACE_UNKNOWN, "a state that says nothing");
	ok(judge_address("US", "Baja California", "500 Avenida Revolucion") == LPR_PLACE_OUTSIDE, "a state of Mexico");
	ok(judge_address("US", "American Samoa", "500 Harbor Road") == LPR_PLACE_OUTSIDE, "American Samoa");
	ok(judge_address("MX", "CA", "500 Avenida Revolucion") == LPR_PLACE_OUTSIDE, "another country");
	ok(judge_address("PR", "CA", "500 Camino de la Plaza") == LPR_PLACE_UNKNOWN, "two states");
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
	ok(judge_said(unterminated, 2, NULL, 0, true, lat, lon) == LPR_PLACE_INSIDE, "no zero byte is needed");
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
	ok(judge_said("US\0MX", 5, NULL, 0, true, lat, lon) == LPR_PLACE_OUTSIDE, "a zero byte in the country");
	ok(judge("AS", NULL, -14.2756, -170.702) == LPR_PLACE_OUTSIDE, "country AS");
	ok(judge("US", "AS", -14.2756, -170.702) == LPR_PLACE_OUTSIDE, "American Samoa is not in INA 101(a)(38)");
	ok(judge("US", "AS", lat, lon) == LPR_PLACE_CONTRADICTION, "region American Samoa, point in Los Angeles");
	ok(judge("US", "ON", 43.65, -79.38) == LPR_PLACE_OUTSIDE, "region Ontario, point there");
	ok(judge_said("US", 2, "ON", 2, false, 0, 0) == LPR_PLACE_OUTSIDE, "region Ontario without a point");
	ok(judge("US", "ON", lat, lon) == LPR_PLACE_CONTRADICTION, "region Ontario, point in Los Angeles");
	ok(judge("US", "MX-BCN", lat, lon) == LPR_PLACE_CONTRADICTION, "region Baja California, point in Los Angeles");
	for (size_t i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
	{
		snprintf(what, sizeof(what), "region \"%s\" is not given", nothing[i]);
		ok(judge("US", nothing[i], lat, lon) == LPR_PLACE_INSIDE, what);
		snprintf(what, sizeof(what), "... without a point: unknown");
		ok(judge_said("US", 2, nothing[i], strlen(nothing[i]), false, 0, 0) == LPR_PLACE_UNKNOWN, what);
		snprintf(what, sizeof(what), "... with a point abroad: a contradiction");
		ok(judge("US", nothing[i], 32.53, -117.03) == LPR_PLACE_CONTRADICTION, what);
	}
	ok(judge("Unknown", "n/a", lat, lon) == LPR_PLACE_INSIDE, "a country that says nothing is not given");
	ok(judge("Unknown", "n/a", 32.53, -117.03) == LPR_PLACE_OUTSIDE, "... and then the point decides");
	ok(judge("U.S.A.", "Calif.", lat, lon) == LPR_PLACE_INSIDE, "U.S.A., Calif.");
	ok(judge("US", "CA, USA", lat, lon) == LPR_PLACE_INSIDE, "CA, USA");
	ok(judge("US", "06", lat, lon) == LPR_PLACE_INSIDE, "06 is California");
	ok(judge("US", "Nev.", lat, lon) == LPR_PLACE_CONTRADICTION, "Nev. is not");
	ok(judge_said("MX", 2, NULL, 0, false, 0, 0) == LPR_PLACE_OUTSIDE, "country MX without a point");

	ok(judge_said("US", 2, "CA", 2, false, lat, lon) == LPR_PLACE_UNKNOWN, "no point: unknown, whatever is said");
	ok(judge_said(NULL, 0, NULL, 0, false, 0, 0) == LPR_PLACE_UNKNOWN, "nothing at all");
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
	test_border();
	test_ports();
	test_addresses();
	test_verdicts();
	test_distances();
	ok((plain = spent("random points", 1000000, false, NULL)) > 0, "a million random points");
	ok(spent("the same 256 cameras", 1000000, true, NULL) > 0, "a million reads of the same cameras");
	/* What a vendor claims may not cost minutes a page: all of a long coast would be a thousand times as much. */
	ok(spent("false claims of Alaska", 100000, false, "AK") < plain * 100, "a hundred thousand false claims");
	printf("1..%d\n", tests);
	return failures == 0 ? 0 : 1;
}
