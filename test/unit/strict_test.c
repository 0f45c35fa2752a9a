/*
 * strict_test.c: the simulator's own judgement of what is JSON, beside the extension's. Two programs that share nothing
 * have to agree on documents changed at random; and json-c, of whatever version, has to make a tree of what passes.
 */
#include <json-c/json.h>
#include <stdlib.h>

#include "../vendor/strict.c"
#include "base/json.h"
#include "tap.h"

static const char *const documents[] = {
	("{\"plate\":\"7ABC123\",\"reason\":\"law enforcement\",\"limit\":50,\"radius\":{\"radius\":{\"latitude\":34.05,"
	 "\"longitude\":-118.25e0}},\"sort\":[{\"field\":\"capturedAt\"},null,true,false]}"),
	"[0,-0,0.5,1e3,1E-2,[[]],{},\"\",\" \\u00e9\\ud83d\\ude97\\\\\\/\\\"\\b\\f\\n\\r\\t\"]\r\n\t ",
	"{\"a\":\"CITRO\xC3\x8BN\",\"\xE2\x82\xAC\":\"\xF0\x9F\x9A\x97\xEF\xBF\xBF\x7F\"}"};

/* Whether the extension takes it; what it refuses beyond the grammar counts as taken. */
static bool
extension_takes(const char *text, size_t len, bool *beyond)
{
	LprFault fault = {0};
	LprJson *json = lpr_json_open(text, len, &fault);
	bool good = json != NULL && lpr_json_skip(json) && lpr_json_finish(json);

	lpr_json_close(json);
	*beyond = strstr(fault.message, "surrogate") != NULL || strstr(fault.message, "\\u0000") != NULL;
	return good;
}

/* In a block of its own, so that a sanitizer sees any step beyond but one: json-c looks at the byte behind. */
static bool
simulator_takes(const char *text, size_t len)
{
	char *body = calloc(1, len + 1);
	struct json_object *object;

	memcpy(body, text, len);
	object = json_read(body, len);
	json_object_put(object);
	free(body);
	return object != NULL;
}

static void
test_agreement(void)
{
	static const char edits[] = "{}[]\",:\\/'#+-.0123456789eEuabnrtfxTNI \t\n\r\x01\x1F\x7F\x80\xBF\xC0\xC3\xED\xA0\xE2"
								"\xF4\xFF";
	int differences = 0, taken = 0;
	char text[400];

	srand(1);
	for (int i = 0; i < 300000; i++)
	{
		const char *document = documents[(size_t) rand() % (sizeof(documents) / sizeof(documents[0]))];
		size_t len = strlen(document);
		bool judged, beyond;

		memcpy(text, document, len);
		for (int n = rand() % 3; n >= 0; n--)
		{
			size_t at = (size_t) rand() % len;
			char edit = edits[(size_t) rand() % sizeof(edits)]; /* NUL too */

			if (rand() % 3 == 0) /* taken out */
				memmove(text + at, text + at + 1, --len - at);
			else if (rand() % 2) /* put in */
			{
				memmove(text + at + 1, text + at, len++ - at);
				text[at] = edit;
			}
			else
				text[at] = edit;
		}
		judged = simulator_takes(text, len);
		taken += judged;
		if (judged != extension_takes(text, len, &beyond) && !(judged && beyond) && differences++ < 10)
			printf("# %s: %.*s\n", judged ? "only the simulator" : "only the extension", (int) len, text);
	}
	ok(differences == 0, "300,000 documents: simulator and extension agree but on %d", differences);
	ok(taken > 30000 && taken < 270000, "%d of them are JSON", taken);
}

#define JUDGED(expected, literal)                                                                                      \
	ok(simulator_takes(literal, sizeof(literal) - 1) == expected, "%s: " #literal, #expected)

static void
test_judgement(void)
{
	char deep[64] = "";

	for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++)
		ok(simulator_takes(documents[i], strlen(documents[i])), "true: %s", documents[i]);
	JUDGED(true, "[123456789012345678901234567890,1e999]");
	JUDGED(false, "null");
	JUDGED(false, "");
	JUDGED(false, " ");
	JUDGED(false, "{'a':1}");
	JUDGED(false, "[NaN]");
	JUDGED(false, "[1,]");
	JUDGED(false, "[01]");
	JUDGED(false, "[1]x");
	JUDGED(false, "[1]\0");
	JUDGED(false, "/**/[1]");
	JUDGED(false, "\xEF\xBB\xBF[1]");
	JUDGED(false, "[\"a\nb\"]");
	JUDGED(false, "[\"\xED\xA0\x80\"]");
	JUDGED(false, "[\"\xF4\x90\x80\x80\"]");
	JUDGED(false, "[\"\xC0\xAF\"]");
	JUDGED(false, "[\"\xC3\"]");
	JUDGED(false, "[\"\\u12g4\"]");
	JUDGED(false, "[\"\\");
	memset(deep, '[', 16);
	memset(deep + 16, ']', 16);
	ok(simulator_takes(deep, 32), "nested 16 deep");
	memset(deep, '[', 17);
	memset(deep + 17, ']', 17);
	ok(!simulator_takes(deep, 34), "not nested 17 deep");
}

/* The tree has what was written, beyond ASCII as well. */
static void
test_tree(void)
{
	struct json_object *object = json_read(documents[2], strlen(documents[2])), *value = NULL;

	ok(json_object_object_get_ex(object, "a", &value), "json-c %s makes the tree", json_c_version());
	is_text(json_object_get_string(value), "CITRO\xC3\x8BN", "with a letter beyond ASCII");
	json_object_put(object);
}

int
main(void)
{
	test_judgement();
	test_agreement();
	test_tree();
	return tap_done();
}
