/* SPDX-License-Identifier: ISC */
#include "tool/transfer/export.h"
#include "tool/transfer/record.h"

#include <criterion/criterion.h>

static struct arena *arena;

static void
open_arena(void)
{
	arena = arena_open();
}

static void
close_arena(void)
{
	arena_close(arena);
}

TestSuite(ctl_record, .init = open_arena, .fini = close_arena);

#define ID "3f9c1a2b-0000-4000-8000-00000000000a"
#define HASH "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define LEAST \
	"\"id\":\"" ID "\",\"workflow_id\":\"w\",\"artifact_type\":\"Plan\"," \
	"\"title\":\"t\""

static struct artifact
full_artifact(void)
{
	static struct span derived[] = { { "3F9C1A2B-0000-4000-8000-"
					   "00000000000B",
	    ID_TEXT } };
	struct artifact artifact = {
		.created = UINT64_C(1774958400123456),
		.workflow = SPAN("w\0\"\\\n"),
		.phase = SPAN(""),
		.session = SPAN_NONE,
		.type = SPAN("plan"),
		.title = SPAN("\xf0\x9f\x98\x80"),
		.creator = SPAN("somebody"),
		.metadata = SPAN("{\"n\":1.50,\"e\":\"\\u0000\"}"),
		.derived_from = derived,
		.derived_count = 1,
		.content = { .size = 5,
		    .stored = UINT64_C(1774958400123457),
		    .type = SPAN("text/plain; x=\""),
		    .filename = SPAN("a/b.txt") },
	};

	cr_assert(id_parse(SPAN(ID), &artifact.id));
	memset(artifact.content.hash, 0xa5, sizeof(artifact.content.hash));
	return artifact;
}

static struct span
stored_form(const struct artifact *artifact)
{
	struct buffer buffer;

	buffer_init(&buffer, arena);
	artifact_encode(artifact, &buffer);
	return buffer_span(&buffer);
}

Test(ctl_record, a_line_brings_back_every_member)
{
	struct artifact artifact = full_artifact();
	struct span line = ctl_record_line(&artifact, arena);
	struct ctl_record record;
	const char *fault = "";

	cr_assert_eq(span_find(line, '\n'), line.size - 1, "one line");
	cr_assert(ctl_record_read(arena, line, &record, &fault), "%s", fault);
	cr_assert(
	    span_equal(stored_form(&artifact), stored_form(&record.artifact)));
	cr_assert_eq(record.artifact.created, artifact.created);
	cr_assert(record.has_created && record.has_hash && record.has_size);
}

Test(ctl_record, what_a_server_leaves_out_has_a_default)
{
	static const char *const texts[] = {
		"{" LEAST "}",
		"{" LEAST ",\"phase_id\":null,\"session_id\":null,"
		"\"content_type\":null,\"content_hash\":null,"
		"\"size_bytes\":null,\"created_at\":null,\"created_by\":null,"
		"\"is_primary_deliverable\":null,\"metadata\":null,"
		"\"derived_from\":null,\"content\":\"hello\",\"more\":[1]}",
		"{" LEAST ",\"metadata\":{},\"derived_from\":[]}",
	};
	struct ctl_record record;
	const char *fault = "";
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_assert(
		    ctl_record_read(arena, span_str(texts[i]), &record, &fault),
		    "%s: %s", texts[i], fault);
		cr_assert_not(
		    record.has_created || record.has_hash || record.has_size);
		cr_assert(span_is(record.artifact.type, "plan"));
		cr_assert(
		    span_is(record.artifact.content.type, "text/markdown"));
		cr_assert(record.artifact.is_primary);
		cr_assert_null(record.artifact.metadata.data);
		cr_assert_null(record.artifact.phase.data);
		cr_assert_eq(record.artifact.derived_count, 0);
	}
}

Test(ctl_record, content_came_with_its_artifact_unless_it_says_more)
{
	struct ctl_record record;
	const char *fault = "";

	cr_assert(ctl_record_read(arena,
	    SPAN("{" LEAST ",\"created_at\":\"2026-03-31T12:00:00+00:00\","
		 "\"content_hash\":\"" HASH "\",\"size_bytes\":5}"),
	    &record, &fault));
	cr_assert_eq(record.artifact.created, UINT64_C(1774958400000000));
	cr_assert_eq(record.artifact.content.stored, record.artifact.created);
	cr_assert_eq(record.artifact.content.size, 5);
	cr_assert_eq(record.artifact.content.hash[0], 0x2c);
	cr_assert_eq(record.artifact.content.hash[31], 0x24);
}

Test(ctl_record, says_what_is_wrong_with_which_member)
{
	static const struct {
		const char *text;
		const char *fault;
	} cases[] = {
		{ "", "Field required" },
		{ "{", "is no JSON" },
		{ "[]", "Input should be a valid dictionary or object to "
			"extract fields from" },
		{ "{\"workflow_id\":\"w\",\"artifact_type\":\"p\","
		  "\"title\":\"t\"}",
		    "id: Field required" },
		{ "{\"id\":\"x\",\"workflow_id\":\"w\",\"artifact_type\":"
		  "\"p\",\"title\":\"t\"}",
		    "id: has to be a UUID; no other id fits in a store of "
		    "artifactd" },
		{ "{\"id\":\"" ID "\",\"workflow_id\":\"w\","
		  "\"artifact_type\":\"\",\"title\":\"t\"}",
		    "artifact_type: is empty" },
		{ "{" LEAST ",\"metadata\":[]}",
		    "metadata: Input should be a valid dictionary" },
		{ "{" LEAST ",\"created_at\":\"2026\"}",
		    "created_at: is no time from 1970 to 9999" },
		{ "{" LEAST ",\"created_at\":5}",
		    "created_at: Input should be a valid string" },
		{ "{" LEAST ",\"content_hash\":\"a\"}",
		    "content_hash: is no SHA-256 in hex" },
		{ "{" LEAST ",\"size_bytes\":-5}",
		    "size_bytes: is no whole number" },
		{ "{" LEAST ",\"derived_from\":[\"x\"]}",
		    "derived_from: Input should be a valid UUID" },
	};
	struct ctl_record record;
	const char *fault;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fault = "nothing";
		cr_assert_not(ctl_record_read(
		    arena, span_str(cases[i].text), &record, &fault));
		cr_assert_str_eq(fault, cases[i].fault);
	}
}

Test(ctl_record, members_of_an_export_have_names_that_sort)
{
	struct artifact artifact = full_artifact();
	char name[EXPORT_NAME];

	export_records_name(7, name);
	cr_assert_str_eq(name, "records/000007.jsonl");
	export_records_name(4000000000, name);
	cr_assert_str_eq(name, "records/4000000000.jsonl");
	export_content_name(&artifact.id, name);
	cr_assert_str_eq(name, "content/" ID);
}
