/*
 * change_internal.h: what change_form.c, change.c and change_guard.c share, in this order.
 */
#ifndef LPR_CHANGE_INTERNAL_H
#define LPR_CHANGE_INTERNAL_H

#include "postgres.h"
#include "utils/relcache.h"

#include "server/compat.h"

/* Columns of lpr_data.change. */
enum
{
	NUMBER = 1,
	LOGIN,
	PID,
	SESSION,
	PAYLOAD,
	COLUMNS = PAYLOAD
};

/* ERROR LP031, on record. */
pg_noreturn extern void lpr_change_refuse(const char *message, const char *hint);
/*
 * Refuses a table that is not as lpr made it: other triggers than ours, rules, heirs, columns. all: and what its
 * guards call.
 */
extern void lpr_change_check_form(Relation relation, bool all);

/* A row goes in through the guard. */
extern void lpr_change_count_in(Oid table, int64 number, Datum login, bool has_login, Datum payload);
extern bool lpr_change_is_taking(void);
extern bool lpr_change_is_restoring(void);

#endif
