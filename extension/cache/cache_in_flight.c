/*
 * cache_in_flight.c: which questions vendors are asked just now, in shared memory, so that two sessions do not ask the
 * same.
 */
#include "cache/cache_in_flight.h"

#include "miscadmin.h"
#include "portability/instr_time.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/memutils.h"

#define FLIGHTS  512
#define STALE_MS 10000

typedef struct Flight
{
	int pid; /* 0 = free */
	LprDigest key;
	int64 progress; /* by steady_ms() */
} Flight;

typedef struct Landing
{
	LprDigest key;
	MemoryContextCallback callback;
} Landing;

static Flight *flights = NULL;
static LWLock *lock = NULL;
static bool registered = false;

Size
lpr_in_flight_shmem_size(void)
{
	return MAXALIGN(FLIGHTS * sizeof(Flight));
}

void
lpr_in_flight_shmem_init(void)
{
	bool found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	flights = ShmemInitStruct("lpr questions under way", lpr_in_flight_shmem_size(), &found);
	if (!found)
		memset(flights, 0, lpr_in_flight_shmem_size());
	LWLockRelease(AddinShmemInitLock);
	lock = &GetNamedLWLockTranche("lpr cache")->lock;
}

/* Of a clock that nobody sets, and that is the same for all processes. */
static int64
steady_ms(void)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MILLISEC(now);
}

/* Frees ours: that of a key, or all. */
static void
clear(const LprDigest *key)
{
	LWLockAcquire(lock, LW_EXCLUSIVE);
	for (int i = 0; i < FLIGHTS; i++)
		if (flights[i].pid == MyProcPid && (key == NULL || lpr_digest_same(&flights[i].key, key)))
			flights[i].pid = 0;
	LWLockRelease(lock);
}

static void
at_exit(int code, Datum arg)
{
	clear(NULL);
}

static void
landed(void *arg)
{
	clear(&((Landing *) arg)->key);
}

bool
lpr_in_flight_begin(MemoryContext context, const LprDigest *key)
{
	int64 now = steady_ms();
	Flight *free = NULL;
	bool other = false;
	Landing *landing;

	if (flights == NULL)
		return true;
	if (!registered)
		before_shmem_exit(at_exit, (Datum) 0);
	registered = true;
	landing = MemoryContextAllocZero(context, sizeof(Landing));
	landing->key = *key;
	landing->callback.func = landed;
	landing->callback.arg = landing;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	for (int i = 0; i < FLIGHTS; i++)
	{
		Flight *flight = &flights[i];

		if (flight->pid == 0)
			free = flight;
		else if (flight->pid != MyProcPid && lpr_digest_same(&flight->key, key) && now - flight->progress < STALE_MS)
			other = true;
	}
	/* Without room the question is asked all the same. */
	if (!other && free != NULL)
		*free = (Flight){MyProcPid, *key, now};
	LWLockRelease(lock);
	if (!other)
		MemoryContextRegisterResetCallback(context, &landing->callback);
	return !other;
}

void
lpr_in_flight_progress(const LprDigest *key)
{
	int64 now = steady_ms();

	if (flights == NULL)
		return;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	for (int i = 0; i < FLIGHTS; i++)
		if (flights[i].pid == MyProcPid && lpr_digest_same(&flights[i].key, key))
			flights[i].progress = now;
	LWLockRelease(lock);
}

void
lpr_in_flight_end(const LprDigest *key)
{
	if (flights != NULL)
		clear(key);
}
