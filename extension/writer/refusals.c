/*
 * refusals.c: counters of refusals, minute by minute, for each login.
 */
#include "writer/refusals.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "format/payload.h"

#define MINUTES   61 /* the minute under way is not over */
#define SWEEP_MIN 1000

int lpr_refusals_singly = 60;

typedef struct Tally
{
	NameData login; /* the key */
	int64 minute;   /* of the newest count, since 2000-01-01 UTC */
	uint32 minutes[MINUTES];
	int64 counted; /* not on record singly, and not told of yet */
	TimestampTz since;
	TimestampTz told_at;
	char control[8];
	char sqlstate[6];
	/* of the transaction under way */
	uint32 now_singly;
	int64 now_counted;
	bool now_told;
} Tally;

static HTAB *tallies = NULL;
static long sweep_at = SWEEP_MIN;

static void
clear_past(Tally *tally, int64 minute)
{
	for (int64 m = Max(tally->minute + 1, minute - MINUTES + 1); m <= minute; m++)
		tally->minutes[m % MINUTES] = 0;
	tally->minute = Max(tally->minute, minute);
}

/* Logins that nothing was refused to for an hour. */
static void
sweep(int64 minute)
{
	HASH_SEQ_STATUS status;
	Tally *tally;

	hash_seq_init(&status, tallies);
	while ((tally = hash_seq_search(&status)) != NULL)
		if (tally->minute < minute - MINUTES && tally->counted == 0 && tally->now_counted == 0)
			hash_search(tallies, &tally->login, HASH_REMOVE, NULL);
	sweep_at = Max(SWEEP_MIN, 2 * hash_get_num_entries(tallies));
}

void
lpr_refusals_begin(void)
{
	HASH_SEQ_STATUS status;
	Tally *tally;

	if (tallies == NULL)
	{
		HASHCTL control = {.keysize = NAMEDATALEN, .entrysize = sizeof(Tally), .hcxt = TopMemoryContext};

		tallies = hash_create("lpr refusals", 64, &control, HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
	}
	hash_seq_init(&status, tallies);
	while ((tally = hash_seq_search(&status)) != NULL)
	{
		tally->now_singly = 0;
		tally->now_counted = 0;
		tally->now_told = false;
	}
	if (hash_get_num_entries(tallies) >= sweep_at)
		sweep(GetCurrentTimestamp() / USECS_PER_MINUTE);
}

bool
lpr_refusals_record(const LprAuditRow *row)
{
	TimestampTz now = GetCurrentTimestamp();
	uint64 sum;
	bool found;
	Tally *tally = hash_search(tallies, row->login, HASH_ENTER, &found);

	if (!found)
	{
		memset((char *) tally + NAMEDATALEN, 0, sizeof(Tally) - NAMEDATALEN);
		tally->minute = now / USECS_PER_MINUTE;
	}
	clear_past(tally, now / USECS_PER_MINUTE);
	sum = tally->now_singly;
	for (int i = 0; i < MINUTES; i++)
		sum += tally->minutes[i];
	if (sum < (uint64) lpr_refusals_singly)
	{
		tally->now_singly++;
		return true;
	}
	if (tally->counted + tally->now_counted == 0)
		tally->since = now;
	tally->now_counted++;
	strlcpy(tally->control, row->control != NULL ? row->control : "", sizeof(tally->control));
	strlcpy(tally->sqlstate, row->sqlstate != NULL ? row->sqlstate : "", sizeof(tally->sqlstate));
	return false;
}

static bool
is_due(const Tally *tally, TimestampTz now)
{
	return tally->counted + tally->now_counted > 0 &&
		   (now < tally->told_at || now - tally->told_at >= USECS_PER_MINUTE);
}

bool
lpr_refusals_due(void)
{
	HASH_SEQ_STATUS status;
	Tally *tally;
	TimestampTz now = GetCurrentTimestamp();

	if (tallies == NULL)
		return false;
	hash_seq_init(&status, tallies);
	while ((tally = hash_seq_search(&status)) != NULL)
		if (is_due(tally, now))
		{
			hash_seq_term(&status);
			return true;
		}
	return false;
}

/* Of no session: its refusals may be of many. */
static void
fill(LprAuditRow *row, const Tally *tally, TimestampTz now)
{
	LprText payload = {0};

	memset(row, 0, sizeof(*row));
	row->kind = lpr_audit_kind_names[LPR_AUDIT_REFUSED];
	row->login = pstrdup(NameStr(tally->login));
	row->control = tally->control[0] != '\0' ? pstrdup(tally->control) : NULL;
	row->sqlstate = pstrdup(tally->sqlstate);
	lpr_payload_open(&payload);
	lpr_payload_text(&payload, "message", "refusals that are counted, and not on record singly");
	lpr_payload_integer(&payload, "count", tally->counted + tally->now_counted);
	lpr_payload_moment(&payload, "since", tally->since);
	lpr_payload_moment(&payload, "until", now);
	lpr_payload_close(&payload);
	if (payload.failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	lpr_audit_row_payload(row, pnstrdup(payload.data, payload.len));
	lpr_text_free(&payload);
}

int
lpr_refusals_take(LprAuditRow **rows)
{
	HASH_SEQ_STATUS status;
	Tally *tally;
	TimestampTz now = GetCurrentTimestamp();
	int n = 0;

	*rows = palloc(hash_get_num_entries(tallies) * sizeof(LprAuditRow) + 1);
	hash_seq_init(&status, tallies);
	while ((tally = hash_seq_search(&status)) != NULL)
		if (is_due(tally, now))
		{
			fill(&(*rows)[n++], tally, now);
			tally->now_told = true;
		}
	return n;
}

void
lpr_refusals_committed(void)
{
	HASH_SEQ_STATUS status;
	Tally *tally;
	TimestampTz now = GetCurrentTimestamp();

	hash_seq_init(&status, tallies);
	while ((tally = hash_seq_search(&status)) != NULL)
	{
		if (tally->now_singly > 0)
		{
			clear_past(tally, now / USECS_PER_MINUTE);
			tally->minutes[tally->minute % MINUTES] += tally->now_singly;
		}
		tally->counted = tally->now_told ? 0 : tally->counted + tally->now_counted;
		if (tally->now_told)
			tally->told_at = now;
		tally->now_singly = 0;
		tally->now_counted = 0;
		tally->now_told = false;
	}
}
