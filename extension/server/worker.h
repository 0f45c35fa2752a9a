/*
 * worker.h: what the background workers share.
 */
#ifndef LPR_WORKER_H
#define LPR_WORKER_H

#include "postgres.h"

/* Has the postmaster start one when recovery is over, and again so many seconds after its end. function: of this library, PGDLLEXPORT. */
extern void lpr_worker_register(const char *name, const char *function, int restart_seconds);

/* Takes the settings that a role or a database may have, and makes them ours. */
extern void lpr_worker_force_settings(void);

/* Waits until the audit writer has found lpr.database, and connects to it. For the other workers, which nobody needs before. */
extern void lpr_worker_connect(void);

/* Reads the configuration again when SIGHUP asked for it; whether it did. */
extern bool lpr_worker_reload(void);

/* Of SIGINT: a cancel by somebody must not undo what others wait for. But the server's own lock_timeout comes as one. */
extern void lpr_worker_handle_cancel(SIGNAL_ARGS);

/* In PG_CATCH: tells the server's log, at most once a minute, and ends the transaction. */
extern void lpr_worker_give_up(MemoryContext context);

#endif
