/* SPDX-License-Identifier: ISC */
/*
 * copies.c - what artifactctl backup, restore and compact share: the story,
 * the partial directory, and the directory of backups.
 */

#include "copies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* ---- the partial directory ---- */

bool
ctl_copy_remove(int directory, const char *name)
{
	/* What a copy consists of, and what opening it may have left there. */
	static const char *const files[] = { "data.mdb", "format", "format.new",
		"lock.mdb" };
	size_t i;
	int fd = openat(
	    directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT;
	for (i = 0; i < COUNT_OF(files); i++)
		(void)unlinkat(fd, files[i], 0); /* or rmdir fails */
	(void)close(fd);			 /* nothing was written */
	return unlinkat(directory, name, AT_REMOVEDIR) == 0;
}

void
ctl_copy_drop(const struct ctl_copy *copy)
{
	if (copy->partial[0] != '\0')
		/* Else the next command removes it. */
		(void)!ctl_copy_remove(copy->directory, copy->partial);
}

uint64_t
ctl_copy_free_bytes(const struct ctl_copy *copy)
{
	struct statvfs disk;

	if (fstatvfs(copy->directory, &disk) != 0)
		return 0;
	return (uint64_t)disk.f_bavail * disk.f_frsize;
}

int
ctl_copy_no_room(const struct ctl_copy *copy, uint64_t needed)
{
	return ctl_fail("%s has %llu bytes free, %s %llu%s",
	    copy->path, (unsigned long long)ctl_copy_free_bytes(copy),
	    copy->kind->what, (unsigned long long)needed, copy->kind->advice);
}

int
ctl_copy_begin(struct ctl_copy *copy, const char *name, uint64_t needed)
{
	if (ctl_copy_free_bytes(copy) < needed)
		return ctl_copy_no_room(copy, needed);
	(void)snprintf(copy->partial, sizeof(copy->partial), "%s" COPY_PARTIAL,
	    name); /* they fit */
	if (mkdirat(copy->directory, copy->partial, 0700) != 0)
		return ctl_local_cannot(copy->path, copy->partial);
	copy->fd = openat(copy->directory, copy->partial,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return copy->fd >= 0 ? CTL_OK
			     : ctl_local_cannot(copy->path, copy->partial);
}

int
ctl_copy_make_data(const struct ctl_copy *copy)
{
	int fd = openat(copy->fd, "data.mdb",
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		(void)ctl_local_cannot(copy->partial, "data.mdb");
	return fd;
}

int
ctl_copy_end_data(const struct ctl_copy *copy, int fd, uint64_t needed)
{
	if (close(fd) != 0)
		return ctl_local_cannot(copy->partial, "data.mdb");
	if (store_lmdb_put_format(copy->fd, "format") && fsync(copy->fd) == 0)
		return CTL_OK;
	return errno == ENOSPC ? ctl_copy_no_room(copy, needed)
			       : ctl_local_cannot(copy->partial, "format");
}

static void
show_copy(void *object)
{
	struct ctl_copy *copy = object;
	struct stat file;

	if (fstatat(copy->fd, "data.mdb", &file, 0) == 0)
		ctl_progress_at(&copy->progress, (uint64_t)file.st_size);
}

/* LMDB copies without a word: another process looks how far it is. */
void
ctl_copy_watch(struct ctl_copy *copy, bool is_reader, uint64_t total)
{
	const struct ctl *ctl = copy->local.ctl;

	ctl_progress_begin(&copy->progress, ctl, "copy", total);
	ctl_local_watch(is_reader, ctl->is_watched ? show_copy : NULL, copy);
}

void
ctl_copy_unwatch(const struct ctl_copy *copy)
{
	ctl_local_unwatch();
	if (copy->local.ctl->is_watched)
		fputs("\r\033[K", stderr); /* it may have shown something */
}

static int
verify(struct ctl_copy *copy)
{
	struct store *store;
	char error[256] = "";
	enum result result =
	    store_lmdb_open_copy(copy->partial_path, error, &store);
	int exit_code;

	if (result != RESULT_OK)
		return ctl_local_refusal(
		    result, arena_printf(copy->arena,
				"the copy cannot be opened: %s", error)
				.data);
	exit_code = ctl_verify(store, &copy->verify);
	store_close(store);
	return exit_code;
}

/* ---- the story ---- */

int
ctl_copy_make(struct ctl_copy *copy)
{
	const struct ctl_copy_kind *kind = copy->kind;
	int exit_code;

	(void)umask(0077); /* returns the old one */
	ctl_local_guard(&(struct ctl_ending){ .local = &copy->local,
	    .clean_up = kind->leave,
	    .object = copy,
	    .if_damaged = copy->if_damaged });
	exit_code = kind->begin(copy);
	if (exit_code == CTL_OK)
		exit_code = kind->fill(copy);
	if (exit_code == CTL_OK)
		exit_code = verify(copy);
	if (exit_code == CTL_INTEGRITY && copy->fd >= 0)
		(void)ctl_fail("%s", copy->if_damaged);
	ctl_local_hold();
	if (exit_code == CTL_OK)
		exit_code = kind->put(copy);
	if (exit_code == CTL_OK)
		exit_code = kind->conclude(copy);
	else
		kind->leave(copy, exit_code == CTL_INTEGRITY);
	if (copy->store != NULL)
		store_close(copy->store); /* its lock too: not before */
	ctl_local_let_go();
	return exit_code;
}

int
ctl_copy_load(const struct ctl *ctl, const struct ctl_copy_kind *kind,
    struct ctl_copy *ret_copy)
{
	*ret_copy = (struct ctl_copy){ .kind = kind,
		.arena = ctl->arena,
		.directory = -1,
		.fd = -1,
		.verify = {
		    .ctl = ctl, .what = "verification", .is_deep = true } };
	return ctl_local_load(ctl, &ret_copy->local);
}

int
ctl_copy_open_state_dir(struct ctl_copy *copy, const char *partial)
{
	copy->path = copy->local.directory;
	copy->partial_path =
	    arena_printf(copy->arena, "%s/%s", copy->path, partial).data;
	copy->directory = open(copy->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return copy->directory >= 0
		   ? CTL_OK
		   : ctl_local_cannot(copy->path, "cannot be opened");
}

/* ---- a directory of backups ---- */

/* Digits stand for any. */
static const char pattern[] = "artifactd-00000000T000000Z";

void
ctl_copies_name(char ret_name[COPY_NAME_ROOM])
{
	time_t now = time(NULL);
	struct tm parts;

	(void)gmtime_r(&now, &parts); /* fails in the year 2^31 */
	(void)strftime(
	    ret_name, COPY_NAME_ROOM, "artifactd-%Y%m%dT%H%M%SZ", &parts);
}

/* Is it such a name, and end behind it? */
static bool
is_named(const char *name, const char *end)
{
	size_t i;

	for (i = 0; pattern[i] != '\0'; i++)
		if (pattern[i] == '0' ? !ascii_is_digit(name[i])
				      : name[i] != pattern[i])
			return false;
	return strcmp(name + i, end) == 0;
}

static int
newest_first(const void *one, const void *other)
{
	return -strcmp(*(const char *const *)one, *(const char *const *)other);
}

size_t
ctl_copies_list(int directory, const char *end, struct arena *arena,
    const char ***ret_names)
{
	const char **names = NULL;
	struct dirent *entry;
	size_t count = 0;
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);

	if (stream == NULL)
		return 0;
	while ((entry = readdir(stream)) != NULL) {
		if (!is_named(entry->d_name, end))
			continue;
		names = arena_resize(arena, names, count * sizeof(*names),
		    (count + 1) * sizeof(*names));
		names[count++] = arena_string(arena, span_str(entry->d_name));
	}
	(void)closedir(stream); /* nothing was written */
	if (count > 0)
		qsort(names, count, sizeof(*names), newest_first);
	*ret_names = names;
	return count;
}
