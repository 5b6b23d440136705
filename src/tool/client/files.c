/* SPDX-License-Identifier: ISC */
/*
 * files.c - from operands to files. Links in a directory are not
 * followed, or files from anywhere would be put; names that begin with a dot
 * are left out, since such files often hold what is nobody else's business.
 * Whoever wants one of these names it.
 */

#include "files.h"

#include "name.h"
#include "tool/output.h"
#include "protocol/utf8.h"

#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <sys/stat.h>

struct ctl_files {
	const struct ctl *ctl;
	size_t next; /* operand */
	bool is_deep;

	FTS *walk; /* through a directory; NULL: none */
	const char *root;
	bool has_told; /* of directories in the root that are not walked */

	FILE *list; /* of --files-from; NULL: none, or it is read */
	const char *list_name;
	int end; /* of a name in it */
	char *line;
	size_t room;
};

static void
release(void *object)
{
	struct ctl_files *files = object;

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

int
ctl_files_open(const struct ctl *ctl, struct ctl_files **ret_files)
{
	struct ctl_files *files = arena_alloc(ctl->arena, sizeof(*files));
	int exit_code;

	*files = (struct ctl_files){ .ctl = ctl,
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
begin_walk(struct ctl_files *files, const char *path)
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

/* Where it lies below the root, whatever stands in front of that. */
static const char *
place_of(const struct ctl_files *files, struct arena *arena, const char *path)
{
	const char *place = path + strlen(files->root);

	while (*place == '/')
		place++;
	return arena_string(arena, utf8_repair(arena, span_str(place)));
}

/* A directory that is come to; not the root. */
static void
enter(struct ctl_files *files, FTSENT *entry)
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

/* One step of the walk. ret_found->path NULL: nothing to put. */
static int
step(struct ctl_files *files, struct arena *arena, FTSENT *entry,
    struct ctl_found *ret_found)
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
walk_on(
    struct ctl_files *files, struct arena *arena, struct ctl_found *ret_found)
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

/* The next name in it; false: there is none. */
static bool
read_name(struct ctl_files *files, struct span *ret_name)
{
	ssize_t size;

	while ((size = getdelim(
		    &files->line, &files->room, files->end, files->list)) > 0) {
		if (files->line[size - 1] == (char)files->end)
			size--;
		*ret_name = span_of(files->line, (size_t)size);
		if (size > 0)
			return true;
	}
	return false;
}

static int
read_list(
    struct ctl_files *files, struct arena *arena, struct ctl_found *ret_found)
{
	struct stat status;
	struct span name;
	const char *path;

	if (!read_name(files, &name)) {
		int exit_code = CTL_OK;

		if (ferror(files->list))
			exit_code = ctl_fail(
			    "cannot read %.200s: %m", files->list_name);
		if (files->list != stdin)
			(void)fclose(files->list);
		files->list = NULL;
		return exit_code;
	}
	path = arena_string(arena, name);
	if (strlen(path) != name.size)
		return ctl_fail("%.200s: a name in it has a NUL; is --null "
				"missing, or too much?",
		    files->list_name);
	/* As find prints them, before what is in them. */
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

int
ctl_files_next(
    struct ctl_files *files, struct arena *arena, struct ctl_found *ret_found)
{
	int exit_code = CTL_OK;
	const char *path;

	*ret_found = (struct ctl_found){ 0 };
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
