/*
 * consent.h: this session's agreement to the rules of use (A5).
 */
#ifndef LPR_CONSENT_H
#define LPR_CONSENT_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define LPR_CONSENT_CODE_LEN 8

extern void lpr_consent_init(void);
/*
 * *versions: of the texts of rules that this session has agreed to, such as "1" or "3,5"; "" = none. *at: when;
 * *away_s: seconds of the longest time without a statement since then; *passing: it ends with the transaction. Throws
 * nothing.
 */
extern void lpr_consent_given(Name versions, TimestampTz *at, int *away_s, bool *passing);
/* A statement begins: how long was there none? Called for each, by whom hooks see. */
extern void lpr_consent_note_statement(void);
/*
 * Puts a code that renews the agreement in place of "{accept}" in the texts of a refusal: the gate, which is the
 * writer's, does not know it.
 */
extern void lpr_consent_fill_in(char *texts, size_t size);
/* Ends it: DISCARD, a change of session authorization. */
extern void lpr_consent_end(void);

#endif
