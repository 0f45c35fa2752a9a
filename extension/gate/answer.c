/*
 * answer.c: what came of a question, gathered read by read, and put into the queue at its end.
 */
#include "gate/answer.h"

#include <math.h>

#include "nodes/pg_list.h"
#include "port/pg_bswap.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/payload.h"
#include "format/tree.h"

/* Requests are collected up to this many bytes, then written down. */
#define SENT_BYTES (256 * 1024)

/* Lives with its statement; the texts are malloc'd, since they are also used while a transaction aborts. */
typedef struct LprAnswer
{
	int64 ask;
	LprEvent event;
	uint8 mode;
	char *url;
	TimestampTz asked_at;
	LprTally before; /* what the tally said when this question began */
	LprTree reads;
	int64 kept; /* the question whose answer it is; 0 = its own */
	LprText scratch;
	LprText sent;
	LprMoment oldest;
	LprMoment newest;
} LprAnswer;

/* The writer goes by the queue's order: the last of a session's records is on disk after all others. */
static LprTicket last_sent;

static void leave(LprStatement *statement);

static void
free_answer(void *arg)
{
	LprAnswer *answer = arg;

	lpr_text_free(&answer->scratch);
	lpr_text_free(&answer->sent);
}

void
lpr_answer_begin(LprStatement *statement, LprTally *tally, const LprGateQuestion *question)
{
	LprAnswer *answer = MemoryContextAllocZero(statement->context, sizeof(LprAnswer));
	MemoryContextCallback *callback = MemoryContextAllocZero(statement->context, sizeof(MemoryContextCallback));

	callback->func = free_answer;
	callback->arg = answer;
	MemoryContextRegisterResetCallback(statement->context, callback);
	answer->ask = question->receipt.number;
	answer->event = question->event;
	answer->mode = question->query->mode;
	answer->url = question->url != NULL ? MemoryContextStrdup(statement->context, question->url) : NULL;
	answer->asked_at = GetCurrentTimestamp();
	answer->before = *tally;
	statement->broken_off = leave;
	answer->oldest = answer->newest = LPR_MOMENT_NONE;
	tally->answer = answer;
}

static LprAuditEntry
entry_of(const LprTally *tally, LprAuditKind kind, const LprText *payload)
{
	const LprAnswer *answer = tally->answer;

	return (LprAuditEntry){
		.kind = kind,
		.has_event = answer->event.given,
		.event_id = answer->event.id,
		.source = tally->source,
		.mode = answer->mode,
		.ask = answer->ask,
		.sqlstate = kind == LPR_AUDIT_ANSWER && tally->outcome == LPR_OUTCOME_FAILED ? tally->fault.sqlstate : NULL,
		.payload = payload->data,
		.payload_len = payload->len,
	};
}

void
lpr_answer_sent(LprTally *tally, const char *request)
{
	LprAnswer *answer = tally->answer;

	if (answer == NULL)
		return;
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
		entry = entry_of(tally, LPR_AUDIT_SENT, &answer->scratch);
		(void) lpr_audit_send(&entry);
		answer->sent.len = 0;
	}
	lpr_payload_element(&answer->sent, request);
}

void
lpr_answer_from_cache(LprTally *tally, int64 answer)
{
	if (tally->answer != NULL)
		tally->answer->kept = answer;
}

#define LENGTH_BYTES 4
#define NUMBER_BYTES 8

static inline char *
put_length(char *to, uint32 length)
{
	uint32 bytes = pg_hton32(length);

	memcpy(to, &bytes, LENGTH_BYTES);
	return to + LENGTH_BYTES;
}

static inline char *
put_text(char *to, LprSlice text)
{
	if (text.data == NULL)
		return put_length(to, UINT32_MAX);
	to = put_length(to, (uint32) text.len);
	memcpy(to, text.data, text.len);
	return to + text.len;
}

static inline char *
put_number(char *to, bool given, int64 value)
{
	uint64 bytes = pg_hton64((uint64) value);

	if (!given)
		return put_length(to, UINT32_MAX);
	to = put_length(to, NUMBER_BYTES);
	memcpy(to, &bytes, NUMBER_BYTES);
	return to + NUMBER_BYTES;
}

/* docs/audit-format.md, "The digest of an answer". */
bool
lpr_answer_leaf(const LprRead *read, LprText *scratch, LprDigest *leaf)
{
	char *to;
	const LprSlice texts[] = {read->id,          read->plate_as_read,
							  read->camera_id,   read->camera_owner,
							  read->camera_type, read->address,
							  read->make,        read->model,
							  read->color,       {read->plate_region, strlen(read->plate_region)}};
	size_t room = lengthof(texts) * LENGTH_BYTES + 4 * (LENGTH_BYTES + NUMBER_BYTES);

	for (size_t i = 0; i < lengthof(texts); i++)
		room += texts[i].data != NULL ? texts[i].len : 0;
	scratch->len = 0;
	to = lpr_text_extend(scratch, room);
	if (to == NULL)
		return false;
	for (size_t i = 0; i < lengthof(texts); i++)
		to = put_text(to, texts[i]);
	to = put_number(to, true, read->captured_at);
	to = put_number(to, read->has_point, (int64) rint(read->latitude * 1e7));
	to = put_number(to, read->has_point, (int64) rint(read->longitude * 1e7));
	to = put_number(to, read->has_confidence, (int64) rint(read->confidence * 1e6));
	scratch->len = to - scratch->data;
	lpr_record_leaf(scratch->data, scratch->len, leaf);
	return true;
}

void
lpr_answer_read(LprTally *tally, const LprRead *read)
{
	LprAnswer *answer = tally->answer;
	LprDigest leaf;

	if (answer == NULL)
		return;
	if (!lpr_answer_leaf(read, &answer->scratch, &leaf))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	lpr_tree_add(&answer->reads, &leaf);
	if (answer->oldest == LPR_MOMENT_NONE || read->captured_at < answer->oldest)
		answer->oldest = read->captured_at;
	if (answer->newest == LPR_MOMENT_NONE || read->captured_at > answer->newest)
		answer->newest = read->captured_at;
}

static void
describe(LprText *payload, const LprTally *tally)
{
	const LprAnswer *answer = tally->answer;
	const LprTally *before = &answer->before;
	LprDigest root;
	char hex[2 * LPR_DIGEST_LEN + 1];

	lpr_payload_open(payload);
	lpr_payload_text(payload, "outcome", lpr_outcome_name(tally->outcome));
	lpr_payload_integer(payload, "reads", tally->reads - before->reads);
	lpr_payload_integer(payload, "received", tally->received - before->received);
	lpr_tree_root(&answer->reads, &root);
	lpr_hex(root.bytes, LPR_DIGEST_LEN, hex);
	lpr_payload_text(payload, "digest", hex);
	lpr_payload_moment(payload, "oldest", answer->oldest);
	lpr_payload_moment(payload, "newest", answer->newest);
	lpr_payload_json(payload, "dropped", "{");
	for (int i = 0; i < LPR_DROPS; i++)
		if (tally->drops[i] > before->drops[i])
			lpr_payload_integer(payload, lpr_drop_name(i), tally->drops[i] - before->drops[i]);
	lpr_payload_close(payload);
	lpr_payload_integer(payload, "requests", tally->requests - before->requests);
	lpr_payload_integer(payload, "retries", tally->retries - before->retries);
	lpr_payload_integer(payload, "pages", tally->pages - before->pages);
	lpr_payload_integer(payload, "bytes", tally->bytes - before->bytes);
	lpr_payload_integer(payload, "images_missing", tally->images_missing - before->images_missing);
	lpr_payload_bool(payload, "from_cache", answer->kept != 0);
	if (answer->kept != 0)
		lpr_payload_integer(payload, "kept_from", answer->kept);
	lpr_payload_double(payload, "milliseconds", (double) (GetCurrentTimestamp() - answer->asked_at) / 1000.0);
	if (tally->outcome == LPR_OUTCOME_FAILED || tally->outcome == LPR_OUTCOME_CUT)
		lpr_payload_text(payload, "message", tally->fault.message);
	lpr_payload_text(payload, "url", answer->url);
	lpr_payload_json(payload, "sent", "[");
	lpr_text_append(payload, answer->sent.data != NULL ? answer->sent.data : "", answer->sent.len);
	lpr_text_adds(payload, "]");
	lpr_payload_close(payload);
}

/* The statement was broken off: puts the records of its answers into the queue, waits for nothing, throws nothing. */
static void
leave(LprStatement *statement)
{
	for (LprTally *tally = statement->tallies; tally != NULL; tally = tally->next)
	{
		LprText payload = {0};
		LprAuditEntry entry;

		if (tally->answer == NULL)
			continue;
		if (tally->outcome < LPR_OUTCOME_STOPPED)
			tally->outcome = LPR_OUTCOME_STOPPED;
		describe(&payload, tally);
		entry = entry_of(tally, LPR_AUDIT_ANSWER, &payload);
		if (!payload.failed)
			(void) lpr_audit_leave(&entry);
		lpr_text_free(&payload);
		tally->answer = NULL;
	}
}

void
lpr_answer_end(LprTally *tally)
{
	LprAuditEntry entry;

	if (tally == NULL || tally->answer == NULL)
		return;
	tally->answer->scratch.len = 0;
	describe(&tally->answer->scratch, tally);
	if (tally->answer->scratch.failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	entry = entry_of(tally, LPR_AUDIT_ANSWER, &tally->answer->scratch);
	last_sent = lpr_audit_send(&entry);
	/* From here on it is written, whatever becomes of us. */
	lpr_text_free(&tally->answer->scratch);
	lpr_text_free(&tally->answer->sent);
	tally->answer = NULL;
}

void
lpr_answer_await(void)
{
	LprReceipt receipt;

	if (lpr_audit_pending(last_sent))
		lpr_audit_await(last_sent, &receipt);
}
