/*
 * dialect.c: the table of dialects, legs, and what holds for the pages of all of them.
 */
#include <stdlib.h>
#include <string.h>

#include "dialect/kit.h"
#include "base/invisible.h"
#include "core/place.h"

const LprDialect *const lpr_dialects[] = {
#define DIALECT(name) &lpr_dialect_##name,
#include "dialect/dialects.h"
	NULL};

const LprDialect *
lpr_dialect_find(const char *name)
{
	for (int i = 0; lpr_dialects[i] != NULL; i++)
		if (strcmp(lpr_dialects[i]->name, name) == 0)
			return lpr_dialects[i];
	return NULL;
}

/* Where the administrator placed the camera of that id, or NULL. */
static const LprCamera *
placed_camera(const LprSite *site, LprSlice id)
{
	return site->placed != NULL && site->placed->ncameras > 0 ? lpr_site_camera(site->placed, id) : NULL;
}

/* What the administrator says of a camera goes before what the vendor says; place and country as a whole. */
static void
place_read(const LprSite *site, LprRead *read)
{
	const LprCamera *camera = placed_camera(site, read->camera_id);

	if (camera == NULL)
		return;
	read->country = lpr_slice(camera->country);
	read->camera_region = lpr_slice(camera->region);
	read->has_point = camera->has_point;
	read->latitude = camera->latitude;
	read->longitude = camera->longitude;
	if (camera->address != NULL)
		read->address = lpr_slice(camera->address);
	if (camera->owner != NULL)
		read->camera_owner = lpr_slice(camera->owner);
	if (camera->type != NULL)
		read->camera_type = lpr_slice(camera->type);
}

/* Whether reads of this camera can be an answer. Of a point and an address only the point decides. */
static bool
camera_answers(const LprCamera *camera, const LprQuery *query)
{
	if (query->has_near)
		return camera->has_point && lpr_place_distance_m(query->latitude, query->longitude, camera->latitude,
														 camera->longitude) <= query->radius_m;
	if (query->mode == LPR_MODE_LOCATION && query->address != NULL)
		return lpr_word_contains(lpr_slice(camera->address),
								 (LprSlice){query->address_normal, strlen(query->address_normal)});
	return true;
}

bool
lpr_takes_bare_address(const LprDialect *dialect)
{
	return (dialect->modes & LPR_MODE_LOCATION) != 0 && (dialect->takes_address || !dialect->takes_near);
}

bool
lpr_asks_by_camera(const LprDialect *dialect, const LprQuery *query)
{
	return dialect->by_camera || (query->mode == LPR_MODE_LOCATION && !dialect->takes_near);
}

int
lpr_legs(const LprDialect *dialect, const LprQuery *query, const LprSite *site, LprLeg **legs, LprFault *fault)
{
	bool cameras = lpr_asks_by_camera(dialect, query);
	int per_leg = dialect->plates_per_leg > 0 ? dialect->plates_per_leg : 1;
	int64_t by_plate = query->nplates > 0 ? (query->nplates + per_leg - 1) / per_leg : 1;
	int64_t by_camera = cameras ? 0 : 1;
	int n = 0;

	*legs = NULL;
	if (query->received)
		return lpr_leg_received(dialect, query, site, legs, fault);
	/* A place that the vendor cannot be told is no question to it: it would hand over what was read anywhere. */
	if (!(dialect->modes & (unsigned) query->mode) ||
		(query->mode == LPR_MODE_LOCATION && !query->has_near && !lpr_takes_bare_address(dialect)))
	{
		lpr_fault(fault, LPR_STATE_BAD_OPTION, "dialect %s cannot be asked this way", dialect->name);
		return -1;
	}
	if (cameras && !site->has_cameras)
	{
		lpr_fault(fault, LPR_STATE_BAD_OPTION, "dialect %s needs the source's register of cameras for this question",
				  dialect->name);
		return -1;
	}
	for (int i = 0; cameras && i < site->ncameras; i++)
		by_camera += camera_answers(&site->cameras[i], query);
	if (by_camera == 0 || (query->mode == LPR_MODE_PLATE && query->nplates == 0))
		return 0;
	if (by_plate * by_camera > LPR_LEGS_MAX)
	{
		lpr_fault(fault, LPR_STATE_TOO_MUCH, "the question takes %lld requests to this source, more than %d",
				  (long long) (by_plate * by_camera), LPR_LEGS_MAX);
		lpr_fault_hint(fault, "Ask for fewer plates, or for a smaller place.");
		return -1;
	}

	*legs = calloc((size_t) (by_plate * by_camera), sizeof(LprLeg));
	if (*legs == NULL)
	{
		lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
		return -1;
	}
	for (int camera = cameras ? 0 : -1; camera < (cameras ? site->ncameras : 0); camera++)
	{
		if (camera >= 0)
		{
			const LprCamera *told = &site->cameras[camera];
			const LprCamera *placed = placed_camera(site, lpr_slice(told->id));

			if (!camera_answers(placed != NULL ? placed : told, query))
				continue;
		}
		for (int plate = 0; plate == 0 || plate < query->nplates; plate += per_leg)
		{
			int left = query->nplates - plate;

			(*legs)[n++] = (LprLeg){.query = query,
									.site = site,
									.first_plate = plate,
									.nplates = left < per_leg ? left : per_leg,
									.camera = camera,
									.from = query->from,
									.until = query->until,
									.page_size = query->page_size};
		}
	}
	return n;
}

void
lpr_legs_free(LprLeg *legs, int nlegs)
{
	for (int i = 0; i < nlegs; i++)
	{
		free(legs[i].next);
		free(legs[i].mark);
	}
	free(legs);
}

bool
lpr_page_open(LprPage *page, LprLeg *leg, const char *body, size_t len)
{
	memset(page, 0, sizeof(*page));
	page->leg = leg;
	page->body = body;
	page->len = len;
	page->oldest = page->newest = page->last = LPR_MOMENT_NONE;
	leg->pages++;
	leg->next_known = false;
	page->json = lpr_json_open(body, len, &page->fault);
	return page->json != NULL;
}

void
lpr_page_close(LprPage *page)
{
	lpr_json_close(page->json);
	page->json = NULL;
	lpr_text_free(&page->scratch);
	lpr_text_free(&page->clean);
	lpr_text_free(&page->link[0]);
	lpr_text_free(&page->link[1]);
	lpr_text_free(&page->mark);
	lpr_text_free(&page->end_id);
}

/* For every dialect: what a read must have. How large and clean its other values are (pitfall 23) costs only them. */
static void
check_read(LprPage *page, LprRead *read)
{
	static const LprSlice none = {NULL, 0};
	const struct
	{
		const char *column;
		LprSlice *value;
	} texts[] = {{"camera_id", &read->camera_id},
				 {"camera_owner", &read->camera_owner},
				 {"camera_type", &read->camera_type},
				 {"camera_region", &read->camera_region},
				 {"country", &read->country},
				 {"address", &read->address},
				 {"make", &read->make},
				 {"model", &read->model},
				 {"color", &read->color}};

	/* An id is told from others by each of its bytes: none is left out. */
	if (read->id.len == 0)
		lpr_page_bad(page, "read_id", "is missing", none);
	else if (!lpr_text_ok(read->id, LPR_ID_MAX))
		lpr_page_bad(page, "read_id", "is too long or has control characters", read->id);
	else if (lpr_find_invisible(read->id) != 0)
		lpr_page_bad(page, "read_id", "has invisible characters", read->id);
	if (read->plate_as_read.len == 0)
		lpr_page_bad(page, "plate", "is missing", none);
	else if (!lpr_text_ok(read->plate_as_read, LPR_PLATE_AS_READ_MAX) ||
			 !lpr_plate_normal(read->plate_as_read, read->plate, &read->plate_len))
		lpr_page_bad(page, "plate", "is no plate", read->plate_as_read);
	else if (lpr_find_invisible(read->plate_as_read) != 0)
		lpr_page_clean(page, &read->plate_as_read, "plate", LPR_PLATE_AS_READ_MAX, false);
	if (read->captured_at == LPR_MOMENT_NONE)
		lpr_page_bad(page, "captured_at", "is missing", none);
	for (int i = 0; i < LPR_COUNT(texts); i++)
		if (!lpr_text_ok(*texts[i].value, i == 0 ? LPR_ID_MAX : LPR_TEXT_MAX) ||
			lpr_find_invisible(*texts[i].value) != 0)
			lpr_page_clean(page, texts[i].value, texts[i].column, LPR_TEXT_MAX, i == 0);
	lpr_page_check_images(page, read);
}

/* For dialects that page by time. Reads that are bad for another reason count too: the vendor has handed them over. */
static void
note_moment(LprPage *page, LprMoment moment)
{
	bool oldest_first = page->leg->query->order == LPR_ORDER_OLDEST_FIRST;

	if (moment == LPR_MOMENT_NONE)
		return;
	if (page->last != LPR_MOMENT_NONE && (oldest_first ? moment < page->last : moment > page->last))
		page->unsorted = true;
	page->last = moment;
	if (page->oldest == LPR_MOMENT_NONE || moment < page->oldest)
		page->oldest = moment;
	if (page->newest == LPR_MOMENT_NONE || moment > page->newest)
		page->newest = moment;
}

LprPageStep
lpr_page_step(const LprDialect *dialect, LprPage *page, LprRead *read)
{
	LprPageStep step;

	if (page->json == NULL || lpr_json_failed(page->json) || page->phase < 0)
		return LPR_PAGE_FAULT; /* the fault of then still stands */
	memset(read, 0, sizeof(*read));
	read->captured_at = LPR_MOMENT_NONE;
	if (!page->has_other) /* which may point there */
	{
		page->scratch.len = 0;
		lpr_json_forget(page->json);
	}
	page->clean.len = 0;
	page->fault.message[0] = '\0'; /* what was bad about the read before */

	step = dialect->step(page, read);
	if (page->scratch.failed)
	{
		lpr_fault(&page->fault, LPR_STATE_NO_MEMORY, "out of memory");
		return LPR_PAGE_FAULT;
	}
	if (step != LPR_PAGE_READ)
		return step;
	note_moment(page, read->captured_at);
	place_read(page->leg->site, read);
	check_read(page, read);
	if (page->scratch.failed)
	{
		lpr_fault(&page->fault, LPR_STATE_NO_MEMORY, "out of memory");
		return LPR_PAGE_FAULT;
	}
	page->reads++;
	return page->fault.message[0] == '\0' ? LPR_PAGE_READ : LPR_PAGE_BAD_READ;
}

void
lpr_request_free(LprRequest *request)
{
	lpr_text_free(&request->url);
	lpr_text_free(&request->body);
	lpr_text_free(&request->headers);
	lpr_text_free(&request->shown);
}

static void
camera_free(LprCamera *camera)
{
	free(camera->id);
	free(camera->address);
	free(camera->owner);
	free(camera->type);
	free(camera->region);
	free(camera->country);
}

static void
forget_cameras(LprSite *site)
{
	for (int i = 0; i < site->ncameras; i++)
		camera_free(&site->cameras[i]);
	free(site->cameras);
	site->cameras = NULL;
	site->ncameras = 0;
	site->has_cameras = false;
}

void
lpr_site_forget(LprSite *site)
{
	forget_cameras(site);
	free(site->token);
	site->token = NULL;
	site->token_seconds = 0;
}

static bool
copy_text(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from == NULL || *to != NULL;
}

/* What describes a camera, as what describes a read: without control and invisible characters. */
static bool
copy_clean(char **to, const char *from)
{
	if (!copy_text(to, from))
		return false;
	if (from != NULL)
		(*to)[lpr_text_clean(lpr_slice(from), strlen(from), *to)] = '\0';
	return true;
}

bool
lpr_site_add_camera(LprSite *fresh, const LprCamera *camera)
{
	LprCamera copy = *camera, *cameras;
	size_t n = (size_t) fresh->ncameras;
	bool copied;

	if (lpr_find_invisible(lpr_slice(camera->id)) != 0)
		return true; /* no read can refer to it */
	/* There is room up to the next power of two. */
	if ((n & (n - 1)) == 0)
	{
		cameras = realloc(fresh->cameras, (n ? 2 * n : 1) * sizeof(LprCamera));
		if (cameras == NULL)
			return false;
		fresh->cameras = cameras;
	}
	copied = copy_text(&copy.id, camera->id);
	copied &= copy_clean(&copy.address, camera->address);
	copied &= copy_clean(&copy.owner, camera->owner);
	copied &= copy_clean(&copy.type, camera->type);
	copied &= copy_clean(&copy.region, camera->region);
	copied &= copy_clean(&copy.country, camera->country);
	if (!copied)
	{
		camera_free(&copy);
		return false;
	}
	fresh->cameras[fresh->ncameras++] = copy;
	return true;
}

static int
compare_cameras(const void *a, const void *b)
{
	return strcmp(((const LprCamera *) a)->id, ((const LprCamera *) b)->id);
}

void
lpr_site_take_cameras(LprSite *site, LprSite *fresh)
{
	LprCamera *cameras = fresh->cameras;
	int kept = 0;

	if (fresh->ncameras > 1)
		qsort(cameras, (size_t) fresh->ncameras, sizeof(LprCamera), compare_cameras);
	/* A camera that stands twice would be asked twice. */
	for (int i = 0; i < fresh->ncameras; i++)
		if (kept > 0 && strcmp(cameras[i].id, cameras[kept - 1].id) == 0)
			camera_free(&cameras[i]);
		else
			cameras[kept++] = cameras[i];

	forget_cameras(site);
	site->cameras = cameras;
	site->ncameras = kept;
	site->has_cameras = true;
	fresh->cameras = NULL;
	fresh->ncameras = 0;
}

const LprCamera *
lpr_site_camera(const LprSite *site, LprSlice id)
{
	int low = 0, high = site->ncameras;

	if (id.data == NULL)
		return NULL;
	while (low < high)
	{
		int middle = low + (high - low) / 2;
		const char *other = site->cameras[middle].id;
		int order = strncmp(id.data, other, id.len);

		if (order == 0 && other[id.len] != '\0')
			order = -1;
		if (order == 0)
			return &site->cameras[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
