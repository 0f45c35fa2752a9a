/*
 * watch_set.c: what is watched at which source, as the database says it; judged anew only when it may have changed.
 */
#include "watch/watch_internal.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "audit/audit_queue.h"
#include "format/payload.h"
#include "gate/decision.h"

#define JUDGE_ALL_US (60 * USECS_PER_SEC) /* whether or not anything told of a change */
#define PLATES_ONCE  10000

LprWatched *lpr_watched = NULL;

static uint64 known_generation = 0;
static uint64 known_catalog = 0;
static TimestampTz judged_at = 0;
static TimestampTz holds_until = 0;

static Datum
value(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

/* Something changed what is watched, and told nobody: that is a fault of lpr, or somebody went past it. */
static void
tell_of_silence(int64 rows)
{
	LprAuditEntry entry = {.kind = LPR_AUDIT_FLAG, .control = "D4"};
	LprText payload = {0};
	LprReceipt receipt;

	ereport(LOG, (errmsg("what displays watch has changed, and nothing told so"),
				  errdetail("A full count found " INT64_FORMAT " changes.", rows)));
	lpr_payload_open(&payload);
	lpr_payload_text(&payload, "what", "what displays watch has changed, and nothing told so");
	lpr_audit_set_payload(&entry, &payload);
	lpr_audit_await(lpr_audit_send(&entry), &receipt);
}

static void
judge_if_due(void)
{
	/* Before the rules read anything, so that none is overlooked. */
	uint64 generation = lpr_queue_watch_generation();
	uint64 catalog = lpr_decision_catalog();
	TimestampTz now = GetCurrentTimestamp();
	bool told = generation != known_generation || catalog != known_catalog || now >= holds_until || now < judged_at;
	bool isnull;
	int64 changed;

	if (!told && now - judged_at < JUDGE_ALL_US)
		return;
	if (SPI_execute("SELECT r.changed, r.until FROM lpr_data.recount_watch() AS r", false, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not judge what is watched");
	changed = DatumGetInt64(value(1, &isnull));
	holds_until = DatumGetTimestampTz(value(2, &isnull));
	if (changed > 0 && !told)
		tell_of_silence(changed);
	known_generation = generation;
	known_catalog = catalog;
	judged_at = now;
}

static LprWatched *
find_source(const char *name)
{
	LprWatched *watched = lpr_watched;
	MemoryContext context;

	while (watched != NULL && strcmp(watched->name, name) != 0)
		watched = watched->next;
	if (watched != NULL)
		return watched;
	context = AllocSetContextCreate(TopMemoryContext, "lpr watched source", ALLOCSET_SMALL_SIZES);
	watched = MemoryContextAllocZero(context, sizeof(LprWatched));
	watched->context = context;
	strlcpy(watched->name, name, NAMEDATALEN);
	watched->next = lpr_watched;
	lpr_watched = watched;
	return watched;
}

/* Sources that are gone, or may be asked no longer: a round that is under way ends. */
static void
forget_others(void)
{
	LprWatched **link = &lpr_watched;

	while (*link != NULL)
	{
		LprWatched *watched = *link;

		if (watched->found)
		{
			link = &watched->next;
			continue;
		}
		if (watched->round != NULL)
		{
			lpr_watch_round_break_off(watched);
			lpr_watch_round_end(watched);
		}
		lpr_watch_round_drop(watched);
		*link = watched->next;
		MemoryContextDelete(watched->context);
	}
}

static void
read_plates(LprWatched *watched)
{
	Oid type = TEXTOID;
	Datum name = CStringGetTextDatum(watched->name);
	Portal portal;
	int room = Max(watched->items, 1);

	if (watched->set != NULL)
		MemoryContextDelete(watched->set);
	watched->set = AllocSetContextCreate(watched->context, "lpr watched plates", ALLOCSET_DEFAULT_SIZES);
	watched->nplates = 0;
	watched->plates = MemoryContextAllocHuge(watched->set, room * sizeof(char *));
	portal = SPI_cursor_open_with_args(NULL, "SELECT lpr_data.watch_plates($1)", 1, &type, &name, NULL, false, 0);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, PLATES_ONCE);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			char *plate = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);

			if (watched->nplates >= room)
				elog(ERROR, "source \"%s\" watches more plates than items", watched->name);
			watched->plates[watched->nplates++] = MemoryContextStrdup(watched->set, plate);
			pfree(plate);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

static TimestampTz
moment(HeapTuple row, TupleDesc desc, int column)
{
	bool isnull;
	Datum datum = SPI_getbinval(row, desc, column, &isnull);

	return isnull ? 0 : DatumGetTimestampTz(datum);
}

/* Returns the seconds between rounds. */
static int
take_source(HeapTuple row, TupleDesc desc)
{
	bool isnull;
	LprWatched *watched = find_source(SPI_getvalue(row, desc, 1));
	int64 set_id = DatumGetInt64(SPI_getbinval(row, desc, 3, &isnull));
	bytea *digest = DatumGetByteaPP(SPI_getbinval(row, desc, 5, &isnull));
	char *mark = SPI_getvalue(row, desc, 6);

	watched->found = true;
	watched->server = DatumGetObjectId(SPI_getbinval(row, desc, 2, &isnull));
	if (watched->set_id != set_id && watched->set != NULL && watched->round != NULL)
		lpr_watch_round_keep_set(watched);
	else if (watched->set_id != set_id && watched->set != NULL)
	{
		MemoryContextDelete(watched->set);
		watched->set = NULL;
	}
	watched->set_id = set_id;
	watched->items = DatumGetInt32(SPI_getbinval(row, desc, 4, &isnull));
	memcpy(watched->digest.bytes, VARDATA_ANY(digest), LPR_DIGEST_LEN);
	watched->overlap_min = DatumGetInt32(SPI_getbinval(row, desc, 11, &isnull));
	watched->sweep_min = DatumGetInt32(SPI_getbinval(row, desc, 12, &isnull));
	if (watched->round != NULL)
		return DatumGetInt32(SPI_getbinval(row, desc, 10, &isnull)); /* which goes by its own mark */
	if (watched->mark != NULL)
		pfree(watched->mark);
	watched->mark = mark != NULL ? MemoryContextStrdup(watched->context, mark) : NULL;
	watched->asked_at = moment(row, desc, 7);
	watched->swept_at = moment(row, desc, 8);
	watched->gap_since = moment(row, desc, 9);
	return DatumGetInt32(SPI_getbinval(row, desc, 10, &isnull));
}

void
lpr_watch_forget(void)
{
	judged_at = holds_until = 0;
	known_generation = known_catalog = 0;
}

int
lpr_watch_look(void)
{
	SPITupleTable *table;
	uint64 rows;
	int round_s = 0;

	SPI_connect();
	judge_if_due();
	for (LprWatched *watched = lpr_watched; watched != NULL; watched = watched->next)
		watched->found = false;
	if (SPI_execute("SELECT * FROM lpr_data.watch_sources()", false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read what is watched");
	table = SPI_tuptable;
	rows = SPI_processed;
	for (uint64 i = 0; i < rows; i++)
		round_s = take_source(table->vals[i], table->tupdesc);
	forget_others();
	for (LprWatched *watched = lpr_watched; watched != NULL; watched = watched->next)
		if (watched->set == NULL)
			read_plates(watched);
	SPI_finish();
	return round_s;
}
