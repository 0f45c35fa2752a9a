/*
 * parkpow_v1.c: the visit list of ParkPow.
 */
#include "dialect/kit.h"

#define LIST "/api/v1/visit-list/"

/* What the vendor writes where others write null. */
static bool
is_none(LprSlice text)
{
	return text.len == 4 && memcmp(text.data, "None", 4) == 0;
}

static bool
take_text(LprJson *json, LprSlice *value)
{
	if (!lpr_json_scalar(json, value))
		return false;
	if (value->data != NULL && is_none(*value))
		*value = (LprSlice){NULL, 0};
	return true;
}

static bool
take_double(LprJson *json, bool *given, double *value)
{
	LprSlice text;

	if (lpr_json_peek(json) != LPR_JSON_STRING)
		return lpr_json_double(json, given, value);
	*given = false;
	if (!lpr_json_string(json, &text))
		return false;
	return is_none(text) || lpr_json_fault(json, "a text stands where a number belongs");
}

/* Steps into an object; not into null or "None". */
static bool
enter(LprJson *json)
{
	LprSlice text;

	if (lpr_json_peek(json) != LPR_JSON_STRING)
		return lpr_enter_if_given(json);
	if (lpr_json_string(json, &text) && !is_none(text))
		lpr_json_fault(json, "a text stands where an object belongs");
	return false;
}

/* What stands behind scheme://authority, of a URL that is known to begin so. */
static LprSlice
path_of(LprSlice url)
{
	const char *end = url.data + url.len;
	const char *at = (const char *) memchr(url.data, ':', url.len) + strlen("://");

	while (at < end && strchr("/?#", *at) == NULL)
		at++;
	return (LprSlice){at, (size_t) (end - at)};
}

/* Whether a link leads to this source's own list: the same origin, the very path, and a question behind it. */
static bool
own_link(const LprSite *site, LprSlice link)
{
	LprSlice base = lpr_slice(site->url);
	LprSlice base_path, path;

	if (link.len > LPR_CURSOR_MAX || !lpr_url_same_origin(base, link) || memchr(link.data, '#', link.len))
		return false;
	while (base.len > 0 && base.data[base.len - 1] == '/')
		base.len--;
	base_path = path_of(base);
	path = path_of(link);
	if (path.len < base_path.len + strlen(LIST) + 1 || memcmp(path.data, base_path.data, base_path.len) != 0)
		return false;
	path.data += base_path.len;
	return memcmp(path.data, LIST "?", strlen(LIST) + 1) == 0;
}

static bool
ask(LprLeg *leg, LprRequest *request, LprFault *fault)
{
	const LprQuery *query = leg->query;
	char from[LPR_MOMENT_ROOM], until[LPR_MOMENT_ROOM];

	if (!lpr_site_secret(leg->site, fault) || !lpr_leg_ready(leg, fault) ||
		!lpr_request_begin(request, LPR_REQUEST_READS, false, leg->site, LIST, fault) ||
		!lpr_request_header(request, "Authorization", "Token ", leg->site->secret, fault) ||
		!lpr_request_header(request, "Accept", "", "application/json", fault))
		return false;
	if (leg->pages > 0)
	{
		/* take_next has proved what stands before the question, so that only the question is the vendor's. */
		const char *question = strchr(leg->next, '?');

		lpr_text_adds(&request->url, question);
		lpr_text_adds(&request->shown, question);
		return lpr_request_done(request, fault);
	}
	lpr_request_param(request, "start", lpr_slice(lpr_moment_format(leg->from, from)));
	lpr_request_param(request, "end", lpr_slice(lpr_moment_format(leg->until, until)));
	if (leg->nplates > 0)
		lpr_request_param(request, "plate", lpr_slice(query->plates[leg->first_plate]));
	lpr_request_param(request, "ordering",
					  lpr_slice(query->order == LPR_ORDER_OLDEST_FIRST ? "start_date" : "-start_date"));
	lpr_request_param(request, "page", lpr_slice("1"));
	return lpr_request_done(request, fault);
}

static bool
take_next(LprPage *page)
{
	LprSlice next;

	if (!take_text(page->json, &next))
		return false;
	if (next.data != NULL && !own_link(page->leg->site, next))
	{
		char excerpt[LPR_EXCERPT_ROOM];

		lpr_page_fault(page, "the link to the next page leads elsewhere");
		lpr_fault_detail(&page->fault, "The vendor sent: %s", lpr_excerpt(next.data, next.len, excerpt));
		return false;
	}
	return lpr_page_next(page, next);
}

static bool
take_vehicle(LprJson *json, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("license_plate")};
	unsigned seen = 0;
	int field;

	if (enter(json))
		while (lpr_next_field(json, fields, 1, &seen, &field) && take_text(json, &read->plate_as_read))
			;
	return !lpr_json_failed(json);
}

static bool
take_camera(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("code"), LPR_FIELD("name"), LPR_FIELD("type"), LPR_FIELD("latitude"),
									  LPR_FIELD("longitude")};
	LprJson *json = page->json;
	LprPointParts point = {0};
	unsigned seen = 0;
	int field;
	bool ok = true;

	if (!enter(json))
		return !lpr_json_failed(json);
	while (ok && lpr_next_field(json, fields, LPR_COUNT(fields), &seen, &field))
		switch (field)
		{
			case 0:
				ok = take_text(json, &read->camera_id);
				break;
			case 1:
				ok = take_text(json, &read->address);
				break;
			case 2:
				ok = take_text(json, &read->camera_type);
				break;
			case 3:
				ok = take_double(json, &point.has_latitude, &point.latitude);
				break;
			case 4:
				ok = take_double(json, &point.has_longitude, &point.longitude);
				break;
		}
	lpr_take_point(page, read, &point);
	return !lpr_json_failed(json);
}

static bool
take_prediction(LprJson *json, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("score")};
	unsigned seen = 0;
	int field;

	/* A fraction; check_read holds it to that. */
	if (enter(json))
		while (lpr_next_field(json, fields, 1, &seen, &field) &&
			   take_double(json, &read->has_confidence, &read->confidence))
			;
	return !lpr_json_failed(json);
}

static bool
take_read(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("id"),        LPR_FIELD("vehicle"),    LPR_FIELD("start_cam"),
									  LPR_FIELD("start_img"), LPR_FIELD("start_date"), LPR_FIELD("start_prediction")};
	LprJson *json = page->json;
	LprSlice text;
	unsigned seen = 0;
	int field;
	bool ok = true;

	while (ok && lpr_next_field(json, fields, LPR_COUNT(fields), &seen, &field))
		switch (field)
		{
			case 0:
				ok = take_text(json, &read->id);
				break;
			case 1:
				ok = take_vehicle(json, read);
				break;
			case 2:
				ok = take_camera(page, read);
				break;
			case 3:
				ok = take_text(json, &read->vehicle_image);
				break;
			case 4:
				ok = take_text(json, &text);
				/* No zone: UTC. */
				if (ok && text.data != NULL && !lpr_moment_parse(text, true, &read->captured_at))
					lpr_page_bad(page, "captured_at", "is not a point in time", text);
				break;
			case 5:
				ok = take_prediction(json, read);
				break;
		}
	return !lpr_json_failed(json);
}

static LprPageStep
step(LprPage *page, LprRead *read)
{
	static const LprField members[] = {LPR_FIELD("results"), LPR_FIELD("next")};
	static const LprPageShape shape = {
		.members = members, .nmembers = 2, .take_next = take_next, .take_read = take_read};

	return lpr_page_walk(page, read, &shape);
}

static bool
refusal(int status, const char *body, size_t len, LprText *said)
{
	static const LprField field = LPR_FIELD("detail");

	(void) status;
	return lpr_refusal_text(body, len, &field, 1, said);
}

const LprDialect lpr_dialect_parkpow_v1 = {
	.name = "parkpow-v1",
	.modes = LPR_MODE_PLATE,
	.orders = true,
	.plates_per_leg = 1,
	.page_size = 50, /* a guess: the vendor's own, which no request can change */
	.page_size_max = 50,
	.ask = ask,
	.step = step,
	.refusal = refusal,
};
