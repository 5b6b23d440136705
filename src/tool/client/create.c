/* SPDX-License-Identifier: ISC */
/*
 * create.c - create makes an artifact whose content is text (put takes any
 * file), with the options of the original API's client. update changes title,
 * metadata, and what an artifact was made from.
 */

#include "create.h"

#include "remote.h"
#include "protocol/utf8.h"

#include <errno.h>

#define CONTENT_MOST ((size_t)INT32_MAX + 1) /* more than any server takes */
#define METADATA_MOST (2 * LIMIT_METADATA)   /* with as much white space */

/* Read a file, or stdin (name NULL), into the arena. Reading ends once there
 * are this many bytes, or a few more. */
static int
read_file(
    const struct ctl *ctl, const char *name, size_t most, struct span *ret_text)
{
	FILE *file = name == NULL ? stdin : fopen(name, "re");
	struct buffer text;
	char piece[65536];
	size_t count;
	int exit_code = CTL_OK;

	if (file == NULL)
		return ctl_fail("cannot open %.200s: %m", name);
	buffer_init(&text, ctl->arena);
	while (text.size < most &&
	       (count = fread(piece, 1, sizeof(piece), file)) > 0)
		buffer_append(&text, span_of(piece, count));
	if (ferror(file))
		exit_code = ctl_fail("cannot read %.200s: %m",
		    name == NULL ? "standard input" : name);
	if (file != stdin)
		(void)fclose(file); /* it was only read */
	*ret_text = buffer_span(&text);
	return exit_code;
}

int
ctl_create_check(const struct ctl *ctl, const char *const *names)
{
	for (; *names != NULL; names++)
		if (!ctl_has(ctl, *names))
			return ctl_usage(
			    ctl, "%s needs --%s", ctl->command->name, *names);
	return CTL_OK;
}

size_t
ctl_create_members(
    const struct ctl *ctl, struct ctl_http_part ret_members[CTL_CREATE_MEMBERS])
{
	static const char *const names[CTL_CREATE_MEMBERS][2] = {
		{ "workflow", "workflow_id" },
		{ "type", "artifact_type" },
		{ "phase", "phase_id" },
		{ "session", "session_id" },
		{ "title", "title" },
	};
	size_t count = 0, i;

	for (i = 0; i < CTL_CREATE_MEMBERS; i++)
		if (ctl_has(ctl, names[i][0]))
			ret_members[count++] = (struct ctl_http_part){
				.name = names[i][1],
				.text = span_str(ctl_value(ctl, names[i][0])),
			};
	return count;
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
	struct span id = ctl_remote_text(arena, answer, "id");

	if (id.data == NULL)
		return ctl_remote_strange(http);
	*ret_id = id;
	if (!span_is(ctl_remote_text(arena, answer, "status"), "deleted"))
		return CTL_OK;
	return ctl_error(CTL_NOT_FOUND,
	    "the artifact was stored as %s, and somebody deleted it before the "
	    "server's answer came; create it again if it is to be there",
	    ctl_visible(arena, id).data);
}

/* Print what became of an artifact, as --json wants it. */
static void
print_result(const struct ctl *ctl, struct span id, const char *status)
{
	struct ctl_row *row = ctl_row(ctl->arena);

	ctl_row_text(row, "id", id);
	ctl_row_text(row, "status", span_str(status));
	ctl_print_facts(ctl, row);
}

/* ---- create ---- */

/* The content comes from -c, or from the file that the operand names. */
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
		exit_code = read_file(ctl,
		    strcmp(ctl->operands[0], "-") == 0 ? NULL
						       : ctl->operands[0],
		    CONTENT_MOST, ret_content);
	if (exit_code == CTL_OK && !utf8_is_valid(*ret_content))
		return ctl_fail("%.200s is not text in UTF-8; artifactctl put "
				"takes any file",
		    text != NULL ? "what -c says" : ctl->operands[0]);
	return exit_code;
}

/* The body of the request: the members that options name, and the content. */
static struct span
create_body(const struct ctl *ctl, struct span content)
{
	struct json_value *object = json_object(ctl->arena);
	struct ctl_http_part members[CTL_CREATE_MEMBERS];
	size_t count = ctl_create_members(ctl, members), i;

	for (i = 0; i < count; i++)
		json_put_text(object, members[i].name, members[i].text);
	if (ctl_has(ctl, "content-type"))
		json_put_text(object, "content_type",
		    span_str(ctl_value(ctl, "content-type")));
	json_put_text(object, "content", content);
	return json_text(ctl->arena, object);
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
	if (exit_code == CTL_OK && ctl->is_json)
		print_result(ctl, id, "created");
	else if (exit_code == CTL_OK)
		ctl_print_name(ctl, id);
	return exit_code;
}

static const struct ctl_option create_options[] = {
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
	.options = create_options,
	.details = "FILE is - for standard input. What is no text, or large, "
		   "is for artifactctl put.\n",
	.run = run_create,
};

/* ---- the body of an update ---- */

/* The text of --metadata, or of the file that it names. */
static int
read_metadata(const struct ctl *ctl, struct span *ret_text)
{
	const char *value = ctl_value(ctl, "metadata");
	int exit_code = CTL_OK;

	if (value[0] != '@')
		*ret_text = span_str(value);
	else
		exit_code = read_file(ctl, value + 1, METADATA_MOST, ret_text);
	if (exit_code == CTL_OK && ret_text->size >= METADATA_MOST)
		return ctl_usage(ctl,
		    "--metadata: %.200s is too large: an artifact takes %d "
		    "bytes of it",
		    value + 1, LIMIT_METADATA);
	return exit_code;
}

/* Refuse metadata that no server takes before anything is sent: otherwise put
 * would store the file, and fail only then. */
static int
put_metadata(const struct ctl *ctl, struct json_value *body)
{
	struct json_value *alone = json_object(ctl->arena);
	struct json_document document;
	struct json_shape shape;
	struct faults faults;
	struct span text;
	int exit_code;

	if (!ctl_has(ctl, "metadata"))
		return CTL_OK;
	exit_code = read_metadata(ctl, &text);
	if (exit_code != CTL_OK)
		return exit_code;
	if (json_check(ctl->arena, text, &shape) != JSON_VALID)
		return ctl_usage(ctl,
		    "--metadata is no JSON; it wants an object such as "
		    "'{\"reviewed\": true}'");
	json_put_source(alone, "metadata", shape.text);
	faults_init(&faults, ctl->arena);
	if (json_read(ctl->arena, json_text(ctl->arena, alone), &faults,
		&document) != JSON_VALID)
		return ctl_usage(ctl,
		    "--metadata is nested deeper, or has more values, than a "
		    "server takes");
	(void)json_get_object_text(
	    &document, "metadata", LIMIT_METADATA, &faults);
	if (faults.count > 0)
		return ctl_usage(ctl,
		    "--metadata: %s; it wants an object such as "
		    "'{\"reviewed\": true}'",
		    faults.list[0].message);
	json_put_source(body, "metadata", shape.text);
	return CTL_OK;
}

static int
put_primary(const struct ctl *ctl, struct json_value *body)
{
	const char *value = ctl_value(ctl, "primary");

	if (value == NULL)
		return CTL_OK;
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return ctl_usage(ctl, "--primary is yes or no");
	json_put_bool(
	    body, "is_primary_deliverable", strcmp(value, "yes") == 0);
	return CTL_OK;
}

static int
put_parents(
    const struct ctl *ctl, struct ctl_http *http, struct json_value *body)
{
	struct json_value *ids = json_array(ctl->arena);
	struct ctl_artifact parent;
	const char *value;
	size_t index = 0, count = 0;
	int exit_code;

	if (!ctl_has(ctl, "derived-from"))
		return CTL_OK;
	while ((value = ctl_next_value(ctl, "derived-from", &index)) != NULL) {
		if (strcmp(value, "none") == 0)
			continue;
		exit_code = ctl_remote_check_id(ctl, value);
		if (exit_code == CTL_OK && ++count > LIMIT_DERIVED_FROM)
			return ctl_usage(ctl,
			    "--derived-from: an artifact takes %d of them",
			    LIMIT_DERIVED_FROM);
		if (exit_code == CTL_OK)
			exit_code = ctl_remote_detail(
			    http, value, false, ctl->arena, &parent);
		if (exit_code != CTL_OK)
			return exit_code;
		json_push_text(ids, parent.id);
	}
	json_put(body, "derived_from", ids);
	return CTL_OK;
}

int
ctl_update_body(const struct ctl *ctl, struct ctl_http *http, bool has_title,
    struct span *ret_body)
{
	struct json_value *body = json_object(ctl->arena);
	struct span text;
	int exit_code;

	if (has_title && ctl_has(ctl, "title"))
		json_put_text(body, "title", span_str(ctl_value(ctl, "title")));
	exit_code = put_metadata(ctl, body);
	if (exit_code == CTL_OK)
		exit_code = put_primary(ctl, body);
	if (exit_code == CTL_OK)
		exit_code = put_parents(ctl, http, body);
	if (exit_code != CTL_OK)
		return exit_code;
	text = json_text(ctl->arena, body);
	*ret_body = span_is(text, "{}") ? SPAN_NONE : text;
	return CTL_OK;
}

/* A PUT that is sent twice changes nothing more, so it may be repeated. With
 * If-Match it may not: after the first one the ETag is another. */
void
ctl_update_begin(struct arena *arena, const char *id, struct span body,
    const char *etag, struct ctl_http_request *ret_request)
{
	*ret_request = (struct ctl_http_request){ .method = "PUT",
		.path = ctl_remote_path(arena, id, ""),
		.json = body,
		.is_repeatable = etag == NULL };
	if (etag != NULL)
		ret_request->headers[0] =
		    arena_printf(arena, "If-Match: \"%s\"", etag).data;
}

/* ---- update ---- */

/* Read --if-match: an ETag as show prints it, or with the quotes of HTTP. */
static int
read_etag(const struct ctl *ctl, const char **ret_etag)
{
	struct span etag = span_str(ctl_value(ctl, "if-match"));
	size_t i;

	*ret_etag = NULL;
	if (etag.data == NULL)
		return CTL_OK;
	if (etag.size > 2 && etag.data[0] == '"' &&
	    etag.data[etag.size - 1] == '"')
		etag = span_of(etag.data + 1, etag.size - 2);
	for (i = 0; i < etag.size; i++)
		if (ascii_hex(etag.data[i]) < 0)
			break;
	if (etag.size == 0 || i < etag.size)
		return ctl_usage(ctl,
		    "--if-match wants an etag, as artifactctl show prints it");
	*ret_etag = arena_string(ctl->arena, etag);
	return CTL_OK;
}

static int
run_update(struct ctl *ctl)
{
	struct ctl_http_request request;
	struct ctl_http_answer answer;
	struct ctl_artifact artifact;
	struct span body = SPAN_NONE;
	struct ctl_http *http;
	const char *etag;
	int exit_code;

	exit_code = ctl_remote_check_id(ctl, ctl->operands[0]);
	if (exit_code == CTL_OK)
		exit_code = read_etag(ctl, &etag);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_open(ctl, NULL, &http);
	if (exit_code == CTL_OK)
		exit_code = ctl_update_body(ctl, http, true, &body);
	if (exit_code != CTL_OK)
		return exit_code;
	if (body.data == NULL)
		return ctl_usage(ctl, "update what?");
	exit_code = ctl_remote_detail(
	    http, ctl->operands[0], false, ctl->arena, &artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	ctl_update_begin(ctl->arena, arena_string(ctl->arena, artifact.id),
	    body, etag, &request);
	exit_code = ctl_http_send(http, &request, ctl->arena, &answer);
	if (exit_code == CTL_OK && ctl->is_json)
		print_result(ctl, artifact.id, "updated");
	return exit_code;
}

static const struct ctl_option update_options[] = {
	{ "title", 0, "TITLE", "what it is called" },
	CTL_CHANGES,
	{ "if-match", 0, "ETAG", "only if it is still as show printed it" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_update = {
	.name = "update",
	.summary = "Change what is said about an artifact",
	.operands = "ID",
	.least = 1,
	.most = 1,
	.where = CTL_REMOTE,
	.options = update_options,
	.details = "What is not named stays. --metadata and --derived-from "
		   "replace all that was\nthere; --derived-from none leaves "
		   "nothing.\n",
	.run = run_update,
};
