/*
 * filter.c: what may be shown of what came, and whether it came before.
 */
#include "core/filter.h"

#include <stdlib.h>
#include <string.h>

#include "core/place.h"

/*
 * The set of identifiers keeps hashes only, so that a million reads cost 16 MB and not their text. The seed is random
 * per question: a vendor cannot make two identifiers of its choice collide.
 */
struct LprSeen
{
	uint64_t *slots; /* 0 = free */
	size_t size;     /* a power of two */
	size_t used;
	uint64_t seed;
};

LprSeen *
lpr_seen_new(uint64_t seed)
{
	LprSeen *seen = calloc(1, sizeof(LprSeen));

	if (seen != NULL)
	{
		seen->seed = seed;
		seen->size = 1024;
		seen->slots = calloc(seen->size, sizeof(uint64_t));
		if (seen->slots == NULL)
		{
			free(seen);
			seen = NULL;
		}
	}
	return seen;
}

void
lpr_seen_free(LprSeen *seen)
{
	if (seen != NULL)
	{
		free(seen->slots);
		free(seen);
	}
}

static uint64_t
hash_id(uint64_t seed, LprSlice id)
{
	uint64_t hash = seed ^ (id.len * UINT64_C(0x9E3779B97F4A7C15));

	for (size_t i = 0; i < id.len; i += 8)
	{
		uint64_t word = 0;

		memcpy(&word, id.data + i, id.len - i < 8 ? id.len - i : 8);
		hash ^= word;
		hash *= UINT64_C(0xFF51AFD7ED558CCD);
		hash ^= hash >> 32;
	}
	hash *= UINT64_C(0xC4CEB9FE1A85EC53);
	hash ^= hash >> 29;
	return hash != 0 ? hash : 1;
}

static bool
place_hash(uint64_t *slots, size_t size, uint64_t hash)
{
	size_t i = hash & (size - 1);

	while (slots[i] != 0)
	{
		if (slots[i] == hash)
			return false;
		i = (i + 1) & (size - 1);
	}
	slots[i] = hash;
	return true;
}

bool
lpr_seen_has(const LprSeen *seen, LprSlice id)
{
	uint64_t hash = hash_id(seen->seed, id);
	size_t i = hash & (seen->size - 1);

	while (seen->slots[i] != 0 && seen->slots[i] != hash)
		i = (i + 1) & (seen->size - 1);
	return seen->slots[i] == hash;
}

bool
lpr_seen_add(LprSeen *seen, LprSlice id, bool *failed)
{
	if (seen->used * 4 >= seen->size * 3)
	{
		uint64_t *slots = calloc(seen->size * 2, sizeof(uint64_t));

		if (slots == NULL)
		{
			*failed = true;
			return false;
		}
		for (size_t i = 0; i < seen->size; i++)
			if (seen->slots[i] != 0)
				place_hash(slots, seen->size * 2, seen->slots[i]);
		free(seen->slots);
		seen->slots = slots;
		seen->size *= 2;
	}
	if (!place_hash(seen->slots, seen->size, hash_id(seen->seed, id)))
		return false;
	seen->used++;
	return true;
}

static bool
is_asked_plate(const LprQuery *query, const LprRead *read)
{
	int low = 0;
	int high = query->nplates - 1;

	while (low <= high)
	{
		int middle = (low + high) / 2;
		int order = strcmp(query->plates[middle], read->plate);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle - 1;
	}
	return false;
}

static bool
is_asked_word(const char *asked, LprSlice told)
{
	char canonical[LPR_WORD_ROOM(LPR_TEXT_MAX)];

	if (asked == NULL)
		return true;
	if (told.data == NULL || told.len > LPR_TEXT_MAX)
		return false;
	return lpr_word_normal(told, canonical) == strlen(asked) && memcmp(canonical, asked, strlen(asked)) == 0;
}

LprPlace
lpr_read_place(const LprRead *read, LprCertainty *certainty)
{
	const LprPlaceSaid said = {.country = read->country,
							   .region = read->camera_region,
							   .address = read->address,
							   .has_point = read->has_point,
							   .latitude = read->latitude,
							   .longitude = read->longitude};

	return lpr_place_judge(&said, certainty);
}

LprDrop
lpr_filter(const LprQuery *query, LprMoment five_years_ago, const LprRead *read)
{
	LprCertainty certainty;

	if (query->nplates > 0 && !is_asked_plate(query, read))
		return LPR_DROP_OTHER_PLATE;
	if (query->region[0] != '\0' && strcmp(query->region, read->plate_region) != 0 &&
		!(query->region_if_known && read->plate_region[0] == '\0'))
		return LPR_DROP_OTHER_REGION;
	if (!is_asked_word(query->make, read->make) || !is_asked_word(query->model, read->model))
		return LPR_DROP_OTHER_VEHICLE;
	if (read->captured_at < five_years_ago)
		return LPR_DROP_TOO_OLD;
	if (read->captured_at > query->asked_at + LPR_CLOCK_SKEW)
		return LPR_DROP_IN_THE_FUTURE;
	if (read->captured_at < query->from || read->captured_at > query->until)
		return LPR_DROP_OUTSIDE_WINDOW;
	switch (lpr_read_place(read, &certainty))
	{
		case LPR_PLACE_INSIDE:
			break;
		case LPR_PLACE_OUTSIDE:
			return LPR_DROP_ABROAD;
		case LPR_PLACE_UNKNOWN:
			return LPR_DROP_UNKNOWN_PLACE;
		case LPR_PLACE_CONTRADICTION:
			return LPR_DROP_CONTRADICTORY_PLACE;
	}
	if (query->has_near && (!read->has_point || lpr_place_distance_m(read->latitude, read->longitude, query->latitude,
																	 query->longitude) > query->radius_m))
		return LPR_DROP_OTHER_PLACE;
	if (query->address_normal != NULL &&
		!lpr_word_contains(read->address, (LprSlice){query->address_normal, strlen(query->address_normal)}))
		return LPR_DROP_OTHER_PLACE;
	return LPR_DROP_NONE;
}

static const struct
{
	const char *name;
	const char *words;
} drops[LPR_DROPS] = {
	[LPR_DROP_NONE] = {"none", "none"},
	[LPR_DROP_MALFORMED] = {"malformed", "malformed"},
	[LPR_DROP_REPEATED] = {"repeated", "repeated"},
	[LPR_DROP_OTHER_PLATE] = {"other_plate", "of another plate"},
	[LPR_DROP_OTHER_REGION] = {"other_region", "of another or an unknown region"},
	[LPR_DROP_OTHER_PLACE] = {"other_place", "from another place"},
	[LPR_DROP_OTHER_VEHICLE] = {"other_vehicle", "of another or an unknown vehicle"},
	[LPR_DROP_OUTSIDE_WINDOW] = {"outside_window", "outside the asked time"},
	[LPR_DROP_TOO_OLD] = {"older_than_five_years", "older than five years"},
	[LPR_DROP_IN_THE_FUTURE] = {"in_the_future", "from the future"},
	[LPR_DROP_ABROAD] = {"abroad", "from outside the United States"},
	[LPR_DROP_UNKNOWN_PLACE] = {"unknown_place", "from an unknown place"},
	[LPR_DROP_CONTRADICTORY_PLACE] = {"contradictory_place", "from a place that contradicts itself"},
};

const char *
lpr_drop_name(LprDrop drop)
{
	return drops[drop].name;
}

const char *
lpr_drop_words(LprDrop drop)
{
	return drops[drop].words;
}
