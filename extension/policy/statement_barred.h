/*
 * statement_barred.h: what nobody may do: define something off the record, take the login of a registered person, drop
 * the log (A1, U3, U4).
 */
#ifndef LPR_STATEMENT_BARRED_H
#define LPR_STATEMENT_BARRED_H

#include "postgres.h"

#include "nodes/nodes.h"

/* A utility statement is about to run: ERROR, on record, when it is one of these (LP033, LP035). */
extern void lpr_statement_check_barred(Node *statement);
/* A relation is about to be dropped: ERROR, on record, when it is one of the log (LP031). */
extern void lpr_statement_check_drop(Oid relid);

#endif
