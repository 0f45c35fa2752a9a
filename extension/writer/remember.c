/*
 * remember.c: the table of what was let through; void as a whole when a message tells of a change.
 *
 * Such messages come with the commit that they are about, from whatever process, a prepared transaction's as well: they
 * are sent once it is visible and before its COMMIT returns, and a transaction takes them in as it begins, before its
 * snapshot. So a question that is put after a COMMIT returned is not judged by what was remembered before.
 */
#include "writer/remember.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_auth_members.h"
#include "catalog/pg_database.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "server/data.h"

/* At most SETS * WAYS are remembered, in 500 kB: of those that share a set the new one takes the place of any. */
#define SETS       1024
#define WAYS       4
#define TABLES_MAX 48

/* All that the second part is told of a question (scripts/gate sees to it). */
typedef struct Key
{
	int64 event_id;
	Oid login;
	int mode;
	NameData source;
} Key;

typedef struct Entry
{
	Key key;
	LprAccepted accepted;
	uint64 as_of; /* void when something has changed since; 0 = none */
} Entry;

/* Catalogues that the second part reads, and what tells that one has changed. */
static const struct
{
	Oid table;
	int cache;
} catalogs[] = {
	{ForeignServerRelationId, FOREIGNSERVEROID},
	{AuthIdRelationId, AUTHOID},
	{AuthMemRelationId, AUTHMEMROLEMEM},
	{DatabaseRelationId, DATABASEOID}, /* whose owner is a member of pg_database_owner */
	{ProcedureRelationId, PROCOID},    /* the rules themselves */
};

static Entry *entries = NULL;
static uint64 changes = 1;  /* that were told */
static uint64 begun_at = 0; /* of them, when the transaction at hand began */

/* What the second part reads, as of the last look at its plan; none yet: any table may be one. */
static Oid tables[TABLES_MAX];
static int ntables = 0;
static uint64 looked_at = 0;
static bool covered = false; /* all of them tell */

static void
catalog_changed(Datum arg, int cache, uint32 hash)
{
	changes++;
}

static void
relation_changed(Datum arg, Oid relation)
{
	bool ours = ntables == 0 || !OidIsValid(relation);

	for (int i = 0; !ours && i < ntables; i++)
		ours = tables[i] == relation;
	if (ours)
		changes++;
}

void
lpr_remember_init(void)
{
	CacheRegisterRelcacheCallback(relation_changed, (Datum) 0);
	for (size_t i = 0; i < lengthof(catalogs); i++)
		CacheRegisterSyscacheCallback(catalogs[i].cache, catalog_changed, (Datum) 0);
}

void
lpr_remember_begin(void)
{
	begun_at = changes;
}

void
lpr_remember_forget(void)
{
	changes++;
}

bool
lpr_remember_await_change(int seconds)
{
	AcceptInvalidationMessages();
	for (int i = 0; changes == begun_at && i < seconds * 100; i++)
	{
		pg_usleep(10 * 1000L);
		AcceptInvalidationMessages();
	}
	return changes != begun_at;
}

/* ---- whether all that is read tells of its changes ---- */

/* The function of the triggers that tell: lpr_data.wake_writer() sends the message. */
static Oid
telling_function(void)
{
	Oid function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum("audit_change"),
								   PointerGetDatum(buildoidvector(NULL, 0)), ObjectIdGetDatum(lpr_data_schema()));
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool tells = false;

	if (HeapTupleIsValid(tuple))
	{
		bool isnull;
		Datum source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);

		tells = !isnull && strstr(TextDatumGetCString(source), "FROM lpr_data.wake_writer()") != NULL;
		ReleaseSysCache(tuple);
	}
	return tells ? function : InvalidOid;
}

/* Each row, and a TRUNCATE, whatever session_replication_role is; and no rows of another table come in below. */
static bool
table_tells(Relation relation, Oid function)
{
	TriggerDesc *triggers = relation->trigdesc;
	const int events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_DELETE | TRIGGER_TYPE_UPDATE;
	bool rows = false, truncate = false;

	if (relation->rd_rel->relkind != RELKIND_RELATION || !OidIsValid(function) ||
		(relation->rd_rel->relhassubclass && find_inheritance_children(RelationGetRelid(relation), NoLock) != NIL))
		return false;
	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgfoid != function || trigger->tgenabled != TRIGGER_FIRES_ALWAYS || trigger->tgqual != NULL ||
			trigger->tgnattr != 0)
			continue;
		rows = rows || trigger->tgtype == (TRIGGER_TYPE_ROW | events);
		truncate = truncate || trigger->tgtype == TRIGGER_TYPE_TRUNCATE;
	}
	return rows && truncate;
}

static bool
relation_tells(Oid relid, Oid function)
{
	Relation relation;
	bool tells;

	if (get_rel_relkind(relid) == RELKIND_VIEW)
		return true; /* what it is made of is read as well */
	if (relid < FirstNormalObjectId)
	{
		for (size_t i = 0; i < lengthof(catalogs); i++)
			if (catalogs[i].table == relid)
				return true;
		return false;
	}
	relation = table_open(relid, AccessShareLock);
	tells = table_tells(relation, function);
	table_close(relation, AccessShareLock);
	return tells;
}

/* The tables that a plan reads, whatever functions they stand in. */
static List *
read_by_plan(SPIPlanPtr plan)
{
	CachedPlan *cached = SPI_plan_get_cached_plan(plan);
	List *read = NIL;
	ListCell *cell;

	if (cached == NULL)
		elog(ERROR, "the gate's second part has no plan");
	foreach (cell, cached->stmt_list)
		read = list_concat_unique_oid(read, lfirst_node(PlannedStmt, cell)->relationOids);
	ReleaseCachedPlan(cached, CurrentResourceOwner);
	/* What the triggers send a message of. */
	return list_append_unique_oid(read, lpr_data_table("question"));
}

/* Takes the tables over. Whether they are those that we have listened to up to now. */
static bool
listen_to(List *read)
{
	bool same = list_length(read) == ntables;
	int n = 0;
	ListCell *cell;

	foreach (cell, read)
	{
		if (n == TABLES_MAX)
			break;
		same = same && tables[n] == lfirst_oid(cell);
		tables[n++] = lfirst_oid(cell);
	}
	ntables = n;
	return same;
}

/* Told to whoever reads the server's log, once. */
static void
tell_untold(Oid table)
{
	static Oid told = InvalidOid;

	if (table != told && OidIsValid(table))
		ereport(LOG, (errmsg("lpr remembers no decisions: nothing tells when \"%s\" changes", get_rel_name(table)),
					  errhint("Its triggers audit_change and audit_truncate have to be enabled always, and nothing "
							  "inherits from it.")));
	told = table;
}

static bool
look(SPIPlanPtr plan)
{
	List *read = read_by_plan(plan);
	Oid message = lpr_data_table("question");
	Oid function = telling_function();
	ListCell *cell;

	if (!listen_to(read))
		changes++; /* nobody listened to the new one */
	if (list_length(read) > TABLES_MAX || !OidIsValid(message))
		return false;
	foreach (cell, read)
	{
		Oid relid = lfirst_oid(cell);

		if (relid != message && !relation_tells(relid, function))
		{
			tell_untold(relid);
			return false;
		}
	}
	tell_untold(InvalidOid);
	return true;
}

/* Looked at again after each change: of a table's triggers, for instance. */
static bool
all_tell(SPIPlanPtr plan)
{
	if (looked_at != changes)
	{
		uint64 now = changes;

		covered = false;
		covered = look(plan);
		looked_at = now;
	}
	return covered;
}

/* ---- the table ---- */

static void
fill_key(Key *key, const LprFacts *facts)
{
	memset(key, 0, sizeof(*key)); /* what is behind a name, and between members, is compared as well */
	key->event_id = facts->event.id;
	key->login = facts->login;
	key->mode = facts->mode;
	strlcpy(NameStr(key->source), NameStr(facts->source), NAMEDATALEN);
}

static Entry *
set_of(const Key *key)
{
	return &entries[hash_bytes((const unsigned char *) key, sizeof(*key)) % SETS * WAYS];
}

bool
lpr_remember_find(const LprFacts *facts, LprAccepted *accepted)
{
	TimestampTz now = GetCurrentTimestamp();
	Key key;
	Entry *set;

	if (entries == NULL || !facts->event.given)
		return false;
	fill_key(&key, facts);
	set = set_of(&key);
	for (int i = 0; i < WAYS; i++)
		if (set[i].as_of == changes && memcmp(&set[i].key, &key, sizeof(key)) == 0)
		{
			*accepted = set[i].accepted;
			return now >= accepted->since && now < accepted->until;
		}
	return false;
}

void
lpr_remember_keep(const LprFacts *facts, const LprAccepted *accepted, SPIPlanPtr read_by)
{
	static unsigned int next = 0;
	Key key;
	Entry *set, *entry = NULL;

	if (!facts->event.given || begun_at != changes || !all_tell(read_by) || begun_at != changes)
		return;
	if (entries == NULL)
		entries = MemoryContextAllocZero(TopMemoryContext, SETS * WAYS * sizeof(Entry));
	fill_key(&key, facts);
	set = set_of(&key);
	for (int i = 0; i < WAYS; i++)
	{
		bool same = memcmp(&set[i].key, &key, sizeof(key)) == 0;

		if (same || set[i].as_of != changes)
			entry = &set[i];
		if (same)
			break;
	}
	if (entry == NULL)
		entry = &set[next++ % WAYS];
	entry->key = key;
	entry->accepted = *accepted;
	entry->as_of = begun_at;
}
