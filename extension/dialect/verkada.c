/*
 * verkada.c: a key is changed for a token of half an hour, whichever version of the protocol is spoken then.
 */
#include "dialect/verkada.h"

#define TOKEN_SECONDS 1800

bool
lpr_verkada_sign_in(const LprSite *site, LprRequest *request, LprFault *fault)
{
	return lpr_site_secret(site, fault) &&
		   lpr_request_begin(request, LPR_REQUEST_SIGN_IN, true, site, "/token", fault) &&
		   lpr_request_header(request, "x-api-key", "", site->secret, fault) &&
		   lpr_request_header(request, "Accept", "", "application/json", fault) && lpr_request_done(request, fault);
}

bool
lpr_verkada_signed_in(LprSite *site, const char *data, size_t len, LprFault *fault)
{
	static const LprField fields[] = {LPR_FIELD("token")};
	LprJson *json = lpr_json_open(data, len, fault);
	LprSlice token = {0};
	unsigned seen = 0;
	int field;
	bool ok = json != NULL && lpr_json_enter(json, LPR_JSON_OBJECT);

	while (ok && lpr_next_field(json, fields, LPR_COUNT(fields), &seen, &field))
		ok = lpr_json_string(json, &token);
	ok = ok && lpr_site_take_token(site, json, "token", token, TOKEN_SECONDS, fault);
	lpr_json_close(json);
	return ok;
}

/* {"id": ..., "message": ..., "data": ...} */
bool
lpr_verkada_refusal(int status, const char *body, size_t len, LprText *said)
{
	static const LprField field = LPR_FIELD("message");

	(void) status;
	return lpr_refusal_text(body, len, &field, 1, said);
}
