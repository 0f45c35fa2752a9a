/*
 * restore.h: a dump of an earlier version is refused where it would bring rows that lack what this version has: the
 * update to it, which gives them that, is another way.
 */
#ifndef LPR_RESTORE_H
#define LPR_RESTORE_H

#include "postgres.h"
#include "nodes/bitmapset.h"
#include "nodes/nodes.h"

/* A statement that is about to be executed; and the columns, as a plan has them, that rows of a table are given. */
extern void lpr_restore_check_statement(Node *statement);
extern void lpr_restore_check_rows(Oid relid, const Bitmapset *columns);

#endif
