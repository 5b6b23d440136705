/* SPDX-License-Identifier: ISC */
/*
 * backup_make.c - one backup: copied by a process of its own, verified by
 * another, then named (doc/rules.md 14).
 *
 * Both are the store's user, who need not be able to write where the backups
 * go: root makes the directory of this one, gives it to that user, and names
 * it. It stays that user's.
 */

#include "backup.h"
#include "mount.h"
#include "config/note.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LOOK_EVERY_US 50000

struct making {
	struct ctl_backup *backup;
	char partial[COPIES_PARTIAL_NAME];
	int copy; /* its directory, open */
	struct ctl_progress progress;
	struct ctl_verify *verify; /* shared */
};

/* ---- where they go ---- */

static int
cannot(const char *path, const char *what)
{
	return ctl_fail("%s: %s: %s", path, what, strerror(errno));
}

static bool
is_state_dir(const struct ctl_local *local, int directory)
{
	struct stat one, other;

	return fstat(directory, &one) == 0 &&
	       stat(local->directory, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int
open_directory(struct ctl_backup *backup)
{
	const char *path = backup->path;

	backup->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (backup->directory < 0 && errno == ENOENT)
		return ctl_fail("there is no directory %s: is its disk "
				"mounted? If it is, make it: install -d -m "
				"0700 -o %s %s",
		    path, backup->local->user, path);
	if (backup->directory < 0)
		return cannot(path, "cannot be opened");
	if (is_state_dir(backup->local, backup->directory))
		return ctl_fail("%s is the store itself: name a directory "
				"elsewhere, on another disk",
		    path);
	return ctl_local_yield(backup->local, backup->directory);
}

/* Not every network file system has locks; the names do not clash. */
static bool
is_in_use(const struct ctl_backup *backup)
{
	return backup->directory >= 0 &&
	       flock(backup->directory, LOCK_EX | LOCK_NB) != 0 &&
	       errno == EWOULDBLOCK;
}

int
ctl_backup_open(
    struct ctl_local *local, const char *path, struct ctl_backup *ret_backup)
{
	struct note note = { .is_ok = false };
	int exit_code;

	*ret_backup = (struct ctl_backup){ .local = local, .path = path };
	exit_code = ctl_mount_judge(local->ctl->arena, path, "the backup");
	if (exit_code == CTL_OK)
		exit_code = open_directory(ret_backup);
	if (exit_code == CTL_OK && is_in_use(ret_backup))
		return ctl_fail("another backup into %s is running", path);
	if (exit_code != CTL_OK)
		(void)!ctl_keep_note(local, NOTE_BACKUP, moment_now(), &note);
	return exit_code;
}

void
ctl_backup_close(struct ctl_backup *backup)
{
	if (backup->directory >= 0)
		(void)close(backup->directory); /* lets go of the lock */
	backup->directory = -1;
}

/* ---- room ---- */

static uint64_t
store_size(const struct ctl_local *local)
{
	struct span path =
	    arena_printf(local->ctl->arena, "%s/data.mdb", local->directory);
	struct stat file;

	return stat(path.data, &file) == 0 ? (uint64_t)file.st_size : 0;
}

static uint64_t
free_bytes(int directory)
{
	struct statvfs disk;

	if (fstatvfs(directory, &disk) != 0)
		return 0;
	return (uint64_t)disk.f_bavail * disk.f_frsize;
}

static int
no_room(const struct ctl_backup *backup, uint64_t needed)
{
	return ctl_fail("%s has %llu bytes free, and the backup takes %llu: "
			"make room, or keep fewer backups",
	    backup->path, (unsigned long long)free_bytes(backup->directory),
	    (unsigned long long)needed);
}

/* ---- the copy ---- */

static int
copy_store(struct making *making, struct store *store)
{
	struct ctl_backup *backup = making->backup;
	char error[256] = "";
	enum result result;
	int fd = openat(making->copy, "data.mdb",
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return cannot(making->partial, "data.mdb");
	result = store_lmdb_copy(store, fd, error);
	if (close(fd) != 0 && result == RESULT_OK)
		return cannot(making->partial, "data.mdb");
	if (result == RESULT_NO_SPACE)
		return no_room(backup, store_lmdb_size(store));
	if (result != RESULT_OK)
		return ctl_local_refusal(result, error);
	if (!store_lmdb_put_format(making->copy, "format") ||
	    fsync(making->copy) != 0)
		return errno == ENOSPC ? no_room(backup, store_lmdb_size(store))
				       : cannot(making->partial, "format");
	return CTL_OK;
}

static int
copy(void *object)
{
	struct making *making = object;
	struct store *store;
	char error[256] = "";
	enum result result;
	int exit_code;

	(void)umask(0077); /* returns the old one */
	ctl_local_end_when_stopped();
	result = store_lmdb_open_reader(
	    making->backup->local->directory, error, &store);
	if (result != RESULT_OK)
		return ctl_local_refusal(result, error);
	exit_code = copy_store(making, store);
	store_close(store);
	return exit_code;
}

static void
show_copy(void *object)
{
	struct making *making = object;
	struct stat file;

	if (fstatat(making->copy, "data.mdb", &file, 0) == 0)
		ctl_progress_at(&making->progress, (uint64_t)file.st_size);
}

/* "." is the one path that is open to the user whatever is above it. */
static int
verify(void *object)
{
	struct making *making = object;

	if (fchdir(making->copy) != 0)
		return cannot(making->partial, "cannot be entered");
	return ctl_verify_copy(".", making->verify);
}

static int
copy_and_verify(struct making *making)
{
	struct ctl_backup *backup = making->backup;
	struct stat file;
	int exit_code;

	ctl_progress_begin(&making->progress, backup->local->ctl, "copy",
	    store_size(backup->local));
	exit_code = ctl_local_run(backup->local, copy, making, show_copy);
	ctl_progress_end(&making->progress);
	if (exit_code == CTL_OK)
		exit_code = ctl_local_run(backup->local, verify, making, NULL);
	if (exit_code == CTL_INTEGRITY)
		(void)ctl_fail("the copy is not whole, so that the store is "
			       "not either, and no backup was made: see "
			       "artifactctl check --deep, and keep the backups "
			       "that there are");
	if (exit_code == CTL_OK &&
	    fstatat(making->copy, "data.mdb", &file, 0) == 0)
		backup->bytes = (uint64_t)file.st_size;
	return exit_code;
}

/* ---- its name ---- */

/* Names are of seconds: a second backup in the same one waits. */
static void
name_backup(struct ctl_backup *backup)
{
	ctl_copies_name(backup->name);
	while (faccessat(backup->directory, backup->name, F_OK, 0) == 0) {
		(void)usleep(LOOK_EVERY_US); /* shorter does no harm */
		ctl_copies_name(backup->name);
	}
}

static int
begin_copy(struct making *making)
{
	struct ctl_backup *backup = making->backup;
	struct ctl_local *local = backup->local;
	uint64_t needed = store_size(local);

	if (!ctl_copies_clear(backup->directory))
		return cannot(backup->path, "an unfinished backup that cannot "
					    "be removed");
	if (free_bytes(backup->directory) < needed)
		return no_room(backup, needed);
	name_backup(backup);
	(void)snprintf(making->partial, sizeof(making->partial),
	    "%s" COPIES_PARTIAL, backup->name);
	if (mkdirat(backup->directory, making->partial, 0700) != 0)
		return cannot(backup->path, making->partial);
	making->copy = openat(backup->directory, making->partial,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (making->copy < 0 || fchmod(making->copy, 0700) != 0 ||
	    (local->must_become &&
		fchown(making->copy, local->uid, local->gid) != 0))
		return cannot(backup->path, making->partial);
	return CTL_OK;
}

static int
name_copy(struct making *making)
{
	struct ctl_backup *backup = making->backup;

	if (renameat(backup->directory, making->partial, backup->directory,
		backup->name) != 0 ||
	    fsync(backup->directory) != 0)
		return cannot(backup->path, backup->name);
	return CTL_OK;
}

static int
make(struct making *making)
{
	int exit_code = begin_copy(making);

	if (exit_code == CTL_OK)
		exit_code = copy_and_verify(making);
	if (exit_code == CTL_OK)
		exit_code = name_copy(making);
	if (making->copy >= 0)
		(void)close(making->copy); /* nothing is to be written */
	if (exit_code != CTL_OK && making->partial[0] != '\0')
		/* Else the next one removes it. */
		(void)!ctl_copies_remove(
		    making->backup->directory, making->partial);
	return exit_code;
}

int
ctl_backup_make(struct ctl_backup *backup)
{
	struct making making = { .backup = backup, .copy = -1 };
	struct note note = { .is_ok = false };
	uint64_t began = moment_now();
	int exit_code, noted;

	making.verify = ctl_shared(sizeof(*making.verify));
	*making.verify = (struct ctl_verify){ .ctl = backup->local->ctl,
		.what = "verification",
		.is_deep = true };
	ctl_local_hold();
	exit_code = make(&making);
	backup->is_made = exit_code == CTL_OK;
	backup->verify = *making.verify;
	note.is_ok = backup->is_made;
	note.bytes = backup->bytes;
	note.place = ctl_mount_is_shared(backup->path, backup->local->directory)
			 ? NOTE_PLACE_SHARED
			 : NOTE_PLACE_OTHER;
	note.problems = making.verify->problems;
	if (exit_code == CTL_INTEGRITY && note.problems == 0)
		note.problems = 1; /* it could not even be read */
	noted = ctl_keep_note(backup->local, NOTE_BACKUP, began, &note);
	ctl_local_let_go();
	return exit_code == CTL_OK ? noted : exit_code;
}
