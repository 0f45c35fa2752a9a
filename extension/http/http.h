/*
 * http.h: requests to vendors: one curl_multi in the backend, driven by one latch wait (pitfalls 1-11).
 *
 * It knows requests, replies and limits, nothing of plates. All transfers of the backend progress whenever any caller
 * waits, those of other protocols (transfer.h) too.
 */
#ifndef LPR_HTTP_H
#define LPR_HTTP_H

#include "postgres.h"
#include "base/base.h"
#include "http/cost.h"

typedef enum LprHttpState
{
	LPR_HTTP_WAITING, /* for its turn of the rate limit, or for a retry */
	LPR_HTTP_RUNNING,
	LPR_HTTP_DONE,    /* a reply with a 2xx status is there, whole */
	LPR_HTTP_REFUSED, /* a reply with another status is there */
	LPR_HTTP_FAILED   /* no usable reply: fault says why */
} LprHttpState;

/* How one peer is talked to. Strings outlive the transfers. Durations in milliseconds, 0 = no limit where said. */
typedef struct LprHttpPeer
{
	Oid key;                 /* user mapping (or server): what the rate limit counts by */
	const char *name;        /* the source, for messages */
	const char *ca_file;     /* NULL = the system's */
	const char *client_cert; /* NULL = none */
	const char *client_key;
	const char *min_tls; /* "1.2" or "1.3" */
	bool only_http_1;    /* else HTTP/2 by ALPN where the peer offers it */
	int connect_timeout_ms;
	int request_timeout_ms; /* whole request, body included */
	int stall_timeout_ms;   /* no byte at all for so long */
	int retries;            /* of repeatable requests */
	int retry_time_ms;      /* of replies that say that it will pass: so long, however many retries that takes */
	int retry_after_max_ms; /* a longer Retry-After is a failure at once */
	int rate_per_minute;    /* 0 = unlimited */
	bool can_wait;          /* takes only turns that nobody else wants */
	size_t body_max;        /* bytes of one reply, after decompression */
} LprHttpPeer;

typedef struct LprHttp LprHttp; /* one request with its retries, and its reply */

/*
 * Starts a request. Strings are copied. The transfer is owned by `context`: it is stopped and freed when that is reset
 * or deleted, or by lpr_http_free. headers are lines "Name: value\n"; control characters in one, or in the URL, are
 * refused (fault, not error), but an LF within a value would begin the next header: callers check values that are not
 * their own. Throws only for out of memory and when the library was not preloaded (rate limits live in shared memory).
 */
extern LprHttp *lpr_http_start(MemoryContext context, const LprHttpPeer *peer, bool post, const char *url,
							   const char *headers, const char *body, size_t body_len, bool repeatable);
extern LprHttpState lpr_http_state(const LprHttp *http);
extern bool lpr_http_settled(const LprHttp *http); /* DONE, REFUSED or FAILED */
extern int lpr_http_status(const LprHttp *http);
extern const char *lpr_http_body(const LprHttp *http, size_t *len);
extern const LprFault *lpr_http_fault(const LprHttp *http);
extern void lpr_http_free(LprHttp *http);

extern LprHttpCost lpr_http_cost(const LprHttp *http);

/*
 * Waits until something happened to any transfer, or for timeout_ms (-1 = as long as it takes). Interruptible: raises
 * 57014 and all other interrupts of the server, and returns early on them.
 */
extern void lpr_http_wait(long timeout_ms);

/* Closes idle connections before the next request: a source's options changed. */
extern void lpr_http_forget(void);

#endif
