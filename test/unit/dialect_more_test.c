/*
 * dialect_more_test.c: requests and pages of rekor-scout-v2, parkpow-v1 and verkada-v1.
 */
#include "dialect_case.h"

#define WINDOW "start=2026-11-01T00%3A00%3A00.000000Z&end=2026-11-23T10%3A00%3A00.500000Z"

#define REKOR(uuid, time)                                                                                              \
	"{\"pk\":\"" uuid                                                                                                  \
	"\",\"model\":\"plate\",\"fields\":{\"best_plate\":\"7ABC123\",\"best_confidence\":91.5,\"best_uuid\":"            \
	"\"" uuid "\","                                                                                                    \
	"\"epoch_time_start\":\"" time "\",\"epoch_time_end\":\"" time "\",\"camera\":\"North\",\"camera_id\":7,"          \
	"\"agent_uid\":\"AG/1\",\"company\":\"PD\",\"plate_x1\":10,\"plate_y1\":20,\"plate_x2\":110,\"plate_y2\":22,"      \
	"\"plate_x3\":112,\"plate_y3\":60,\"plate_x4\":11,\"plate_y4\":58}}"

static void
rekor_page(const char *body, int good, const char *next, bool cut, const char *what)
{
	page_is(legs, body, good, 0, LPR_PAGE_END, what);
	is_text(legs->next, next, "its next");
	ok(legs->cut == cut, "%s", cut ? "is cut" : "is not cut");
}

static void
test_rekor(void)
{
	LprRequest request = {0};

	start("rekor-scout-v2");
	ok(dialect->ask_cameras(&site, &request, &fault), "the register is asked for");
	is_text(request.url.data, "https://vendor.example/base/api/cameras/?api_key=" SECRET, "its URL");
	is_text(request.shown.data, "GET /api/cameras/", "what is shown");
	ok(request.class == LPR_REQUEST_CAMERAS && !request.post, "its class");
	lpr_request_free(&request);
#define TAKES(text) dialect->take_cameras(&site, text, strlen(text), &fault)
	ok(TAKES("[{\"pk\":7,\"model\":\"c\",\"fields\":{\"camera_id\":7,\"name\":\"1 Elm "
			 "St\",\"company\":\"PD\",\"latitude\":34.05,"
			 "\"longitude\":-118.25}},{\"pk\":8,\"fields\":{\"name\":\"none\",\"latitude\":null,\"longitude\":null}},"
			 "{\"id\":\"bare\",\"latitude\":1,\"longitude\":2},{\"fields\":{}},7,null,"
			 "{\"pk\":9,\"fields\":{\"latitude\":91,\"longitude\":0,\"name\":\"a\\u0007\"}}]"),
	   "and taken: %s", fault.message);
	ok(site.has_cameras && site.ncameras == 4, "%d cameras", site.ncameras);
	ok(lpr_site_camera(&site, slice("7"))->has_point && !lpr_site_camera(&site, slice("8"))->has_point &&
		   !lpr_site_camera(&site, slice("9"))->has_point && lpr_site_camera(&site, slice("9"))->address == NULL,
	   "their points");
	ok(!TAKES("{}") && !TAKES("") && !TAKES("[1,]") && !TAKES("['a']") && !TAKES("[NaN] x") && !TAKES("[\"\xFF\"]"),
	   "registers that cannot be");
	ok(site.ncameras == 4, "leave the old one");

	plates[0] = "A&B=C#1\r\n";
	query.page_size = 2;
	make_legs(1);
	asks(legs,
		 "https://vendor.example/base/api/search/plate?api_key=" SECRET "&" WINDOW
		 "&plate=A%26B%3DC%231%0D%0A&order=desc&topn=2",
		 "Accept: application/json\n", NULL,
		 "GET /api/search/plate?" WINDOW "&plate=A%26B%3DC%231%0D%0A&order=desc&topn=2");
	plates[0] = "7ABC123";
	query.want_images = true;
	ok(open_page(legs, "[" REKOR("u/1", "2026-11-20T10:00:00.5Z") "]") && step() == LPR_PAGE_READ, "a read: %s",
	   page.fault.message);
	is_slice(read_.id, "u/1", "id");
	is_text(read_.plate, "7ABC123", "plate");
	ok(read_.has_confidence && read_.confidence == 0.915, "percent becomes a fraction");
	ok(read_.captured_at == moment("2026-11-20T10:00:00.5Z"), "captured_at");
	is_slice(read_.camera_id, "7", "camera_id");
	is_slice(read_.address, "1 Elm St", "address of the register");
	ok(read_.has_point && read_.latitude == 34.05, "point of the register");
	is_slice(read_.camera_owner, "PD", "owner");
	is_slice(read_.vehicle_image, "https://vendor.example/base/img/AG%2F1/u%2F1", "vehicle_image");
	is_slice(read_.plate_image, "https://vendor.example/base/img/AG%2F1/u%2F1?x=10&y=20&width=102&height=40",
			 "plate_image");
	ok(step() == LPR_PAGE_END && legs->next == NULL && !legs->cut, "fewer than topn are all");

	/* By time: newest first, two a page. */
	make_legs(1);
	asks(legs, NULL, NULL, NULL, NULL);
	rekor_page("[" REKOR("1", "2026-11-20T10:00:00Z") "," REKOR("2", "2026-11-19T10:00:00") "]", 2,
			   "2026-11-19T10:00:00.000000Z", false, "a full page");
	legs->page_size = 0;
	asks(legs,
		 "https://vendor.example/base/api/search/plate?api_key=" SECRET "&start=2026-11-01T00%3A00%3A00.000000Z"
		 "&end=2026-11-19T10%3A00%3A00.000000Z&plate=7ABC123&order=desc&topn=1000",
		 NULL, NULL, NULL);
	legs->asked_size = 2;
	rekor_page("[" REKOR("2", "2026-11-19T10:00:00Z") "," REKOR("3", "2026-11-19T10:00:00Z") "]", 2, NULL, true,
			   "no progress");
	make_legs(1);
	legs->asked_size = 2;
	rekor_page("[" REKOR("1", "2026-11-18T10:00:00Z") "," REKOR("2", "2026-11-19T10:00:00Z") "]", 2, NULL, true,
			   "another order");
	make_legs(1);
	legs->asked_size = 2;
	rekor_page("[" REKOR("1", "2026-11-18T10:00:00Z") "," REKOR("2", "2020-11-19T10:00:00Z") "]", 2, NULL, false,
			   "past the window");
	make_legs(1);
	legs->asked_size = 1;
	page_is(legs, "[{\"fields\":{}}]", 0, 1, LPR_PAGE_END, "nothing with a time");
	ok(legs->cut && legs->next == NULL, "is cut");
	query.order = LPR_ORDER_OLDEST_FIRST;
	make_legs(1);
	asks(legs,
		 "https://vendor.example/base/api/search/plate?api_key=" SECRET "&" WINDOW "&plate=7ABC123&order=asc&topn=2",
		 NULL, NULL, NULL);
	rekor_page("[" REKOR("1", "2026-11-18T10:00:00Z") "," REKOR("2", "2026-11-19T10:00:00Z") "]", 2,
			   "2026-11-19T10:00:00.000000Z", false, "oldest first");
	ok(legs->from == moment("2026-11-19T10:00:00Z") && legs->until == query.until, "goes on from the newest");
	rekor_page("[]", 0, NULL, false, "an empty page");

	query.mode = LPR_MODE_LOCATION;
	query.nplates = 0;
	query.has_near = true;
	query.latitude = 34.05;
	query.longitude = -118.25;
	query.radius_m = 100;
	make_legs(1);
	asks(legs, "https://vendor.example/base/api/search/plate?api_key=" SECRET "&" WINDOW "&camera=7&order=asc&topn=2",
		 NULL, NULL, NULL);
	site.secret = NULL;
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "secret");
	site.secret = "k&\r\n";
	asks(legs, "https://vendor.example/base/api/search/plate?api_key=k%26%0D%0A&" WINDOW "&camera=7&order=asc&topn=2",
		 NULL, NULL, NULL);

	page_fault("{}", "expected an array");
	bad_read("[[]]", "it is no object");
	bad_read("[{\"fields\":{},\"fields\":{}}]", "\"fields\" stands twice");
#define SCOUT(more)                                                                                                    \
	"[{\"pk\":1000,\"fields\":{\"best_plate\":\"7ABC123\",\"best_index\":0,\"best_uuid\":\"U1\",\"epoch_time_start\":" \
	"\"2026-11-20T10:00:00Z\"" more "}}]"
	odd_read(SCOUT(",\"best_confidence\":\"90.29\",\"plate_x1\":641.5"), NULL);
	is_slice(read_.id, "1000", "the pk is what is unique");
	ok(read_.has_confidence && read_.confidence == 0.9029, "percent as text");
	odd_read(SCOUT(",\"plate_x1\":true"), "plate_x1");
	odd_read(SCOUT(",\"camera_id\":true"), "camera_id");
	odd_read(SCOUT(",\"camera\":7"), NULL);
	is_slice(read_.camera_id, "7", "the camera by its other name");
	odd_read("[{\"fields\":{\"best_plate\":\"7ABC123\",\"best_uuid\":\"U1\",\"best_index\":1,\"epoch_time_start\":"
			 "1795428000123}}]",
			 NULL);
	is_slice(read_.id, "U1:1", "without a pk: which plate of which photo");
	ok(read_.captured_at == moment("2026-11-23T10:00:00.123Z"), "an epoch after all");
	page_fault("[", "ends too early");
	refuses("Invalid start\r\n", "Invalid start");
	refuses("", NULL);
	refuses("\n", NULL);
	ok(TAKES("[{\"fields\":{\"camera_id\":\"a\",\"name\":\"1\xE2\x80\xAE Elm St\",\"company\":\"P\xEF\xBB\xBF"
			 "D\"}},{\"fields\":{\"camera_id\":\"b\xE2\x80\x8B\"}}]") &&
		   site.ncameras == 1,
	   "an id with an invisible character is none");
	is_text(lpr_site_camera(&site, slice("a"))->owner, "PD", "other texts of a camera lose theirs");
	is_text(lpr_site_camera(&site, slice("a"))->address, "1 Elm St", "an address, too");
}

#define VISIT                                                                                                          \
	"{\"id\":77,\"vehicle\":{\"license_plate\":\"7abc123\",\"status\":\"None\"},\"start_cam\":{\"code\":\"c1\","       \
	"\"name\":\"Gate\",\"type\":\"None\",\"latitude\":34.05,\"longitude\":-118.25},\"end_cam\":{\"code\":\"c2\"},"     \
	"\"start_img\":\"https://img.example/1.jpg\",\"end_img\":\"None\",\"start_date\":\"2026-11-20T10:00:00.25\","      \
	"\"end_date\":\"None\",\"duration\":3,\"start_prediction\":{\"plate\":\"7abc123\",\"score\":0.9,\"dscore\":0.8,"   \
	"\"box\":{}}}"

static void
next_link(const char *link, bool good)
{
	char body[500];

	make_legs(1);
	snprintf(body, sizeof(body), "{\"results\":[],\"next\":\"%s\",\"estimated_count\":10}", link);
	if (good)
	{
		page_is(legs, body, 0, 0, LPR_PAGE_END, link);
		ok(legs->next != NULL, "is followed");
	}
	else
	{
		page_is(legs, body, 0, 0, LPR_PAGE_FAULT, link);
		has(page.fault.message, "leads elsewhere", "is not followed");
		ok(legs->next == NULL, "nor kept");
	}
}

static LprMoment
eight_hours_behind(const void *zone, LprMoment at)
{
	return zone != NULL ? at + 8 * 3600 * LPR_SECOND : at;
}

/* A visit has two ends, each of them a read. */
static void
test_visit(void)
{
#define BOTH(end)                                                                                                      \
	"{\"id\":1,\"vehicle\":{\"license_plate\":\"7\\u0041BC123\"},\"start_cam\":{\"code\":\"cam1\",\"name\":"           \
	"\"N\\u006frth\"},"                                                                                                \
	"\"end_cam\":{\"code\":\"cam2\",\"name\":\"S\\u006futh\",\"latitude\":32.543,\"longitude\":-117.03},"              \
	"\"start_img\":\"None\",\"end_img\":\"https://i.example/"                                                          \
	"2\",\"start_date\":\"2026-11-20T10:00:00\",\"end_date\":" end ",\"end_prediction\":{\"score\":0.5}}"
	make_legs(1);
	ok(open_page(legs, "[" BOTH("\"2026-11-20T18:00:00\"") "," BOTH("\"2026-11-20T19:00:00\"") "]") &&
		   step() == LPR_PAGE_READ,
	   "an array alone is taken too");
	is_slice(read_.id, "1", "where it came");
	is_slice(read_.camera_id, "cam1", "its camera");
	is_slice(read_.address, "North", "its address");
	ok(step() == LPR_PAGE_READ, "where it left: %s", page.fault.message);
	is_slice(read_.id, "1:end", "a read of its own");
	is_text(read_.plate, "7ABC123", "of the same plate");
	is_slice(read_.camera_id, "cam2", "its camera");
	is_slice(read_.address, "South", "its address");
	is_slice(read_.vehicle_image, "https://i.example/2", "its image");
	ok(read_.captured_at == moment("2026-11-20T18:00:00Z") && read_.confidence == 0.5 && read_.latitude == 32.543,
	   "its values");
	ok(step() == LPR_PAGE_READ && step() == LPR_PAGE_READ && step() == LPR_PAGE_END, "and so on");
	make_legs(1);
	page_is(legs, "[" BOTH("\"None\"") "]", 1, 0, LPR_PAGE_END, "it is still there");
	make_legs(1);
	page_is(legs,
			"[{\"id\":1,\"vehicle\":{\"license_plate\":\"A1\"},\"start_cam\":{\"code\":\"c\"},\"end_cam\":{\"code\":"
			"\"c\"},\"start_date\":\"2026-11-20T10:00:00\",\"end_date\":\"2026-11-20T10:00:00\"}]",
			1, 0, LPR_PAGE_END, "seen once");
	make_legs(1);
	ok(open_page(legs, "[{\"id\":1,\"vehicle\":{\"license_plate\":\"A1\"},\"start_date\":\"None\",\"end_date\":"
					   "\"2026-11-20T10:00:00\"}]") &&
		   step() == LPR_PAGE_READ,
	   "only its end is known");
	is_slice(read_.id, "1", "then that is the read");
}

static void
test_parkpow(void)
{
	start("parkpow-v1");
	make_legs(1);
	asks(legs, "https://vendor.example/base/api/v1/visit-list/?" WINDOW "&plate=7ABC123&ordering=-start_date&page=1",
		 "Authorization: Token " SECRET "\nAccept: application/json\n", NULL,
		 "GET /api/v1/visit-list/?" WINDOW "&plate=7ABC123&ordering=-start_date&page=1");
	query.order = LPR_ORDER_OLDEST_FIRST;
	asks(legs, "https://vendor.example/base/api/v1/visit-list/?" WINDOW "&plate=7ABC123&ordering=start_date&page=1",
		 NULL, NULL, NULL);
	ok(open_page(legs, "{\"results\":[" VISIT "],\"next\":\"None\",\"estimated_count\":\"None\"}") &&
		   step() == LPR_PAGE_READ,
	   "a read: %s", page.fault.message);
	is_slice(read_.id, "77", "id, a number");
	is_text(read_.plate, "7ABC123", "plate");
	ok(read_.captured_at == moment("2026-11-20T10:00:00.25Z"), "no zone is UTC");
	ok(read_.has_confidence && read_.confidence == 0.9, "confidence");
	is_slice(read_.camera_id, "c1", "camera_id");
	is_slice(read_.address, "Gate", "address");
	is_slice(read_.camera_type, NULL, "\"None\" is null");
	ok(read_.has_point && read_.longitude == -118.25, "point");
	is_slice(read_.vehicle_image, "https://img.example/1.jpg", "vehicle_image");
	ok(step() == LPR_PAGE_END && legs->next == NULL, "\"None\" is no next page");
	page_is(legs,
			"{\"next\":null,\"results\":[{\"id\":\"v\",\"vehicle\":{\"license_plate\":\"A1\"},\"start_cam\":\"None\","
			"\"start_img\":\"None\","
			"\"start_date\":\"2026-11-20 "
			"10:00:00\",\"start_prediction\":\"None\"},{\"id\":\"w\",\"vehicle\":{\"license_plate\":\"A1\"},"
			"\"start_cam\":{\"latitude\":\"None\",\"longitude\":\"None\"},\"start_date\":\"2026-11-20T10:00:00Z\","
			"\"start_prediction\":{\"score\":\"None\"}}]}",
			2, 0, LPR_PAGE_END, "all that can be \"None\"");
	bad_read(
		"{\"results\":[{\"id\":1,\"vehicle\":{\"license_plate\":\"None\"},\"start_date\":\"2026-11-20T10:00:00\"}]}",
		"\"plate\" is missing");
	bad_read("{\"results\":[{\"id\":1,\"vehicle\":{\"license_plate\":\"A1\"},\"start_date\":\"None\"}]}",
			 "\"captured_at\" is missing");
#define SIMPLE(more)                                                                                                   \
	"{\"results\":[{\"id\":1,\"vehicle\":{\"license_plate\":\"A1\"},\"start_date\":\"2026-11-20T10:00:00\"" more "}]}"
	odd_read(SIMPLE(",\"start_prediction\":{\"score\":90}"), "score");
	odd_read(SIMPLE(",\"start_prediction\":[{\"score\":0.9}]"), "start_prediction");
	odd_read(SIMPLE(",\"start_cam\":{\"latitude\":\"32.542300\",\"longitude\":\"-117.029900\"}"), NULL);
	ok(read_.has_point && read_.latitude == 32.5423 && read_.longitude == -117.0299, "degrees as text");
	odd_read(SIMPLE(",\"start_cam\":\"Gate\""), "start_cam");
	odd_read(SIMPLE(",\"end_date\":\"later\""), "end_date");
	ok(page.no_zone, "a time without a zone is noted");
	site.zone = "eight hours behind";
	site.in_zone = eight_hours_behind;
	odd_read(SIMPLE(""), NULL);
	ok(!page.no_zone && read_.captured_at == moment("2026-11-20T18:00:00Z"), "or of the source's clock");
	site.zone = NULL;
	bad_read("{\"results\":[{\"vehicle\":[]}]}", "\"read_id\" is missing");
	page_fault("{\"next\":{},\"results\":[]}", "unusable reference");
	test_visit();

	next_link("https://vendor.example/base/api/v1/visit-list/?page=2&plate=7ABC123", true);
	asks(legs, "https://vendor.example/base/api/v1/visit-list/?page=2&plate=7ABC123",
		 "Authorization: Token " SECRET "\nAccept: application/json\n", NULL,
		 "GET /api/v1/visit-list/?page=2&plate=7ABC123");
	page_is(legs, "{\"results\":[],\"next\":\"https://vendor.example/base/api/v1/visit-list/?page=2&plate=7ABC123\"}",
			0, 0, LPR_PAGE_FAULT, "the same page again");
	next_link("HTTPS://Vendor.Example:443/base/api/v1/visit-list/?page=2", true);
	next_link("https:\\/\\/vendor.example\\/base\\/api\\/v1\\/visit-list\\/?page=2", true);
	/* Whatever origin a proxy makes of it: ours is asked, and for the plate. */
	next_link("https://10.0.0.7:8000/base/api/v1/visit-list/?page=2&plate=7ABC123", true);
	asks(legs, "https://vendor.example/base/api/v1/visit-list/?page=2&plate=7ABC123", NULL, NULL, NULL);
	next_link("http://vendor.example/base/api/v1/visit-list/?page=2", true);
	asks(legs, "https://vendor.example/base/api/v1/visit-list/?" WINDOW "&plate=7ABC123&ordering=start_date&page=2",
		 NULL, NULL, NULL);
	next_link("https://vendor.example:444/base/api/v1/visit-list/?page=2", true);
	next_link("https://vendor.example/api/v1/visit-list/?page=2", true);
	next_link("/base/api/v1/visit-list/?page=2", true);
	next_link("?page=2", true);
	next_link("3", true);
	asks(legs, "https://vendor.example/base/api/v1/visit-list/?" WINDOW "&plate=7ABC123&ordering=start_date&page=3",
		 NULL, NULL, NULL);
	next_link("//vendor.example/base/api/v1/visit-list/?page=2", false);
	next_link("page=2", false);
	next_link("/api/v1/users/?page=2", false);
	next_link("https://vendor.example@evil.example/base/api/v1/visit-list/?page=2", false);
	next_link("https://vendor.example/base/api/v1/users/?page=2", false);
	next_link("https://vendor.example/base/api/v1/visit-list/../users/?page=2", false);
	next_link("https://vendor.example/base/api/v1/visit-list/%2e%2e/?page=2", false);
	next_link("https://vendor.example/base/api/v1/visit-list/", false);
	next_link("https://vendor.example/base/api/v1/visit-list/?page=2#x", false);
	next_link("https://vendor.example/base/api/v1/visit-list/?page=2 HTTP/1.1", false);
	next_link("https://vendor.example/base/api/v1/visit-list/?a\\r\\nX: y", false);
	next_link("https://vendor.example", false);
	make_legs(1);
	page_is(legs, "{\"results\":[],\"next\":\"\"}", 0, 0, LPR_PAGE_END, "an empty link is the end");
	ok(legs->next == NULL, "so it is");
	site.url = "https://vendor.example";
	next_link("https://vendor.example/api/v1/visit-list/?page=2", true);
	next_link("https://vendor.example?/api/v1/visit-list/?page=2", false);
	site.url = "https://vendor.example/";
	next_link("https://vendor.example/api/v1/visit-list/?page=2", true);
	query.mode = LPR_MODE_LOCATION;
	make_legs(-1);
	refuses("{\"detail\":\"Request was throttled.\",\"status_code\":429}", "Request was throttled.");
	refuses("{\"detail\":[]}", NULL);
}

static void
test_verkada(void)
{
	LprRequest request = {0};
	char long_id[600];
	LprSite fresh = {0};

	start("verkada-v1");
	ok(dialect->sign_in(&site, &request, &fault), "sign in");
	is_text(request.url.data, "https://vendor.example/base/token", "its URL");
	is_text(request.headers.data, "x-api-key: " SECRET "\nAccept: application/json\n", "its headers");
	is_text(request.shown.data, "POST /token", "what is shown");
	ok(request.post, "a POST");
	lpr_request_free(&request);
	ok(dialect->signed_in(&site, "{\"token\":\"tok\"}", 15, &fault) && site.token_seconds == 1800, "signed in");
	ok(!dialect->signed_in(&site, "{\"token\":null}", 14, &fault) && strcmp(site.token, "tok") == 0,
	   "not without a token");

	cameras();
	query.has_near = true;
	query.latitude = 34;
	query.longitude = -118;
	query.radius_m = 1;
	make_legs(1);
	asks(legs,
		 "https://vendor.example/base/cameras/v1/analytics/lpr/images?camera_id=cam%201%26&license_plate=7ABC123"
		 "&start_time=1793491200&end_time=1795428001&page_size=200",
		 "x-verkada-auth: tok\nAccept: application/json\n", NULL,
		 "GET "
		 "/cameras/v1/analytics/lpr/"
		 "images?camera_id=cam%201%26&license_plate=7ABC123&start_time=1793491200&end_time=1795428001"
		 "&page_size=200");
	page_is(legs, "{\"detections\":[],\"next_page_token\":2}", 0, 0, LPR_PAGE_END, "a page");
	query.page_size = 0;
	asks(legs,
		 "https://vendor.example/base/cameras/v1/analytics/lpr/images?camera_id=cam%201%26&license_plate=7ABC123"
		 "&start_time=1793491200&end_time=1795428001&page_size=200&page_token=2",
		 NULL, NULL, NULL);
	page_is(legs, "{\"detections\":[],\"next_page_token\":2}", 0, 0, LPR_PAGE_FAULT, "the same page again");
	make_legs(1);
	page_is(legs, "{\"detections\":[],\"next_page_token\":0}", 0, 0, LPR_PAGE_END, "0 is the end");
	ok(legs->next == NULL, "there is no next");
	ok(open_page(legs, "{\"detections\":[{\"timestamp\":1795428000,\"license_plate\":\"7abc123\",\"image_url\":\"https:"
					   "//i.example/x?sig=1\"}],"
					   "\"next_page_token\":null}") &&
		   step() == LPR_PAGE_READ,
	   "a read: %s", page.fault.message);
	is_slice(read_.id, "cam 1&:1795428000:7abc123", "an id of camera, time and plate");
	ok(read_.captured_at == moment("2026-11-23T10:00:00Z"), "captured_at");
	is_slice(read_.camera_id, "cam 1&", "camera_id");
	is_slice(read_.address, "1 MAIN street", "address");
	is_slice(read_.camera_owner, "Springfield PD", "owner");
	is_slice(read_.country, "US", "country");
	is_slice(read_.camera_region, "CA", "region");
	is_slice(read_.camera_type, NULL, "type, unknown");
	ok(read_.has_point && read_.latitude == 34 && !read_.has_confidence, "point");
	is_slice(read_.vehicle_image, "https://i.example/x?sig=1", "vehicle_image");
	is_slice(read_.plate_image, NULL, "and none of the plate alone");
	ok(step() == LPR_PAGE_END && legs->next == NULL, "null is the end");
	odd_read("{\"detections\":[{\"timestamp\":1795428000,\"license_plate\":\"A1\",\"vehicle_image_url\":"
			 "\"https://i.example/v\",\"image_url\":\"https://i.example/p\"}]}",
			 NULL);
	is_slice(read_.vehicle_image, "https://i.example/v", "an image of the vehicle");
	is_slice(read_.plate_image, "https://i.example/p", "and one of the plate");
	bad_read("{\"detections\":[{\"license_plate\":\"A1\"}]}", "\"read_id\" is missing");
	bad_read("{\"detections\":[{\"timestamp\":1795428000}]}", "\"plate\" is missing");
#define SEEN(timestamp) "{\"detections\":[{\"timestamp\":" timestamp ",\"license_plate\":\"A1\",\"image_url\":\"\"}]}"
	odd_read(SEEN("1795428000.0"), NULL);
	is_slice(read_.id, "cam 1&:1795428000:A1", "a float that is whole is the same second");
	odd_read(SEEN("\"1795428000\""), NULL);
	is_slice(read_.id, "cam 1&:1795428000:A1", "and so is a text");
	odd_read(SEEN("1795428000000"), NULL);
	ok(read_.captured_at == moment("2026-11-23T10:00:00Z"), "milliseconds are told by their number");
	odd_read(SEEN("1795428000.5"), NULL);
	is_slice(read_.id, "cam 1&:1795428000.500000:A1", "half a second later is another");
	bad_read(SEEN("\"2026\""), "\"captured_at\" is not a point in time");
	bad_read(SEEN("[]"), "is missing");
	make_legs(1);
	page_is(legs, "{\"detections\":[],\"next_page_token\":\"eyJvIjoyfQ==\"}", 0, 0, LPR_PAGE_END, "a text as a token");
	asks(legs,
		 "https://vendor.example/base/cameras/v1/analytics/lpr/images?camera_id=cam%201%26&license_plate=7ABC123"
		 "&start_time=1793491200&end_time=1795428001&page_size=200&page_token=eyJvIjoyfQ%3D%3D",
		 NULL, NULL, NULL);
	page_is(legs, "{\"detections\":[],\"next_page_token\":\"\"}", 0, 0, LPR_PAGE_END, "an empty one is the end");
	ok(legs->next == NULL, "so it is");
	page_fault("{\"detections\":[],\"next_page_token\":{}}", "unusable reference");
	page_fault("{\"next_page_token\":0}", "\"detections\" is missing");

	query.mode = LPR_MODE_LOCATION;
	query.nplates = 0;
	query.from = moment("1950-01-01T00:00:00Z");
	make_legs(1);
	asks(legs,
		 "https://vendor.example/base/cameras/v1/analytics/lpr/"
		 "images?camera_id=cam%201%26&start_time=0&end_time=1795428001&page_size=200",
		 NULL, NULL, NULL);
	memset(long_id, 'c', sizeof(long_id));
	long_id[sizeof(long_id) - 1] = '\0';
	camera(&fresh, long_id, NULL, 34, -118);
	lpr_site_take_cameras(&site, &fresh);
	make_legs(1);
	bad_read("{\"detections\":[{\"timestamp\":1795428000,\"license_plate\":\"A1\"}]}", "\"read_id\" is too long");
	refuses("{\"id\":\"x\",\"message\":\"no such camera\",\"data\":null}", "no such camera");
}

int
main(void)
{
	test_rekor();
	test_parkpow();
	test_verkada();
	return finish();
}
