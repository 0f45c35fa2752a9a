/*
 * secret.c: secrets by name.
 *
 * A value never passes through an SQL text, a parameter or SPI, all of which end in logs and statistics: files are read
 * and the table is scanned directly. Rights are not the caller's: a query needs its source's secret, and nobody may
 * read one.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "server/secret.h"

#include "server/data.h"

#define SECRET_NAME_MAX 64
#define SECRET_MAX      8192

#define RULE                                                                                                           \
	"A secret is a regular file of lpr.secret_directory that belongs to the server's user and is closed to group "     \
	"and others, or a row made with lpr.store_secret()."

char *lpr_secret_directory = NULL;

PG_FUNCTION_INFO_V1(lpr_encrypt_secret);

bool
lpr_secret_check_directory(char **newval, void **extra, GucSource source)
{
	if (*newval == NULL || **newval == '\0' || is_absolute_path(*newval))
		return true;
	GUC_check_errdetail("lpr.secret_directory must be an absolute path.");
	return false;
}

/* No separators and no leading dot: a name cannot lead out of the directory. */
static void
check_name(const char *name)
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char more[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.-";
	size_t len = strlen(name);

	if (len > 0 && len <= SECRET_NAME_MAX && strchr(letters, name[0]) != NULL && strspn(name, more) == len)
		return;
	/* the name is not repeated: people paste the secret itself here */
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid name of a secret"),
			 errdetail("A name has 1 to %d letters, digits, \"_\", \".\" and \"-\", and begins with a letter or digit.",
					   SECRET_NAME_MAX),
			 errhint("Give the name of the secret, not the secret.")));
}

static void
refuse_secret(const char *name, const char *why)
{
	ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("secret \"%s\" cannot be used", name),
					errdetail("%s", why), errhint("%s", RULE)));
}

static void
refuse_directory(const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("lpr.secret_directory cannot be used"), errdetail("%s", why),
			 errhint("Set lpr.secret_directory to a directory of the server's user outside the data directory.")));
}

static bool
is_inside(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	return strncmp(path, directory, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/*
 * Opens the directory once, so that what was checked is what is read from. Backups copy the data directory, so it may
 * not lie there.
 */
static int
open_directory(void)
{
	char real[PATH_MAX], data[PATH_MAX];
	struct stat st;
	int fd;

	if (lpr_secret_directory == NULL || lpr_secret_directory[0] == '\0')
		refuse_directory("It is not set.");
	if (!is_absolute_path(lpr_secret_directory))
		refuse_directory("It is not an absolute path.");
	if (realpath(lpr_secret_directory, real) == NULL || realpath(DataDir, data) == NULL)
		refuse_directory(psprintf("It cannot be found: %s.", strerror(errno)));
	if (is_inside(real, data))
		refuse_directory("It lies in the data directory, which backups copy.");
	fd = OpenTransientFile(real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0)
		refuse_directory(psprintf("It cannot be opened: %s.", strerror(errno)));
	if ((st.st_uid != geteuid() && st.st_uid != 0) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		refuse_directory("It belongs to another user than the server's, or group or others may write to it.");
	return fd;
}

/*
 * Returns the value of a secret's file, palloc'd; NULL when there is no such file. Only a private key has several
 * lines.
 */
static char *
read_file(const char *name, bool lines)
{
	char bytes[SECRET_MAX + 2];
	char *value;
	struct stat st;
	ssize_t len = 0, got = 0;
	const char *why = NULL;
	int directory = open_directory();
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	int problem = errno;

	CloseTransientFile(directory);
	if (fd < 0 && problem == ENOENT)
		return NULL;
	if (fd < 0)
		refuse_secret(name, problem == ELOOP ? "Its file is a symbolic link."
											 : psprintf("Its file cannot be opened: %s.", strerror(problem)));

	/* no error may be raised before the descriptor is closed, nor before the bytes are wiped */
	if (fstat(fd, &st) != 0)
		why = "Its file cannot be examined.";
	else if (!S_ISREG(st.st_mode))
		why = "It is not a regular file.";
	else if (st.st_uid != geteuid() && st.st_uid != 0)
		why = "Its file belongs to another user than the server's.";
	else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		why = "Its file is open to group or others.";
	else if (st.st_size > SECRET_MAX)
		why = "Its file is larger than 8 kB.";
	else
		while (len <= SECRET_MAX && (got = read(fd, bytes + len, SECRET_MAX + 1 - len)) > 0)
			len += got;
	close(fd);
	if (why == NULL && (got < 0 || len > SECRET_MAX))
		why = got < 0 ? "Its file cannot be read." : "Its file is larger than 8 kB.";

	/* what an editor or echo leaves at the end */
	if (len > 0 && bytes[len - 1] == '\n')
		len--;
	if (len > 0 && bytes[len - 1] == '\r')
		len--;
	if (why == NULL && len == 0)
		why = "Its file is empty.";
	for (ssize_t i = 0; why == NULL && i < len; i++)
		if (bytes[i] == '\0' || (!lines && (bytes[i] == '\r' || bytes[i] == '\n')))
			why = "It holds a line break or a zero byte.";
	if (why == NULL)
	{
		value = palloc_extended(len + 1, MCXT_ALLOC_NO_OOM);
		if (value != NULL)
		{
			memcpy(value, bytes, len);
			value[len] = '\0';
			explicit_bzero(bytes, sizeof(bytes));
			return value;
		}
		why = "There is no memory for it.";
	}
	explicit_bzero(bytes, sizeof(bytes));
	refuse_secret(name, why);
	return NULL; /* not reached */
}

/* For the keys of table secrets: a missing one is an error. */
static char *
read_key(const char *key_name, const char *name)
{
	char *key;

	check_name(key_name);
	key = read_file(key_name, false);
	if (key == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
						errmsg("the key \"%s\" of secret \"%s\" does not exist", key_name, name),
						errdetail("The key of an encrypted secret is a file of lpr.secret_directory."),
						errhint("Put the key file back, or store the secret anew under another key.")));
	return key;
}

static Oid
extension_schema(Oid extension)
{
	Relation rel = table_open(ExtensionRelationId, AccessShareLock);
	Oid schema = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(extension));
	scan = systable_beginscan(rel, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return schema;
}

/*
 * A function of pgcrypto, by its schema and membership: a namesake elsewhere on the search path would get the key.
 * Looked up in the catalogue directly, since the caller need not have any right to pgcrypto.
 */
static Oid
pgcrypto_function(const char *function, int nargs, const Oid *types)
{
	Oid extension = get_extension_oid("pgcrypto", true);
	Oid found = InvalidOid;

	if (OidIsValid(extension))
		found = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid, CStringGetDatum(function),
								PointerGetDatum(buildoidvector(types, nargs)),
								ObjectIdGetDatum(extension_schema(extension)));
	if (!OidIsValid(found) || getExtensionOfObject(ProcedureRelationId, found) != extension)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("extension \"pgcrypto\" is needed for encrypted secrets"),
				 errhint("CREATE EXTENSION pgcrypto, or keep the secret in a file of lpr.secret_directory.")));
	return found;
}

/* The row of lpr_data.secret, if there is one: key name and ciphertext, copied. */
static bool
find_row(const char *name, char **key_name, bytea **value)
{
	LprDataScan secrets;
	bool found, isnull;

	if (!lpr_data_begin(&secrets, "secret", "name", name))
		return false;
	found = lpr_data_next(&secrets);
	if (found)
	{
		Datum bytes = lpr_data_get(&secrets, "value", BYTEAOID, &isnull);

		*key_name = lpr_data_text(&secrets, "key_name");
		if (isnull || *key_name == NULL)
			refuse_secret(name, "Its row has no key or no value.");
		*value = DatumGetByteaPCopy(bytes);
	}
	lpr_data_end(&secrets);
	return found;
}

static void
name_secret(void *arg)
{
	errcontext("secret \"%s\"", (const char *) arg);
}

static void
wipe(void *varlena)
{
	explicit_bzero(VARDATA(varlena), VARSIZE(varlena) - VARHDRSZ);
}

static char *
decrypt(const char *name, const char *key_name, bytea *value)
{
	static const Oid types[2] = {BYTEAOID, TEXTOID};
	Oid function = pgcrypto_function("pgp_sym_decrypt_bytea", 2, types);
	ErrorContextCallback context = {error_context_stack, name_secret, unconstify(char *, name)};
	char *key = read_key(key_name, name);
	text *key_text = cstring_to_text(key);
	bytea *plain;
	char *result;
	size_t len;

	error_context_stack = &context;
	PG_TRY();
	{
		plain = DatumGetByteaP(OidFunctionCall2(function, PointerGetDatum(value), PointerGetDatum(key_text)));
	}
	PG_FINALLY();
	{
		explicit_bzero(key, strlen(key));
		wipe(key_text);
	}
	PG_END_TRY();
	error_context_stack = context.previous;

	len = VARSIZE(plain) - VARHDRSZ;
	result = palloc(len + 1);
	memcpy(result, VARDATA(plain), len);
	result[len] = '\0';
	wipe(plain);
	if (len == 0 || strlen(result) != len || strpbrk(result, "\r\n") != NULL)
	{
		explicit_bzero(result, len);
		refuse_secret(name, "It is empty, or holds a line break or a zero byte.");
	}
	return result;
}

static void
refuse_missing(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("secret \"%s\" does not exist", name),
			 errdetail("%s", RULE), errhint("As the server's user, in that directory: umask 077; cat >%s", name)));
}

char *
lpr_secret_get(const char *name)
{
	char *key_name = NULL;
	bytea *cipher = NULL;
	char *value;

	check_name(name);
	if (find_row(name, &key_name, &cipher))
		return decrypt(name, key_name, cipher);
	value = read_file(name, false);
	if (value == NULL)
		refuse_missing(name);
	return value;
}

char *
lpr_secret_get_key(const char *name)
{
	check_name(name);
	return read_file(name, true);
}

/*
 * lpr_encrypt_secret(name text, key_name text) returns bytea: the value that stands in file `name`, encrypted under the
 * key in file `key_name`. The caller (lpr.store_secret) puts it into lpr_data.secret; the file `name` can be removed
 * then.
 */
Datum
lpr_encrypt_secret(PG_FUNCTION_ARGS)
{
	static const Oid types[3] = {BYTEAOID, TEXTOID, TEXTOID};
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	char *key_name = text_to_cstring(PG_GETARG_TEXT_PP(1));
	ErrorContextCallback context = {error_context_stack, name_secret, name};
	char *plain, *key;
	text *plain_text, *key_text;
	Datum cipher;
	Oid function;

	if (!superuser())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied to store a secret"),
						errdetail("Only a superuser may store secrets.")));
	check_name(name);
	check_name(key_name);
	if (strcmp(name, key_name) == 0)
		refuse_secret(name, "A secret cannot be its own key.");
	function = pgcrypto_function("pgp_sym_encrypt_bytea", 3, types);
	key = read_key(key_name, name);
	plain = read_file(name, false);
	if (plain == NULL)
	{
		explicit_bzero(key, strlen(key));
		refuse_missing(name);
	}
	plain_text = cstring_to_text(plain);
	key_text = cstring_to_text(key);

	error_context_stack = &context;
	PG_TRY();
	{
		cipher = OidFunctionCall3(function, PointerGetDatum(plain_text), PointerGetDatum(key_text),
								  CStringGetTextDatum("cipher-algo=aes256"));
	}
	PG_FINALLY();
	{
		explicit_bzero(plain, strlen(plain));
		explicit_bzero(key, strlen(key));
		wipe(plain_text);
		wipe(key_text);
	}
	PG_END_TRY();
	error_context_stack = context.previous;
	return cipher;
}
