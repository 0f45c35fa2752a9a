/*
 * log.c: verifies the log's rows.
 *
 * A row's verdict is spoken when the next one is at hand: only then can a changed digest be told from changed content.
 * So the newest row (current) waits before it enters the tree. A row whose number jumps ahead waits likewise (suspect):
 * the next row tells whether rows are missing before it or whether it stands in the wrong place.
 */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "format/month.h"
#include "check.h"
#include "sequence.h"

#define NUMBER_AT (4 + LPR_LOG_ID_LEN) /* where the number stands in the canonical bytes */

/* A row on its way to its place. */
typedef struct Candidate
{
	bool set;
	int64_t number;
	int64_t at;
	LprDigest stored; /* the digest that came with it */
	LprDigest leaf;
	LprText bytes;
	bool gone;      /* but for its digests, as all of its month */
	bool is_month;  /* it is of kind "month" */
	bool has_month; /* it is of kind "month", and its payload is what was committed to */
	LprMonth month;
} Candidate;

struct Log
{
	uint8_t id[LPR_LOG_ID_LEN];
	const Checkpoints *checkpoints;
	int next_checkpoint;
	bool part;
	Findings *findings;
	LogCounts counts;
	Sequence sequence;

	bool begun;
	int64_t last;       /* number of the last row in its place */
	int64_t at;         /* its time */
	bool has_head;      /* false: what the next row follows is not known */
	LprDigest head;     /* its digest, as stored */
	LprDigest before;   /* what it follows itself */
	LprDigest computed; /* what its digest should be */
	LprDigest leaf;
	bool gone;    /* it is, but for its digests */
	bool waits;   /* it has not entered the tree yet */
	bool doubted; /* its digest is not what it should be */

	LprTree tree;
	bool tree_known; /* it holds the rows up to the last one that does not wait */
	bool sound;      /* and nothing that was found spoils its root */
	bool head_lost;  /* the last checkpoint's head was not ours, which has been told */
	int64_t agreed;  /* size of the last checkpoint that agreed */

	uint64_t unreadable; /* rows whose very number could not be read, since the last one in its place */
	Candidate row;
	Candidate suspect;
	Candidate stray; /* a suspect that proved out of place: its place may come */
};

Log *
log_new(const uint8_t id[LPR_LOG_ID_LEN], const Checkpoints *checkpoints, bool part, Findings *findings)
{
	Log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return NULL;
	memcpy(log->id, id, LPR_LOG_ID_LEN);
	log->checkpoints = checkpoints;
	log->part = part;
	log->findings = findings;
	log->sequence.findings = findings;
	log->sequence.first = 1;
	/* Before the first row: 32 zero bytes, an empty tree. */
	log->at = INT64_MIN;
	log->has_head = true;
	log->tree_known = log->sound = true;
	return log;
}

void
log_free(Log *log)
{
	if (log == NULL)
		return;
	lpr_text_free(&log->row.bytes);
	lpr_text_free(&log->suspect.bytes);
	lpr_text_free(&log->stray.bytes);
	free(log);
}

static void
broken(Log *log)
{
	log->tree_known = log->sound = false;
}

static bool
follows(const LprDigest *previous, const Candidate *row, LprDigest *computed)
{
	*computed = row->stored;
	if (row->gone)
		return false; /* nobody can tell; the checkpoints do */
	lpr_record_chain(previous, row->bytes.data, row->bytes.len, computed);
	return lpr_digest_same(computed, &row->stored);
}

/* The checkpoint of the boundary that a month begins with, if it is the same one. */
static bool
anchored(const Log *log, const LprMonth *month, const Checkpoint **checkpoint)
{
	LprDigest root;

	*checkpoint = checkpoints_find(log->checkpoints, month->tree.size);
	lpr_tree_root(&month->tree, &root);
	return *checkpoint != NULL && lpr_digest_same(&root, &(*checkpoint)->root) &&
		   lpr_digest_same(&month->head, &(*checkpoint)->head);
}

static void
compare(Log *log, const Checkpoint *checkpoint, bool doubted)
{
	const char *size = number_text(log->last), *from = number_text(log->agreed + 1);
	bool head_good = lpr_digest_same(&log->head, &checkpoint->head), root_good = false;
	LprDigest root;

	log->counts.compared++;
	if (log->tree_known)
	{
		lpr_tree_root(&log->tree, &root);
		root_good = lpr_digest_same(&root, &checkpoint->root);
	}
	/* A root that differs is told once; after other findings it must differ. A head that differs tells more than those. */
	if ((!root_good && log->sound) || (!head_good && !log->head_lost && !doubted))
	{
		if (log->agreed + 1 == log->last)
			finding(log->findings, log->last, "row %s was rewritten: it is not that of checkpoint %s", size, size);
		else
			finding(log->findings, log->agreed + 1, "rows %s to %s were rewritten: they are not those of checkpoint %s",
					from, size, size);
	}
	log->sound = root_good;
	log->head_lost = !head_good;
	if (root_good && head_good)
		log->agreed = log->last;
}

/* The last row's verdict; it enters the tree. */
static void
commit(Log *log)
{
	const Checkpoints *checkpoints = log->checkpoints;

	if (!log->waits)
		return;
	log->waits = false;
	if (log->doubted)
	{
		finding(log->findings, log->last, "row %s: its digest does not follow from its content and the row before it",
				number_text(log->last));
		log->sound = false;
	}
	if (log->tree_known)
		lpr_tree_add(&log->tree, &log->leaf);
	while (log->next_checkpoint < checkpoints->count &&
		   checkpoints->list[log->next_checkpoint].size < (uint64_t) log->last)
		log->next_checkpoint++; /* passed with rows that are missing */
	if (log->next_checkpoint < checkpoints->count &&
		checkpoints->list[log->next_checkpoint].size == (uint64_t) log->last)
		compare(log, &checkpoints->list[log->next_checkpoint++], log->doubted);
	log->doubted = false;
}

/* The boundary that a month's row repeats is that of the rows before it. */
static void
check_month(Log *log, const Candidate *row)
{
	const LprMonth *month = &row->month;
	const Checkpoint *checkpoint;
	size_t len = (size_t) lpr_tree_nroots(log->tree.size) * LPR_DIGEST_LEN;
	bool same_head = !log->has_head || lpr_digest_same(&month->head, &log->head);

	if (!row->has_month)
		return;
	if (log->sound)
	{
		if (!same_head || month->tree.size != log->tree.size || memcmp(month->tree.roots, log->tree.roots, len) != 0)
			finding(log->findings, row->number, "row %s: its month's boundary is not that of the rows before it",
					number_text(row->number));
	}
	else if (anchored(log, month, &checkpoint))
	{
		/* What went wrong lies before the boundary: from here on the tree is known again. */
		log->tree = month->tree;
		log->tree_known = log->sound = true;
		log->agreed = row->number - 1;
	}
	else if (!same_head)
		finding(log->findings, row->number, "row %s: its month's boundary is not that of the row before it",
				number_text(row->number));
}

/* The row that comes next. */
static void
take_row(Log *log, const Candidate *row)
{
	LprDigest computed = row->stored, other;
	bool good = !log->has_head || row->gone || follows(&log->head, row, &computed);

	sequence_goes_on(&log->sequence);
	if (!good && log->waits && log->doubted && follows(&log->computed, row, &other))
	{
		finding(log->findings, log->last, "row %s: its digest was changed; the row after it follows from the true one",
				number_text(log->last));
		log->doubted = false;
		log->head = log->computed;
		computed = other;
		good = true;
	}
	commit(log);
	if (row->at < log->at)
		finding(log->findings, row->number, "row %s: its time is before that of the row before it",
				number_text(row->number));
	if (log->gone && !row->gone && !row->is_month)
		finding(log->findings, row->number, "row %s: the row before it is gone, and its month is not",
				number_text(row->number));
	check_month(log, row);
	log->gone = row->gone;
	log->before = log->head;
	log->last = row->number;
	log->at = row->at;
	log->head = row->stored;
	log->has_head = true;
	log->computed = computed;
	log->leaf = row->leaf;
	log->waits = true;
	log->doubted = !good;
	log->unreadable = 0;
	log->counts.last = row->number;
}

/* Goes on with another row than the next one. */
static void
jump(Log *log, int64_t number)
{
	commit(log);
	log->last = number - 1;
	log->has_head = log->gone = false;
	broken(log);
}

/* A suspect waits for the next row to be heard. */
static void
settle(Log *log, int64_t number)
{
	Candidate stray;

	if (!log->suspect.set)
		return;
	log->suspect.set = false;
	if (number > log->suspect.number)
	{
		sequence_gap(&log->sequence, log->last + 1, log->suspect.number - 1);
		jump(log, log->suspect.number);
		take_row(log, &log->suspect);
		return;
	}
	finding(log->findings, log->suspect.number, "row %s is out of order or inserted, after row %s",
			number_text(log->suspect.number), number_text(log->last));
	stray = log->stray;
	log->stray = log->suspect;
	log->stray.set = true;
	log->suspect = stray;
	log->suspect.set = false;
}

/* A row whose number alone was changed. */
static bool
renumbered(Log *log, Candidate *row)
{
	uint64_t next = (uint64_t) log->last + 1;
	char number[8];
	LprDigest computed;

	if (!log->has_head || row->gone || row->bytes.len < NUMBER_AT + 8)
		return false;
	memcpy(number, row->bytes.data + NUMBER_AT, 8);
	for (int i = 0; i < 8; i++)
		row->bytes.data[NUMBER_AT + i] = (char) (next >> (56 - 8 * i));
	if (!follows(&log->head, row, &computed))
	{
		memcpy(row->bytes.data + NUMBER_AT, number, 8);
		return false;
	}
	finding(log->findings, (int64_t) next, "row %s: its number was changed to %s", number_text((int64_t) next),
			number_text(row->number));
	row->number = (int64_t) next;
	lpr_record_leaf(row->bytes.data, row->bytes.len, &row->leaf);
	return true;
}

static void
ahead(Log *log, Candidate *row)
{
	const Checkpoint *checkpoint;
	LprDigest computed;

	if (log->unreadable > 0 && (uint64_t) (row->number - log->last - 1) <= log->unreadable)
	{
		jump(log, row->number);
		take_row(log, row);
	}
	else if (row->has_month && (follows(&row->month.head, row, &computed) || anchored(log, &row->month, &checkpoint)))
	{
		/* It tells itself what comes before it. */
		sequence_gap(&log->sequence, log->last + 1, row->number - 1);
		jump(log, row->number);
		log->has_head = true;
		log->head = row->month.head;
		take_row(log, row);
	}
	else
	{
		Candidate free = log->suspect;

		log->suspect = *row;
		log->suspect.set = true;
		*row = free;
	}
}

static void
behind(Log *log, const Candidate *row)
{
	LprDigest computed;

	if (log->waits && log->doubted && row->number == log->last && follows(&log->before, row, &computed))
	{
		finding(log->findings, log->last, "row %s is there twice, and the first of them is not genuine",
				number_text(log->last));
		log->doubted = false;
		log->head = row->stored;
		log->leaf = row->leaf;
		log->at = row->at;
		return;
	}
	sequence_late(&log->sequence, row->number, log->last);
}

/* The export begins with another row than the log's first. */
static void
begin_within(Log *log, const Candidate *row)
{
	const char *number = number_text(row->number), *size = number_text(row->number - 1);
	const Checkpoint *checkpoint;

	log->sequence.first = log->counts.first = row->number;
	log->last = log->agreed = row->number - 1;
	if (!row->has_month)
	{
		log->has_head = false;
		broken(log);
		finding(log->findings, row->number,
				"row %s: the export begins here, where no month begins that can be read: rows before it may be "
				"missing, and it can "
				"be checked only from within",
				number);
		return;
	}
	log->tree = row->month.tree;
	log->head = row->month.head;
	if (anchored(log, &row->month, &checkpoint))
		return;
	if (checkpoint != NULL)
		finding(log->findings, row->number,
				"row %s: the export begins with a boundary that is not that of checkpoint %s", number, size);
	else
		finding(
			log->findings, row->number,
			"row %s: the export begins here, and there is no checkpoint of size %s: it can be checked only from within",
			number, size);
}

static void
place(Log *log, Candidate *row)
{
	settle(log, row->number);
	if (!log->begun)
	{
		log->begun = true;
		log->counts.first = 1;
		if (row->number != 1 && !renumbered(log, row))
			begin_within(log, row);
	}
	if (row->number == log->last + 1 || renumbered(log, row))
	{
		LprDigest computed;

		take_row(log, row);
		if (log->stray.set && log->stray.number == log->last + 1 && follows(&log->head, &log->stray, &computed))
		{
			log->stray.set = false;
			take_row(log, &log->stray);
		}
	}
	else if (row->number > log->last)
		ahead(log, row);
	else
		behind(log, row);
}

void
log_row(Log *log, const Row *row)
{
	Candidate *candidate = &log->row;
	LprRecord record = row->record;
	bool good = row_check(row, log->findings, &log->counts.destroyed);

	log->counts.rows++;
	record.log = log->id;
	candidate->number = record.number;
	candidate->at = record.at;
	candidate->stored = row->digest;
	candidate->bytes.len = 0;
	lpr_record_write(&record, &candidate->bytes);
	lpr_record_leaf(candidate->bytes.data, candidate->bytes.len, &candidate->leaf);
	candidate->gone = lpr_record_is_gone(record.kind);
	candidate->is_month = row_is(row, "month");
	candidate->has_month = false;
	if (candidate->gone)
	{
		candidate->leaf = record.payload_digest;
		log->counts.gone++;
	}
	if (good && candidate->is_month)
	{
		candidate->has_month = lpr_month_read(row->payload, &candidate->month) &&
							   candidate->month.tree.size == (uint64_t) record.number - 1;
		if (!candidate->has_month)
			finding(log->findings, record.number, "row %s: its payload is no boundary of a month",
					number_text(record.number));
	}
	place(log, candidate);
}

void
log_bad_row(Log *log, const Row *row, const char *why, const char *place)
{
	int64_t number = row->record.number;

	log->counts.rows++;
	if (!row->has_number)
	{
		finding(log->findings, log->last + 1, "%s: no row can be read: %s", place, why);
		log->unreadable += log->begun;
		return;
	}
	finding(log->findings, number, "row %s (%s): %s", number_text(number), place, why);
	settle(log, number);
	if (!log->begun && number == 1)
	{
		log->begun = true;
		log->counts.first = 1;
	}
	if (!log->begun || number != log->last + 1)
		return;
	/* It has its place, and what follows goes on from its digest. */
	jump(log, number + 1);
	log->has_head = row->has_digest;
	log->head = row->digest;
	log->counts.last = number;
}

void
log_end(Log *log, LogCounts *counts)
{
	const Checkpoints *checkpoints = log->checkpoints;
	const Checkpoint *newest = checkpoints->count > 0 ? &checkpoints->list[checkpoints->count - 1] : NULL;
	int64_t last;

	settle(log, INT64_MAX);
	commit(log);
	sequence_end(&log->sequence);
	last = log->last;
	if (!log->begun)
		finding(log->findings, 0, "the export has no rows that can be read");
	if (log->begun && log->part)
	{
		if (checkpoints_find(checkpoints, (uint64_t) last) == NULL)
			finding(log->findings, last, "row %s is the last one, and there is no checkpoint of that size",
					number_text(last));
	}
	else if (newest != NULL && newest->size > (uint64_t) last)
		finding(log->findings, last + 1,
				"rows %s to %s are missing (%s): the tail is cut, since checkpoint %s covers them",
				number_text(last + 1), number_text((int64_t) newest->size), number_text((int64_t) newest->size - last),
				number_text((int64_t) newest->size));
	for (int i = 0; i < checkpoints->nmissing; i++)
	{
		struct MissingCheckpoint *missing = &checkpoints->missing[i];

		/* Those of rows that are not looked at are not missed. */
		if (missing->size + 1 >= (uint64_t) log->counts.first && (!log->part || missing->size <= (uint64_t) last))
			finding(log->findings, (int64_t) missing->size, "checkpoint %s is missing: checkpoint %s follows it",
					number_text((int64_t) missing->size), number_text((int64_t) missing->after));
	}
	log->counts.covered = newest == NULL ? 0 : (int64_t) newest->size;
	*counts = log->counts;
}
