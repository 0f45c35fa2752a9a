/*
 * audit.c: records from this session into the queue, and the wait for what became of them.
 */
#include "audit/audit.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "portability/instr_time.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "audit/audit_log.h"
#include "audit/audit_row.h"
#include "audit/consent.h"
#include "server/data.h"
#include "server/worker.h"
#include "server/compat.h"
#include "server/errors.h"
#include "server/invisible.h"
#include "format/payload.h"
#include "server/secret.h"
#include "server/session.h"

#define SELF_CHECK_MS 20
#define WAIT_STEP_MS  1000
#define ROOM_STEP_MS  10

int lpr_audit_timeout = 10000;
void (*lpr_audit_before_write)(void) = NULL;
void (*lpr_audit_before_read)(void) = NULL;

/* Receipts under way. Whoever needs a place that is still in use waits for what is there. */
static LprTicket places[LPR_RECEIPTS];
static int next_place = 0;

static void
refuse_service(const char *detail, const char *hint)
{
	ereport(ERROR, (errcode(LPR_ERRCODE_AUDIT_DOWN), errmsg("the question cannot be audited, so it is not asked"),
					errdetail("%s", detail), hint != NULL ? errhint("%s", hint) : 0));
}

static void
check_service(void)
{
	static Oid known = InvalidOid; /* the database that was found to be the right one */

	if (!lpr_queue_there())
		refuse_service("lpr was not loaded at server start.",
					   "Add lpr to shared_preload_libraries and restart the server.");
	if (RecoveryInProgress())
		refuse_service("This server is a standby, where nothing can be written.", "Connect to the primary.");
	if (known != MyDatabaseId)
	{
		/* Looked up outside transactions' reach: a name is all the setting has. */
		if (strcmp(get_database_name(MyDatabaseId), lpr_database) != 0)
			refuse_service(psprintf("The audit log is kept in database \"%s\", this is \"%s\".", lpr_database,
									get_database_name(MyDatabaseId)),
						   "Connect to that database, or set lpr.database and restart the server.");
		known = MyDatabaseId;
	}
}

static const char *
login_name(Oid login)
{
	static Oid of = InvalidOid;
	static NameData name;

	/* Kept, since an aborting transaction cannot look it up. */
	if (of != login && IsTransactionState())
	{
		const char *found = GetUserNameFromId(login, true);

		strlcpy(NameStr(name), found != NULL ? found : "", NAMEDATALEN);
		/* Other databases may be of another encoding; the log is UTF-8. */
		for (char *c = NameStr(name); GetDatabaseEncoding() != PG_UTF8 && *c != '\0'; c++)
			if (IS_HIGHBIT_SET(*c))
				*c = '?';
		of = login;
	}
	return of == login ? NameStr(name) : "";
}

/* Also runs while a transaction aborts: no allocation, no catalogue, no error. */
static bool
make_head(const LprAuditEntry *entry, LprQueued *head, bool of_cluster)
{
	LprFacts *facts = &head->facts;

	memset(head, 0, offsetof(LprQueued, payload));
	if (entry->payload_len > lpr_queue_record_max() - offsetof(LprQueued, payload) ||
		!pg_strong_random(head->salt, LPR_SALT_LEN))
		return false;
	head->payload_len = entry->payload_len;
	head->kind = entry->kind;
	head->of_cluster = of_cluster;
	lpr_record_payload(head->salt, (LprSlice){entry->payload, entry->payload_len}, &head->payload_digest);
	if (!lpr_is_worker()) /* what is done by itself is nobody's */
		strlcpy(NameStr(head->login_name), login_name(GetAuthenticatedUserId()), NAMEDATALEN);
	head->pid = MyProcPid;
	head->session_started = MyStartTimestamp;
	*facts = entry->facts;
	lpr_facts_of_session(facts);
	if (entry->source != NULL)
		strlcpy(NameStr(facts->source), entry->source, NAMEDATALEN);
	head->has_ask = entry->ask != 0;
	head->ask = entry->ask;
	if (entry->control != NULL)
		strlcpy(head->control, entry->control, sizeof(head->control));
	if (entry->sqlstate != NULL)
		strlcpy(head->sqlstate, entry->sqlstate, sizeof(head->sqlstate));
	return true;
}

static void
pause_for(long ms)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms, WAIT_EVENT_MESSAGE_QUEUE_RECEIVE);
	ResetLatch(MyLatch);    /* model: sleep */
	CHECK_FOR_INTERRUPTS(); /* model: stop */
}

/* Milliseconds, by a clock that nobody sets. */
static long
since(instr_time start)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return (long) INSTR_TIME_GET_MILLISEC(now);
}

/* Why nothing is written, as far as the writer said. */
static void
refuse_wait(long waited)
{
	char reason[LPR_REASON_ROOM];
	char hint[LPR_HINT_ROOM];
	LprWriterState state = lpr_queue_writer(reason, hint);

	if (state == LPR_WRITER_STUCK && reason[0] != '\0')
		refuse_service(psprintf("The audit writer cannot write: %s.", reason),
					   hint[0] != '\0' ? hint : "Ask an administrator to look at the server's log.");
	if (state == LPR_WRITER_DOWN || state == LPR_WRITER_STARTING)
		refuse_service("The audit writer does not run.", "Ask an administrator to look at the server's log.");
	refuse_service(psprintf("The audit writer did not answer within %ld ms.", waited),
				   "Try again, or ask an administrator.");
}

/* The strongest lock that this transaction has of a table, from one that holds up the writer on; NoLock = none. */
static LOCKMODE
own_lock(Oid table, LOCKMODE weakest)
{
	LOCKMODE held = NoLock;

	if (OidIsValid(table))
		for (LOCKMODE mode = weakest; mode <= AccessExclusiveLock; mode++)
			if (lpr_holds_lock(table, mode))
				held = mode;
	return held;
}

/* scripts/gate holds these against the rules. */
static const char *const read_by_the_gate[] = {
	"source",      "person",        "access",       "recertification", "course",          "training",       "rules",
	"event",       "event_member",  "search_limit", "rate_limit",      "cache_time",      "consent_time",   "grace",
	"access_step", "role_conflict", "target",       "release",         "protected_place", "reserved_plate", "system"};

/*
 * A lock of our own on what the writer writes or the gate reads would make us wait for ourselves: the table, and
 * *held.
 */
static Oid
find_own_lock(LOCKMODE *held)
{
	static const char *const written[] = {"checkpoint", "change"};
	Oid log = lpr_data_table("audit");
	List *tables = OidIsValid(log) ? find_inheritance_children(log, NoLock) : NIL;
	ListCell *cell;

	for (size_t i = 0; i < lengthof(written); i++)
		tables = lappend_oid(tables, lpr_data_table(written[i]));
	foreach (cell, tables)
		if ((*held = own_lock(lfirst_oid(cell), ShareLock)) != NoLock)
			return lfirst_oid(cell);
	list_free(tables);
	if ((*held = own_lock(lpr_data_table("log"), AccessExclusiveLock)) != NoLock)
		return lpr_data_table("log");
	for (size_t i = 0; i < lengthof(read_by_the_gate); i++)
		if ((*held = own_lock(lpr_data_table(read_by_the_gate[i]), AccessExclusiveLock)) != NoLock)
			return lpr_data_table(read_by_the_gate[i]);
	return InvalidOid;
}

static void
check_own_locks(void)
{
	LOCKMODE held;
	Oid table = find_own_lock(&held);

	if (OidIsValid(table))
		refuse_service(psprintf("This transaction itself holds up the audit writer: %s of \"%s\".",
								GetLockmodeName(DEFAULT_LOCKMETHOD, held), get_rel_name(table)),
					   "COMMIT or ROLLBACK first.");
}

bool
lpr_audit_is_held_up(void)
{
	LOCKMODE held;

	return OidIsValid(find_own_lock(&held));
}

/* A wait for the writer. */
typedef struct Wait
{
	instr_time start;
	bool checked; /* whether we do not make ourselves wait */
} Wait;

/* One more step of it, of at most so many milliseconds. ERROR when it is in vain, or has been too long. */
static void
wait_for_writer(Wait *wait, long step)
{
	long waited;

	if (INSTR_TIME_IS_ZERO(wait->start))
		INSTR_TIME_SET_CURRENT(wait->start);
	waited = since(wait->start);
	if (!wait->checked && waited >= SELF_CHECK_MS)
	{
		check_own_locks(); /* model: own lock */
		wait->checked = true;
	}
	if (waited >= lpr_audit_timeout)
		refuse_wait(waited);
	pause_for(wait->checked ? Min(step, Max(lpr_audit_timeout - waited, 1)) : Min(step, SELF_CHECK_MS));
}

void
lpr_audit_await(LprTicket ticket, LprReceipt *receipt)
{
	Wait wait = {0};

	while (!lpr_queue_receipt(ticket.place, ticket.ticket, receipt))
		wait_for_writer(&wait, WAIT_STEP_MS);
	if (places[ticket.place].ticket == ticket.ticket)
		places[ticket.place].ticket = 0;
	if (receipt->refused)
		lpr_consent_fill_in(receipt->texts, sizeof(receipt->texts));
}

bool
lpr_audit_pending(LprTicket ticket)
{
	return ticket.ticket != 0 && places[ticket.place].ticket == ticket.ticket;
}

LprTicket
lpr_audit_send(const LprAuditEntry *entry)
{
	LprQueued *head = palloc(sizeof(LprQueued));
	LprTicket ticket;
	Wait wait = {0};
	int place;

	check_service();
	(void) login_name(GetAuthenticatedUserId());
	if (!make_head(entry, head, false))
		refuse_service(psprintf("A record of the audit log has at most %zu bytes, this one has %zu.",
								lpr_queue_record_max(), entry->payload_len),
					   "Ask for less at once.");
	place = next_place;
	next_place = (next_place + 1) % LPR_RECEIPTS;
	if (places[place].ticket != 0)
	{
		LprReceipt receipt;

		lpr_audit_await(places[place], &receipt); /* model: place in use */
	}
	while (!lpr_queue_put(head, entry->payload, place))
		wait_for_writer(&wait, ROOM_STEP_MS); /* model: no room */
	ticket = (LprTicket){place, head->ticket};
	places[place] = ticket;
	pfree(head);
	return ticket;
}

bool
lpr_audit_leave(const LprAuditEntry *entry)
{
	LprQueued head;

	return lpr_queue_there() && make_head(entry, &head, false) && lpr_queue_put(&head, entry->payload, -1);
}

void
lpr_audit_know_login(void)
{
	(void) login_name(GetAuthenticatedUserId());
}

/* A place that nobody waits at any more; -1 = there is none just now. */
static int
find_free_place(void)
{
	LprReceipt receipt;

	for (int i = 0; i < LPR_RECEIPTS; i++)
	{
		int place = (next_place + i) % LPR_RECEIPTS;

		if (places[place].ticket != 0 && lpr_queue_receipt(place, places[place].ticket, &receipt))
			places[place].ticket = 0;
		if (places[place].ticket == 0)
			return place;
	}
	return -1;
}

bool
lpr_audit_leave_for_cluster(const LprAuditEntry *entry, bool wait)
{
	char reason[LPR_REASON_ROOM], hint[LPR_HINT_ROOM];
	LprQueued head;
	LprReceipt receipt;
	instr_time start;
	int place = wait ? find_free_place() : -1;
	bool safe = false;

	if (!lpr_queue_there() || !make_head(entry, &head, true))
		return false;
	wait = place >= 0 && lpr_queue_writer(reason, hint) == LPR_WRITER_READY;
	if (!lpr_queue_put(&head, entry->payload, wait ? place : -1) || !wait)
		return false;
	next_place = (place + 1) % LPR_RECEIPTS;
	INSTR_TIME_SET_CURRENT(start);
	/* It will be written, whether we wait or not; and nothing of the cluster's stands still because the writer does. */
	while (!(safe = lpr_queue_receipt(place, head.ticket, &receipt)) && since(start) < lpr_audit_timeout &&
		   lpr_queue_writer(reason, hint) == LPR_WRITER_READY)
		pause_for(SELF_CHECK_MS);
	return safe;
}

void
lpr_audit_set_payload(LprAuditEntry *entry, LprText *payload)
{
	lpr_payload_close(payload);
	if (payload->failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	entry->payload = pnstrdup(payload->data, payload->len);
	entry->payload_len = payload->len;
	lpr_text_free(payload);
}

void
lpr_audit_describe_session(LprText *payload)
{
	lpr_payload_text(payload, "client", lpr_session_client());
	lpr_payload_bool(payload, "encrypted", lpr_session_encrypted());
	if (application_name != NULL && application_name[0] != '\0')
		lpr_payload_text(payload, "application", pg_server_to_any(application_name, strlen(application_name), PG_UTF8));
}

void
lpr_audit_describe_what(LprText *payload, const char *what)
{
	size_t len = what != NULL ? strlen(what) : 0;

	/* A superuser can write into the log's tables what they like, and is found. */
	if (len > LPR_WHAT_MAX && !superuser_arg(GetAuthenticatedUserId()))
	{
		lpr_text_free(payload);
		ereport(ERROR, (errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("the call is too long to be on record"),
						errdetail("It would take %zu bytes, and may take %d.", len, LPR_WHAT_MAX),
						errhint("Name less at once.")));
	}
	lpr_payload_text(payload, "what", what != NULL ? pg_server_to_any(what, len, PG_UTF8) : NULL);
}

bool
lpr_audit_here(void)
{
	char *database = get_database_name(MyDatabaseId);

	return lpr_queue_there() && !RecoveryInProgress() && database != NULL && strcmp(database, lpr_database) == 0;
}

static void
describe_refusal(LprAuditEntry *entry, int code, const char *message)
{
	LprText payload = {0};
	size_t len = strlen(message);

	/* A refusal is on record however long the name of what was refused is. */
	if (len > LPR_WHAT_MAX)
		message = pnstrdup(message, pg_mbcliplen(message, len, LPR_WHAT_MAX));
	entry->kind = LPR_AUDIT_REFUSED;
	entry->sqlstate = unpack_sql_state(code);
	lpr_payload_open(&payload);
	lpr_payload_text(&payload, "message", pg_server_to_any(message, strlen(message), PG_UTF8));
	lpr_audit_describe_session(&payload);
	lpr_audit_set_payload(entry, &payload);
}

void
lpr_audit_refusal(LprAuditEntry entry, int code, const char *message)
{
	LprReceipt receipt;

	describe_refusal(&entry, code, message);
	lpr_audit_await(lpr_audit_send(&entry), &receipt);
}

void
lpr_audit_leave_refusal(LprAuditEntry entry, int code, const char *message)
{
	describe_refusal(&entry, code, message);
	(void) lpr_audit_leave(&entry);
}

/* ---- SQL ---- */

PG_FUNCTION_INFO_V1(lpr_login);
Datum
lpr_login(PG_FUNCTION_ARGS)
{
	Name name = palloc0(NAMEDATALEN);

	if (lpr_is_worker())
		PG_RETURN_NULL();
	strlcpy(NameStr(*name), GetUserNameFromId(GetAuthenticatedUserId(), false), NAMEDATALEN);
	PG_RETURN_NAME(name);
}

static const char *const writer_states[] = {
	[LPR_WRITER_DOWN] = "down",
	[LPR_WRITER_STARTING] = "starting",
	[LPR_WRITER_READY] = "ready",
	[LPR_WRITER_STUCK] = "stuck",
};

PG_FUNCTION_INFO_V1(lpr_audit_writer);
Datum
lpr_audit_writer(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	char reason[LPR_REASON_ROOM] = "lpr was not loaded at server start";
	char hint[LPR_HINT_ROOM];
	LprWriterState state = lpr_queue_there() ? lpr_queue_writer(reason, hint) : LPR_WRITER_DOWN;
	Datum values[3] = {CStringGetTextDatum(writer_states[state]), CStringGetTextDatum(reason),
					   Int64GetDatum(lpr_queue_there() ? lpr_queue_bytes() : 0)};
	bool nulls[3] = {false, reason[0] == '\0', false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* lpr_data.decisions() */
PG_FUNCTION_INFO_V1(lpr_audit_decisions);
Datum
lpr_audit_decisions(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	uint64 remembered;
	uint64 decided = lpr_queue_decisions(&remembered);
	Datum values[2] = {Int64GetDatum(decided), Int64GetDatum(remembered)};
	bool nulls[2] = {false, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* lpr.audit_key(): the public part of the key that signs checkpoints, in the form in which verifiers take it. */
PG_FUNCTION_INFO_V1(lpr_audit_key);
Datum
lpr_audit_key(PG_FUNCTION_ARGS)
{
	bytea *id = PG_GETARG_BYTEA_PP(0);
	char origin[LPR_ORIGIN_ROOM];
	char *pem = lpr_secret_get_key(lpr_checkpoint_key);
	LprFault fault = {0};
	LprText public = {0};
	LprSigner *signer;
	text *key;

	if (VARSIZE_ANY_EXHDR(id) != LPR_LOG_ID_LEN)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("not the identity of a log")));
	if (pem == NULL)
		ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR),
						errmsg("checkpoint key \"%s\" does not exist", lpr_checkpoint_key)));
	lpr_origin((const uint8 *) VARDATA_ANY(id), origin);
	signer = lpr_signer_read(origin, (LprSlice){pem, strlen(pem)}, &fault);
	explicit_bzero(pem, strlen(pem));
	if (signer == NULL || !lpr_signer_public(signer, false, &public))
		ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("the checkpoint key cannot be used"),
						errdetail("%s", fault.message)));
	lpr_signer_free(signer);
	key = cstring_to_text_with_len(public.data, public.len);
	lpr_text_free(&public);
	PG_RETURN_TEXT_P(key);
}

/*
 * lpr_data.audit_record(kind, control, sqlstate, payload): one record of another room, durable when it returns its
 * number.
 */
PG_FUNCTION_INFO_V1(lpr_audit_record);
Datum
lpr_audit_record(PG_FUNCTION_ARGS)
{
	char *kind = text_to_cstring(PG_GETARG_TEXT_PP(0));
	LprAuditEntry entry = {0};
	LprReceipt receipt;
	LprText payload = {0};
	char *given = lpr_visible_part(text_to_cstring(PG_GETARG_TEXT_PP(3)));
	void (*before)(void) = lpr_audit_before_write;

	if (strcmp(kind, lpr_audit_kind_names[LPR_AUDIT_READ]) == 0)
	{
		entry.kind = LPR_AUDIT_READ;
		before = lpr_audit_before_read;
	}
	else if (strcmp(kind, lpr_audit_kind_names[LPR_AUDIT_REFUSED]) == 0)
		entry.kind = LPR_AUDIT_REFUSED;
	else if (strcmp(kind, lpr_audit_kind_names[LPR_AUDIT_CONSENT]) == 0)
		entry.kind = LPR_AUDIT_CONSENT;
	else if (strcmp(kind, lpr_audit_kind_names[LPR_AUDIT_FLAG]) == 0)
		entry.kind = LPR_AUDIT_FLAG;
	else
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("no such kind of record: \"%s\"", kind)));
	if (before != NULL)
		before();
	entry.control = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));
	entry.sqlstate = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	lpr_payload_open(&payload);
	lpr_audit_describe_what(&payload, given);
	lpr_audit_describe_session(&payload);
	lpr_audit_set_payload(&entry, &payload);
	lpr_audit_await(lpr_audit_send(&entry), &receipt);
	PG_RETURN_INT64(receipt.number);
}
