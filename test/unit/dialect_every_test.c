/*
 * dialect_every_test.c: what holds for each dialect, whatever its name, by its traits. A new one is tested here by
 * itself, and so is the template that it was made from (extension/dialect/template.c.in). What it asks and takes
 * exactly belongs into a test of its own.
 */
#include "dialect_case.h"

#define BASE "https://vendor.example/base/"

extern const LprDialect lpr_dialect_template_v1;

/* The question of start(), ready to be asked: with cameras, where they are needed. */
static void
start_ready(const LprDialect *of)
{
	start_with(of);
	if (of->needs_register)
		cameras();
}

static int
per_camera(void)
{
	return dialect->by_camera ? site.ncameras : 1;
}

static void
test_whole(const LprDialect *d)
{
	ok(d->name && d->ask && d->step && d->refusal && d->modes && d->page_size > 0 && d->page_size <= d->page_size_max &&
		   d->plates_per_leg > 0 && d->plates_per_leg <= LPR_PLATES_MAX,
	   "%s is whole", d->name);
	ok(d->signs_in == (d->sign_in != NULL) && d->signs_in == (d->signed_in != NULL), "its login");
	ok(d->fetches_cameras == (d->ask_cameras != NULL) && d->fetches_cameras == (d->take_cameras != NULL),
	   "its register");
	ok(!d->keeps_unknown_region || d->takes_region, "what it does with regions");
	ok(!d->newest_only || d->orders, "its order");
	ok(!d->by_camera || d->needs_register || d->fetches_cameras, "where its cameras come from");
}

static void
test_legs(const LprDialect *d)
{
	static char many[LPR_PLATES_MAX][16];
	const char *few[] = {plates[0], plates[1], plates[2]};
	int all;

	start_with(d);
	query.nplates = 3;
	if (d->needs_register)
	{
		make_legs(-1);
		has(fault.message, "register", "no register");
		cameras();
	}
	make_legs((3 + d->plates_per_leg - 1) / d->plates_per_leg * per_camera());
	for (int i = 0; i < nlegs; i++)
		ok(legs[i].nplates == (d->plates_per_leg < 3 ? d->plates_per_leg : 3) &&
			   legs[i].first_plate == (d->plates_per_leg < 3 ? i % 3 : 0) && (legs[i].camera >= 0) == d->by_camera,
		   "leg %d", i);
	query.nplates = 0;
	make_legs(0);
	for (LprMode mode = LPR_MODE_PLATE; mode <= LPR_MODE_VEHICLE; mode = (LprMode) (mode << 1))
	{
		if (d->modes & mode)
			continue;
		query.mode = mode;
		make_legs(-1);
		has(fault.message, "cannot be asked this way", "a mode it has not");
	}

	query.mode = LPR_MODE_PLATE;
	query.nplates = LPR_PLATES_MAX;
	for (int i = 0; i < LPR_PLATES_MAX; i++)
	{
		snprintf(many[i], sizeof(many[i]), "P%d", i);
		plates[i] = many[i];
	}
	all = (LPR_PLATES_MAX + d->plates_per_leg - 1) / d->plates_per_leg;
	make_legs(all * per_camera());
	for (int i = 0; d->by_camera && i < LPR_LEGS_MAX / all; i++)
	{
		char id[20];

		snprintf(id, sizeof(id), "more-%d", i);
		lpr_site_add_camera(&site, &(LprCamera){.id = id});
	}
	if (d->by_camera)
	{
		make_legs(-1);
		ok(strcmp(fault.sqlstate, "54000") == 0 && fault.hint[0] != '\0', "too many requests for one question");
	}
	memcpy(plates, few, sizeof(few));
}

static const char *const garbage[] = {"",           " ",     "null",         "7",    "{",   "[",       "{\"a\":",
									  "<html>504",  "'a'",   "\"\xFF",       "{}{}", "[]]", "{\"a\"}", "\xEF\xBB\xBF",
									  "{\"a\":1,}", "[NaN]", "[\"\\ud800\"]"};

/* What was received is asked for of some plates, in one request, or not at all (Q1). */
static void
test_received(const LprDialect *d)
{
	start_ready(d);
	query.received = true;
	query.mark = "mark";
	ok(d->received_plates >= 0 && d->received_plates <= LPR_PLATES_MAX, "plates of which it tells what it received");
	if (d->received_plates == 0)
	{
		make_legs(-1);
		has(fault.message, "does not tell what it has received", "says why");
		return;
	}
	make_legs(1);
	ok(legs->nplates == query.nplates && legs->first_plate == 0, "all plates");
	is_text(legs->mark, "mark", "since the mark");
	asks(legs, NULL, NULL, NULL, NULL);
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
	{
		make_legs(1);
		page_is(legs, garbage[i], 0, 0, LPR_PAGE_FAULT, garbage[i]);
		is_text(legs->mark, "mark", "stays");
	}
	query.nplates = 0;
	make_legs(-1);
	has(fault.message, "by plate only", "says why");
	query.nplates = d->received_plates + 1;
	make_legs(-1);
	has(fault.message, "of at most", "says why");
	query.nplates = 1;
	for (LprMode mode = LPR_MODE_LOCATION; mode <= LPR_MODE_VEHICLE; mode = (LprMode) (mode << 1))
	{
		query.mode = mode;
		make_legs(-1);
		has(fault.message, "by plate only", "says why");
	}
}

/* Of a place, the cameras that can answer are asked, one by one unless the vendor knows places itself. */
static void
test_cameras_of_a_place(const LprDialect *d)
{
	start_with(d);
	cameras();
	ok(site.ncameras == 4 && site.has_cameras, "a camera that stands twice is kept once");
	ok(lpr_site_camera(&site, slice("cam-2")) && lpr_site_camera(&site, slice("cam 1&")) &&
		   !lpr_site_camera(&site, slice("cam-")) && !lpr_site_camera(&site, slice("cam-22")) &&
		   !lpr_site_camera(&site, slice("")) && !lpr_site_camera(&site, slice(NULL)),
	   "cameras are found by id");
	query.nplates = 2;
	query.has_near = true;
	query.latitude = 34;
	query.longitude = -118;
	query.radius_m = 1000;
	make_legs((d->plates_per_leg > 1 ? 1 : 2) * (d->by_camera ? 2 : 1));
	if (d->by_camera)
	{
		query.radius_m = 1;
		make_legs(2);
		query.latitude = -34;
		make_legs(0);
		query.latitude = 34;
	}
	if (!(d->modes & LPR_MODE_LOCATION))
		return;
	query.mode = LPR_MODE_LOCATION;
	query.nplates = 0;
	query.radius_m = 1000;
	make_legs(d->takes_near ? 1 : 2);
	ok(legs[0].nplates == 0 && (legs[0].camera >= 0) == !d->takes_near, "no plate");
	query.has_near = false;
	query.address = query.address_normal = "MAIN STREET";
	if (d->takes_near)
	{
		make_legs(d->takes_address ? 1 : -1);
		if (!d->takes_address)
			has(fault.message, "cannot be asked this way",
				"an address without a point, of which it would learn nothing");
		return;
	}
	make_legs(2);
	query.address = query.address_normal = "ELSEWHERE";
	make_legs(0);
}

static void
test_requests(const LprDialect *d)
{
	static const char *const bad[] = {"https://vendor.example/a b", "https://vendor.example/\r\nX: y",
									  "https://vendor.example/?a=", "ftp://vendor.example", ""};
	LprRequest request = {0};
	const char *good;

	start_ready(d);
	good = site.url;
	query.order = LPR_ORDER_NEWEST_FIRST;
	make_legs(per_camera());
	asks(legs, NULL, NULL, NULL, NULL);
	ok(d->ask(legs, &request, &fault) && strncmp(request.url.data, BASE, strlen(BASE)) == 0, "it stays below the base");
	ok(request.headers.data == NULL || strstr(request.headers.data, "\n\n") == NULL, "its headers have no empty line");
	lpr_request_free(&request);
	legs->pages = 1;
	does_not_ask(legs, LPR_STATE_VENDOR, "no next page");
	legs->pages = 0;
	plates[0] = "A&B=C#1\r\nX-Evil: \"1";
	asks(legs, NULL, NULL, NULL, NULL);
	plates[0] = "7ABC123";
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		site.url = bad[i];
		does_not_ask(legs, LPR_STATE_BAD_OPTION, "url");
	}
	site.url = good;
	site.secret = "";
	if (!d->signs_in)
		does_not_ask(legs, LPR_STATE_BAD_OPTION, "secret");
	else
	{
		free(site.token);
		site.token = NULL;
		ok(!d->ask(legs, &request, &fault), "not without a token");
		lpr_request_free(&request);
	}
}

static void
test_garbage(const LprDialect *d)
{
	LprText said = {0};

	start_ready(d);
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
	{
		size_t len = strlen(garbage[i]);

		make_legs(per_camera());
		page_is(legs, garbage[i], 0, 0, LPR_PAGE_FAULT, garbage[i]);
		if (d->signs_in)
			ok(!d->signed_in(&site, garbage[i], len, &fault) && strcmp(site.token, "t0ken") == 0, "no token");
		if (d->fetches_cameras)
			ok(!d->take_cameras(&site, garbage[i], len, &fault), "no register");
		if (len == 0)
			ok(!d->refusal(500, garbage[i], len, &said) && said.len == 0, "nothing is said");
		else
			d->refusal(500, garbage[i], len, &said);
	}
	lpr_text_free(&said);
}

/* A login and a register are asked for below the base, too, and without the secret in what is shown. */
static void
errand(bool asked, LprRequest *request, LprRequestClass class, const char *what)
{
	ok(asked && request->class == class && strncmp(request->url.data, BASE, strlen(BASE)) == 0, "%s: %s", dialect->name,
	   what);
	ok(strstr(request->shown.data, SECRET) == NULL, "without the secret in what is shown");
	lpr_request_free(request);
}

static void
test_errands(const LprDialect *d)
{
	LprRequest request = {0};

	start_with(d);
	if (d->signs_in)
	{
		errand(d->sign_in(&site, &request, &fault), &request, LPR_REQUEST_SIGN_IN, "signs in");
		site.secret = "";
		ok(!d->sign_in(&site, &request, &fault), "not without a secret");
		lpr_request_free(&request);
		site.secret = SECRET;
	}
	if (d->wants_client_id)
	{
		site.client_id = NULL;
		ok(!d->sign_in(&site, &request, &fault), "nor without a client_id");
		lpr_request_free(&request);
	}
	if (d->fetches_cameras)
		errand(d->ask_cameras(&site, &request, &fault), &request, LPR_REQUEST_CAMERAS, "asks for its cameras");
}

static void
test_every(const LprDialect *d)
{
	test_whole(d);
	test_legs(d);
	test_received(d);
	test_cameras_of_a_place(d);
	test_requests(d);
	test_garbage(d);
	test_errands(d);
}

int
main(void)
{
	ok(lpr_dialect_find("lpr-v1") == lpr_dialects[0] && lpr_dialect_find("nobody") == NULL &&
		   lpr_dialect_find("") == NULL && lpr_dialect_find(lpr_dialect_template_v1.name) == NULL,
	   "dialects are found by name");
	for (int i = 0; lpr_dialects[i]; i++)
	{
		ok(lpr_dialect_find(lpr_dialects[i]->name) == lpr_dialects[i], "%s has a name of its own",
		   lpr_dialects[i]->name);
		test_every(lpr_dialects[i]);
	}
	test_every(&lpr_dialect_template_v1);
	return finish();
}
