/*
 * flock_v3.c: plate lookups of Flock's public API, version 3.
 */
#include <math.h>

#include "dialect/kit.h"

#define METRES_PER_MILE 1609.344
#define RADIUS_MAX      2000 /* miles */
#define TOKEN_SECONDS   86400
#define AUDIENCE        "com.flocksafety.integrations"

/* The vendor takes states by name. */
static const struct
{
	char code[3];
	const char *name;
} STATES[] = {
	{"AL", "alabama"},       {"AK", "alaska"},         {"AZ", "arizona"},      {"AR", "arkansas"},
	{"CA", "california"},    {"CO", "colorado"},       {"CT", "connecticut"},  {"DE", "delaware"},
	{"DC", "washington_dc"}, {"FL", "florida"},        {"GA", "georgia"},      {"HI", "hawaii"},
	{"ID", "idaho"},         {"IL", "illinois"},       {"IN", "indiana"},      {"IA", "iowa"},
	{"KS", "kansas"},        {"KY", "kentucky"},       {"LA", "louisiana"},    {"ME", "maine"},
	{"MD", "maryland"},      {"MA", "massachusetts"},  {"MI", "michigan"},     {"MN", "minnesota"},
	{"MS", "mississippi"},   {"MO", "missouri"},       {"MT", "montana"},      {"NE", "nebraska"},
	{"NV", "nevada"},        {"NH", "new_hampshire"},  {"NJ", "new_jersey"},   {"NM", "new_mexico"},
	{"NY", "new_york"},      {"NC", "north_carolina"}, {"ND", "north_dakota"}, {"OH", "ohio"},
	{"OK", "oklahoma"},      {"OR", "oregon"},         {"PA", "pennsylvania"}, {"PR", "puerto_rico"},
	{"RI", "rhode_island"},  {"SC", "south_carolina"}, {"SD", "south_dakota"}, {"TN", "tennessee"},
	{"TX", "texas"},         {"UT", "utah"},           {"VT", "vermont"},      {"VA", "virginia"},
	{"WA", "washington"},    {"WV", "west_virginia"},  {"WI", "wisconsin"},    {"WY", "wyoming"},
};

/* By a form, as RFC 6749 (4.4.2) has it; the vendor documents nothing else. */
static bool
sign_in(const LprSite *site, LprRequest *request, LprFault *fault)
{
	if (!lpr_site_secret(site, fault))
		return false;
	if (site->client_id == NULL)
		return lpr_fault(fault, LPR_STATE_BAD_OPTION, "the source has no client_id");
	if (!lpr_request_begin(request, LPR_REQUEST_SIGN_IN, true, site, "/oauth/token", fault) ||
		!lpr_request_header(request, "Content-Type", "", "application/x-www-form-urlencoded", fault) ||
		!lpr_request_header(request, "Accept", "", "application/json", fault))
		return false;
	lpr_request_form(request, "grant_type", "client_credentials", false);
	lpr_request_form(request, "client_id", site->client_id, false);
	lpr_request_form(request, "client_secret", site->secret, true);
	lpr_request_form(request, "audience", site->audience != NULL ? site->audience : AUDIENCE, false);
	return lpr_request_done(request, fault);
}

static bool
signed_in(LprSite *site, const char *data, size_t len, LprFault *fault)
{
	static const LprField fields[] = {LPR_FIELD("access_token"), LPR_FIELD("expires_in")};
	LprJson *json = lpr_json_open(data, len, fault);
	LprSlice token = {0};
	int64_t seconds = 0;
	unsigned seen = 0;
	int field;
	bool ok = json != NULL && lpr_json_enter(json, LPR_JSON_OBJECT), given = false;

	while (ok && lpr_next_field(json, fields, LPR_COUNT(fields), &seen, &field))
		ok = field == 0 ? lpr_json_string(json, &token) : lpr_try_int64(json, &given, &seconds);
	/* Without a lifetime that makes sense a token is as good: the vendor refuses it when it ends. */
	if (!given || seconds < 1 || seconds > TOKEN_SECONDS)
		seconds = TOKEN_SECONDS;
	ok = ok && lpr_site_take_token(site, json, "access_token", token, (int) seconds, fault);
	lpr_json_close(json);
	return ok;
}

static bool
ask_first(LprLeg *leg, LprRequest *request, LprFault *fault)
{
	const LprQuery *query = leg->query;
	struct json_object *body, *part;
	const char *state = NULL;
	double miles = ceil(query->radius_m / METRES_PER_MILE);
	bool ok;

	if (leg->site->reason == NULL || leg->site->reason[0] == '\0')
		return lpr_fault(fault, LPR_STATE_BAD_OPTION, "the source has no reason, which this vendor wants to be told");
	if (query->has_near && !(miles <= RADIUS_MAX))
		return lpr_fault(fault, LPR_STATE_BAD_OPTION, "the radius is more than %d miles", RADIUS_MAX);
	/*
	 * What the vendor does with reads of no state is not documented: if those are wanted too, it is not asked by
	 * state.
	 */
	for (int i = 0; i < LPR_COUNT(STATES) && !query->region_if_known; i++)
		if (strcmp(STATES[i].code, query->region) == 0)
			state = STATES[i].name; /* of another region the vendor knows no name: what it sends is checked here */

	body = lpr_body_new();
	ok = body != NULL && lpr_body_string(body, "plate", query->plates[leg->first_plate]) &&
		 lpr_body_string(body, "reason", leg->site->reason) && lpr_body_moment(body, "startDate", leg->from) &&
		 lpr_body_moment(body, "endDate", leg->until);
	if (ok && query->reference[0] != '\0')
		ok = lpr_body_string(body, "caseNumber", query->reference);
	if (ok && state != NULL)
		ok = lpr_body_string(body, "state", state);
	if (ok && query->has_near)
	{
		part = lpr_body_object(lpr_body_object(body, "radius"), "radius");
		ok = lpr_body_double(part, "latitude", query->latitude) &&
			 lpr_body_double(part, "longitude", query->longitude) &&
			 lpr_body_int(part, "radius", miles < 1 ? 1 : (int) miles);
	}
	if (ok)
	{
		part = lpr_body_object_in_array(body, "sort");
		ok = lpr_body_string(part, "field", "capturedAt") &&
			 lpr_body_string(part, "order", query->order == LPR_ORDER_OLDEST_FIRST ? "asc" : "desc");
	}
	ok = ok && lpr_body_int(body, "limit", lpr_leg_page_size(leg, &lpr_dialect_flock_v3));
	return lpr_body_done(body, ok, request, fault);
}

static bool
ask(LprLeg *leg, LprRequest *request, LprFault *fault)
{
	bool first = leg->pages == 0;

	if (!lpr_leg_ready(leg, fault) ||
		!lpr_request_begin(request, LPR_REQUEST_READS, first, leg->site,
						   first ? "/api/v3/reads/lookup" : "/api/v3/reads/lookup/page/", fault) ||
		!lpr_request_header(request, "Authorization", "Bearer ", leg->site->token, fault) ||
		!lpr_request_header(request, "Accept", "", "application/json", fault))
		return false;
	if (first)
	{
		if (!lpr_request_header(request, "Content-Type", "", "application/json", fault) ||
			!ask_first(leg, request, fault))
			return false;
	}
	else
	{
		LprSlice next = lpr_slice(leg->next);

		lpr_text_add_escaped(&request->url, next.data, next.len);
		lpr_text_add_escaped(&request->shown, next.data, next.len);
	}
	return lpr_request_done(request, fault);
}

static bool
take_next(LprPage *page)
{
	LprSlice next;

	if (!lpr_take_cursor(page, &next))
		return false;
	/* Dots alone are not encoded, and would climb out of the path. */
	if (next.len > 0 && strspn(next.data, ".") >= next.len)
		return lpr_page_no_next(page, "malformed reply: unusable reference to the next page", next);
	return lpr_page_next(page, next);
}

static bool
take_location(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("name"),          LPR_FIELD("latitude"), LPR_FIELD("longitude"),
									  LPR_FIELD("streetAddress"), LPR_FIELD("city"),     LPR_FIELD("state"),
									  LPR_FIELD("country")};
	LprJson *json = page->json;
	LprPointParts point = {0};
	LprSlice name = {0}, city = {0};
	unsigned seen = 0;
	int field;
	bool ok = true;

	if (!lpr_take_object(page))
		return !lpr_json_failed(json);
	while (ok && lpr_next_field(json, fields, LPR_COUNT(fields), &seen, &field))
		switch (field)
		{
			case 0:
				ok = lpr_take_text(page, &name);
				break;
			case 1:
				ok = lpr_take_double(page, &point.has_latitude, &point.latitude);
				break;
			case 2:
				ok = lpr_take_double(page, &point.has_longitude, &point.longitude);
				break;
			case 3:
				ok = lpr_take_text(page, &read->address);
				break;
			case 4:
				ok = lpr_take_text(page, &city);
				break;
			case 5:
				ok = lpr_take_text(page, &read->camera_region);
				break;
			case 6:
				ok = lpr_take_text(page, &read->country);
				break;
		}
	lpr_take_point(page, read, &point);
	if (read->address.len == 0)
		read->address = name;
	if (city.len > 0 && read->address.len > 0)
	{
		lpr_text_append(&page->scratch, read->address.data, read->address.len);
		lpr_text_adds(&page->scratch, ", ");
		lpr_text_append(&page->scratch, city.data, city.len);
		if (!page->scratch.failed)
			read->address = (LprSlice){page->scratch.data, page->scratch.len};
	}
	return !lpr_json_failed(json);
}

static bool
take_device(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("id"), LPR_FIELD("type"), LPR_FIELD("location"), LPR_FIELD("network")};
	static const LprField network_fields[] = {LPR_FIELD("name")};
	LprJson *json = page->json;
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
				ok = lpr_take_text(page, &read->camera_type);
				break;
			case 2:
				ok = take_location(page, read);
				break;
			case 3:
			{
				unsigned seen_there = 0;

				if (lpr_take_object(page))
					while (lpr_next_field(json, network_fields, 1, &seen_there, &field) &&
						   lpr_take_text(page, &read->camera_owner))
						;
				ok = !lpr_json_failed(json);
				break;
			}
		}
	return !lpr_json_failed(json);
}

/* {"plate": ..., "confidence": ...} and {"state": ..., "confidence": ...} */
static bool
take_guess(LprPage *page, LprRead *read, const LprField fields[2], LprSlice *value, bool confidence)
{
	LprJson *json = page->json;
	unsigned seen = 0;
	int field;
	bool ok = true;

	if (!lpr_take_object(page))
		return !lpr_json_failed(json);
	while (ok && lpr_next_field(json, fields, 2, &seen, &field))
		ok = field == 0   ? lpr_take_text(page, value)
			 : confidence ? lpr_take_confidence(page, read, 1)
						  : lpr_json_skip(json);
	return !lpr_json_failed(json);
}

static bool
take_read(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("id"), LPR_FIELD("capturedAt"), LPR_FIELD("device"), LPR_FIELD("state"),
									  LPR_FIELD("plate")};
	static const LprField state_fields[] = {LPR_FIELD("state"), LPR_FIELD("confidence")};
	static const LprField plate_fields[] = {LPR_FIELD("plate"), LPR_FIELD("confidence")};
	LprJson *json = page->json;
	LprSlice state = {0};
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
				ok = lpr_take_moment(page, false, &read->captured_at);
				break;
			case 2:
				ok = take_device(page, read);
				break;
			case 3:
				ok = take_guess(page, read, state_fields, &state, false);
				break;
			case 4:
				ok = take_guess(page, read, plate_fields, &read->plate_as_read, true);
				break;
		}
	lpr_take_region(read, state);
	return !lpr_json_failed(json);
}

static LprPageStep
step(LprPage *page, LprRead *read)
{
	static const LprField members[] = {LPR_FIELD("results"), LPR_FIELD("nextPageId")};
	static const LprPageShape shape = {
		.members = members, .nmembers = 2, .take_next = take_next, .take_read = take_read};

	return lpr_page_walk(page, read, &shape);
}

static bool
refusal(int status, const char *body, size_t len, LprText *said)
{
	/* The token endpoint has a code there, and the words beside it. */
	static const LprField fields[] = {LPR_FIELD("error_description"), LPR_FIELD("error")};

	(void) status;
	return lpr_refusal_text(body, len, fields, LPR_COUNT(fields), said);
}

const LprDialect lpr_dialect_flock_v3 = {
	.name = "flock-v3",
	.modes = LPR_MODE_PLATE,
	.takes_region = true,
	.takes_near = true,
	.orders = true,
	.plates_per_leg = 1,
	.page_size = 50,
	.page_size_max = 50,
	.signs_in = true,
	.wants_client_id = true,
	.audience = AUDIENCE,
	.sign_in = sign_in,
	.signed_in = signed_in,
	.ask = ask,
	.step = step,
	.refusal = refusal,
};
