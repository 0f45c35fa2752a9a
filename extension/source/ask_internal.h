/*
 * ask_internal.h: what ask.c (legs and pages), ask_errand.c (sign-in, cameras) and ask_request.c (requests, and how a
 * question ends) share.
 */
#ifndef LPR_ASK_INTERNAL_H
#define LPR_ASK_INTERNAL_H

#include "source/ask.h"

#include "lib/ilist.h"

/* How a leg stands. */
typedef struct LprTrack
{
	LprHttp *coming;  /* the page that is on its way */
	LprHttp *reading; /* the page that `page` reads */
	LprPage page;
	TimestampTz fetched_at;
	int token; /* which of the source's tokens `coming` went out with */
	bool open;
	bool over;
} LprTrack;

typedef enum LprAskStage
{
	LPR_ASK_SIGN_IN,
	LPR_ASK_CAMERAS,
	LPR_ASK_READS,
	LPR_ASK_OVER
} LprAskStage;

struct LprAsk
{
	dlist_node node; /* in asks */
	MemoryContext context;
	LprStatement *statement; /* or NULL */
	TimestampTz five_years_ago;
	LprSource *source;
	const LprDialect *dialect;
	const LprQuery *query;
	LprQueryStats *stats;
	LprAskStage stage;
	LprHttp *errand;   /* sign-in or camera register */
	bool signed_again; /* a token was refused, and no page came since */
	LprLeg *legs;
	LprTrack *tracks;
	int nlegs;
	int current; /* the leg that is read */
	int pages;
	uint32 steps; /* through pages, to look for interrupts every so often */
	LprSeen *seen;
	bool seen_failed;
	bool has_previous;
	LprMoment previous; /* captured_at of the read before, to see that the vendor keeps its order */
	bool cut;
	int64 shown; /* reads of this question */
	bool failed;
	int status; /* of the reply that it failed by */
};

/* ask_request.c */
/* Hands a request of the dialect to the engine. NULL when the dialect could not make it (the ask has failed then). */
extern LprHttp *lpr_ask_send(LprAsk *ask, LprRequest *request, bool made, LprFault *fault);
/* Counts what a request cost, and frees it. */
extern void lpr_ask_drop(LprAsk *ask, LprHttp **http);
/* The question is over, for better or worse: no transfer goes on. */
extern void lpr_ask_end(LprAsk *ask, LprOutcome outcome);
extern void lpr_ask_fail(LprAsk *ask, const LprFault *fault);
/* A fault of the dialect, which knows neither source nor page (0 = none). */
extern void lpr_ask_fail_named(LprAsk *ask, const LprFault *fault, int page);
/* A page that is unusable from here: of one that is a refusal in all but its status, the vendor's words. */
extern void lpr_ask_fail_page(LprAsk *ask, const LprTrack *track, int page);
/* A reply with a status other than 2xx, or none at all. */
extern void lpr_ask_fail_http(LprAsk *ask, LprHttp *http);
/* There are more reads than are shown. */
extern void lpr_ask_cut(LprAsk *ask, const char *why);

/* ask_errand.c */
/* Whether the source is passed over: without a camera of the register silence would look like "never seen". */
extern bool lpr_ask_pass_over_without_cameras(LprAsk *ask);
/* Likewise for a place that is but an address, where the vendor takes points only. */
extern bool lpr_ask_pass_over_bare_address(LprAsk *ask);
/* Signs in and fetches the cameras, as far as need be, and then begins with the reads. */
extern void lpr_ask_start_errand(LprAsk *ask);
/* A sign-in or a camera register has come. */
extern void lpr_ask_take_errand(LprAsk *ask);

#endif
