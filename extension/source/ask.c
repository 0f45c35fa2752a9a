/*
 * ask.c: a question under way: its legs side by side, their pages one after the other, each read through the filter.
 */
#include "source/ask_internal.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "gate/answer.h"

/* Every question under way in this backend. */
static dlist_head asks = DLIST_STATIC_INIT(asks);

/* Read this part of a page before the next one is asked for, so that a LIMIT that is met early costs one page. */
#define AHEAD_SHARE 4

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

static void
ask_leg(LprAsk *ask, int i)
{
	LprRequest request = {0};
	LprFault fault = {0};

	if (ask->pages >= ask->source->options.max_pages)
	{
		lpr_ask_cut(ask, psprintf("The limit of %d pages of a question was reached.", ask->source->options.max_pages));
		ask->tracks[i].over = true;
		return;
	}
	if (ask->stats->bytes / (1024 * 1024) >= ask->source->options.max_megabytes)
	{
		lpr_ask_cut(ask, psprintf("The limit of %d MB of a question was reached.", ask->source->options.max_megabytes));
		ask->tracks[i].over = true;
		return;
	}
	ask->pages++;
	ask->tracks[i].token = ask->source->tokens;
	ask->tracks[i].coming = lpr_ask_send(ask, &request, ask->dialect->ask(&ask->legs[i], &request, &fault), &fault);
	/* Only the first page is as small as the reader wished: if it wants a second one, it wants more. */
	ask->legs[i].page_size = 0;
}

/*
 * The token ended before its time: the page is asked for once more, with another one. Whoever else went out with the
 * old token does the same; who meets its end first signs in.
 */
static void
ask_again(LprAsk *ask, LprTrack *track)
{
	LprSource *source = ask->source;

	lpr_ask_drop(ask, &track->coming);
	ask->pages--;
	if (track->token != source->tokens)
		return;
	ask->signed_again = true;
	source->token_until = 0;
	lpr_ask_start_errand(ask);
}

/* Nothing more of a leg, whatever it is that it has not. */
static void
take_nothing(LprAsk *ask, int i)
{
	LprTrack *track = &ask->tracks[i];

	lpr_ask_drop(ask, &track->coming);
	free(ask->legs[i].next);
	ask->legs[i].next = NULL;
	ask->legs[i].pages++;
	ask->stats->pages++;
	track->over = true;
}

/* A page of leg i has come: start to read it. */
static void
take_page(LprAsk *ask, int i)
{
	LprTrack *track = &ask->tracks[i];
	size_t len;
	const char *body;

	if (lpr_http_state(track->coming) != LPR_HTTP_DONE)
	{
		int status = lpr_http_status(track->coming);

		if (status == 401 && ask->dialect->signs_in && (!ask->signed_again || track->token != ask->source->tokens))
		{
			ask_again(ask, track);
			return;
		}
		if (status == 401 || status == 403)
			ask->source->stale = true; /* the next question reads its secret anew */
		lpr_ask_fail_http(ask, track->coming);
		return;
	}
	ask->signed_again = false;
	if (lpr_http_status(track->coming) == 204) /* so some say that there is nothing */
	{
		take_nothing(ask, i);
		return;
	}
	track->reading = track->coming;
	track->fetched_at = GetCurrentTimestamp();
	track->coming = NULL;
	lpr_query_stats_cost(ask->stats, lpr_http_cost(track->reading));
	ask->stats->pages++;
	body = lpr_http_body(track->reading, &len);
	track->open = true;
	lpr_page_open(&track->page, &ask->legs[i], body, len); /* if it fails, so does its first step */
}

/*
 * Whether enough of the page at hand was read. A first page that the reader wished small is likely to be all it wants.
 */
static bool
wants_next(const LprAsk *ask, int i)
{
	const LprLeg *leg = &ask->legs[i];

	return (leg->pages > 1 || ask->query->page_size == 0) && ask->tracks[i].page.reads * AHEAD_SHARE >= leg->asked_size;
}

/* Whatever can be done without waiting. */
static void
advance_ask(LprAsk *ask)
{
	int last;

	if (ask->stage == LPR_ASK_OVER)
		return;
	if (ask->errand != NULL)
	{
		if (lpr_http_settled(ask->errand))
			lpr_ask_take_errand(ask);
		if (ask->stage != LPR_ASK_READS)
			return;
	}
	last = Min(ask->current + ask->source->options.parallel, ask->nlegs);
	for (int i = ask->current; i < last && ask->stage == LPR_ASK_READS; i++)
	{
		LprTrack *track = &ask->tracks[i];
		LprLeg *leg = &ask->legs[i];

		if (track->coming == NULL && !track->over)
		{
			if (!track->open && (leg->pages == 0 || leg->next != NULL))
				ask_leg(ask, i);
			else if (track->open && leg->next_known && leg->next != NULL && i == ask->current && wants_next(ask, i))
				ask_leg(ask, i);
		}
		if (ask->stage == LPR_ASK_READS && track->coming != NULL && !track->open && lpr_http_settled(track->coming))
			take_page(ask, i);
	}
}

LprAsk *
lpr_ask_start(MemoryContext parent, LprStatement *statement, LprSource *source, const LprQuery *query,
			  LprQueryStats *stats)
{
	MemoryContext context = AllocSetContextCreate(parent, "lpr ask", ALLOCSET_DEFAULT_SIZES);
	LprAsk *ask = MemoryContextAllocZero(context, sizeof(LprAsk));
	MemoryContextCallback *callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));
	uint64 seed;

	if (!pg_strong_random(&seed, sizeof(seed)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate a random number")));
	ask->context = context;
	ask->statement = statement;
	ask->five_years_ago = statement != NULL ? statement->five_years_ago : lpr_five_years_before(query->asked_at);
	ask->source = source;
	ask->dialect = source->options.dialect;
	ask->query = query;
	ask->stats = stats;
	stats->ended_at = 0;
	callback->func = ask_gone;
	callback->arg = ask;
	MemoryContextRegisterResetCallback(context, callback);
	dlist_push_tail(&asks, &ask->node);
	ask->seen = lpr_seen_new(seed);
	if (ask->seen == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (ask->dialect->needs_register ? !source->site.has_cameras : source->site.placed == NULL)
		lpr_source_load_register(source);
	if (lpr_ask_pass_over_bare_address(ask) || (ask->dialect->needs_register && lpr_ask_pass_over_without_cameras(ask)))
		return ask; /* not even signed in */
	lpr_ask_start_errand(ask);
	advance_ask(ask);
	return ask;
}

/* A read was taken from the page: is it to be shown? */
static bool
admit(LprAsk *ask, const LprRead *read)
{
	LprDrop drop = lpr_filter(ask->query, ask->five_years_ago, read);
	const char *full;

	if (drop == LPR_DROP_NONE && !lpr_seen_add(ask->seen, read->id, &ask->seen_failed))
		drop = LPR_DROP_REPEATED;
	if (drop != LPR_DROP_NONE)
	{
		const LprLeg *leg = &ask->legs[ask->current];

		/*
		 * A dialect that pages by time asks for the last moment of a page once more: no fault of the vendor's, and
		 * nothing to tell.
		 */
		if (drop == LPR_DROP_REPEATED && leg->overlaps && read->captured_at == leg->edge)
			ask->stats->received--;
		else
			ask->stats->drops[drop]++;
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
			lpr_ask_fail(ask, &fault);
			return false;
		}
		ask->has_previous = true;
		ask->previous = read->captured_at;
	}
	full = lpr_answer_full(ask->stats, ask->query, ask->shown, read);
	if (full != NULL)
	{
		lpr_ask_cut(ask, full);
		lpr_ask_end(ask, LPR_OUTCOME_CUT);
		return false;
	}
	ask->stats->reads++;
	lpr_answer_read(ask->stats, read, ask->shown++);
	return true;
}

/* The page of a leg ended: on to its next page, or to the next leg. */
static void
end_page(LprAsk *ask)
{
	LprTrack *track = &ask->tracks[ask->current];
	LprLeg *leg = &ask->legs[ask->current];

	if (track->page.no_zone && !ask->source->zone_told)
	{
		ask->source->zone_told = true;
		ereport(NOTICE,
				(errmsg("times of source \"%s\" have no zone, and are taken as UTC", ask->source->name),
				 errhint("Ask an administrator to set option \"time_zone\" of the source to that of its clock.")));
	}
	lpr_page_close(&track->page);
	track->open = false;
	lpr_http_free(track->reading);
	track->reading = NULL;
	if (leg->cut)
		lpr_ask_cut(ask, "The vendor hands over no more for one question.");
	if (leg->next == NULL && track->coming == NULL)
		track->over = true;
}

/* The next step through the page at hand; true: *read is one. */
static bool
take_step(LprAsk *ask, LprTrack *track, LprRead *read)
{
	LprPageStep step = lpr_page_step(ask->dialect, &track->page, read);

	if (unlikely(track->page.nodd > 0))
	{
		lpr_query_stats_odd(ask->stats, track->page.odd, track->page.nodd);
		track->page.nodd = 0;
	}
	switch (step)
	{
		case LPR_PAGE_READ:
			ask->stats->received++;
			if (ask->seen_failed)
				ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
			return admit(ask, read);
		case LPR_PAGE_BAD_READ:
			ask->stats->received++;
			ask->stats->drops[LPR_DROP_MALFORMED]++;
			if (ask->stats->fault.message[0] == '\0')
				snprintf(ask->stats->fault.message, sizeof(ask->stats->fault.message), "page %d: %.300s",
						 ask->legs[ask->current].pages, track->page.fault.message);
			break;
		case LPR_PAGE_END:
			end_page(ask);
			break;
		case LPR_PAGE_FAULT:
			lpr_ask_fail_page(ask, track, ask->legs[ask->current].pages);
			break;
	}
	return false;
}

LprAskStep
lpr_ask_step(LprAsk *ask, LprRead *read)
{
	for (;;)
	{
		LprTrack *track;

		if (++ask->steps % 256 == 0) /* millions of reads may have to be dropped */
			CHECK_FOR_INTERRUPTS();
		advance_ask(ask);
		if (ask->stage == LPR_ASK_OVER)
			return LPR_ASK_STEP_END;
		track = ask->stage == LPR_ASK_READS && ask->current < ask->nlegs ? &ask->tracks[ask->current] : NULL;
		if (track != NULL && track->open)
		{
			if (take_step(ask, track, read))
				return LPR_ASK_STEP_READ;
			continue;
		}
		if (ask->stage == LPR_ASK_READS && (track == NULL || track->over))
		{
			if (track != NULL)
				ask->current++;
			if (ask->current >= ask->nlegs)
				lpr_ask_end(ask, LPR_OUTCOME_COMPLETE);
			continue;
		}
		if ((ask->errand != NULL && lpr_http_settled(ask->errand)) ||
			(track != NULL && track->coming != NULL && lpr_http_settled(track->coming)))
			continue;
		return LPR_ASK_STEP_WAIT;
	}
}

/* Whether what it waits for has come: then there is no need to wait. */
static bool
has_come(const LprAsk *ask)
{
	const LprTrack *track =
		ask->stage == LPR_ASK_READS && ask->current < ask->nlegs ? &ask->tracks[ask->current] : NULL;

	return ask->stage == LPR_ASK_OVER || (ask->errand != NULL && lpr_http_settled(ask->errand)) ||
		   (track != NULL && track->coming != NULL && lpr_http_settled(track->coming));
}

bool
lpr_ask_next(LprAsk *ask, LprRead *read)
{
	for (;;)
	{
		dlist_iter iter;

		switch (lpr_ask_step(ask, read))
		{
			case LPR_ASK_STEP_READ:
				return true;
			case LPR_ASK_STEP_END:
				if (ask->failed && ask->source->options.fail_on_error)
					lpr_query_stats_report(ask->stats, ERROR);
				if (ask->failed)
					ask->stats->to_tell = true; /* a warning, or an error if nobody else has answered */
				else if (ask->cut)
					lpr_query_stats_report(ask->stats, WARNING);
				ask->failed = ask->cut = false;
				return false;
			case LPR_ASK_STEP_WAIT:
				break;
		}
		/* Nothing to read yet: let every question of this backend go on while we wait. */
		dlist_foreach(iter, &asks) advance_ask(dlist_container(LprAsk, node, iter.cur));
		if (!has_come(ask))
			lpr_http_wait(-1);
	}
}

LprAskEnd
lpr_ask_how_ended(const LprAsk *ask)
{
	return (LprAskEnd){.failed = ask->failed,
					   .status = ask->status,
					   .cut = ask->cut,
					   .mark = ask->nlegs == 1 ? ask->legs[0].mark : NULL};
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
	if (ask->stage != LPR_ASK_OVER)
		lpr_ask_end(ask, LPR_OUTCOME_STOPPED);
	MemoryContextDelete(ask->context);
}
