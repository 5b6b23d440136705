/* SPDX-License-Identifier: ISC */
/*
 * get.c - get: a content as a file, which is there when all of it is and
 * not before, or as a stream.
 */

#include "get.h"

#include "choose.h"
#include "file.h"
#include "http_text.h"
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct getting {
	const struct ctl *ctl;
	struct ctl_http *http;
	struct ctl_raw raw;
	const char *path; /* of -o; NULL: a name is suggested */
	struct ctl_file file;
	const char *name; /* in its directory */
	bool may_replace;
};

static bool
ends_with_slash(const char *path)
{
	size_t size = strlen(path);

	return size > 0 && path[size - 1] == '/';
}

/* ---- where to ---- */

/* "dir/name" as both; a name alone is in ".". */
static void
split_path(struct getting *getting, const char **ret_directory)
{
	struct arena *arena = getting->ctl->arena;
	const char *slash = strrchr(getting->path, '/');

	*ret_directory = ".";
	getting->name = getting->path;
	if (slash == NULL)
		return;
	getting->name = slash + 1;
	*ret_directory =
	    slash == getting->path
		? "/"
		: arena_string(arena,
		      span_of(getting->path, (size_t)(slash - getting->path)));
}

static int
open_file(struct getting *getting)
{
	const char *directory = ".";

	getting->may_replace =
	    getting->path != NULL || ctl_has(getting->ctl, "force");
	if (getting->path != NULL)
		split_path(getting, &directory);
	return ctl_file_open(directory, &getting->file);
}

/* What the server suggests, else the id; refused before the bytes come. */
static bool
choose_name(void *context, const struct ctl_http_answer *answer)
{
	struct getting *getting = context;
	struct arena *arena = getting->ctl->arena;
	struct span name;

	if (getting->path != NULL)
		return true;
	name = ctl_http_filename(
	    arena, ctl_http_header(answer, "Content-Disposition"));
	if (name.data == NULL)
		name = span_str(getting->ctl->operands[0]);
	getting->name = arena_string(arena, name);
	if (getting->may_replace ||
	    faccessat(AT_FDCWD, getting->name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return true;
	(void)ctl_fail("%.300s exists and stays as it is; --force replaces "
		       "it, -o FILE names another",
	    getting->name);
	return false;
}

static bool
write_file(void *context, struct span piece)
{
	struct getting *getting = context;

	return ctl_file_write(&getting->file, piece);
}

/* ---- getting it ---- */

static void
print_result(const struct getting *getting)
{
	const struct ctl *ctl = getting->ctl;
	struct ctl_row *row = ctl_row(ctl->arena);
	struct span name =
	    span_str(getting->path != NULL ? getting->path : getting->name);

	if (!ctl->is_json) {
		name = ctl_visible(ctl->arena, name);
		printf("%.*s\n", (int)name.size, name.data);
		return;
	}
	ctl_row_text(row, "file", name);
	ctl_row_size(row, "size_bytes", getting->raw.size);
	ctl_row_text(row, "content_hash", span_str(getting->raw.hash));
	ctl_print_facts(ctl, row);
}

static int
get_file(struct getting *getting)
{
	const char *id = getting->ctl->operands[0];
	int exit_code;

	exit_code = open_file(getting);
	if (exit_code != CTL_OK)
		return exit_code;
	getting->raw = (struct ctl_raw){ .ctl = getting->ctl,
		.what = id,
		.begin = choose_name,
		.sink = write_file,
		.context = getting };
	exit_code = ctl_raw_fetch(getting->http, id, &getting->raw);
	if (exit_code == CTL_OK)
		exit_code = ctl_file_keep(
		    &getting->file, getting->name, getting->may_replace);
	ctl_file_drop(&getting->file);
	if (exit_code == CTL_OK)
		print_result(getting);
	return exit_code;
}

/* A device or a pipe keeps its name: it is written to. */
static int
get_into(struct getting *getting)
{
	if (freopen(getting->path, "we", stdout) == NULL)
		return ctl_fail("cannot open %.200s: %m", getting->path);
	return ctl_raw_print(
	    getting->ctl, getting->http, getting->ctl->operands[0]);
}

/* ---- one ---- */

static int
get_one(struct ctl *ctl)
{
	struct getting getting = { .ctl = ctl,
		.path = ctl_value(ctl, "output") };
	struct stat status;
	int exit_code;

	exit_code = ctl_remote_check_id(ctl, ctl->operands[0]);
	if (exit_code == CTL_OK)
		exit_code = ctl_http_open(ctl, NULL, &getting.http);
	if (exit_code != CTL_OK)
		return exit_code;
	if (getting.path == NULL)
		return get_file(&getting);
	if (strcmp(getting.path, "-") == 0)
		return ctl_raw_print(ctl, getting.http, ctl->operands[0]);
	if (stat(getting.path, &status) != 0 || S_ISREG(status.st_mode))
		return get_file(&getting);
	return get_into(&getting);
}

/* A directory is meant: by what -o says, or since there may be several. */
static bool
is_many(const struct ctl *ctl)
{
	const char *path = ctl_value(ctl, "output");
	struct stat status;

	if (ctl->operand_count != 1 || strcmp(ctl->operands[0], "-") == 0)
		return true;
	return path != NULL && strcmp(path, "-") != 0 &&
	       (ends_with_slash(path) ||
		   (stat(path, &status) == 0 && S_ISDIR(status.st_mode)));
}

static int
run_get(struct ctl *ctl)
{
	static const struct ctl_option filters[] = { CTL_CHOICE };
	size_t i;

	if (is_many(ctl))
		return ctl_get_many(ctl);
	for (i = 0; i < sizeof(filters) / sizeof(filters[0]); i++)
		if (ctl_has(ctl, filters[i].name))
			return ctl_usage(ctl, "ids and --%s exclude each other",
			    filters[i].name);
	return get_one(ctl);
}

static const struct ctl_option options[] = {
	{ "output", 'o', "FILE|DIR/", "write to it, or - for standard output" },
	{ "force", 'f', NULL, "replace files that have the name" },
	CTL_CHOICE,
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_get = {
	.name = "get",
	.summary = "Download contents into files",
	.operands = "ID...|FILTER...",
	.most = CTL_MANY,
	.where = CTL_REMOTE,
	.options = options,
	.details =
	    "A file is called as it was when it was put, or as the ID, and "
	    "printed. It is\nthere only when all of it has come and its "
	    "SHA-256 is right; what -o FILE names\nis replaced. On standard "
	    "output exit code 4 says that what came was not right.\n"
	    "Several go into a directory, this one unless -o names another; "
	    "ID is - for lines\nof standard input that begin with one. "
	    "Titles that are paths become directories\nin it.\n",
	.run = run_get,
};
