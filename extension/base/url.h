/*
 * url.h: the origin of a URL.
 */
#ifndef LPR_URL_H
#define LPR_URL_H

#include "base/base.h"

/*
 * scheme://host:port of a URL, in lower case with the port written out; false if it is no http(s) URL or carries a user
 * part.
 */
extern bool lpr_url_origin(LprSlice url, LprText *origin);
extern bool lpr_url_same_origin(LprSlice a, LprSlice b);

#endif
