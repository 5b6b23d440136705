/* SPDX-License-Identifier: ISC */
#include "protocol/query.h"

#include <criterion/criterion.h>

static struct arena *arena;
static struct faults faults;

static void
set_up(void)
{
	arena = arena_open();
	faults_init(&faults, arena);
}

static void
tear_down(void)
{
	arena_close(arena);
}

TestSuite(query, .init = set_up, .fini = tear_down);

#define FFFD "\xef\xbf\xbd"

static const struct {
	const char *text;
	struct span decoded;
} paths[] = {
	{ "", { "", 0 } },
	{ "/artifacts/a-b", { "/artifacts/a-b", 14 } },
	{ "a%2Fb%2fc", { "a/b/c", 5 } },
	{ "a+b", { "a+b", 3 } },
	{ "a%00b", { "a\0b", 3 } },
	{ "%", { "%", 1 } },
	{ "%4", { "%4", 2 } },
	{ "%zz%41", { "%zzA", 4 } },
	{ "%%41", { "%A", 2 } },
	{ "%2541", { "%41", 3 } },
	{ "%C3%A9", { "\xc3\xa9", 2 } },
	{ "%ff|\xff", { FFFD "|" FFFD, 7 } },
	{ "%F0%9Fx", { FFFD "x", 4 } },
};

Test(query, decodes_a_path_once)
{
	struct span decoded;
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		decoded = query_decode_path(arena, span_str(paths[i].text));
		cr_expect(
		    span_equal(decoded, paths[i].decoded), "%s", paths[i].text);
	}
}

static const struct {
	const char *query;
	const char *value; /* of x; NULL: absent */
} pairs[] = {
	{ "", NULL },
	{ "y=1", NULL },
	{ "X=1", NULL },
	{ "x[]=1", NULL },
	{ "xx=1", NULL },
	{ "x=1", "1" },
	{ "x=", "" },
	{ "x", "" },
	{ "&&x=1&", "1" },
	{ "x=1&x=2", "2" },
	{ "x=1&x", "" },
	{ "x=1&y=3", "1" },
	{ "x=a=b", "a=b" },
	{ "x=1;x=2", "1;x=2" },
	{ "x=a+b%2Bc", "a b+c" },
	{ "%78=1", "1" },
	{ "+x=1", NULL },
	{ "x=%C3%A9%26%3D", "\xc3\xa9&=" },
	{ "x=%FF", FFFD },
};

Test(query, finds_the_last_pair_of_a_name)
{
	struct span value;
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		value = query_find(arena, span_str(pairs[i].query), "x");
		cr_expect_eq(value.data == NULL, pairs[i].value == NULL, "%s",
		    pairs[i].query);
		cr_expect(value.data == NULL || span_is(value, pairs[i].value),
		    "%s", pairs[i].query);
	}
}

Test(query, finds_nothing_in_an_absent_query)
{
	cr_assert_null(query_find(arena, SPAN_NONE, "x").data);
}

#define INT_PARSING \
	"Input should be a valid integer, " \
	"unable to parse string as an integer"
#define BELOW "Input should be greater than or equal to 1"
#define ABOVE "Input should be less than or equal to 200"

Test(query, takes_what_pydantic_takes_as_an_integer)
{
	static const char *const fives[] = { "5", "05", "+5", " 5 ", "\t\n5\r",
		"5.0", "5.000", "0_5", "+0_0_5.0",
		"000000000000000000000000005" };
	uint64_t number;
	size_t i;

	for (i = 0; i < sizeof(fives) / sizeof(fives[0]); i++) {
		number = 0;
		query_number(
		    span_str(fives[i]), "limit", 200, &faults, &number);
		cr_expect_eq(number, 5, "'%s'", fives[i]);
	}
	cr_assert_eq(faults.count, 0);
}

Test(query, leaves_an_absent_number_as_it_is)
{
	uint64_t number = 50;

	query_number(SPAN_NONE, "limit", 200, &faults, &number);
	cr_assert_eq(number, 50);
	cr_assert_eq(faults.count, 0);
}

Test(query, takes_the_least_and_the_largest_number)
{
	static const uint32_t mosts[] = { 1, 9, 10, 200, UINT32_MAX - 1,
		UINT32_MAX };
	uint64_t number;
	size_t i;

	for (i = 0; i < COUNT_OF(mosts); i++) {
		query_number(SPAN("1"), "page", mosts[i], &faults, &number);
		cr_expect_eq(number, 1);
		query_number(
		    arena_printf(arena, "%llu", (unsigned long long)mosts[i]),
		    "page", mosts[i], &faults, &number);
		cr_expect_eq(number, mosts[i]);
		cr_assert_eq(faults.count, 0);
		query_number(arena_printf(arena, "%llu", mosts[i] + 1ULL),
		    "page", mosts[i], &faults, &number);
		cr_expect_eq(number, mosts[i]);
		cr_assert_eq(faults.count, 1);
		faults.count = 0;
	}
}

Test(query, names_the_largest_number_in_the_fault)
{
	uint64_t number = 77;

	query_number(SPAN("4294967296"), "page", UINT32_MAX, &faults, &number);
	cr_assert_eq(number, 77);
	cr_assert_eq(faults.count, 1);
	cr_assert_str_eq(faults.list[0].type, "less_than_equal");
	cr_assert_str_eq(faults.list[0].message,
	    "Input should be less than or equal to 4294967295");
	cr_assert(span_is(faults.list[0].name, "page"));
}

static const struct {
	struct span value;
	const char *type;
	const char *message;
} no_numbers[] = {
	{ { "", 0 }, "int_parsing", INT_PARSING },
	{ { "  ", 2 }, "int_parsing", INT_PARSING },
	{ { "abc", 3 }, "int_parsing", INT_PARSING },
	{ { "1.", 2 }, "int_parsing", INT_PARSING },
	{ { ".0", 2 }, "int_parsing", INT_PARSING },
	{ { "5.5", 3 }, "int_parsing", INT_PARSING },
	{ { "5.0.0", 5 }, "int_parsing", INT_PARSING },
	{ { "5.0_0", 5 }, "int_parsing", INT_PARSING },
	{ { "1e2", 3 }, "int_parsing", INT_PARSING },
	{ { "0x5", 3 }, "int_parsing", INT_PARSING },
	{ { "--5", 3 }, "int_parsing", INT_PARSING },
	{ { "-+5", 3 }, "int_parsing", INT_PARSING },
	{ { "+-5", 3 }, "int_parsing", INT_PARSING },
	{ { "+ 5", 3 }, "int_parsing", INT_PARSING },
	{ { "+", 1 }, "int_parsing", INT_PARSING },
	{ { "_5", 2 }, "int_parsing", INT_PARSING },
	{ { "5_", 2 }, "int_parsing", INT_PARSING },
	{ { "5_.0", 4 }, "int_parsing", INT_PARSING },
	{ { "1__0", 4 }, "int_parsing", INT_PARSING },
	{ { "+_5", 3 }, "int_parsing", INT_PARSING },
	{ { "5 5", 3 }, "int_parsing", INT_PARSING },
	{ { "5\0", 2 }, "int_parsing", INT_PARSING },
	{ { "true", 4 }, "int_parsing", INT_PARSING },
	{ { "NaN", 3 }, "int_parsing", INT_PARSING },
	{ { "\xef\xbc\x95", 3 }, "int_parsing", INT_PARSING },
	{ { "\xe2\x80\x8b\x35", 4 }, "int_parsing", INT_PARSING },
	{ { "0", 1 }, "greater_than_equal", BELOW },
	{ { "-0", 2 }, "greater_than_equal", BELOW },
	{ { "0.0", 3 }, "greater_than_equal", BELOW },
	{ { "-5", 2 }, "greater_than_equal", BELOW },
	{ { "-99999999999999999999", 21 }, "greater_than_equal", BELOW },
	{ { "201", 3 }, "less_than_equal", ABOVE },
	{ { "201.0", 5 }, "less_than_equal", ABOVE },
	{ { "1_000", 5 }, "less_than_equal", ABOVE },
	{ { "18446744073709551621", 20 }, "less_than_equal", ABOVE },
	{ { "99999999999999999999999999999999999999999999", 44 },
	    "less_than_equal", ABOVE },
};

Test(query, refuses_a_number_that_is_none)
{
	const char *text;
	uint64_t number;
	size_t i;

	for (i = 0; i < COUNT_OF(no_numbers); i++) {
		text = no_numbers[i].value.data;
		number = 77;
		faults.count = 0;
		query_number(
		    no_numbers[i].value, "limit", 200, &faults, &number);
		cr_expect_eq(number, 77, "'%s'", text);
		cr_assert_eq(faults.count, 1, "'%s'", text);
		cr_expect_str_eq(
		    faults.list[0].type, no_numbers[i].type, "'%s'", text);
		cr_expect_str_eq(faults.list[0].message, no_numbers[i].message);
		cr_expect_str_eq(faults.list[0].area, "query");
		cr_expect(span_is(faults.list[0].name, "limit"));
	}
}

Test(query, takes_words_for_true_and_false_in_any_case)
{
	static const char *const words[2][8] = {
		{ "0", "f", "n", "off", "no", "false", "FALSE", "oFf" },
		{ "1", "t", "y", "on", "yes", "true", "tRuE", "Y" },
	};
	bool value;
	size_t i;

	for (i = 0; i < 16; i++) {
		value = i % 2 == 0;
		query_bool(span_str(words[i % 2][i / 2]), "b", &faults, &value);
		cr_expect_eq(value, i % 2 == 1, "%s", words[i % 2][i / 2]);
	}
	cr_assert_eq(faults.count, 0);
}

Test(query, leaves_an_absent_bool_as_it_is)
{
	bool value = true;

	query_bool(SPAN_NONE, "b", &faults, &value);
	cr_assert(value);
	cr_assert_eq(faults.count, 0);
}

Test(query, refuses_what_is_no_bool)
{
	static const struct span values[] = { { "", 0 }, { " true", 5 },
		{ "null", 4 }, { "1.0", 3 }, { "01", 2 }, { "1\0", 2 },
		{ "tru", 3 }, { "truee", 5 } };
	bool value = true;
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		faults.count = 0;
		query_bool(values[i], "include_content", &faults, &value);
		cr_assert_eq(faults.count, 1, "'%s'", values[i].data);
		cr_expect(span_is(faults.list[0].name, "include_content"));
		cr_expect_str_eq(faults.list[0].area, "query");
		cr_expect_str_eq(faults.list[0].type, "bool_parsing");
		cr_expect_str_eq(faults.list[0].message,
		    "Input should be a valid boolean, "
		    "unable to interpret input");
	}
	cr_assert(value);
}

Test(query, reads_a_moment_whose_plus_became_a_space)
{
	static const char *const queries[] = {
		"since=2026-03-31T14:00:00+02:00",
		"since=2026-03-31T14:00:00%2B02:00",
		"since=2026-03-31T14%3A00%3A00%2b02%3A00",
		"since=2026-03-31+14:00:00+02:00",
		"since=2026-03-31T10:00:00-02:00",
		"since=2026-03-31t12:00:00z",
		"since=x&since=2026-03-31T12:00:00Z",
	};
	uint64_t moment;
	size_t i;

	for (i = 0; i < COUNT_OF(queries); i++) {
		moment = 0;
		query_moment(query_find(arena, span_str(queries[i]), "since"),
		    "since", &faults, &moment);
		cr_expect_eq(moment, 1774958400000000, "%s", queries[i]);
	}
	cr_assert_eq(faults.count, 0);
}

Test(query, leaves_an_absent_moment_as_it_is)
{
	uint64_t moment = 77;

	query_moment(SPAN_NONE, "since", &faults, &moment);
	cr_assert_eq(moment, 77);
	cr_assert_eq(faults.count, 0);
}

Test(query, refuses_what_is_no_moment_with_an_offset)
{
	static const struct span values[] = { { "", 0 }, { "yesterday", 9 },
		{ "2026-03-31T12:00:00", 19 }, { "1774958400", 10 },
		{ "2026-03-31T12:00:00Z\0", 21 } };
	uint64_t moment = 77;
	size_t i;

	for (i = 0; i < COUNT_OF(values); i++) {
		faults.count = 0;
		query_moment(values[i], "since", &faults, &moment);
		cr_assert_eq(faults.count, 1, "'%s'", values[i].data);
		cr_expect(span_is(faults.list[0].name, "since"));
		cr_expect_str_eq(faults.list[0].area, "query");
		cr_expect_str_eq(faults.list[0].type, "datetime_parsing");
		cr_expect_str_eq(faults.list[0].message,
		    "Input should be a valid datetime with an offset, "
		    "as in 2026-03-31T12:00:00Z");
	}
	cr_assert_eq(moment, 77);
}

Test(query, encodes_all_but_unreserved_characters)
{
	struct buffer buffer;

	buffer_init(&buffer, arena);
	query_encode(&buffer, SPAN("aZ09-._~ +/%&=\0\xc3\xa9"));
	cr_assert(span_is(
	    buffer_span(&buffer), "aZ09-._~%20%2B%2F%25%26%3D%00%C3%A9"));
}

Test(query, decodes_what_it_encoded)
{
	struct buffer buffer;
	char bytes[128];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	buffer_init(&buffer, arena);
	query_encode(&buffer, span_of(bytes, sizeof(bytes)));
	cr_assert(span_equal(query_decode_path(arena, buffer_span(&buffer)),
	    span_of(bytes, sizeof(bytes))));
}
