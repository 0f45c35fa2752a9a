/*
 * anchor.c: what a question starts from, out of the record that tells of it (gate.c writes it).
 */
#include "writer/anchor.h"

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"

#include "base/json.h"
#include "format/object.h"

static const char *
of_database(const char *text)
{
	return pg_any_to_server(text, strlen(text), PG_UTF8);
}

static const char *
text_of(LprJson *json)
{
	LprSlice value;

	return lpr_json_string(json, &value) && value.data != NULL ? of_database(pnstrdup(value.data, value.len)) : NULL;
}

static const char *
plates_of(LprJson *json)
{
	StringInfoData plates;
	LprSlice plate;

	initStringInfo(&plates);
	lpr_json_enter(json, LPR_JSON_ARRAY);
	while (lpr_json_more(json) && lpr_json_string(json, &plate))
	{
		if (plates.len > 0)
			appendStringInfoChar(&plates, ' ');
		appendBinaryStringInfo(&plates, plate.data, plate.len);
	}
	return of_database(plates.data);
}

static void
degrees_of(LprJson *json, LprDegrees *degrees)
{
	lpr_json_double_if(json, &degrees->given, &degrees->value);
}

static void
take_member(LprJson *json, LprSlice key, LprAnchor *anchor)
{
	if (lpr_object_is(key, "plates"))
		anchor->plates = plates_of(json);
	else if (lpr_object_is(key, "latitude"))
		degrees_of(json, &anchor->latitude);
	else if (lpr_object_is(key, "longitude"))
		degrees_of(json, &anchor->longitude);
	else if (lpr_object_is(key, "address"))
		anchor->place = text_of(json);
	else if (lpr_object_is(key, "make"))
		anchor->make = text_of(json);
	else if (lpr_object_is(key, "model"))
		anchor->model = text_of(json);
	else
		lpr_json_skip(json);
}

void
lpr_anchor_of(const char *payload, size_t len, LprAnchor *anchor)
{
	LprFault fault = {0};
	LprJson *json = lpr_json_open(payload, len, &fault);
	LprSlice key;
	bool failed;

	memset(anchor, 0, sizeof(*anchor));
	if (json == NULL)
		elog(ERROR, "the record of a question cannot be read: %s", fault.message);
	/* What comes behind the window is of the statement and the session. */
	for (lpr_json_enter(json, LPR_JSON_OBJECT); lpr_json_key(json, &key) && !lpr_object_is(key, "from");)
		take_member(json, key, anchor);
	failed = lpr_json_failed(json);
	lpr_json_close(json);
	if (failed)
		elog(ERROR, "the record of a question cannot be read: %s", fault.message);
}
