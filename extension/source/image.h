/*
 * image.h: the images of a read, fetched by the URLs that the read gives, and only when their columns are selected.
 */
#ifndef LPR_IMAGE_H
#define LPR_IMAGE_H

#include "source/source.h"
#include "gate/query_stats.h"

/*
 * Starts to fetch; NULL when the URL leads elsewhere than to the source's own origin or to one of its option
 * image_origins.
 */
extern LprHttp *lpr_image_start(LprSource *source, MemoryContext context, LprQueryStats *stats, LprSlice url);

/*
 * Waits for an image (interruptibly) and takes it, in the current context. NULL, and counted as missing, when there is
 * none, when it is larger than option max_image_kilobytes, or when it is no PNG, JPEG or WebP.
 */
extern bytea *lpr_image_take(LprQueryStats *stats, LprHttp *http);

#endif
