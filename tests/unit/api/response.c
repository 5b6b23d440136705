/* SPDX-License-Identifier: ISC */
/* response.c - outcomes, entity tags, and conditions. */

#include "api/response.h"

#include <criterion/criterion.h>
#include <signal.h>

static const char *
header(const struct response *response, const char *name)
{
	const char *value = NULL;
	size_t i;

	for (i = 0; i < response->header_count; i++) {
		if (strcmp(response->headers[i].name, name) != 0)
			continue;
		cr_assert_null(value, "%s is there twice", name);
		value =
		    arena_string(response->arena, response->headers[i].value);
	}
	return value == NULL ? "none" : value;
}

static const char *
body(const struct response *response)
{
	return arena_string(response->arena, response->text);
}

/* ---- answers ---- */

Test(response, is_json_without_a_charset)
{
	struct arena *arena = arena_open();
	struct response response;
	struct json_value *object = json_object(arena);

	response_init(&response, arena);
	response_header(&response, "Location", SPAN("/artifacts/x"));
	json_put_text(object, "title", SPAN("a/b"));
	response_json(&response, 201, object);
	cr_assert_eq(response.status, 201);
	cr_assert_eq(response.kind, RESPONSE_TEXT);
	cr_assert_str_eq(body(&response), "{\"title\":\"a/b\"}");
	cr_assert_str_eq(header(&response, "Content-Type"), "application/json");
	cr_assert_str_eq(header(&response, "Location"), "/artifacts/x");
	arena_close(arena);
}

Test(response, of_an_error_begins_anew)
{
	struct arena *arena = arena_open();
	struct response response;

	response_init(&response, arena);
	response_header(&response, "ETag", SPAN("\"00\""));
	response.kind = RESPONSE_CONTENT;
	response_error(&response, 413, "over %d MB: \"%s\"", 50, "x\xff");
	cr_assert_eq(response.status, 413);
	cr_assert_eq(response.kind, RESPONSE_TEXT);
	cr_assert_str_eq(body(&response),
	    "{\"detail\":\"over 50 MB: \\\"x\xef\xbf\xbd\\\"\"}");
	cr_assert_str_eq(header(&response, "Content-Type"), "application/json");
	cr_assert_str_eq(header(&response, "ETag"), "none");
	arena_close(arena);
}

Test(response, lists_all_faults)
{
	struct arena *arena = arena_open();
	struct response response;
	struct faults faults;

	response_init(&response, arena);
	faults_init(&faults, arena);
	fault_missing(&faults, SPAN("title"));
	response_faults(&response, &faults);
	cr_assert_eq(response.status, 422);
	cr_assert_not_null(strstr(body(&response), "[\"body\",\"title\"]"));
	cr_assert_str_eq(header(&response, "Content-Type"), "application/json");
	arena_close(arena);
}

Test(response, has_no_room_for_a_second_line_in_a_header, .signal = SIGABRT)
{
	struct arena *arena = arena_open();
	struct response response;

	response_init(&response, arena);
	response_header(&response, "X", SPAN("a\r\nSet-Cookie: b"));
}

Test(response, tells_what_an_outcome_means)
{
	static const struct {
		enum result result;
		int status;
		bool has_retry;
		const char *text;
	} cases[] = {
		{ RESULT_END, 500, false, "ended early" },
		{ RESULT_NOT_FOUND, 404, false,
		    "{\"detail\":\"Artifact not found: a\xef\xbf\xbd/b\"}" },
		{ RESULT_EXISTS, 503, true, "repeat" },
		{ RESULT_PRECONDITION, 412, false, "If-Match" },
		{ RESULT_MISMATCH, 422, false,
		    "\"loc\":[\"header\",\"Idempotency-Key\"]" },
		{ RESULT_MISMATCH, 422, false,
		    "\"type\":\"idempotency_mismatch\"" },
		{ RESULT_NO_SPACE, 507, false, "`reserve`" },
		{ RESULT_NO_SPACE, 507, false, "reads and deletes still work" },
		{ RESULT_QUOTA, 507, false, "`max_bytes`" },
		{ RESULT_CLOCK, 503, true, "Set the clock" },
		{ RESULT_STALE, 503, true, "repeat" },
		{ RESULT_GONE, 503, true, "repeat" },
		{ RESULT_MALFORMED, 400, false,
		    "{\"detail\":\"There was an error parsing the body\"}" },
		{ RESULT_TOO_LARGE, 413, false, "larger" },
		{ RESULT_UNAVAILABLE, 503, true, "Nothing happened" },
		{ RESULT_UNKNOWN, 503, true, "not known" },
		{ RESULT_UNKNOWN, 503, true, "same Idempotency-Key" },
		{ RESULT_DAMAGED, 500, false, "operator" },
		{ RESULT_IO, 500, false, "operator" },
		{ RESULT_STALLED, 503, true, "Nothing was stored" },
	};
	struct arena *arena = arena_open();
	struct response response;
	bool is_tested[RESULT_COUNT] = { [RESULT_OK] = true };
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		is_tested[cases[i].result] = true;
		response_init(&response, arena);
		response_result(
		    &response, cases[i].result, span_str("a\xff/b"));
		cr_assert_eq(response.status, cases[i].status, "case %zu", i);
		cr_assert_not_null(strstr(body(&response), cases[i].text),
		    "case %zu: %s", i, body(&response));
		cr_assert_eq(
		    strcmp(header(&response, "Retry-After"), "none") != 0,
		    cases[i].has_retry, "case %zu", i);
		cr_assert_eq(response.cause,
		    cases[i].status < 500 ? RESULT_OK : cases[i].result);
	}
	for (i = 0; i < RESULT_COUNT; i++)
		cr_assert(is_tested[i], "result %zu", i);
	arena_close(arena);
}

Test(response, tells_a_full_disk_from_one_too_full_for_this)
{
	static const struct {
		struct shortage shortage;
		const char *text;
	} cases[] = {
		{ { 9, 10, 0 },
		    "keeps 10, so creates and uploads are refused; " },
		{ { 10, 10, 0 },
		    "keeps 10, so creates and uploads are refused" },
		{ { 11, 10, 0 },
		    "11 bytes are free on the disk, of which the "
		    "setting `reserve` keeps 10, and the rest is too "
		    "little for this content; reads" },
		{ { 9, 10, 8 }, "keeps 10, and 8 within the store's own file "
				"can be written again, too little, or too "
				"scattered, for this content; reads" },
	};
	struct arena *arena = arena_open();
	struct response response;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		response_init(&response, arena);
		response_result(&response, RESULT_NO_SPACE, SPAN(""));
		response_shortage(&response, &cases[i].shortage);
		cr_assert_not_null(strstr(body(&response), cases[i].text),
		    "case %zu: %s", i, body(&response));
	}
	arena_close(arena);
}

/* ---- entity tags ---- */

Test(response, puts_an_etag_in_quotes)
{
	struct arena *arena = arena_open();
	struct response response;

	response_init(&response, arena);
	response_etag(&response, (const uint8_t *)"\x00\xab\xff", 3);
	cr_assert_str_eq(header(&response, "ETag"), "\"00abff\"");
	arena_close(arena);
}

#define TAG_1 "\"000102030405060708090a0b0c0d0e0f\""
#define TAG_2 "\"ff0102030405060708090a0b0c0d0e0f\""

#define HASH TAG_HALF TAG_HALF
#define TAG_HALF "000102030405060708090a0b0c0d0e0f"

/* Of one header, as a change of content has it. */
static bool
take(struct response *response, struct span if_match, struct span if_none_match,
    struct change *ret_change)
{
	const struct request request = {
		.if_match = if_match,
		.if_none_match = if_none_match,
	};

	*ret_change = (struct change){ .kind = CHANGE_CONTENT };
	response_init(response, response->arena);
	return response_read_conditions(response, &request, ret_change);
}

Test(response, keeps_of_if_match_the_tags_that_could_be_ours)
{
	static const struct {
		const char *header;
		bool has, any;
		size_t count, hashes;
		uint8_t last; /* first byte of the last one */
	} cases[] = {
		{ NULL, false, false, 0, 0, 0 },
		{ "", true, false, 0, 0, 0 },
		{ "*", true, true, 0, 0, 0 },
		{ TAG_1, true, false, 1, 0, 0 },
		{ TAG_1 ", " TAG_2, true, false, 2, 0, 0xff },
		{ TAG_1 ", \"" HASH "\"", true, false, 1, 1, 0 },
		{ "W/\"" HASH "\"," TAG_2, true, false, 1, 0, 0xff },
		{ TAG_1 " " TAG_2, true, false, 0, 0, 0 },
		{ TAG_1 "x", true, false, 0, 0, 0 },
		{ TAG_1 "x, " TAG_2, true, false, 1, 0, 0xff },
		{ TAG_2 ", W/" TAG_1, true, false, 1, 0, 0xff },
		{ "W/" TAG_1, true, false, 0, 0, 0 },
		{ "\"000102030405060708090A0B0C0D0E0F\"", true, false, 0, 0,
		    0 },
		{ "\"000102030405060708090a0b0c0d0e0\"", true, false, 0, 0, 0 },
		{ "\"000102030405060708090a0b0c0d0e0f0\"", true, false, 0, 0,
		    0 },
		{ "\"g00102030405060708090a0b0c0d0e0f\"," TAG_2, true, false, 1,
		    0, 0xff },
		{ TAG_HALF, true, false, 0, 0, 0 },
	};
	struct response response = { .arena = arena_open() };
	struct change change;
	struct tags tags;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert(take(
		    &response, span_str(cases[i].header), SPAN_NONE, &change));
		tags = change.if_match;
		cr_assert_eq(tags.is_there, cases[i].has, "%zu", i);
		cr_assert_eq(tags.is_any, cases[i].any, "%zu", i);
		cr_assert_eq(tags.etag_count, cases[i].count, "%zu", i);
		cr_assert_eq(tags.hash_count, cases[i].hashes, "%zu", i);
		if (tags.hash_count > 0)
			cr_assert_eq(tags.hashes[0][31], 0x0f);
		if (tags.etag_count == 0)
			continue;
		cr_assert_eq(tags.etags[tags.etag_count - 1][0], cases[i].last,
		    "%zu", i);
		cr_assert_eq(
		    tags.etags[tags.etag_count - 1][15], 0x0f, "%zu", i);
	}
	arena_close(response.arena);
}

/* A change goes ahead when none is ours, so what is no tag must not pass. */
Test(response, takes_of_if_none_match_only_a_list_of_tags)
{
	static const struct {
		const char *header;
		bool is_taken;
		size_t count;
	} cases[] = {
		{ "*", true, 0 },
		{ " * ", true, 0 },
		{ "", true, 0 },
		{ ",, " TAG_1 " ,", true, 1 },
		{ "W/" TAG_1 ", " TAG_2, true, 2 },
		{ "\"x\", W/\"y, z\"", true, 0 },
		{ "*, " TAG_1, false, 0 },
		{ TAG_HALF, false, 0 },
		{ "w/" TAG_1, false, 0 },
		{ "W/, " TAG_1, false, 0 },
		{ TAG_1 "x", false, 0 },
		{ TAG_1 " " TAG_2, false, 0 },
		{ "\"x", false, 0 },
	};
	struct response response = { .arena = arena_open() };
	struct change change;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(take(&response, SPAN_NONE,
				 span_str(cases[i].header), &change),
		    cases[i].is_taken, "%s", cases[i].header);
		if (!cases[i].is_taken) {
			cr_assert_eq(response.status, 400);
			continue;
		}
		cr_assert(change.if_none_match.is_there);
		cr_assert_eq(change.if_none_match.etag_count, cases[i].count,
		    "%s", cases[i].header);
	}
	arena_close(response.arena);
}

Test(response, refuses_more_tags_than_the_limit)
{
	struct response response = { .arena = arena_open() };
	struct change change;
	struct buffer text;
	size_t i;

	buffer_init(&text, response.arena);
	for (i = 0; i < LIMIT_IF_MATCH; i++)
		buffer_append(&text, SPAN(TAG_1 ","));
	cr_assert(take(&response, buffer_span(&text), SPAN_NONE, &change));
	cr_assert_eq(change.if_match.etag_count, LIMIT_IF_MATCH);
	buffer_append(&text, SPAN("\"\""));
	cr_assert_not(take(&response, buffer_span(&text), SPAN_NONE, &change));
	cr_assert_eq(response.status, 400);
	cr_assert_not(take(&response, SPAN_NONE, buffer_span(&text), &change));
	cr_assert_eq(response.status, 400);
	arena_close(response.arena);
}

Test(response, has_a_phrase_for_each_status_it_sends)
{
	cr_assert_str_eq(response_reason(201), "Created");
	cr_assert_str_eq(response_reason(507), "Insufficient Storage");
	cr_assert_str_eq(response_reason(299), "");
}

/* ---- what the log has of an error ---- */

Test(response, of_an_error_has_its_sentence_for_the_log)
{
	struct arena *arena = arena_open();
	struct response response;

	response_init(&response, arena);
	cr_assert_eq(response.detail.size, 0);
	response_json_text(&response, 200, SPAN("{}"));
	cr_assert_eq(response.detail.size, 0);
	response_error(&response, 404, "no \"%s\"", "x\n");
	cr_assert(span_is(response.detail, "no \"x\n\""));
	response_result(&response, RESULT_NOT_FOUND, SPAN("abc"));
	cr_assert(span_is(response.detail, "Artifact not found: abc"));
	arena_close(arena);
}

Test(response, of_an_error_has_no_more_than_200_bytes_for_the_log)
{
	struct arena *arena = arena_open();
	struct response response;
	char text[401];
	size_t i;

	for (i = 0; i < 400; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[400] = '\0';
	response_init(&response, arena);
	response_error(&response, 400, "x%s", text);
	cr_assert_eq(response.detail.size, 199);
	cr_assert_eq(memcmp(response.detail.data + 1, text, 198), 0);
	arena_close(arena);
}

Test(response, of_faults_has_the_first_for_the_log)
{
	struct arena *arena = arena_open();
	struct response response;
	struct faults faults;

	response_init(&response, arena);
	faults_init(&faults, arena);
	fault_missing(&faults, SPAN("title"));
	fault_extra(&faults, SPAN("x"));
	response_faults(&response, &faults);
	cr_assert(span_is(
	    response.detail, "body.title: Field required (the first of 2)"));
	arena_close(arena);
}
