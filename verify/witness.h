/*
 * witness.h: the small notary that is run elsewhere: it keeps the newest checkpoint that it found to continue its last
 * one, co-signed.
 */
#ifndef LPR_WITNESS_H
#define LPR_WITNESS_H

#include "format/note.h"

/*
 * 0: co-signed, or nothing new; 1: refused; 2: files that cannot be used. Tells on standard output, or why not on
 * standard error.
 */
extern int witness_run(const LprVerifier *log, const LprSigner *signer, const char *state, const char *directory);

#endif
