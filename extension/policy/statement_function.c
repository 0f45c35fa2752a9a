/*
 * statement_function.c: of functions, which ones could carry away what a statement shows.
 *
 * The catalogue tells: what the server, or an extension, declares as not volatile writes nothing (some of it locks
 * relations: docs/limits.md). Of what is volatile, and is written in C, nobody can see what it does, so each passes for
 * one that stores, unless it is known not to. Who declared a function of no extension may not have looked.
 */
#include "policy/statement_function.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/pg_language.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "commands/extension.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/*
 * Functions of schema lpr that are volatile because they leave a record, but write nothing else: they show what is
 * kept, or the log. All others that are volatile write.
 */
static const char *const shows[] = {"audit",       "audit_of_reference", "display_hits",    "display_items",
									"event_reads", "event_reasons",      "event_targets",   "export_audit",
									"my_queries",  "recorded_texts",     "release_reasons", "saved_proof",
									"unanswered",  "watch_history",      "watched",         NULL};

/* Of the server: what they are given is seen in other sessions, or stays. By the beginnings of their names. */
static const char *const passes[] = {"lo_creat",
									 "lo_export",
									 "lo_from_bytea",
									 "lo_import",
									 "lo_put",
									 "lo_truncate",
									 "lowrite",
									 "pg_advisory_lock",
									 "pg_advisory_xact_lock",
									 "pg_export_snapshot",
									 "pg_logical_emit_message",
									 "pg_notify",
									 "pg_try_advisory_",
									 NULL};

/*
 * Of the server, volatile: they only look, wait, or run what is looked at by itself. Without locks there is nothing to
 * unlock, but drivers do so before they use a session again.
 */
static const char *const looks[] = {"clock_timestamp",
									"current_query",
									"currval",
									"cursor_to_xml",
									"cursor_to_xmlschema",
									"gen_random_uuid",
									"lastval",
									"pg_advisory_unlock",
									"pg_advisory_unlock_all",
									"pg_advisory_unlock_shared",
									"pg_blocking_pids",
									"pg_database_size",
									"pg_is_in_recovery",
									"pg_safe_snapshot_blocking_pids",
									"pg_sleep",
									"pg_sleep_for",
									"pg_sleep_until",
									"pg_tablespace_size",
									"query_to_xml",
									"query_to_xml_and_xmlschema",
									"query_to_xmlschema",
									"random",
									"random_normal",
									"timeofday",
									"ts_rewrite",
									"ts_stat",
									"uuidv4",
									"uuidv7",
									NULL};

typedef struct Known
{
	Oid function;
	LprFunctionKind kind;
} Known;

static HTAB *known = NULL;

static void
function_changed(Datum arg, int cache, uint32 hash)
{
	if (known != NULL)
		hash_destroy(known);
	known = NULL;
}

static bool
is_one_of(const char *name, const char *const *names)
{
	while (*names != NULL && strcmp(name, *names) != 0)
		names++;
	return *names != NULL;
}

static bool
begins_as_one_of(const char *name, const char *const *names)
{
	while (*names != NULL && strncmp(name, *names, strlen(*names)) != 0)
		names++;
	return *names != NULL;
}

/* The extension, and what it needs, are known to do what they say. */
static bool
is_known_extension(Oid extension)
{
	return OidIsValid(extension) &&
		   (extension == get_extension_oid("lpr", true) || extension == get_extension_oid("pgcrypto", true));
}

/* Such as a copy of one of the server's functions, under another declaration; pg_trgm and its like are trusted. */
static bool
is_loose(Oid function, Form_pg_proc form)
{
	return (form->prolang == INTERNALlanguageId || form->prolang == ClanguageId) &&
		   form->pronamespace != PG_CATALOG_NAMESPACE &&
		   !OidIsValid(getExtensionOfObject(ProcedureRelationId, function));
}

static LprFunctionKind
kind_of(Oid function, Form_pg_proc form)
{
	const char *name = NameStr(form->proname);

	if (form->pronamespace == PG_CATALOG_NAMESPACE && begins_as_one_of(name, passes))
		return LPR_FUNCTION_PASSES;
	if (form->provolatile == PROVOLATILE_IMMUTABLE)
		return LPR_FUNCTION_PLAIN;
	if (form->provolatile == PROVOLATILE_STABLE)
		return is_loose(function, form) ? LPR_FUNCTION_STORES : LPR_FUNCTION_PLAIN;
	if (form->prosecdef && form->pronamespace == get_namespace_oid("lpr", true))
		return is_one_of(name, shows) ? LPR_FUNCTION_PLAIN : LPR_FUNCTION_VERB;
	if (form->prolang != INTERNALlanguageId && form->prolang != ClanguageId)
		return LPR_FUNCTION_PLAIN;
	if (form->pronamespace == PG_CATALOG_NAMESPACE)
		return is_one_of(name, looks) ? LPR_FUNCTION_PLAIN : LPR_FUNCTION_STORES;
	return is_known_extension(getExtensionOfObject(ProcedureRelationId, function)) ? LPR_FUNCTION_PLAIN
																				   : LPR_FUNCTION_STORES;
}

static LprFunctionKind
look_up(Oid function)
{
	HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	LprFunctionKind kind;

	if (!HeapTupleIsValid(tuple))
		return LPR_FUNCTION_PLAIN;
	kind = kind_of(function, (Form_pg_proc) GETSTRUCT(tuple));
	ReleaseSysCache(tuple);
	return kind;
}

LprFunctionKind
lpr_function_kind(Oid function)
{
	static bool registered = false;
	Known *entry;
	LprFunctionKind kind;
	bool found;

	if (known != NULL && (entry = hash_search(known, &function, HASH_FIND, NULL)) != NULL)
		return entry->kind;
	if (!registered)
		CacheRegisterSyscacheCallback(PROCOID, function_changed, (Datum) 0);
	registered = true;
	kind = look_up(function); /* which may forget what is known */
	if (known == NULL)
	{
		HASHCTL control = {.keysize = sizeof(Oid), .entrysize = sizeof(Known), .hcxt = TopMemoryContext};

		known = hash_create("lpr functions", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(known, &function, HASH_ENTER, &found);
	entry->kind = kind;
	return kind;
}
