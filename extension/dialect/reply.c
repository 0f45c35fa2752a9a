/*
 * reply.c: what is taken of small replies, be it there or not.
 */
#include "base/json_value.h"
#include "dialect/kit.h"

bool
lpr_try_string(LprJson *json, LprSlice *value)
{
	*value = (LprSlice){NULL, 0};
	return lpr_json_peek(json) == LPR_JSON_STRING ? lpr_json_string(json, value) : lpr_json_skip(json);
}

/* The characters of a number. */
static bool
try_number(LprJson *json, LprSlice *number)
{
	*number = (LprSlice){NULL, 0};
	return lpr_json_peek(json) == LPR_JSON_NUMBER ? lpr_json_scalar(json, number) : lpr_json_skip(json);
}

bool
lpr_try_int64(LprJson *json, bool *given, int64_t *value)
{
	LprSlice number;
	bool ok = try_number(json, &number);

	*given = number.data != NULL && lpr_json_to_int64(number, value);
	return ok;
}

bool
lpr_try_double(LprJson *json, bool *given, double *value)
{
	LprSlice number;
	bool ok = try_number(json, &number);

	*given = number.data != NULL && lpr_json_to_double(number, value);
	return ok;
}

bool
lpr_try_texts(LprJson *json, const LprField *fields, int nfields, LprSlice *texts)
{
	unsigned seen = 0;
	int field;

	if (lpr_json_peek(json) != LPR_JSON_OBJECT)
		return lpr_json_skip(json);
	if (lpr_json_enter(json, LPR_JSON_OBJECT))
		while (lpr_next_field(json, fields, nfields, &seen, &field) && lpr_try_string(json, &texts[field]))
			;
	return !lpr_json_failed(json);
}

bool
lpr_refusal_text(const char *data, size_t len, const LprField *fields, int nfields, LprText *said)
{
	LprFault fault;
	LprSlice texts[LPR_TEXTS_MAX] = {0};
	LprJson *json = lpr_json_open(data, len, &fault);
	int field = 0;

	if (json == NULL || !lpr_try_texts(json, fields, nfields, texts) || !lpr_json_finish(json))
		field = nfields;
	while (field < nfields && texts[field].len == 0)
		field++;
	if (field < nfields)
		lpr_text_append(said, texts[field].data, texts[field].len);
	lpr_json_close(json);
	return field < nfields;
}
