/* SPDX-License-Identifier: ISC */
/*
 * show.c - show and content: one artifact, for people to read. On
 * a terminal no byte of a content steers it.
 */

#include "raw.h"
#include "remote.h"

#define SHOWN_MOST 1048576 /* bytes of content among facts */

/* ---- what can be read ---- */

static bool
ends_with(struct span text, const char *end)
{
	size_t size = strlen(end);

	return text.size >= size &&
	       span_is_nocase(span_from(text, text.size - size), end);
}

/* A media type whose content is text. */
static bool
is_text(struct span type)
{
	static const char *const types[] = { "application/json",
		"application/xml", "application/yaml", "application/toml",
		"application/javascript", "application/x-ndjson",
		"application/sql", "application/x-sh" };
	size_t i;

	type = span_trim(span_split(&type, ';'));
	if (type.size > 5 && span_is_nocase(span_of(type.data, 5), "text/"))
		return true;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (span_is_nocase(type, types[i]))
			return true;
	return ends_with(type, "+json") || ends_with(type, "+xml");
}

/* Line by line, tabs kept; ends with a line's end. */
static void
print_visible(struct span text)
{
	struct arena *arena = arena_open();
	struct span line, word;
	bool is_first;

	while (text.size > 0) {
		line = span_split(&text, '\n');
		for (is_first = true; line.data != NULL; is_first = false) {
			word = ctl_visible(arena, span_split(&line, '\t'));
			printf("%s%.*s", is_first ? "" : "\t", (int)word.size,
			    word.data);
		}
		putchar('\n');
		arena_reset(arena);
	}
	arena_close(arena);
}

/* ---- show ---- */

static void
put_facts(struct ctl_row *row, const struct ctl_artifact *artifact)
{
	ctl_row_text(row, "id", artifact->id);
	ctl_row_text(row, "title", artifact->title);
	ctl_row_text(row, "workflow_id", artifact->workflow);
	ctl_row_text(row, "phase_id", artifact->phase);
	ctl_row_text(row, "session_id", artifact->session);
	ctl_row_text(row, "artifact_type", artifact->type);
	ctl_row_bool(row, "is_primary_deliverable", artifact->is_primary);
	ctl_row_text(row, "content_type", artifact->content_type);
	ctl_row_size(row, "size_bytes", artifact->size);
	ctl_row_text(row, "content_hash", artifact->hash);
	ctl_row_text(row, "created_at", artifact->created);
	ctl_row_text(row, "created_by", artifact->creator);
	ctl_row_source(row, "derived_from", artifact->derived_from);
	ctl_row_source(row, "metadata", artifact->metadata);
	ctl_row_text(row, "etag", artifact->etag);
}

static void
print_content(
    const struct ctl *ctl, const struct ctl_artifact *artifact, bool is_shown)
{
	struct span id = ctl_visible(ctl->arena, artifact->id);

	putchar('\n');
	if (!is_shown)
		printf("(artifactctl get %.*s takes the content)\n",
		    (int)id.size, id.data);
	else if (ctl->is_terminal)
		print_visible(artifact->content);
	else
		fwrite(
		    artifact->content.data, 1, artifact->content.size, stdout);
}

/* As a member, which JSON has as text only: null where it would not be what
 * is stored, which is said. */
static void
put_content(
    const struct ctl *ctl, struct ctl_row *row, struct ctl_artifact *artifact)
{
	struct span type = ctl_visible(ctl->arena, artifact->content_type);
	struct span size = ctl_size_text(ctl->arena, artifact->size);

	if (!ctl_artifact_is_exact(artifact)) {
		artifact->content = SPAN_NONE;
		(void)ctl_error(CTL_OK,
		    "the content is no text in UTF-8 (%.*s, %.*s), so that "
		    "\"content\" is null; artifactctl get takes the bytes",
		    (int)type.size, type.data, (int)size.size, size.data);
	}
	ctl_row_text(row, "content", artifact->content);
}

/* Facts first; the content is asked for only if it is for people. */
static int
show_facts(struct ctl *ctl, struct ctl_http *http)
{
	struct ctl_row *row = ctl_row(ctl->arena);
	struct ctl_artifact artifact;
	bool is_shown;
	int exit_code;

	exit_code = ctl_remote_detail(
	    http, ctl->operands[0], false, ctl->arena, &artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	is_shown = !ctl_has(ctl, "no-content") && artifact.size > 0 &&
		   artifact.size <= SHOWN_MOST &&
		   is_text(artifact.content_type);
	if (is_shown)
		exit_code = ctl_remote_detail(http,
		    arena_string(ctl->arena, artifact.id), true, ctl->arena,
		    &artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	is_shown = is_shown && ctl_artifact_is_exact(&artifact);
	put_facts(row, &artifact);
	ctl_print_facts(ctl, row);
	if (!ctl_has(ctl, "no-content") && artifact.size > 0)
		print_content(ctl, &artifact, is_shown);
	return CTL_OK;
}

static int
run_show(struct ctl *ctl)
{
	bool has_content = !ctl_has(ctl, "no-content");
	struct ctl_artifact artifact;
	struct ctl_http *http;
	struct ctl_row *row;
	int exit_code;

	exit_code = ctl_remote_check_id(ctl, ctl->operands[0]);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_open(ctl, NULL, &http);
	if (exit_code != CTL_OK)
		return exit_code;
	if (!ctl->is_json)
		return show_facts(ctl, http);
	exit_code = ctl_remote_detail(
	    http, ctl->operands[0], has_content, ctl->arena, &artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	row = ctl_row(ctl->arena);
	put_facts(row, &artifact);
	if (has_content)
		put_content(ctl, row, &artifact);
	ctl_print_facts(ctl, row);
	return CTL_OK;
}

static const struct ctl_option show_options[] = {
	{ "no-content", 0, NULL, "leave its content out" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_show = {
	.name = "show",
	.summary = "Show an artifact, and its content if that is text",
	.operands = "ID",
	.least = 1,
	.most = 1,
	.where = CTL_REMOTE,
	.options = show_options,
	.run = run_show,
};

/* ---- content ---- */

/* As a member of the answer, in which no byte is out of UTF-8. */
static int
content_as_text(struct ctl *ctl, struct ctl_http *http)
{
	struct ctl_artifact artifact;
	struct ctl_row *row;
	int exit_code;

	exit_code = ctl_remote_detail(
	    http, ctl->operands[0], true, ctl->arena, &artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	if (!ctl->is_json && !ctl_artifact_is_exact(&artifact))
		return ctl_fail("this is no text in UTF-8, and so nothing for "
				"a terminal; artifactctl get puts it into a "
				"file");
	if (!ctl->is_json) {
		print_visible(artifact.content);
		return CTL_OK;
	}
	row = ctl_row(ctl->arena);
	ctl_row_text(row, "artifact_id", artifact.id);
	put_content(ctl, row, &artifact);
	ctl_row_text(row, "content_type", artifact.content_type);
	ctl_row_size(row, "size_bytes", artifact.size);
	ctl_print_facts(ctl, row);
	return CTL_OK;
}

static int
content_on_terminal(struct ctl *ctl, struct ctl_http *http)
{
	struct ctl_artifact artifact;
	struct span type;
	int exit_code;

	exit_code = ctl_remote_detail(
	    http, ctl->operands[0], false, ctl->arena, &artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	if (is_text(artifact.content_type))
		return content_as_text(ctl, http);
	type = ctl_visible(ctl->arena, artifact.content_type);
	return ctl_fail("this is %.*s, nothing for a terminal; artifactctl "
			"get puts it into a file",
	    (int)type.size, type.data);
}

static int
run_content(struct ctl *ctl)
{
	struct ctl_http *http;
	int exit_code;

	exit_code = ctl_remote_check_id(ctl, ctl->operands[0]);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_open(ctl, NULL, &http);
	if (exit_code != CTL_OK)
		return exit_code;
	if (ctl->is_json)
		return content_as_text(ctl, http);
	if (ctl->is_terminal)
		return content_on_terminal(ctl, http);
	return ctl_raw_print(ctl, http, ctl->operands[0]);
}

const struct ctl_command ctl_command_content = {
	.name = "content",
	.summary = "Print the content of an artifact",
	.operands = "ID",
	.least = 1,
	.most = 1,
	.where = CTL_REMOTE,
	.details = "To a file or pipe go the exact bytes, which are checked: "
		   "exit code 4 says\nthat they were not right. With --json, "
		   "and on a terminal, it is text.\n",
	.run = run_content,
};
