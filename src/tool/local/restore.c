/* SPDX-License-Identifier: ISC */
/*
 * restore.c - artifactctl restore: a backup becomes the store.
 *
 * `format` comes first and data.mdb last: a `format` alone is refused by the
 * service, with the advice to restore a backup, and taken by us. So a restore
 * that was killed left nothing, or that, or all, and a service that is started
 * behind it makes no empty store where the old one should be.
 */

#include "copies.h"
#include "tool/output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE (UINT64_C(16) << 20)

/*
 * Open a file of a backup to be read. -1: errno says why not, EBADF that it
 * is no plain file, of which reading might never end.
 */
static int
open_plain(int directory, const char *name)
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

static bool
read_format(int backup, uint32_t *ret_format)
{
	char text[32] = "";
	int fd = open_plain(backup, "format");
	ssize_t size;

	if (fd < 0)
		return false;
	size = read(fd, text, sizeof(text) - 1);
	(void)close(fd); /* nothing was written */
	return size > 0 && sscanf(text, "artifactd %u\n", ret_format) == 1;
}

static int
open_backup(struct ctl_copy *copy, int backup)
{
	const char *path = copy->backup;
	struct stat file;
	uint32_t format = 0;
	struct ctl_local *local = &copy->local;
	int exit_code = ctl_local_is_theirs(local, backup)
			    ? ctl_local_become(local)
			    : CTL_OK;

	if (exit_code != CTL_OK)
		return exit_code;
	if (!read_format(backup, &format))
		return ctl_fail("%s/format is missing or says nothing of a "
				"format: this is no backup",
		    path);
	if (format != store_lmdb_format())
		return ctl_fail("%s is of format %u, and this version reads "
				"format %u: restore it with the version that "
				"made it",
		    path, format, store_lmdb_format());
	copy->source = open_plain(backup, "data.mdb");
	if (copy->source < 0 && errno == EBADF)
		return ctl_fail("%s/data.mdb is no plain file: this is no "
				"backup",
		    path);
	if (copy->source < 0 || fstat(copy->source, &file) != 0)
		return ctl_local_cannot(path, "data.mdb");
	copy->size = (uint64_t)file.st_size;
	return CTL_OK;
}

/* A directory of backups stands for the newest of them. */
static int
find_backup(struct ctl_copy *copy)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd, exit_code, directory = open(copy->backup, flags);
	const char **names;
	struct stat file;

	if (directory < 0)
		return ctl_local_cannot(copy->backup, "cannot be opened");
	if (fstatat(directory, "data.mdb", &file, 0) == 0 &&
	    fstatat(directory, "format", &file, 0) == 0) {
		fd = directory;
	} else if (ctl_copies_list(directory, "", copy->arena, &names) == 0) {
		(void)close(directory); /* nothing was written */
		return ctl_fail("%s holds no backup: there is no data.mdb in "
				"it, and no artifactd-<time>",
		    copy->backup);
	} else {
		copy->backup =
		    arena_printf(copy->arena, "%s/%s", copy->backup, names[0])
			.data;
		fd = openat(directory, names[0], flags);
		(void)close(directory); /* nothing was written */
	}
	if (fd < 0)
		return ctl_local_cannot(copy->backup, "cannot be opened");
	exit_code = open_backup(copy, fd);
	(void)close(fd); /* nothing was written */
	return exit_code;
}

/* A `format` where no data.mdb is yet. */
static int
keep_place(struct ctl_copy *copy)
{
	struct stat file;

	copy->has_made_format =
	    fstatat(copy->directory, "format", &file, 0) != 0;
	if (copy->has_made_format &&
	    (!store_lmdb_put_format(copy->directory, "format") ||
		fsync(copy->directory) != 0))
		return ctl_local_cannot(copy->path, "format");
	return CTL_OK;
}

static int
begin_restore(struct ctl_copy *copy)
{
	const char *path = copy->local.directory;
	struct stat file;
	int exit_code = ctl_copy_open_state_dir(copy, "restore" COPY_PARTIAL);

	if (exit_code != CTL_OK)
		return exit_code;
	if (flock(copy->directory, LOCK_EX | LOCK_NB) != 0)
		return ctl_local_in_use();
	copy->has_lock = true;
	if (fstatat(copy->directory, "data.mdb", &file, 0) == 0 &&
	    file.st_size != 0)
		return ctl_fail("%s holds a store already, which restore never "
				"overwrites. If it is not to be kept in use: "
				"mkdir %s.old && mv %s/*.mdb %s/format %s.old/",
		    path, path, path, path, path);
	if (!ctl_copy_remove(copy->directory, "restore" COPY_PARTIAL))
		return ctl_local_cannot(path, "restore" COPY_PARTIAL);
	if (ctl_copy_free_bytes(copy) < copy->size)
		return ctl_copy_no_room(copy, copy->size);
	exit_code = keep_place(copy);
	return exit_code == CTL_OK ? ctl_copy_begin(copy, "restore", 0)
				   : exit_code;
}

/* By sharing blocks where the file system can, else inside the kernel. */
static ssize_t
copy_piece(int from, int to, char *room)
{
	ssize_t size = copy_file_range(from, NULL, to, NULL, PIECE, 0);

	if (size >= 0 || (errno != EXDEV && errno != EINVAL &&
			     errno != ENOSYS && errno != EOPNOTSUPP))
		return size;
	size = read(from, room, PIECE);
	if (size > 0 && write(to, room, (size_t)size) != size)
		return -1;
	return size;
}

static bool
copy_data(struct ctl_copy *copy, int to)
{
	const struct ctl *ctl = copy->local.ctl;
	char *room = arena_room(ctl->arena, PIECE);
	struct ctl_progress progress;
	uint64_t done = 0;
	ssize_t size;

	ctl_progress_begin(&progress, ctl, "copy", copy->size);
	do {
		size = copy_piece(copy->source, to, room);
		done += size > 0 ? (uint64_t)size : 0;
		ctl_progress_at(&progress, done);
	} while (size > 0);
	ctl_progress_end(&progress);
	return size == 0 && done == copy->size && fsync(to) == 0;
}

static int
fill_restore(struct ctl_copy *copy)
{
	int fd = ctl_copy_make_data(copy);

	if (fd < 0)
		return CTL_FAILED;
	if (!copy_data(copy, fd)) {
		(void)ctl_local_cannot(copy->backup, "copying its data.mdb");
		(void)close(fd); /* it has failed already */
		return CTL_FAILED;
	}
	return ctl_copy_end_data(copy, fd, copy->size);
}

/* Each name is durable before the next one. */
static int
put_restored(struct ctl_copy *copy)
{
	int directory = copy->directory;

	/* Of the store that was here, and of one that never was. */
	(void)unlinkat(directory, "lock.mdb", 0);
	(void)unlinkat(directory, "format.new", 0);
	if (renameat(copy->fd, "format", directory, "format") != 0 ||
	    fsync(directory) != 0 ||
	    renameat(copy->fd, "data.mdb", directory, "data.mdb") != 0 ||
	    fsync(directory) != 0)
		return ctl_local_cannot(copy->path, "renaming");
	ctl_copy_drop(copy);
	return CTL_OK;
}

/* No place is kept, unless all is there, and only not durable. */
static void
leave_restore(void *object, bool is_damaged)
{
	const struct ctl_copy *copy = object;
	struct stat file;

	(void)is_damaged; /* nobody is told but who called */
	if (!copy->has_lock)
		return;
	if (copy->has_made_format &&
	    fstatat(copy->directory, "data.mdb", &file, 0) != 0)
		(void)unlinkat(copy->directory, "format", 0);
	ctl_copy_drop(copy);
}

static int
conclude_restore(struct ctl_copy *copy)
{
	struct ctl_row *row = ctl_row(copy->arena);

	ctl_row_text(row, "backup", span_str(copy->backup));
	ctl_row_text(row, "store", span_str(copy->path));
	ctl_row_number(row, "artifacts", copy->verify.artifacts);
	ctl_row_size(row, "bytes", copy->size);
	ctl_print_facts(copy->local.ctl, row);
	return CTL_OK;
}

static const struct ctl_copy_kind restoring = {
	.begin = begin_restore,
	.fill = fill_restore,
	.put = put_restored,
	.conclude = conclude_restore,
	.leave = leave_restore,
	.what = "and the backup takes",
	.advice = "",
};

static int
run_restore(struct ctl *ctl)
{
	struct ctl_copy copy;
	int exit_code = ctl_copy_load(ctl, &restoring, &copy);

	if (exit_code == CTL_OK)
		exit_code = ctl_mount_judge(
		    ctl->arena, copy.local.directory, "the store");
	if (exit_code != CTL_OK)
		return exit_code;
	copy.backup = ctl->operands[0];
	copy.source = -1;
	exit_code = find_backup(&copy);
	if (exit_code == CTL_OK)
		exit_code = ctl_local_become(&copy.local);
	if (exit_code != CTL_OK)
		return exit_code;
	copy.if_damaged = arena_printf(ctl->arena,
	    "%s is damaged, and was not restored: take an older backup",
	    copy.backup)
			      .data;
	return ctl_copy_make(&copy);
}

static const struct ctl_option restore_options[] = { { NULL, 0, NULL, NULL } };

const struct ctl_command ctl_command_restore = {
	.name = "restore",
	.summary = "Make a backup the store, where there is none",
	.operands = "DIR",
	.least = 1,
	.most = 1,
	.where = CTL_LOCAL,
	.options = restore_options,
	.details =
	    "DIR is a backup, or holds backups: then it is the newest one. "
	    "The\n"
	    "service has to be stopped. A store that is there is never\n"
	    "overwritten. The copy is verified before it gets its place; a\n"
	    "restore that was killed can be repeated.\n",
	.run = run_restore,
};
