/*
 * change.c: the guard of lpr_data.change.
 */
#include "audit/change.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "audit/audit.h"
#include "audit/audit_queue.h"
#include "format/digest.h"
#include "format/payload.h"
#include "server/compat.h"
#include "server/data.h"
#include "server/errors.h"
#include "server/version.h"
#include "server/worker.h"

#define RULE                                                                                                           \
	"There committed changes wait for the audit writer. lpr's own triggers put them in, the writer takes them out "    \
	"(U3)."

enum
{
	NUMBER = 1,
	LOGIN,
	PID,
	SESSION,
	PAYLOAD,
	COLUMNS = PAYLOAD
};

static const Oid column_types[COLUMNS] = {INT8OID, TEXTOID, INT4OID, TIMESTAMPTZOID, TEXTOID};

/* What went in through the guard, of one (sub)transaction. Sums, so that no order matters; keyed, so that nobody finds other rows of the same sum. */
typedef struct Account
{
	SubTransactionId owner;
	uint64 rows;
	uint64 sum[LPR_DIGEST_LEN / sizeof(uint64)];
	int64 first, last; /* numbers */
	struct Account *below;
} Account;

static Account *accounts = NULL; /* the innermost first, in TopTransactionContext */
static Oid counted = InvalidOid; /* the table that they are of */
static bool touched = false;
static bool taking = false;
static bool restoring = false;
static bool expected = false;
static bool put_any = false;
static bool guarded_late = false;
/* Functions under way that have rights or settings of their own, the innermost last. */
static Oid *functions = NULL;
static int depth = 0;
static int room = 0;
static fmgr_hook_type earlier_fmgr = NULL;

/* ---- whose statement it is ---- */

static Oid looked_at = InvalidOid; /* function that was last looked at, and whether it is ours */
static bool looked_ours = false;

static void
function_changed(Datum argument, int cache, uint32 hash)
{
	looked_at = InvalidOid;
}

static void
follow_function(FmgrHookEventType event, FmgrInfo *function, Datum *private)
{
	if (earlier_fmgr != NULL)
		earlier_fmgr(event, function, private);
	if (event != FHET_START)
		depth = Max(depth - 1, 0);
	else
	{
		if (depth == room)
		{
			room = Max(32, room * 2);
			functions = functions == NULL ? MemoryContextAlloc(TopMemoryContext, room * sizeof(Oid))
										  : repalloc(functions, room * sizeof(Oid));
		}
		functions[depth++] = function->fn_oid;
	}
}

bool
lpr_change_within_ours(void)
{
	/* Loaded on demand, the library has not seen the function that loaded it begin. */
	if (!lpr_queue_there())
		return true;
	if (depth == 0)
		return false;
	if (functions[depth - 1] != looked_at)
	{
		Oid function = functions[depth - 1];
		Oid extension = getExtensionOfObject(ProcedureRelationId, function);

		looked_ours = OidIsValid(extension) && extension == get_extension_oid("lpr", true);
		looked_at = function;
	}
	return looked_ours;
}

int
lpr_change_functions(void)
{
	return depth;
}

/* ---- refusals ---- */

pg_noreturn static void
refuse(const char *message, const char *hint)
{
	/* Left, not awaited: what this transaction has locked may be what the writer waits for. */
	if (lpr_audit_here())
		lpr_audit_leave_refusal((LprAuditEntry){.control = "U3"}, LPR_ERRCODE_ADDED_ONLY, message);
	ereport(ERROR, (errcode(LPR_ERRCODE_ADDED_ONLY), errmsg("%s", message), errdetail(RULE), errhint("%s", hint)));
}

/* ---- the form of the table ---- */

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

static void
check_form(Relation relation, bool all)
{
	const char *stranger = find_stranger(relation);

	if (stranger == NULL && relation->rd_rel->relhassubclass &&
		find_inheritance_children(RelationGetRelid(relation), NoLock) != NIL)
		stranger = "a table that inherits from it";
	for (int i = 0; all && stranger == NULL && i < relation->trigdesc->numtriggers; i++)
		if (!calls_guard(relation->trigdesc->triggers[i].tgfoid))
			stranger = "a guard that does something else";
	if (stranger != NULL)
		refuse(psprintf("lpr_data.change is not as lpr made it: %s", stranger),
			   "ROLLBACK; what has changed it before is undone by ALTER EXTENSION lpr UPDATE, or by hand in "
			   "single-user mode.");
}

/* ---- what went in ---- */

static void
digest_row(int64 number, Datum login, bool has_login, Datum payload, uint64 sum[4])
{
	static uint8 key[32];
	static bool keyed = false;
	LprHash hash;
	LprDigest digest;
	text *its_login = has_login ? DatumGetTextPP(login) : NULL;
	text *its_payload = DatumGetTextPP(payload);
	uint64 words[4];

	if (!keyed && !pg_strong_random(key, sizeof(key)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
	keyed = true;
	lpr_hash_start(&hash);
	lpr_hash_add(&hash, key, sizeof(key));
	lpr_hash_add(&hash, &number, sizeof(number));
	if (its_login != NULL)
		lpr_hash_add(&hash, VARDATA_ANY(its_login), VARSIZE_ANY_EXHDR(its_login));
	lpr_hash_add(&hash, "", 1);
	lpr_hash_add(&hash, VARDATA_ANY(its_payload), VARSIZE_ANY_EXHDR(its_payload));
	lpr_hash_end(&hash, &digest);
	memcpy(words, digest.bytes, sizeof(words));
	for (int i = 0; i < 4; i++)
		sum[i] += words[i];
}

static void
count_in(Oid table, int64 number, Datum login, bool has_login, Datum payload)
{
	SubTransactionId own = GetCurrentSubTransactionId();

	if (table != counted)
		accounts = NULL; /* of one that was dropped in this transaction */
	counted = table;
	if (accounts == NULL || accounts->owner != own)
	{
		Account *account = MemoryContextAllocZero(TopTransactionContext, sizeof(Account));

		account->owner = own;
		account->first = PG_INT64_MAX;
		account->below = accounts;
		accounts = account;
	}
	accounts->rows++;
	accounts->first = Min(accounts->first, number);
	accounts->last = Max(accounts->last, number);
	digest_row(number, login, has_login, payload, accounts->sum);
	put_any = true;
}

void
lpr_change_end_sub(bool commit, SubTransactionId own, SubTransactionId parent)
{
	Account *ended = accounts;

	if (ended == NULL || ended->owner != own)
		return;
	if (!commit)
		accounts = ended->below;
	else if (ended->below != NULL && ended->below->owner == parent)
	{
		accounts = ended->below;
		accounts->rows += ended->rows;
		accounts->first = Min(accounts->first, ended->first);
		accounts->last = Max(accounts->last, ended->last);
		for (int i = 0; i < 4; i++)
			accounts->sum[i] += ended->sum[i];
	}
	else
		ended->owner = parent;
}

bool
lpr_change_any(void)
{
	return put_any;
}

void
lpr_change_end(void)
{
	accounts = NULL;
	counted = InvalidOid;
	touched = expected = taking = restoring = put_any = guarded_late = false;
	depth = 0;
}

void
lpr_change_touched(void)
{
	touched = true;
}

void
lpr_change_expected(void)
{
	expected = true;
}

void
lpr_change_guarded(void)
{
	guarded_late = true;
}

void
lpr_change_let_take(bool take)
{
	taking = take;
}

void
lpr_change_let_restore(bool restore)
{
	restoring = restore;
}

/* ---- the trigger ---- */

static int64
next_number(void)
{
	Oid sequence = lpr_data_table("change_number_seq");

	if (!OidIsValid(sequence))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("sequence lpr_data.change_number_seq does not exist")));
	/* A restore brings changes that waited, under numbers that the restore's own have taken, or that later ones would take. */
	return nextval_internal(sequence, false);
}

/* What names this session, as lpr.login() and lpr_data.wake_writer() tell it. */
static void
name_session(Datum *values, bool *nulls)
{
	nulls[LOGIN - 1] = lpr_is_worker();
	if (!lpr_is_worker())
		values[LOGIN - 1] = CStringGetTextDatum(GetUserNameFromId(GetAuthenticatedUserId(), false));
	values[PID - 1] = Int32GetDatum(MyProcPid);
	values[SESSION - 1] = TimestampTzGetDatum(MyStartTimestamp);
	nulls[PID - 1] = nulls[SESSION - 1] = false;
}

/* A row that COPY brings becomes the particulars of one of this session: who brings what others are said to have done. */
static void
wrap_restored(Datum *values, bool *nulls)
{
	LprText payload = {0};
	char *said = nulls[PAYLOAD - 1] ? NULL : TextDatumGetCString(values[PAYLOAD - 1]);
	char *login = nulls[LOGIN - 1] ? NULL : TextDatumGetCString(values[LOGIN - 1]);

	lpr_payload_open(&payload);
	lpr_payload_text(&payload, "command", "restore");
	lpr_payload_text(&payload, "type", "change");
	lpr_payload_text(&payload, "login", login);
	if (!nulls[PID - 1])
		lpr_payload_integer(&payload, "pid", DatumGetInt32(values[PID - 1]));
	if (!nulls[SESSION - 1])
		lpr_payload_text(&payload, "session_started", timestamptz_to_str(DatumGetTimestampTz(values[SESSION - 1])));
	lpr_payload_text(&payload, "change", said);
	lpr_payload_close(&payload);
	if (payload.failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	values[PAYLOAD - 1] = CStringGetTextDatum(pnstrdup(payload.data, payload.len));
	nulls[PAYLOAD - 1] = false;
	lpr_text_free(&payload);
	name_session(values, nulls);
}

/* What a background worker does is on record as its doing, by its name. */
static void
name_worker(Datum *values)
{
	LprText member = {0};
	char *payload;
	size_t len;

	if (MyBgworkerEntry == NULL)
		return;
	payload = TextDatumGetCString(values[PAYLOAD - 1]);
	len = strlen(payload);
	if (len < 3 || payload[len - 1] != '}')
		return;
	payload[len - 1] = '\0';
	lpr_payload_text(&member, "worker", MyBgworkerEntry->bgw_name);
	if (member.failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	values[PAYLOAD - 1] = CStringGetTextDatum(psprintf("%s, %.*s}", payload, (int) member.len, member.data));
	lpr_text_free(&member);
}

/* Whether a row says that it is of this session. */
static bool
is_own(Datum *values, bool *nulls)
{
	Datum own[COLUMNS];
	bool own_nulls[COLUMNS];

	name_session(own, own_nulls);
	return !nulls[PID - 1] && DatumGetInt32(values[PID - 1]) == MyProcPid && !nulls[SESSION - 1] &&
		   DatumGetTimestampTz(values[SESSION - 1]) == MyStartTimestamp && nulls[LOGIN - 1] == own_nulls[LOGIN - 1] &&
		   (nulls[LOGIN - 1] ||
			strcmp(TextDatumGetCString(values[LOGIN - 1]), TextDatumGetCString(own[LOGIN - 1])) == 0);
}

static HeapTuple
enter(TriggerData *trigger)
{
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	Datum values[COLUMNS];
	bool nulls[COLUMNS];

	check_form(trigger->tg_relation, false);
	heap_deform_tuple(trigger->tg_trigtuple, desc, values, nulls);
	if (restoring)
		wrap_restored(values, nulls);
	else if (!lpr_change_within_ours())
		refuse("INSERT into lpr_data.change by hand is refused",
			   "Change policy by the functions of schema lpr; a restore brings "
			   "changes that waited by COPY.");
	else if (!is_own(values, nulls) || nulls[PAYLOAD - 1])
		refuse("a change in somebody else's name is refused", "Change policy by the functions of schema lpr.");
	name_worker(values);
	values[NUMBER - 1] = Int64GetDatum(next_number());
	nulls[NUMBER - 1] = false;
	count_in(RelationGetRelid(trigger->tg_relation), DatumGetInt64(values[NUMBER - 1]), values[LOGIN - 1],
			 !nulls[LOGIN - 1], values[PAYLOAD - 1]);
	return heap_form_tuple(desc, values, nulls);
}

PG_FUNCTION_INFO_V1(lpr_guard_change);
Datum
lpr_guard_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		elog(ERROR, "not called as a trigger");
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		return PointerGetDatum(enter(trigger));
	if (!TRIGGER_FIRED_BY_DELETE(trigger->tg_event) || !taking)
		refuse(psprintf("%s of lpr_data.change is refused", TRIGGER_FIRED_BY_DELETE(trigger->tg_event)   ? "DELETE"
															: TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) ? "UPDATE"
																										 : "TRUNCATE"),
			   "The audit writer takes them into the log; SELECT * FROM lpr.audit_status() tells whether it does.");
	return PointerGetDatum(trigger->tg_trigtuple);
}

/* ---- by ourselves ---- */

bool
lpr_change_there(void)
{
	return OidIsValid(lpr_data_table("change")) && OidIsValid(lpr_data_table("change_number_seq")) &&
		   lpr_version_is_ours();
}

void
lpr_change_put(const char *payload)
{
	Relation relation = table_open(lpr_data_table("change"), RowExclusiveLock);
	EState *estate = CreateExecutorState();
	ResultRelInfo *result = makeNode(ResultRelInfo);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(relation), table_slot_callbacks(relation));
	Oid user;
	int context;

	check_form(relation, false);
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(relation->rd_rel->relowner, context | SECURITY_RESTRICTED_OPERATION);
	InitResultRelInfo(result, relation, 1, NULL, 0);
	ExecOpenIndices(result, false);
	ExecClearTuple(slot);
	memset(slot->tts_isnull, false, COLUMNS * sizeof(bool));
	slot->tts_values[NUMBER - 1] = Int64GetDatum(next_number());
	slot->tts_values[PAYLOAD - 1] = CStringGetTextDatum(payload);
	name_session(slot->tts_values, slot->tts_isnull);
	name_worker(slot->tts_values);
	ExecStoreVirtualTuple(slot);
	count_in(RelationGetRelid(relation), DatumGetInt64(slot->tts_values[NUMBER - 1]), slot->tts_values[LOGIN - 1],
			 !slot->tts_isnull[LOGIN - 1], slot->tts_values[PAYLOAD - 1]);
	table_tuple_insert(relation, slot, GetCurrentCommandId(true), 0, NULL);
	lpr_insert_index_entries(result, slot, estate);
	ExecDropSingleTupleTableSlot(slot);
	ExecCloseIndices(result);
	FreeExecutorState(estate);
	SetUserIdAndSecContext(user, context);
	table_close(relation, NoLock);
}

/* ---- at pre-commit ---- */

/* A row that lies in the table: counted in, if this transaction put it there. Whether this transaction took it away. */
static bool
look_at(HeapTuple tuple, TupleDesc desc, Account *found)
{
	HeapTupleHeader header = tuple->t_data;
	bool isnull, has_login;
	int64 number;
	Datum login, payload;

	if (!(header->t_infomask & HEAP_XMAX_INVALID) && !HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) &&
		TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetUpdateXid(header)))
		return true;
	if (!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(header)))
		return false;
	number = DatumGetInt64(heap_getattr(tuple, NUMBER, desc, &isnull));
	login = heap_getattr(tuple, LOGIN, desc, &has_login);
	has_login = !has_login;
	payload = heap_getattr(tuple, PAYLOAD, desc, &isnull);
	found->rows++;
	digest_row(number, login, has_login, payload, found->sum);
	return false;
}

/* All of the table, dead rows too: for a transaction that may have done to it what no trigger saw. */
static bool
look_at_all(Relation relation, Account *found)
{
	TableScanDesc scan = table_beginscan(relation, SnapshotAny, 0, NULL);
	HeapTuple tuple;
	bool taken = false;

	while (!taken && (tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
		taken = look_at(tuple, RelationGetDescr(relation), found);
	table_endscan(scan);
	return taken;
}

/* The rows of those numbers that this transaction gave out: triggers saw all that it did. */
static bool
look_at_own(Relation relation, int64 first, int64 last, Account *found)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple tuple;
	bool taken = false;

	ScanKeyInit(&keys[0], NUMBER, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(first));
	ScanKeyInit(&keys[1], NUMBER, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(last));
	scan = systable_beginscan(relation, lpr_data_table("change_pkey"), true, SnapshotSelf, 2, keys);
	while (!taken && HeapTupleIsValid(tuple = systable_getnext(scan)))
		taken = look_at(tuple, RelationGetDescr(relation), found);
	systable_endscan(scan);
	return taken;
}

static void
check_table(Relation relation, bool ours)
{
	Account all = {.first = PG_INT64_MAX}, found = {0};
	bool taken;

	for (Account *account = RelationGetRelid(relation) == counted ? accounts : NULL; account != NULL;
		 account = account->below)
	{
		all.rows += account->rows;
		all.first = Min(all.first, account->first);
		all.last = Max(all.last, account->last);
		for (int i = 0; i < 4; i++)
			all.sum[i] += account->sum[i];
	}
	if (touched || !OidIsValid(lpr_data_table("change_pkey")))
		taken = look_at_all(relation, &found);
	else
		taken = look_at_own(relation, all.first, all.last, &found);
	if (taken && !taking)
		refuse("changes were taken out of lpr_data.change", "ROLLBACK.");
	if (ours && !guarded_late && (all.rows != found.rows || memcmp(all.sum, found.sum, sizeof(all.sum)) != 0))
		refuse(psprintf("lpr_data.change does not hold what this transaction changed: " UINT64_FORMAT
						" changes went in, " UINT64_FORMAT " are there%s",
						all.rows, found.rows, all.rows == found.rows ? ", others" : ""),
			   "ROLLBACK; whatever disables, alters or works around its guards cannot be committed.");
}

void
lpr_change_check(void)
{
	Oid table;
	Relation relation;
	bool ours;

	if ((accounts == NULL && !touched && !expected) || taking || !IsUnderPostmaster || IsBinaryUpgrade)
		return;
	/* What may be needed to repair a server stays possible without one; there nobody asks. */
	table = lpr_data_table("change");
	ours = lpr_version_is_ours();
	if (!OidIsValid(table))
	{
		if (ours)
			refuse("lpr_data.change is gone", "ROLLBACK; it goes with DROP EXTENSION lpr only.");
		return;
	}
	relation = table_open(table, AccessShareLock);
	if (ours)
		check_form(relation, true);
	check_table(relation, ours);
	table_close(relation, NoLock);
}

void
lpr_change_init(void)
{
	earlier_fmgr = fmgr_hook;
	fmgr_hook = follow_function;
	CacheRegisterSyscacheCallback(PROCOID, function_changed, (Datum) 0);
}
