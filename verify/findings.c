/*
 * findings.c: what a verification found. Memory stays bounded, however much is wrong.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "findings.h"

/* More are kept than shown, since some (rows that are missing) are known only at the end and belong before others. */
#define KEPT 1000

typedef struct Finding
{
	int64_t row;
	int order;
	char *text;
} Finding;

struct Findings
{
	uint64_t count;
	int kept;
	Finding list[KEPT];
};

Findings *
findings_new(void)
{
	return calloc(1, sizeof(Findings));
}

void
findings_free(Findings *findings)
{
	for (int i = 0; findings != NULL && i < findings->kept; i++)
		free(findings->list[i].text);
	free(findings);
}

void
finding(Findings *findings, int64_t row, const char *format, ...)
{
	LprText text = {0};
	char buffer[2000];
	va_list args;

	findings->count++;
	if (findings->kept == KEPT)
		return;
	va_start(args, format);
	vsnprintf(buffer, sizeof(buffer), format, args);
	va_end(args);
	lpr_text_adds(&text, buffer);
	if (text.data != NULL && !text.failed)
	{
		findings->list[findings->kept] = (Finding){row, findings->kept, text.data};
		findings->kept++;
	}
}

uint64_t
findings_count(const Findings *findings)
{
	return findings->count;
}

static int
by_row(const void *a, const void *b)
{
	const Finding *one = a, *other = b;

	if (one->row != other->row)
		return one->row < other->row ? -1 : 1;
	return one->order - other->order;
}

void
findings_show(Findings *findings)
{
	int shown = findings->kept < FINDINGS_SHOWN ? findings->kept : FINDINGS_SHOWN;

	qsort(findings->list, (size_t) findings->kept, sizeof(Finding), by_row);
	for (int i = 0; i < shown; i++)
		puts(findings->list[i].text);
	if (findings->count > (uint64_t) shown)
		printf("... and %s more\n", number_text((int64_t) findings->count - shown));
}

const char *
number_text(int64_t number)
{
	static char texts[8][32];
	static int next;
	char digits[24], *to = texts[next = (next + 1) % 8];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, number < 0 ? 0 - (uint64_t) number : (uint64_t) number);
	const char *start = to;

	if (number < 0)
		*to++ = '-';
	for (int i = 0; i < len; i++)
	{
		if (i > 0 && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return start;
}
