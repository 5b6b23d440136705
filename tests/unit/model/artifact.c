/* SPDX-License-Identifier: ISC */
#include "model/artifact.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#define ID_ONE "11111111-2222-4333-8444-555555555555"
#define ID_OTHER "AAAAAAAA-bbbb-4ccc-9ddd-eeeeeeeeeeee"

static struct span derived[LIMIT_DERIVED_FROM];

/* All members set, content at its smallest. */
static struct artifact
full_artifact(void)
{
	struct artifact artifact = {
		.workflow = SPAN("w\0x"),
		.phase = SPAN("p"),
		.session = SPAN("s"),
		.type = SPAN("report"),
		.title = SPAN("a \"title\" / \xc3\xa9"),
		.creator = SPAN("ada"),
		.is_primary = true,
		.metadata = SPAN("{\"a\":1.50}"),
		.derived_from = derived,
		.derived_count = 2,
		.created = 1774958400123456,
		.content = {
			.blob = 7,
			.size = UINT64_MAX - 1,
			.stored = 1774958400123999,
			.type = SPAN("text/plain"),
			.filename = SPAN("f.txt"),
		},
	};

	derived[0] = SPAN(ID_ONE);
	derived[1] = SPAN(ID_OTHER);
	cr_assert(id_parse(SPAN(ID_ONE), &artifact.id));
	memset(artifact.content.hash, 0xab, sizeof(artifact.content.hash));
	return artifact;
}

static struct span
encoded(const struct artifact *artifact, struct arena *arena)
{
	struct buffer buffer;

	buffer_init(&buffer, arena);
	artifact_encode(artifact, &buffer);
	return buffer_span(&buffer);
}

static void
expect_same_span(struct span one, struct span other)
{
	cr_assert(span_equal(one, other));
	cr_assert_eq(one.data == NULL, other.data == NULL);
}

static void
expect_same(const struct artifact *one, const struct artifact *other)
{
	size_t i;

	cr_assert_arr_eq(one->id.bytes, other->id.bytes, 16);
	expect_same_span(one->workflow, other->workflow);
	expect_same_span(one->phase, other->phase);
	expect_same_span(one->session, other->session);
	expect_same_span(one->type, other->type);
	expect_same_span(one->title, other->title);
	expect_same_span(one->creator, other->creator);
	expect_same_span(one->metadata, other->metadata);
	cr_assert_eq(one->is_primary, other->is_primary);
	cr_assert_eq(one->derived_count, other->derived_count);
	for (i = 0; i < one->derived_count; i++)
		expect_same_span(one->derived_from[i], other->derived_from[i]);
	cr_assert_eq(one->content.blob, other->content.blob);
	cr_assert_eq(one->content.size, other->content.size);
	cr_assert_eq(one->content.stored, other->content.stored);
	cr_assert_arr_eq(one->content.hash, other->content.hash, 32);
	expect_same_span(one->content.type, other->content.type);
	expect_same_span(one->content.filename, other->content.filename);
}

/* ---- ids ---- */

Test(artifact, reads_and_writes_an_id)
{
	char text[ID_TEXT + 1];
	struct id id;

	cr_assert(id_parse(SPAN(ID_ONE), &id));
	cr_assert_eq(id.bytes[0], 0x11);
	cr_assert_eq(id.bytes[6], 0x43);
	id_format(&id, text);
	cr_assert_str_eq(text, ID_ONE);
}

Test(artifact, refuses_every_other_form_of_an_id)
{
	static const char *const bad[] = {
		"",
		"11111111222243338444555555555555",
		"11111111-2222-4333-8444-55555555555",
		"11111111-2222-4333-8444-5555555555555",
		"11111111-2222-4333-8444_555555555555",
		"1111111-12222-4333-8444-555555555555",
		"11111111-2222-4333-8444-55555555555g",
		"AAAAAAAA-bbbb-4ccc-9ddd-eeeeeeeeeeee",
		"{1111111-2222-4333-8444-555555555555",
		" 1111111-2222-4333-8444-555555555555",
	};
	struct id id = { { 1, 2, 3 } };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		cr_assert_not(id_parse(span_str(bad[i]), &id), "%s", bad[i]);
	cr_assert_not(id_parse(SPAN_NONE, &id));
	cr_assert_eq(id.bytes[1], 2, "an output was touched");
}

Test(artifact, random_ids_are_version_4_and_differ)
{
	char text[ID_TEXT + 1];
	struct id one, other;
	int i;

	cr_assert(digest_init());
	for (i = 0; i < 100; i++) {
		one = id_random();
		other = id_random();
		id_format(&one, text);
		cr_assert_eq(text[14], '4');
		cr_assert_not_null(strchr("89ab", text[19]));
		cr_assert_neq(memcmp(&one, &other, sizeof(one)), 0);
	}
}

/* ---- moments ---- */

Test(artifact, reads_what_it_writes_of_any_moment)
{
	char text[MOMENT_TEXT + 1];
	uint64_t moment, read;

	for (moment = 0; moment < UINT64_C(253402300799999999);
	     moment += UINT64_C(26297434567890)) {
		moment_format(moment, text);
		cr_assert(moment_parse(span_str(text), &read), "%s", text);
		cr_assert_eq(read, moment, "%s", text);
	}
}

Test(artifact, writes_a_moment_with_six_digits)
{
	static const struct {
		uint64_t moment;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000000Z" },
		{ 1, "1970-01-01T00:00:00.000001Z" },
		{ 951782400000000, "2000-02-29T00:00:00.000000Z" },
		{ 1774958400123456, "2026-03-31T12:00:00.123456Z" },
		{ 4107542399999999, "2100-02-28T23:59:59.999999Z" },
		{ 4107542400000000, "2100-03-01T00:00:00.000000Z" },
		{ 253402300799999999, "9999-12-31T23:59:59.999999Z" },
		{ UINT64_MAX, "9999-12-31T23:59:59.999999Z" },
	};
	char text[MOMENT_TEXT + 1];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		moment_format(cases[i].moment, text);
		cr_assert_str_eq(text, cases[i].text);
	}
}

Test(artifact, writes_each_day_as_the_c_library_does)
{
	char text[MOMENT_TEXT + 1], expected[64];
	time_t day;
	struct tm tm;

	for (day = 0; day < 2932896; day++) {
		time_t second = day * 86400 + day % 86400;

		cr_assert_not_null(gmtime_r(&second, &tm));
		strftime(expected, sizeof(expected), "%Y-%m-%dT%H:%M:%S", &tm);
		moment_format((uint64_t)second * 1000000, text);
		if (strncmp(text, expected, 19) != 0)
			cr_assert_str_eq(text, expected);
	}
}

Test(artifact, the_clock_is_in_microseconds)
{
	uint64_t before = (uint64_t)time(NULL);
	uint64_t now = moment_now();

	cr_assert_geq(now / 1000000 + 1, before);
	cr_assert_leq(now / 1000000, before + 60);
}

/* ---- the stored form ---- */

Test(artifact, comes_back_whole_from_its_stored_form)
{
	struct arena *arena = arena_open();
	struct artifact artifact = full_artifact();
	struct artifact *read = NULL;

	cr_assert_eq(artifact_decode(encoded(&artifact, arena), arena, &read),
	    RESULT_OK);
	expect_same(read, &artifact);
	cr_assert_eq(read->created, 0, "the moment is not stored here");
	arena_close(arena);
}

Test(artifact, keeps_absent_apart_from_empty)
{
	struct arena *arena = arena_open();
	struct artifact artifact = { 0 };
	struct artifact *read = NULL;
	struct span *const spans[] = {
		&artifact.workflow,
		&artifact.phase,
		&artifact.session,
		&artifact.type,
		&artifact.title,
		&artifact.creator,
		&artifact.metadata,
		&artifact.content.type,
		&artifact.content.filename,
	};
	size_t i;

	/* First all absent, then one more empty each time. */
	for (i = 0; i <= sizeof(spans) / sizeof(*spans); i++) {
		cr_assert_eq(
		    artifact_decode(encoded(&artifact, arena), arena, &read),
		    RESULT_OK);
		expect_same(read, &artifact);
		if (i < sizeof(spans) / sizeof(*spans))
			*spans[i] = SPAN("");
	}
	arena_close(arena);
}

Test(artifact, spans_point_into_the_bytes_given)
{
	struct arena *arena = arena_open();
	struct artifact artifact = full_artifact();
	struct span bytes = encoded(&artifact, arena);
	struct artifact *read = NULL;

	cr_assert_eq(artifact_decode(bytes, arena, &read), RESULT_OK);
	cr_assert_gt(read->title.data, bytes.data);
	cr_assert_lt(read->title.data, bytes.data + bytes.size);
	cr_assert_gt(read->derived_from[1].data, bytes.data);
	cr_assert_lt(read->derived_from[1].data, bytes.data + bytes.size);
	arena_close(arena);
}

Test(artifact, refuses_what_is_cut_off_or_goes_on)
{
	struct arena *arena = arena_open();
	struct artifact artifact = full_artifact();
	struct span bytes = encoded(&artifact, arena);
	struct artifact *read = NULL;
	struct buffer longer;
	char *cut;
	size_t i;

	for (i = 0; i < bytes.size; i++) {
		/* A copy of its own, so that a sanitizer sees its end. */
		cut = malloc(i + 1);
		memcpy(cut, bytes.data, i);
		cr_assert_eq(artifact_decode(span_of(cut, i), arena, &read),
		    RESULT_DAMAGED, "%zu", i);
		free(cut);
	}
	buffer_init(&longer, arena);
	buffer_append(&longer, bytes);
	buffer_append_byte(&longer, '\0');
	cr_assert_eq(artifact_decode(buffer_span(&longer), arena, &read),
	    RESULT_DAMAGED);
	cr_assert_null(read);
	arena_close(arena);
}

Test(artifact, refuses_another_version_and_other_bools)
{
	struct arena *arena = arena_open();
	struct artifact artifact = { 0 };
	struct span bytes = encoded(&artifact, arena);
	struct artifact *read = NULL;
	char *data = arena_alloc(arena, bytes.size);

	memcpy(data, bytes.data, bytes.size);
	data[0]++;
	cr_assert_eq(artifact_decode(span_of(data, bytes.size), arena, &read),
	    RESULT_DAMAGED);
	data[0]--;
	data[1 + 16 + 6 * 4] = 2; /* is_primary */
	cr_assert_eq(artifact_decode(span_of(data, bytes.size), arena, &read),
	    RESULT_DAMAGED);
	data[1 + 16 + 6 * 4] = 1;
	cr_assert_eq(artifact_decode(span_of(data, bytes.size), arena, &read),
	    RESULT_OK);
	arena_close(arena);
}

struct bounded {
	struct span *span;
	size_t limit;
};

Test(artifact, takes_each_member_up_to_its_limit_only)
{
	struct arena *arena = arena_open();
	struct artifact artifact = { 0 };
	struct artifact *read = NULL;
	const struct bounded bounds[] = {
		{ &artifact.workflow, LIMIT_WORKFLOW },
		{ &artifact.phase, LIMIT_PHASE },
		{ &artifact.session, LIMIT_SESSION },
		{ &artifact.type, LIMIT_TYPE },
		{ &artifact.title, LIMIT_TITLE },
		{ &artifact.creator, LIMIT_USER },
		{ &artifact.metadata, LIMIT_METADATA },
		{ &artifact.content.type, LIMIT_CONTENT_TYPE },
		{ &artifact.content.filename, LIMIT_FILENAME },
	};
	char *text = arena_alloc(arena, LIMIT_METADATA + 1);
	size_t i;

	for (i = 0; i < sizeof(bounds) / sizeof(*bounds); i++) {
		*bounds[i].span = span_of(text, bounds[i].limit);
		cr_assert_eq(
		    artifact_decode(encoded(&artifact, arena), arena, &read),
		    RESULT_OK, "%zu", i);
		*bounds[i].span = span_of(text, bounds[i].limit + 1);
		cr_assert_eq(
		    artifact_decode(encoded(&artifact, arena), arena, &read),
		    RESULT_DAMAGED, "%zu", i);
		*bounds[i].span = SPAN_NONE;
	}
	arena_close(arena);
}

Test(artifact, refuses_too_many_ids_and_half_ids)
{
	struct span more[LIMIT_DERIVED_FROM + 1];
	struct arena *arena = arena_open();
	struct artifact artifact = { .derived_from = more };
	struct artifact *read = NULL;
	struct span bytes;
	char *data;
	size_t i;

	for (i = 0; i <= LIMIT_DERIVED_FROM; i++)
		more[i] = SPAN(ID_ONE);
	artifact.derived_count = LIMIT_DERIVED_FROM;
	cr_assert_eq(artifact_decode(encoded(&artifact, arena), arena, &read),
	    RESULT_OK);
	cr_assert_eq(read->derived_count, LIMIT_DERIVED_FROM);
	artifact.derived_count++;
	cr_assert_eq(artifact_decode(encoded(&artifact, arena), arena, &read),
	    RESULT_DAMAGED);

	/* 36 characters, of which the length says 35 and the rest goes on. */
	artifact.derived_count = 1;
	bytes = encoded(&artifact, arena);
	data = arena_alloc(arena, bytes.size);
	memcpy(data, bytes.data, bytes.size);
	cr_assert_eq(data[1 + 16 + 6 * 4 + 1 + 4 + 3], 36);
	data[1 + 16 + 6 * 4 + 1 + 4 + 3] = 35;
	cr_assert_eq(artifact_decode(span_of(data, bytes.size), arena, &read),
	    RESULT_DAMAGED);
	arena_close(arena);
}

Test(artifact, the_largest_leaves_room_for_a_chunk_in_a_message)
{
	struct arena *arena = arena_open();
	struct artifact artifact = full_artifact();
	char *text = arena_alloc(arena, LIMIT_METADATA);
	size_t i;

	for (i = 0; i < LIMIT_DERIVED_FROM; i++)
		derived[i] = SPAN(ID_ONE);
	artifact.derived_count = LIMIT_DERIVED_FROM;
	artifact.workflow = span_of(text, LIMIT_WORKFLOW);
	artifact.phase = span_of(text, LIMIT_PHASE);
	artifact.session = span_of(text, LIMIT_SESSION);
	artifact.type = span_of(text, LIMIT_TYPE);
	artifact.title = span_of(text, LIMIT_TITLE);
	artifact.creator = span_of(text, LIMIT_USER);
	artifact.metadata = span_of(text, LIMIT_METADATA);
	artifact.content.type = span_of(text, LIMIT_CONTENT_TYPE);
	artifact.content.filename = span_of(text, LIMIT_FILENAME);
	cr_assert_leq(
	    encoded(&artifact, arena).size + LIMIT_CHUNK + 512, LIMIT_MESSAGE);
	arena_close(arena);
}

Test(artifact, the_etag_follows_all_but_the_moment_of_creation)
{
	struct arena *arena = arena_open();
	struct artifact artifact = full_artifact();
	struct artifact other = full_artifact();
	uint8_t etag[ETAG_SIZE], again[ETAG_SIZE];

	artifact_etag(&artifact, arena, etag);
	other.created++;
	artifact_etag(&other, arena, again);
	cr_assert_arr_eq(etag, again, ETAG_SIZE);
	other.title = SPAN("another");
	artifact_etag(&other, arena, again);
	cr_assert_neq(memcmp(etag, again, ETAG_SIZE), 0);
	other = artifact;
	other.content.hash[31] ^= 1;
	artifact_etag(&other, arena, again);
	cr_assert_neq(memcmp(etag, again, ETAG_SIZE), 0);
	arena_close(arena);
}

/* ---- the JSON form ---- */

Test(artifact, a_summary_has_seven_members)
{
	struct arena *arena = arena_open();
	struct artifact artifact = full_artifact();
	struct span text;

	artifact.workflow = SPAN("w");
	artifact.phase = SPAN_NONE;
	artifact.content.size = 5;
	text = json_text(arena, artifact_summary(&artifact, arena));
	cr_assert_str_eq(arena_string(arena, text),
	    "{\"id\":\"" ID_ONE "\",\"workflow_id\":\"w\",\"phase_id\":null,"
	    "\"artifact_type\":\"report\","
	    "\"title\":\"a \\\"title\\\" / \xc3\xa9\",\"size_bytes\":5,"
	    "\"created_at\":\"2026-03-31T12:00:00.123456Z\"}");
	arena_close(arena);
}

Test(artifact, a_detail_has_all_members_but_content)
{
	struct arena *arena = arena_open();
	struct artifact artifact = full_artifact();
	struct span text;

	artifact.content.size = 0;
	text = json_text(arena, artifact_detail(&artifact, arena));
	cr_assert_str_eq(arena_string(arena, text),
	    "{\"id\":\"" ID_ONE "\",\"workflow_id\":\"w\\u0000x\","
	    "\"phase_id\":\"p\",\"session_id\":\"s\","
	    "\"artifact_type\":\"report\",\"is_primary_deliverable\":true,"
	    "\"content_type\":\"text/plain\",\"content_hash\":\""
	    "abababababababababababababababab"
	    "abababababababababababababababab\",\"size_bytes\":0,"
	    "\"title\":\"a \\\"title\\\" / \xc3\xa9\","
	    "\"derived_from\":[\"" ID_ONE "\",\"" ID_OTHER "\"],"
	    "\"created_at\":\"2026-03-31T12:00:00.123456Z\","
	    "\"created_by\":\"ada\",\"metadata\":{\"a\":1.50}}");
	arena_close(arena);
}

Test(artifact, a_detail_without_extras_has_nulls_and_empty_values)
{
	struct arena *arena = arena_open();
	struct artifact artifact = full_artifact();
	char *text;

	artifact.phase = artifact.session = artifact.creator = SPAN_NONE;
	artifact.metadata = SPAN_NONE;
	artifact.derived_count = 0;
	artifact.is_primary = false;
	text = arena_string(
	    arena, json_text(arena, artifact_detail(&artifact, arena)));
	cr_assert_not_null(strstr(text, "\"phase_id\":null"));
	cr_assert_not_null(strstr(text, "\"session_id\":null"));
	cr_assert_not_null(strstr(text, "\"created_by\":null"));
	cr_assert_not_null(strstr(text, "\"is_primary_deliverable\":false"));
	cr_assert_not_null(strstr(text, "\"derived_from\":[]"));
	cr_assert_not_null(strstr(text, "\"metadata\":{}"));
	arena_close(arena);
}

/* ---- the date of content ---- */

Test(artifact, gives_new_content_a_second_that_no_older_one_had)
{
	static const struct {
		uint64_t old, now, expected;
	} cases[] = {
		{ 100200000, 105000000, 105000000 },
		{ 100200000, 100200001, 100200001 },
		/* Both before anybody is told a date. */
		{ 100200000, 100200000, 100200001 },
		{ 100200000, 100000000, 100200001 },
		{ 100999999, 100999999, 101000000 },
		/* The clock went back. */
		{ 100200000, 99999999, 101000000 },
		{ 100200000, 50000000, 101000000 },
		{ 100999999, 0, 101000000 },
		{ 101000000, 100000000, 102000000 },
	};
	struct content old;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		old = (struct content){ .stored = cases[i].old };
		cr_assert_eq(content_moment(&old, cases[i].now),
		    cases[i].expected, "%zu", i);
	}
}

Test(artifact, has_a_date_for_content_when_its_second_is_over)
{
	const struct content content = { .stored = 100200000 };

	cr_assert_not(content_has_date(&content, 100200000));
	cr_assert_not(content_has_date(&content, 100999999));
	cr_assert(content_has_date(&content, 101000000));
	cr_assert_not(content_has_date(&content, 50000000));
}

Test(artifact, tells_whether_content_is_as_old_as_a_second)
{
	static const struct {
		int64_t second;
		uint64_t now;
		bool is_unmodified;
	} cases[] = {
		{ 99, 105000000, false },
		{ 100, 105000000, true },
		{ 100, 100900000, false },
		{ 101, 100900000, true },
		{ 100, 50000000, false },
		{ 101, 50000000, true },
		{ INT64_MIN, 105000000, false },
		{ INT64_MAX, 105000000, true },
	};
	const struct content content = { .stored = 100200000 };
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_assert_eq(content_is_unmodified_since(
				 &content, cases[i].second, cases[i].now),
		    cases[i].is_unmodified, "%zu", i);
}

Test(artifact, a_filter_names_the_value_of_an_artifact_in_each_row)
{
	const struct artifact artifact = { .workflow = SPAN("w"),
		.phase = SPAN("p"),
		.type = SPAN("t"),
		.session = SPAN("s") };
	struct arena *arena = arena_open();
	struct filter filter = { .workflow = SPAN_NONE };
	struct buffer query;
	size_t i;

	cr_assert_not(filter_is_narrow(&filter));
	for (i = 0; i < FILTERS; i++)
		filter_set(arena, &filter, i, artifact_value(&artifact, i));
	cr_assert(filter_is_narrow(&filter));
	cr_assert(span_is(filter.phase, "p") && span_is(filter.session, "s"));
	buffer_init(&query, arena);
	filter_append(&query, &filter);
	cr_assert(span_is(buffer_span(&query),
	    "workflow_id=w&phase_id=p&artifact_type=t&session_id=s&"));
	arena_close(arena);
}

Test(artifact, a_filter_has_types_in_lower_case_and_nothing_empty)
{
	struct filter filter = { .workflow = SPAN("w") };
	struct arena *arena = arena_open();
	struct buffer query;

	filter_set(arena, &filter, 0, SPAN(""));
	filter_set(arena, &filter, 1, SPAN("A b"));
	filter_set(arena, &filter, 2, SPAN("PLAN"));
	cr_assert_null(filter.workflow.data);
	buffer_init(&query, arena);
	filter_append(&query, &filter);
	cr_assert(
	    span_is(buffer_span(&query), "phase_id=A%20b&artifact_type=plan&"));
	arena_close(arena);
}
