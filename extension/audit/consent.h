/*
 * consent.h: this session's agreement to the rules of use (A5).
 */
#ifndef LPR_CONSENT_H
#define LPR_CONSENT_H

#include "postgres.h"

/* The version of the rules that this session has agreed to; 0 = none. */
extern int lpr_consent_version(void);
/* Ends it: DISCARD, a change of session authorization. */
extern void lpr_consent_end(void);

#endif
