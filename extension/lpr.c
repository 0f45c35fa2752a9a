/*
 * lpr.c: where the library starts: settings and hooks.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/guc.h"

#include "audit/audit.h"
#include "audit/audit_deliver.h"
#include "audit/audit_log.h"
#include "audit/consent.h"
#include "writer/audit_worker.h"
#include "watch/watcher.h"
#include "writer/judge.h"
#include "writer/refusals.h"
#include "cache/cache_in_flight.h"
#include "gate/held.h"
#include "gate/purpose.h"
#include "cache/cache_purger.h"
#include "server/compat.h"
#include "fdw/fdw.h"
#include "mail/mail.h"
#include "audit/statement_log.h"
#include "policy/statement_guard.h"
#include "policy/statement_record.h"
#include "http/rate.h"
#include "server/keyed_hash.h"
#include "server/secret.h"
#include "server/worker.h"

PG_MODULE_MAGIC;

void _PG_init(void);

static shmem_startup_hook_type earlier_shmem_startup = NULL;
static shmem_request_hook_type earlier_shmem_request = NULL;

static void
request_shmem(void)
{
	if (earlier_shmem_request != NULL)
		earlier_shmem_request();
	RequestAddinShmemSpace(lpr_rate_shmem_size());
	RequestNamedLWLockTranche("lpr", 1);
	RequestAddinShmemSpace(lpr_queue_shmem_size());
	RequestNamedLWLockTranche("lpr audit", 1);
	RequestAddinShmemSpace(lpr_mail_shmem_size());
	RequestNamedLWLockTranche("lpr mail", 1);
	RequestAddinShmemSpace(lpr_in_flight_shmem_size());
	RequestAddinShmemSpace(lpr_held_shmem_size());
	RequestNamedLWLockTranche("lpr cache", 1);
}

static void
start_shmem(void)
{
	if (earlier_shmem_startup != NULL)
		earlier_shmem_startup();
	lpr_rate_shmem_init();
	lpr_queue_shmem_init();
	lpr_mail_shmem_init();
	lpr_in_flight_shmem_init();
	lpr_held_shmem_init();
}

void
_PG_init(void)
{
	DefineCustomStringVariable("lpr.secret_directory", "Directory of the files that hold the secrets of sources.",
							   "An absolute path outside the data directory; files belong to the server's user and are "
							   "readable by nobody else.",
							   &lpr_secret_directory, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, lpr_secret_check_directory,
							   NULL, NULL);
	DefineCustomIntVariable("lpr.audit_timeout", "How long a question waits to be on record before it fails.",
							"It is never asked unaudited.", &lpr_audit_timeout, 10000, 100, 600000, PGC_SUSET,
							GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"lpr.checkpoint_key", "Name of the secret that holds the Ed25519 key which signs checkpoints of the audit log.",
		"A file of lpr.secret_directory, made by: openssl genpkey -algorithm ed25519.", &lpr_checkpoint_key,
		"checkpoint-key", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"lpr.identity_key", "Name of the secret that personnel numbers are hashed with.",
		"A file of lpr.secret_directory, made by: openssl rand -hex 32. With another key nobody is known again.",
		&lpr_identity_key, "identity-key", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomStringVariable(
		"lpr.checkpoint_directory", "Directory into which checkpoints of the audit log are written.",
		"An absolute path, better one that the database host cannot change afterwards. Empty = none.",
		&lpr_checkpoint_directory, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, lpr_checkpoint_check_directory, NULL, NULL);
	DefineCustomStringVariable("lpr.checkpoint_command",
							   "Shell command that takes a checkpoint of the audit log on its standard input.",
							   "%f in it becomes the name of the checkpoint. Empty = none.", &lpr_checkpoint_command,
							   "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, NULL, NULL, NULL);
	DefineCustomIntVariable("lpr.refusals_singly",
							"How many refusals of a login within an hour are on record one by one.",
							"Further ones are refused as well, and counted: one record a minute.", &lpr_refusals_singly,
							60, 1, 100000, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("lpr.debug_remembered",
							 "Has each remembered decision judged anew; a difference ends the server.",
							 "For tests: no right may outlive its end unnoticed.", &lpr_debug_remembered, false,
							 PGC_SIGHUP, GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
	lpr_mail_define_settings();
	lpr_consent_init();
	lpr_purpose_init();
	lpr_append_init();
	lpr_join_init();
	lpr_unknown_source_init();
	lpr_statement_guard_init();
	lpr_statement_log_init();
	lpr_statement_record_init();

	/*
	 * Without what follows the library still plans and explains, but no vendor is asked: rate limits and the way to the
	 * audit log live in shared memory.
	 */
	if (!process_shared_preload_libraries_in_progress)
	{
		MarkGUCPrefixReserved("lpr");
		return;
	}
	DefineCustomStringVariable("lpr.database",
							   "The database whose questions are answered, and where the audit log is kept.", NULL,
							   &lpr_database, "lpr", PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("lpr.audit_queue", "Shared memory for records on their way to the audit log.",
							"A record, and so a question with its plates, may take a quarter of it.",
							&lpr_audit_queue_kb, 16 * 1024, 8 * 1024, 1024 * 1024, PGC_POSTMASTER, GUC_UNIT_KB, NULL,
							NULL, NULL);
	earlier_shmem_request = shmem_request_hook;
	shmem_request_hook = request_shmem;
	earlier_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = start_shmem;
	if (!IsBinaryUpgrade)
	{
		lpr_audit_worker_register();
		lpr_audit_deliver_register();
		lpr_mail_register();
		lpr_cache_purger_register();
		lpr_watcher_register();
	}
	MarkGUCPrefixReserved("lpr");
}
