/*
 * host_facts.c: what SQL cannot see of the machine that the server runs on, for lpr.security_report(). Superusers only,
 * through functions of ours.
 */
#include "postgres.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

static const char *
kind_of(mode_t mode)
{
	return S_ISDIR(mode) ? "directory" : S_ISREG(mode) ? "file" : S_ISLNK(mode) ? "link" : "other";
}

static void
put_fact(ReturnSetInfo *result, const char *path, const char *name)
{
	struct stat st;
	bool there = lstat(path, &st) == 0;
	Datum values[4] = {CStringGetTextDatum(name), CStringGetTextDatum(there ? kind_of(st.st_mode) : "missing"),
					   Int32GetDatum(there ? st.st_mode & 07777 : 0),
					   BoolGetDatum(there && (st.st_uid == geteuid() || st.st_uid == 0))};
	bool nulls[4] = {false, false, !there, !there};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* lpr_data.file_facts(directory): the directory itself as ".", and what lies in it. */
PG_FUNCTION_INFO_V1(lpr_file_facts);
Datum
lpr_file_facts(PG_FUNCTION_ARGS)
{
	char *directory = text_to_cstring(PG_GETARG_TEXT_PP(0));
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	struct dirent *entry;
	DIR *dir;

	InitMaterializedSRF(fcinfo, 0);
	put_fact(result, directory, ".");
	dir = AllocateDir(directory);
	if (dir == NULL)
		return (Datum) 0;
	while ((entry = ReadDirExtended(dir, directory, LOG)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			put_fact(result, psprintf("%s/%s", directory, entry->d_name), entry->d_name);
	FreeDir(dir);
	return (Datum) 0;
}

/* lpr_data.core_limit(): bytes that a core dump of this server may have; -1 = no limit. */
PG_FUNCTION_INFO_V1(lpr_core_limit);
Datum
lpr_core_limit(PG_FUNCTION_ARGS)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) != 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(limit.rlim_cur == RLIM_INFINITY ? -1 : (int64) limit.rlim_cur);
}
