/*
 * payload.h: the particulars of an audit record, and other texts of the log's formats, as JSON. Server-free: it is also
 * written while a transaction aborts, so nothing here throws. ASCII only, so that no conversion can fail and the bytes
 * are the same in every encoding.
 */
#ifndef LPR_PAYLOAD_H
#define LPR_PAYLOAD_H

#include "base/moment.h"
#include "format/digest.h"

extern void lpr_payload_open(LprText *payload);  /* { */
extern void lpr_payload_close(LprText *payload); /* } */
/* Members; what is NULL, or LPR_MOMENT_NONE, is left out. Text is UTF-8; what is not becomes U+FFFD. */
extern void lpr_payload_text(LprText *payload, const char *key, const char *value);
extern void lpr_payload_slice(LprText *payload, const char *key, LprSlice value);
extern void lpr_payload_hex(LprText *payload, const char *key, const void *bytes,
							size_t len); /* of up to a digest's length */
extern void lpr_payload_integer(LprText *payload, const char *key, int64_t value);
extern void lpr_payload_double(LprText *payload, const char *key, double value);
extern void lpr_payload_bool(LprText *payload, const char *key, bool value);
extern void lpr_payload_moment(LprText *payload, const char *key, LprMoment value);
extern void lpr_payload_texts(LprText *payload, const char *key, const char *const *values, int n);
/* A member whose value is JSON already, or (value NULL) will be appended next. */
extern void lpr_payload_json(LprText *payload, const char *key, const char *value);
/* A string as JSON, after a comma if need be. */
extern void lpr_payload_element(LprText *payload, const char *value);

#endif
