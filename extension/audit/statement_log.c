/*
 * statement_log.c: statements that wait for the end of their transaction to be put on record; and what else of the log
 * is done at its end.
 */
#include "audit/statement_log.h"

#include "access/xact.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "audit/audit_queue.h"
#include "audit/change.h"
#include "format/payload.h"
#include "server/caller.h"
#include "server/data.h"
#include "server/worker.h"

#define OUTCOME_ROOM 60

/* One statement. The payload lacks its end, for which there is room behind it. */
typedef struct Noted
{
	SubTransactionId owner;
	char *payload;
	Size len;
	bool undone; /* by ROLLBACK TO */
	bool sent;
	bool roles;
	bool awaited;
	struct Noted *next;
} Noted;

static Noted *first = NULL; /* in TopTransactionContext */
static Noted **last = &first;
static bool changed = false; /* this transaction has changes for the writer */

const char *
lpr_statement_utf8(const char *text)
{
	/* What is of no known encoding is taken as it is: what is no UTF-8 in it becomes U+FFFD. */
	if (text == NULL || GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII)
		return text;
	return pg_server_to_any(text, strlen(text), PG_UTF8);
}

void
lpr_statement_open(LprText *payload, const char *command, const char *type)
{
	lpr_payload_open(payload);
	lpr_payload_text(payload, "command", command);
	lpr_payload_text(payload, "type", type);
}

char *
lpr_statement_close(LprText *payload)
{
	char *closed;

	lpr_payload_text(payload, "database", lpr_statement_utf8(get_database_name(MyDatabaseId)));
	lpr_payload_text(payload, "role", lpr_statement_utf8(GetUserNameFromId(GetSessionUserId(), true)));
	if (creating_extension)
		lpr_payload_text(payload, "extension", lpr_statement_utf8(get_extension_name(CurrentExtensionObject)));
	lpr_payload_text(payload, "made_at", timestamptz_to_str(GetCurrentTimestamp()));
	lpr_audit_describe_session(payload);
	if (payload->failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	closed = MemoryContextAllocZero(TopTransactionContext, payload->len + OUTCOME_ROOM);
	memcpy(closed, payload->data, payload->len);
	lpr_text_free(payload);
	return closed;
}

void
lpr_statement_note(char *payload, bool roles, bool awaited)
{
	Noted *noted = MemoryContextAllocZero(TopTransactionContext, sizeof(Noted));

	lpr_audit_know_login();
	noted->owner = GetCurrentSubTransactionId();
	noted->payload = payload;
	noted->len = strlen(payload);
	noted->roles = roles;
	noted->awaited = awaited;
	*last = noted;
	last = &noted->next;
}

/* The payload with its end. Allocates nothing. */
static LprAuditEntry
entry_of(Noted *noted, const char *outcome)
{
	LprAuditEntry entry = {.kind = LPR_AUDIT_CHANGE};

	snprintf(noted->payload + noted->len, OUTCOME_ROOM, ", \"outcome\": \"%s\"}", outcome);
	entry.payload = noted->payload;
	entry.payload_len = strlen(noted->payload);
	return entry;
}

/*
 * Before the commit: with the changes of the transaction when the writer cannot be waited for, else through the queue.
 */
static void
record_all(const char *outcome)
{
	bool here, ready = false, held_up = false;
	Noted *awaited = NULL;

	if (first == NULL || !IsUnderPostmaster || IsBinaryUpgrade || !lpr_queue_there())
		return;
	here = lpr_audit_here() && lpr_change_there();
	if (here)
	{
		char reason[LPR_REASON_ROOM], hint[LPR_HINT_ROOM];

		ready = lpr_queue_writer(reason, hint) == LPR_WRITER_READY;
		held_up = lpr_audit_is_held_up();
	}
	for (Noted *noted = first; noted != NULL; noted = noted->next)
		if (!noted->undone && noted->awaited)
			awaited = noted;
	for (Noted *noted = first; noted != NULL; noted = noted->next)
	{
		LprAuditEntry entry = entry_of(noted, noted->undone ? "rolled back" : outcome);

		if (!noted->undone && here && (!ready || held_up))
		{
			lpr_change_put(entry.payload);
			changed = true;
			continue;
		}
		noted->sent = !noted->undone;
		/* With it all before it are safe. */
		(void) lpr_audit_leave_for_cluster(&entry, noted == awaited);
	}
}

/* After an abort: allocates nothing, throws nothing. */
static void
record_abort(void)
{
	if (!IsUnderPostmaster || IsBinaryUpgrade)
		return;
	for (Noted *noted = first; noted != NULL; noted = noted->next)
	{
		LprAuditEntry entry = entry_of(noted, noted->sent ? "not committed after all" : "rolled back");

		(void) lpr_audit_leave_for_cluster(&entry, false);
	}
}

/*
 * A right that was taken away stays so after a crash or a failover, and is on record: the commit waits for what the
 * log's commits wait for, whatever the session has set.
 */
static void
commit_durably(void)
{
	if ((changed || lpr_change_any() || first != NULL) && !lpr_is_worker() &&
		synchronous_commit < SYNCHRONOUS_COMMIT_REMOTE_FLUSH)
		(void) set_config_option("synchronous_commit", "on", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
								 false); /* model: flush of a change */
}

static void
tell_writer(void)
{
	bool roles = false;

	for (Noted *noted = first; noted != NULL; noted = noted->next)
		roles = roles || noted->roles;
	if (!lpr_queue_there())
		return;
	if (changed || lpr_change_any())
	{
		lpr_queue_note_change();
		if (lpr_change_any_for_watch())
			lpr_queue_note_watch_change();
		lpr_queue_set_changes_wait(); /* model: tell the writer */
	}
	if (roles)
		lpr_queue_set_roles_changed();
	if (changed || lpr_change_any() || roles)
		lpr_queue_wake_writer();
}

static void
forget(void)
{
	first = NULL;
	last = &first;
	changed = false;
	lpr_change_end();
}

static void
end_transaction(XactEvent event, void *argument)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			record_all("committed");
			lpr_change_check();
			commit_durably();
			break;
		case XACT_EVENT_PRE_PREPARE:
			record_all("prepared");
			lpr_change_check();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			tell_writer();
			forget();
			break;
		case XACT_EVENT_ABORT:
			record_abort();
			forget();
			break;
		default:
			break;
	}
}

static void
end_subtransaction(SubXactEvent event, SubTransactionId own, SubTransactionId parent, void *argument)
{
	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	for (Noted *noted = first; noted != NULL; noted = noted->next)
		if (noted->owner == own)
		{
			noted->owner = parent;
			noted->undone = noted->undone || event == SUBXACT_EVENT_ABORT_SUB;
		}
	lpr_change_end_sub(event == SUBXACT_EVENT_COMMIT_SUB, own, parent);
}

void
lpr_statement_record_now(const char *payload)
{
	LprAuditEntry entry = {.kind = LPR_AUDIT_CHANGE};
	LprReceipt receipt;

	entry.payload = psprintf("%s, \"outcome\": \"begun\"}", payload);
	entry.payload_len = strlen(entry.payload);
	lpr_audit_await(lpr_audit_send(&entry), &receipt);
}

/*
 * What the writer remembers of the gate's decisions is void with this commit, and with that of a transaction which was
 * prepared. The message is about a type that no plan hangs on: it costs the others nothing.
 */
static void
tell_of_change(void)
{
	Oid question = lpr_data_table("question"); /* an older version of the extension has none, and no decisions */

	if (OidIsValid(question))
		CacheInvalidateRelcacheByRelid(question);
}

PG_FUNCTION_INFO_V1(lpr_wake_writer);
Datum
lpr_wake_writer(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Datum values[2] = {Int32GetDatum(MyProcPid), TimestampTzGetDatum(MyStartTimestamp)};
	bool nulls[2] = {false, false};

	if (lpr_audit_before_write != NULL)
		lpr_audit_before_write();
	changed = true;
	tell_of_change();
	lpr_change_expected();
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

void
lpr_statement_log_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
	lpr_caller_init();
}
