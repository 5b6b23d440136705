/* SPDX-License-Identifier: ISC */
#include "protocol/json.h"

#include <criterion/criterion.h>

static struct arena *arena;
static struct faults faults;
static struct json_document document;

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

TestSuite(json_items, .init = set_up, .fini = tear_down);

Test(json_items, are_cut_at_commas_outside_of_strings_and_brackets)
{
	static const char *const wanted[] = { "{\"a,]\": [1, {\"b\": 2}]}",
		"\"x\\\"],\\\\\"", "[]", "[[1,2],3]", "-1.5e3", "null" };
	struct span *items;
	size_t count, i;

	cr_assert(json_read_items(arena,
	    SPAN(" [ {\"a,]\": [1, {\"b\": 2}]} ,\"x\\\"],\\\\\",\n[] , "
		 "[[1,2],3],-1.5e3,null ] "),
	    &items, &count));
	cr_assert_eq(count, 6);
	for (i = 0; i < count; i++)
		cr_expect(span_is(items[i], wanted[i]), "%.*s is not %s",
		    (int)items[i].size, items[i].data, wanted[i]);
}

Test(json_items, of_an_empty_array_are_none)
{
	struct span *items;
	size_t count;

	cr_assert(json_read_items(arena, SPAN("[ ]"), &items, &count));
	cr_assert_eq(count, 0);
}

Test(json_items, are_refused_of_what_is_no_array)
{
	static const char *const texts[] = { "", "{}", "1", "\"[]\"", "null",
		"[1,]", "[", "[1]2", "[\"\xff\"]" };
	struct span *items;
	size_t count, i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_not(
		    json_read_items(arena, span_str(texts[i]), &items, &count),
		    "%s", texts[i]);
}

Test(json_items, are_objects_that_can_be_read)
{
	struct span *items;
	size_t count;

	cr_assert(json_read_items(
	    arena, SPAN("[{\"id\":\"\\u00e4\\n\"}]"), &items, &count));
	cr_assert_eq(count, 1);
	cr_assert_eq(
	    json_read(arena, items[0], &faults, &document), JSON_VALID);
	cr_assert(
	    span_is(json_get_string(&document, "id", JSON_REQUIRED, 0, &faults),
		"\xc3\xa4\n"));
}

Test(json_items, give_text_only_of_strings)
{
	cr_expect(span_is(
	    json_text_of(arena, SPAN("\"a\\\"\\u00e4\"")), "a\"\xc3\xa4"));
	cr_expect_null(json_text_of(arena, SPAN("12")).data);
	cr_expect_null(json_text_of(arena, SPAN_NONE).data);
}

Test(json_items, have_numbers_that_are_whole_and_fit)
{
	static const char *const bad[] = { "minus", "large", "broken", "text",
		"none" };
	uint64_t number = 7;
	size_t i;

	cr_assert_eq(json_read(arena,
			 SPAN("{\"zero\":0,\"most\":18446744073709551615,"
			      "\"minus\":-1,\"large\":18446744073709551616,"
			      "\"broken\":1.5,\"text\":\"1\"}"),
			 &faults, &document),
	    JSON_VALID);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(json_get_number(&document, bad[i], &number));
	cr_expect_eq(number, 7);
	cr_assert(json_get_number(&document, "zero", &number));
	cr_expect_eq(number, 0);
	cr_assert(json_get_number(&document, "most", &number));
	cr_expect_eq(number, UINT64_MAX);
}
