/*
 * http_fault.c: why a request failed, in words for the person who asked.
 *
 * Of the URL only method, scheme, host, port and path are shown: queries hold plates, headers and bodies hold secrets.
 * What the peer had a hand in (certificate names, bodies) is escaped.
 */
#include "http/http_internal.h"

/* "5 s", "1500 ms" */
static const char *
show_ms(int64 ms, char out[32])
{
	if (ms >= 1000 && ms % 1000 == 0)
		snprintf(out, 32, INT64_FORMAT " s", ms / 1000);
	else
		snprintf(out, 32, INT64_FORMAT " ms", ms);
	return out;
}

static const char *
show_bytes(size_t bytes, char out[32])
{
	if (bytes >= 1024 * 1024 && bytes % (1024 * 1024) == 0)
		snprintf(out, 32, "%zu MB", bytes / (1024 * 1024));
	else if (bytes >= 1024 && bytes % 1024 == 0)
		snprintf(out, 32, "%zu kB", bytes / 1024);
	else
		snprintf(out, 32, "%zu bytes", bytes);
	return out;
}

static void
explain_time_limit(LprTransfer *transfer)
{
	const LprHttpPeer *peer = &transfer->peer;
	LprFault *fault = &transfer->fault;
	curl_off_t named_us = 0, ready_us = 0;
	char limit[32];

	curl_easy_getinfo(transfer->easy, CURLINFO_NAMELOOKUP_TIME_T, &named_us);
	curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
	if (transfer->stop == LPR_STOP_STALLED)
	{
		lpr_fault(fault, LPR_STATE_NO_CONNECTION, "%s sent nothing for %s", transfer->name,
				  show_ms(peer->stall_timeout_ms, limit));
		lpr_fault_detail(fault, "The time limit for silence was reached after %zu bytes of the reply. Request: %s",
						 transfer->reply.len, transfer->place);
	}
	else if (ready_us == 0 && peer->connect_timeout_ms > 0 &&
			 (peer->request_timeout_ms == 0 || peer->connect_timeout_ms <= peer->request_timeout_ms))
	{
		lpr_fault(fault, LPR_STATE_NO_CONNECTION, "could not reach %s: no connection within %s", transfer->name,
				  show_ms(peer->connect_timeout_ms, limit));
		/* curl tells the end of the TCP connect together with that of the handshake */
		lpr_fault_detail(fault, "The time limit for connecting was reached during %s. Request: %s",
						 named_us == 0                                  ? "name lookup"
						 : strstr(transfer->place, " https://") != NULL ? "the TCP connect or the TLS handshake"
																		: "the TCP connect",
						 transfer->place);
	}
	else
	{
		lpr_fault(fault, LPR_STATE_NO_CONNECTION, "%s did not answer within %s", transfer->name,
				  show_ms(peer->request_timeout_ms, limit));
		lpr_fault_detail(fault,
						 "The time limit for a whole request was reached after %zu bytes of the reply. Request: %s",
						 transfer->reply.len, transfer->place);
	}
}

/* What a callback stopped, which curl cannot know. */
static void
explain_stop(LprTransfer *transfer)
{
	LprFault *fault = &transfer->fault;
	char limit[32];

	switch (transfer->stop)
	{
		case LPR_STOP_BODY_TOO_LARGE:
			lpr_fault(fault, LPR_STATE_BAD_REPLY, "reply of %s is larger than %s", transfer->name,
					  show_bytes(transfer->peer.body_max, limit));
			lpr_fault_detail(fault, "Bytes are counted after decompression. Request: %s", transfer->place);
			break;
		case LPR_STOP_HEADERS_TOO_LARGE:
			lpr_fault(fault, LPR_STATE_BAD_REPLY, "headers of the reply of %s are larger than %s", transfer->name,
					  show_bytes(LPR_HTTP_HEADERS_MAX, limit));
			lpr_fault_detail(fault, "Request: %s", transfer->place);
			break;
		case LPR_STOP_NO_DESCRIPTOR:
			lpr_fault(fault, LPR_STATE_NO_CONNECTION, "could not reach %s: too many open files", transfer->name);
			lpr_fault_detail(fault, "Request: %s", transfer->place);
			lpr_fault_hint(fault, "Raise max_files_per_process.");
			break;
		default:
			lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
			lpr_fault_detail(fault, "While reading the reply of %s.", transfer->name);
			break;
	}
}

/* Sets message and curl's own words about it. */
static void
explain_code(LprTransfer *transfer, CURLcode code)
{
	LprFault *fault = &transfer->fault;
	const char *name = transfer->name;
	const char *text = transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(code);
	char shown[LPR_EXCERPT_ROOM];
	long problem = 0;

	/* What 8.23 on says of a key that is not that of the certificate; of its other arguments setopt would have told. */
	if (code == CURLE_BAD_FUNCTION_ARGUMENT && transfer->peer.client_key != NULL)
		code = CURLE_SSL_CERTPROBLEM;
	switch (code)
	{
		case CURLE_COULDNT_RESOLVE_HOST:
			lpr_fault(fault, LPR_STATE_NO_CONNECTION, "could not reach %s: its host name cannot be looked up", name);
			break;
		case CURLE_COULDNT_CONNECT:
			curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &problem);
			lpr_fault(fault, LPR_STATE_NO_CONNECTION, "could not reach %s: %s", name,
					  problem == ECONNREFUSED ? "connection refused"
					  : problem != 0          ? strerror((int) problem)
											  : "no connection");
			break;
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_ISSUER_ERROR:
			lpr_fault(fault, LPR_STATE_NO_CONNECTION, "could not reach %s: its TLS certificate was not accepted", name);
			break;
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_SSL_CIPHER:
			lpr_fault(fault, LPR_STATE_NO_CONNECTION, "could not reach %s: the TLS handshake failed", name);
			break;
		case CURLE_SSL_CACERT_BADFILE:
			lpr_fault(fault, LPR_STATE_BAD_OPTION, "the CA file of %s cannot be used", name);
			break;
		case CURLE_SSL_CERTPROBLEM:
			lpr_fault(fault, LPR_STATE_BAD_OPTION, "the client certificate or key of %s cannot be used", name);
			break;
		case CURLE_GOT_NOTHING:
			lpr_fault(fault, LPR_STATE_NO_CONNECTION, "%s closed the connection without a reply", name);
			break;
		case CURLE_SEND_ERROR:
		case CURLE_RECV_ERROR:
			lpr_fault(fault, LPR_STATE_NO_CONNECTION, "the connection to %s was lost", name);
			break;
		case CURLE_PARTIAL_FILE:
			lpr_fault(fault, LPR_STATE_BAD_REPLY, "reply of %s ended early", name);
			break;
		case CURLE_BAD_CONTENT_ENCODING:
			lpr_fault(fault, LPR_STATE_BAD_REPLY, "reply of %s is not encoded as it says", name);
			break;
		case CURLE_HTTP2:
		case CURLE_HTTP2_STREAM:
		case CURLE_WEIRD_SERVER_REPLY:
		case CURLE_UNSUPPORTED_PROTOCOL:
			lpr_fault(fault, LPR_STATE_BAD_REPLY, "reply of %s is not proper HTTP", name);
			break;
		case CURLE_OUT_OF_MEMORY:
			lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
			break;
		default:
			lpr_fault(fault, LPR_STATE_NO_CONNECTION, "request to %s failed", name);
			break;
	}
	lpr_fault_detail(fault, "%s. Request: %s", lpr_excerpt(text, strlen(text), shown), transfer->place);
}

void
lpr_transfer_explain(LprTransfer *transfer, CURLcode code)
{
	memset(&transfer->fault, 0, sizeof(transfer->fault));
	if (code == CURLE_FILESIZE_EXCEEDED)
		transfer->stop = LPR_STOP_BODY_TOO_LARGE; /* told by Content-Length, before any of it came */
	if (code == CURLE_OPERATION_TIMEDOUT || transfer->stop == LPR_STOP_STALLED)
		explain_time_limit(transfer);
	else if (transfer->stop != LPR_STOP_NONE)
		explain_stop(transfer);
	else
		explain_code(transfer, code);
}

/* A whole reply whose status is not 2xx. */
void
lpr_http_explain_status(LprTransfer *transfer)
{
	LprFault *fault = &transfer->fault;
	int status = transfer->status;
	char shown[LPR_EXCERPT_ROOM];

	memset(fault, 0, sizeof(*fault));
	if (status >= 300 && status < 400)
	{
		lpr_fault(fault, LPR_STATE_VENDOR, "%s redirects to another address (HTTP status %d)", transfer->name, status);
		lpr_fault_detail(fault, "Redirects are not followed. Request: %s", transfer->place);
		lpr_fault_hint(fault, "Set the source's address to where the vendor really answers.");
		return;
	}
	if (status == 401 || status == 403)
		lpr_fault(fault, LPR_STATE_NO_CONNECTION, "%s refused the login (HTTP status %d)", transfer->name, status);
	else if (status == 429)
		lpr_fault(fault, LPR_STATE_NO_CONNECTION, "%s refused more requests for now (HTTP status %d)", transfer->name,
				  status);
	else
		lpr_fault(fault, LPR_STATE_VENDOR, "%s answered with HTTP status %d", transfer->name, status);
	if (status == 401 || status == 403) /* such replies like to repeat the token */
		lpr_fault_detail(fault, "Request: %s", transfer->place);
	else if (transfer->reply.len > 0)
		lpr_fault_detail(fault, "Request: %s. The reply begins: %s", transfer->place,
						 lpr_excerpt(transfer->reply.data, transfer->reply.len, shown));
	else
		lpr_fault_detail(fault, "Request: %s. The reply was empty.", transfer->place);
}
