/* SPDX-License-Identifier: ISC */
/* date.c - the dates of HTTP headers (RFC 9110, 5.6.7). */

#include "date.h"

#include <time.h>

static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
	"Sat", NULL };
static const char *const long_days[] = { "Sunday", "Monday", "Tuesday",
	"Wednesday", "Thursday", "Friday", "Saturday", NULL };
static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec", NULL };

struct span
date_format(struct arena *arena, uint64_t moment)
{
	time_t seconds = (time_t)(moment / 1000000);
	struct tm tm = { .tm_mday = 1 };

	(void)gmtime_r(&seconds, &tm); /* no 64-bit moment is beyond it */
	return arena_printf(arena, "%s, %02d %s %04d %02d:%02d:%02d GMT",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* Take a number of exactly so many digits. */
static bool
take_number(struct span *text, size_t digits, int *ret_number)
{
	int number = 0;
	size_t i;

	if (text->size < digits)
		return false;
	for (i = 0; i < digits; i++) {
		if (!ascii_is_digit(text->data[i]))
			return false;
		number = number * 10 + (text->data[i] - '0');
	}
	*text = span_from(*text, digits);
	*ret_number = number;
	return true;
}

/* Take one of the names; its place in the list. */
static bool
take_name(struct span *text, const char *const *names, int *ret_index)
{
	int i;

	for (i = 0; names[i] != NULL; i++) {
		if (!span_starts_with(*text, names[i]))
			continue;
		*text = span_from(*text, strlen(names[i]));
		*ret_index = i;
		return true;
	}
	return false;
}

/* RFC 9110, 5.6.7: never more than 50 years ahead. */
static int
full_year(int two_digits)
{
	time_t now = time(NULL);
	struct tm tm = { .tm_year = 70 };
	int year;

	(void)gmtime_r(&now, &tm);
	year = (tm.tm_year + 1900) / 100 * 100 + two_digits;
	return year > tm.tm_year + 1900 + 50 ? year - 100 : year;
}

/* Take one field of a form, or the character itself. */
static bool
take_field(struct span *text, char field, struct tm *tm)
{
	int year;

	switch (field) {
	case 'w':
		return take_name(text, days, &tm->tm_wday);
	case 'W':
		return take_name(text, long_days, &tm->tm_wday);
	case 'b':
		return take_name(text, months, &tm->tm_mon);
	case 'd':
		return take_number(text, 2, &tm->tm_mday);
	case 'e': /* a digit less has a space instead */
		if (!span_starts_with(*text, " "))
			return take_number(text, 2, &tm->tm_mday);
		*text = span_from(*text, 1);
		return take_number(text, 1, &tm->tm_mday);
	case 'Y':
		if (!take_number(text, 4, &year))
			return false;
		tm->tm_year = year - 1900;
		return true;
	case 'y':
		if (!take_number(text, 2, &year))
			return false;
		tm->tm_year = full_year(year) - 1900;
		return true;
	case 'h':
		return take_number(text, 2, &tm->tm_hour);
	case 'n':
		return take_number(text, 2, &tm->tm_min);
	case 's':
		return take_number(text, 2, &tm->tm_sec);
	default:
		if (text->size == 0 || text->data[0] != field)
			return false;
		*text = span_from(*text, 1);
		return true;
	}
}

static bool
take_form(struct span text, const char *form, struct tm *tm)
{
	for (; *form != '\0'; form++)
		if (!take_field(&text, *form, tm))
			return false;
	return text.size == 0;
}

/* The calendar has this day, and the day this time. */
static bool
is_real(const struct tm *tm)
{
	struct tm copy = *tm;

	if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 59)
		return false;
	(void)timegm(&copy); /* moves 30 Feb to March */
	return copy.tm_mday == tm->tm_mday && copy.tm_mon == tm->tm_mon;
}

bool
date_parse(struct span text, int64_t *ret_seconds)
{
	static const char *const forms[] = {
		"w, d b Y h:n:s GMT", /* IMF-fixdate */
		"W, d-b-y h:n:s GMT", /* RFC 850 */
		"w b e h:n:s Y",      /* asctime */
	};
	struct tm tm;
	size_t i;

	text = span_trim(text);
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		tm = (struct tm){ .tm_mday = 1 };
		if (!take_form(text, forms[i], &tm))
			continue;
		if (tm.tm_sec == 60)
			tm.tm_sec = 59; /* a leap second; time_t has none */
		if (!is_real(&tm))
			return false;
		*ret_seconds = (int64_t)timegm(&tm);
		return true;
	}
	return false;
}
