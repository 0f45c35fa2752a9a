/*
 * question.c: from the evaluated conditions of a scan to the canonical question.
 */
#include "fdw/question.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "server/errors.h"
#include "server/invisible.h"
#include "fdw/plate.h"
#include "gate/purpose.h"
#include "core/address.h"
#include "core/region.h"
#include "core/read.h"

/* A question that is being made of its conditions. */
typedef struct Making
{
	LprStatement *statement;
	const char *source;
	LprQuery *query;
	LprEvent *event;
	bool has_plates;
	bool from_given;
	LprMoment asked_from; /* by times, not by other conditions */
	LprMoment asked_until;
	bool possible; /* a read can meet all of them */
	const char *region;
	const char *known_region; /* or NULL is wanted as well */
	bool one_known;
} Making;

/* A value in a message: not all of a long one, and no half characters. */
static char *
shown(const char *text)
{
	return pnstrdup(text, pg_mbcliplen(text, strlen(text), 64));
}

static void
check_plate(const char *plate)
{
	char normal[LPR_PLATE_ROOM];
	uint32_t len;

	lpr_plate_make((LprSlice){plate, strlen(plate)}, normal, &len);
	if (strcmp(plate, normal) != 0)
		ereport(
			ERROR,
			(errcode(LPR_ERRCODE_NOT_CANONICAL), errmsg("plate \"%s\" is not in normal form", plate),
			 errdetail(
				 "Column plate holds upper case without blanks and separators, so this condition could never be met."),
			 errhint("Write '%s', or lpr.normal_plate(...), or use lpr.search_plate(...).", normal)));
}

static const char *
check_word(const char *column, const char *word)
{
	char *upper;
	size_t len = strlen(word);

	if (len == 0 || len > 64)
		ereport(ERROR, (errcode(LPR_ERRCODE_NOT_CANONICAL), errmsg("not a %s: \"%s\"", column, shown(word)),
						errdetail("A %s has 1 to 64 bytes.", column)));
	lpr_refuse_invisible(column, (LprSlice){word, len});
	upper = palloc(LPR_WORD_ROOM(len) + 1);
	upper[lpr_word_normal((LprSlice){word, len}, upper)] = '\0';
	if (strcmp(upper, word) != 0)
		ereport(
			ERROR,
			(errcode(LPR_ERRCODE_NOT_CANONICAL), errmsg("%s \"%s\" is not in upper case", column, word),
			 errdetail("Column %s holds upper case with single blanks, so this condition could never be met.", column),
			 errhint("Write '%s', or use lpr.search_vehicle(...).", upper)));
	return word;
}

/* The same list as lpr.normal_region(). */
static void
check_region(const char *region)
{
	char code[3];
	bool known = lpr_region_code((LprSlice){region, strlen(region)}, code);

	if (!known || strcmp(region, code) != 0)
		ereport(ERROR, (errcode(LPR_ERRCODE_NOT_CANONICAL), errmsg("not a region: \"%s\"", shown(region)),
						errdetail("Column plate_region holds the two upper-case letters of a state or province."),
						known ? errhint("Write '%s'.", code) : errhint("Write two letters such as 'CA'.")));
}

static int
compare_plates(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* The texts of a condition's value, one or an array, without NULLs. */
static int
texts_of(bool one, Datum value, const char ***texts)
{
	Datum *elements;
	bool *nulls;
	int count;
	int kept = 0;

	if (one)
	{
		*texts = palloc(sizeof(char *));
		(*texts)[0] = TextDatumGetCString(value);
		return 1;
	}
	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
	*texts = palloc((count + 1) * sizeof(char *));
	for (int i = 0; i < count; i++)
		if (!nulls[i])
			(*texts)[kept++] = TextDatumGetCString(elements[i]);
	return kept;
}

/* Plates of one condition, sorted and distinct. */
static int
plates_of(bool one, Datum value, const char ***plates)
{
	int given = texts_of(one, value, plates);
	int kept = 0;

	for (int i = 0; i < given; i++)
		check_plate((*plates)[i]);
	qsort(*plates, given, sizeof(char *), compare_plates);
	for (int i = 0; i < given; i++)
		if (kept == 0 || strcmp((*plates)[i], (*plates)[kept - 1]) != 0)
			(*plates)[kept++] = (*plates)[i];
	return kept;
}

static bool
is_among(const char *word, bool one, Datum value)
{
	const char **texts;
	int count = texts_of(one, value, &texts);

	for (int i = 0; i < count; i++)
		if (strcmp(texts[i], word) == 0)
			return true;
	return false;
}

/* Keeps only the plates that both conditions name. */
static void
narrow_plates(LprQuery *query, const char **plates, int nplates)
{
	int kept = 0;

	for (int i = 0; i < query->nplates; i++)
		if (bsearch(&query->plates[i], plates, nplates, sizeof(char *), compare_plates) != NULL)
			query->plates[kept++] = query->plates[i];
	query->nplates = kept;
}

/* False when another condition on the same column asks for something else: then no read can meet both. */
static bool
narrow_word(const char **asked, const char *word)
{
	if (*asked != NULL && strcmp(*asked, word) != 0)
		return false;
	*asked = word;
	return true;
}

static void
take_near(LprQuery *query, const LprValue *values)
{
	double latitude = DatumGetFloat8(values[0].value);
	double longitude = DatumGetFloat8(values[1].value);
	double radius = DatumGetFloat8(values[2].value);

	if (!(latitude >= -90 && latitude <= 90 && longitude >= -180 && longitude <= 180))
		ereport(ERROR,
				(errcode(LPR_ERRCODE_BAD_PLACE),
				 errmsg("not a point: latitude %.10g, longitude %.10g", latitude, longitude),
				 errdetail("Latitude is -90 to 90 degrees, longitude -180 to 180."), errhint("Latitude comes first.")));
	if (!(radius >= 1 && radius <= LPR_RADIUS_MAX_M))
		ereport(ERROR, (errcode(LPR_ERRCODE_BAD_PLACE), errmsg("radius out of range: %.10g metres", radius),
						errdetail("A radius is 1 to %.0f metres.", LPR_RADIUS_MAX_M)));
	/* Of two places the smaller one is asked; the other is checked here. */
	if (query->has_near && query->radius_m <= radius)
		return;
	query->has_near = true;
	query->latitude = latitude;
	query->longitude = longitude;
	query->radius_m = radius;
}

static void
take_plates(Making *making, bool one, Datum value)
{
	LprQuery *query = making->query;
	const char **plates;
	int nplates = plates_of(one, value, &plates);

	if (making->has_plates)
		narrow_plates(query, plates, nplates);
	else
	{
		query->plates = plates;
		query->nplates = nplates;
	}
	making->has_plates = true;
}

static const char *
take_region(Datum value)
{
	const char *region = TextDatumGetCString(value);

	check_region(region);
	return region;
}

/* A condition on captured_at: its value is a moment. */
static void
take_moment(Making *making, LprConditionKind kind, LprMoment moment)
{
	LprQuery *query = making->query;

	if (kind == LPR_CONDITION_AFTER && moment < DT_NOEND)
		moment++;
	if (kind == LPR_CONDITION_BEFORE && moment > DT_NOBEGIN)
		moment--;
	if (kind == LPR_CONDITION_FROM || kind == LPR_CONDITION_AFTER || kind == LPR_CONDITION_AT)
	{
		making->from_given = true;
		making->asked_from = Max(making->asked_from, moment);
		query->from = Max(query->from, moment);
	}
	if (kind == LPR_CONDITION_UNTIL || kind == LPR_CONDITION_BEFORE || kind == LPR_CONDITION_AT)
	{
		making->asked_until = Min(making->asked_until, moment);
		query->until = Min(query->until, moment);
	}
}

static void
take_event(Making *making, int64 id)
{
	making->possible = making->possible && (!making->event->given || making->event->id == id);
	*making->event = (LprEvent){true, id};
}

static bool
is_address(const char *text)
{
	return strlen(text) <= 200 && lpr_address_characters(text) > 0;
}

/* One condition, none of whose values is NULL. */
static void
take_condition(Making *making, LprConditionKind kind, const LprValue *values)
{
	LprQuery *query = making->query;
	char *word;

	switch (kind)
	{
		case LPR_CONDITION_PLATE:
		case LPR_CONDITION_PLATES:
			take_plates(making, kind == LPR_CONDITION_PLATE, values[0].value);
			break;
		case LPR_CONDITION_REGION:
			making->possible = narrow_word(&making->region, take_region(values[0].value)) && making->possible;
			break;
		case LPR_CONDITION_REGION_IF_KNOWN:
			making->one_known = narrow_word(&making->known_region, take_region(values[0].value)) && making->one_known;
			break;
		case LPR_CONDITION_NEAR:
			take_near(query, values);
			break;
		case LPR_CONDITION_ADDRESS:
			word = TextDatumGetCString(values[0].value);
			if (query->address == NULL || is_address(word))
				query->address = word;
			break;
		case LPR_CONDITION_ADDRESS_LIKE:
			/* Of several the first that is an address is asked; all of them are checked here. */
			word = lpr_like_text(TextDatumGetCString(values[0].value));
			if (query->address == NULL || (!is_address(query->address) && is_address(word)))
				query->address = word;
			break;
		case LPR_CONDITION_MAKE:
			making->possible =
				narrow_word(&query->make, check_word("make", TextDatumGetCString(values[0].value))) && making->possible;
			break;
		case LPR_CONDITION_MODEL:
			making->possible = narrow_word(&query->model, check_word("model", TextDatumGetCString(values[0].value))) &&
							   making->possible;
			break;
		case LPR_CONDITION_FROM:
		case LPR_CONDITION_AFTER:
		case LPR_CONDITION_UNTIL:
		case LPR_CONDITION_BEFORE:
		case LPR_CONDITION_AT:
			take_moment(making, kind, DatumGetTimestampTz(values[0].value));
			break;
		case LPR_CONDITION_RECENT:
			query->from = Max(query->from, making->statement->thirty_days_ago);
			break;
		case LPR_CONDITION_EVENT:
			take_event(making, DatumGetInt64(values[0].value));
			break;
		case LPR_CONDITION_FRESH:
			query->fresh = true;
			break;
		case LPR_CONDITION_SOURCE:
		case LPR_CONDITION_SOURCES:
			making->possible =
				making->possible && is_among(making->source, kind == LPR_CONDITION_SOURCE, values[0].value);
			break;
	}
}

static void
take_conditions(Making *making, const LprConditions *conditions)
{
	const LprValue *values = conditions->values;

	for (int i = 0; i < conditions->count; i++)
	{
		LprConditionKind kind = conditions->kinds[i];
		int nvalues = lpr_condition_nvalues(kind);
		bool skip = false;
		bool isnull = false;

		if (conditions->guarded[i])
		{
			skip = !values[0].isnull && DatumGetBool(values[0].value);
			values++;
		}
		for (int v = 0; v < nvalues; v++)
			isnull = isnull || values[v].isnull;
		/* column = NULL is never true; (plate_region = NULL OR plate_region IS NULL) is what is checked here */
		if (!skip && isnull)
			making->possible = making->possible && kind == LPR_CONDITION_REGION_IF_KNOWN;
		else if (!skip)
			take_condition(making, kind, values);
		values += nvalues;
	}
}

/*
 * With both kinds of condition the stricter one holds. Of two known regions only the unknown one is left: that is
 * checked here.
 */
static void
settle_region(Making *making)
{
	LprQuery *query = making->query;
	const char *region = making->region;
	const char *known = making->known_region;

	if (region != NULL && known != NULL)
		making->possible = making->possible && making->one_known && strcmp(region, known) == 0;
	query->region_if_known = region == NULL && known != NULL && making->one_known;
	if (region != NULL || query->region_if_known)
		strlcpy(query->region, region != NULL ? region : known, sizeof(query->region));
}

static void
settle_address(Making *making)
{
	LprQuery *query = making->query;
	char *normal;

	if (query->address != NULL)
		lpr_refuse_invisible("address", (LprSlice){query->address, strlen(query->address)});
	if (query->address == NULL)
		return;
	if (is_address(query->address))
	{
		LprSlice written = {query->address, strlen(query->address)};

		normal = palloc(LPR_WORD_ROOM(written.len) + 1);
		normal[lpr_word_normal(written, normal)] = '\0';
		query->address_normal = normal;
		return;
	}
	/* A condition that is never true asks nothing. */
	if (making->possible && !making->has_plates && !query->has_near && query->make == NULL)
		ereport(
			ERROR,
			(errcode(LPR_ERRCODE_BAD_PLACE), errmsg("not an address: \"%s\"", shown(query->address)),
			 errdetail(
				 "An address has at most 200 bytes, and names a place: by a number with a name behind it, or by two "
				 "names. A kind of street, a direction, the name of a state and the like are in too many."),
			 errhint("lpr.search_location(address => '500 Main Street', ...), or a point with a radius.")));
	query->address = NULL; /* no anchor is needed of it, and it is checked here anyhow */
}

/* What no read can meet was meant otherwise; a condition that is never true for another reason asks nothing. */
static void
check_window(const Making *making)
{
	LprMoment now = making->query->asked_at + LPR_CLOCK_SKEW;

	if (!making->possible || (making->has_plates && making->query->nplates == 0))
		return;
	if (making->asked_from > making->asked_until)
		ereport(ERROR, (errcode(LPR_ERRCODE_EMPTY_TIME), errmsg("the asked time is empty"),
						errdetail("It begins at %s, after its end.", timestamptz_to_str(making->asked_from)),
						errhint("Give the earlier of the two times first: since before until.")));
	if (making->asked_from > now)
		ereport(ERROR, (errcode(LPR_ERRCODE_EMPTY_TIME), errmsg("the asked time lies in the future"),
						errdetail("It begins at %s.", timestamptz_to_str(making->asked_from))));
}

static void
clip_window(Making *making)
{
	LprStatement *statement = making->statement;
	LprQuery *query = making->query;

	if (query->from >= statement->five_years_ago)
		return;
	query->from = statement->five_years_ago;
	if ((making->from_given || query->until < query->from) && !statement->clip_told)
	{
		statement->clip_told = true;
		ereport(NOTICE,
				(errmsg("the asked time was clipped to the last five years"),
				 errdetail("Nothing captured before %s is asked for or shown.", timestamptz_to_str(query->from))));
	}
}

static LprMode
question_mode(const LprQuery *query)
{
	if (query->nplates > 0)
		return LPR_MODE_PLATE;
	/* Within a point's radius: the gate refuses one that has none (Q2). By an address alone it is about that. */
	if ((query->make != NULL || query->model != NULL) && (query->has_near || query->address == NULL))
		return LPR_MODE_VEHICLE;
	if (query->has_near || query->address != NULL)
		return LPR_MODE_LOCATION;
	ereport(ERROR, (errcode(LPR_ERRCODE_NO_ANCHOR), errmsg("the question has no anchor"),
					errdetail("A question starts from a plate, a place (a point with a radius, or an address) or "
							  "a vehicle (make or model) within a place."),
					errhint("Use lpr.search_plate(...), lpr.search_location(...) or lpr.search_vehicle(...), or a "
							"condition such as plate = '7ABC123' or plate IN (...) in WHERE, joined by AND.")));
}

LprQuestion
lpr_question_make(LprStatement *statement, const char *source, const LprConditions *conditions, LprQuery *query,
				  LprEvent *event)
{
	Making making = {.statement = statement,
					 .source = source,
					 .query = query,
					 .event = event,
					 .possible = true,
					 .one_known = true,
					 .asked_from = DT_NOBEGIN,
					 .asked_until = DT_NOEND};

	memset(query, 0, sizeof(*query));
	query->asked_at = statement->asked_at;
	query->from = DT_NOBEGIN;
	query->until = statement->asked_at + LPR_CLOCK_SKEW;
	*event = (LprEvent){false, 0};
	take_conditions(&making, conditions);
	settle_region(&making);
	settle_address(&making);
	if (query->nplates > LPR_PLATES_MAX)
		ereport(ERROR, (errcode(LPR_ERRCODE_TOO_MANY_PLATES), errmsg("too many plates: %d", query->nplates),
						errdetail("One question names at most %d plates.", LPR_PLATES_MAX),
						errhint("Ask in several statements.")));
	if (!event->given)
		*event = lpr_purpose_event();
	check_window(&making);
	clip_window(&making);
	if (!making.possible || (making.has_plates && query->nplates == 0) || query->from > query->until)
		return LPR_QUESTION_EMPTY;
	query->mode = question_mode(query);
	return LPR_QUESTION_ASK;
}
