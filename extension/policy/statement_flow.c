/*
 * statement_flow.c: which statements ask, and which write.
 */
#include "policy/statement_flow.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "tcop/pquery.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

int lpr_flow_planning = 0;

/* ---- frames ---- */

/* The flow of an executor that is open: of a cursor over many statements. */
typedef struct Kept
{
	MemoryContextCallback callback;
	struct Kept *next;
	const EState *estate;
	LprFlow flow;
} Kept;

static Kept *kept = NULL;
static LprFlowFrame *top = NULL;

/*
 * What runs outside of any portal, such as triggers at the end of a transaction, and functions that a client calls by
 * number: all of one message.
 */
static LprFlowFrame base;
static TimestampTz base_at = 0;

static LprFlowFrame *
current(void)
{
	if (top != NULL)
		return top;
	if (base_at != GetCurrentStatementStartTimestamp())
	{
		base = (LprFlowFrame){.flow = &base.own};
		base_at = GetCurrentStatementStartTimestamp();
	}
	return &base;
}

static void
mark(LprFlowFrame *from, LprFlow seen)
{
	for (LprFlowFrame *frame = from; frame != NULL; frame = frame->outer)
	{
		frame->flow->asked |= seen.asked;
		frame->flow->writes |= seen.writes;
		if (!OidIsValid(frame->flow->verb))
			frame->flow->verb = seen.verb;
	}
}

/* What the whole statement saw: whatever a frame sees, those around it see too. */
static const LprFlow *
seen_by_all(void)
{
	LprFlowFrame *frame = current();

	while (frame->outer != NULL)
		frame = frame->outer;
	return frame->flow;
}

void
lpr_flow_enter(LprFlowFrame *frame, const EState *estate)
{
	*frame = (LprFlowFrame){.outer = top == NULL && ActivePortal == NULL ? current() : top};
	frame->flow = &frame->own;
	for (Kept *one = estate != NULL ? kept : NULL; one != NULL; one = one->next)
		if (one->estate == estate)
		{
			frame->flow = &one->flow;
			mark(frame->outer, one->flow); /* whoever fetches from a cursor is shown what that was */
			break;
		}
	top = frame;
}

void
lpr_flow_leave(LprFlowFrame *frame)
{
	top = frame->outer == &base ? NULL : frame->outer;
}

static void
forget(void *arg)
{
	for (Kept **link = &kept; *link != NULL; link = &(*link)->next)
		if (*link == arg)
		{
			*link = (*link)->next;
			return;
		}
}

void
lpr_flow_keep(const LprFlowFrame *frame, EState *estate)
{
	Kept *one = MemoryContextAllocZero(estate->es_query_cxt, sizeof(Kept));

	one->estate = estate;
	one->flow = frame->own;
	one->callback = (MemoryContextCallback){.func = forget, .arg = one};
	MemoryContextRegisterResetCallback(estate->es_query_cxt, &one->callback);
	one->next = kept;
	kept = one;
}

/* ---- rules ---- */

static const char *
refuse_planning(const char **hint)
{
	*hint = "Declare the function that it is in as VOLATILE.";
	return "lpr is called when a statement runs, not while it is planned.";
}

const char *
lpr_flow_ask(const char **hint)
{
	const LprFlow *seen = seen_by_all();

	if (lpr_flow_planning > 0)
		return refuse_planning(hint);
	if (seen->writes)
	{
		char *name = OidIsValid(seen->verb) ? get_func_name(seen->verb) : NULL;
		const char *ours =
			name != NULL && get_func_namespace(seen->verb) == get_namespace_oid("lpr", true) ? "lpr." : "";

		*hint = name == NULL ? "SELECT the reads by themselves."
							 : psprintf("SELECT the reads first, then SELECT %s%s(...); by itself.", ours, name);
		return name == NULL ? "A statement that changes something shows no reads."
							: psprintf("A statement that calls %s%s, which writes, shows no reads.", ours, name);
	}
	mark(current(), (LprFlow){.asked = true});
	return NULL;
}

const char *
lpr_flow_write(const char **hint)
{
	if (lpr_flow_planning > 0)
		return refuse_planning(hint);
	if (seen_by_all()->asked)
	{
		*hint = "SELECT the reads by themselves; then call it, in words of your own.";
		return "A statement that asks, or shows what is kept, changes nothing: no table and no record.";
	}
	mark(current(), (LprFlow){.writes = true});
	return NULL;
}

const char *
lpr_flow_call(Oid function, const char **hint)
{
	if (!seen_by_all()->asked)
	{
		mark(current(), (LprFlow){.writes = true, .verb = function});
		return NULL;
	}
	return lpr_flow_write(hint);
}
