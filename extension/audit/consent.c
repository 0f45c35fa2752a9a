/*
 * consent.c: the agreement is a variable of the backend's own process: not a table, not a setting, not shared memory.
 * So it ends with the process, no transaction can bring it back or take it away, and only lpr.accept_rules() sets it.
 */
#include "audit/consent.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Without letters and digits that look alike. */
static const char letters[] = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
#define CODE_LETTERS 8

/* To what it is bound: a later process, or another login, is another session. */
static struct
{
	int version;
	int pid;
	TimestampTz started;
	Oid login;
} agreed;

static struct
{
	char text[CODE_LETTERS + 1];
	int version;
} code;

PG_FUNCTION_INFO_V1(lpr_consent_code);
PG_FUNCTION_INFO_V1(lpr_consent_take_code);
PG_FUNCTION_INFO_V1(lpr_consent_agree);

int
lpr_consent_version(void)
{
	if (agreed.pid != MyProcPid || agreed.started != MyStartTimestamp || agreed.login != GetAuthenticatedUserId())
		return 0;
	return agreed.version;
}

void
lpr_consent_end(void)
{
	memset(&agreed, 0, sizeof(agreed));
	memset(&code, 0, sizeof(code));
}

Datum
lpr_consent_code(PG_FUNCTION_ARGS)
{
	uint8 random[CODE_LETTERS];

	if (!pg_strong_random(random, sizeof(random)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
	for (int i = 0; i < CODE_LETTERS; i++)
		code.text[i] = letters[random[i] % (sizeof(letters) - 1)];
	code.version = PG_GETARG_INT32(0);
	PG_RETURN_TEXT_P(cstring_to_text(code.text));
}

Datum
lpr_consent_take_code(PG_FUNCTION_ARGS)
{
	int version = 0;

	if (!PG_ARGISNULL(0) && code.version > 0 && strcmp(text_to_cstring(PG_GETARG_TEXT_PP(0)), code.text) == 0)
		version = code.version;
	memset(&code, 0, sizeof(code));
	if (version == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(version);
}

Datum
lpr_consent_agree(PG_FUNCTION_ARGS)
{
	agreed.version = PG_GETARG_INT32(0);
	agreed.pid = MyProcPid;
	agreed.started = MyStartTimestamp;
	agreed.login = GetAuthenticatedUserId();
	PG_RETURN_VOID();
}
