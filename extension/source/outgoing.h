/*
 * outgoing.h: the one way out to a source: whatever is asked of a vendor, reads, images, tokens, registers, goes by
 * here (Q10, U1, U7).
 */
#ifndef LPR_OUTGOING_H
#define LPR_OUTGOING_H

#include "source/source.h"
#include "gate/query_stats.h"

/*
 * Looks whether what the stats's answer rests on still holds (ERROR, on record, if not), puts the request on record,
 * and hands it to the engine. Frees the request. Without an answer nothing goes out. `statement`: whose
 * lpr.last_query() tells of it, or NULL. `body_max`: of the reply; 0 = the source's.
 */
extern LprHttp *lpr_outgoing(LprSource *source, MemoryContext context, LprStatement *statement, LprQueryStats *stats,
							 LprRequest *request, size_t body_max);

#endif
