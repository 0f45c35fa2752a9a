/*
 * read.h: the canonical read (Q3): what one camera saw of one plate at one moment, from any dialect.
 */
#ifndef LPR_READ_H
#define LPR_READ_H

#include <string.h>

#include "base/unicode.h"
#include "core/query.h"

/* Slices point into the page and live until the next read of that page is asked for. */
typedef struct LprRead
{
	LprSlice id;
	LprSlice plate_as_read;
	char plate[LPR_PLATE_ROOM]; /* normal form */
	uint32_t plate_len;
	char plate_region[3]; /* "" = not told */
	LprMoment captured_at;
	bool has_confidence;
	double confidence; /* 0 to 1 */
	LprSlice camera_id;
	LprSlice camera_owner;
	LprSlice camera_type;
	LprSlice camera_region; /* as told */
	LprSlice country;       /* as told */
	LprSlice address;
	bool has_point;
	double latitude;
	double longitude;
	LprSlice make; /* as told; lpr_word_normal() makes it canonical */
	LprSlice model;
	LprSlice color;
	LprSlice plate_image;   /* absolute URL */
	LprSlice vehicle_image; /* absolute URL */
} LprRead;

/* Lengths in bytes that a value of a vendor may have (pitfall 23). Of an id 128 characters, which take up to four. */
#define LPR_ID_MAX            512
#define LPR_PLATE_AS_READ_MAX 128
#define LPR_TEXT_MAX          400
#define LPR_IMAGE_URL_MAX     4096

/*
 * The normal form of a plate (G1), whoever wrote it: folded as base/unicode.h tells (upper case, forms of one letter
 * alike, invisible characters gone); blanks, ends of lines and the separators - . ' _ / and the middle dot dropped.
 * O and 0, I and 1, B and 8, S and 5 stay different, as do letters of different scripts. False when nothing is left,
 * when more than LPR_PLATE_MAX characters are, or when a control character or broken UTF-8 is met.
 */
extern bool lpr_plate_normal(LprSlice plate, char out[LPR_PLATE_ROOM], uint32_t *out_len);

/* Why it is false, as a sentence: it names the character. */
#define LPR_PLATE_FAULT_ROOM 100
extern void lpr_plate_fault(LprSlice plate, char out[LPR_PLATE_FAULT_ROOM]);

/* How a read matches what was asked (G1). */
typedef enum LprMatch
{
	LPR_MATCH_NONE,
	LPR_MATCH_EXACT,         /* same normal form, and the same region where one was asked */
	LPR_MATCH_CONFUSABLE,    /* differs only in characters that readers confuse: O/0/Q/D, I/1/L, B/8, S/5, Z/2, G/6 */
	LPR_MATCH_OTHER_REGION,  /* same normal form, another region than the one asked */
	LPR_MATCH_UNKNOWN_REGION /* same normal form, a region was asked and the vendor tells none */
} LprMatch;
/* Both plates in normal form. The region plays no part in LPR_MATCH_CONFUSABLE. */
extern LprMatch lpr_plate_match(LprSlice asked, const char *asked_region, LprSlice plate, const char *region);
extern const char *lpr_match_name(LprMatch match); /* "exact", "confusable", "other_region", "unknown_region", NULL */

/* One character for each group of those that readers take for one another, in place. */
extern void lpr_plate_shape(char *plate, size_t len);

/*
 * Look-alikes of a plate, itself first, fewest changed characters next, at most max of them; returns how many were
 * written. Each out[i] is LPR_PLATE_ROOM bytes.
 */
extern int lpr_plate_confusables(LprSlice plate, char (*out)[LPR_PLATE_ROOM], int max);

/* How many there are, itself included. */
extern uint64_t lpr_plate_confusables_count(LprSlice plate);

/*
 * The normal form of a make, model, colour or address: folded as base/unicode.h tells, inner blanks and ends of lines
 * one blank, outer ones gone. Returns the length; out holds LPR_WORD_ROOM(text.len) bytes.
 */
#define LPR_WORD_ROOM(bytes) ((bytes) *LPR_FOLD_GROWTH + 1)
extern size_t lpr_word_normal(LprSlice text, char *out);

/* Whether the normal form of a vendor's text contains this, which is in normal form. NULL contains nothing. */
extern bool lpr_word_contains(LprSlice text, LprSlice part);
/*
 * Whether one text may hold both of these, in normal form, at one place: either holds the other, or one ends with what
 * the other begins with, by whole words or four bytes at least.
 */
extern bool lpr_words_meet(LprSlice a, LprSlice b);

/* Whether eight bytes all lie in [least, 0x7E]; least <= 0x80. */
static inline bool
lpr_eight_printable(const char *data, unsigned char least)
{
	const uint64_t ones = UINT64_MAX / 0xFF;
	uint64_t v, del;

	memcpy(&v, data, 8);
	del = v ^ ones * 0x7F;
	/* A bit 7 that is set, a borrow from what is below least, or from what is 0x7F. */
	return ((v | (v - ones * least) | (del - ones)) & ones * 0x80) == 0;
}

/* No control characters, at most max bytes. (UTF-8 was proved for the whole page.) */
extern bool lpr_text_ok(LprSlice text, size_t max);
/*
 * Makes it so: control characters become blanks, invisible ones go, what is too long is cut behind a whole character.
 * out holds max bytes; returns the length.
 */
extern size_t lpr_text_clean(LprSlice text, size_t max, char *out);

#endif
