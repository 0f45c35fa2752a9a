#include "source/ask.h"

#include "lib/ilist.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "gate/answer.h"
#include "server/errors.h"

/* How a leg stands. */
typedef struct Track
{
	LprHttp *coming;  /* the page that is on its way */
	LprHttp *reading; /* the page that `page` reads */
	LprPage page;
	TimestampTz fetched_at;
	bool open;
	bool over;
} Track;

typedef enum Stage
{
	STAGE_SIGN_IN,
	STAGE_CAMERAS,
	STAGE_READS,
	STAGE_OVER
} Stage;

struct LprAsk
{
	dlist_node node; /* in asks */
	MemoryContext context;
	LprStatement *statement;
	LprSource *source;
	const LprDialect *dialect;
	const LprQuery *query;
	LprTally *tally;
	Stage stage;
	LprHttp *errand;   /* sign-in or camera register */
	bool signed_again; /* a token was refused once already */
	LprLeg *legs;
	Track *tracks;
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
};

/* Every question under way in this backend. */
static dlist_head asks = DLIST_STATIC_INIT(asks);

/* Read this part of a page before the next one is asked for, so that a LIMIT that is met early costs one page. */
#define AHEAD_SHARE 4

static void
drop_http(LprAsk *ask, LprHttp **http)
{
	if (*http != NULL)
	{
		lpr_tally_cost(ask->tally, lpr_http_cost(*http));
		lpr_http_free(*http);
		*http = NULL;
	}
}

/* Nothing here throws, since it also runs while a context is deleted. */
static void
ask_gone(void *arg)
{
	LprAsk *ask = arg;

	dlist_delete(&ask->node);
	for (int i = 0; i < ask->nlegs; i++)
		if (ask->tracks != NULL && ask->tracks[i].open)
			lpr_page_close(&ask->tracks[i].page);
	lpr_legs_free(ask->legs, ask->nlegs);
	lpr_seen_free(ask->seen);
	lpr_source_release(ask->source);
}

/* The question is over, for better or worse: no transfer goes on. */
static void
finish(LprAsk *ask, LprOutcome outcome)
{
	ask->stage = STAGE_OVER;
	drop_http(ask, &ask->errand);
	for (int i = 0; i < ask->nlegs; i++)
	{
		drop_http(ask, &ask->tracks[i].coming);
		if (ask->tracks[i].open)
			lpr_page_close(&ask->tracks[i].page);
		ask->tracks[i].open = false;
		lpr_http_free(ask->tracks[i].reading);
		ask->tracks[i].reading = NULL;
	}
	/* Of several questions of one scan the worst outcome stays. */
	if (ask->tally->outcome < outcome)
		ask->tally->outcome = outcome;
	ask->tally->ended_at = GetCurrentTimestamp();
}

/*
 * Stars for a secret that a vendor echoes: what it says is shown to people and ends in logs. Excerpts begin and end anywhere, so parts of it
 * count: long ones wherever they stand, and shorter ones at the edges of an excerpt, behind ": " and before "...". `text` is a copy of `said`.
 */
static void
redact_form(const char *said, char *text, const char *secret)
{
	size_t len = strlen(secret);
	size_t long_part = Min(len, Max(8, Min(16, len * 2 / 3)));

	for (const char *at = said; *at != '\0';)
	{
		bool begins = at - said >= 2 && at[-1] == ' ' && at[-2] == ':';
		size_t found = 0;

		for (size_t from = 0; from < len; from++)
		{
			size_t same = 0;

			while (from + same < len && secret[from + same] == at[same])
				same++;
			if (same > found && (same >= long_part || (same >= 4 && begins && from + same == len) ||
								 (same >= 4 && from == 0 && strncmp(at + same, "...", 3) == 0)))
				found = same;
		}
		memset(text + (at - said), '*', found);
		at += Max(found, 1);
	}
}

/* The secret and the token, as they are and as they stand in a URL. */
static void
redact(const LprAsk *ask, char *text)
{
	const char *const secrets[] = {ask->source->site.secret, ask->source->site.token};
	LprText said = {0};

	if (text == NULL)
		return;
	lpr_text_adds(&said, text);
	for (size_t i = 0; i < lengthof(secrets); i++)
	{
		LprText escaped = {0};

		if (secrets[i] == NULL || secrets[i][0] == '\0')
			continue;
		lpr_text_add_escaped(&escaped, secrets[i], strlen(secrets[i]));
		if (said.failed || escaped.failed)
			text[0] = '\0'; /* no memory: rather nothing than a secret */
		else
		{
			redact_form(said.data, text, secrets[i]);
			redact_form(said.data, text, escaped.data);
		}
		if (escaped.data != NULL)
			explicit_bzero(escaped.data, escaped.size);
		lpr_text_free(&escaped);
	}
	lpr_text_free(&said);
}

static void
fail(LprAsk *ask, const LprFault *fault)
{
	LprFault *told = &ask->tally->fault;

	*told = *fault;
	redact(ask, told->message);
	redact(ask, told->detail);
	ask->failed = true;
	finish(ask, LPR_OUTCOME_FAILED);
}

/* A fault of the dialect, which knows neither source nor page. */
static void
fail_named(LprAsk *ask, const LprFault *fault, int page)
{
	LprFault named = *fault;

	if (page > 0)
		snprintf(named.message, sizeof(named.message), "source \"%s\", page %d: %.300s", ask->source->name, page,
				 fault->message);
	else
		snprintf(named.message, sizeof(named.message), "source \"%s\": %.300s", ask->source->name, fault->message);
	fail(ask, &named);
}

static void
cut(LprAsk *ask, const char *why)
{
	ask->cut = true;
	lpr_fault(&ask->tally->fault, "01004", "source \"%s\" has more reads than are shown", ask->source->name);
	lpr_fault_detail(&ask->tally->fault, "%s", why);
	lpr_fault_hint(&ask->tally->fault, "Ask for a shorter time.");
	if (ask->tally->outcome < LPR_OUTCOME_CUT)
		ask->tally->outcome = LPR_OUTCOME_CUT;
}

/* Hands a request of the dialect to the engine. NULL when the dialect could not make it (the ask has failed then). */
static LprHttp *
send_request(LprAsk *ask, LprRequest *request, bool made, LprFault *fault)
{
	LprHttp *http = NULL;
	char *shown = NULL;

	if (made && (request->url.failed || request->body.failed || request->headers.failed || request->shown.failed))
		made = lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
	if (made)
	{
		http = lpr_http_start(ask->context, &ask->source->options.peer, request->post, request->url.data,
							  request->headers.data, request->body.data, request->body.len, request->repeatable);
		redact(ask, request->shown.data); /* a link to the next page may repeat it */
		if (request->class == LPR_REQUEST_READS)
		{
			lpr_tally_sent(ask->statement, ask->tally, request->shown.data);
			shown = pstrdup(request->shown.data);
		}
	}
	lpr_request_free(request);
	if (shown != NULL)
	{
		lpr_answer_sent(ask->tally, shown);
		pfree(shown);
	}
	if (!made)
		fail_named(ask, fault, 0);
	return http;
}

/* A reply with a status other than 2xx, or none at all. */
static void
fail_http(LprAsk *ask, LprHttp *http)
{
	LprFault fault = {0};
	LprText said = {0};
	size_t len;
	const char *body;
	char shown[LPR_EXCERPT_ROOM];

	if (lpr_http_state(http) == LPR_HTTP_FAILED)
	{
		fail(ask, lpr_http_fault(http));
		return;
	}
	body = lpr_http_body(http, &len);
	lpr_fault(&fault, LPR_STATE_VENDOR, "source \"%s\" answered with HTTP status %d", ask->source->name,
			  lpr_http_status(http));
	if (ask->dialect->refusal(lpr_http_status(http), body, len, &said) && !said.failed && said.len > 0)
	{
		/* Here, too: an excerpt escapes some characters. No more than it shows, since this may be a whole page. */
		said.len = Min(said.len, LPR_EXCERPT_MAX + 1);
		said.data[said.len] = '\0';
		redact(ask, said.data);
		lpr_fault_detail(&fault, "The vendor says: %s", lpr_excerpt(said.data, said.len, shown));
	}
	else if (lpr_http_fault(http)->detail[0] != '\0')
		lpr_fault_detail(&fault, "%s", lpr_http_fault(http)->detail);
	else if (len > 0)
		lpr_fault_detail(&fault, "The reply begins: %s", lpr_excerpt(body, len, shown));
	if (lpr_http_status(http) == 401 || lpr_http_status(http) == 403)
		lpr_fault_hint(&fault, "Ask an administrator to check the secret of the source.");
	lpr_text_free(&said);
	fail(ask, &fault);
}

/* Without a camera of the register the source is passed over, since silence would look like "never seen". */
static bool
pass_over_without_cameras(LprAsk *ask)
{
	const LprSite *site = &ask->source->site;
	LprFault *fault = &ask->tally->fault;

	if (!site->has_cameras || site->ncameras > 0 || !lpr_asks_by_camera(ask->dialect, ask->query))
		return false;
	lpr_fault(fault, unpack_sql_state(LPR_ERRCODE_NO_CAMERAS), "source \"%s\" has no cameras", ask->source->name);
	if (ask->dialect->needs_register)
	{
		lpr_fault_detail(fault, "It is asked camera by camera, and none is registered.");
		lpr_fault_hint(fault, "SELECT lpr.add_camera('%s', …);", ask->source->name);
	}
	else
	{
		lpr_fault_detail(fault,
						 "For a place it is asked camera by camera, and the register that it hands over is empty.");
		lpr_fault_hint(fault, "Ask an administrator to have the vendor put that right.");
	}
	finish(ask, LPR_OUTCOME_PASSED_OVER);
	return true;
}

static void
start_reads(LprAsk *ask)
{
	LprFault fault = {0};

	if (pass_over_without_cameras(ask))
		return;
	ask->stage = STAGE_READS;
	ask->nlegs = lpr_legs(ask->dialect, ask->query, &ask->source->site, &ask->legs, &fault);
	if (ask->nlegs < 0)
	{
		ask->nlegs = 0;
		fail_named(ask, &fault, 0);
		return;
	}
	ask->tracks = MemoryContextAllocZero(ask->context, Max(ask->nlegs, 1) * sizeof(Track));
}

static void
start_errand(LprAsk *ask)
{
	LprRequest request = {0};
	LprFault fault = {0};
	LprSource *source = ask->source;
	TimestampTz now = GetCurrentTimestamp();

	if (ask->dialect->signs_in && (source->site.token == NULL || source->token_until <= now))
	{
		ask->stage = STAGE_SIGN_IN;
		ask->errand = send_request(ask, &request, ask->dialect->sign_in(&source->site, &request, &fault), &fault);
	}
	else if (ask->dialect->fetches_cameras &&
			 (!source->site.has_cameras || (source->cameras_until <= now && source->users == 1)))
	{
		ask->stage = STAGE_CAMERAS;
		ask->errand = send_request(ask, &request, ask->dialect->ask_cameras(&source->site, &request, &fault), &fault);
	}
	else
		start_reads(ask);
}

/* A sign-in or a camera register has come. */
static void
take_errand(LprAsk *ask)
{
	LprFault fault = {0};
	LprSource *source = ask->source;
	size_t len;
	const char *body = lpr_http_body(ask->errand, &len);
	bool good;

	if (lpr_http_state(ask->errand) != LPR_HTTP_DONE)
	{
		if (lpr_http_status(ask->errand) == 401 || lpr_http_status(ask->errand) == 403)
			source->stale = true; /* the next question reads its secret anew */
		fail_http(ask, ask->errand);
		return;
	}
	if (ask->stage == STAGE_SIGN_IN)
	{
		good = ask->dialect->signed_in(&source->site, body, len, &fault);
		if (good) /* A little early, so that it does not end between two pages. */
			source->token_until =
				TimestampTzPlusMilliseconds(GetCurrentTimestamp(), Max(source->site.token_seconds - 30, 1) * 1000L);
		else
			fault.detail[0] = '\0'; /* it shows how the reply begins, which may be with the token */
	}
	else if (source->site.has_cameras && source->users > 1)
		good = true; /* another question of this statement was faster, and its legs point into the register */
	else
	{
		good = ask->dialect->take_cameras(&source->site, body, len, &fault);
		source->cameras_until = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), 600 * 1000L);
	}
	if (!good)
	{
		fail_named(ask, &fault, 0);
		return;
	}
	drop_http(ask, &ask->errand);
	start_errand(ask);
}

static void
ask_leg(LprAsk *ask, int i)
{
	LprRequest request = {0};
	LprFault fault = {0};

	if (ask->pages >= ask->source->options.max_pages)
	{
		cut(ask, psprintf("The limit of %d pages of a question was reached.", ask->source->options.max_pages));
		ask->tracks[i].over = true;
		return;
	}
	if (ask->tally->bytes / (1024 * 1024) >= ask->source->options.max_megabytes)
	{
		cut(ask, psprintf("The limit of %d MB of a question was reached.", ask->source->options.max_megabytes));
		ask->tracks[i].over = true;
		return;
	}
	ask->pages++;
	ask->tracks[i].coming = send_request(ask, &request, ask->dialect->ask(&ask->legs[i], &request, &fault), &fault);
	/* Only the first page is as small as the reader wished: if it wants a second one, it wants more. */
	ask->legs[i].page_size = 0;
}

/* A page of leg i has come: start to read it. */
static void
take_page(LprAsk *ask, int i)
{
	Track *track = &ask->tracks[i];
	LprSource *source = ask->source;
	size_t len;
	const char *body;

	if (lpr_http_state(track->coming) != LPR_HTTP_DONE)
	{
		int status = lpr_http_status(track->coming);

		if (status == 401 && ask->dialect->signs_in && !ask->signed_again && ask->legs[i].pages == 0 &&
			source->site.token != NULL)
		{
			/* The token ended before its time: sign in again, once, and start over. */
			ask->signed_again = true;
			source->token_until = 0;
			for (int leg = 0; leg < ask->nlegs; leg++)
			{
				drop_http(ask, &ask->tracks[leg].coming);
				if (ask->tracks[leg].open)
					lpr_page_close(&ask->tracks[leg].page);
				lpr_http_free(ask->tracks[leg].reading);
			}
			lpr_legs_free(ask->legs, ask->nlegs);
			ask->legs = NULL;
			ask->nlegs = 0;
			ask->current = 0;
			start_errand(ask);
			return;
		}
		if (status == 401 || status == 403)
			source->stale = true; /* the next question reads its secret anew */
		fail_http(ask, track->coming);
		return;
	}
	track->reading = track->coming;
	track->fetched_at = GetCurrentTimestamp();
	track->coming = NULL;
	lpr_tally_cost(ask->tally, lpr_http_cost(track->reading));
	ask->tally->pages++;
	body = lpr_http_body(track->reading, &len);
	track->open = true;
	lpr_page_open(&track->page, &ask->legs[i], body, len); /* if it fails, so does its first step */
}

/* Whether enough of the page at hand was read. A first page that the reader wished small is likely to be all it wants. */
static bool
wants_next(const LprAsk *ask, int i)
{
	const LprLeg *leg = &ask->legs[i];

	return (leg->pages > 1 || ask->query->page_size == 0) && ask->tracks[i].page.reads * AHEAD_SHARE >= leg->asked_size;
}

/* Whatever can be done without waiting. */
static void
advance(LprAsk *ask)
{
	int last;

	if (ask->stage == STAGE_OVER)
		return;
	if (ask->errand != NULL)
	{
		if (lpr_http_settled(ask->errand))
			take_errand(ask);
		if (ask->stage != STAGE_READS)
			return;
	}
	last = Min(ask->current + ask->source->options.parallel, ask->nlegs);
	for (int i = ask->current; i < last && ask->stage == STAGE_READS; i++)
	{
		Track *track = &ask->tracks[i];
		LprLeg *leg = &ask->legs[i];

		if (track->coming == NULL && !track->over)
		{
			if (!track->open && (leg->pages == 0 || leg->next != NULL))
				ask_leg(ask, i);
			else if (track->open && leg->next_known && leg->next != NULL && i == ask->current && wants_next(ask, i))
				ask_leg(ask, i);
		}
		if (ask->stage == STAGE_READS && track->coming != NULL && !track->open && lpr_http_settled(track->coming))
			take_page(ask, i);
	}
}

LprAsk *
lpr_ask_start(MemoryContext parent, LprStatement *statement, LprSource *source, const LprQuery *query, LprTally *tally)
{
	MemoryContext context = AllocSetContextCreate(parent, "lpr ask", ALLOCSET_DEFAULT_SIZES);
	LprAsk *ask = MemoryContextAllocZero(context, sizeof(LprAsk));
	MemoryContextCallback *callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));
	uint64 seed;

	if (!pg_strong_random(&seed, sizeof(seed)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate a random number")));
	ask->context = context;
	ask->statement = statement;
	ask->source = source;
	ask->dialect = source->options.dialect;
	ask->query = query;
	ask->tally = tally;
	tally->ended_at = 0;
	callback->func = ask_gone;
	callback->arg = ask;
	MemoryContextRegisterResetCallback(context, callback);
	dlist_push_tail(&asks, &ask->node);
	ask->seen = lpr_seen_new(seed);
	if (ask->seen == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (ask->dialect->needs_register && !source->site.has_cameras)
		lpr_source_load_register(source);
	if (ask->dialect->needs_register && pass_over_without_cameras(ask))
		return ask; /* not even signed in */
	start_errand(ask);
	advance(ask);
	return ask;
}

/* A read was taken from the page: is it to be shown? */
static bool
admit(LprAsk *ask, const LprRead *read)
{
	LprDrop drop = lpr_filter(ask->query, ask->statement->five_years_ago, read);

	if (drop == LPR_DROP_NONE && !lpr_seen_add(ask->seen, read->id, &ask->seen_failed))
		drop = LPR_DROP_REPEATED;
	if (drop != LPR_DROP_NONE)
	{
		const LprLeg *leg = &ask->legs[ask->current];

		/* A dialect that pages by time asks for the last moment of a page once more: no fault of the vendor's, and nothing to tell. */
		if (drop == LPR_DROP_REPEATED && leg->overlaps && read->captured_at == leg->edge)
			ask->tally->received--;
		else
			ask->tally->drops[drop]++;
		return false;
	}
	if (ask->query->order != LPR_ORDER_NONE)
	{
		/* The plan relies on this order: a read out of it would be merged into the wrong place. */
		if (ask->has_previous && (ask->query->order == LPR_ORDER_NEWEST_FIRST ? read->captured_at > ask->previous
																			  : read->captured_at < ask->previous))
		{
			LprFault fault = {0};

			lpr_fault(&fault, LPR_STATE_BAD_REPLY, "source \"%s\" does not keep the order it was asked for",
					  ask->source->name);
			lpr_fault_hint(&fault, "Ask an administrator to set option \"order\" of the source to here: its reads are "
								   "then sorted by the database.");
			fail(ask, &fault);
			return false;
		}
		ask->has_previous = true;
		ask->previous = read->captured_at;
	}
	if (ask->query->reads_max > 0 && ask->shown == ask->query->reads_max)
	{
		cut(ask, psprintf("Without a plate, at most " INT64_FORMAT " reads are shown for a question (Q8).",
						  ask->query->reads_max));
		finish(ask, LPR_OUTCOME_CUT);
		return false;
	}
	ask->shown++;
	ask->tally->reads++;
	lpr_answer_read(ask->tally, read);
	return true;
}

/* The page of a leg ended: on to its next page, or to the next leg. */
static void
end_page(LprAsk *ask)
{
	Track *track = &ask->tracks[ask->current];
	LprLeg *leg = &ask->legs[ask->current];

	lpr_page_close(&track->page);
	track->open = false;
	lpr_http_free(track->reading);
	track->reading = NULL;
	if (leg->cut)
		cut(ask, "The vendor hands over no more for one question.");
	if (leg->next == NULL && track->coming == NULL)
		track->over = true;
}

bool
lpr_ask_next(LprAsk *ask, LprRead *read)
{
	for (;;)
	{
		Track *track;

		if (++ask->steps % 256 == 0) /* millions of reads may have to be dropped */
			CHECK_FOR_INTERRUPTS();
		advance(ask);
		if (ask->stage == STAGE_OVER)
		{
			if (ask->failed)
				lpr_tally_report(ask->tally, ask->source->options.fail_on_error ? ERROR : WARNING);
			else if (ask->cut)
				lpr_tally_report(ask->tally, WARNING);
			ask->failed = ask->cut = false;
			return false;
		}
		track = ask->stage == STAGE_READS && ask->current < ask->nlegs ? &ask->tracks[ask->current] : NULL;
		if (track != NULL && track->open)
		{
			LprPageStep step = lpr_page_step(ask->dialect, &track->page, read);

			switch (step)
			{
				case LPR_PAGE_READ:
					ask->tally->received++;
					if (ask->seen_failed)
						ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
					if (admit(ask, read))
						return true;
					break;
				case LPR_PAGE_BAD_READ:
					ask->tally->received++;
					ask->tally->drops[LPR_DROP_MALFORMED]++;
					if (ask->tally->fault.message[0] == '\0')
						snprintf(ask->tally->fault.message, sizeof(ask->tally->fault.message), "page %d: %.300s",
								 ask->legs[ask->current].pages, track->page.fault.message);
					break;
				case LPR_PAGE_END:
					end_page(ask);
					break;
				case LPR_PAGE_FAULT:
					fail_named(ask, &track->page.fault, ask->legs[ask->current].pages);
					break;
			}
			continue;
		}
		if (ask->stage == STAGE_READS && (track == NULL || track->over))
		{
			if (track != NULL)
				ask->current++;
			if (ask->current >= ask->nlegs)
				finish(ask, LPR_OUTCOME_COMPLETE);
			continue;
		}

		/* Nothing to read yet: let every question of this backend go on while we wait. */
		{
			dlist_iter iter;

			dlist_foreach(iter, &asks) advance(dlist_container(LprAsk, node, iter.cur));
		}
		if ((ask->errand != NULL && lpr_http_settled(ask->errand)) ||
			(track != NULL && track->coming != NULL && lpr_http_settled(track->coming)))
			continue;
		if (ask->stage != STAGE_OVER)
			lpr_http_wait(-1);
	}
}

LprSource *
lpr_ask_source(const LprAsk *ask)
{
	return ask->source;
}

TimestampTz
lpr_ask_fetched_at(const LprAsk *ask)
{
	return ask->tracks[ask->current].fetched_at;
}

void
lpr_ask_stop(LprAsk *ask)
{
	if (ask->stage != STAGE_OVER)
		finish(ask, LPR_OUTCOME_STOPPED);
	MemoryContextDelete(ask->context);
}
