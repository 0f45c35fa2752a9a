/*
 * body.c: small bodies through json-c: questions, tokens, errors, camera registers.
 *
 * The only file that knows json-c, whose type json_object clashes with a function of the server (pitfall 39).
 */
#include <errno.h>
#include <json-c/json.h>
#include <limits.h>
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
add(json_object *body, const char *key, json_object *value)
{
	if (body != NULL && value != NULL && json_object_object_add(body, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

bool
lpr_body_string(json_object *body, const char *key, const char *value)
{
	return add(body, key, json_object_new_string(value));
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
	return add(body, key, array);
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
	return add(body, key, json_object_new_double_s(value, text));
}

bool
lpr_body_int(json_object *body, const char *key, int value)
{
	return add(body, key, json_object_new_int(value));
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

	return add(body, key, object) ? object : NULL;
}

json_object *
lpr_body_object_in_array(json_object *body, const char *key)
{
	json_object *array = json_object_new_array();
	json_object *object;

	if (!add(body, key, array))
		return NULL;
	object = json_object_new_object();
	if (object != NULL && json_object_array_add(array, object) == 0)
		return object;
	json_object_put(object);
	return NULL;
}

bool
lpr_body_done(json_object *body, bool ok, const char *secret, LprRequest *request, LprFault *fault)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text = ok ? json_object_to_json_string_ext(body, flags) : NULL;

	if (text != NULL)
	{
		lpr_text_adds(&request->body, text);
		if (secret != NULL)
			text =
				add(body, secret, json_object_new_string("***")) ? json_object_to_json_string_ext(body, flags) : NULL;
	}
	if (text != NULL)
	{
		lpr_text_adds(&request->shown, " ");
		lpr_text_adds(&request->shown, text);
	}
	json_object_put(body);
	if (text == NULL)
		return lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory, or a number that is not finite");
	return true;
}

/*
 * What json-c makes of a body, at least as much as it takes: 780 bytes of a "{}", 155 of a "[]", so that a page of the size
 * allowed could become 4 GB. What stands within strings counts too, which does no harm.
 */
#define TREE_MAX ((size_t) 128 * 1024 * 1024)

static size_t
tree_size(const char *data, size_t len)
{
	size_t size = len;

	for (size_t i = 0; i < len; i++)
		size += data[i] == '{' ? 800 : data[i] == '[' ? 160 : data[i] == ',' ? 160 : 0;
	return size;
}

json_object *
lpr_body_parse(const char *data, size_t len, LprFault *fault)
{
	json_tokener *tokener;
	json_object *body = NULL;
	enum json_tokener_error error = json_tokener_error_size;
	char excerpt[LPR_EXCERPT_ROOM];

	tokener = json_tokener_new_ex(LPR_JSON_DEPTH_MAX);
	if (tokener == NULL)
	{
		lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* It takes a NUL for the end. */
	if (len > 0 && len < INT_MAX && tree_size(data, len) <= TREE_MAX && memchr(data, '\0', len) == NULL)
	{
		body = json_tokener_parse_ex(tokener, data, (int) len);
		error = json_tokener_get_error(tokener);
		if (error == json_tokener_success && json_tokener_get_parse_end(tokener) != len)
			error = json_tokener_error_parse_unexpected;
	}
	json_tokener_free(tokener);
	/* Nothing but objects and arrays is asked for; null would come out as NULL. */
	if (error == json_tokener_success &&
		(json_object_is_type(body, json_type_object) || json_object_is_type(body, json_type_array)))
		return body;
	json_object_put(body);
	lpr_fault(fault, LPR_STATE_BAD_REPLY, "malformed reply: %s",
			  error == json_tokener_continue    ? "ends too early"
			  : error == json_tokener_success   ? "neither an object nor an array"
			  : error < json_tokener_error_size ? json_tokener_error_desc(error)
												: "empty, too long, with too many members, or with a NUL byte");
	lpr_fault_detail(fault, "It begins: %s", lpr_excerpt(len ? data : "", len, excerpt));
	return NULL;
}

void
lpr_body_free(json_object *body)
{
	json_object_put(body);
}

static json_object *
member(json_object *body, const char *key, json_type type)
{
	json_object *value;

	if (!json_object_is_type(body, json_type_object) || !json_object_object_get_ex(body, key, &value) ||
		!json_object_is_type(value, type))
		return NULL;
	return value;
}

bool
lpr_body_get_string(json_object *body, const char *key, LprSlice *value)
{
	json_object *string = member(body, key, json_type_string);

	if (string == NULL)
		return false;
	value->data = json_object_get_string(string);
	value->len = (size_t) json_object_get_string_len(string);
	return memchr(value->data, '\0', value->len) == NULL;
}

bool
lpr_body_get_double(json_object *body, const char *key, double *value)
{
	json_object *number = member(body, key, json_type_double);

	if (number == NULL)
		number = member(body, key, json_type_int);
	if (number == NULL)
		return false;
	*value = json_object_get_double(number);
	return isfinite(*value); /* json-c knows NaN and Infinity even when strict */
}

bool
lpr_body_get_int(json_object *body, const char *key, int64_t *value)
{
	json_object *number = member(body, key, json_type_int);

	if (number == NULL)
		return false;
	*value = json_object_get_int64(number);
	return *value != INT64_MAX && *value != INT64_MIN; /* what json-c clamps to */
}

json_object *
lpr_body_get_object(json_object *body, const char *key)
{
	return member(body, key, json_type_object);
}

int
lpr_body_length(json_object *body)
{
	return json_object_is_type(body, json_type_array) ? (int) json_object_array_length(body) : -1;
}

json_object *
lpr_body_element(json_object *body, int i)
{
	return json_object_array_get_idx(body, (size_t) i);
}

bool
lpr_refusal_member(const char *data, size_t len, const char *key, LprText *said)
{
	LprFault fault;
	LprSlice text;
	json_object *body = lpr_body_parse(data, len, &fault);
	bool found = body != NULL && lpr_body_get_string(body, key, &text) && text.len > 0;

	if (found)
		lpr_text_append(said, text.data, text.len);
	json_object_put(body);
	return found;
}
