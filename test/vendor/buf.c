/*
 * buf: see buf.h.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"

void *
need(void *pointer)
{
	if (pointer == NULL)
	{
		fputs("lpr-vendor: out of memory\n", stderr);
		abort();
	}
	return pointer;
}

void
buf_grow(struct buf *b, size_t more)
{
	size_t cap = b->cap < 1024 ? 1024 : b->cap;

	while (cap - b->len < more)
		cap *= 2;
	b->at = need(realloc(b->at, cap));
	b->cap = cap;
}

void
buf_fmt(struct buf *b, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	buf_room(b, (size_t) len + 1);
	va_start(args, format);
	vsnprintf(b->at + b->len, (size_t) len + 1, format, args);
	va_end(args);
	b->len += (size_t) len;
}

void
buf_json_bytes(struct buf *b, const char *text, size_t len)
{
	buf_room(b, len * 6 + 2);
	b->at[b->len++] = '"';
	for (size_t i = 0; i < len; i++)
	{
		unsigned char c = (unsigned char) text[i];

		if (c == '"' || c == '\\')
		{
			b->at[b->len++] = '\\';
			b->at[b->len++] = (char) c;
		}
		else if (c < 0x20 || c >= 0x7f)
			b->len += (size_t) sprintf(b->at + b->len, "\\u%04x", c);
		else
			b->at[b->len++] = (char) c;
	}
	b->at[b->len++] = '"';
}

void
buf_json(struct buf *b, const char *text)
{
	buf_json_bytes(b, text, strlen(text));
}

void
buf_json_or_null(struct buf *b, const char *text)
{
	if (text == NULL || text[0] == '\0')
		buf_str(b, "null");
	else
		buf_json(b, text);
}

/* Puts other bytes in the place of old_len bytes at an offset. */
void
buf_replace(struct buf *b, size_t at, size_t old_len, const char *text, size_t len)
{
	buf_room(b, len);
	memmove(b->at + at + len, b->at + at + old_len, b->len - at - old_len);
	memcpy(b->at + at, text, len);
	b->len = b->len - old_len + len;
}

void
buf_free(struct buf *b)
{
	free(b->at);
	*b = (struct buf){0};
}

/* ---- times: days since 1970 and back, after Howard Hinnant's public-domain algorithms ---- */

static int64_t
days_of(int64_t y, int m, int d)
{
	int64_t era;
	int64_t yoe;
	int64_t doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
date_of(int64_t days, int *y, int *m, int *d)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int64_t mp = (5 * doy + 2) / 153;

	*d = (int) (doy - (153 * mp + 2) / 5 + 1);
	*m = (int) (mp < 10 ? mp + 3 : mp - 9);
	*y = (int) (yoe + era * 400 + (*m <= 2));
}

static inline char *
two(char *to, int64_t value)
{
	to[0] = (char) ('0' + value / 10);
	to[1] = (char) ('0' + value % 10);
	return to + 2;
}

char *
time_write(char *to, int64_t t, enum time_style style)
{
	static _Thread_local int64_t cached_day = INT64_MIN;
	static _Thread_local char cached[16];
	int64_t day = t / 86400000000;
	int64_t rest = t % 86400000000;
	int64_t seconds;
	int64_t micros;

	if (rest < 0)
	{
		rest += 86400000000;
		day--;
	}
	if (day != cached_day)
	{
		int y;
		int m;
		int d;

		date_of(day, &y, &m, &d);
		two(two(two(two(cached, y / 100 % 100), y % 100) + 1, m) + 1, d);
		cached[4] = '-';
		cached[7] = '-';
		cached[10] = 'T';
		cached_day = day;
	}
	memcpy(to, cached, 11);
	seconds = rest / 1000000;
	micros = rest % 1000000;
	two(to + 11, seconds / 3600);
	to[13] = ':';
	two(to + 14, seconds / 60 % 60);
	to[16] = ':';
	two(to + 17, seconds % 60);
	to[19] = '.';
	two(to + 20, micros / 10000);
	two(to + 22, micros / 100 % 100);
	two(to + 24, micros % 100);
	to += 26;
	if (style == TIME_RFC3339)
		*to++ = 'Z';
	return to;
}

char *
hex16_write(char *to, uint64_t value)
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 15; i >= 0; i--, value >>= 4)
		to[i] = digits[value & 15];
	return to + 16;
}

/* YYYY-MM-DD, with or without a time, a fraction and a zone; no zone is UTC. */
bool
time_read(const char *text, int64_t *t)
{
	int y;
	int m;
	int d;
	int hour = 0;
	int minute = 0;
	int second = 0;
	int used = 0;
	int64_t micros = 0;
	int64_t zone = 0;

	if (sscanf(text, "%4d-%2d-%2d%n", &y, &m, &d, &used) < 3 || used != 10 || m < 1 || m > 12 || d < 1 || d > 31)
		return false;
	text += used;
	if (*text == 'T' || *text == 't' || *text == ' ')
	{
		used = 0;
		if (sscanf(text + 1, "%2d:%2d:%2d%n", &hour, &minute, &second, &used) < 3 || used != 8)
			return false;
		if (hour < 0 || hour > 24 || minute < 0 || minute > 59 || second < 0 || second > 60)
			return false;
		text += 1 + used;
		if (*text == '.')
		{
			int64_t unit = 100000;

			if (text[1] < '0' || text[1] > '9')
				return false;
			for (text++; *text >= '0' && *text <= '9'; text++, unit /= 10)
				micros += (*text - '0') * unit;
		}
		if (*text == 'Z' || *text == 'z')
			text++;
		else if (*text == '+' || *text == '-' || *text == ' ')
		{
			int zh = 0;
			int zm = 0;

			/* A blank is a plus sign that nobody escaped in a query. */
			if (sscanf(text + 1, "%2d:%2d", &zh, &zm) < 1)
				return false;
			zone = (zh * 3600 + zm * 60) * (*text == '-' ? -1 : 1);
			text += strspn(text + 1, "0123456789:") + 1;
		}
	}
	if (*text != '\0')
		return false;
	*t = (days_of(y, m, d) * 86400 + hour * 3600 + minute * 60 + second - zone) * 1000000 + micros;
	return true;
}

bool
date_time_read(const char *text, int64_t *t)
{
	return strlen(text) > 11 && text[10] == 'T' && strpbrk(text + 11, "Z+-") != NULL && time_read(text, t);
}

/* The same moment of the calendar some years before, as PostgreSQL's interval subtraction has it. */
int64_t
years_before(int64_t t, int years)
{
	int64_t day = t / 86400000000;
	int y;
	int m;
	int d;

	date_of(day, &y, &m, &d);
	y -= years;
	if (m == 2 && d == 29 && (y % 4 != 0 || (y % 100 == 0 && y % 400 != 0)))
		d = 28;
	return days_of(y, m, d) * 86400000000 + t % 86400000000;
}
