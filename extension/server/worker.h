/*
 * worker.h: what the background workers share.
 */
#ifndef LPR_WORKER_H
#define LPR_WORKER_H

#include "postgres.h"

/*
 * Has the postmaster start one when recovery is over, and again so many seconds after its end. function: of this
 * library, PGDLLEXPORT.
 */
extern void lpr_worker_register(const char *name, const char *function, int restart_seconds);

/* Takes the settings that a role or a database may have, and makes them ours. */
extern void lpr_worker_force_settings(void);

extern char *lpr_database; /* GUC: the database that asks */

/* Whether this process is one of our workers: what it changes was no person's doing. */
extern bool lpr_is_worker(void);

/* Waits until lpr.database is ready, and connects to it. For the workers that nobody needs before. */
extern void lpr_worker_connect(bool (*ready)(void));

/* Reads the configuration again when SIGHUP asked for it; whether it did. */
extern bool lpr_worker_reload(void);

/*
 * Of SIGINT: a cancel by somebody must not undo what others wait for. But the server's own lock_timeout comes as one.
 */
extern void lpr_worker_handle_cancel(SIGNAL_ARGS);

/*
 * Whether the extension is there, and stays for this transaction: while somebody drops it, or makes it, there is
 * nothing to do. A snapshot of before may show otherwise. DROP EXTENSION then waits before it holds any table.
 */
extern bool lpr_worker_hold_extension(void);

/* In PG_CATCH: tells the server's log, at most once a minute, and ends the transaction. */
extern void lpr_worker_give_up(MemoryContext context);

#endif
