/*
 * cache.c: a question and the cached answers: looks for one, waits for one that is under way, caches the one that
 * comes.
 */
#include "cache/cache.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "gate/answer.h"
#include "cache/cache_write.h"
#include "cache/cache_in_flight.h"
#include "cache/cache_read.h"
#include "core/filter.h"
#include "http/http.h"

#define WAIT_MS       20
#define PROGRESS_STEP 500 /* reads */

struct LprCache
{
	LprStatement *statement;
	LprQueryStats *stats;
	const LprGateQuestion *question;
	LprCacheAnswer answer; /* found, or to be cached */
	bool hit;
	bool over;
	LprCacheRead *walk;
	LprCacheWrite *fill;
	int64 reads; /* shown, or cached, so far */
	int64 place; /* of the next read of a hit */
	bool in_flight;
};

static void
add_text(LprHash *hash, const char *text)
{
	uint32 len = text != NULL ? strlen(text) : UINT32_MAX;

	lpr_hash_add(hash, &len, sizeof(len));
	if (text != NULL)
		lpr_hash_add(hash, text, len);
}

/* All of a question but when it is asked for: that is looked at (covers). */
static void
make_key(const LprGateQuestion *question, Oid mapping, LprDigest *key)
{
	const LprQuery *query = question->query;
	int32 numbers[] = {1, (int32) mapping, query->mode, query->nplates, query->region_if_known, query->has_near};
	double near[] = {query->latitude, query->longitude, query->radius_m};
	LprHash hash;

	lpr_hash_start(&hash);
	lpr_hash_add(&hash, numbers, sizeof(numbers));
	add_text(&hash, question->source);
	add_text(&hash, question->url);
	for (int i = 0; i < query->nplates; i++)
		add_text(&hash, query->plates[i]);
	add_text(&hash, query->region);
	if (query->has_near)
		lpr_hash_add(&hash, near, sizeof(near));
	add_text(&hash, query->address);
	add_text(&hash, query->make);
	add_text(&hash, query->model);
	lpr_hash_end(&hash, key);
}

static bool
is_open(const LprQuery *query)
{
	return query->until >= query->asked_at;
}

/*
 * Whether the answer to one question holds all of another's: the time asked is no longer, and it comes in the order
 * that the plan relies on. Both being asked up to "now" is the same question, though now is later: column fetched_at
 * tells. A statement that began before the one whose answer this is asked for what has been too old since.
 */
static bool
covers(const LprCacheAnswer *answer, const LprQuery *query)
{
	if (!answer->complete ||
		(answer->since > query->from && answer->since > lpr_five_years_before(GetCurrentTimestamp())))
		return false;
	if (answer->until < query->until && !(answer->open_until && is_open(query)))
		return false;
	return query->order == LPR_ORDER_NONE || query->order == answer->sorted;
}

typedef struct Search
{
	const LprQuery *query;
	LprCacheAnswer *best;
	MemoryContext context;
	bool found;
} Search;

static bool
consider(const LprCacheAnswer *answer, void *arg)
{
	Search *search = arg;

	if (!covers(answer, search->query) || (search->found && search->best->fetched_at >= answer->fetched_at))
		return true;
	search->found = true;
	*search->best = *answer;
	return true;
}

static bool
find(LprCache *cache, const LprDigest *key)
{
	Search search = {cache->question->query, &cache->answer, CurrentMemoryContext, false};

	lpr_cache_table_find(key, consider, &search);
	return search.found;
}

/* The answer's row for this question: who was shown what for what. */
static void
describe_answer(LprCache *cache, LprCacheAnswer *answer)
{
	const LprQuery *query = cache->question->query;

	answer->ask = cache->question->receipt.number;
	strlcpy(answer->login, GetUserNameFromId(GetAuthenticatedUserId(), false), NAMEDATALEN);
	answer->event_id = cache->question->event.id;
	answer->matched = query->nplates == 0        ? LPR_MATCHED_NOTHING
					  : query->region[0] == '\0' ? LPR_MATCHED_PLATE
												 : LPR_MATCHED_PLATE_AND_REGION;
	strlcpy(answer->source, cache->question->source, NAMEDATALEN);
}

LprCache *
lpr_cache_open(MemoryContext context, LprStatement *statement, LprQueryStats *stats, const LprGateQuestion *question,
			   Oid mapping, bool refresh)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	LprCache *cache = palloc0(sizeof(LprCache));
	const LprQuery *query = question->query;
	LprDigest key;

	cache->statement = statement;
	cache->stats = stats;
	cache->question = question;
	make_key(question, mapping, &key);
	/* Images are fetched, not cached: their addresses do not last. */
	if (!refresh && !query->want_images)
	{
		cache->hit = find(cache, &key);
		while (!cache->hit && !lpr_in_flight_begin(context, &key))
		{
			lpr_http_wait(WAIT_MS);
			CHECK_FOR_INTERRUPTS();
			lpr_answer_check(stats); /* rights may end while we wait; and whoever has the turn holds up others */
			cache->hit = find(cache, &key);
		}
		cache->in_flight = !cache->hit;
		/* Between our look and our turn it may have come. */
		if (!cache->hit && find(cache, &key))
		{
			cache->hit = true;
			cache->in_flight = false;
			lpr_in_flight_end(&key);
		}
	}
	if (cache->hit)
	{
		lpr_answer_from_cache(stats, cache->answer.answer, cache->answer.seed);
		lpr_cache_told_tell(&cache->answer.told, stats);
		cache->walk = lpr_cache_read(context, &cache->answer);
	}
	else if (question->receipt.expires_at != 0)
	{
		cache->answer.has_key = true;
		memcpy(cache->answer.seed, lpr_answer_seed(stats), LPR_SEED_LEN);
		cache->answer.key = key;
		cache->answer.sorted = query->order;
		cache->answer.since = query->from;
		cache->answer.until = query->until;
		cache->answer.open_until = is_open(query);
		lpr_cache_told_start(&cache->answer.told, stats);
		describe_answer(cache, &cache->answer);
		cache->fill = lpr_cache_write(context, question->receipt.expires_at, question->receipt.number);
	}
	MemoryContextSwitchTo(old);
	return cache;
}

bool
lpr_cache_hit(const LprCache *cache)
{
	return cache->hit;
}

/*
 * What of a kept answer this login was shown for this question, and may save: never more than its own window, nor
 * further than it was read (E2).
 */
static void
note_shown(LprCache *cache)
{
	LprCacheAnswer shown = cache->answer;

	if (cache->reads == 0)
		return;
	describe_answer(cache, &shown);
	shown.has_key = false;
	shown.since = cache->question->query->from;
	shown.until = cache->question->query->until;
	shown.shown = cache->reads;
	lpr_cache_table_add_answer(&shown);
}

static bool
end_cached_answer(LprCache *cache, LprOutcome outcome, const char *why)
{
	LprQueryStats *stats = cache->stats;

	cache->over = true;
	note_shown(cache);
	if (stats->outcome < outcome)
		stats->outcome = outcome;
	stats->ended_at = GetCurrentTimestamp();
	if (why != NULL)
	{
		lpr_fault(&stats->fault, "01004", "source \"%s\" has more reads than are shown", cache->question->source);
		lpr_fault_detail(&stats->fault, "%s", why);
		lpr_fault_hint(&stats->fault, "Ask again, or for a shorter time.");
		lpr_query_stats_report(stats, WARNING);
	}
	return false;
}

bool
lpr_cache_next(LprCache *cache, LprRead *read)
{
	const LprQuery *query = cache->question->query;
	bool gone;

	if (cache->over)
		return false;
	while (lpr_cache_read_next(cache->walk, read, &gone))
	{
		LprDrop drop = lpr_filter(query, cache->statement->five_years_ago, read);
		int64 place = cache->place++;
		const char *full;

		if (drop != LPR_DROP_NONE)
			continue; /* of the wider question */
		full = lpr_answer_full(cache->stats, query, cache->reads, read);
		if (full != NULL)
			return end_cached_answer(cache, LPR_OUTCOME_CUT, full);
		cache->reads++;
		cache->stats->received++;
		cache->stats->reads++;
		lpr_answer_read(cache->stats, read, place);
		return true;
	}
	return gone ? end_cached_answer(cache, LPR_OUTCOME_CUT, "The cached answer expired while it was read.")
				: end_cached_answer(cache, LPR_OUTCOME_COMPLETE, NULL);
}

void
lpr_cache_keep(LprCache *cache, const LprRead *read, TimestampTz fetched_at)
{
	if (cache->fill == NULL)
		return;
	if (cache->answer.fetched_at == 0)
		cache->answer.fetched_at = fetched_at;
	(void) lpr_cache_write_add(cache->fill, read);
	if (cache->in_flight && ++cache->reads % PROGRESS_STEP == 0)
		lpr_in_flight_progress(&cache->answer.key);
}

void
lpr_cache_close(LprCache *cache)
{
	LprCacheWrite *fill = cache->fill;
	LprOutcome outcome = cache->stats->outcome;

	cache->fill = NULL;
	/* What was shown can be saved, but only a whole answer is shown again. A failed answer is neither. */
	if (fill != NULL && outcome < LPR_OUTCOME_FAILED)
	{
		cache->answer.complete = outcome == LPR_OUTCOME_COMPLETE;
		cache->answer.has_key = cache->answer.complete;
		lpr_cache_told_finish(&cache->answer.told, cache->stats);
		if (cache->answer.fetched_at == 0)
			cache->answer.fetched_at = GetCurrentTimestamp();
		(void) lpr_cache_write_finish(fill, &cache->answer);
	}
	if (cache->in_flight)
		lpr_in_flight_end(&cache->answer.key);
	cache->in_flight = false;
	if (cache->hit && !cache->over)
		(void) end_cached_answer(cache, LPR_OUTCOME_STOPPED, NULL);
}

TimestampTz
lpr_cache_fetched_at(const LprCache *cache)
{
	return cache->answer.fetched_at;
}

TimestampTz
lpr_cache_expires_at(const LprCache *cache)
{
	return cache->hit ? cache->answer.expires_at : cache->fill != NULL ? cache->question->receipt.expires_at : 0;
}
