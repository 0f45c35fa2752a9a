/*
 * main.c: lpr-audit-verify: verifies exports of the audit log, co-signs its checkpoints as a witness, shows public
 * keys. Needs no database.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "log.h"
#include "reads.h"
#include "rounds.h"
#include "witness.h"

#ifndef LPR_VERSION
#define LPR_VERSION "unknown"
#endif

#define WITNESSES_MAX 16

enum
{
	CLEAN = 0,
	FOUND = 1, /* findings; or a witness that refuses */
	UNUSABLE = 2
};

static const char usage[] =
	"usage: lpr-audit-verify --key KEY [--witness KEY]... [--checkpoints DIR-or-FILE]... [--part]\n"
	"                        [--read FILE] EXPORT...\n"
	"       lpr-audit-verify witness --log-key KEY --key PEM --name NAME --state DIR CHECKPOINT-DIR\n"
	"       lpr-audit-verify public --key PEM --name NAME [--witness]\n";

static const char help[] =
	"\n"
	"Verifies the audit log of lpr: exports in their order (\"-\" is standard input), archived months first.\n"
	"  --key KEY          the log's public key, \"<name>+<id>+<base64>\", or a file that holds it\n"
	"  --checkpoints PATH a directory of checkpoints, or one of them; without any, a log that was\n"
	"                     rewritten as a whole is not noticed\n"
	"  --witness KEY      a witness's public key: the newest checkpoint must be co-signed by one of these\n"
	"  --part             the exports end before the log does: an archived month alone\n"
	"  --read FILE        proofs of saved reads (lpr.saved_proof), one a line: that each was in the vendor's\n"
	"                     answer; needs --checkpoints\n"
	"Prints what it finds, one a line, then a summary. Exit code 0: nothing found; 1: findings; 2: it could not\n"
	"be verified.\n"
	"\n"
	"witness: the notary, run on another host: checks that the checkpoints in CHECKPOINT-DIR continue the last one\n"
	"in its state directory, and keeps the newest there, co-signed. Exit code 1: refused, and nothing was changed.\n"
	"  --log-key KEY      the log's public key\n"
	"  --key PEM          a file with the witness's private key (openssl genpkey -algorithm ed25519)\n"
	"  --name NAME        the name it signs with, such as witness.example/lpr\n"
	"  --state DIR        where it keeps what it co-signed\n"
	"\n"
	"public: prints the public key of a private one; with --witness, that of its co-signatures.\n"
	"\n"
	"docs/audit-format.md describes exports, checkpoints and how to verify them by hand.\n";

__attribute__((format(printf, 1, 2))) static int
unusable(const char *format, ...)
{
	va_list args;

	fputs("lpr-audit-verify: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return UNUSABLE;
}

static int
unusable_fault(const char *what, const LprFault *fault)
{
	return unusable("%s: %s%s%s", what, fault->message, fault->hint[0] ? "\n" : "", fault->hint);
}

/* What could not be written was not said. */
static int
finish_report(int result)
{
	return fflush(stdout) != 0 || ferror(stdout) ? unusable("cannot write to standard output") : result;
}

static int
misused(const char *message)
{
	unusable("%s", message);
	fprintf(stderr, "%sTry --help.\n", usage);
	return UNUSABLE;
}

/* A public key given in the argument itself or in a file. NULL: it was told why not. */
static LprVerifier *
read_public(const char *option, const char *argument)
{
	LprVerifier *verifier = NULL;
	LprText text = {0};
	LprFault fault;
	const char *first = strchr(argument, '+');

	/* Paths with two plus signs are rarer than keys. */
	if (first != NULL && strchr(first + 1, '+') != NULL)
		verifier = lpr_verifier_read((LprSlice){argument, strlen(argument)}, &fault);
	else if (file_read(argument, &text, &fault))
	{
		while (text.len > 0 && strchr(" \t\r\n", text.data[text.len - 1]) != NULL)
			text.len--;
		verifier = lpr_verifier_read((LprSlice){text.data, text.len}, &fault);
		if (verifier == NULL && text.len > 10 && memcmp(text.data, "-----BEGIN", 10) == 0)
			snprintf(fault.hint, sizeof(fault.hint),
					 "It is a PEM file; lpr-audit-verify public prints the public key.");
	}
	if (verifier == NULL)
		unusable("%s: %s%s%s", option, fault.message, fault.hint[0] ? "\n" : "", fault.hint);
	lpr_text_free(&text);
	return verifier;
}

static LprSigner *
read_private(const char *path, const char *name)
{
	LprSigner *signer = NULL;
	LprText text = {0};
	LprFault fault;

	if (file_read(path, &text, &fault))
		signer = lpr_signer_read(name, (LprSlice){text.data, text.len}, &fault);
	if (signer == NULL)
		unusable_fault("--key", &fault);
	if (text.data != NULL)
		explicit_bzero(text.data, text.size);
	lpr_text_free(&text);
	return signer;
}

typedef struct Arguments
{
	const char *key;
	const char *log_key;
	const char *name;
	const char *state;
	const char *read;
	bool part;
	bool cosigner;
	int nwitnesses;
	const char *witnesses[WITNESSES_MAX];
	Checkpoints checkpoints;
	char **rest;
	int nrest;
} Arguments;

/* False: it was told why. */
static bool
verify_file(const char *path, const char *const origin, Log *log, Reads *reads, Rounds *rounds, Findings *findings)
{
	LprFault fault;
	Export *export = export_open(path, &fault);
	char own[LPR_ORIGIN_ROOM], shown[LPR_EXCERPT_ROOM], place[LPR_EXCERPT_ROOM + 40];
	ExportStep step;
	Row row;

	lpr_excerpt(path, strlen(path), shown);
	if (export == NULL)
	{
		unusable_fault(shown, &fault);
		return false;
	}
	lpr_origin(export_log(export), own);
	if (strcmp(own, origin) != 0)
	{
		finding(findings, 0, "export \"%s\" is of another log (%s): a forged restart?", shown, own);
		export_close(export);
		return true;
	}
	while ((step = export_next(export, &row, &fault)) == EXPORT_ROW || step == EXPORT_BAD_ROW)
		if (step == EXPORT_ROW)
		{
			log_row(log, &row);
			if (reads != NULL)
				reads_row(reads, &row, findings);
			rounds_row(rounds, &row, findings);
		}
		else
		{
			snprintf(place, sizeof(place), "line %s of %s", number_text((int64_t) export_line(export)), shown);
			log_bad_row(log, &row, fault.message, place);
		}
	export_close(export);
	if (step == EXPORT_FAULT)
		unusable("%s", fault.message);
	return step == EXPORT_END;
}

static void
summarize(const LogCounts *counts, const Checkpoints *checkpoints, const Findings *findings)
{
	uint64_t found = findings_count(findings);

	printf("%s row%s", number_text((int64_t) counts->rows), counts->rows == 1 ? "" : "s");
	if (counts->first > 0 && counts->last >= counts->first)
		printf(", %s to %s", number_text(counts->first), number_text(counts->last));
	if (counts->first > 1)
		fputs(" (those before are elsewhere)", stdout);
	printf(", %s checkpoint%s", number_text((int64_t) counts->compared), counts->compared == 1 ? "" : "s");
	if (counts->gone > 0)
		printf(", %s of months destroyed on schedule", number_text((int64_t) counts->gone));
	if (counts->destroyed > 0)
		printf(", %s payload%s destroyed on schedule", number_text((int64_t) counts->destroyed),
			   counts->destroyed == 1 ? "" : "s");
	if (checkpoints->count > 0 && counts->last > counts->covered)
		printf(", %s after the newest checkpoint", number_text(counts->last - counts->covered));
	if (found == 0)
		puts(": no finding");
	else
		printf(": %s finding%s\n", number_text((int64_t) found), found == 1 ? "" : "s");
}

/* The origin is that of the first export's log; the key must be of the same. */
static int
verify_with(Arguments *arguments, LprVerifier *key, LprVerifier **witnesses, Findings *findings)
{
	Checkpoints *checkpoints = &arguments->checkpoints;
	const Checkpoint *newest;
	uint8_t id[LPR_LOG_ID_LEN];
	char origin[LPR_ORIGIN_ROOM];
	const char *prefix = "lpr-audit/", *name = lpr_verifier_name(key);
	LogCounts counts = {0};
	LprFault fault;
	Reads *reads = NULL;
	Rounds *rounds = NULL;
	bool good = true;
	Log *log;

	/* Which log it should be, the key tells: an export speaks only for itself. */
	if (strncmp(name, prefix, strlen(prefix)) != 0 ||
		!lpr_unhex((LprSlice){name + strlen(prefix), strlen(name) - strlen(prefix)}, id, LPR_LOG_ID_LEN))
		return unusable("--key: \"%s\" is not the name of an audit log, which is \"lpr-audit/\" and 32 hex digits",
						name);
	lpr_origin(id, origin);
	if (!checkpoints_load(checkpoints, key, origin, witnesses, arguments->nwitnesses, findings, &fault))
		return unusable("%s", fault.message);
	newest = checkpoints->count > 0 ? &checkpoints->list[checkpoints->count - 1] : NULL;
	if (arguments->nwitnesses > 0 && (newest == NULL || !newest->cosigned))
		finding(findings, newest == NULL ? 0 : (int64_t) newest->size, "%s: it is not co-signed by %s",
				newest == NULL ? "there is no checkpoint" : "the newest checkpoint",
				arguments->nwitnesses == 1 ? lpr_verifier_name(witnesses[0]) : "any of the witnesses");
	if (arguments->read != NULL && (reads = reads_load(arguments->read, id, findings, &fault)) == NULL)
		return unusable_fault("--read", &fault);
	rounds = rounds_new();
	log = log_new(id, checkpoints, arguments->part, findings);
	if (log == NULL || rounds == NULL)
	{
		log_free(log);
		rounds_free(rounds);
		reads_free(reads);
		return unusable("out of memory");
	}
	for (int i = 0; good && i < arguments->nrest; i++)
		good = verify_file(arguments->rest[i], origin, log, reads, rounds, findings);
	if (good)
	{
		log_end(log, &counts);
		rounds_end(rounds, findings);
		if (reads != NULL)
			reads_end(reads, counts.covered, findings);
		findings_show(findings);
		if (reads != NULL && findings_count(findings) == 0)
			reads_show(reads);
		summarize(&counts, checkpoints, findings);
		if (checkpoints->nfiles == 0)
			fputs("There are no checkpoints: a log that was rewritten as a whole is not noticed (--checkpoints).\n",
				  stderr);
	}
	log_free(log);
	reads_free(reads);
	rounds_free(rounds);
	return !good ? UNUSABLE : findings_count(findings) > 0 ? FOUND : CLEAN;
}

static int
verify(Arguments *arguments)
{
	LprVerifier *witnesses[WITNESSES_MAX] = {NULL}, *key = NULL;
	Findings *findings;
	int result = UNUSABLE;
	bool good;

	if (arguments->key == NULL)
		return misused("--key is missing: the log's public key");
	if (arguments->nrest == 0)
		return misused("which export?");
	if (arguments->read != NULL && arguments->checkpoints.nfiles == 0)
		return misused("--read needs --checkpoints: without one, nobody has signed for the answer");
	findings = findings_new();
	if (findings == NULL)
		return unusable("out of memory");
	good = (key = read_public("--key", arguments->key)) != NULL;
	for (int i = 0; good && i < arguments->nwitnesses; i++)
		good = (witnesses[i] = read_public("--witness", arguments->witnesses[i])) != NULL;
	if (good)
		result = verify_with(arguments, key, witnesses, findings);
	for (int i = 0; i < arguments->nwitnesses; i++)
		lpr_verifier_free(witnesses[i]);
	lpr_verifier_free(key);
	findings_free(findings);
	return result;
}

static int
witness(Arguments *arguments)
{
	LprVerifier *log = NULL;
	LprSigner *signer = NULL;
	int result = UNUSABLE;

	if (arguments->log_key == NULL || arguments->key == NULL || arguments->name == NULL || arguments->state == NULL)
		return misused("witness needs --log-key, --key, --name and --state");
	if (arguments->nrest != 1)
		return misused("witness needs one directory of checkpoints");
	if ((log = read_public("--log-key", arguments->log_key)) != NULL &&
		(signer = read_private(arguments->key, arguments->name)) != NULL)
		result = witness_run(log, signer, arguments->state, arguments->rest[0]);
	lpr_signer_free(signer);
	lpr_verifier_free(log);
	return result;
}

static int
show_public(Arguments *arguments)
{
	LprSigner *signer;
	LprText text = {0};
	bool good;

	if (arguments->key == NULL || arguments->name == NULL)
		return misused("public needs --key and --name");
	if (arguments->nrest > 0)
		return misused("public takes no further arguments");
	signer = read_private(arguments->key, arguments->name);
	good = signer != NULL && lpr_signer_public(signer, arguments->cosigner, &text) && puts(text.data) >= 0;
	lpr_signer_free(signer);
	lpr_text_free(&text);
	return good ? CLEAN : UNUSABLE;
}

static const struct Command
{
	const char *name;
	const char *options; /* that it takes */
	int (*run)(Arguments *);
} commands[] = {{"verify", "kwcpr", verify}, {"witness", "klns", witness}, {"public", "knC", show_public}};

static const struct option options[] = {{"key", required_argument, NULL, 'k'},
										{"log-key", required_argument, NULL, 'l'},
										{"name", required_argument, NULL, 'n'},
										{"state", required_argument, NULL, 's'},
										{"witness", required_argument, NULL, 'w'},
										{"checkpoints", required_argument, NULL, 'c'},
										{"part", no_argument, NULL, 'p'},
										{"read", required_argument, NULL, 'r'},
										{"help", no_argument, NULL, 'h'},
										{"version", no_argument, NULL, 'V'},
										{NULL, 0, NULL, 0}};

/* False: it was told why, and *result is the exit code. */
static bool
take_option(int option, Arguments *arguments, int *result)
{
	LprFault fault;

	switch (option)
	{
		case 'k':
			arguments->key = optarg;
			break;
		case 'l':
			arguments->log_key = optarg;
			break;
		case 'n':
			arguments->name = optarg;
			break;
		case 's':
			arguments->state = optarg;
			break;
		case 'p':
			arguments->part = true;
			break;
		case 'r':
			arguments->read = optarg;
			break;
		case 'C':
			arguments->cosigner = true;
			break;
		case 'w':
			if (arguments->nwitnesses == WITNESSES_MAX)
			{
				*result = misused("too many witnesses");
				return false;
			}
			arguments->witnesses[arguments->nwitnesses++] = optarg;
			break;
		case 'c':
			if (checkpoints_add(&arguments->checkpoints, optarg, &fault))
				break;
			*result = unusable_fault("--checkpoints", &fault);
			return false;
	}
	return true;
}

/* Likewise; what is shown instead of a run is shown. */
static bool
read_options(const struct Command *command, int argc, char **argv, Arguments *arguments, int *result)
{
	static struct option own[sizeof(options) / sizeof(options[0])];
	int option;

	/* The public command has a --witness of its own, without an argument. */
	memcpy(own, options, sizeof(options));
	for (struct option *o = own; o->name != NULL; o++)
		if (command->run == show_public && o->val == 'w')
			*o = (struct option){"witness", no_argument, NULL, 'C'};
	while ((option = getopt_long(argc, argv, "", own, NULL)) != -1)
	{
		*result = CLEAN;
		if (option == 'h')
			printf("%s%s", usage, help);
		else if (option == 'V')
			puts("lpr-audit-verify " LPR_VERSION);
		else if (option == '?')
			*result = misused("an option is not known, or lacks its value");
		else if (strchr(command->options, option) == NULL)
			*result = misused("that option is another command's");
		else if (take_option(option, arguments, result))
			continue;
		return false;
	}
	arguments->rest = argv + optind;
	arguments->nrest = argc - optind;
	return true;
}

int
main(int argc, char **argv)
{
	const struct Command *command = &commands[0];
	Arguments arguments = {0};
	int result;

	for (size_t i = 1; i < 3 && argc > 1; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			command = &commands[i];
	if (command != &commands[0])
	{
		argc--;
		argv++;
	}
	if (read_options(command, argc, argv, &arguments, &result))
		result = command->run(&arguments);
	checkpoints_free(&arguments.checkpoints);
	return finish_report(result);
}
