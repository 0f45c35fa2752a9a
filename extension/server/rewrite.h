/*
 * rewrite.h: a table anew, in files of its own, with what is visible of it now and nothing else.
 *
 * What DELETE leaves lies in the files on, after VACUUM as well, which moves together what stays and wipes nothing; VACUUM FULL and CLUSTER wipe, but keep
 * what an older snapshot might see, and run in transactions of their own. This runs in the transaction that deletes: at its commit the old files go.
 */
#ifndef LPR_REWRITE_H
#define LPR_REWRITE_H

#include "postgres.h"

/* Takes the table for itself until the end of the transaction. Snapshots taken before see what is left of it, like all others. */
extern void lpr_rewrite_table(Oid table);

#endif
