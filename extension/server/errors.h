/*
 * errors.h: the SQLSTATEs of policy, class LP: one code per kind of refusal. sql/05-errors.sql says what each means;
 * scripts/errors holds the two against each other. Those that only SQL raises are not here.
 */
#ifndef LPR_ERRORS_H
#define LPR_ERRORS_H

#include "utils/elog.h"

/* clang-format off */
#define LPR_ERRCODE_NO_ANCHOR        MAKE_SQLSTATE('L', 'P', '0', '0', '1')
#define LPR_ERRCODE_NO_SOURCE        MAKE_SQLSTATE('L', 'P', '0', '0', '2')
#define LPR_ERRCODE_WRONG_MODE       MAKE_SQLSTATE('L', 'P', '0', '0', '5')
#define LPR_ERRCODE_NO_CAMERAS       MAKE_SQLSTATE('L', 'P', '0', '0', '7')
#define LPR_ERRCODE_EVENT_LATER      MAKE_SQLSTATE('L', 'P', '0', '0', '8')
#define LPR_ERRCODE_NO_ANSWER        MAKE_SQLSTATE('L', 'P', '0', '0', '9')
#define LPR_ERRCODE_NOT_A_PLATE      MAKE_SQLSTATE('L', 'P', '0', '1', '1')
#define LPR_ERRCODE_NOT_CANONICAL    MAKE_SQLSTATE('L', 'P', '0', '1', '2')
#define LPR_ERRCODE_TOO_MANY_PLATES  MAKE_SQLSTATE('L', 'P', '0', '1', '3')
#define LPR_ERRCODE_BAD_PLACE        MAKE_SQLSTATE('L', 'P', '0', '1', '4')
#define LPR_ERRCODE_EMPTY_TIME       MAKE_SQLSTATE('L', 'P', '0', '1', '5')
#define LPR_ERRCODE_AUDIT_DOWN       MAKE_SQLSTATE('L', 'P', '0', '2', '0')
#define LPR_ERRCODE_ADDED_ONLY       MAKE_SQLSTATE('L', 'P', '0', '3', '1')
#define LPR_ERRCODE_LOG_ALTERED      MAKE_SQLSTATE('L', 'P', '0', '3', '2')
#define LPR_ERRCODE_NOT_YOURS        MAKE_SQLSTATE('L', 'P', '0', '3', '3')
#define LPR_ERRCODE_UNRECORDED       MAKE_SQLSTATE('L', 'P', '0', '3', '5')
#define LPR_ERRCODE_STATEMENT_GUARD           MAKE_SQLSTATE('L', 'P', '0', '5', '0')
#define LPR_ERRCODE_EXPIRED          MAKE_SQLSTATE('L', 'P', '0', '5', '5')
/* clang-format on */

#endif
