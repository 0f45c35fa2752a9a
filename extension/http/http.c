/*
 * http.c: HTTP's requests.
 */
#include "http/http_internal.h"

#ifndef LPR_VERSION
#define LPR_VERSION "dev"
#endif

/* Bulk over loopback is as fast from here on up (measured 16 kB to 512 kB), and each transfer holds one. */
#define READ_SIZE (128L * 1024)

/* What lpr_http_start is given. */
typedef struct Request
{
	const char *url;
	bool post;
	const char *headers;
	const char *body;
	size_t body_len;
	bool repeatable;
} Request;

static const char *
refuse_http_url(const LprUrl *url)
{
	if (strcmp(url->scheme, "https") == 0 || (strcmp(url->scheme, "http") == 0 && url->loopback))
		return NULL;
	return "Only https is spoken, and plain http with this machine itself (127.0.0.0/8, ::1, localhost).";
}

/*
 * Takes "Name: value\n" lines. A value that could smuggle a second header in is refused, and not shown: it may be a
 * secret.
 */
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

static CURLcode
set_options(LprTransfer *transfer, const Request *request)
{
	const LprHttpPeer *peer = &transfer->peer;
	CURLcode code = CURLE_OK;
	CURL *easy = transfer->easy;

	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_URL, request->url));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_USERAGENT, "lpr/" LPR_VERSION));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip"));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers));
	if (request->post)
	{
		lpr_also(&code, curl_easy_setopt(easy, CURLOPT_POST, 1L));
		lpr_also(&code, curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) request->body_len));
		lpr_also(&code, curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer->body));
	}
	/*
	 * curl sends again by itself what an idle connection lost; what must not be sent twice gets a connection of its
	 * own
	 */
	if (!transfer->repeatable)
		lpr_also(&code, curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, lpr_reply_header));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, lpr_transfer_body));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) peer->body_max));
	lpr_also(&code, curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, READ_SIZE));
	return code;
}

static bool
copy_body(LprTransfer *transfer, const Request *request)
{
	if (!request->post)
		return true;
	transfer->body = malloc(request->body_len + 1);
	if (transfer->body == NULL)
		return false;
	if (request->body_len > 0)
		memcpy(transfer->body, request->body, request->body_len);
	transfer->body[request->body_len] = '\0';
	transfer->body_len = request->body_len;
	return true;
}

static bool
start_request(LprTransfer *transfer, const void *arg)
{
	const Request *request = arg;
	const LprUrlRule rule = {request->post ? "POST " : "GET ", true,
							 "The URL is malformed, or its scheme is not https.", refuse_http_url};
	const char *min_tls = transfer->peer.min_tls;
	bool loopback = false;
	CURLcode code;

	transfer->repeatable = request->repeatable;
	if (!lpr_transfer_url(transfer, request->url, &rule, &loopback))
		return false;
	if (min_tls != NULL && strcmp(min_tls, "1.2") != 0 && strcmp(min_tls, "1.3") != 0)
		return lpr_fault(&transfer->fault, LPR_STATE_BAD_OPTION, "the least TLS version of %s must be 1.2 or 1.3",
						 transfer->name);
	if (!take_headers(transfer, request->headers == NULL ? "" : request->headers) || !copy_body(transfer, request))
		return false;
	code = lpr_transfer_peer(transfer, loopback ? "https,http" : "https");
	if (code == CURLE_OK)
		code = set_options(transfer, request);
	if (code == CURLE_OK || code == CURLE_OUT_OF_MEMORY)
		return code == CURLE_OK;
	return lpr_fault(&transfer->fault, LPR_STATE_BAD_OPTION, "libcurl cannot make a request to %s: %s", transfer->name,
					 curl_easy_strerror(code));
}

static const LprProtocol protocol = {.start = start_request, .finish = lpr_reply_finish};

LprHttp *
lpr_http_start(MemoryContext context, const LprHttpPeer *peer, bool post, const char *url, const char *headers,
			   const char *body, size_t body_len, bool repeatable)
{
	Request request = {url, post, headers, body, body_len, repeatable};

	return lpr_transfer_start(context, peer, psprintf("source \"%s\"", peer->name), &protocol, &request);
}
