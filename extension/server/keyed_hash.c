/*
 * keyed_hash.c: what is to be known again and not to be read: HMAC-SHA-256 under a key that stands in a file outside
 * the database, so that nobody who has the rows alone can try out what they stand for.
 */
#include "postgres.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
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
	ereport(ERROR,
			(errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("identity key \"%s\" %s", lpr_identity_key, what),
			 errdetail("Personnel numbers are kept as hashes under a key of at least %d characters.", KEY_LEN_MIN),
			 errhint("As the server's user, in lpr.secret_directory: (umask 077; openssl rand -hex 32 >%s)",
					 lpr_identity_key)));
}

/*
 * lpr_data.keyed_hash(kind text, value text) returns bytea: the hash of value; the same value of another kind has
 * another one.
 */
PG_FUNCTION_INFO_V1(lpr_keyed_hash);
Datum
lpr_keyed_hash(PG_FUNCTION_ARGS)
{
	text *kind = PG_GETARG_TEXT_PP(0);
	text *value = PG_GETARG_TEXT_PP(1);
	bytea *hash = palloc(VARHDRSZ + HASH_LEN);
	char *key = lpr_secret_get_key(lpr_identity_key);
	StringInfoData message;
	unsigned int len = 0;
	size_t key_len;
	bool done;

	if (key == NULL)
		refuse_key("does not exist");
	key_len = strlen(key);
	if (key_len < KEY_LEN_MIN)
	{
		explicit_bzero(key, key_len);
		refuse_key("is too short");
	}
	/* no text holds a zero byte */
	initStringInfo(&message);
	appendBinaryStringInfo(&message, VARDATA_ANY(kind), VARSIZE_ANY_EXHDR(kind));
	appendStringInfoChar(&message, '\0');
	appendBinaryStringInfo(&message, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
	done = HMAC(EVP_sha256(), key, (int) key_len, (unsigned char *) message.data, message.len,
				(unsigned char *) VARDATA(hash), &len) != NULL;
	explicit_bzero(key, key_len);
	explicit_bzero(message.data, message.len);
	if (!done || len != HASH_LEN)
		elog(ERROR, "libcrypto makes no HMAC-SHA-256");
	SET_VARSIZE(hash, VARHDRSZ + HASH_LEN);
	PG_RETURN_BYTEA_P(hash);
}
