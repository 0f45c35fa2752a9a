/*
 * address.c: the words of an address, and which of them tell one place from another.
 */
#include "core/address.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define WORD_ROOM 32 /* of a longer word the beginning is compared */

typedef struct Word
{
	char text[WORD_ROOM]; /* lower case */
	size_t len;
} Word;

/* Sorted by nothing but what they are: a question has few words, and this is read once for each. */
static const char *const common[] = {
	/* kinds of streets and places */
	"alley", "avenue", "ave", "av", "boulevard", "blvd", "bridge", "bypass", "center", "centre", "ctr", "circle", "cir",
	"court", "ct", "crossing", "drive", "dr", "exit", "expressway", "expwy", "freeway", "fwy", "gate", "highway", "hwy",
	"interstate", "intersection", "junction", "lane", "ln", "loop", "mile", "milepost", "parkway", "pkwy", "park",
	"parking", "place", "pl", "ramp", "road", "rd", "route", "rte", "rt", "square", "sq", "street", "str", "st",
	"terrace", "ter", "trail", "trl", "turnpike", "tpke", "way", "apartment", "apt", "building", "bldg", "block",
	"floor", "lot", "room", "suite", "ste", "unit",
	/* directions */
	"north", "south", "east", "west", "northeast", "northwest", "southeast", "southwest", "n", "s", "e", "w", "ne",
	"nw", "se", "sw", "northbound", "southbound", "eastbound", "westbound", "nb", "sb", "eb", "wb", "upper", "lower",
	"old", "new", "big", "little", "downtown",
	/* how names of towns begin or end */
	"san", "santa", "santo", "saint", "sainte", "los", "las", "la", "le", "les", "el", "del", "de", "des", "du", "fort",
	"ft", "port", "point", "mount", "mt", "lake", "salt", "city", "town", "township", "village", "county", "parish",
	"borough", "heights", "hills", "beach", "springs", "falls", "rapids", "valley", "island",
	/* between words */
	"and", "at", "by", "in", "near", "of", "off", "on", "the", "to", "via", "with",
	/* states, and the country */
	"alabama", "alaska", "arizona", "arkansas", "california", "colorado", "connecticut", "delaware", "florida",
	"georgia", "hawaii", "idaho", "illinois", "indiana", "iowa", "kansas", "kentucky", "louisiana", "maine", "maryland",
	"massachusetts", "michigan", "minnesota", "mississippi", "missouri", "montana", "nebraska", "nevada", "hampshire",
	"jersey", "mexico", "york", "carolina", "dakota", "ohio", "oklahoma", "oregon", "pennsylvania", "rhode",
	"tennessee", "texas", "utah", "vermont", "virginia", "washington", "wisconsin", "wyoming", "columbia", "district",
	"puerto", "rico", "america", "united", "states", "us", "usa", "al", "ak", "az", "ar", "ca", "co", "fl", "ga", "hi",
	"id", "il", "ia", "ks", "ky", "me", "md", "ma", "mi", "mn", "ms", "mo", "nv", "nh", "nj", "nm", "ny", "nc", "nd",
	"oh", "ok", "or", "pa", "pr", "ri", "sc", "sd", "tn", "tx", "ut", "vt", "va", "wa", "wv", "wi", "wy", "dc"};

static bool
is_common(const Word *word, bool first, bool last)
{
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
	{
		size_t len = strlen(common[i]);

		if (len < word->len)
			continue;
		if (len == word->len && memcmp(common[i], word->text, len) == 0)
			return true;
		/* A text is looked for anywhere in an address, so its ends may be parts of words. */
		if (first && memcmp(common[i] + len - word->len, word->text, word->len) == 0)
			return true;
		if (last && memcmp(common[i], word->text, word->len) == 0)
			return true;
	}
	return false;
}

/* A house's number, such as 12 or 12B; 5th is the name of a street. */
static bool
is_number(const Word *word)
{
	static const char *const ordinals[] = {"st", "nd", "rd", "th"};
	size_t digits = strspn(word->text, "0123456789");

	if (digits == 0)
		return false;
	for (int i = 0; i < 4; i++)
		if (word->len == digits + 2 && strcmp(word->text + digits, ordinals[i]) == 0)
			return false;
	return true;
}

/* All bytes beyond ASCII are letters of some language. */
static bool
is_letter(char c)
{
	return isalnum((unsigned char) c) || (unsigned char) c >= 0x80;
}

/* The next word; its characters, not its bytes. 0: no more. */
static int
take_word(const char **at, Word *word)
{
	int characters = 0;

	while (**at != '\0' && !is_letter(**at))
		(*at)++;
	word->len = 0;
	for (; is_letter(**at); (*at)++)
	{
		characters += ((unsigned char) **at & 0xc0) != 0x80;
		if (word->len < WORD_ROOM - 1)
			word->text[word->len++] = (char) tolower((unsigned char) **at);
	}
	word->text[word->len] = '\0';
	return characters;
}

static bool
is_last(const char *at)
{
	while (*at != '\0' && !is_letter(*at))
		at++;
	return *at == '\0';
}

int
lpr_address_characters(const char *text)
{
	Word word, name = {{0}, 0};
	bool number = false; /* one came */
	bool by_number = false, two = false;
	int words = 0, total = 0, characters;

	while ((characters = take_word(&text, &word)) > 0)
	{
		bool first = words++ == 0;

		total += characters + !first;
		if (is_number(&word))
		{
			number = true;
			continue;
		}
		if (is_common(&word, false, false))
			continue;
		by_number = by_number || number;
		if (characters < 2 || is_common(&word, first, is_last(text)))
			continue;
		two = two || (name.len > 0 && strcmp(name.text, word.text) != 0);
		if (name.len == 0)
			name = word;
	}
	return by_number || two ? total : 0;
}
