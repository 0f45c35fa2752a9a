/*
 * errors.h: the SQLSTATEs of policy, class LP: one code per kind of refusal. docs/reference.md lists them.
 */
#ifndef LPR_ERRORS_H
#define LPR_ERRORS_H

#include "utils/elog.h"

/* clang-format off */
#define LPR_ERRCODE_NO_ANCHOR        MAKE_SQLSTATE('L', 'P', '0', '0', '1') /* Q2, Q8: no plate, place or make in WHERE, joined by AND; ask by lpr.search_plate(…) and the like */
#define LPR_ERRCODE_NO_SOURCE        MAKE_SQLSTATE('L', 'P', '0', '0', '2') /* Q10: none of several sources can be asked; the detail says why of each */
#define LPR_ERRCODE_SOURCE_DISABLED  MAKE_SQLSTATE('L', 'P', '0', '0', '3') /* Q10: the source is not enabled; lpr.approve_source(…) enables it */
#define LPR_ERRCODE_SOURCE_UNGRANTED MAKE_SQLSTATE('L', 'P', '0', '0', '4') /* Q10: the login has no USAGE on the source; GRANT USAGE ON FOREIGN SERVER … TO … */
#define LPR_ERRCODE_WRONG_MODE       MAKE_SQLSTATE('L', 'P', '0', '0', '5') /* Q11: the source cannot be asked this way; lpr.sources tells which can */
#define LPR_ERRCODE_NO_CAMERAS       MAKE_SQLSTATE('L', 'P', '0', '0', '7') /* Q11: the source is asked camera by camera and has none; lpr.add_camera(…) registers one */
#define LPR_ERRCODE_EVENT_LATER      MAKE_SQLSTATE('L', 'P', '0', '0', '8') /* Q7: the event of a question comes from a join that follows it; put the question into a LATERAL subquery */
#define LPR_ERRCODE_NOT_A_PLATE      MAKE_SQLSTATE('L', 'P', '0', '1', '1') /* G1: nothing, more than 16 characters, or control characters */
#define LPR_ERRCODE_NOT_CANONICAL    MAKE_SQLSTATE('L', 'P', '0', '1', '2') /* a plate, region, make or model in a form that no read has; the hint shows the right one */
#define LPR_ERRCODE_TOO_MANY_PLATES  MAKE_SQLSTATE('L', 'P', '0', '1', '3') /* Q8: more than 1,000 plates in one question; ask in several statements */
#define LPR_ERRCODE_BAD_PLACE        MAKE_SQLSTATE('L', 'P', '0', '1', '4') /* Q2: not a point, radius or address; latitude comes first */
#define LPR_ERRCODE_AUDIT_DOWN       MAKE_SQLSTATE('L', 'P', '0', '2', '0') /* U2: the audit writer does not write just now, so nothing is asked */
#define LPR_ERRCODE_ADDED_ONLY       MAKE_SQLSTATE('L', 'P', '0', '3', '1') /* U3: the audit log is only ever added to, by its writer */
#define LPR_ERRCODE_LOG_ALTERED      MAKE_SQLSTATE('L', 'P', '0', '3', '2') /* U3: the audit log is not what its writer wrote */
#define LPR_ERRCODE_NOT_YOURS        MAKE_SQLSTATE('L', 'P', '0', '3', '3') /* A1: it is done by somebody else, or not at all while a login is somebody's */
#define LPR_ERRCODE_UNRECORDED       MAKE_SQLSTATE('L', 'P', '0', '3', '5') /* U4: a definition would be changed off the record; RESET event_triggers */
#define LPR_ERRCODE_OUTLET           MAKE_SQLSTATE('L', 'P', '0', '5', '0') /* E2: a statement that could keep or pass on what was shown; read with SELECT */
/* clang-format on */

#endif
