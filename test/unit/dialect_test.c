/*
 * dialect_test.c: requests and pages of lpr-v1 and flock-v3. The others: dialect_more_test.c; what holds for each of
 * them: dialect_every_test.c.
 */
#include "dialect_case.h"

#define READ                                                                                                           \
	"{\"id\": \"r1\", \"plate\": \"7abc-123\", \"plate_region\": \"CA\", \"captured_at\": "                            \
	"\"2026-11-20T10:00:00.25Z\", "                                                                                    \
	"\"confidence\": 0.93, \"camera\": {\"id\": \"cam-1\", \"owner\": \"PD\", \"type\": \"fixed\", \"latitude\": "     \
	"34.05, "                                                                                                          \
	"\"longitude\": -118.25, \"address\": \"1 \\u00c9lm St\", \"region\": \"California\", \"country\": \"US\"}, "      \
	"\"vehicle\": {\"make\": \"Toyota\", \"model\": \"Camry\", \"color\": \"red\"}, \"images\": {\"plate\": "          \
	"\"https://i.example/p\", \"vehicle\": \"https://i.example/v\"}, \"extra\": [{\"a\": {}}]}"
/* A read of which one member is replaced. */
#define WITH(members)                                                                                                  \
	"{\"next\":null,\"reads\":[{\"id\":\"r1\",\"plate\":\"A1\",\"captured_at\":\"2026-11-20T10:00:00Z\"" members "}]}"

static void
test_lpr_v1_requests(void)
{
	start("lpr-v1");
	query.nplates = 2;
	make_legs(1);
	asks(legs, "https://vendor.example/base/reads/search",
		 "Authorization: Bearer " SECRET
		 "\nContent-Type: application/json\nAccept: application/json\nX-Request-Reference: ref-42\n",
		 "{\"plates\":[\"7ABC123\",\"8XYZ999\"],\"from\":\"2026-11-01T00:00:00.000000Z\",\"until\":\"2026-11-23T10:00:"
		 "00.500000Z\","
		 "\"page_size\":1000}",
		 "POST /reads/search {\"plates\":[\"7ABC123\",\"8XYZ999\"],\"from\":\"2026-11-01T00:00:00.000000Z\","
		 "\"until\":\"2026-11-23T10:00:00.500000Z\",\"page_size\":1000}");

	query.nplates = 1;
	memcpy(query.region, "CA", 3);
	query.has_near = true;
	query.latitude = 34.05;
	query.longitude = -118.1234567;
	query.radius_m = 0.25;
	query.address = "Main \"St\"\n";
	query.make = "TOYOTA";
	query.model = "CAMRY";
	query.order = LPR_ORDER_OLDEST_FIRST;
	query.page_size = 7;
	make_legs(1);
	asks(legs, NULL, NULL,
		 "{\"plates\":[\"7ABC123\"],\"region\":\"CA\",\"near\":{\"latitude\":34.05,\"longitude\":-118.1234567,\"radius_"
		 "m\":1},"
		 "\"address\":\"Main "
		 "\\\"St\\\"\\n\",\"make\":\"TOYOTA\",\"model\":\"CAMRY\",\"from\":\"2026-11-01T00:00:00.000000Z\","
		 "\"until\":\"2026-11-23T10:00:00.500000Z\",\"order\":\"captured_at_asc\",\"page_size\":7}",
		 NULL);
	legs->page_size = 0; /* what the asker does after the first page */
	site.page_size = 5000;
	legs->pages = 1;
	legs->next = strdup("c/\"2");
	asks(legs, NULL, NULL,
		 "{\"plates\":[\"7ABC123\"],\"region\":\"CA\",\"near\":{\"latitude\":34.05,\"longitude\":-118.1234567,\"radius_"
		 "m\":1},"
		 "\"address\":\"Main "
		 "\\\"St\\\"\\n\",\"make\":\"TOYOTA\",\"model\":\"CAMRY\",\"from\":\"2026-11-01T00:00:00.000000Z\","
		 "\"until\":\"2026-11-23T10:00:00.500000Z\",\"order\":\"captured_at_asc\",\"page_size\":1000,\"cursor\":\"c/"
		 "\\\"2\"}",
		 NULL);
	ok(legs->asked_size == 1000, "the size asked for is noted");
	free(legs->next);
	legs->next = NULL;
	does_not_ask(legs, LPR_STATE_VENDOR, "no next page");

	start("lpr-v1");
	query.mode = LPR_MODE_VEHICLE;
	query.nplates = 0;
	query.make = "TOYOTA";
	query.order = LPR_ORDER_NEWEST_FIRST;
	make_legs(1);
	asks(legs, NULL, NULL,
		 "{\"make\":\"TOYOTA\",\"from\":\"2026-11-01T00:00:00.000000Z\",\"until\":\"2026-11-23T10:00:00.500000Z\","
		 "\"order\":\"captured_at_desc\",\"page_size\":1000}",
		 NULL);
	query.mode = LPR_MODE_LOCATION;
	make_legs(1);

	start("lpr-v1");
	make_legs(1);
	strcpy(query.reference, "a\r\nX-Evil: 1");
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "reference");
	query.reference[0] = '\0';
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "reference");
	strcpy(query.reference, "ref-42");
	site.secret = SECRET "\nX-Evil: 1";
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "Authorization");
	site.secret = SECRET "\x80";
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "Authorization");
	site.secret = "";
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "secret");
	site.secret = SECRET;
	site.url = "https://vendor.example/a b";
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "url");
	site.url = "https://vendor.example/\r\nX: y";
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "url");
	site.url = "https://vendor.example/?a=";
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "url");
	site.url = "ftp://vendor.example";
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "url");
	site.url = "https://vendor.example/";
	asks(legs, "https://vendor.example/reads/search", NULL, NULL, NULL);
	query.has_near = true;
	query.latitude = 0.0 / 0.0;
	does_not_ask(legs, LPR_STATE_NO_MEMORY, "not finite");
}

/* What was received since a mark: the plates go out, and nothing else of the question. */
static void
test_lpr_v1_received(void)
{
	start("lpr-v1");
	query.nplates = 2;
	query.make = "FORD";
	memcpy(query.region, "CA", 3);
	query.received = true;
	make_legs(1);
	asks(legs, "https://vendor.example/base/reads/received",
		 "Authorization: Bearer " SECRET
		 "\nContent-Type: application/json\nAccept: application/json\nX-Request-Reference: ref-42\n",
		 "{\"plates\":[\"7ABC123\",\"8XYZ999\"],\"page_size\":1000}",
		 "POST /reads/received {\"plates\":[\"7ABC123\",\"8XYZ999\"],\"page_size\":1000}");
	page_is(legs, "{\"more\":true,\"mark\":\"m\\u002F1\",\"reads\":[" READ "]}", 1, 0, LPR_PAGE_END, "a page");
	is_text(legs->mark, "m/1", "its mark");
	ok(legs->next != NULL, "there is more");
	asks(legs, NULL, NULL, "{\"plates\":[\"7ABC123\",\"8XYZ999\"],\"since\":\"m/1\",\"page_size\":1000}", NULL);
	page_is(legs, "{\"more\":true,\"mark\":\"m/1\",\"reads\":[" READ "]}", 1, 0, LPR_PAGE_FAULT, "the same page");
	has(page.fault.message, "the same page again", "is a fault");
	page_is(legs, "{\"mark\":\"m/1\",\"reads\":[],\"more\":false}", 0, 0, LPR_PAGE_END, "nothing new");
	ok(legs->next == NULL, "is the end");
	page_is(legs, "{\"mark\":7,\"reads\":[],\"more\":\"true\"}", 0, 0, LPR_PAGE_END, "a number as a mark");
	ok(legs->next == NULL, "only true says that there is more");
	is_text(legs->mark, "7", "it is taken as it stands");
	page_is(legs, "{\"reads\":[" READ "],\"more\":true}", 1, 0, LPR_PAGE_FAULT, "no mark");
	has(page.fault.message, "member \"mark\" is missing", "is a fault");
	page_is(legs, "{\"reads\":[" READ "],\"mark\":null}", 1, 0, LPR_PAGE_FAULT, "null as a mark");
	page_is(legs, "{\"mark\":\"a\\nb\",\"reads\":[" READ "]}", 1, 0, LPR_PAGE_FAULT, "a mark of two lines");
	has(page.fault.message, "unusable mark", "is a fault");
	page_is(legs, "{\"mark\":\"a\",\"mark\":\"b\",\"reads\":[]}", 0, 0, LPR_PAGE_FAULT, "two marks");
	page_is(legs, "{\"mark\":\"a\"}", 0, 0, LPR_PAGE_FAULT, "no reads");
	page_is(legs, "{\"mark\":\"a\",\"reads\":[" READ ",{]}", 1, 0, LPR_PAGE_FAULT, "half a page");
	is_text(legs->mark, "7", "a page that was not read whole does not move the mark");
	legs->nplates = 0;
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "by plate only");

	query.mark = "m1";
	make_legs(1);
	page_is(legs, "{\"more\":true,\"mark\":\"m1\",\"reads\":[]}", 0, 0, LPR_PAGE_FAULT, "more, from the same mark");
	has(page.fault.message, "the same page again", "is a fault");
	is_text(legs->mark, "m1", "the mark stays");
}

static void
test_lpr_v1_pages(void)
{
	start("lpr-v1");
	make_legs(1);
	ok(open_page(legs, "{\"next\": \"n2\", \"unknown\": \"w\", \"reads\": [" READ "," READ "]}"), "a page");
	ok(!legs->next_known, "at first nothing is known of the next");
	ok(step() == LPR_PAGE_READ, "a read: %s", page.fault.message);
	ok(legs->next_known && strcmp(legs->next, "n2") == 0 && legs->pages == 1,
	   "the next page is known before this one is read");
	is_slice(read_.id, "r1", "id");
	is_slice(read_.plate_as_read, "7abc-123", "plate as read");
	is_text(read_.plate, "7ABC123", "plate");
	ok(read_.plate_len == 7, "its length");
	is_text(read_.plate_region, "CA", "plate_region");
	ok(read_.captured_at == moment("2026-11-20T10:00:00.25Z"), "captured_at");
	ok(read_.has_confidence && read_.confidence == 0.93, "confidence");
	is_slice(read_.camera_id, "cam-1", "camera_id");
	is_slice(read_.camera_owner, "PD", "camera_owner");
	is_slice(read_.camera_type, "fixed", "camera_type");
	is_slice(read_.camera_region, "California", "camera_region");
	is_slice(read_.country, "US", "country");
	is_slice(read_.address, "1 \xC3\x89lm St", "address");
	ok(read_.has_point && read_.latitude == 34.05 && read_.longitude == -118.25, "point");
	is_slice(read_.make, "Toyota", "make");
	is_slice(read_.model, "Camry", "model");
	is_slice(read_.color, "red", "color");
	is_slice(read_.plate_image, "https://i.example/p", "plate_image");
	is_slice(read_.vehicle_image, "https://i.example/v", "vehicle_image");
	ok(step() == LPR_PAGE_READ && step() == LPR_PAGE_END && page.reads == 2, "the rest of the page");

	page_is(legs, "{\"reads\":[],\"next\":\"n3\"}", 0, 0, LPR_PAGE_END, "next behind the reads");
	is_text(legs->next, "n3", "the next");
	page_is(legs, "{\"next\":\"n3\",\"reads\":[" READ "]}", 1, 0, LPR_PAGE_FAULT, "the same page again");
	has(page.fault.message, "the same page again", "is a fault");
	make_legs(1);
	page_is(legs, "{\"next\":null,\"reads\":[" READ "]}", 1, 0, LPR_PAGE_END, "the last page");
	ok(legs->next == NULL && legs->next_known, "has no next");
	page_is(legs,
			WITH(",\"plate_region\":null,\"confidence\":null,\"camera\":{\"id\":\"c\",\"address\":null},\"vehicle\":"
				 "null,\"images\":null"),
			1, 0, LPR_PAGE_END, "nulls");
	page_is(legs, WITH(",\"camera\":null,\"plate_region\":\"us-nv\""), 1, 0, LPR_PAGE_END, "no camera");
	is_slice(read_.camera_id, NULL, "nothing of it");
	open_page(legs, WITH(",\"plate_region\":\"New York\""));
	step();
	is_text(read_.plate_region, "NY", "a region by its name");
	open_page(legs, WITH(",\"plate_region\":\"ZZ\""));
	step();
	is_text(read_.plate_region, "", "an unknown one is not told");

	page_fault("", "malformed reply: ends too early");
	page_fault("[]", "expected an object");
	page_fault("{}", "\"reads\" is missing");
	page_fault("{\"reads\":[]}", "\"next\" is missing");
	page_fault("{\"next\":null}", "\"reads\" is missing");
	page_is(legs, "{\"next\":7,\"reads\":[]}", 0, 0, LPR_PAGE_END, "a cursor is taken as it stands");
	is_text(legs->next, "7", "be it a number");
	page_is(legs, "{\"next\":\"\",\"reads\":[]}", 0, 0, LPR_PAGE_END, "an empty cursor is the end");
	ok(legs->next == NULL, "so it is");
	page_fault("{\"next\":{},\"reads\":[]}", "unusable reference");
	make_legs(1);
	page_is(legs, "{\"next\":[1],\"reads\":[" READ "]}", 1, 0, LPR_PAGE_FAULT, "its reads are shown first");
	page_fault("{\"next\":\"a\\nb\",\"reads\":[]}", "unusable reference");
	page_fault("{\"next\":null,\"reads\":null}", "\"reads\" is not an array");
	bad_read("{\"next\":null,\"reads\":[7]}", "it is no object");
	page_is(legs, "{\"next\":null,\"reads\":[7,null,[{}]," READ "]}", 1, 3, LPR_PAGE_END, "what is no read");
	page_fault("{\"next\":null,\"next\":null,\"reads\":[]}", "\"next\" stands twice");
	page_fault("{\"next\":null,\"reads\":[],\"reads\":[]}", "\"reads\" stands twice");
	page_fault("{\"next\":null,\"reads\":[]} x", "invalid token");
	page_fault("{\"next\":null,\"reads\":[]}{}", "expected the end");
	bad_read("{\"next\":null,\"reads\":[{\"id\":{}}]}", "\"read_id\" is missing");
	bad_read("{\"next\":null,\"reads\":[{\"id\":\"a\",\"i\\u0064\":\"b\"}]}", "\"id\" stands twice");
	bad_read("{\"next\":null,\"reads\":[{\"camera\":{\"latitude\":1,\"latitude\":2}}]}", "\"latitude\" stands twice");
	page_fault("{\"next\":null,\"reads\":[{\"camera\":{\"latitude\":NaN}}]}", "invalid token");
	page_fault("{\"next\":null,\"reads\":[{\"plate\":\"AB", "unterminated string");
	page_fault("{\"next\":null,\"reads\":[{\"plate\":\"A\\u0000\"}]}", "\\u0000");
	page_fault("{\"next\":null,\"reads\":[{\"unknown\":\"\\ud800\"}]}", "high surrogate");
	page_fault("{\"next\":null,\"reads\":[{\"plate\":\"\xFF\"}]}", "invalid UTF-8");
	page_fault("<html>504</html>", "malformed reply");
	make_legs(1);
	page_is(legs, "{\"next\":null,\"reads\":[" READ "," READ ",{]}", 2, 0, LPR_PAGE_FAULT,
			"good reads before the fault");

	bad_read("{\"next\":null,\"reads\":[{\"plate\":\"A1\",\"captured_at\":\"2026-11-20T10:00:00Z\"}]}",
			 "column \"read_id\" is missing");
	bad_read("{\"next\":null,\"reads\":[{\"id\":\"\",\"plate\":\"A1\",\"captured_at\":\"2026-11-20T10:00:00Z\"}]}",
			 "\"read_id\"");
	bad_read(
		"{\"next\":null,\"reads\":[{\"id\":\"a\\u0007\",\"plate\":\"A1\",\"captured_at\":\"2026-11-20T10:00:00Z\"}]}",
		"\"read_id\"");
	bad_read("{\"next\":null,\"reads\":[{\"id\":\"r\",\"captured_at\":\"2026-11-20T10:00:00Z\"}]}",
			 "column \"plate\" is missing");
	bad_read("{\"next\":null,\"reads\":[{\"id\":\"r\",\"plate\":\" - \",\"captured_at\":\"2026-11-20T10:00:00Z\"}]}",
			 "column \"plate\" is no");
	bad_read("{\"next\":null,\"reads\":[{\"id\":\"r\",\"plate\":\"12345678901234567\",\"captured_at\":\"2026-11-20T10:"
			 "00:00Z\"}]}",
			 "\"plate\"");
	bad_read("{\"next\":null,\"reads\":[{\"id\":\"r\",\"plate\":\"A\\n1\",\"captured_at\":\"2026-11-20T10:00:00Z\"}]}",
			 "\"plate\"");
	has(page.fault.detail, "A\\x0A1", "and shows it escaped");
	bad_read("{\"next\":null,\"reads\":[{\"id\":\"r\",\"plate\":\"A1\"}]}", "column \"captured_at\" is missing");
	bad_read("{\"next\":null,\"reads\":[{\"id\":\"r\",\"plate\":\"A1\",\"captured_at\":\"yesterday\"}]}",
			 "column \"captured_at\" is not");
	bad_read("{\"next\":null,\"reads\":[{\"id\":\"r\",\"plate\":\"A1\",\"captured_at\":\"2026-11-20T10:00:00\"}]}",
			 "\"captured_at\"");
	odd_read(WITH(",\"confidence\":1.01"), "confidence");
	odd_read(WITH(",\"confidence\":-0.1"), "confidence");
	odd_read(WITH(",\"confidence\":1e999"), "confidence");
	odd_read(WITH(",\"confidence\":{\"a\":[1]}"), "confidence");
	ok(!read_.has_confidence, "which is left out");
	odd_read(WITH(",\"confidence\":\"0.5\""), NULL);
	ok(read_.has_confidence && read_.confidence == 0.5, "a text that is a number is one");
	odd_read(WITH(",\"confidence\":\"high\""), "confidence");
	odd_read(WITH(",\"confidence\":[0.25]"), NULL);
	ok(read_.has_confidence && read_.confidence == 0.25, "a list of one is that one");
	odd_read(WITH(",\"camera\":{\"latitude\":90.5,\"longitude\":0}"), "latitude");
	ok(!read_.has_point, "no place");
	odd_read(WITH(",\"camera\":{\"latitude\":0,\"longitude\":-181}"), "longitude");
	odd_read(WITH(",\"camera\":{\"latitude\":10}"), "longitude");
	odd_read(WITH(",\"camera\":{\"latitude\":\"34.5\",\"longitude\":\"-117\"}"), NULL);
	ok(read_.has_point && read_.latitude == 34.5 && read_.longitude == -117, "degrees as text");
	odd_read(WITH(",\"camera\":[]"), "camera");
	odd_read(WITH(",\"camera\":{\"id\":\"a\\nb\"}"), "camera_id");
	odd_read(WITH(",\"camera\":{\"address\":\"a\\u0085 b\\nc\"}"), NULL);
	is_slice(read_.address, "a  b c", "is cleaned");
	odd_read(WITH(",\"vehicle\":{\"make\":\"\\n\"}"), NULL);
	is_slice(read_.make, NULL, "nothing is left");
	odd_read(WITH(",\"vehicle\":[]"), "vehicle");
	odd_read(WITH(",\"vehicle\":{\"color\":[\"silver\"],\"make\":7}"), NULL);
	is_slice(read_.color, "silver", "a list of one");
	is_slice(read_.make, "7", "a number is a text");
	odd_read(WITH(",\"vehicle\":{\"color\":[\"silver\",\"grey\"]}"), "color");
	odd_read(WITH(",\"images\":{\"plate\":\"file:///etc/passwd\"}"), "plate_image");
	is_slice(read_.plate_image, NULL, "no image");
	odd_read(WITH(",\"images\":{\"vehicle\":\"https://x/ y\"}"), "vehicle_image");
	odd_read(WITH(",\"images\":{\"vehicle\":\"//evil.example/x\"}"), "vehicle_image");
	odd_read(WITH(",\"images\":{\"vehicle\":7}"), "vehicle_image");
	odd_read(WITH(",\"images\":{\"vehicle\":\"media/x.jpg\"}"), "vehicle_image");
	odd_read(WITH(",\"images\":{\"vehicle\":\"data:image/png;base64,AA\"}"), "vehicle_image");
	odd_read(WITH(",\"images\":{\"vehicle\":\"who@i.example/x.jpg\"}"), "vehicle_image");
	odd_read(WITH(",\"images\":{\"plate\":\"i.example/p.jpg\",\"vehicle\":\"i.example:8443/v.jpg?a=1\"}"), NULL);
	is_slice(read_.plate_image, "https://i.example/p.jpg", "a link without its scheme has that of the vendor");
	is_slice(read_.vehicle_image, "https://i.example:8443/v.jpg?a=1", "and its own port");
	odd_read(WITH(",\"images\":{\"plate\":\"\",\"vehicle\":\"/media/x.jpg?a=1\"}"), NULL);
	is_slice(read_.plate_image, NULL, "an empty link is none");
	is_slice(read_.vehicle_image, "https://vendor.example/media/x.jpg?a=1", "a path is the vendor's own");
	make_legs(1);
	page_is(legs, "{\"next\":null,\"reads\":[{}," READ ",{\"id\":\"x\"}," READ "]}", 2, 2, LPR_PAGE_END,
			"bad reads among good ones");
	ok(page.reads == 4, "are counted");

	refuses("{\"error\":{\"code\":\"forbidden\",\"message\":\"not yours\"}}", "forbidden: not yours");
	refuses("{\"error\":{\"message\":\"only\"}}", "only");
	refuses("{\"error\":\"text\"}", NULL);
	refuses("{\"error\":{\"code\":7,\"message\":\"a\\u0000b\"}}", NULL);
	refuses("<html>", NULL);
	refuses("", NULL);
}

#define FLOCK_READ                                                                                                     \
	"{\"id\":\"f1\",\"capturedAt\":\"2026-11-20T10:00:00.123456Z\",\"device\":{\"id\":\"d1\",\"type\":\"camera\","     \
	"\"name\":\"North gate\",\"location\":{\"name\":\"Gate\",\"latitude\":34.05,\"longitude\":-118.25,"                \
	"\"streetAddress\":\"1 Elm "                                                                                       \
	"St\",\"city\":\"Pomona\",\"state\":\"CA\",\"country\":\"US\"},\"network\":{\"id\":\"n\","                         \
	"\"name\":\"Pomona PD\"}},\"state\":{\"state\":\"new_york\",\"confidence\":0.2},\"plate\":{\"plate\":\"7ABC123\"," \
	"\"confidence\":0.91},\"link\":\"https://flock.example/f1\"}"

static void
test_flock(void)
{
	LprRequest request = {0};
	LprSite fresh;

	start("flock-v3");
	fresh = site;
	fresh.token = NULL;
	fresh.audience = "https://api.flock.example";
	ok(dialect->sign_in(&fresh, &request, &fault), "sign in");
	is_text(request.url.data, "https://vendor.example/base/oauth/token", "its URL");
	is_text(request.body.data,
			"grant_type=client_credentials&client_id=client&client_secret=" SECRET
			"&audience=https%3A%2F%2Fapi.flock.example",
			"its body");
	is_text(request.shown.data,
			"POST /oauth/token grant_type=client_credentials&client_id=client&client_secret=***"
			"&audience=https%3A%2F%2Fapi.flock.example",
			"what is shown");
	ok(request.post && request.class == LPR_REQUEST_SIGN_IN, "its class");
	lpr_request_free(&request);
	fresh.client_id = NULL;
	ok(!dialect->sign_in(&fresh, &request, &fault), "not without a client_id");
	lpr_request_free(&request);
#define SIGNED_IN(text) dialect->signed_in(&fresh, text, strlen(text), &fault)
	ok(SIGNED_IN("{\"access_token\":\"abc\",\"token_type\":\"Bearer\",\"expires_in\":60}") && fresh.token_seconds == 60,
	   "signed in");
	is_text(fresh.token, "abc", "with a token");
	ok(SIGNED_IN("{\"access_token\":\"def\"}") && fresh.token_seconds == 86400, "for a day when not told");
	ok(!SIGNED_IN("{\"access_token\":\"a\\r\\nX: y\"}") && !SIGNED_IN("{\"access_token\":\"a b\"}") &&
		   !SIGNED_IN("{\"access_token\":\"\"}") && !SIGNED_IN("{\"access_token\":7}") && !SIGNED_IN("{}") &&
		   !SIGNED_IN("[]") && !SIGNED_IN("") && !SIGNED_IN("{\"access_token\":\"a\"} x"),
	   "tokens that cannot be");
	is_text(fresh.token, "def", "leave the old one");
	free(fresh.token);

	memcpy(query.region, "NY", 3);
	query.has_near = true;
	query.latitude = 34.05;
	query.longitude = -118.25;
	query.radius_m = 1610;
	query.order = LPR_ORDER_OLDEST_FIRST;
	make_legs(1);
	asks(legs, "https://vendor.example/base/api/v3/reads/lookup",
		 "Authorization: Bearer t0ken\nAccept: application/json\nContent-Type: application/json\n",
		 "{\"plate\":\"7ABC123\",\"reason\":\"law enforcement\",\"startDate\":\"2026-11-01T00:00:00.000000Z\","
		 "\"endDate\":\"2026-11-23T10:00:00.500000Z\",\"caseNumber\":\"ref-42\",\"state\":\"new_york\",\"radius\":{"
		 "\"radius\":{"
		 "\"latitude\":34.05,\"longitude\":-118.25,\"radius\":2}},\"sort\":[{\"field\":\"capturedAt\",\"order\":"
		 "\"asc\"}],\"limit\":50}",
		 NULL);
	query.radius_m = 0.5;
	memcpy(query.region, "ON", 3); /* no state of theirs */
	query.order = LPR_ORDER_NONE;
	query.page_size = 10;
	make_legs(1);
	asks(legs, NULL, NULL, NULL,
		 "POST /api/v3/reads/lookup {\"plate\":\"7ABC123\",\"reason\":\"law "
		 "enforcement\",\"startDate\":\"2026-11-01T00:00:00.000000Z\","
		 "\"endDate\":\"2026-11-23T10:00:00.500000Z\",\"caseNumber\":\"ref-42\",\"radius\":{\"radius\":{\"latitude\":"
		 "34.05,"
		 "\"longitude\":-118.25,\"radius\":1}},\"sort\":[{\"field\":\"capturedAt\",\"order\":\"desc\"}],\"limit\":10}");
	query.radius_m = 2001 * 1609.344;
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "2000 miles");
	query.has_near = false;
	site.reason = NULL;
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "reason");
	site.reason = "r";
	free(site.token);
	site.token = NULL;
	does_not_ask(legs, LPR_STATE_BAD_OPTION, "Authorization");
	site.token = strdup("t0ken");

	page_is(legs, "{\"results\":[" FLOCK_READ "],\"totalItems\":99,\"nextPageId\":\"a/b?c\",\"previousPageId\":null}",
			1, 0, LPR_PAGE_END, "a page");
	is_slice(read_.id, NULL, "nothing is left behind at the end");
	asks(legs, "https://vendor.example/base/api/v3/reads/lookup/page/a%2Fb%3Fc",
		 "Authorization: Bearer t0ken\nAccept: application/json\n", NULL, "GET /api/v3/reads/lookup/page/a%2Fb%3Fc");
	open_page(legs, "{\"results\":[" FLOCK_READ "]}");
	ok(step() == LPR_PAGE_READ, "a read");
	is_slice(read_.id, "f1", "id");
	is_text(read_.plate, "7ABC123", "plate");
	is_text(read_.plate_region, "NY", "region");
	ok(read_.captured_at == moment("2026-11-20T10:00:00.123456Z"), "captured_at");
	ok(read_.has_confidence && read_.confidence == 0.91, "confidence is that of the plate");
	is_slice(read_.camera_id, "d1", "camera_id");
	is_slice(read_.camera_type, "camera", "camera_type");
	is_slice(read_.camera_owner, "Pomona PD", "camera_owner");
	is_slice(read_.address, "1 Elm St, Pomona", "address");
	is_slice(read_.camera_region, "CA", "camera_region");
	is_slice(read_.country, "US", "country");
	ok(read_.has_point && read_.latitude == 34.05 && read_.longitude == -118.25, "point");
	ok(step() == LPR_PAGE_END && legs->next == NULL, "without nextPageId it is the last page");
	page_fault("{\"results\":[],\"nextPageId\":\"..\"}", "unusable reference");
	page_fault("{\"totalItems\":0}", "\"results\" is missing");
	bad_read("{\"results\":[{\"id\":\"x\",\"plate\":\"7ABC123\"}]}", "\"plate\" is missing");
	bad_read("{\"results\":[{\"id\":\"x\",\"capturedAt\":null,\"plate\":{\"plate\":\"A1\"}}]}", "captured_at");
	refuses("{\"error\":\"too many\"}", "too many");
	refuses("{\"error\":\"invalid_client\",\"error_description\":\"unknown client\"}", "unknown client");
	refuses("{\"error\":null}", NULL);
}

int
main(void)
{
	test_lpr_v1_requests();
	test_lpr_v1_pages();
	test_lpr_v1_received();
	test_flock();
	return finish();
}
