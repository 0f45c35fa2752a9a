/*
 * errors.h: the SQLSTATEs of policy, class LP: one code per kind of refusal. docs/reference.md lists them.
 */
#ifndef LPR_ERRORS_H
#define LPR_ERRORS_H

#include "utils/elog.h"

#define LPR_ERRCODE_NO_ANCHOR        MAKE_SQLSTATE('L', 'P', '0', '0', '1') /* Q2, Q8 */
#define LPR_ERRCODE_NO_SOURCE        MAKE_SQLSTATE('L', 'P', '0', '0', '2') /* Q10: no source that may be asked */
#define LPR_ERRCODE_SOURCE_DISABLED  MAKE_SQLSTATE('L', 'P', '0', '0', '3') /* Q10 */
#define LPR_ERRCODE_SOURCE_UNGRANTED MAKE_SQLSTATE('L', 'P', '0', '0', '4') /* Q10 */
#define LPR_ERRCODE_WRONG_MODE       MAKE_SQLSTATE('L', 'P', '0', '0', '5') /* Q11: the source cannot be asked this way */
#define LPR_ERRCODE_NOT_A_PLATE      MAKE_SQLSTATE('L', 'P', '0', '1', '1') /* G1 */
#define LPR_ERRCODE_NOT_CANONICAL    MAKE_SQLSTATE('L', 'P', '0', '1', '2') /* a value that no canonical read can have */
#define LPR_ERRCODE_TOO_MANY_PLATES  MAKE_SQLSTATE('L', 'P', '0', '1', '3') /* Q8 */
#define LPR_ERRCODE_BAD_PLACE        MAKE_SQLSTATE('L', 'P', '0', '1', '4') /* Q2: not a point, or radius out of range */

#endif
