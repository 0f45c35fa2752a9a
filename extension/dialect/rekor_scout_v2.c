/*
 * rekor_scout_v2.c: plate groups of Rekor Scout (OpenALPR cloud), version 2.
 *
 * It has no pages. What it has is "the newest (or oldest) topn of a time range": so the range is cut behind what came,
 * and asked again from the very moment of the last read on, since others may share it. The asker drops what comes
 * twice.
 */
#include <stdio.h>

#include "dialect/kit.h"

#define BOX_MAX 100000 /* pixels */

static bool
begin(LprRequest *request, LprRequestClass class, const LprSite *site, const char *path, LprFault *fault)
{
	if (!lpr_site_secret(site, fault) || !lpr_request_begin(request, class, false, site, path, fault) ||
		!lpr_request_header(request, "Accept", "", "application/json", fault))
		return false;
	lpr_request_secret_param(request, "api_key", site->secret);
	return true;
}

static bool
ask_cameras(const LprSite *site, LprRequest *request, LprFault *fault)
{
	return begin(request, LPR_REQUEST_CAMERAS, site, "/api/cameras/", fault) && lpr_request_done(request, fault);
}

/* A string, or an integer as one; NULL if it is neither. into holds 24 bytes. */
static const char *
get_name(struct json_object *object, const char *key, char *into)
{
	LprSlice text;
	int64_t number;

	if (lpr_body_get_string(object, key, &text))
		return text.len > 0 && lpr_text_ok(text, LPR_TEXT_MAX) ? text.data : NULL;
	if (!lpr_body_get_int(object, key, &number))
		return NULL;
	snprintf(into, 24, "%lld", (long long) number);
	return into;
}

/* A coordinate under either of its names. */
static bool
get_degrees(struct json_object *object, const char *key, const char *other_key, double limit, double *value)
{
	return (lpr_body_get_double(object, key, value) || lpr_body_get_double(object, other_key, value)) &&
		   *value >= -limit && *value <= limit;
}

static bool
take_cameras(LprSite *site, const char *data, size_t len, LprFault *fault)
{
	struct json_object *body = lpr_body_parse(data, len, fault);
	int n = lpr_body_length(body);
	LprSite fresh = {0};

	if (body == NULL)
		return false;
	if (n < 0)
	{
		lpr_body_free(body);
		return lpr_fault(fault, LPR_STATE_BAD_REPLY, "malformed reply: the register of cameras is not an array");
	}
	for (int i = 0; i < n; i++)
	{
		struct json_object *element = lpr_body_element(body, i);
		struct json_object *fields = lpr_body_get_object(element, "fields");
		LprCamera camera = {0};
		char camera_id[24], id[24], pk[24];
		const char *name;

		/* Wrapped like a read, or bare. The register's own key is the camera_id of the reads. */
		if (fields == NULL)
			fields = element;
		if ((name = get_name(fields, "camera_id", camera_id)) == NULL && (name = get_name(fields, "id", id)) == NULL &&
			(name = get_name(element, "pk", pk)) == NULL)
			continue; /* no read can refer to it */
		camera.id = (char *) name;
		camera.address = (char *) get_name(fields, "address", pk);
		if (camera.address == NULL)
			camera.address = (char *) get_name(fields, "name", pk);
		camera.owner = (char *) get_name(fields, "company", id);
		camera.has_point = get_degrees(fields, "latitude", "gps_latitude", 90, &camera.latitude) &&
						   get_degrees(fields, "longitude", "gps_longitude", 180, &camera.longitude);
		if (!lpr_site_add_camera(&fresh, &camera))
		{
			lpr_body_free(body);
			lpr_site_forget(&fresh);
			return lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
		}
	}
	lpr_body_free(body);
	lpr_site_take_cameras(site, &fresh);
	return true;
}

static bool
ask(LprLeg *leg, LprRequest *request, LprFault *fault)
{
	const LprQuery *query = leg->query;
	char from[LPR_MOMENT_ROOM], until[LPR_MOMENT_ROOM], topn[16];

	if (!lpr_leg_ready(leg, fault) || !begin(request, LPR_REQUEST_READS, leg->site, "/api/search/plate", fault))
		return false;
	lpr_request_param(request, "start", lpr_slice(lpr_moment_format(leg->from, from)));
	lpr_request_param(request, "end", lpr_slice(lpr_moment_format(leg->until, until)));
	if (leg->nplates > 0)
		lpr_request_param(request, "plate", lpr_slice(query->plates[leg->first_plate]));
	if (leg->camera >= 0)
		lpr_request_param(request, "camera", lpr_slice(leg->site->cameras[leg->camera].id));
	lpr_request_param(request, "order", lpr_slice(query->order == LPR_ORDER_OLDEST_FIRST ? "asc" : "desc"));
	snprintf(topn, sizeof(topn), "%d", lpr_leg_page_size(leg, &lpr_dialect_rekor_scout_v2));
	lpr_request_param(request, "topn", lpr_slice(topn));
	return lpr_request_done(request, fault);
}

/* Where the image server keeps it: /img/{agent}/{uuid}, cut to a box when one is asked for. */
static void
compose_images(LprPage *page, LprRead *read, LprSlice agent, const int64_t corner[8], unsigned corners)
{
	LprText *url = &page->scratch;
	int64_t left = corner[0], right = corner[0], top = corner[1], bottom = corner[1];
	size_t whole;

	if (!page->leg->query->want_images || agent.len == 0 || read->id.len == 0)
		return;
	lpr_text_adds(url, page->leg->site->url);
	lpr_text_adds(url, "/img/");
	lpr_text_add_escaped(url, agent.data, agent.len);
	lpr_text_adds(url, "/");
	lpr_text_add_escaped(url, read->id.data, read->id.len);
	whole = url->len;
	for (int i = 2; i < 8; i += 2)
	{
		left = corner[i] < left ? corner[i] : left;
		right = corner[i] > right ? corner[i] : right;
		top = corner[i + 1] < top ? corner[i + 1] : top;
		bottom = corner[i + 1] > bottom ? corner[i + 1] : bottom;
	}
	if (corners == 0xFF && left >= 0 && top >= 0 && right <= BOX_MAX && bottom <= BOX_MAX)
		lpr_text_printf(url, "?%lld,%lld,%lld,%lld", (long long) left, (long long) top, (long long) (right - left),
						(long long) (bottom - top));
	if (url->failed)
		return;
	read->vehicle_image = (LprSlice){url->data, whole};
	if (url->len > whole)
		read->plate_image = (LprSlice){url->data, url->len};
}

static bool
take_fields(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {
		LPR_FIELD("best_plate"), LPR_FIELD("best_confidence"), LPR_FIELD("best_uuid"), LPR_FIELD("epoch_time_start"),
		LPR_FIELD("camera_id"),  LPR_FIELD("agent_uid"),       LPR_FIELD("company"),   LPR_FIELD("plate_x1"),
		LPR_FIELD("plate_y1"),   LPR_FIELD("plate_x2"),        LPR_FIELD("plate_y2"),  LPR_FIELD("plate_x3"),
		LPR_FIELD("plate_y3"),   LPR_FIELD("plate_x4"),        LPR_FIELD("plate_y4")};
	LprJson *json = page->json;
	LprSlice agent = {0}, company = {0};
	int64_t corner[8] = {0};
	unsigned seen = 0, corners = 0;
	int field;
	bool ok = true, given;

	if (!lpr_enter_if_given(json))
		return !lpr_json_failed(json);
	while (ok && lpr_next_field(json, fields, LPR_COUNT(fields), &seen, &field))
		switch (field)
		{
			case 0:
				ok = lpr_json_string(json, &read->plate_as_read);
				break;
			case 1:
				ok = lpr_take_confidence(page, read, 100); /* percent */
				break;
			case 2:
				ok = lpr_json_string(json, &read->id);
				break;
			case 3:
				ok = lpr_take_moment(page, true, &read->captured_at); /* not an epoch, in spite of its name */
				break;
			case 4:
				ok = lpr_json_scalar(json, &read->camera_id);
				break;
			case 5:
				ok = lpr_json_scalar(json, &agent);
				break;
			case 6:
				ok = lpr_json_scalar(json, &company);
				break;
			default:
				ok = lpr_json_int64(json, &given, &corner[field - 7]);
				corners |= ok && given ? 1u << (field - 7) : 0;
				break;
		}
	if (lpr_json_failed(json))
		return false;
	lpr_join_camera(read, lpr_site_camera(page->leg->site, read->camera_id));
	if (read->camera_owner.data == NULL)
		read->camera_owner = company;
	compose_images(page, read, agent, corner, corners);
	return true;
}

/* {"pk": …, "model": …, "fields": {…}} */
static bool
take_read(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("fields")};
	unsigned seen = 0;
	int field;

	while (lpr_next_field(page->json, fields, 1, &seen, &field) && take_fields(page, read))
		;
	return !lpr_json_failed(page->json);
}

/* The range behind what came. */
static bool
at_end(LprPage *page)
{
	LprLeg *leg = page->leg;
	bool oldest_first = leg->query->order == LPR_ORDER_OLDEST_FIRST;
	LprMoment edge = oldest_first ? page->newest : page->oldest;
	char next[LPR_MOMENT_ROOM];

	if (page->reads < leg->asked_size)
		return lpr_page_next(page, (LprSlice){NULL, 0});
	/*
	 * No way on: nothing with a time came; all of it is of one moment, of which there may be more; or it came in
	 * another order, so that nobody knows what is behind it.
	 */
	if (edge == LPR_MOMENT_NONE || page->unsorted || (oldest_first ? edge <= leg->from : edge >= leg->until))
	{
		leg->cut = true;
		return lpr_page_next(page, (LprSlice){NULL, 0});
	}
	if (oldest_first ? edge > leg->until : edge < leg->from) /* past the end of what was asked */
		return lpr_page_next(page, (LprSlice){NULL, 0});
	if (oldest_first)
		leg->from = edge;
	else
		leg->until = edge;
	leg->overlaps = true;
	leg->edge = edge;
	return lpr_page_next(page, lpr_slice(lpr_moment_format(edge, next)));
}

static LprPageStep
step(LprPage *page, LprRead *read)
{
	static const LprPageShape shape = {.take_read = take_read, .at_end = at_end};

	return lpr_page_walk(page, read, &shape);
}

/* Plain text. */
static bool
refusal(int status, const char *body, size_t len, LprText *said)
{
	(void) status;
	while (len > 0 && (body[len - 1] == '\n' || body[len - 1] == '\r' || body[len - 1] == ' '))
		len--;
	if (len == 0)
		return false;
	lpr_text_append(said, body, len);
	return true;
}

const LprDialect lpr_dialect_rekor_scout_v2 = {
	.name = "rekor-scout-v2",
	.modes = LPR_MODE_PLATE | LPR_MODE_LOCATION,
	.orders = true,
	.plates_per_leg = 1,
	.page_size = 1000,
	.page_size_max = 1000,
	.fetches_cameras = true,
	.tells_images = true,
	.ask_cameras = ask_cameras,
	.take_cameras = take_cameras,
	.ask = ask,
	.step = step,
	.refusal = refusal,
};
