/*
 * json.c: the strict pull reader, a thin grammar over the server's lexer.
 *
 * The lexer runs without escapes: that way it neither allocates nor throws, and a string without a backslash is a slice
 * of the body. The few with one are decoded here rather than by the lexer, which would palloc, and would turn \u into
 * the database's encoding while the rest of the page is UTF-8.
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/lexer.h"
#include "base/json.h"
#include "base/json_value.h"

struct LprJson
{
	JsonLexContext lex;
	LprFault *fault;
	bool failed;
	bool taken; /* the token at hand was consumed: the next one is not lexed yet */
	bool has_backslash;
	bool escaped; /* the string at hand has a backslash */
	int depth;
	LprSlice key;      /* of the member at hand, for messages */
	const char *twice; /* a member that stands twice */
	char *decoded;     /* where strings with escapes go; as large as the body, which they never outgrow */
	size_t decoded_len;
	struct
	{
		bool object;
		bool begun; /* a member or element was there */
	} level[LPR_JSON_DEPTH_MAX + 1];
};

static bool
fault_at(LprJson *json, const char *at, const char *what)
{
	const char *body = json->lex.input;
	size_t len = (size_t) json->lex.input_length;
	size_t offset = (size_t) (at - body);
	size_t from = offset > 60 ? offset - 60 : 0;
	char excerpt[LPR_EXCERPT_ROOM];

	if (json->failed) /* the first fault is the one that tells */
		return false;
	json->failed = true;
	lpr_fault(json->fault, LPR_STATE_BAD_REPLY, "malformed reply: %s", what);
	lpr_fault_detail(json->fault, "At byte %zu of %zu, after byte %zu: %s", offset, len, from,
					 lpr_excerpt(body + from, Min(len - from, 160), excerpt));
	return false;
}

static const char *
token_start(const LprJson *json)
{
	/* At the end of its input the lexer has none. */
	return json->lex.token_start ? json->lex.token_start : json->lex.input + json->lex.input_length;
}

bool
lpr_json_fault(LprJson *json, const char *format, ...)
{
	char what[300];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return fault_at(json, token_start(json), what);
}

/* A value is not what it should be: says of which member. */
static bool
value_fault(LprJson *json, const char *expected)
{
	char excerpt[LPR_EXCERPT_ROOM];
	LprSlice key = json->key;

	if (!json->failed && json->lex.token_type == JSON_TOKEN_END)
		return lpr_json_fault(json, "ends too early");
	if (key.data == NULL)
		return lpr_json_fault(json, "expected %s", expected);
	return lpr_json_fault(json, "member \"%s\" is not %s", lpr_excerpt(key.data, Min(key.len, 40), excerpt), expected);
}

static bool
lexer_fault(LprJson *json, JsonParseErrorType error)
{
	const char *what = "invalid token";

	switch (error)
	{
		case JSON_INVALID_TOKEN:
			if (*token_start(json) == '"' && token_start(json) < json->lex.input + json->lex.input_length)
				what = "unterminated string";
			break;
		case JSON_ESCAPING_INVALID:
			what = "invalid escape sequence";
			break;
		case JSON_ESCAPING_REQUIRED:
			what = "control character in a string";
			break;
		case JSON_UNICODE_ESCAPE_FORMAT:
			what = "invalid \\u escape";
			break;
		default:
			break;
	}
	return lpr_json_fault(json, "%s", what);
}

static bool
unescape(LprJson *json, const char *start, const char *end, char *out, size_t *out_len)
{
	const char *at, *why = lpr_json_unescape(start, end, out, out_len, &at);

	return why == NULL || fault_at(json, at, why);
}

/* Makes sure that a token is at hand. */
static inline bool
have_token(LprJson *json)
{
	JsonParseErrorType error;

	if (json->failed)
		return false;
	if (!json->taken)
		return true;
	error = json_lex(&json->lex);
	if (error != JSON_SUCCESS)
		return lexer_fault(json, error);
	json->taken = false;
	json->escaped = false;
	if (json->has_backslash && json->lex.token_type == JSON_TOKEN_STRING)
	{
		const char *start = json->lex.token_start + 1, *end = json->lex.token_terminator - 1;

		json->escaped = memchr(start, '\\', (size_t) (end - start)) != NULL;
		/* Checked here and not where it is taken, so that passed-over strings are held to the same rules. */
		if (json->escaped && !unescape(json, start, end, NULL, NULL))
			return false;
	}
	return true;
}

/* The string at hand; takes it. */
static inline bool
take_string(LprJson *json, LprSlice *value)
{
	const char *start = json->lex.token_start + 1, *end = json->lex.token_terminator - 1;

	json->taken = true;
	value->data = start;
	value->len = (size_t) (end - start);
	if (likely(!json->escaped))
		return true;
	if (json->decoded == NULL)
	{
		json->decoded = malloc((size_t) json->lex.input_length + 1);
		if (json->decoded == NULL)
		{
			json->failed = true;
			return lpr_fault(json->fault, LPR_STATE_NO_MEMORY, "out of memory");
		}
	}
	value->data = json->decoded + json->decoded_len;
	if (!unescape(json, start, end, json->decoded + json->decoded_len, &value->len))
		return false;
	json->decoded_len += value->len;
	return true;
}

LprJson *
lpr_json_open(const char *body, size_t len, LprFault *fault)
{
	LprJson *json;
	int valid;

	if (len >= INT_MAX)
	{
		lpr_fault(fault, LPR_STATE_BAD_REPLY, "malformed reply: longer than %d bytes", INT_MAX - 1);
		return NULL;
	}
	/* RFC 8259, 8.1: a byte order mark may be ignored. */
	if (len >= 3 && memcmp(body, "\xEF\xBB\xBF", 3) == 0)
	{
		body += 3;
		len -= 3;
	}
	json = malloc(sizeof(*json));
	if (json == NULL)
	{
		lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	memset(json, 0, sizeof(*json));
	/*
	 * The lexer's input is not const, but it writes nothing there. An empty body may be NULL, which pointer arithmetic
	 * forbids.
	 */
	lpr_json_lexer_init(&json->lex, unconstify(char *, len ? body : ""), (int) len);
	json->fault = fault;
	json->taken = true;

	/* Stops at a NUL too. */
	valid = pg_encoding_verifymbstr(PG_UTF8, json->lex.input, (int) len);
	if ((size_t) valid < len)
	{
		fault_at(json, body + valid, body[valid] == '\0' ? "NUL byte" : "invalid UTF-8");
		free(json);
		return NULL;
	}
	json->has_backslash = memchr(json->lex.input, '\\', len) != NULL;
	return json;
}

void
lpr_json_close(LprJson *json)
{
	if (json == NULL)
		return;
	free(json->decoded);
	free(json);
}

LprJsonKind
lpr_json_peek(LprJson *json)
{
	if (!have_token(json))
		return LPR_JSON_FAULT;
	switch (json->lex.token_type)
	{
		case JSON_TOKEN_STRING:
			return LPR_JSON_STRING;
		case JSON_TOKEN_NUMBER:
			return LPR_JSON_NUMBER;
		case JSON_TOKEN_OBJECT_START:
			return LPR_JSON_OBJECT;
		case JSON_TOKEN_ARRAY_START:
			return LPR_JSON_ARRAY;
		case JSON_TOKEN_TRUE:
			return LPR_JSON_TRUE;
		case JSON_TOKEN_FALSE:
			return LPR_JSON_FALSE;
		case JSON_TOKEN_NULL:
			return LPR_JSON_NULL;
		case JSON_TOKEN_END:
			return LPR_JSON_END;
		default:
			lpr_json_fault(json, "expected a value");
			return LPR_JSON_FAULT;
	}
}

bool
lpr_json_enter(LprJson *json, LprJsonKind kind)
{
	bool object = kind == LPR_JSON_OBJECT;

	if (!have_token(json))
		return false;
	if (json->lex.token_type != (object ? JSON_TOKEN_OBJECT_START : JSON_TOKEN_ARRAY_START))
		return value_fault(json, object ? "an object" : "an array");
	if (json->depth >= LPR_JSON_DEPTH_MAX)
		return lpr_json_fault(json, "nested deeper than %d", LPR_JSON_DEPTH_MAX);
	json->depth++;
	json->level[json->depth].object = object;
	json->level[json->depth].begun = false;
	json->taken = true;
	return true;
}

/* At the end of the container or behind the comma before its next part: true if such a part must follow. */
static inline bool
next_part(LprJson *json, JsonTokenType close)
{
	if (!have_token(json))
		return false;
	if (json->lex.token_type == close)
	{
		json->depth--;
		json->taken = true;
		json->key.data = NULL;
		return false;
	}
	if (!json->level[json->depth].begun)
	{
		json->level[json->depth].begun = true;
		return true;
	}
	if (json->lex.token_type != JSON_TOKEN_COMMA)
		return lpr_json_fault(json,
							  close == JSON_TOKEN_OBJECT_END ? "expected \",\" or \"}\"" : "expected \",\" or \"]\"");
	json->taken = true;
	return have_token(json);
}

bool
lpr_json_key(LprJson *json, LprSlice *key)
{
	if (!next_part(json, JSON_TOKEN_OBJECT_END))
		return false;
	if (json->lex.token_type != JSON_TOKEN_STRING)
		return lpr_json_fault(json, "expected the name of a member");
	if (!take_string(json, key) || !have_token(json))
		return false;
	if (json->lex.token_type != JSON_TOKEN_COLON)
		return lpr_json_fault(json, "expected \":\"");
	json->taken = true;
	json->key = *key;
	return true;
}

bool
lpr_json_more(LprJson *json)
{
	return next_part(json, JSON_TOKEN_ARRAY_END);
}

bool
lpr_json_string(LprJson *json, LprSlice *value)
{
	if (!have_token(json))
		return false;
	if (json->lex.token_type == JSON_TOKEN_STRING)
		return take_string(json, value);
	if (json->lex.token_type != JSON_TOKEN_NULL)
		return value_fault(json, "a string");
	value->data = NULL;
	value->len = 0;
	json->taken = true;
	return true;
}

/* The characters of the number at hand, without taking it. */
static inline LprSlice
number_at(const LprJson *json)
{
	return (LprSlice){json->lex.token_start, (size_t) (json->lex.token_terminator - json->lex.token_start)};
}

bool
lpr_json_scalar(LprJson *json, LprSlice *value)
{
	if (!have_token(json))
		return false;
	if (json->lex.token_type != JSON_TOKEN_NUMBER)
		return lpr_json_string(json, value);
	*value = number_at(json);
	json->taken = true;
	return true;
}

bool
lpr_json_string_if(LprJson *json, LprSlice *value)
{
	if (!have_token(json))
		return false;
	if (likely(json->lex.token_type == JSON_TOKEN_STRING))
		return take_string(json, value);
	if (json->lex.token_type != JSON_TOKEN_NULL)
		return false;
	*value = (LprSlice){NULL, 0};
	json->taken = true;
	return true;
}

bool
lpr_json_double_if(LprJson *json, bool *given, double *value)
{
	*given = false;
	if (!have_token(json))
		return false;
	if (json->lex.token_type == JSON_TOKEN_NULL)
	{
		json->taken = true;
		return true;
	}
	if (json->lex.token_type != JSON_TOKEN_NUMBER || !lpr_json_to_double(number_at(json), value))
		return false;
	*given = true;
	json->taken = true;
	return true;
}

LprSlice
lpr_json_member(const LprJson *json)
{
	return json->key;
}

void
lpr_json_twice(LprJson *json, const char *name)
{
	json->twice = name;
}

const char *
lpr_json_forgive(LprJson *json)
{
	const char *name = json->twice;

	json->twice = NULL;
	return name;
}

bool
lpr_json_skip(LprJson *json)
{
	int base = json->depth;

	do
	{
		LprJsonKind kind = lpr_json_peek(json);

		if (kind == LPR_JSON_FAULT)
			return false;
		if (kind == LPR_JSON_END)
			return lpr_json_fault(json, "ends too early");
		if (kind == LPR_JSON_OBJECT || kind == LPR_JSON_ARRAY)
		{
			if (!lpr_json_enter(json, kind))
				return false;
		}
		else
			json->taken = true;

		/* Up to where the next value stands. */
		while (json->depth > base)
		{
			LprSlice key;

			if (json->level[json->depth].object ? lpr_json_key(json, &key) : lpr_json_more(json))
				break;
			if (json->failed)
				return false;
		}
	} while (json->depth > base);
	return true;
}

bool
lpr_json_finish(LprJson *json)
{
	if (!have_token(json))
		return false;
	if (json->depth > 0 || json->lex.token_type != JSON_TOKEN_END)
		return lpr_json_fault(json, "expected the end");
	if (json->twice != NULL)
		return lpr_json_fault(json, "member \"%s\" stands twice", json->twice);
	return true;
}

bool
lpr_json_failed(const LprJson *json)
{
	return json->failed;
}

void
lpr_json_forget(LprJson *json)
{
	json->decoded_len = 0;
}
