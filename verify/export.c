/*
 * export.c: reads exports of the log. They may come from a hostile place: one spelling for everything.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export.h"

#define FORMAT "lpr-audit-export-1"

#define START_SIZE   (256 * 1024)
#define LINE_MAX_LEN ((size_t) 1 << 30) /* a value of PostgreSQL's is never longer */

#define NUMBER_MAX ((int64_t) 1 << 62) /* sums of numbers stay numbers */

#define BAD_ROW "22P04" /* PostgreSQL's bad_copy_file_format */

enum
{
	NUMBER,
	AT,
	KIND,
	LOGIN,
	PID,
	SESSION_STARTED,
	EVENT_ID,
	SOURCE,
	MODE,
	ASK,
	CONTROL,
	SQLSTATE,
	SALT,
	PAYLOAD,
	PAYLOAD_DIGEST,
	DIGEST,
	COLUMNS
};

static const char *const columns[COLUMNS] = {
	"number", "at",  "kind",    "login",    "pid",  "session_started", "event_id",       "source",
	"mode",   "ask", "control", "sqlstate", "salt", "payload",         "payload_digest", "digest"};

struct Export
{
	int fd;
	bool eof;
	uint64_t line;
	uint8_t log[LPR_LOG_ID_LEN];
	char *buffer;
	size_t size;
	size_t start; /* of what was not yet taken */
	size_t end;
	const char *path; /* the caller's */
};

/* The escapes that COPY writes. False when there is another. */
static bool
unescape(char *field, size_t *len)
{
	char *from = memchr(field, '\\', *len), *to = from, *end = field + *len;

	if (from == NULL)
		return true;
	while (from < end)
	{
		char *next;

		if (*from == '\\')
		{
			static const char escapes[] = "\\tnrbfv", meant[] = "\\\t\n\r\b\f\v";
			const char *escape = from + 1 < end && from[1] != '\0' ? strchr(escapes, from[1]) : NULL;

			if (escape == NULL)
				return false;
			*to++ = meant[escape - escapes];
			from += 2;
		}
		next = from < end ? memchr(from, '\\', (size_t) (end - from)) : NULL;
		if (next == NULL)
			next = end;
		memmove(to, from, (size_t) (next - from));
		to += next - from;
		from = next;
	}
	*len = (size_t) (to - field);
	return true;
}

static bool
bad(LprFault *fault, int column)
{
	return lpr_fault(fault, BAD_ROW, "its %s is not well-formed", columns[column]);
}

static bool
read_number(const LprSlice *fields, int column, LprNumber *number, LprFault *fault)
{
	number->given = fields[column].data != NULL;
	if (number->given && !lpr_decimal(fields[column], &number->value))
		return bad(fault, column);
	return true;
}

bool
export_parse(char *line, size_t len, Row *row, LprFault *fault)
{
	LprRecord *record = &row->record;
	LprSlice fields[COLUMNS];
	char *at = line, *end = line + len;
	bool good = true;
	int n = 0;

	memset(row, 0, sizeof(*row));
	for (;;)
	{
		char *tab = memchr(at, '\t', (size_t) (end - at));
		size_t field = (size_t) ((tab == NULL ? end : tab) - at);

		if (n < COLUMNS)
		{
			fields[n] = (LprSlice){at, field};
			if (field == 2 && at[0] == '\\' && at[1] == 'N')
				fields[n] = (LprSlice){NULL, 0};
			else if (!unescape(at, &fields[n].len) && good)
				good = bad(fault, n);
		}
		n++;
		if (tab == NULL)
			break;
		at = tab + 1;
	}
	if (n == COLUMNS)
		row->has_digest = lpr_unhex(fields[DIGEST], row->digest.bytes, LPR_DIGEST_LEN);
	row->has_number = fields[NUMBER].data != NULL && lpr_decimal(fields[NUMBER], &record->number) &&
					  record->number > 0 && record->number <= NUMBER_MAX;
	if (n != COLUMNS)
		return lpr_fault(fault, BAD_ROW, "it has %d columns, not %d", n, COLUMNS);
	if (!good)
		return false;
	if (!row->has_number)
		return bad(fault, NUMBER);
	if (fields[AT].data == NULL || !lpr_decimal(fields[AT], &record->at))
		return bad(fault, AT);
	if (fields[KIND].data == NULL)
		return bad(fault, KIND);
	record->kind = fields[KIND];
	record->login = fields[LOGIN];
	record->source = fields[SOURCE];
	record->mode = fields[MODE];
	record->control = fields[CONTROL];
	record->sqlstate = fields[SQLSTATE];
	if (!read_number(fields, PID, &record->pid, fault) ||
		!read_number(fields, SESSION_STARTED, &record->session_started, fault) ||
		!read_number(fields, EVENT_ID, &record->event_id, fault) || !read_number(fields, ASK, &record->ask, fault))
		return false;
	row->has_salt = fields[SALT].data != NULL;
	if (row->has_salt && !lpr_unhex(fields[SALT], row->salt, LPR_SALT_LEN))
		return bad(fault, SALT);
	row->payload = fields[PAYLOAD];
	if (!lpr_unhex(fields[PAYLOAD_DIGEST], record->payload_digest.bytes, LPR_DIGEST_LEN))
		return bad(fault, PAYLOAD_DIGEST);
	if (!row->has_digest)
		return bad(fault, DIGEST);
	return true;
}

bool
export_parse_header(LprSlice line, uint8_t log[LPR_LOG_ID_LEN], LprFault *fault)
{
	static const char start[] = FORMAT "\t";
	size_t len = sizeof(start) - 1;

	if (line.len >= len && memcmp(line.data, start, len) == 0 &&
		lpr_unhex((LprSlice){line.data + len, line.len - len}, log, LPR_LOG_ID_LEN))
		return true;
	lpr_fault(fault, BAD_ROW, "not an export of the audit log");
	lpr_fault_hint(fault, "Its first line is \"" FORMAT "\", a tab, and the log's id in 32 hex digits.");
	return false;
}

/* More bytes behind those in the buffer, which grows when it is full. False when reading failed. */
static bool
fill_buffer(Export *export, LprFault *fault)
{
	ssize_t n;

	if (export->start > 0)
	{
		memmove(export->buffer, export->buffer + export->start, export->end - export->start);
		export->end -= export->start;
		export->start = 0;
	}
	if (export->end == export->size)
	{
		char *larger = export->size < LINE_MAX_LEN ? realloc(export->buffer, export->size * 2) : NULL;

		if (larger == NULL)
			return lpr_fault(fault, "54000", "\"%s\", line %llu: longer than memory or 1 GB allow", export->path,
							 (unsigned long long) export->line + 1);
		export->buffer = larger;
		export->size *= 2;
	}
	do
		n = read(export->fd, export->buffer + export->end, export->size - export->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return lpr_fault(fault, "58030", "cannot read \"%s\": %s", export->path, strerror(errno));
	export->eof = n == 0;
	export->end += (size_t) n;
	return true;
}

/* The next line without its newline; *whole tells if there was one. EXPORT_ROW stands for any line. */
static ExportStep
next_line(Export *export, char **line, size_t *len, bool *whole, LprFault *fault)
{
	size_t searched = 0;
	char *newline;

	for (;;)
	{
		char *start = export->buffer + export->start;
		size_t waiting = export->end - export->start;

		newline = memchr(start + searched, '\n', waiting - searched);
		if (newline != NULL || (export->eof && waiting > 0))
		{
			*line = start;
			*whole = newline != NULL;
			*len = newline != NULL ? (size_t) (newline - start) : waiting;
			export->start += *len + *whole;
			export->line++;
			return EXPORT_ROW;
		}
		if (export->eof)
			return EXPORT_END;
		searched = waiting;
		if (!fill_buffer(export, fault))
			return EXPORT_FAULT;
	}
}

Export *
export_open(const char *path, LprFault *fault)
{
	Export *export = calloc(1, sizeof(*export));
	struct stat status;
	char *line;
	size_t len;
	bool whole;

	if (export == NULL || (export->buffer = malloc(START_SIZE)) == NULL)
	{
		free(export);
		lpr_fault(fault, LPR_STATE_NO_MEMORY, "out of memory");
		return NULL;
	}
	export->size = START_SIZE;
	export->path = path;
	export->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	if (export->fd < 0)
		lpr_fault(fault, "58030", "cannot open \"%s\": %s", path, strerror(errno));
	else if (fstat(export->fd, &status) == 0 && S_ISDIR(status.st_mode))
		lpr_fault(fault, "58030", "\"%s\" is a directory, not an export", path);
	else
		switch (next_line(export, &line, &len, &whole, fault))
		{
			case EXPORT_ROW:
				if (export_parse_header((LprSlice){line, len}, export->log, fault))
					return export;
				break;
			case EXPORT_END:
				lpr_fault(fault, BAD_ROW, "it is empty");
				break;
			default:
				break;
		}
	export_close(export);
	return NULL;
}

void
export_close(Export *export)
{
	if (export == NULL)
		return;
	if (export->fd > STDIN_FILENO)
		close(export->fd);
	free(export->buffer);
	free(export);
}

const uint8_t *
export_log(const Export *export)
{
	return export->log;
}

uint64_t
export_line(const Export *export)
{
	return export->line;
}

ExportStep
export_next(Export *export, Row *row, LprFault *fault)
{
	ExportStep step;
	char *line;
	size_t len;
	bool whole;

	step = next_line(export, &line, &len, &whole, fault);
	if (step != EXPORT_ROW)
		return step;
	if (!export_parse(line, len, row, fault))
		return EXPORT_BAD_ROW;
	if (!whole)
	{
		lpr_fault(fault, BAD_ROW, "its line is cut, having no newline");
		return EXPORT_BAD_ROW;
	}
	return EXPORT_ROW;
}
