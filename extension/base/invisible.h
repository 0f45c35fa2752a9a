/*
 * invisible.h: characters that nobody sees, and that change how what stands around them is seen or compared: Unicode's
 * format characters. They turn the direction of writing, or stand between two letters as if nothing were there, so
 * that one text looks like another.
 */
#ifndef LPR_INVISIBLE_H
#define LPR_INVISIBLE_H

#include "base/base.h"

/*
 * The character at text[*at] as UTF-8 demands it (RFC 3629); *at moves past it. False for broken sequences, overlong
 * forms, surrogates and what lies beyond Unicode.
 */
extern bool lpr_next_character(LprSlice text, size_t *at, uint32_t *code);

/*
 * The first invisible character of a text of valid UTF-8: a format character (general category Cf), or a separator of
 * lines or paragraphs (U+2028, U+2029); 0 = none. A joiner (U+200C, U+200D) counts as seen behind a
 * character of a script whose letters it shapes, or of an emoji: there it is spelling.
 */
extern uint32_t lpr_find_invisible(LprSlice text);

/* The text without them; returns its length. out holds text.len bytes, and may be the text itself. */
extern size_t lpr_drop_invisible(LprSlice text, char *out);

#endif
