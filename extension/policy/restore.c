/*
 * restore.c: pg_dump names every column that a table had, and the extension by no version. Restored into this one,
 * rows of an earlier version would have neither the time that an update gives people who are at work nor what it makes
 * of them; and nobody would see that.
 */
#include "policy/restore.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "nodes/parsenodes.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "server/caller.h"
#include "server/compat.h"

/* pg_dump says so by this setting of what it wrote; scripts of extensions have it as well. */
static bool
loads_dump(void)
{
	return !check_function_bodies && !creating_extension && lpr_callers() == 0;
}

pg_noreturn static void
refuse(const char *table, const char *differs)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("this is a dump of an earlier version of lpr: its %s %s", table, differs),
			 errdetail("Into an extension of this version it would bring people without what an update gives them."),
			 errhint("In an empty database: sed \"s/^CREATE EXTENSION IF NOT EXISTS lpr .*/CREATE EXTENSION lpr "
					 "WITH SCHEMA lpr VERSION '%s';/\" DUMP | psql -v ON_ERROR_STOP=1, then ALTER EXTENSION "
					 "lpr UPDATE;",
					 LPR_VERSION_BEFORE)));
}

void
lpr_restore_check_rows(Oid relid, const Bitmapset *columns)
{
	Oid lpr;
	Relation relation;

	if (!loads_dump())
		return;
	lpr = get_extension_oid("lpr", true);
	if (!OidIsValid(lpr) || getExtensionOfObject(RelationRelationId, relid) != lpr)
		return;
	relation = table_open(relid, NoLock); /* whoever checks rights has locked it */
	for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++)
	{
		Form_pg_attribute column = TupleDescAttr(RelationGetDescr(relation), i);

		if (!column->attisdropped && column->attgenerated == '\0' &&
			!bms_is_member(column->attnum - FirstLowInvalidHeapAttributeNumber, columns))
			refuse(RelationGetRelationName(relation), psprintf("has no %s", NameStr(column->attname)));
	}
	table_close(relation, NoLock);
}

/* The reads of a source, which are the site's own table, where lpr.reads has no such column any more. */
void
lpr_restore_check_statement(Node *statement)
{
	AlterTableStmt *alter = (AlterTableStmt *) statement;
	Oid parent;
	ListCell *cell;
	Relation child;

	if (!IsA(statement, AlterTableStmt) || !loads_dump())
		return;
	parent = RangeVarGetRelid(alter->relation, NoLock, true);
	if (!OidIsValid(parent) || getExtensionOfObject(RelationRelationId, parent) != get_extension_oid("lpr", true))
		return;
	foreach (cell, alter->cmds)
	{
		AlterTableCmd *command = lfirst_node(AlterTableCmd, cell);

		if (command->subtype != AT_AttachPartition)
			continue;
		child = table_openrv(castNode(PartitionCmd, command->def)->name, AccessShareLock);
		for (int i = 0; i < RelationGetNumberOfAttributes(child); i++)
		{
			Form_pg_attribute column = TupleDescAttr(RelationGetDescr(child), i);

			if (!column->attisdropped && get_attnum(parent, NameStr(column->attname)) == InvalidAttrNumber)
				refuse(RelationGetRelationName(child), psprintf("has a column %s", NameStr(column->attname)));
		}
		table_close(child, AccessShareLock);
	}
}
