/*
 * camera: the cameras of the world, about 400 in the United States, 20 abroad, some with no place known, and which of
 * them a vendor has.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "places.h"
#include "vendor.h"

#define EARTH_M     6371008.8
#define RADIANS     (3.14159265358979323846 / 180.0)
#define MAX_PLACES  160
#define MAX_VENDORS 256
#define N_UNKNOWN   5

static const char *const streets[] = {
	"Main St",       "Oak Ave",    "Washington Blvd",         "Maple St", "Park Ave",
	"Industrial Dr", "Market St",  "Jefferson Ave",           "2nd St",   "Lincoln Way",
	"Airport Rd",    "Mission Rd", "Martin Luther King Blvd", "Elm St",   "Commerce St"};
static const char *const port_streets[] = {"Camino de la Plaza", "Via de la Amistad", "Terrace Ave", "E Paisano Dr",
										   "Convent Ave",        "W Grand Blvd",      "Busti Ave",   "Peace Portal Dr"};

static int first_of_place[MAX_PLACES + 1];
static struct vendor vendors[MAX_VENDORS];
static int n_vendors;
static pthread_mutex_t vendors_lock = PTHREAD_MUTEX_INITIALIZER;

/* One camera as an object of lpr-v1; written once, copied into every read. */
static void
camera_json(struct camera *c)
{
	struct buf b = {0};

	buf_fmt(&b, "{\"id\":\"%s\",\"owner\":", c->id);
	buf_json_or_null(&b, c->owner);
	buf_str(&b, ",\"type\":");
	buf_json_or_null(&b, c->type);
	if (c->kind != CAMERA_UNKNOWN)
		buf_fmt(&b, ",\"latitude\":%.6f,\"longitude\":%.6f", c->latitude, c->longitude);
	buf_str(&b, ",\"address\":");
	buf_json_or_null(&b, c->address);
	buf_str(&b, ",\"region\":");
	buf_json_or_null(&b, c->region);
	buf_str(&b, ",\"country\":");
	buf_json_or_null(&b, c->country);
	buf_str(&b, "}");
	if (b.len >= sizeof(c->json))
		abort();
	memcpy(c->json, b.at, b.len);
	c->json_len = b.len;
	buf_free(&b);
}

static struct camera *
camera_new(enum camera_kind kind)
{
	struct camera *c = &world.cameras[world.n_cameras];

	if (world.n_cameras >= MAX_CAMERAS)
		abort();
	c->number = 1000 + world.n_cameras;
	c->kind = kind;
	snprintf(c->id, sizeof(c->id), "cam%04d", world.n_cameras);
	strcpy(c->type, "fixed");
	world.n_cameras++;
	return c;
}

static void
camera_owner(struct camera *c, const struct place *p, uint64_t h)
{
	if (c->kind == CAMERA_PORT)
		strcpy(c->owner, "U.S. Customs and Border Protection");
	else if (c->kind == CAMERA_ABROAD)
		snprintf(c->owner, sizeof(c->owner), "%s Traffic Authority", p->name);
	else if (h % 10 < 6)
		snprintf(c->owner, sizeof(c->owner), "%s Police Department", p->name);
	else if (h % 10 < 8)
		snprintf(c->owner, sizeof(c->owner), "%s Highway Patrol", p->region);
	else
		snprintf(c->owner, sizeof(c->owner), "%s %s", p->name, h % 10 == 8 ? "Mall Parking" : "Recovery & Towing");
}

static void
cameras_of_place(int place)
{
	const struct place *p = &places[place];
	bool port = place >= n_towns && place < n_towns + n_ports;

	for (int i = 0; i < p->cameras; i++)
	{
		struct camera *c = camera_new(port ? CAMERA_PORT : place < n_towns ? CAMERA_STREET : CAMERA_ABROAD);
		uint64_t h = mix64(world.seed ^ 0xca3e7a, (uint64_t) (place * 64 + i));
		const char *street = port ? port_streets[p->port - 1] : streets[h % (sizeof(streets) / sizeof(streets[0]))];
		int house = 100 + (int) ((h >> 8) % 2400) * 2 + i;

		c->site = 100 + place;
		c->latitude = p->latitude + ((double) (h >> 20 & 0xffff) / 32768.0 - 1.0) * p->spread;
		c->longitude = p->longitude + ((double) (h >> 40 & 0xffff) / 32768.0 - 1.0) * p->spread;
		c->latitude = round(c->latitude * 1e6) / 1e6;
		c->longitude = round(c->longitude * 1e6) / 1e6;
		snprintf(c->city, sizeof(c->city), "%s", port ? "" : p->name);
		if (port)
		{
			/* "El Paso Bridge of the Americas" stands in El Paso. */
			const char *cut = strstr(p->name, " Bridge") ? strstr(p->name, " Bridge") : strstr(p->name, " Gateway");

			if (cut == NULL || strstr(p->name, "Peace") || strstr(p->name, "Ambassador"))
				cut = strstr(p->name, " Peace") ? strstr(p->name, " Peace") : strstr(p->name, " Ambassador");
			snprintf(c->city, sizeof(c->city), "%.*s", cut ? (int) (cut - p->name) : 31, p->name);
		}
		snprintf(c->name, sizeof(c->name), "%s %s %d", p->name, port ? "lane" : street, i + 1);
		snprintf(c->address, sizeof(c->address), "%d %s, %s%s%s", house, street, c->city, p->region[0] ? ", " : "",
				 p->region);
		strcpy(c->region, p->region);
		strcpy(c->country, p->country);
		if (c->kind == CAMERA_STREET && (h >> 60) < 3)
			strcpy(c->type, "mobile");
		camera_owner(c, p, h >> 52);
	}
}

void
cameras_make(void)
{
	struct camera *c;

	for (int place = 0; place < n_places; place++)
	{
		first_of_place[place] = world.n_cameras;
		cameras_of_place(place);
	}
	first_of_place[n_places] = world.n_cameras;
	for (int i = 0; i < N_UNKNOWN; i++)
	{
		c = camera_new(CAMERA_UNKNOWN);
		snprintf(c->name, sizeof(c->name), "Patrol unit %d", i + 1);
		strcpy(c->type, "mobile");
	}
	c = camera_new(CAMERA_CONTRADICTION);
	strcpy(c->name, "Misplaced camera");
	strcpy(c->owner, "San Diego Police Department");
	strcpy(c->city, "San Diego");
	strcpy(c->address, "1 Broadway, San Diego, CA");
	strcpy(c->region, "CA");
	strcpy(c->country, "US");
	c->site = 99;
	c->latitude = 32.450000;
	c->longitude = -116.950000;
	for (int i = 0; i < world.n_cameras; i++)
		camera_json(&world.cameras[i]);
}

int
towns_count(void)
{
	return n_towns;
}

const char *
town_region(int town)
{
	return places[town].region;
}

int
town_camera(int town, uint64_t hash)
{
	int count = first_of_place[town + 1] - first_of_place[town];

	return first_of_place[town] + (int) (hash % (uint64_t) count);
}

/* The place number of a port of entry, counted round, so that any number will do. */
int
town_port(int number)
{
	return n_towns + number % n_ports;
}

/* A camera on the other side of a port of entry. */
int
abroad_camera(int port_place, uint64_t hash)
{
	for (int i = n_towns + n_ports; i < n_places; i++)
	{
		if (places[i].port == places[port_place].port)
			return town_camera(i, hash);
	}
	return town_camera(n_towns + n_ports, hash); /* Tijuana */
}

const struct camera *
camera_of_kind(enum camera_kind kind)
{
	for (int i = 0; i < world.n_cameras; i++)
	{
		if (world.cameras[i].kind == kind)
			return &world.cameras[i];
	}
	return NULL;
}

/* By id, number or name, as the dialects have it; -1: none. */
int
camera_by_id(const char *id)
{
	for (int i = 0; i < world.n_cameras; i++)
	{
		const struct camera *c = &world.cameras[i];
		char number[16];

		snprintf(number, sizeof(number), "%d", c->number);
		if (strcmp(c->id, id) == 0 || strcmp(number, id) == 0 || strcasecmp(c->name, id) == 0)
			return i;
	}
	return -1;
}

double
distance_m(double lat1, double lon1, double lat2, double lon2)
{
	double a = sin((lat2 - lat1) * RADIANS / 2);
	double b = sin((lon2 - lon1) * RADIANS / 2);
	double h = a * a + cos(lat1 * RADIANS) * cos(lat2 * RADIANS) * b * b;

	return 2 * EARTH_M * asin(sqrt(h < 1 ? h : 1));
}

/* The vendor of a name, made when first asked for. NULL: there are too many already. */
const struct vendor *
vendor_of(const char *name)
{
	struct vendor *v = NULL;

	pthread_mutex_lock(&vendors_lock);
	for (int i = 0; i < n_vendors && v == NULL; i++)
	{
		if (strcmp(vendors[i].name, name) == 0)
			v = &vendors[i];
	}
	if (v == NULL && n_vendors < MAX_VENDORS)
	{
		v = &vendors[n_vendors++];
		snprintf(v->name, sizeof(v->name), "%s", name);
		v->salt = mix64(world.seed, hash_text(name));
		for (int i = 0; i < world.n_cameras; i++)
		{
			bool street = world.cameras[i].kind == CAMERA_STREET;

			v->sees[i] = !street || mix64(v->salt, (uint64_t) i) % 100 < 60;
			if (v->sees[i] && (street || world.cameras[i].kind == CAMERA_PORT))
				v->us[v->n_us++] = (uint16_t) i;
		}
	}
	pthread_mutex_unlock(&vendors_lock);
	return v;
}
