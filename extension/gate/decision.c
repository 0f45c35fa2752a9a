/*
 * decision.c: looks whether what a question rests on still holds, while its answer is read.
 */
#include "gate/decision.h"

#include "miscadmin.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "audit/audit_queue.h"
#include "audit/consent.h"
#include "format/payload.h"
#include "gate/held.h"
#include "server/errors.h"

/* Rows of one source, mode and event that an executor run keeps, or may: in a sort, a cursor, a function's result. */
typedef struct Kept
{
	struct Kept *next;
	EState *estate;
	LprDecision decision;
	TimestampTz expires_at; /* of the first that does */
} Kept;

static Kept *kept = NULL;
static LprRun *running = NULL;
static uint64 catalog_changes = 1;

static void
catalog_changed(Datum arg, int cache, uint32 hash)
{
	catalog_changes++;
}

uint64
lpr_decision_catalog(void)
{
	static bool registered = false;

	if (!registered)
	{
		CacheRegisterSyscacheCallback(AUTHOID, catalog_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(AUTHMEMMEMROLE, catalog_changed, (Datum) 0);
		CacheRegisterSyscacheCallback(FOREIGNSERVEROID, catalog_changed, (Datum) 0);
		registered = true;
	}
	AcceptInvalidationMessages();
	return catalog_changes;
}

/* The texts that the session agreed to, and the minutes of the longest time without a statement since. */
static NameData
agreement(int *away_min)
{
	NameData versions;
	TimestampTz at;
	int away_s;
	bool passing; /* no answer outlasts its transaction */

	lpr_consent_given(&versions, &at, &away_s, &passing);
	*away_min = away_s / SECS_PER_MINUTE;
	return versions;
}

static void
take_receipt(LprDecision *decision, const LprReceipt *receipt, uint64 catalog)
{
	decision->decided_at = GetCurrentTimestamp();
	decision->holds_until = receipt->holds_until;
	decision->generation = receipt->generation;
	decision->catalog = catalog;
	decision->agreed = agreement(&decision->away_min);
}

void
lpr_decision_take(LprDecision *decision, const char *source, LprMode mode, LprEvent event, const LprReceipt *receipt,
				  uint64 catalog)
{
	memset(decision, 0, sizeof(*decision));
	strlcpy(decision->source, source != NULL ? source : "", NAMEDATALEN);
	decision->mode = mode;
	decision->event = event;
	decision->ask = receipt->number;
	take_receipt(decision, receipt, catalog);
}

/* Whether it has to be looked at again. */
static bool
is_due(const LprDecision *decision)
{
	TimestampTz now = GetCurrentTimestamp();
	int away_min;
	NameData agreed = agreement(&away_min);

	return decision->generation != lpr_queue_generation() || decision->catalog != lpr_decision_catalog() ||
		   strcmp(NameStr(decision->agreed), NameStr(agreed)) != 0 || decision->away_min != away_min ||
		   now >= decision->holds_until || now < decision->decided_at;
}

void
lpr_decision_check(LprDecision *decision)
{
	LprText payload = {0};
	LprReceipt receipt;
	uint64 catalog;
	LprAuditEntry entry = {
		.kind = LPR_AUDIT_LOOK,
		.source = decision->source,
		.ask = decision->ask,
		.facts = {.event = decision->event, .mode = decision->mode},
	};

	if (!is_due(decision))
		return;
	catalog = lpr_decision_catalog();
	lpr_payload_open(&payload);
	lpr_payload_text(&payload, "what", "the rest of an answer");
	lpr_audit_describe_session(&payload);
	lpr_audit_set_payload(&entry, &payload);
	lpr_audit_await(lpr_audit_send(&entry), &receipt);
	if (receipt.refused)
		lpr_gate_raise(&receipt);
	take_receipt(decision, &receipt, catalog);
}

/* ---- rows that are kept by statements under way ---- */

static void
forget(void *arg)
{
	Kept **link = &kept;

	while (*link != NULL && *link != arg)
		link = &(*link)->next;
	if (*link != NULL)
		*link = (*link)->next;
}

static bool
is_alike(const LprDecision *a, const LprDecision *b)
{
	return a->mode == b->mode && a->event.given == b->event.given && a->event.id == b->event.id &&
		   strcmp(a->source, b->source) == 0;
}

static void
keep(EState *estate, const LprDecision *decision, TimestampTz expires_at)
{
	Kept *one = kept;

	while (one != NULL && (one->estate != estate || !is_alike(&one->decision, decision)))
		one = one->next;
	if (one == NULL)
	{
		MemoryContextCallback *callback = MemoryContextAllocZero(estate->es_query_cxt, sizeof(MemoryContextCallback));

		one = MemoryContextAllocZero(estate->es_query_cxt, sizeof(Kept));
		one->estate = estate;
		one->expires_at = expires_at;
		callback->func = forget;
		callback->arg = one;
		MemoryContextRegisterResetCallback(estate->es_query_cxt, callback);
		one->next = kept;
		kept = one;
	}
	one->decision = *decision; /* the newest look at the same */
	one->expires_at = Min(one->expires_at, expires_at);
}

void
lpr_run_shows(const LprDecision *decision, TimestampTz expires_at)
{
	/* What is not kept in the cache is kept by no statement for longer than that either. */
	if (expires_at == 0)
		expires_at = decision->decided_at + USECS_PER_DAY;
	for (const LprRun *run = running; run != NULL; run = run->outer)
		keep(run->estate, decision, expires_at);
	if (expires_at < DT_NOEND)
		lpr_held_until(expires_at);
}

static void
refuse_expired(const LprDecision *decision)
{
	const char *message = "the rows of this answer have expired";

	lpr_audit_refusal((LprAuditEntry){.facts = {.event = decision->event, .mode = decision->mode},
									  .source = decision->source,
									  .ask = decision->ask,
									  .control = "C2"},
					  LPR_ERRCODE_EXPIRED, message);
	ereport(ERROR, (errcode(LPR_ERRCODE_EXPIRED), errmsg("%s", message),
					errdetail("What was not saved is not shown after its time, by a cursor as little as by the cache."),
					errhint("CLOSE the cursor, and ask again.")));
}

void
lpr_run_begin(LprRun *run, EState *estate)
{
	for (Kept *one = kept; one != NULL; one = one->next)
	{
		if (one->estate != estate)
			continue;
		if (GetCurrentTimestamp() >= one->expires_at)
			refuse_expired(&one->decision);
		lpr_decision_check(&one->decision);
	}
	run->estate = estate;
	run->outer = running;
	running = run;
}

void
lpr_run_end(LprRun *run)
{
	running = run->outer;
}

const LprRun *
lpr_run_current(void)
{
	return running;
}
