/*
 * invisible.h: texts of people hold nothing that nobody sees (base/invisible.h).
 */
#ifndef LPR_SERVER_INVISIBLE_H
#define LPR_SERVER_INVISIBLE_H

#include "postgres.h"

#include "base/base.h"

/* The first character of a text that nobody sees, as U+202E, palloc'd; NULL = none. */
extern char *lpr_invisible_of(LprSlice text);

/* ERRORs when there is one. what: the name of the text in the message. */
extern void lpr_refuse_invisible(const char *what, LprSlice text);

/* A palloc'd copy without them, for what is recorded of a text that is refused. */
extern char *lpr_visible_part(const char *text);

#endif
