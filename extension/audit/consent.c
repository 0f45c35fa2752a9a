/*
 * consent.c: the agreement is a variable of the backend's own process: not a table, not a setting, not shared memory.
 * So it ends with the process, no transaction can bring it back or take it away, and only lpr.accept_rules() sets it.
 */
#include "audit/consent.h"

#include <limits.h>

#include "access/xact.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* Without letters and digits that look alike. */
static const char letters[] = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
#define CODE_LETTERS LPR_CONSENT_CODE_LEN

/* To what it is bound: a later process, or another login, is another session. */
static struct
{
	NameData versions; /* of the texts; "" = none */
	int pid;
	TimestampTz started;
	Oid login;
	bool passing;          /* ends with this transaction: behind a pooler the next one is somebody else's */
	TimestampTz at;        /* when the text was agreed to */
	TimestampTz statement; /* when the newest statement began */
	int64 away;            /* the longest time between two statements since then, in microseconds */
} agreed;

static struct
{
	char text[CODE_LETTERS + 1];
	NameData versions; /* of the texts that it agrees to; "" = there is no code */
	bool renews;       /* an agreement that is there */
	TimestampTz shown; /* when the statement began that showed it */
} code;

/* Whether the code that was taken last renews an agreement that is there; until lpr_data.agree(). */
static bool taken_renews = false;

PG_FUNCTION_INFO_V1(lpr_consent_make_code);
PG_FUNCTION_INFO_V1(lpr_consent_renewal_code);
PG_FUNCTION_INFO_V1(lpr_consent_redeem_code);
PG_FUNCTION_INFO_V1(lpr_consent_agree_to);
PG_FUNCTION_INFO_V1(lpr_consent_renewed);

static bool
is_agreed(void)
{
	return NameStr(agreed.versions)[0] != '\0' && agreed.pid == MyProcPid && agreed.started == MyStartTimestamp &&
		   agreed.login == GetAuthenticatedUserId();
}

void
lpr_consent_note_statement(void)
{
	TimestampTz now = GetCurrentStatementStartTimestamp();

	if (NameStr(agreed.versions)[0] == '\0' || now <= agreed.statement)
		return;
	agreed.away = Max(agreed.away, now - agreed.statement);
	agreed.statement = now;
}

void
lpr_consent_given(Name versions, TimestampTz *at, int *away_s, bool *passing)
{
	memset(versions, 0, sizeof(*versions));
	*at = 0;
	*away_s = 0;
	*passing = false;
	if (!is_agreed())
		return;
	lpr_consent_note_statement();
	*at = agreed.at;
	*away_s = (int) Min(agreed.away / USECS_PER_SEC, INT_MAX);
	*passing = agreed.passing;
	*versions = agreed.versions;
}

void
lpr_consent_end(void)
{
	memset(&agreed, 0, sizeof(agreed));
	memset(&code, 0, sizeof(code));
}

static void
transaction_ends(XactEvent event, void *arg)
{
	if (agreed.passing && (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE))
		lpr_consent_end();
}

void
lpr_consent_init(void)
{
	RegisterXactCallback(transaction_ends, NULL);
}

/* "3" or "1,3": as many as there are systems at the most. */
static void
take_versions(Name to, const char *versions)
{
	if (strlen(versions) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many texts of rules hold at once"),
				 errdetail("Their numbers have %d characters at the most.", NAMEDATALEN - 1),
				 errhint("Have the privacy officer set one text for several systems: SELECT lpr.set_rules(...);")));
	memset(to, 0, sizeof(*to));
	strlcpy(NameStr(*to), versions, NAMEDATALEN);
}

static bool
is_same(const NameData *one, const NameData *other)
{
	return strcmp(NameStr(*one), NameStr(*other)) == 0;
}

static void
make_code(const NameData *versions, bool renews)
{
	uint8 random[CODE_LETTERS];

	if (!pg_strong_random(random, sizeof(random)))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
	for (int i = 0; i < CODE_LETTERS; i++)
		code.text[i] = letters[random[i] % (sizeof(letters) - 1)];
	code.versions = *versions;
	code.renews = renews;
	code.shown = GetCurrentStatementStartTimestamp();
}

/* A code by which the agreement is renewed, the same throughout a statement; NULL = there is none. */
static const char *
renewal(void)
{
	if (!is_agreed())
		return NULL;
	/* Several sources refuse a question with one code. */
	if (!code.renews || !is_same(&code.versions, &agreed.versions) || code.shown != GetCurrentStatementStartTimestamp())
		make_code(&agreed.versions, true);
	return code.text;
}

void
lpr_consent_fill_in(char *texts, size_t size)
{
	static const char place[] = "{accept}"; /* as long as a code */
	char *at = memmem(texts, size, place, sizeof(place) - 1);
	const char *text = at != NULL ? renewal() : NULL;

	StaticAssertStmt(sizeof(place) - 1 == CODE_LETTERS, "the code takes the place of its name");
	if (text != NULL)
		memcpy(at, text, CODE_LETTERS);
}

Datum
lpr_consent_renewal_code(PG_FUNCTION_ARGS)
{
	const char *text = renewal();

	if (text == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(text));
}

Datum
lpr_consent_make_code(PG_FUNCTION_ARGS)
{
	NameData versions;

	take_versions(&versions, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	make_code(&versions, false);
	PG_RETURN_TEXT_P(cstring_to_text(code.text));
}

/* Whether what was agreed to can be renewed: these are its texts, and agreed to on this day (UTC). */
static bool
can_renew(const NameData *versions)
{
	return is_agreed() && is_same(&agreed.versions, versions) &&
		   agreed.at / USECS_PER_DAY == GetCurrentTimestamp() / USECS_PER_DAY;
}

/* What a statement showed nobody has read while it runs; nor what came in the same message of the client. */
Datum
lpr_consent_redeem_code(PG_FUNCTION_ARGS)
{
	NameData versions = {{0}};

	if (!PG_ARGISNULL(0) && NameStr(code.versions)[0] != '\0' && GetCurrentStatementStartTimestamp() > code.shown &&
		strcmp(text_to_cstring(PG_GETARG_TEXT_PP(0)), code.text) == 0)
		versions = code.versions;
	if (code.renews && !can_renew(&versions))
		memset(&versions, 0, sizeof(versions)); /* its text was not shown */
	taken_renews = NameStr(versions)[0] != '\0' && code.renews;
	memset(&code, 0, sizeof(code));
	if (NameStr(versions)[0] == '\0')
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(NameStr(versions)));
}

/* A renewal does not stretch the hours. */
Datum
lpr_consent_renewed(PG_FUNCTION_ARGS)
{
	if (!taken_renews)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(agreed.at);
}

Datum
lpr_consent_agree_to(PG_FUNCTION_ARGS)
{
	take_versions(&agreed.versions, text_to_cstring(PG_GETARG_TEXT_PP(0)));
	agreed.pid = MyProcPid;
	agreed.started = MyStartTimestamp;
	agreed.login = GetAuthenticatedUserId();
	agreed.at = PG_GETARG_TIMESTAMPTZ(1);
	agreed.passing = PG_GETARG_BOOL(2);
	agreed.statement = GetCurrentStatementStartTimestamp();
	agreed.away = 0;
	taken_renews = false;
	PG_RETURN_VOID();
}
