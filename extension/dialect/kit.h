/*
 * kit.h: what dialects have in common: requests put together safely, pages walked, values of a read taken.
 */
#ifndef LPR_DIALECT_KIT_H
#define LPR_DIALECT_KIT_H

#include <string.h>

#include "dialect/dialect.h"

#define LPR_CURSOR_MAX 4096 /* bytes of a cursor or next link */
#define LPR_TOKEN_MAX  8192

#define LPR_COUNT(array) ((int) (sizeof(array) / sizeof((array)[0])))

static inline LprSlice
lpr_slice(const char *string)
{
	return (LprSlice){string, string ? strlen(string) : 0};
}

/* Requests. Every function is quiet after a first failure to allocate; lpr_request_done tells of it. */

/* The site's base URL and the path behind it; refuses a base that is no plain http(s) URL. */
extern bool lpr_request_begin(LprRequest *request, LprRequestClass class, bool post, const LprSite *site,
							  const char *path, LprFault *fault);
extern void lpr_request_param(LprRequest *request, const char *name, LprSlice value);
extern void lpr_request_secret_param(LprRequest *request, const char *name, const char *value); /* not shown */
/* name: value; refuses what is not printable ASCII, with a fault that does not show it. */
extern bool lpr_request_header(LprRequest *request, const char *name, const char *prefix, const char *value,
							   LprFault *fault);
extern bool lpr_request_done(LprRequest *request, LprFault *fault);
extern bool lpr_site_secret(const LprSite *site, LprFault *fault); /* there is one */
/* A first page, or one that a reference is known for. */
extern bool lpr_leg_ready(const LprLeg *leg, LprFault *fault);
/* The size to ask for, noted in the leg. */
extern int lpr_leg_page_size(LprLeg *leg, const LprDialect *dialect);
/* The end of a sign-in's reply, which must have told the token under that name. */
extern bool lpr_site_take_token(LprSite *site, LprJson *json, const char *name, LprSlice token, int seconds,
								LprFault *fault);

/*
 * Members that an object may have, in the order in which the vendor is used to write them: then one comparison finds
 * each.
 */
typedef struct LprField
{
	const char *name;
	size_t len;
} LprField;

#define LPR_FIELD(name)                                                                                                \
	{                                                                                                                  \
		name, sizeof(name) - 1                                                                                         \
	}

/*
 * The next member of the object that is one of the fields; others are passed over. seen starts at 0. False at the end
 * of the object or on fault, one of which is a field that stands twice.
 */
extern bool lpr_next_field(LprJson *json, const LprField *fields, int nfields, unsigned *seen, int *field);

/* Steps into the object that stands next; false when it is null (and passed over), or on fault. */
extern bool lpr_enter_if_given(LprJson *json);

/* A page is an object with an array of reads and perhaps a cursor, or (no members) the array alone. */
typedef struct LprPageShape
{
	const LprField *members; /* [0] the reads, [1] the cursor */
	int nmembers;
	bool next_required;
	bool (*take_next)(LprPage *page);                /* takes the cursor's value, calls lpr_page_next */
	bool (*take_read)(LprPage *page, LprRead *read); /* takes one element of the array */
	bool (*at_end)(LprPage *page);                   /* or NULL: to find the next page where there is no cursor */
} LprPageShape;

extern LprPageStep lpr_page_walk(LprPage *page, LprRead *read, const LprPageShape *shape);
/* Sets leg->next; data == NULL = this was the last page. */
extern bool lpr_page_next(LprPage *page, LprSlice cursor);
extern bool lpr_page_fault(LprPage *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Marks the read at hand as unusable (the first reason stands) while the rest of it is still parsed. */
extern void lpr_page_bad(LprPage *page, const char *column, const char *what, LprSlice value);
extern bool lpr_take_moment(LprPage *page, bool zone_optional, LprMoment *moment);
/* scale: what a confidence of 1 is at the vendor. */
extern bool lpr_take_confidence(LprPage *page, LprRead *read, double scale);
extern void lpr_take_region(LprRead *read, LprSlice region);
extern void lpr_join_camera(LprRead *read, const LprCamera *camera);

/* Latitude and longitude come apart; they are a point only together. */
typedef struct LprPointParts
{
	bool has_latitude;
	bool has_longitude;
	double latitude;
	double longitude;
} LprPointParts;
extern void lpr_take_point(LprPage *page, LprRead *read, const LprPointParts *parts);

/* Bodies of requests, built with json-c (body.c). */

struct json_object;
extern struct json_object *lpr_body_new(void);
/* These return false when out of memory, so that they can be chained; lpr_body_done reports it. */
extern bool lpr_body_string(struct json_object *body, const char *key, const char *value);
extern bool lpr_body_strings(struct json_object *body, const char *key, const char *const *values, int n);
extern bool lpr_body_double(struct json_object *body, const char *key, double value);
extern bool lpr_body_int(struct json_object *body, const char *key, int value);
extern bool lpr_body_moment(struct json_object *body, const char *key, LprMoment moment);
extern struct json_object *lpr_body_object(struct json_object *body, const char *key); /* NULL body or memory: NULL */
extern struct json_object *lpr_body_object_in_array(struct json_object *body, const char *key);
/* Writes the body into the request and, with the member `secret` (or NULL) masked, into what is shown. Frees it. */
extern bool lpr_body_done(struct json_object *body, bool ok, const char *secret, LprRequest *request, LprFault *fault);

/* Small replies (reply.c): sign-ins, registers, refusals. All of a body is held to strict JSON, as a page is. */

/*
 * Values that nothing hangs on: one of another kind, or a number out of range, is passed over as null is, and leaves
 * data == NULL or *given false. False on fault only.
 */
extern bool lpr_try_string(LprJson *json, LprSlice *value);
extern bool lpr_try_int64(LprJson *json, bool *given, int64_t *value);
extern bool lpr_try_double(LprJson *json, bool *given, double *value);
/* The texts of the object that stands next, by its members; anything else that stands next is passed over. */
extern bool lpr_try_texts(LprJson *json, const LprField *fields, int nfields, LprSlice *texts);

/* The usual refusal: an object with a text. Of the fields, the first that has one is taken. */
extern bool lpr_refusal_text(const char *data, size_t len, const LprField *fields, int nfields, LprText *said);
#define LPR_TEXTS_MAX 4 /* fields of one refusal */

#define DIALECT(name) extern const LprDialect lpr_dialect_##name;
#include "dialect/dialects.h"

#endif
