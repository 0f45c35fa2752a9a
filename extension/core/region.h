/*
 * region.h: states, provinces and territories, as vendors and people write them.
 */
#ifndef LPR_REGION_H
#define LPR_REGION_H

#include "base/base.h"

/* Where a plate is registered, or a camera stands. */
typedef enum LprRegionKind
{
	LPR_REGION_NONE,    /* blank, or what people and forms write instead: "Unknown", "N/A", "US" */
	LPR_REGION_UNKNOWN, /* a text that is no region we know */
	LPR_REGION_US,
	LPR_REGION_ABROAD, /* of Canada or Mexico */
	LPR_REGION_FEDERAL /* of plates alone: the federal government with its forces, diplomats, tribes */
} LprRegionKind;

/*
 * What a text says; code gets its two letters, unless it is none or unknown. From a code ("CA", "us-ca", "06"), a name
 * ("new_york", "Nuevo León", UTF-8), an abbreviation ("Calif.", "N. Mex.", "D.C."), each with its country or without
 * ("CA, USA", "MX-BC"). The table has the sources. data may be NULL, and need not end in a zero byte.
 */
extern LprRegionKind lpr_region_of(LprSlice text, char code[3]);

/* The same for a plate: whether it is one, and which. "US" is the federal government, as NCIC has it. */
extern bool lpr_region_code(LprSlice text, char code[3]);
/* The same for what a vendor tells of a plate: there a country alone is no region. */
extern bool lpr_region_told(LprSlice text, char code[3]);

#define LPR_NAME_MAX 64
/*
 * A name to look up: lower case, no marks, words separated by one blank, initials joined ("d.c." is "dc"). Returns the
 * length: 0 for a blank, -1 when it cannot be a name.
 */
extern int lpr_name_fold(LprSlice text, char out[LPR_NAME_MAX + 1]);
/* Is "|name|" among the names, or "|+name|" when the country stood in front? */
extern bool lpr_named(const char *names, const char *name, size_t len, bool with_country);
/* Whether a folded name is what stands where nothing is known. */
extern bool lpr_name_says_nothing(const char *name, size_t len);

#endif
