/*
 * watch_round.c: a round: one source is asked for all plates that are watched there, in lists of what its dialect
 * takes, several in flight; what it tells is kept until all of it is there, or enough.
 *
 * A vendor that tells what it received is asked since a mark, one for all lists. Marks are the vendor's words and
 * cannot be compared: so the first list is asked alone, and the mark behind its last page is where the next round
 * begins, since no other request went out before. What the others tell from behind it comes once more, and is known.
 *
 * Of another vendor a round asks what cameras saw since the last one and some minutes before, and now and then of 48
 * hours, for what is handed over late.
 */
#include "watch/watch_internal.h"

#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "format/payload.h"
#include "gate/answer.h"
#include "gate/gate.h"
#include "source/ask.h"

#define FLIGHT_MOST 16
#define READS_MOST  20000 /* then what there is is stored, before more is asked */
#define ONE_BY_ONE  200   /* plates of a list that takes a request each */
#define SWEEP_US    (48 * USECS_PER_HOUR)
#define STATUS_GONE 410 /* the mark is known no more */

typedef enum RoundKind
{
	ROUND_MARK,     /* there is no mark yet: one is asked for */
	ROUND_RECEIVED, /* what was received since it */
	ROUND_WINDOW,   /* what was captured since the last round */
	ROUND_SWEEP,    /* … in 48 hours */
	ROUND_GAP       /* … since the vendor lost our mark */
} RoundKind;

static const char *const kind_names[] = {
	[ROUND_MARK] = "mark",   [ROUND_RECEIVED] = "received", [ROUND_WINDOW] = "window",
	[ROUND_SWEEP] = "sweep", [ROUND_GAP] = "gap",
};

/* A list that was asked in part. */
typedef struct Unfinished
{
	int list;
	char *since;
} Unfinished;

/* What a round left: lists of its set, of which only what is still watched is asked. */
typedef struct LprWatchRest
{
	MemoryContext context;
	const char **plates;
	int nplates;
	int next_list;
	int nunfinished;
	Unfinished unfinished[FLIGHT_MOST];
	char *mark_to; /* NULL: the first list is among the unfinished */
} LprWatchRest;

/* A list on its way. */
typedef struct Flight
{
	LprAsk *ask;
	MemoryContext context;
	LprQuery query;
	int list;
	bool has_hold; /* the round's own of the source: of the first, which may fetch the cameras anew */
} Flight;

typedef struct KeptRead
{
	struct KeptRead *next;
	LprRead read;
} KeptRead;

struct LprWatchRound
{
	MemoryContext context;
	MemoryContext set; /* of the plates, if they are not the source's own */
	LprSource *source;
	RoundKind kind;
	LprMoment from;
	TimestampTz began_at;
	int64 ask;
	char reference[LPR_REFERENCE_ROOM];
	LprQueryStats stats;
	const char **plates;
	int nplates;
	int list_size;
	int nlists;
	int next_list;
	int nunfinished;
	Unfinished unfinished[FLIGHT_MOST];
	char *mark_to; /* behind the first list; "" = it told none; NULL = it is not over */
	int wanted;    /* lists in flight */
	Flight flights[FLIGHT_MOST];
	KeptRead *first;
	KeptRead **last;
	int64 nreads;
	bool full;
	bool failed;
	bool gone; /* the mark */
	bool over;
};

static bool
by_mark(const LprWatchRound *round)
{
	return round->kind == ROUND_MARK || round->kind == ROUND_RECEIVED;
}

/* ---- beginning ---- */

static RoundKind
kind_of(const LprWatched *watched, const LprDialect *dialect, TimestampTz now, LprMoment *from)
{
	TimestampTz last = watched->asked_at != 0 ? watched->asked_at : now;

	*from = LPR_MOMENT_NONE;
	if (dialect->received_plates > 0)
	{
		if (watched->mark == NULL)
			return ROUND_MARK;
		if (watched->gap_since == 0)
			return ROUND_RECEIVED;
		*from = watched->gap_since - SWEEP_US;
		return ROUND_GAP;
	}
	/* Of what was not watched before there is nothing late. */
	if (watched->asked_at != 0 && now - watched->swept_at >= watched->sweep_min * USECS_PER_MINUTE)
	{
		*from = Min(last, now) - SWEEP_US;
		return ROUND_SWEEP;
	}
	*from = Min(last, now) - watched->overlap_min * USECS_PER_MINUTE;
	return ROUND_WINDOW;
}

static void
take_rest(LprWatched *watched, LprWatchRound *round)
{
	LprWatchRest *rest = watched->rest;

	if (rest == NULL)
	{
		round->plates = watched->plates;
		round->nplates = watched->nplates;
		return;
	}
	round->set = rest->context;
	round->plates = rest->plates;
	round->nplates = rest->nplates;
	round->next_list = rest->next_list;
	round->nunfinished = rest->nunfinished;
	memcpy(round->unfinished, rest->unfinished, sizeof(rest->unfinished));
	round->mark_to = rest->mark_to;
	MemoryContextSetParent(round->set, round->context);
	watched->rest = NULL;
}

static void
put_on_record(const LprWatched *watched, LprWatchRound *round)
{
	LprText payload = {0};
	LprReceipt receipt;
	LprAuditEntry entry = {
		.kind = LPR_AUDIT_ASK,
		.source = watched->name,
		.facts = {.mode = LPR_MODE_DISPLAY},
	};

	lpr_payload_open(&payload);
	lpr_payload_text(&payload, "round", kind_names[round->kind]);
	lpr_payload_integer(&payload, "set", watched->set_id);
	lpr_payload_integer(&payload, "items", watched->items);
	lpr_payload_integer(&payload, "plates", watched->nplates);
	lpr_payload_hex(&payload, "digest", watched->digest.bytes, LPR_DIGEST_LEN);
	lpr_payload_moment(&payload, "from", round->from);
	lpr_audit_set_payload(&entry, &payload);
	lpr_audit_await(lpr_audit_send(&entry), &receipt);
	round->ask = receipt.number;
	lpr_gate_reference(&receipt, round->reference);
}

/* What a source that is not set up as it should be is, is told by its own kind of record: none is asked. */
static LprSource *
hold_source(const LprWatched *watched)
{
	LprFault fault = {0};
	LprSource *source = lpr_source_hold(watched->server, BOOTSTRAP_SUPERUSERID, &fault);

	if (source == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_ERROR), errmsg("source \"%s\" cannot be asked for what displays watch: %s",
														   watched->name, fault.message)));
	if (source->options.dialect->needs_register ? !source->site.has_cameras : source->site.placed == NULL)
		lpr_source_load_register(source);
	return source;
}

static int
list_size(const LprDialect *dialect, bool received)
{
	if (received)
		return dialect->received_plates;
	if (dialect->by_camera)
		return 1;
	return dialect->plates_per_leg > 1 ? dialect->plates_per_leg : ONE_BY_ONE;
}

bool
lpr_watch_round_begin(LprWatched *watched)
{
	MemoryContext context;
	LprWatchRound *round;
	const LprDialect *dialect;

	if (watched->nplates == 0)
		return false;
	context = AllocSetContextCreate(TopMemoryContext, "lpr watch round", ALLOCSET_DEFAULT_SIZES);
	round = MemoryContextAllocZero(context, sizeof(LprWatchRound));
	round->context = context;
	watched->round = round; /* from here on it is dropped with an error */
	round->last = &round->first;
	round->began_at = GetCurrentTimestamp();
	round->source = hold_source(watched);
	dialect = round->source->options.dialect;
	round->kind = kind_of(watched, dialect, round->began_at, &round->from);
	take_rest(watched, round);
	round->list_size = list_size(dialect, by_mark(round));
	round->nlists = round->kind == ROUND_MARK ? 1 : (round->nplates + round->list_size - 1) / round->list_size;
	round->wanted = Max(Min(round->source->options.parallel, FLIGHT_MOST), 1);
	round->stats.source = watched->name;
	round->stats.dialect = dialect->name;
	round->stats.asked_at = round->began_at;
	lpr_answer_begin_round(context, &round->stats);
	put_on_record(watched, round);
	return true;
}

/* ---- under way ---- */

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* The plates of a list that are watched still. */
static const char **
plates_of(const LprWatched *watched, const LprWatchRound *round, int list, MemoryContext context, int *n)
{
	int first = list * round->list_size;
	int end = Min(first + round->list_size, round->nplates);
	const char **plates = MemoryContextAlloc(context, Max(end - first, 1) * sizeof(char *));

	*n = 0;
	for (int i = first; i < end; i++)
		if (round->set == NULL ||
			bsearch(&round->plates[i], watched->plates, watched->nplates, sizeof(char *), by_text) != NULL)
			plates[(*n)++] = round->plates[i];
	return plates;
}

static void
start_list(LprWatched *watched, LprWatchRound *round, Flight *flight, int list, const char *since)
{
	TimestampTz now = GetCurrentTimestamp();

	flight->context = AllocSetContextCreate(round->context, "lpr watch list", ALLOCSET_SMALL_SIZES);
	flight->list = list;
	flight->query = (LprQuery){
		.mode = LPR_MODE_PLATE,
		.from = by_mark(round) ? lpr_five_years_before(now) : round->from,
		.until = now + LPR_CLOCK_SKEW,
		.asked_at = now,
		.received = by_mark(round),
		.mark = since,
	};
	flight->query.plates = plates_of(watched, round, list, flight->context, &flight->query.nplates);
	strlcpy(flight->query.reference, round->reference, LPR_REFERENCE_ROOM);
	/* The mark of the first list is that of all: somebody is asked for it, whoever is watched still. */
	if (flight->query.nplates == 0 && round->mark_to == NULL && watched->nplates > 0)
		flight->query.plates[flight->query.nplates++] = watched->plates[0];
	if (flight->query.nplates == 0)
	{
		MemoryContextDelete(flight->context);
		return;
	}
	flight->has_hold = round->mark_to == NULL;
	if (!flight->has_hold)
		lpr_source_share(round->source);
	flight->ask = lpr_ask_start(flight->context, NULL, round->source, &flight->query, &round->stats);
}

/* Starts what may be: the first list alone, for its mark, and so that one signs in. Whether anything was. */
static bool
start_lists(LprWatched *watched, LprWatchRound *round)
{
	bool started = false;
	bool alone = round->mark_to == NULL;

	for (int i = 0; i < round->wanted && !round->full && !round->failed; i++)
	{
		Flight *flight = &round->flights[i];

		if (flight->ask != NULL)
		{
			if (alone)
				break;
			continue;
		}
		if (round->nunfinished > 0)
		{
			Unfinished next = round->unfinished[0];

			memmove(round->unfinished, round->unfinished + 1, --round->nunfinished * sizeof(Unfinished));
			start_list(watched, round, flight, next.list, next.since);
		}
		else if (round->next_list < round->nlists)
			start_list(watched, round, flight, round->next_list++, watched->mark);
		else
			break;
		started = true;
		if (alone)
			break;
	}
	return started;
}

static char *
keep_text(MemoryContext context, LprSlice slice)
{
	char *copy = MemoryContextAlloc(context, slice.len + 1);

	memcpy(copy, slice.data, slice.len);
	copy[slice.len] = '\0';
	return copy;
}

/* A page does not outlive the next one. */
static void
keep_read(LprWatchRound *round, const LprRead *read)
{
	KeptRead *kept = MemoryContextAlloc(round->context, sizeof(KeptRead));
	LprRead *copy = &kept->read;
	LprSlice *const slices[] = {&copy->id,           &copy->plate_as_read, &copy->camera_id,     &copy->camera_owner,
								&copy->camera_type,  &copy->address,       &copy->camera_region, &copy->country,
								&copy->make,         &copy->model,         &copy->color,         &copy->plate_image,
								&copy->vehicle_image};

	kept->next = NULL;
	*copy = *read;
	for (size_t i = 0; i < lengthof(slices); i++)
		if (slices[i]->data != NULL)
			slices[i]->data = keep_text(round->context, *slices[i]);
	*round->last = kept;
	round->last = &kept->next;
	if (++round->nreads >= READS_MOST && by_mark(round))
		round->full = true;
}

/* The rest of a list is for later: from its last whole page on. */
static void
put_back(LprWatched *watched, LprWatchRound *round, Flight *flight)
{
	LprAskEnd end = lpr_ask_how_ended(flight->ask);
	const char *since = end.mark != NULL ? end.mark : watched->mark;

	if (round->nunfinished < FLIGHT_MOST)
		round->unfinished[round->nunfinished++] =
			(Unfinished){flight->list, since != NULL ? MemoryContextStrdup(round->context, since) : NULL};
}

static void
end_list(LprWatched *watched, LprWatchRound *round, Flight *flight)
{
	LprAskEnd end = lpr_ask_how_ended(flight->ask);

	if (end.failed)
	{
		round->failed = true;
		round->gone = round->gone || (by_mark(round) && end.status == STATUS_GONE);
	}
	else if (by_mark(round) && end.cut)
		put_back(watched, round, flight); /* its pages were as many as a question may have */
	else if (round->mark_to == NULL)
		round->mark_to = MemoryContextStrdup(round->context, end.mark != NULL ? end.mark : "");
}

static void
close_flight(LprWatchRound *round, Flight *flight)
{
	if (flight->ask == NULL)
		return;
	if (flight->has_hold)
		lpr_source_share(round->source);
	flight->has_hold = false;
	lpr_ask_stop(flight->ask);
	flight->ask = NULL;
	MemoryContextDelete(flight->context);
}

static bool
step_list(LprWatched *watched, LprWatchRound *round, Flight *flight)
{
	bool moved = false;

	while (!round->full && !round->failed)
	{
		LprRead read;

		switch (lpr_ask_step(flight->ask, &read))
		{
			case LPR_ASK_STEP_READ:
				keep_read(round, &read);
				moved = true;
				break;
			case LPR_ASK_STEP_WAIT:
				return moved;
			case LPR_ASK_STEP_END:
				end_list(watched, round, flight);
				close_flight(round, flight);
				return true;
		}
	}
	return moved;
}

bool
lpr_watch_round_step(LprWatched *watched)
{
	LprWatchRound *round = watched->round;
	bool moved = false;
	bool busy = false;

	if (round->over)
		return false;
	moved = start_lists(watched, round);
	for (int i = 0; i < round->wanted; i++)
		if (round->flights[i].ask != NULL)
			moved |= step_list(watched, round, &round->flights[i]);
	for (int i = 0; i < round->wanted; i++)
	{
		Flight *flight = &round->flights[i];

		if (flight->ask != NULL && round->full)
			put_back(watched, round, flight);
		if (round->full || round->failed)
			close_flight(round, flight);
		busy = busy || flight->ask != NULL;
	}
	round->over =
		!busy && (round->full || round->failed || (round->next_list >= round->nlists && round->nunfinished == 0));
	return moved || round->over;
}

bool
lpr_watch_round_over(const LprWatched *watched)
{
	return watched->round->over;
}

bool
lpr_watch_round_failed(const LprWatched *watched)
{
	return watched->round->failed;
}

void
lpr_watch_round_break_off(LprWatched *watched)
{
	LprWatchRound *round = watched->round;
	LprFault *fault = &round->stats.fault;

	for (int i = 0; i < FLIGHT_MOST; i++)
		close_flight(round, &round->flights[i]);
	round->failed = round->over = true;
	if (fault->message[0] == '\0')
		lpr_fault(fault, LPR_STATE_VENDOR, "an error broke the round off: the server's log tells which");
}

void
lpr_watch_round_keep_set(LprWatched *watched)
{
	LprWatchRound *round = watched->round;

	if (round->set != NULL)
		MemoryContextDelete(watched->set);
	else
	{
		round->set = watched->set;
		MemoryContextSetParent(round->set, round->context);
	}
	watched->set = NULL;
}

/* ---- its end ---- */

static void
count(LprText *payload, const char *key, int64 number)
{
	if (number != 0)
		lpr_payload_integer(payload, key, number);
}

static void
describe(LprText *payload, const LprWatchRound *round, const LprHitCounts *counts)
{
	const LprQueryStats *stats = &round->stats;
	bool told = stats->received > 0;

	lpr_payload_open(payload);
	lpr_payload_text(payload, "outcome", round->failed ? "failed" : round->full ? "in part" : "complete");
	lpr_payload_integer(payload, "requests", stats->requests);
	lpr_payload_hex(payload, "sent", lpr_answer_round_sent(stats)->bytes, LPR_DIGEST_LEN);
	count(payload, "retries", stats->retries);
	lpr_payload_integer(payload, "bytes", stats->bytes);
	if (told) /* most rounds bring nothing, and their records are to be small */
		lpr_hit_describe(payload, counts);
	lpr_payload_double(payload, "milliseconds", (double) (GetCurrentTimestamp() - round->began_at) / 1000.0);
	if (round->failed || stats->outcome == LPR_OUTCOME_CUT)
		lpr_payload_text(payload, "message", stats->fault.message);
}

static Datum
moment_or_null(TimestampTz moment, char *is_null)
{
	*is_null = moment == 0 ? 'n' : ' ';
	return TimestampTzGetDatum(moment);
}

static void
move_mark(LprWatched *watched, const LprWatchRound *round)
{
	Oid types[] = {TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	char nulls[] = "     ";
	Datum args[lengthof(types)];
	bool told = by_mark(round) && round->mark_to != NULL && round->mark_to[0] != '\0';
	const char *mark = told ? round->mark_to : watched->mark;
	TimestampTz gap_since = round->kind == ROUND_GAP ? 0 : watched->gap_since;
	bool sweeps = round->kind == ROUND_SWEEP || (round->kind == ROUND_WINDOW && watched->swept_at == 0);
	TimestampTz swept_at = sweeps ? round->began_at : watched->swept_at;

	if (round->gone) /* the next one asks for another mark, and the one after that for what was between */
	{
		mark = NULL;
		gap_since = watched->gap_since != 0 ? watched->gap_since : watched->asked_at;
	}
	nulls[1] = mark == NULL ? 'n' : ' ';
	args[0] = CStringGetTextDatum(watched->name);
	args[1] = nulls[1] == 'n' ? (Datum) 0 : CStringGetTextDatum(mark);
	args[2] = TimestampTzGetDatum(round->gone ? watched->asked_at : round->began_at);
	args[3] = moment_or_null(swept_at, &nulls[3]);
	args[4] = moment_or_null(gap_since, &nulls[4]);
	SPI_connect();
	if (SPI_execute_with_args("SELECT lpr_data.move_watch_mark($1, $2, $3, $4, $5)", lengthof(types), types, args,
							  nulls, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not move the mark of source \"%s\"", watched->name);
	SPI_finish();
}

/* What is left goes on at once, with the set that is watched by then. */
static void
leave_rest(LprWatched *watched, LprWatchRound *round)
{
	MemoryContext context = round->set != NULL ? round->set : watched->set;
	LprWatchRest *rest = MemoryContextAllocZero(context, sizeof(LprWatchRest));

	rest->context = context;
	rest->plates = round->plates;
	rest->nplates = round->nplates;
	rest->next_list = round->next_list;
	rest->nunfinished = round->nunfinished;
	for (int i = 0; i < round->nunfinished; i++)
		rest->unfinished[i] = (Unfinished){
			round->unfinished[i].list,
			round->unfinished[i].since != NULL ? MemoryContextStrdup(context, round->unfinished[i].since) : NULL};
	rest->mark_to = round->mark_to != NULL ? MemoryContextStrdup(context, round->mark_to) : NULL;
	MemoryContextSetParent(context, watched->context);
	if (context == watched->set)
		watched->set = NULL; /* read anew */
	watched->rest = rest;
}

void
lpr_watch_round_end(LprWatched *watched)
{
	LprWatchRound *round = watched->round;
	LprHitCounts counts = {.oldest = LPR_MOMENT_NONE, .newest = LPR_MOMENT_NONE};
	LprText payload = {0};
	LprReceipt receipt;
	LprAuditEntry entry = {
		.kind = LPR_AUDIT_ANSWER,
		.source = watched->name,
		.ask = round->ask,
		.facts = {.mode = LPR_MODE_DISPLAY},
		.sqlstate = round->failed ? round->stats.fault.sqlstate : NULL,
	};

	if (round->nreads > 0)
	{
		LprHitStore *store = lpr_hit_store_begin(CurrentMemoryContext, watched->name, round->ask);

		for (KeptRead *kept = round->first; kept != NULL; kept = kept->next)
			lpr_hit_store_add(store, &kept->read);
		lpr_hit_store_end(store, &counts);
	}
	/* What no question would show was counted on its way; it does not come as far as the store. */
	counts.told = round->stats.received;
	for (int i = 0; i < LPR_DROPS; i++)
		counts.drops[i] += round->stats.drops[i];
	watched->has_hits = counts.hits > 0;
	describe(&payload, round, &counts);
	lpr_audit_set_payload(&entry, &payload);
	/* First: nobody sees a hit that no record tells of. */
	lpr_audit_await(lpr_audit_send(&entry), &receipt);
	if (round->gone || (!round->failed && !round->full))
		move_mark(watched, round);
}

void
lpr_watch_round_drop(LprWatched *watched)
{
	LprWatchRound *round = watched->round;

	if (round != NULL)
	{
		watched->round = NULL;
		for (int i = 0; i < FLIGHT_MOST; i++)
			close_flight(round, &round->flights[i]);
		if (round->over && round->full && !round->failed)
			leave_rest(watched, round);
		if (round->source != NULL)
			lpr_source_release(round->source);
		MemoryContextDelete(round->context);
	}
}
