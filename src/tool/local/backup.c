/* SPDX-License-Identifier: ISC */
/*
 * backup.c - artifactctl backup: a copy of the store, beside a service or not,
 * that gets its name when it is whole; and which older ones go.
 *
 *	artifactd-20261125T170000Z/           a backup: data.mdb and format
 *	artifactd-20261125T180000Z.partial/   none yet, or none any more
 */

#include "copies.h"
#include "tool/output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_EVERY_US 50000
#define KEEP_MOST 1000000

static bool
is_state_dir(const struct ctl_local *local, int directory)
{
	struct stat one, other;

	return fstat(directory, &one) == 0 &&
	       stat(local->directory, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

/*
 * Open the directory of backups, and become the store's user: for good if it
 * is theirs, for now if only root may name a backup there. One backup at a
 * time works in it; not every network file system has locks, but names do not
 * clash.
 */
static int
open_backups(struct ctl_copy *copy)
{
	struct ctl_local *local = &copy->local;
	const char *path = copy->path;
	int exit_code = ctl_mount_judge(local->ctl->arena, path, "the backup");

	if (exit_code != CTL_OK)
		return exit_code;
	copy->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (copy->directory < 0 && errno == ENOENT)
		return ctl_fail("there is no directory %s: is its disk "
				"mounted? If it is, make it: install -d -m "
				"0700 -o %s %s",
		    path, local->user, path);
	if (copy->directory < 0)
		return ctl_local_cannot(path, "cannot be opened");
	if (is_state_dir(local, copy->directory))
		return ctl_fail("%s is the store itself: name a directory "
				"elsewhere, on another disk",
		    path);
	return ctl_local_is_theirs(local, copy->directory)
		   ? ctl_local_become(local)
		   : ctl_local_become_for_now(local);
}

/* Names are of seconds: a second backup in the same one waits. */
static void
name_backup(struct ctl_copy *copy)
{
	struct stat file;

	ctl_copies_name(copy->name);
	while (fstatat(copy->directory, copy->name, &file,
		   AT_SYMLINK_NOFOLLOW) == 0) {
		(void)usleep(LOOK_EVERY_US); /* shorter does no harm */
		ctl_copies_name(copy->name);
	}
}

static uint64_t
store_size(const struct ctl_local *local)
{
	struct span path =
	    arena_printf(local->ctl->arena, "%s/data.mdb", local->directory);
	struct stat file;

	return stat(path.data, &file) == 0 ? (uint64_t)file.st_size : 0;
}

/* Root makes the directory of the copy, and gives it to the store's user. */
static int
begin_backup(struct ctl_copy *copy)
{
	const struct ctl_local *local = &copy->local;
	const char **names;
	size_t i;
	int exit_code = CTL_OK;

	ctl_local_as_root(local);
	for (i = ctl_copies_list(
		 copy->directory, COPY_PARTIAL, copy->arena, &names);
	     i-- > 0;)
		if (!ctl_copy_remove(copy->directory, names[i]))
			exit_code = ctl_local_cannot(copy->path,
			    "an unfinished backup that cannot be removed");
	if (exit_code == CTL_OK) {
		name_backup(copy);
		exit_code = ctl_copy_begin(copy, copy->name, store_size(local));
	}
	if (exit_code == CTL_OK &&
	    (fchmod(copy->fd, 0700) != 0 ||
		(local->may_return &&
		    fchown(copy->fd, local->uid, local->gid) != 0)))
		exit_code = ctl_local_cannot(copy->path, copy->partial);
	ctl_local_as_user(local);
	return exit_code;
}

static int
copy_store(struct ctl_copy *copy, struct store *store)
{
	char error[256] = "";
	enum result result;
	int fd = ctl_copy_make_data(copy);

	if (fd < 0)
		return CTL_FAILED;
	result = store_lmdb_copy(store, fd, error);
	if (result == RESULT_OK)
		return ctl_copy_end_data(copy, fd, store_lmdb_size(store));
	(void)close(fd); /* it has failed already */
	return result == RESULT_NO_SPACE
		   ? ctl_copy_no_room(copy, store_lmdb_size(store))
		   : ctl_local_refusal(result, error);
}

static int
fill_backup(struct ctl_copy *copy)
{
	struct store *store;
	int exit_code;

	ctl_copy_watch(copy, true, store_size(&copy->local));
	exit_code = ctl_local_open_reader(&copy->local, &store);
	if (exit_code == CTL_OK) {
		exit_code = copy_store(copy, store);
		store_close(store);
	}
	ctl_copy_unwatch(copy);
	/* The one path that is open to the user whatever is above it. */
	copy->partial_path = ".";
	if (exit_code == CTL_OK && fchdir(copy->fd) != 0)
		exit_code =
		    ctl_local_cannot(copy->partial, "cannot be entered");
	return exit_code;
}

/* As root, from when relative paths are again of where they were. Safe in a
 * handler of signals. */
static void
return_here(const struct ctl_copy *copy)
{
	ctl_local_as_root(&copy->local);
	(void)!fchdir(copy->here); /* fails where only root may be */
}

static int
name_copy(struct ctl_copy *copy)
{
	struct stat file;
	int exit_code = CTL_OK;

	return_here(copy);
	if (fstatat(copy->fd, "data.mdb", &file, 0) == 0)
		copy->note.bytes = (uint64_t)file.st_size;
	copy->note.place =
	    ctl_mount_is_shared(copy->path, copy->local.directory)
		? NOTE_PLACE_SHARED
		: NOTE_PLACE_OTHER;
	if (renameat(copy->directory, copy->partial, copy->directory,
		copy->name) != 0 ||
	    fsync(copy->directory) != 0)
		exit_code = ctl_local_cannot(copy->path, copy->name);
	ctl_local_as_user(&copy->local);
	return exit_code;
}

static void
leave_backup(void *object, bool is_damaged)
{
	struct ctl_copy *copy = object;

	return_here(copy);
	ctl_copy_drop(copy);
	ctl_local_as_user(&copy->local);
	copy->note.problems = copy->verify.problems;
	if (is_damaged && copy->note.problems == 0)
		copy->note.problems = 1; /* it could not even be read */
	/* That there is no backup has been said. */
	(void)!ctl_note(&copy->local, NOTE_BACKUP, copy->began, &copy->note);
}

/*
 * This backup stays, also where others have names of a later time: the clock
 * was wrong then, or is now. A backup loses its name before its first file
 * goes.
 */
static int
delete_older(const struct ctl_copy *copy, uint64_t *ret_deleted)
{
	char partial[COPY_PARTIAL_ROOM];
	const char **names;
	uint64_t kept = 1;
	size_t i,
	    count = ctl_copies_list(copy->directory, "", copy->arena, &names);

	for (i = 0; copy->keep != 0 && i < count; i++) {
		if (strcmp(names[i], copy->name) == 0 || kept++ < copy->keep)
			continue;
		(void)snprintf(partial, sizeof(partial), "%s" COPY_PARTIAL,
		    names[i]); /* they fit */
		if (renameat(copy->directory, names[i], copy->directory,
			partial) != 0 ||
		    !ctl_copy_remove(copy->directory, partial))
			return ctl_fail("%s/%s cannot be deleted: %s",
			    copy->path, names[i], strerror(errno));
		++*ret_deleted;
	}
	return CTL_OK;
}

static int
conclude_backup(struct ctl_copy *copy)
{
	struct ctl_row *row = ctl_row(copy->arena);
	uint64_t count = 0;
	int noted, deleted;

	copy->note.is_ok = true;
	noted =
	    ctl_keep_note(&copy->local, NOTE_BACKUP, copy->began, &copy->note);
	ctl_local_as_root(&copy->local);
	deleted = delete_older(copy, &count);
	ctl_local_as_user(&copy->local);
	ctl_row_text(row, "backup",
	    arena_printf(copy->arena, "%s/%s", copy->path, copy->name));
	ctl_row_number(row, "artifacts", copy->verify.artifacts);
	ctl_row_size(row, "bytes", copy->note.bytes);
	ctl_row_number(row, "deleted", count);
	ctl_print_facts(copy->local.ctl, row);
	return noted != CTL_OK ? noted : deleted;
}

static void
print_act(struct ctl_output *output, const struct ctl_copy *copy,
    const char *act, const char *name)
{
	struct ctl_row *row = ctl_row(copy->arena);

	ctl_row_text(row, "would", span_str(act));
	ctl_row_text(row, "backup",
	    arena_printf(copy->arena, "%s/%s", copy->path, name));
	ctl_output_row(output, row);
}

static int
dry_run(struct ctl_copy *copy)
{
	struct ctl_output *output = ctl_output_open(copy->local.ctl);
	const char **names;
	size_t count, i;

	ctl_copies_name(copy->name);
	print_act(output, copy, "make", copy->name);
	ctl_local_as_root(&copy->local);
	count = ctl_copies_list(copy->directory, "", copy->arena, &names);
	for (i = copy->keep - 1; copy->keep != 0 && i < count; i++)
		print_act(output, copy, "delete", names[i]);
	ctl_output_close(output);
	return CTL_WOULD_CHANGE;
}

static const struct ctl_copy_kind backing_up = {
	.begin = begin_backup,
	.fill = fill_backup,
	.put = name_copy,
	.conclude = conclude_backup,
	.leave = leave_backup,
	.what = "and the backup takes",
	.advice = ": make room, or keep fewer backups",
};

static int
run_backup(struct ctl *ctl)
{
	struct ctl_copy copy;
	uint64_t keep = 0;
	int exit_code = ctl_number(ctl, "keep", 1, KEEP_MOST, &keep);

	if (exit_code == CTL_OK)
		exit_code = ctl_copy_load(ctl, &backing_up, &copy);
	if (exit_code == CTL_OK && !ctl_local_has_store(&copy.local))
		exit_code = ctl_local_no_store(&copy.local);
	if (exit_code != CTL_OK)
		return exit_code;
	copy.path = ctl->operands[0];
	copy.keep = keep;
	copy.here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	copy.began = moment_now();
	copy.if_damaged =
	    "the copy is not whole, so that the store is not either, and no "
	    "backup was made: see artifactctl check --deep, and keep the "
	    "backups that there are";
	exit_code = open_backups(&copy);
	if (exit_code != CTL_OK) {
		if (ctl_local_become(&copy.local) == CTL_OK)
			(void)!ctl_keep_note(
			    &copy.local, NOTE_BACKUP, copy.began, &copy.note);
		return exit_code;
	}
	if (flock(copy.directory, LOCK_EX | LOCK_NB) != 0 &&
	    errno == EWOULDBLOCK)
		return ctl_fail("another backup into %s is running", copy.path);
	return ctl_has(ctl, "dry-run") ? dry_run(&copy) : ctl_copy_make(&copy);
}

static const struct ctl_option backup_options[] = {
	{ "keep", 0, "N",
	    "then delete older backups, so that N are left with this one" },
	{ "dry-run", 0, NULL, "only say what would be made and deleted" },
	{ NULL, 0, NULL, NULL },
};

const struct ctl_command ctl_command_backup = {
	.name = "backup",
	.summary = "Copy the store, beside a service that runs, and verify it",
	.operands = "DIR",
	.least = 1,
	.most = 1,
	.where = CTL_LOCAL,
	.options = backup_options,
	.details =
	    "The backup is a directory in DIR, artifactd-<time>, that has its\n"
	    "name only when it is whole, on disk and verified. While the copy "
	    "is\n"
	    "made data.mdb grows by what the service writes meanwhile. The\n"
	    "result is kept in state_dir/last-backup, for status and "
	    "/metrics.\n",
	.run = run_backup,
};
