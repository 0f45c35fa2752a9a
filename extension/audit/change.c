/*
 * change.c: what goes into lpr_data.change, counted; and held against what is there at pre-commit.
 */
#include "audit/change.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "audit/change_internal.h"
#include "format/digest.h"
#include "server/caller.h"
#include "server/data.h"
#include "server/version.h"

/*
 * What went in through the guard, of one (sub)transaction. Sums, so that no order matters; keyed, so that nobody finds
 * other rows of the same sum.
 */
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
static bool put_for_watch = false;
static bool guarded_late = false;

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

void
lpr_change_count_in(Oid table, int64 number, Datum login, bool has_login, Datum payload)
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
	put_for_watch = put_for_watch || lpr_change_is_for_watch(payload);
}

/* What comes often, and no rule about displays reads. In JSON no text can hold these words: its quotes are escaped. */
bool
lpr_change_is_for_watch(Datum payload)
{
	static const char *const others[] = {"hit", "watch_set", "event_read", "mail"};
	char *json = TextDatumGetCString(payload);
	bool other = false;

	for (size_t i = 0; i < lengthof(others) && !other; i++)
	{
		char words[64];

		snprintf(words, sizeof(words), "\"table\": \"lpr_data.%s\"", others[i]);
		other = strstr(json, words) != NULL;
	}
	pfree(json);
	return !other;
}

bool
lpr_change_any_for_watch(void)
{
	return put_for_watch;
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
	touched = expected = taking = restoring = put_any = put_for_watch = guarded_late = false;
	lpr_caller_end();
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

bool
lpr_change_is_taking(void)
{
	return taking;
}

bool
lpr_change_is_restoring(void)
{
	return restoring;
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
		lpr_change_refuse("changes were taken out of lpr_data.change", "ROLLBACK.");
	if (ours && !guarded_late && (all.rows != found.rows || memcmp(all.sum, found.sum, sizeof(all.sum)) != 0))
		lpr_change_refuse(psprintf("lpr_data.change does not hold what this transaction changed: " UINT64_FORMAT
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
			lpr_change_refuse("lpr_data.change is gone", "ROLLBACK; it goes with DROP EXTENSION lpr only.");
		return;
	}
	relation = table_open(table, AccessShareLock);
	if (ours)
		lpr_change_check_form(relation, true);
	/* A long change lies out of line, where it is read with a snapshot. */
	PushActiveSnapshot(GetTransactionSnapshot());
	check_table(relation, ours);
	PopActiveSnapshot();
	table_close(relation, NoLock);
}
