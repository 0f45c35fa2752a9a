/*
 * quota.c: counters of plates, asked minute by minute and shown hour by hour, for each person and event.
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
	uint32 shown[HOURS];
} Quota;

/*
 * What is judged together. A table of its own, since it also holds what will be refused, such as events that do not
 * exist.
 */
typedef struct Waiting
{
	QuotaKey key;
	int64 asked;
	int64 shown;
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
	quotas = hash_create("lpr plates asked", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
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
		quota->hours[h % HOURS] = quota->shown[h % HOURS] = 0;
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

/* That of a person or event, as of now. */
static Quota *
quota_at(LprQuotaScope scope, int64 id, TimestampTz at)
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
	return quota;
}

void
lpr_quota_ask(LprQuotaScope scope, int64 id, TimestampTz at, int plates)
{
	Quota *quota = quota_at(scope, id, at);

	quota->minutes[quota->minute % MINUTES] += plates;
	quota->hours[quota->minute / MINUTES_AN_HOUR % HOURS] += plates;
}

void
lpr_quota_show(LprQuotaScope scope, int64 id, TimestampTz at, int plates)
{
	Quota *quota = quota_at(scope, id, at);

	quota->shown[quota->minute / MINUTES_AN_HOUR % HOURS] += plates;
}

void
lpr_quota_end_batch(void)
{
	if (waiting != NULL)
		hash_destroy(waiting);
	waiting = NULL;
}

void
lpr_quota_begin_batch(void)
{
	HASHCTL control = {.keysize = sizeof(QuotaKey), .entrysize = sizeof(Waiting), .hcxt = TopMemoryContext};

	lpr_quota_end_batch();
	waiting = hash_create("lpr plates judged together", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
lpr_quota_expect(LprQuotaScope scope, int64 id, int asked, int shown)
{
	QuotaKey key = {id, scope};
	bool found;
	Waiting *entry = hash_search(waiting, &key, HASH_ENTER, &found);

	entry->asked = (found ? entry->asked : 0) + asked;
	entry->shown = (found ? entry->shown : 0) + shown;
}

static int64
waits(LprQuotaOf of, const QuotaKey *key)
{
	Waiting *entry = waiting != NULL ? hash_search(waiting, key, HASH_FIND, NULL) : NULL;

	return entry == NULL ? 0 : of == LPR_QUOTA_SHOWN ? entry->shown : entry->asked;
}

/* The ring that counts it, and how many counters it has. */
static const uint32 *
ring_of(const Quota *quota, LprQuotaOf of, int *n)
{
	*n = of == LPR_QUOTA_HOUR ? MINUTES : HOURS;
	return of == LPR_QUOTA_HOUR ? quota->minutes : of == LPR_QUOTA_DAY ? quota->hours : quota->shown;
}

static int64
sum_of(const uint32 *ring, int n)
{
	int64 sum = 0;

	for (int i = 0; i < n; i++)
		sum += ring[i];
	return sum;
}

int64
lpr_quota_used(LprQuotaOf of, LprQuotaScope scope, int64 id, TimestampTz now)
{
	QuotaKey key = {id, scope};
	Quota *quota = hash_search(quotas, &key, HASH_FIND, NULL);
	const uint32 *ring;
	int n;

	if (quota == NULL)
		return waits(of, &key);
	clear_past(quota, now / USECS_PER_MINUTE);
	ring = ring_of(quota, of, &n);
	return sum_of(ring, n) + waits(of, &key);
}

TimestampTz
lpr_quota_until(LprQuotaOf of, LprQuotaScope scope, int64 id, int64 most, TimestampTz now)
{
	QuotaKey key = {id, scope};
	Quota *quota = hash_search(quotas, &key, HASH_FIND, NULL);
	int64 unit = of == LPR_QUOTA_HOUR ? USECS_PER_MINUTE : USECS_PER_HOUR;
	const uint32 *ring;
	int64 newest, sum, shown;
	int n;

	if (quota == NULL)
		quota = quota_at(scope, id, now);
	clear_past(quota, now / USECS_PER_MINUTE);
	ring = ring_of(quota, of, &n);
	newest = quota->minute / (of == LPR_QUOTA_HOUR ? 1 : MINUTES_AN_HOUR);
	/* Answers beside it have shown what they have; questions beside it may be refused. */
	shown = of == LPR_QUOTA_SHOWN ? waits(of, &key) : 0;
	sum = sum_of(ring, n) + shown;
	if (sum <= most)
		return now;
	/* From the oldest on: that of m is void from m + n on. */
	for (int64 m = newest - n + 1; m <= newest; m++)
	{
		sum -= ring[m % n] + (m == newest ? shown : 0);
		if (sum <= most)
			return (m + n) * unit;
	}
	return 0;
}
