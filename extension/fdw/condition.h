/*
 * condition.h: which conditions of an SQL query a vendor can be asked.
 *
 * Every recognized condition stays a local condition of the scan as well: what is sent only narrows what comes.
 */
#ifndef LPR_CONDITION_H
#define LPR_CONDITION_H

#include "postgres.h"
#include "nodes/pathnodes.h"

#include "core/read_columns.h"

/* InvalidAttrNumber when the table has no such column, or lpr.reads has none. */
extern AttrNumber lpr_column_attnum(Oid relid, LprColumn column);
/* ERROR when a foreign table gives one of our columns another type: anybody granted a server may make tables of it. */
extern void lpr_check_columns(Oid relid);

typedef enum LprConditionKind
{
	LPR_CONDITION_PLATE,           /* plate = a */
	LPR_CONDITION_PLATES,          /* plate = ANY (a) */
	LPR_CONDITION_REGION,          /* plate_region = a */
	LPR_CONDITION_REGION_IF_KNOWN, /* plate_region = a OR plate_region IS NULL */
	LPR_CONDITION_NEAR,            /* lpr.distance_m(latitude, longitude, a, b) <= c */
	LPR_CONDITION_ADDRESS,         /* address = a */
	LPR_CONDITION_ADDRESS_LIKE,    /* address ILIKE a */
	LPR_CONDITION_MAKE,            /* make = a */
	LPR_CONDITION_MODEL,           /* model = a */
	LPR_CONDITION_FROM,            /* captured_at >= a */
	LPR_CONDITION_AFTER,           /* captured_at > a */
	LPR_CONDITION_UNTIL,           /* captured_at <= a */
	LPR_CONDITION_BEFORE,          /* captured_at < a */
	LPR_CONDITION_AT,              /* captured_at = a */
	LPR_CONDITION_RECENT,          /* recent */
	LPR_CONDITION_EVENT,           /* event_id = a */
	LPR_CONDITION_SOURCE,          /* source = a: the others are not asked */
	LPR_CONDITION_SOURCES,         /* source = ANY (a) */
	LPR_CONDITION_FRESH            /* NOT from_cache: the vendor is asked, even if an answer is cached */
} LprConditionKind;

typedef struct LprCondition
{
	LprConditionKind kind;
	bool guarded; /* (guard OR condition): nothing is asked when the guard is true */
	List *values; /* expressions free of the scan's columns: the guard first if there is one */
} LprCondition;

/* The column of relation `relid` (range table index `varno`) that an expression is, or -1. */
extern int lpr_column_expression(Node *node, Index varno, Oid relid);

/* Whether a condition lets every read through. The planner makes such of max(captured_at). */
extern bool lpr_condition_is_empty(Expr *clause, Index varno, Oid relid);

/* Whether a condition on relation `relid` (range table index `varno`) is one that can be asked; fills *condition. */
extern bool lpr_condition_recognize(Expr *clause, Index varno, Oid relid, LprCondition *condition);
extern bool lpr_condition_is_anchor(LprConditionKind kind);
extern int lpr_condition_nvalues(LprConditionKind kind); /* without the guard */

/*
 * The text that an ILIKE pattern asks for, when it is '%text%': NULL for any other pattern. The vendor is then not
 * asked by it, but the database still checks it.
 */
extern char *lpr_like_text(const char *pattern);

/* Whether a dialect hands a condition to its vendor (its values go out); what it does not is checked here only. */
struct LprDialect;
extern bool lpr_dialect_takes(const struct LprDialect *dialect, LprConditionKind kind);

/*
 * The value of a condition on captured_at as a timestamptz: a date or a timestamp without zone means what it means in
 * this session, and one that no timestamptz reaches is before or after all of them, as in the server's own comparisons.
 */
extern Datum lpr_condition_moment(Oid type, Datum value);

#endif
