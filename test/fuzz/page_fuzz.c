/*
 * page_fuzz.c: whatever a vendor may send, to one dialect (-DDIALECT="name"): pages, tokens, registers, refusals.
 *
 * Beside what the sanitizers see, it holds the promises of dialect.h and read.h: what is handed over is clean, and
 * every page ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/invisible.h"
#include "dialect/dialect.h"

#define CHECK(condition)                                                                                               \
	do                                                                                                                 \
	{                                                                                                                  \
		if (!(condition))                                                                                              \
		{                                                                                                              \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                    \
			abort();                                                                                                   \
		}                                                                                                              \
	} while (0)

static const char *plates[] = {"7ABC123"};

/* Touches every byte, so that a slice into memory that is gone is seen. */
static void
check_text(LprSlice text, size_t max)
{
	CHECK(text.data != NULL || text.len == 0);
	CHECK(lpr_text_ok(text, max));
	CHECK(lpr_find_invisible(text) == 0);
}

static void
check_read(const LprRead *read)
{
	char *copy = malloc(read->id.len + read->plate_as_read.len + 1);

	CHECK(read->id.len > 0 && read->plate_len > 0 && read->plate_len < LPR_PLATE_ROOM);
	CHECK(strlen(read->plate) == read->plate_len);
	CHECK(read->captured_at != LPR_MOMENT_NONE);
	check_text(read->id, LPR_ID_MAX);
	check_text(read->plate_as_read, LPR_PLATE_AS_READ_MAX);
	check_text(read->camera_id, LPR_ID_MAX);
	check_text(read->camera_owner, LPR_TEXT_MAX);
	check_text(read->camera_type, LPR_TEXT_MAX);
	check_text(read->camera_region, LPR_TEXT_MAX);
	check_text(read->country, LPR_TEXT_MAX);
	check_text(read->address, LPR_TEXT_MAX);
	check_text(read->make, LPR_TEXT_MAX);
	check_text(read->model, LPR_TEXT_MAX);
	check_text(read->color, LPR_TEXT_MAX);
	check_text(read->plate_image, LPR_IMAGE_URL_MAX);
	check_text(read->vehicle_image, LPR_IMAGE_URL_MAX);
	CHECK(!read->has_confidence || (read->confidence >= 0 && read->confidence <= 1));
	CHECK(!read->has_point ||
		  (read->latitude >= -90 && read->latitude <= 90 && read->longitude >= -180 && read->longitude <= 180));
	CHECK(read->plate_region[0] == '\0' || strlen(read->plate_region) == 2);
	memcpy(copy, read->id.data, read->id.len);
	memcpy(copy + read->id.len, read->plate_as_read.data, read->plate_as_read.len);
	free(copy);
}

static void
check_fault(const LprFault *fault)
{
	CHECK(strlen(fault->sqlstate) == 5 && fault->message[0] != '\0');
	for (const char *c = fault->message; *c; c++)
		CHECK((unsigned char) *c >= 0x20 && (unsigned char) *c < 0x7F);
	for (const char *c = fault->detail; *c; c++)
		CHECK((unsigned char) *c >= 0x20 && (unsigned char) *c < 0x7F);
}

/* What a sign-in or a register left in the site. */
static void
check_site(const LprSite *site)
{
	if (site->token != NULL)
	{
		CHECK(site->token[0] != '\0' && strlen(site->token) <= 8192);
		for (const char *c = site->token; *c; c++)
			CHECK((unsigned char) *c > 0x20 && (unsigned char) *c < 0x7F);
		CHECK(site->token_seconds >= 1 && site->token_seconds <= 86400);
	}
	for (int i = 0; i < site->ncameras; i++)
	{
		const LprCamera *it = &site->cameras[i];
		LprSlice id = {it->id, strlen(it->id)};

		CHECK(id.len > 0 && lpr_site_camera(site, id) == it);
		check_text(id, LPR_TEXT_MAX);
		check_text((LprSlice){it->address, it->address ? strlen(it->address) : 0}, LPR_TEXT_MAX);
		check_text((LprSlice){it->owner, it->owner ? strlen(it->owner) : 0}, LPR_TEXT_MAX);
		CHECK(!it->has_point ||
			  (it->latitude >= -90 && it->latitude <= 90 && it->longitude >= -180 && it->longitude <= 180));
	}
}

static void
check_request(const LprDialect *dialect, LprLeg *leg)
{
	LprRequest request = {0};
	LprFault fault;

	if (dialect->ask(leg, &request, &fault))
	{
		for (const char *c = request.url.data; *c; c++)
			CHECK((unsigned char) *c > 0x20 && (unsigned char) *c < 0x7F);
		CHECK(strncmp(request.url.data, leg->site->url, strlen(leg->site->url)) == 0);
		/* The first request holds nothing of the vendor, which could well guess them. */
		CHECK(leg->pages > 0 ||
			  (strstr(request.shown.data, "s3cr3t") == NULL && strstr(request.shown.data, "t0ken") == NULL));
	}
	else
		check_fault(&fault);
	lpr_request_free(&request);
}

/* One page of a leg; true if there is another. */
static bool
read_page(const LprDialect *dialect, LprLeg *leg, const char *body, size_t len)
{
	LprPage page;
	LprRead read;
	LprPageStep step = LPR_PAGE_FAULT;
	size_t steps = 0;

	if (lpr_page_open(&page, leg, body, len))
		while ((step = lpr_page_step(dialect, &page, &read)) == LPR_PAGE_READ || step == LPR_PAGE_BAD_READ)
		{
			if (step == LPR_PAGE_READ)
				check_read(&read);
			else
				check_fault(&page.fault);
			CHECK(++steps <= len);
		}
	if (step == LPR_PAGE_FAULT)
	{
		check_fault(&page.fault);
		CHECK(lpr_page_step(dialect, &page, &read) == LPR_PAGE_FAULT);
	}
	else
		CHECK(leg->next_known && lpr_page_step(dialect, &page, &read) == LPR_PAGE_END);
	lpr_page_close(&page);
	return step == LPR_PAGE_END && leg->next != NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const LprDialect *dialect = lpr_dialect_find(DIALECT);
	LprQuery query = {.mode = LPR_MODE_PLATE,
					  .nplates = 1,
					  .plates = plates,
					  .from = INT64_C(-100) * 365 * 86400 * LPR_SECOND,
					  .until = INT64_C(100) * 365 * 86400 * LPR_SECOND,
					  .page_size = 2,
					  .want_images = true,
					  .reference = "ref"};
	LprSite site = {.url = "https://vendor.example/base", .secret = "s3cr3t", .client_id = "c", .reason = "r"};
	LprSite fresh = {0};
	LprCamera camera = {.id = "7", .address = "1 Elm St", .has_point = true, .latitude = 34, .longitude = -118};
	LprText said = {0};
	LprFault fault;
	LprLeg *legs;
	int nlegs;
	char *body;

	if (size < 1)
		return 0;
	/* The first byte turns what is asked; the rest is the body, in a block of its very size. */
	query.order = (LprOrder) (data[0] % 3);
	body = malloc(size - 1 ? size - 1 : 1);
	memcpy(body, data + 1, size - 1);

	if (dialect->signs_in && !dialect->signed_in(&site, body, size - 1, &fault))
		check_fault(&fault);
	if (dialect->fetches_cameras && !dialect->take_cameras(&site, body, size - 1, &fault))
		check_fault(&fault);
	check_site(&site);
	CHECK(dialect->refusal(400, body, size - 1, &said) == (said.len > 0));
	lpr_text_free(&said);

	free(site.token);
	site.token = strdup("t0ken");
	lpr_site_add_camera(&fresh, &camera);
	lpr_site_take_cameras(&site, &fresh);
	nlegs = lpr_legs(dialect, &query, &site, &legs, &fault);
	CHECK(nlegs == 1);
	check_request(dialect, legs);
	/* The same body as the next page: must end, or be told. */
	for (int pages = 0; pages < 4 && read_page(dialect, legs, body, size - 1); pages++)
		check_request(dialect, legs);
	lpr_legs_free(legs, nlegs);
	query.received = true;
	query.mark = data[0] & 4 ? "mark" : NULL;
	nlegs = lpr_legs(dialect, &query, &site, &legs, &fault);
	CHECK(nlegs == (dialect->received_plates > 0 ? 1 : -1));
	for (int pages = 0; nlegs == 1 && pages < 4 && read_page(dialect, legs, body, size - 1); pages++)
		check_request(dialect, legs);
	CHECK(nlegs < 1 || legs->mark == NULL || (legs->mark[0] != '\0' && strlen(legs->mark) <= 4096));
	lpr_legs_free(legs, nlegs);
	lpr_site_forget(&site);
	free(body);
	return 0;
}
