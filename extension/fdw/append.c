/*
 * append.c: what an Append costs that has one partition of lpr.reads left.
 *
 * The server takes it for that partition's scan, but 18 forgets the nodes below it that are switched off. A scan that
 * is refused would look possible.
 */
#include "fdw/fdw.h"

#include "optimizer/pathnode.h"
#include "optimizer/paths.h"

static set_rel_pathlist_hook_type earlier_rel_pathlist = NULL;

/* The scan of lpr.reads that a path stands for, or NULL. */
static Path *
only_scan(Path *path)
{
	Path *child;

	if (!IsA(path, AppendPath) || list_length(((AppendPath *) path)->subpaths) != 1)
		return NULL;
	child = linitial(((AppendPath *) path)->subpaths);
	return lpr_is_our_relation(child->parent) ? child : NULL;
}

static void
count_refused(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	List *paths;
	ListCell *cell;

	if (earlier_rel_pathlist != NULL)
		earlier_rel_pathlist(root, rel, rti, rte);
	paths = rel->pathlist;
	if (paths == NIL || rte->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	/* They stand in the order of what they cost. */
	rel->pathlist = NIL;
	foreach (cell, paths)
	{
		Path *path = lfirst(cell);
		Path *scan = only_scan(path);

		if (scan != NULL)
			LPR_TAKE_DISABLED_NODES(path, scan);
		add_path(rel, path);
	}
}

void
lpr_append_init(void)
{
	earlier_rel_pathlist = set_rel_pathlist_hook;
	set_rel_pathlist_hook = count_refused;
}
