/* SPDX-License-Identifier: ISC */
/*
 * artifact_moment.c - a moment from text, as services write it: RFC 3339,
 * and what Python's isoformat makes of it.
 */

#include "artifact.h"

#define SECOND INT64_C(1000000)

/* What is left of a text, and whether all before it was as expected. */
struct reader {
	struct span rest;
	bool failed;
};

/* So many digits as a number. */
static unsigned
take_digits(struct reader *reader, size_t count)
{
	unsigned number = 0;
	size_t i;

	if (reader->rest.size < count)
		reader->failed = true;
	for (i = 0; i < count && !reader->failed; i++) {
		if (!ascii_is_digit(reader->rest.data[i]))
			reader->failed = true;
		number = number * 10 + (unsigned)(reader->rest.data[i] - '0');
	}
	if (!reader->failed)
		reader->rest = span_from(reader->rest, count);
	return number;
}

/* One of these bytes, if it is next, else 0. */
static char
take_one(struct reader *reader, const char *bytes)
{
	char byte;

	if (reader->rest.size == 0 ||
	    span_find(span_str(bytes), reader->rest.data[0]) == strlen(bytes))
		return 0;
	byte = reader->rest.data[0];
	reader->rest = span_from(reader->rest, 1);
	return byte;
}

static void
expect(struct reader *reader, const char *bytes)
{
	if (take_one(reader, bytes) == 0)
		reader->failed = true;
}

/* Days from 1970 to a date; the inverse of date_of in artifact.c. */
static int64_t
days_of(unsigned year, unsigned month, unsigned day)
{
	/* A year begins in March, so that the leap day is its last. */
	unsigned since = month > 2 ? year : year - 1;
	unsigned months = month > 2 ? month - 3 : month + 9;

	return (int64_t)since * 365 + since / 4 - since / 100 + since / 400 +
	       (153 * months + 2) / 5 + day - 1 - 719468;
}

static bool
is_date(unsigned year, unsigned month, unsigned day)
{
	static const unsigned days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	if (year == 0 || month == 0 || month > 12 || day == 0)
		return false;
	return day <= days[month - 1] && (is_leap || month != 2 || day < 29);
}

/* Seconds since 1970, as if in UTC. */
static int64_t
take_seconds(struct reader *reader)
{
	unsigned year, month, day, hour, minute, second;

	year = take_digits(reader, 4);
	expect(reader, "-");
	month = take_digits(reader, 2);
	expect(reader, "-");
	day = take_digits(reader, 2);
	expect(reader, "Tt ");
	hour = take_digits(reader, 2);
	expect(reader, ":");
	minute = take_digits(reader, 2);
	expect(reader, ":");
	second = take_digits(reader, 2);
	if (reader->failed || !is_date(year, month, day) || hour > 23 ||
	    minute > 59 || second > 59) {
		reader->failed = true;
		return 0;
	}
	return days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 +
	       second;
}

/* What follows the point, if there is one, as microseconds; cut. */
static int64_t
take_fraction(struct reader *reader)
{
	int64_t unit = SECOND, fraction = 0;

	if (take_one(reader, ".,") == 0)
		return 0;
	do {
		unit /= 10;
		fraction += unit * take_digits(reader, 1);
	} while (!reader->failed && reader->rest.size > 0 &&
		 ascii_is_digit(reader->rest.data[0]));
	return fraction;
}

/* Seconds that the text is ahead of UTC; none said is UTC. */
static int64_t
take_zone(struct reader *reader)
{
	unsigned hours, minutes;
	char sign;

	if (reader->rest.size == 0 || take_one(reader, "Zz") != 0)
		return 0;
	sign = take_one(reader, "+-");
	hours = take_digits(reader, 2);
	(void)take_one(reader, ":"); /* may be missing */
	minutes = take_digits(reader, 2);
	if (sign == 0 || hours > 23 || minutes > 59)
		reader->failed = true;
	return (sign == '-' ? -1 : 1) * (int64_t)(hours * 3600 + minutes * 60);
}

bool
moment_parse(struct span text, uint64_t *ret_moment)
{
	struct reader reader = { .rest = text };
	int64_t seconds, fraction;

	seconds = take_seconds(&reader);
	fraction = take_fraction(&reader);
	seconds -= take_zone(&reader);
	if (reader.failed || reader.rest.size != 0 || seconds < 0 ||
	    seconds > (int64_t)(MOMENT_LAST / SECOND))
		return false;
	*ret_moment = (uint64_t)(seconds * SECOND + fraction);
	return true;
}
