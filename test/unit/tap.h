/*
 * tap.h: the Test Anything Protocol in as few words as possible. One test program includes it once.
 */
#ifndef LPR_TAP_H
#define LPR_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/base.h"

static int tap_tests;
static int tap_failures;

__attribute__((format(printf, 2, 3), unused)) static bool
ok(bool good, const char *format, ...)
{
	__builtin_va_list args;

	printf("%sok %d - ", good ? "" : "not ", ++tap_tests);
	__builtin_va_start(args, format);
	vprintf(format, args);
	__builtin_va_end(args);
	putchar('\n');
	tap_failures += !good;
	return good;
}

__attribute__((unused)) static bool
is_text(const char *got, const char *expected, const char *what)
{
	bool good = got == expected || (got != NULL && expected != NULL && strcmp(got, expected) == 0);

	ok(good, "%s", what);
	if (!good)
		printf("# got:      %s\n# expected: %s\n", got ? got : "(null)", expected ? expected : "(null)");
	return good;
}

__attribute__((unused)) static bool
is_slice(LprSlice got, const char *expected, const char *what)
{
	bool good = expected == NULL
					? got.data == NULL
					: got.data != NULL && got.len == strlen(expected) && memcmp(got.data, expected, got.len) == 0;

	ok(good, "%s", what);
	if (!good)
		printf("# got:      %.*s\n# expected: %s\n", got.data ? (int) got.len : 6, got.data ? got.data : "(null)",
			   expected ? expected : "(null)");
	return good;
}

__attribute__((unused)) static bool
has(const char *text, const char *part, const char *what)
{
	bool good = text != NULL && strstr(text, part) != NULL;

	ok(good, "%s", what);
	if (!good)
		printf("# text:  %s\n# lacks: %s\n", text ? text : "(null)", part);
	return good;
}

static int
tap_done(void)
{
	printf("1..%d\n", tap_tests);
	return tap_failures == 0 ? 0 : 1;
}

#endif
