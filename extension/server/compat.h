/*
 * compat.h: what differs between PostgreSQL 15 and 18. Include after postgres.h.
 */
#ifndef LPR_COMPAT_H
#define LPR_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "lpr needs PostgreSQL 15 or newer"
#endif

#include "commands/cluster.h"
#include "commands/event_trigger.h"
#include "commands/explain.h"
#include "common/pg_prng.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "storage/latch.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#include "storage/waiteventset.h"
#endif
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/wait_event.h"

/* Stands before all other words of a declaration. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

#if PG_VERSION_NUM < 170000
#define WAIT_EVENT_MESSAGE_QUEUE_RECEIVE WAIT_EVENT_MQ_RECEIVE
#endif

/* Whether event triggers fire: from 17 on there is a setting that switches them off. */
static inline bool
lpr_event_triggers_fire(void)
{
#if PG_VERSION_NUM >= 170000
	return event_triggers;
#else
	return true;
#endif
}

/* What a hook of ExecutorRun takes after the count, as parameters and as arguments. */
#if PG_VERSION_NUM >= 180000
#define LPR_EXECUTOR_RUN_PARAMETERS
#define LPR_EXECUTOR_RUN_ARGS
#else
#define LPR_EXECUTOR_RUN_PARAMETERS , bool execute_once
#define LPR_EXECUTOR_RUN_ARGS       , execute_once
#endif

/*
 * What a hook of ExecCheckPermissions takes, as parameters and as arguments; and how it sees which tables are changed:
 * from 16 on apart from the range table.
 */
#include "nodes/parsenodes.h"
#if PG_VERSION_NUM >= 160000
#define LPR_CHECK_PERMS_PARAMETERS List *range_table, List *perm_infos, bool ereport_on_violation
#define LPR_CHECK_PERMS_ARGS       range_table, perm_infos, ereport_on_violation
#define LPR_CHECK_PERMS_LIST       perm_infos
typedef RTEPermissionInfo LprPermissions;
#else
#define LPR_CHECK_PERMS_PARAMETERS List *range_table, bool ereport_on_violation
#define LPR_CHECK_PERMS_ARGS       range_table, ereport_on_violation
#define LPR_CHECK_PERMS_LIST       range_table
typedef RangeTblEntry LprPermissions;
#endif

/* Options of GRANT role and REVOKE role, as a list of DefElem: before 16 there was one. */
static inline List *
lpr_grant_role_options(const GrantRoleStmt *statement)
{
#if PG_VERSION_NUM >= 160000
	return statement->opt;
#else
	return statement->admin_opt ? list_make1(makeDefElem(pstrdup("admin"), (Node *) makeBoolean(true), -1)) : NIL;
#endif
}

/* A wait event set that lives as long as the backend. */
static inline WaitEventSet *
lpr_wait_set_create(int nevents)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(NULL, nevents);
#else
	return CreateWaitEventSet(TopMemoryContext, nevents);
#endif
}

/* A wait event of its own name where the server can name one (17 on), else "Extension". */
static inline uint32
lpr_wait_event(uint32 *cache, const char *name)
{
#if PG_VERSION_NUM >= 170000
	if (*cache == 0)
		*cache = WaitEventExtensionNew(name);
	return *cache;
#else
	(void) cache;
	(void) name;
	return PG_WAIT_EXTENSION;
#endif
}

#if PG_VERSION_NUM >= 170000
#define LPR_MY_PROC_NUMBER MyProcNumber
#else
#define LPR_MY_PROC_NUMBER (MyProc->pgprocno)
#endif

#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/pathnodes.h"
#include "optimizer/pathnode.h"
#if PG_VERSION_NUM >= 180000
#include "access/cmptype.h"
#else
#include "access/stratnum.h"
#endif

static inline bool
lpr_pathkey_is_descending(const PathKey *key)
{
#if PG_VERSION_NUM >= 180000
	return key->pk_cmptype == COMPARE_GT;
#else
	return key->pk_strategy == BTGreaterStrategyNumber;
#endif
}

/*
 * Scans that cannot be asked lose against all that can. Up to 17 their cost sees to that; from 18 on the planner first
 * counts nodes that are switched off (enable_nestloop and its like: one a node), and only then costs.
 */
#define LPR_NODES_REFUSED 10000

#if PG_VERSION_NUM >= 180000
#define LPR_ADD_DISABLED_NODES(path, child)  ((path)->disabled_nodes += (child)->disabled_nodes)
#define LPR_TAKE_DISABLED_NODES(path, child) ((path)->disabled_nodes = (child)->disabled_nodes)
#else
#define LPR_ADD_DISABLED_NODES(path, child)  ((void) (path), (void) (child))
#define LPR_TAKE_DISABLED_NODES(path, child) ((void) (path), (void) (child))
#endif

static inline ForeignPath *
lpr_create_foreignscan_path(PlannerInfo *root, RelOptInfo *rel, double rows, bool refused, Cost startup, Cost total,
							List *pathkeys, Relids outer, List *fdw_private)
{
#if PG_VERSION_NUM >= 180000
	return create_foreignscan_path(root, rel, NULL, rows, refused ? LPR_NODES_REFUSED : 0, startup, total, pathkeys,
								   outer, NULL, NIL, fdw_private);
#elif PG_VERSION_NUM >= 170000
	(void) refused;
	return create_foreignscan_path(root, rel, NULL, rows, startup, total, pathkeys, outer, NULL, NIL, fdw_private);
#else
	(void) refused;
	return create_foreignscan_path(root, rel, NULL, rows, startup, total, pathkeys, outer, NULL, fdw_private);
#endif
}

#include "access/genam.h"
#include "replication/message.h"

/* Writes something to the WAL that means nothing, within this transaction. */
static inline void
lpr_write_wal(void)
{
#if PG_VERSION_NUM >= 170000
	(void) LogLogicalMessage("lpr", "", 0, true, false);
#else
	(void) LogLogicalMessage("lpr", "", 0, true);
#endif
}

#include "utils/acl.h"

/*
 * Whether a login has a role, as its own or to become: from 16 on a membership may be neither, of those who only grant
 * it.
 */
static inline bool
lpr_has_role(Oid login, Oid role)
{
#if PG_VERSION_NUM >= 160000
	return has_privs_of_role(login, role) || member_can_set_role(login, role);
#else
	return is_member_of_role(login, role);
#endif
}

#include "executor/executor.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"

static inline void
lpr_insert_index_entries(ResultRelInfo *result, TupleTableSlot *slot, EState *estate)
{
#if PG_VERSION_NUM >= 160000
	list_free(ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL, false));
#else
	list_free(ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL));
#endif
}

static inline IndexScanDesc
lpr_index_beginscan(Relation table, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(table, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(table, index, snapshot, nkeys, 0);
#endif
}

/* Whether this transaction holds a lock of exactly that mode on a table. */
static inline bool
lpr_holds_lock(Oid relid, LOCKMODE mode)
{
	LOCKTAG tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
#if PG_VERSION_NUM >= 170000
	return LockHeldByMe(&tag, mode, false);
#else
	return LockHeldByMe(&tag, mode);
#endif
}

#if PG_VERSION_NUM >= 180000
#define lpr_is_regular_backend(process) ((process)->isRegularBackend)
#else
#define lpr_is_regular_backend(process) (!(process)->isBackgroundWorker && OidIsValid((process)->roleId))
#endif

#endif
