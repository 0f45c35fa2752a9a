/*
 * answer.c: what came of a question, gathered read by read, and put into the queue at its end.
 */
#include "gate/answer.h"

#include <math.h>

#include "common/pg_prng.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "core/filter.h"
#include "format/payload.h"
#include "format/tree.h"

/* Requests are collected up to this many bytes, then written down. */
#define SENT_BYTES (256 * 1024)

/* Lives with its statement; the texts are malloc'd, since they are also used while a transaction aborts. */
typedef struct LprAnswer
{
	int64 ask;
	LprEvent event;
	uint8 mode;
	LprDecision decision;
	char *url;
	TimestampTz asked_at;
	LprQueryStats before; /* what the stats said when this question began */
	LprTree reads;
	LprSalts salts;
	int64 cached_from; /* the question whose cached answer it is; 0 = none, the vendor was asked */
	LprText scratch;
	LprText sent;
	LprMoment oldest;
	LprMoment newest;
	LprSeen *plates; /* that were shown; NULL: none yet */
	int nplates;
	bool round; /* of the watcher: what went out is hashed, and nothing is shown */
	LprDigest round_sent;
} LprAnswer;

/* The writer goes by the queue's order: the last of a session's records is on disk after all others. */
static LprTicket last_sent;

static void leave_open_answers(LprStatement *statement);

static void
free_answer(void *arg)
{
	LprAnswer *answer = arg;

	lpr_text_free(&answer->scratch);
	lpr_text_free(&answer->sent);
	lpr_seen_free(answer->plates);
	answer->plates = NULL;
}

void
lpr_answer_begin(LprStatement *statement, LprQueryStats *stats, const LprGateQuestion *question, uint64 catalog)
{
	LprAnswer *answer = MemoryContextAllocZero(statement->context, sizeof(LprAnswer));
	MemoryContextCallback *callback = MemoryContextAllocZero(statement->context, sizeof(MemoryContextCallback));
	uint8_t seed[LPR_SEED_LEN];

	callback->func = free_answer;
	callback->arg = answer;
	MemoryContextRegisterResetCallback(statement->context, callback);
	answer->ask = question->receipt.number;
	answer->event = question->event;
	answer->mode = question->query->mode;
	lpr_decision_take(&answer->decision, question->source, question->query->mode, question->event, &question->receipt,
					  catalog);
	answer->url = question->url != NULL ? MemoryContextStrdup(statement->context, question->url) : NULL;
	answer->asked_at = GetCurrentTimestamp();
	answer->before = *stats;
	if (!pg_strong_random(seed, sizeof(seed)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values")));
	lpr_salts_start(&answer->salts, seed);
	statement->broken_off = leave_open_answers;
	answer->oldest = answer->newest = LPR_MOMENT_NONE;
	stats->answer = answer;
}

void
lpr_answer_begin_round(MemoryContext context, LprQueryStats *stats)
{
	LprAnswer *answer = MemoryContextAllocZero(context, sizeof(LprAnswer));

	answer->mode = LPR_MODE_DISPLAY;
	answer->round = true;
	stats->answer = answer;
}

const LprDigest *
lpr_answer_round_sent(const LprQueryStats *stats)
{
	return &stats->answer->round_sent;
}

bool
lpr_answer_is_round(const LprQueryStats *stats)
{
	return stats->answer != NULL && stats->answer->round;
}

const LprDecision *
lpr_answer_decision(const LprQueryStats *stats)
{
	return &stats->answer->decision;
}

void
lpr_answer_check(LprQueryStats *stats)
{
	if (stats->answer == NULL)
		elog(ERROR, "nothing is sent that no record tells of");
	if (!stats->answer->round) /* whose set is judged anew before each */
		lpr_decision_check(&stats->answer->decision);
}

void
lpr_answer_begin_save(MemoryContext context, LprQueryStats *stats, const LprDecision *decision)
{
	LprAnswer *answer = MemoryContextAllocZero(context, sizeof(LprAnswer));
	MemoryContextCallback *callback = MemoryContextAllocZero(context, sizeof(MemoryContextCallback));

	callback->func = free_answer;
	callback->arg = answer;
	MemoryContextRegisterResetCallback(context, callback);
	answer->ask = decision->ask;
	answer->event = decision->event;
	answer->mode = LPR_MODE_SAVED;
	answer->decision = *decision;
	stats->answer = answer;
}

static LprAuditEntry
entry_of(const LprQueryStats *stats, LprAuditKind kind, const LprText *payload)
{
	const LprAnswer *answer = stats->answer;

	return (LprAuditEntry){
		.kind = kind,
		.facts = {.event = answer->event, .mode = answer->mode, .plates = answer->nplates},
		.source = stats->source,
		.ask = answer->ask,
		.sqlstate = kind == LPR_AUDIT_ANSWER && stats->outcome == LPR_OUTCOME_FAILED ? stats->fault.sqlstate : NULL,
		.payload = payload->data,
		.payload_len = payload->len,
	};
}

void
lpr_answer_sent(LprQueryStats *stats, const char *request)
{
	LprAnswer *answer = stats->answer;

	if (answer == NULL)
		elog(ERROR, "nothing is sent that no record tells of");
	if (answer->round)
	{
		LprHash hash;

		lpr_hash_start(&hash);
		lpr_hash_add(&hash, answer->round_sent.bytes, LPR_DIGEST_LEN);
		lpr_hash_add(&hash, request, strlen(request));
		lpr_hash_end(&hash, &answer->round_sent);
		return;
	}
	if (answer->sent.len > SENT_BYTES)
	{
		LprText payload = {0};
		LprText keep = {0};
		LprAuditEntry entry;

		lpr_payload_open(&payload);
		lpr_payload_json(&payload, "sent", "[");
		lpr_text_append(&payload, answer->sent.data, answer->sent.len);
		lpr_text_adds(&payload, "]}");
		if (payload.failed)
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
		/* Sending may throw: the text becomes the answer's own first. */
		keep = answer->scratch;
		answer->scratch = payload;
		lpr_text_free(&keep);
		entry = entry_of(stats, LPR_AUDIT_SENT, &answer->scratch);
		(void) lpr_audit_send(&entry);
		answer->sent.len = 0;
	}
	lpr_payload_element(&answer->sent, request);
}

void
lpr_answer_end_save(LprQueryStats *stats, bool failed)
{
	LprAnswer *answer = stats->answer;
	LprText payload = {0};
	LprAuditEntry entry;

	if (answer == NULL || answer->sent.len == 0)
		return;
	lpr_payload_open(&payload);
	lpr_payload_text(&payload, "source", answer->decision.source);
	lpr_payload_integer(&payload, "requests", stats->requests);
	lpr_payload_integer(&payload, "retries", stats->retries);
	lpr_payload_integer(&payload, "bytes", stats->bytes);
	lpr_payload_integer(&payload, "images_missing", stats->images_missing);
	lpr_payload_json(&payload, "sent", "[");
	lpr_text_append(&payload, answer->sent.data, answer->sent.len);
	lpr_text_adds(&payload, "]");
	lpr_payload_close(&payload);
	entry = (LprAuditEntry){
		.kind = LPR_AUDIT_SENT,
		.facts = {.event = answer->event, .mode = answer->mode},
		.ask = answer->ask,
		.payload = payload.data,
		.payload_len = payload.len,
	};
	if (!payload.failed && failed)
		(void) lpr_audit_leave(&entry);
	else if (!payload.failed)
	{
		entry.payload = pnstrdup(payload.data, payload.len); /* sending may throw */
		lpr_text_free(&payload);
		last_sent = lpr_audit_send(&entry);
	}
	lpr_text_free(&payload);
	stats->answer = NULL; /* on its way: should sending have failed, it is left once more */
}

const uint8_t *
lpr_answer_seed(const LprQueryStats *stats)
{
	return stats->answer->salts.seed;
}

void
lpr_answer_from_cache(LprQueryStats *stats, int64 answer, const uint8_t seed[LPR_SEED_LEN])
{
	stats->answer->cached_from = answer;
	lpr_salts_start(&stats->answer->salts, seed);
}

/* As lpr.reads shows it, so that a saved read holds what was hashed. */
static LprSlice
shown_word(LprSlice told, char *canonical)
{
	if (told.data == NULL || told.len > LPR_TEXT_MAX)
		return (LprSlice){NULL, 0};
	return (LprSlice){canonical, lpr_word_normal(told, canonical)};
}

bool
lpr_answer_leaf(const LprRead *read, const uint8_t salt[LPR_SALT_LEN], LprText *scratch, LprDigest *details,
				LprDigest *leaf)
{
	char words[3][LPR_WORD_ROOM(LPR_TEXT_MAX)];
	const LprReadRecord record = {
		.texts =
			{
				[LPR_READ_ID] = read->id,
				[LPR_READ_PLATE] = {read->plate, read->plate_len},
				[LPR_READ_PLATE_REGION] = {read->plate_region[0] != '\0' ? read->plate_region : NULL,
										   strlen(read->plate_region)},
				[LPR_READ_PLATE_AS_READ] = read->plate_as_read,
				[LPR_READ_ADDRESS] = read->address,
				[LPR_READ_CAMERA_ID] = read->camera_id,
				[LPR_READ_CAMERA_OWNER] = read->camera_owner,
				[LPR_READ_CAMERA_TYPE] = read->camera_type,
				[LPR_READ_MAKE] = shown_word(read->make, words[0]),
				[LPR_READ_MODEL] = shown_word(read->model, words[1]),
				[LPR_READ_COLOR] = shown_word(read->color, words[2]),
			},
		.numbers =
			{
				[LPR_READ_CAPTURED_AT] = {true, read->captured_at},
				[LPR_READ_LATITUDE] = {read->has_point, llrint(read->latitude * 1e7)},
				[LPR_READ_LONGITUDE] = {read->has_point, llrint(read->longitude * 1e7)},
				[LPR_READ_CONFIDENCE] = {read->has_confidence, llrint(read->confidence * 1e6)},
			},
	};

	return lpr_read_details(&record, salt, scratch, details) && lpr_read_leaf(&record, details, scratch, leaf);
}

/* Whether it is one of the plates that are shown already, or becomes one. */
static bool
takes_plate(LprAnswer *answer, const LprRead *read, int64 most)
{
	LprSlice plate = {read->plate, read->plate_len};
	bool failed = false;

	if (answer->plates == NULL && (answer->plates = lpr_seen_new(pg_prng_uint64(&pg_global_prng_state))) == NULL)
		failed = true;
	else if (most > 0 && answer->nplates >= most)
		return lpr_seen_has(answer->plates, plate);
	else if (lpr_seen_add(answer->plates, plate, &failed))
		answer->nplates++;
	if (failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return true;
}

char *
lpr_answer_full(LprQueryStats *stats, const LprQuery *query, int64 shown, const LprRead *read)
{
	if (query->reads_max > 0 && shown == query->reads_max)
		return psprintf("Without a plate, at most " INT64_FORMAT " reads are shown for a question (Q8).",
						query->reads_max);
	if (stats->answer != NULL && !stats->answer->round && !takes_plate(stats->answer, read, query->plates_max))
		return psprintf("Without a plate, no more than " INT64_FORMAT
						" different plates are shown here (Q8): so many a question may show, or are left of the day.",
						query->plates_max);
	return NULL;
}

void
lpr_answer_read(LprQueryStats *stats, const LprRead *read, int64 place)
{
	LprAnswer *answer = stats->answer;
	LprDigest details, leaf;

	if (answer == NULL || answer->round)
		return;
	if (!lpr_answer_leaf(read, lpr_salts_at(&answer->salts, (uint64) place), &answer->scratch, &details, &leaf))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	lpr_tree_add(&answer->reads, &leaf);
	if (answer->oldest == LPR_MOMENT_NONE || read->captured_at < answer->oldest)
		answer->oldest = read->captured_at;
	if (answer->newest == LPR_MOMENT_NONE || read->captured_at > answer->newest)
		answer->newest = read->captured_at;
}

static void
describe_answer(LprText *payload, const LprQueryStats *stats)
{
	const LprAnswer *answer = stats->answer;
	const LprQueryStats *before = &answer->before;
	LprDigest root;

	lpr_payload_open(payload);
	lpr_payload_text(payload, "outcome", lpr_outcome_name(stats->outcome));
	lpr_payload_integer(payload, "reads", stats->reads - before->reads);
	lpr_payload_integer(payload, "plates_shown", answer->nplates);
	lpr_payload_integer(payload, "received", stats->received - before->received);
	lpr_tree_root(&answer->reads, &root);
	lpr_payload_hex(payload, "digest", root.bytes, LPR_DIGEST_LEN);
	lpr_payload_integer(payload, "digest_version", LPR_READ_VERSION);
	lpr_payload_moment(payload, "oldest", answer->oldest);
	lpr_payload_moment(payload, "newest", answer->newest);
	lpr_payload_json(payload, "dropped", "{");
	for (int i = 0; i < LPR_DROPS; i++)
		if (stats->drops[i] > before->drops[i])
			lpr_payload_integer(payload, lpr_drop_name(i), stats->drops[i] - before->drops[i]);
	if (stats->unmet > before->unmet)
		lpr_payload_integer(payload, "other_condition", stats->unmet - before->unmet);
	lpr_payload_close(payload);
	lpr_payload_json(payload, "odd_value", "{");
	for (int i = 0; i < stats->nodd; i++)
	{
		int64 earlier = i < before->nodd ? before->odd[i].count : 0;

		if (stats->odd[i].count > earlier)
			lpr_payload_integer(payload, stats->odd[i].member, stats->odd[i].count - earlier);
	}
	lpr_payload_close(payload);
	lpr_payload_integer(payload, "requests", stats->requests - before->requests);
	lpr_payload_integer(payload, "retries", stats->retries - before->retries);
	lpr_payload_integer(payload, "pages", stats->pages - before->pages);
	lpr_payload_integer(payload, "bytes", stats->bytes - before->bytes);
	lpr_payload_integer(payload, "images_missing", stats->images_missing - before->images_missing);
	lpr_payload_bool(payload, "from_cache", answer->cached_from != 0);
	if (answer->cached_from != 0)
		lpr_payload_integer(payload, "kept_from", answer->cached_from);
	lpr_payload_double(payload, "milliseconds", (double) (GetCurrentTimestamp() - answer->asked_at) / 1000.0);
	if (stats->outcome == LPR_OUTCOME_FAILED || stats->outcome == LPR_OUTCOME_CUT)
		lpr_payload_text(payload, "message", stats->fault.message);
	lpr_payload_text(payload, "url", answer->url);
	lpr_payload_json(payload, "sent", "[");
	lpr_text_append(payload, answer->sent.data != NULL ? answer->sent.data : "", answer->sent.len);
	lpr_text_adds(payload, "]");
	lpr_payload_close(payload);
}

/* The statement was broken off: puts the records of its answers into the queue, waits for nothing, throws nothing. */
static void
leave_open_answers(LprStatement *statement)
{
	for (LprQueryStats *stats = statement->tallies; stats != NULL; stats = stats->next)
	{
		LprText payload = {0};
		LprAuditEntry entry;

		if (stats->answer == NULL)
			continue;
		if (stats->outcome < LPR_OUTCOME_STOPPED)
			stats->outcome = LPR_OUTCOME_STOPPED;
		describe_answer(&payload, stats);
		entry = entry_of(stats, LPR_AUDIT_ANSWER, &payload);
		if (!payload.failed)
			(void) lpr_audit_leave(&entry); /* model: leave */
		lpr_text_free(&payload);
		stats->answer = NULL;
	}
}

void
lpr_answer_end(LprQueryStats *stats)
{
	LprAuditEntry entry;

	if (stats == NULL || stats->answer == NULL)
		return;
	stats->answer->scratch.len = 0;
	describe_answer(&stats->answer->scratch, stats);
	if (stats->answer->scratch.failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	entry = entry_of(stats, LPR_AUDIT_ANSWER, &stats->answer->scratch);
	last_sent = lpr_audit_send(&entry); /* model: answer */
	/* From here on it is written, even if this backend ends. */
	free_answer(stats->answer);
	stats->answer = NULL;
}

void
lpr_answer_await(void)
{
	LprReceipt receipt;

	if (lpr_audit_pending(last_sent))
		lpr_audit_await(last_sent, &receipt); /* model: await the answer */
}
