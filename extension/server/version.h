/*
 * version.h: library and extension are of one version, or nothing is asked.
 */
#ifndef LPR_VERSION_H
#define LPR_VERSION_H

/* ERROR when they are not. Looks once a backend: a library that is loaded stays. */
extern void lpr_version_check(void);

#endif
