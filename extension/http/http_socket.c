/*
 * http_socket.c: curl's sockets among the server's descriptors, so that the backend keeps within its limit.
 *
 * curl's closing callback is not enough: libcurl 7.88 closes a socket whose connect was broken off, or that lost the
 * race between IPv6 and IPv4, without calling it. After some hundred cancelled connects the count would be full and
 * every request refused. So each socket is known by its inode, and what is not there any more is given back.
 */
#include "http/http_internal.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"

typedef struct LprSocket
{
	int fd;
	ino_t inode; /* the number of a descriptor is used again, that of a socket is not for a long time */
} LprSocket;

static LprSocket *sockets = NULL;
static int count = 0;
static int room = 0;

static void
give_back(int at)
{
	sockets[at] = sockets[--count];
	ReleaseExternalFD();
}

void
lpr_sockets_reconcile(void)
{
	struct stat st;

	for (int i = count - 1; i >= 0; i--)
		if (fstat(sockets[i].fd, &st) != 0 || !S_ISSOCK(st.st_mode) || st.st_ino != sockets[i].inode)
			give_back(i);
}

static bool
make_entry(void)
{
	LprSocket *more;

	if (count == room)
	{
		more = realloc(sockets, (size_t) (room + 32) * sizeof(*sockets));
		if (more == NULL)
			return false;
		sockets = more;
		room += 32;
	}
	if (AcquireExternalFD())
		return true;
	lpr_sockets_reconcile();
	return AcquireExternalFD();
}

curl_socket_t
lpr_socket_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	LprTransfer *transfer = arg;
	struct stat st;
	int fd;

	if (purpose != CURLSOCKTYPE_IPCXN)
		return CURL_SOCKET_BAD;
	if (!make_entry())
	{
		transfer->stop = LPR_STOP_NO_DESCRIPTOR;
		return CURL_SOCKET_BAD;
	}
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd >= 0 && fstat(fd, &st) == 0)
	{
		sockets[count].fd = fd;
		sockets[count++].inode = st.st_ino;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	ReleaseExternalFD();
	return CURL_SOCKET_BAD;
}

/* An idle connection outlives the request that opened it, so there is no argument. */
int
lpr_socket_close(void *arg, curl_socket_t fd)
{
	for (int i = 0; i < count; i++)
		if (sockets[i].fd == fd)
		{
			give_back(i);
			break;
		}
	return close(fd);
}
