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
/* A member of a form (RFC 6749 wants one of a sign-in), the secret one masked in what is shown. */
extern void lpr_request_form(LprRequest *request, const char *name, const char *value, bool secret);
/* name: value; refuses what is not printable ASCII, with a fault that does not show it. */
extern bool lpr_request_header(LprRequest *request, const char *name, const char *prefix, const char *value,
							   LprFault *fault);
extern bool lpr_request_done(LprRequest *request, LprFault *fault);
extern bool lpr_site_secret(const LprSite *site, LprFault *fault); /* there is one */
/*
 * lpr_legs() of a question for what was received: of plates only, and never of more than the dialect's received_plates,
 * so that there is no feed of everything (Q1).
 */
extern int lpr_leg_received(const LprDialect *dialect, const LprQuery *query, const LprSite *site, LprLeg **legs,
							LprFault *fault);
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

/* A page is an object with an array of reads and perhaps a cursor, or (no members) the array alone. */
typedef struct LprPageShape
{
	const LprField *members; /* [0] the reads, [1] the cursor */
	int nmembers;
	bool next_required;
	bool bare_too;                                   /* the array alone is taken as well */
	bool (*take_next)(LprPage *page);                /* takes the cursor's value, calls lpr_page_next */
	bool (*take_read)(LprPage *page, LprRead *read); /* takes one element of the array */
	bool (*at_end)(LprPage *page);                   /* or NULL: to find the next page where there is no cursor */
	bool (*take_member)(LprPage *page, int member);  /* instead of take_next: every member but the reads */
} LprPageShape;

extern LprPageStep lpr_page_walk(LprPage *page, LprRead *read, const LprPageShape *shape);
/* Sets leg->next; NULL or "" = this was the last page. */
extern bool lpr_page_next(LprPage *page, LprSlice cursor);
extern bool lpr_page_lacks(LprPage *page, const char *name); /* a member without which a page is none */
/* The next page cannot be asked for: the fault of this page, once its reads were shown. sent: or NULL. */
extern bool lpr_page_no_next(LprPage *page, const char *why, LprSlice sent);

/* Marks the read at hand as unusable (the first reason stands) while the rest of it is still parsed. */
extern void lpr_page_bad(LprPage *page, const char *column, const char *what, LprSlice value);

/* Values of a read (value.c). False on fault only, which is of the page: JSON that is none. */

extern void lpr_page_odd(LprPage *page, LprSlice member); /* counts a value that was left out */
extern bool lpr_take_other_text(LprPage *page, LprSlice *value);
extern bool lpr_take_other_double(LprPage *page, bool *given, double *value);

/* A text, or what can be read as one: the characters of a number, the only element of a list. */
static inline bool
lpr_take_text(LprPage *page, LprSlice *value)
{
	return lpr_json_string_if(page->json, value) || lpr_take_other_text(page, value);
}

/* A number, or a text that says one. */
static inline bool
lpr_take_double(LprPage *page, bool *given, double *value)
{
	return lpr_json_double_if(page->json, given, value) || lpr_take_other_double(page, given, value);
}

/*
 * The cursor of a page: "", null and false are the end. Of another kind it is none that can be asked for, which is told
 * when the page was shown.
 */
extern bool lpr_take_cursor(LprPage *page, LprSlice *cursor);
/* Steps into the object that stands next; false when there is none, or on fault: ask lpr_json_failed. */
extern bool lpr_take_object(LprPage *page);
/*
 * RFC 3339, or the seconds, milliseconds or microseconds since 1970. A time without a zone is of the source's; if that
 * says none, it is UTC where the zone is optional, and else no time.
 */
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

/*
 * Room for a text that is made here, of at most LPR_ID_MAX bytes: what was made before does not move. NULL: out of
 * memory, which is noted.
 */
extern char *lpr_page_room(LprPage *page, size_t len);

/* For dialect.c. whole: as an identifier is, of which a part is no use. */
#define LPR_CLEAN_TEXTS 10
extern void lpr_page_clean(LprPage *page, LprSlice *text, const char *member, size_t max, bool whole);
extern void lpr_page_check_images(LprPage *page, LprRead *read);

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
/* One more object in the array of that key. */
extern struct json_object *lpr_body_object_in_array(struct json_object *body, const char *key);
/* Writes the body into the request, and into what is shown. Frees it. */
extern bool lpr_body_done(struct json_object *body, bool ok, LprRequest *request, LprFault *fault);

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
