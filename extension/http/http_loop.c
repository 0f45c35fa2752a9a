/*
 * http_loop.c: one curl_multi in the backend, and one latch wait that drives it.
 *
 * curl tells which sockets and which time it waits for; both go into one epoll descriptor, which stands in one
 * long-lived wait event set with the latch and the postmaster's death. So every wait here is the server's own kind of
 * wait: cancel, statement_timeout, terminate and other backends' barriers get through at once.
 */
#include "http/http_internal.h"

#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#include "miscadmin.h"
#include "storage/fd.h"

#include "server/compat.h"
#include "http/rate.h"

#define EVENTS_AT_ONCE   32
#define IDLE_CONNECTIONS 16L
#define NEVER            INT64CONST(0x7fffffffffffffff)

static struct
{
	bool curl_ready;
	CURLM *multi;
	int epoll_fd; /* -1 = none */
	int timer_fd;
	WaitEventSet *waits;
	dlist_head outstanding;
	int attached;   /* transfers in the multi */
	bool stale;     /* idle connections belong to options that changed */
	uint64 changes; /* settled or set aside, ever */
} engine = {.epoll_fd = -1, .timer_fd = -1, .outstanding = DLIST_STATIC_INIT(engine.outstanding)};

int64
lpr_engine_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64) t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/*
 * curl's word about a socket. Adding what is there already, or changing what is gone, happens when a number is used
 * anew.
 */
static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct epoll_event event = {.data = {.fd = fd}};

	if (what == CURL_POLL_REMOVE)
	{
		epoll_ctl(engine.epoll_fd, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	event.events = ((what & CURL_POLL_IN) ? EPOLLIN : 0) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0);
	if (epoll_ctl(engine.epoll_fd, EPOLL_CTL_MOD, fd, &event) != 0 &&
		epoll_ctl(engine.epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
		return -1;
	return 0;
}

void
lpr_engine_watch(curl_socket_t fd, bool to_send)
{
	(void) watch_socket(NULL, fd, to_send ? CURL_POLL_INOUT : CURL_POLL_IN, NULL, NULL);
}

static int
set_timer(CURLM *multi, long timeout_ms, void *arg)
{
	struct itimerspec timer = {0};

	if (timeout_ms > 0)
	{
		timer.it_value.tv_sec = timeout_ms / 1000;
		timer.it_value.tv_nsec = (timeout_ms % 1000) * 1000000;
	}
	else if (timeout_ms == 0)
		timer.it_value.tv_nsec = 1;
	return timerfd_settime(engine.timer_fd, 0, &timer, NULL) == 0 ? 0 : -1;
}

static int
make_descriptor(int fd, const char *what)
{
	if (fd < 0)
	{
		int problem = errno;

		ReleaseExternalFD();
		errno = problem;
		ereport(ERROR, (errcode_for_file_access(), errmsg("could not make %s for network requests: %m", what)));
	}
	return fd;
}

static void
take_descriptor_number(void)
{
	if (!AcquireExternalFD())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES), errmsg("out of file descriptors for network requests")));
}

static void
make_multi(void)
{
	LprSignals before = lpr_curl_enter();

	engine.multi = curl_multi_init();
	if (engine.multi != NULL)
	{
		curl_multi_setopt(engine.multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
		curl_multi_setopt(engine.multi, CURLMOPT_TIMERFUNCTION, set_timer);
		curl_multi_setopt(engine.multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS);
	}
	lpr_curl_leave(before);
	if (engine.multi == NULL)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
}

/* Makes what is missing: an error half-way leaves the rest to the next call. */
void
lpr_engine_init(void)
{
	/* the postmaster must stay single-threaded, and must not hand one library state to all its children */
	Assert(IsUnderPostmaster || !IsPostmasterEnvironment);

	if (!engine.curl_ready)
	{
		LprSignals before = lpr_curl_enter();
		CURLcode code;

		/* libcurl writes the keys of TLS sessions to the file it names */
		unsetenv("SSLKEYLOGFILE");
		code = curl_global_init(CURL_GLOBAL_DEFAULT);
		lpr_curl_leave(before);
		if (code != CURLE_OK)
			ereport(ERROR,
					(errcode(ERRCODE_FDW_ERROR), errmsg("could not start libcurl: %s", curl_easy_strerror(code))));
		engine.curl_ready = true;
	}
	if (engine.epoll_fd < 0)
	{
		take_descriptor_number();
		engine.epoll_fd = make_descriptor(epoll_create1(EPOLL_CLOEXEC), "an epoll descriptor");
	}
	if (engine.timer_fd < 0)
	{
		struct epoll_event event = {.events = EPOLLIN};

		take_descriptor_number();
		event.data.fd = make_descriptor(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC), "a timer");
		if (epoll_ctl(engine.epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event) != 0)
		{
			close(event.data.fd);
			make_descriptor(-1, "a timer");
		}
		engine.timer_fd = event.data.fd;
	}
	if (engine.waits == NULL)
	{
		WaitEventSet *waits = lpr_wait_set_create(3);

		AddWaitEventToSet(waits, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
		if (IsUnderPostmaster)
			AddWaitEventToSet(waits, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
		AddWaitEventToSet(waits, WL_SOCKET_READABLE, engine.epoll_fd, NULL, NULL);
		engine.waits = waits;
	}
	if (engine.multi == NULL)
		make_multi();
}

void
lpr_engine_add(LprTransfer *transfer)
{
	dlist_push_tail(&engine.outstanding, &transfer->node);
}

void
lpr_engine_detach(LprTransfer *transfer)
{
	LprSignals before;

	if (!transfer->attached)
		return;
	before = lpr_curl_enter();
	curl_multi_remove_handle(engine.multi, transfer->easy);
	lpr_curl_leave(before);
	lpr_sockets_reconcile();
	transfer->attached = false;
	engine.attached--;
}

/* Takes a transfer out of all lists, in any state. */
void
lpr_engine_remove(LprTransfer *transfer)
{
	lpr_engine_detach(transfer);
	if (transfer->easy != NULL)
	{
		LprSignals before = lpr_curl_enter();

		curl_easy_cleanup(transfer->easy);
		lpr_curl_leave(before);
		transfer->easy = NULL;
	}
	if (transfer->node.next != NULL)
	{
		dlist_delete(&transfer->node);
		transfer->node.next = NULL;
	}
}

void
lpr_engine_changed(void)
{
	engine.changes++;
}

void
lpr_http_forget(void)
{
	/* only noted, since this may be called by a cache invalidation, where closing TLS connections has no place */
	engine.stale = true;
}

/* Connections made under options that changed are dropped with the multi that holds them, as soon as nobody uses it. */
static void
drop_stale_connections(void)
{
	CURLM *old = engine.multi;
	LprSignals before;

	if (!engine.stale || engine.attached > 0)
		return;
	engine.multi = NULL;
	before = lpr_curl_enter();
	curl_multi_cleanup(old);
	set_timer(NULL, -1, NULL);
	lpr_curl_leave(before);
	engine.stale = false;
	make_multi();
}

static void
begin_try(LprTransfer *transfer)
{
	transfer->try_ms = transfer->heard_ms = lpr_engine_now();
	transfer->stall_at_ms =
		transfer->peer.stall_timeout_ms > 0 ? transfer->try_ms + transfer->peer.stall_timeout_ms : PG_INT64_MAX;
	transfer->stop = LPR_STOP_NONE;
	transfer->status = 0;
	transfer->header_bytes = 0;
	transfer->retry_after[0] = transfer->reset[0] = '\0';
	transfer->error[0] = '\0';
	transfer->reply.len = 0;
	if (transfer->reply.data != NULL)
		transfer->reply.data[0] = '\0';
}

/* A try has ended, for curl or for us. */
static void
end_try(LprTransfer *transfer, CURLcode code)
{
	if (code == CURLE_OK)
		transfer->stop = LPR_STOP_NONE; /* no descriptor for one address, but another one answered */
	transfer->protocol->finish(transfer, code);
}

void
lpr_engine_launch(LprTransfer *transfer)
{
	LprSignals before;
	CURLMcode code;

	if (!transfer->turn_taken)
	{
		const LprHttpPeer *peer = &transfer->peer;
		int64 wait_ms = peer->can_wait ? lpr_rate_take_idle(MyDatabaseId, peer->key, peer->rate_per_minute)
									   : lpr_rate_take(MyDatabaseId, peer->key, peer->rate_per_minute);

		transfer->turn_taken = !peer->can_wait || wait_ms == 0;
		if (wait_ms > 0)
		{
			transfer->state = LPR_HTTP_WAITING;
			transfer->due_ms = lpr_engine_now() + wait_ms;
			return;
		}
	}
	lpr_engine_init();
	drop_stale_connections();

	begin_try(transfer);
	transfer->turn_taken = false;
	transfer->tries++;
	transfer->cost.requests++;
	before = lpr_curl_enter();
	if (engine.stale)
		curl_easy_setopt(transfer->easy, CURLOPT_FRESH_CONNECT, 1L);
	code = curl_multi_add_handle(engine.multi, transfer->easy);
	lpr_curl_leave(before);
	if (code != CURLM_OK)
	{
		end_try(transfer, code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT);
		return;
	}
	transfer->attached = true;
	transfer->state = LPR_HTTP_RUNNING;
	engine.attached++;
}

/* Hands curl what happened to its sockets and its timer. */
static void
feed_curl(void)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int running;
	int n = epoll_wait(engine.epoll_fd, events, EVENTS_AT_ONCE, 0);

	for (int i = 0; i < n; i++)
	{
		int fd = events[i].data.fd;
		int what = 0;

		if (fd == engine.timer_fd)
		{
			uint64 ticks;

			if (read(fd, &ticks, sizeof(ticks)) < 0 && errno != EAGAIN)
				elog(DEBUG1, "could not read the timer of network requests: %m");
			curl_multi_socket_action(engine.multi, CURL_SOCKET_TIMEOUT, 0, &running);
			continue;
		}
		if (events[i].events & EPOLLIN)
			what |= CURL_CSELECT_IN;
		if (events[i].events & EPOLLOUT)
			what |= CURL_CSELECT_OUT;
		if (events[i].events & (EPOLLERR | EPOLLHUP))
			what |= CURL_CSELECT_ERR;
		curl_multi_socket_action(engine.multi, fd, what, &running);
	}
}

/* Takes one finished transfer from curl. */
static LprTransfer *
next_finished(CURLcode *code)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(engine.multi, &left)) != NULL)
	{
		LprTransfer *transfer = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		*code = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **) &transfer);
		return transfer;
	}
	return NULL;
}

/* A stall is told by bytes that came, counted from when the request could have been answered. */
static void
check_stall(LprTransfer *transfer, int64 now)
{
	curl_off_t ready_us = 0;

	curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
	/* a peer may speak long before there is anything to transfer */
	if (ready_us == 0 && transfer->header_bytes == 0)
		transfer->heard_ms = now; /* still connecting, which has its own limit */
	else if (ready_us > 0)
		transfer->heard_ms = Max(transfer->heard_ms, transfer->try_ms + ready_us / 1000);
	transfer->stall_at_ms = transfer->heard_ms + transfer->peer.stall_timeout_ms;
	if (transfer->stall_at_ms <= now)
	{
		transfer->stop = LPR_STOP_STALLED;
		end_try(transfer, CURLE_OPERATION_TIMEDOUT);
	}
}

void
lpr_engine_drive(void)
{
	LprSignals before;
	LprTransfer *transfer;
	CURLcode code;
	dlist_mutable_iter iter;
	int64 now;

	if (dlist_is_empty(&engine.outstanding) || engine.multi == NULL)
		return;

	before = lpr_curl_enter();
	feed_curl();
	lpr_curl_leave(before);

	while ((transfer = next_finished(&code)) != NULL)
		end_try(transfer, code);

	now = lpr_engine_now();
	dlist_foreach_modify(iter, &engine.outstanding)
	{
		transfer = dlist_container(LprTransfer, node, iter.cur);
		if (transfer->state == LPR_HTTP_RUNNING && transfer->protocol->talk != NULL)
			transfer->protocol->talk(transfer);
		if (transfer->state == LPR_HTTP_WAITING && transfer->due_ms <= now)
			lpr_engine_launch(transfer);
		else if (transfer->state == LPR_HTTP_RUNNING && transfer->stall_at_ms <= now)
			check_stall(transfer, now);
	}
}

/* When a transfer next needs us though its sockets are silent. */
static int64
next_due(void)
{
	int64 due = NEVER;
	dlist_iter iter;

	dlist_foreach(iter, &engine.outstanding)
	{
		LprTransfer *transfer = dlist_container(LprTransfer, node, iter.cur);

		due = Min(due, transfer->state == LPR_HTTP_WAITING ? transfer->due_ms : transfer->stall_at_ms);
	}
	return due;
}

void
lpr_http_wait(long timeout_ms)
{
	static uint32 wait_event = 0;
	int64 until = timeout_ms < 0 ? NEVER : lpr_engine_now() + timeout_ms;
	uint64 seen = engine.changes;

	CHECK_FOR_INTERRUPTS();
	for (;;)
	{
		WaitEvent happened[3];
		int64 now, wake;
		int n;

		lpr_engine_drive();
		if (engine.changes != seen || dlist_is_empty(&engine.outstanding))
			return;
		now = lpr_engine_now();
		if (now >= until)
			return;
		wake = Min(until, next_due());
		n = WaitEventSetWait(engine.waits, wake == NEVER ? -1 : (long) Min(Max(wake - now, 0), 60000), happened,
							 lengthof(happened), lpr_wait_event(&wait_event, "LprHttp"));
		for (int i = 0; i < n; i++)
			if (happened[i].events & WL_LATCH_SET)
			{
				ResetLatch(MyLatch);
				CHECK_FOR_INTERRUPTS();
				return; /* the caller may be what the latch was set for */
			}
		CHECK_FOR_INTERRUPTS();
	}
}
