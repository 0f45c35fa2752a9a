/*
 * saved.c: what lpr.save() and lpr.event_reads() need of the library: the gate, one's own fresh answers, images.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "gate/answer.h"
#include "audit/audit.h"
#include "cache/cache_table.h"
#include "cache/cache_read.h"
#include "server/errors.h"
#include "gate/gate.h"
#include "source/image.h"
#include "policy/statement_guard.h"
#include "format/payload.h"
#include "format/tree.h"

#define IMAGES_AT_ONCE 8

PG_FUNCTION_INFO_V1(lpr_saved_pass_gate);
PG_FUNCTION_INFO_V1(lpr_saved_pass_verb);
PG_FUNCTION_INFO_V1(lpr_saved_note_answer);
PG_FUNCTION_INFO_V1(lpr_saved_shown_reads);
PG_FUNCTION_INFO_V1(lpr_saved_fetch_images);

static int64
send_and_wait(LprAuditEntry entry, LprText *payload, LprReceipt *receipt)
{
	lpr_audit_set_payload(&entry, payload);
	lpr_audit_await(lpr_audit_send(&entry), receipt);
	return receipt->number;
}

static int64
pass_gate(FunctionCallInfo fcinfo)
{
	LprText payload = {0};
	LprReceipt receipt;
	TimestampTz now = GetCurrentTimestamp();
	LprAuditEntry entry = {
		.kind = LPR_AUDIT_ASK,
		.facts = {.mode = LPR_MODE_SAVED, .from = now, .until = now},
	};

	if (!PG_ARGISNULL(0))
		entry.facts.event = (LprEvent){true, PG_GETARG_INT64(0)};
	lpr_payload_open(&payload);
	lpr_audit_describe_what(&payload, PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1)));
	lpr_audit_describe_session(&payload);
	(void) send_and_wait(entry, &payload, &receipt);
	if (receipt.refused)
	{
		const char *message, *detail, *hint;

		lpr_gate_texts(&receipt, &message, &detail, &hint);
		error_context_stack = NULL; /* where in our functions it was found tells a person nothing */
		ereport(ERROR, (errcode(MAKE_SQLSTATE(receipt.sqlstate[0], receipt.sqlstate[1], receipt.sqlstate[2],
											  receipt.sqlstate[3], receipt.sqlstate[4])),
						errmsg("%s", message), errdetail("%s", detail), errhint("%s", hint)));
	}
	return receipt.number;
}

/* Of what shows: from now on its statement writes nothing. */
Datum
lpr_saved_pass_gate(PG_FUNCTION_ARGS)
{
	lpr_statement_guard_check(NULL, NULL);
	PG_RETURN_INT64(pass_gate(fcinfo));
}

/* Of a verb that writes: what it was given is not what its statement was shown. */
Datum
lpr_saved_pass_verb(PG_FUNCTION_ARGS)
{
	lpr_statement_guard_check_verb();
	PG_RETURN_INT64(pass_gate(fcinfo));
}

Datum
lpr_saved_note_answer(PG_FUNCTION_ARGS)
{
	LprText payload = {0};
	LprReceipt receipt;
	LprAuditEntry entry = {
		.kind = LPR_AUDIT_ANSWER,
		.facts = {.event = {true, PG_GETARG_INT64(1)}, .mode = LPR_MODE_SAVED},
		.ask = PG_GETARG_INT64(0),
	};

	lpr_payload_open(&payload);
	lpr_payload_text(&payload, "outcome", "complete");
	lpr_payload_integer(&payload, "reads", PG_GETARG_INT64(2));
	(void) send_and_wait(entry, &payload, &receipt);
	PG_RETURN_VOID();
}

/* ---- reads that were shown ---- */

typedef struct Wanted
{
	char id[LPR_ID_MAX + 1];
	bool found;
} Wanted;

typedef struct Answers
{
	List *list; /* LprCacheAnswer */
	const char *source;
} Answers;

static bool
collect(const LprCacheAnswer *answer, void *arg)
{
	Answers *answers = arg;
	LprCacheAnswer *copy;

	if (strcmp(answer->source, answers->source) != 0)
		return true;
	copy = palloc(sizeof(LprCacheAnswer));
	*copy = *answer;
	answers->list = lappend(answers->list, copy);
	return true;
}

static int
newest_first(const ListCell *a, const ListCell *b)
{
	const LprCacheAnswer *left = lfirst(a);
	const LprCacheAnswer *right = lfirst(b);

	return left->ask > right->ask ? -1 : left->ask < right->ask ? 1 : 0;
}

static Datum
slice_datum(LprSlice slice, bool *isnull)
{
	*isnull = slice.data == NULL;
	return *isnull ? (Datum) 0 : PointerGetDatum(cstring_to_text_with_len(slice.data, slice.len));
}

static Datum
bytes_datum(const void *bytes, size_t len)
{
	bytea *value = palloc(VARHDRSZ + len);

	SET_VARSIZE(value, VARHDRSZ + len);
	if (len > 0)
		memcpy(VARDATA(value), bytes, len);
	return PointerGetDatum(value);
}

#define SHOWN_COLUMNS 26
#define SHOWN_PROOF   (SHOWN_COLUMNS - 1)

/* One row; the proof is added when all leaves have gone by. */
static void
shown_row(const LprCacheAnswer *answer, const LprRead *read, const uint8 *salt, const LprDigest *details,
		  const LprDigest *leaf, int64 place, Datum *values, bool *nulls)
{
	memset(nulls, 0, SHOWN_COLUMNS * sizeof(bool));
	values[0] = Int64GetDatum(answer->ask);
	values[1] = Int64GetDatum(answer->answer);
	values[2] = TimestampTzGetDatum(answer->fetched_at);
	values[3] = slice_datum(read->id, &nulls[3]);
	values[4] = PointerGetDatum(cstring_to_text_with_len(read->plate, read->plate_len));
	nulls[5] = read->plate_region[0] == '\0';
	values[5] = nulls[5] ? (Datum) 0 : CStringGetTextDatum(read->plate_region);
	values[6] = TimestampTzGetDatum(read->captured_at);
	values[7] = Float8GetDatum(read->latitude);
	values[8] = Float8GetDatum(read->longitude);
	values[9] = slice_datum(read->plate_as_read, &nulls[9]);
	values[10] = slice_datum(read->address, &nulls[10]);
	values[11] = slice_datum(read->camera_id, &nulls[11]);
	values[12] = slice_datum(read->camera_owner, &nulls[12]);
	values[13] = slice_datum(read->camera_type, &nulls[13]);
	values[14] = slice_datum(read->make, &nulls[14]);
	values[15] = slice_datum(read->model, &nulls[15]);
	values[16] = slice_datum(read->color, &nulls[16]);
	nulls[17] = !read->has_confidence;
	values[17] = Float8GetDatum(read->confidence);
	nulls[18] = answer->matched == LPR_MATCHED_NOTHING;
	values[18] = nulls[18] ? (Datum) 0
						   : CStringGetTextDatum(lpr_match_name(answer->matched == LPR_MATCHED_PLATE_AND_REGION &&
																		read->plate_region[0] == '\0'
																	? LPR_MATCH_UNKNOWN_REGION
																	: LPR_MATCH_EXACT));
	values[19] = slice_datum(read->plate_image, &nulls[19]);
	values[20] = slice_datum(read->vehicle_image, &nulls[20]);
	values[21] = bytes_datum(salt, LPR_SALT_LEN);
	values[22] = bytes_datum(details->bytes, LPR_DIGEST_LEN);
	values[23] = bytes_datum(leaf->bytes, LPR_DIGEST_LEN);
	values[24] = Int64GetDatum(place);
}

typedef struct ShownRow
{
	Datum values[SHOWN_COLUMNS];
	bool nulls[SHOWN_COLUMNS];
} ShownRow;

/* What of a search lies outside of memory contexts. */
typedef struct Search
{
	MemoryContextCallback callback;
	LprInclusions *inclusions;
	LprText scratch;
} Search;

static void
free_search(void *arg)
{
	Search *search = arg;

	lpr_inclusions_free(search->inclusions);
	lpr_text_free(&search->scratch);
}

/* Whether it is wanted, and was not found in a newer answer. */
static bool
is_wanted(HTAB *wanted, LprSlice id)
{
	char key[LPR_ID_MAX + 1] = {0};
	Wanted *one;

	if (id.len > LPR_ID_MAX)
		return false;
	memcpy(key, id.data, id.len);
	one = hash_search(wanted, key, HASH_FIND, NULL);
	if (one == NULL || one->found)
		return false;
	one->found = true;
	return true;
}

/* The wanted reads of one answer. All of its reads go by, for the proofs. */
static void
search_answer(const LprCacheAnswer *answer, HTAB *wanted, Tuplestorestate *store, TupleDesc desc)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lpr shown reads", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	LprCacheRead *walk = lpr_cache_read(context, answer);
	Search *search = palloc0(sizeof(Search));
	List *rows = NIL;
	LprSalts salts;
	LprDigest details, leaf, root;
	LprRead read;
	bool gone = false, good;

	search->callback = (MemoryContextCallback){.func = free_search, .arg = search};
	MemoryContextRegisterResetCallback(context, &search->callback);
	lpr_salts_start(&salts, answer->seed);
	search->inclusions = lpr_inclusions_new();
	good = search->inclusions != NULL;
	for (int64 place = 0; good && place < answer->reads && lpr_cache_read_next(walk, &read, &gone); place++)
	{
		const uint8 *salt = lpr_salts_at(&salts, (uint64) place);
		bool proved = is_wanted(wanted, read.id);
		ShownRow *row;

		good = lpr_answer_leaf(&read, salt, &search->scratch, &details, &leaf) &&
			   lpr_inclusions_add(search->inclusions, &leaf, proved);
		if (!proved)
			continue;
		row = palloc(sizeof(ShownRow));
		shown_row(answer, &read, salt, &details, &leaf, place, row->values, row->nulls);
		rows = lappend(rows, row);
	}
	if (!good || !lpr_inclusions_end(search->inclusions, &root))
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	for (int i = 0; !gone && i < list_length(rows); i++)
	{
		ShownRow *row = list_nth(rows, i);
		LprSlice path = lpr_inclusions_path(search->inclusions, i);

		row->values[SHOWN_PROOF] = bytes_datum(path.data, path.len);
		tuplestore_putvalues(store, desc, row->values, row->nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

Datum
lpr_saved_shown_reads(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ArrayType *ids = PG_GETARG_ARRAYTYPE_P(2);
	HASHCTL control = {.keysize = LPR_ID_MAX + 1, .entrysize = sizeof(Wanted), .hcxt = CurrentMemoryContext};
	HTAB *wanted = hash_create("lpr reads to save", 1024, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	Answers answers = {NIL, text_to_cstring(PG_GETARG_TEXT_PP(1))};
	Datum *elements;
	bool *nulls;
	int n;
	ListCell *cell;

	InitMaterializedSRF(fcinfo, 0);
	if (result->setDesc->natts != SHOWN_COLUMNS)
		elog(ERROR, "wrong number of columns");
	deconstruct_array(ids, TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		char *id = nulls[i] ? NULL : TextDatumGetCString(elements[i]);
		bool found;
		Wanted *one;

		if (id == NULL || strlen(id) > LPR_ID_MAX)
			continue;
		one = hash_search(wanted, id, HASH_ENTER, &found);
		one->found = false;
	}
	lpr_cache_table_shown(GetUserNameFromId(GetAuthenticatedUserId(), false), PG_GETARG_INT64(0), collect, &answers);
	list_sort(answers.list, newest_first);
	foreach (cell, answers.list)
		search_answer(lfirst(cell), wanted, result->setResult, result->setDesc);
	return (Datum) 0;
}

/* ---- images ---- */

Datum
lpr_saved_fetch_images(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	ForeignServer *server;
	LprFault fault = {0};
	LprSource *source;
	LprQueryStats stats = {0};
	LprHttp *https[IMAGES_AT_ONCE];
	Datum *urls;
	bool *nulls;
	int n;

	InitMaterializedSRF(fcinfo, 0);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false, TYPALIGN_INT, &urls, &nulls, &n);
	if (n == 0)
		return (Datum) 0;
	server = GetForeignServerByName(text_to_cstring(PG_GETARG_TEXT_PP(0)), false);
	source = lpr_source_hold(server->serverid, GetAuthenticatedUserId(), &fault);
	if (source == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_ERROR), errmsg("source \"%s\": %s", server->servername, fault.message)));
	PG_TRY();
	{
		for (int first = 0; first < n; first += IMAGES_AT_ONCE)
		{
			int some = Min(n - first, IMAGES_AT_ONCE);

			for (int i = 0; i < some; i++)
			{
				text *url = nulls[first + i] ? NULL : DatumGetTextPP(urls[first + i]);

				https[i] = url == NULL ? NULL
									   : lpr_image_start(source, CurrentMemoryContext,
														 (LprSlice){VARDATA_ANY(url), VARSIZE_ANY_EXHDR(url)});
			}
			for (int i = 0; i < some; i++)
			{
				bytea *image = lpr_image_take(&stats, https[i]);
				Datum values[2] = {urls[first + i], PointerGetDatum(image)};
				bool isnull[2] = {nulls[first + i], image == NULL};

				tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
				if (image != NULL)
					pfree(image);
			}
		}
	}
	PG_FINALLY();
	{
		lpr_source_release(source);
	}
	PG_END_TRY();
	return (Datum) 0;
}
