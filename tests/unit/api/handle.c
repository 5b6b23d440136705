/* SPDX-License-Identifier: ISC */
/* handle.c - records: lists, detail, update, delete; and the service. */

#include "kit/trial.h"

#include <criterion/criterion.h>

#define UNKNOWN "00000000-0000-4000-8000-000000000000"

/* ---- detail ---- */

Test(handle, detail_has_all_members_with_content_last)
{
	struct trial trial;
	char id[ID_TEXT + 1];

	trial_open(&trial);
	trial.headers.user = SPAN("ada");
	trial_create(&trial, "h\\u00e9\\n", id);
	trial_get(&trial, trial_path(&trial, id, ""));
	trial_expect_status(&trial, 200);
	trial_expect_header(&trial, "Content-Type", "application/json");
	cr_assert_eq(trial.response.kind, RESPONSE_TEXT);
	cr_assert(trial_body_has(&trial, "\"artifact_type\":\"text\""));
	cr_assert(trial_body_has(&trial, "\"created_by\":\"ada\""));
	cr_assert(trial_body_has(&trial, "\"size_bytes\":4"));
	cr_assert(trial_body_has(&trial, ",\"content\":\"h\xc3\xa9\\n\"}"));
	trial_get(&trial,
	    trial_path(&trial, id, "?include_content=x&include_content=0"));
	cr_assert(trial_body_has(&trial, ",\"content\":null}"));
	trial_close(&trial);
}

Test(handle, detail_streams_content_of_more_than_a_chunk)
{
	struct trial trial;
	char id[ID_TEXT + 1];
	struct span body;

	trial_open(&trial);
	trial_create_large(&trial, LIMIT_CHUNK, id);
	trial_get(&trial, trial_path(&trial, id, ""));
	cr_assert_eq(trial.response.kind, RESPONSE_TEXT);
	trial_create_large(&trial, 3 * LIMIT_CHUNK, id);
	trial_get(&trial, trial_path(&trial, id, ""));
	cr_assert_eq(trial.response.kind, RESPONSE_QUOTED);
	body = trial_member(&trial, "content");
	cr_assert_eq(body.size, 3 * LIMIT_CHUNK);
	cr_assert(trial_body_has(&trial, "xxx\"}"));
	trial_close(&trial);
}

Test(handle, detail_refuses_a_bad_bool_before_it_looks_for_the_id)
{
	struct trial trial;

	trial_open(&trial);
	trial_get(&trial, "/artifacts/nope?include_content");
	trial_expect(&trial, 422,
	    FAULT("bool_parsing", "\"query\",\"include_content\"",
		"Input should be a valid boolean, unable to interpret input"));
	trial_close(&trial);
}

Test(handle, one_etag_for_the_detail_whatever_the_query)
{
	struct trial trial;
	char id[ID_TEXT + 1], etag[64];
	struct span value;

	trial_open(&trial);
	trial_create(&trial, "x", id);
	trial_get(&trial, trial_path(&trial, id, "?include_content=no"));
	value = trial_header(&trial, "ETag");
	cr_assert_lt(value.size, sizeof(etag));
	memcpy(etag, value.data, value.size);
	etag[value.size] = '\0';
	trial_get(&trial, trial_path(&trial, id, "/content"));
	trial_expect_header(&trial, "ETag", etag);
	trial.headers.if_none_match = span_str(etag);
	trial_get(&trial, trial_path(&trial, id, ""));
	trial_expect(&trial, 304, "");
	trial_expect_header(&trial, "ETag", etag);
	trial.headers.if_none_match = SPAN("*");
	trial_get(&trial, trial_path(&trial, id, "/content"));
	trial_expect(&trial, 304, "");
	trial_json(
	    &trial, "PUT", trial_path(&trial, id, ""), "{\"title\":\"new\"}");
	trial.headers.if_none_match = span_str(etag);
	trial_get(&trial, trial_path(&trial, id, ""));
	trial_expect_status(&trial, 200);
	trial_close(&trial);
}

Test(handle, reads_the_record_again_when_its_content_went)
{
	struct trial trial;
	char id[ID_TEXT + 1];

	trial_open(&trial);
	trial_create(&trial, "x", id);
	trial.read = (struct failure){ RESULT_GONE, 2 };
	trial_get(&trial, trial_path(&trial, id, ""));
	trial_expect_status(&trial, 200);
	cr_assert_not_null(trial_header(&trial, "ETag").data);
	trial.read = (struct failure){ RESULT_GONE, -1 };
	trial_get(&trial, trial_path(&trial, id, ""));
	trial_expect_status(&trial, 503);
	cr_assert_eq(trial.response.cause, RESULT_GONE);
	trial_close(&trial);
}

Test(handle, damage_is_found_before_the_head_goes_out)
{
	static const char *const suffixes[] = { "", "/content", "/raw" };
	struct trial trial;
	char id[ID_TEXT + 1];
	size_t i;

	trial_open(&trial);
	trial_create_large(&trial, 3 * LIMIT_CHUNK, id);
	for (i = 0; i < 3; i++) {
		trial.read = (struct failure){ RESULT_DAMAGED, 1 };
		trial_get(&trial, trial_path(&trial, id, suffixes[i]));
		trial_expect_status(&trial, 500);
		cr_assert_eq(trial.response.cause, RESULT_DAMAGED);
	}
	trial_close(&trial);
}

/* ---- ids ---- */

Test(handle, a_prefix_means_the_only_id_that_starts_with_it)
{
	struct trial trial;
	char id[ID_TEXT + 1], prefix[9] = "";
	static const char *const suffixes[] = { "", "/content" };
	size_t i;

	trial_open(&trial);
	trial_create(&trial, "x", id);
	memcpy(prefix, id, 8);
	for (i = 0; i < 2; i++) {
		trial_get(&trial, trial_path(&trial, prefix, suffixes[i]));
		trial_expect_status(&trial, 200);
		cr_assert(trial_body_has(&trial, id));
	}
	trial_get(&trial, trial_path(&trial, prefix, "/raw"));
	trial_expect(&trial, 200, "x");
	trial_form(&trial, trial_path(&trial, prefix, "/upload"),
	    "#\nContent-Disposition: form-data; name=\"file\"; "
	    "filename=\"\"\n\ny\n#--\n");
	trial_expect_status(&trial, 200);
	cr_assert(trial_body_has(&trial, id));
	trial_json(&trial, "PUT", trial_path(&trial, prefix, ""), "{}");
	trial_expect_status(&trial, 404);
	trial_send(&trial, "DELETE", trial_path(&trial, prefix, ""), SPAN(""));
	trial_expect_status(&trial, 404);
	trial_send(&trial, "PUT", trial_path(&trial, prefix, "/raw"), SPAN(""));
	trial_expect_status(&trial, 404);
	trial_close(&trial);
}

/* The same in upper case, to the end of the trial. */
static const char *
in_upper_case(struct trial *trial, const char *text)
{
	char *upper = arena_string(trial->made, span_str(text));
	size_t i;

	for (i = 0; upper[i] != '\0'; i++)
		if (upper[i] >= 'a' && upper[i] <= 'z')
			upper[i] = (char)(upper[i] - 'a' + 'A');
	return upper;
}

Test(handle, an_id_in_upper_case_means_the_same_artifact)
{
	static const char *const suffixes[] = { "", "/content", "/raw" };
	struct trial trial;
	char id[ID_TEXT + 1], prefix[14] = "";
	const char *upper, *start;
	size_t i;

	trial_open(&trial);
	/* One that has a letter among its first characters. */
	do {
		trial_create(&trial, "x", id);
		memcpy(prefix, id, 13);
		start = in_upper_case(&trial, prefix);
	} while (strcmp(start, prefix) == 0);
	upper = in_upper_case(&trial, id);
	for (i = 0; i < 3; i++) {
		trial_get(&trial, trial_path(&trial, upper, suffixes[i]));
		trial_expect_status(&trial, 200);
		trial_get(&trial, trial_path(&trial, start, suffixes[i]));
		trial_expect_status(&trial, 200);
	}
	trial_get(&trial, trial_path(&trial, start, ""));
	cr_assert(span_is(trial_member(&trial, "id"), id));
	trial_form(&trial, trial_path(&trial, start, "/upload"),
	    "#\nContent-Disposition: form-data; name=\"file\"; "
	    "filename=\"\"\n\ny\n#--\n");
	trial_expect_status(&trial, 200);
	cr_assert(span_is(trial_member(&trial, "artifact_id"), id));
	trial_send(&trial, "PUT", trial_path(&trial, upper, "/raw"), SPAN("z"));
	trial_expect_status(&trial, 200);
	cr_assert(span_is(trial_member(&trial, "artifact_id"), id));
	trial_json(&trial, "PUT", trial_path(&trial, upper, ""),
	    arena_printf(trial.made, "{\"derived_from\":[\"%s\"]}", upper)
		.data);
	trial_expect_status(&trial, 200);
	cr_assert(span_is(trial_member(&trial, "artifact_id"), id));
	/* What was given is kept as it was given. */
	trial_get(&trial, trial_path(&trial, id, ""));
	cr_assert(trial_body_has(&trial, upper));
	trial_send(&trial, "DELETE", trial_path(&trial, upper, ""), SPAN(""));
	trial_expect_status(&trial, 200);
	cr_assert(span_is(trial_member(&trial, "artifact_id"), id));
	trial_get(&trial, trial_path(&trial, upper, ""));
	trial_expect(&trial, 404,
	    arena_printf(
		trial.made, "{\"detail\":\"Artifact not found: %s\"}", upper)
		.data);
	trial_close(&trial);
}

Test(handle, an_unknown_id_is_named_as_it_was_given)
{
	static const char *const cases[][2] = {
		{ "nope", "nope" },
		{ UNKNOWN, UNKNOWN },
		{ "%22%27", "\\\"'" },
		{ "a=b&c", "a=b&c" },
		{ "%", "%" },
		{ "%E9", "\xef\xbf\xbd" },
	};
	struct trial trial;
	struct span body;
	size_t i;

	trial_open(&trial);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		body = arena_printf(trial.made,
		    "{\"detail\":\"Artifact not found: %s\"}", cases[i][1]);
		trial_get(&trial, trial_path(&trial, cases[i][0], ""));
		trial_expect(&trial, 404, body.data);
		trial_send(&trial, "DELETE",
		    trial_path(&trial, cases[i][0], ""), SPAN(""));
		trial_expect(&trial, 404, body.data);
		trial_send(&trial, "PUT",
		    trial_path(&trial, cases[i][0], "/raw"), SPAN("x"));
		trial_expect(&trial, 404, body.data);
	}
	trial_close(&trial);
}

Test(handle, an_ambiguous_prefix_lists_five_of_at_most_ten)
{
	struct trial trial;
	unsigned count[16] = { 0 };
	char id[ID_TEXT + 1], prefix[2] = "";
	int i;

	trial_open(&trial);
	while (prefix[0] == '\0') {
		trial_create(&trial, "x", id);
		if (++count[ascii_hex(id[0])] == 6)
			prefix[0] = id[0];
	}
	trial_get(&trial, trial_path(&trial, prefix, ""));
	trial_expect_status(&trial, 409);
	cr_assert(trial_body_has(&trial, "' matches 6 entries:\\n  - "));
	cr_assert(trial_body_has(&trial,
	    "...\\n  ... and 1 more\\nProvide a longer prefix to "
	    "disambiguate.\""));
	for (i = 0; i < 200; i++)
		trial_create(&trial, "x", id);
	trial_get(&trial, trial_path(&trial, prefix, "/raw"));
	trial_expect_status(&trial, 409);
	cr_assert(trial_body_has(&trial, "' matches 10 entries:\\n"));
	cr_assert(trial_body_has(&trial, "  ... and 5 more\\n"));
	trial_close(&trial);
}

/* ---- update and delete ---- */

Test(handle, update_changes_what_it_names)
{
	struct trial trial;
	char id[ID_TEXT + 1];
	const char *path;

	trial_open(&trial);
	trial_create(&trial, "x", id);
	path = trial_path(&trial, id, "");
	trial_json(&trial, "PUT", path,
	    "{\"title\":\"\",\"metadata\":{ \"n\": 1.50 },"
	    "\"is_primary_deliverable\":false,"
	    "\"derived_from\":[\"" UNKNOWN "\"]}");
	trial_expect_status(&trial, 200);
	cr_assert(span_is(trial_member(&trial, "artifact_id"), id));
	cr_assert(trial_body_has(&trial, "\"status\":\"updated\""));
	trial_json(&trial, "PUT", path, "{}");
	trial_expect_status(&trial, 200);
	trial_get(&trial, path);
	cr_assert(trial_body_has(&trial, "\"title\":\"\""));
	cr_assert(trial_body_has(&trial, "\"metadata\":{\"n\":1.50}"));
	cr_assert(trial_body_has(&trial, "\"is_primary_deliverable\":false"));
	cr_assert(trial_body_has(&trial, "\"derived_from\":[\"" UNKNOWN "\"]"));
	trial_close(&trial);
}

/* What the log says of the last request; NULL: nothing was changed. */
static void
expect_event(const struct trial *trial, const char *id, const char *event)
{
	char text[ID_TEXT + 1];

	if (event == NULL) {
		cr_assert_null(trial->response.event);
		return;
	}
	cr_assert_not_null(trial->response.event);
	cr_assert_str_eq(trial->response.event, event);
	id_format(&trial->response.event_id, text);
	cr_assert_str_eq(text, id);
}

Test(handle, names_each_change_that_was_made_for_the_log)
{
	struct trial trial;
	char id[ID_TEXT + 1];
	const char *path, *raw;

	trial_open(&trial);
	trial_create(&trial, "x", id);
	expect_event(&trial, id, NULL);
	path = trial_path(&trial, id, "");
	raw = trial_path(&trial, id, "/raw");
	trial_get(&trial, path);
	expect_event(&trial, id, NULL);
	trial_json(&trial, "PUT", path, "{\"title\":\"t\"}");
	expect_event(&trial, id, "artifact_updated");
	trial_json(&trial, "PUT", path, "{}");
	expect_event(&trial, id, NULL);
	trial_json(&trial, "PUT", path, "{\"title\":1}");
	expect_event(&trial, id, NULL);
	trial_send(&trial, "PUT", raw, SPAN("new"));
	expect_event(&trial, id, "content_replaced");
	trial_form(&trial, trial_path(&trial, id, "/upload"),
	    "#\nContent-Disposition: form-data; name=\"file\"; "
	    "filename=\"f\"\n\nbytes\n#--\n");
	expect_event(&trial, id, "content_replaced");
	trial.headers.if_match = SPAN("\"0\"");
	trial_send(&trial, "DELETE", path, SPAN(""));
	trial_expect_status(&trial, 412);
	expect_event(&trial, id, NULL);
	trial.apply = (struct failure){ RESULT_UNKNOWN, 1 };
	trial_send(&trial, "DELETE", path, SPAN(""));
	trial_expect_status(&trial, 503);
	expect_event(&trial, id, NULL);
	trial_send(&trial, "DELETE", path, SPAN(""));
	expect_event(&trial, id, "artifact_deleted");
	trial_send(&trial, "DELETE", path, SPAN(""));
	trial_expect_status(&trial, 404);
	expect_event(&trial, id, NULL);
	trial_close(&trial);
}

Test(handle, update_collects_the_faults_of_its_body)
{
	struct trial trial;

	trial_open(&trial);
	trial_json(&trial, "PUT", "/artifacts/nope",
	    "{\"content\":1,\"derived_from\":[\"x\"],\"metadata\":[],"
	    "\"title\":null,\"is_primary_deliverable\":1}");
	trial_expect_status(&trial, 422);
	cr_assert(trial_body_has(&trial,
	    "{\"detail\":[{\"type\":\"string_type\",\"loc\":[\"body\","
	    "\"title\"]"));
	cr_assert(trial_body_has(&trial, "\"type\":\"dict_type\""));
	cr_assert(trial_body_has(&trial, "\"type\":\"bool_type\""));
	cr_assert(trial_body_has(&trial,
	    "\"type\":\"uuid_parsing\",\"loc\":[\"body\",\"derived_from\",0]"));
	cr_assert(trial_body_has(&trial, "\"type\":\"extra_forbidden\""));
	trial_json(&trial, "PUT", "/artifacts/nope", "");
	trial_expect(
	    &trial, 422, FAULT("missing", "\"body\"", "Field required"));
	trial_json(&trial, "PUT", "/artifacts/" UNKNOWN, "{}");
	trial_expect_status(&trial, 404);
	trial_close(&trial);
}

Test(handle, if_match_guards_every_change)
{
	struct trial trial;
	char id[ID_TEXT + 1];
	struct span many;
	struct buffer buffer;
	int i;

	trial_open(&trial);
	trial_create(&trial, "x", id);
	trial.headers.if_match = SPAN("\"00\"");
	trial_json(&trial, "PUT", trial_path(&trial, id, ""), "{}");
	trial_expect_status(&trial, 412);
	trial.headers.if_match = SPAN("\"00\"");
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), SPAN("y"));
	trial_expect_status(&trial, 412);
	trial.headers.if_match = SPAN("\"00\"");
	trial_form(&trial, trial_path(&trial, id, "/upload"),
	    "#\nContent-Disposition: form-data; name=file; filename=a\n\ny\n"
	    "#--\n");
	trial_expect_status(&trial, 412);
	trial.headers.if_match = SPAN("\"00\"");
	trial_send(&trial, "DELETE", trial_path(&trial, id, ""), SPAN(""));
	trial_expect_status(&trial, 412);
	buffer_init(&buffer, trial.made);
	for (i = 0; i <= LIMIT_IF_MATCH; i++)
		buffer_append(&buffer, SPAN("\"a\","));
	many = buffer_span(&buffer);
	trial.headers.if_match = many;
	trial_send(&trial, "DELETE", trial_path(&trial, id, ""), SPAN(""));
	trial_expect_status(&trial, 400);
	trial.headers.if_match = many;
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), SPAN("y"));
	trial_expect_status(&trial, 400);
	trial.headers.if_match = SPAN("*");
	trial_send(&trial, "DELETE", trial_path(&trial, id, ""), SPAN(""));
	trial_expect_status(&trial, 200);
	cr_assert(trial_body_has(&trial, "\"status\":\"deleted\""));
	trial_get(&trial, trial_path(&trial, id, ""));
	trial_expect_status(&trial, 404);
	cr_assert_eq(trial_count(&trial), 0);
	trial_close(&trial);
}

/* ---- lists ---- */

/* The path and query of the next page, to the end of the trial. */
static const char *
next_page(struct trial *trial)
{
	struct span link = trial_header(trial, "Link");

	if (link.data == NULL)
		return NULL;
	cr_assert(span_starts_with(link, "<"));
	link = span_from(link, 1);
	cr_assert(
	    span_is(span_from(link, span_find(link, '>')), ">; rel=\"next\""));
	link.size = span_find(link, '>');
	return arena_string(trial->made, link);
}

Test(handle, lists_lead_from_page_to_page)
{
	struct trial trial;
	char id[ID_TEXT + 1];
	const char *target = "/api/v1/artifacts?workflow_id=w&phase_id="
			     "&artifact_type=TEXT&limit=2&x=y";
	const char *second = NULL;
	int i;

	trial_open(&trial);
	for (i = 0; i < 5; i++)
		trial_create(&trial, "x", id);
	for (i = 0; target != NULL; i++) {
		trial_get(&trial, target);
		trial_expect_status(&trial, 200);
		if (i == 0)
			cr_assert(trial_body_has(&trial, id));
		target = next_page(&trial);
		if (i == 0)
			second = target;
	}
	cr_assert_eq(i, 3);
	cr_assert_not_null(strstr(second,
	    "/api/v1/artifacts?workflow_id=w&artifact_type=text&limit=2"
	    "&cursor="));
	trial.config.public_url = "https://h/a";
	trial_get(&trial, "/artifacts?limit=1");
	cr_assert_not_null(
	    strstr(next_page(&trial), "https://h/a/artifacts?limit=1&cursor="));
	trial_close(&trial);
}

Test(handle, a_page_without_a_limit_has_50)
{
	struct trial trial;
	char id[ID_TEXT + 1];
	int i;

	trial_open(&trial);
	for (i = 0; i < 51; i++)
		trial_create(&trial, "x", id);
	trial_get(&trial, "/artifacts");
	trial_expect_status(&trial, 200);
	cr_assert_not_null(strstr(next_page(&trial), "?limit=50&cursor="));
	trial_close(&trial);
}

Test(handle, a_cursor_belongs_to_its_filters)
{
	struct trial trial;
	char id[ID_TEXT + 1];
	const char *cursor, *cases[5];
	size_t i;

	trial_open(&trial);
	for (i = 0; i < 3; i++)
		trial_create(&trial, "x", id);
	trial_get(&trial, "/artifacts?workflow_id=w&limit=1");
	cursor = strstr(next_page(&trial), "cursor=");
	cases[0] = cursor; /* of no filter */
	cases[1] = "cursor=";
	cases[2] = "cursor=AAAA";
	cases[3] = arena_printf(trial.made, "workflow_id=v&%s", cursor).data;
	cases[4] = arena_printf(trial.made, "workflow_id=w&%sA", cursor).data;
	for (i = 0; i < 5; i++) {
		trial_get(&trial,
		    arena_printf(trial.made, "/artifacts?%s", cases[i]).data);
		trial_expect(&trial, 422,
		    FAULT("value_error", "\"query\",\"cursor\"",
			"Value error, Malformed cursor"));
	}
	trial_get(&trial, arena_printf(trial.made,
			      "/artifacts?limit=9&workflow_id=w&%s", cursor)
			      .data);
	trial_expect_status(&trial, 200);
	cr_assert_null(next_page(&trial));
	trial_close(&trial);
}

Test(handle, list_collects_the_faults_of_its_query)
{
	struct trial trial;

	trial_open(&trial);
	trial_get(&trial, "/artifacts?cursor=x&limit=0");
	trial_expect_status(&trial, 422);
	cr_assert(trial_body_has(
	    &trial, "{\"detail\":[{\"type\":\"greater_than_equal\","));
	cr_assert(trial_body_has(&trial, "\"type\":\"value_error\""));
	trial_close(&trial);
}

Test(handle, a_filter_longer_than_its_field_matches_nothing)
{
	static const char *const names[] = { "workflow_id", "phase_id",
		"artifact_type", "session_id" };
	struct trial trial;
	char id[ID_TEXT + 1];
	size_t i;

	trial_open(&trial);
	trial_create(&trial, "x", id);
	for (i = 0; i < 4; i++) {
		trial_get(&trial, arena_printf(trial.made,
				      "/artifacts?%s=%0201d", names[i], 1)
				      .data);
		trial_expect(&trial, 200, "[]");
	}
	trial.list = (struct failure){ RESULT_IO, -1 };
	trial_get(&trial, "/artifacts");
	trial_expect_status(&trial, 500);
	trial_close(&trial);
}

/* ---- service ---- */

Test(handle, the_service_says_how_it_is)
{
	struct trial trial;

	trial_open(&trial);
	trial_get(&trial, "/healthz");
	trial_expect(&trial, 200,
	    "{\"status\":\"healthy\",\"max_content\":1048576,"
	    "\"max_json\":524288}");
	trial_get(&trial, "/api/v1/health");
	trial_expect(&trial, 200, "{\"status\":\"healthy\",\"mode\":\"full\"}");
	trial_get(&trial, "/openapi.json");
	trial_expect_status(&trial, 200);
	trial_expect_header(&trial, "Content-Type", "application/json");
	trial_close(&trial);
}
