/* SPDX-License-Identifier: ISC */
/*
 * create.c - create: an artifact whose content is text, with the options
 * of the original API's client. What is no text is for put.
 */

#include "create.h"

#include "remote.h"
#include "protocol/utf8.h"

#include <errno.h>

int
ctl_create_check(const struct ctl *ctl, const char *const *names)
{
	for (; *names != NULL; names++)
		if (!ctl_has(ctl, *names))
			return ctl_usage(
			    ctl, "%s needs --%s", ctl->command->name, *names);
	return CTL_OK;
}

void
ctl_create_begin(struct ctl_http_request *request, struct arena *arena)
{
	request->method = "POST";
	request->path = SPAN("/artifacts");
	request->is_repeatable = true;
	request->headers[0] = ctl_http_idempotency_key(arena);
}

int
ctl_create_end(struct ctl_http *http, struct arena *arena,
    const struct ctl_http_answer *answer, struct span *ret_id)
{
	struct json_document document;
	struct faults faults;
	struct span id;

	faults_init(&faults, arena);
	if (json_read(arena, answer->body, &faults, &document) != JSON_VALID ||
	    faults.count > 0)
		return ctl_remote_strange(http);
	id = json_text_of(arena, json_get_source(&document, "id"));
	if (id.data == NULL)
		return ctl_remote_strange(http);
	if (span_is(json_text_of(arena, json_get_source(&document, "status")),
		"deleted")) {
		id = ctl_visible(arena, id);
		return ctl_error(CTL_NOT_FOUND,
		    "the artifact was stored as %.*s, and somebody deleted it "
		    "before the server's answer came; create it again if it "
		    "is to be there",
		    (int)id.size, id.data);
	}
	*ret_id = id;
	return CTL_OK;
}

/* ---- the command ---- */

/* The whole of a file, or of stdin, into the arena. */
static int
read_file(const struct ctl *ctl, const char *name, struct span *ret_text)
{
	bool is_stdin = strcmp(name, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(name, "re");
	struct buffer text;
	char piece[65536];
	size_t count;
	bool is_good;

	if (file == NULL)
		return ctl_fail("cannot open %.200s: %m", name);
	buffer_init(&text, ctl->arena);
	while (text.size <= INT32_MAX &&
	       (count = fread(piece, 1, sizeof(piece), file)) > 0)
		buffer_append(&text, span_of(piece, count));
	is_good = ferror(file) == 0;
	if (!is_good)
		(void)ctl_fail("cannot read %.200s: %m", name);
	if (!is_stdin)
		(void)fclose(file);
	*ret_text = text.size == 0 ? SPAN("") : buffer_span(&text);
	return is_good ? CTL_OK : CTL_FAILED;
}

/* From -c, or from the operand. */
static int
read_content(const struct ctl *ctl, struct span *ret_content)
{
	const char *text = ctl_value(ctl, "content");
	int exit_code = CTL_OK;

	if ((text != NULL) == (ctl->operand_count > 0))
		return ctl_usage(ctl,
		    "create needs its content, from -c TEXT or from a FILE");
	if (text != NULL)
		*ret_content = span_str(text);
	else
		exit_code = read_file(ctl, ctl->operands[0], ret_content);
	if (exit_code == CTL_OK && !utf8_is_valid(*ret_content))
		return ctl_fail("%.200s is not text in UTF-8; artifactctl put "
				"takes any file",
		    text != NULL ? "what -c says" : ctl->operands[0]);
	return exit_code;
}

/* The members that were given. */
static struct span
create_body(const struct ctl *ctl, struct span content)
{
	static const char *const members[][2] = {
		{ "workflow", "workflow_id" },
		{ "type", "artifact_type" },
		{ "phase", "phase_id" },
		{ "session", "session_id" },
		{ "title", "title" },
		{ "content-type", "content_type" },
	};
	struct json_value *object = json_object(ctl->arena);
	size_t i;

	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (ctl_has(ctl, members[i][0]))
			json_put_text(object, members[i][1],
			    span_str(ctl_value(ctl, members[i][0])));
	json_put_text(object, "content", content);
	return json_text(ctl->arena, object);
}

static void
print_id(const struct ctl *ctl, struct span id)
{
	struct ctl_row *row = ctl_row(ctl->arena);

	if (!ctl->is_json) {
		id = ctl_visible(ctl->arena, id);
		printf("%.*s\n", (int)id.size, id.data);
		return;
	}
	ctl_row_text(row, "id", id);
	ctl_row_text(row, "status", SPAN("created"));
	ctl_print_facts(ctl, row);
}

static int
run_create(struct ctl *ctl)
{
	static const char *const needed[] = { "workflow", "type", "title",
		NULL };
	struct ctl_http_request request = { 0 };
	struct ctl_http_answer answer;
	struct span content = SPAN_NONE;
	struct ctl_http *http;
	struct span id;
	int exit_code;

	exit_code = ctl_create_check(ctl, needed);
	if (exit_code == CTL_OK)
		exit_code = read_content(ctl, &content);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_open(ctl, NULL, &http);
	if (exit_code != CTL_OK)
		return exit_code;
	request.json = create_body(ctl, content);
	exit_code = ctl_http_check_content(http, "the text", content.size);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_check_json(http, request.json.size);
	if (exit_code != CTL_OK)
		return exit_code;
	ctl_create_begin(&request, ctl->arena);
	exit_code = ctl_http_send(http, &request, ctl->arena, &answer);
	if (exit_code == CTL_OK)
		exit_code = ctl_create_end(http, ctl->arena, &answer, &id);
	if (exit_code == CTL_OK)
		print_id(ctl, id);
	return exit_code;
}

static const struct ctl_option options[] = {
	CTL_CREATE,
	{ "title", 0, "TITLE", "what it is called" },
	{ "content", 'c', "TEXT", "its content" },
	{ "content-type", 0, "TYPE", "its media type (text/markdown)" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_create = {
	.name = "create",
	.summary = "Create an artifact from text, and print its id",
	.operands = "[FILE]",
	.most = 1,
	.where = CTL_REMOTE,
	.options = options,
	.details = "FILE is - for standard input. What is no text, or large, "
		   "is for artifactctl put.\n",
	.run = run_create,
};
