/*
 * record.h: the canonical bytes of a row of the audit log, and what is made of them: chain digest, leaf, payload digest
 * (U3).
 *
 * docs/audit-format.md is the specification, byte by byte, with test vectors.
 */
#ifndef LPR_RECORD_H
#define LPR_RECORD_H

#include "format/digest.h"
#include "format/field.h"

#define LPR_LOG_ID_LEN 16
#define LPR_SALT_LEN   16

/*
 * Slices with data == NULL are NULL. Times are microseconds since 2000-01-01 00:00 UTC. The payload itself is no part
 * of it.
 */
typedef struct LprRecord
{
	const uint8_t *log; /* LPR_LOG_ID_LEN bytes: which log this is */
	int64_t number;     /* 1, 2, 3, ... */
	int64_t at;         /* never before that of the record before */
	LprSlice kind;      /* start, month, ask, refused, answer, sent, change, read, clock, consent, flag */
	LprSlice login;     /* the authenticated login; NULL: the writer itself */
	LprNumber pid;      /* of the session's backend */
	LprNumber session_started;
	LprNumber event_id; /* Q7 */
	LprSlice source;
	LprSlice mode;     /* plate, location, vehicle, saved */
	LprNumber ask;     /* the number of the ask that it belongs to */
	LprSlice control;  /* refused: the rule, by its id in the register of controls */
	LprSlice sqlstate; /* refused, or an answer that failed */
	LprDigest payload_digest;
} LprRecord;

/* Appends the canonical bytes. */
extern void lpr_record_write(const LprRecord *record, LprText *out);
/* SHA-256(salt || payload): a payload can be destroyed, with its salt, and the log still verifies. */
extern void lpr_record_payload(const uint8_t salt[LPR_SALT_LEN], LprSlice payload, LprDigest *digest);
/* SHA-256("LPRC" || previous digest || record). Before the first record it is 32 zero bytes. */
extern void lpr_record_chain(const LprDigest *previous, const char *record, size_t len, LprDigest *digest);
/* SHA-256(0x00 || record), the leaf hash of RFC 6962. */
extern void lpr_record_leaf(const char *record, size_t len, LprDigest *leaf);
/* Of kind "gone": its month was destroyed. Number, chain digest and, as payload digest, its leaf are left (E10). */
extern bool lpr_record_is_gone(LprSlice kind);

#endif
