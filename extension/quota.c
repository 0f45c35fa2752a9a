#include "quota.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

#define MINUTES   60
#define HOURS     24
#define SWEEP_MIN 1000 /* entries from which on idle ones are looked for */

typedef struct QuotaKey
{
	int64 id;
	int64 scope;
} QuotaKey;

/* Rings of counters: that of minute m stands at m % MINUTES, and is void when `minute` is an hour further. */
typedef struct Quota
{
	QuotaKey key;
	int64 minute; /* of the newest count, since 2000-01-01 UTC */
	uint32 minutes[MINUTES];
	uint32 hours[HOURS];
} Quota;

static HTAB *quotas = NULL;
static long sweep_at = SWEEP_MIN;

bool
lpr_quota_known(void)
{
	return quotas != NULL;
}

void
lpr_quota_forget(void)
{
	if (quotas != NULL)
		hash_destroy(quotas);
	quotas = NULL;
}

void
lpr_quota_begin(void)
{
	HASHCTL control = {.keysize = sizeof(QuotaKey), .entrysize = sizeof(Quota), .hcxt = TopMemoryContext};

	lpr_quota_forget();
	quotas = hash_create("lpr questions asked", 256, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	sweep_at = SWEEP_MIN;
}

/* Clears the counters of the time that has passed since the newest count. A clock that was set back moves nothing. */
static void
advance(Quota *quota, int64 minute)
{
	int64 hour = minute / MINUTES;
	int64 last_hour = quota->minute / MINUTES;

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
		if (quota->minute < minute - MINUTES * HOURS)
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
		memset((char *) quota + sizeof(QuotaKey), 0, sizeof(Quota) - sizeof(QuotaKey));
	if (!found)
		quota->minute = minute;
	advance(quota, minute);
	quota->minutes[quota->minute % MINUTES]++;
	quota->hours[quota->minute / MINUTES % HOURS]++;
}

int64
lpr_quota_asked(LprQuotaScope scope, int64 id, bool day, TimestampTz now)
{
	QuotaKey key = {id, scope};
	Quota *quota = hash_search(quotas, &key, HASH_FIND, NULL);
	int64 sum = 0;

	if (quota == NULL)
		return 0;
	advance(quota, now / USECS_PER_MINUTE);
	for (int i = 0; i < (day ? HOURS : MINUTES); i++)
		sum += day ? quota->hours[i] : quota->minutes[i];
	return sum;
}
