/*
 * consent.h: this session's agreement to the rules of use (A5).
 */
#ifndef LPR_CONSENT_H
#define LPR_CONSENT_H

#include "postgres.h"

#include "datatype/timestamp.h"

#define LPR_CONSENT_CODE_LEN 8

/*
 * The version of the rules that this session has agreed to; 0 = none. *at: when; *away_s: seconds of the longest time without a
 * statement since then. Throws nothing.
 */
extern int lpr_consent_given(TimestampTz *at, int *away_s);
/* A statement begins: how long was there none? Called for each, by whom hooks see. */
extern void lpr_consent_note_statement(void);
/* A code by which the agreement is renewed, the same throughout a statement; NULL = there is none. */
extern const char *lpr_consent_renewal(void);
/* Ends it: DISCARD, a change of session authorization. */
extern void lpr_consent_end(void);

#endif
