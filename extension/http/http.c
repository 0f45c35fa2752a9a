/*
 * http.c: requests: their start, their life within a memory context, their end.
 */
#include "http/http_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/memutils.h"

#include "http/rate.h"

/* Bulk over loopback is as fast from here on up (measured 16 kB to 512 kB), and each transfer holds one. */
#define READ_SIZE (128L * 1024)

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
	lpr_mail_free(transfer);
	/* A turn that was waited for and never used belongs to the next; near the backend's end nobody can be told. */
	if (transfer->state == LPR_HTTP_WAITING && transfer->turn_taken && MyProc != NULL)
		lpr_rate_give_back(MyDatabaseId, transfer->peer.key, transfer->peer.rate_per_minute);
	lpr_buffer_recycle(&transfer->reply);
	free(transfer->body);
	free(transfer->name);
	free(transfer);
}

static void
release(void *arg)
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
refuse_url(LprTransfer *transfer, const char *why)
{
	lpr_fault(&transfer->fault, LPR_STATE_BAD_OPTION, "the address of %s is not usable", transfer->name);
	lpr_fault_detail(&transfer->fault, "%s", why);
	return false;
}

bool
lpr_transfer_url(LprTransfer *transfer, const char *url, const char *verb, bool mail, bool *loopback)
{
	CURLU *parsed;
	char *scheme = NULL, *host = NULL, *port = NULL, *path = NULL, *user = NULL;
	const char *why = NULL;

	for (const char *c = url; *c; c++)
		if (*c <= 0x20 || *c >= 0x7f)
			return refuse_url(transfer, "The URL holds a space, a control character or a character beyond ASCII.");

	parsed = curl_url();
	if (parsed == NULL)
		return lpr_fault(&transfer->fault, LPR_STATE_NO_MEMORY, "out of memory");
	if (curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
		curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
		curl_url_get(parsed, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
		curl_url_get(parsed, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
		curl_url_get(parsed, CURLUPART_PATH, &path, 0) != CURLUE_OK)
		why = mail ? "The URL is malformed, or its scheme is neither smtp nor smtps."
				   : "The URL is malformed, or its scheme is not https.";
	else if (strlen(host) >= sizeof(transfer->host))
		why = "The host name is too long.";
	else if (curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_OK ||
			 curl_url_get(parsed, CURLUPART_PASSWORD, &user, 0) == CURLUE_OK)
		why = "The URL holds a user name or a password; secrets are given by name.";
	else if (mail && strcmp(scheme, "smtp") != 0 && strcmp(scheme, "smtps") != 0)
		why = "A mail server is spoken to by smtp, or by smtps.";
	else if (mail && (strcmp(path, "/") != 0 || strpbrk(url, "?#") != NULL))
		why = "There is more in the URL than smtp://host:port.";
	else if (!mail && strcmp(scheme, "https") != 0 && !(strcmp(scheme, "http") == 0 && is_loopback(host)))
		why = "Only https is spoken, and plain http with this machine itself (127.0.0.0/8, ::1, localhost).";
	else
	{
		strlcpy(transfer->host, host, sizeof(transfer->host));
		snprintf(transfer->place, sizeof(transfer->place), "%s%s://%s:%s%s", verb, scheme, host, port,
				 mail ? "" : path);
		*loopback = is_loopback(host);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(path);
	curl_free(user);
	curl_url_cleanup(parsed);
	return why == NULL || refuse_url(transfer, why);
}

/* Takes "Name: value\n" lines. A value that could smuggle a second header in is refused, and not shown: it may be a secret. */
static bool
take_headers(LprTransfer *transfer, const char *headers)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char *copy = strdup(headers);
	bool good = copy != NULL;

	for (char *line = copy, *next; good && line && *line; line = next)
	{
		size_t name_len = strspn(line, token);
		struct curl_slist *longer;

		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		/* curl takes "Name:" with nothing behind it as "leave this header out" */
		if (name_len == 0 || line[name_len] != ':' || line[name_len + 1 + strspn(line + name_len + 1, " \t")] == '\0')
			good = false;
		for (const unsigned char *c = (unsigned char *) line; good && *c; c++)
			good = (*c >= 0x20 && *c != 0x7f) || *c == '\t';
		if (!good)
		{
			lpr_fault(&transfer->fault, LPR_STATE_BAD_OPTION, "a header for %s is not usable", transfer->name);
			lpr_fault_detail(&transfer->fault, "A header is a line \"Name: value\" without control characters.");
			break;
		}
		longer = curl_slist_append(transfer->headers, line);
		if (longer == NULL)
			good = false;
		else
			transfer->headers = longer;
	}
	if (good)
	{
		/* bodies are small: waiting a second for "100 Continue" would cost more than they do */
		struct curl_slist *longer = curl_slist_append(transfer->headers, "Expect:");

		good = longer != NULL;
		if (good)
			transfer->headers = longer;
	}
	if (copy != NULL)
	{
		explicit_bzero(copy, strlen(headers));
		free(copy);
	}
	return good;
}

CURLcode
lpr_transfer_peer(LprTransfer *transfer, const char *protocols)
{
	const LprHttpPeer *peer = &transfer->peer;
	CURLcode code = CURLE_OK;

	SET(CURLOPT_PROTOCOLS_STR, protocols);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (peer->ca_file != NULL)
	{
		/* this CA and no other: the system's directory would be asked as well */
		SET(CURLOPT_CAINFO, peer->ca_file);
		SET(CURLOPT_CAPATH, (char *) NULL);
	}
	if (peer->client_cert != NULL)
		SET(CURLOPT_SSLCERT, peer->client_cert);
	if (peer->client_key != NULL)
		SET(CURLOPT_SSLKEY, peer->client_key);
	if (peer->min_tls != NULL && strcmp(peer->min_tls, "1.3") == 0)
		SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_3);
	else
		SET(CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_HTTP_VERSION, (long) (peer->version == LPR_HTTP_1_1 ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
	SET(CURLOPT_PIPEWAIT, 0L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_OPENSOCKETFUNCTION, lpr_socket_open);
	SET(CURLOPT_OPENSOCKETDATA, transfer);
	SET(CURLOPT_CLOSESOCKETFUNCTION, lpr_socket_close);
	SET(CURLOPT_PRIVATE, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->error);
	/* no signals of curl's own; and never wait for the resolver's thread, which cannot be stopped */
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long) peer->connect_timeout_ms);
	SET(CURLOPT_TIMEOUT_MS, (long) peer->request_timeout_ms);
	return code;
}

static CURLcode
set_request(LprTransfer *transfer, const char *url, bool post, size_t body_len)
{
	const LprHttpPeer *peer = &transfer->peer;
	CURLcode code = CURLE_OK;

	SET(CURLOPT_URL, url);
	SET(CURLOPT_USERAGENT, "lpr/" LPR_VERSION);
	SET(CURLOPT_ACCEPT_ENCODING, "gzip");
	SET(CURLOPT_HTTPHEADER, transfer->headers);
	if (post)
	{
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) body_len);
		SET(CURLOPT_POSTFIELDS, transfer->body);
	}
	/* curl sends again by itself what an idle connection lost; what must not be sent twice gets a connection of its own */
	if (!transfer->repeatable)
		SET(CURLOPT_FRESH_CONNECT, 1L);
	SET(CURLOPT_HEADERFUNCTION, lpr_reply_header);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_WRITEFUNCTION, lpr_reply_body);
	SET(CURLOPT_WRITEDATA, transfer);
	SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) peer->body_max);
	SET(CURLOPT_BUFFERSIZE, READ_SIZE);
	return code;
}

/* Everything up to the first try; false leaves a fault. Signals are masked. */
static bool
prepare(LprTransfer *transfer, const char *url, bool post, const char *headers, const char *body, size_t body_len)
{
	const char *min_tls = transfer->peer.min_tls;
	bool loopback = false;
	CURLcode code;

	if (!lpr_transfer_url(transfer, url, post ? "POST " : "GET ", false, &loopback))
		return false;
	if (min_tls != NULL && strcmp(min_tls, "1.2") != 0 && strcmp(min_tls, "1.3") != 0)
		return lpr_fault(&transfer->fault, LPR_STATE_BAD_OPTION, "the least TLS version of %s must be 1.2 or 1.3",
						 transfer->name);
	if (!take_headers(transfer, headers == NULL ? "" : headers))
		return false;
	if (post)
	{
		transfer->body = malloc(body_len + 1);
		if (transfer->body == NULL)
			return false;
		if (body_len > 0)
			memcpy(transfer->body, body, body_len);
		transfer->body[body_len] = '\0';
		transfer->body_len = body_len;
	}
	/* not kept for the next request: making one costs nothing measurable, and a used one refuses CURLOPT_BUFFERSIZE (7.88) */
	transfer->easy = curl_easy_init();
	if (transfer->easy == NULL)
		return false;
	code = lpr_transfer_peer(transfer, loopback ? "https,http" : "https");
	if (code == CURLE_OK)
		code = set_request(transfer, url, post, body_len);
	if (code == CURLE_OK || code == CURLE_OUT_OF_MEMORY)
		return code == CURLE_OK;
	return lpr_fault(&transfer->fault, LPR_STATE_BAD_OPTION, "libcurl cannot make a request to %s: %s", transfer->name,
					 curl_easy_strerror(code));
}

LprHttp *
lpr_transfer_new(MemoryContext context, const LprHttpPeer *peer, const char *name)
{
	LprHttp *http;
	LprTransfer *transfer;

	/* whatever goes out is counted; this also refuses when the library was not preloaded */
	lpr_rate_take(MyDatabaseId, peer->key, 0);
	lpr_engine_init();

	http = MemoryContextAllocZero(context, sizeof(*http));
	http->release.func = release;
	http->release.arg = http;
	MemoryContextRegisterResetCallback(context, &http->release);

	transfer = calloc(1, sizeof(*transfer));
	if (transfer == NULL || (transfer->name = strdup(name)) == NULL)
	{
		free(transfer);
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	}
	transfer->peer = *peer;
	if (transfer->peer.body_max == 0 || transfer->peer.body_max > MaxAllocSize)
		transfer->peer.body_max = MaxAllocSize;
	transfer->state = LPR_HTTP_WAITING;
	transfer->start_ms = lpr_engine_now();
	lpr_engine_add(transfer);
	http->transfer = transfer;
	return http;
}

void
lpr_transfer_go(LprTransfer *transfer, bool prepared)
{
	if (!prepared)
	{
		if (transfer->fault.sqlstate[0] == '\0')
			lpr_fault(&transfer->fault, LPR_STATE_NO_MEMORY, "out of memory");
		lpr_reply_settle(transfer, LPR_HTTP_FAILED);
		return;
	}
	lpr_engine_launch(transfer);
	lpr_engine_drive();
}

LprHttp *
lpr_http_start(MemoryContext context, const LprHttpPeer *peer, bool post, const char *url, const char *headers,
			   const char *body, size_t body_len, bool repeatable)
{
	LprHttp *http = lpr_transfer_new(context, peer, psprintf("source \"%s\"", peer->name));
	LprSignals before;
	bool good;

	http->transfer->repeatable = repeatable;
	before = lpr_curl_enter();
	good = prepare(http->transfer, url, post, headers, body, body_len);
	lpr_curl_leave(before);
	lpr_transfer_go(http->transfer, good);
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
