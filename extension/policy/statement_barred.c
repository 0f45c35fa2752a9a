/*
 * statement_barred.c: statements that are barred to everybody, superusers too.
 */
#include "policy/statement_barred.h"

#include "nodes/parsenodes.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"

#include "audit/audit.h"
#include "server/compat.h"
#include "server/data.h"
#include "server/errors.h"
#include "server/login_guard.h"

/* Changes of definitions are put on record by event triggers, which a superuser could switch off from 17 on. */
static void
check_event_triggers(Node *statement)
{
	CommandTag tag = CreateCommandTag(statement);
	char *message;

	if (lpr_event_triggers_fire() || !command_tag_event_trigger_ok(tag) || !lpr_audit_here())
		return;
	message = psprintf("%s is refused while event triggers are switched off", GetCommandTagName(tag));
	lpr_audit_refusal((LprAuditEntry){.control = "U4"}, LPR_ERRCODE_UNRECORDED, message);
	ereport(ERROR,
			(errcode(LPR_ERRCODE_UNRECORDED), errmsg("%s", message),
			 errdetail("In this database changes of definitions are on record."), errhint("RESET event_triggers;")));
}

/*
 * A registered login is neither renamed nor dropped: another login could take its name, and would then be that person.
 */
static void
check_login(const char *login)
{
	if (!lpr_audit_here() || !lpr_login_is_registered(login))
		return;
	lpr_audit_refusal((LprAuditEntry){.control = "A1"}, LPR_ERRCODE_NOT_YOURS,
					  psprintf("login \"%s\" is registered to a person", login));
	ereport(ERROR, (errcode(LPR_ERRCODE_NOT_YOURS), errmsg("login \"%s\" is registered to a person", login),
					errdetail("The login of a registered person is neither renamed nor dropped, lest it become "
							  "somebody else's."),
					errhint("SELECT lpr.retire_person('%s');", login)));
}

static void
check_logins(Node *statement)
{
	ListCell *cell;

	if (IsA(statement, RenameStmt) && ((RenameStmt *) statement)->renameType == OBJECT_ROLE)
		check_login(((RenameStmt *) statement)->subname);
	else if (IsA(statement, DropRoleStmt))
		foreach (cell, ((DropRoleStmt *) statement)->roles)
			if (lfirst_node(RoleSpec, cell)->roletype == ROLESPEC_CSTRING)
				check_login(lfirst_node(RoleSpec, cell)->rolename);
}

void
lpr_statement_check_barred(Node *statement)
{
	check_logins(statement);
	check_event_triggers(statement);
}

/*
 * However it is dropped: by itself, with its schema, with its owner; whether the extension with its event triggers is
 * still there or not.
 */
void
lpr_statement_check_drop(Oid relid)
{
	Oid schema = get_rel_namespace(relid);
	char *name;
	char *message;

	if (!OidIsValid(schema) || schema != lpr_data_schema())
		return;
	name = get_rel_name(relid);
	if (get_rel_relkind(relid) == RELKIND_INDEX ||
		(strcmp(name, "log") != 0 && strcmp(name, "audit") != 0 && strcmp(name, "checkpoint") != 0 &&
		 strcmp(name, "delivery") != 0 &&
		 !(strncmp(name, "audit_", 6) == 0 && strspn(name + 6, "0123456789_") == strlen(name + 6))))
		return;
	message = psprintf("dropping table lpr_data.%s is refused", name);
	/* Left, not awaited: we hold its lock. */
	if (lpr_audit_here())
		lpr_audit_leave_refusal((LprAuditEntry){.control = "U3"}, LPR_ERRCODE_ADDED_ONLY, message);
	ereport(ERROR, (errcode(LPR_ERRCODE_ADDED_ONLY), errmsg("%s", message),
					errdetail("The audit log is only ever added to, by its writer (U3)."),
					errhint("A month leaves it by ALTER TABLE lpr_data.audit DETACH PARTITION ... and ALTER TABLE ... "
							"SET SCHEMA ....")));
}
