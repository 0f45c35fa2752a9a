/*
 * dialect_case.h: a question, a site, and pages of a dialect, for its tests.
 */
#ifndef LPR_DIALECT_CASE_H
#define LPR_DIALECT_CASE_H

#include <stdlib.h>

#include "dialect/dialect.h"
#include "tap.h"

#define SECRET "s3cr3t-Key"

static const LprDialect *dialect;
static const char *plates[LPR_PLATES_MAX] = {"7ABC123", "8XYZ999", "A&B=C#1"};
static LprQuery query;
static LprSite site;
static LprLeg *legs;
static int nlegs;
static LprFault fault;

static LprSlice
slice(const char *text)
{
	return (LprSlice){text, text ? strlen(text) : 0};
}

static LprMoment
moment(const char *text)
{
	LprMoment at = 0;

	if (!lpr_moment_parse(slice(text), NULL, &at))
		ok(false, "%s is a moment", text);
	return at;
}

/* A question of one plate, a site without cameras. */
static void
start_with(const LprDialect *of)
{
	lpr_legs_free(legs, nlegs);
	lpr_site_forget(&site);
	legs = NULL;
	nlegs = 0;
	dialect = of;
	query = (LprQuery){.mode = LPR_MODE_PLATE,
					   .nplates = 1,
					   .plates = plates,
					   .from = moment("2026-11-01T00:00:00Z"),
					   .until = moment("2026-11-23T10:00:00.5Z"),
					   .reference = "ref-42"};
	site = (LprSite){
		.url = "https://vendor.example/base", .secret = SECRET, .client_id = "client", .reason = "law enforcement"};
	if (dialect->signs_in)
		site.token = strdup("t0ken");
}

__attribute__((unused)) static void
start(const char *name)
{
	start_with(lpr_dialect_find(name));
}

__attribute__((unused)) static void
camera(LprSite *fresh, const char *id, const char *address, double latitude, double longitude)
{
	LprCamera it = {.id = (char *) id,
					.address = (char *) address,
					.owner = "Springfield PD",
					.region = "CA",
					.country = "US",
					.has_point = latitude != 0,
					.latitude = latitude,
					.longitude = longitude};

	lpr_site_add_camera(fresh, &it);
}

__attribute__((unused)) static void
cameras(void)
{
	LprSite fresh = {0};

	camera(&fresh, "cam-9", "9 Far Road", 36, -118);
	camera(&fresh, "cam-2", "2 Main Street", 34.001, -118);
	camera(&fresh, "cam 1&", "1 MAIN street", 34, -118);
	camera(&fresh, "cam-2", "twice", 34, -118);
	camera(&fresh, "cam-5", NULL, 0, 0);
	lpr_site_take_cameras(&site, &fresh);
}

static bool
make_legs(int expected)
{
	lpr_legs_free(legs, nlegs);
	nlegs = lpr_legs(dialect, &query, &site, &legs, &fault);
	return ok(nlegs == expected, "%s: %d legs (%d)", dialect->name, expected, nlegs);
}

/* What is asked: any of the texts may be NULL for "not of interest". */
__attribute__((unused)) static void
asks(LprLeg *leg, const char *url, const char *headers, const char *body, const char *shown)
{
	LprRequest request = {0};

	if (!ok(dialect->ask(leg, &request, &fault), "%s asks", dialect->name))
		printf("# %s\n", fault.message);
	else
	{
		if (url)
			is_text(request.url.data, url, "its URL");
		if (headers)
			is_text(request.headers.data, headers, "its headers");
		if (body)
			is_text(request.body.data, body, "its body");
		if (shown)
			is_text(request.shown.data, shown, "what is shown of it");
		ok(strstr(request.shown.data, SECRET) == NULL && strstr(request.shown.data, "t0ken") == NULL,
		   "without secrets");
		ok(strpbrk(request.url.data, "\r\n ") == NULL && strchr(request.headers.data, '\r') == NULL,
		   "nothing is broken in two");
		ok(request.class == LPR_REQUEST_READS && request.repeatable, "its class");
	}
	lpr_request_free(&request);
}

__attribute__((unused)) static void
does_not_ask(LprLeg *leg, const char *sqlstate, const char *message)
{
	LprRequest request = {0};

	ok(!dialect->ask(leg, &request, &fault) && strcmp(fault.sqlstate, sqlstate) == 0, "%s does not ask", dialect->name);
	has(fault.message, message, "and says why");
	ok(strstr(fault.message, SECRET) == NULL && strstr(fault.detail, SECRET) == NULL, "without secrets");
	lpr_request_free(&request);
}

/* One page after another. The body is in a block of its very size. */
static LprPage page;
static LprRead read_;
static char *page_body;

static bool
open_page(LprLeg *leg, const char *body)
{
	size_t len = strlen(body);

	lpr_page_close(&page);
	free(page_body);
	page_body = malloc(len ? len : 1);
	memcpy(page_body, body, len);
	return lpr_page_open(&page, leg, page_body, len);
}

static LprPageStep
step(void)
{
	return lpr_page_step(dialect, &page, &read_);
}

/* The whole page is read: how many good and bad reads, and how it ended. */
static void
page_is(LprLeg *leg, const char *body, int good, int bad, LprPageStep end, const char *what)
{
	LprPageStep last = LPR_PAGE_FAULT;
	int ngood = 0, nbad = 0;

	if (open_page(leg, body))
		while ((last = step()) == LPR_PAGE_READ || last == LPR_PAGE_BAD_READ)
			last == LPR_PAGE_READ ? ngood++ : nbad++;
	if (!ok(ngood == good && nbad == bad && last == end, "%s: %s", dialect->name, what))
		printf("# %d good, %d bad, ended with %d: %s | %s\n", ngood, nbad, last, page.fault.message, page.fault.detail);
	if (last == LPR_PAGE_FAULT &&
		(strcmp(page.fault.sqlstate, LPR_STATE_BAD_REPLY) != 0 || page.fault.message[0] == '\0' ||
		 step() != LPR_PAGE_FAULT || page.fault.message[0] == '\0'))
		ok(false, "the fault of %s stands", what);
	if (last == LPR_PAGE_END && (step() != LPR_PAGE_END || !leg->next_known))
		ok(false, "the end of %s stays", what);
}

__attribute__((unused)) static void
page_fault(const char *body, const char *message)
{
	make_legs(nlegs > 0 ? nlegs : 1);
	page_is(legs, body, 0, 0, LPR_PAGE_FAULT, message);
	has(page.fault.message, message, "its fault");
}

/* The first read of the page is bad: why. */
__attribute__((unused)) static void
bad_read(const char *body, const char *why)
{
	make_legs(nlegs);
	ok(open_page(legs, body) && step() == LPR_PAGE_BAD_READ, "%s: a bad read", dialect->name);
	has(page.fault.message, why, "says why");
}

/* The first read of the page is good but for a value, which is counted by its member; NULL: all of it was taken. */
__attribute__((unused)) static void
odd_read(const char *body, const char *member)
{
	make_legs(nlegs > 0 ? nlegs : 1);
	if (!ok(open_page(legs, body) && step() == LPR_PAGE_READ, "%s: a good read: %.80s", dialect->name, body))
		printf("# %s | %s\n", page.fault.message, page.fault.detail);
	ok(page.nodd == (member != NULL), "%d odd values", page.nodd);
	if (member != NULL)
		is_text(page.odd[0].member, member, "of the member");
}

__attribute__((unused)) static void
refuses(const char *body, const char *expected)
{
	LprText said = {0};

	dialect->refusal(400, body, strlen(body), &said);
	is_text(said.data, expected, "a refusal");
	lpr_text_free(&said);
}

static int
finish(void)
{
	lpr_page_close(&page);
	free(page_body);
	lpr_legs_free(legs, nlegs);
	lpr_site_forget(&site);
	return tap_done();
}

#endif
