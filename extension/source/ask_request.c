/*
 * ask_request.c: the requests of a question, and how it ends: complete, cut short, or failed.
 */
#include "source/ask_internal.h"

#include "utils/timestamp.h"

#include "base/redact.h"
#include "source/outgoing.h"

void
lpr_ask_drop(LprAsk *ask, LprHttp **http)
{
	if (*http != NULL)
	{
		lpr_query_stats_cost(ask->stats, lpr_http_cost(*http));
		lpr_http_free(*http);
		*http = NULL;
	}
}

/* Closes the page that a leg reads, and drops the one that is on its way. */
static void
close_track(LprAsk *ask, LprTrack *track)
{
	lpr_ask_drop(ask, &track->coming);
	if (track->open)
		lpr_page_close(&track->page);
	track->open = false;
	lpr_http_free(track->reading);
	track->reading = NULL;
}

void
lpr_ask_end(LprAsk *ask, LprOutcome outcome)
{
	ask->stage = LPR_ASK_OVER;
	lpr_ask_drop(ask, &ask->errand);
	for (int i = 0; i < ask->nlegs; i++)
		close_track(ask, &ask->tracks[i]);
	/* Of several questions of one scan the worst outcome stays. */
	if (ask->stats->outcome < outcome)
		ask->stats->outcome = outcome;
	ask->stats->ended_at = GetCurrentTimestamp();
}

/* What a vendor says may repeat the secret and the token. */
static void
redact(const LprAsk *ask, char *text)
{
	const char *const secrets[] = {ask->source->site.secret, ask->source->site.token};

	lpr_redact(text, secrets, lengthof(secrets));
}

void
lpr_ask_fail(LprAsk *ask, const LprFault *fault)
{
	LprFault *told = &ask->stats->fault;

	*told = *fault;
	redact(ask, told->message);
	redact(ask, told->detail);
	ask->failed = true;
	lpr_ask_end(ask, LPR_OUTCOME_FAILED);
}

void
lpr_ask_fail_named(LprAsk *ask, const LprFault *fault, int page)
{
	LprFault named = *fault;

	if (page > 0)
		snprintf(named.message, sizeof(named.message), "source \"%s\", page %d: %.300s", ask->source->name, page,
				 fault->message);
	else
		snprintf(named.message, sizeof(named.message), "source \"%s\": %.300s", ask->source->name, fault->message);
	lpr_ask_fail(ask, &named);
}

/* What the vendor says of its refusal, fit to be shown; false: nothing. */
static bool
show_refusal(const LprAsk *ask, int status, const char *body, size_t len, LprFault *fault)
{
	char shown[LPR_EXCERPT_ROOM];
	LprText said = {0};
	bool good = ask->dialect->refusal(status, body, len, &said) && !said.failed && said.len > 0;

	if (good)
	{
		/* Here, too: an excerpt escapes some characters. No more than it shows, since this may be a whole page. */
		said.len = Min(said.len, LPR_EXCERPT_MAX + 1);
		said.data[said.len] = '\0';
		redact(ask, said.data);
		lpr_fault_detail(fault, "The vendor says: %s", lpr_excerpt(said.data, said.len, shown));
	}
	lpr_text_free(&said);
	return good;
}

void
lpr_ask_fail_page(LprAsk *ask, const LprTrack *track, int page)
{
	LprFault fault = track->page.fault;

	/* A refusal in words of the web, such as a page of HTML, would be all of the reply: that is shown already. */
	if (track->page.reads == 0 && track->page.len > 0 && memchr("{\xEF", track->page.body[0], 2) != NULL)
	{
		LprText said = {0};
		bool some = ask->dialect->refusal(200, track->page.body, track->page.len, &said) && said.len < track->page.len;

		lpr_text_free(&said);
		if (some)
			(void) show_refusal(ask, 200, track->page.body, track->page.len, &fault);
	}
	lpr_ask_fail_named(ask, &fault, page);
}

void
lpr_ask_cut(LprAsk *ask, const char *why)
{
	ask->cut = true;
	lpr_fault(&ask->stats->fault, "01004", "source \"%s\" has more reads than are shown", ask->source->name);
	lpr_fault_detail(&ask->stats->fault, "%s", why);
	lpr_fault_hint(&ask->stats->fault, "Ask for a shorter time.");
	if (ask->stats->outcome < LPR_OUTCOME_CUT)
		ask->stats->outcome = LPR_OUTCOME_CUT;
}

LprHttp *
lpr_ask_send(LprAsk *ask, LprRequest *request, bool made, LprFault *fault)
{
	LprHttp *http = NULL;

	if (made && (request->url.failed || request->body.failed || request->headers.failed || request->shown.failed))
		made = lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
	if (made)
		http = lpr_outgoing(ask->source, ask->context, ask->statement, ask->stats, request, 0);
	else
		lpr_request_free(request);
	if (!made)
		lpr_ask_fail_named(ask, fault, 0);
	return http;
}

void
lpr_ask_fail_http(LprAsk *ask, LprHttp *http)
{
	LprFault fault = {0};
	size_t len;
	const char *body;
	char shown[LPR_EXCERPT_ROOM];

	if (lpr_http_state(http) == LPR_HTTP_FAILED)
	{
		lpr_ask_fail(ask, lpr_http_fault(http));
		return;
	}
	body = lpr_http_body(http, &len);
	ask->status = lpr_http_status(http);
	lpr_fault(&fault, LPR_STATE_VENDOR, "source \"%s\" answered with HTTP status %d", ask->source->name,
			  lpr_http_status(http));
	if (show_refusal(ask, lpr_http_status(http), body, len, &fault))
		; /* in its own words */
	else if (lpr_http_fault(http)->detail[0] != '\0')
		lpr_fault_detail(&fault, "%s", lpr_http_fault(http)->detail);
	else if (len > 0)
		lpr_fault_detail(&fault, "The reply begins: %s", lpr_excerpt(body, len, shown));
	if (ask->stage == LPR_ASK_SIGN_IN && ask->dialect->audience != NULL &&
		(lpr_http_status(http) == 400 || lpr_http_status(http) == 403))
		lpr_fault_hint(
			&fault,
			"Ask an administrator to check option \"audience\" of the source (now %s), and its client_id and "
			"secret.",
			ask->source->site.audience != NULL ? "set" : ask->dialect->audience);
	else if (lpr_http_status(http) == 401 || lpr_http_status(http) == 403)
		lpr_fault_hint(&fault, "Ask an administrator to check the secret of the source.");
	lpr_ask_fail(ask, &fault);
}
