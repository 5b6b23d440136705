/* SPDX-License-Identifier: ISC */
/*
 * date.c - dates as text: the three forms of HTTP (RFC 9110, 5.6.7), and
 * moments as services write them, which is RFC 3339 and what Python's
 * isoformat makes of it. One reader takes them all, field by field.
 */

#include "date.h"

#include <time.h>

/* What is left of a text, and what its fields have said so far. */
struct reader {
	struct span rest;
	struct tm tm;
	int64_t fraction; /* of a second, in microseconds */
	int64_t ahead;	  /* of UTC, in seconds */
};

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

/* ---- fields; false: the text goes on with something else ---- */

/* A number of exactly so many digits. */
static bool
read_number(struct reader *reader, size_t digits, int *ret_number)
{
	uint64_t number;

	if (reader->rest.size < digits ||
	    !span_number(span_of(reader->rest.data, digits), &number))
		return false;
	reader->rest = span_from(reader->rest, digits);
	*ret_number = (int)number;
	return true;
}

/* One of the names; its place in the list. */
static bool
read_name(struct reader *reader, const char *const *names, int *ret_index)
{
	int i;

	for (i = 0; names[i] != NULL; i++) {
		if (!span_starts_with(reader->rest, names[i]))
			continue;
		reader->rest = span_from(reader->rest, strlen(names[i]));
		*ret_index = i;
		return true;
	}
	return false;
}

/* One of these bytes. */
static bool
read_byte(struct reader *reader, const char *bytes)
{
	if (reader->rest.size == 0 ||
	    !ascii_is_one_of(reader->rest.data[0], bytes))
		return false;
	reader->rest = span_from(reader->rest, 1);
	return true;
}

/* A year of two digits is never more than 50 years ahead. */
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

/* One of these points and digits, of which six count; or nothing. */
static bool
read_fraction(struct reader *reader, const char *points)
{
	int64_t unit = 1000000;
	size_t count, i;

	if (!read_byte(reader, points))
		return true;
	count = span_digits(reader->rest);
	for (i = 0; i < count && unit > 1; i++) {
		unit /= 10;
		reader->fraction += unit * (reader->rest.data[i] - '0');
	}
	reader->rest = span_from(reader->rest, count);
	return count > 0;
}

/* "Z", or an offset with one of these signs. */
static bool
read_zone(struct reader *reader, const char *signs, bool needs_colon)
{
	bool is_behind = span_starts_with(reader->rest, "-");
	int hours, minutes;

	if (read_byte(reader, "Zz"))
		return true;
	if (!read_byte(reader, signs) || !read_number(reader, 2, &hours))
		return false;
	if (!read_byte(reader, ":") && needs_colon)
		return false;
	if (!read_number(reader, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	reader->ahead = (hours * 60 + minutes) * (is_behind ? -60 : 60);
	return true;
}

/* One field of a form, or the character itself. */
static bool
read_field(struct reader *reader, char field)
{
	struct tm *tm = &reader->tm;
	char literal[] = { field, '\0' };
	int number;

	switch (field) {
	case 'w':
		return read_name(reader, days, &tm->tm_wday);
	case 'W':
		return read_name(reader, long_days, &tm->tm_wday);
	case 'b':
		return read_name(reader, months, &tm->tm_mon);
	case 'm':
		if (!read_number(reader, 2, &number))
			return false;
		tm->tm_mon = number - 1;
		return true;
	case 'd':
		return read_number(reader, 2, &tm->tm_mday);
	case 'e': /* a day of one digit has a space before it */
		return read_number(
		    reader, read_byte(reader, " ") ? 1 : 2, &tm->tm_mday);
	case 'Y':
		if (!read_number(reader, 4, &number))
			return false;
		tm->tm_year = number - 1900;
		return true;
	case 'y':
		if (!read_number(reader, 2, &number))
			return false;
		tm->tm_year = full_year(number) - 1900;
		return true;
	case 'h':
		return read_number(reader, 2, &tm->tm_hour);
	case 'n':
		return read_number(reader, 2, &tm->tm_min);
	case 's':
		return read_number(reader, 2, &tm->tm_sec);
	case '@': /* between date and time */
		return read_byte(reader, "Tt ");
	case 'f': /* as RFC 3339 has it */
		return read_fraction(reader, ".");
	case 'F': /* as ISO 8601 has it too */
		return read_fraction(reader, ".,");
	case 'z': /* of a query: the space was a plus sign */
		return read_zone(reader, "+- ", true);
	case 'Z': /* without a zone it is UTC */
		return reader->rest.size == 0 || read_zone(reader, "+-", false);
	default:
		return read_byte(reader, literal);
	}
}

/* ---- whole dates ---- */

static bool
read_form(struct span text, const char *form, struct reader *ret_reader)
{
	struct reader reader = { .rest = text, .tm = { .tm_mday = 1 } };

	for (; *form != '\0'; form++)
		if (!read_field(&reader, *form))
			return false;
	*ret_reader = reader;
	return reader.rest.size == 0;
}

/* false: the calendar has no such day, or the day no such time. */
static bool
seconds_of(const struct tm *tm, int64_t *ret_seconds)
{
	struct tm copy = *tm;
	time_t seconds;

	if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 59)
		return false;
	seconds = timegm(&copy); /* moves 30 Feb to March */
	if (copy.tm_mday != tm->tm_mday || copy.tm_mon != tm->tm_mon)
		return false;
	*ret_seconds = (int64_t)seconds;
	return true;
}

bool
date_parse(struct span text, int64_t *ret_seconds)
{
	static const char *const forms[] = {
		"w, d b Y h:n:s GMT", /* IMF-fixdate */
		"W, d-b-y h:n:s GMT", /* RFC 850 */
		"w b e h:n:s Y",      /* asctime */
	};
	struct reader reader;
	size_t i;

	text = span_trim(text);
	for (i = 0; i < COUNT_OF(forms); i++) {
		if (!read_form(text, forms[i], &reader))
			continue;
		if (reader.tm.tm_sec == 60)
			reader.tm.tm_sec = 59; /* time_t has no leap second */
		return seconds_of(&reader.tm, ret_seconds);
	}
	return false;
}

/* Microseconds since 1970, UTC; below 0 before it. */
static bool
read_moment(struct span text, const char *form, int64_t *ret_moment)
{
	struct reader reader;
	int64_t seconds;

	if (!read_form(text, form, &reader) ||
	    !seconds_of(&reader.tm, &seconds))
		return false;
	*ret_moment =
	    (seconds - reader.ahead) * (int64_t)MOMENT_SECOND + reader.fraction;
	return true;
}

bool
moment_parse(struct span text, uint64_t *ret_moment)
{
	int64_t moment;

	if (!read_moment(text, "Y-m-d@h:n:sFZ", &moment) || moment < 0 ||
	    moment > (int64_t)MOMENT_LAST)
		return false;
	*ret_moment = (uint64_t)moment;
	return true;
}

bool
moment_parse_offset(struct span text, uint64_t *ret_moment)
{
	int64_t moment;

	if (!read_moment(text, "Y-m-d@h:n:sfz", &moment))
		return false;
	if (moment < 0)
		moment = 0;
	if (moment > (int64_t)MOMENT_LAST)
		moment = (int64_t)MOMENT_LAST;
	*ret_moment = (uint64_t)moment;
	return true;
}
