/*
 * verkada.h: what the versions of Verkada's protocol have in common: the sign-in and the words of a refusal.
 */
#ifndef LPR_DIALECT_VERKADA_H
#define LPR_DIALECT_VERKADA_H

#include "dialect/kit.h"

extern bool lpr_verkada_sign_in(const LprSite *site, LprRequest *request, LprFault *fault);
extern bool lpr_verkada_signed_in(LprSite *site, const char *data, size_t len, LprFault *fault);
extern bool lpr_verkada_refusal(int status, const char *body, size_t len, LprText *said);

#endif
