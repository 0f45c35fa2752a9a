/*
 * file.h: small files, read whole and written whole.
 */
#ifndef LPR_FILE_H
#define LPR_FILE_H

#include "base/base.h"

/* Files over this are not ours. */
#define FILE_MAX (4 * 1024 * 1024)

/* False, with a fault that names the file, when it cannot be read. */
extern bool file_read(const char *path, LprText *out, LprFault *fault);
/* Either the whole file is there afterwards, on disk, or nothing has changed. */
extern bool file_write(const char *directory, const char *name, LprSlice content, LprFault *fault);

#endif
