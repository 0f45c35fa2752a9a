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

/*
 * A function that stores, prepared outside of any executor: as an expression of PL/pgSQL, a cast, the CHECK of a
 * domain. Such are called again in this transaction without our being told, whatever becomes of a subtransaction.
 */
static Oid prepared = InvalidOid;

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
		frame->flow->shows |= seen.shows;
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

bool
lpr_flow_goes_on(const LprFlowFrame *frame)
{
	return frame->flow != &frame->own && (frame->flow->shows || (frame->flow->writes && seen_by_all()->shows));
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

/* Why nothing is shown where something is written, or may be without our being told. NULL: it may. */
static const char *
refuse_showing(const LprFlow *seen, const char **hint)
{
	Oid function = seen->writes ? seen->verb : prepared;
	char *name = OidIsValid(function) ? get_func_name(function) : NULL;
	bool ours = name != NULL && get_func_namespace(function) == get_namespace_oid("lpr", true);

	if (seen->writes && name == NULL)
	{
		*hint = "SELECT the reads by themselves.";
		return "A statement that changes something shows no reads.";
	}
	if (seen->writes)
	{
		*hint = psprintf("SELECT the reads first, then SELECT %s%s(...); by itself.", ours ? "lpr." : "", name);
		return psprintf("A statement that calls %s%s, which %s, shows no reads.", ours ? "lpr." : "", name,
						ours ? "writes" : "may leave something behind");
	}
	if (!OidIsValid(prepared))
		return NULL;
	*hint = "COMMIT first, then SELECT the reads.";
	return psprintf("A function of this transaction has prepared a call of %s, which may leave something behind.",
					name != NULL ? name : "one");
}

const char *
lpr_flow_ask(const char **hint)
{
	const char *refusal = lpr_flow_planning > 0 ? refuse_planning(hint) : refuse_showing(seen_by_all(), hint);

	if (refusal == NULL)
		mark(current(), (LprFlow){.shows = true, .asked = true});
	return refusal;
}

const char *
lpr_flow_go_on(const char **hint)
{
	return refuse_showing(seen_by_all(), hint);
}

static const char *
refuse_writing(const char **hint)
{
	*hint = "SELECT the reads by themselves; then call it, in words of your own.";
	return "A statement that asks, or shows what is kept, changes nothing: no table and no record.";
}

const char *
lpr_flow_read_log(const char **hint)
{
	const char *refusal = lpr_flow_planning > 0  ? refuse_planning(hint)
						  : seen_by_all()->asked ? refuse_writing(hint) /* its record holds what it was given */
												 : refuse_showing(seen_by_all(), hint);

	if (refusal == NULL)
		mark(current(), (LprFlow){.shows = true});
	return refusal;
}

const char *
lpr_flow_write(const char **hint)
{
	if (lpr_flow_planning > 0)
		return refuse_planning(hint);
	if (seen_by_all()->shows)
		return refuse_writing(hint);
	mark(current(), (LprFlow){.writes = true});
	return NULL;
}

const char *
lpr_flow_call(Oid function, bool looks, const char **hint)
{
	if (seen_by_all()->shows)
		return lpr_flow_write(hint);
	if (!looks && !current()->starts)
		prepared = function;
	mark(current(), (LprFlow){.writes = true, .verb = function});
	return NULL;
}

static void
transaction_ends(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
		prepared = InvalidOid;
}

void
lpr_flow_init(void)
{
	RegisterXactCallback(transaction_ends, NULL);
}
