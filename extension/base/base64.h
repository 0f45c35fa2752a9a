/*
 * base64.h: standard base64 (RFC 4648, section 4), padded and canonical, as signed notes have it.
 */
#ifndef LPR_BASE64_H
#define LPR_BASE64_H

#include "base/base.h"

extern void lpr_base64_add(LprText *text, const void *data, size_t len);
/*
 * The bytes in out, which holds room of them; false when it is not base64 to the last bit or does not fit. With out ==
 * NULL it is only looked at.
 */
extern bool lpr_unbase64(LprSlice base64, void *out, size_t room, size_t *len);

#endif
