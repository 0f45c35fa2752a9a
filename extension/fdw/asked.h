/*
 * asked.h: for the planner: what the conditions of a scan can ask, and where their values come from.
 */
#ifndef LPR_ASKED_H
#define LPR_ASKED_H

#include "fdw/fdw.h"

/* What the conditions of a scan can ask. */
typedef struct LprAsked
{
	unsigned modes;     /* of the anchors, bits of LprMode */
	unsigned unguarded; /* of those that ask whatever the values are */
	bool single_plate;
	bool all; /* every condition is one that is asked */
} LprAsked;

extern LprAsked lpr_asked_by(List *restrictions, Index varno, Oid relid);
/*
 * Whether a source can be asked by anchors of these modes. If not, it would be passed over; then a join that brings it
 * a plate is better.
 */
extern bool lpr_asked_can(const LprRelation *relation, unsigned modes);
/* For EXPLAIN: why the conditions of a scan can be asked by no value; empty when they can. */
extern char *lpr_asked_why_not(const LprRelation *relation, LprAsked asked);
/* The relations that give a join clause its value, when it is an anchor or (for_event) names the event; else NULL. */
extern Relids lpr_asked_relations(RelOptInfo *rel, Oid relid, RestrictInfo *clause, bool for_event);
/*
 * Reads carry the event that they are asked for: a join by event_id has to ask event by event. The relations that the
 * event comes from, NULL if there is no such join.
 */
extern Relids lpr_asked_event_relations(PlannerInfo *root, RelOptInfo *rel, Oid relid);
/* The column of lpr.reads that a member of an equivalence class is; -1 when it is none. */
extern int lpr_asked_column(RelOptInfo *rel, EquivalenceMember *em);

#endif
