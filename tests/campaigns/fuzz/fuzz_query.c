/* SPDX-License-Identifier: ISC */
/*
 * fuzz_query.c - any query and path is read without harm. Text that
 * query_encode writes is found again, between other parameters. A regular
 * expression made from doc/contract.md 4 says which texts are a number.
 * Another says which are a moment; which one it is, a count of days tells.
 */
#include "fuzz.h"
#include "protocol/date.h"
#include "protocol/query.h"
#include "protocol/utf8.h"

#include <regex.h>

#define SPACE "[ \t\n\v\f\r]*"
#define INTEGER "^" SPACE "[+-]?[0-9]+(_[0-9]+)*([.]0+)?" SPACE "$"

#define TWO "[0-9][0-9]"
#define MOMENT \
	"^" TWO TWO "-" TWO "-" TWO "[Tt ]" TWO ":" TWO ":" TWO "([.][0-9]+)?" \
	"([Zz]|[+ -]" TWO ":" TWO ")$"

static regex_t integer, moment;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	DEMAND(regcomp(&integer, INTEGER, REG_EXTENDED | REG_NOSUB) == 0);
	DEMAND(regcomp(&moment, MOMENT, REG_EXTENDED | REG_NOSUB) == 0);
	return 0;
}

/* ---- numbers ---- */

/* Of a text that is an integer: what its digits say, or one too many. */
static uint64_t
plain_number(const char *text, uint64_t most)
{
	uint64_t number = 0;

	for (; *text != '\0' && *text != '.'; text++)
		if (*text >= '0' && *text <= '9' && number <= most)
			number = number * 10 + (uint64_t)(*text - '0');
	return number;
}

static const char *
plain_fault(const char *text, uint64_t most)
{
	if (regexec(&integer, text, 0, NULL, 0) != 0)
		return "int_parsing";
	if (strchr(text, '-') != NULL || plain_number(text, most) == 0)
		return "greater_than_equal";
	if (plain_number(text, most) > most)
		return "less_than_equal";
	return NULL;
}

static void
demand_number(struct arena *arena, struct span value, uint32_t most)
{
	struct faults faults;
	const char *text = arena_string(arena, value);
	const char *fault = plain_fault(text, most);
	uint64_t number = 77;

	if (span_find(value, '\0') < value.size)
		return;
	faults_init(&faults, arena);
	query_number(value, "n", most, &faults, &number);
	DEMAND(faults.count == (fault == NULL ? 0 : 1));
	DEMAND(number == (fault == NULL ? plain_number(text, most) : 77));
	DEMAND(fault == NULL || strcmp(faults.list[0].type, fault) == 0);
}

/* ---- moments ---- */

/* The days from 1970 to the first of a month; a leap day ends a year that
 * begins in March. */
static int64_t
plain_days(int year, int month)
{
	static const int before[] = { 0, 31, 61, 92, 122, 153, 184, 214, 245,
		275, 306, 337 };
	int64_t full = year - (month < 3) + 400; /* 400 years: 146097 days */

	return full * 365 + full / 4 - full / 100 + full / 400 +
	       before[(month + 9) % 12] - 146097 - 719468;
}

/* The microseconds of a text that looks like a moment; false: it is none. */
static bool
plain_moment(const char *text, int64_t *ret_moment)
{
	int year, month, day, hour, minute, second, ahead = 0, hours, minutes;
	int64_t fraction = 0, unit = 100000;
	const char *zone;

	DEMAND(sscanf(text, "%4d-%2d-%2d%*c%2d:%2d:%2d", &year, &month, &day,
		   &hour, &minute, &second) == 6);
	if (month < 1 || month > 12 || day < 1 ||
	    day > plain_days(year + month / 12, month % 12 + 1) -
		      plain_days(year, month) ||
	    hour > 23 || minute > 59 || second > 59)
		return false;
	zone = text + strlen("2026-03-31T12:00:00");
	if (*zone == '.')
		for (zone++; *zone >= '0' && *zone <= '9'; zone++, unit /= 10)
			fraction += unit * (*zone - '0');
	if (sscanf(zone + 1, "%2d:%2d", &hours, &minutes) == 2) {
		if (hours > 23 || minutes > 59)
			return false;
		ahead = (hours * 60 + minutes) * (*zone == '-' ? -60 : 60);
	}
	*ret_moment = plain_days(year, month) * 86400 + (day - 1) * 86400 +
		      hour * 3600 + minute * 60 + second - ahead;
	*ret_moment = *ret_moment * 1000000 + fraction;
	return true;
}

static void
demand_moment(struct arena *arena, struct span value)
{
	const char *text = arena_string(arena, value);
	int64_t plain = 0;
	uint64_t bound = 77;
	bool is_moment;

	if (span_find(value, '\0') < value.size)
		return;
	is_moment = regexec(&moment, text, 0, NULL, 0) == 0 &&
		    plain_moment(text, &plain);
	plain = plain < 0 ? 0 : plain;
	if (plain > (int64_t)MOMENT_LAST)
		plain = (int64_t)MOMENT_LAST;
	DEMAND(moment_parse_offset(value, &bound) == is_moment);
	DEMAND(bound == (is_moment ? (uint64_t)plain : 77));
}

/* ---- the rest ---- */

static void
demand_found_again(struct arena *arena, struct span text)
{
	struct buffer buffer;

	buffer_init(&buffer, arena);
	buffer_append(&buffer, SPAN("x=1&%71=old&q="));
	query_encode(&buffer, text);
	DEMAND(span_equal(
	    query_decode_path(arena, span_from(buffer_span(&buffer), 14)),
	    text));
	buffer_append(&buffer, SPAN("&Q=2&&q2"));
	DEMAND(span_equal(query_find(arena, buffer_span(&buffer), "q"), text));
	DEMAND(query_find(arena, buffer_span(&buffer), "q2").size == 0);
	DEMAND(query_find(arena, buffer_span(&buffer), "q3").data == NULL);
}

/* Whatever came, it is text. */
static void
demand_decoded(struct arena *arena, struct span text)
{
	struct span found = query_find(arena, text, "limit");
	struct span path = query_decode_path(arena, text);

	DEMAND(utf8_is_valid(found) && utf8_is_valid(path));
	if (span_find(text, '%') == text.size)
		DEMAND(span_equal(path, utf8_repair(arena, text)));
	if (found.data != NULL)
		demand_number(arena, found, 200);
}

static void
demand_bool(struct arena *arena, struct span text)
{
	struct faults faults;
	bool is_true = true, is_false = false;

	faults_init(&faults, arena);
	query_bool(text, "flag", &faults, &is_true);
	query_bool(text, "flag", &faults, &is_false);
	DEMAND(faults.count == (is_true == is_false ? 0 : 2));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	struct span text = arena_copy(arena, span_of(data, size));

	demand_decoded(arena, text);
	demand_number(arena, text, 200);
	demand_number(arena, text, UINT32_MAX);
	demand_moment(arena, text);
	demand_bool(arena, text);
	if (utf8_is_valid(text))
		demand_found_again(arena, text);
	arena_close(arena);
	return 0;
}
