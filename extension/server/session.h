/*
 * session.h: what the server itself knows of the session: nothing here can be set by the person.
 */
#ifndef LPR_SESSION_H
#define LPR_SESSION_H

#include "postgres.h"

extern bool lpr_session_remote(void);    /* through a network, the loopback included */
extern bool lpr_session_encrypted(void); /* by TLS or GSSAPI */
/* The address of a client that is remote, in numbers; "": there is none, or it cannot be told. */
extern void lpr_session_address(NameData *address);
/* The client's address, "local" for a socket of this machine; NULL: no client at all, as in a background worker. */
extern const char *lpr_session_client(void);

/*
 * Whether a client is connected that is no process of this server: not for background workers (pg_cron), and not for a
 * connection that a process of this server made to it (dblink, pg_cron without workers, COPY TO PROGRAM), be it through
 * a socket of this machine or through TCP. Who goes through another program, such as a pooler, cannot be told from
 * that.
 */
extern bool lpr_session_has_client(void);

#endif
