/*
 * verkada: what the versions of the protocol share: a key is changed for a token of 30 minutes, and the shape of
 * errors.
 */
#include "vendor.h"

void
verkada_error(struct reply *rp, int status, const char *message)
{
	rp->type = "application/json";
	buf_fmt(&rp->body, "{\"id\":\"%08x\",\"message\":", (unsigned) mix64((uint64_t) status, hash_text(message)));
	buf_json(&rp->body, message);
	buf_str(&rp->body, ",\"data\":null}");
}

void
verkada_login(struct request *rq, struct reply *rp, const char *api_key)
{
	const char *key = request_header(rq, "x-api-key");
	char token[64];

	if (strcmp(rq->method, "POST") != 0)
		reply_fail(rq, rp, 405, "Method not allowed");
	else if (key == NULL || strcmp(key, api_key) != 0)
		reply_fail(rq, rp, 401, "Invalid API key");
	else
	{
		token_issue(rq, token, sizeof(token));
		buf_fmt(&rp->body, "{\"token\":\"%s\"}", token);
	}
}
