/* SPDX-License-Identifier: ISC */
/* content.c - content: read, in part, replaced. */

#include "kit/trial.h"

#include <criterion/criterion.h>

#define UPLOAD(head, value) \
	"#\nContent-Disposition: form-data; name=\"file\"" head "\n\n" value \
	"\n"
#define HELLO_HEX \
	"\"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\""
#define HELLO "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"
#define MISSING FAULT("missing", "\"body\",\"file\"", "Field required")

/* ---- /content ---- */

Test(handle_content, gives_content_with_its_type_and_size)
{
	struct trial trial;
	char id[ID_TEXT + 1];

	trial_open(&trial);
	trial_create(&trial, "hello", id);
	trial_get(&trial, trial_path(&trial, id, "/content?include_content=x"));
	trial_expect(&trial, 200,
	    arena_printf(trial.made,
		"{\"artifact_id\":\"%s\",\"content_type\":\"text/markdown\","
		"\"size_bytes\":5,\"content\":\"hello\"}",
		id)
		.data);
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"),
	    SPAN("\xff\xfe\0abc\xc3(\xf0\x9f\x98"));
	trial_expect_status(&trial, 200);
	trial_get(&trial, trial_path(&trial, id, "/content"));
	cr_assert(trial_body_has(&trial,
	    "\"size_bytes\":11,\"content\":\"\xef\xbf\xbd\xef\xbf\xbd\\u0000"
	    "abc\xef\xbf\xbd(\xef\xbf\xbd\"}"));
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), SPAN(""));
	trial_get(&trial, trial_path(&trial, id, "/content"));
	cr_assert(trial_body_has(&trial, "\"size_bytes\":0,\"content\":\"\"}"));
	trial_close(&trial);
}

/* ---- GET …/raw ---- */

static void
put_raw(
    struct trial *trial, const char *id, const char *type, struct span content)
{
	trial->headers.content_type = span_str(type);
	trial_send(trial, "PUT", trial_path(trial, id, "/raw"), content);
	trial_expect_status(trial, 200);
}

Test(handle_raw, gives_the_bytes_with_all_headers)
{
	struct trial trial;
	char id[ID_TEXT + 1];

	trial_open(&trial);
	trial_create(&trial, "hello", id);
	trial_form(&trial, trial_path(&trial, id, "/upload"),
	    UPLOAD("; filename=\"a.txt\"\nContent-Type: text/plain",
		"hello") "#--\n");
	trial_expect_status(&trial, 200);
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 200, "hello");
	trial_expect_header(&trial, "Content-Type", "text/plain");
	trial_expect_header(&trial, "ETag", HELLO_HEX);
	trial_expect_header(&trial, "Repr-Digest", HELLO);
	trial_expect_header(&trial, "Accept-Ranges", "bytes");
	trial_expect_header(&trial, "X-Content-Type-Options", "nosniff");
	trial_expect_header(
	    &trial, "Content-Security-Policy", "sandbox; default-src 'none'");
	trial_expect_header(
	    &trial, "Content-Disposition", "inline; filename=\"a.txt\"");
	cr_assert_eq(trial_header(&trial, "Last-Modified").size, 29);
	put_raw(&trial, id, NULL, SPAN(""));
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 200, "");
	cr_assert_eq(trial.response.kind, RESPONSE_CONTENT);
	trial_expect_header(&trial, "Content-Disposition", "attachment");
	trial_close(&trial);
}

Test(handle_raw, sends_only_legal_media_types)
{
	static const struct {
		const char *stored;
		bool is_legal, is_inline;
	} cases[] = {
		{ "text/plain", true, true },
		{ "TEXT/plain; charset=utf-8", true, true },
		{ "text/html", true, false },
		{ "image/svg+xml", true, false },
		{ "image/png;", true, true },
		{ "a/b ; c=\"d\\\";\" ;e=f", true, false },
		{ "text", false, false },
		{ "text/", false, false },
		{ "/plain", false, false },
		{ "text/plain x", false, false },
		{ "text/plain; a", false, false },
		{ "text/plain; a=\"b", false, false },
		{ "text/plain; a=\"\xc3\xa9\"", false, false },
		{ "text/plain\tx", false, false },
		{ "text/plain; a=*", true, true },
		{ "t\xc3\xa9xt/plain", false, false },
	};
	struct trial trial;
	char id[ID_TEXT + 1];
	size_t i;

	trial_open(&trial);
	trial_create(&trial, "x", id);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		put_raw(&trial, id, cases[i].stored, SPAN("x"));
		trial_get(&trial, trial_path(&trial, id, "/raw"));
		trial_expect_header(&trial, "Content-Type",
		    cases[i].is_legal ? cases[i].stored
				      : "application/octet-stream");
		trial_expect_header(&trial, "Content-Disposition",
		    cases[i].is_inline ? "inline" : "attachment");
	}
	trial_close(&trial);
}

Test(handle_raw, honours_conditions_in_their_order)
{
	static const struct {
		const char *none_match, *since;
		int status;
	} cases[] = {
		{ HELLO_HEX, NULL, 304 },
		{ "\"x\", W/" HELLO_HEX, NULL, 304 },
		{ "*", NULL, 304 },
		{ "\"x\"", NULL, 200 },
		{ "\"x\"", "Fri, 01 Jan 2100 00:00:00 GMT", 200 },
		{ NULL, "Fri, 01 Jan 2100 00:00:00 GMT", 200 },
		{ NULL, "Thu, 01 Jan 1970 00:00:00 GMT", 200 },
		{ NULL, "yesterday", 200 },
		{ HELLO_HEX, "Thu, 01 Jan 1970 00:00:00 GMT", 304 },
	};
	struct trial trial;
	char id[ID_TEXT + 1];
	size_t i;

	trial_open(&trial);
	trial_create(&trial, "hello", id);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		trial.headers.if_none_match = span_str(cases[i].none_match);
		trial.headers.if_modified_since = span_str(cases[i].since);
		trial.headers.range = SPAN("bytes=9-");
		trial_get(&trial, trial_path(&trial, id, "/raw"));
		trial_expect_status(&trial, cases[i].status == 200 ? 416 : 304);
		if (cases[i].status != 304)
			continue;
		trial_expect(&trial, 304, "");
		trial_expect_header(&trial, "ETag", HELLO_HEX);
		cr_assert_not_null(trial_header(&trial, "Last-Modified").data);
	}
	trial_close(&trial);
}

Test(handle_raw, gives_a_part)
{
	struct trial trial;
	char id[ID_TEXT + 1];
	struct span date;

	trial_open(&trial);
	trial_create(&trial, "hello", id);
	trial.headers.range = SPAN("bytes=1-3");
	trial.headers.if_range = SPAN(HELLO_HEX);
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 206, "ell");
	trial_expect_header(&trial, "Content-Range", "bytes 1-3/5");
	trial_expect_header(&trial, "Repr-Digest", HELLO);
	date = arena_copy(trial.made, trial_header(&trial, "Last-Modified"));
	trial.headers.range = SPAN("bytes=-2");
	trial.headers.if_range = date;
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 206, "lo");
	trial.headers.range = SPAN("bytes=1-3");
	trial_send(&trial, "HEAD", trial_path(&trial, id, "/raw"), SPAN(""));
	trial_expect(&trial, 200, "hello");
	trial.headers.range = SPAN("bytes=5-");
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect_status(&trial, 416);
	trial_expect_header(&trial, "Content-Range", "bytes */5");
	trial_expect_header(&trial, "Content-Type", "application/json");
	trial_close(&trial);
}

Test(handle_raw, gives_all_when_the_part_is_of_other_bytes)
{
	static const char *const cases[] = { "\"x\"", "W/" HELLO_HEX, "*", "",
		HELLO_HEX "x", "Thu, 01 Jan 1970 00:00:00 GMT" };
	struct trial trial;
	char id[ID_TEXT + 1];
	size_t i;

	trial_open(&trial);
	trial_create(&trial, "hello", id);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		trial.headers.range = SPAN("bytes=1-3");
		trial.headers.if_range = span_str(cases[i]);
		trial_get(&trial, trial_path(&trial, id, "/raw"));
		trial_expect(&trial, 200, "hello");
	}
	trial_close(&trial);
}

Test(handle_raw, takes_no_date_for_a_part_of_content_that_was_replaced)
{
	struct trial trial;
	char id[ID_TEXT + 1];

	trial_open(&trial);
	trial_create(&trial, "hello", id);
	trial_send(
	    &trial, "PUT", trial_path(&trial, id, "/raw"), SPAN("HELLO"));
	trial_expect_status(&trial, 200);
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial.headers.if_range =
	    arena_copy(trial.made, trial_header(&trial, "Last-Modified"));
	trial.headers.range = SPAN("bytes=1-3");
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 200, "HELLO");
	trial_close(&trial);
}

/* ---- uploads ---- */

Test(handle_raw, takes_no_part_of_content_for_the_whole)
{
	struct trial trial;
	char id[ID_TEXT + 1];

	trial_open(&trial);
	trial_create(&trial, "hello", id);
	trial.headers.content_range = SPAN("bytes 3-4/5");
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), SPAN("lo"));
	trial_expect_status(&trial, 400);
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 200, "hello");
	trial_close(&trial);
}

/* Headers that a library sends by itself say nothing of the content. */
Test(handle_raw, takes_types_that_say_nothing_for_none)
{
	static const char *const types[] = { "*/*", "image/*; q=1",
		"application/x-www-form-urlencoded",
		"Application/X-WWW-Form-Urlencoded; charset=UTF-8" };
	struct trial trial;
	char id[ID_TEXT + 1];
	size_t i;

	trial_open(&trial);
	trial_create(&trial, "x", id);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		put_raw(&trial, id, "text/plain", SPAN("x"));
		put_raw(&trial, id, types[i], SPAN("x"));
		trial_get(&trial, trial_path(&trial, id, "/content"));
		cr_assert(span_is(trial_member(&trial, "content_type"),
			      "application/octet-stream"),
		    "%s", types[i]);
	}
	trial_form(&trial, trial_path(&trial, id, "/upload"),
	    UPLOAD("; filename=a\nContent-Type: */*", "x") "#--\n");
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect_header(&trial, "Content-Type", "application/octet-stream");
	/* Who names it means it; it is no type that can be sent. */
	trial_json(&trial, "POST", "/artifacts",
	    "{\"workflow_id\":\"w\",\"artifact_type\":\"t\",\"title\":\"t\","
	    "\"content\":\"c\",\"content_type\":\"text/*\"}");
	trial_expect_status(&trial, 201);
	memcpy(id, trial_member(&trial, "id").data, ID_TEXT);
	trial_get(&trial, trial_path(&trial, id, "/content"));
	cr_assert(span_is(trial_member(&trial, "content_type"), "text/*"));
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect_header(&trial, "Content-Type", "application/octet-stream");
	trial_close(&trial);
}

Test(handle_raw, takes_no_form_for_the_content)
{
	struct trial trial;
	char id[ID_TEXT + 1];

	trial_open(&trial);
	trial_create(&trial, "old", id);
	trial.headers.content_type = SPAN("Multipart/Form-Data; boundary=XBX");
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"),
	    SPAN("--XBX\r\nContent-Disposition: form-data; name=file; "
		 "filename=a\r\n\r\nx\r\n--XBX--\r\n"));
	trial_expect_status(&trial, 400);
	cr_assert(trial_body_has(&trial, "POST /artifacts/{id}/upload"));
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 200, "old");
	put_raw(&trial, id, "multipart/mixed; boundary=XBX", SPAN("x"));
	trial_close(&trial);
}

Test(handle_raw, takes_no_body_that_is_not_announced_for_an_empty_one)
{
	struct trial trial;
	char id[ID_TEXT + 1];

	trial_open(&trial);
	trial_create(&trial, "old", id);
	trial.has_no_length = true;
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), SPAN(""));
	trial_expect_status(&trial, 411);
	cr_assert(trial_body_has(&trial, "Content-Length: 0"));
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 200, "old");
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), SPAN(""));
	trial_expect_status(&trial, 200);
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 200, "");
	trial_close(&trial);
}

/* ---- content codings ---- */

static void
expect_coded(struct trial *trial)
{
	trial_expect_status(trial, 415);
	cr_assert(trial_body_has(trial, "{\"detail\":\"Content-Encoding: "));
	cr_assert(trial_body_has(trial, "Nothing was stored"));
	trial_expect_header(trial, "Accept-Encoding", "identity");
}

Test(handle, takes_no_coded_bytes_for_the_content)
{
	static const char *const codings[] = { "gzip", "identity, br",
		"aws-chunked" };
	struct trial trial;
	char id[ID_TEXT + 1];
	const char *raw, *upload, *detail;
	size_t i;

	trial_open(&trial);
	trial_create(&trial, "old", id);
	raw = trial_path(&trial, id, "/raw");
	upload = trial_path(&trial, id, "/upload");
	detail = trial_path(&trial, id, "");
	for (i = 0; i < 3; i++) {
		trial.headers.content_encoding = span_str(codings[i]);
		trial_send(&trial, "PUT", raw, SPAN("x"));
		expect_coded(&trial);
		cr_assert(trial_body_has(&trial, codings[i]));
		trial.headers.content_encoding = span_str(codings[i]);
		trial_json(&trial, "PUT", detail, "{\"title\":\"x\"}");
		expect_coded(&trial);
		/* Before the faults of the body, and whether it is one. */
		trial.headers.content_encoding = span_str(codings[i]);
		trial_json(&trial, "POST", "/artifacts", "\x1f\x8b");
		expect_coded(&trial);
		trial.headers.content_encoding = span_str(codings[i]);
		trial_form(&trial, upload, "");
		expect_coded(&trial);
		trial.headers.content_encoding = span_str(codings[i]);
		trial_send(&trial, "PUT", "/artifacts/nope/raw", SPAN("x"));
		expect_coded(&trial);
		/* After the path and the method. */
		trial.headers.content_encoding = span_str(codings[i]);
		trial_send(&trial, "POST", "/nope", SPAN("x"));
		trial_expect_status(&trial, 404);
		trial.headers.content_encoding = span_str(codings[i]);
		trial_send(&trial, "PATCH", raw, SPAN("x"));
		trial_expect_status(&trial, 405);
		/* Where no body counts its coding does not, either. */
		trial.headers.content_encoding = span_str(codings[i]);
		trial_get(&trial, raw);
		trial_expect(&trial, 200, "old");
	}
	trial.headers.content_encoding = SPAN("Identity");
	trial_send(&trial, "PUT", raw, SPAN("new"));
	trial_expect_status(&trial, 200);
	/* What is repeated of it is bounded. */
	trial.headers.content_encoding = arena_printf(trial.made, "%0999d", 1);
	trial_send(&trial, "PUT", raw, SPAN("x"));
	expect_coded(&trial);
	cr_assert_lt(trial_body(&trial).size, 300);
	cr_assert_eq(trial_count(&trial), 1);
	trial_close(&trial);
}

Test(handle, takes_no_coded_part_for_the_content)
{
	static const char *const heads[] = {
		"; filename=a\nContent-Encoding: gzip",
		"; filename=a\ncontent-encoding: identity,aws-chunked",
	};
	struct trial trial;
	char id[ID_TEXT + 1];
	size_t i;

	trial_open(&trial);
	trial_create(&trial, "old", id);
	for (i = 0; i < 2; i++) {
		const char *body = arena_printf(trial.made,
		    "#\nContent-Disposition: form-data; name=\"file\"%s\n\nx\n"
		    "#--\n",
		    heads[i])
				       .data;

		trial_form(&trial, trial_path(&trial, id, "/upload"), body);
		expect_coded(&trial);
		trial_form(&trial, "/artifacts", body);
		expect_coded(&trial);
	}
	/* A field, too, and whatever stands before and behind. */
	trial_form(&trial, "/artifacts",
	    UPLOAD("; filename=a",
		"x") "#\nContent-Disposition: form-data; "
		     "name=title\nContent-Encoding: gzip\n\nx\n#--\n");
	expect_coded(&trial);
	trial_form(&trial, trial_path(&trial, id, "/upload"),
	    UPLOAD("; filename=a\nContent-Encoding: identity", "x") "#--\n");
	trial_expect_status(&trial, 200);
	cr_assert_eq(trial_count(&trial), 1);
	trial_close(&trial);
}

/* ---- forms ---- */

Test(handle_upload, says_what_is_wrong_with_the_form)
{
	static const struct {
		const char *body;
		int status;
		const char *answer;
	} cases[] = {
		{ "", 422, MISSING },
		{ UPLOAD("", "") "#--\n", 422, MISSING },
		{ UPLOAD("; filename=a", "x") UPLOAD("", "") "#--\n", 422,
		    MISSING },
		{ UPLOAD("", "x") "#--\n", 422,
		    FAULT("value_error", "\"body\",\"file\"",
			"Value error, Expected UploadFile, received: <class "
			"'str'>") },
		{ "#\nContent-Disposition: form-data; name=FILE; "
		  "filename=x\n\nD\n#--\n",
		    422, MISSING },
		{ "garbage", 400,
		    "{\"detail\":\"There was an error parsing the body\"}" },
		{ "#\nContent-Type: text/plain\n\nD\n#--\n", 400,
		    "{\"detail\":\"The Content-Disposition header field "
		    "\\\"name\\\" must be provided.\"}" },
	};
	struct trial trial;
	char id[ID_TEXT + 1];
	size_t i;

	trial_open(&trial);
	trial_create(&trial, "old", id);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		trial_form(
		    &trial, trial_path(&trial, id, "/upload"), cases[i].body);
		trial_expect(&trial, cases[i].status, cases[i].answer);
		trial_form(&trial, "/artifacts/nope/upload", cases[i].body);
		trial_expect(&trial, cases[i].status, cases[i].answer);
	}
	trial.headers.content_type = SPAN("application/octet-stream");
	trial_send(&trial, "POST", "/artifacts/nope/upload", SPAN("DATA"));
	trial_expect(&trial, 422, MISSING);
	trial.headers.content_type = SPAN("multipart/form-data");
	trial_send(&trial, "POST", "/artifacts/nope/upload", SPAN(""));
	trial_expect(
	    &trial, 400, "{\"detail\":\"Missing boundary in multipart.\"}");
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 200, "old");
	trial_close(&trial);
}

Test(handle_upload, replaces_content_type_and_filename_together)
{
	struct trial trial;
	char id[ID_TEXT + 1];

	trial_open(&trial);
	trial_create(&trial, "old", id);
	trial_form(&trial, trial_path(&trial, id, "/upload"),
	    UPLOAD("; filename=a.txt\nContent-Type: text/plain", "DATA")
		UPLOAD("; filename=\"../b\"", "SECOND") "#--\n");
	trial_expect(&trial, 200,
	    arena_printf(trial.made,
		"{\"artifact_id\":\"%s\",\"storage_url\":\"/artifacts/%s/raw\","
		"\"status\":\"uploaded\"}",
		id, id)
		.data);
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 200, "SECOND");
	trial_expect_header(&trial, "Content-Type", "application/octet-stream");
	trial_expect_header(
	    &trial, "Content-Disposition", "attachment; filename=\"../b\"");
	trial.config.public_url = "https://h";
	trial.headers.content_type = SPAN("x\xff/y");
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), SPAN("new"));
	trial_expect_status(&trial, 200);
	cr_assert(span_starts_with(
	    trial_member(&trial, "storage_url"), "https://h/artifacts/"));
	trial_get(&trial, trial_path(&trial, id, "/content"));
	cr_assert(
	    span_is(trial_member(&trial, "content_type"), "x\xef\xbf\xbd/y"));
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 200, "new");
	trial_expect_header(&trial, "Content-Disposition", "attachment");
	trial_close(&trial);
}

Test(handle_upload, judges_size_then_id_then_digest)
{
	struct trial trial;
	char id[ID_TEXT + 1];
	const char *wrong =
	    UPLOAD("; filename=a\nRepr-Digest: " HELLO, "hallo") "#--\n";

	trial_open(&trial);
	trial.config.max_content = 3145728;
	trial_create(&trial, "old", id);
	trial_form(&trial, "/artifacts/nope/upload",
	    arena_printf(
		trial.made, UPLOAD("; filename=a", "%03145729d") "#--\n", 1)
		.data);
	trial_expect(&trial, 413,
	    "{\"detail\":\"Upload exceeds maximum size of 3 MB\"}");
	cr_assert_eq(trial.staged, 0);
	trial_form(&trial, "/artifacts/nope/upload", wrong);
	trial_expect_status(&trial, 404);
	trial_form(&trial, trial_path(&trial, id, "/upload"), wrong);
	trial_expect_status(&trial, 400);
	trial.headers.content_digest = SPAN(HELLO);
	trial_form(&trial, trial_path(&trial, id, "/upload"),
	    UPLOAD("; filename=a", "hello") "#--\n");
	trial_expect_status(&trial, 400);
	trial.headers.repr_digest = SPAN(HELLO);
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), SPAN("x"));
	trial_expect_status(&trial, 400);
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 200, "old");
	trial.headers.content_digest = SPAN(HELLO);
	trial.headers.repr_digest = SPAN(HELLO);
	trial_send(
	    &trial, "PUT", trial_path(&trial, id, "/raw"), SPAN("hello"));
	trial_expect_status(&trial, 200);
	trial_close(&trial);
}

Test(handle_upload, takes_exactly_as_much_as_is_allowed)
{
	struct trial trial;
	char id[ID_TEXT + 1];
	struct span content;

	trial_open(&trial);
	trial.config.max_content = 200000;
	trial_create(&trial, "old", id);
	content = arena_printf(trial.made, "%0200000d", 1);
	trial_form(&trial, trial_path(&trial, id, "/upload"),
	    arena_printf(
		trial.made, UPLOAD("; filename=a", "%s") "#--\n", content.data)
		.data);
	trial_expect_status(&trial, 200);
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), content);
	trial_expect_status(&trial, 200);
	cr_assert_eq(trial.dropped, 0);
	trial.announced = 200001;
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), content);
	trial_expect_status(&trial, 413);
	trial.announced = 199999;
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), content);
	trial_expect_status(&trial, 400);
	cr_assert_eq(trial.dropped, 1);
	cr_assert_eq(trial_count(&trial), 1);
	trial_close(&trial);
}

Test(handle_upload, bounds_the_media_type)
{
	struct trial trial;
	char id[ID_TEXT + 1];

	trial_open(&trial);
	trial_create(&trial, "old", id);
	trial.headers.content_type = arena_printf(trial.made, "%0256d", 1);
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), SPAN("x"));
	trial_expect(&trial, 422,
	    FAULT("string_too_long", "\"header\",\"Content-Type\"",
		"String should have at most 255 bytes"));
	trial_form(&trial, trial_path(&trial, id, "/upload"),
	    arena_printf(trial.made,
		UPLOAD("; filename=a\nContent-Type: %0256d", "x") "#--\n", 1)
		.data);
	trial_expect(&trial, 422,
	    FAULT("string_too_long", "\"body\",\"file\"",
		"String should have at most 255 bytes"));
	trial_close(&trial);
}

Test(handle_upload, leaves_the_old_content_when_the_store_fails)
{
	struct trial trial;
	char id[ID_TEXT + 1];
	struct span content;

	trial_open(&trial);
	trial_create(&trial, "old", id);
	content = arena_printf(trial.made, "%0200000d", 1);
	trial.stage = (struct failure){ RESULT_QUOTA, 1 };
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), content);
	trial_expect_status(&trial, 507);
	cr_assert(trial_body_has(&trial, "600 of the 1000 bytes"));
	cr_assert(trial_body_has(&trial, "`max_bytes`"));
	trial.apply = (struct failure){ RESULT_UNAVAILABLE, 1 };
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), content);
	trial_expect_status(&trial, 503);
	cr_assert_eq(trial.dropped, 2);
	trial.get = (struct failure){ RESULT_IO, 1 };
	trial_send(&trial, "PUT", trial_path(&trial, id, "/raw"), content);
	trial_expect_status(&trial, 500);
	trial_get(&trial, trial_path(&trial, id, "/raw"));
	trial_expect(&trial, 200, "old");
	cr_assert_eq(trial_count(&trial), 1);
	trial_close(&trial);
}
