/*
 * fdw.h: what plan, scan, explain and join share of the foreign-data wrapper.
 */
#ifndef LPR_FDW_H
#define LPR_FDW_H

#include "postgres.h"
#include "foreign/fdwapi.h"
#include "nodes/pathnodes.h"

#include "fdw/condition.h"
#include "server/compat.h"
#include "source/option.h"

/* The parts of ForeignScan.fdw_private, by position. Copyable nodes only. */
typedef enum LprPlanPart
{
	LPR_PLAN_CONDITIONS,    /* integer list: kind, guarded; kind, guarded; ... as their values follow in fdw_exprs */
	LPR_PLAN_COLUMNS,       /* integer list: LprColumn needed */
	LPR_PLAN_ORDER,         /* Integer: LprOrder that the plan relies on */
	LPR_PLAN_PAGE_SIZE,     /* Integer: rows that will do, 0 = all */
	LPR_PLAN_OUTER,         /* integer list: the relations that its parameters come from */
	LPR_PLAN_BATCHED,       /* Integer: plates come from a batched join above */
	LPR_PLAN_BEFORE_IMAGES, /* Integer: so many conditions, the first ones, look at no image */
	LPR_PLAN_NOT_ASKED,     /* String: why this question can never be asked; empty when it can */
	LPR_PLAN_EVENT_LATER,   /* Integer: a join by event_id that the scan knows nothing of */
	LPR_PLAN_LOCAL          /* integer list: places, in the plan's qual, of conditions that no question tells */
} LprPlanPart;

/* RelOptInfo.fdw_private */
typedef struct LprRelation
{
	Oid relid;
	Oid server;
	LprOptions options;
	unsigned modes; /* of the anchors among its own conditions, bits of LprMode */
	bool single_plate;
	bool all_asked; /* no local condition but those that are asked too */
} LprRelation;

extern void lpr_get_rel_size(PlannerInfo *root, RelOptInfo *rel, Oid relid);
extern void lpr_get_paths(PlannerInfo *root, RelOptInfo *rel, Oid relid);
extern ForeignScan *lpr_get_plan(PlannerInfo *root, RelOptInfo *rel, Oid relid, ForeignPath *path, List *tlist,
								 List *clauses, Plan *outer_plan);

extern void lpr_begin_scan(ForeignScanState *node, int eflags);
extern TupleTableSlot *lpr_iterate_scan(ForeignScanState *node);
extern void lpr_rescan(ForeignScanState *node);
extern void lpr_end_scan(ForeignScanState *node);

/* The plates that a batched join asks its inner scans for, from one rescan to the next. Owned by the join. */
typedef struct LprBatch
{
	int nplates;
	const char **plates; /* normal form, sorted, distinct */
} LprBatch;

extern bool lpr_is_our_scan(PlanState *node);
extern void lpr_scan_set_batch(ForeignScanState *node, LprBatch *batch);

/* What a scan told its stats; NULL before it started. */
extern struct LprQueryStats *lpr_scan_stats(ForeignScanState *node);

/* Tells of sources that a condition names and that do not exist (unknown_source.c). */
extern void lpr_unknown_source_init(void);

/* What one partition alone costs (append.c). */
extern void lpr_append_init(void);

/* The batched join (join.c). */
extern bool lpr_is_our_relation(RelOptInfo *rel);
extern void lpr_join_init(void);
extern ForeignPath *lpr_batched_path(PlannerInfo *root, RelOptInfo *rel);

#endif
