/*
 * question: which reads answer a question, one after the other, in the order of their time.
 *
 * The reads come from streams: the events of the world, what was uploaded since, and one stream for each plate BULK<n>,
 * whose read number i is computed from i. A page starts at an offset; a single BULK stream jumps there.
 */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "vendor.h"

#define BULK_MAX INT64_C(5000000)

struct stream
{
	int64_t bulk; /* reads of the stream; 0: the events of the world, or: */
	struct row *uploaded;
	int n_uploaded;
	int64_t step;
	int64_t first;
	int64_t lo; /* positions from lo to before hi are in the window */
	int64_t hi;
	int64_t pos;
	uint64_t salt;
	char plate[20];
};

struct walk
{
	const struct question *q;
	bool camera_ok[MAX_CAMERAS];
	bool some_camera; /* cameras are restricted beyond what the vendor has */
	bool *vehicle_ok;
	struct stream *streams;
	int n;
};

void
question_init(struct question *q, const struct vendor *vendor)
{
	*q = (struct question){.vendor = vendor, .camera = -1, .site = -1, .from = INT64_MIN, .until = INT64_MAX};
}

void
question_free(struct question *q)
{
	free(q->plates);
	free(q->ring);
	q->plates = NULL;
	q->ring = NULL;
}

void
question_copy(struct question *to, const struct question *from)
{
	*to = *from;
	if (from->n_plates > 0)
	{
		to->plates = need(malloc(sizeof(*to->plates) * (size_t) from->n_plates));
		memcpy(to->plates, from->plates, sizeof(*to->plates) * (size_t) from->n_plates);
	}
	if (from->n_ring > 0)
	{
		to->ring = need(malloc(sizeof(*to->ring) * (size_t) from->n_ring));
		memcpy(to->ring, from->ring, sizeof(*to->ring) * (size_t) from->n_ring);
	}
}

bool
question_add_plate(struct question *q, const char *plate)
{
	char normal[20];

	plate_normal(plate, normal, sizeof(normal));
	if (normal[0] == '\0')
		return false;
	for (int i = 0; i < q->n_plates; i++)
	{
		if (strcmp(q->plates[i], normal) == 0)
			return true;
	}
	q->plates = need(realloc(q->plates, sizeof(*q->plates) * (size_t) (q->n_plates + 1)));
	strcpy(q->plates[q->n_plates++], normal);
	return true;
}

static bool
in_ring(const struct question *q, double lon, double lat)
{
	bool inside = false;

	for (int i = 0, j = q->n_ring - 1; i < q->n_ring; j = i++)
	{
		const double *a = q->ring[i];
		const double *b = q->ring[j];

		if ((a[1] > lat) != (b[1] > lat) && lon < (b[0] - a[0]) * (lat - a[1]) / (b[1] - a[1]) + a[0])
			inside = !inside;
	}
	return inside;
}

static bool
contains(const char *text, const char *part)
{
	size_t len = strlen(part);

	for (; *text != '\0'; text++)
	{
		if (strncasecmp(text, part, len) == 0)
			return true;
	}
	return false;
}

static bool
camera_fits(const struct question *q, int i)
{
	const struct camera *c = &world.cameras[i];

	if (q->camera >= 0 && q->camera != i)
		return false;
	if (q->site >= 0 && q->site != c->site)
		return false;
	if ((q->has_near || q->n_ring > 0) && c->kind == CAMERA_UNKNOWN)
		return false;
	if (q->has_near && distance_m(q->latitude, q->longitude, c->latitude, c->longitude) > q->radius_m)
		return false;
	if (q->n_ring > 0 && !in_ring(q, c->longitude, c->latitude))
		return false;
	return q->address[0] == '\0' || contains(c->address, q->address);
}

static bool
kind_fits(const struct question *q, const char *region, int model)
{
	return (q->region[0] == '\0' || strcmp(q->region, region) == 0) &&
		   (q->make[0] == '\0' || strcasecmp(q->make, vehicle_models[model][0]) == 0) &&
		   (q->model[0] == '\0' || strcasecmp(q->model, vehicle_models[model][1]) == 0);
}

static bool
vehicle_fits(const struct question *q, const struct vehicle *v)
{
	bool asked = q->n_plates == 0;

	for (int i = 0; i < q->n_plates && !asked; i++)
		asked = strcmp(q->plates[i], v->plate) == 0;
	return asked && kind_fits(q, v->region, v->model);
}

/* The first event at or after a moment. */
static int64_t
event_from(int64_t t)
{
	int64_t lo = 0;
	int64_t hi = world.n_events;

	while (lo < hi)
	{
		int64_t mid = (lo + hi) / 2;

		if (world.events[mid].t < t)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* How many reads of a BULK stream are before a moment. */
static int64_t
bulk_before(const struct stream *s, int64_t t)
{
	if (t <= s->first)
		return 0;
	if (t > s->first + (s->bulk - 1) * s->step)
		return s->bulk;
	return (t - s->first + s->step - 1) / s->step;
}

/* How many reads of a stream are before a moment. */
static int64_t
stream_before(const struct stream *s, int64_t t)
{
	int n = 0;

	if (s->uploaded == NULL)
		return s->bulk ? bulk_before(s, t) : event_from(t);
	while (n < s->n_uploaded && s->uploaded[n].t < t)
		n++;
	return n;
}

static void
stream_start(struct stream *s, const struct question *q)
{
	s->lo = stream_before(s, q->from);
	s->hi = stream_before(s, q->until == INT64_MAX ? INT64_MAX : q->until + 1);
	s->pos = q->ascending ? s->lo : s->hi - 1;
}

static void
bulk_add(struct walk *walk, const char *plate)
{
	struct stream *s = &walk->streams[walk->n];
	int64_t n = 0;

	if (strncmp(plate, "BULK", 4) != 0 || !isdigit((unsigned char) plate[4]) || !kind_fits(walk->q, "TX", model_bulk))
		return;
	for (const char *p = plate + 4; *p != '\0'; p++)
	{
		if (!isdigit((unsigned char) *p) || n > BULK_MAX)
			return;
		n = n * 10 + *p - '0';
	}
	if (n < 1 || n > BULK_MAX)
		return;
	s->bulk = n;
	s->step = 4 * YEAR / n;
	s->first = world.now - 60 * SECOND - (n - 1) * s->step;
	s->salt = mix64(walk->q->vendor->salt, (uint64_t) n);
	strcpy(s->plate, plate);
	walk->n++;
}

static inline int
bulk_camera(const struct vendor *vendor, int64_t i)
{
	return vendor->us[(uint32_t) i * 61u % (uint32_t) vendor->n_us];
}

static inline uint64_t
read_hash(const struct walk *walk, const struct stream *s, int64_t pos)
{
	const struct event *e;

	if (s->bulk)
		return mix64(s->salt, (uint64_t) pos);
	e = &world.events[pos];
	return mix64(mix64(walk->q->vendor->salt, (uint64_t) e->t), (uint64_t) e->vehicle << 32 | e->hash);
}

static inline int
confidence_of(uint64_t h)
{
	return 700 + (int) ((h >> 10) % 300);
}

static bool
position_fits(const struct walk *walk, const struct stream *s)
{
	const struct question *q = walk->q;
	uint64_t h;

	if (s->uploaded != NULL)
	{
		const struct row *r = &s->uploaded[s->pos];

		return walk->camera_ok[r->camera - world.cameras] && kind_fits(q, r->region, r->model) &&
			   r->confidence >= q->min_confidence && r->state_confidence >= q->min_state_confidence;
	}
	if (s->bulk)
	{
		if (walk->some_camera && !walk->camera_ok[bulk_camera(q->vendor, s->pos)])
			return false;
	}
	else
	{
		const struct event *e = &world.events[s->pos];

		if (!walk->vehicle_ok[e->vehicle] || !walk->camera_ok[e->camera])
			return false;
		/* Each vendor has three quarters of the story. */
		if (e->vehicle == 0 && mix64(q->vendor->salt, e->hash) % 100 >= 75)
			return false;
	}
	if (q->min_confidence == 0 && q->min_state_confidence == 0)
		return true;
	h = read_hash(walk, s, s->pos) & 0x7fffffffffff;
	return confidence_of(h) >= q->min_confidence && confidence_of(h >> 8) >= q->min_state_confidence;
}

/* Moves to the next read that fits; false: the stream is at its end. */
static bool
stream_settle(const struct walk *walk, struct stream *s)
{
	int step = walk->q->ascending ? 1 : -1;

	while (s->pos >= s->lo && s->pos < s->hi)
	{
		if (position_fits(walk, s))
			return true;
		s->pos += step;
	}
	return false;
}

static int64_t
stream_time(const struct stream *s)
{
	if (s->uploaded != NULL)
		return s->uploaded[s->pos].t;
	return s->bulk ? s->first + s->pos * s->step : world.events[s->pos].t;
}

/* The stream whose read comes next; NULL: none. */
static struct stream *
walk_pick(struct walk *walk)
{
	struct stream *best = NULL;

	for (int i = 0; i < walk->n; i++)
	{
		struct stream *s = &walk->streams[i];

		if (!stream_settle(walk, s))
			continue;
		if (best == NULL ||
			(walk->q->ascending ? stream_time(s) < stream_time(best) : stream_time(s) > stream_time(best)))
			best = s;
	}
	return best;
}

/* One BULK stream without conditions on its single reads: positions are arithmetic. */
static bool
is_plain(const struct walk *walk)
{
	return walk->n == 1 && walk->streams[0].bulk && !walk->some_camera && walk->q->min_confidence == 0 &&
		   walk->q->min_state_confidence == 0;
}

/* How many reads answer a question, at all. */
int64_t
question_count(const struct question *q)
{
	struct walk *walk = walk_open(q, 0);
	int64_t count = 0;

	if (is_plain(walk))
		count = walk->streams[0].hi - walk->streams[0].lo;
	else
	{
		for (struct stream *s; (s = walk_pick(walk)) != NULL; count++)
			s->pos += q->ascending ? 1 : -1;
	}
	walk_close(walk);
	return count;
}

struct walk *
walk_open(const struct question *q, int64_t offset)
{
	struct walk *walk = need(calloc(1, sizeof(*walk)));
	bool regular = q->n_plates == 0;

	walk->q = q;
	walk->some_camera = q->camera >= 0 || q->site >= 0 || q->has_near || q->n_ring > 0 || q->address[0] != '\0';
	for (int i = 0; i < world.n_cameras; i++)
		walk->camera_ok[i] = q->vendor->sees[i] && (!walk->some_camera || camera_fits(q, i));
	walk->vehicle_ok = need(calloc((size_t) world.n_vehicles, sizeof(bool)));
	walk->streams = need(calloc((size_t) q->n_plates + 2, sizeof(struct stream)));
	for (int i = 0; i < q->n_plates; i++)
	{
		regular |= strncmp(q->plates[i], "BULK", 4) != 0;
		bulk_add(walk, q->plates[i]);
	}
	if (regular)
	{
		for (int i = 0; i < world.n_vehicles; i++)
			walk->vehicle_ok[i] = vehicle_fits(q, &world.vehicles[i]);
		walk->n++;
	}
	walk->streams[walk->n].uploaded = upload_rows(q, &walk->streams[walk->n].n_uploaded);
	walk->n += walk->streams[walk->n].uploaded != NULL;
	for (int i = 0; i < walk->n; i++)
		stream_start(&walk->streams[i], q);

	if (is_plain(walk))
	{
		walk->streams[0].pos += q->ascending ? offset : -offset;
		return walk;
	}
	for (struct stream *s; offset > 0 && (s = walk_pick(walk)) != NULL; offset--)
		s->pos += q->ascending ? 1 : -1;
	return walk;
}

/* The plate as the camera has read it: mostly the plain one. */
static void
plate_as_read(const char *plate, uint64_t h, char *out)
{
	unsigned dice = (unsigned) (h >> 40) % 32;
	size_t len = strlen(plate);

	memcpy(out, plate, len + 1);
	if (dice >= 4)
		return;
	if (dice < 2)
	{
		for (size_t i = 0; i < len; i++)
			out[i] = (char) tolower((unsigned char) out[i]);
	}
	else if (len > 4)
	{
		memmove(out + len - 2, out + len - 3, 4);
		out[len - 3] = dice == 2 ? '-' : ' ';
	}
}

bool
walk_next(struct walk *walk, struct row *row)
{
	struct stream *s = walk_pick(walk);
	uint64_t h;

	if (s == NULL)
		return false;
	if (s->uploaded != NULL)
	{
		*row = s->uploaded[s->pos];
		s->pos += walk->q->ascending ? 1 : -1;
		return true;
	}
	row->id = read_hash(walk, s, s->pos);
	h = row->id & 0x7fffffffffff;
	row->t = stream_time(s);
	row->confidence = confidence_of(h);
	row->state_confidence = confidence_of(h >> 8);
	if (s->bulk)
	{
		row->camera = &world.cameras[bulk_camera(walk->q->vendor, s->pos)];
		row->model = (uint8_t) model_bulk;
		row->color = (uint8_t) color_bulk;
		memcpy(row->region, "TX", 3);
		strcpy(row->plate, s->plate);
	}
	else
	{
		const struct event *e = &world.events[s->pos];
		const struct vehicle *v = &world.vehicles[e->vehicle];

		row->camera = &world.cameras[e->camera];
		row->model = v->model;
		row->color = v->color;
		memcpy(row->region, v->region, 3);
		plate_as_read(v->plate, h, row->plate);
	}
	s->pos += walk->q->ascending ? 1 : -1;
	return true;
}

void
walk_close(struct walk *walk)
{
	for (int i = 0; i < walk->n; i++)
		free(walk->streams[i].uploaded);
	free(walk->vehicle_ok);
	free(walk->streams);
	free(walk);
}
