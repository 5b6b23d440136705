/* SPDX-License-Identifier: ISC */
/* create.c - artifacts made from JSON and from forms. */

#include "kit/trial.h"

#include <criterion/criterion.h>

#define GOOD \
	"{\"workflow_id\":\"w\",\"artifact_type\":\"Plan\",\"title\":\"t\"," \
	"\"content\":\"hello\"}"
#define PARSING "{\"detail\":\"There was an error parsing the body\"}"
#define NOT_OBJECT \
	FAULT("model_attributes_type", "\"body\"", \
	    "Input should be a valid dictionary or object to extract fields " \
	    "from")
#define FIELD(name, value) \
	"#\nContent-Disposition: form-data; name=\"" name "\"\n\n" value "\n"
#define FILE_PART(head, value) \
	"#\nContent-Disposition: form-data; name=\"file\"; " head "\n\n" value \
	"\n"
#define MEMBERS FIELD("workflow_id", "w") FIELD("artifact_type", "Plan")
/* Of "hello". */
#define HELLO "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"

/* ---- JSON ---- */

Test(handle_create, answers_with_where_the_artifact_is)
{
	struct trial trial;
	struct span id, url;

	trial_open(&trial);
	trial_json(&trial, "POST", "/api/v1/artifacts", GOOD);
	trial_expect_status(&trial, 201);
	id = trial_member(&trial, "id");
	url = arena_printf(
	    trial.made, "/api/v1/artifacts/%.*s", (int)id.size, id.data);
	trial_expect_header(&trial, "Location", url.data);
	url = arena_printf(trial.made,
	    "{\"id\":\"%.*s\",\"title\":\"t\",\"artifact_type\":\"plan\","
	    "\"status\":\"created\"}",
	    (int)id.size, id.data);
	trial_expect(&trial, 201, url.data);
	trial.config.public_url = "https://h";
	trial_json(&trial, "POST", "/artifacts", GOOD);
	cr_assert(span_starts_with(
	    trial_header(&trial, "Location"), "https://h/artifacts/"));
	trial_close(&trial);
}

Test(handle_create, refuses_bodies_that_are_no_object)
{
	static const struct {
		const char *type;
		const char *body;
		int status;
		const char *answer;
	} cases[] = {
		{ "text/plain", "{\"a\":1}", 422, NOT_OBJECT },
		{ NULL, "\xff", 422, NOT_OBJECT },
		{ "application/json", "[]", 422, NOT_OBJECT },
		{ "application/json", "null", 422,
		    FAULT("missing", "\"body\"", "Field required") },
		{ "text/plain", "", 422,
		    FAULT("missing", "\"body\"", "Field required") },
		{ "application/x+json", "{\"a\"", 422,
		    FAULT("json_invalid", "\"body\",4", "JSON decode error") },
		{ "application/json", "{\"a\":\"\xff\"}", 400, PARSING },
	};
	struct trial trial;
	size_t i;

	trial_open(&trial);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		trial.headers.content_type = span_str(cases[i].type);
		trial_send(
		    &trial, "POST", "/artifacts", span_str(cases[i].body));
		trial_expect(&trial, cases[i].status, cases[i].answer);
	}
	trial.announced = sizeof(GOOD);
	trial_json(&trial, "POST", "/artifacts", GOOD);
	trial_expect(&trial, 400, PARSING);
	cr_assert_eq(trial_count(&trial), 0);
	trial_close(&trial);
}

Test(handle_create, refuses_deep_and_many_values)
{
	struct trial trial;
	char *text;

	trial_open(&trial);
	text = arena_alloc(trial.made, 300003);
	memset(text, '[', 100000);
	trial_json(&trial, "POST", "/artifacts", text);
	trial_expect(&trial, 400, PARSING);
	memset(text, '0', 300001);
	for (size_t i = 2; i < 300000; i += 2)
		text[i] = ',';
	text[0] = '[';
	text[300001] = ']';
	trial_json(&trial, "POST", "/artifacts", text);
	trial_expect_status(&trial, 400);
	cr_assert(trial_body_has(&trial, "100000 values"));
	trial_close(&trial);
}

Test(handle_create, collects_faults_in_the_order_of_the_contract)
{
	static const char *const order[] = { "workflow_id", "artifact_type",
		"title", "content", "phase_id", "session_id", "content_type",
		"zz", "aa" };
	struct trial trial;
	const char *at;
	struct span body, name;
	size_t i;

	trial_open(&trial);
	trial_json(&trial, "POST", "/artifacts",
	    "{\"zz\":1,\"content_type\":4,\"session_id\":3,\"phase_id\":2,"
	    "\"content\":{},\"title\":\"\\ud800\",\"aa\":0,"
	    "\"artifact_type\":null}");
	trial_expect_status(&trial, 422);
	body = trial_body(&trial);
	at = body.data;
	for (i = 0; i < 9; i++) {
		name = arena_printf(
		    trial.made, "\"loc\":[\"body\",\"%s\"]", order[i]);
		at = memmem(at, body.size - (size_t)(at - body.data), name.data,
		    name.size);
		cr_assert_not_null(at, "%s", order[i]);
	}
	trial_close(&trial);
}

Test(handle_create, judges_type_then_content_then_size)
{
	static const char *const types[] = { "plan", "Code" };
	struct trial trial;
	char *content;

	trial_open(&trial);
	trial_json(&trial, "POST", "/artifacts",
	    "{\"workflow_id\":\"\",\"artifact_type\":\"\",\"title\":\"\","
	    "\"content\":\"\"}");
	trial_expect(&trial, 400, "{\"detail\":\"Artifact must have a type\"}");
	trial_json(&trial, "POST", "/artifacts",
	    "{\"workflow_id\":\"\",\"artifact_type\":\"x\",\"title\":\"\","
	    "\"content\":\"\"}");
	trial_expect(
	    &trial, 400, "{\"detail\":\"Artifact must have content\"}");
	trial.config.artifact_types.items = (const char **)types;
	trial.config.artifact_types.count = 2;
	trial_json(&trial, "POST", "/artifacts",
	    "{\"workflow_id\":\"\",\"artifact_type\":\"X\\u0000\","
	    "\"title\":\"\",\"content\":\"\"}");
	trial_expect(&trial, 400,
	    "{\"detail\":\"Unknown artifact_type: 'X\\u0000'. Valid types: "
	    "['plan', 'Code']\"}");
	trial_json(&trial, "POST", "/artifacts",
	    "{\"workflow_id\":\"\",\"artifact_type\":\"CODE\",\"title\":\"\","
	    "\"content\":\"c\"}");
	trial_expect_status(&trial, 201);
	trial.config.artifact_types.count = 0;
	trial.config.max_content = 100;
	content = arena_alloc(trial.made, 102);
	memset(content, 'x', 101);
	trial_json(&trial, "POST", "/artifacts",
	    arena_printf(trial.made,
		"{\"workflow_id\":\"\",\"artifact_type\":\"x\",\"title\":\"\","
		"\"content\":\"%s\"}",
		content)
		.data);
	trial_expect(&trial, 413,
	    "{\"detail\":\"Upload exceeds maximum size of 100 bytes\"}");
	trial_close(&trial);
}

Test(handle_create, names_the_limit_of_a_json_body)
{
	struct trial trial;

	trial_open(&trial);
	trial.config.max_json = sizeof(GOOD) - 1;
	trial_json(&trial, "POST", "/artifacts", GOOD);
	trial_expect_status(&trial, 201);
	trial.config.max_json--;
	trial_json(&trial, "POST", "/artifacts", GOOD);
	trial_expect_status(&trial, 413);
	cr_assert(trial_body_has(&trial, "max_json"));
	cr_assert(trial_body_has(&trial, "send the content as a file instead"));
	trial_close(&trial);
}

Test(handle_create, tries_another_id_when_one_is_taken)
{
	struct trial trial;

	trial_open(&trial);
	trial.apply = (struct failure){ RESULT_EXISTS, 1 };
	trial_json(&trial, "POST", "/artifacts", GOOD);
	trial_expect_status(&trial, 201);
	cr_assert_eq(trial.applied, 2);
	trial.apply = (struct failure){ RESULT_EXISTS, -1 };
	trial_json(&trial, "POST", "/artifacts", GOOD);
	trial_expect_status(&trial, 503);
	trial_close(&trial);
}

/* ---- digests ---- */

Test(handle_create, holds_the_body_against_its_digest)
{
	uint8_t hash[DIGEST_SHA256_SIZE];
	struct digest digest;
	struct trial trial;
	struct span base64, header;

	trial_open(&trial);
	digest_begin(&digest);
	digest_add(&digest, SPAN(GOOD));
	digest_end(&digest, hash);
	base64 = digest_base64(trial.made, span_of(hash, sizeof(hash)));
	header = arena_printf(trial.made,
	    "md5=:AA==:, sha-256=:%.*s:", (int)base64.size, base64.data);
	trial.headers.content_digest = header;
	trial_json(&trial, "POST", "/artifacts", GOOD);
	trial_expect_status(&trial, 201);
	trial.headers.content_digest = SPAN(HELLO);
	trial_json(&trial, "POST", "/artifacts", GOOD);
	trial_expect_status(&trial, 400);
	cr_assert(trial_body_has(&trial, "LPJNul+wow4m6DsqxbninhsWHlwfp0Je"));
	cr_assert(trial_body_has(&trial, arena_string(trial.made, base64)));
	trial.headers.content_digest = SPAN("sha-256=:AA==:");
	trial_json(&trial, "POST", "/artifacts", GOOD);
	trial_expect_status(&trial, 400);
	trial.headers.content_digest = SPAN("sha-512=:AA==:");
	trial_json(&trial, "POST", "/artifacts", GOOD);
	trial_expect_status(&trial, 201);
	cr_assert_eq(trial_count(&trial), 2);
	trial_close(&trial);
}

/* ---- Idempotency-Key ---- */

static void
post_with_key(struct trial *trial, const char *user, const char *key,
    const char *body, char ret_id[ID_TEXT + 1])
{
	trial->headers.user = span_str(user);
	trial->headers.idempotency_key = span_str(key);
	trial_json(trial, "POST", "/artifacts", body);
	trial_expect_status(trial, 201);
	memcpy(ret_id, trial_member(trial, "id").data, ID_TEXT);
	ret_id[ID_TEXT] = '\0';
}

Test(handle_create, answers_a_repeat_as_the_first)
{
	struct trial trial;
	char first[ID_TEXT + 1], other[ID_TEXT + 1];

	trial_open(&trial);
	post_with_key(&trial, NULL, "k", GOOD, first);
	post_with_key(&trial, "", "k",
	    "{\"content\":\"hello\",\"title\":\"t\",\"artifact_type\":\"plan\""
	    ",\"workflow_id\":\"w\",\"content_type\":\"text/markdown\","
	    "\"phase_id\":null}",
	    other);
	cr_assert_str_eq(first, other);
	post_with_key(&trial, "ada", "k", GOOD, other);
	cr_assert_str_neq(first, other);
	trial.headers.idempotency_key = SPAN("k");
	trial_form(&trial, "/artifacts",
	    MEMBERS FIELD("title", "t") FIELD("content_type", "text/markdown")
		FILE_PART("filename=\"\"", "hello") "#--\n");
	trial_expect_status(&trial, 201);
	cr_assert(span_is(trial_member(&trial, "id"), first));
	cr_assert_eq(trial_count(&trial), 2);
	trial.headers.idempotency_key = SPAN("k");
	trial_json(&trial, "POST", "/artifacts",
	    "{\"workflow_id\":\"w\",\"artifact_type\":\"plan\",\"title\":\"t\","
	    "\"content\":\"hello\",\"phase_id\":\"\"}");
	trial_expect_status(&trial, 422);
	cr_assert(trial_body_has(&trial,
	    "\"type\":\"idempotency_mismatch\",\"loc\":[\"header\","
	    "\"Idempotency-Key\"]"));
	trial_close(&trial);
}

/* Its id leads nowhere: who went on with it would get a 404. */
Test(handle_create, says_of_a_repeat_that_its_artifact_is_deleted)
{
	struct trial trial;
	char first[ID_TEXT + 1], other[ID_TEXT + 1];

	trial_open(&trial);
	post_with_key(&trial, NULL, "k", GOOD, first);
	cr_assert(span_is(trial_member(&trial, "status"), "created"));
	trial_send(&trial, "DELETE", trial_path(&trial, first, ""), SPAN(""));
	trial_expect_status(&trial, 200);
	post_with_key(&trial, NULL, "k", GOOD, other);
	cr_assert_str_eq(first, other);
	cr_assert(span_is(trial_member(&trial, "status"), "deleted"));
	cr_assert(span_is(trial_member(&trial, "title"), "t"));
	cr_assert_null(trial_header(&trial, "Location").data);
	cr_assert_eq(trial_count(&trial), 0);
	post_with_key(&trial, NULL, "new", GOOD, other);
	cr_assert(span_is(trial_member(&trial, "status"), "created"));
	cr_assert_not_null(trial_header(&trial, "Location").data);
	trial_close(&trial);
}

Test(handle_create, refuses_a_key_that_is_none)
{
	struct trial trial;
	struct span keys[4] = { SPAN(""), SPAN("a b"), SPAN("\xc3\xa9") };
	size_t i;

	trial_open(&trial);
	keys[3] = arena_printf(trial.made, "%0256d", 1);
	for (i = 0; i < 4; i++) {
		trial.headers.idempotency_key = keys[i];
		trial_json(&trial, "POST", "/artifacts", GOOD);
		trial_expect_status(&trial, 400);
	}
	cr_assert_eq(trial_count(&trial), 0);
	trial.headers.idempotency_key = span_from(keys[3], 1);
	trial_json(&trial, "POST", "/artifacts", GOOD);
	trial_expect_status(&trial, 201);
	trial_close(&trial);
}

/* ---- forms ---- */

Test(handle_create, takes_title_and_type_from_the_part)
{
	struct trial trial;
	char id[ID_TEXT + 1];

	trial_open(&trial);
	trial_form(&trial, "/artifacts",
	    MEMBERS FILE_PART("filename=\"r.pdf\"\nContent-Type: "
			      "application/pdf",
		"%PDF") "#--\n");
	trial_expect_status(&trial, 201);
	cr_assert(span_is(trial_member(&trial, "title"), "r.pdf"));
	cr_assert(span_is(trial_member(&trial, "artifact_type"), "plan"));
	memcpy(id, trial_member(&trial, "id").data, ID_TEXT);
	id[ID_TEXT] = '\0';
	trial_get(&trial, trial_path(&trial, id, ""));
	cr_assert(
	    span_is(trial_member(&trial, "content_type"), "application/pdf"));
	trial_form(&trial, "/artifacts",
	    FILE_PART("filename=\"r\"", "") MEMBERS FIELD("title", "")
		FIELD("content_type", "") "#--\n");
	trial_expect_status(&trial, 201);
	cr_assert_eq(trial_member(&trial, "title").size, 0);
	trial_close(&trial);
}

Test(handle_create, collects_the_faults_of_a_form)
{
	static const char *const order[] = {
		"missing\",\"loc\":[\"body\",\"workflow_id\"",
		"string_type\",\"loc\":[\"body\",\"artifact_type\"",
		"missing\",\"loc\":[\"body\",\"title\"",
		"value_error\",\"loc\":[\"body\",\"file\"",
		"string_unicode\",\"loc\":[\"body\",\"phase_id\"",
		"string_too_long\",\"loc\":[\"body\",\"session_id\"",
		"extra_forbidden\",\"loc\":[\"body\",\"zz\"",
		"extra_forbidden\",\"loc\":[\"body\",\"content\"]",
	};
	struct trial trial;
	struct span body, form;
	const char *at;
	size_t i;

	trial_open(&trial);
	form = arena_printf(trial.made,
	    FIELD("zz", "1") FIELD("zz", "2") FIELD("content", "c")
		FIELD("session_id", "%0201d") FIELD("phase_id", "\xff")
		    FIELD("file", "text") "#\nContent-Disposition: form-data; "
					  "name=\"artifact_type\"; "
					  "filename=a\n\nx\n#--\n",
	    1);
	trial_form(&trial, "/artifacts", form.data);
	trial_expect_status(&trial, 422);
	body = trial_body(&trial);
	at = body.data;
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		at = memmem(at, body.size - (size_t)(at - body.data), order[i],
		    strlen(order[i]));
		cr_assert_not_null(
		    at, "%s in %.*s", order[i], (int)body.size, body.data);
	}
	cr_assert_eq(trial_count(&trial), 0);
	trial_close(&trial);
}

/* Also of names that are longer than what is kept of them. */
Test(handle_create, counts_the_parts_of_a_form_that_it_does_not_list)
{
	struct buffer form;
	struct trial trial;
	size_t i;

	trial_open(&trial);
	buffer_init(&form, trial.made);
	for (i = 0; i < 990; i++)
		buffer_printf(&form, FIELD("%*zu%s", "x"), 2000, i % 900, "y");
	buffer_append(&form, SPAN("#--\n\0"));
	trial_form(&trial, "/artifacts", form.data);
	trial_expect_status(&trial, 422);
	/* 4 members are missing. */
	cr_assert(trial_body_has(&trial, "\"msg\":\"805 more faults"));
	cr_assert_lt(trial_body(&trial).size, 65536);
	trial_close(&trial);
}

Test(handle_create, a_form_without_parts_misses_all)
{
	struct trial trial;

	trial_open(&trial);
	trial_form(&trial, "/artifacts", "");
	trial_expect_status(&trial, 422);
	cr_assert(trial_body_has(&trial, "\"loc\":[\"body\",\"workflow_id\"]"));
	cr_assert(trial_body_has(&trial, "\"loc\":[\"body\",\"file\"]"));
	trial_form(&trial, "/artifacts",
	    MEMBERS FILE_PART("filename=\"\"", "x") "#--\n");
	trial_expect(&trial, 422,
	    FAULT("missing", "\"body\",\"title\"", "Field required"));
	trial_close(&trial);
}

Test(handle_create, takes_fields_as_long_as_they_may_be)
{
	struct trial trial;
	struct span form;

	trial_open(&trial);
	form = arena_printf(trial.made,
	    FIELD("workflow_id", "%0200d") FIELD("artifact_type", "%064d")
		FIELD("title", "%01024d")
		    FILE_PART("filename=\"\"", "") "#--\n",
	    1, 1, 1);
	trial_form(&trial, "/artifacts", form.data);
	trial_expect_status(&trial, 201);
	cr_assert_eq(trial_member(&trial, "title").size, LIMIT_TITLE);
	trial_close(&trial);
}

Test(handle_create, bounds_the_type_that_a_part_gives)
{
	struct trial trial;
	struct span form;

	trial_open(&trial);
	form = arena_printf(trial.made,
	    MEMBERS FILE_PART(
		"filename=\"a\"\nContent-Type: %0256d", "x") "#--\n",
	    1);
	trial_form(&trial, "/artifacts", form.data);
	trial_expect(&trial, 422,
	    FAULT("string_too_long", "\"body\",\"content_type\"",
		"String should have at most 255 bytes"));
	form = arena_printf(trial.made,
	    FIELD("content_type", "x/y") MEMBERS FILE_PART(
		"filename=\"a\"\nContent-Type: %0256d", "x") "#--\n",
	    1);
	trial_form(&trial, "/artifacts", form.data);
	trial_expect_status(&trial, 201);
	trial_close(&trial);
}

Test(handle_create, refuses_files_over_the_limit_after_all_else)
{
	struct trial trial;
	struct span large;

	trial_open(&trial);
	trial.config.max_content = 100000;
	large = arena_printf(trial.made,
	    FIELD("artifact_type", "x")
		FILE_PART("filename=\"a\"", "%0100001d"),
	    1);
	trial_form(&trial, "/artifacts",
	    arena_printf(trial.made, "%s#--\n", large.data).data);
	trial_expect_status(&trial, 422);
	trial_form(&trial, "/artifacts",
	    arena_printf(
		trial.made, "%s" FIELD("workflow_id", "w") "#--\n", large.data)
		.data);
	trial_expect(&trial, 413,
	    "{\"detail\":\"Upload exceeds maximum size of 100000 bytes\"}");
	trial_form(&trial, "/artifacts", large.data);
	trial_expect_status(&trial, 400);
	cr_assert_gt(trial.staged, 0);
	cr_assert_eq(trial_count(&trial), 0);
	trial_close(&trial);
}

Test(handle_create, drops_the_files_that_no_record_names)
{
	struct trial trial;
	struct span file;
	const char *form;
	char id[ID_TEXT + 1];

	trial_open(&trial);
	file = arena_printf(
	    trial.made, FILE_PART("filename=\"a\"", "%0200000d"), 1);
	form = arena_printf(
	    trial.made, "%s%s" MEMBERS "#--\n", file.data, file.data)
		   .data;
	trial.headers.idempotency_key = SPAN("k");
	trial_form(&trial, "/artifacts", form);
	trial_expect_status(&trial, 201);
	cr_assert_eq(trial.dropped, 1);
	memcpy(id, trial_member(&trial, "id").data, ID_TEXT);
	id[ID_TEXT] = '\0';
	cr_assert_eq(trial_count(&trial), 1);
	trial.headers.idempotency_key = SPAN("k");
	trial_form(&trial, "/artifacts", form);
	trial_expect_status(&trial, 201);
	cr_assert_eq(trial.dropped, 3);
	cr_assert(span_is(trial_member(&trial, "id"), id));
	cr_assert_eq(trial_count(&trial), 1);
	trial.apply = (struct failure){ RESULT_UNKNOWN, 1 };
	trial_form(&trial, "/artifacts", form);
	trial_expect_status(&trial, 503);
	cr_assert_eq(trial.dropped, 4);
	trial.stage = (struct failure){ RESULT_NO_SPACE, 1 };
	trial_form(&trial, "/artifacts", form);
	trial_expect_status(&trial, 507);
	cr_assert(trial_body_has(&trial, "`reserve` keeps 1000"));
	trial_close(&trial);
}

Test(handle_create, holds_a_file_against_its_digest)
{
	struct trial trial;

	trial_open(&trial);
	trial_form(&trial, "/artifacts",
	    MEMBERS FILE_PART(
		"filename=\"a\"\nRepr-Digest: " HELLO, "hello") "#--\n");
	trial_expect_status(&trial, 201);
	trial_form(&trial, "/artifacts",
	    MEMBERS FILE_PART(
		"filename=\"a\"\nRepr-Digest: " HELLO, "hallo") "#--\n");
	trial_expect_status(&trial, 400);
	cr_assert(trial_body_has(&trial, "Repr-Digest does not match"));
	cr_assert_eq(trial_count(&trial), 1);
	trial_close(&trial);
}
