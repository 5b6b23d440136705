/* SPDX-License-Identifier: ISC */
#include "protocol/json.h"
#include "base/limits.h"
#include "protocol/utf8.h"

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

TestSuite(json, .init = set_up, .fini = tear_down);

static void
read_text(struct span text)
{
	faults.count = 0;
	cr_assert_eq(json_read(arena, text, &faults, &document), JSON_VALID,
	    "%s", text.data);
}

static void
expect_fault(size_t i, const char *type, const char *name)
{
	cr_assert_gt(faults.count, i, "no fault %s", type);
	cr_expect_str_eq(faults.list[i].type, type);
	cr_expect_str_eq(faults.list[i].area, "body");
	cr_expect(span_equal(faults.list[i].name, span_str(name)), "%s %.*s",
	    type, (int)faults.list[i].name.size, faults.list[i].name.data);
}

/* ---- reading ---- */

Test(json, asks_for_a_body_that_is_empty_or_null)
{
	static const struct span texts[] = { { "", 0 }, { NULL, 0 },
		{ "null", 4 }, { " null\n", 6 }, { "\xef\xbb\xbfnull", 7 } };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		read_text(texts[i]);
		cr_expect_eq(faults.count, 1);
		expect_fault(0, "missing", NULL);
		cr_expect_null(document.root);
	}
}

Test(json, refuses_what_is_no_object)
{
	static const char *const texts[] = { "[]", "[1]", "5", "-1", "true",
		"false", "\"x\"", " [{}] " };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		read_text(span_str(texts[i]));
		cr_expect_eq(faults.count, 1);
		expect_fault(0, "model_attributes_type", NULL);
		cr_expect_null(document.root);
	}
}

Test(json, notes_where_the_syntax_is_wrong)
{
	cr_assert_eq(
	    json_read(arena, SPAN("{\"\xc3\xa9\":x}"), &faults, &document),
	    JSON_SYNTAX);
	cr_assert_eq(faults.count, 1);
	expect_fault(0, "json_invalid", NULL);
	cr_expect(faults.list[0].has_index);
	cr_expect_eq(faults.list[0].index, 5);
	cr_expect_str_eq(faults.list[0].message, "JSON decode error");
	cr_expect_null(document.root);
}

Test(json, takes_a_lone_bom_for_wrong_syntax)
{
	cr_assert_eq(json_read(arena, SPAN("\xef\xbb\xbf"), &faults, &document),
	    JSON_SYNTAX);
	cr_assert_eq(faults.count, 1);
}

Test(json, leaves_encoding_and_depth_to_the_caller)
{
	char brackets[LIMIT_JSON_DEPTH + 1];

	memset(brackets, '[', sizeof(brackets));
	cr_expect_eq(json_read(arena, SPAN("\"\xff\""), &faults, &document),
	    JSON_ENCODING);
	cr_expect_eq(json_read(arena, span_of(brackets, sizeof(brackets)),
			 &faults, &document),
	    JSON_TOO_DEEP);
	cr_expect_eq(faults.count, 0);
}

/* What is put for the member "s" and what its getter says of it. */
static const struct {
	const char *text;
	enum json_need need;
	const char *string; /* NULL: SPAN_NONE */
	const char *fault;  /* NULL: none */
} strings[] = {
	{ "{\"s\":\"x\"}", JSON_REQUIRED, "x", NULL },
	{ "{\"s\":\"\"}", JSON_REQUIRED, "", NULL },
	{ "\xef\xbb\xbf{\"s\":\"x\"}", JSON_REQUIRED, "x", NULL },
	{ "{\"s\":\"1234\"}", JSON_REQUIRED, "1234", NULL },
	{ "{\"s\":\"\\u00e9\\u00e9\"}", JSON_REQUIRED, "\xc3\xa9\xc3\xa9",
	    NULL },
	{ "{\"s\":\"\\ud83d\\ude00\"}", JSON_REQUIRED, "\xf0\x9f\x98\x80",
	    NULL },
	{ "{\"s\":\"\\\"\\/\\n\"}", JSON_REQUIRED, "\"/\n", NULL },
	{ "{\"s\":1,\"s\":\"x\"}", JSON_REQUIRED, "x", NULL },
	{ "{\"\\u0073\":\"x\"}", JSON_REQUIRED, "x", NULL },
	{ "{\"s\":\"y\",\"\\u0073\":\"x\"}", JSON_REQUIRED, "x", NULL },
	{ "{\"s\":\"\\ud800\",\"s\":\"x\"}", JSON_REQUIRED, "x", NULL },
	{ "{\"s\":\"x\",\"s\\u0000\":\"y\"}", JSON_REQUIRED, "x", NULL },
	{ "{}", JSON_REQUIRED, NULL, "missing" },
	{ "{}", JSON_OPTIONAL, NULL, NULL },
	{ "{}", JSON_NULLABLE, NULL, NULL },
	{ "{\"S\":\"x\"}", JSON_REQUIRED, NULL, "missing" },
	{ "{\"a\":{\"s\":\"x\"}}", JSON_REQUIRED, NULL, "missing" },
	{ "{\"s\\u0000\":\"y\"}", JSON_REQUIRED, NULL, "missing" },
	{ "{\"s\":null}", JSON_REQUIRED, NULL, "string_type" },
	{ "{\"s\":null}", JSON_OPTIONAL, NULL, "string_type" },
	{ "{\"s\":null}", JSON_NULLABLE, NULL, NULL },
	{ "{\"s\":5}", JSON_REQUIRED, NULL, "string_type" },
	{ "{\"s\":-0.0}", JSON_NULLABLE, NULL, "string_type" },
	{ "{\"s\":true}", JSON_OPTIONAL, NULL, "string_type" },
	{ "{\"s\":[]}", JSON_REQUIRED, NULL, "string_type" },
	{ "{\"s\":{\"a\":1}}", JSON_REQUIRED, NULL, "string_type" },
	{ "{\"s\":[\"\\ud800\"]}", JSON_REQUIRED, NULL, "string_type" },
	{ "{\"s\":\"A\\ud800B\"}", JSON_REQUIRED, NULL, "string_unicode" },
	{ "{\"s\":\"x\",\"s\":\"\\udc00\"}", JSON_REQUIRED, NULL,
	    "string_unicode" },
	{ "{\"s\":\"12345\"}", JSON_REQUIRED, NULL, "string_too_long" },
	{ "{\"s\":\"\xc3\xa9\xc3\xa9.\"}", JSON_REQUIRED, NULL,
	    "string_too_long" },
};

Test(json, gets_strings_without_coercing)
{
	struct span string;
	size_t i;

	for (i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		read_text(span_str(strings[i].text));
		string = json_get_string(
		    &document, "s", strings[i].need, 4, &faults);
		cr_expect_eq(string.data == NULL, strings[i].string == NULL,
		    "%s", strings[i].text);
		cr_expect(span_equal(string, span_str(strings[i].string)), "%s",
		    strings[i].text);
		cr_expect_eq(faults.count, strings[i].fault == NULL ? 0 : 1,
		    "%s", strings[i].text);
		if (strings[i].fault != NULL)
			expect_fault(0, strings[i].fault, "s");
	}
}

Test(json, keeps_nul_inside_a_string)
{
	struct span string;

	read_text(SPAN("{\"s\":\"a\\u0000b\"}"));
	string = json_get_string(&document, "s", JSON_REQUIRED, 3, &faults);
	cr_assert(span_equal(string, SPAN("a\0b")));
}

Test(json, gives_the_same_bytes_when_asked_twice)
{
	struct span first;
	struct span second;

	read_text(SPAN("{\"s\":\"a\\nb\",\"t\":\"c\"}"));
	first = json_get_string(&document, "s", JSON_REQUIRED, 0, &faults);
	(void)json_get_string(&document, "t", JSON_REQUIRED, 0, &faults);
	second = json_get_string(&document, "s", JSON_REQUIRED, 0, &faults);
	cr_assert_eq(first.data, second.data);
	cr_assert(span_is(first, "a\nb"));
}

Test(json, gets_a_string_of_many_mebibytes)
{
	struct buffer buffer;
	struct span string;
	size_t i;

	buffer_init(&buffer, arena);
	buffer_append(&buffer, SPAN("{\"s\":\""));
	for (i = 0; i < 1024 * 1024; i++)
		buffer_append(&buffer, SPAN("0123456\\n"));
	buffer_append(&buffer, SPAN("\"}"));
	read_text(buffer_span(&buffer));
	string = json_get_string(&document, "s", JSON_REQUIRED, 0, &faults);
	cr_assert_eq(string.size, 8 * 1024 * 1024);
	cr_assert_eq(string.data[string.size - 1], '\n');
}

Test(json, gets_a_bool)
{
	bool value = false;

	read_text(SPAN("{\"b\":false,\"b\":true}"));
	cr_assert(json_get_bool(&document, "b", &faults, &value));
	cr_assert(value);
	read_text(SPAN("{\"b\":false}"));
	cr_assert(json_get_bool(&document, "b", &faults, &value));
	cr_assert_not(value);
	read_text(SPAN("{}"));
	cr_assert_not(json_get_bool(&document, "b", &faults, &value));
	cr_assert_eq(faults.count, 0);
}

Test(json, refuses_what_is_no_bool)
{
	static const char *const texts[] = { "{\"b\":null}", "{\"b\":1}",
		"{\"b\":\"true\"}", "{\"b\":[true]}" };
	bool value;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		read_text(span_str(texts[i]));
		cr_expect_not(json_get_bool(&document, "b", &faults, &value));
		cr_expect_eq(faults.count, 1);
		expect_fault(0, "bool_type", "b");
		cr_expect_str_eq(
		    faults.list[0].message, "Input should be a valid boolean");
	}
}

static const struct {
	const char *text;
	const char *source; /* NULL: SPAN_NONE */
	const char *fault;
} objects[] = {
	{ "{}", NULL, NULL },
	{ "{\"m\":{}}", "{}", NULL },
	{ "{\"m\":{ \"a\" : 1.50 }}", "{\"a\":1.50}", NULL },
	{ "{\"m\":1,\"m\":{\"\\n\":1e99}}", "{\"\\n\":1e99}", NULL },
	{ "{\"m\":{\"a\":\"12345678\"}}", NULL, "string_too_long" },
	{ "{\"m\":{\"a\":\"\\ud800\"}}", NULL, "string_unicode" },
	{ "{\"m\":null}", NULL, "dict_type" },
	{ "{\"m\":[]}", NULL, "dict_type" },
	{ "{\"m\":\"{}\"}", NULL, "dict_type" },
};

Test(json, gets_an_object_as_it_was_written)
{
	struct span source;
	size_t i;

	for (i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		read_text(span_str(objects[i].text));
		source = json_get_object_text(&document, "m", 15, &faults);
		cr_expect_eq(source.data == NULL, objects[i].source == NULL);
		cr_expect(span_equal(source, span_str(objects[i].source)), "%s",
		    objects[i].text);
		cr_expect_eq(faults.count, objects[i].fault == NULL ? 0 : 1,
		    "%s", objects[i].text);
		if (objects[i].fault != NULL)
			expect_fault(0, objects[i].fault, "m");
	}
}

/* What is kept of an object in which keys come twice. */
static const char *const twice[][2] = {
	{ "{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}" },
	{ "{\"a\":1,\"a\":1.50}", "{\"a\":1.50}" },
	{ "{\"a\":1,\"b\":2,\"a\":3}", "{\"b\":2,\"a\":3}" },
	{ "{\"b\":0,\"a\":1,\"a\":[]}", "{\"b\":0,\"a\":[]}" },
	{ "{\"a\":1,\"\\u0061\":2}", "{\"\\u0061\":2}" },
	{ "{\"\":{\"a\":1,\"a\":2},\"a\":3}", "{\"\":{\"a\":2},\"a\":3}" },
	{ "{\"l\":[{\"a\":1,\"a\":{\"b\":1,\"b\":2}},{\"a\":4}]}",
	    "{\"l\":[{\"a\":{\"b\":2}},{\"a\":4}]}" },
	/* What a dropped value holds is dropped with it. */
	{ "{\"a\":{\"b\":1,\"b\":{\"c\":1,\"c\":2}},\"a\":{\"b\":5}}",
	    "{\"a\":{\"b\":5}}" },
	{ "{\"a\" : \"\\\"{,\" , \"a\" : \"}\\\\\" }", "{\"a\":\"}\\\\\"}" },
	{ "{\"a\\u0000\":1,\"a\":2,\"a\\u0000\":3}",
	    "{\"a\":2,\"a\\u0000\":3}" },
	/* The dropped number is nobody's. */
	{ "{\"a\":1e400,\"a\":1}", "{\"a\":1}" },
};

Test(json, keeps_the_last_of_the_keys_that_come_twice_at_any_depth)
{
	struct span source;
	size_t i;

	for (i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
		read_text(arena_printf(arena, "{\"m\":%s}", twice[i][0]));
		source = json_get_object_text(&document, "m", 100, &faults);
		cr_expect(span_is(source, twice[i][1]), "%s became %.*s",
		    twice[i][0], (int)source.size, source.data);
		cr_expect_eq(faults.count, 0);
	}
}

/* Numbers, and whether a double is near them. */
static const struct {
	const char *number;
	bool is_finite;
} numbers[] = {
	{ "0", true },
	{ "-0", true },
	{ "1.50", true },
	{ "123456789012345678901234567890", true },
	{ "1.7976931348623157e308", true },
	{ "-1.7976931348623157E+308", true },
	{ "17976931348623157e292", true },
	{ "1e-400", true },
	{ "0e999999999999999999999", true },
	{ "0.000e400", true },
	{ "1e400", false },
	{ "-1e400", false },
	{ "1E+309", false },
	{ "1.7976931348623159e308", false },
	{ "0.1e310", false },
	{ "1e999999999999999999999", false },
};

Test(json, refuses_numbers_that_no_double_is_near)
{
	struct span source;
	struct buffer digits;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		read_text(arena_printf(arena,
		    "{\"m\":{\"1e400\":[\"1e400\",{\"k\":[0,%s]}]}}",
		    numbers[i].number));
		source = json_get_object_text(&document, "m", 100, &faults);
		cr_expect_eq(source.data != NULL, numbers[i].is_finite, "%s",
		    numbers[i].number);
		cr_expect_eq(faults.count, numbers[i].is_finite ? 0 : 1);
		if (!numbers[i].is_finite)
			expect_fault(0, "finite_number", "m");
	}
	/* As many digits as there can be. */
	buffer_init(&digits, arena);
	buffer_append(&digits, SPAN("{\"m\":{\"n\":"));
	for (i = 0; i < 60000; i++)
		buffer_append_byte(&digits, '7');
	buffer_append(&digits, SPAN("}}"));
	read_text(buffer_span(&digits));
	(void)json_get_object_text(&document, "m", LIMIT_METADATA, &faults);
	expect_fault(0, "finite_number", "m");
}

/* Time that is quadratic in the values would be minutes here. */
Test(json, stays_quick_with_as_many_keys_twice_as_there_may_be)
{
	struct span source;
	struct buffer buffer;
	size_t i;

	buffer_init(&buffer, arena);
	buffer_append(&buffer, SPAN("{\"m\":{\"x\":1"));
	for (i = 3; i < LIMIT_JSON_VALUES; i++)
		buffer_printf(&buffer, ",\"\\u006b%zu\":1", i % 10);
	buffer_append(&buffer, SPAN("}}"));
	read_text(buffer_span(&buffer));
	source = json_get_object_text(&document, "m", 200, &faults);
	cr_assert_eq(faults.count, 0);
	cr_assert(span_starts_with(source, "{\"x\":1,\"\\u006b"));
}

#define ID_LOW "01234567-89ab-cdef-0123-456789abcdef"
#define ID_HIGH "01234567-89AB-CDEF-0123-456789ABCDEF"

Test(json, gets_ids_in_either_case)
{
	struct span *ids = NULL;
	size_t count = 0;

	read_text(SPAN("{\"i\":[\"" ID_LOW "\" , \"" ID_HIGH "\"]}"));
	cr_assert(json_get_ids(&document, "i", 2, &faults, &ids, &count));
	cr_assert_eq(count, 2);
	cr_expect(span_is(ids[0], ID_LOW));
	cr_expect(span_is(ids[1], ID_HIGH));

	read_text(SPAN("{\"i\":[]}"));
	cr_assert(json_get_ids(&document, "i", 2, &faults, &ids, &count));
	cr_assert_eq(count, 0);

	read_text(SPAN("{}"));
	cr_assert_not(json_get_ids(&document, "i", 2, &faults, &ids, &count));
	cr_assert_eq(faults.count, 0);
}

Test(json, refuses_each_id_that_is_none)
{
	static const char list[] =
	    "{\"i\":[\"" ID_LOW "\",null,5,\"\",[],"
	    "\"" ID_LOW "0\","
	    "\"0123456789ab-cdef-0123-456789abcdef--\","
	    "\"01234567-89ab-cdef-0123-456789abcdeg\","
	    "\"01234567-89ab-cdef-0123-456789abcd\\ud800\""
	    "]}";
	struct span *ids = NULL;
	size_t count = 77;
	size_t i;

	read_text(span_str(list));
	cr_assert_not(json_get_ids(&document, "i", 256, &faults, &ids, &count));
	cr_assert_eq(faults.count, 8);
	for (i = 0; i < 8; i++) {
		expect_fault(i, "uuid_parsing", "i");
		cr_expect(faults.list[i].has_index);
		cr_expect_eq(faults.list[i].index, i + 1);
		cr_expect_str_eq(
		    faults.list[i].message, "Input should be a valid UUID");
	}
	cr_expect_null(ids);
	cr_expect_eq(count, 77);
}

Test(json, refuses_a_list_that_is_none_or_too_long)
{
	static const struct {
		const char *text;
		const char *type;
		const char *message;
	} lists[] = {
		{ "{\"i\":null}", "list_type", "Input should be a valid list" },
		{ "{\"i\":{}}", "list_type", "Input should be a valid list" },
		{ "{\"i\":\"" ID_LOW "\"}", "list_type",
		    "Input should be a valid list" },
		{ "{\"i\":[1,2,3]}", "too_long",
		    "List should have at most 2 items" },
	};
	struct span *ids;
	size_t count;
	size_t i;

	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		read_text(span_str(lists[i].text));
		cr_expect_not(
		    json_get_ids(&document, "i", 2, &faults, &ids, &count));
		cr_expect_eq(faults.count, 1);
		expect_fault(0, lists[i].type, "i");
		cr_expect_str_eq(faults.list[0].message, lists[i].message);
	}
}

Test(json, refuses_each_unknown_key_once_in_the_order_sent)
{
	static const char *const known[] = { "title", "content", NULL };
	static const struct span extra[] = { { "zzz", 3 }, { "Title", 5 },
		{ "title\0", 6 }, { "", 0 }, { "\xc3\xa9\n\"k", 5 },
		{ "x\xef\xbf\xbdy", 5 }, { "a", 1 } };
	size_t i;

	read_text(SPAN("{\"zzz\":1,\"title\":1,\"Title\":1,\"t\\u0069tle\":1,"
		       "\"title\\u0000\":1,\"\":1,\"zzz\":2,\"content\":{},"
		       "\"\xc3\xa9\\n\\\"k\":1,\"x\\ud800y\":1,\"a\":1,"
		       "\"\\u007azz\":3,\"a\":{\"b\":1}}"));
	json_refuse_extra(&document, known, &faults);
	cr_assert_eq(faults.count, 7);
	for (i = 0; i < 7; i++) {
		cr_expect_str_eq(faults.list[i].type, "extra_forbidden");
		cr_expect(span_equal(faults.list[i].name, extra[i]), "%zu: %s",
		    i, faults.list[i].name.data);
	}
}

/* json-c decodes keys; what stands in for a half is its own choice. */
Test(json, shows_unpaired_surrogates_in_keys_as_replacements)
{
	static const char *const known[] = { NULL };
	static const char *const keys[] = { "\\ud800", "\\udc00",
		"\\ud800\\ud800", "\\ud800\\n", "\\udc00\\ud800",
		"\\ud800\\ud83d\\ude00", "\\ud800\\\\", "\\ud800\\\"" };
	struct span text;
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		text = arena_printf(arena, "{\"%s\":1}", keys[i]);
		read_text(text);
		json_refuse_extra(&document, known, &faults);
		cr_assert_eq(faults.count, 1, "%s", keys[i]);
		cr_expect(utf8_is_valid(faults.list[0].name), "%s", keys[i]);
		cr_expect_eq(
		    memcmp(faults.list[0].name.data, "\xef\xbf\xbd", 3), 0,
		    "%s", keys[i]);
	}
}

Test(json, stays_quick_with_as_many_unknown_keys_as_there_may_be)
{
	static const char *const known[] = { "title", NULL };
	struct buffer buffer;
	size_t i;

	buffer_init(&buffer, arena);
	buffer_append(&buffer, SPAN("{\"title\":\"x\""));
	for (i = 2; i < LIMIT_JSON_VALUES; i++)
		buffer_printf(&buffer, ",\"\\u006b%zu\":1", i % 60000);
	buffer_append_byte(&buffer, '}');
	read_text(buffer_span(&buffer));
	json_refuse_extra(&document, known, &faults);
	cr_assert_eq(faults.count, 60000);
}
