/* SPDX-License-Identifier: ISC */
/* header.c - media types, codings, digests, tags, ranges, dispositions. */

#include "protocol/header.h"

#include "base/digest.h"

#include <criterion/criterion.h>

#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define ONES "//////////////////////////////////////////8="

Test(header, knows_codings_that_change_nothing)
{
	static const struct {
		const char *header;
		bool is_plain;
	} cases[] = {
		{ NULL, true },
		{ "", true },
		{ "identity", true },
		{ "IDENTITY", true },
		{ " identity , Identity,", true },
		{ ",", true },
		{ "gzip", false },
		{ "GZip", false },
		{ "identity, gzip", false },
		{ "aws-chunked", false },
		{ "aws-chunked, identity", false },
		{ "identity;q=1", false },
		{ "identity gzip", false },
		{ "\"identity\"", false },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(header_is_uncoded(span_str(cases[i].header)),
		    cases[i].is_plain, "%s", cases[i].header);
}

Test(header, takes_a_media_type_only_if_it_says_something)
{
	static const char *const cases[][2] = {
		{ NULL, NULL },
		{ "text/plain", "text/plain" },
		{ "*/*", NULL },
		{ " */* ;q=0.8", NULL },
		{ "image/*", NULL },
		{ "text/plain; a=*", "text/plain; a=*" },
	};
	struct span type;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		type = header_media_type(span_str(cases[i][0]));
		cr_assert(
		    span_equal(type, span_str(cases[i][1])), "%s", cases[i][0]);
	}
}

Test(header, knows_media_types_in_any_case)
{
	cr_assert(header_media_is(span_str("Multipart/Form-Data; boundary=x"),
	    "multipart/form-data"));
	cr_assert(header_media_is(span_str(" a/b "), "a/b"));
	cr_assert_not(header_media_is(span_str("a/bc"), "a/b"));
	cr_assert_not(header_media_is(SPAN_NONE, "a/b"));
}

Test(header, knows_json_when_it_is_announced)
{
	static const struct {
		const char *type;
		bool is_json;
	} cases[] = {
		{ "application/json", true },
		{ "application/json;", true },
		{ "Application/JSON ; charset=utf-8", true },
		{ "application/problem+json", true },
		{ "application/vnd.a+JSON;v=1", true },
		{ "application/jsonx", false },
		{ "application/a/b+json", false },
		{ "application/xjson", false },
		{ "application", false },
		{ "text/json", false },
		{ "*/*", false },
		{ "", false },
		{ NULL, false },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(header_media_is_json(span_str(cases[i].type)),
		    cases[i].is_json, "%s", cases[i].type);
}

Test(header, finds_the_sha_256_of_a_digest_header)
{
	static const struct {
		const char *header;
		enum result result;
		uint8_t byte;
	} cases[] = {
		{ NULL, RESULT_END, 0 },
		{ "", RESULT_END, 0 },
		{ "sha-512=:abcd:", RESULT_END, 0 },
		{ "sha-2567=:" ZEROS ":", RESULT_END, 0 },
		{ "x=\"a,sha-256=:b:\"", RESULT_END, 0 },
		{ "x=\"\\\",sha-256=:b:\"", RESULT_END, 0 },
		{ "sha-256=:" ZEROS ":", RESULT_OK, 0 },
		{ "sha-256=:" ONES ":", RESULT_OK, 0xff },
		{ "SHA-256=:" ONES ":", RESULT_OK, 0xff },
		{ "unixsum=30, sha-256=:" ONES ":;a=1 , md5=:x:", RESULT_OK,
		    0xff },
		{ "x=\"\\\\\",sha-256=:" ONES ":", RESULT_OK, 0xff },
		{ "sha-256=:" ZEROS ":, sha-256=:" ONES ":", RESULT_OK, 0xff },
		{ "sha-256", RESULT_MALFORMED, 0 },
		{ "sha-256=", RESULT_MALFORMED, 0 },
		{ "sha-256=:", RESULT_MALFORMED, 0 },
		{ "sha-256=::", RESULT_MALFORMED, 0 },
		{ "sha-256=" ZEROS, RESULT_MALFORMED, 0 },
		{ "sha-256=:" ZEROS, RESULT_MALFORMED, 0 },
		{ "sha-256=:AAAA:", RESULT_MALFORMED, 0 },
		{ "sha-256=:" ZEROS ZEROS ":", RESULT_MALFORMED, 0 },
	};
	uint8_t hash[32], expected[32];
	size_t i;

	cr_assert(digest_init());
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(expected, cases[i].byte, sizeof(expected));
		cr_assert_eq(header_digest(span_str(cases[i].header), hash),
		    cases[i].result, "%s", cases[i].header);
		if (cases[i].result == RESULT_OK)
			cr_assert_arr_eq(hash, expected, sizeof(hash), "%s",
			    cases[i].header);
	}
}

Test(header, matches_tags_weakly_or_strongly)
{
	static const struct {
		const char *header;
		bool matches;
	} cases[] = {
		{ "*", true },
		{ " * ", true },
		{ "\"ab\"", true },
		{ "W/\"ab\"", true },
		{ "\"x\", \"ab\"", true },
		{ "\"x\",W/\"ab\" , \"y\"", true },
		{ ",, \"ab\"", true },
		{ "\"a,b\", \"ab\"", true },
		{ "junk, \"ab\"", true },
		{ "\"\",\"ab\"", true },
		{ "\"\"", false },
		{ "\"a,ab\"", false },
		{ "\"AB\"", false },
		{ "ab", false },
		{ "w/\"ab\"", false },
		{ "\"ab", false },
		{ "\"abc\"", false },
		{ "*, \"x\"", false },
		{ "\"ab\"x", false },
		{ "\"ab\" \"ab\"", false },
		{ "\"x\" \"ab\"", false },
		{ "\"\"ab\"\"", false },
		{ "\"x\"; \"ab\"", false },
		{ "\"x\" \"y\", \"ab\"", true },
		{ "", false },
		{ NULL, false },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(
		    header_has_tag(span_str(cases[i].header), SPAN("ab")),
		    cases[i].matches, "%s", cases[i].header);
		cr_assert_eq(header_has_strong_tag(
				 span_str(cases[i].header), SPAN("ab")),
		    cases[i].matches &&
			strstr(cases[i].header, "W/\"ab\"") == NULL,
		    "%s", cases[i].header);
	}
}

Test(header, honours_one_range_of_bytes)
{
	static const struct {
		const char *header;
		uint64_t size;
		enum range range;
		uint64_t offset, length;
	} cases[] = {
		{ "bytes=0-4", 10, RANGE_PART, 0, 5 },
		{ "bytes=0-0", 10, RANGE_PART, 0, 1 },
		{ "bytes=9-9", 10, RANGE_PART, 9, 1 },
		{ "bytes=5-", 10, RANGE_PART, 5, 5 },
		{ "bytes=0-", 10, RANGE_PART, 0, 10 },
		{ "bytes=5-99", 10, RANGE_PART, 5, 5 },
		{ "bytes=5-99999999999999999999999999", 10, RANGE_PART, 5, 5 },
		{ "bytes=-3", 10, RANGE_PART, 7, 3 },
		{ "bytes=-10", 10, RANGE_PART, 0, 10 },
		{ "bytes=-99999999999999999999999999", 10, RANGE_PART, 0, 10 },
		{ "Bytes=0-4", 10, RANGE_PART, 0, 5 },
		{ " bytes=0-4 ", 10, RANGE_PART, 0, 5 },
		{ "bytes=0-18446744073709551615", 10, RANGE_PART, 0, 10 },
		{ "bytes=0-", UINT64_MAX, RANGE_PART, 0, UINT64_MAX },
		{ "bytes=10-", 10, RANGE_UNSATISFIABLE, 7, 7 },
		{ "bytes=10-11", 10, RANGE_UNSATISFIABLE, 7, 7 },
		{ "bytes=99999999999999999999-", 10, RANGE_UNSATISFIABLE, 7,
		    7 },
		{ "bytes=-0", 10, RANGE_UNSATISFIABLE, 7, 7 },
		{ "bytes=0-", 0, RANGE_UNSATISFIABLE, 7, 7 },
		{ "bytes=0-0", 0, RANGE_UNSATISFIABLE, 7, 7 },
		{ "bytes=-1", 0, RANGE_UNSATISFIABLE, 7, 7 },
		{ "bytes=0-1,3-4", 10, RANGE_WHOLE, 7, 7 },
		{ "bytes=0-1,", 10, RANGE_WHOLE, 7, 7 },
		{ "bytes=4-3", 10, RANGE_WHOLE, 7, 7 },
		{ "bytes=99999999999999999999-99999999999999999998", 10,
		    RANGE_WHOLE, 7, 7 },
		{ "bytes=-", 10, RANGE_WHOLE, 7, 7 },
		{ "bytes=", 10, RANGE_WHOLE, 7, 7 },
		{ "bytes=5", 10, RANGE_WHOLE, 7, 7 },
		{ "bytes", 10, RANGE_WHOLE, 7, 7 },
		{ "bytes=a-b", 10, RANGE_WHOLE, 7, 7 },
		{ "bytes=0-4x", 10, RANGE_WHOLE, 7, 7 },
		{ "bytes=0--4", 10, RANGE_WHOLE, 7, 7 },
		{ "bytes=--4", 10, RANGE_WHOLE, 7, 7 },
		{ "bytes=+0-4", 10, RANGE_WHOLE, 7, 7 },
		{ "bytes 0-4", 10, RANGE_WHOLE, 7, 7 },
		{ "items=0-4", 10, RANGE_WHOLE, 7, 7 },
		{ "=0-4", 10, RANGE_WHOLE, 7, 7 },
		{ "", 10, RANGE_WHOLE, 7, 7 },
		{ NULL, 10, RANGE_WHOLE, 7, 7 },
	};
	uint64_t offset, length;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		offset = length = 7;
		cr_assert_eq(header_range(span_str(cases[i].header),
				 cases[i].size, &offset, &length),
		    cases[i].range, "%s", cases[i].header);
		cr_assert_eq(offset,
		    cases[i].range == RANGE_PART ? cases[i].offset : 7, "%s",
		    cases[i].header);
		cr_assert_eq(length,
		    cases[i].range == RANGE_PART ? cases[i].length : 7, "%s",
		    cases[i].header);
	}
}

Test(header, names_a_file_so_that_every_client_can_read_it)
{
	static const struct {
		bool is_inline;
		const char *filename, *expected;
	} cases[] = {
		{ true, NULL, "inline" },
		{ false, NULL, "attachment" },
		{ false, "", "attachment" },
		{ false, "a b.txt", "attachment; filename=\"a b.txt\"" },
		{ true, "../../etc/passwd",
		    "inline; filename=\"../../etc/passwd\"" },
		{ false, "\xe2\x82\xac.txt",
		    "attachment; filename=\"_.txt\"; "
		    "filename*=UTF-8''%E2%82%AC.txt" },
		{ false, "a\"b\\c",
		    "attachment; filename=\"a_b_c\"; "
		    "filename*=UTF-8''a%22b%5Cc" },
		{ false, "a\r\nX: b",
		    "attachment; filename=\"a__X: b\"; "
		    "filename*=UTF-8''a%0D%0AX%3A%20b" },
		{ false, "100%25",
		    "attachment; filename=\"100_25\"; "
		    "filename*=UTF-8''100%2525" },
	};
	struct arena *arena = arena_open();
	struct span text;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = header_disposition(
		    arena, cases[i].is_inline, span_str(cases[i].filename));
		cr_assert(span_is(text, cases[i].expected), "%.*s",
		    (int)text.size, text.data);
	}
	arena_close(arena);
}
