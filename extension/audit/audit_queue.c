/*
 * audit_queue.c: the ring of records in shared memory, and the receipts.
 */
#include "audit/audit_queue.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "postmaster/autovacuum.h"
#include "replication/walsender.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"

#include "server/compat.h"

int lpr_audit_queue_kb = 16 * 1024;

const char *const lpr_audit_kind_names[LPR_AUDIT_KINDS] = {
	[LPR_AUDIT_START] = "start",     [LPR_AUDIT_MONTH] = "month", [LPR_AUDIT_ASK] = "ask",
	[LPR_AUDIT_REFUSED] = "refused", [LPR_AUDIT_SENT] = "sent",   [LPR_AUDIT_ANSWER] = "answer",
	[LPR_AUDIT_CHANGE] = "change",   [LPR_AUDIT_READ] = "read",   [LPR_AUDIT_CLOCK] = "clock",
	[LPR_AUDIT_CONSENT] = "consent", [LPR_AUDIT_FLAG] = "flag",   [LPR_AUDIT_LOOK] = "look",
	[LPR_AUDIT_USAGE] = "usage",
};

typedef struct LprQueue
{
	LprWriterState state;
	char reason[LPR_REASON_ROOM];
	char hint[LPR_HINT_ROOM];
	int writer; /* its place among the processes, -1 = none */
	bool database_missing;
	bool changes_wait;
	bool roles_changed;
	int restorer; /* process id, 0 = none */
	int64 settled_number;
	pg_atomic_uint64 generation; /* goes up with each change of policy or cases */
	pg_atomic_uint64 watch_generation;
	pg_atomic_uint64 decisions;
	pg_atomic_uint64 remembered;
	uint64 tickets;
	uint64 taken; /* bytes since the start: the ring holds [taken, put) */
	uint64 put;
	Size size;
	LprReceipt receipts[FLEXIBLE_ARRAY_MEMBER]; /* LPR_RECEIPTS a process, then the ring */
} LprQueue;

static LprQueue *queue = NULL;
static char *ring = NULL;
static LWLock *lock = NULL;

/* Every process that may send; the server has counted them before it asks for shared memory. */
static int
processes(void)
{
	return MaxBackends;
}

static Size
ring_offset(void)
{
	return MAXALIGN(
		add_size(offsetof(LprQueue, receipts), mul_size(mul_size(processes(), LPR_RECEIPTS), sizeof(LprReceipt))));
}

static Size
ring_size(void)
{
	return (Size) lpr_audit_queue_kb * 1024;
}

Size
lpr_queue_shmem_size(void)
{
	return add_size(ring_offset(), ring_size());
}

void
lpr_queue_shmem_init(void)
{
	bool found;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	queue = ShmemInitStruct("lpr audit queue", lpr_queue_shmem_size(), &found);
	ring = (char *) queue + ring_offset();
	if (!found)
	{
		memset(queue, 0, ring_offset());
		queue->state = LPR_WRITER_DOWN;
		queue->writer = -1;
		queue->settled_number = -1;
		pg_atomic_init_u64(&queue->generation, 1);
		pg_atomic_init_u64(&queue->watch_generation, 1);
		pg_atomic_init_u64(&queue->decisions, 0);
		pg_atomic_init_u64(&queue->remembered, 0);
		queue->size = ring_size();
	}
	LWLockRelease(AddinShmemInitLock);
	lock = &GetNamedLWLockTranche("lpr audit")->lock;
}

bool
lpr_queue_there(void)
{
	return queue != NULL;
}

Size
lpr_queue_record_max(void)
{
	return ring_size() / 4;
}

static void
copy_in(uint64 at, const char *data, Size len)
{
	Size offset = at % queue->size;
	Size first = Min(len, queue->size - offset);

	memcpy(ring + offset, data, first);
	memcpy(ring, data + first, len - first);
}

static void
copy_out(uint64 at, char *data, Size len)
{
	Size offset = at % queue->size;
	Size first = Min(len, queue->size - offset);

	memcpy(data, ring + offset, first);
	memcpy(data + first, ring, len - first);
}

/*
 * The ring is so large that a session seldom meets a page of it twice. Reading lets the kernel map the page, and its
 * neighbours, before we hold the lock rather than while we do.
 */
static void
touch(Size len)
{
	uint64 put = queue->put; /* a stale one costs a page fault */

	(void) *(volatile char *) (ring + put % queue->size);
	(void) *(volatile char *) (ring + (put + len) % queue->size);
}

static LprReceipt *
receipt_of(int procno, int place)
{
	return &queue->receipts[procno * LPR_RECEIPTS + place];
}

bool
lpr_queue_put(LprQueued *head, const char *payload, int place)
{
	Size fixed = offsetof(LprQueued, payload);
	LprReceipt *receipt;

	head->len = fixed + head->payload_len;
	head->procno = LPR_MY_PROC_NUMBER;
	head->place = place = head->procno < processes() ? place : -1;
	head->database = head->of_cluster ? InvalidOid : MyDatabaseId;
	touch(head->len);
	LWLockAcquire(lock, LW_EXCLUSIVE);
	if (head->len > queue->size - (queue->put - queue->taken))
	{
		LWLockRelease(lock);
		return false;
	}
	head->ticket = ++queue->tickets;
	/* model: put */
	if (place >= 0)
	{
		receipt = receipt_of(head->procno, place);
		receipt->ticket = head->ticket;
		receipt->written = false;
	}
	copy_in(queue->put, (char *) head, fixed);
	copy_in(queue->put + fixed, payload, head->payload_len);
	queue->put += head->len;
	LWLockRelease(lock);
	lpr_queue_wake_writer();
	return true;
}

bool
lpr_queue_receipt(int place, uint64 ticket, LprReceipt *receipt)
{
	LprReceipt *found = receipt_of(LPR_MY_PROC_NUMBER, place);

	/* Without the lock: what is written stays as it is until we ourselves put the next record there. */
	if (!*(volatile bool *) &found->written)
		return false;
	pg_read_barrier();
	if (found->ticket != ticket)
		return false;
	/* model: receipt */
	*receipt = *found;
	return true;
}

int64
lpr_queue_bytes(void)
{
	int64 bytes;

	LWLockAcquire(lock, LW_SHARED);
	bytes = (int64) (queue->put - queue->taken);
	LWLockRelease(lock);
	return bytes;
}

LprWriterState
lpr_queue_writer(char reason[LPR_REASON_ROOM], char hint[LPR_HINT_ROOM])
{
	LprWriterState state;

	LWLockAcquire(lock, LW_SHARED);
	state = queue->state;
	strlcpy(reason, queue->reason, LPR_REASON_ROOM);
	strlcpy(hint, queue->hint, LPR_HINT_ROOM);
	LWLockRelease(lock);
	return state;
}

void
lpr_queue_wake_writer(void)
{
	int writer = queue->writer; /* one word; a stale value wakes somebody for nothing */

	/* model: wake the writer */
	if (writer >= 0)
		SetLatch(&ProcGlobal->allProcs[writer].procLatch);
}

static void
leave_queue_at_exit(int code, Datum arg)
{
	LWLockAcquire(lock, LW_EXCLUSIVE);
	/* model: detach */
	queue->writer = -1;
	queue->state = LPR_WRITER_DOWN;
	LWLockRelease(lock);
}

void
lpr_queue_attach(void)
{
	LWLockAcquire(lock, LW_EXCLUSIVE);
	queue->writer = LPR_MY_PROC_NUMBER;
	queue->state = LPR_WRITER_STARTING;
	LWLockRelease(lock);
	before_shmem_exit(leave_queue_at_exit, (Datum) 0);
}

/* Those that are kept stay in their order, before what follows: by it the writer knows what is in the log already. */
void
lpr_queue_drop_others(void)
{
	List *kept = NIL;
	uint64 at;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	/* They come first: nobody is connected to two databases of one name. What is the cluster's stands among them. */
	for (at = queue->taken; at < queue->put;)
	{
		LprQueued head;
		LprQueued *record;

		copy_out(at, (char *) &head, offsetof(LprQueued, payload));
		if (OidIsValid(head.database) && head.database == MyDatabaseId)
			break;
		if (!OidIsValid(head.database))
		{
			record = palloc(head.len);
			copy_out(at, (char *) record, head.len);
			kept = lappend(kept, record);
		}
		at += head.len;
	}
	for (int i = list_length(kept) - 1; i >= 0; i--)
	{
		const LprQueued *record = list_nth(kept, i);

		at -= record->len;
		copy_in(at, (const char *) record, record->len);
	}
	queue->taken = at;
	LWLockRelease(lock);
	list_free_deep(kept);
}

void
lpr_queue_publish(LprWriterState state, const char *reason, const char *hint)
{
	/* Nobody else publishes. */
	if (queue->state == state && strcmp(queue->reason, reason) == 0)
		return;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	queue->state = state;
	strlcpy(queue->reason, reason, sizeof(queue->reason));
	strlcpy(queue->hint, hint, sizeof(queue->hint));
	LWLockRelease(lock);
}

List *
lpr_queue_peek(Size most)
{
	List *records = NIL;
	uint64 at, put;

	LWLockAcquire(lock, LW_SHARED);
	at = queue->taken;
	put = queue->put;
	LWLockRelease(lock);
	/* What lies between them stays as it is until we settle it. */
	for (Size size = 0; at < put;)
	{
		uint32 len;
		LprQueued *record;

		copy_out(at, (char *) &len, sizeof(len));
		if (records != NIL && size + len > most)
			break;
		record = palloc(len + 1);
		copy_out(at, (char *) record, len);
		((char *) record)[len] = '\0';
		records = lappend(records, record);
		at += len;
		size += len;
	}
	return records;
}

void
lpr_queue_settle(List *records, const LprReceipt *receipts)
{
	ListCell *cell;
	int i = 0;

	LWLockAcquire(lock, LW_EXCLUSIVE);
	foreach (cell, records)
	{
		LprQueued *record = lfirst(cell);
		LprReceipt *receipt = record->place >= 0 ? receipt_of(record->procno, record->place) : NULL;

		/* model: settle */
		queue->taken += record->len;
		if (receipt != NULL && receipt->ticket == record->ticket)
		{
			*receipt = receipts[i];
			receipt->ticket = record->ticket;
			pg_write_barrier(); /* its reader has no lock */
			receipt->written = true;
		}
		queue->settled_number = Max(queue->settled_number, receipts[i].number);
		i++;
	}
	LWLockRelease(lock);
	/* The process that is there now: one wakeup too many does no harm. */
	/* model: wake the asker */
	foreach (cell, records)
	{
		LprQueued *record = lfirst(cell);

		if (record->place >= 0)
			SetLatch(&ProcGlobal->allProcs[record->procno].procLatch);
	}
}

int64
lpr_queue_settled_number(void)
{
	return queue->settled_number;
}

void
lpr_queue_set_settled_number(int64 number)
{
	queue->settled_number = number;
}

bool
lpr_queue_waits(void)
{
	volatile LprQueue *now = queue;

	/* Without the lock: the process that makes it true wakes us afterwards, and we look again after every wakeup. */
	return now->put > now->taken || now->changes_wait;
}

void
lpr_queue_set_changes_wait(void)
{
	LWLockAcquire(lock, LW_EXCLUSIVE);
	queue->changes_wait = true;
	LWLockRelease(lock);
}

void
lpr_queue_note_change(void)
{
	(void) pg_atomic_fetch_add_u64(&queue->generation, 1);
}

void
lpr_queue_note_watch_change(void)
{
	(void) pg_atomic_fetch_add_u64(&queue->watch_generation, 1);
}

uint64
lpr_queue_watch_generation(void)
{
	return queue != NULL ? pg_atomic_read_u64(&queue->watch_generation) : 0;
}

uint64
lpr_queue_generation(void)
{
	return queue != NULL ? pg_atomic_read_u64(&queue->generation) : 0;
}

uint64
lpr_queue_decisions(uint64 *remembered)
{
	*remembered = queue != NULL ? pg_atomic_read_u64(&queue->remembered) : 0;
	return queue != NULL ? pg_atomic_read_u64(&queue->decisions) : 0;
}

void
lpr_queue_count_decisions(int n, int remembered)
{
	(void) pg_atomic_fetch_add_u64(&queue->decisions, n);
	(void) pg_atomic_fetch_add_u64(&queue->remembered, remembered);
}

bool
lpr_queue_take_changes_wait(void)
{
	bool waits;

	if (!*(volatile bool *) &queue->changes_wait) /* as above */
		return false;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	waits = queue->changes_wait;
	queue->changes_wait = false;
	LWLockRelease(lock);
	return waits;
}

void
lpr_queue_set_roles_changed(void)
{
	LWLockAcquire(lock, LW_EXCLUSIVE);
	queue->roles_changed = true;
	LWLockRelease(lock);
}

bool
lpr_queue_take_roles_changed(void)
{
	bool changed;

	if (!*(volatile bool *) &queue->roles_changed)
		return false;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	changed = queue->roles_changed;
	queue->roles_changed = false;
	LWLockRelease(lock);
	return changed;
}

void
lpr_queue_set_restorer(void)
{
	queue->restorer = MyProcPid;
}

bool
lpr_queue_restorer_there(void)
{
	if (queue->restorer != 0 && BackendPidGetProc(queue->restorer) == NULL)
		queue->restorer = 0;
	return queue->restorer != 0;
}

bool
lpr_queue_database_missing(void)
{
	return queue->database_missing;
}

void
lpr_queue_set_database_missing(bool missing)
{
	queue->database_missing = missing;
}

bool
lpr_queue_ready(void)
{
	return queue->state >= LPR_WRITER_READY && !queue->database_missing;
}
