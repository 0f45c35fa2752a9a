/*
 * malform: good JSON made bad, by the text, for every dialect alike. A kind that aims at a key which the dialect does
 * not have leaves the answer as it is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "vendor.h"

#define LONG_STRING (1024 * 1024)

enum target
{
	AT_PLATE,
	AT_ID,
	AT_TIME,
	AT_NUMBER,
	AT_CONFIDENCE,
	AT_LATITUDE,
	AT_WHOLE
};

struct malformation
{
	const char *kind;
	enum target target;
	const char *value; /* put in the place of the value; NULL: a function does it */
	size_t len;
	void (*change)(const struct reply_keys *keys, const struct fault *fault, struct buf *body);
};

/* Where the value that starts at an offset ends. */
static size_t
value_end(const struct buf *b, size_t at)
{
	int depth = 0;

	for (size_t i = at; i < b->len; i++)
	{
		char c = b->at[i];

		if (c == '"')
		{
			for (i++; i < b->len && b->at[i] != '"'; i++)
				i += b->at[i] == '\\';
			if (depth == 0)
				return i + 1;
		}
		else if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth-- <= 1)
			return depth < 0 ? i : i + 1;
		else if (c == ',' && depth == 0)
			return i;
	}
	return b->len;
}

/* The next plain value (no object, no array) of a key. */
static bool
find(const struct buf *b, const char *key, size_t from, size_t *start, size_t *value)
{
	char pattern[64];
	size_t len = (size_t) snprintf(pattern, sizeof(pattern), "\"%s\":", key ? key : "");

	if (key == NULL || key[0] == '\0')
		return false;
	for (size_t i = from; i + len < b->len; i++)
	{
		if (memcmp(b->at + i, pattern, len) == 0 && b->at[i + len] != '{' && b->at[i + len] != '[')
		{
			*start = i;
			*value = i + len;
			return true;
		}
	}
	return false;
}

static const char *
key_of(const struct reply_keys *keys, enum target target)
{
	const char *const all[] = {keys->plate, keys->id, keys->time, keys->number, keys->confidence, keys->latitude, NULL};

	return all[target];
}

static void
put_values(const char *key, const char *value, size_t len, int count, struct buf *body)
{
	size_t from = 0;
	size_t start;
	size_t at;

	for (; count > 0 && find(body, key, from, &start, &at); count--)
	{
		buf_replace(body, at, value_end(body, at) - at, value, len);
		from = at + len;
	}
}

static void
rename_key(const char *key, int count, struct buf *body)
{
	size_t from = 0;
	size_t start;
	size_t at;

	for (; count > 0 && find(body, key, from, &start, &at); count--)
	{
		body->at[start + 1] = '_';
		from = at;
	}
}

static void
single_quotes(const struct reply_keys *keys, const struct fault *fault, struct buf *body)
{
	(void) keys;
	(void) fault;
	for (size_t i = 0; i < body->len; i++)
	{
		if (body->at[i] == '"')
			body->at[i] = '\'';
	}
}

static void
trailing_junk(const struct reply_keys *keys, const struct fault *fault, struct buf *body)
{
	(void) keys;
	(void) fault;
	buf_str(body, " garbage]}");
}

/* Another plate under the same key, before the true one. */
static void
duplicate_keys(const struct reply_keys *keys, const struct fault *fault, struct buf *body)
{
	char text[96];
	size_t from = 0;
	size_t start;
	size_t at;
	size_t len = (size_t) snprintf(text, sizeof(text), "\"%s\":\"XZQ9911\",", keys->plate ? keys->plate : "");

	for (int i = 0; i < fault->count && find(body, keys->plate, from, &start, &at); i++)
	{
		buf_replace(body, start, 0, text, len);
		from = at + len;
	}
}

static void
deep_nesting(const struct reply_keys *keys, const struct fault *fault, struct buf *body)
{
	struct buf nest = {0};
	size_t start;
	size_t at;

	if (!find(body, keys->plate, 0, &start, &at))
		return;
	buf_str(&nest, "\"extra\":");
	for (int i = 0; i < fault->depth; i++)
		buf_put(&nest, "[", 1);
	for (int i = 0; i < fault->depth; i++)
		buf_put(&nest, "]", 1);
	buf_put(&nest, ",", 1);
	buf_replace(body, start, 0, nest.at, nest.len);
	buf_free(&nest);
}

static void
missing_id(const struct reply_keys *keys, const struct fault *fault, struct buf *body)
{
	rename_key(keys->id, fault->count, body);
}

static void
missing_time(const struct reply_keys *keys, const struct fault *fault, struct buf *body)
{
	rename_key(keys->time, fault->count, body);
}

static void
long_string(const struct reply_keys *keys, const struct fault *fault, struct buf *body)
{
	char *text = need(malloc(LONG_STRING + 2));

	memset(text, 'A', LONG_STRING + 2);
	text[0] = text[LONG_STRING + 1] = '"';
	put_values(keys->plate, text, LONG_STRING + 2, fault->count, body);
	free(text);
}

static void
empty_body(const struct reply_keys *keys, const struct fault *fault, struct buf *body)
{
	(void) keys;
	(void) fault;
	body->len = 0;
}

/* The offset of the value of the rows' key, which is an array; false: the document itself is the array. */
static bool
rows_at(const struct reply_keys *keys, const struct buf *body, size_t *at)
{
	char pattern[64];
	size_t len = (size_t) snprintf(pattern, sizeof(pattern), "\"%s\":", keys->rows ? keys->rows : "");

	for (size_t i = 0; keys->rows && keys->rows[0] && i + len < body->len; i++)
	{
		if (memcmp(body->at + i, pattern, len) == 0)
		{
			*at = i + len;
			return true;
		}
	}
	return false;
}

static void
null_results(const struct reply_keys *keys, const struct fault *fault, struct buf *body)
{
	size_t at;

	(void) fault;
	if (rows_at(keys, body, &at))
		buf_replace(body, at, value_end(body, at) - at, "null", 4);
	else
		buf_replace(body, 0, body->len, "null", 4);
}

static void
bare_array_or_object(const struct reply_keys *keys, const struct fault *fault, struct buf *body)
{
	size_t at;
	size_t end;

	(void) fault;
	if (!rows_at(keys, body, &at))
	{
		buf_replace(body, 0, 0, "{\"results\":", 11);
		buf_str(body, "}");
		return;
	}
	end = value_end(body, at);
	if (body->at[at] == '[')
	{
		body->len = end;
		buf_replace(body, 0, at, "", 0);
	}
	else
	{
		/* A login: its object in an array. */
		buf_replace(body, 0, 0, "[", 1);
		buf_str(body, "]");
	}
}

#define VALUE(text)      text, sizeof(text) - 1, NULL
#define CHANGE(function) NULL, 0, function

static const struct malformation kinds[] = {
	{"invalid_utf8", AT_PLATE, VALUE("\"7AB\xc3\x28\xff\"")},
	{"nan", AT_NUMBER, VALUE("NaN")},
	{"big_integer", AT_NUMBER, VALUE("123456789012345678901234567890123456789")},
	{"nul_escape", AT_PLATE, VALUE("\"7AB\\u0000C123\"")},
	{"raw_nul", AT_PLATE, VALUE("\"7AB\0C123\"")},
	{"lone_surrogate", AT_PLATE, VALUE("\"7AB\\ud800C\"")},
	{"wrong_types", AT_PLATE, VALUE("{\"a\":[1,true,null]}")},
	{"bad_time", AT_TIME, VALUE("\"yesterday\"")},
	{"bad_confidence", AT_CONFIDENCE, VALUE("1234.5")},
	{"bad_coordinates", AT_LATITUDE, VALUE("999.5")},
	{"empty_plate", AT_PLATE, VALUE("\"\"")},
	{"control_chars", AT_PLATE,
	 VALUE("\"7A\x01"
		   "B\n\tC\"")},
	{"control_escapes", AT_PLATE, VALUE("\"7A\\u0001B\\r\\n\\tC\"")},
	{"invisible", AT_PLATE, VALUE("\"7A\xE2\x80\x8B\\u202eBC\"")},
	{"single_quotes", AT_WHOLE, CHANGE(single_quotes)},
	{"trailing_junk", AT_WHOLE, CHANGE(trailing_junk)},
	{"duplicate_keys", AT_WHOLE, CHANGE(duplicate_keys)},
	{"deep_nesting", AT_WHOLE, CHANGE(deep_nesting)},
	{"missing_id", AT_WHOLE, CHANGE(missing_id)},
	{"missing_time", AT_WHOLE, CHANGE(missing_time)},
	{"long_string", AT_WHOLE, CHANGE(long_string)},
	{"empty_body", AT_WHOLE, CHANGE(empty_body)},
	{"null_results", AT_WHOLE, CHANGE(null_results)},
	{"bare_array_or_object", AT_WHOLE, CHANGE(bare_array_or_object)}};

static const struct malformation *
kind_of(const char *kind)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
	{
		if (strcmp(kinds[i].kind, kind) == 0)
			return &kinds[i];
	}
	return NULL;
}

bool
malform_known(const char *kind)
{
	return kind_of(kind) != NULL;
}

void
malform(const struct reply_keys *keys, const struct fault *fault, struct buf *body)
{
	const struct malformation *m = kind_of(fault->kind);

	if (m->change != NULL)
		m->change(keys, fault, body);
	else
		put_values(key_of(keys, m->target), m->value, m->len, fault->count, body);
}
