/*
 * plate.c: plates and places as SQL functions.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "errors.h"
#include "place.h"
#include "read.h"

#define CONFUSABLES_MAX 64

static LprSlice
text_slice(text *value)
{
	return (LprSlice){VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

static void
normalize(text *plate, char out[LPR_PLATE_ROOM], uint32_t *len)
{
	LprSlice slice = text_slice(plate);

	if (!lpr_plate_normal(slice, out, len))
		ereport(ERROR,
				(errcode(LPR_ERRCODE_NOT_A_PLATE),
				 errmsg("not a plate: \"%.*s\"", pg_mbcliplen(slice.data, slice.len, 64), slice.data),
				 errdetail(
					 "A plate has 1 to %d characters besides blanks and separators, none of them a control character.",
					 LPR_PLATE_MAX)));
}

PG_FUNCTION_INFO_V1(lpr_normal_plate);
Datum
lpr_normal_plate(PG_FUNCTION_ARGS)
{
	char normal[LPR_PLATE_ROOM];
	uint32_t len;

	normalize(PG_GETARG_TEXT_PP(0), normal, &len);
	PG_RETURN_TEXT_P(cstring_to_text_with_len(normal, len));
}

PG_FUNCTION_INFO_V1(lpr_confusable_plates);
Datum
lpr_confusable_plates(PG_FUNCTION_ARGS)
{
	char normal[LPR_PLATE_ROOM];
	char(*plates)[LPR_PLATE_ROOM] = palloc(CONFUSABLES_MAX * LPR_PLATE_ROOM);
	Datum elements[CONFUSABLES_MAX];
	uint32_t len;
	int count;

	normalize(PG_GETARG_TEXT_PP(0), normal, &len);
	count = lpr_plate_confusables((LprSlice){normal, len}, plates, CONFUSABLES_MAX);
	for (int i = 0; i < count; i++)
		elements[i] = CStringGetTextDatum(plates[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
}

PG_FUNCTION_INFO_V1(lpr_matched_how);
Datum
lpr_matched_how(PG_FUNCTION_ARGS)
{
	char asked[LPR_PLATE_ROOM];
	char region[2][4] = {"", ""}; /* a longer text is cut to one that is no region */
	uint32_t len;
	const char *name;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	normalize(PG_GETARG_TEXT_PP(0), asked, &len);
	for (int i = 0; i < 2; i++)
		if (!PG_ARGISNULL(1 + 2 * i))
			text_to_cstring_buffer(PG_GETARG_TEXT_PP(1 + 2 * i), region[i], sizeof(region[i]));
	name =
		lpr_match_name(lpr_plate_match((LprSlice){asked, len}, region[0], text_slice(PG_GETARG_TEXT_PP(2)), region[1]));
	if (name == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(name));
}

PG_FUNCTION_INFO_V1(lpr_distance_m);
Datum
lpr_distance_m(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(
		lpr_place_distance_m(PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2), PG_GETARG_FLOAT8(3)));
}
