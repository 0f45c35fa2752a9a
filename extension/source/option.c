/*
 * option.c: a table of the options that a source has, and how their values are checked.
 */
#include "source/option.h"

#include "access/reloptions.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"

#include "server/compat.h"
#include "server/invisible.h"

typedef enum OptionKind
{
	OPTION_TEXT,
	OPTION_INTEGER,
	OPTION_KILOBYTES, /* an integer too, kept as bytes */
	OPTION_CHOICE,    /* one of two `choices`, separated by |: whether it is the second */
	OPTION_WORD,      /* one of `choices`, kept as it is */
	OPTION_DIALECT,
	OPTION_URL,
	OPTION_ORIGINS, /* origins of URLs, separated by blanks */
	OPTION_ZONE,    /* a name that the server knows */
	OPTION_FILE,
	OPTION_SECRET
} OptionKind;

typedef struct OptionRule
{
	const char *name;
	Oid catalog;
	OptionKind kind;
	size_t offset; /* into LprOptions */
	int least;
	int most;
	int otherwise;
	const char *choices;
	const char *text_otherwise;
} OptionRule;

#define SERVER    ForeignServerRelationId
#define MAPPING   UserMappingRelationId
#define AT(field) offsetof(LprOptions, field)

/*
 * docs/reference.md is made of these rows and what stands above each. Durations are milliseconds. The bounds keep a
 * careless administrator from switching a limit off.
 */
/* clang-format off */
static const OptionRule rules[] = {
	/* how the vendor is spoken to: see lpr.dialects() */
	{"dialect", SERVER, OPTION_DIALECT, AT(dialect), 0, 0, 0, NULL, NULL},
	/* base of every request; https, or http on this machine itself */
	{"url", SERVER, OPTION_URL, AT(url), 0, 0, 0, NULL, NULL},
	/* OAuth audience, for dialects that sign in that way; default: the one that the vendor documents */
	{"audience", SERVER, OPTION_TEXT, AT(audience), 0, 0, 0, NULL, NULL},
	/* what a vendor that wants a reason is told; never the user or the case */
	{"reason", SERVER, OPTION_TEXT, AT(reason), 0, 0, 0, NULL, "law enforcement"},
	/* of times without a zone, such as America/Los_Angeles; default: UTC is taken, which is told */
	{"time_zone", SERVER, OPTION_ZONE, AT(time_zone), 0, 0, 0, NULL, NULL},
	/* further origins (https://host or https://host:port) that images may come from, separated by blanks */
	{"image_origins", SERVER, OPTION_ORIGINS, AT(image_origins), 0, 0, 0, NULL, ""},
	/* reads of one page; default: the dialect's own */
	{"page_size", SERVER, OPTION_INTEGER, AT(page_size), 1, 10000, 0, NULL, NULL},
	/* requests of one question that run side by side where a dialect needs several */
	{"parallel", SERVER, OPTION_INTEGER, AT(parallel), 1, 16, 4, NULL, NULL},
	/* pages of one question; more are cut, which is told */
	{"max_pages", SERVER, OPTION_INTEGER, AT(max_pages), 1, 100000, 5000, NULL, NULL},
	/* megabytes of one question after decompression; more are cut, which is told */
	{"max_megabytes", SERVER, OPTION_INTEGER, AT(max_megabytes), 1, 16384, 2048, NULL, NULL},
	/* kilobytes of one page after decompression; a larger one is refused */
	{"max_page_kilobytes", SERVER, OPTION_KILOBYTES, AT(peer.body_max), 1, 65536, 16384, NULL, NULL},
	/* kilobytes of one image; a larger one is left out, which is told */
	{"max_image_kilobytes", SERVER, OPTION_INTEGER, AT(max_image_kilobytes), 1, 65536, 4096, NULL, NULL},
	/* whether its answers are cached for some hours (C1) */
	{"cache", SERVER, OPTION_CHOICE, AT(uncached), 0, 0, 0, "on|off", NULL},
	/* what a failure of this source is to the query: its reads are missing, or all fails */
	{"on_failure", SERVER, OPTION_CHOICE, AT(fail_on_error), 0, 0, 0, "warning|error", NULL},
	/* who sorts by captured_at: the vendor where its dialect can, or always the database */
	{"order", SERVER, OPTION_CHOICE, AT(order_here), 0, 0, 0, "vendor|here", NULL},
	/* file (PEM) of the certificate authorities to trust; default: the system's */
	{"ca_file", SERVER, OPTION_FILE, AT(peer.ca_file), 0, 0, 0, NULL, NULL},
	/* file (PEM) of our certificate, for vendors that want one */
	{"client_certificate", SERVER, OPTION_FILE, AT(peer.client_cert), 0, 0, 0, NULL, NULL},
	/* file (PEM) of its key */
	{"client_key", SERVER, OPTION_FILE, AT(peer.client_key), 0, 0, 0, NULL, NULL},
	/* lowest version of TLS */
	{"min_tls_version", SERVER, OPTION_WORD, AT(peer.min_tls), 0, 0, 0, "1.2|1.3", "1.2"},
	/* auto takes HTTP/2 where the vendor offers it */
	{"http_version", SERVER, OPTION_CHOICE, AT(peer.only_http_1), 0, 0, 0, "auto|1.1", NULL},
	/* for name lookup, connection and TLS */
	{"connect_timeout", SERVER, OPTION_INTEGER, AT(peer.connect_timeout_ms), 1, 600000, 10000, NULL, NULL},
	/* for one request, its reply included */
	{"request_timeout", SERVER, OPTION_INTEGER, AT(peer.request_timeout_ms), 1, 3600000, 60000, NULL, NULL},
	/* so long without a single byte, and the request has failed */
	{"stall_timeout", SERVER, OPTION_INTEGER, AT(peer.stall_timeout_ms), 1, 600000, 20000, NULL, NULL},
	/* of a request that failed on the way, or met 408, 425, 429, 500, 502 to 504 or 520 to 524 */
	{"retries", SERVER, OPTION_INTEGER, AT(peer.retries), 0, 10, 2, NULL, NULL},
	/* of one that met such a status, be it more often than `retries`; 0: those alone count, and 429 slows nothing down */
	{"retry_time", SERVER, OPTION_INTEGER, AT(peer.retry_time_ms), 0, 600000, 10000, NULL, NULL},
	/* a vendor that wants a longer pause has failed */
	{"max_retry_after", SERVER, OPTION_INTEGER, AT(peer.retry_after_max_ms), 0, 600000, 30000, NULL, NULL},
	/* of all sessions of the cluster together; default: unlimited */
	{"requests_per_minute", SERVER, OPTION_INTEGER, AT(peer.rate_per_minute), 1, 1000000, 0, NULL, NULL},
	/* name of a file of lpr.secret_directory, or of lpr.store_secret(); never the secret itself */
	{"secret", MAPPING, OPTION_SECRET, AT(secret), 0, 0, 0, NULL, NULL},
	/* name of the OAuth client, for dialects that sign in that way */
	{"client_id", MAPPING, OPTION_TEXT, AT(client_id), 0, 0, 0, NULL, NULL},
};
/* clang-format on */

static const OptionRule *
find_rule(const char *name, Oid catalog)
{
	for (size_t i = 0; i < lengthof(rules); i++)
		if (rules[i].catalog == catalog && strcmp(rules[i].name, name) == 0)
			return &rules[i];
	return NULL;
}

pg_noreturn static void
refuse_value(const OptionRule *rule, const char *value, const char *wanted)
{
	ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
					errmsg("invalid value for option \"%s\": \"%s\"", rule->name, value), errdetail("%s", wanted)));
}

static bool
has_control_characters(const char *value)
{
	for (const unsigned char *c = (const unsigned char *) value; *c != '\0'; c++)
		if (*c < ' ' || *c == 0x7f)
			return true;
	return false;
}

/* https, or http to this machine itself: anything else would carry plates unencrypted. */
static bool
is_safe_url(LprSlice url)
{
	LprText origin = {0};
	const char *host;
	bool good = lpr_url_origin(url, &origin) && !origin.failed;

	if (good && strncmp(origin.data, "http://", 7) == 0)
	{
		host = origin.data + 7;
		/* only a number: 127.0.0.1.vendor.example is a name like any other */
		good = (strncmp(host, "127.", 4) == 0 && host[strspn(host, "0123456789.")] == ':') ||
			   strncmp(host, "localhost:", 10) == 0 || strncmp(host, "[::1]:", 6) == 0;
	}
	lpr_text_free(&origin);
	return good;
}

static void
check_url(const OptionRule *rule, const char *value)
{
	if (!is_safe_url((LprSlice){value, strlen(value)}))
		refuse_value(rule, value,
					 "A URL starts with https:// and carries no user part; http:// is taken for 127.0.0.0/8, [::1] and "
					 "localhost only.");
	if (strpbrk(value, "?#") != NULL || value[strlen(value) - 1] == '/')
		refuse_value(rule, value, "The base URL has no query, no fragment and no slash at its end.");
}

static void
check_origins(const OptionRule *rule, const char *value)
{
	for (const char *word = value + strspn(value, " "); *word != '\0'; word += strspn(word, " "))
	{
		size_t len = strcspn(word, " ");
		const char *host = memchr(word, '/', len);

		if (!is_safe_url((LprSlice){word, len}) || memchr(host + 2, '/', word + len - (host + 2)) != NULL ||
			memchr(word, '?', len) != NULL || memchr(word, '#', len) != NULL)
			refuse_value(
				rule, value,
				"It is a list of origins, separated by blanks: each https://host or https://host:port, without a "
				"path; http:// is taken for 127.0.0.0/8, [::1] and localhost only.");
		word += len;
	}
}

/* Which of its choices a value is, from 0 on. */
static int
choice_number(const OptionRule *rule, const char *value)
{
	const char *choice = rule->choices;
	int number = 0;

	for (;;)
	{
		const char *end = strchrnul(choice, '|');

		if (strlen(value) == (size_t) (end - choice) && strncmp(choice, value, end - choice) == 0)
			return number;
		if (*end == '\0')
			refuse_value(rule, value, psprintf("It is one of %s.", rule->choices));
		choice = end + 1;
		number++;
	}
}

static const LprDialect *
check_dialect(const char *value)
{
	const LprDialect *dialect = lpr_dialect_find(value);
	StringInfoData names;

	if (dialect != NULL)
		return dialect;
	initStringInfo(&names);
	for (int i = 0; lpr_dialects[i] != NULL; i++)
		appendStringInfo(&names, "%s%s", i > 0 ? ", " : "", lpr_dialects[i]->name);
	ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE), errmsg("unknown dialect: \"%s\"", value),
					errhint("Dialects: %s.", names.data)));
}

static void
check_zone(const OptionRule *rule, const char *value)
{
	pg_tz *zone = pg_tzset(value);

	if (zone == NULL || !pg_tz_acceptable(zone))
		refuse_value(rule, value, "It is the name of a time zone, such as America/Los_Angeles: see pg_timezone_names.");
}

static void
check_file(const OptionRule *rule, const char *value)
{
	if (value[0] != '/')
		refuse_value(rule, value, "A file is named by its absolute path.");
}

/* A wrong one is not shown: it may be the secret itself, put here by mistake. */
static void
check_secret_name(const char *value)
{
	if (strlen(value) > 64 || value[0] == '.' || value[0] == '-' || value[0] == '_' ||
		strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") != strlen(value))
		ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE), errmsg("invalid name of a secret"),
						errdetail("A name is 1 to 64 letters, digits, \"_\", \".\" and \"-\", and starts with "
								  "a letter or digit."),
						errhint("Put the secret itself into a file of that name in lpr.secret_directory.")));
}

static int
check_integer(const OptionRule *rule, const char *value)
{
	char *end;
	long parsed;

	errno = 0;
	parsed = strtol(value, &end, 10);
	if (errno != 0 || *end != '\0' || parsed < rule->least || parsed > rule->most)
		refuse_value(rule, value, psprintf("It is a whole number from %d to %d.", rule->least, rule->most));
	return (int) parsed;
}

/* Checks one value, and keeps it. */
static void
take_value(const OptionRule *rule, char *value, LprOptions *options)
{
	char *at = (char *) options + rule->offset;
	char *invisible;

	if (value[0] == '\0' || has_control_characters(value))
		refuse_value(rule, value, "A value is not empty and has no control characters.");
	invisible = lpr_invisible_of((LprSlice){value, strlen(value)});
	if (invisible != NULL)
		refuse_value(rule, value, psprintf("It holds %s, an invisible character.", invisible));
	switch (rule->kind)
	{
		case OPTION_DIALECT:
			*(const LprDialect **) at = check_dialect(value);
			return;
		case OPTION_INTEGER:
			*(int *) at = check_integer(rule, value);
			return;
		case OPTION_KILOBYTES:
			*(size_t *) at = (size_t) check_integer(rule, value) * 1024;
			return;
		case OPTION_CHOICE:
			*(bool *) at = choice_number(rule, value) == 1;
			return;
		case OPTION_WORD:
			(void) choice_number(rule, value);
			break;
		case OPTION_URL:
			check_url(rule, value);
			break;
		case OPTION_ORIGINS:
			check_origins(rule, value);
			break;
		case OPTION_ZONE:
			check_zone(rule, value);
			break;
		case OPTION_FILE:
			check_file(rule, value);
			break;
		case OPTION_SECRET:
			check_secret_name(value);
			break;
		case OPTION_TEXT:
			break;
	}
	*(char **) at = value;
}

static void
take_default(const OptionRule *rule, LprOptions *options)
{
	char *at = (char *) options + rule->offset;

	if (rule->kind == OPTION_INTEGER)
		*(int *) at = rule->otherwise;
	else if (rule->kind == OPTION_KILOBYTES)
		*(size_t *) at = (size_t) rule->otherwise * 1024;
	else if (rule->text_otherwise != NULL)
		*(const char **) at = rule->text_otherwise;
}

static void
take_values(List *given, Oid catalog, LprOptions *options)
{
	ListCell *cell;

	foreach (cell, given)
	{
		DefElem *element = lfirst_node(DefElem, cell);
		const OptionRule *rule = find_rule(element->defname, catalog);

		if (rule != NULL)
			take_value(rule, defGetString(element), options);
	}
}

void
lpr_options_read(List *server_options, List *mapping_options, LprOptions *options)
{
	memset(options, 0, sizeof(*options));
	for (size_t i = 0; i < lengthof(rules); i++)
		take_default(&rules[i], options);
	take_values(server_options, SERVER, options);
	take_values(mapping_options, MAPPING, options);
}

static const char *
catalog_noun(Oid catalog)
{
	return catalog == SERVER ? "server" : "user mapping";
}

PG_FUNCTION_INFO_V1(lpr_fdw_validator);
Datum
lpr_fdw_validator(PG_FUNCTION_ARGS)
{
	List *given = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid catalog = PG_GETARG_OID(1);
	bool has_dialect = false;
	bool has_url = false;
	LprOptions checked;
	ListCell *cell;

	foreach (cell, given)
	{
		DefElem *element = lfirst_node(DefElem, cell);
		const OptionRule *rule = find_rule(element->defname, catalog);

		if (rule == NULL)
		{
			StringInfoData names;

			initStringInfo(&names);
			for (size_t i = 0; i < lengthof(rules); i++)
				if (rules[i].catalog == catalog)
					appendStringInfo(&names, "%s%s", names.len > 0 ? ", " : "", rules[i].name);
			ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", element->defname),
							names.len > 0 ? errhint("Options of a %s: %s.", catalog_noun(catalog), names.data)
										  : errhint("Only servers and user mappings of lpr have options.")));
		}
		take_value(rule, defGetString(element), &checked);
		has_dialect = has_dialect || strcmp(rule->name, "dialect") == 0;
		has_url = has_url || strcmp(rule->name, "url") == 0;
	}
	/* The endpoint and the credentials decide where plates go. */
	if ((catalog == SERVER || catalog == MAPPING) && !superuser())
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied to set options of lpr"),
						errdetail("Only a superuser decides which vendors are asked, where and with which secret.")));
	if (catalog == SERVER && !(has_dialect && has_url))
		ereport(ERROR, (errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND),
						errmsg("option \"%s\" is missing", has_dialect ? "url" : "dialect"),
						errhint("A server needs the options dialect and url.")));
	PG_RETURN_VOID();
}
