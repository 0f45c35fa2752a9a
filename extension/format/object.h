/*
 * object.h: the shapes of JSON that the log's formats have, read strictly. A reader of its own keeps the verifier free
 * of the server's lexer.
 */
#ifndef LPR_OBJECT_H
#define LPR_OBJECT_H

#include "format/digest.h"

/* What is left to read. Every function is false when something else stands there; then the rest is of no use. */
typedef LprSlice LprObject;

/* This character, after any blanks. */
extern bool lpr_object_take(LprObject *rest, char c);
/* Nothing but blanks is left. */
extern bool lpr_object_end(LprObject *rest);
/* A member's name and colon. */
extern bool lpr_object_name(LprObject *rest, LprSlice *name);
extern bool lpr_object_is(LprSlice name, const char *word);
extern bool lpr_object_integer(LprObject *rest, int64_t *value);
extern bool lpr_object_hex(LprObject *rest, void *out, size_t len);
/* ["<hex>", ...]; at most max of them. */
extern bool lpr_object_digests(LprObject *rest, LprDigest *digests, int max, int *count);
/* A string in ASCII. Its escapes are undone in place: what is read must be the caller's to change. */
extern bool lpr_object_text(LprObject *rest, LprSlice *text);
/* Any value. */
extern bool lpr_object_skip(LprObject *rest);

#endif
