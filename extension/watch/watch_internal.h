/*
 * watch_internal.h: what watcher.c (the worker), watch_set.c (what is watched where) and watch_round.c (a round of a
 * source) share.
 */
#ifndef LPR_WATCH_INTERNAL_H
#define LPR_WATCH_INTERNAL_H

#include "postgres.h"
#include "datatype/timestamp.h"

#include "format/digest.h"
#include "watch/hit.h"

typedef struct LprWatchRound LprWatchRound;

/* A source as the watcher knows it. */
typedef struct LprWatched
{
	struct LprWatched *next;
	MemoryContext context;
	char name[NAMEDATALEN];
	Oid server;
	bool found; /* at the last look */
	/* The set. */
	int64 set_id;
	int items;
	LprDigest digest;
	MemoryContext set; /* of the plates; NULL: not read yet */
	int nplates;
	const char **plates; /* distinct, sorted */
	/* How far it was asked; 0, NULL = not yet. */
	char *mark;
	TimestampTz asked_at;
	TimestampTz swept_at;
	TimestampTz gap_since;
	/* Rounds. */
	int overlap_min;
	int sweep_min;
	LprWatchRound *round;      /* under way, or NULL */
	struct LprWatchRest *rest; /* what the last one left for the next, at once; or NULL */
	bool has_hits;             /* the last one stored some */
	int failures;              /* in a row */
	int64 paused_until;        /* milliseconds, by the watcher's clock */
} LprWatched;

/* watch_set.c */
extern LprWatched *lpr_watched;
/*
 * In a transaction with a snapshot: judges anew what is watched, if that may have changed, and reads the sources, their
 * sets and marks. Returns the seconds between rounds; 0 = there is nothing to watch.
 */
extern int lpr_watch_look(void);
/* It was not committed. */
extern void lpr_watch_forget(void);

/* watch_round.c */
/* In a transaction with a snapshot: puts the round on record and makes it ready. False: there is nothing to ask. */
extern bool lpr_watch_round_begin(LprWatched *watched);
/* Outside of any. Whatever can be done without waiting; whether anything was. */
extern bool lpr_watch_round_step(LprWatched *watched);
extern bool lpr_watch_round_over(const LprWatched *watched);
extern bool lpr_watch_round_failed(const LprWatched *watched);
/* In a transaction with a snapshot: its hits, its record, its mark. */
extern void lpr_watch_round_end(LprWatched *watched);
/* It is broken off: what it has is stored, and the same asked again. */
extern void lpr_watch_round_break_off(LprWatched *watched);
/* What is watched is another set by now: of its own lists only what is in both is asked. */
extern void lpr_watch_round_keep_set(LprWatched *watched);
/* After an error, or at the end: what was under way is dropped. */
extern void lpr_watch_round_drop(LprWatched *watched);

#endif
