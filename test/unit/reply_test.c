/*
 * reply_test.c: small replies (sign-ins, registers, refusals): what is JSON and what is not, what is taken, and what
 * memory it takes.
 */
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dialect_case.h"

/* Reads of a dialect; # stands for the value of a member that nobody asks for. */
static const struct reader
{
	const char *dialect;
	const char *what;
	const char *body;
	const char *twice; /* a member that is asked for stands twice */
} readers[] = {
	{"flock-v3", "sign-in", "{\"access_token\":\"tok\",\"x\":#,\"expires_in\":60}",
	 "{\"access_token\":\"tok\",\"expires_in\":60,\"access_token\":\"tok\"}"},
	{"verkada-v1", "sign-in", "{\"x\":#,\"token\":\"tok\"}", "{\"token\":\"tok\",\"toke\\u006e\":\"tok\"}"},
	{"rekor-scout-v2", "register", "[{\"x\":#,\"fields\":{\"camera_id\":7,\"x\":#,\"name\":\"1 Elm St\"}},{\"x\":#}]",
	 "[{\"fields\":{\"camera_id\":7,\"name\":\"1 Elm St\",\"camera_id\":8}}]"},
	{"lpr-v1", "refusal", "{\"x\":#,\"error\":{\"code\":\"c\",\"x\":#,\"message\":\"no\"}}",
	 "{\"error\":{\"code\":\"c\",\"message\":\"no\",\"code\":\"c\"}}"},
	{"flock-v3", "refusal", "{\"error\":\"no\",\"x\":#}", "{\"error\":\"no\",\"error\":\"no\"}"},
	{"parkpow-v1", "refusal", "{\"x\":#,\"detail\":\"no\"}", "{\"detail\":\"no\",\"detail\":\"no\"}"},
	{"verkada-v1", "refusal", "{\"message\":\"no\",\"x\":[0,#]}", "{\"message\":\"no\",\"message\":\"no\"}"}};

/* Whether the reader takes the body, which is in a block of its very size. A fault must be whole, and printable. */
static bool
takes(const struct reader *reader, const char *text, size_t len)
{
	char *body = malloc(len ? len : 1);
	LprText said = {0};
	bool good;

	memcpy(body, text, len);
	memset(&fault, 0, sizeof(fault));
	if (reader->what[0] == 's')
		good = dialect->signed_in(&site, body, len, &fault);
	else if (reader->what[0] == 'r' && reader->what[2] == 'g')
		good = dialect->take_cameras(&site, body, len, &fault);
	else
	{
		good = dialect->refusal(400, body, len, &said) && said.len > 0;
		lpr_text_free(&said);
		free(body);
		return good;
	}
	free(body);
	if (!good && (strcmp(fault.sqlstate, LPR_STATE_BAD_REPLY) != 0 ||
				  strncmp(fault.message, "malformed reply: ", 17) != 0 || strncmp(fault.detail, "At byte ", 8) != 0))
		ok(false, "the fault is whole: %s|%s|%s", fault.sqlstate, fault.message, fault.detail);
	for (const char *c = fault.message; *c; c++)
		if (*c < 0x20 || *c >= 0x7F)
			ok(false, "the message is printable");
	for (const char *c = fault.detail; *c; c++)
		if (*c < 0x20 || *c >= 0x7F)
			ok(false, "the detail is printable");
	return good;
}

/* Each # of the body becomes the value. */
static bool
takes_with(const struct reader *reader, const char *value, size_t len)
{
	LprText body = {0};
	bool good;

	for (const char *c = reader->body; *c; c++)
		lpr_text_append(&body, *c == '#' ? value : c, *c == '#' ? len : 1);
	good = takes(reader, body.data, body.len);
	lpr_text_free(&body);
	return good;
}

#define VALUE(literal)                                                                                                 \
	{                                                                                                                  \
		literal, sizeof(literal) - 1                                                                                   \
	}

/* None of it depends on the version of a library. */
static void
test_json(const struct reader *reader)
{
	static const LprSlice good[] = {VALUE("123456789012345678901234567890123456789"),
									VALUE("-9223372036854775809"),
									VALUE("1e999"),
									VALUE("-0.5E-3"),
									VALUE("\"CITRO\xC3\x8BN \xF0\x9F\x9A\x97\""),
									VALUE("\"\\u0001\\r\\n\\t\\ud83d\\ude97\\/\""),
									VALUE("\"\x7F\""),
									VALUE("[[],{},[{\"a\":[true,false,null]}]]"),
									VALUE(" \t\r\n0 ")};
	static const LprSlice bad[] = {VALUE("NaN"),
								   VALUE("nan"),
								   VALUE("Infinity"),
								   VALUE("-Infinity"),
								   VALUE("TRUE"),
								   VALUE("Null"),
								   VALUE("nul"),
								   VALUE("undefined"),
								   VALUE(""),
								   VALUE("01"),
								   VALUE("+1"),
								   VALUE("1."),
								   VALUE(".5"),
								   VALUE("1e"),
								   VALUE("0x10"),
								   VALUE("'a'"),
								   VALUE("\"a\x01\""),
								   VALUE("\"a\nb\""),
								   VALUE("\"a\tb\""),
								   VALUE("\"a\0b\""),
								   VALUE("\0"),
								   VALUE("\"\\u0000\""),
								   VALUE("\"\\ud800\""),
								   VALUE("\"\\ude97\""),
								   VALUE("\"\\ud83d\\ud83d\""),
								   VALUE("\"\\u00g0\""),
								   VALUE("\"\\x41\""),
								   VALUE("\"\\'\""),
								   VALUE("\"\xFF\""),
								   VALUE("\"\xC0\xAF\""),
								   VALUE("\"\xED\xA0\x80\""),
								   VALUE("\"CITRO\xCBN\""),
								   VALUE("\"a"),
								   VALUE("[1,]"),
								   VALUE("{\"a\":1,}"),
								   VALUE("{a:1}"),
								   VALUE("{'a':1}"),
								   VALUE("{\"a\"}"),
								   VALUE("/* no */ 1"),
								   VALUE("1 // no\n"),
								   VALUE("1 # no\n"),
								   VALUE("1 2"),
								   VALUE("]"),
								   VALUE("["),
								   VALUE("\xEF\xBB\xBF"
										 "1")};
	char nest[100], shown[LPR_EXCERPT_ROOM];
	LprText body = {0};

	start(reader->dialect);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(takes_with(reader, good[i].data, good[i].len), "%s %s: with %s (%s)", reader->dialect, reader->what,
		   lpr_excerpt(good[i].data, good[i].len, shown), fault.message);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!takes_with(reader, bad[i].data, bad[i].len), "%s %s: not with %s (%s)", reader->dialect, reader->what,
		   lpr_excerpt(bad[i].data, bad[i].len, shown), fault.message);

	/* Depth: what is within the body's own, and no deeper than 32. */
	memset(nest, '[', 28);
	memset(nest + 28, ']', 28);
	ok(takes_with(reader, nest, 56), "%s %s: nested 28 deep", reader->dialect, reader->what);
	memset(nest, '[', 32);
	memset(nest + 32, ']', 32);
	ok(!takes_with(reader, nest, 64), "%s %s: not nested 32 deep", reader->dialect, reader->what);

	/* The body as a whole: as it is, then with something around it. */
	for (const char *c = reader->body; *c; c++)
		lpr_text_append(&body, *c == '#' ? "0" : c, 1);
	ok(takes(reader, body.data, body.len), "%s %s", reader->dialect, reader->what);
	for (size_t len = 0; len < body.len; len++)
		if (takes(reader, body.data, len))
			ok(false, "%s %s: cut after %zu bytes", reader->dialect, reader->what, len);
	ok(!takes(reader, "null", 4) && !takes(reader, "\"tok\"", 5) && !takes(reader, "   ", 3), "%s %s: another value",
	   reader->dialect, reader->what);
	ok(!takes(reader, body.data, body.len + 1), "%s %s: a NUL behind it", reader->dialect, reader->what);
	lpr_text_adds(&body, " \r\n");
	ok(takes(reader, body.data, body.len), "%s %s: blanks behind it", reader->dialect, reader->what);
	lpr_text_adds(&body, "{}");
	ok(!takes(reader, body.data, body.len), "%s %s: more behind it", reader->dialect, reader->what);
	memcpy(body.data + body.len - 2, "x]", 2);
	ok(!takes(reader, body.data, body.len), "%s %s: junk behind it", reader->dialect, reader->what);
	lpr_text_free(&body);
	lpr_text_adds(&body, "\xEF\xBB\xBF");
	for (const char *c = reader->body; *c; c++)
		lpr_text_append(&body, *c == '#' ? "0" : c, 1);
	ok(takes(reader, body.data, body.len), "%s %s: a byte order mark is passed over", reader->dialect, reader->what);
	for (char *c = memcpy(body.data, "   ", 3); *c; c++)
		if (*c == '"')
			*c = '\'';
	ok(!takes(reader, body.data, body.len), "%s %s: single quotes", reader->dialect, reader->what);
	lpr_text_free(&body);
	ok(!takes(reader, reader->twice, strlen(reader->twice)), "%s %s: a member twice (%s)", reader->dialect,
	   reader->what, fault.message);
}

static void
not_signed_in(const char *body, const char *why)
{
	ok(!dialect->signed_in(&site, body, strlen(body), &fault), "not signed in: %s", body);
	has(fault.message, "malformed reply: ", "the reply is at fault");
	is_text(fault.message + 17, why, "and why");
}

static void
test_tokens(void)
{
	static const struct
	{
		const char *expires_in;
		int seconds;
	} lifetimes[] = {{"60", 60},
					 {"1", 1},
					 {"86400", 86400},
					 {"86401", 86400},
					 {"0", 86400},
					 {"-5", 86400},
					 {"60.5", 86400},
					 {"6e1", 86400},
					 {"\"60\"", 86400},
					 {"null", 86400},
					 {"[60]", 86400},
					 {"9223372036854775808", 86400},
					 {"123456789012345678901234567890", 86400}};
	char body[200];

	start("flock-v3");
	for (size_t i = 0; i < sizeof(lifetimes) / sizeof(lifetimes[0]); i++)
	{
		snprintf(body, sizeof(body), "{\"expires_in\":%s,\"access_token\":\"t\\u006fk%zu\"}", lifetimes[i].expires_in,
				 i);
		ok(dialect->signed_in(&site, body, strlen(body), &fault) && site.token_seconds == lifetimes[i].seconds,
		   "expires_in %s: %d s", lifetimes[i].expires_in, site.token_seconds);
		snprintf(body, sizeof(body), "tok%zu", i);
		is_text(site.token, body, "its token");
	}
	not_signed_in("{\"access_token\":7}", "member \"access_token\" is not a string");
	not_signed_in("{\"access_token\":{\"a\":1}}", "member \"access_token\" is not a string");
	not_signed_in("{\"access_token\":null}", "member \"access_token\" is missing");
	not_signed_in("{\"expires_in\":60}", "member \"access_token\" is missing");
	not_signed_in("{\"access_token\":\"\"}", "the token has characters that do not belong there");
	not_signed_in("{\"access_token\":\"a\\u0001\"}", "the token has characters that do not belong there");
	not_signed_in("{\"access_token\":\"\xC3\xA9\"}", "the token has characters that do not belong there");
	not_signed_in("{\"access_token\":\"a\\u0000\"}", "\\u0000 cannot be kept");
	not_signed_in("{\"access_token\":\"a\",\"access_token\":\"b\"}", "member \"access_token\" stands twice");
	not_signed_in("[{\"access_token\":\"a\"}]", "expected an object");
	not_signed_in("", "ends too early");
	is_text(site.token, "tok12", "the old token stays");
	start("verkada-v1");
	not_signed_in("{\"token\":[]}", "member \"token\" is not a string");
	not_signed_in("{\"token\":null}", "member \"token\" is missing");
	not_signed_in("{\"message\":\"x\"}", "member \"token\" is missing");
}

/* What becomes of one camera: id|address|owner|latitude,longitude; "" when there is none. */
static void
camera_is(const char *element, const char *expected)
{
	char got[2000] = "", body[2000];

	snprintf(body, sizeof(body), "[7,null,[{}],\"x\",%s,{}]", element);
	if (!dialect->take_cameras(&site, body, strlen(body), &fault))
		snprintf(got, sizeof(got), "%s", fault.message);
	else if (site.ncameras > 0)
	{
		const LprCamera *it = &site.cameras[0];
		int n = snprintf(got, sizeof(got), "%s|%s|%s|", it->id, it->address ? it->address : "-",
						 it->owner ? it->owner : "-");

		if (it->has_point)
			snprintf(got + n, sizeof(got) - (size_t) n, "%g,%g", it->latitude, it->longitude);
	}
	is_text(got, expected, element);
}

static void
test_cameras(void)
{
	char body[1500], long_name[LPR_TEXT_MAX + 2];

	start("rekor-scout-v2");
	camera_is("{\"pk\":1,\"fields\":{\"camera_id\":7,\"name\":\"N\",\"company\":\"PD\",\"latitude\":34.5,\"longitude\":"
			  "-118}}",
			  "7|N|PD|34.5,-118");
	camera_is("{\"pk\":1,\"model\":{\"a\":[]},\"fields\":{\"id\":\"a b\",\"address\":\"1 \\u00c9lm\",\"name\":\"N\"}}",
			  "a b|1 \xC3\x89lm|-|");
	camera_is("{\"pk\":\"p\",\"fields\":{\"company\":12}}", "p|-|12|");
	camera_is("{\"id\":\"bare\",\"name\":\"CITRO\xC3\x8BN\",\"gps_latitude\":1,\"gps_longitude\":2}",
			  "bare|CITRO\xC3\x8BN|-|1,2");
	/* What stands beside "fields" is not of the camera, but for its key. */
	camera_is("{\"id\":5,\"name\":\"outer\",\"latitude\":1,\"longitude\":2,\"fields\":{\"company\":\"PD\"}}", "");
	camera_is("{\"fields\":null,\"id\":5,\"name\":\"outer\"}", "5|outer|-|");
	camera_is("{\"fields\":[{\"id\":6}],\"id\":5}", "5|-|-|");
	camera_is("{\"fields\":{\"id\":5,\"fields\":{\"id\":6}}}", "5|-|-|");

	/* What is unusable is lacking, and no more. */
	camera_is("{\"camera_id\":1.5,\"id\":2}", "2|-|-|");
	camera_is("{\"camera_id\":1e3,\"id\":true,\"pk\":3}", "3|-|-|");
	camera_is("{\"camera_id\":9223372036854775808,\"id\":9223372036854775807}", "9223372036854775807|-|-|");
	camera_is("{\"camera_id\":123456789012345678901234567890,\"pk\":-9223372036854775808}",
			  "-9223372036854775808|-|-|");
	camera_is("{\"camera_id\":123456789012345678901234567890}", "");
	camera_is("{\"id\":\"\",\"pk\":4}", "4|-|-|");
	camera_is("{\"id\":\"a\\u0007\",\"pk\":4,\"address\":\"a\\n\",\"name\":\"N\",\"company\":{\"a\":[]}}", "4|N|-|");
	camera_is("{\"id\":1,\"latitude\":999.5,\"gps_latitude\":34,\"longitude\":2}", "1|-|-|");
	camera_is("{\"id\":1,\"latitude\":34,\"longitude\":-180.5}", "1|-|-|");
	camera_is("{\"id\":1,\"latitude\":34}", "1|-|-|");
	camera_is("{\"id\":1,\"latitude\":\"34\",\"gps_latitude\":35,\"longitude\":null,\"gps_longitude\":2}",
			  "1|-|-|35,2");
	camera_is("{\"id\":1,\"latitude\":1e999,\"gps_latitude\":35,\"longitude\":2}", "1|-|-|35,2");
	camera_is("{\"id\":1,\"latitude\":123456789012345678901234567890,\"longitude\":2}", "1|-|-|");
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[LPR_TEXT_MAX + 1] = '\0';
	snprintf(body, sizeof(body), "{\"id\":1,\"name\":\"%s\",\"company\":\"%s\"}", long_name, long_name + 1);
	dialect->take_cameras(&site, "[]", 2, &fault);
	ok(site.has_cameras && site.ncameras == 0, "an empty register");
	camera_is(body, (snprintf(body + 1000, 500, "1|-|%s|", long_name + 1), body + 1000));

	/* What is no JSON, or says two things at once, is no register. */
	camera_is("{\"id\":1,\"id\":1}", "malformed reply: member \"id\" stands twice");
	camera_is("{\"fields\":{\"id\":1},\"fields\":{\"id\":1}}", "malformed reply: member \"fields\" stands twice");
	camera_is("{\"id\":1,\"latitude\":NaN}", "malformed reply: invalid token");
	camera_is("{\"id\":1,\"name\":\"a\\u0000\"}", "malformed reply: \\u0000 cannot be kept");
	camera_is("{\"id\":1,\"name\":\"a\x01\"}", "malformed reply: control character in a string");
	ok(!dialect->take_cameras(&site, "{\"results\":[]}", 14, &fault), "a register is an array");
	is_text(fault.message, "malformed reply: expected an array", "says why");
	has(fault.detail, "At byte 0 of 14", "and where");
	ok(site.ncameras == 1, "the old register stays");
}

/*
 * In a process that may grow by that much, since memory is what is looked at: how many cameras the register has, -1: it
 * was refused. Its fault goes to our output.
 */
static int
taken_within(const LprText *body, size_t growth)
{
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0)
	{
		FILE *statm = fopen("/proc/self/statm", "r");
		unsigned long pages = 0;
		struct rlimit limit;

		if (statm == NULL || fscanf(statm, "%lu", &pages) != 1)
			_exit(2);
		fclose(statm);
		limit.rlim_cur = limit.rlim_max = pages * (size_t) sysconf(_SC_PAGESIZE) + growth;
		if (setrlimit(RLIMIT_AS, &limit) != 0)
			_exit(2);
		if (!dialect->take_cameras(&site, body->data, body->len, &fault))
		{
			printf("# %s\n", fault.message);
			fflush(stdout);
			_exit(1);
		}
		_exit(site.ncameras == 50000 ? 50 : site.ncameras == 0 ? 0 : 3);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -2;
	return WEXITSTATUS(status) == 50 ? 50000 : WEXITSTATUS(status) == 0 ? 0 : -WEXITSTATUS(status);
}

/* Never more than the body needs: no tree of it, and one camera at a time. */
static void
test_memory(void)
{
	LprText body = {0};

	start("rekor-scout-v2");
	for (int i = 0; i < 50000; i++)
		lpr_text_printf(
			&body,
			"%s{\"pk\":%d,\"model\":\"cameras.camera\",\"fields\":{\"camera_id\":%d,\"name\":\"%d North Main "
			"Street\\/Springfield\",\"company\":\"Springfield Police Department\",\"latitude\":34.05,"
			"\"longitude\":-118.25,\"status\":\"online\",\"streams\":[{\"url\":\"x\"},{\"url\":\"y\"}]}}",
			i ? "," : "[", i, i, i);
	lpr_text_adds(&body, "]");
	/* The cameras, and what escapes are decoded into, which is as large as the body. */
	ok(taken_within(&body, 3 * body.len) == 50000, "a register of 50,000 cameras in three times its %zu bytes",
	   body.len);
	lpr_text_free(&body);

	/* Elements that a tree would need 780 bytes for. */
	for (int i = 0; i < 1000000; i++)
		lpr_text_adds(&body, i ? ",{}" : "[{}");
	lpr_text_adds(&body, "]");
	ok(taken_within(&body, (size_t) 4 << 20) == 0, "a million cameras without a name take nothing");
	lpr_text_free(&body);

	for (int i = 0; i <= 500000; i++)
		lpr_text_printf(&body, "%s{\"id\":%d}", i ? "," : "[", i);
	lpr_text_adds(&body, "]");
	ok(!dialect->take_cameras(&site, body.data, body.len, &fault), "there is a limit");
	is_text(fault.message, "malformed reply: more than 500000 cameras", "which is told");
	lpr_text_free(&body);
}

static void
test_refusals(void)
{
	start("flock-v3");
	refuses("{\"error_description\":\"\",\"error\":\"x\"}", "x");
	refuses("{\"error\":\"x\",\"error_description\":7}", "x");
	refuses("{\"error\":\"x\",\"error_description\":\"y\"}", "y");
	refuses("{\"error\":{\"a\":1}}", NULL);
	refuses("{\"error\":\"CITRO\xC3\x8BN\"}", "CITRO\xC3\x8BN");
	start("lpr-v1");
	refuses("{\"error\":{\"code\":\"c\",\"message\":7}}", "c");
	refuses("{\"error\":{\"code\":7,\"message\":\"m\"}}", "m");
	refuses("{\"error\":{\"code\":\"c\",\"message\":\"m\"}} x", NULL);
	refuses("{\"error\":[{\"code\":\"c\"}]}", NULL);
	refuses("[]", NULL);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		test_json(&readers[i]);
	test_tokens();
	test_cameras();
	test_memory();
	test_refusals();
	return finish();
}
