/*
 * saved_shown.c: lpr_data.shown_reads(): the reads that can be saved, out of one's own answers that have not expired.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "cache/cache_read.h"
#include "cache/cache_table.h"
#include "format/tree.h"
#include "gate/answer.h"
#include "server/data.h"
#include "server/read_value.h"

PG_FUNCTION_INFO_V1(lpr_saved_shown_reads);

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
collect_shown_answer(const LprCacheAnswer *answer, void *arg)
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

/* Columns of lpr_data.shown_reads(): those of core/read_columns.h that are saved, and these. */
enum
{
	SHOWN_ASK = LPR_COLUMNS_OF_READ,
	SHOWN_ANSWER,
	SHOWN_FETCHED_AT,
	SHOWN_MATCHED_HOW,
	SHOWN_PLACE_CERTAINTY,
	SHOWN_SALT,
	SHOWN_DETAILS,
	SHOWN_DIGEST,
	SHOWN_PLACE,
	SHOWN_PROOF,
	SHOWN_COLUMNS
};

static const struct
{
	const char *name;
	Oid type;
} besides[SHOWN_COLUMNS - LPR_COLUMNS_OF_READ] = {
	{"ask", INT8OID},         {"answer", INT8OID},          {"fetched_at", TIMESTAMPTZOID},
	{"matched_how", TEXTOID}, {"place_certainty", TEXTOID}, {"salt", BYTEAOID},
	{"details", BYTEAOID},    {"digest", BYTEAOID},         {"place", INT8OID},
	{"proof", BYTEAOID},
};

/* Which of ours each column of the result is, by its name. */
static void
find_shown_columns(TupleDesc desc, int which[SHOWN_COLUMNS])
{
	int expected = 0, found = 0;

	for (int i = 0; i < SHOWN_COLUMNS && desc->natts <= SHOWN_COLUMNS; i++)
	{
		bool own = i < LPR_COLUMNS_OF_READ;
		const char *name = own ? lpr_columns[i].name : besides[i - LPR_COLUMNS_OF_READ].name;
		Oid type = own ? lpr_column_types[i] : besides[i - LPR_COLUMNS_OF_READ].type;

		if (own && !(lpr_columns[i].where & LPR_IS_SAVED))
			continue;
		expected++;
		for (int at = 0; at < desc->natts; at++)
		{
			Form_pg_attribute attribute = TupleDescAttr(desc, at);

			if (strcmp(NameStr(attribute->attname), name) != 0 || attribute->atttypid != type)
				continue;
			which[at] = i;
			found++;
		}
	}
	if (found != expected || found != desc->natts)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("function lpr_data.shown_reads is not what this library knows"),
						errhint("ALTER EXTENSION lpr UPDATE;")));
}

/* One row; the proof is added when all leaves have gone by. */
static void
shown_row(const LprCacheAnswer *answer, const LprRead *read, const uint8 *salt, const LprDigest *details,
		  const LprDigest *leaf, int64 place, Datum *values, bool *nulls)
{
	memset(nulls, 0, SHOWN_COLUMNS * sizeof(bool));
	for (int i = 0; i < LPR_COLUMNS_OF_READ; i++)
		if (lpr_columns[i].where & LPR_IS_SAVED)
			values[i] = lpr_read_value(read, i, &nulls[i]);
	values[SHOWN_ASK] = Int64GetDatum(answer->ask);
	values[SHOWN_ANSWER] = Int64GetDatum(answer->answer);
	values[SHOWN_FETCHED_AT] = lpr_read_fetched_at(answer->fetched_at);
	values[SHOWN_MATCHED_HOW] =
		lpr_read_matched_how(read, answer->matched != LPR_MATCHED_NOTHING,
							 answer->matched == LPR_MATCHED_PLATE_AND_REGION, &nulls[SHOWN_MATCHED_HOW]);
	values[SHOWN_PLACE_CERTAINTY] = lpr_read_place_certainty(read);
	values[SHOWN_SALT] = lpr_data_bytes(salt, LPR_SALT_LEN);
	values[SHOWN_DETAILS] = lpr_data_bytes(details->bytes, LPR_DIGEST_LEN);
	values[SHOWN_DIGEST] = lpr_data_bytes(leaf->bytes, LPR_DIGEST_LEN);
	values[SHOWN_PLACE] = Int64GetDatum(place);
}

/* Puts a row out, its columns in the order of the result. */
static void
put_row(Tuplestorestate *store, TupleDesc desc, const int *which, const Datum *values, const bool *nulls)
{
	Datum ordered[SHOWN_COLUMNS];
	bool isnull[SHOWN_COLUMNS];

	for (int at = 0; at < desc->natts; at++)
	{
		ordered[at] = values[which[at]];
		isnull[at] = nulls[which[at]];
	}
	tuplestore_putvalues(store, desc, ordered, isnull);
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

/*
 * Whether a read of a cached answer was among what was shown for the question: its window, as far as it was read; or of
 * what a display found, by its place.
 */
static bool
was_shown(const LprCacheAnswer *answer, const LprRead *read, int64 place, int64 *shown)
{
	if (answer->nplaces > 0)
	{
		while (*shown < answer->nplaces && answer->places[*shown] < place)
			(*shown)++;
		return *shown < answer->nplaces && answer->places[*shown] == place;
	}
	if (read->captured_at < answer->since || read->captured_at > answer->until)
		return false;
	return (*shown)++ < answer->shown;
}

/* The wanted reads of one answer. All of its reads go by, for the proofs. */
static void
search_answer(const LprCacheAnswer *answer, HTAB *wanted, Tuplestorestate *store, TupleDesc desc, const int *which)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lpr shown reads", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	LprCacheRead *walk = lpr_cache_read(context, answer);
	Search *search = palloc0(sizeof(Search));
	List *rows = NIL;
	LprSalts salts;
	LprDigest details, leaf, root;
	LprRead read;
	int64 shown = 0;
	bool gone = false, good;

	search->callback = (MemoryContextCallback){.func = free_search, .arg = search};
	MemoryContextRegisterResetCallback(context, &search->callback);
	lpr_salts_start(&salts, answer->seed);
	search->inclusions = lpr_inclusions_new();
	good = search->inclusions != NULL;
	for (int64 place = 0; good && place < answer->reads && lpr_cache_read_next(walk, &read, &gone); place++)
	{
		const uint8 *salt = lpr_salts_at(&salts, (uint64) place);
		bool proved = was_shown(answer, &read, place, &shown) && is_wanted(wanted, read.id);
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

		row->values[SHOWN_PROOF] = lpr_data_bytes(path.data, path.len);
		put_row(store, desc, which, row->values, row->nulls);
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
	int which[SHOWN_COLUMNS];
	ListCell *cell;

	InitMaterializedSRF(fcinfo, 0);
	find_shown_columns(result->setDesc, which);
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
	lpr_cache_table_shown(GetUserNameFromId(GetAuthenticatedUserId(), false), PG_GETARG_INT64(0), collect_shown_answer,
						  &answers);
	list_sort(answers.list, newest_first);
	foreach (cell, answers.list)
		search_answer(lfirst(cell), wanted, result->setResult, result->setDesc, which);
	return (Datum) 0;
}
