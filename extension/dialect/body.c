/*
 * body.c: the bodies of requests, built with json-c. What a vendor answers never goes through it: versions of json-c
 * differ in what they refuse.
 *
 * The only file that knows json-c, whose type json_object clashes with a function of the server (pitfall 39).
 */
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "dialect/kit.h"

json_object *
lpr_body_new(void)
{
	return json_object_new_object();
}

/* Hands value over to body; false when either could not be made. */
static bool
add_to_body(json_object *body, const char *key, json_object *value)
{
	if (body != NULL && value != NULL && json_object_object_add(body, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

bool
lpr_body_string(json_object *body, const char *key, const char *value)
{
	return add_to_body(body, key, json_object_new_string(value));
}

bool
lpr_body_strings(json_object *body, const char *key, const char *const *values, int n)
{
	json_object *array = json_object_new_array_ext(n);

	for (int i = 0; array != NULL && i < n; i++)
	{
		json_object *value = json_object_new_string(values[i]);

		if (value == NULL || json_object_array_add(array, value) != 0)
		{
			json_object_put(value);
			json_object_put(array);
			return false;
		}
	}
	return add_to_body(body, key, array);
}

bool
lpr_body_double(json_object *body, const char *key, double value)
{
	char text[40];

	if (!isfinite(value))
		return false;
	/* The shortest that reads back the same: 34.05, not 34.049999999999997. */
	snprintf(text, sizeof(text), "%.15g", value);
	if (strtod(text, NULL) != value)
		snprintf(text, sizeof(text), "%.17g", value);
	return add_to_body(body, key, json_object_new_double_s(value, text));
}

bool
lpr_body_int(json_object *body, const char *key, int value)
{
	return add_to_body(body, key, json_object_new_int(value));
}

bool
lpr_body_moment(json_object *body, const char *key, LprMoment moment)
{
	char text[LPR_MOMENT_ROOM];

	return lpr_body_string(body, key, lpr_moment_format(moment, text));
}

json_object *
lpr_body_object(json_object *body, const char *key)
{
	json_object *object = json_object_new_object();

	return add_to_body(body, key, object) ? object : NULL;
}

json_object *
lpr_body_object_in_array(json_object *body, const char *key)
{
	json_object *array;
	json_object *object;

	if (!json_object_object_get_ex(body, key, &array))
	{
		array = json_object_new_array();
		if (!add_to_body(body, key, array))
			return NULL;
	}
	object = json_object_new_object();
	if (object != NULL && json_object_array_add(array, object) == 0)
		return object;
	json_object_put(object);
	return NULL;
}

bool
lpr_body_done(json_object *body, bool ok, LprRequest *request, LprFault *fault)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text = ok ? json_object_to_json_string_ext(body, flags) : NULL;

	if (text != NULL)
	{
		lpr_text_adds(&request->body, text);
		lpr_text_adds(&request->shown, " ");
		lpr_text_adds(&request->shown, text);
	}
	json_object_put(body);
	if (text == NULL)
		return lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory, or a number that is not finite");
	return true;
}
