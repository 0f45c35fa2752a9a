/*
 * base.h: what every room below the server knows: slices, growing text, faults.
 *
 * "Server-free" code (the rooms base, core, format and dialect, and mail/message) includes nothing of PostgreSQL but,
 * in json.c, its lexer, so that it is tested and fuzzed on its own. It never throws: it returns false and fills a
 * fault.
 */
#ifndef LPR_BASE_H
#define LPR_BASE_H

#if __SIZEOF_POINTER__ < 8
#error "lpr needs a 64-bit machine: only there the server passes 64-bit numbers by value"
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of somebody else's memory, not terminated. data == NULL is SQL's NULL. */
typedef struct LprSlice
{
	const char *data;
	size_t len;
} LprSlice;

/* Text that grows with malloc; failed is set when memory ran out, and stays set. Zero-initialize before use. */
typedef struct LprText
{
	char *data; /* terminated once anything was appended */
	size_t len;
	size_t size;
	bool failed;
} LprText;

/* What went wrong, in the parts of a PostgreSQL error. Empty strings are left out. */
typedef struct LprFault
{
	char sqlstate[6];
	char message[400];
	char detail[1400];
	char hint[300];
} LprFault;

/* SQLSTATEs of the wire (SQL/MED class HV); those of policy (class LP) stand in errors.h. */
#define LPR_STATE_NO_CONNECTION "HV00N" /* no connection, a time limit, or the vendor refused us */
#define LPR_STATE_BAD_REPLY     "HV00M" /* the vendor's reply cannot be understood or breaks a limit */
#define LPR_STATE_VENDOR        "HV000" /* the vendor answered with an error */
#define LPR_STATE_BAD_OPTION    "HV00D" /* an option of the source is missing or wrong */
#define LPR_STATE_NO_MEMORY     "HV001" /* out of memory */
#define LPR_STATE_TOO_MUCH      "54000" /* more requests to one source than we send for a question; narrow it */

/* Bytes of a vendor's body that an error shows at most, before escaping (issue 2, section 5). */
#define LPR_EXCERPT_MAX 300

/* Fills *fault and returns false, so that callers can write: return lpr_fault(...). */
extern bool lpr_fault(LprFault *fault, const char *sqlstate, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
extern void lpr_fault_detail(LprFault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));
extern void lpr_fault_hint(LprFault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

extern void lpr_text_append(LprText *text, const char *data, size_t len);
extern void lpr_text_adds(LprText *text, const char *string);
/* Room for len more bytes, which are the caller's to fill, and count as appended; NULL when memory ran out. */
extern char *lpr_text_extend(LprText *text, size_t len);
extern void lpr_text_printf(LprText *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Percent-encodes all but RFC 3986's unreserved characters. */
extern void lpr_text_add_escaped(LprText *text, const char *data, size_t len);
extern void lpr_text_free(LprText *text);

/* ASCII only, in every locale. */
static inline char
lpr_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

static inline char
lpr_capital(char c)
{
	return c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c;
}

/* Decimal as machines write it: no leading zeros, no plus, no blanks; false when it is anything else, or too large. */
extern bool lpr_decimal(LprSlice digits, int64_t *value);

/*
 * A printable form of at most LPR_EXCERPT_MAX bytes of foreign text for a message: printable ASCII as it is, the rest
 * as \xNN; ends in "..." when cut. out holds up to LPR_EXCERPT_ROOM bytes.
 */
#define LPR_EXCERPT_ROOM (LPR_EXCERPT_MAX * 4 + 4)
extern const char *lpr_excerpt(const char *data, size_t len, char out[LPR_EXCERPT_ROOM]);

#endif
