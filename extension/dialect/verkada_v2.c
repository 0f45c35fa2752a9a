/*
 * verkada_v2.c: the licence plate search of Verkada for organizations with CJIS access, version 2. One question over
 * all cameras, newest first, with positions, states and two images.
 *
 * A question spans three years at most. A longer window is asked in slices, newest first: when a slice has no more
 * pages, the leg goes on before it. So leg->next is 'c' and the vendor's cursor, or 's' and the end of the next slice.
 */
#include <math.h>

#include "dialect/verkada.h"

#define SLICE_SECONDS (INT64_C(3) * 365 * 86400)
#define METRES        6371008.8 /* radius of the earth */
#define CORNERS       16        /* of the fence; the vendor takes 3 to 700 */
#define MARGIN        1.01      /* sides are straight on some map, be it the vendor's */
#define DEGREE        (M_PI / 180)

/*
 * What the next request asks for, in seconds since 1970, as the vendor writes times. A little more than the window
 * holds: whether the end belongs to it is not documented. Slices share the moment between them.
 */
static void
slice_of(const LprLeg *leg, int64_t *start, int64_t *end)
{
	int64_t from = lpr_moment_epoch_floor(leg->from);

	*end = lpr_moment_epoch_floor(leg->until) + (leg->until == leg->query->until);
	*start = *end - SLICE_SECONDS > from ? *end - SLICE_SECONDS : from;
}

static LprMoment
moment_of(int64_t second)
{
	return (second - LPR_UNIX_GAP) * LPR_SECOND;
}

/* 2025-01-17T00:00:00Z */
static bool
add_second(struct json_object *body, const char *key, int64_t second)
{
	char text[LPR_MOMENT_ROOM];

	lpr_moment_format(moment_of(second), text);
	text[19] = 'Z';
	text[20] = '\0';
	return lpr_body_string(body, key, text);
}

/* Whether the circle can be drawn on a plain map: no pole in it, and not across the line of the date. */
static bool
is_plain(const LprQuery *query, double angle)
{
	double latitude = query->latitude * DEGREE;

	return fabs(latitude) + angle < M_PI_2 && fabs(query->longitude) * DEGREE + asin(sin(angle) / cos(latitude)) < M_PI;
}

/* A polygon around the circle, a metre larger for rounding: what is read between them is dropped here. */
static bool
add_fence(struct json_object *body, const LprQuery *query, double angle)
{
	double latitude = query->latitude * DEGREE;
	bool ok = true;

	for (int i = 0; ok && i < CORNERS; i++)
	{
		double course = 2 * M_PI * i / CORNERS;
		double north = asin(sin(latitude) * cos(angle) + cos(latitude) * sin(angle) * cos(course));
		double east = atan2(sin(course) * sin(angle) * cos(latitude), cos(angle) - sin(latitude) * sin(north));
		struct json_object *corner = lpr_body_object_in_array(body, "geo_fence");

		ok = lpr_body_double(corner, "latitude", round(north / DEGREE * 1e6) / 1e6) &&
			 lpr_body_double(corner, "longitude", round((query->longitude + east / DEGREE) * 1e6) / 1e6);
	}
	return ok;
}

static bool
add_question(LprLeg *leg, LprRequest *request, LprFault *fault)
{
	const LprQuery *query = leg->query;
	const char *plate = leg->nplates > 0 ? query->plates[leg->first_plate] : NULL;
	double angle = atan(tan((query->radius_m + 1) / METRES) / cos(M_PI / CORNERS)) * MARGIN;
	bool fence = query->has_near && is_plain(query, angle);
	struct json_object *body;
	int64_t start, end;
	bool ok;

	/* One plate would become many, none of which anybody named (Q8). */
	if (plate != NULL && strchr(plate, '*') != NULL)
	{
		lpr_fault(fault, LPR_STATE_BAD_OPTION, "this vendor takes the asterisk of a plate for any characters");
		lpr_fault_hint(fault, "Write the plate as it is, without an asterisk.");
		return false;
	}
	if (plate == NULL && !fence)
	{
		lpr_fault(fault, LPR_STATE_BAD_OPTION, "this vendor cannot be asked for a place across the 180th meridian");
		lpr_fault_hint(fault, "Ask for two places, one on each side.");
		return false;
	}
	slice_of(leg, &start, &end);
	body = lpr_body_new();
	ok = body != NULL && (plate == NULL || lpr_body_string(body, "license_plate", plate)) &&
		 add_second(body, "start_time", start) && add_second(body, "end_time", end) &&
		 (!fence || add_fence(body, query, angle)) &&
		 lpr_body_int(body, "limit", lpr_leg_page_size(leg, &lpr_dialect_verkada_v2)) &&
		 (leg->pages == 0 || leg->next[0] != 'c' || lpr_body_string(body, "cursor", leg->next + 1));
	return lpr_body_done(body, ok, request, fault);
}

static bool
ask(LprLeg *leg, LprRequest *request, LprFault *fault)
{
	return lpr_leg_ready(leg, fault) &&
		   lpr_request_begin(request, LPR_REQUEST_READS, true, leg->site, "/v2/cameras/ncic/license_plates/search",
							 fault) &&
		   lpr_request_header(request, "x-verkada-auth", "", leg->site->token, fault) &&
		   lpr_request_header(request, "Accept", "", "application/json", fault) &&
		   lpr_request_header(request, "Content-Type", "", "application/json", fault) &&
		   add_question(leg, request, fault) && lpr_request_done(request, fault);
}

/* The slice before, or the end. */
static bool
at_end(LprPage *page)
{
	LprLeg *leg = page->leg;
	char next[LPR_MOMENT_ROOM + 1] = "s";
	int64_t start, end;

	slice_of(leg, &start, &end);
	if (moment_of(start) <= leg->from)
		return lpr_page_next(page, (LprSlice){NULL, 0});
	leg->until = leg->edge = moment_of(start);
	leg->overlaps = true;
	lpr_moment_format(leg->until, next + 1);
	return lpr_page_next(page, lpr_slice(next));
}

/* A text; null where the slice has no more. */
static bool
take_next(LprPage *page)
{
	LprText next = {0};
	LprSlice cursor;
	bool ok;

	if (!lpr_take_cursor(page, &cursor))
		return false;
	if (page->leg->next_known) /* it is none that can be asked for, which is told at the end */
		return true;
	if (cursor.len == 0)
		return at_end(page);
	lpr_text_adds(&next, "c");
	lpr_text_append(&next, cursor.data, cursor.len);
	page->scratch.failed |= next.failed;
	ok = lpr_page_next(page, (LprSlice){next.data, next.failed ? 0 : next.len});
	lpr_text_free(&next);
	return ok;
}

/* The vendor tells no id of a camera, but its name, and the site where that is one. */
static void
compose_camera_id(LprPage *page, LprRead *read, LprSlice site, LprSlice name)
{
	size_t start = page->scratch.len;

	read->camera_id = name;
	if (site.len == 0 || name.len == 0)
		return;
	lpr_text_append(&page->scratch, site.data, site.len);
	lpr_text_adds(&page->scratch, ":");
	lpr_text_append(&page->scratch, name.data, name.len);
	if (!page->scratch.failed)
		read->camera_id = (LprSlice){page->scratch.data + start, page->scratch.len - start};
}

enum
{
	READ_ID,
	PLATE,
	STATE,
	LATITUDE,
	LONGITUDE,
	TIME,
	IMAGE_OF_PLATE,
	IMAGE_OF_VEHICLE,
	AGENCY,
	CAMERA_NAME,
	SITE_ID
};

static bool
take_read(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {
		LPR_FIELD("read_id"),     LPR_FIELD("plate"),       LPR_FIELD("plate_state"), LPR_FIELD("lat"),
		LPR_FIELD("lon"),         LPR_FIELD("event_time"),  LPR_FIELD("image_data"),  LPR_FIELD("additional_image"),
		LPR_FIELD("agency_name"), LPR_FIELD("camera_name"), LPR_FIELD("site_id")};
	LprSlice text[LPR_COUNT(fields)] = {0};
	LprPointParts point = {0};
	unsigned seen = 0;
	int field;
	bool ok = true;

	while (ok && lpr_next_field(page->json, fields, LPR_COUNT(fields), &seen, &field))
		switch (field)
		{
			case LATITUDE:
				ok = lpr_take_double(page, &point.has_latitude, &point.latitude);
				break;
			case LONGITUDE:
				ok = lpr_take_double(page, &point.has_longitude, &point.longitude);
				break;
			case TIME:
				ok = lpr_take_moment(page, false, &read->captured_at);
				break;
			default:
				ok = lpr_take_text(page, &text[field]);
				break;
		}
	if (lpr_json_failed(page->json))
		return false;
	read->id = text[READ_ID];
	read->plate_as_read = text[PLATE];
	lpr_take_region(read, text[STATE]);
	lpr_take_point(page, read, &point);
	read->plate_image = text[IMAGE_OF_PLATE];
	read->vehicle_image = text[IMAGE_OF_VEHICLE];
	read->camera_owner = text[AGENCY];
	compose_camera_id(page, read, text[SITE_ID], text[CAMERA_NAME]);
	return true;
}

static LprPageStep
step(LprPage *page, LprRead *read)
{
	static const LprField members[] = {LPR_FIELD("items"), LPR_FIELD("cursor")};
	static const LprPageShape shape = {
		.members = members, .nmembers = 2, .take_next = take_next, .take_read = take_read, .at_end = at_end};

	return lpr_page_walk(page, read, &shape);
}

const LprDialect lpr_dialect_verkada_v2 = {
	.name = "verkada-v2",
	.modes = LPR_MODE_PLATE | LPR_MODE_LOCATION,
	.takes_near = true,
	.orders = true,
	.newest_only = true,
	.plates_per_leg = 1,
	.page_size = 1000,
	.page_size_max = 1000,
	.signs_in = true,
	.sign_in = lpr_verkada_sign_in,
	.signed_in = lpr_verkada_signed_in,
	.ask = ask,
	.step = step,
	.refusal = lpr_verkada_refusal,
};
