/*
 * received.c: the leg for what a vendor has received of some plates, of which there is never one for all plates (Q1).
 */
#include <stdlib.h>

#include "dialect/kit.h"

int
lpr_leg_received(const LprDialect *dialect, const LprQuery *query, const LprSite *site, LprLeg **legs, LprFault *fault)
{
	LprLeg *leg;

	*legs = NULL;
	if (dialect->received_plates == 0)
		lpr_fault(fault, LPR_STATE_BAD_OPTION, "dialect %s does not tell what it has received", dialect->name);
	else if (query->mode != LPR_MODE_PLATE || query->nplates < 1)
		lpr_fault(fault, LPR_STATE_BAD_OPTION, "what was received is asked for by plate only");
	else if (query->nplates > dialect->received_plates)
		lpr_fault(fault, LPR_STATE_TOO_MUCH, "what was received is asked for of at most %d plates at once",
				  dialect->received_plates);
	else if ((leg = calloc(1, sizeof(LprLeg))) == NULL ||
			 (query->mark != NULL && (leg->mark = strdup(query->mark)) == NULL))
	{
		free(leg);
		lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
	}
	else
	{
		leg->query = query;
		leg->site = site;
		leg->nplates = query->nplates;
		leg->camera = -1;
		leg->from = query->from;
		leg->until = query->until;
		leg->page_size = query->page_size;
		*legs = leg;
		return 1;
	}
	return -1;
}
