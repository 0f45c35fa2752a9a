/*
 * anchor.h: what a question starts from, out of the record that tells of it.
 */
#ifndef LPR_ANCHOR_H
#define LPR_ANCHOR_H

#include "audit/facts.h"

/*
 * The gate judges what stands on record, and nothing else. The texts live in the current memory context. A payload that
 * cannot be read is an error, which refuses its question.
 */
extern void lpr_anchor_of(const char *payload, size_t len, LprAnchor *anchor);

#endif
