/*
 * http_transfer.c: transfers of any protocol: their start, their life within a memory context, their end.
 */
#include "http/http_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/memutils.h"

#include "http/rate.h"

static void
free_transfer(LprTransfer *transfer)
{
	LprSignals before;

	lpr_engine_remove(transfer);
	/* tokens and passwords went out in them */
	for (struct curl_slist *header = transfer->headers; header != NULL; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	if (transfer->body != NULL)
		explicit_bzero(transfer->body, transfer->body_len);
	before = lpr_curl_enter();
	curl_slist_free_all(transfer->headers);
	lpr_curl_leave(before);
	if (transfer->protocol->free != NULL)
		transfer->protocol->free(transfer);
	/*
	 * A turn that was waited for and never used belongs to the next request; near the backend's end no one can be told.
	 */
	if (transfer->state == LPR_HTTP_WAITING && transfer->turn_taken && MyProc != NULL)
		lpr_rate_give_back(MyDatabaseId, transfer->peer.key);
	lpr_buffer_recycle(&transfer->reply);
	free(transfer->body);
	free(transfer->name);
	free(transfer);
}

static void
release_transfer(void *arg)
{
	lpr_http_free(arg);
}

void
lpr_http_free(LprHttp *http)
{
	LprTransfer *transfer;

	if (http == NULL || http->transfer == NULL)
		return;
	transfer = http->transfer;
	http->transfer = NULL;
	free_transfer(transfer);
}

/* Loopback by its literal names only: what a name server says does not count. "localhost" never leaves libcurl. */
static bool
is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;
	char bare[INET6_ADDRSTRLEN];
	size_t len = strlen(host);

	if (pg_strcasecmp(host, "localhost") == 0)
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1)
		return (ntohl(v4.s_addr) >> 24) == 127;
	if (len < 3 || len - 2 >= sizeof(bare) || host[0] != '[' || host[len - 1] != ']')
		return false;
	memcpy(bare, host + 1, len - 2);
	bare[len - 2] = '\0';
	return inet_pton(AF_INET6, bare, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

static bool
fail_url(LprTransfer *transfer, const char *why)
{
	lpr_fault(&transfer->fault, LPR_STATE_BAD_OPTION, "the address of %s is not usable", transfer->name);
	lpr_fault_detail(&transfer->fault, "%s", why);
	return false;
}

bool
lpr_transfer_url(LprTransfer *transfer, const char *url, const LprUrlRule *rule, bool *loopback)
{
	CURLU *parsed;
	char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL, *user = NULL;
	const char *why = NULL;

	for (const char *c = url; *c; c++)
		if (*c <= 0x20 || *c >= 0x7f)
			return fail_url(transfer, "The URL holds a space, a control character or a character beyond ASCII.");

	parsed = curl_url();
	if (parsed == NULL)
		return lpr_fault(&transfer->fault, LPR_STATE_NO_MEMORY, "out of memory");
	if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
		curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
		curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
		curl_url_get(parsed, CURLUPART_PATH, &path, 0) != CURLUE_OK)
		why = rule->malformed;
	else if (strlen(host) >= sizeof(transfer->host))
		why = "The host name is too long.";
	else if (curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_OK ||
			 curl_url_get(parsed, CURLUPART_PASSWORD, &user, 0) == CURLUE_OK)
		why = "The URL holds a user name or a password; secrets are given by name.";
	else
	{
		*loopback = is_loopback(host);
		why = rule->refuse(&(LprUrl){url, scheme, path, *loopback});
		strlcpy(transfer->host, host, sizeof(transfer->host));
		snprintf(transfer->place, sizeof(transfer->place), "%s%s://%s:%s%s", rule->verb, scheme, host, port,
				 rule->shows_path ? path : "");
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_free(user);
	curl_url_cleanup(parsed);
	return why == NULL || fail_url(transfer, why);
}

CURLcode
lpr_transfer_peer(LprTransfer *transfer, const char *protocols)
{
	const LprHttpPeer *peer = &transfer->peer;
	CURLcode code = CURLE_OK;
	CURL *easy;

	/*
	 * not kept for the next transfer: making one costs nothing measurable, and a used one refuses CURLOPT_BUFFERSIZE
	 * (7.88)
	 */
	transfer->easy = easy = curl_easy_init();
	if (easy == NULL)
		return CURLE_OUT_OF_MEMORY;
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocols));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_PROXY, ""));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_NOPROXY, "*"));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L));
	if (peer->ca_file != NULL)
	{
		/* this CA and no other: the system's directory would be asked as well */
		lpr_also(&code, curl_easy_setopt(easy, CURLOPT_CAINFO, peer->ca_file));
		lpr_also(&code, curl_easy_setopt(easy, CURLOPT_CAPATH, (char *) NULL));
	}
	if (peer->client_cert != NULL)
		lpr_also(&code, curl_easy_setopt(easy, CURLOPT_SSLCERT, peer->client_cert));
	if (peer->client_key != NULL)
		lpr_also(&code, curl_easy_setopt(easy, CURLOPT_SSLKEY, peer->client_key));
	if (peer->min_tls != NULL && strcmp(peer->min_tls, "1.3") == 0)
		lpr_also(&code, curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_3));
	else
		lpr_also(&code, curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
									 (long) (peer->only_http_1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS)));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 0L));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, lpr_socket_open));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, lpr_socket_close));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error));
	/* no signals of curl's own; and never wait for the resolver's thread, which cannot be stopped */
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long) peer->connect_timeout_ms));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long) peer->request_timeout_ms));
	return code;
}

void
lpr_transfer_settle(LprTransfer *transfer, LprHttpState state)
{
	transfer->state = state;
	lpr_engine_remove(transfer);
	if (state == LPR_HTTP_FAILED)
		lpr_buffer_recycle(&transfer->reply);
	lpr_engine_changed();
}

static LprHttp *
make_transfer(MemoryContext context, const LprHttpPeer *peer, const char *name, const LprProtocol *protocol)
{
	LprHttp *http;
	LprTransfer *transfer;

	/* everything that goes out is counted; this also refuses when the library was not preloaded */
	lpr_rate_check();
	lpr_engine_init();

	http = MemoryContextAllocZero(context, sizeof(*http));
	http->release.func = release_transfer;
	http->release.arg = http;
	MemoryContextRegisterResetCallback(context, &http->release);

	transfer = calloc(1, sizeof(*transfer));
	if (transfer == NULL || (transfer->name = strdup(name)) == NULL)
	{
		free(transfer);
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	transfer->protocol = protocol;
	transfer->peer = *peer;
	if (transfer->peer.body_max == 0 || transfer->peer.body_max > MaxAllocSize)
		transfer->peer.body_max = MaxAllocSize;
	transfer->state = LPR_HTTP_WAITING;
	lpr_engine_add(transfer);
	http->transfer = transfer;
	return http;
}

LprHttp *
lpr_transfer_start(MemoryContext context, const LprHttpPeer *peer, const char *name, const LprProtocol *protocol,
				   const void *request)
{
	LprHttp *http = make_transfer(context, peer, name, protocol);
	LprTransfer *transfer = http->transfer;
	LprSignals before = lpr_curl_enter();
	bool good = protocol->start(transfer, request);

	lpr_curl_leave(before);
	if (good)
	{
		lpr_engine_launch(transfer);
		lpr_engine_drive();
		return http;
	}
	if (transfer->fault.sqlstate[0] == '\0')
		lpr_fault(&transfer->fault, LPR_STATE_NO_MEMORY, "out of memory");
	lpr_transfer_settle(transfer, LPR_HTTP_FAILED);
	return http;
}

LprHttpState
lpr_http_state(const LprHttp *http)
{
	return http->transfer == NULL ? LPR_HTTP_FAILED : http->transfer->state;
}

bool
lpr_http_settled(const LprHttp *http)
{
	LprHttpState state = lpr_http_state(http);

	return state != LPR_HTTP_WAITING && state != LPR_HTTP_RUNNING;
}

int
lpr_http_status(const LprHttp *http)
{
	return http->transfer == NULL ? 0 : http->transfer->status;
}

const char *
lpr_http_body(const LprHttp *http, size_t *len)
{
	bool there = http->transfer != NULL && http->transfer->reply.data != NULL && lpr_http_settled(http) &&
				 http->transfer->state != LPR_HTTP_FAILED;

	*len = there ? http->transfer->reply.len : 0;
	return there ? http->transfer->reply.data : "";
}

const LprFault *
lpr_http_fault(const LprHttp *http)
{
	static const LprFault freed = {LPR_STATE_NO_CONNECTION, "the request was stopped", "", ""};

	return http->transfer == NULL ? &freed : &http->transfer->fault;
}

LprHttpCost
lpr_http_cost(const LprHttp *http)
{
	LprHttpCost none = {0};

	return http->transfer == NULL ? none : http->transfer->cost;
}
