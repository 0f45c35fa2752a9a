/*
 * redact.h: stars for secrets in what others say: it is shown to people and ends in logs.
 */
#ifndef LPR_REDACT_H
#define LPR_REDACT_H

#include <stddef.h>

/*
 * Stars in place of each secret, as it is and as it stands in a URL. Excerpts begin and end anywhere, so parts of a
 * secret count: long ones wherever they stand, and shorter ones at the edges of an excerpt, behind ": " and before
 * "...". Secrets may be NULL or empty, the text may be NULL. Without memory nothing is left of the text.
 */
extern void lpr_redact(char *text, const char *const *secrets, size_t count);

#endif
