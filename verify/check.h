/*
 * check.h: what can be said of a row wherever it stands.
 */
#ifndef LPR_CHECK_H
#define LPR_CHECK_H

#include "export.h"
#include "findings.h"

extern bool row_is(const Row *row, const char *kind);
/* True when its payload is there and is what the row commits to. */
extern bool row_check(const Row *row, Findings *findings, uint64_t *destroyed);

#endif
