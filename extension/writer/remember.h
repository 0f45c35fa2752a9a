/*
 * remember.h: what the gate's second part let through, until something that it read changes, or until the end that it
 * told. Kept by the audit writer, in its own memory. A refusal is never remembered.
 */
#ifndef LPR_REMEMBER_H
#define LPR_REMEMBER_H

#include "postgres.h"
#include "datatype/timestamp.h"
#include "executor/spi.h"

#include "audit/facts.h"

/* What the second part said of a person, an event, a source and a mode. */
typedef struct LprAccepted
{
	int person_id;
	TimestampTz since; /* when it was decided: a clock that was set back says nothing of before */
	TimestampTz until;
} LprAccepted;

/* Once, before the first transaction of the process. */
extern void lpr_remember_init(void);
/* In a transaction, before its snapshot: what it decides counts as of now. */
extern void lpr_remember_begin(void);
/* Whether the second part let through the same, and that holds. */
extern bool lpr_remember_find(const LprFacts *facts, LprAccepted *accepted);
/*
 * Remembers it, if by now nothing has changed since the transaction began, and whatever the second part reads can tell
 * when it changes: read_by is a plan that does nothing else than ask it. Connected to SPI.
 */
extern void lpr_remember_keep(const LprFacts *facts, const LprAccepted *accepted, SPIPlanPtr read_by);
extern void lpr_remember_forget(void);
/* Waits, at most so long, until a change is told that voids what was remembered when the transaction began. */
extern bool lpr_remember_await_change(int seconds);

#endif
