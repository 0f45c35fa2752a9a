/*
 * source.h: a vendor as this backend knows it: its options, its secret, its token, its cameras.
 */
#ifndef LPR_SOURCE_H
#define LPR_SOURCE_H

#include "source/option.h"
#include "datatype/timestamp.h"

typedef struct LprSource
{
	struct LprSource *next;
	MemoryContext context;
	Oid server;
	Oid mapping;
	int users;  /* questions that hold it */
	bool stale; /* its server, mapping or secret changed: goes with the last user */
	char *name;
	LprOptions options;
	LprSite site;
	LprSite placed; /* its cameras as lpr.add_camera() placed them, if the site has a register of its own */
	TimestampTz token_until;
	bool zone_told; /* that its times have no zone */
	int tokens;     /* so many sign-ins: tells whether a request went out with the token of now */
	TimestampTz cameras_until;
} LprSource;

/*
 * The source of a foreign server, for the login that asks. Held until lpr_source_release. Reads the secret anew when an
 * option changed or the vendor refused it. NULL with a fault when the source is not set up as it should be: then the
 * others of a query are asked all the same.
 */
extern LprSource *lpr_source_hold(Oid server, Oid login, LprFault *fault);
/* Reads the cameras of a source that lpr_data.camera has: as its register, or as what goes before the vendor's. */
extern void lpr_source_load_register(LprSource *source);
extern void lpr_source_release(LprSource *source);
/* Holds once more what is held. */
extern void lpr_source_share(LprSource *source);

#endif
