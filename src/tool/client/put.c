/* SPDX-License-Identifier: ISC */
/*
 * put.c - put: files of any kind and size, each an artifact. The server
 * is told the digest before it stores, and asked afterwards what it has.
 */

#include "create.h"
#include "files.h"
#include "remote.h"
#include "source.h"
#include "update.h"
#include "protocol/utf8.h"

#include <sys/stat.h>

#define PARTS 7

/* How far the first of those that go may be ahead of the last: ids are printed
 * in the order of the files. */
#define WINDOW 256

/* A file on its way. */
struct job {
	struct arena *arena; /* owned; closed when it is printed */
	struct ctl_found found;
	struct ctl_source source;
	enum { CREATING, CHECKING, CHANGING, ENDED } step;
	const char *id;
	struct ctl_row *row; /* NULL: it is not stored, or not as it is */
};

struct putting {
	const struct ctl *ctl;
	struct ctl_http *http;
	struct ctl_files *files;
	struct span change; /* what is to be said of each, or SPAN_NONE */
	struct ctl_output *output;
	struct ctl_progress progress;
	bool is_many;
	bool is_over;
	struct job jobs[WINDOW]; /* of number n at n % WINDOW */
	uint64_t begun;
	uint64_t printed;
	uint64_t good;
	uint64_t bad;
	int worst;
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
filename_of(
    const struct putting *putting, struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct span name;

	if (strcmp(path, "-") == 0)
		path = ctl_value(putting->ctl, "title");
	else if (slash != NULL)
		path = slash + 1;
	name = utf8_repair(arena, span_str(*path == '\0' ? "file" : path));
	return arena_string(arena, utf8_cut(name, LIMIT_FILENAME));
}

static struct span
digest_text(struct arena *arena, const struct ctl_source *source)
{
	struct span text =
	    digest_base64(arena, span_of(source->hash, sizeof(source->hash)));

	return arena_printf(arena, "sha-256=:%.*s:", (int)text.size, text.data);
}

/* ---- a file, step by step ---- */

static bool
send_file(struct putting *putting, struct job *job, struct arena *arena,
    struct ctl_http_request *ret_request)
{
	const char *type = ctl_value(putting->ctl, "content-type");
	struct ctl_http_part *parts =
	    arena_alloc(arena, PARTS * sizeof(parts[0]));

	if (type == NULL && ctl_source_type(&job->source, job->found.path,
				arena, &type) != CTL_OK)
		return false;
	ret_request->part_count = add_fields(putting->ctl, parts);
	if (!ctl_has(putting->ctl, "title") && job->found.title != NULL)
		parts[ret_request->part_count++] =
		    (struct ctl_http_part){ .name = "title",
			    .text = span_str(job->found.title) };
	parts[ret_request->part_count++] =
	    (struct ctl_http_part){ .name = "file",
		    .filename = filename_of(putting, arena, job->found.path),
		    .content_type = type,
		    .digest = digest_text(arena, &job->source),
		    .size = job->source.size,
		    .read = ctl_source_read,
		    .context = &job->source };
	ret_request->parts = parts;
	ret_request->progress = &putting->progress;
	ctl_create_begin(ret_request, arena);
	return true;
}

/* It is stored: what has the store of it? */
static int
note_created(struct putting *putting, struct job *job, struct arena *arena,
    const struct ctl_http_answer *answer, struct ctl_http_request *ret_more)
{
	struct span id;
	int exit_code;

	exit_code = ctl_create_end(putting->http, arena, answer, &id);
	if (exit_code != CTL_OK)
		return exit_code;
	job->id = arena_string(job->arena, id);
	job->step = CHECKING;
	ret_more->method = "GET";
	ret_more->path =
	    ctl_remote_path(arena, job->id, "?include_content=false");
	return CTL_OK;
}

/* A server that did not look at the digest has been told it in vain. */
static int
note_checked(struct putting *putting, struct job *job, struct arena *arena,
    const struct ctl_http_answer *answer, struct ctl_http_request *ret_more)
{
	char hash[DIGEST_SHA256_HEX + 1];
	struct ctl_artifact artifact;
	int exit_code;

	exit_code =
	    ctl_remote_read_detail(putting->http, arena, answer, &artifact);
	if (exit_code != CTL_OK)
		return exit_code;
	digest_hex(job->source.hash, sizeof(job->source.hash), hash);
	if (!span_is(artifact.hash, hash) || artifact.size != job->source.size)
		return ctl_error(CTL_INTEGRITY,
		    "%s was stored as %s, but not as it is: it has the "
		    "SHA-256 %s, and the store %.*s; delete that and put it "
		    "again",
		    job->source.name, job->id, hash, (int)artifact.hash.size,
		    artifact.hash.data);
	ctl_source_tell_growth(&job->source);
	job->row = ctl_row(job->arena);
	ctl_row_text(job->row, "id", artifact.id);
	ctl_row_text(job->row, "file", span_str(job->source.name));
	ctl_row_text(job->row, "title", artifact.title);
	ctl_row_text(job->row, "content_type", artifact.content_type);
	ctl_row_size(job->row, "size_bytes", artifact.size);
	ctl_row_text(job->row, "content_hash", artifact.hash);
	job->id = arena_string(job->arena, artifact.id);
	if (putting->change.data == NULL)
		return CTL_OK;
	job->step = CHANGING;
	ctl_update_begin(arena, job->id, putting->change, NULL, ret_more);
	return CTL_OK;
}

/* What is left to say of a failure, behind what has been said of it. */
static void
say_more(const struct putting *putting, const struct job *job, int exit_code)
{
	const char *name = job->source.name;

	if (job->step == CREATING && exit_code == CTL_INTEGRITY)
		(void)ctl_error(exit_code,
		    "%s was written to while it was read, or changed on its "
		    "way; nothing was stored",
		    name);
	else if (job->step == CHANGING)
		(void)ctl_error(exit_code,
		    "%s is stored as %s, without what the other options say; "
		    "artifactctl update says it again",
		    name, job->id);
	else if (job->step == CHECKING && exit_code != CTL_INTEGRITY)
		(void)ctl_error(exit_code,
		    "%s is stored as %s, which could not be checked", name,
		    job->id);
	else if (putting->is_many && !putting->is_over)
		(void)ctl_error(exit_code, "that was %s", name);
}

/* ---- many files ---- */

/* What is known of those that ended is printed in the order of the files. */
static void
print_ended(struct putting *putting)
{
	struct job *job;
	struct span id;

	while (putting->printed < putting->begun) {
		job = &putting->jobs[putting->printed % WINDOW];
		if (job->step != ENDED)
			return;
		if (job->row != NULL && putting->ctl->is_json) {
			ctl_output_row(putting->output, job->row);
		} else if (job->row != NULL) {
			id = ctl_visible(job->arena, span_str(job->id));
			printf("%.*s\n", (int)id.size, id.data);
		}
		(void)fflush(stdout); /* the next one may take long */
		arena_close(job->arena);
		putting->printed++;
	}
}

static void
end_job(struct putting *putting, struct job *job, int exit_code)
{
	if (exit_code == CTL_OK)
		putting->good++;
	else
		putting->bad++;
	putting->worst = ctl_worse(putting->worst, exit_code);
	ctl_source_close(&job->source);
	job->step = ENDED;
	print_ended(putting);
}

/* Begin with it; false: it has ended, for a reason that was said. */
static bool
begin_job(struct putting *putting, struct job *job, struct arena *arena,
    struct ctl_http_request *ret_request)
{
	int exit_code;

	exit_code = ctl_source_open(
	    putting->ctl, job->found.path, job->found.is_walked, &job->source);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_check_content(
		    putting->http, job->source.name, job->source.size);
	if (exit_code == CTL_OK && !putting->is_many)
		ctl_progress_begin(&putting->progress, putting->ctl,
		    job->source.name, job->source.size);
	if (exit_code == CTL_OK && !send_file(putting, job, arena, ret_request))
		exit_code = CTL_FAILED;
	if (exit_code != CTL_OK)
		end_job(putting, job, exit_code);
	return exit_code == CTL_OK;
}

static bool
next_file(void *context, struct arena *arena, void **ret_item,
    struct ctl_http_request *ret_request)
{
	struct putting *putting = context;
	struct job *job;
	int exit_code;

	while (putting->begun - putting->printed < WINDOW) {
		job = &putting->jobs[putting->begun % WINDOW];
		*job = (struct job){ .arena = arena_open(),
			.source = { .fd = -1 } };
		exit_code =
		    ctl_files_next(putting->files, job->arena, &job->found);
		if (job->found.path != NULL) {
			putting->begun++;
			*ret_item = job;
			if (begin_job(putting, job, arena, ret_request))
				return true;
			continue;
		}
		arena_close(job->arena);
		if (exit_code == CTL_OK)
			return false; /* there are no more */
		putting->bad++;
		putting->worst = ctl_worse(putting->worst, exit_code);
	}
	return false;
}

static int
note_step(void *context, void *item, struct arena *arena,
    const struct ctl_http_answer *answer, struct ctl_http_request *ret_more)
{
	struct putting *putting = context;
	struct job *job = item;
	int exit_code = CTL_OK;

	if (job->step == CREATING)
		exit_code = note_created(putting, job, arena, answer, ret_more);
	else if (job->step == CHECKING)
		exit_code = note_checked(putting, job, arena, answer, ret_more);
	if (exit_code != CTL_OK)
		say_more(putting, job, exit_code);
	if (exit_code != CTL_OK || ret_more->method == NULL)
		end_job(putting, job, exit_code);
	return CTL_OK;
}

static int
note_failure(void *context, void *item, int exit_code, bool is_hopeless)
{
	struct putting *putting = context;
	struct job *job = item;

	say_more(putting, job, exit_code);
	putting->is_over |= is_hopeless; /* of the others no more is told */
	end_job(putting, job, exit_code);
	return is_hopeless ? exit_code : CTL_OK;
}

/* All are tried, unless none would go better. */
static int
put_all(struct putting *putting)
{
	const struct ctl_http_many many = { .context = putting,
		.next = next_file,
		.done = note_step,
		.failed = note_failure };
	int exit_code;

	putting->output = ctl_output_open(putting->ctl);
	ctl_progress_begin(&putting->progress, putting->ctl, "put", 0);
	exit_code = ctl_http_many(putting->http, &many);
	ctl_progress_end(&putting->progress);
	ctl_output_close(putting->output);
	if (putting->is_many && putting->bad > 0)
		(void)ctl_error(putting->worst,
		    "%s put, and %llu could not be%s",
		    ctl_count_text(putting->ctl->arena, putting->good, "file")
			.data,
		    (unsigned long long)putting->bad,
		    exit_code == CTL_OK
			? ""
			: "; no other was tried, since none would go better");
	else if (putting->good + putting->bad == 0)
		(void)ctl_error(CTL_OK, "there is no file to put");
	return putting->worst;
}

/* More than one file, perhaps. */
static bool
is_many(const struct ctl *ctl)
{
	struct stat status;

	return ctl->operand_count != 1 || ctl_has(ctl, "files-from") ||
	       (stat(ctl->operands[0], &status) == 0 &&
		   S_ISDIR(status.st_mode));
}

static int
run_put(struct ctl *ctl)
{
	static const char *const needed[] = { "workflow", "type", NULL };
	struct putting *putting = arena_alloc(ctl->arena, sizeof(*putting));
	int exit_code;

	putting->ctl = ctl;
	putting->is_many = is_many(ctl);
	exit_code = ctl_create_check(ctl, needed);
	if (exit_code == CTL_OK)
		exit_code = ctl_files_open(ctl, &putting->files);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_open(ctl, NULL, &putting->http);
	if (exit_code == CTL_OK)
		exit_code = ctl_update_body(
		    ctl, putting->http, false, &putting->change);
	return exit_code == CTL_OK ? put_all(putting) : exit_code;
}

static const struct ctl_option options[] = {
	CTL_CREATE,
	{ "title", 0, "TITLE", "what it is called (the name of the file)" },
	{ "content-type", 0, "TYPE", "its media type (guessed)" },
	CTL_CHANGES,
	CTL_FILES_OPTIONS,
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_put = {
	.name = "put",
	.summary = "Create an artifact from each file, and print its id",
	.operands = "FILE...|DIR...",
	.most = CTL_MANY,
	.where = CTL_REMOTE,
	.options = options,
	.details =
	    "FILE may be of any kind and size, and - for standard input. Its "
	    "SHA-256 goes\nalong, and the server stores nothing that does not "
	    "match. When one fails, the\nothers are still put. Files of a DIR "
	    "have as title where they lie in it; links in\nit, and what begins "
	    "with a dot, are left out.\n",
	.run = run_put,
};
