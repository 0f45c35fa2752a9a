/*
 * json.h: a strict pull reader for all JSON of vendors: one value at a time, no tree, slices into the body (pitfalls
 * 21-23).
 *
 * It stands on the server's own lexer (common/jsonapi.h); docs/decisions/06-one-reader-of-json.md says why.
 */
#ifndef LPR_JSON_H
#define LPR_JSON_H

#include "base/base.h"

#define LPR_JSON_DEPTH_MAX 32

typedef enum LprJsonKind
{
	LPR_JSON_END, /* end of the document */
	LPR_JSON_OBJECT,
	LPR_JSON_ARRAY,
	LPR_JSON_STRING,
	LPR_JSON_NUMBER,
	LPR_JSON_TRUE,
	LPR_JSON_FALSE,
	LPR_JSON_NULL,
	LPR_JSON_FAULT
} LprJsonKind;

typedef struct LprJson LprJson;

/* body must outlive the reader. Refuses, with a fault, invalid UTF-8 and NUL bytes anywhere in it. NULL on fault. */
extern LprJson *lpr_json_open(const char *body, size_t len, LprFault *fault);
extern void lpr_json_close(LprJson *json);

/*
 * Walk: lpr_json_peek tells the kind of the value that stands next. lpr_json_enter steps into the object or array that
 * stands next; lpr_json_key moves to the next member of the object (false at its end or on fault: ask lpr_json_failed);
 * lpr_json_more tells whether another element of the array stands next. Values are taken with the functions below;
 * lpr_json_skip passes over one of any kind. After the outermost value lpr_json_finish demands the end of the document.
 * lpr_json_key and lpr_json_more are called once a member or element, after the value before was taken. String slices
 * without escapes point into the body and live as long as it. Those that had some live until lpr_json_forget(), which
 * callers may call between reads; never calling it costs at most the length of the body.
 */
extern LprJsonKind lpr_json_peek(LprJson *json);
extern bool lpr_json_enter(LprJson *json, LprJsonKind kind);
extern bool lpr_json_key(LprJson *json, LprSlice *key);
extern bool lpr_json_more(LprJson *json);
extern bool lpr_json_string(LprJson *json, LprSlice *value); /* null gives data == NULL; any other kind is a fault */
extern bool lpr_json_scalar(LprJson *json,
							LprSlice *value); /* a string, or the characters of a number: ids come as either */
/*
 * For values whose kind does not matter that much: a text or null, a number or null, is taken. False: nothing is, be it
 * that another kind stands there (lpr_json_peek tells) or that the reader has failed.
 */
extern bool lpr_json_string_if(LprJson *json, LprSlice *value);
extern bool lpr_json_double_if(LprJson *json, bool *given, double *value);
extern LprSlice lpr_json_member(const LprJson *json); /* the name of the member at hand */
/*
 * A member stands twice: which of the two is meant? Noted, so that the read that has it is dropped and no other.
 * Without lpr_json_forgive, which tells its name or NULL, the document has failed at lpr_json_finish.
 */
extern void lpr_json_twice(LprJson *json, const char *name);
extern const char *lpr_json_forgive(LprJson *json);
extern bool lpr_json_skip(LprJson *json);
extern bool lpr_json_finish(LprJson *json);
extern bool lpr_json_failed(const LprJson *json);
extern void lpr_json_forget(LprJson *json);
extern bool lpr_json_fault(LprJson *json, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
