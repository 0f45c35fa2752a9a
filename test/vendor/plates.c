/*
 * plates: the vehicles of the world, their plates in the states' formats, their look-alikes and their twins in other
 * states, and the normal form of a plate.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "vendor.h"

#define N_VEHICLES   2000
#define FIRST_TWIN   4
#define N_TWINS      40 /* vehicles, two by two */
#define FIRST_ALIKE  (FIRST_TWIN + N_TWINS)
#define N_ALIKE      80
#define FIRST_COMMON (FIRST_ALIKE + N_ALIKE)

const char *const vehicle_models[][2] = {
	{"Toyota", "Camry"},        {"Ford", "F-150"},       {"Ford", "Explorer"},     {"Honda", "Civic"},
	{"Toyota", "Corolla"},      {"Toyota", "RAV4"},      {"Honda", "Accord"},      {"Honda", "CR-V"},
	{"Ford", "Escape"},         {"Chevrolet", "Malibu"}, {"Chevrolet", "Equinox"}, {"Chevrolet", "Silverado"},
	{"Nissan", "Altima"},       {"Nissan", "Rogue"},     {"Nissan", "Sentra"},     {"Jeep", "Wrangler"},
	{"Jeep", "Grand Cherokee"}, {"Ram", "1500"},         {"GMC", "Sierra"},        {"Hyundai", "Elantra"},
	{"Hyundai", "Tucson"},      {"Kia", "Sorento"},      {"Kia", "Forte"},         {"Subaru", "Outback"},
	{"Subaru", "Forester"},     {"Volkswagen", "Jetta"}, {"Tesla", "Model 3"},     {"Tesla", "Model Y"},
	{"Mazda", "CX-5"},          {"BMW", "328i"}};
const int n_vehicle_models = sizeof(vehicle_models) / sizeof(vehicle_models[0]);

const char *const vehicle_colors[] = {"silver", "white", "black", "gray", "red", "blue", "green", "brown"};
const int n_vehicle_colors = sizeof(vehicle_colors) / sizeof(vehicle_colors[0]);

int model_bulk = 1;
int color_bulk = 1;

/* A is a letter, 9 a digit. States not listed have AAA9999. */
static const char *const formats[][2] = {
	{"CA", "9AAA999"}, {"NV", "999A99"}, {"OR", "999AAA"}, {"IL", "AA99999"}, {"NJ", "A99AAA"},  {"MA", "9AA999"},
	{"CO", "AAAA99"},  {"UT", "A999AA"}, {"MN", "AAA999"}, {"LA", "999AAA"},  {"MO", "AA9A9A"},  {"MD", "9AA9999"},
	{"IN", "999AAA"},  {"KS", "999AAA"}, {"OK", "AAA999"}, {"FL", "AAAA99"},  {"ME", "9999AA"},  {"VT", "AAA999"},
	{"RI", "AA999"},   {"DC", "AA9999"}, {"HI", "AAA999"}, {"AK", "AAA999"},  {"ND", "999AAA"},  {"SD", "9A9999"},
	{"AL", "9A9999A"}, {"NE", "AAA999"}, {"IA", "AAA999"}, {"CT", "AA99999"}, {"ID", "A999999"}, {"MT", "999999A"}};

static void
plate_random(const char *region, uint64_t h, char *out)
{
	const char *format = "AAA9999";
	int i = 0;

	for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++)
	{
		if (strcmp(formats[f][0], region) == 0)
			format = formats[f][1];
	}
	for (; format[i] != '\0'; i++, h /= 26)
		out[i] = (char) (format[i] == 'A' ? 'A' + h % 26 : '0' + h % 10);
	out[i] = '\0';
	if (strncmp(out, "BULK", 4) == 0)
		out[0] = 'C';
}

/* Changes the first character that has a look-alike. */
bool
plate_look_alike(char *plate)
{
	static const char pairs[] = "0OO01II18BB85SS5";

	for (; *plate != '\0'; plate++)
	{
		for (size_t i = 0; i + 1 < sizeof(pairs) - 1; i += 2)
		{
			if (*plate == pairs[i])
			{
				*plate = pairs[i + 1];
				return true;
			}
		}
	}
	return false;
}

void
plate_normal(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0' && n + 1 < size; text++)
	{
		if (isalnum((unsigned char) *text))
			out[n++] = (char) toupper((unsigned char) *text);
	}
	out[n] = '\0';
}

static int
town_named(const char *region)
{
	for (int i = 0; i < towns_count(); i++)
	{
		if (strcmp(town_region(i), region) == 0)
			return i;
	}
	return 0;
}

static void
vehicle_set(int n, const char *plate, const char *region, int model, int color, enum habit habit)
{
	struct vehicle *v = &world.vehicles[n];

	snprintf(v->plate, sizeof(v->plate), "%s", plate);
	snprintf(v->region, sizeof(v->region), "%s", region);
	v->model = (uint8_t) model;
	v->color = (uint8_t) color;
	v->habit = (uint8_t) habit;
	v->town = (int16_t) town_named(region);
}

static void
vehicle_random(int n)
{
	struct vehicle *v = &world.vehicles[n];
	uint64_t h = mix64(world.seed ^ 0x7e41c1e, (uint64_t) n);
	static const uint8_t habits[] = {HABIT_COMMUTER,   HABIT_COMMUTER,  HABIT_COMMUTER, HABIT_COMMUTER,
									 HABIT_COMMUTER,   HABIT_LONG_HAUL, HABIT_BORDER,   HABIT_BORDER,
									 HABIT_OCCASIONAL, HABIT_OCCASIONAL};

	v->town = (int16_t) (h % (uint64_t) towns_count());
	memcpy(v->region, town_region(v->town), 3);
	v->model = (uint8_t) ((h >> 16) % (uint64_t) n_vehicle_models);
	v->color = (uint8_t) ((h >> 24) % (uint64_t) n_vehicle_colors);
	v->habit = habits[(h >> 32) % 10];
	v->partner = -1;
	plate_random(v->region, mix64(h, 1), v->plate);
}

static void
vehicle_pair(int a, int b, enum vehicle_kind kind)
{
	world.vehicles[a].kind = world.vehicles[b].kind = (uint8_t) kind;
	world.vehicles[a].partner = (int16_t) b;
	world.vehicles[b].partner = (int16_t) a;
}

static int
by_plate(const void *a, const void *b)
{
	const struct vehicle *x = &world.vehicles[*(const int *) a];
	const struct vehicle *y = &world.vehicles[*(const int *) b];

	return strcmp(x->plate, y->plate);
}

/* Two vehicles of one plate and one state would be a world that no test can count in. */
static void
plates_distinct(void)
{
	int *order = need(malloc(sizeof(int) * N_VEHICLES));

	for (int i = 0; i < N_VEHICLES; i++)
		order[i] = i;
	qsort(order, N_VEHICLES, sizeof(int), by_plate);
	for (int i = 1; i < N_VEHICLES; i++)
	{
		struct vehicle *v = &world.vehicles[order[i]];

		if (by_plate(&order[i - 1], &order[i]) == 0 && v->partner < 0 &&
			strcmp(v->region, world.vehicles[order[i - 1]].region) == 0)
			snprintf(v->plate, sizeof(v->plate), "D%dX", order[i]);
	}
	free(order);
}

void
plates_make(void)
{
	world.n_vehicles = N_VEHICLES;
	world.vehicles = need(calloc(N_VEHICLES, sizeof(struct vehicle)));
	for (int i = 0; i < N_VEHICLES; i++)
		vehicle_random(i);

	/* The story: the plate of the demo, its namesake in Nevada and its look-alike. */
	vehicle_set(0, "7ABC123", "CA", 0, 0, HABIT_STORY);
	vehicle_set(1, "7ABC123", "NV", 2, 2, HABIT_OCCASIONAL);
	vehicle_set(2, "7A8C123", "CA", 3, 5, HABIT_COMMUTER);
	vehicle_set(3, "8XYZ890", "CA", 4, 4, HABIT_COMMUTER);
	vehicle_pair(0, 1, VEHICLE_TWIN);
	vehicle_pair(0, 2, VEHICLE_LOOKALIKE);

	for (int i = FIRST_TWIN; i < FIRST_ALIKE; i += 2)
	{
		struct vehicle *twin = &world.vehicles[i + 1];

		strcpy(twin->plate, world.vehicles[i].plate);
		if (strcmp(twin->region, world.vehicles[i].region) == 0)
			strcpy(twin->region, strcmp(twin->region, "GA") == 0 ? "TX" : "GA");
		vehicle_pair(i, i + 1, VEHICLE_TWIN);
	}
	for (int i = FIRST_ALIKE; i < FIRST_COMMON; i += 2)
	{
		struct vehicle *first = &world.vehicles[i];
		struct vehicle *second = &world.vehicles[i + 1];
		static const char look[] = "O0I1B8S5";

		/* Its last character has a look-alike, and no other one is touched. */
		first->plate[strlen(first->plate) - 1] = look[(size_t) i / 2 % 8];
		strcpy(second->plate, first->plate);
		plate_look_alike(second->plate + strlen(second->plate) - 1);
		memcpy(second->region, first->region, 3);
		vehicle_pair(i, i + 1, VEHICLE_LOOKALIKE);
	}
	plates_distinct();
}
