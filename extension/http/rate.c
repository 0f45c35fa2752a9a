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
#define LPR_RATE_SECOND_US INT64CONST(1000000)
#define SLOWEST            30 /* turns per minute */
#define FASTER_US          (30 * LPR_RATE_SECOND_US)
#define FAST_AGAIN         6000 /* turns per minute, from where on nothing is slow */

typedef struct LprRateSlot
{
	Oid database; /* InvalidOid = never used */
	Oid server;
	int per_minute;
	int64 due_us;    /* of CLOCK_MONOTONIC; shared memory does not outlive the boot that it counts from */
	int64 second_us; /* when the second began whose turns are counted */
	int turns;       /* so far in it */
	int turns_before;
	int slow;      /* turns per minute since the source said that it got too many; 0 = it did not */
	int64 slow_us; /* when that was, or it was made faster last */
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

static LprRateSlot *
make_slot(Oid database, Oid server, int64 now)
{
	bool found;
	LprRateSlot *slot = find_slot(database, server, &found);

	if (!found)
		*slot = (LprRateSlot){.database = database, .server = server, .due_us = now, .second_us = now};
	return slot;
}

static void
count_turn(LprRateSlot *slot, int64 now)
{
	int64 since = now - slot->second_us;

	if (since >= LPR_RATE_SECOND_US)
	{
		slot->turns_before = since < 2 * LPR_RATE_SECOND_US ? slot->turns : 0;
		slot->turns = 0;
		slot->second_us = now;
	}
	slot->turns++;
}

/* Turns per minute just now, 0 = as many as one likes. */
static int
pace_of(LprRateSlot *slot, int per_minute, int64 now)
{
	for (; slot->slow > 0 && now - slot->slow_us >= FASTER_US; slot->slow_us += FASTER_US)
	{
		slot->slow += slot->slow / 2;
		if (slot->slow > FAST_AGAIN)
			slot->slow = 0;
	}
	return slot->slow > 0 && (per_minute <= 0 || slot->slow < per_minute) ? slot->slow : Max(per_minute, 0);
}

void
lpr_rate_check(void)
{
	if (table == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("lpr is not loaded"),
						errdetail("Rate limits are counted in shared memory, which is allotted at server start."),
						errhint("Add lpr to shared_preload_libraries and restart the server.")));
}

/* Takes a turn, or, if it may wait, none unless it is at once. */
static int64
take(Oid database, Oid server, int per_minute, bool idle)
{
	LprRateSlot *slot;
	int64 now, spacing, ahead, wait = 0;

	lpr_rate_check();
	LWLockAcquire(lock, LW_EXCLUSIVE);
	now = now_us();
	slot = make_slot(database, server, now);
	per_minute = pace_of(slot, per_minute, now);
	/* The limit was changed: turns given out under the old one count at the new pace. */
	if (slot->per_minute > 0 && per_minute > 0 && slot->per_minute != per_minute && slot->due_us > now)
		slot->due_us = now + (int64) ((double) (slot->due_us - now) * slot->per_minute / per_minute);
	slot->per_minute = per_minute;
	slot->due_us = per_minute > 0 ? Max(slot->due_us, now) : now;
	if (per_minute > 0)
	{
		spacing = LPR_RATE_MINUTE_US / per_minute;
		/* One that was slowed has had its burst. */
		ahead = slot->slow == per_minute ? 0 : spacing * (Max(per_minute / 60, 1) - 1);
		wait = slot->due_us - (idle ? ahead / 2 : ahead) - now;
		if (!idle || wait <= 0)
			slot->due_us += spacing;
	}
	if (!idle || wait <= 0)
		count_turn(slot, now);
	LWLockRelease(lock);
	return wait <= 0 ? 0 : (wait + 999) / 1000;
}

int64
lpr_rate_take(Oid database, Oid server, int per_minute)
{
	return take(database, server, per_minute, false);
}

int64
lpr_rate_take_idle(Oid database, Oid server, int per_minute)
{
	return take(database, server, per_minute, true);
}

void
lpr_rate_slow(Oid database, Oid server, int64 asked_ms)
{
	LprRateSlot *slot;
	int64 now;

	lpr_rate_check();
	LWLockAcquire(lock, LW_EXCLUSIVE);
	now = now_us();
	slot = make_slot(database, server, now);
	/* Those that were under way together say it together. */
	if (slot->slow == 0 || now - slot->slow_us >= LPR_RATE_SECOND_US)
	{
		int pace = Max(slot->turns, slot->turns_before) * 60 / 2;

		if (slot->slow > 0)
			pace = Min(pace, slot->slow / 2);
		slot->slow = Max(pace, SLOWEST);
		slot->slow_us = now;
	}
	if (asked_ms > 0)
		slot->due_us = Max(slot->due_us, now + asked_ms * 1000);
	LWLockRelease(lock);
}

void
lpr_rate_give_back(Oid database, Oid server)
{
	LprRateSlot *slot;
	bool found;

	if (table == NULL)
		return;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	slot = find_slot(database, server, &found);
	if (found && slot->per_minute > 0)
		slot->due_us -= LPR_RATE_MINUTE_US / slot->per_minute;
	LWLockRelease(lock);
}
