/* SPDX-License-Identifier: ISC */
#include "protocol/json_check.h"
#include "base/limits.h"

#include <criterion/criterion.h>

static struct arena *arena;
static struct json_shape shape;

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

TestSuite(json_check, .init = set_up, .fini = tear_down);

Test(json_check, takes_what_rfc_8259_allows)
{
	static const char *const texts[] = { "{}", "[]", "null", "true",
		"false", "0", "-0", "-0.0", "1e5", "1E+5", "1e-05", "-12.50",
		"123456789012345678901234567890", "\"\"", " \t\r\n{ } \t\r\n",
		"[1,2]", "[[],{}]", "[ 1 , [ ] ]", "{\"a\":1,\"a\":2}",
		"{ \"a\" : { \"b\" : [ null ] } }", "{\"\":0}",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uABCD\"", "\"\\u0000\"",
		"\"\x7f\xc2\x80\"", "\"\\ud83d\\ude00\"", "\"\\ud800\"",
		"\xef\xbb\xbf{}", "1e999", "\"\xef\xbb\xbf\"" };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(json_check(arena, span_str(texts[i]), &shape),
		    JSON_VALID, "%s", texts[i]);
}

/* The offset is that of the first wrong character. */
static const struct {
	struct span text;
	size_t offset;
} wrongs[] = {
	{ { "", 0 }, 0 },
	{ { NULL, 0 }, 0 },
	{ { " ", 1 }, 1 },
	{ { "\xef\xbb\xbf", 3 }, 0 },
	{ { "{}\xef\xbb\xbf", 5 }, 2 },
	{ { "\xef\xbb\xbf\xef\xbb\xbf{}", 8 }, 0 },
	{ { "{", 1 }, 1 },
	{ { "}", 1 }, 0 },
	{ { "[", 1 }, 1 },
	{ { "]", 1 }, 0 },
	{ { "[}", 2 }, 1 },
	{ { "{]", 2 }, 1 },
	{ { "[1}", 3 }, 2 },
	{ { "{\"a\":1]", 7 }, 6 },
	{ { "{\"a\"", 4 }, 4 },
	{ { "{\"a\":", 5 }, 5 },
	{ { "{\"a\":1", 6 }, 6 },
	{ { "{\"a\":1,", 7 }, 7 },
	{ { "{\"a\":1,}", 8 }, 7 },
	{ { "{\"a\" 1}", 7 }, 5 },
	{ { "{\"a\":1 \"b\":2}", 13 }, 7 },
	{ { "{1:2}", 5 }, 1 },
	{ { "{a:1}", 5 }, 1 },
	{ { "{'a':1}", 7 }, 1 },
	{ { "{,}", 3 }, 1 },
	{ { "{\"a\"::1}", 8 }, 5 },
	{ { "[1,]", 4 }, 3 },
	{ { "[,1]", 4 }, 1 },
	{ { "[1 2]", 5 }, 3 },
	{ { "[1,,2]", 6 }, 3 },
	{ { "{}x", 3 }, 2 },
	{ { "{}{}", 4 }, 2 },
	{ { "1 2", 3 }, 2 },
	{ { "{},", 3 }, 2 },
	{ { "{}\0", 3 }, 2 },
	{ { "\0{}", 3 }, 0 },
	{ { "{}/**/", 6 }, 2 },
	{ { "\v{}", 3 }, 0 },
	{ { "{\f}", 3 }, 1 },
	{ { "[\xc2\xa0]", 4 }, 1 },
	{ { "nul", 3 }, 3 },
	{ { "nulL", 4 }, 3 },
	{ { "True", 4 }, 0 },
	{ { "nan", 3 }, 1 },
	{ { "NaN", 3 }, 0 },
	{ { "Infinity", 8 }, 0 },
	{ { "-Infinity", 9 }, 1 },
	{ { "+1", 2 }, 0 },
	{ { "-", 1 }, 1 },
	{ { "--1", 3 }, 1 },
	{ { "01", 2 }, 1 },
	{ { "-01", 3 }, 2 },
	{ { ".5", 2 }, 0 },
	{ { "1.", 2 }, 2 },
	{ { "1.e1", 4 }, 2 },
	{ { "1e", 2 }, 2 },
	{ { "1e+", 3 }, 3 },
	{ { "1e+-1", 5 }, 3 },
	{ { "1e1.5", 5 }, 3 },
	{ { "0x1", 3 }, 1 },
	{ { "1_0", 3 }, 1 },
	{ { "\"", 1 }, 1 },
	{ { "\"abc", 4 }, 4 },
	{ { "\"abc\\", 5 }, 5 },
	{ { "\"\\x\"", 4 }, 2 },
	{ { "\"\\\0\"", 4 }, 2 },
	{ { "\"\\U0041\"", 8 }, 2 },
	{ { "\"\\u12\"", 6 }, 5 },
	{ { "\"\\u12g4\"", 8 }, 5 },
	{ { "\"\\ud800\\u12\"", 12 }, 11 },
	{ { "\"a\nb\"", 5 }, 2 },
	{ { "\"a\tb\"", 5 }, 2 },
	{ { "\"a\0b\"", 5 }, 2 },
	{ { "\"\x1f\"", 3 }, 1 },
	{ { "'a'", 3 }, 0 },
	{ { "{\"\xc3\xa9\":x}", 7 }, 5 },
	{ { "\xef\xbb\xbf{\"\xf0\x9f\x98\x80\":x}", 12 }, 5 },
};

Test(json_check, finds_the_first_wrong_character)
{
	size_t i;

	for (i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		cr_expect_eq(json_check(arena, wrongs[i].text, &shape),
		    JSON_SYNTAX, "%zu: %s", i, wrongs[i].text.data);
		cr_expect_eq(shape.offset, wrongs[i].offset,
		    "%zu: %s: offset %zu", i, wrongs[i].text.data,
		    shape.offset);
	}
}

Test(json_check, refuses_every_cut_of_a_valid_text)
{
	struct span text = SPAN("{\"a\": [1.5e3, true, null, \"\\u00e9x\\n\"],"
				" \"b\": {\"c\": -0, \"d\": {}}}");
	size_t i;

	cr_assert_eq(json_check(arena, text, &shape), JSON_VALID);
	for (i = 0; i < text.size; i++)
		cr_expect_eq(json_check(arena, span_of(text.data, i), &shape),
		    JSON_SYNTAX, "%zu", i);
}

Test(json_check, judges_encoding_before_all_else)
{
	static const char *const texts[] = { "\"\xff\"", "\"\xc0\xaf\"",
		"\"\xf4\x90\x80\x80\"", "\"\xed\xa0\x80\"", "{}\x80",
		"}}} \xe2\x82", "\xff\xfe{", "\xef\xbb{}" };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_eq(json_check(arena, span_str(texts[i]), &shape),
		    JSON_ENCODING, "%zu", i);
}

/* open and close, each count times, with a 1 inside */
static struct span
nested(const char *open, const char *close, size_t count)
{
	struct buffer buffer;
	size_t i;

	buffer_init(&buffer, arena);
	for (i = 0; i < count; i++)
		buffer_append(&buffer, span_str(open));
	buffer_append_byte(&buffer, '1');
	for (i = 0; i < count; i++)
		buffer_append(&buffer, span_str(close));
	return buffer_span(&buffer);
}

Test(json_check, bounds_the_nesting)
{
	static const struct {
		const char *open;
		const char *close;
		size_t count;
		enum json_verdict verdict;
	} nests[] = {
		{ "[", "]", LIMIT_JSON_DEPTH, JSON_VALID },
		{ "[", "]", LIMIT_JSON_DEPTH + 1, JSON_TOO_DEEP },
		{ "{\"a\":", "}", LIMIT_JSON_DEPTH, JSON_VALID },
		{ "{\"a\":", "}", LIMIT_JSON_DEPTH + 1, JSON_TOO_DEEP },
		{ "[", "]", 100000, JSON_TOO_DEEP },
		{ "[", "", 100000, JSON_TOO_DEEP },
		{ "{\"a\":", "}", 100000, JSON_TOO_DEEP },
		{ "[{\"a\":", "", 100000, JSON_TOO_DEEP },
		{ "", "]", 100000, JSON_SYNTAX },
	};
	struct span text;
	size_t i;

	for (i = 0; i < sizeof(nests) / sizeof(nests[0]); i++) {
		text = nested(nests[i].open, nests[i].close, nests[i].count);
		cr_expect_eq(json_check(arena, text, &shape), nests[i].verdict,
		    "%zu", i);
	}
}

Test(json_check, bounds_the_number_of_values)
{
	struct buffer buffer;
	size_t i;

	buffer_init(&buffer, arena);
	buffer_append_byte(&buffer, '[');
	for (i = 2; i < LIMIT_JSON_VALUES; i++)
		buffer_append(&buffer, SPAN("0,"));
	buffer_append(&buffer, SPAN("0]"));
	cr_expect_eq(
	    json_check(arena, buffer_span(&buffer), &shape), JSON_VALID);

	buffer.size--;
	buffer_append(&buffer, SPAN(",0]"));
	cr_expect_eq(
	    json_check(arena, buffer_span(&buffer), &shape), JSON_TOO_MANY);
}

Test(json_check, shows_the_members_of_the_outermost_object)
{
	static const struct {
		const char *key;
		const char *value;
	} members[] = {
		{ "a", "1" },
		{ "b\\n", "[ {\"x\":\"y\"} , 2 ]" },
		{ "", "{\"c\" : {}}" },
		{ "a", "\"\\\"}\"" },
		{ "e", "{ }" },
	};
	struct span text =
	    SPAN("\xef\xbb\xbf { \"a\" : 1 , \"b\\n\":[ {\"x\":\"y\"} , 2 ]\n,"
		 "\"\": {\"c\" : {}} , \"a\":\"\\\"}\",\"e\":{ }\t} ");
	size_t i;

	cr_assert_eq(json_check(arena, text, &shape), JSON_VALID);
	cr_assert_eq(shape.text.data, text.data + 3);
	cr_assert_eq(shape.member_count, 5);
	for (i = 0; i < 5; i++) {
		cr_expect(span_is(shape.members[i].key, members[i].key));
		cr_expect(span_is(shape.members[i].value, members[i].value),
		    "%.*s", (int)shape.members[i].value.size,
		    shape.members[i].value.data);
		cr_expect_not(shape.members[i].has_unpaired);
	}
}

Test(json_check, shows_no_members_of_what_is_no_object)
{
	cr_assert_eq(json_check(arena, SPAN("[{\"a\":\"\\ud800\"}]"), &shape),
	    JSON_VALID);
	cr_assert_eq(shape.member_count, 0);
}

static const struct {
	const char *member;
	bool has_unpaired;
} surrogates[] = {
	{ "\"k\":\"\\ud83d\\ude00\"", false },
	{ "\"k\":\"\\uD83D\\uDE00\"", false },
	{ "\"k\":\"\\\\ud800\"", false },
	{ "\"k\":\"\\ud7ff\\ue000\"", false },
	{ "\"k\":\"\\ud800\"", true },
	{ "\"k\":\"\\udbff.\"", true },
	{ "\"k\":\"\\udc00\"", true },
	{ "\"k\":\"\\udfff\"", true },
	{ "\"k\":\"\\ude00\\ud83d\"", true },
	{ "\"k\":\"\\ud800\\ud83d\\ude00\"", true },
	{ "\"k\":\"\\ud83d\\ude00\\ude00\"", true },
	{ "\"k\":\"\\ud800\\n\\udc00\"", true },
	{ "\"k\":\"\\ud800\\u0041\"", true },
	{ "\"k\":[{\"x\":[\"\\ud800\"]}]", true },
	{ "\"k\":[{\"\\ud800\":0}]", true },
	{ "\"\\ud800\":0", true },
};

Test(json_check, marks_the_member_with_an_unpaired_surrogate)
{
	struct span text;
	size_t i;

	for (i = 0; i < sizeof(surrogates) / sizeof(surrogates[0]); i++) {
		text = arena_printf(arena, "{\"a\":\"x\",%s,\"z\":{\"y\":1}}",
		    surrogates[i].member);
		cr_assert_eq(json_check(arena, text, &shape), JSON_VALID, "%s",
		    surrogates[i].member);
		cr_expect_not(shape.members[0].has_unpaired);
		cr_expect_eq(shape.members[1].has_unpaired,
		    surrogates[i].has_unpaired, "%s", surrogates[i].member);
		cr_expect_not(shape.members[2].has_unpaired);
	}
}

/* The values of a text, each in angle brackets. */
static struct span
walk(struct span text)
{
	struct buffer decoded, all;
	struct span value;

	cr_assert_eq(json_check(arena, text, &shape), JSON_VALID, "%.*s",
	    (int)text.size, text.data);
	buffer_init(&decoded, arena);
	buffer_init(&all, arena);
	while (json_next_value(&shape.text, &decoded, &value)) {
		buffer_append_byte(&all, '<');
		buffer_append(&all, value);
		buffer_append_byte(&all, '>');
	}
	cr_assert_eq(shape.text.size, 0);
	cr_assert_not(json_next_value(&shape.text, &decoded, &value));
	return buffer_span(&all);
}

Test(json_check, walks_the_values_at_any_depth)
{
	static const struct {
		const char *text;
		const char *values;
	} cases[] = {
		{ "{}", "" },
		{ "[]", "" },
		{ "null", "" },
		{ " [ null , [ ] , { } , null ] ", "" },
		{ "{\"null\":null,\"true\":[]}", "" },
		{ "true", "<true>" },
		{ " false\n", "<false>" },
		{ "-0", "<-0>" },
		{ "1.50E+05", "<1.50E+05>" },
		{ "\"\"", "<>" },
		{ "\"a b\"", "<a b>" },
		{ "\xef\xbb\xbf[1]", "<1>" },
		{ "{\"a\":\"b\"}", "<b>" },
		{ "{\"a\" \t\r\n:\n\"b\" , \"c\": 12}", "<b><12>" },
		{ "{\"a\":1,\"a\":2}", "<1><2>" },
		{ "{\"a\":{\"b\":[{\"c\":\"d\"},\"e\",-1e9]},\"f\":true}",
		    "<d><e><-1e9><true>" },
		{ "[\"x\",\"y\" ,\"z\"\n]", "<x><y><z>" },
		{ "[1,20,3.0]", "<1><20><3.0>" },
		{ "[\"{\\\"a\\\":1,[null]}\",\":\",\",\"]",
		    "<{\"a\":1,[null]}><:><,>" },
		{ "{\"k\\\"\":\"v\",\"\\\\\":\"\\\\\"}", "<v><\\>" },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t.\"", "<\"\\/\b\f\n\r\t.>" },
		{ "\"caf\xc3\xa9 \\u00e9\\u00E9\\u20ac\\u0041\"",
		    "<caf\xc3\xa9 \xc3\xa9\xc3\xa9\xe2\x82\xac"
		    "A>" },
		{ "\"\\ud83d\\ude00\\uD83D\\uDE00x\"",
		    "<\xf0\x9f\x98\x80\xf0\x9f\x98\x80x>" },
		{ "\"\\ud800\\udc00\\udbff\\udfff\"",
		    "<\xf0\x90\x80\x80\xf4\x8f\xbf\xbf>" },
		/* unpaired */
		{ "\"\\ud800\"", "<\xef\xbf\xbd>" },
		{ "\"\\udc00\\ud800\"", "<\xef\xbf\xbd\xef\xbf\xbd>" },
		{ "\"\\ud800\\ud83d\\ude00\"",
		    "<\xef\xbf\xbd\xf0\x9f\x98\x80>" },
		{ "\"\\ud800\\n\\u0041udc00\"", "<\xef\xbf\xbd\nAudc00>" },
		{ "[\"\\ud800\",\"\\udc00\"]", "<\xef\xbf\xbd><\xef\xbf\xbd>" },
	};
	struct span values;
	size_t i;

	for (i = 0; i < COUNT_OF(cases); i++) {
		values = walk(span_str(cases[i].text));
		cr_expect(span_is(values, cases[i].values), "%s: %.*s",
		    cases[i].text, (int)values.size, values.data);
	}
	cr_expect(span_equal(walk(SPAN("\"a\\u0000b\"")), SPAN("<a\0b>")));
}

Test(json_check, walks_the_deepest_text)
{
	cr_expect(span_is(walk(nested("[", "]", LIMIT_JSON_DEPTH)), "<1>"));
	cr_expect(
	    span_is(walk(nested("{\"a\":", "}", LIMIT_JSON_DEPTH)), "<1>"));
}

Test(json_check, walks_without_memory_where_nothing_is_escaped)
{
	struct span rest = SPAN("{\"a\\n\":[\"b\",1,\"c\"]}");
	struct span text = rest, value;
	struct buffer buffer;

	buffer_init(&buffer, arena);
	while (json_next_value(&rest, &buffer, &value))
		cr_expect(value.data > text.data &&
			  value.data < text.data + text.size);
	cr_assert_eq(buffer.capacity, 0);
}

Test(json_check, compacts_without_touching_strings_and_numbers)
{
	static const struct {
		const char *value;
		const char *compact;
	} values[] = {
		{ "{}", "{}" },
		{ "{ \"a b\" : [ 1.50 , -0 ,\n\t1E5 ] }",
		    "{\"a b\":[1.50,-0,1E5]}" },
		{ "{\"\\\" x\": \"a \\\\\" , \"b\" : null}",
		    "{\"\\\" x\":\"a \\\\\",\"b\":null}" },
		{ "[ ]", "[]" },
		{ "\" x \"", "\" x \"" },
	};
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		cr_expect(
		    span_is(json_compact(arena, span_str(values[i].value)),
			values[i].compact),
		    "%s", values[i].value);
}
