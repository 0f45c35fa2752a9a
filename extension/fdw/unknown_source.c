/*
 * unknown_source.c: sources that a condition names and that do not exist. The planner leaves out a source without a
 * partition, and an answer without rows would look like "never seen". So it is told where it can be: while the
 * statement is planned, of names that are known then.
 */
#include "fdw/fdw.h"

#include "server/data.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "optimizer/paths.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static set_rel_pathlist_hook_type earlier_rel_pathlist = NULL;

/* Sources have partitions of their names (lpr.add_source). */
static bool
is_source(const char *name)
{
	char partition[NAMEDATALEN];

	return snprintf(partition, sizeof(partition), "reads_%s", name) < (int) sizeof(partition) &&
		   OidIsValid(lpr_data_table(partition));
}

static void
tell_unknown(Datum name)
{
	char *shown = TextDatumGetCString(name);

	if (!is_source(shown))
		ereport(NOTICE, (errmsg("there is no source \"%.*s\"", pg_mbcliplen(shown, strlen(shown), 64), shown),
						 errhint("SELECT source FROM lpr.sources;")));
}

/* lpr.reads, or lpr.images, which has the same sources. */
static bool
is_of_sources(Oid relid)
{
	Oid schema = get_namespace_oid("lpr", true);

	return relid == get_relname_relid("reads", schema) || relid == get_relname_relid("images", schema);
}

static void
look_for_unknown(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	ListCell *cell;

	if (earlier_rel_pathlist != NULL)
		earlier_rel_pathlist(root, rel, rti, rte);
	if (rel->reloptkind != RELOPT_BASEREL || rte->rtekind != RTE_RELATION ||
		rte->relkind != RELKIND_PARTITIONED_TABLE || !is_of_sources(rte->relid))
		return;
	if (find_inheritance_children(rte->relid, NoLock) == NIL)
	{
		ereport(NOTICE,
				(errmsg("there is no source to ask"), errhint("A superuser adds one with lpr.add_source(...).")));
		return;
	}
	foreach (cell, rel->baserestrictinfo)
	{
		LprCondition condition;
		Const *value;

		if (!lpr_condition_recognize(lfirst_node(RestrictInfo, cell)->clause, rti, rte->relid, &condition) ||
			(condition.kind != LPR_CONDITION_SOURCE && condition.kind != LPR_CONDITION_SOURCES) || condition.guarded)
			continue;
		value = linitial(condition.values);
		if (!IsA(value, Const) || value->constisnull)
			continue;
		if (condition.kind == LPR_CONDITION_SOURCE)
			tell_unknown(value->constvalue);
		else
		{
			Datum *names;
			bool *nulls;
			int count;

			deconstruct_array(DatumGetArrayTypeP(value->constvalue), TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls,
							  &count);
			for (int i = 0; i < count; i++)
				if (!nulls[i])
					tell_unknown(names[i]);
		}
	}
}

void
lpr_unknown_source_init(void)
{
	earlier_rel_pathlist = set_rel_pathlist_hook;
	set_rel_pathlist_hook = look_for_unknown;
}
