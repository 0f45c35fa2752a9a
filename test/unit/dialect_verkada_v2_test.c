/*
 * dialect_verkada_v2_test.c: requests and pages of verkada-v2, byte by byte.
 */
#include <math.h>

#include "dialect_case.h"

#include "core/place.h"

#define URL     "https://vendor.example/base/v2/cameras/ncic/license_plates/search"
#define HEADERS "x-verkada-auth: t0ken\nAccept: application/json\nContent-Type: application/json\n"
#define SHOWN   "POST /v2/cameras/ncic/license_plates/search "

static void
test_sign_in(void)
{
	LprRequest request = {0};

	start("verkada-v2");
	ok(dialect->sign_in(&site, &request, &fault), "sign in");
	is_text(request.url.data, "https://vendor.example/base/token", "its URL");
	is_text(request.headers.data, "x-api-key: " SECRET "\nAccept: application/json\n", "its headers");
	is_text(request.body.data, NULL, "without a body");
	ok(request.post && request.class == LPR_REQUEST_SIGN_IN, "a POST");
	lpr_request_free(&request);
	ok(dialect->signed_in(&site, "{\"token\":\"tok\"}", 15, &fault) && site.token_seconds == 1800, "signed in");
	refuses("{\"id\":\"0e2d\",\"message\":\"Token expired\",\"data\":null}", "Token expired");
	refuses("{\"id\":\"0e2d\",\"data\":{\"message\":\"no\"}}", NULL);
}

/* One slice: whole seconds, of which the last is behind the window; pages by the same question and a cursor. */
static void
test_pages(void)
{
#define ASKED                                                                                                          \
	"\"license_plate\":\"7ABC123\",\"start_time\":\"2026-11-01T00:00:00Z\",\"end_time\":\"2026-11-23T10:00:01Z\""
	start("verkada-v2");
	make_legs(1);
	asks(legs, URL, HEADERS, "{" ASKED ",\"limit\":1000}", SHOWN "{" ASKED ",\"limit\":1000}");
	page_is(legs, "{\"items\":[],\"cursor\":\"eyJvIjoyfQ==\"}", 0, 0, LPR_PAGE_END, "a page");
	asks(legs, URL, HEADERS, "{" ASKED ",\"limit\":1000,\"cursor\":\"eyJvIjoyfQ==\"}", NULL);
	page_is(legs, "{\"cursor\":\"eyJvIjoyfQ==\",\"items\":[]}", 0, 0, LPR_PAGE_FAULT, "the same page again");
	has(page.fault.message, "the same page again", "and says so");
	make_legs(1);
	legs->page_size = 20;
	page_is(legs, "{\"items\":[],\"cursor\":\"s2025\"}", 0, 0, LPR_PAGE_END, "a cursor that looks like ours");
	asks(legs, NULL, NULL, "{" ASKED ",\"limit\":20,\"cursor\":\"s2025\"}", NULL);
	page_is(legs, "{\"items\":[],\"cursor\":7}", 0, 0, LPR_PAGE_END, "a number as a cursor");
	asks(legs, NULL, NULL, "{" ASKED ",\"limit\":20,\"cursor\":\"7\"}", NULL);
	page_is(legs, "{\"items\":[],\"cursor\":null}", 0, 0, LPR_PAGE_END, "null is the end");
	ok(legs->next == NULL, "there is no next");
	make_legs(1);
	page_is(legs, "{\"items\":[],\"cursor\":\"\"}", 0, 0, LPR_PAGE_END, "as is an empty text");
	ok(legs->next == NULL, "there is no next");
	make_legs(1);
	page_is(legs, "{\"items\":[]}", 0, 0, LPR_PAGE_END, "and none at all");
	ok(legs->next == NULL, "there is no next");
	page_fault("{\"items\":[],\"cursor\":{}}", "unusable reference");
	ok(legs->next == NULL, "nor does it go on before the slice");
	page_fault("{\"cursor\":null}", "\"items\" is missing");
	page_fault("{\"items\":null,\"cursor\":null}", "is not an array");
	page_fault("[]", "expected an object");

	/* The end of a window belongs to it: the vendor is asked for the second behind. */
	query.until = moment("2026-11-23T10:00:00Z");
	make_legs(1);
	asks(legs, NULL, NULL, "{" ASKED ",\"limit\":1000}", NULL);
	query.from = moment("2026-11-01T00:00:00.9Z");
	make_legs(1);
	asks(legs, NULL, NULL, "{" ASKED ",\"limit\":1000}", NULL);
}

/* Longer than three years: the newest first, each up to the moment at which the one behind it begins. */
static void
test_slices(void)
{
	start("verkada-v2");
	query.from = moment("2021-11-23T10:00:00.5Z");
	make_legs(1);
#define SLICE(from, until)                                                                                             \
	"{\"license_plate\":\"7ABC123\",\"start_time\":\"" from "\",\"end_time\":\"" until "\",\"limit\":1000"
	asks(legs, URL, HEADERS, SLICE("2023-11-24T10:00:01Z", "2026-11-23T10:00:01Z") "}", NULL);
	page_is(legs, "{\"items\":[],\"cursor\":\"a\"}", 0, 0, LPR_PAGE_END, "a page of the first slice");
	asks(legs, URL, HEADERS, SLICE("2023-11-24T10:00:01Z", "2026-11-23T10:00:01Z") ",\"cursor\":\"a\"}", NULL);
	page_is(legs, "{\"cursor\":null,\"items\":[]}", 0, 0, LPR_PAGE_END, "its last one");
	ok(legs->overlaps && legs->edge == moment("2023-11-24T10:00:01Z"), "what stands at the edge may come twice");
	asks(legs, URL, HEADERS, SLICE("2021-11-23T10:00:00Z", "2023-11-24T10:00:01Z") "}", NULL);
	page_is(legs, "{\"items\":[],\"cursor\":\"a\"}", 0, 0, LPR_PAGE_END,
			"a page of the second, by a cursor known before");
	asks(legs, URL, HEADERS, SLICE("2021-11-23T10:00:00Z", "2023-11-24T10:00:01Z") ",\"cursor\":\"a\"}", NULL);
	page_is(legs, "{\"items\":[]}", 0, 0, LPR_PAGE_END, "its last one");
	ok(legs->next == NULL, "is that of the window");
	make_legs(1);
	page_is(legs, "{\"items\":[],\"cursor\":false}", 0, 0, LPR_PAGE_END, "no cursor in the first slice");
	ok(legs->next != NULL, "leads to the second");
	make_legs(1);
	page_is(legs, "{\"items\":[],\"cursor\":[]}", 0, 0, LPR_PAGE_FAULT, "a cursor that is none in the first slice");
	ok(legs->next == NULL, "leads nowhere");
	/* Exactly three years are one. */
	query.from = moment("2023-11-24T10:00:01Z");
	make_legs(1);
	page_is(legs, "{\"items\":[],\"cursor\":null}", 0, 0, LPR_PAGE_END, "three years of 365 days");
	ok(legs->next == NULL, "are one slice");
}

static void
test_reads(void)
{
#define ITEM(more)                                                                                                     \
	"{\"items\":[{\"read_id\":\"R1\",\"plate\":\"7abc-123\",\"event_time\":\"2026-11-20T10:00:00.25Z\"" more           \
	"}],\"cursor\":null}"
	start("verkada-v2");
	make_legs(1);
	odd_read(ITEM(",\"plate_state\":\"CA\",\"lat\":32.55,\"lon\":-117.04,\"image_data\":\"https://i.example/p?s=1\","
				  "\"additional_image\":\"https://i.example/v?s=1\",\"agency_name\":\"San Diego PD\",\"ori\":\"CA0\","
				  "\"camera_name\":\"North gate\",\"site_id\":\"5f\",\"user_id\":null"),
			 NULL);
	is_slice(read_.id, "R1", "id");
	is_text(read_.plate, "7ABC123", "plate");
	is_slice(read_.plate_as_read, "7abc-123", "as it was written");
	is_text(read_.plate_region, "CA", "region");
	ok(read_.captured_at == moment("2026-11-20T10:00:00.25Z"), "captured_at");
	ok(read_.has_point && read_.latitude == 32.55 && read_.longitude == -117.04, "point");
	is_slice(read_.plate_image, "https://i.example/p?s=1", "image of the plate");
	is_slice(read_.vehicle_image, "https://i.example/v?s=1", "image of the vehicle");
	is_slice(read_.camera_owner, "San Diego PD", "owner");
	is_slice(read_.camera_id, "5f:North gate", "the camera by site and name");
	is_slice(read_.country, NULL, "no country");
	is_slice(read_.address, NULL, "no address");
	ok(!read_.has_confidence, "no confidence");
	odd_read(ITEM(",\"camera_name\":\"North gate\""), NULL);
	is_slice(read_.camera_id, "North gate", "by its name alone");
	odd_read(ITEM(",\"site_id\":\"5f\""), NULL);
	is_slice(read_.camera_id, NULL, "a site is no camera");
	odd_read(ITEM(",\"plate_state\":null,\"lat\":null,\"lon\":null,\"image_data\":null,\"additional_image\":\"\","
				  "\"agency_name\":null,\"camera_name\":null,\"site_id\":null"),
			 NULL);
	ok(!read_.has_point && read_.plate_region[0] == '\0' && read_.plate_image.data == NULL &&
		   read_.vehicle_image.data == NULL,
	   "nothing but what a read must have");
	odd_read(ITEM(",\"lat\":\"32.55\",\"lon\":[\"-117.04\"]"), NULL);
	ok(read_.has_point && read_.longitude == -117.04, "a point of texts");
	odd_read(ITEM(",\"lat\":320,\"lon\":-117.04"), "latitude");
	odd_read(ITEM(",\"agency_name\":{}"), "agency_name");
	odd_read(ITEM(",\"image_data\":\"data:image/png;base64,AA\""), "plate_image");
	bad_read("{\"items\":[{\"plate\":\"A1\",\"event_time\":\"2026-11-20T10:00:00Z\"}]}", "\"read_id\" is missing");
	bad_read("{\"items\":[{\"read_id\":\"R\",\"event_time\":\"2026-11-20T10:00:00Z\"}]}", "\"plate\" is missing");
	bad_read("{\"items\":[{\"read_id\":\"R\",\"plate\":\"A1\"}]}", "\"captured_at\" is missing");
	bad_read("{\"items\":[{\"read_id\":\"R\",\"plate\":\"A1\",\"event_time\":\"2026-11-20T10:00:00\"}]}",
			 "\"captured_at\" is not a point in time");
	bad_read(ITEM(",\"plate\":\"A2\""), "stands twice");
}

/* Corners of the fence that is sent: each as far away as it must be, so that its sides enclose the circle. */
static void
test_fence(double latitude, double longitude, double radius)
{
	LprRequest request = {0};
	const char *corner;
	double lat[20], lon[20], least = INFINITY, most = 0;
	int n = 0;

	start("verkada-v2");
	query.has_near = true;
	query.latitude = latitude;
	query.longitude = longitude;
	query.radius_m = radius;
	make_legs(1);
	ok(dialect->ask(legs, &request, &fault), "asks for a place: %s", fault.message);
	corner = strstr(request.body.data, "\"geo_fence\":[");
	ok(corner != NULL && strstr(request.body.data, "}],\"limit\":1000}") != NULL, "with a fence");
	while (corner != NULL && (corner = strstr(corner, "{\"latitude\":")) != NULL && n < 20)
	{
		if (sscanf(corner, "{\"latitude\":%lf,\"longitude\":%lf}", &lat[n], &lon[n]) == 2)
			n++;
		corner++;
	}
	ok(n == 16, "of %d corners", n);
	for (int i = 0; i < n; i++)
	{
		double side =
			lpr_place_distance_m((lat[i] + lat[(i + 1) % n]) / 2, (lon[i] + lon[(i + 1) % n]) / 2, latitude, longitude);

		most = fmax(most, lpr_place_distance_m(lat[i], lon[i], latitude, longitude));
		least = fmin(least, side);
	}
	ok(least >= radius, "the middle of no side is nearer than %.0f m: %.0f", radius, least);
	ok(most <= radius * 1.05 + 2, "and no corner much farther away: %.0f", most);
	lpr_request_free(&request);
}

static void
test_places(void)
{
	start("verkada-v2");
	query.has_near = true;
	query.latitude = 32.552;
	query.longitude = -117.042;
	query.radius_m = 1000;
	query.mode = LPR_MODE_LOCATION;
	query.nplates = 0;
	make_legs(1);
	asks(legs, URL, HEADERS,
		 "{\"start_time\":\"2026-11-01T00:00:00Z\",\"end_time\":\"2026-11-23T10:00:01Z\",\"geo_fence\":["
		 "{\"latitude\":32.56127,\"longitude\":-117.042},{\"latitude\":32.560565,\"longitude\":-117.037791},"
		 "{\"latitude\":32.558555,\"longitude\":-117.034223},{\"latitude\":32.555547,\"longitude\":-117.031839},"
		 "{\"latitude\":32.552,\"longitude\":-117.031002},{\"latitude\":32.548452,\"longitude\":-117.031839},"
		 "{\"latitude\":32.545445,\"longitude\":-117.034224},{\"latitude\":32.543435,\"longitude\":-117.037792},"
		 "{\"latitude\":32.54273,\"longitude\":-117.042},{\"latitude\":32.543435,\"longitude\":-117.046208},"
		 "{\"latitude\":32.545445,\"longitude\":-117.049776},{\"latitude\":32.548452,\"longitude\":-117.052161},"
		 "{\"latitude\":32.552,\"longitude\":-117.052998},{\"latitude\":32.555547,\"longitude\":-117.052161},"
		 "{\"latitude\":32.558555,\"longitude\":-117.049777},{\"latitude\":32.560565,\"longitude\":-117.046209}],"
		 "\"limit\":1000}",
		 NULL);
	test_fence(32.552, -117.042, 100);
	test_fence(32.552, -117.042, 25000);
	test_fence(71.3, -156.8, 500000);
	test_fence(13.45, 144.75, 300000);
	test_fence(0, 0, 1);

	/* Across the line of the date no fence can be drawn: a plate is asked for without, a place not at all. */
	query.latitude = 51.9;
	query.longitude = 179.9;
	query.radius_m = 25000;
	make_legs(1);
	asks(legs, NULL, NULL,
		 "{\"license_plate\":\"7ABC123\",\"start_time\":\"2026-11-01T00:00:00Z\",\"end_time\":\"2026-11-23T10:00:01Z\","
		 "\"limit\":1000}",
		 NULL);
	query.mode = LPR_MODE_LOCATION;
	query.nplates = 0;
	make_legs(1);
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "across the 180th meridian");
	ok(fault.hint[0] != '\0', "with a hint");
}

/* What the vendor takes for a pattern never goes out (Q8). */
static void
test_wildcards(void)
{
	static const char *const patterns[] = {"7ABC*", "*123", "*", "7A*3"};

	start("verkada-v2");
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
	{
		plates[0] = patterns[i];
		make_legs(1);
		does_not_ask(legs, LPR_STATE_BAD_OPTION, "asterisk");
		ok(fault.hint[0] != '\0', "with a hint");
	}
	plates[0] = "7ABC123";
}

int
main(void)
{
	test_sign_in();
	test_pages();
	test_slices();
	test_reads();
	test_places();
	test_wildcards();
	return finish();
}
