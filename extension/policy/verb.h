/*
 * verb.h: whether a function of lpr acts, with rights that its caller has not.
 */
#ifndef LPR_VERB_H
#define LPR_VERB_H

#include "postgres.h"

/*
 * Whether what runs now is the work of a verb: the innermost function that runs with its owner's rights (SECURITY
 * DEFINER) is a member of the extension, and its owner, whose rights these are, is lpr_verb or a superuser.
 */
extern bool lpr_verb_acts(void);

#endif
