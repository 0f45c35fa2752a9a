/*
 * dialect.h: how one kind of vendor is asked (Q11). One file a dialect, one line in dialect/dialects.h.
 *
 * A dialect is pure: it turns a question into requests and pages into canonical reads. It knows no SQL, no server and
 * no socket.
 *
 * An answer is fetched in legs. A leg is one row of pages, followed from its first request to its last; a dialect that
 * must ask plate by plate or camera by camera has many legs. Legs may be fetched side by side, pages of a leg only one
 * after the other.
 *
 * A question for what the vendor received of some plates since a mark is one leg of its own kind: for displays, since
 * cameras hand over reads days late. Each read comes at least once.
 */
#ifndef LPR_DIALECT_H
#define LPR_DIALECT_H

#include "base/json.h"
#include "base/url.h"
#include "core/read.h"

/* A camera of the source's register: for vendors whose reads do not say where they were taken. Strings may be NULL. */
typedef struct LprCamera
{
	char *id;
	char *address;
	char *owner;
	char *type;
	char *region;
	char *country;
	bool has_point;
	double latitude;
	double longitude;
} LprCamera;

/* A source as its dialect sees it. Strings are the caller's and outlive the site, except for those marked malloc. */
typedef struct LprSite
{
	const char *url;       /* base, without a slash at the end */
	const char *secret;    /* token, key or client secret */
	const char *client_id; /* OAuth client, or NULL */
	const char *audience;  /* OAuth audience, or NULL */
	const char *reason;    /* what a vendor that wants a reason is told; says nothing of user or case (U7) */
	int page_size;         /* of the source's options; 0 = the dialect's own */
	/* The vendor's clock, for times without a zone, or NULL: the moment of one that was read as if of UTC. */
	const void *zone;
	LprMoment (*in_zone)(const void *zone, LprMoment moment);
	char *token;        /* malloc: what sign_in brought */
	int token_seconds;  /* for how long, from the moment it was brought */
	LprCamera *cameras; /* malloc, sorted by id */
	int ncameras;
	bool has_cameras;             /* the register was loaded, be it empty */
	const struct LprSite *placed; /* its cameras are where the administrator says, whatever the vendor does; or NULL */
} LprSite;

typedef enum LprRequestClass
{
	LPR_REQUEST_SIGN_IN,
	LPR_REQUEST_CAMERAS,
	LPR_REQUEST_READS,
	LPR_REQUEST_IMAGE
} LprRequestClass;

/* One HTTP request to be made. Zero-initialize; free with lpr_request_free. */
typedef struct LprRequest
{
	LprRequestClass class;
	bool post; /* else GET */
	LprText url;
	LprText body;
	LprText headers; /* lines "Name: value\n" */
	bool repeatable; /* may be sent again when it failed */
	LprText shown;   /* the same without headers and secrets, for people: "POST /reads/search {...}" */
} LprRequest;

typedef struct LprLeg
{
	const LprQuery *query;
	const LprSite *site;
	int first_plate; /* plates [first_plate, first_plate + nplates) of the question */
	int nplates;
	int camera;     /* index into site->cameras, or -1 */
	LprMoment from; /* what is left of the window; a dialect without paging moves it */
	LprMoment until;
	int page_size;   /* of the next request, 0 = the site's or dialect's own; the asker may change it between pages */
	int asked_size;  /* of the last request: set by ask() */
	int pages;       /* pages opened so far */
	char *next;      /* malloc: the cursor of the next page, in the dialect's own form; NULL = none known (yet) */
	bool next_known; /* whether `next` is that of the page at hand: then ask() may be called while that page is read */
	bool overlaps;   /* the pages from now on begin with reads of the moment `edge` that were handed over already */
	LprMoment edge;
	bool cut; /* the vendor has more than it hands over (topn reached and no way on) */
	/*
	 * Of a question for what was received: since when (malloc; NULL: from now on). At the end of each page it moves to
	 * where that ended: what the next question has to begin with.
	 */
	char *mark;
} LprLeg;

/* Values that were left out, by the member that has them: their read is shown without. */
#define LPR_ODD_MAX    16
#define LPR_MEMBER_MAX 40
typedef struct LprOdd
{
	char member[LPR_MEMBER_MAX];
	int64_t count;
} LprOdd;

/* A page being read. */
typedef struct LprPage
{
	LprLeg *leg;
	LprJson *json;
	const char *body;
	size_t len;
	int phase;      /* how far we are: 0 at the start */
	bool bare;      /* it is the array alone */
	bool has_other; /* the element at hand has another read, which comes next */
	LprRead other;
	LprText end_id;   /* of that read */
	unsigned seen;    /* members of the page's outer object met so far, as bits */
	int reads;        /* handed over so far, bad ones included */
	LprMoment oldest; /* of the reads so far; LPR_MOMENT_NONE if there was none */
	LprMoment newest;
	LprMoment last;  /* of the read before */
	bool unsorted;   /* not in the order that was asked for */
	LprText scratch; /* for values that a dialect has to compose; emptied before each read */
	LprText clean;   /* texts that had to be cleaned; a block that does not move */
	LprText link[2]; /* images whose link was relative */
	LprText mark;    /* of what was received: where this page ends */
	bool more;       /* … and whether the vendor has received more by now */
	LprOdd odd[LPR_ODD_MAX];
	int nodd;
	bool no_zone; /* a time had none, and the source does not say which: UTC was taken */
	LprFault fault;
	LprFault late; /* of the next page: told when the reads of this one are shown */
} LprPage;

typedef enum LprPageStep
{
	LPR_PAGE_READ,     /* *read is filled */
	LPR_PAGE_BAD_READ, /* one read is unusable: page->fault says which column; go on */
	LPR_PAGE_END,      /* no more; leg->next is known */
	LPR_PAGE_FAULT     /* the page is unusable from here: page->fault */
} LprPageStep;

typedef struct LprDialect
{
	const char *name;
	unsigned modes;            /* search modes it can serve, bits of LprMode */
	bool takes_region;         /* conditions that it hands to the vendor; what it does not is checked here only */
	bool keeps_unknown_region; /* asked for a region, the vendor also hands over reads whose region it does not know */
	bool takes_near;
	bool takes_address;
	bool takes_vehicle;
	bool orders;         /* one leg comes in the order asked for */
	bool newest_only;    /* … which can only be newest first */
	int plates_per_leg;  /* 1 = one plate a request */
	int received_plates; /* plates of which it tells, in one request, what it received since a mark; 0 = it cannot */
	int page_size;       /* default */
	int page_size_max;
	bool signs_in; /* a login before the first request; the token is kept */
	bool wants_client_id;
	bool fetches_cameras;     /* the vendor has a register that must be fetched first */
	bool needs_register;      /* the register must be given with lpr.add_camera() */
	const char *image_secret; /* parameter of an image's URL that the secret goes into, at the source's own origin */
	const char *audience;     /* of the sign-in, where the source's options name none */
	bool
		by_camera; /* one leg a camera and plate; a question of a place goes camera by camera also without takes_near */

	bool (*sign_in)(const LprSite *site, LprRequest *request, LprFault *fault);
	bool (*signed_in)(LprSite *site, const char *body, size_t len, LprFault *fault);
	bool (*ask_cameras)(const LprSite *site, LprRequest *request, LprFault *fault);
	bool (*take_cameras)(LprSite *site, const char *body, size_t len, LprFault *fault);
	/* The leg's next request: the first when leg->pages is 0, else the one that leg->next names. */
	bool (*ask)(LprLeg *leg, LprRequest *request, LprFault *fault);
	LprPageStep (*step)(LprPage *page, LprRead *read);
	/*
	 * What the vendor says of its refusal, out of the body of a non-2xx reply: its own words, to be shown through
	 * lpr_excerpt() only.
	 */
	bool (*refusal)(int status, const char *body, size_t len, LprText *said);
} LprDialect;

extern const LprDialect *const lpr_dialects[]; /* ends in NULL */
extern const LprDialect *lpr_dialect_find(const char *name);

/* More requests than that for one question are refused (54000): nobody waits for their answer. */
#define LPR_LEGS_MAX 10000

/* Whether a place that is an address without a point can be asked for: of the vendor, or of the cameras there. */
extern bool lpr_takes_bare_address(const LprDialect *dialect);

/* Whether a question takes a request for each camera of the register: without cameras there is nobody to ask. */
extern bool lpr_asks_by_camera(const LprDialect *dialect, const LprQuery *query);

/* Legs that a question takes at this site (0: nothing to ask, for instance no camera within the radius; -1: fault). */
extern int lpr_legs(const LprDialect *dialect, const LprQuery *query, const LprSite *site, LprLeg **legs,
					LprFault *fault);
extern void lpr_legs_free(LprLeg *legs, int nlegs);

/*
 * page->fault says why a page cannot be opened; lpr_page_close is due in either case. The leg's page before must have
 * been read to its end, or at least until leg->next_known.
 */
extern bool lpr_page_open(LprPage *page, LprLeg *leg, const char *body, size_t len);
extern LprPageStep lpr_page_step(const LprDialect *dialect, LprPage *page, LprRead *read);
extern void lpr_page_close(LprPage *page);

extern void lpr_request_free(LprRequest *request);
extern void lpr_site_forget(LprSite *site); /* frees token and cameras */
/*
 * Fills a register: cameras are copied into a fresh site (false: out of memory), then sorted and taken over, in place
 * of the old ones.
 */
extern bool lpr_site_add_camera(LprSite *fresh, const LprCamera *camera);
extern void lpr_site_take_cameras(LprSite *site, LprSite *fresh);
extern const LprCamera *lpr_site_camera(const LprSite *site, LprSlice id);

#endif
