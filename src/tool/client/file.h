/* SPDX-License-Identifier: ISC */
/*
 * file.h - a file that has its name only when all of it is there.
 *
 * Until then it has none at all, so that nothing is left of it whatever
 * happens; on file systems that know no files without a name it is called
 * .artifactctl-XXXXXXXX.part, which a kill -9 leaves behind.
 */
#ifndef CTL_FILE_H
#define CTL_FILE_H

#include "tool/ctl.h"

struct ctl_file {
	const char *directory; /* where it will be, or below */
	int directory_fd;
	bool owns_directory;
	int fd;
	char part[40]; /* its name until it has one; "": none */
};

/* All of the bytes to a descriptor; false: errno says why. */
MUST_USE bool ctl_file_write_all(int fd, struct span bytes);

/* The functions below have said why when they fail. */

/*
 * Begin a file in the directory of this path, or in this one (NULL). *ret_name
 * is the last part of the path, in it.
 */
MUST_USE int ctl_file_open(struct arena *arena, const char *path,
    struct ctl_file *ret_file, const char **ret_name);
/* The same in a directory that is open, and stays so. */
MUST_USE int ctl_file_open_in(
    const char *directory, int directory_fd, struct ctl_file *ret_file);
MUST_USE bool ctl_file_write(struct ctl_file *file, struct span piece);
/*
 * The file is whole: bring it to the disk, and give it this name. If another
 * file has the name it is replaced (may_replace), or this fails. The file is
 * closed; after a failure it is gone.
 */
MUST_USE int
ctl_file_keep(struct ctl_file *file, const char *name, bool may_replace);
/* Take the file away: it will not be whole. After ctl_file_keep this does
 * nothing. */
void ctl_file_drop(struct ctl_file *file);

/*
 * For many files: ctl_file_sync brings all that was written in the file system
 * of this directory to the disk at once, in a tenth of the time. Then
 * ctl_file_place gives each its name, a path below the directory, and makes the
 * directories on that path; links on it are not followed. Another
 * ctl_file_sync brings the names to the disk.
 */
MUST_USE int ctl_file_sync(const char *directory, int directory_fd);
MUST_USE int
ctl_file_place(struct ctl_file *file, const char *path, bool may_replace);

/*
 * Open the directory of a path below another directory. *ret_fd is the
 * caller's; *ret_name is the last part of the path. Each part has at most
 * LIMIT_FILENAME bytes. make: make the directories that are missing. false:
 * errno says why.
 */
MUST_USE bool ctl_file_directory(int directory_fd, const char *path, bool make,
    int *ret_fd, const char **ret_name);

#endif
