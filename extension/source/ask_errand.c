/*
 * ask_errand.c: what comes before the reads: the sign-in, and the register of cameras.
 */
#include "source/ask_internal.h"

#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "server/errors.h"

/* A place that is only an address, which the vendor takes no more than its cameras are known here (Q11). */
bool
lpr_ask_pass_over_bare_address(LprAsk *ask)
{
	LprFault *fault = &ask->stats->fault;

	if (ask->query->mode != LPR_MODE_LOCATION || ask->query->has_near || lpr_takes_bare_address(ask->dialect))
		return false;
	lpr_fault(fault, unpack_sql_state(LPR_ERRCODE_WRONG_MODE), "source \"%s\" cannot be asked by address",
			  ask->source->name);
	lpr_fault_detail(fault, "Its vendor takes a place as a point with a radius.");
	lpr_fault_hint(fault, "SELECT * FROM lpr.search_location(latitude, longitude, radius_m);");
	lpr_ask_end(ask, LPR_OUTCOME_PASSED_OVER);
	return true;
}

bool
lpr_ask_pass_over_without_cameras(LprAsk *ask)
{
	const LprSite *site = &ask->source->site;
	LprFault *fault = &ask->stats->fault;

	if (!site->has_cameras || site->ncameras > 0 || !lpr_asks_by_camera(ask->dialect, ask->query))
		return false;
	lpr_fault(fault, unpack_sql_state(LPR_ERRCODE_NO_CAMERAS), "source \"%s\" has no cameras", ask->source->name);
	if (ask->dialect->needs_register)
	{
		lpr_fault_detail(fault, "It is asked camera by camera, and none is registered.");
		lpr_fault_hint(fault, "SELECT lpr.add_camera('%s', ...);", ask->source->name);
	}
	else
	{
		lpr_fault_detail(fault,
						 "For a place it is asked camera by camera, and the register that it hands over is empty.");
		lpr_fault_hint(fault, "Ask an administrator to have the vendor put that right.");
	}
	lpr_ask_end(ask, LPR_OUTCOME_PASSED_OVER);
	return true;
}

static void
start_reads(LprAsk *ask)
{
	LprFault fault = {0};

	if (ask->legs == NULL && lpr_ask_pass_over_without_cameras(ask))
		return;
	ask->stage = LPR_ASK_READS;
	if (ask->legs != NULL) /* signed in anew: its legs go on where they are */
		return;
	ask->nlegs = lpr_legs(ask->dialect, ask->query, &ask->source->site, &ask->legs, &fault);
	if (ask->nlegs < 0)
	{
		ask->nlegs = 0;
		lpr_ask_fail_named(ask, &fault, 0);
		return;
	}
	ask->tracks = MemoryContextAllocZero(ask->context, Max(ask->nlegs, 1) * sizeof(LprTrack));
}

void
lpr_ask_start_errand(LprAsk *ask)
{
	LprRequest request = {0};
	LprFault fault = {0};
	LprSource *source = ask->source;
	TimestampTz now = GetCurrentTimestamp();

	if (ask->dialect->signs_in && (source->site.token == NULL || source->token_until <= now))
	{
		ask->stage = LPR_ASK_SIGN_IN;
		ask->errand = lpr_ask_send(ask, &request, ask->dialect->sign_in(&source->site, &request, &fault), &fault);
	}
	else if (ask->dialect->fetches_cameras && ask->legs == NULL &&
			 (!source->site.has_cameras || (source->cameras_until <= now && source->users == 1)))
	{
		ask->stage = LPR_ASK_CAMERAS;
		ask->errand = lpr_ask_send(ask, &request, ask->dialect->ask_cameras(&source->site, &request, &fault), &fault);
	}
	else
		start_reads(ask);
}

void
lpr_ask_take_errand(LprAsk *ask)
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
		lpr_ask_fail_http(ask, ask->errand);
		return;
	}
	if (ask->stage == LPR_ASK_SIGN_IN)
	{
		good = ask->dialect->signed_in(&source->site, body, len, &fault);
		if (good) /* A little early, so that it seldom ends between two pages. */
		{
			source->token_until =
				TimestampTzPlusMilliseconds(GetCurrentTimestamp(), Max(source->site.token_seconds - 30, 1) * 1000L);
			source->tokens++;
		}
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
		lpr_ask_fail_named(ask, &fault, 0);
		return;
	}
	lpr_ask_drop(ask, &ask->errand);
	lpr_ask_start_errand(ask);
}
