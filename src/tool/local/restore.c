/* SPDX-License-Identifier: ISC */
/*
 * restore.c - artifactctl restore: a backup becomes the store.
 *
 * `format` comes first and data.mdb last, which is copied into
 * state_dir/restore.partial and verified there: a `format` alone is refused by
 * the service, with the advice to restore a backup, and taken by us. So a
 * restore that was killed left nothing, or that, or all, and a service that is
 * started behind it makes no empty store where the old one should be.
 */

#include "copies.h"
#include "mount.h"
#include "tool/output.h"
#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PARTIAL "restore" COPIES_PARTIAL
#define PIECE (UINT64_C(16) << 20)

/* Shared with the process that does it. */
struct restored {
	struct ctl_verify verify;
	bool has_made_format; /* the one in state_dir, to keep its place */
};

struct restoring {
	struct ctl_local *local;
	const char *path; /* of the backup */
	int source;	  /* its data.mdb */
	uint64_t size;
	int directory; /* state_dir, locked */
	struct restored *restored;
};

static int
cannot(const char *path, const char *what)
{
	return ctl_fail("%s: %s: %s", path, what, strerror(errno));
}

/* ---- which backup ---- */

static bool
read_format(int backup, uint32_t *ret_format)
{
	char text[32] = "";
	int fd = ctl_copies_open(backup, "format");
	ssize_t size;

	if (fd < 0)
		return false;
	size = read(fd, text, sizeof(text) - 1);
	(void)close(fd); /* nothing was written */
	return size > 0 && sscanf(text, "artifactd %u\n", ret_format) == 1;
}

static int
open_backup(struct restoring *restoring, int backup)
{
	const char *path = restoring->path;
	struct stat file;
	uint32_t format = 0;
	int exit_code = ctl_local_yield(restoring->local, backup);

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
	restoring->source = ctl_copies_open(backup, "data.mdb");
	if (restoring->source < 0 && errno == EBADF)
		return ctl_fail("%s/data.mdb is no plain file: this is no "
				"backup",
		    path);
	if (restoring->source < 0 || fstat(restoring->source, &file) != 0)
		return cannot(path, "data.mdb");
	restoring->size = (uint64_t)file.st_size;
	return CTL_OK;
}

/* A directory of backups stands for the newest of them. */
static int
find_backup(struct restoring *restoring, int directory)
{
	struct arena *arena = restoring->local->ctl->arena;
	const char **names;
	int backup, exit_code;

	if (ctl_copies_is_one(directory))
		return open_backup(restoring, directory);
	if (ctl_copies_list(directory, arena, &names) == 0)
		return ctl_fail("%s holds no backup: there is no data.mdb in "
				"it, and no artifactd-<time>",
		    restoring->path);
	restoring->path =
	    arena_printf(arena, "%s/%s", restoring->path, names[0]).data;
	backup =
	    openat(directory, names[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (backup < 0)
		return cannot(restoring->path, "cannot be opened");
	exit_code = open_backup(restoring, backup);
	(void)close(backup); /* nothing was written */
	return exit_code;
}

/* ---- into the store's place, as its user ---- */

static int
lock_directory(struct restoring *restoring)
{
	struct ctl_local *local = restoring->local;

	restoring->directory =
	    open(local->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (restoring->directory < 0)
		return cannot(local->directory, "cannot be opened");
	if (flock(restoring->directory, LOCK_EX | LOCK_NB) != 0)
		return ctl_local_in_use();
	return CTL_OK;
}

static int
refuse_to_overwrite(const struct restoring *restoring)
{
	const char *directory = restoring->local->directory;
	struct stat file;

	if (fstatat(restoring->directory, "data.mdb", &file, 0) != 0 ||
	    file.st_size == 0)
		return CTL_OK;
	return ctl_fail("%s holds a store already, which restore never "
			"overwrites. If it is not to be kept in use: "
			"mkdir %s.old && mv %s/*.mdb %s/format %s.old/",
	    directory, directory, directory, directory, directory);
}

static int
judge_room(const struct restoring *restoring)
{
	struct statvfs disk;
	uint64_t bytes = 0;

	if (fstatvfs(restoring->directory, &disk) == 0)
		bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (bytes >= restoring->size)
		return CTL_OK;
	return ctl_fail("%s has %llu bytes free, and the backup takes %llu",
	    restoring->local->directory, (unsigned long long)bytes,
	    (unsigned long long)restoring->size);
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
copy_data(struct restoring *restoring, int to)
{
	const struct ctl *ctl = restoring->local->ctl;
	char *room = arena_room(ctl->arena, PIECE);
	struct ctl_progress progress;
	uint64_t done = 0;
	ssize_t size;

	ctl_progress_begin(&progress, ctl, "copy", restoring->size);
	do {
		size = copy_piece(restoring->source, to, room);
		done += size > 0 ? (uint64_t)size : 0;
		ctl_progress_at(&progress, done);
	} while (size > 0);
	ctl_progress_end(&progress);
	return size == 0 && done == restoring->size && fsync(to) == 0;
}

static int
copy_in(struct restoring *restoring, int partial)
{
	int fd = openat(
	    partial, "data.mdb", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return cannot(PARTIAL, "data.mdb");
	if (!copy_data(restoring, fd)) {
		(void)cannot(restoring->path, "copying its data.mdb");
		(void)close(fd); /* it has failed already */
		return CTL_FAILED;
	}
	if (close(fd) != 0)
		return cannot(PARTIAL, "data.mdb");
	if (!store_lmdb_put_format(partial, "format") || fsync(partial) != 0)
		return cannot(PARTIAL, "format");
	return CTL_OK;
}

static int
verify(struct restoring *restoring)
{
	struct ctl_local *local = restoring->local;
	const char *path =
	    arena_printf(local->ctl->arena, "%s/" PARTIAL, local->directory)
		.data;
	int exit_code = ctl_verify_copy(path, &restoring->restored->verify);

	if (exit_code == CTL_INTEGRITY)
		(void)ctl_fail("%s is damaged, and was not restored: take an "
			       "older backup",
		    restoring->path);
	return exit_code;
}

/* A `format` where no data.mdb is yet. */
static int
keep_place(const struct restoring *restoring)
{
	struct restored *restored = restoring->restored;
	int directory = restoring->directory;
	struct stat file;

	restored->has_made_format = fstatat(directory, "format", &file, 0) != 0;
	if (restored->has_made_format &&
	    (!store_lmdb_put_format(directory, "format") ||
		fsync(directory) != 0))
		return cannot(restoring->local->directory, "format");
	return CTL_OK;
}

/* No place is kept, unless all is there, and only not durable. */
static void
leave(const struct restoring *restoring)
{
	int directory = restoring->directory;
	struct stat file;

	if (restoring->restored->has_made_format &&
	    fstatat(directory, "data.mdb", &file, 0) != 0)
		(void)unlinkat(directory, "format", 0);
	/* Else the next one removes it. */
	(void)!ctl_copies_remove(directory, PARTIAL);
}

/* Each name is durable before the next one. */
static int
put_in_place(const struct restoring *restoring, int partial)
{
	int directory = restoring->directory;

	/* Of the store that was here, and of one that never was. */
	(void)unlinkat(directory, "lock.mdb", 0);
	(void)unlinkat(directory, "format.new", 0);
	if (renameat(partial, "format", directory, "format") != 0 ||
	    fsync(directory) != 0 ||
	    renameat(partial, "data.mdb", directory, "data.mdb") != 0 ||
	    fsync(directory) != 0)
		return cannot(restoring->local->directory, "renaming");
	return CTL_OK;
}

static int
fill_partial(struct restoring *restoring)
{
	int exit_code, partial;

	if (mkdirat(restoring->directory, PARTIAL, 0700) != 0)
		return cannot(restoring->local->directory, PARTIAL);
	partial = openat(
	    restoring->directory, PARTIAL, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (partial < 0)
		return cannot(restoring->local->directory, PARTIAL);
	exit_code = copy_in(restoring, partial);
	if (exit_code == CTL_OK)
		exit_code = verify(restoring);
	if (exit_code == CTL_OK)
		exit_code = put_in_place(restoring, partial);
	(void)close(partial); /* nothing is to be written */
	return exit_code;
}

static int
restore(void *object)
{
	struct restoring *restoring = object;
	int exit_code;

	(void)umask(0077); /* returns the old one */
	exit_code = lock_directory(restoring);
	if (exit_code == CTL_OK)
		exit_code = refuse_to_overwrite(restoring);
	if (exit_code != CTL_OK)
		return exit_code;
	if (!ctl_copies_remove(restoring->directory, PARTIAL))
		return cannot(restoring->local->directory, PARTIAL);
	exit_code = judge_room(restoring);
	if (exit_code == CTL_OK)
		exit_code = keep_place(restoring);
	if (exit_code == CTL_OK)
		exit_code = fill_partial(restoring);
	leave(restoring);
	return exit_code;
}

/* What the process left that was ended in it, if the place is still ours. */
static int
clean_up(void *object)
{
	struct restoring *restoring = object;

	restoring->directory = open(
	    restoring->local->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (restoring->directory < 0)
		return CTL_FAILED;
	if (flock(restoring->directory, LOCK_EX | LOCK_NB) == 0)
		leave(restoring);
	(void)close(restoring->directory); /* lets go of the lock */
	return CTL_OK;
}

/* ---- the command ---- */

static void
print_result(const struct restoring *restoring)
{
	const struct ctl *ctl = restoring->local->ctl;
	struct ctl_row *row = ctl_row(ctl->arena);

	ctl_row_text(row, "backup", span_str(restoring->path));
	ctl_row_text(row, "store", span_str(restoring->local->directory));
	ctl_row_number(row, "artifacts", restoring->restored->verify.artifacts);
	ctl_row_size(row, "bytes", restoring->size);
	ctl_print_facts(ctl, row);
}

static int
restore_or_leave(struct restoring *restoring)
{
	struct ctl_local *local = restoring->local;
	int exit_code;

	ctl_local_hold();
	exit_code = ctl_local_run(local, restore, restoring, NULL);
	if (exit_code == CTL_OK)
		print_result(restoring);
	else
		/* It has failed already. */
		(void)!ctl_local_run_last(local, clean_up, restoring);
	ctl_local_let_go();
	return exit_code;
}

static int
run(struct ctl *ctl)
{
	struct ctl_local local;
	struct restoring restoring = {
		.local = &local, .path = ctl->operands[0], .source = -1
	};
	int directory, exit_code;

	exit_code = ctl_local_load(ctl, &local);
	if (exit_code == CTL_OK)
		exit_code =
		    ctl_mount_judge(ctl->arena, local.directory, "the store");
	if (exit_code != CTL_OK)
		return exit_code;
	directory = open(restoring.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return cannot(restoring.path, "cannot be opened");
	restoring.restored = ctl_shared(sizeof(*restoring.restored));
	restoring.restored->verify = (struct ctl_verify){
		.ctl = ctl, .what = "verification", .is_deep = true
	};
	exit_code = find_backup(&restoring, directory);
	if (exit_code == CTL_OK)
		exit_code = restore_or_leave(&restoring);
	if (restoring.source >= 0)
		(void)close(restoring.source); /* nothing was written */
	(void)close(directory);
	return exit_code;
}

static const struct ctl_option options[] = { { NULL, 0, NULL, NULL } };

const struct ctl_command ctl_command_restore = {
	.name = "restore",
	.summary = "Make a backup the store, where there is none",
	.operands = "DIR",
	.least = 1,
	.most = 1,
	.where = CTL_LOCAL,
	.options = options,
	.details =
	    "DIR is a backup, or holds backups: then it is the newest one. "
	    "The\n"
	    "service has to be stopped. A store that is there is never\n"
	    "overwritten. The copy is verified before it gets its place; a\n"
	    "restore that was killed can be repeated.\n",
	.run = run,
};
