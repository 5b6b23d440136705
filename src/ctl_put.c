/* SPDX-License-Identifier: ISC */
/*
 * ctl_put.c - put: files of any kind and size, each an artifact. The server
 * is told the digest before it stores, and asked afterwards what it has.
 */

#include "ctl_create.h"
#include "ctl_remote.h"
#include "ctl_source.h"
#include "ctl_update.h"
#include "utf8.h"

#define PARTS 7

struct putting {
	const struct ctl *ctl;
	struct ctl_http *http;
	struct span change;  /* what is to be said of each, or SPAN_NONE */
	struct arena *arena; /* of one file */
	struct ctl_output *output;
};

/* ---- the form ---- */

static size_t
add_fields(const struct ctl *ctl, struct ctl_http_part *ret_parts)
{
	static const char *const fields[][2] = {
		{ "workflow", "workflow_id" },
		{ "type", "artifact_type" },
		{ "phase", "phase_id" },
		{ "session", "session_id" },
		{ "title", "title" },
	};
	size_t count = 0, i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (ctl_has(ctl, fields[i][0]))
			ret_parts[count++] = (struct ctl_http_part){
				.name = fields[i][1],
				.text = span_str(ctl_value(ctl, fields[i][0])),
			};
	return count;
}

/* What is called nothing on disk goes by its title. */
static const char *
filename_of(const struct putting *putting, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct span name;

	if (strcmp(path, "-") == 0)
		path = ctl_value(putting->ctl, "title");
	else if (slash != NULL)
		path = slash + 1;
	name = utf8_repair(
	    putting->arena, span_str(*path == '\0' ? "file" : path));
	return arena_string(putting->arena, utf8_cut(name, LIMIT_FILENAME));
}

static struct span
digest_text(struct arena *arena, const struct ctl_source *source)
{
	struct span text =
	    digest_base64(arena, span_of(source->hash, sizeof(source->hash)));

	return arena_printf(arena, "sha-256=:%.*s:", (int)text.size, text.data);
}

static int
send_file(struct putting *putting, const char *path, struct ctl_source *source,
    struct span *ret_id)
{
	const char *type = ctl_value(putting->ctl, "content-type");
	struct ctl_http_part parts[PARTS];
	struct ctl_progress progress;
	struct ctl_http_request request = { .parts = parts,
		.progress = &progress };
	int exit_code = CTL_OK;

	if (type == NULL)
		exit_code =
		    ctl_source_type(source, path, putting->arena, &type);
	if (exit_code != CTL_OK)
		return exit_code;
	request.part_count = add_fields(putting->ctl, parts);
	parts[request.part_count++] = (struct ctl_http_part){ .name = "file",
		.filename = filename_of(putting, path),
		.content_type = type,
		.digest = digest_text(putting->arena, source),
		.size = source->size,
		.read = ctl_source_read,
		.context = source };
	ctl_progress_begin(&progress, putting->ctl, source->name, source->size);
	exit_code =
	    ctl_create_send(putting->http, &request, putting->arena, ret_id);
	ctl_progress_end(&progress);
	if (exit_code == CTL_INTEGRITY)
		(void)ctl_error(exit_code,
		    "%s was written to while it was read, or changed on its "
		    "way; nothing was stored",
		    source->name);
	return exit_code;
}

/* ---- afterwards ---- */

/* A server that did not look at the digest has been told it in vain. */
static int
check(struct putting *putting, const char *id, const struct ctl_source *source,
    struct ctl_artifact *ret_artifact)
{
	char hash[DIGEST_SHA256_HEX + 1];
	int exit_code;

	exit_code = ctl_remote_detail(
	    putting->http, id, false, putting->arena, ret_artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	digest_hex(source->hash, sizeof(source->hash), hash);
	if (span_is(ret_artifact->hash, hash) &&
	    ret_artifact->size == source->size)
		return CTL_OK;
	return ctl_error(CTL_INTEGRITY,
	    "%s was stored as %s, but not as it is: it has the SHA-256 %s, "
	    "and the store %.*s; delete that and put it again",
	    source->name, id, hash, (int)ret_artifact->hash.size,
	    ret_artifact->hash.data);
}

static void
print_put(const struct putting *putting, const struct ctl_source *source,
    const struct ctl_artifact *artifact)
{
	struct ctl_row *row;
	struct span id;

	if (!putting->ctl->is_json) {
		id = ctl_visible(putting->arena, artifact->id);
		printf("%.*s\n", (int)id.size, id.data);
		(void)fflush(stdout); /* the next one may take long */
		return;
	}
	row = ctl_row(putting->arena);
	ctl_row_text(row, "id", artifact->id);
	ctl_row_text(row, "file", span_str(source->name));
	ctl_row_text(row, "title", artifact->title);
	ctl_row_text(row, "content_type", artifact->content_type);
	ctl_row_size(row, "size_bytes", artifact->size);
	ctl_row_text(row, "content_hash", artifact->hash);
	ctl_output_row(putting->output, row);
}

static int
put_source(struct putting *putting, const char *path, struct ctl_source *source)
{
	struct ctl_artifact artifact;
	struct span id_text;
	const char *id;
	int exit_code;

	exit_code = send_file(putting, path, source, &id_text);
	if (exit_code != CTL_OK)
		return exit_code;
	id = arena_string(putting->arena, id_text);
	exit_code = check(putting, id, source, &artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	print_put(putting, source, &artifact);
	ctl_source_tell_growth(source);
	if (putting->change.data == NULL)
		return CTL_OK;
	exit_code = ctl_update_send(
	    putting->http, putting->arena, id, putting->change, NULL);
	if (exit_code != CTL_OK)
		(void)ctl_error(exit_code,
		    "%s is stored as %s, without what the other options say; "
		    "artifactctl update says it again",
		    source->name, id);
	return exit_code;
}

static int
put_one(struct putting *putting, const char *path)
{
	struct ctl_source source;
	int exit_code;

	exit_code = ctl_source_open(putting->ctl, path, false, &source);
	if (exit_code != CTL_OK)
		return exit_code;
	exit_code = put_source(putting, path, &source);
	if (exit_code != CTL_OK && putting->ctl->operand_count > 1)
		(void)ctl_error(exit_code, "that was %s", source.name);
	ctl_source_close(&source);
	arena_reset(putting->arena);
	return exit_code;
}

/* All are tried; the worst exit code counts. */
static int
put_all(struct putting *putting)
{
	int worst = CTL_OK;
	int exit_code;
	size_t i;

	putting->arena = arena_open();
	putting->output = ctl_output_open(putting->ctl);
	for (i = 0; i < putting->ctl->operand_count; i++) {
		exit_code = put_one(putting, putting->ctl->operands[i]);
		worst = ctl_worse(worst, exit_code);
	}
	ctl_output_close(putting->output);
	arena_close(putting->arena);
	return worst;
}

static int
check_stdin(const struct ctl *ctl)
{
	size_t count = 0, i;

	for (i = 0; i < ctl->operand_count; i++)
		if (strcmp(ctl->operands[i], "-") == 0)
			count++;
	if (count > 1)
		return ctl_usage(ctl, "standard input can be put only once");
	if (count == 1 && !ctl_has(ctl, "title"))
		return ctl_usage(ctl, "- has no name, so it needs --title");
	return CTL_OK;
}

static int
run_put(struct ctl *ctl)
{
	static const char *const needed[] = { "workflow", "type", NULL };
	struct putting putting = { .ctl = ctl };
	int exit_code;

	exit_code = ctl_create_check(ctl, needed);
	if (exit_code == CTL_OK)
		exit_code = check_stdin(ctl);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_open(ctl, NULL, &putting.http);
	if (exit_code == CTL_OK)
		exit_code =
		    ctl_update_body(ctl, putting.http, false, &putting.change);
	return exit_code == CTL_OK ? put_all(&putting) : exit_code;
}

static const struct ctl_option options[] = {
	CTL_CREATE,
	{ "title", 0, "TITLE", "what it is called (the name of the file)" },
	{ "content-type", 0, "TYPE", "its media type (guessed)" },
	CTL_CHANGES,
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_put = {
	.name = "put",
	.summary = "Create an artifact from each file, and print its id",
	.operands = "FILE...",
	.least = 1,
	.most = CTL_MANY,
	.where = CTL_REMOTE,
	.options = options,
	.details =
	    "FILE may be of any kind and size, and - for standard input. Its "
	    "SHA-256 goes\nalong, and the server stores nothing that does not "
	    "match. When one fails, the\nothers are still put.\n",
	.run = run_put,
};
