/*
 * statement_record.c: hooks that see what no trigger and no event trigger sees, and have it put on record with its
 * transaction (audit/statement_log.h). What is said of each kind of statement stands in statement_words.c.
 */
#include "policy/statement_record.h"

#include "access/xact.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"

#include "audit/audit.h"
#include "audit/audit_queue.h"
#include "audit/change.h"
#include "audit/statement_log.h"
#include "format/payload.h"
#include "policy/restore.h"
#include "policy/statement_words.h"
#include "server/caller.h"
#include "server/compat.h"
#include "server/data.h"
#include "server/errors.h"

static ProcessUtility_hook_type earlier_utility = NULL;
static ExecutorCheckPerms_hook_type earlier_perms = NULL;
static object_access_hook_type earlier_access = NULL;

static int depth = 0;             /* utilities within each other */
static int script_depth = 0;      /* at which the statements of an extension's script are */
static int script_functions = 0;  /* that were under way when it began */
static const char *script = NULL; /* its text, once it is on record */
static bool dropping = false;     /* DROP EXTENSION lpr was put on record before it began */

/* ---- refusals ---- */

pg_noreturn static void
refuse(const char *message, const char *hint)
{
	/* Left, not awaited: we hold its lock. */
	if (lpr_audit_here())
		lpr_audit_leave_refusal((LprAuditEntry){.control = "U3"}, LPR_ERRCODE_ADDED_ONLY, message);
	ereport(ERROR, (errcode(LPR_ERRCODE_ADDED_ONLY), errmsg("%s", message),
					errdetail("What waits for the audit log, and what writes it, goes on record first (U3)."),
					errhint("%s", hint)));
}

static bool
of_our_script(void)
{
	return creating_extension && CurrentExtensionObject == get_extension_oid("lpr", true);
}

/* Whoever means to look after the table need not alter it: VACUUM, REINDEX and CLUSTER are as good as anywhere. */
static void
refuse_alter(bool truncate)
{
	if (!of_our_script())
		refuse(psprintf("%s of lpr_data.change is refused", truncate ? "TRUNCATE" : "ALTER TABLE"),
			   "It changes with ALTER EXTENSION lpr UPDATE only.");
}

/* ---- utilities ---- */

static bool
is_of_changes(const RangeVar *relation)
{
	Oid changes = lpr_data_table("change");

	return OidIsValid(changes) && relation != NULL && RangeVarGetRelid(relation, NoLock, true) == changes;
}

/* First on record, then done. Where there is no log and nobody who could begin one, nothing was ever asked. */
static void
record_drop(const char *payload)
{
	char reason[LPR_REASON_ROOM], hint[LPR_HINT_ROOM];

	if (IsUnderPostmaster && lpr_audit_here() &&
		(OidIsValid(lpr_data_table("log")) || lpr_queue_writer(reason, hint) == LPR_WRITER_READY))
		lpr_statement_record_now(payload);
}

/*
 * Whoever loads a dump brings a log along, perhaps: pg_dump says so of itself by this setting, and whoever pretends to
 * is waited for no longer than they stay.
 */
static void
note_created(Node *statement)
{
	if (IsA(statement, CreateExtensionStmt) && strcmp(((CreateExtensionStmt *) statement)->extname, "lpr") == 0 &&
		!check_function_bodies && lpr_queue_there())
		lpr_queue_set_restorer();
}

/* Of the script of an extension, its text: whoever has the file can tell what was executed. */
static void
note_script(const char *text)
{
	char *payload;

	if (!creating_extension || depth != script_depth || lpr_callers() != script_functions || text == script ||
		!lpr_audit_here())
		return;
	script = text;
	payload = lpr_describe_script(text);
	lpr_statement_note(payload, false, true);
}

static void
record_utility(PlannedStmt *planned, const char *text, bool read_only, ProcessUtilityContext context,
			   ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	Node *statement = planned->utilityStmt;
	bool roles = false;
	bool awaited = !IsA(statement, AlterSystemStmt);
	bool drops = lpr_drops_us(statement) && OidIsValid(get_extension_oid("lpr", true));
	bool copies = IsA(statement, CopyStmt) && ((CopyStmt *) statement)->is_from &&
				  is_of_changes(((CopyStmt *) statement)->relation);
	bool begins = (IsA(statement, CreateExtensionStmt) || IsA(statement, AlterExtensionStmt)) && !creating_extension;
	char *payload = NULL;
	volatile int outer_depth = depth;

	if (!IsBinaryUpgrade && IsTransactionState())
	{
		payload = lpr_describe_statement(planned, text, &roles);
		note_script(text);
		lpr_restore_check_statement(statement);
		/* Not all of its forms tell of themselves as they are executed. */
		if (IsA(statement, AlterTableStmt) && IsUnderPostmaster &&
			is_of_changes(((AlterTableStmt *) statement)->relation))
			refuse_alter(false);
		if (drops)
			record_drop(payload);
	}
	depth++;
	if (begins)
	{
		script_depth = depth;
		script_functions = lpr_callers();
		script = NULL;
	}
	if (copies)
		lpr_change_let_restore(true);
	dropping = dropping || drops;
	PG_TRY();
	{
		if (earlier_utility != NULL)
			earlier_utility(planned, text, read_only, context, params, environment, dest, completion);
		else
			standard_ProcessUtility(planned, text, read_only, context, params, environment, dest, completion);
	}
	PG_FINALLY();
	{
		depth = outer_depth;
		if (copies)
			lpr_change_let_restore(false);
		if (drops)
			dropping = false;
	}
	PG_END_TRY();
	if (payload != NULL)
		lpr_statement_note(payload, roles, awaited);
	if (begins)
		note_created(statement);
}

/* ---- changes of tables that triggers need not see ---- */

/* A catalogue that bears on the safeguards: those of the cluster anywhere, all of them in the database of the log. */
static void
note_catalogue(Oid relid, AclMode mode)
{
	LprText payload = {0};
	const char *command = (mode & ACL_INSERT) != 0 ? "INSERT" : (mode & ACL_DELETE) != 0 ? "DELETE" : "UPDATE";

	if (!IsSharedRelation(relid) && !lpr_audit_here())
		return;
	lpr_change_touched();
	lpr_statement_open(&payload, command, "system catalog");
	lpr_payload_text(&payload, "object", get_rel_name(relid));
	lpr_statement_note(lpr_statement_close(&payload), IsSharedRelation(relid), true);
}

static bool
check_permissions(LPR_CHECK_PERMS_PARAMETERS)
{
	ListCell *cell;

	foreach (cell, LPR_CHECK_PERMS_LIST)
	{
		LprPermissions *on = lfirst(cell);

		if ((on->requiredPerms & (ACL_INSERT | ACL_UPDATE | ACL_DELETE)) == 0 || !OidIsValid(on->relid) ||
			IsBinaryUpgrade)
			continue;
		/* Extensions' scripts are on record by their texts, if they hold a statement that is no query. */
		if (IsCatalogRelationOid(on->relid))
		{
			if ((!creating_extension || script == NULL) && get_rel_relkind(on->relid) == RELKIND_RELATION)
				note_catalogue(on->relid, on->requiredPerms);
		}
		else
		{
			if (on->relid == lpr_data_table("change") && !lpr_caller_is_ours())
				lpr_change_touched();
			if ((on->requiredPerms & ACL_INSERT) != 0)
				lpr_restore_check_rows(on->relid, on->insertedCols);
		}
	}
	return earlier_perms == NULL || earlier_perms(LPR_CHECK_PERMS_ARGS);
}

/* ---- changes of definitions ---- */

static void
check_definition(ObjectAccessType access, Oid class, Oid object, void *argument)
{
	bool internal = access == OAT_POST_ALTER && argument != NULL && ((ObjectAccessPostAlter *) argument)->is_internal;

	if (class == ExtensionRelationId && access == OAT_DROP && !dropping && object == get_extension_oid("lpr", true))
		refuse("lpr is dropped along with something else", "DROP EXTENSION lpr CASCADE; first.");
	if (class == TriggerRelationId || class == RewriteRelationId || class == InheritsRelationId ||
		class == ProcedureRelationId)
	{
		lpr_change_touched();
		if (class == TriggerRelationId && of_our_script())
			lpr_change_guarded();
	}
	if (class != RelationRelationId || (access != OAT_POST_ALTER && access != OAT_TRUNCATE) || internal ||
		object != lpr_data_table("change") || !OidIsValid(object))
		return;
	lpr_change_touched();
	refuse_alter(access == OAT_TRUNCATE);
}

static void
see_access(ObjectAccessType access, Oid class, Oid object, int sub, void *argument)
{
	if (earlier_access != NULL)
		earlier_access(access, class, object, sub, argument);
	if (!IsBinaryUpgrade && IsUnderPostmaster &&
		(access == OAT_DROP || access == OAT_POST_ALTER || access == OAT_POST_CREATE || access == OAT_TRUNCATE))
		check_definition(access, class, object, argument);
}

void
lpr_statement_record_init(void)
{
	earlier_utility = ProcessUtility_hook;
	ProcessUtility_hook = record_utility;
	earlier_perms = ExecutorCheckPerms_hook;
	ExecutorCheckPerms_hook = check_permissions;
	earlier_access = object_access_hook;
	object_access_hook = see_access;
}
