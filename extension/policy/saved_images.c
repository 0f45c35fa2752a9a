/*
 * saved_images.c: the images of reads that are being saved, from their source: which is asked as for any question, and
 * so may refuse (Q10, U7).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit/audit_row.h"
#include "gate/answer.h"
#include "gate/decision.h"
#include "source/image.h"

#define IMAGES_AT_ONCE 8

PG_FUNCTION_INFO_V1(lpr_saved_images);

static LprMode
mode_of(const char *name)
{
	static const LprMode modes[] = {LPR_MODE_PLATE, LPR_MODE_LOCATION, LPR_MODE_VEHICLE};

	for (size_t i = 0; i < lengthof(modes); i++)
		if (strcmp(lpr_audit_mode_name(modes[i]), name) == 0)
			return modes[i];
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("nothing is asked by \"%s\"", name)));
}

/* One decision for each way in which the reads came. */
typedef struct Ways
{
	int n;
	LprDecision decisions[3];
} Ways;

static void
read_ways(Ways *ways, ArrayType *given, const LprDecision *common)
{
	Datum *modes;
	bool *nulls;
	int n;

	deconstruct_array(given, TEXTOID, -1, false, TYPALIGN_INT, &modes, &nulls, &n);
	if (n == 0 || n > (int) lengthof(ways->decisions))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("images of no question")));
	for (int i = 0; i < n; i++)
	{
		ways->decisions[i] = *common;
		ways->decisions[i].mode = nulls[i] ? 0 : mode_of(TextDatumGetCString(modes[i]));
	}
	ways->n = n;
}

/* The source may be asked, for this event, in each of these ways. */
static void
check_source(Ways *ways)
{
	for (int i = 0; i < ways->n; i++)
		lpr_decision_check(&ways->decisions[i]);
}

static void
fetch(LprSource *source, LprQueryStats *stats, Ways *ways, Datum *urls, const bool *nulls, int n, ReturnSetInfo *result)
{
	LprHttp *https[IMAGES_AT_ONCE];

	for (int first = 0; first < n; first += IMAGES_AT_ONCE)
	{
		int some = Min(n - first, IMAGES_AT_ONCE);

		check_source(ways);
		for (int i = 0; i < some; i++)
		{
			text *url = nulls[first + i] ? NULL : DatumGetTextPP(urls[first + i]);

			https[i] = url == NULL ? NULL
								   : lpr_image_start(source, CurrentMemoryContext, stats,
													 (LprSlice){VARDATA_ANY(url), VARSIZE_ANY_EXHDR(url)});
		}
		for (int i = 0; i < some; i++)
		{
			bytea *image = lpr_image_take(stats, https[i]);
			Datum values[2] = {urls[first + i], PointerGetDatum(image)};
			bool isnull[2] = {nulls[first + i], image == NULL};

			tuplestore_putvalues(result->setResult, result->setDesc, values, isnull);
			if (image != NULL)
				pfree(image);
		}
	}
}

/* lpr_data.fetch_images(ask, event_id, source, modes, urls) */
Datum
lpr_saved_images(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(2));
	LprDecision decision = {.event = {true, PG_GETARG_INT64(1)}, .ask = PG_GETARG_INT64(0)};
	Ways ways;
	LprFault fault = {0};
	LprSource *source;
	LprQueryStats stats = {0};
	Datum *urls;
	bool *nulls;
	int n;

	InitMaterializedSRF(fcinfo, 0);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(4), TEXTOID, -1, false, TYPALIGN_INT, &urls, &nulls, &n);
	if (n == 0)
		return (Datum) 0;
	strlcpy(decision.source, name, NAMEDATALEN);
	read_ways(&ways, PG_GETARG_ARRAYTYPE_P(3), &decision);
	check_source(&ways);
	source = lpr_source_hold(GetForeignServerByName(name, false)->serverid, GetAuthenticatedUserId(), &fault);
	if (source == NULL)
		ereport(ERROR, (errcode(ERRCODE_FDW_ERROR), errmsg("source \"%s\": %s", name, fault.message)));
	PG_TRY();
	{
		lpr_answer_begin_save(CurrentMemoryContext, &stats, &ways.decisions[0]);
		fetch(source, &stats, &ways, urls, nulls, n, result);
		lpr_answer_end_save(&stats, false);
	}
	PG_CATCH();
	{
		lpr_answer_end_save(&stats, true);
		lpr_source_release(source);
		PG_RE_THROW();
	}
	PG_END_TRY();
	lpr_source_release(source);
	return (Datum) 0;
}
