/*
 * cache_told.c: what an answer left out of what the vendor sent. Who reads the cached answer is told the same as who
 * asked: reads that were dropped are no less missing the second time.
 */
#include "cache/cache_told.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

void
lpr_cache_told_start(LprCacheTold *told, const LprQueryStats *stats)
{
	memcpy(told->drops, stats->drops, sizeof(told->drops));
	memcpy(told->odd, stats->odd, sizeof(told->odd));
	told->nodd = stats->nodd;
}

void
lpr_cache_told_finish(LprCacheTold *told, const LprQueryStats *stats)
{
	LprCacheTold before = *told;

	lpr_cache_told_start(told, stats);
	for (int i = 0; i < LPR_DROPS; i++)
		told->drops[i] -= before.drops[i];
	/* A member keeps its place. */
	for (int i = 0; i < before.nodd; i++)
		told->odd[i].count -= before.odd[i].count;
}

void
lpr_cache_told_tell(const LprCacheTold *told, LprQueryStats *stats)
{
	for (int i = 0; i < LPR_DROPS; i++)
	{
		stats->drops[i] += told->drops[i];
		stats->received += told->drops[i];
	}
	lpr_query_stats_odd(stats, told->odd, told->nodd);
}

static void
add_count(JsonbParseState **state, const char *name, int64 count)
{
	JsonbValue key = {.type = jbvString};
	JsonbValue value = {.type = jbvNumeric};

	if (count == 0)
		return;
	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	value.val.numeric = int64_to_numeric(count);
	pushJsonbValue(state, WJB_KEY, &key);
	pushJsonbValue(state, WJB_VALUE, &value);
}

Datum
lpr_cache_told_dropped(const LprCacheTold *told)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < LPR_DROPS; i++)
		add_count(&state, lpr_drop_name(i), told->drops[i]);
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

Datum
lpr_cache_told_odd(const LprCacheTold *told)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < told->nodd; i++)
		add_count(&state, told->odd[i].member, told->odd[i].count);
	return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

static bool
take_dropped(LprCacheTold *told, const char *name, int len, int64 count)
{
	for (int i = 0; i < LPR_DROPS; i++)
		if (strlen(lpr_drop_name(i)) == (size_t) len && memcmp(lpr_drop_name(i), name, len) == 0)
		{
			told->drops[i] = count;
			return true;
		}
	return false;
}

static bool
take_odd(LprCacheTold *told, const char *name, int len, int64 count)
{
	LprOdd *odd = &told->odd[told->nodd];

	if (told->nodd == LPR_ODD_MAX || len >= LPR_MEMBER_MAX)
		return false;
	memcpy(odd->member, name, len);
	odd->member[len] = '\0';
	odd->count = count;
	told->nodd++;
	return true;
}

static bool
take_counts(LprCacheTold *told, Datum counts, bool (*take)(LprCacheTold *, const char *, int, int64))
{
	Jsonb *json = DatumGetJsonbP(counts);
	JsonbIterator *walk;
	JsonbIteratorToken token;
	JsonbValue name, value;

	if (!JB_ROOT_IS_OBJECT(json))
		return false;
	walk = JsonbIteratorInit(&json->root);
	while ((token = JsonbIteratorNext(&walk, &name, true)) != WJB_DONE)
	{
		if (token != WJB_KEY)
			continue;
		if (JsonbIteratorNext(&walk, &value, true) != WJB_VALUE || value.type != jbvNumeric ||
			!take(told, name.val.string.val, name.val.string.len,
				  DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value.val.numeric)))))
			return false;
	}
	return true;
}

bool
lpr_cache_told_take(LprCacheTold *told, Datum dropped, Datum odd)
{
	memset(told, 0, sizeof(*told));
	return take_counts(told, dropped, take_dropped) && take_counts(told, odd, take_odd);
}
