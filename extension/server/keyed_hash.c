/*
 * keyed_hash.c: what is to be known again and not to be read: HMAC-SHA-256 under a key that stands in a file outside
 * the database, so that nobody who has the rows alone can try out what they stand for.
 */
#include "postgres.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "server/keyed_hash.h"

#include "server/compat.h"
#include "server/secret.h"

#define HASH_LEN    32
#define KEY_LEN_MIN 32

char *lpr_identity_key = NULL;

static void
refuse_key(const char *what)
{
	ereport(
		ERROR,
		(errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("identity key \"%s\" %s", lpr_identity_key, what),
		 errdetail("Personnel numbers and plates of staff are kept as hashes under a key of at least %d characters.",
				   KEY_LEN_MIN),
		 errhint("As the server's user, in lpr.secret_directory: (umask 077; openssl rand -hex 32 >%s)",
				 lpr_identity_key)));
}

/* What a value is known again by; of another kind the same value has another one. */
static bytea *
hash_value(const char *key, text *kind, text *value)
{
	bytea *hash = palloc(VARHDRSZ + HASH_LEN);
	StringInfoData message;
	unsigned int len = 0;
	bool done;

	/* no text holds a zero byte */
	initStringInfo(&message);
	appendBinaryStringInfo(&message, VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind));
	appendStringInfoChar(&message, '\0');
	appendBinaryStringInfo(&message, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	done = HMAC(EVP_sha256(), key, (int) strlen(key), (unsigned char *) message.data, message.len,
				(unsigned char *) VARDATA(hash), &len) != NULL;
	explicit_bzero(message.data, message.len);
	pfree(message.data);
	if (!done || len != HASH_LEN)
		elog(ERROR, "libcrypto makes no HMAC-SHA-256");
	SET_VARSIZE(hash, VARHDRSZ + HASH_LEN);
	return hash;
}

/*
 * lpr_data.keyed_hash(kind text, value text) returns bytea: the hash of value.
 */
PG_FUNCTION_INFO_V1(lpr_keyed_hash);
Datum
lpr_keyed_hash(PG_FUNCTION_ARGS)
{
	char *key = lpr_secret_get_key(lpr_identity_key);
	bytea *hash;

	if (key == NULL)
		refuse_key("does not exist");
	if (strlen(key) < KEY_LEN_MIN)
	{
		explicit_bzero(key, strlen(key));
		refuse_key("is too short");
	}
	hash = hash_value(key, PG_GETARG_TEXT_PP(0), PG_GETARG_TEXT_PP(1));
	explicit_bzero(key, strlen(key));
	PG_RETURN_BYTEA_P(hash);
}

/*
 * lpr_data.keyed_hashes(kind text, "values" text[]) returns bytea[]: the hashes of all of them; NULL when there is no
 * key. For the gate, which refuses then and raises nothing.
 */
PG_FUNCTION_INFO_V1(lpr_keyed_hashes);
Datum
lpr_keyed_hashes(PG_FUNCTION_ARGS)
{
	ArrayType *values = PG_GETARG_ARRAYTYPE_P(1);
	char *key = lpr_secret_get_key(lpr_identity_key);
	ArrayType *hashes = NULL;
	Datum *each;
	bool *nulls;
	int n;

	if (key == NULL)
		PG_RETURN_NULL();
	deconstruct_array(values, TEXTOID, -1, false, TYPALIGN_INT, &each, &nulls, &n);
	if (strlen(key) >= KEY_LEN_MIN)
	{
		for (int i = 0; i < n; i++)
			if (!nulls[i])
				each[i] = PointerGetDatum(hash_value(key, PG_GETARG_TEXT_PP(0), DatumGetTextPP(each[i])));
		hashes = construct_md_array(each, nulls, ARR_NDIM(values), ARR_DIMS(values), ARR_LBOUND(values), BYTEAOID, -1,
									false, TYPALIGN_INT);
	}
	explicit_bzero(key, strlen(key));
	if (hashes == NULL)
		PG_RETURN_NULL();
	PG_RETURN_ARRAYTYPE_P(hashes);
}
