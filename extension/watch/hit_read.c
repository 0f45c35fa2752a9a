/*
 * hit_read.c: the reads of hits, out of the cache: whether they are still there, what they say, and that they were
 * shown to somebody, who may save them then.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "cache/cache_read.h"
#include "cache/cache_table.h"
#include "server/read_value.h"
#include "watch/hit.h"

PG_FUNCTION_INFO_V1(lpr_hit_is_here);
PG_FUNCTION_INFO_V1(lpr_hit_reads);
PG_FUNCTION_INFO_V1(lpr_hit_note_shown);

/* Where the read of a hit is: lpr_data.hit. */
typedef struct HitPlace
{
	int64 answer;
	int64 place;
	TimestampTz expires_at;
} HitPlace;

static bool
take_answer(const LprCacheAnswer *answer, void *arg)
{
	*(LprCacheAnswer *) arg = *answer;
	return false;
}

/* What an ask brought, as far as it is in the cache; false: it is gone. */
static bool
find_answer(int64 ask, TimestampTz expires_at, LprCacheAnswer *answer)
{
	LprDigest key;

	lpr_hit_key(ask, &key);
	answer->ask = 0;
	lpr_cache_table_find_at(&key, expires_at, take_answer, answer);
	return answer->ask == ask;
}

/* lpr_data.hit_is_here(answer bigint, expires_at timestamptz) returns boolean */
Datum
lpr_hit_is_here(PG_FUNCTION_ARGS)
{
	LprCacheAnswer answer;

	PG_RETURN_BOOL(find_answer(PG_GETARG_INT64(0), PG_GETARG_TIMESTAMPTZ(1), &answer));
}

static int
by_place(const void *a, const void *b)
{
	const HitPlace *left = a;
	const HitPlace *right = b;

	if (left->answer != right->answer)
		return left->answer < right->answer ? -1 : 1;
	return left->place < right->place ? -1 : left->place > right->place ? 1 : 0;
}

/* Three arrays of the same length, from argument `first` on: sorted, each once. */
static HitPlace *
take_pointers(FunctionCallInfo fcinfo, int first, int *n)
{
	static const Oid types[] = {INT8OID, INT8OID, TIMESTAMPTZOID};
	Datum *values[lengthof(types)];
	HitPlace *pointers;
	int lengths[lengthof(types)];
	int kept = 0;

	for (size_t i = 0; i < lengthof(types); i++)
		deconstruct_array(PG_GETARG_ARRAYTYPE_P(first + (int) i), types[i], sizeof(int64), FLOAT8PASSBYVAL,
						  TYPALIGN_DOUBLE, &values[i], NULL, &lengths[i]);
	if (lengths[0] != lengths[1] || lengths[0] != lengths[2])
		elog(ERROR, "arrays of different lengths");
	pointers = palloc((lengths[0] + 1) * sizeof(HitPlace));
	for (int i = 0; i < lengths[0]; i++)
		pointers[i] =
			(HitPlace){DatumGetInt64(values[0][i]), DatumGetInt64(values[1][i]), DatumGetTimestampTz(values[2][i])};
	qsort(pointers, lengths[0], sizeof(HitPlace), by_place);
	for (int i = 0; i < lengths[0]; i++)
		if (kept == 0 || by_place(&pointers[kept - 1], &pointers[i]) != 0)
			pointers[kept++] = pointers[i];
	*n = kept;
	return pointers;
}

/* How many of them, from the first on, are of one answer. */
static int
same_answer(const HitPlace *pointers, int n)
{
	int same = 1;

	while (same < n && pointers[same].answer == pointers[0].answer)
		same++;
	return same;
}

/* A row of the result, by the names of its columns. */
static void
put_read(ReturnSetInfo *result, const LprCacheAnswer *answer, int64 place, const LprRead *read)
{
	TupleDesc desc = result->setDesc;
	Datum *values = palloc(desc->natts * sizeof(Datum));
	bool *nulls = palloc0(desc->natts * sizeof(bool));

	for (int at = 0; at < desc->natts; at++)
	{
		const char *name = NameStr(TupleDescAttr(desc, at)->attname);
		int column = 0;

		while (column < LPR_COLUMNS_OF_READ && strcmp(lpr_columns[column].name, name) != 0)
			column++;
		if (column < LPR_COLUMNS_OF_READ)
			values[at] = lpr_read_value(read, column, &nulls[at]);
		else if (strcmp(name, "answer") == 0)
			values[at] = Int64GetDatum(answer->answer);
		else if (strcmp(name, "place") == 0)
			values[at] = Int64GetDatum(place);
		else if (strcmp(name, "place_certainty") == 0)
			values[at] = lpr_read_place_certainty(read);
		else
			elog(ERROR, "function lpr_data.hit_reads has a column \"%s\"", name);
	}
	tuplestore_putvalues(result->setResult, desc, values, nulls);
}

/* Those of one answer: the others of its reads go by. */
static void
read_answer(ReturnSetInfo *result, const HitPlace *pointers, int n)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "lpr hit reads", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	LprCacheAnswer answer;

	if (find_answer(pointers[0].answer, pointers[0].expires_at, &answer))
	{
		LprCacheRead *walk = lpr_cache_read(context, &answer);
		LprRead read;
		bool gone;

		for (int64 place = 0; n > 0 && lpr_cache_read_next(walk, &read, &gone); place++)
		{
			if (place != pointers->place)
				continue;
			put_read(result, &answer, place, &read);
			pointers++;
			n--;
		}
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* lpr_data.hit_reads(answers bigint[], places bigint[], expiries timestamptz[]) returns setof record */
Datum
lpr_hit_reads(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	HitPlace *pointers;
	int n;

	InitMaterializedSRF(fcinfo, 0);
	pointers = take_pointers(fcinfo, 0, &n);
	for (int at = 0; at < n; at += same_answer(pointers + at, n - at))
	{
		CHECK_FOR_INTERRUPTS();
		read_answer(result, pointers + at, same_answer(pointers + at, n - at));
	}
	return (Datum) 0;
}

/*
 * lpr_data.note_hits_shown(ask bigint, event bigint, answers bigint[], places bigint[], expiries timestamptz[]): to the
 * authenticated login, for the event.
 */
Datum
lpr_hit_note_shown(PG_FUNCTION_ARGS)
{
	int n;
	HitPlace *pointers = take_pointers(fcinfo, 2, &n);
	int same;

	for (int at = 0; at < n; at += same)
	{
		LprCacheAnswer answer;
		int32 places[LPR_CACHE_PLACES_MAX];

		same = Min(same_answer(pointers + at, n - at), LPR_CACHE_PLACES_MAX);
		if (!find_answer(pointers[at].answer, pointers[at].expires_at, &answer))
			continue;
		for (int i = 0; i < same; i++)
			places[i] = (int32) pointers[at + i].place;
		answer.has_key = false;
		answer.ask = PG_GETARG_INT64(0);
		answer.event_id = PG_GETARG_INT64(1);
		strlcpy(answer.login, GetUserNameFromId(GetAuthenticatedUserId(), false), NAMEDATALEN);
		answer.nplaces = same;
		answer.places = places;
		lpr_cache_table_add_answer(&answer);
	}
	PG_RETURN_VOID();
}
