/*
 * check.c: what can be said of a row wherever it stands.
 */
#include <string.h>

#include "check.h"

static const char *const kinds[] = {"start",  "month", "ask",   "refused", "answer", "sent",
									"change", "read",  "clock", "consent", "flag",   "gone"};

bool
row_is(const Row *row, const char *kind)
{
	return row->record.kind.len == strlen(kind) && memcmp(row->record.kind.data, kind, row->record.kind.len) == 0;
}

static bool
known_kind(const Row *row)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (row_is(row, kinds[i]))
			return true;
	return false;
}

static bool
payload_good(const Row *row, Findings *findings, uint64_t *destroyed)
{
	int64_t number = row->record.number;
	LprDigest digest;

	if (!row->has_salt && row->payload.data == NULL)
	{
		(*destroyed)++;
		return false;
	}
	if (!row->has_salt || row->payload.data == NULL)
	{
		finding(findings, number, "row %s: its %s is gone and its %s is not", number_text(number),
				row->has_salt ? "payload" : "salt", row->has_salt ? "salt" : "payload");
		return false;
	}
	lpr_record_payload(row->salt, row->payload, &digest);
	if (lpr_digest_same(&digest, &row->record.payload_digest))
		return true;
	finding(findings, number, "row %s: its payload does not match its digest", number_text(number));
	return false;
}

bool
row_check(const Row *row, Findings *findings, uint64_t *destroyed)
{
	const LprRecord *record = &row->record;
	int64_t number = record->number;
	char shown[LPR_EXCERPT_ROOM];

	if (!known_kind(row))
		finding(findings, number, "row %s: its kind \"%s\" is not known", number_text(number),
				lpr_excerpt(record->kind.data, record->kind.len, shown));
	else if (lpr_record_is_gone(record->kind))
	{
		if (record->login.data != NULL || record->pid.given || record->session_started.given ||
			record->event_id.given || record->source.data != NULL || record->mode.data != NULL || record->ask.given ||
			record->control.data != NULL || record->sqlstate.data != NULL || row->has_salt || row->payload.data != NULL)
			finding(findings, number, "row %s: it is gone, and more than its digests is there", number_text(number));
		return false;
	}
	else if (row_is(row, "start") && number != 1)
		finding(findings, number, "row %s: a log starts anew here", number_text(number));
	else if (!row_is(row, "start") && number == 1)
		finding(findings, number, "row %s: the first row is not a log's start", number_text(number));
	if (record->ask.given && (record->ask.value < 1 || record->ask.value >= number))
		finding(findings, number, "row %s: it belongs to row %s, which is not before it", number_text(number),
				number_text(record->ask.value));
	return payload_good(row, findings, destroyed);
}
