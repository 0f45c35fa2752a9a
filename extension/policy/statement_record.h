/*
 * statement_record.h: what no trigger and no event trigger sees is on record: statements about roles, in any database
 * of the cluster, and ways around our tables (U4).
 */
#ifndef LPR_STATEMENT_RECORD_H
#define LPR_STATEMENT_RECORD_H

#include "postgres.h"

extern void lpr_statement_record_init(void);

#endif
