/*
 * lpr_v1.c: our own reference protocol, docs/vendor-api.yaml.
 */
#include <stdlib.h>

#include "dialect/kit.h"

/* The reference goes out as a header; the protocol tells its characters. */
static bool
reference_ok(const char *reference)
{
	size_t len = strspn(reference, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");

	return len > 0 && len < LPR_REFERENCE_ROOM && reference[len] == '\0';
}

static bool
begin(const LprLeg *leg, LprRequest *request, const char *path, LprFault *fault)
{
	const char *reference = leg->query->reference;

	if (!lpr_site_secret(leg->site, fault) || !lpr_leg_ready(leg, fault))
		return false;
	if (!reference_ok(reference))
		return lpr_fault(fault, LPR_STATE_BAD_OPTION,
						 "the reference of the request is empty or has characters that do not belong there");
	return lpr_request_begin(request, LPR_REQUEST_READS, true, leg->site, path, fault) &&
		   lpr_request_header(request, "Authorization", "Bearer ", leg->site->secret, fault) &&
		   lpr_request_header(request, "Content-Type", "", "application/json", fault) &&
		   lpr_request_header(request, "Accept", "", "application/json", fault) &&
		   lpr_request_header(request, "X-Request-Reference", "", reference, fault);
}

/* What was received of the leg's plates, and of nothing else, since its mark. */
static bool
ask_received(LprLeg *leg, LprRequest *request, LprFault *fault)
{
	struct json_object *body;
	bool ok;

	if (leg->nplates < 1)
		return lpr_fault(fault, LPR_STATE_BAD_OPTION, "what was received is asked for by plate only");
	if (!begin(leg, request, "/reads/received", fault))
		return false;
	body = lpr_body_new();
	ok = body != NULL && lpr_body_strings(body, "plates", leg->query->plates + leg->first_plate, leg->nplates) &&
		 (leg->mark == NULL || lpr_body_string(body, "since", leg->mark)) &&
		 lpr_body_int(body, "page_size", lpr_leg_page_size(leg, &lpr_dialect_lpr_v1));
	return lpr_body_done(body, ok, request, fault) && lpr_request_done(request, fault);
}

static bool
ask(LprLeg *leg, LprRequest *request, LprFault *fault)
{
	const LprQuery *query = leg->query;
	struct json_object *body, *near;
	bool ok;

	if (query->received)
		return ask_received(leg, request, fault);
	if (!begin(leg, request, "/reads/search", fault))
		return false;
	body = lpr_body_new();
	ok = body != NULL;
	if (ok && leg->nplates > 0)
		ok = lpr_body_strings(body, "plates", query->plates + leg->first_plate, leg->nplates);
	if (ok && query->region[0] != '\0')
		ok = lpr_body_string(body, "region", query->region);
	if (ok && query->has_near)
	{
		near = lpr_body_object(body, "near");
		/* A radius below the protocol's metre is asked as a metre; what is too far is dropped here, as everywhere. */
		ok = lpr_body_double(near, "latitude", query->latitude) &&
			 lpr_body_double(near, "longitude", query->longitude) &&
			 lpr_body_double(near, "radius_m", query->radius_m < 1 ? 1 : query->radius_m);
	}
	if (ok && query->address != NULL)
		ok = lpr_body_string(body, "address", query->address);
	if (ok && query->make != NULL)
		ok = lpr_body_string(body, "make", query->make);
	if (ok && query->model != NULL)
		ok = lpr_body_string(body, "model", query->model);
	ok = ok && lpr_body_moment(body, "from", leg->from) && lpr_body_moment(body, "until", leg->until);
	if (ok && query->order != LPR_ORDER_NONE)
		ok = lpr_body_string(body, "order",
							 query->order == LPR_ORDER_OLDEST_FIRST ? "captured_at_asc" : "captured_at_desc");
	ok = ok && lpr_body_int(body, "page_size", lpr_leg_page_size(leg, &lpr_dialect_lpr_v1));
	if (ok && leg->pages > 0)
		ok = lpr_body_string(body, "cursor", leg->next);
	return lpr_body_done(body, ok, request, fault) && lpr_request_done(request, fault);
}

static bool
take_next(LprPage *page)
{
	LprSlice next;

	return lpr_take_cursor(page, &next) && lpr_page_next(page, next);
}

static bool
take_camera(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("id"),       LPR_FIELD("owner"),     LPR_FIELD("type"),
									  LPR_FIELD("latitude"), LPR_FIELD("longitude"), LPR_FIELD("address"),
									  LPR_FIELD("region"),   LPR_FIELD("country")};
	LprJson *json = page->json;
	LprPointParts point = {0};
	unsigned seen = 0;
	int field;
	bool ok = true;

	if (!lpr_take_object(page))
		return !lpr_json_failed(json);
	while (ok && lpr_next_field(json, fields, LPR_COUNT(fields), &seen, &field))
		switch (field)
		{
			case 0:
				ok = lpr_take_text(page, &read->camera_id);
				break;
			case 1:
				ok = lpr_take_text(page, &read->camera_owner);
				break;
			case 2:
				ok = lpr_take_text(page, &read->camera_type);
				break;
			case 3:
				ok = lpr_take_double(page, &point.has_latitude, &point.latitude);
				break;
			case 4:
				ok = lpr_take_double(page, &point.has_longitude, &point.longitude);
				break;
			case 5:
				ok = lpr_take_text(page, &read->address);
				break;
			case 6:
				ok = lpr_take_text(page, &read->camera_region);
				break;
			case 7:
				ok = lpr_take_text(page, &read->country);
				break;
		}
	lpr_take_point(page, read, &point);
	return !lpr_json_failed(json);
}

static bool
take_vehicle(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("make"), LPR_FIELD("model"), LPR_FIELD("color")};
	LprSlice *const values[] = {&read->make, &read->model, &read->color};
	LprJson *json = page->json;
	unsigned seen = 0;
	int field;

	if (lpr_take_object(page))
		while (lpr_next_field(json, fields, LPR_COUNT(fields), &seen, &field) && lpr_take_text(page, values[field]))
			;
	return !lpr_json_failed(json);
}

static bool
take_images(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("plate"), LPR_FIELD("vehicle")};
	LprJson *json = page->json;
	unsigned seen = 0;
	int field;

	if (lpr_take_object(page))
		while (lpr_next_field(json, fields, LPR_COUNT(fields), &seen, &field) &&
			   lpr_take_text(page, field == 0 ? &read->plate_image : &read->vehicle_image))
			;
	return !lpr_json_failed(json);
}

static bool
take_read(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("id"),          LPR_FIELD("plate"),      LPR_FIELD("plate_region"),
									  LPR_FIELD("captured_at"), LPR_FIELD("confidence"), LPR_FIELD("camera"),
									  LPR_FIELD("vehicle"),     LPR_FIELD("images")};
	LprJson *json = page->json;
	LprSlice region;
	unsigned seen = 0;
	int field;
	bool ok = true;

	while (ok && lpr_next_field(json, fields, LPR_COUNT(fields), &seen, &field))
		switch (field)
		{
			case 0:
				ok = lpr_take_text(page, &read->id);
				break;
			case 1:
				ok = lpr_take_text(page, &read->plate_as_read);
				break;
			case 2:
				ok = lpr_take_text(page, &region);
				if (ok)
					lpr_take_region(read, region);
				break;
			case 3:
				ok = lpr_take_moment(page, false, &read->captured_at);
				break;
			case 4:
				ok = lpr_take_confidence(page, read, 1);
				break;
			case 5:
				ok = take_camera(page, read);
				break;
			case 6:
				ok = take_vehicle(page, read);
				break;
			case 7:
				ok = take_images(page, read);
				break;
		}
	return !lpr_json_failed(json);
}

/* Of a page of what was received: its mark, and whether there is more by now, which nothing but true says. */
static bool
take_received(LprPage *page, int member)
{
	LprSlice mark;

	if (member == 2)
	{
		page->more = lpr_json_peek(page->json) == LPR_JSON_TRUE;
		return lpr_json_skip(page->json);
	}
	if (!lpr_take_text(page, &mark))
		return false;
	lpr_text_append(&page->mark, mark.data, mark.len);
	return true;
}

/* The page was read whole: what comes after it is asked for by its mark, now or later. */
static bool
end_received(LprPage *page)
{
	static const LprSlice none = {NULL, 0};
	LprLeg *leg = page->leg;
	LprSlice mark = {page->mark.data, page->mark.len};
	char *copy;

	if (mark.len == 0 && !page->mark.failed)
		return lpr_page_lacks(page, "mark");
	if (!lpr_text_ok(mark, LPR_CURSOR_MAX))
		return lpr_page_no_next(page, "malformed reply: unusable mark", none);
	if (page->more && leg->mark != NULL && !page->mark.failed && strcmp(leg->mark, mark.data) == 0)
		return lpr_page_no_next(page, "the vendor sends the same page again", none);
	copy = page->mark.failed ? NULL : strdup(mark.data);
	if (copy == NULL)
	{
		page->scratch.failed = true; /* lpr_page_step tells it */
		return false;
	}
	free(leg->mark);
	leg->mark = copy;
	return lpr_page_next(page, page->more ? lpr_slice(copy) : none);
}

static LprPageStep
step_received(LprPage *page, LprRead *read)
{
	static const LprField members[] = {LPR_FIELD("reads"), LPR_FIELD("mark"), LPR_FIELD("more")};
	static const LprPageShape shape = {.members = members,
									   .nmembers = LPR_COUNT(members),
									   .take_member = take_received,
									   .take_read = take_read,
									   .at_end = end_received};

	return lpr_page_walk(page, read, &shape);
}

static LprPageStep
step(LprPage *page, LprRead *read)
{
	static const LprField members[] = {LPR_FIELD("reads"), LPR_FIELD("next")};
	static const LprPageShape shape = {
		.members = members, .nmembers = 2, .next_required = true, .take_next = take_next, .take_read = take_read};

	return page->leg->query->received ? step_received(page, read) : lpr_page_walk(page, read, &shape);
}

/* {"error": {"code": ..., "message": ...}} */
static bool
refusal(int status, const char *data, size_t len, LprText *said)
{
	static const LprField error = LPR_FIELD("error");
	static const LprField fields[] = {LPR_FIELD("code"), LPR_FIELD("message")};
	LprFault fault;
	LprSlice texts[LPR_COUNT(fields)] = {0};
	LprJson *json = lpr_json_open(data, len, &fault);
	unsigned seen = 0;
	int field;

	(void) status;
	if (json != NULL && lpr_json_enter(json, LPR_JSON_OBJECT))
		while (lpr_next_field(json, &error, 1, &seen, &field) && lpr_try_texts(json, fields, LPR_COUNT(fields), texts))
			;
	if (json != NULL && lpr_json_finish(json))
		for (int i = 0; i < LPR_COUNT(texts); i++)
			if (texts[i].data != NULL)
			{
				lpr_text_adds(said, said->len > 0 ? ": " : "");
				lpr_text_append(said, texts[i].data, texts[i].len);
			}
	lpr_json_close(json);
	return said->len > 0;
}

const LprDialect lpr_dialect_lpr_v1 = {
	.name = "lpr-v1",
	.modes = LPR_MODE_PLATE | LPR_MODE_LOCATION | LPR_MODE_VEHICLE,
	.takes_region = true,
	.keeps_unknown_region = true,
	.takes_near = true,
	.takes_address = true,
	.takes_vehicle = true,
	.orders = true,
	.plates_per_leg = LPR_PLATES_MAX,
	.received_plates = LPR_PLATES_MAX,
	.page_size = 1000,
	.page_size_max = 1000,
	.ask = ask,
	.step = step,
	.refusal = refusal,
};
