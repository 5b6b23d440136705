/* SPDX-License-Identifier: ISC */
/* copies.c - a directory of backups: names, and what is left of some. */

#include "copies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Digits stand for any. */
static const char pattern[] = "artifactd-00000000T000000Z";

/* What a copy consists of, and what opening it may have left there. */
static const char *const files[] = { "data.mdb", "format", "format.new",
	"lock.mdb" };

void
ctl_copies_name(char ret_name[COPIES_NAME])
{
	time_t now = time(NULL);
	struct tm parts;

	(void)gmtime_r(&now, &parts); /* fails in the year 2^31 */
	(void)strftime(
	    ret_name, COPIES_NAME, "artifactd-%Y%m%dT%H%M%SZ", &parts);
}

/* Does it begin like the name of a backup? Then *ret_rest is what follows. */
static bool
has_stamp(const char *name, const char **ret_rest)
{
	size_t i;

	for (i = 0; pattern[i] != '\0'; i++)
		if (pattern[i] == '0' ? !ascii_is_digit(name[i])
				      : name[i] != pattern[i])
			return false;
	*ret_rest = name + i;
	return true;
}

bool
ctl_copies_is_one(int directory)
{
	struct stat file;

	return fstatat(directory, "data.mdb", &file, 0) == 0 &&
	       fstatat(directory, "format", &file, 0) == 0;
}

int
ctl_copies_open(int directory, const char *name)
{
	/* What is a pipe would otherwise wait for somebody who writes. */
	int fd = openat(directory, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat file;

	if (fd < 0 || (fstat(fd, &file) == 0 && S_ISREG(file.st_mode)))
		return fd;
	(void)close(fd); /* nothing was written */
	errno = EBADF;
	return -1;
}

static int
newest_first(const void *one, const void *other)
{
	return -strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* Names that end so behind their stamp, in no order; false: see errno. */
static bool
list(int directory, const char *end, struct arena *arena,
    const char ***ret_names, size_t *ret_count)
{
	const char **names = NULL;
	const char *rest;
	struct dirent *entry;
	size_t count = 0;
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (stream == NULL)
		return false;
	while ((entry = readdir(stream)) != NULL) {
		if (!has_stamp(entry->d_name, &rest) || strcmp(rest, end) != 0)
			continue;
		names = arena_resize(arena, names, count * sizeof(*names),
		    (count + 1) * sizeof(*names));
		names[count++] = arena_string(arena, span_str(entry->d_name));
	}
	(void)closedir(stream); /* nothing was written */
	*ret_names = names;
	*ret_count = count;
	return true;
}

size_t
ctl_copies_list(int directory, struct arena *arena, const char ***ret_names)
{
	size_t count = 0;

	if (!list(directory, "", arena, ret_names, &count) || count == 0)
		return 0;
	qsort(*ret_names, count, sizeof(**ret_names), newest_first);
	return count;
}

bool
ctl_copies_remove(int directory, const char *name)
{
	size_t i;
	int fd = openat(
	    directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT;
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlinkat(fd, files[i], 0); /* or rmdir fails */
	(void)close(fd);			 /* nothing was written */
	return unlinkat(directory, name, AT_REMOVEDIR) == 0;
}

bool
ctl_copies_delete(int directory, const char *name)
{
	char partial[COPIES_PARTIAL_NAME];

	(void)snprintf(partial, sizeof(partial), "%s" COPIES_PARTIAL, name);
	return renameat(directory, name, directory, partial) == 0 &&
	       ctl_copies_remove(directory, partial);
}

bool
ctl_copies_clear(int directory)
{
	struct arena *arena = arena_open();
	const char **names;
	size_t count, i;
	bool is_clear = list(directory, COPIES_PARTIAL, arena, &names, &count);

	for (i = 0; is_clear && i < count; i++)
		is_clear = ctl_copies_remove(directory, names[i]);
	arena_close(arena);
	return is_clear;
}
