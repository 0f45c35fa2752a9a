/*
 * rekor_scout_v2.c: plate groups of Rekor Scout (OpenALPR cloud), version 2.
 *
 * It has no pages. It has "the newest (or oldest) topn of a time range". So the range is cut behind what came, and
 * asked again from the moment of the last read on, since other reads may share it. The asker drops what comes twice.
 */
#include <math.h>
#include <stdio.h>

#include "base/json_value.h"
#include "dialect/kit.h"

#define BOX_MAX     100000 /* pixels */
#define CAMERAS_MAX 500000 /* far more than any vendor has; it bounds the memory that a register can take */

static bool
begin_request(LprRequest *request, LprRequestClass class, const LprSite *site, const char *path, LprFault *fault)
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
	return begin_request(request, LPR_REQUEST_CAMERAS, site, "/api/cameras/", fault) &&
		   lpr_request_done(request, fault);
}

/* What is told of a camera, be it wrapped in "fields", like what is told of a read, or bare. */
typedef enum Told
{
	TOLD_PK,
	TOLD_CAMERA_ID,
	TOLD_ID,
	TOLD_ADDRESS,
	TOLD_NAME,
	TOLD_COMPANY,
	TOLD_LATITUDE,
	TOLD_GPS_LATITUDE,
	TOLD_LONGITUDE,
	TOLD_GPS_LONGITUDE,
	TOLD_FIELDS,
	TOLD_NAMES = TOLD_LATITUDE
} Told;

typedef struct CameraTold
{
	LprSlice names[TOLD_NAMES];
	bool given[TOLD_FIELDS];
	double degrees[TOLD_FIELDS];
} CameraTold;

/* A text that is fit to be kept, or the characters of a whole number; anything else is passed over. */
static bool
try_name(LprJson *json, LprSlice *name)
{
	int64_t number;

	if (lpr_json_peek(json) != LPR_JSON_NUMBER)
	{
		if (!lpr_try_string(json, name))
			return false;
		if (name->len == 0 || !lpr_text_ok(*name, LPR_TEXT_MAX))
			*name = (LprSlice){NULL, 0};
		return true;
	}
	if (!lpr_json_scalar(json, name))
		return false;
	if (!lpr_json_to_int64(*name, &number))
		*name = (LprSlice){NULL, 0};
	return true;
}

/* The members of the object that stands next; those of its "fields" into *fields, if that is an object. */
static bool
take_told(LprJson *json, CameraTold *told, CameraTold *fields, bool *wrapped)
{
	static const LprField members[] = {
		LPR_FIELD("pk"),        LPR_FIELD("camera_id"),     LPR_FIELD("id"),       LPR_FIELD("address"),
		LPR_FIELD("name"),      LPR_FIELD("company"),       LPR_FIELD("latitude"), LPR_FIELD("gps_latitude"),
		LPR_FIELD("longitude"), LPR_FIELD("gps_longitude"), LPR_FIELD("fields")};
	unsigned seen = 0;
	int field;
	bool ok = lpr_json_enter(json, LPR_JSON_OBJECT);

	while (ok && lpr_next_field(json, members, LPR_COUNT(members), &seen, &field))
		if (field < TOLD_NAMES)
			ok = try_name(json, &told->names[field]);
		else if (field < TOLD_FIELDS)
			ok = lpr_try_double(json, &told->given[field], &told->degrees[field]);
		else if (fields != NULL && lpr_json_peek(json) == LPR_JSON_OBJECT)
		{
			*wrapped = true;
			ok = take_told(json, fields, NULL, NULL);
		}
		else
			ok = lpr_json_skip(json);
	return !lpr_json_failed(json);
}

/* A coordinate under either of its names. */
static bool
degrees(const CameraTold *told, Told name, Told other_name, double limit, double *value)
{
	*value = told->degrees[told->given[name] ? name : other_name];
	return (told->given[name] || told->given[other_name]) && *value >= -limit && *value <= limit;
}

/* The first of the names that there is, terminated; or NULL. */
static char *
first_name(LprSlice name, LprSlice other, LprSlice third, char into[LPR_TEXT_MAX + 1])
{
	LprSlice first = name.data != NULL ? name : other.data != NULL ? other : third;

	if (first.data == NULL)
		return NULL;
	memcpy(into, first.data, first.len);
	into[first.len] = '\0';
	return into;
}

static bool
take_camera(LprJson *json, LprSite *fresh, LprFault *fault)
{
	static const LprSlice none = {NULL, 0};
	CameraTold bare = {0}, fields = {0};
	char id[LPR_TEXT_MAX + 1], address[LPR_TEXT_MAX + 1], owner[LPR_TEXT_MAX + 1];
	LprCamera camera = {0};
	bool wrapped = false;
	const CameraTold *told;

	if (!take_told(json, &bare, &fields, &wrapped))
		return false;
	told = wrapped ? &fields : &bare;
	/* The register's own key is the camera_id of the reads. */
	camera.id = first_name(told->names[TOLD_CAMERA_ID], told->names[TOLD_ID], bare.names[TOLD_PK], id);
	if (camera.id == NULL)
		return true; /* no read can refer to it */
	if (fresh->ncameras >= CAMERAS_MAX)
		return lpr_json_fault(json, "more than %d cameras", CAMERAS_MAX);
	camera.address = first_name(told->names[TOLD_ADDRESS], told->names[TOLD_NAME], none, address);
	camera.owner = first_name(told->names[TOLD_COMPANY], none, none, owner);
	camera.has_point = degrees(told, TOLD_LATITUDE, TOLD_GPS_LATITUDE, 90, &camera.latitude) &&
					   degrees(told, TOLD_LONGITUDE, TOLD_GPS_LONGITUDE, 180, &camera.longitude);
	return lpr_site_add_camera(fresh, &camera) || lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
}

/* Camera by camera: the strings of one are gone before the next. A camera with an unusable member lacks only that. */
static bool
take_cameras(LprSite *site, const char *data, size_t len, LprFault *fault)
{
	LprJson *json = lpr_json_open(data, len, fault);
	LprSite fresh = {0};
	bool ok = json != NULL && lpr_json_enter(json, LPR_JSON_ARRAY);

	while (ok && lpr_json_more(json))
	{
		lpr_json_forget(json);
		ok = lpr_json_peek(json) == LPR_JSON_OBJECT ? take_camera(json, &fresh, fault) : lpr_json_skip(json);
	}
	ok = ok && lpr_json_finish(json);
	lpr_json_close(json);
	if (ok)
		lpr_site_take_cameras(site, &fresh);
	else
		lpr_site_forget(&fresh);
	return ok;
}

static bool
ask(LprLeg *leg, LprRequest *request, LprFault *fault)
{
	const LprQuery *query = leg->query;
	char from[LPR_MOMENT_ROOM], until[LPR_MOMENT_ROOM], topn[16];

	if (!lpr_leg_ready(leg, fault) || !begin_request(request, LPR_REQUEST_READS, leg->site, "/api/search/plate", fault))
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

/*
 * Where the image server keeps the photo: /img/{agent}/{uuid}, cut to a box when one is asked for. The key that it
 * wants as well is put in when the image is fetched: what is made here is kept.
 */
static void
compose_images(LprPage *page, LprRead *read, LprSlice agent, LprSlice photo, const double corner[8], unsigned corners)
{
	LprText *url = &page->scratch;
	double left = corner[0], right = corner[0], top = corner[1], bottom = corner[1];
	size_t start = url->len, whole;

	if (agent.len == 0 || photo.len == 0)
		return;
	lpr_text_adds(url, page->leg->site->url);
	lpr_text_adds(url, "/img/");
	lpr_text_add_escaped(url, agent.data, agent.len);
	lpr_text_adds(url, "/");
	lpr_text_add_escaped(url, photo.data, photo.len);
	whole = url->len;
	for (int i = 2; i < 8; i += 2)
	{
		left = fmin(left, corner[i]);
		right = fmax(right, corner[i]);
		top = fmin(top, corner[i + 1]);
		bottom = fmax(bottom, corner[i + 1]);
	}
	left = floor(left);
	top = floor(top);
	if (corners == 0xFF && left >= 0 && top >= 0 && right <= BOX_MAX && bottom <= BOX_MAX)
		lpr_text_printf(url, "?x=%.0f&y=%.0f&width=%.0f&height=%.0f", left, top, ceil(right) - left,
						ceil(bottom) - top);
	if (url->failed)
		return;
	read->vehicle_image = (LprSlice){url->data + start, whole - start};
	if (url->len > whole)
		read->plate_image = (LprSlice){url->data + start, url->len - start};
}

/* What makes a read of its own where no pk is told: a photo may show several plates. */
static void
compose_id(LprPage *page, LprRead *read, LprSlice photo, LprSlice place_in_photo)
{
	size_t len = photo.len + 1 + place_in_photo.len;
	char *id;

	if (read->id.data != NULL || photo.len == 0 || len > LPR_ID_MAX || (id = lpr_page_room(page, len)) == NULL)
		return;
	memcpy(id, photo.data, photo.len);
	id[photo.len] = ':';
	if (place_in_photo.len > 0)
		memcpy(id + photo.len + 1, place_in_photo.data, place_in_photo.len);
	read->id = (LprSlice){id, len};
}

enum
{
	PLATE,
	CONFIDENCE,
	PHOTO,
	PLACE_IN_PHOTO,
	TIME,
	CAMERA,
	CAMERA_ID,
	AGENT,
	COMPANY,
	CORNERS
};

static bool
take_fields(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("best_plate"), LPR_FIELD("best_confidence"),  LPR_FIELD("best_uuid"),
									  LPR_FIELD("best_index"), LPR_FIELD("epoch_time_start"), LPR_FIELD("camera"),
									  LPR_FIELD("camera_id"),  LPR_FIELD("agent_uid"),        LPR_FIELD("company"),
									  LPR_FIELD("plate_x1"),   LPR_FIELD("plate_y1"),         LPR_FIELD("plate_x2"),
									  LPR_FIELD("plate_y2"),   LPR_FIELD("plate_x3"),         LPR_FIELD("plate_y3"),
									  LPR_FIELD("plate_x4"),   LPR_FIELD("plate_y4")};
	LprSlice text[CORNERS] = {0};
	double corner[8] = {0};
	unsigned seen = 0, corners = 0;
	int field;
	bool ok = true, given;

	if (!lpr_take_object(page))
		return !lpr_json_failed(page->json);
	while (ok && lpr_next_field(page->json, fields, LPR_COUNT(fields), &seen, &field))
		if (field == CONFIDENCE)
			ok = lpr_take_confidence(page, read, 100); /* percent */
		else if (field == TIME)
			ok = lpr_take_moment(page, true, &read->captured_at); /* not an epoch, in spite of its name */
		else if (field < CORNERS)
			ok = lpr_take_text(page, &text[field]);
		else
		{
			ok = lpr_take_double(page, &given, &corner[field - CORNERS]);
			corners |= ok && given ? 1u << (field - CORNERS) : 0;
		}
	if (lpr_json_failed(page->json))
		return false;
	read->plate_as_read = text[PLATE];
	read->camera_id = text[text[CAMERA_ID].data != NULL ? CAMERA_ID : CAMERA];
	lpr_join_camera(read, lpr_site_camera(page->leg->site, read->camera_id));
	if (read->camera_owner.data == NULL)
		read->camera_owner = text[COMPANY];
	compose_id(page, read, text[PHOTO], text[PLACE_IN_PHOTO]);
	compose_images(page, read, text[AGENT], text[PHOTO], corner, corners);
	return true;
}

/* {"pk": ..., "model": ..., "fields": {...}} The pk is what is unique: a photo may show two plates. */
static bool
take_read(LprPage *page, LprRead *read)
{
	static const LprField fields[] = {LPR_FIELD("pk"), LPR_FIELD("fields")};
	unsigned seen = 0;
	int field;

	while (lpr_next_field(page->json, fields, 2, &seen, &field) &&
		   (field == 0 ? lpr_take_text(page, &read->id) : take_fields(page, read)))
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
	 * There is no next page: nothing with a time came; or all of it is of one moment, of which there may be more; or it
	 * came in another order, so that what follows is not known.
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
	.image_secret = "api_key",
	.ask_cameras = ask_cameras,
	.take_cameras = take_cameras,
	.ask = ask,
	.step = step,
	.refusal = refusal,
};
