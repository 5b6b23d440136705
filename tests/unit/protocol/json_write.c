/* SPDX-License-Identifier: ISC */
#include "protocol/json.h"
#include "protocol/utf8.h"

#include <criterion/criterion.h>

static struct arena *arena;

static void
set_up(void)
{
	arena = arena_open();
}

static void
tear_down(void)
{
	arena_close(arena);
}

TestSuite(json_write, .init = set_up, .fini = tear_down);

/* ---- writing ---- */

static void
expect_text(struct json_value *value, const char *expected)
{
	struct span text = json_text(arena, value);

	cr_expect(span_is(text, expected), "%.*s", (int)text.size, text.data);
}

Test(json_write, writes_members_in_the_order_put)
{
	struct json_value *object = json_object(arena);
	struct json_value *inner = json_object(arena);
	struct json_value *list = json_array(arena);

	json_put_text(object, "b", SPAN("x"));
	json_put_text(object, "a", SPAN_NONE);
	json_put_number(object, "n", UINT64_MAX);
	json_put_bool(object, "t", true);
	json_put_bool(object, "f", false);
	json_put_source(object, "s", SPAN("{\"x\":1.50,\"y\":\"\\u00e9/\"}"));
	json_put_text(inner, "e", SPAN(""));
	json_put(object, "o", inner);
	json_push_text(list, SPAN("y"));
	json_push_number(list, 0);
	json_push(list, json_array(arena));
	json_put(object, "l", list);
	expect_text(object,
	    "{\"b\":\"x\",\"a\":null,\"n\":18446744073709551615,"
	    "\"t\":true,\"f\":false,"
	    "\"s\":{\"x\":1.50,\"y\":\"\\u00e9/\"},"
	    "\"o\":{\"e\":\"\"},\"l\":[\"y\",0,[]]}");
}

Test(json_write, writes_empty_containers)
{
	expect_text(json_object(arena), "{}");
	expect_text(json_array(arena), "[]");
}

Test(json_write, escapes_no_more_than_needed)
{
	struct json_value *list = json_array(arena);

	json_push_text(list, SPAN("\"\\/\b\f\n\r\t\0\x1f\x7f\xc3\xa9<'"));
	expect_text(
	    list, "[\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\xc3\xa9<'\"]");
}

Test(json_write, copies_a_value_that_two_hold)
{
	struct json_value *one = json_array(arena);
	struct json_value *other = json_array(arena);
	struct json_value *shared = json_object(arena);

	json_push(one, shared);
	json_push(other, shared);
	expect_text(one, "[{}]");
	expect_text(other, "[{}]");
}

Test(json_write, writes_a_detail)
{
	struct span text = json_detail(arena, SPAN("a \"b\""));

	cr_assert(span_is(text, "{\"detail\":\"a \\\"b\\\"\"}"));
}

/* ---- streaming ---- */

#define FFFD "\xef\xbf\xbd"

static const struct {
	struct span bytes;
	const char *escaped;
} pieces[] = {
	{ { "", 0 }, "" },
	{ { "plain", 5 }, "plain" },
	{ { "\"\\/\b\f\n\r\t", 8 }, "\\\"\\\\/\\b\\f\\n\\r\\t" },
	{ { "\0\x01\x1f\x7f", 4 }, "\\u0000\\u0001\\u001f\x7f" },
	{ { "a\xc3\xa9z", 4 }, "a\xc3\xa9z" },
	{ { "\xf0\x9f\x98\x80\xe2\x82\xac", 7 },
	    "\xf0\x9f\x98\x80\xe2\x82\xac" },
	{ { "\xff", 1 }, FFFD },
	{ { "\x80\x80", 2 }, FFFD FFFD },
	{ { "\xed\xa0\x80", 3 }, FFFD FFFD FFFD },
	{ { "\xf0\x9f\"", 3 }, FFFD "\\\"" },
	{ { "\xf0\x9f\n", 3 }, FFFD "\\n" },
	{ { "\xf0\x9f\xf0\x9f\x98\x80", 6 }, FFFD "\xf0\x9f\x98\x80" },
	{ { "\xf0\x9f\x98\xc3\xa9", 5 }, FFFD "\xc3\xa9" },
	{ { "\xe2\xe2\xe2\x82\xac", 5 }, FFFD FFFD "\xe2\x82\xac" },
	{ { "\xe0\x80\xbf", 3 }, FFFD FFFD FFFD },
	{ { "x\xe2\x82", 3 }, "x" FFFD },
	{ { "\xf0\x9f\x98", 3 }, FFFD },
	{ { "\xc3", 1 }, FFFD },
	{ { "\xf4\x90\x80\x80\xc0\xaf", 6 }, FFFD FFFD FFFD FFFD FFFD FFFD },
};

static void
expect_escaped(size_t i, const struct buffer *buffer)
{
	cr_expect(span_is(buffer_span(buffer), pieces[i].escaped), "%zu: %.*s",
	    i, (int)buffer->size, buffer->data);
}

Test(json_write, escapes_content_alike_however_it_is_split_in_three)
{
	struct json_escaper escaper;
	struct buffer buffer;
	struct span bytes;
	size_t i;
	size_t one;
	size_t two;

	buffer_init(&buffer, arena);
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		bytes = pieces[i].bytes;
		for (one = 0; one <= bytes.size; one++) {
			for (two = one; two <= bytes.size; two++) {
				escaper = (struct json_escaper){ 0 };
				buffer_clear(&buffer);
				json_escape(&escaper, span_of(bytes.data, one),
				    false, &buffer);
				json_escape(&escaper,
				    span_of(bytes.data + one, two - one), false,
				    &buffer);
				json_escape(&escaper, span_from(bytes, two),
				    true, &buffer);
				expect_escaped(i, &buffer);
			}
		}
	}
}

Test(json_write, escapes_content_alike_in_single_bytes)
{
	struct json_escaper escaper;
	struct buffer buffer;
	size_t i;
	size_t n;

	buffer_init(&buffer, arena);
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		escaper = (struct json_escaper){ 0 };
		buffer_clear(&buffer);
		for (n = 0; n < pieces[i].bytes.size; n++)
			json_escape(&escaper,
			    span_of(pieces[i].bytes.data + n, 1), false,
			    &buffer);
		json_escape(&escaper, SPAN_NONE, true, &buffer);
		expect_escaped(i, &buffer);
	}
}

Test(json_write, escapes_content_as_repairing_it_first_would)
{
	struct json_escaper escaper = { 0 };
	struct buffer buffer;
	struct json_value *list = json_array(arena);
	char bytes[4096];
	uint32_t random = 12345;
	size_t i;

	/* mostly lead and continuation bytes; the same in each run */
	for (i = 0; i < sizeof(bytes); i++) {
		random = random * 1664525 + 1013904223;
		bytes[i] = (char)((random >> 24) | (random >> 16 & 0x80));
	}
	buffer_init(&buffer, arena);
	for (i = 0; i < sizeof(bytes); i += 16)
		json_escape(&escaper, span_of(bytes + i, 16),
		    i + 16 == sizeof(bytes), &buffer);
	json_push_text(list, utf8_repair(arena, span_of(bytes, sizeof(bytes))));
	expect_text(list,
	    arena_printf(arena, "[\"%.*s\"]", (int)buffer.size, buffer.data)
		.data);
}
