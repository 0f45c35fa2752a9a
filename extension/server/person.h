/*
 * person.h: the people behind the logins, as far as C asks for them (A1).
 */
#ifndef LPR_PERSON_H
#define LPR_PERSON_H

#include "postgres.h"

/* Whether a login is registered for a person who has not left. False where there is no lpr_data.person. */
extern bool lpr_person_has_login(const char *login);

#endif
