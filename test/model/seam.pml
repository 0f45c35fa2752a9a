/*
 * seam.pml: between those who ask and those who write down: askers, ring, writer, transaction, flush, receipt; cancel, kill, crash, restart, promotion.
 *
 * Each step that extension/ takes has a name, `model: NAME`, which stands at the same step there (scripts/model compares them). What the world
 * does to us is `world: NAME`. README.md says what is left out, and what the properties are. ./check runs it in scenes, whole and with faults
 * planted: #ifdef of a name in lower case.
 */

/* ---- bounds: ./check says what a scene has of each ---- */

#ifndef FIRST
#define FIRST 1 /* questions of the first asker, at most 2 */
#endif
#ifndef SECOND
#define SECOND 1 /* questions of the second one, at most 1 */
#endif
#ifndef ANSWERS
#define ANSWERS 0 /* 1: what came of a question is recorded as well */
#endif
#ifndef RING
#define RING 2 /* records that it holds */
#endif
#ifndef STOPS
#define STOPS 0 /* cancels, timeouts, ends of askers */
#endif
#ifndef KILLS
#define KILLS 0 /* ends of the writer, by SIGTERM or an error that it does not survive */
#endif
#ifndef ERRORS
#define ERRORS 0 /* of a batch, which the writer survives */
#endif
#ifndef CHANGES
#define CHANGES 0 /* of policy: one takes the right away that all askers had */
#endif
#ifndef LOCKS
#define LOCKS 0 /* that askers take on the log before they ask */
#endif
#ifndef CRASHES
#define CRASHES 0 /* of the server: power, kill -9 of any process */
#endif
#ifndef PROMOTIONS
#define PROMOTIONS 0 /* of the standby, whose flush every commit waits for until then */
#endif

#define FALLS (CRASHES + PROMOTIONS)

/*
 * A record has a number, which stands for its ticket and its salt: even ones are questions (0 and 4 of the first asker, 2 of the second), the next odd one is the answer to it. In sets it is
 * a bit; two more are the change and the change's record.
 */
#define NONE       7
#define BIT(r)     (1 << (r))
#define CHAINED    (1 << 6)
#define CHANGE     (1 << 7)
#define ASKED(r)   (((r) & 1) == 0)
#define WRITER     3 /* as who holds the lock on the log; 1 and 2 are the askers */
#define OWNER(r)   (((r) >> 1) & 1)
#define LEFT(r)    ((left >> (r)) & 1)

/* ---- on disk: transactions in the order of their commits, so that each level has a beginning of the one above ---- */

byte log = 0;     /* what has been committed, in the WAL's buffers */
byte disk = 0;    /* … flushed */
byte standby = 0; /* … and by the standby */
byte no = 0;      /* questions of which the log says that they were refused */
#ifdef early_promotion
byte replayed = 0; /* what the standby's tables show */
#endif

/* ---- shared memory ---- */

bit policy = 0; /* whether snapshots see the change */
byte ring[RING];
byte ring_n = 0;
bit flag = 0; /* changes_wait */
bit attached = 0;
bit writer_latch = 0;
byte lock = 0; /* on the log's table */
byte ticket[2] = NONE;
bit written[2] = 0;
bit receipt_refused[2] = 0;
bit receipt_limited[2] = 0;
bit latch[2] = 0;

/* ---- what only the properties know ---- */

byte left = 0;    /* records that nobody awaits */
byte need = 0;    /* questions that were put after the change's COMMIT had returned */
byte shown = 0;   /* questions whose reads were shown, or whose refusal was told */
bit returned = 0; /* the change's COMMIT */

#ifdef LIVELY
byte sent = 0; /* records that were put into the ring */
bit waiting[2] = 0;
#define waits(yes)  waiting[me] = yes
#define was_sent(r) sent = sent | BIT(r)
#else
#define waits(yes)  skip
#define was_sent(r) skip
#endif

/* ---- the world ---- */

byte stops = STOPS;
byte kills = KILLS;
byte errors = ERRORS;
byte locks = LOCKS;
byte crashes = CRASHES;
byte promotions = PROMOTIONS;
byte fall = 0; /* how many times all processes ended at once */
bit follows = PROMOTIONS > 0; /* a standby does, and commits wait for it */

/* ---- properties: the name of the one that is violated is what pan prints ---- */

bit durable = 1; /* nothing is disclosed without its durable record, and what is disclosed is what that says */
bit once = 1;    /* no record is written twice */
bit fresh = 1;   /* no decision is older than a change whose COMMIT returned before the question was put */
bit bound = 1;   /* nothing is shown without the limit that goes with the decision */

#define must(property, condition) property = (condition); assert(property)
#define safe ((follows -> standby : disk))

/* A place that must be reached in some scene, or the properties say nothing. */
#define reached(name) assert(true)

/* All processes end at once in a fall, wherever they are. Whoever comes after them begins at `life`. */
#if FALLS > 0
#define UNLESS_FALLEN unless { atomic { fall != mine -> mine = fall; goto life } }
#else
#define UNLESS_FALLEN
#endif

/* ---- a session; `me` is its place among the processes ---- */

#define me _pid

inline wake_writer()
{
	if
	:: d_step { attached -> writer_latch = 1 } /* model: wake the writer */
	:: else
	fi
}

/* lpr_queue_put(), under the lock. */
inline put(r)
{
	d_step { /* model: put */
		ring[ring_n] = r;
		ring_n++;
		ticket[me] = r;
		written[me] = 0;
		pending = r;
		was_sent(r);
		need = need | ((returned && ASKED(r)) << (r))
	}
}

/* A cancel or a timeout: on with the next statement. An end: the next session has our place, and knows nothing of what we awaited. */
inline stop()
{
	atomic { /* model: stop */
		stops > 0 -> stops--;
		if
		:: true
		:: dying = 1
		fi;
		goto broken
	}
}

/* What was taken stands there until the next put, and nobody looks: forgotten at once, so that states that are alike are the same. */
inline forget_receipt(whose)
{
	ticket[whose] = NONE;
	written[whose] = 0;
	receipt_refused[whose] = 0;
	receipt_limited[whose] = 0
}

/* lpr_audit_await(): until the receipt of r is there, or we are broken off. */
inline await(r)
{
	do
	:: if
#ifdef no_ticket
	   :: atomic { written[me] ->
#else
	   :: atomic { written[me] && ticket[me] == r -> /* model: receipt */
#endif
			refused = receipt_refused[me];
			limited = receipt_limited[me];
			forget_receipt(me);
			pending = (pending == r -> NONE : pending);
			waits(0);
			break
		}
	   :: else ->
			if
			:: d_step { latch[me] -> latch[me] = 0 } /* model: sleep */
			:: stop()
#ifndef no_look_at_own_locks
			:: atomic { lock == me + 1 -> goto broken } /* model: own lock */
#endif
			fi
	   fi
	od
}

/* lpr_audit_send(): into the ring, once the receipt of what had our place before has come, and there is room. */
inline send(r)
{
	if
	:: pending != NONE -> /* model: place in use */
		await(pending);
		waits(1)
	:: else
	fi;
#ifdef woken_before_put
	wake_writer();
#endif
	if
	:: atomic { ring_n < RING -> put(r) }
	:: stop() /* model: no room */
#ifndef no_look_at_own_locks_for_room
	:: atomic { ring_n == RING && lock == me + 1 -> goto broken } /* model: own lock */
#endif
	fi;
#ifndef woken_before_put
	wake_writer()
#endif
}

active [2] proctype Asker()
{
	byte mine = 0;       /* falls that were before us */
	byte asked = 0;
	byte r = 0;          /* the question's record; r + 1 is the answer's */
	byte pending = NONE; /* places[].ticket */
	bit refused;
	bit limited;
	bit due; /* reads were shown whose record is not in the ring yet: tally->answer */
	bit dying;

life:
	atomic { r = 0; pending = NONE; refused = 0; limited = 0; due = 0; dying = 0 }
	{
		do
		:: atomic { /* world: a question */
				asked < (me == 0 -> FIRST : SECOND) ->
				r = 2 * me + 4 * asked;
				asked++;
				waits(1);
				if
				:: locks > 0 && lock == 0 -> locks--; lock = me + 1 /* world: a lock */
				:: true
				fi
			}
			send(r);
			await(r);
			atomic {
				if
				:: refused -> /* model: pass over */
					must(durable, (safe & BIT(r)) && (no & BIT(r)));
					shown = shown | BIT(r);
					if
					:: !fall && returned -> reached("refused after a change")
					:: else
					fi;
					goto done
				:: else -> /* model: disclose */
					must(durable, (safe & BIT(r)) && !(no & BIT(r)));
					must(fresh, !(need & BIT(r)));
					must(bound, limited);
					shown = shown | BIT(r);
					due = ANSWERS;
					if
					:: fall -> reached("shown after a fall")
					:: !fall && returned -> reached("shown, put before a change")
					:: else
					fi
				fi
			}
#if ANSWERS
			if
			:: stop()
			:: waits(1)
			fi;
			send(r + 1); /* model: answer */
#ifndef left_again
			due = 0;
#endif
			await(r + 1); /* model: await the answer */
#endif
			goto done;
broken:
			waits(0);
			if
			:: atomic { due ->
					if
					:: ring_n < RING -> /* model: leave */
						ring[ring_n] = r + 1;
						ring_n++;
						was_sent(r + 1);
						left = left | BIT(r + 1)
					:: else -> reached("no room for what is left")
					fi
				}
				wake_writer()
			:: !due
			fi;
done:
			atomic {
				lock = (lock == me + 1 -> 0 : lock);
				pending = (dying -> NONE : pending);
				r = 0; refused = 0; limited = 0; due = 0; dying = 0
			}
		:: asked == (me == 0 -> FIRST : SECOND) -> break
		od
	} UNLESS_FALLEN
}

/* ---- the writer ---- */

#if RING == 2
#define IN_RING ((ring_n > 0 -> BIT(ring[0]) : 0) | (ring_n > 1 -> BIT(ring[1]) : 0))
#else
#define IN_RING (ring_n > 0 -> BIT(ring[0]) : 0)
#endif

/* lpr_queue_settle() drops the records that it has answered. */
inline drop_records()
{
	i = 0;
	do
	:: i < RING -> ring[i] = (i + n < RING -> ring[i + n] : 0); i++
	:: else -> break
	od;
	ring_n = ring_n - n;
	left = left & IN_RING;
	i = 0
}

/* What of the batch is in the log already (the first ones), and what is not. */
inline look_at_records()
{
	i = 0;
	known = 0;
	do
	:: i < n ->
		if
		:: !reconciled && known == i && (log & BIT(ring[i])) -> /* model: reconcile */
			known++;
			found = found | BIT(ring[i])
		:: else -> mask = mask | BIT(ring[i]) /* model: judge */
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

/* One receipt: what it says first, then that it is there. Its reader takes no lock. */
#ifdef refusal_forgotten
#define REFUSED(r) ((no & ~found & BIT(r)) != 0)
#else
#define REFUSED(r) ((no & BIT(r)) != 0)
#endif
#ifdef limit_forgotten
#define LIMITED(r) (!(found & BIT(r)))
#else
#define LIMITED(r) 1
#endif
#ifdef no_ticket
#define AWAITED(r) (!LEFT(r))
#else
#define AWAITED(r) (!LEFT(r) && ticket[OWNER(r)] == r)
#endif

#ifdef taken_at_peek
#define BATCH(i) ((first & ((i == 0) * 7)) | (second & ((i == 1) * 7)))
#else
#define BATCH(i) ring[i]
#endif

inline say(r)
{
	receipt_refused[OWNER(r)] = REFUSED(r);
	receipt_limited[OWNER(r)] = LIMITED(r)
}

/* Content first, then `written`, since its reader takes no lock; so whoever finds it written finds all of it, and it is one step here. */
inline write_receipts(saying, writing)
{
	i = 0;
	do
	:: i < n ->
		awake = awake | (!LEFT(BATCH(i)) << OWNER(BATCH(i)));
		if
		:: AWAITED(BATCH(i)) ->
			if
			:: saying -> say(BATCH(i))
			:: else
			fi;
			if
			:: writing -> written[OWNER(BATCH(i))] = 1
			:: else
			fi
		:: else
		fi;
		i++
	:: else -> break
	od;
	i = 0
}

inline wake_askers()
{
	d_step { /* model: wake the asker */
		latch[0] = latch[0] || (awake & 1);
		latch[1] = latch[1] || (awake & 2);
		awake = 0
	}
}

/* lpr_queue_settle(), under the lock */
inline settle()
{
#ifdef woken_before_the_receipt
	awake = 3;
	wake_askers();
#endif
#ifdef written_first
	atomic { write_receipts(0, 1) };
#define AT_ONCE 0
#else
#define AT_ONCE 1
#endif
	atomic { /* model: settle */
		write_receipts(1, AT_ONCE);
#ifdef woken_before_the_receipt
		awake = 0;
#endif
#ifndef taken_at_peek
		drop_records()
#endif
	}
#ifndef woken_before_the_receipt
	wake_askers()
#endif
}

/* The server's own end, or a mistake that it does not survive. */
inline end()
{
	atomic { kills > 0 -> kills--; goto ended } /* model: end */
}

active proctype Writer()
{
	byte mine = 0;
	byte n;     /* records of the batch: the first of the ring */
	byte known; /* so many of them are in the log already: */
	byte found;
	byte mask;  /* what is written */
	byte i;
	byte awake; /* whom to wake, a bit an asker */
	bit changes;
	bit saw; /* whether the snapshot sees the change */
	bit reconciled;
	bit behind;
#ifdef taken_at_peek
	byte first, second;
#endif

life:
	atomic { n = 0; known = 0; found = 0; mask = 0; i = 0; awake = 0; changes = 0; saw = 0 }
	{
		atomic { /* model: start */
			attached = 1;
			writer_latch = 0;
			behind = 1;
			flag = 1;
#ifdef reconcile_forgotten
			reconciled = 1
#else
			reconciled = 0
#endif
		}
		do
		:: if
		   :: atomic { behind || ring_n > 0 || flag ->
#ifdef old_snapshot
				saw = policy
#endif
			  }
		   :: else ->
#ifdef latch_reset_late
				writer_latch = 0;
#endif
end_wait:
				if
				:: d_step { writer_latch -> writer_latch = 0 } /* model: wait */
				:: end()
				fi;
				goto again
		   fi;
		   n = ring_n; /* model: peek */
#ifdef taken_at_peek
		   d_step { look_at_records(); first = ring[0]; second = ring[1]; drop_records() }
#endif
#ifdef flag_taken_last
		   changes = flag;
#else
		   d_step { changes = flag; flag = 0 } /* model: take the flag */
#endif
#ifndef old_snapshot
		   saw = policy; /* model: snapshot */
#endif
		   if
		   :: atomic { lock == 0 -> lock = WRITER } /* model: lock the log */
		   :: lock != 0 -> goto aborted
		   :: atomic { errors > 0 -> errors--; goto aborted }
		   :: end()
		   fi;
		   atomic {
#ifndef taken_at_peek
			look_at_records();
#endif
			mask = mask | ((changes && policy && !(log & CHAINED)) -> CHAINED : 0) /* model: chain the changes */
			if
			:: known > 0 -> reached("found in the log")
			:: else
			fi;
			reconciled = 0; /* model: commit */
			must(once, (log & mask) == 0);
			log = log | mask;
			no = no | (saw -> mask & 21 : 0)
		   }
		   if
#ifdef no_commit_of_its_own
		   :: mask ->
#else
		   :: mask || found ->
#endif
#ifndef answered_before_flush
				disk = log; /* model: flush */
#endif
				if
#ifdef acknowledged_here
				:: true
#else
				:: !follows || ((mask | found) & ~standby) == 0 -> lock = 0 /* model: standby */
#endif
#ifdef end_not_heeded
				:: atomic { follows && kills > 0 -> kills--; lock = 0 }
#else
				:: atomic { follows && kills > 0 -> kills--; lock = 0; goto ended } /* model: end after the commit */
#endif
				fi
		   :: else -> lock = 0
		   fi;
		   if
		   :: reconciled = 1
		   :: end()
		   :: atomic { errors > 0 -> errors--; goto aborted }
		   fi;
		   settle();
#ifdef flag_taken_last
		   flag = 0;
#endif
		   d_step { behind = 0; n = 0; known = 0; found = 0; mask = 0; changes = 0; saw = 0; i = 0 }
		   goto again;
aborted:
		   atomic { /* model: abort */
			lock = (lock == WRITER -> 0 : lock);
			n = 0; known = 0; found = 0; mask = 0; changes = 0; saw = 0;
#ifndef changes_forgotten
			flag = 1;
#endif
			behind = 1
		   }
again:
		   skip
		od;
ended:
		atomic { attached = 0; lock = (lock == WRITER -> 0 : lock) } /* model: detach */
		goto life
	} UNLESS_FALLEN
}

/* ---- somebody who takes a right away ---- */

#if CHANGES > 0
active proctype Admin()
{
	byte mine = 0;

	{
		log = log | CHANGE; /* world: a change commits */
#ifdef told_too_early
		flag = 1;
		wake_writer();
#endif
#ifndef change_not_flushed
		disk = log; /* model: flush of a change */
		!follows || (standby & CHANGE);
#endif
		policy = 1;
#ifndef told_too_early
		flag = 1; /* model: tell the writer */
		wake_writer();
#endif
		returned = 1
	} UNLESS_FALLEN;
	goto over;
life:
	reached("a fall in the middle of a change");
over:
	skip
}
#endif

/* ---- disks, standbys, power ---- */

#if FALLS > 0
inline all_end()
{
	fall++;
	i = 0;
	do
	:: i < RING -> ring[i] = 0; i++
	:: else -> break
	od;
	i = 0;
	ring_n = 0; flag = 0; attached = 0; writer_latch = 0; lock = 0;
	ticket[0] = NONE; written[0] = 0; receipt_refused[0] = 0; receipt_limited[0] = 0; latch[0] = 0;
	ticket[1] = NONE; written[1] = 0; receipt_refused[1] = 0; receipt_limited[1] = 0; latch[1] = 0;
	policy = (log & CHANGE) != 0;
	no = no & log
}

active proctype World()
{
	byte i;

end_world:
	do
	:: d_step { follows && standby != disk -> standby = disk } /* world: the standby flushes */
#ifdef early_promotion
	:: d_step { replayed != standby -> replayed = standby }
#endif
	:: atomic { /* world: crash */
			crashes > 0 -> crashes--;
			if
			:: log = disk
			:: disk = log /* somebody else had flushed it */
			fi;
			all_end();
			must(durable, (shown & ~log) == 0);
			must(fresh, !returned || policy)
		}
	:: atomic { /* world: promotion */
			promotions > 0 -> promotions--;
			follows = 0;
#ifdef early_promotion
			standby = replayed;
#endif
			disk = standby;
			log = standby;
			all_end();
			must(durable, (shown & ~log) == 0);
			must(fresh, !returned || policy)
		}
	od
}
#endif

/* ---- what must come, when the writer lives ---- */

#ifdef LIVELY
ltl waits { ([]<> !waiting[0]) && ([]<> !waiting[1]) } /* nobody waits for ever */
ltl comes { []<> ((sent & ~log) == 0 && (!returned || (log & CHAINED))) } /* what was sent is written, and so is each change */
#endif
