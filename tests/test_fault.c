/* SPDX-License-Identifier: ISC */
#include "fault.h"

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

Test(fault, holds_any_number)
{
	size_t i;

	for (i = 0; i < 1000; i++)
		fault_extra(&faults, arena_printf(faults.arena, "n%zu", i));
	cr_assert_eq(faults.count, 1000);
	cr_assert(span_is(faults.list[0].name, "n0"));
	cr_assert(span_is(faults.list[999].name, "n999"));
}
