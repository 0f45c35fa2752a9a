/*
 * rounds.c: sets of items, made again out of their changes, source by source.
 */
#define _GNU_SOURCE /* memmem */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "format/object.h"
#include "rounds.h"

/* What is watched at a source, as far as was read. */
typedef struct Source
{
	struct Source *next;
	char *name;
	int64_t *items; /* sorted */
	size_t n;
	size_t room;
} Source;

/* A set as its changes make it, and as somebody names it. */
typedef struct Named
{
	int64_t set;
	int64_t row; /* of a round that waits for it; 0: the set itself */
	int64_t items;
	LprDigest digest;
} Named;

typedef struct List
{
	Named *named;
	size_t n;
	size_t room;
} List;

struct Rounds
{
	bool begun;
	bool blind; /* something is not there */
	Source *sources;
	List sets;
	List waiting;
};

typedef struct Change
{
	LprSlice source;
	int64_t set;
	LprObject entered, gone; /* at their "[" */
	bool whole;
	int64_t items;
	LprDigest digest;
} Change;

Rounds *
rounds_new(void)
{
	return calloc(1, sizeof(Rounds));
}

void
rounds_free(Rounds *rounds)
{
	while (rounds != NULL && rounds->sources != NULL)
	{
		Source *source = rounds->sources;

		rounds->sources = source->next;
		free(source->name);
		free(source->items);
		free(source);
	}
	if (rounds != NULL)
	{
		free(rounds->sets.named);
		free(rounds->waiting.named);
	}
	free(rounds);
}

static bool
grow(void **list, size_t *room, size_t n, size_t size)
{
	void *more;

	if (n < *room)
		return true;
	more = realloc(*list, (*room * 2 + 64) * size);
	if (more == NULL)
		return false;
	*room = *room * 2 + 64;
	*list = more;
	return true;
}

static bool
note(List *list, Named named)
{
	if (!grow((void **) &list->named, &list->room, list->n, sizeof(Named)))
		return false;
	list->named[list->n++] = named;
	return true;
}

static Source *
source_of(Rounds *rounds, LprSlice name)
{
	Source *source = rounds->sources;

	while (source != NULL && (strlen(source->name) != name.len || memcmp(source->name, name.data, name.len) != 0))
		source = source->next;
	if (source != NULL)
		return source;
	source = calloc(1, sizeof(Source));
	if (source == NULL || (source->name = strndup(name.data, name.len)) == NULL)
	{
		free(source);
		return NULL;
	}
	source->next = rounds->sources;
	rounds->sources = source;
	return source;
}

/* Where an item stands, or would. */
static size_t
place_of(const Source *source, int64_t item)
{
	size_t low = 0, high = source->n;

	while (low < high)
	{
		size_t middle = low + (high - low) / 2;

		if (source->items[middle] < item)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* false: what comes in was there, or what goes was not. */
static bool
move_item(Source *source, int64_t item, bool enters)
{
	size_t at = place_of(source, item);
	bool there = at < source->n && source->items[at] == item;

	if (there == enters)
		return false;
	if (enters)
	{
		if (!grow((void **) &source->items, &source->room, source->n, sizeof(int64_t)))
			return false;
		memmove(source->items + at + 1, source->items + at, (source->n++ - at) * sizeof(int64_t));
		source->items[at] = item;
	}
	else
		memmove(source->items + at, source->items + at + 1, (--source->n - at) * sizeof(int64_t));
	return true;
}

static bool
move_items(Source *source, LprObject list, bool enter)
{
	int64_t item;

	if (!lpr_object_take(&list, '['))
		return false;
	if (lpr_object_take(&list, ']'))
		return true;
	do
		if (!lpr_object_integer(&list, &item) || !move_item(source, item, enter))
			return false;
	while (lpr_object_take(&list, ','));
	return lpr_object_take(&list, ']');
}

static void
digest_of(const Source *source, LprDigest *digest)
{
	LprHash hash;

	lpr_hash_start(&hash);
	lpr_hash_add(&hash, "LPRW", 4);
	for (size_t i = 0; i < source->n; i++)
	{
		uint8_t bytes[8];

		for (int b = 0; b < 8; b++)
			bytes[b] = (uint8_t) ((uint64_t) source->items[i] >> (56 - 8 * b));
		lpr_hash_add(&hash, bytes, sizeof(bytes));
	}
	lpr_hash_end(&hash, digest);
}

/* A bytea in JSON: "\\x" and hexadecimal digits. */
static bool
take_bytes(LprObject *rest, LprDigest *digest)
{
	static const char begins[] = "\"\\\\x";
	size_t len = sizeof(begins) - 1;

	while (rest->len > 0 && *rest->data == ' ')
		*rest = (LprObject){rest->data + 1, rest->len - 1};
	if (rest->len < len + 2 * LPR_DIGEST_LEN + 1 || memcmp(rest->data, begins, len) != 0 ||
		!lpr_unhex((LprSlice){rest->data + len, 2 * LPR_DIGEST_LEN}, digest->bytes, LPR_DIGEST_LEN))
		return false;
	*rest = (LprObject){rest->data + len + 2 * LPR_DIGEST_LEN, rest->len - len - 2 * LPR_DIGEST_LEN};
	return lpr_object_take(rest, '"');
}

/* A name of a source has no escapes. */
static bool
take_name(LprObject *rest, LprSlice *name)
{
	const char *end;

	if (!lpr_object_take(rest, '"') || (end = memchr(rest->data, '"', rest->len)) == NULL)
		return false;
	*name = (LprSlice){rest->data, (size_t) (end - rest->data)};
	*rest = (LprObject){end + 1, rest->len - name->len - 1};
	return true;
}

static bool
read_new(LprObject *rest, Change *change)
{
	LprSlice name;

	if (!lpr_object_take(rest, '{'))
		return false;
	do
	{
		bool good;

		if (!lpr_object_name(rest, &name))
			return false;
		if (lpr_object_is(name, "source"))
			good = take_name(rest, &change->source);
		else if (lpr_object_is(name, "set_id"))
			good = lpr_object_integer(rest, &change->set);
		else if (lpr_object_is(name, "entered") || lpr_object_is(name, "gone"))
		{
			*(lpr_object_is(name, "gone") ? &change->gone : &change->entered) = *rest;
			good = lpr_object_skip(rest);
		}
		else if (lpr_object_is(name, "digest"))
			good = (change->whole = take_bytes(rest, &change->digest)) || lpr_object_skip(rest);
		else if (lpr_object_is(name, "items"))
			good = lpr_object_integer(rest, &change->items) || lpr_object_skip(rest);
		else
			good = lpr_object_skip(rest);
		if (!good)
			return false;
	} while (lpr_object_take(rest, ','));
	return lpr_object_take(rest, '}') && change->source.data != NULL && change->entered.data != NULL &&
		   change->gone.data != NULL && change->set > 0;
}

/* A change of a set. false: it is of another table. *good: it can be read. */
static bool
is_change(const Row *row, Change *change, bool *good)
{
	LprObject rest = row->payload;
	LprSlice name;
	bool ours = false;

	*good = true;
	if (!row_is(row, "change") || memmem(row->payload.data, row->payload.len, "\"lpr_data.watch_set\"", 20) == NULL ||
		!lpr_object_take(&rest, '{'))
		return false;
	do
	{
		LprSlice table;

		if (!lpr_object_name(&rest, &name))
			return false;
		if (lpr_object_is(name, "new"))
		{
			LprObject at = rest;

			*good = read_new(&at, change);
		}
		if (lpr_object_is(name, "table"))
		{
			LprObject at = rest;

			ours = take_name(&at, &table) && lpr_object_is(table, "lpr_data.watch_set");
		}
	} while (lpr_object_skip(&rest) && lpr_object_take(&rest, ','));
	return ours;
}

static void
take_change(Rounds *rounds, const Row *row, const Change *change, Findings *findings)
{
	int64_t number = row->record.number;
	Source *source = source_of(rounds, change->source);
	LprDigest digest;

	if (source == NULL || !move_items(source, change->gone, false) || !move_items(source, change->entered, true))
	{
		finding(findings, number, "row %s: what is watched at source \"%.*s\" cannot have changed so",
				number_text(number), (int) change->source.len, change->source.data);
		rounds->blind = true;
		return;
	}
	if (!change->whole)
		return;
	digest_of(source, &digest);
	if (change->items != (int64_t) source->n || !lpr_digest_same(&change->digest, &digest))
		finding(findings, number, "row %s: the set of what is watched at source \"%.*s\" is not what its changes make",
				number_text(number), (int) change->source.len, change->source.data);
	rounds->blind = !note(&rounds->sets, (Named){change->set, 0, (int64_t) source->n, digest}) || rounds->blind;
}

static bool
read_round(const Row *row, Named *named)
{
	LprObject rest = row->payload;
	LprSlice name;
	int seen = 0;

	if (!lpr_object_take(&rest, '{'))
		return false;
	do
	{
		LprObject at;

		if (!lpr_object_name(&rest, &name))
			return false;
		at = rest;
		if (lpr_object_is(name, "set"))
			seen += lpr_object_integer(&at, &named->set);
		else if (lpr_object_is(name, "items"))
			seen += lpr_object_integer(&at, &named->items);
		else if (lpr_object_is(name, "digest"))
			seen += lpr_object_hex(&at, named->digest.bytes, LPR_DIGEST_LEN);
	} while (lpr_object_skip(&rest) && lpr_object_take(&rest, ','));
	return seen == 3;
}

/* The set that a round names, as its changes make it; NULL: it was not read yet. */
static const Named *
set_of(const Rounds *rounds, int64_t set)
{
	for (size_t i = rounds->sets.n; i > 0; i--)
		if (rounds->sets.named[i - 1].set == set)
			return &rounds->sets.named[i - 1];
	return NULL;
}

static void
compare(const Named *round, const Named *set, Findings *findings)
{
	if (set->items != round->items || !lpr_digest_same(&set->digest, &round->digest))
		finding(findings, round->row, "row %s: the round asked for another set than set %s was",
				number_text(round->row), number_text(round->set));
}

void
rounds_row(Rounds *rounds, const Row *row, Findings *findings)
{
	Named round = {.row = row->record.number};
	LprSlice mode = row->record.mode;
	Change change = {0};
	const Named *set;
	bool good;

	if (!rounds->begun)
		rounds->blind = row->record.number != 1;
	rounds->begun = true;
	rounds->blind = rounds->blind || row->payload.data == NULL;
	if (rounds->blind)
		return;
	if (is_change(row, &change, &good))
	{
		if (good)
			take_change(rounds, row, &change, findings);
		rounds->blind = rounds->blind || !good; /* such as one that a superuser deleted: the change itself is told */
		return;
	}
	if (!row_is(row, "ask") || mode.data == NULL || mode.len != 7 || memcmp(mode.data, "display", 7) != 0)
		return;
	if (!read_round(row, &round))
		finding(findings, round.row, "row %s: a round that names no set", number_text(round.row));
	else if ((set = set_of(rounds, round.set)) != NULL)
		compare(&round, set, findings);
	else
		rounds->blind = !note(&rounds->waiting, round);
}

void
rounds_end(Rounds *rounds, Findings *findings)
{
	if (rounds->blind)
		return;
	for (size_t i = 0; i < rounds->waiting.n; i++)
	{
		const Named *round = &rounds->waiting.named[i];
		const Named *set = set_of(rounds, round->set);

		if (set != NULL)
			compare(round, set, findings);
		else
			finding(findings, round->row, "row %s: the round names set %s, of which there is no record",
					number_text(round->row), number_text(round->set));
	}
}
