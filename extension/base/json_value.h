/*
 * json_value.h: what stands in a token, for json.c and those who take a number as its characters. Knows nothing of the
 * lexer.
 */
#ifndef LPR_JSON_VALUE_H
#define LPR_JSON_VALUE_H

#include "base/base.h"

/*
 * Decodes what stands between the quotes, from start to end; the lexer has proved the form of every escape. What comes
 * out is UTF-8 and never longer than what went in. With out == NULL it only checks. NULL, or why not and *at where.
 */
extern const char *lpr_json_unescape(const char *start, const char *end, char *out, size_t *out_len, const char **at);

/* The number is one of JSON: the lexer has proved it. False: out of range, or longer than any that means something. */
extern bool lpr_json_to_double(LprSlice number, double *value);
extern bool lpr_json_to_int64(LprSlice number, int64_t *value);

#endif
