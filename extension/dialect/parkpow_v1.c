/*
 * parkpow_v1.c: the visit list of ParkPow.
 */
#include "dialect/kit.h"

#define LIST "/api/v1/visit-list/"

/* A text or a number, and what the vendor writes where others write null. */
static bool
take_text(LprPage *page, LprSlice *value)
{
	if (!lpr_take_text(page, value))
		return false;
	if (value->len == 4 && memcmp(value->data, "None", 4) == 0)
		*value = (LprSlice){NULL, 0};
	return true;
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

/* Takes what it begins with from a text. */
static bool
pass(LprSlice *text, LprSlice beginning)
{
	if (text->len < beginning.len || memcmp(text->data, beginning.data, beginning.len) != 0)
		return false;
	*text = (LprSlice){text->data + beginning.len, text->len - beginning.len};
	return true;
}

/*
 * The question behind a link that leads to the list: scheme, host and port are those that a proxy, or the service
 * behind it, thinks to have. We ask the source's own, whatever they are. The path must be that of the list, below the
 * base or where the service itself has it.
 */
static bool
question_of(const LprSite *site, LprSlice link, LprSlice *question)
{
	LprSlice base = lpr_slice(site->url), path = link;
	LprText origin = {0};
	bool absolute = lpr_url_origin(link, &origin);

	lpr_text_free(&origin);
	if (link.len == 0 || link.len > LPR_CURSOR_MAX || memchr(link.data, '#', link.len))
		return false;
	for (size_t i = 0; i < link.len; i++)
		if ((unsigned char) link.data[i] <= 0x20 || (unsigned char) link.data[i] >= 0x7F)
			return false;
	if (absolute)
		path = path_of(link);
	while (base.len > 0 && base.data[base.len - 1] == '/')
		base.len--;
	if (absolute || path.data[0] == '/')
	{
		LprSlice below = path;

		if (pass(&below, path_of(base)) && pass(&below, lpr_slice(LIST)))
			path = below;
		else if (!pass(&path, lpr_slice(LIST)))
			return false;
	}
	*question = path;
	return path.len > 1 && path.data[0] == '?';
}

/* The number of a page that is all of a link, or in its question: digits, or none. */
static LprSlice
page_number(LprSlice text)
{
	size_t i = 0;

	if (text.len > 0 && text.data[0] == '?')
	{
		while (i < text.len &&
			   !(strchr("?&", text.data[i]) && text.len - i > 6 && memcmp(text.data + i + 1, "page=", 5) == 0))
			i++;
		if (i == text.len)
			return (LprSlice){NULL, 0};
		text = (LprSlice){text.data + i + 6, text.len - i - 6};
		i = 0;
	}
	while (i < text.len && text.data[i] >= '0' && text.data[i] <= '9')
		i++;
	return i > 0 && i < 10 && (i == text.len || text.data[i] == '&') ? (LprSlice){text.data, i} : (LprSlice){NULL, 0};
}

static bool
asks_for_plate(LprSlice question)
{
	for (size_t i = 0; i + 7 < question.len; i++)
		if (strchr("?&", question.data[i]) && memcmp(question.data + i + 1, "plate=", 6) == 0)
			return true;
	return false;
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
	if (leg->pages > 0 && leg->next[0] == '?')
	{
		lpr_text_adds(&request->url, leg->next);
		lpr_text_adds(&request->shown, leg->next);
		return lpr_request_done(request, fault);
	}
	lpr_request_param(request, "start", lpr_slice(lpr_moment_format(leg->from, from)));
	lpr_request_param(request, "end", lpr_slice(lpr_moment_format(leg->until, until)));
	if (leg->nplates > 0)
		lpr_request_param(request, "plate", lpr_slice(query->plates[leg->first_plate]));
	lpr_request_param(request, "ordering",
					  lpr_slice(query->order == LPR_ORDER_OLDEST_FIRST ? "start_date" : "-start_date"));
	lpr_request_param(request, "page", lpr_slice(leg->pages > 0 ? leg->next : "1"));
	return lpr_request_done(request, fault);
}

/*
 * The next page is kept as a question (?page=2&...), or as the number of a page of our own question: where the link
 * does not ask for the plate, the vendor would be asked for everybody.
 */
static bool
take_next(LprPage *page)
{
	LprSlice next, question;

	if (!lpr_take_cursor(page, &next))
		return false;
	if (next.len == 0 || (next.len == 4 && memcmp(next.data, "None", 4) == 0))
		return lpr_page_next(page, (LprSlice){NULL, 0});
	if (page_number(next).len == next.len)
		return lpr_page_next(page, next);
	if (!question_of(page->leg->site, next, &question))
		return lpr_page_no_next(page, "the link to the next page leads elsewhere", next);
	if (page->leg->nplates == 0 || asks_for_plate(question))
		return lpr_page_next(page, question);
	if (page_number(question).data == NULL)
		return lpr_page_no_next(page, "the link to the next page does not ask for the plate", next);
	return lpr_page_next(page, page_number(question));
}

static bool
take_vehicle(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("license_plate")};
	unsigned seen = 0;
	int field;

	if (lpr_take_object(page))
		while (lpr_next_field(page->json, fields, 1, &seen, &field) && take_text(page, &read->plate_as_read))
			;
	return !lpr_json_failed(page->json);
}

static bool
take_camera(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("code"), LPR_FIELD("name"), LPR_FIELD("type"), LPR_FIELD("latitude"),
									  LPR_FIELD("longitude")};
	LprSlice *const texts[] = {&read->camera_id, &read->address, &read->camera_type};
	LprPointParts point = {0};
	unsigned seen = 0;
	int field;
	bool ok = true;

	if (!lpr_take_object(page))
		return !lpr_json_failed(page->json);
	while (ok && lpr_next_field(page->json, fields, LPR_COUNT(fields), &seen, &field))
		ok = field < 3    ? take_text(page, texts[field])
			 : field == 3 ? lpr_take_double(page, &point.has_latitude, &point.latitude)
						  : lpr_take_double(page, &point.has_longitude, &point.longitude);
	lpr_take_point(page, read, &point);
	return !lpr_json_failed(page->json);
}

/* A fraction. */
static bool
take_prediction(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("score")};
	unsigned seen = 0;
	int field;

	if (lpr_take_object(page))
		while (lpr_next_field(page->json, fields, 1, &seen, &field) && lpr_take_confidence(page, read, 1))
			;
	return !lpr_json_failed(page->json);
}

/* One that is no time costs the end of the visit, and not its beginning. */
static bool
take_end_date(LprPage *page, LprMoment *moment)
{
	LprSlice member = lpr_json_member(page->json);
	LprFault before = page->fault;

	if (!lpr_take_moment(page, true, moment))
		return false;
	if (page->fault.message[0] != '\0' && before.message[0] == '\0')
	{
		page->fault = before;
		lpr_page_odd(page, member);
	}
	return true;
}

static bool
same_text(LprSlice a, LprSlice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* The end of a visit is a sighting as well, unless it is the one that it began with. */
static void
split_visit(LprPage *page, LprRead *read, LprRead *end)
{
	static const char suffix[] = ":end";
	char *id;

	if (end->captured_at == LPR_MOMENT_NONE ||
		(end->captured_at == read->captured_at && same_text(end->camera_id, read->camera_id)))
		return;
	end->plate_as_read = read->plate_as_read;
	if (read->captured_at == LPR_MOMENT_NONE && page->fault.message[0] == '\0') /* all that there is */
	{
		end->id = read->id;
		*read = *end;
		return;
	}
	if (read->id.len == 0 || read->id.len + sizeof(suffix) > LPR_ID_MAX)
		return;
	/* It outlives the step of the read before it. */
	page->end_id.len = 0;
	id = lpr_text_extend(&page->end_id, read->id.len + sizeof(suffix) - 1);
	if (id == NULL)
	{
		page->scratch.failed = true;
		return;
	}
	memcpy(id, read->id.data, read->id.len);
	memcpy(id + read->id.len, suffix, sizeof(suffix) - 1);
	end->id = (LprSlice){id, read->id.len + sizeof(suffix) - 1};
	page->other = *end;
	page->has_other = true;
}

static bool
take_read(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("id"),
									  LPR_FIELD("vehicle"),
									  LPR_FIELD("start_cam"),
									  LPR_FIELD("end_cam"),
									  LPR_FIELD("start_img"),
									  LPR_FIELD("end_img"),
									  LPR_FIELD("start_date"),
									  LPR_FIELD("end_date"),
									  LPR_FIELD("start_prediction"),
									  LPR_FIELD("end_prediction")};
	LprRead end = {.captured_at = LPR_MOMENT_NONE};
	unsigned seen = 0;
	int field;
	bool ok = true;

	while (ok && lpr_next_field(page->json, fields, LPR_COUNT(fields), &seen, &field))
		switch (field)
		{
			case 0:
				ok = take_text(page, &read->id);
				break;
			case 1:
				ok = take_vehicle(page, read);
				break;
			case 2:
			case 3:
				ok = take_camera(page, field == 2 ? read : &end);
				break;
			case 4:
			case 5:
				ok = take_text(page, field == 4 ? &read->vehicle_image : &end.vehicle_image);
				break;
			case 6:
				ok = lpr_take_moment(page, true, &read->captured_at); /* no zone: UTC */
				break;
			case 7:
				ok = take_end_date(page, &end.captured_at);
				break;
			default:
				ok = take_prediction(page, field == 8 ? read : &end);
				break;
		}
	if (lpr_json_failed(page->json))
		return false;
	split_visit(page, read, &end);
	return true;
}

static LprPageStep
step(LprPage *page, LprRead *read)
{
	static const LprField members[] = {LPR_FIELD("results"), LPR_FIELD("next")};
	static const LprPageShape shape = {
		.members = members, .nmembers = 2, .bare_too = true, .take_next = take_next, .take_read = take_read};

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
	.plates_per_leg = 1,
	.page_size = 50, /* a guess: the vendor's own, which no request can change */
	.page_size_max = 50,
	.ask = ask,
	.step = step,
	.refusal = refusal,
};
