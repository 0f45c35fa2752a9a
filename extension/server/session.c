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
#include "common/ip.h"
#include "fmgr.h"
#include "libpq/libpq-be.h"
#include "miscadmin.h"
#include "port/pg_bswap.h"
#include "storage/fd.h"
#include "utils/builtins.h"

#ifdef SERVER_KNOWS_GSS
extern bool be_gssapi_get_enc(Port *port);
#endif

bool
lpr_session_remote(void)
{
	return MyProcPort != NULL && MyProcPort->raddr.addr.ss_family != AF_UNIX;
}

void
lpr_session_address(NameData *address)
{
	static int of = 0;
	static NameData known;

	if (of != MyProcPid)
	{
		memset(&known, 0, sizeof(known));
		if (lpr_session_remote() && pg_getnameinfo_all(&MyProcPort->raddr.addr, MyProcPort->raddr.salen, NameStr(known),
													   sizeof(known), NULL, 0, NI_NUMERICHOST) != 0)
			memset(&known, 0, sizeof(known));                /* of no network */
		NameStr(known)[strcspn(NameStr(known), "%")] = '\0'; /* an interface is no part of an address */
		of = MyProcPid;
	}
	*address = known;
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

/* The process at the other end of a socket of this machine; 0 = another kind of connection, or it is not known. */
static int
peer_process(void)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (MyProcPort == NULL || lpr_session_remote() ||
		getsockopt(MyProcPort->sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return 0;
	return peer.pid;
}

static bool
peer_program(char *name, size_t size)
{
	char path[64];
	FILE *file;
	bool told;

	snprintf(path, sizeof(path), "/proc/%d/comm", peer_process());
	file = AllocateFile(path, "r");
	told = file != NULL && fgets(name, size, file) != NULL;
	if (file != NULL)
		FreeFile(file);
	if (told)
		name[strcspn(name, "\n")] = '\0';
	return told;
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
		has = MyProcPort != NULL;
		if (has && lpr_session_remote())
			has = !server_is_client();
		else if (has)
			has = !of_this_server(peer_process());
		of = MyProcPid;
	}
	return has;
}

PG_FUNCTION_INFO_V1(lpr_session_client_program);
Datum
lpr_session_client_program(PG_FUNCTION_ARGS)
{
	char name[NAMEDATALEN];

	if (!peer_program(name, sizeof(name)))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(name));
}
