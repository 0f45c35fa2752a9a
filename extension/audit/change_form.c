/*
 * change_form.c: whether lpr_data.change is as lpr made it.
 */
#include "audit/change_internal.h"

#include "access/htup_details.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "audit/audit.h"
#include "server/errors.h"

#define RULE                                                                                                           \
	"There committed changes wait for the audit writer. lpr's own triggers put them in, the writer takes them out "    \
	"(U3)."

static const Oid column_types[COLUMNS] = {INT8OID, TEXTOID, INT4OID, TIMESTAMPTZOID, TEXTOID};

void
lpr_change_refuse(const char *message, const char *hint)
{
	/* Left, not awaited: what this transaction has locked may be what the writer waits for. */
	if (lpr_audit_here())
		lpr_audit_leave_refusal((LprAuditEntry){.control = "U3"}, LPR_ERRCODE_ADDED_ONLY, message);
	ereport(ERROR, (errcode(LPR_ERRCODE_ADDED_ONLY), errmsg("%s", message), errdetail(RULE), errhint("%s", hint)));
}

/* NULL when nothing is between what is put in and the table but our triggers. */
static const char *
find_stranger(Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;
	int guards = 0;

	if (relation->rd_rel->relkind != RELKIND_RELATION || relation->rd_rel->relispartition ||
		relation->rd_rel->relpersistence != RELPERSISTENCE_PERMANENT ||
		RelationGetNumberOfAttributes(relation) != COLUMNS)
		return "its form";
	for (int i = 0; i < COLUMNS; i++)
		if (TupleDescAttr(RelationGetDescr(relation), i)->atttypid != column_types[i])
			return "the type of a column";
	if (relation->rd_rules != NULL)
		return "a rule";
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (strcmp(trigger->tgname, "guard_row") == 0 &&
			trigger->tgtype == (TRIGGER_TYPE_ROW | TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE |
								TRIGGER_TYPE_DELETE))
			guards++;
		else if (strcmp(trigger->tgname, "guard_truncate") == 0 &&
				 trigger->tgtype == (TRIGGER_TYPE_BEFORE | TRIGGER_TYPE_TRUNCATE))
			guards++;
		else
			return "a trigger of somebody else";
		if (trigger->tgenabled != TRIGGER_FIRES_ALWAYS || trigger->tgqual != NULL)
			return "a guard that does not always fire";
	}
	return guards == 2 ? NULL : "a guard that is gone";
}

/* Whether a trigger calls our own function still. */
static bool
calls_guard(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool calls = false;

	if (HeapTupleIsValid(tuple))
	{
		bool isnull;
		Datum source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);

		calls = !isnull && ((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId &&
				strcmp(TextDatumGetCString(source), "lpr_guard_change") == 0;
		ReleaseSysCache(tuple);
	}
	return calls;
}

void
lpr_change_check_form(Relation relation, bool all)
{
	const char *stranger = find_stranger(relation);

	if (stranger == NULL && relation->rd_rel->relhassubclass &&
		find_inheritance_children(RelationGetRelid(relation), NoLock) != NIL)
		stranger = "a table that inherits from it";
	for (int i = 0; all && stranger == NULL && i < relation->trigdesc->numtriggers; i++)
		if (!calls_guard(relation->trigdesc->triggers[i].tgfoid))
			stranger = "a guard that does something else";
	if (stranger != NULL)
		lpr_change_refuse(psprintf("lpr_data.change is not as lpr made it: %s", stranger),
						  "ROLLBACK; what has changed it before is undone by ALTER EXTENSION lpr UPDATE, or by hand in "
						  "single-user mode.");
}
