/*
 * session.c: who holds the other end of the connection, as the kernel knows it.
 */
#include "server/session.h"

#include <dirent.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Debian's server knows GSSAPI, its headers need a package that nothing else here does. The struct is the same without.
 */
#ifdef ENABLE_GSS
#define SERVER_KNOWS_GSS
#undef ENABLE_GSS
#endif
#include "libpq/libpq-be.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "storage/fd.h"

#ifdef SERVER_KNOWS_GSS
extern bool be_gssapi_get_enc(Port *port);
#endif

bool
lpr_session_remote(void)
{
	return MyProcPort != NULL && MyProcPort->raddr.addr.ss_family != AF_UNIX;
}

bool
lpr_session_encrypted(void)
{
#ifdef SERVER_KNOWS_GSS
	if (MyProcPort != NULL && MyProcPort->gss != NULL && be_gssapi_get_enc(MyProcPort))
		return true;
#endif
	return MyProcPort != NULL && MyProcPort->ssl_in_use;
}

const char *
lpr_session_client(void)
{
	if (MyProcPort == NULL)
		return NULL;
	return lpr_session_remote() ? MyProcPort->remote_host : "local";
}

/* Of a process: its parent, 0 when there is none to be seen. */
static int
parent_of(int pid)
{
	char path[64];
	char line[512];
	FILE *file;
	const char *end;
	int parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = AllocateFile(path, "r");
	if (file == NULL)
		return 0;
	if (fgets(line, sizeof(line), file) != NULL && (end = strrchr(line, ')')) != NULL)
		(void) sscanf(end + 1, " %*c %d", &parent);
	FreeFile(file);
	return parent;
}

/* A process of this server, or one that such a process started. */
static bool
of_this_server(int pid)
{
	for (int depth = 0; pid > 0 && depth < 64; depth++)
	{
		if (pid == PostmasterPid)
			return true;
		pid = parent_of(pid);
	}
	return false;
}

/*
 * An address and a port as /proc/net/tcp and tcp6 write them: words of 32 bits as they lie in memory. False when it is
 * of another family.
 */
static bool
kernel_address(const SockAddr *of, bool six, char out[48])
{
	uint32 words[4] = {0, 0, 0, 0};
	uint16 port;

	if (of->addr.ss_family == AF_INET)
	{
		const struct sockaddr_in *in = (const struct sockaddr_in *) &of->addr;

		words[2] = pg_hton32(0xffff); /* v4 as v6 */
		words[3] = in->sin_addr.s_addr;
		port = pg_ntoh16(in->sin_port);
	}
	else if (of->addr.ss_family == AF_INET6 && six)
	{
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *) &of->addr;

		memcpy(words, &in->sin6_addr, sizeof(words));
		port = pg_ntoh16(in->sin6_port);
	}
	else
		return false;
	if (six)
		snprintf(out, 48, "%08X%08X%08X%08X:%04X", words[0], words[1], words[2], words[3], port);
	else
		snprintf(out, 48, "%08X:%04X", words[3], port);
	return true;
}

/* Whether an address is this machine's own: else nobody could bind to it. */
static bool
of_this_machine(const SockAddr *of)
{
	SockAddr any = *of;
	int sock = socket(any.addr.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool own;

	if (any.addr.ss_family == AF_INET)
		((struct sockaddr_in *) &any.addr)->sin_port = 0;
	else if (any.addr.ss_family == AF_INET6)
		((struct sockaddr_in6 *) &any.addr)->sin6_port = 0;
	own = sock >= 0 && bind(sock, (struct sockaddr *) &any.addr, any.salen) == 0;
	if (sock >= 0)
		close(sock);
	return own;
}

/* The inode of the client's end of our connection, if that lies on this machine; 0 when it is not to be found. */
static unsigned long
client_socket(void)
{
	unsigned long found = 0;

	if (!of_this_machine(&MyProcPort->raddr))
		return 0;
	for (int six = 0; six <= 1 && found == 0; six++)
	{
		char its[48], ours[48], line[512];
		FILE *file;

		if (!kernel_address(&MyProcPort->raddr, six, its) || !kernel_address(&MyProcPort->laddr, six, ours))
			continue;
		file = AllocateFile(six ? "/proc/self/net/tcp6" : "/proc/self/net/tcp", "r");
		while (file != NULL && found == 0 && fgets(line, sizeof(line), file) != NULL)
		{
			char local[48], remote[48];
			unsigned long inode;

			if (sscanf(line, " %*d: %47s %47s %*s %*s %*s %*s %*d %*d %lu", local, remote, &inode) == 3 &&
				strcmp(local, its) == 0 && strcmp(remote, ours) == 0)
				found = inode;
		}
		if (file != NULL)
			FreeFile(file);
	}
	return found;
}

static bool
holds_socket(int pid, unsigned long inode)
{
	char path[64], wanted[64], link[64];
	struct dirent *entry;
	DIR *dir;
	bool holds = false;

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = AllocateDir(path);
	while (dir != NULL && !holds && (entry = ReadDirExtended(dir, path, DEBUG1)) != NULL)
	{
		char name[sizeof(path) + NAME_MAX + 2];
		ssize_t len;

		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		len = readlink(name, link, sizeof(link) - 1);
		link[Max(len, 0)] = '\0';
		holds = strcmp(link, wanted) == 0;
	}
	if (dir != NULL)
		FreeDir(dir);
	return holds;
}

/* Whether a process of this server holds the client's end of our connection through TCP. */
static bool
server_is_client(void)
{
	unsigned long inode = client_socket();
	struct dirent *entry;
	DIR *dir;
	bool is = false;

	if (inode == 0)
		return false;
	dir = AllocateDir("/proc");
	while (dir != NULL && !is && (entry = ReadDirExtended(dir, "/proc", DEBUG1)) != NULL)
	{
		int pid = atoi(entry->d_name);

		is = pid > 0 && of_this_server(pid) && holds_socket(pid, inode);
	}
	if (dir != NULL)
		FreeDir(dir);
	return is;
}

bool
lpr_session_has_client(void)
{
	static int of = 0;
	static bool has = false;

	if (of != MyProcPid)
	{
		struct ucred peer;
		socklen_t len = sizeof(peer);

		has = MyProcPort != NULL;
		if (has && lpr_session_remote())
			has = !server_is_client();
		else if (has && getsockopt(MyProcPort->sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
			has = !of_this_server(peer.pid);
		of = MyProcPid;
	}
	return has;
}
