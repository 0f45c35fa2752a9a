/*
 * verkada_v1.c: plate images of Verkada cameras. One camera a request, so the register says which.
 */
#include <stdio.h>

#include "dialect/verkada.h"

#define EPOCH (-LPR_UNIX_GAP * LPR_SECOND) /* 1970, before which the vendor counts nothing */

static void
add_number(LprRequest *request, const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long) value);
	lpr_request_param(request, name, lpr_slice(text));
}

static bool
ask(LprLeg *leg, LprRequest *request, LprFault *fault)
{
	if (!lpr_leg_ready(leg, fault) ||
		!lpr_request_begin(request, LPR_REQUEST_READS, false, leg->site, "/cameras/v1/analytics/lpr/images", fault) ||
		!lpr_request_header(request, "x-verkada-auth", "", leg->site->token, fault) ||
		!lpr_request_header(request, "Accept", "", "application/json", fault))
		return false;
	lpr_request_param(request, "camera_id", lpr_slice(leg->site->cameras[leg->camera].id));
	if (leg->nplates > 0)
		lpr_request_param(request, "license_plate", lpr_slice(leg->query->plates[leg->first_plate]));
	/* Whole seconds only: a little more is asked for than the window holds, and dropped here. */
	add_number(request, "start_time", lpr_moment_epoch_floor(leg->from < EPOCH ? EPOCH : leg->from));
	add_number(request, "end_time", lpr_moment_epoch_ceiling(leg->until));
	add_number(request, "page_size", lpr_leg_page_size(leg, &lpr_dialect_verkada_v1));
	if (leg->pages > 0)
		lpr_request_param(request, "page_token", lpr_slice(leg->next));
	return lpr_request_done(request, fault);
}

/* A text in the vendor's page about paging, an integer in that about plates: either. 0, "" and null are the end. */
static bool
take_next(LprPage *page)
{
	LprSlice next;

	if (!lpr_take_cursor(page, &next))
		return false;
	if (next.len == 1 && next.data[0] == '0')
		next = (LprSlice){NULL, 0};
	return lpr_page_next(page, next);
}

static bool
take_read(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("timestamp"), LPR_FIELD("license_plate"), LPR_FIELD("image_url"),
									  LPR_FIELD("vehicle_image_url")};
	LprSlice image = {0}, whole = {0};
	const LprCamera *camera = &page->leg->site->cameras[page->leg->camera];
	unsigned seen = 0;
	int field;
	bool ok = true;

	while (ok && lpr_next_field(page->json, fields, LPR_COUNT(fields), &seen, &field))
		switch (field)
		{
			case 0:
				ok = lpr_take_moment(page, true, &read->captured_at);
				break;
			case 1:
				ok = lpr_take_text(page, &read->plate_as_read);
				break;
			case 2:
				ok = lpr_take_text(page, &image);
				break;
			case 3:
				ok = lpr_take_text(page, &whole);
				break;
		}
	if (lpr_json_failed(page->json))
		return false;
	/* Beside one of the whole vehicle, the other is of the plate. */
	read->plate_image = whole.len > 0 ? image : whole;
	read->vehicle_image = whole.len > 0 ? whole : image;
	read->camera_id = lpr_slice(camera->id);
	lpr_join_camera(read, camera);
	/* The vendor has no names for its detections, and whole seconds for their times. */
	if (read->captured_at != LPR_MOMENT_NONE && read->plate_as_read.len <= LPR_PLATE_AS_READ_MAX)
	{
		lpr_text_printf(&page->scratch, "%s:%lld", camera->id, (long long) lpr_moment_epoch_floor(read->captured_at));
		if (read->captured_at % LPR_SECOND != 0)
			lpr_text_printf(&page->scratch, ".%06d", (int) (read->captured_at % LPR_SECOND + LPR_SECOND) % 1000000);
		lpr_text_adds(&page->scratch, ":");
		lpr_text_append(&page->scratch, read->plate_as_read.data, read->plate_as_read.len);
		if (!page->scratch.failed)
			read->id = (LprSlice){page->scratch.data, page->scratch.len};
	}
	return true;
}

static LprPageStep
step(LprPage *page, LprRead *read)
{
	static const LprField members[] = {LPR_FIELD("detections"), LPR_FIELD("next_page_token")};
	static const LprPageShape shape = {
		.members = members, .nmembers = 2, .take_next = take_next, .take_read = take_read};

	return lpr_page_walk(page, read, &shape);
}

const LprDialect lpr_dialect_verkada_v1 = {
	.name = "verkada-v1",
	.modes = LPR_MODE_PLATE | LPR_MODE_LOCATION,
	.plates_per_leg = 1,
	.page_size = 200,
	.page_size_max = 200,
	.signs_in = true,
	.needs_register = true,
	.by_camera = true,
	.sign_in = lpr_verkada_sign_in,
	.signed_in = lpr_verkada_signed_in,
	.ask = ask,
	.step = step,
	.refusal = lpr_verkada_refusal,
};
