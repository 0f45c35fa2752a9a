/*
 * rate.c: requests per minute of each source, counted for the whole cluster in shared memory.
 *
 * The generic cell rate algorithm: a source's whole state is one moment, "due", when the next turn would fall with
 * perfectly even spacing. A turn may be taken ahead of it by the burst.
 */
#include "postgres.h"

#include <time.h>

#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "http/rate.h"

#define LPR_RATE_SLOTS     256
#define LPR_RATE_MINUTE_US INT64CONST(60000000)

typedef struct LprRateSlot
{
	Oid database; /* InvalidOid = never used */
	Oid server;
	int per_minute;
	int64 due_us; /* of CLOCK_MONOTONIC; shared memory does not outlive the boot that it counts from */
} LprRateSlot;

typedef struct LprRateTable
{
	LprRateSlot slots[LPR_RATE_SLOTS];
} LprRateTable;

static LprRateTable *table = NULL;
static LWLock *lock = NULL;

Size
lpr_rate_shmem_size(void)
{
	return MAXALIGN(sizeof(LprRateTable));
}

void
lpr_rate_shmem_init(void)
{
	bool found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	table = ShmemInitStruct("lpr rate limits", lpr_rate_shmem_size(), &found);
	if (!found)
		memset(table, 0, sizeof(*table));
	LWLockRelease(AddinShmemInitLock);
	lock = &GetNamedLWLockTranche("lpr")->lock;
}

/* One clock for all processes, which nobody sets back. */
static int64
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The source's slot; when it has none, an empty one or the one that was idle longest. */
static LprRateSlot *
find_slot(Oid database, Oid server, bool *found)
{
	LprRateSlot *oldest = &table->slots[0];

	for (int i = 0; i < LPR_RATE_SLOTS; i++)
	{
		LprRateSlot *slot = &table->slots[i];

		if (slot->database == database && slot->server == server)
		{
			*found = true;
			return slot;
		}
		if (slot->due_us < oldest->due_us)
			oldest = slot;
	}
	*found = false;
	return oldest;
}

int64
lpr_rate_take(Oid database, Oid server, int per_minute)
{
	LprRateSlot *slot;
	bool found;
	int64 now, spacing, ahead, wait;

	if (table == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("lpr is not loaded"),
						errdetail("Rate limits are counted in shared memory, which is allotted at server start."),
						errhint("Add lpr to shared_preload_libraries and restart the server.")));
	if (per_minute <= 0)
		return 0;

	spacing = LPR_RATE_MINUTE_US / per_minute;
	ahead = spacing * (Max(per_minute / 60, 1) - 1);

	LWLockAcquire(lock, LW_EXCLUSIVE);
	now = now_us();
	slot = find_slot(database, server, &found);
	if (!found)
	{
		slot->database = database;
		slot->server = server;
		slot->due_us = now;
	}
	else if (slot->per_minute != per_minute && slot->due_us > now)
		/* the limit was changed: turns given out under the old one count at the new pace */
		slot->due_us = now + (int64) ((double) (slot->due_us - now) * slot->per_minute / per_minute);
	slot->per_minute = per_minute;
	slot->due_us = Max(slot->due_us, now);
	wait = slot->due_us - ahead - now;
	slot->due_us += spacing;
	LWLockRelease(lock);

	return wait <= 0 ? 0 : (wait + 999) / 1000;
}

void
lpr_rate_give_back(Oid database, Oid server, int per_minute)
{
	LprRateSlot *slot;
	bool found;

	if (table == NULL || per_minute <= 0)
		return;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	slot = find_slot(database, server, &found);
	if (found && slot->per_minute == per_minute)
		slot->due_us -= LPR_RATE_MINUTE_US / per_minute;
	LWLockRelease(lock);
}
