/*
 * upload: reads that a vendor receives while the simulator runs, for tests to make: new ones, and those that a camera
 * hands over days later. All of the world was received before the start.
 *
 * The order of receipt is the order in which they were added here: under one lock, so that none ever turns up before a
 * place that was told to somebody.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "vendor.h"

#define UPLOADS_MAX 100000

static struct upload
{
	const struct vendor *vendor;
	struct row row;
} uploads[UPLOADS_MAX];

static int64_t count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const char *
text_of(struct json_object *spec, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(spec, key, &value) && json_object_is_type(value, json_type_string)
			   ? json_object_get_string(value)
			   : NULL;
}

/* A text: what is wrong with it. */
const char *
upload_add(struct json_object *spec, uint64_t *id)
{
	const char *vendor = text_of(spec, "vendor");
	const char *plate = text_of(spec, "plate");
	const char *region = text_of(spec, "region");
	const char *captured = text_of(spec, "captured_at");
	const char *camera = text_of(spec, "camera");
	struct upload u = {.row = {.t = clock_us(), .confidence = 900, .state_confidence = 900}};
	int number;

	if (vendor == NULL || strlen(vendor) >= sizeof(u.vendor->name) || (u.vendor = vendor_of(vendor)) == NULL)
		return "an upload has a vendor";
	if (plate == NULL || plate[0] == '\0' || strlen(plate) > 16)
		return "an upload has a plate";
	if (captured != NULL && !time_read(captured, &u.row.t))
		return "captured_at is a date-time";
	number = camera != NULL ? camera_by_id(camera) : u.vendor->us[0];
	if (number < 0 || !u.vendor->sees[number])
		return "the vendor has no such camera";
	u.row.camera = &world.cameras[number];
	u.row.model = (uint8_t) model_bulk;
	u.row.color = (uint8_t) color_bulk;
	snprintf(u.row.region, sizeof(u.row.region), "%s", region != NULL ? region : "CA");
	strcpy(u.row.plate, plate);
	pthread_mutex_lock(&lock);
	if (count < UPLOADS_MAX)
	{
		u.row.id = *id = mix64(u.vendor->salt, hash_text("upload") ^ (uint64_t) count);
		uploads[count++] = u;
	}
	else
		vendor = NULL;
	pthread_mutex_unlock(&lock);
	return vendor != NULL ? NULL : "too many uploads";
}

void
uploads_forget(void)
{
	pthread_mutex_lock(&lock);
	count = 0;
	pthread_mutex_unlock(&lock);
}

int64_t
uploads_count(void)
{
	int64_t n;

	pthread_mutex_lock(&lock);
	n = count;
	pthread_mutex_unlock(&lock);
	return n;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* The question's plates in order, so that a list of a thousand costs no more than a few comparisons; to be freed. */
static char (*sorted_plates(const struct question *q))[20]
{
	size_t size = sizeof(q->plates[0]) * (size_t) q->n_plates;
	char(*plates)[20] = need(malloc(size + 1));

	if (size > 0)
	{
		memcpy(plates, q->plates, size);
		qsort(plates, (size_t) q->n_plates, sizeof(plates[0]), by_text);
	}
	return plates;
}

static bool
is_asked(const struct question *q, char (*plates)[20], const struct upload *u)
{
	char plate[24];

	if (u->vendor != q->vendor)
		return false;
	plate_normal(u->row.plate, plate, sizeof(plate));
	return q->n_plates == 0 || bsearch(plate, plates, (size_t) q->n_plates, sizeof(plates[0]), by_text) != NULL;
}

static int
by_time(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;

	return (x->t > y->t) - (x->t < y->t);
}

struct row *
upload_rows(const struct question *q, int *n)
{
	struct row *rows = NULL;
	char(*plates)[20] = sorted_plates(q);

	*n = 0;
	pthread_mutex_lock(&lock);
	for (int64_t i = 0; i < count; i++)
	{
		if (!is_asked(q, plates, &uploads[i]))
			continue;
		if (rows == NULL)
			rows = need(malloc(sizeof(struct row) * (size_t) count));
		rows[(*n)++] = uploads[i].row;
	}
	pthread_mutex_unlock(&lock);
	free(plates);
	if (rows != NULL)
		qsort(rows, (size_t) *n, sizeof(struct row), by_time);
	return rows;
}

int64_t
uploads_since(const struct question *q, int64_t since, int limit, struct page *page)
{
	char(*plates)[20] = sorted_plates(q);

	*page = (struct page){.rows = need(malloc(sizeof(struct row) * (size_t) limit)), .total = -1};
	pthread_mutex_lock(&lock);
	while (since < count && page->n < limit)
	{
		if (is_asked(q, plates, &uploads[since]))
			page->rows[page->n++] = uploads[since].row;
		since++;
	}
	page->more = since < count;
	pthread_mutex_unlock(&lock);
	free(plates);
	return since;
}
