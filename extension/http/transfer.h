/*
 * transfer.h: what a protocol is made of: a transfer, which the engine drives through its tries, and the protocol's
 * hooks into it. http.c speaks HTTP that way, mail/smtp.c SMTP.
 *
 * Memory that curl's callbacks touch is malloc'ed: they may not palloc, since an error would jump out of curl.
 */
#ifndef LPR_TRANSFER_H
#define LPR_TRANSFER_H

#include "postgres.h"

#include <curl/curl.h>
#include <signal.h>

#include "lib/ilist.h"

#include "http/http.h"

/* Header bytes of one reply, intermediate replies and trailers included. */
#define LPR_HTTP_HEADERS_MAX (256 * 1024)
#define LPR_HTTP_HOST_ROOM   256
#define LPR_HTTP_PLACE_ROOM  512

/* Why a callback stopped the transfer: curl itself only says "write error". */
typedef enum LprHttpStop
{
	LPR_STOP_NONE,
	LPR_STOP_BODY_TOO_LARGE,
	LPR_STOP_HEADERS_TOO_LARGE,
	LPR_STOP_NO_MEMORY,
	LPR_STOP_NO_DESCRIPTOR,
	LPR_STOP_STALLED
} LprHttpStop;

typedef struct LprBuffer
{
	char *data;
	size_t len;
	size_t size;
} LprBuffer;

typedef struct LprTransfer LprTransfer;

/* An address, in its parts. */
typedef struct LprUrl
{
	const char *text; /* all of it */
	const char *scheme;
	const char *path;
	bool loopback; /* it leads to this machine itself */
} LprUrl;

/* What a protocol takes for an address, and shows of it. */
typedef struct LprUrlRule
{
	const char *verb; /* stands before it in messages */
	bool shows_path;
	const char *malformed;                    /* told of what is no address at all */
	const char *(*refuse)(const LprUrl *url); /* why it is not taken; NULL when it is */
} LprUrlRule;

/* How a kind of transfer is made, goes on and ends. */
typedef struct LprProtocol
{
	/* Everything up to the first try. False leaves a fault; none stands for lack of memory. Signals are masked. */
	bool (*start)(LprTransfer *transfer, const void *request);
	/* Goes on as far as it goes without waiting; the transfer may be settled then. NULL: curl does all of it. */
	void (*talk)(LprTransfer *transfer);
	/* A try has ended, for curl: settles the transfer, or sets it aside for another try. */
	void (*finish)(LprTransfer *transfer, CURLcode code);
	/* Frees what transfer->own holds. NULL: nothing. */
	void (*free)(LprTransfer *transfer);
} LprProtocol;

/* One request through all its tries. */
struct LprTransfer
{
	dlist_node node; /* in the engine's list until settled */
	const LprProtocol *protocol;
	void *own; /* of the protocol */
	LprHttpState state;
	LprFault fault;
	LprHttpCost cost;

	/* the request */
	LprHttpPeer peer; /* after the start only its numbers are read: the strings belong to the caller */
	char *name;       /* in messages: source "acme" */
	char host[LPR_HTTP_HOST_ROOM];
	char place[LPR_HTTP_PLACE_ROOM]; /* "GET scheme://host:port/path": what messages may show of the URL */
	bool repeatable;
	char *body;
	size_t body_len;
	struct curl_slist *headers;
	CURL *easy;
	bool attached; /* easy is in the multi */

	/* between tries */
	bool turn_taken; /* of the rate limit, for the coming try */
	int tries;
	int64 trouble_ms; /* when a try failed first, 0 = none did */
	int64 due_ms;     /* WAITING: when to go on */

	/* this try */
	int64 try_ms;      /* when it began */
	int64 heard_ms;    /* when a byte came last */
	int64 stall_at_ms; /* when to look for a stall, INT64_MAX = never */
	LprHttpStop stop;
	int status;
	size_t header_bytes; /* what the peer has said beside the reply's body */
	char retry_after[64];
	char reset[64]; /* X-RateLimit-Reset */
	char error[CURL_ERROR_SIZE];
	LprBuffer reply;
};

struct LprHttp
{
	MemoryContextCallback release;
	LprTransfer *transfer; /* NULL once freed */
};

/*
 * libcurl's resolver threads inherit the mask of the thread that makes them: with signals open, the server's handlers
 * would run in them. So every call into curl is made with all signals masked.
 */
typedef sigset_t LprSignals;

static inline LprSignals
lpr_curl_enter(void)
{
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	return before;
}

static inline void
lpr_curl_leave(LprSignals before)
{
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Options are set one after the other, and the first that fails counts: lpr_also(&code, curl_easy_setopt(...)). */
static inline void
lpr_also(CURLcode *code, CURLcode next)
{
	if (*code == CURLE_OK)
		*code = next;
}

/* http_transfer.c */
/* Starts a transfer. name: who is spoken to, in messages. It belongs to `context`, as lpr_http_start says. */
extern LprHttp *lpr_transfer_start(MemoryContext context, const LprHttpPeer *peer, const char *name,
								   const LprProtocol *protocol, const void *request);
/* For start(): checks the URL, and notes what messages may show of it. loopback: it leads to this machine itself. */
extern bool lpr_transfer_url(LprTransfer *transfer, const char *url, const LprUrlRule *rule, bool *loopback);
/* For start(): makes the handle. Who is spoken to, what is believed of them, and for how long. */
extern CURLcode lpr_transfer_peer(LprTransfer *transfer, const char *protocols);
/* Out of the engine, with its reply or its fault. */
extern void lpr_transfer_settle(LprTransfer *transfer, LprHttpState state);

/* http_body.c: curl's callback for a reply's body. arg: the transfer. */
extern size_t lpr_transfer_body(char *data, size_t size, size_t count, void *arg);

/* http_loop.c */
extern int64 lpr_engine_now(void);                            /* milliseconds, by a clock that nobody sets */
extern void lpr_engine_watch(curl_socket_t fd, bool to_send); /* of a connection that is not curl's any more */

/* http_fault.c: why a try failed, in words. */
extern void lpr_transfer_explain(LprTransfer *transfer, CURLcode code);

#endif
