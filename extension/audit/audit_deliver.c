/*
 * audit_deliver.c: the worker that hands checkpoints on to the directory and the command.
 */
#include "audit/audit_deliver.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit/audit_row.h"
#include "format/submission.h"
#include "server/data.h"
#include "server/worker.h"

#define LOOK_EVERY_MS 2000
#define AT_ONCE       100

char *lpr_checkpoint_directory = NULL;
char *lpr_checkpoint_command = NULL;

bool
lpr_checkpoint_check_directory(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || **newval == '\0' || is_absolute_path(*newval))
		return true;
	GUC_check_errdetail("It must be an absolute path, better of another machine's disk.");
	return false;
}

/* lpr_data.submission(old, proof, note) */
PG_FUNCTION_INFO_V1(lpr_audit_submission);
Datum
lpr_audit_submission(PG_FUNCTION_ARGS)
{
	bytea *nodes = PG_GETARG_BYTEA_PP(1);
	text *note = PG_GETARG_TEXT_PP(2);
	LprProof *proof = palloc0(sizeof(LprProof));
	LprText file = {0};
	text *result;

	if (PG_GETARG_INT64(0) < 0 || VARSIZE_ANY_EXHDR(nodes) % LPR_DIGEST_LEN != 0 ||
		VARSIZE_ANY_EXHDR(nodes) > sizeof(proof->nodes))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("not a proof of consistency")));
	proof->count = VARSIZE_ANY_EXHDR(nodes) / LPR_DIGEST_LEN;
	memcpy(proof->nodes, VARDATA_ANY(nodes), VARSIZE_ANY_EXHDR(nodes));
	lpr_submission_write(PG_GETARG_INT64(0), proof, (LprSlice){VARDATA_ANY(note), VARSIZE_ANY_EXHDR(note)}, &file);
	if (file.failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	result = cstring_to_text_with_len(file.data, file.len);
	lpr_text_free(&file);
	PG_RETURN_TEXT_P(result);
}

void
lpr_audit_deliver_register(void)
{
	lpr_worker_register("lpr checkpoint delivery", "lpr_audit_deliver_main", 10);
}

/*
 * Whole or not at all, and on disk when it is there. An existing file of that name is replaced: it can only be the
 * same.
 */
static void
write_file(const char *name, const char *text)
{
	char *path = psprintf("%s/%s", lpr_checkpoint_directory, name);
	char *temporary = psprintf("%s/.%s.part", lpr_checkpoint_directory, name);
	size_t len = strlen(text);
	int fd = OpenTransientFile(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not create file \"%s\": %m", temporary)));
	errno = 0;
	if (write(fd, text, len) != (ssize_t) len)
	{
		if (errno == 0)
			errno = ENOSPC;
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not write file \"%s\": %m", temporary)));
	}
	/* The server's umask is its own; a witness reads these. */
	if (fchmod(fd, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH) != 0 || pg_fsync(fd) != 0 || CloseTransientFile(fd) != 0)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not write file \"%s\": %m", temporary)));
	durable_rename(temporary, path, ERROR);
}

/* The command gets the checkpoint on its standard input, and %f in it is the name. */
static void
run_command(const char *name, const char *text)
{
	StringInfoData command;
	FILE *pipe;
	int status;

	initStringInfo(&command);
	for (const char *at = lpr_checkpoint_command; *at != '\0'; at++)
	{
		if (at[0] == '%' && at[1] == 'f')
			appendStringInfoString(&command, name), at++;
		else if (at[0] == '%' && at[1] == '%')
			appendStringInfoChar(&command, '%'), at++;
		else
			appendStringInfoChar(&command, *at);
	}
	pipe = OpenPipeStream(command.data, "w");
	if (pipe == NULL)
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not run lpr.checkpoint_command: %m")));
	(void) fputs(text, pipe); /* what fails shows in the status */
	status = ClosePipeStream(pipe);
	if (status != 0)
		ereport(ERROR, (errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
						errmsg("lpr.checkpoint_command failed for \"%s\": %s", name, wait_result_to_str(status))));
}

/* Hands over what waits; false when there was nothing. */
static bool
deliver(void)
{
	uint64 n = 0;
	bool held;

	StartTransactionCommand();
	/* Held first: a snapshot from before might not see what it holds. */
	held = lpr_worker_hold_extension();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (held && OidIsValid(lpr_data_table("delivery")))
	{
		SPI_connect();
		if (SPI_execute("SELECT c.size, lpr_data.checkpoint_file(c.size), lpad(c.size::text, 20, '0') || '.checkpoint' "
						"FROM lpr_data.checkpoint AS c "
						"WHERE NOT EXISTS (SELECT FROM lpr_data.delivery AS d WHERE d.size = c.size) ORDER BY c.size",
						true, AT_ONCE) != SPI_OK_SELECT)
			elog(ERROR, "could not read the checkpoints");
		n = SPI_processed;
		for (uint64 i = 0; i < n; i++)
		{
			SPITupleTable *table = SPI_tuptable;
			bool isnull;
			Datum size = SPI_getbinval(table->vals[i], table->tupdesc, 1, &isnull);
			char *text = SPI_getvalue(table->vals[i], table->tupdesc, 2);
			char *name = SPI_getvalue(table->vals[i], table->tupdesc, 3);
			Oid types[1] = {INT8OID};

			if (lpr_checkpoint_directory[0] != '\0')
				write_file(name, text);
			if (lpr_checkpoint_command[0] != '\0')
				run_command(name, text);
			if (SPI_execute_with_args("INSERT INTO lpr_data.delivery (size) VALUES ($1)", 1, types, &size, NULL, false,
									  0) != SPI_OK_INSERT)
				elog(ERROR, "could not record a delivery");
			SPI_tuptable = table;
		}
		SPI_finish();
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
	return n > 0;
}

static bool
try_deliver(MemoryContext context)
{
	volatile bool more = false;

	PG_TRY();
	{
		more = deliver();
	}
	PG_CATCH();
	{
		lpr_worker_give_up(context);
	}
	PG_END_TRY();
	return more;
}

void
lpr_audit_deliver_main(Datum argument)
{
	MemoryContext context;

	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	lpr_worker_connect(lpr_queue_ready);
	context = AllocSetContextCreate(TopMemoryContext, "lpr checkpoint delivery", ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		bool more = false;

		CHECK_FOR_INTERRUPTS();
		lpr_worker_reload();
		MemoryContextReset(context);
		MemoryContextSwitchTo(context);
		if (lpr_checkpoint_directory[0] != '\0' || lpr_checkpoint_command[0] != '\0')
			more = try_deliver(context);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, more ? 0 : LOOK_EVERY_MS,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
