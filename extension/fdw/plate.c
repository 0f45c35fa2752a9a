/*
 * plate.c: plates and places as SQL functions.
 */
#include "fdw/plate.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "server/errors.h"
#include "server/invisible.h"
#include "core/address.h"
#include "core/place.h"
#include "core/region.h"

#define CONFUSABLES_MAX 64

static LprSlice
text_slice(text *value)
{
	return (LprSlice){VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};
}

void
lpr_plate_make(LprSlice plate, char out[LPR_PLATE_ROOM], uint32_t *len)
{
	char fault[LPR_PLATE_FAULT_ROOM];

	if (lpr_plate_normal(plate, out, len))
		return;
	lpr_plate_fault(plate, fault);
	ereport(ERROR, (errcode(LPR_ERRCODE_NOT_A_PLATE),
					errmsg("not a plate: \"%.*s\"", pg_mbcliplen(plate.data, plate.len, 64), plate.data),
					errdetail_internal("%s", fault), errhint("Write one whole plate, such as '7ABC123'.")));
}

static void
normalize(text *plate, char out[LPR_PLATE_ROOM], uint32_t *len)
{
	lpr_plate_make(text_slice(plate), out, len);
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

/* Told once a statement and plate, since every source of a question may evaluate the call. */
static void
tell_left_out(LprSlice plate)
{
	static TimestampTz told_at = 0;
	static char told[LPR_PLATE_ROOM];
	uint64 all = lpr_plate_confusables_count(plate);

	if (all <= CONFUSABLES_MAX || (told_at == GetCurrentStatementStartTimestamp() && strcmp(told, plate.data) == 0))
		return;
	told_at = GetCurrentStatementStartTimestamp();
	strlcpy(told, plate.data, sizeof(told));
	ereport(NOTICE, (errmsg("plate \"%s\" has more look-alikes than are taken: %d of " UINT64_FORMAT, plate.data,
							CONFUSABLES_MAX, all),
					 errdetail("Those with the fewest changed characters are taken."),
					 errhint("Ask for the others with plate IN (...).")));
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
	tell_left_out((LprSlice){normal, len});
	for (int i = 0; i < count; i++)
		elements[i] = CStringGetTextDatum(plates[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
}

PG_FUNCTION_INFO_V1(lpr_plate_shape_of);
Datum
lpr_plate_shape_of(PG_FUNCTION_ARGS)
{
	text *shape = PG_GETARG_TEXT_P_COPY(0);

	lpr_plate_shape(VARDATA(shape), VARSIZE(shape) - VARHDRSZ);
	PG_RETURN_TEXT_P(shape);
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

PG_FUNCTION_INFO_V1(lpr_normal_region);
Datum
lpr_normal_region(PG_FUNCTION_ARGS)
{
	LprSlice region = text_slice(PG_GETARG_TEXT_PP(0));
	char code[3];

	if (!lpr_region_code(region, code))
		ereport(
			ERROR,
			(errcode(LPR_ERRCODE_NOT_CANONICAL),
			 errmsg("not a region: \"%.*s\"", pg_mbcliplen(region.data, region.len, 64), region.data),
			 errdetail("A region is a state, province or territory of the United States, Canada or Mexico; US (federal "
					   "and military plates), DS (diplomatic) or XT (tribal)."),
			 errhint("Write its two letters, such as 'CA'.")));
	PG_RETURN_TEXT_P(cstring_to_text(code));
}

PG_FUNCTION_INFO_V1(lpr_normal_word);
Datum
lpr_normal_word(PG_FUNCTION_ARGS)
{
	LprSlice word = text_slice(PG_GETARG_TEXT_PP(0));
	char *normal = palloc(LPR_WORD_ROOM(word.len));

	PG_RETURN_TEXT_P(cstring_to_text_with_len(normal, lpr_word_normal(word, normal)));
}

PG_FUNCTION_INFO_V1(lpr_address_contains);
Datum
lpr_address_contains(PG_FUNCTION_ARGS)
{
	LprSlice part = text_slice(PG_GETARG_TEXT_PP(1));
	char *normal = palloc(LPR_WORD_ROOM(part.len));

	PG_RETURN_BOOL(
		lpr_word_contains(text_slice(PG_GETARG_TEXT_PP(0)), (LprSlice){normal, lpr_word_normal(part, normal)}));
}

PG_FUNCTION_INFO_V1(lpr_addresses_meet);
Datum
lpr_addresses_meet(PG_FUNCTION_ARGS)
{
	LprSlice a = text_slice(PG_GETARG_TEXT_PP(0));
	LprSlice b = text_slice(PG_GETARG_TEXT_PP(1));
	char *normal_a = palloc(LPR_WORD_ROOM(a.len));
	char *normal_b = palloc(LPR_WORD_ROOM(b.len));

	PG_RETURN_BOOL(lpr_words_meet((LprSlice){normal_a, lpr_word_normal(a, normal_a)},
								  (LprSlice){normal_b, lpr_word_normal(b, normal_b)}));
}

PG_FUNCTION_INFO_V1(lpr_address_names);
Datum
lpr_address_names(PG_FUNCTION_ARGS)
{
	char *address = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_INT32(lpr_address_characters(pg_server_to_any(address, strlen(address), PG_UTF8)));
}

PG_FUNCTION_INFO_V1(lpr_has_point);
Datum
lpr_has_point(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0) != PG_ARGISNULL(1))
		ereport(ERROR, (errcode(LPR_ERRCODE_BAD_PLACE),
						errmsg("not a point: it has no %s", PG_ARGISNULL(0) ? "latitude" : "longitude"),
						errdetail("A point has both a latitude and a longitude."), errhint("Give both or neither.")));
	PG_RETURN_BOOL(!PG_ARGISNULL(0));
}

/* What the filter will say of a camera that stands there. */
PG_FUNCTION_INFO_V1(lpr_judge_place);
Datum
lpr_judge_place(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {
		[LPR_PLACE_INSIDE] = "inside",
		[LPR_PLACE_OUTSIDE] = "outside",
		[LPR_PLACE_UNKNOWN] = "unknown",
		[LPR_PLACE_CONTRADICTION] = "contradiction",
	};
	LprPlaceSaid said = {.has_point = !PG_ARGISNULL(2) && !PG_ARGISNULL(3)};
	LprSlice *texts[] = {&said.country, &said.region};
	LprCertainty certainty;

	for (int i = 0; i < 2; i++)
		if (!PG_ARGISNULL(i))
			*texts[i] = text_slice(PG_GETARG_TEXT_PP(i));
	if (PG_NARGS() > 4 && !PG_ARGISNULL(4)) /* released SQL has four */
		said.address = text_slice(PG_GETARG_TEXT_PP(4));
	if (said.has_point)
	{
		said.latitude = PG_GETARG_FLOAT8(2);
		said.longitude = PG_GETARG_FLOAT8(3);
	}
	PG_RETURN_TEXT_P(cstring_to_text(names[lpr_place_judge(&said, &certainty)]));
}

PG_FUNCTION_INFO_V1(lpr_given);
Datum
lpr_given(PG_FUNCTION_ARGS)
{
	const char *name = text_to_cstring(PG_GETARG_TEXT_PP(1));

	if (PG_ARGISNULL(0))
		ereport(ERROR, (errcode(strcmp(name, "radius_m") == 0 ? LPR_ERRCODE_BAD_PLACE : LPR_ERRCODE_NO_ANCHOR),
						errmsg("the search has no %s: it is NULL", name),
						errdetail("A search that asks nobody would look like one that found nothing.")));
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

PG_FUNCTION_INFO_V1(lpr_asked_since);
Datum
lpr_asked_since(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (!PG_ARGISNULL(1) && PG_GETARG_TIMESTAMPTZ(0) > PG_GETARG_TIMESTAMPTZ(1))
		ereport(ERROR, (errcode(LPR_ERRCODE_EMPTY_TIME), errmsg("the asked time is empty"),
						errdetail("It begins at %s, after its end.", timestamptz_to_str(PG_GETARG_TIMESTAMPTZ(0))),
						errhint("Give the earlier of the two times first: since before until.")));
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
