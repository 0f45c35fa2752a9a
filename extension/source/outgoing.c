/*
 * outgoing.c: a request to a source: it is looked at whether it may be made, it is put on record, and goes out.
 */
#include "source/outgoing.h"

#include "base/redact.h"
#include "gate/answer.h"

/* In a function of its own, since what is caught has nothing to do with the caller's variables. */
static void
check(LprQueryStats *stats, LprRequest *request)
{
	PG_TRY();
	{
		lpr_answer_check(stats);
	}
	PG_CATCH();
	{
		lpr_request_free(request);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

LprHttp *
lpr_outgoing(LprSource *source, MemoryContext context, LprStatement *statement, LprQueryStats *stats,
			 LprRequest *request, size_t body_max)
{
	const char *const secrets[] = {source->site.secret, source->site.token};
	LprHttpPeer peer = source->options.peer;
	LprHttp *http;
	char *shown;

	check(stats, request);
	lpr_redact(request->shown.data, secrets, lengthof(secrets)); /* a link to the next page may repeat it */
	shown = MemoryContextStrdup(context, request->shown.data);
	lpr_answer_sent(stats, shown); /* first: what went out and is not on record would be asked behind the log's back */
	if (statement != NULL && request->class == LPR_REQUEST_READS)
		lpr_query_stats_sent(statement, stats, shown);
	pfree(shown);
	if (body_max > 0)
		peer.body_max = body_max;
	peer.can_wait = lpr_answer_is_round(stats); /* people go first */
	http = lpr_http_start(context, &peer, request->post, request->url.data, request->headers.data, request->body.data,
						  request->body.len, request->repeatable);
	stats->requests++;
	lpr_request_free(request);
	return http;
}
