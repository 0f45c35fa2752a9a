/*
 * audit_log.c: the log's thread: its head, its tree, its months and its checkpoints.
 */
#include "audit/audit_log.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/datetime.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "server/data.h"
#include "server/errors.h"
#include "format/month.h"
#include "server/secret.h"

char *lpr_checkpoint_key = NULL;

static void
altered(const char *detail)
{
	ereport(ERROR, (errcode(LPR_ERRCODE_LOG_ALTERED), errmsg("the audit log was altered"), errdetail("%s", detail),
					errhint("SELECT * FROM lpr.verify_audit(); and see docs/audit-format.md for what to do.")));
}

static void
add_fresh(LprLog *log, const LprDigest *leaf)
{
	LprLogState *state = &log->state;

	if (state->nfresh == log->fresh_room)
	{
		log->fresh_room = Max(1024, log->fresh_room * 2);
		log->fresh = log->fresh == NULL ? MemoryContextAllocHuge(TopMemoryContext, log->fresh_room * sizeof(LprDigest))
										: repalloc_huge(log->fresh, log->fresh_room * sizeof(LprDigest));
	}
	log->fresh[state->nfresh++] = *leaf;
	lpr_tree_add(&state->tree, leaf);
}

static void
load_signer(LprLog *log)
{
	char origin[LPR_ORIGIN_ROOM];
	char *pem;
	LprFault fault = {0};

	if (log->signer != NULL)
		return;
	lpr_origin(log->id, origin);
	pem = lpr_secret_get_key(lpr_checkpoint_key);
	if (pem == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("checkpoint key \"%s\" does not exist", lpr_checkpoint_key),
				 errhint("As the server's user, in lpr.secret_directory: openssl genpkey -algorithm ed25519 -out %s",
						 lpr_checkpoint_key)));
	log->signer = lpr_signer_read(origin, (LprSlice){pem, strlen(pem)}, &fault);
	explicit_bzero(pem, strlen(pem));
	if (log->signer == NULL)
		ereport(ERROR, (errcode(ERRCODE_CONFIG_FILE_ERROR), errmsg("the checkpoint key cannot be used"),
						errdetail("%s", fault.message),
						errhint("openssl genpkey -algorithm ed25519 -out .../%s, in lpr.secret_directory.",
								lpr_checkpoint_key)));
}

static bytea *
bytes(const void *data, Size len)
{
	return (bytea *) cstring_to_text_with_len(data, len);
}

/* One statement within SPI; returns the number of its rows. */
static uint64
run_log_sql(const char *sql, int nargs, Oid *types, Datum *values, bool read_only)
{
	int status = SPI_execute_with_args(sql, nargs, types, values, NULL, read_only, 0);

	if (status < 0)
		elog(ERROR, "SPI_execute_with_args failed: %s", SPI_result_code_string(status));
	return SPI_processed;
}

static Datum
result(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

/* The newest checkpoint: where the records that must be hashed again begin. */
static void
load_checkpoint(LprLog *log)
{
	LprLogState *state = &log->state;
	bool isnull;
	LprDigest root;
	LprCheckpoint checkpoint;
	LprVerifier *verifier;
	LprText public = {0};
	LprFault fault = {0};
	bytea *frontier;
	text *note;
	LprSlice signed_note;
	char origin[LPR_ORIGIN_ROOM];
	bool good;

	if (run_log_sql("SELECT size, at, frontier, note FROM lpr_data.checkpoint ORDER BY size DESC LIMIT 1", 0, NULL,
					NULL, true) == 0)
		return;
	state->tree.size = DatumGetInt64(result(1, &isnull));
	state->checkpoint_at = DatumGetTimestampTz(result(2, &isnull));
	frontier = DatumGetByteaPP(result(3, &isnull));
	note = DatumGetTextPP(result(4, &isnull));
	if (VARSIZE_ANY_EXHDR(frontier) != lpr_tree_nroots(state->tree.size) * sizeof(LprDigest))
		altered("The newest checkpoint has no proper frontier.");
	memcpy(state->tree.roots, VARDATA_ANY(frontier), VARSIZE_ANY_EXHDR(frontier));
	signed_note = (LprSlice){VARDATA_ANY(note), VARSIZE_ANY_EXHDR(note)};
	/* A checkpoint that this log's key did not sign is somebody else's. */
	if (!lpr_signer_public(log->signer, false, &public) ||
		(verifier = lpr_verifier_read((LprSlice){public.data, public.len}, &fault)) == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	good = lpr_note_verify(verifier, signed_note, NULL) && lpr_checkpoint_read(signed_note, &checkpoint, &fault);
	lpr_verifier_free(verifier);
	lpr_text_free(&public);
	if (!good)
		altered("The newest checkpoint is not signed by the checkpoint key.");
	lpr_tree_root(&state->tree, &root);
	lpr_origin(log->id, origin);
	if (checkpoint.size != state->tree.size || !lpr_digest_same(&checkpoint.root, &root) ||
		strcmp(checkpoint.origin, origin) != 0)
		altered("The newest checkpoint does not say what it signs.");
	state->number = state->tree.size;
	state->digest = checkpoint.head;
	state->checkpointed = state->tree;
}

/* Whether a row is the record that belongs behind that digest. */
static bool
row_follows(const LprLog *log, const LprAuditRow *row, const LprDigest *previous, LprText *scratch, LprDigest *leaf)
{
	LprDigest digest, payload;

	lpr_audit_hash(log->id, row, previous, scratch, &digest, leaf);
	if (!lpr_digest_same(&digest, &row->digest))
		return false;
	if (!row->has_payload)
		return true;
	lpr_audit_payload_digest(row->salt, row->payload, row->payload_len, &payload);
	return lpr_digest_same(&payload, &row->payload_digest);
}

/* Hashes the records behind the newest checkpoint again. */
static void
load_records(LprLog *log)
{
	LprLogState *state = &log->state;
	List *partitions = lpr_audit_partitions();
	ListCell *cell;
	LprText scratch = {0};
	int64 covered = state->number;
	bool met = covered == 0;
	char told[120] = "";

	state->has_previous = covered == 1; /* it is 32 zero bytes */
	foreach (cell, partitions)
	{
		LprAuditScan *scan = lpr_audit_scan(lfirst_oid(cell), true, false, covered - 1, PG_INT64_MAX);
		LprAuditRow row;

		while (lpr_audit_scan_next(scan, &row))
		{
			LprDigest leaf;

			CHECK_FOR_INTERRUPTS();
			if (row.number < covered)
			{
				state->has_previous = true;
				state->previous = row.digest;
				continue;
			}
			if (row.number == covered)
			{
				/* The last record under the checkpoint: is it still that one? */
				met = lpr_digest_same(&row.digest, &state->digest) &&
					  (!state->has_previous || row_follows(log, &row, &state->previous, &scratch, &leaf));
				state->at = row.at;
				strlcpy(state->partition, get_rel_name(lfirst_oid(cell)), sizeof(state->partition));
				if (!met)
					break;
				continue;
			}
			snprintf(told, sizeof(told), "Record " INT64_FORMAT " is missing.", state->number + 1);
			if (row.number != state->number + 1)
				break;
			snprintf(told, sizeof(told), "Record " INT64_FORMAT " is not what it was.", row.number);
			if (!row_follows(log, &row, &state->digest, &scratch, &leaf) || row.at < state->at)
				break;
			told[0] = '\0';
			state->has_previous = true;
			state->previous = state->digest;
			state->number = row.number;
			state->at = row.at;
			state->digest = row.digest;
			add_fresh(log, &leaf);
			strlcpy(state->partition, get_rel_name(lfirst_oid(cell)), sizeof(state->partition));
		}
		lpr_audit_scan_end(scan);
		if (told[0] != '\0')
			break;
	}
	lpr_text_free(&scratch);
	if (!met)
		snprintf(told, sizeof(told), "Record " INT64_FORMAT " is not the one that the newest checkpoint covers.",
				 covered);
	if (told[0] != '\0')
		altered(told);
}

void
lpr_log_load(LprLog *log)
{
	bool isnull;
	bytea *id;

	lpr_log_forget(log);
	if (!OidIsValid(lpr_data_table("log")))
		return;
	SPI_connect();
	if (run_log_sql("SELECT id FROM lpr_data.log", 0, NULL, NULL, true) != 1)
		altered("Table lpr_data.log does not have exactly one row.");
	id = DatumGetByteaPP(result(1, &isnull));
	if (VARSIZE_ANY_EXHDR(id) != LPR_LOG_ID_LEN)
		altered("Table lpr_data.log does not hold an identity.");
	memcpy(log->id, VARDATA_ANY(id), LPR_LOG_ID_LEN);
	load_signer(log);
	load_checkpoint(log);
	run_log_sql("SELECT lpr_data.guard_log()", 0, NULL, NULL, false);
	(void) result(1, &isnull);
	if (!isnull)
		ereport(WARNING, (errmsg("the audit log had lost its guards"),
						  errdetail("Put back: %s.", SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1))));
	SPI_finish();
	load_records(log);
	log->committed = log->state;
	log->there = true;
}

void
lpr_log_begin(LprLog *log)
{
	LprAuditRow row = {.kind = lpr_audit_kind_names[LPR_AUDIT_START]};
	Oid types[1] = {BYTEAOID};
	Datum values[1];
	char hex[2 * LPR_LOG_ID_LEN + 1];

	lpr_log_forget(log);
	if (!pg_strong_random(log->id, LPR_LOG_ID_LEN))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes")));
	load_signer(log);
	SPI_connect();
	values[0] = PointerGetDatum(bytes(log->id, LPR_LOG_ID_LEN));
	run_log_sql("SELECT lpr_data.create_log($1)", 1, types, values, false);
	SPI_finish();
	CommandCounterIncrement();
	lpr_hex(log->id, LPR_LOG_ID_LEN, hex);
	lpr_audit_row_payload(&row, psprintf("{\"log\": \"%s\", \"version\": \"%s\"}", hex, LPR_VERSION));
	log->there = true;
	lpr_log_append(log, &row, 1);
}

static void
leaf_name(TimestampTz at, char name[NAMEDATALEN])
{
	struct pg_tm tm;
	fsec_t fsec;

	if (timestamp2tm(at, NULL, &tm, &fsec, NULL, NULL) != 0)
		ereport(ERROR, (errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	snprintf(name, NAMEDATALEN, "audit_%04d_%02d", tm.tm_year, tm.tm_mon);
}

static Oid
find_month(TimestampTz at)
{
	char name[NAMEDATALEN];
	Oid partition;

	leaf_name(at, name);
	partition = lpr_data_table(name);
	if (OidIsValid(partition) && !get_rel_relispartition(partition))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("lpr_data.%s is no partition of the audit log", name),
						errhint("Attach it again, or move it to another schema.")));
	return partition;
}

static Oid
make_month(TimestampTz at)
{
	Oid partition = find_month(at);
	Oid types[1] = {TIMESTAMPTZOID};
	Datum values[1] = {TimestampTzGetDatum(at)};
	bool isnull;

	if (OidIsValid(partition))
		return partition;
	SPI_connect();
	run_log_sql("SELECT lpr_data.add_month(($1 AT TIME ZONE 'UTC')::date)", 1, types, values, false);
	partition = DatumGetObjectId(result(1, &isnull));
	SPI_finish();
	CommandCounterIncrement();
	return partition;
}

void
lpr_log_prepare_months(void)
{
	TimestampTz now = GetCurrentTimestamp();

	make_month(now);
	make_month(now + 10 * USECS_PER_DAY); /* days ahead */
}

static void
append_one(LprLog *log, LprAuditRow *row, TimestampTz at, LprText *scratch)
{
	LprLogState *state = &log->state;
	LprDigest leaf;

	row->number = state->number + 1;
	row->at = at;
	lpr_audit_hash(log->id, row, &state->digest, scratch, &row->digest, &leaf);
	state->number = row->number;
	state->at = at;
	state->has_previous = true;
	state->previous = state->digest;
	state->digest = row->digest;
	add_fresh(log, &leaf);
}

/* The first record of a later month carries what its partition needs to be verified alone. */
static void
append_month(LprLog *log, Oid partition, TimestampTz at, LprText *scratch)
{
	LprLogState *state = &log->state;
	LprAuditRow row = {.kind = lpr_audit_kind_names[LPR_AUDIT_MONTH]};
	LprMonth month = {state->tree, state->digest};
	LprText payload = {0};

	lpr_month_write(&month, &payload);
	if (payload.failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	lpr_audit_row_payload(&row, pnstrdup(payload.data, payload.len));
	lpr_text_free(&payload);
	append_one(log, &row, at, scratch);
	lpr_audit_insert(partition, &row, 1);
}

/* The record at the head must still be the one that we wrote. Nothing is added to a log that was altered. */
static void
check_head(const LprLog *log)
{
	Oid partition = lpr_data_table(log->state.partition);
	LprAuditScan *scan;
	LprAuditRow row;
	LprText scratch = {0};
	LprDigest leaf_hash;
	bool good;

	if (!OidIsValid(partition))
		altered("The table of the last record is gone.");
	lpr_audit_lock(partition);
	scan = lpr_audit_scan(partition, true, true, log->state.number, PG_INT64_MAX);
	good = lpr_audit_scan_next(scan, &row) && row.number == log->state.number &&
		   lpr_digest_same(&row.digest, &log->state.digest) &&
		   (!log->state.has_previous || row_follows(log, &row, &log->state.previous, &scratch, &leaf_hash));
	lpr_text_free(&scratch);
	lpr_audit_scan_end(scan);
	if (!good)
		altered(psprintf("Record " INT64_FORMAT " is missing, is not what it was, or is not the last one.",
						 log->state.number));
}

void
lpr_log_append(LprLog *log, LprAuditRow *rows, int nrows)
{
	LprLogState *state = &log->state;
	LprText scratch = {0};
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz at = Max(now, state->at);
	Oid partition = find_month(at);
	LprAuditRow *all = rows;
	char name[NAMEDATALEN];
	bool back = state->number > 0 && now < state->at - USECS_PER_SEC;

	if (state->number > 0 && state->number == log->committed.number)
		check_head(log);
	if (!OidIsValid(partition))
		partition = make_month(at);
	leaf_name(at, name);
	if (state->number > 0 && strcmp(name, state->partition) != 0)
	{
		lpr_log_checkpoint(log);
		append_month(log, partition, at, &scratch);
	}
	strlcpy(state->partition, name, sizeof(state->partition));
	if (back && !state->clock_told)
	{
		LprAuditRow row = {.kind = lpr_audit_kind_names[LPR_AUDIT_CLOCK]};

		lpr_audit_row_payload(&row, psprintf("{\"clock\": \"%s\", \"previous\": \"%s\"}",
											 pstrdup(timestamptz_to_str(now)), timestamptz_to_str(state->at)));
		append_one(log, &row, at, &scratch);
		lpr_audit_insert(partition, &row, 1);
	}
	state->clock_told = back;
	for (int i = 0; i < nrows; i++)
		append_one(log, &rows[i], at, &scratch);
	if (nrows > 0)
		lpr_audit_insert(partition, all, nrows);
	lpr_text_free(&scratch);
	if (lpr_log_checkpoint_due(log))
		lpr_log_checkpoint(log);
}

bool
lpr_log_checkpoint_due(const LprLog *log)
{
	const LprLogState *state = &log->state;
	TimestampTz since = GetCurrentTimestamp() - state->checkpoint_at;

	/* A checkpoint of the future was made before the clock was set back. */
	return state->nfresh >= LPR_CHECKPOINT_RECORDS ||
		   (state->nfresh > 0 && (since >= LPR_CHECKPOINT_SECONDS * USECS_PER_SEC || since < 0));
}

void
lpr_log_checkpoint(LprLog *log)
{
	LprLogState *state = &log->state;
	LprCheckpoint checkpoint = {.size = state->tree.size, .head = state->digest, .at = GetCurrentTimestamp()};
	LprProver *prover;
	LprProof proof;
	LprText note = {0};
	LprFault fault = {0};
	Oid types[5] = {INT8OID, TIMESTAMPTZOID, BYTEAOID, BYTEAOID, TEXTOID};
	Datum values[5];

	if (state->nfresh == 0)
		return;
	lpr_origin(log->id, checkpoint.origin);
	lpr_tree_root(&state->tree, &checkpoint.root);
	prover = lpr_prove_consistency(&state->checkpointed, state->tree.size);
	if (prover == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	for (int i = 0; i < state->nfresh; i++)
		lpr_prover_add(prover, &log->fresh[i]);
	if (!lpr_prover_end(prover, &proof))
		elog(ERROR, "could not prove that the checkpoint follows the one before");
	lpr_checkpoint_write(&checkpoint, &note);
	if (!lpr_note_sign(log->signer, &note, &fault))
		ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not sign a checkpoint: %s", fault.message)));
	SPI_connect();
	values[0] = Int64GetDatum(state->tree.size);
	values[1] = TimestampTzGetDatum(checkpoint.at);
	values[2] = PointerGetDatum(bytes(state->tree.roots, lpr_tree_nroots(state->tree.size) * sizeof(LprDigest)));
	values[3] = PointerGetDatum(bytes(proof.nodes, proof.count * sizeof(LprDigest)));
	values[4] = PointerGetDatum(cstring_to_text_with_len(note.data, note.len));
	if (run_log_sql("INSERT INTO lpr_data.checkpoint (size, at, frontier, proof, note) VALUES ($1, $2, $3, $4, $5)", 5,
					types, values, false) != 1)
		ereport(ERROR, (errcode(ERRCODE_TRIGGERED_ACTION_EXCEPTION),
						errmsg("a trigger or a rule of lpr_data.checkpoint swallows checkpoints"),
						errhint("\\d lpr_data.checkpoint in psql shows it: drop it.")));
	SPI_finish();
	lpr_text_free(&note);
	state->checkpointed = state->tree;
	state->checkpoint_at = checkpoint.at;
	state->nfresh = 0;
}

void
lpr_log_committed(LprLog *log)
{
	log->committed = log->state;
}

void
lpr_log_aborted(LprLog *log)
{
	/* `fresh` may have been begun anew after a checkpoint that is now undone: then only reading again helps. */
	if (log->state.checkpointed.size != log->committed.checkpointed.size || log->committed.number == 0)
		log->there = false;
	log->state = log->committed;
}

void
lpr_log_forget(LprLog *log)
{
	lpr_signer_free(log->signer);
	log->signer = NULL;
	log->there = false;
	memset(&log->state, 0, sizeof(log->state));
	memset(&log->committed, 0, sizeof(log->committed));
}
