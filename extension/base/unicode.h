/*
 * unicode.h: characters of foreign text, and the one way in which letters are made alike, whoever wrote them: people
 * and vendors write the same thing in many ways.
 *
 * Alike are: upper and lower case; letters with marks, composed or not; wide, narrow, circled and other forms of
 * compatibility (NFKC); dashes of all kinds (-), blanks (one ' ' each), apostrophes ('), middle dots, slashes. What has
 * no look of its own is dropped: zero-width characters, marks of direction, soft hyphens, variation selectors. The
 * table is ours (data/unicode-fold.txt): the same in every database and every version of the server, as an index needs
 * it, and free of the server's memory, which the rooms below it do not know.
 */
#ifndef LPR_UNICODE_H
#define LPR_UNICODE_H

#include "base/base.h"

/* The character in UTF-8; returns its bytes. */
extern size_t lpr_put_char(char out[4], uint32_t code);

/* Takes the next character of a folded text; false: no more are wanted. */
typedef bool (*LprTakeChar)(void *to, uint32_t code);

/*
 * The text in upper case, each character once it is certain: composed, or without its marks ("plain", for what is
 * looked up in a table of ours). Control characters come as they are, so that the taker decides. False for broken UTF-8
 * and when the taker wants no more.
 */
extern bool lpr_fold(LprSlice text, bool plain, LprTakeChar take, void *to);

/* Bytes of UTF-8 that a byte may become: U+FDFA, three bytes, has eighteen characters. */
#define LPR_FOLD_GROWTH 11

/* The rest is the generated data (unicode_data.c), for unicode.c alone. Sorted by the first number. */
typedef struct LprUnicodeFold
{
	uint32_t code;
	uint16_t first; /* of lpr_unicode_parts */
	uint16_t count;
} LprUnicodeFold;

typedef struct LprUnicodeRange
{
	uint32_t first;
	uint32_t last;
} LprUnicodeRange;

typedef struct LprUnicodeClass
{
	uint32_t first;
	uint32_t last;
	uint8_t of; /* canonical combining class */
} LprUnicodeClass;

extern const LprUnicodeFold lpr_unicode_folds[];
extern const uint32_t lpr_unicode_parts[];
extern const LprUnicodeRange lpr_unicode_drops[];
extern const LprUnicodeClass lpr_unicode_classes[];
extern const uint32_t lpr_unicode_pairs[][3]; /* two, and what they are together */
extern const int lpr_unicode_fold_count;
extern const int lpr_unicode_drop_count;
extern const int lpr_unicode_class_count;
extern const int lpr_unicode_pair_count;

#endif
