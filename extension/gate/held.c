/*
 * held.c: in shared memory, a place a backend: when the reads expire that its transaction was shown.
 */
#include "gate/held.h"

#include <signal.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "server/compat.h"

typedef struct Held
{
	int pid;
	pg_atomic_uint64 expires_at; /* 0: nothing is held */
} Held;

static Held *held = NULL;

/* What has no place there is refused none: it could not be a backend that asks. */
static int
places(void)
{
	return MaxBackends;
}

Size
lpr_held_shmem_size(void)
{
	return MAXALIGN(places() * sizeof(Held));
}

void
lpr_held_shmem_init(void)
{
	bool found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	held = ShmemInitStruct("lpr reads in memory", lpr_held_shmem_size(), &found);
	if (!found)
		for (int i = 0; i < places(); i++)
		{
			held[i].pid = 0;
			pg_atomic_init_u64(&held[i].expires_at, 0);
		}
	LWLockRelease(AddinShmemInitLock);
}

static Held *
mine(void)
{
	return held != NULL && LPR_MY_PROC_NUMBER < places() ? &held[LPR_MY_PROC_NUMBER] : NULL;
}

static void
transaction_over(XactEvent event, void *arg)
{
	if ((event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT) && mine() != NULL)
		pg_atomic_write_u64(&mine()->expires_at, 0);
}

static void
process_over(int code, Datum arg)
{
	if (mine() != NULL)
		pg_atomic_write_u64(&mine()->expires_at, 0);
}

void
lpr_held_until(TimestampTz expires_at)
{
	static bool registered = false;
	Held *own = mine();
	uint64 known;

	if (own == NULL)
		return;
	if (!registered)
	{
		RegisterXactCallback(transaction_over, NULL);
		before_shmem_exit(process_over, (Datum) 0);
		own->pid = MyProcPid;
		registered = true;
	}
	known = pg_atomic_read_u64(&own->expires_at);
	if (known == 0 || (uint64) expires_at < known)
		pg_atomic_write_u64(&own->expires_at, (uint64) expires_at);
}

int
lpr_held_end_late(int64 grace)
{
	TimestampTz now = GetCurrentTimestamp();
	int ended = 0;

	for (int i = 0; held != NULL && i < places(); i++)
	{
		uint64 expires_at = pg_atomic_read_u64(&held[i].expires_at);
		int pid = held[i].pid;

		if (expires_at == 0 || now < (TimestampTz) expires_at + grace || pid == 0 ||
			ProcGlobal->allProcs[i].pid != pid || kill(pid, SIGTERM) != 0)
			continue;
		ended++;
		ereport(LOG, (errmsg("process %d held reads after they had expired, and is ended", pid)));
	}
	return ended;
}
