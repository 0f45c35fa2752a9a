/*
 * quota.c: counters of questions, minute by minute, for each person and event.
 */
#include "writer/quota.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

/*
 * One more than an hour and a day have: the minute and the hour under way are not over, and the limit holds for every
 * span of an hour or a day.
 */
#define MINUTES         61
#define HOURS           25
#define MINUTES_AN_HOUR 60
#define SWEEP_MIN       1000 /* entries from which on idle ones are looked for */

typedef struct QuotaKey
{
	int64 id;
	int64 scope;
} QuotaKey;

/* Rings of counters: that of minute m stands at m % MINUTES, and is void when `minute` is that much further. */
typedef struct Quota
{
	QuotaKey key;
	int64 minute; /* of the newest count, since 2000-01-01 UTC */
	uint32 minutes[MINUTES];
	uint32 hours[HOURS];
} Quota;

/*
 * What is judged together. A table of its own, since it also holds what will be refused, such as events that do not
 * exist.
 */
typedef struct Waiting
{
	QuotaKey key;
	int64 questions;
} Waiting;

static HTAB *quotas = NULL;
static long sweep_at = SWEEP_MIN;
static HTAB *waiting = NULL;

bool
lpr_quota_known(void)
{
	return quotas != NULL;
}

void
lpr_quota_begin(void)
{
	HASHCTL control = {.keysize = sizeof(QuotaKey), .entrysize = sizeof(Quota), .hcxt = TopMemoryContext};

	if (quotas != NULL)
		hash_destroy(quotas);
	quotas = hash_create("lpr questions asked", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	sweep_at = SWEEP_MIN;
}

/* Clears the counters of the time that has passed since the newest count. A clock that was set back moves nothing. */
static void
clear_past(Quota *quota, int64 minute)
{
	int64 hour = minute / MINUTES_AN_HOUR;
	int64 last_hour = quota->minute / MINUTES_AN_HOUR;

	for (int64 m = Max(quota->minute + 1, minute - MINUTES + 1); m <= minute; m++)
		quota->minutes[m % MINUTES] = 0;
	for (int64 h = Max(last_hour + 1, hour - HOURS + 1); h <= hour; h++)
		quota->hours[h % HOURS] = 0;
	quota->minute = Max(quota->minute, minute);
}

/* People and events that nothing was asked for since a day. */
static void
sweep(int64 minute)
{
	HASH_SEQ_STATUS status;
	Quota *quota;

	hash_seq_init(&status, quotas);
	while ((quota = hash_seq_search(&status)) != NULL)
		if (quota->minute < minute - MINUTES_AN_HOUR * HOURS)
			hash_search(quotas, &quota->key, HASH_REMOVE, NULL);
	sweep_at = Max(SWEEP_MIN, 2 * hash_get_num_entries(quotas));
}

void
lpr_quota_count(LprQuotaScope scope, int64 id, TimestampTz at)
{
	QuotaKey key = {id, scope};
	int64 minute = at / USECS_PER_MINUTE;
	bool found;
	Quota *quota;

	if (hash_get_num_entries(quotas) >= sweep_at)
		sweep(minute);
	quota = hash_search(quotas, &key, HASH_ENTER, &found);
	if (!found)
	{
		memset((char *) quota + sizeof(QuotaKey), 0, sizeof(Quota) - sizeof(QuotaKey));
		quota->minute = minute;
	}
	clear_past(quota, minute);
	quota->minutes[quota->minute % MINUTES]++;
	quota->hours[quota->minute / MINUTES_AN_HOUR % HOURS]++;
}

void
lpr_quota_begin_batch(void)
{
	HASHCTL control = {.keysize = sizeof(QuotaKey), .entrysize = sizeof(Waiting), .hcxt = TopMemoryContext};

	if (waiting != NULL)
		hash_destroy(waiting);
	waiting = NULL; /* should there be no memory */
	waiting = hash_create("lpr questions judged together", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
lpr_quota_expect(LprQuotaScope scope, int64 id)
{
	QuotaKey key = {id, scope};
	bool found;
	Waiting *entry = hash_search(waiting, &key, HASH_ENTER, &found);

	entry->questions = found ? entry->questions + 1 : 1;
}

static int64
others_waiting(const QuotaKey *key)
{
	Waiting *entry = waiting != NULL ? hash_search(waiting, key, HASH_FIND, NULL) : NULL;

	return entry != NULL ? entry->questions - 1 : 0;
}

int64
lpr_quota_asked(LprQuotaScope scope, int64 id, bool day, TimestampTz now)
{
	QuotaKey key = {id, scope};
	Quota *quota = hash_search(quotas, &key, HASH_FIND, NULL);
	int64 sum = others_waiting(&key);

	if (quota == NULL)
		return sum;
	clear_past(quota, now / USECS_PER_MINUTE);
	for (int i = 0; i < (day ? HOURS : MINUTES); i++)
		sum += day ? quota->hours[i] : quota->minutes[i];
	return sum;
}
