/*
 * json_test.c: the strict pull reader (pitfalls 21-23).
 */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/json_value.h"
#include "tap.h"

/*
 * Reads a whole document; the body is copied to a block of its very size, so that the sanitizer sees any step beyond.
 */
static bool
passes(const char *text, size_t len, LprFault *fault)
{
	char *body = malloc(len ? len : 1);
	LprJson *json;
	bool good;

	memcpy(body, text, len);
	memset(fault, 0, sizeof(*fault));
	json = lpr_json_open(body, len, fault);
	good = json != NULL && lpr_json_skip(json) && lpr_json_finish(json);
	lpr_json_close(json);
	free(body);
	return good;
}

static void
refused(const char *text, size_t len, const char *message)
{
	LprFault fault;
	char shown[LPR_EXCERPT_ROOM], what[LPR_EXCERPT_ROOM + 100];

	snprintf(what, sizeof(what), "refused: %s (%s)", lpr_excerpt(text, len < 40 ? len : 40, shown), message);
	if (passes(text, len, &fault))
		ok(false, "%s", what);
	else
	{
		has(fault.message, message, what);
		if (strcmp(fault.sqlstate, LPR_STATE_BAD_REPLY) != 0 || strncmp(fault.message, "malformed reply: ", 17) != 0 ||
			strncmp(fault.detail, "At byte ", 8) != 0)
			ok(false, "fault is complete: %s|%s|%s", fault.sqlstate, fault.message, fault.detail);
	}
}

#define REFUSED(literal, message) refused(literal, sizeof(literal) - 1, message)

static void
accepted(const char *text)
{
	LprFault fault;

	ok(passes(text, strlen(text), &fault), "accepted: %.60s", text);
	if (fault.message[0])
		printf("# %s | %s\n", fault.message, fault.detail);
}

static void
test_strictness(void)
{
	char deep[200];

	accepted("{}");
	accepted(" [ ] ");
	accepted("{\"a\":[1,-0,0.5,1e3,1E-2,true,false,null,\"\",{\"b\":{}}]}\r\n\t ");
	accepted("\"\\u00e9\\ud83d\\ude97\\\\\\/\\\"\\b\\f\\n\\r\\t\"");
	accepted("\"\xC3\xA9\xF0\x9F\x9A\x97\xEF\xBF\xBF\x7F\"");

	REFUSED("", "ends too early");
	REFUSED("   ", "ends too early");
	REFUSED("{\"a\":1} x", "invalid token");
	REFUSED("{\"a\":1}{}", "expected the end");
	REFUSED("[1]]", "expected the end");
	REFUSED("1,", "expected the end");
	REFUSED("[1,]", "expected a value");
	REFUSED("[,1]", "expected a value");
	REFUSED("[1 2]", "expected \",\" or \"]\"");
	REFUSED("[1", "expected \",\" or \"]\"");
	REFUSED("[1}", "expected \",\" or \"]\"");
	REFUSED("[", "ends too early");
	REFUSED("[1,", "ends too early");
	REFUSED("{", "expected the name of a member");
	REFUSED("{\"a\"", "expected \":\"");
	REFUSED("{\"a\" 1}", "expected \":\"");
	REFUSED("{\"a\":", "ends too early");
	REFUSED("{\"a\":}", "expected a value");
	REFUSED("{\"a\":1,}", "expected the name of a member");
	REFUSED("{,}", "expected the name of a member");
	REFUSED("{a:1}", "invalid token");
	REFUSED("{1:1}", "expected the name of a member");
	REFUSED("{\"a\":1]", "expected \",\" or \"}\"");
	REFUSED("{'a':1}", "invalid token");
	REFUSED("['a']", "invalid token");
	REFUSED("[NaN]", "invalid token");
	REFUSED("[Infinity]", "invalid token");
	REFUSED("[-Infinity]", "invalid token");
	REFUSED("[nan]", "invalid token");
	REFUSED("[TRUE]", "invalid token");
	REFUSED("[nul]", "invalid token");
	REFUSED("[01]", "invalid token");
	REFUSED("[+1]", "invalid token");
	REFUSED("[1.]", "invalid token");
	REFUSED("[.5]", "invalid token");
	REFUSED("[1e]", "invalid token");
	REFUSED("[-]", "invalid token");
	REFUSED("[0x10]", "invalid token");
	REFUSED("[1] // no", "invalid token");
	REFUSED("/* no */ [1]", "invalid token");
	REFUSED("\xEF\xBB\xBF\xEF\xBB\xBF[1]", "invalid token"); /* one is enough */
	REFUSED("\"abc", "unterminated string");
	REFUSED("[\"abc\\\"]", "unterminated string");
	REFUSED("\"", "unterminated string");
	REFUSED("\"\\", "unterminated string");
	REFUSED("\"\\u12", "unterminated string");
	REFUSED("\"\\u12g4\"", "invalid \\u escape");
	REFUSED("\"\\x41\"", "invalid escape sequence");
	REFUSED("\"\\'\"", "invalid escape sequence");
	REFUSED("\"a\nb\"", "control character in a string");
	REFUSED("\"a\x01\"", "control character in a string");
	REFUSED("[1\0]", "NUL byte");
	REFUSED("\"a\0b\"", "NUL byte");
	REFUSED("[1]\0", "NUL byte");
	REFUSED("\"a\\u0000b\"", "\\u0000 cannot be kept");
	REFUSED("{\"a\\u0000\":1}", "\\u0000 cannot be kept");
	REFUSED("\"\\ud83d\"", "high surrogate without a low one");
	REFUSED("\"\\ud83dx\"", "high surrogate without a low one");
	REFUSED("\"\\ud83d\\n\"", "high surrogate without a low one");
	REFUSED("\"\\ud83d\\ud83d\"", "high surrogate without a low one");
	REFUSED("\"\\ud83d\\u0041\"", "high surrogate without a low one");
	REFUSED("\"\\ude97\"", "low surrogate without a high one");
	REFUSED("\"\xC3\"", "invalid UTF-8");
	REFUSED("\"\xC0\xAF\"", "invalid UTF-8");
	REFUSED("\"\xE0\x80\x80\"", "invalid UTF-8");
	REFUSED("\"\xED\xA0\x80\"", "invalid UTF-8");
	REFUSED("\"\xF4\x90\x80\x80\"", "invalid UTF-8");
	REFUSED("\"\xFF\"", "invalid UTF-8");
	REFUSED("[1]\x80", "invalid UTF-8");

	memset(deep, '[', 32);
	memset(deep + 32, ']', 32);
	deep[64] = '\0';
	accepted(deep);
	memset(deep, '[', 33);
	memset(deep + 33, ']', 33);
	refused(deep, 66, "nested deeper than 32");
	memset(deep, '[', sizeof(deep));
	refused(deep, sizeof(deep), "nested deeper than 32");
	for (size_t i = 0; i + 5 <= sizeof(deep); i += 5)
		memcpy(deep + i, "{\"a\":", 5);
	refused(deep, 200, "nested deeper than 32");
}

static void
test_detail(void)
{
	LprFault fault;
	char body[1000];

	memset(body, ' ', sizeof(body));
	memcpy(body + 500, "\"caf\xC3\xA9\n", 7);
	ok(!passes(body, sizeof(body), &fault), "a fault in the middle");
	has(fault.detail, "At byte 500 of 1000, after byte 440: ", "says where");
	has(fault.detail, "\"caf\\xC3\\xA9\\x0A", "and shows it escaped");
	ok(strlen(fault.detail) < 60 + LPR_EXCERPT_ROOM, "and is bounded");
}

/* One value: its double or int64, or a refusal. */
static void
number(const char *text, bool want_int, double expected, int64_t expected_int, const char *message)
{
	LprFault fault = {0};
	LprJson *json = lpr_json_open(text, strlen(text), &fault);
	bool given = want_int, good;
	double value = 0;
	int64_t integer = 0;
	LprSlice digits;

	good = want_int ? lpr_json_scalar(json, &digits) && lpr_json_to_int64(digits, &integer)
					: lpr_json_double_if(json, &given, &value);
	if (message)
		ok(!good && !lpr_json_failed(json) && (want_int || lpr_json_skip(json)), "%.40s is not %s, and left there",
		   text, message);
	else if (want_int)
		ok(good && given && integer == expected_int, "%s", text);
	else
		ok(good && given && memcmp(&value, &expected, sizeof(value)) == 0, "%.40s = %.17g", text, value);
	lpr_json_close(json);
}

static void
test_numbers(void)
{
	const char *exact[] = {"0",
						   "-0",
						   "0.1",
						   "-118.243683",
						   "34.052234",
						   "0.999999999999999",
						   "123456789012345",
						   "123456789012345.6",
						   "1234567890123456",
						   "9007199254740993",
						   "0.30000000000000004",
						   "1e22",
						   "1E+3",
						   "2.5e-7",
						   "5e-324",
						   "2.2250738585072014e-308",
						   "1.7976931348623157e308",
						   "0.000000000000001",
						   "0.0000000000000012",
						   "99999999999999999999999999",
						   "18446744073709551616",
						   "18446744073709551615.5"};
	char text[200];

	for (size_t i = 0; i < sizeof(exact) / sizeof(exact[0]); i++)
		number(exact[i], false, strtod(exact[i], NULL), 0, NULL);
	srand(1);
	for (int i = 0, wrong = 0; i <= 200000; i++)
	{
		LprFault fault;
		LprJson *json;
		bool given;
		double value;

		if (i == 200000)
		{
			ok(wrong == 0, "200000 random decimals are the doubles that strtod finds");
			break;
		}
		snprintf(text, sizeof(text), "%s%d.%0*d", i % 2 ? "-" : "", rand() % 100000, 1 + i % 9, rand() % 1000000000);
		json = lpr_json_open(text, strlen(text), &fault);
		wrong += !lpr_json_double_if(json, &given, &value) || value != strtod(text, NULL);
		lpr_json_close(json);
	}
	number("1e309", false, 0, 0, "a finite number");
	number("-1e999999", false, 0, 0, "a finite number");
	memset(text, '1', 150);
	text[150] = '\0';
	number(text, false, 0, 0, "one of usual length");
	number("\"1\"", false, 0, 0, "a number");
	number("true", false, 0, 0, "a number");
	number("[1]", false, 0, 0, "a number");

	number("0", true, 0, 0, NULL);
	number("-0", true, 0, 0, NULL);
	number("9223372036854775807", true, 0, INT64_MAX, NULL);
	number("-9223372036854775808", true, 0, INT64_MIN, NULL);
	number("9223372036854775808", true, 0, 0, "of 64 bits");
	number("-9223372036854775809", true, 0, 0, "of 64 bits");
	number("99999999999999999999", true, 0, 0, "of 64 bits");
	number("1.0", true, 0, 0, "of 64 bits");
	number("1e3", true, 0, 0, "of 64 bits");
}

static void
test_walk(void)
{
	static const char body[] =
		"{\"plain\": \"caf\xC3\xA9\", \"e\\u0073c\": \"a\\n\\u00e9\\ud83d\\ude97\\/\", \"null\": null,"
		" \"list\": [1, \"two\", null, {\"x\": [[]]}], \"n\": 42, \"s\": \"seven\", \"no\": null}";
	LprFault fault = {0};
	LprJson *json = lpr_json_open(body, sizeof(body) - 1, &fault);
	LprSlice key, plain, value;
	double real;
	bool given;

	ok(lpr_json_peek(json) == LPR_JSON_OBJECT, "peek sees an object");
	ok(lpr_json_enter(json, LPR_JSON_OBJECT), "enter");
	ok(lpr_json_key(json, &key), "key");
	is_slice(key, "plain", "the first key");
	ok(lpr_json_peek(json) == LPR_JSON_STRING && lpr_json_peek(json) == LPR_JSON_STRING, "peek changes nothing");
	lpr_json_string(json, &plain);
	is_slice(plain, "caf\xC3\xA9", "a string");
	ok(plain.data >= body && plain.data < body + sizeof(body), "without escapes it is a slice of the body");
	lpr_json_key(json, &key);
	is_slice(key, "esc", "a key with an escape");
	lpr_json_string(json, &value);
	is_slice(value, "a\n\xC3\xA9\xF0\x9F\x9A\x97/", "a string with escapes");
	lpr_json_key(json, &key);
	lpr_json_string(json, &value);
	is_slice(value, NULL, "null as a string");
	lpr_json_key(json, &key);
	ok(lpr_json_enter(json, LPR_JSON_ARRAY) && lpr_json_more(json), "an array");
	ok(lpr_json_double_if(json, &given, &real) && given && real == 1, "its first element");
	ok(lpr_json_more(json) && lpr_json_skip(json), "a string skipped");
	ok(lpr_json_more(json) && lpr_json_double_if(json, &given, &real) && !given, "null as a number");
	ok(lpr_json_more(json) && lpr_json_skip(json), "an object skipped");
	ok(!lpr_json_more(json) && !lpr_json_failed(json), "the end of the array");
	is_slice(plain, "caf\xC3\xA9", "slices are still valid");
	ok(lpr_json_key(json, &key) && lpr_json_scalar(json, &value), "a scalar");
	is_slice(value, "42", "a number as text");
	ok(lpr_json_key(json, &key) && lpr_json_scalar(json, &value), "another");
	is_slice(value, "seven", "a string as text");
	ok(lpr_json_key(json, &key) && lpr_json_scalar(json, &value) && value.data == NULL, "null as a scalar");
	ok(!lpr_json_key(json, &key) && !lpr_json_failed(json), "the end of the object");
	ok(lpr_json_peek(json) == LPR_JSON_END && lpr_json_finish(json), "the end of the document");
	lpr_json_close(json);

	json = lpr_json_open("{\"plate\": 7}", 12, &fault);
	lpr_json_enter(json, LPR_JSON_OBJECT);
	lpr_json_key(json, &key);
	ok(!lpr_json_string(json, &value) && lpr_json_failed(json), "a number is no string");
	is_text(fault.message, "malformed reply: member \"plate\" is not a string", "and the fault names the member");
	ok(!lpr_json_key(json, &key) && !lpr_json_skip(json) && !lpr_json_finish(json) &&
		   lpr_json_peek(json) == LPR_JSON_FAULT,
	   "nothing works after a fault");
	ok(!lpr_json_fault(json, "later") && strstr(fault.message, "later") == NULL, "and the first fault stands");
	lpr_json_close(json);

	json = lpr_json_open("[\"\\n\",\"\\t\"]", 11, &fault);
	lpr_json_enter(json, LPR_JSON_ARRAY);
	for (int i = 0; lpr_json_more(json); i++)
	{
		lpr_json_forget(json);
		lpr_json_string(json, &value);
		is_slice(value, i ? "\t" : "\n", "after forget, memory is used again");
	}
	lpr_json_close(json);
	ok(lpr_json_open("x", (size_t) 1 << 32, &fault) == NULL, "a body beyond the lexer's int");
	lpr_json_close(NULL);
}

int
main(void)
{
	test_strictness();
	test_detail();
	test_numbers();
	test_walk();
	return tap_done();
}
