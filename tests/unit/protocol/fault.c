/* SPDX-License-Identifier: ISC */
#include "protocol/fault.h"
#include "protocol/utf8.h"

#include <criterion/criterion.h>

static struct faults faults;

static void
set_up(void)
{
	faults_init(&faults, arena_open());
}

static void
tear_down(void)
{
	arena_close(faults.arena);
}

TestSuite(fault, .init = set_up, .fini = tear_down);

static void
expect_json(const char *expected)
{
	struct span text = faults_json(&faults);

	cr_assert(span_is(text, expected), "%.*s", (int)text.size, text.data);
}

Test(fault, shows_an_empty_list_when_there_are_none)
{
	expect_json("{\"detail\":[]}");
}

Test(fault, shows_faults_in_the_order_they_were_noted)
{
	fault_missing(&faults, SPAN("title"));
	fault_extra(&faults, SPAN("zzz"));
	expect_json("{\"detail\":["
		    "{\"type\":\"missing\",\"loc\":[\"body\",\"title\"],"
		    "\"msg\":\"Field required\"},"
		    "{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"zzz\"],"
		    "\"msg\":\"Extra inputs are not permitted\"}]}");
}

Test(fault, places_a_fault_of_the_whole_body_at_its_area)
{
	fault_missing(&faults, SPAN_NONE);
	expect_json("{\"detail\":[{\"type\":\"missing\",\"loc\":[\"body\"],"
		    "\"msg\":\"Field required\"}]}");
}

Test(fault, keeps_an_empty_name)
{
	fault_string_type(&faults, SPAN(""));
	expect_json("{\"detail\":[{\"type\":\"string_type\","
		    "\"loc\":[\"body\",\"\"],"
		    "\"msg\":\"Input should be a valid string\"}]}");
}

Test(fault, ends_a_place_in_an_offset)
{
	faults_add(&faults, (struct fault){ .type = "json_invalid",
				.message = "JSON decode error",
				.area = "body",
				.has_index = true,
				.index = 12 });
	expect_json("{\"detail\":[{\"type\":\"json_invalid\","
		    "\"loc\":[\"body\",12],\"msg\":\"JSON decode error\"}]}");
}

Test(fault, ends_a_place_in_a_name_and_an_index)
{
	faults_add(&faults, (struct fault){ .type = "t",
				.message = "m",
				.area = "body",
				.name = SPAN("derived_from"),
				.has_index = true });
	expect_json("{\"detail\":[{\"type\":\"t\","
		    "\"loc\":[\"body\",\"derived_from\",0],\"msg\":\"m\"}]}");
}

Test(fault, says_how_many_bytes_are_too_many)
{
	fault_too_long(&faults, SPAN("title"), 1024);
	expect_json("{\"detail\":[{\"type\":\"string_too_long\","
		    "\"loc\":[\"body\",\"title\"],"
		    "\"msg\":\"String should have at most 1024 bytes\"}]}");
}

Test(fault, says_what_is_no_unicode)
{
	fault_string_unicode(&faults, SPAN("title"));
	expect_json("{\"detail\":[{\"type\":\"string_unicode\","
		    "\"loc\":[\"body\",\"title\"],"
		    "\"msg\":\"Input should be a valid string, "
		    "unable to parse raw data as a unicode string\"}]}");
}

Test(fault, says_what_is_no_object)
{
	fault_not_object(&faults);
	expect_json("{\"detail\":[{\"type\":\"model_attributes_type\","
		    "\"loc\":[\"body\"],"
		    "\"msg\":\"Input should be a valid dictionary or object "
		    "to extract fields from\"}]}");
}

Test(fault, escapes_and_repairs_a_clients_names)
{
	fault_missing(&faults, SPAN("\xc3\xa9\n\"\xff\0x"));
	expect_json("{\"detail\":[{\"type\":\"missing\","
		    "\"loc\":[\"body\","
		    "\"\xc3\xa9\\n\\\"\xef\xbf\xbd\\u0000x\"],"
		    "\"msg\":\"Field required\"}]}");
}

static void
note_numbered(size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		fault_extra(&faults, arena_printf(faults.arena, "n%zu", i));
}

/* How often it stands in the answer. */
static size_t
count_of(const char *text)
{
	const char *at = arena_string(faults.arena, faults_json(&faults));
	size_t count = 0;

	while ((at = strstr(at, text)) != NULL) {
		at++;
		count++;
	}
	return count;
}

Test(fault, counts_any_number)
{
	note_numbered(1000);
	cr_assert_eq(faults.count, 1000);
	cr_assert(span_is(faults.list[0].name, "n0"));
	cr_assert(span_is(faults.list[99].name, "n99"));
}

Test(fault, shows_a_hundred)
{
	note_numbered(100);
	cr_assert_eq(count_of("\"type\""), 100);
	cr_assert_eq(count_of("\"n99\""), 1);
	cr_assert_eq(count_of("too_many_faults"), 0);
}

Test(fault, shows_the_first_of_more_and_how_many_more_there_are)
{
	note_numbered(101);
	cr_assert_eq(count_of("\"type\""), 100);
	cr_assert_eq(count_of("\"n98\""), 1);
	cr_assert_eq(count_of("\"n99\""), 0);
	cr_assert_eq(
	    count_of("{\"type\":\"too_many_faults\",\"loc\":[\"body\"],"
		     "\"msg\":\"2 more faults are not listed: a list ends at "
		     "100 items\"}]}"),
	    1);
	note_numbered(99899);
	cr_assert_eq(count_of("\"type\""), 100);
	cr_assert_eq(count_of("\"msg\":\"99901 more faults"), 1);
}

/* name_of SIZE: a long name that begins with so many bytes of ASCII. */
static struct span
name_of(size_t size, const char *rest)
{
	char *name = arena_alloc(faults.arena, 100000);

	memset(name, 'x', 100000);
	memcpy(name + size, rest, strlen(rest));
	return span_of(name, 100000);
}

Test(fault, cuts_a_name_at_the_edge_of_a_character)
{
	static const struct {
		size_t size;
		const char *rest;
		size_t shown;
	} cases[] = {
		{ 0, "", 200 },
		{ 198, "\xc3\xa9", 200 },
		{ 199, "\xc3\xa9", 199 },
		{ 200, "\xc3\xa9", 200 },
		{ 197, "\xe2\x82\xac", 200 },
		{ 198, "\xe2\x82\xac", 198 },
		{ 199, "\xe2\x82\xac", 199 },
		{ 196, "\xf0\x9f\x98\x80", 200 },
		{ 197, "\xf0\x9f\x98\x80", 197 },
		{ 199, "\xf0\x9f\x98\x80", 199 },
		{ 200, "\xf0\x9f\x98\x80", 200 },
		/* What is no character becomes three bytes. */
		{ 197, "\xff", 200 },
		{ 198, "\xff", 198 },
		{ 0, "\x80\x80", 200 },
	};
	struct span name, shown;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		name = name_of(cases[i].size, cases[i].rest);
		shown = fault_name(faults.arena, name);
		cr_expect_eq(
		    shown.size, cases[i].shown, "%zu: %zu", i, shown.size);
		cr_expect(utf8_is_valid(shown), "%zu", i);
	}
}

Test(fault, shows_of_a_name_of_bytes_that_are_none_what_stands_in)
{
	char bytes[1000];
	struct span shown;

	memset(bytes, 0x80, sizeof(bytes));
	shown = fault_name(faults.arena, span_of(bytes, sizeof(bytes)));
	cr_assert_eq(shown.size, 198);
	cr_assert(utf8_is_valid(shown));
}

Test(fault, stays_short_whatever_was_sent)
{
	size_t i;

	for (i = 0; i < 1000; i++)
		fault_extra(&faults, name_of(50, "\xc3\xa9"));
	cr_assert_lt(faults_json(&faults).size, 32768);
}

/* ---- the first of them, for the log ---- */

static void
expect_first(const char *expected)
{
	cr_assert_str_eq(
	    arena_string(faults.arena, faults_first(&faults)), expected);
}

Test(fault, tells_the_first_as_a_sentence)
{
	fault_missing(&faults, SPAN("title"));
	expect_first("body.title: Field required");
	fault_extra(&faults, SPAN("zzz"));
	fault_extra(&faults, SPAN("yyy"));
	expect_first("body.title: Field required (the first of 3)");
}

Test(fault, tells_where_the_first_is)
{
	faults_add(&faults, (struct fault){ .type = "json_invalid",
				.message = "JSON decode error",
				.area = "body",
				.has_index = true,
				.index = 12 });
	expect_first("body.12: JSON decode error");
}

Test(fault, tells_the_first_of_the_whole_body)
{
	fault_not_object(&faults);
	expect_first("body: Input should be a valid dictionary or object "
		     "to extract fields from");
}
