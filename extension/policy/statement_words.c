/*
 * statement_words.c: the particulars of statements about roles, rights on what is shared, settings and event triggers.
 */
#include "policy/statement_words.h"

#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "audit/audit.h"
#include "audit/statement_log.h"
#include "format/digest.h"
#include "format/payload.h"
#include "server/compat.h"

#define STATEMENT_ROOM 1000 /* bytes of a statement's text */

static const char *
name_role(const RoleSpec *role)
{
	switch (role->roletype)
	{
		case ROLESPEC_CSTRING:
			return lpr_statement_utf8(role->rolename);
		case ROLESPEC_SESSION_USER:
			return lpr_statement_utf8(GetUserNameFromId(GetSessionUserId(), true));
		case ROLESPEC_PUBLIC:
			return "PUBLIC";
		default:
			return lpr_statement_utf8(GetUserNameFromId(GetUserId(), true));
	}
}

static void
add_roles(LprText *payload, const char *key, const List *roles)
{
	ListCell *cell;

	lpr_payload_json(payload, key, "[");
	foreach (cell, roles)
	{
		Node *role = lfirst(cell);
		const char *name =
			IsA(role, AccessPriv) ? lpr_statement_utf8(((AccessPriv *) role)->priv_name) : name_role((RoleSpec *) role);

		lpr_payload_element(payload, name != NULL ? name : "");
	}
	lpr_text_adds(payload, "]");
}

/* Options of CREATE, ALTER and GRANT of roles. Of a password only that there is one. */
static void
add_options(LprText *payload, const List *options)
{
	ListCell *cell;

	lpr_payload_json(payload, "options", "{");
	foreach (cell, options)
	{
		DefElem *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, "password") == 0)
			lpr_payload_text(payload, "password", option->arg != NULL ? "set" : "removed");
		else if (option->arg == NULL)
			lpr_payload_bool(payload, option->defname, true);
		else if (IsA(option->arg, List))
			add_roles(payload, option->defname, (List *) option->arg);
		else if (IsA(option->arg, Boolean))
			lpr_payload_bool(payload, option->defname, boolVal(option->arg));
		else if (IsA(option->arg, Integer))
			lpr_payload_integer(payload, option->defname, intVal(option->arg));
		else
			lpr_payload_text(payload, option->defname, lpr_statement_utf8(defGetString(option)));
	}
	lpr_text_adds(payload, "}");
}

/* Whether the value of a setting may stand in the log: those of others may be secrets. */
static bool
may_be_told(const char *name)
{
	return pg_strncasecmp(name, "lpr.", 4) == 0 ||
		   (strchr(name, '.') == NULL && pg_strcasecmp(name, "primary_conninfo") != 0 &&
			pg_strcasecmp(name, "ssl_passphrase_command") != 0);
}

static void
add_setting(LprText *payload, VariableSetStmt *set)
{
	static const char *const actions[] = {
		[VAR_SET_VALUE] = "set", [VAR_SET_DEFAULT] = "reset", [VAR_SET_CURRENT] = "set from current",
		[VAR_SET_MULTI] = "set", [VAR_RESET] = "reset",       [VAR_RESET_ALL] = "reset all",
	};

	lpr_payload_text(payload, "action", actions[set->kind]);
	lpr_payload_text(payload, "setting", lpr_statement_utf8(set->name));
	if (set->kind == VAR_SET_VALUE && set->name != NULL && may_be_told(set->name))
		lpr_payload_text(payload, "value", lpr_statement_utf8(ExtractSetVariableArgs(set)));
}

static void
add_text(LprText *payload, const PlannedStmt *planned, const char *text)
{
	const char *start = text + Max(planned->stmt_location, 0);
	Size len = planned->stmt_len > 0 ? (Size) planned->stmt_len : strlen(start);

	lpr_payload_text(payload, "statement", lpr_statement_utf8(pnstrdup(start, Min(len, STATEMENT_ROOM))));
}

/* Statements about roles, whichever: a role of ours may be reached through any other. */
static const char *
type_of_role_statement(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateRoleStmt:
		case T_AlterRoleStmt:
		case T_DropRoleStmt:
			return "role";
		case T_RenameStmt:
			return ((RenameStmt *) statement)->renameType == OBJECT_ROLE ? "role" : NULL;
		case T_GrantRoleStmt:
			return "membership";
		case T_AlterRoleSetStmt:
		case T_AlterDatabaseSetStmt:
			return "setting";
		default:
			return NULL;
	}
}

static bool
is_event_trigger_statement(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_CreateEventTrigStmt:
		case T_AlterEventTrigStmt:
			return true;
		case T_DropStmt:
			return ((DropStmt *) statement)->removeType == OBJECT_EVENT_TRIGGER;
		case T_RenameStmt:
			return ((RenameStmt *) statement)->renameType == OBJECT_EVENT_TRIGGER;
		case T_AlterOwnerStmt:
			return ((AlterOwnerStmt *) statement)->objectType == OBJECT_EVENT_TRIGGER;
		default:
			return false;
	}
}

static bool
is_c_function(Node *statement)
{
	ListCell *cell;

	if (IsA(statement, CreateFunctionStmt))
		foreach (cell, ((CreateFunctionStmt *) statement)->options)
		{
			DefElem *option = lfirst_node(DefElem, cell);

			if (strcmp(option->defname, "language") == 0 &&
				(strcmp(defGetString(option), "c") == 0 || strcmp(defGetString(option), "internal") == 0))
				return true;
		}
	return false;
}

bool
lpr_drops_us(Node *statement)
{
	ListCell *cell;

	if (IsA(statement, DropStmt) && ((DropStmt *) statement)->removeType == OBJECT_EXTENSION)
		foreach (cell, ((DropStmt *) statement)->objects)
			if (strcmp(strVal(lfirst(cell)), "lpr") == 0)
				return true;
	return false;
}

/*
 * Statements on record with their text, since no event trigger fires for them: of what is shared anywhere, of others
 * in the database of the log.
 */
static const char *
type_of_told_statement(Node *statement)
{
	ObjectType granted = IsA(statement, GrantStmt) ? ((GrantStmt *) statement)->objtype : OBJECT_TABLE;

	if (IsA(statement, ReassignOwnedStmt) || IsA(statement, DropOwnedStmt))
		return "role";
	if (granted == OBJECT_DATABASE || granted == OBJECT_PARAMETER_ACL)
		return granted == OBJECT_DATABASE ? "database" : "parameter";
	if (IsA(statement, AlterOwnerStmt) && ((AlterOwnerStmt *) statement)->objectType == OBJECT_DATABASE)
		return "database";
	if (is_event_trigger_statement(statement) && lpr_audit_here())
		return "event trigger";
	if (IsA(statement, AlterDefaultPrivilegesStmt) && lpr_audit_here())
		return "default privileges";
	if ((IsA(statement, LoadStmt) || is_c_function(statement)) && lpr_audit_here())
		return "library";
	if (lpr_drops_us(statement) && lpr_audit_here())
		return "extension";
	return NULL;
}

static void
add_role_statement(LprText *payload, Node *statement)
{
	if (IsA(statement, CreateRoleStmt))
	{
		lpr_payload_text(payload, "object", lpr_statement_utf8(((CreateRoleStmt *) statement)->role));
		/* By this word alone it can log in. */
		if (((CreateRoleStmt *) statement)->stmt_type == ROLESTMT_USER)
			lpr_payload_text(payload, "action", "create user");
		add_options(payload, ((CreateRoleStmt *) statement)->options);
	}
	else if (IsA(statement, AlterRoleStmt))
	{
		AlterRoleStmt *alter = (AlterRoleStmt *) statement;

		lpr_payload_text(payload, "object", name_role(alter->role));
		if (alter->action < 0)
			lpr_payload_text(payload, "action", "drop members");
		add_options(payload, alter->options);
	}
	else if (IsA(statement, DropRoleStmt))
		add_roles(payload, "objects", ((DropRoleStmt *) statement)->roles);
	else if (IsA(statement, RenameStmt))
	{
		lpr_payload_text(payload, "object", lpr_statement_utf8(((RenameStmt *) statement)->subname));
		lpr_payload_text(payload, "new_name", lpr_statement_utf8(((RenameStmt *) statement)->newname));
	}
	else if (IsA(statement, GrantRoleStmt))
	{
		GrantRoleStmt *grant = (GrantRoleStmt *) statement;

		add_roles(payload, "objects", grant->granted_roles);
		add_roles(payload, "members", grant->grantee_roles);
		if (grant->grantor != NULL)
			lpr_payload_text(payload, "grantor", name_role(grant->grantor));
		add_options(payload, lpr_grant_role_options(grant));
	}
	else if (IsA(statement, AlterRoleSetStmt))
	{
		AlterRoleSetStmt *set = (AlterRoleSetStmt *) statement;

		lpr_payload_text(payload, "object", set->role != NULL ? name_role(set->role) : "ALL");
		lpr_payload_text(payload, "in_database", lpr_statement_utf8(set->database));
		add_setting(payload, set->setstmt);
	}
	else if (IsA(statement, AlterDatabaseSetStmt))
	{
		lpr_payload_text(payload, "in_database", lpr_statement_utf8(((AlterDatabaseSetStmt *) statement)->dbname));
		add_setting(payload, ((AlterDatabaseSetStmt *) statement)->setstmt);
	}
}

char *
lpr_describe_statement(const PlannedStmt *planned, const char *text, bool *roles)
{
	Node *statement = planned->utilityStmt;
	const char *type = type_of_role_statement(statement);
	const char *command;
	LprText payload = {0};

	*roles = type != NULL;
	if (type == NULL && !IsA(statement, AlterSystemStmt) && (type = type_of_told_statement(statement)) == NULL)
		return NULL;
	command = GetCommandTagName(CreateCommandTag(statement));
	lpr_statement_open(&payload, command, type != NULL ? type : "setting");
	if (*roles)
		add_role_statement(&payload, statement);
	else if (IsA(statement, AlterSystemStmt))
		add_setting(&payload, ((AlterSystemStmt *) statement)->setstmt);
	else
		add_text(&payload, planned, text);
	return lpr_statement_close(&payload);
}

char *
lpr_describe_script(const char *text)
{
	LprText payload = {0};
	LprDigest digest;

	lpr_digest(text, strlen(text), &digest);
	lpr_statement_open(&payload, "script", "extension");
	lpr_payload_integer(&payload, "bytes", (int64) strlen(text));
	lpr_payload_hex(&payload, "sha256", digest.bytes, LPR_DIGEST_LEN);
	return lpr_statement_close(&payload);
}

/* lpr_data.script_extension(): the extension whose script is executed, or NULL. */
PG_FUNCTION_INFO_V1(lpr_script_extension);
Datum
lpr_script_extension(PG_FUNCTION_ARGS)
{
	char *name = creating_extension ? get_extension_name(CurrentExtensionObject) : NULL;

	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(name));
}
