/*
 * http_internal.h: what http.c (requests), http_loop.c (waiting) and http_reply.c (replies and retries) share.
 *
 * Memory that curl's callbacks touch is malloc'ed: they may not palloc, since an error would jump out of curl.
 */
#ifndef LPR_HTTP_INTERNAL_H
#define LPR_HTTP_INTERNAL_H

#include "postgres.h"

#include <curl/curl.h>
#include <signal.h>

#include "lib/ilist.h"

#include "http/http.h"

#ifndef LPR_VERSION
#define LPR_VERSION "dev"
#endif

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

/* One request through all its tries. */
typedef struct LprTransfer
{
	dlist_node node; /* in the engine's list until settled */
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
	struct LprSmtp *smtp; /* of a mail; NULL = HTTP */
	CURL *easy;
	bool attached; /* easy is in the multi */

	/* between tries */
	bool turn_taken; /* of the rate limit, for the coming try */
	int tries;
	int64 start_ms;
	int64 due_ms; /* WAITING: when to go on */

	/* this try */
	int64 try_ms;      /* when it began */
	int64 heard_ms;    /* when a byte came last */
	int64 stall_at_ms; /* when to look for a stall, INT64_MAX = never */
	LprHttpStop stop;
	int status;
	size_t header_bytes;
	char retry_after[64];
	char error[CURL_ERROR_SIZE];
	LprBuffer reply;
} LprTransfer;

struct LprHttp
{
	MemoryContextCallback release;
	LprTransfer *transfer; /* NULL once freed */
};

/*
 * libcurl's resolver threads inherit the mask of the thread that makes them: with signals open, the server's handlers would run in
 * them. So every call into curl is made with all signals masked.
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

#define SET(option, value)                                                                                             \
	do                                                                                                                 \
	{                                                                                                                  \
		CURLcode set_code_ = curl_easy_setopt(transfer->easy, option, value);                                          \
		if (code == CURLE_OK)                                                                                          \
			code = set_code_;                                                                                          \
	} while (0)

/* http.c: what requests and mails begin with. name: who is spoken to, in messages. */
extern LprHttp *lpr_transfer_new(MemoryContext context, const LprHttpPeer *peer, const char *name);
/* Checks the URL, and notes what messages may show of it; loopback: it leads to this machine itself. */
extern bool lpr_transfer_url(LprTransfer *transfer, const char *url, const char *verb, bool mail, bool *loopback);
/* Who is spoken to, what is believed of them, and for how long. */
extern CURLcode lpr_transfer_peer(LprTransfer *transfer, const char *protocols);
/* The first try of what is prepared; of what could not be, the fault. */
extern void lpr_transfer_go(LprTransfer *transfer, bool prepared);

/* http_mail.c */
extern void lpr_mail_finish(LprTransfer *transfer, CURLcode code);
extern void lpr_mail_talk(LprTransfer *transfer);
extern void lpr_mail_free(LprTransfer *transfer);

/* http_loop.c */
extern void lpr_engine_init(void);
extern int64 lpr_engine_now(void);
extern void lpr_engine_add(LprTransfer *transfer); /* to the list of what is outstanding */
extern void lpr_engine_remove(LprTransfer *transfer);
extern void lpr_engine_detach(LprTransfer *transfer); /* from the multi, between tries */
extern void lpr_engine_launch(LprTransfer *transfer); /* when its turn has come; else WAITING */
extern void lpr_engine_drive(void);
extern void lpr_engine_watch(curl_socket_t fd, bool to_send); /* of a connection that is not curl's any more */
extern void lpr_engine_changed(void);                         /* makes a wait return */

/* http_reply.c */
extern size_t lpr_reply_header(char *data, size_t size, size_t count, void *arg);
extern size_t lpr_reply_body(char *data, size_t size, size_t count, void *arg);
extern void lpr_reply_begin(LprTransfer *transfer);
extern void lpr_reply_finish(LprTransfer *transfer, CURLcode code);
extern void lpr_reply_settle(LprTransfer *transfer, LprHttpState state);
extern void lpr_buffer_recycle(LprBuffer *buffer);

/* http_socket.c */
extern curl_socket_t lpr_socket_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address);
extern int lpr_socket_close(void *arg, curl_socket_t fd);
extern void lpr_sockets_reconcile(void);

/* http_fault.c */
extern void lpr_http_explain_failure(LprTransfer *transfer, CURLcode code);
extern void lpr_http_explain_status(LprTransfer *transfer);

#endif
