/*
 * version.h: library and extension are of one version, or nothing is asked.
 */
#ifndef LPR_VERSION_H
#define LPR_VERSION_H

/* ERROR when they are not. Looks again when functions have changed, as every update of the extension makes them. */
extern void lpr_version_check(void);
/* Whether the extension is there, in this database, and of the library's version. */
extern bool lpr_version_is_ours(void);

#endif
