/*
 * statement_jit.c: statements about policy are not compiled before they run.
 */
#include "postgres.h"

#include "jit/jit.h"
#include "utils/lsyscache.h"

#include "policy/statement_jit.h"
#include "server/data.h"

void
lpr_statement_without_jit(PlannedStmt *planned)
{
	Oid schema;
	ListCell *cell;

	if (planned->jitFlags == PGJIT_NONE || !OidIsValid(schema = lpr_data_schema()))
		return;
	foreach (cell, planned->relationOids)
		if (get_rel_namespace(lfirst_oid(cell)) == schema)
		{
			planned->jitFlags = PGJIT_NONE;
			return;
		}
}
