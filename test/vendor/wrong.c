/*
 * wrong: rows that answer another question than the one asked, put among the rows of a page.
 */
#include <stdlib.h>

#include "vendor.h"

enum wrong
{
	OTHER_PLATE,
	OTHER_REGION,
	ABROAD,
	UNKNOWN_PLACE,
	CONTRADICTION,
	TOO_OLD,
	FUTURE,
	OUTSIDE_WINDOW,
	DUPLICATE_ID,
	UNORDERED,
	LOOK_ALIKE,
	N_WRONG
};

static const char *const kinds[] = {"other_plate",   "other_region", "abroad",    "unknown_place",
									"contradiction", "too_old",      "future",    "outside_window",
									"duplicate_id",  "unordered",    "look_alike"};

static int
kind_number(const char *kind)
{
	for (int i = 0; i < N_WRONG; i++)
	{
		if (strcmp(kinds[i], kind) == 0)
			return i;
	}
	return -1;
}

bool
wrong_known(const char *kind)
{
	return kind_number(kind) >= 0;
}

/* A row to start from when the page has none. */
static struct row
plain_row(const struct question *q)
{
	struct row r = {
		.id = mix64(world.seed, 77), .t = world.now - 3600 * SECOND, .confidence = 900, .state_confidence = 900};

	if (q->until < r.t)
		r.t = q->until;
	r.camera = &world.cameras[q->camera >= 0 ? q->camera : q->vendor->us[0]];
	memcpy(r.region, q->region[0] ? q->region : "CA", 3);
	strcpy(r.plate, q->n_plates > 0 ? q->plates[0] : "XZQ9911");
	return r;
}

static void
spoil(struct row *r, enum wrong kind, const struct question *q, int j)
{
	int64_t now = clock_us();
	char plate[24];

	switch (kind)
	{
		case OTHER_PLATE:
			strcpy(r->plate, "XZQ9911");
			break;
		case OTHER_REGION:
			memcpy(r->region, strcmp(r->region, "ID") == 0 ? "WY" : "ID", 3);
			break;
		case ABROAD:
			r->camera = camera_of_kind(CAMERA_ABROAD);
			break;
		case UNKNOWN_PLACE:
			r->camera = camera_of_kind(CAMERA_UNKNOWN);
			break;
		case CONTRADICTION:
			r->camera = camera_of_kind(CAMERA_CONTRADICTION);
			break;
		case TOO_OLD:
			r->t = years_before(now, 5) - 10 * DAY - j * SECOND;
			break;
		case FUTURE:
			r->t = now + 2 * DAY + j * SECOND;
			break;
		case OUTSIDE_WINDOW:
			if (q->until < now)
				r->t = q->until + 3600 * SECOND + j * SECOND;
			else if (q->from > INT64_MIN)
				r->t = q->from - 3600 * SECOND - j * SECOND;
			break;
		case LOOK_ALIKE:
			plate_normal(r->plate, plate, sizeof(plate));
			plate_look_alike(plate);
			strcpy(r->plate, plate);
			break;
		default:
			break;
	}
}

/* The extra rows stand spread over the page, each beside the row that it was copied from. */
void
wrong_rows(const struct fault *fault, const struct question *q, struct page *page)
{
	enum wrong kind = (enum wrong) kind_number(fault->kind);
	int n = page->n + fault->count;
	struct row *rows = need(malloc(sizeof(struct row) * (size_t) (n + 1)));
	int filled = 0;
	int extra = 0;

	for (int i = 0; i <= page->n; i++)
	{
		while (extra < fault->count && (int64_t) extra * page->n / fault->count <= i - 1 + (page->n == 0))
		{
			int source = kind == UNORDERED ? page->n - i : i - 1;
			struct row r = page->n > 0 ? page->rows[source < 0 ? 0 : source] : plain_row(q);

			if (kind != DUPLICATE_ID)
				r.id = mix64(r.id, (uint64_t) (1000 + kind * 100 + extra));
			spoil(&r, kind, q, extra);
			rows[filled++] = r;
			extra++;
		}
		if (i < page->n)
			rows[filled++] = page->rows[i];
	}
	free(page->rows);
	page->rows = rows;
	page->n = filled;
}
