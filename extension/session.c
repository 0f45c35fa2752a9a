#include "session.h"

#include <sys/socket.h>

/* Debian's server knows GSSAPI, its headers need a package that nothing else here does. The struct is the same without. */
#ifdef ENABLE_GSS
#define SERVER_KNOWS_GSS
#undef ENABLE_GSS
#endif
#include "libpq/libpq-be.h"
#include "miscadmin.h"
#include "storage/procarray.h"

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
		if (has && !lpr_session_remote() && getsockopt(MyProcPort->sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
			has = peer.pid == 0 || (peer.pid != PostmasterPid && BackendPidGetProc(peer.pid) == NULL);
		of = MyProcPid;
	}
	return has;
}
