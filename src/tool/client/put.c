/* SPDX-License-Identifier: ISC */
/*
 * put.c - put creates an artifact from each file, of any kind and size. The
 * server gets the digest along with the bytes, and is asked afterwards which
 * digest it has stored.
 */

#include "create.h"
#include "name.h"
#include "remote.h"
#include "source.h"
#include "protocol/utf8.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PARTS (CTL_CREATE_MEMBERS + 2) /* a title, and the file */

/* Ids are printed in the order of the files. While one file takes long, so many
 * others behind it may be sent and wait to be printed. */
#define WINDOW 256

/*
 * ---- which files: operands, what lies in directories, and lists of names
 *
 * Links in a directory are not followed: they may lead to files anywhere.
 * Names that begin with a dot are left out: such files often hold settings and
 * secrets. Either is put if an operand or a list names it.
 */

#define FILES_OPTIONS \
	{ "recursive", 'r', NULL, "directories with those in them" }, \
	    { "files-from", 0, "LIST", \
		    "the files that LIST names, one a line; - is stdin" }, \
	{ \
		"null", '0', NULL, "NUL ends a name in LIST, not a newline" \
	}

struct found {
	const char *path;
	const char *title; /* its path in a directory; NULL: its name is */
	bool is_walked;	   /* found in a directory, named by no operand */
};

struct files {
	const struct ctl *ctl;
	size_t next; /* operand */
	bool is_deep;

	FTS *walk; /* through a directory; NULL: none */
	const char *root;
	bool has_told; /* that directories in the root are left out */

	FILE *list; /* of --files-from; NULL: none, or read to its end */
	const char *list_name;
	int end; /* the byte that ends a name in the list */
	char *line;
	size_t room;
};

static void
release(void *object)
{
	struct files *files = object;

	if (files->walk != NULL)
		(void)fts_close(files->walk);
	if (files->list != NULL && files->list != stdin)
		(void)fclose(files->list); /* it was only read */
	free(files->line);
}

static int
check_stdin(const struct ctl *ctl)
{
	const char *list = ctl_value(ctl, "files-from");
	size_t count = 0, i;

	for (i = 0; i < ctl->operand_count; i++)
		if (strcmp(ctl->operands[i], "-") == 0)
			count++;
	if (count == 1 && !ctl_has(ctl, "title"))
		return ctl_usage(ctl, "- has no name, so it needs --title");
	if (list != NULL && strcmp(list, "-") == 0)
		count++;
	if (count > 1)
		return ctl_usage(ctl, "standard input can be put only once");
	return CTL_OK;
}

static int
files_open(const struct ctl *ctl, struct files **ret_files)
{
	struct files *files = arena_alloc(ctl->arena, sizeof(*files));
	int exit_code;

	*files = (struct files){ .ctl = ctl,
		.is_deep = ctl_has(ctl, "recursive"),
		.list_name = ctl_value(ctl, "files-from"),
		.end = ctl_has(ctl, "null") ? '\0' : '\n' };
	if (ctl->operand_count == 0 && files->list_name == NULL)
		return ctl_usage(ctl, "put needs %s", ctl->command->operands);
	if (ctl_has(ctl, "null") && files->list_name == NULL)
		return ctl_usage(ctl, "--null belongs to --files-from");
	exit_code = check_stdin(ctl);
	if (exit_code != CTL_OK)
		return exit_code;
	if (files->list_name != NULL) {
		files->list = strcmp(files->list_name, "-") == 0
				  ? stdin
				  : fopen(files->list_name, "re");
		if (files->list == NULL)
			return ctl_fail(
			    "cannot open %.200s: %m", files->list_name);
	}
	arena_defer(ctl->arena, release, files);
	*ret_files = files;
	return CTL_OK;
}

/* ---- a directory ---- */

static int
compare_names(const FTSENT **one, const FTSENT **other)
{
	return strcmp((*one)->fts_name, (*other)->fts_name);
}

static int
begin_walk(struct files *files, const char *path)
{
	char *const roots[] = { arena_string(files->ctl->arena, span_str(path)),
		NULL };

	files->root = path;
	files->has_told = false;
	files->walk = fts_open(
	    roots, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, compare_names);
	if (files->walk == NULL)
		return ctl_fail("cannot read the directory %.200s: %m", path);
	return CTL_OK;
}

/* The path of a file below the root of the walk. */
static const char *
place_of(const struct files *files, struct arena *arena, const char *path)
{
	const char *place = path + strlen(files->root);

	while (*place == '/')
		place++;
	return arena_string(arena, utf8_repair(arena, span_str(place)));
}

/* The walk comes to a directory below its root: skip it unless --recursive. */
static void
enter(struct files *files, FTSENT *entry)
{
	if (files->is_deep)
		return;
	(void)fts_set(files->walk, entry, FTS_SKIP);
	if (!files->has_told)
		(void)ctl_error(CTL_OK,
		    "%.300s is a directory in %.300s and left out, as others "
		    "in there; --recursive takes them too",
		    entry->fts_path, files->root);
	files->has_told = true;
}

/* Look at what the walk has found. ret_found->path NULL: nothing to put. */
static int
step(struct files *files, struct arena *arena, FTSENT *entry,
    struct found *ret_found)
{
	bool is_hidden = entry->fts_level > 0 && entry->fts_name[0] == '.';

	if (is_hidden && entry->fts_info != FTS_DP) {
		(void)fts_set(files->walk, entry, FTS_SKIP);
		return ctl_error(CTL_OK,
		    "%.300s begins with a dot and is left out",
		    entry->fts_path);
	}
	switch (entry->fts_info) {
	case FTS_F:
		ret_found->path =
		    arena_string(arena, span_str(entry->fts_path));
		ret_found->title = place_of(files, arena, ret_found->path);
		ret_found->is_walked = true;
		return CTL_OK;
	case FTS_D:
		if (entry->fts_level > 0)
			enter(files, entry);
		return CTL_OK;
	case FTS_DP:
		return CTL_OK;
	case FTS_SL:
	case FTS_SLNONE:
		return ctl_error(CTL_OK,
		    "%.300s is a symbolic link and left out", entry->fts_path);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		errno = entry->fts_errno;
		return ctl_fail("cannot read %.300s: %m", entry->fts_path);
	default:
		return ctl_error(CTL_OK,
		    "%.300s is no regular file and left out", entry->fts_path);
	}
}

static int
walk_on(struct files *files, struct arena *arena, struct found *ret_found)
{
	int exit_code = CTL_OK;
	FTSENT *entry;

	while (exit_code == CTL_OK && ret_found->path == NULL) {
		errno = 0;
		entry = fts_read(files->walk);
		if (entry == NULL) {
			if (errno != 0)
				exit_code = ctl_fail(
				    "cannot read the directory %.200s: %m",
				    files->root);
			(void)fts_close(files->walk);
			files->walk = NULL;
			break;
		}
		exit_code = step(files, arena, entry, ret_found);
	}
	return exit_code;
}

/* ---- a list ---- */

/* Read the next line of the list. ret_found->path NULL: nothing to put. */
static int
read_list(struct files *files, struct arena *arena, struct found *ret_found)
{
	int exit_code = CTL_OK;
	struct stat status;
	struct span name;
	const char *path;
	ssize_t size;

	size = getdelim(&files->line, &files->room, files->end, files->list);
	if (size <= 0) {
		if (ferror(files->list))
			exit_code = ctl_fail(
			    "cannot read %.200s: %m", files->list_name);
		if (files->list != stdin)
			(void)fclose(files->list);
		files->list = NULL;
		return exit_code;
	}
	if (files->line[size - 1] == (char)files->end)
		size--;
	if (size == 0)
		return CTL_OK;
	name = span_of(files->line, (size_t)size);
	path = arena_string(arena, name);
	if (strlen(path) != name.size)
		return ctl_fail("%.200s: a name in it has a NUL; is --null "
				"missing, or too much?",
		    files->list_name);
	/* find prints a directory, and then what is in it. */
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return ctl_error(CTL_OK,
		    "%.300s is a directory and left out: a list names files",
		    path);
	ret_found->path = path;
	ret_found->title = ctl_name_place(arena, name);
	return CTL_OK;
}

/* ---- all of them ---- */

static bool
is_directory(const char *path)
{
	struct stat status;

	return strcmp(path, "-") != 0 && stat(path, &status) == 0 &&
	       S_ISDIR(status.st_mode);
}

/*
 * The next file, in the arena; path NULL: there are no more. Anything but
 * CTL_OK: a file cannot be read, which has been said; others may follow.
 */
static int
files_next(struct files *files, struct arena *arena, struct found *ret_found)
{
	int exit_code = CTL_OK;
	const char *path;

	*ret_found = (struct found){ 0 };
	while (exit_code == CTL_OK && ret_found->path == NULL) {
		if (files->walk != NULL) {
			exit_code = walk_on(files, arena, ret_found);
		} else if (files->next < files->ctl->operand_count) {
			path = files->ctl->operands[files->next++];
			if (is_directory(path))
				exit_code = begin_walk(files, path);
			else
				ret_found->path = path;
		} else if (files->list != NULL) {
			exit_code = read_list(files, arena, ret_found);
		} else {
			return CTL_OK;
		}
	}
	return exit_code;
}

/* ---- one file on its way ---- */

struct job {
	struct arena *arena; /* owned; closed when it is printed */
	struct found found;
	struct ctl_source source;
	enum { CREATING, CHECKING, CHANGING, ENDED } step;
	const char *id;
	struct ctl_row *row; /* to print; NULL: the server has not the file */
};

struct putting {
	const struct ctl *ctl;
	struct ctl_http *http;
	struct files *files;
	struct span change; /* the body of an update of each; SPAN_NONE: none */
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

/* The file's name; standard input has none and takes the title. */
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

/* ---- a file, step by step ---- */

static bool
send_file(struct putting *putting, struct job *job, struct arena *arena,
    struct ctl_http_request *ret_request)
{
	const char *type = ctl_value(putting->ctl, "content-type");
	struct ctl_http_part *parts =
	    arena_alloc(arena, PARTS * sizeof(parts[0]));
	size_t count = ctl_create_members(putting->ctl, parts);

	if (type == NULL && ctl_source_type(&job->source, job->found.path,
				arena, &type) != CTL_OK)
		return false;
	if (!ctl_has(putting->ctl, "title") && job->found.title != NULL)
		parts[count++] = (struct ctl_http_part){ .name = "title",
			.text = span_str(job->found.title) };
	parts[count++] = (struct ctl_http_part){ .name = "file",
		.filename = filename_of(putting, arena, job->found.path),
		.content_type = type,
		.hash = job->source.hash,
		.size = job->source.size,
		.read = ctl_source_read,
		.context = &job->source };
	ret_request->parts = parts;
	ret_request->part_count = count;
	ret_request->progress = &putting->progress;
	ctl_create_begin(ret_request, arena);
	return true;
}

/* The file is stored. Ask for the hash and size that the store has. */
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
	*ret_more = ctl_remote_request(arena, job->id, false);
	return CTL_OK;
}

/* Compare what the store has with the file: a server may have ignored the
 * digest that we sent. */
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

/* Say behind an error which file it was, and what is stored of it. */
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

/* Print the rows of files that have ended, in the order of the files. */
static void
print_ended(struct putting *putting)
{
	struct job *job;

	while (putting->printed < putting->begun) {
		job = &putting->jobs[putting->printed % WINDOW];
		if (job->step != ENDED)
			return;
		if (job->row != NULL && putting->ctl->is_json)
			ctl_output_row(putting->output, job->row);
		else if (job->row != NULL)
			printf("%s\n",
			    ctl_visible(job->arena, span_str(job->id)).data);
		(void)fflush(stdout); /* the next file may take long */
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

/* Open a file and send it; false: that failed, and the job has ended. */
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
		exit_code = files_next(putting->files, job->arena, &job->found);
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
end_step(void *context, void *item, const struct ctl_http_end *end)
{
	struct putting *putting = context;
	struct job *job = item;
	int exit_code = end->exit_code;

	if (end->answer != NULL && job->step == CREATING)
		exit_code = note_created(
		    putting, job, end->arena, end->answer, end->more);
	else if (end->answer != NULL && job->step == CHECKING)
		exit_code = note_checked(
		    putting, job, end->arena, end->answer, end->more);
	if (exit_code != CTL_OK)
		say_more(putting, job, exit_code);
	putting->is_over |= end->is_hopeless; /* do not name the others */
	if (exit_code != CTL_OK || end->more->method == NULL)
		end_job(putting, job, exit_code);
	return end->is_hopeless ? exit_code : CTL_OK;
}

/* Put all files. After a failure others are tried, unless all would fail. */
static int
put_all(struct putting *putting)
{
	const struct ctl_http_many many = {
		.context = putting, .next = next_file, .ended = end_step
	};
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

/* May there be more than one file? */
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
		exit_code = files_open(ctl, &putting->files);
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
	FILES_OPTIONS,
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
