/*
 * secret.h: secrets by name. What is typed into SQL is the name; the value stands in a file of lpr.secret_directory, or
 * in lpr_data.secret encrypted by pgcrypto under a key that stands in such a file.
 */
#ifndef LPR_SECRET_H
#define LPR_SECRET_H

#include "postgres.h"
#include "utils/guc.h"

extern char *lpr_secret_directory;                                                     /* GUC */
extern bool lpr_secret_check_directory(char **newval, void **extra, GucSource source); /* its check hook */

/*
 * The value, palloc'd in the current context; ERROR with a hint when there is none or its file is unsafe. Callers wipe
 * it with explicit_bzero.
 */
extern char *lpr_secret_get(const char *name);

/* A private key in PEM, from a file only; NULL when there is none. To be wiped as well. */
extern char *lpr_secret_get_key(const char *name);

#endif
