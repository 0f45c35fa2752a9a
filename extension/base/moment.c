/*
 * moment.c: points in time, read and written by hand: strptime asks the locale, and knows no fractions.
 */
#include <string.h>

#include "base/moment.h"

#define YEAR_FIRST      1900
#define YEAR_LAST       2200
#define SECONDS_PER_DAY INT64_C(86400)

/* Days from 2000-01-01, of the proleptic Gregorian calendar; years begin in March, so that the leap day comes last. */
static int64_t
days_of(int year, int month, int day)
{
	int y = month <= 2 ? year - 1 : year;
	int m = month <= 2 ? month + 9 : month - 3;

	return (int64_t) y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 730425;
}

static int
days_in_month(int year, int month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		return 29;
	return days[month - 1];
}

/* The number of two digits, or something negative. */
static inline int
two(const char *at)
{
	unsigned tens = (unsigned) at[0] - '0', ones = (unsigned) at[1] - '0';

	return tens <= 9 && ones <= 9 ? (int) (tens * 10 + ones) : -100000;
}

/* "+02:00", "-0530", "+02": minutes east of UTC. */
static bool
parse_offset(const char *at, size_t len, int *minutes)
{
	int hour, minute = 0;

	if (len != 3 && len != 5 && !(len == 6 && at[3] == ':'))
		return false;
	hour = two(at + 1);
	if (len > 3)
		minute = two(at + len - 2);
	if (hour < 0 || hour > 15 || minute < 0 || minute > 59) /* the server's own bound of an offset */
		return false;
	*minutes = (hour * 60 + minute) * (at[0] == '-' ? -1 : 1);
	return true;
}

/* What stands behind the time of day: nothing, "Z", "UTC", an offset, all of it behind a blank, too. */
static bool
parse_zone(const char *at, size_t len, bool *given, int *offset)
{
	*given = len > 0;
	if (len > 1 && at[0] == ' ')
	{
		at++;
		len--;
	}
	if (len == 0 || (len == 1 && (at[0] == 'Z' || at[0] == 'z')))
		return true;
	if (len == 3 && (memcmp(at, "UTC", 3) == 0 || memcmp(at, "GMT", 3) == 0))
		return true;
	return (at[0] == '+' || at[0] == '-') && parse_offset(at, len, offset);
}

bool
lpr_moment_parse(LprSlice text, bool *zone, LprMoment *moment)
{
	const char *s = text.data;
	size_t at = 19;
	int year, month, day, hour, minute, second, offset = 0;
	int64_t micros = 0;
	bool given;

	if (s == NULL || text.len < 16 || s[4] != '-' || s[7] != '-' || (s[10] != 'T' && s[10] != ' ' && s[10] != 't') ||
		s[13] != ':')
		return false;
	year = two(s) * 100 + two(s + 2);
	month = two(s + 5);
	day = two(s + 8);
	hour = two(s + 11);
	minute = two(s + 14);
	if (text.len >= 19 && s[16] == ':')
		second = two(s + 17);
	else
	{
		second = 0;
		at = 16;
	}
	if (year < YEAR_FIRST || year > YEAR_LAST || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 24 ||
		minute < 0 || minute > 59 || second < 0 || second > 60)
		return false;
	if (day > 28 && day > days_in_month(year, month))
		return false;
	if (second == 60 && minute != 59) /* a leap second, which the server too takes for the next second */
		return false;

	if (at == 19 && at < text.len && (s[at] == '.' || s[at] == ','))
	{
		int64_t unit = 100000;
		size_t first = ++at;

		for (; at < text.len && s[at] >= '0' && s[at] <= '9'; at++)
		{
			micros += (s[at] - '0') * unit;
			unit /= 10;
		}
		if (at == first)
			return false;
	}
	if (hour == 24 && (minute | second | micros) != 0) /* midnight, at the end of the day */
		return false;
	if (!parse_zone(s + at, text.len - at, &given, &offset) || (!given && zone == NULL))
		return false;
	if (zone != NULL)
		*zone = given;
	*moment = (days_of(year, month, day) * SECONDS_PER_DAY + (hour * 60 + minute - offset) * 60 + second) * LPR_SECOND +
			  micros;
	return true;
}

bool
lpr_moment_from_epoch(int64_t value, int64_t per_second, LprMoment *moment)
{
	int64_t second, rest;

	if (per_second <= 0 || (per_second > LPR_SECOND ? per_second % LPR_SECOND : LPR_SECOND % per_second) != 0)
		return false;
	second = value / per_second;
	rest = value % per_second;
	if (rest < 0)
	{
		rest += per_second;
		second--;
	}
	if (second < days_of(YEAR_FIRST, 1, 1) * SECONDS_PER_DAY + LPR_UNIX_GAP ||
		second >= days_of(YEAR_LAST + 1, 1, 1) * SECONDS_PER_DAY + LPR_UNIX_GAP)
		return false;
	rest = per_second > LPR_SECOND ? rest / (per_second / LPR_SECOND) : rest * (LPR_SECOND / per_second);
	*moment = (second - LPR_UNIX_GAP) * LPR_SECOND + rest;
	return true;
}

/* Whole seconds, rounded down. */
static int64_t
seconds_of(LprMoment moment)
{
	return moment / LPR_SECOND - (moment % LPR_SECOND < 0);
}

/* Writes a number in so many digits; returns where it ends. */
static char *
put(char *to, int number, int digits)
{
	for (int i = digits - 1; i >= 0; i--, number /= 10)
		to[i] = (char) ('0' + number % 10);
	return to + digits;
}

const char *
lpr_moment_format(LprMoment moment, char out[LPR_MOMENT_ROOM])
{
	int64_t second = seconds_of(moment), first = days_of(1, 1, 1), last = days_of(9999, 12, 31);
	int64_t day = second / SECONDS_PER_DAY - (second % SECONDS_PER_DAY < 0);
	int in_day = (int) (second - day * SECONDS_PER_DAY);
	int micros = (int) ((moment % LPR_SECOND + LPR_SECOND) % LPR_SECOND);
	int era, doe, yoe, doy, m, z;
	char *to = out;

	/* Infinities and the like: no form of four digits has them. */
	z = (int) (day < first ? first : day > last ? last : day) + 730425;
	/* Civil date of a day number; an era is 400 years (H. Hinnant, chrono-compatible low-level date algorithms). */
	era = z / 146097;
	doe = z - era * 146097;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	m = (5 * doy + 2) / 153;

	to = put(to, era * 400 + yoe + (m >= 10), 4);
	*to++ = '-';
	to = put(to, m < 10 ? m + 3 : m - 9, 2);
	*to++ = '-';
	to = put(to, doy - (153 * m + 2) / 5 + 1, 2);
	*to++ = 'T';
	to = put(to, in_day / 3600, 2);
	*to++ = ':';
	to = put(to, in_day / 60 % 60, 2);
	*to++ = ':';
	to = put(to, in_day % 60, 2);
	*to++ = '.';
	to = put(to, micros, 6);
	*to++ = 'Z';
	*to = '\0';
	return out;
}

int64_t
lpr_moment_epoch_floor(LprMoment moment)
{
	return seconds_of(moment) + LPR_UNIX_GAP;
}

int64_t
lpr_moment_epoch_ceiling(LprMoment moment)
{
	int64_t second = seconds_of(moment);

	return second + (moment % LPR_SECOND != 0) + LPR_UNIX_GAP;
}
