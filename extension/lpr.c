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

#include "compat.h"
#include "fdw.h"
#include "rate.h"
#include "secret.h"

PG_MODULE_MAGIC;

void _PG_init(void);

static shmem_startup_hook_type earlier_shmem_startup = NULL;
#if PG_VERSION_NUM >= 150000
static shmem_request_hook_type earlier_shmem_request = NULL;
#endif

static void
request_shmem(void)
{
#if PG_VERSION_NUM >= 150000
	if (earlier_shmem_request != NULL)
		earlier_shmem_request();
#endif
	RequestAddinShmemSpace(lpr_rate_shmem_size());
	RequestNamedLWLockTranche("lpr", 1);
}

static void
start_shmem(void)
{
	if (earlier_shmem_startup != NULL)
		earlier_shmem_startup();
	lpr_rate_shmem_init();
}

void
_PG_init(void)
{
	DefineCustomStringVariable("lpr.secret_directory", "Directory of the files that hold the secrets of sources.",
							   "An absolute path outside the data directory; files belong to the server's user and are "
							   "readable by nobody else.",
							   &lpr_secret_directory, "", PGC_SIGHUP, GUC_SUPERUSER_ONLY, lpr_secret_check_directory,
							   NULL, NULL);
	MarkGUCPrefixReserved("lpr");
	lpr_join_init();

	/* Without these the library still plans and explains, but no vendor is asked: the rate limits live in shared memory. */
	if (!process_shared_preload_libraries_in_progress)
		return;
#if PG_VERSION_NUM >= 150000
	earlier_shmem_request = shmem_request_hook;
	shmem_request_hook = request_shmem;
#else
	request_shmem();
#endif
	earlier_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = start_shmem;
}
