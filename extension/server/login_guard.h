/*
 * login_guard.h: the people behind the logins, as far as C asks for them (A1).
 */
#ifndef LPR_LOGIN_GUARD_H
#define LPR_LOGIN_GUARD_H

#include "postgres.h"

/* Whether a login is registered for a person who has not left. False where there is no lpr_data.person. */
extern bool lpr_login_is_registered(const char *login);

#endif
