/*
 * world: what happened. From a seed and a moment, the trips of every vehicle over six years, in memory and by time;
 * nothing is kept on disk.
 */
#include <stdlib.h>

#include "vendor.h"

#define WORLD_DAYS 2191
#define N_STORY    177

struct world world;
static int events_cap;

/* A finalizer after splitmix64 (public domain): one good hash of two numbers. */
uint64_t
mix64(uint64_t a, uint64_t b)
{
	uint64_t z = a + 0x9e3779b97f4a7c15 * (b + 1);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t
hash_text(const char *text)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char) *text) * 0x100000001b3;
	return mix64(h, 0);
}

static void
event_add(int vehicle, int camera, int64_t t, uint64_t h)
{
	if (t > world.now)
		return;
	if (world.n_events == events_cap)
	{
		events_cap = events_cap ? events_cap * 2 : 1 << 18;
		world.events = need(realloc(world.events, sizeof(struct event) * (size_t) events_cap));
	}
	world.events[world.n_events++] =
		(struct event){.t = t, .vehicle = (uint16_t) vehicle, .camera = (uint16_t) camera, .hash = (uint32_t) h};
}

/* A moment of a day: between two hours, with microseconds. */
static int64_t
moment(int64_t day, int from_hour, int hours, uint64_t h)
{
	return day * DAY + from_hour * 3600 * SECOND + (int64_t) (h % ((uint64_t) hours * 3600 * 1000000));
}

static void
trips_of_day(int n, const struct vehicle *v, int64_t day, uint64_t h)
{
	uint64_t dice = h % 1000;
	uint64_t h2 = mix64(h, 2);
	uint64_t h3 = mix64(h, 3);
	bool weekend = (day + 4) % 7 == 0 || (day + 4) % 7 == 6;

	switch (v->habit)
	{
		case HABIT_COMMUTER:
			if (weekend || dice >= 110)
				return;
			event_add(n, town_camera(v->town, (uint64_t) n), moment(day, 14, 2, h2), h2);
			if (h3 % 10 < 6)
				event_add(n, town_camera(v->town, h2 >> 8), moment(day, 23, 1, h3), h3);
			return;
		case HABIT_LONG_HAUL:
			if (dice >= 30)
				return;
			for (int leg = 0; leg < 4; leg++)
			{
				uint64_t hl = mix64(h2, (uint64_t) leg);

				int town = (int) ((hl >> 8) % (uint64_t) towns_count());

				event_add(n, town_camera(town, hl), moment(day + leg, 6, 12, hl), hl);
			}
			return;
		case HABIT_BORDER:
			if (dice < 45)
			{
				int port = town_port(n);

				event_add(n, town_camera(port, h2), moment(day, 12, 3, h2), h2);
				if (h3 % 2 == 0)
					event_add(n, abroad_camera(port, h3 >> 8), moment(day, 16, 3, h3), h3);
				event_add(n, town_camera(port, h3 >> 16), moment(day, 20, 3, mix64(h3, 1)), mix64(h3, 1));
			}
			else if (dice < 60)
				event_add(n, town_camera(v->town, h2), moment(day, 15, 8, h2), h2);
			return;
		default:
			if (dice < 10)
				event_add(n, town_camera(v->town, h2), moment(day, 13, 10, h2), h2);
			else if (dice < 11)
				event_add(n, (int) (camera_of_kind(CAMERA_UNKNOWN) - world.cameras) + (int) (h3 % 5),
						  moment(day, 13, 10, h3), h3);
	}
}

/*
 * The story plate: crossings at San Ysidro and Otay Mesa. Each vendor has about three quarters of these reads
 * (question.c), so about 120 within five years, 15 of them within 30 days, some abroad, unknown or too old.
 */
static void
story(void)
{
	int unknown = (int) (camera_of_kind(CAMERA_UNKNOWN) - world.cameras);

	for (int i = 0; i < N_STORY; i++)
	{
		uint64_t h = mix64(world.seed ^ 0x570e7, (uint64_t) i);
		int camera = town_camera(town_port(h % 4 == 0 ? 1 : 0), h >> 8);
		int64_t from = 30 * DAY;
		int64_t to = 5 * YEAR - 3 * DAY;

		if (i < 20)
		{
			from = 0;
			to = 29 * DAY;
		}
		else if (i >= 160 && i < 166)
			camera = abroad_camera(town_port(0), h >> 8);
		else if (i >= 166 && i < 169)
			camera = unknown + i - 166;
		else if (i >= 169)
		{
			from = 5 * YEAR + 3 * DAY;
			to = 6 * YEAR;
		}
		event_add(0, camera, world.now - from - (int64_t) (mix64(h, 1) % (uint64_t) (to - from)), h);
	}
}

static int
by_time(const void *a, const void *b)
{
	const struct event *x = a;
	const struct event *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return (x->vehicle > y->vehicle) - (x->vehicle < y->vehicle);
}

void
world_make(uint64_t seed, int64_t now)
{
	int64_t today = now / DAY;

	world.seed = seed;
	world.now = now - now % (60 * SECOND);
	cameras_make();
	plates_make();
	story();
	for (int n = 1; n < world.n_vehicles; n++)
	{
		const struct vehicle *v = &world.vehicles[n];
		uint64_t own = mix64(seed, (uint64_t) n);

		for (int64_t day = today - WORLD_DAYS; day <= today; day++)
			trips_of_day(n, v, day, mix64(own, (uint64_t) day));
	}
	qsort(world.events, (size_t) world.n_events, sizeof(struct event), by_time);
}

void
world_end(void)
{
	free(world.vehicles);
	free(world.events);
}
