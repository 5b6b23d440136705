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
 * It is whole: bring it to the disk, and give it this name. may_replace: in
 * place of what has it now; else that is an error. The file is closed, and
 * where this fails it is gone.
 */
MUST_USE int
ctl_file_keep(struct ctl_file *file, const char *name, bool may_replace);
/* It will not be whole. After ctl_file_keep this does nothing. */
void ctl_file_drop(struct ctl_file *file);

/*
 * Of many files: bring all that was written in the file system of this
 * directory to the disk at once, which takes a tenth of the time; then give
 * each its name, a path below the directory, whose own directories are made.
 * No part of it is followed where it is a link. Then once more, the names.
 */
MUST_USE int ctl_file_sync(const char *directory, int directory_fd);
MUST_USE int
ctl_file_place(struct ctl_file *file, const char *path, bool may_replace);

/*
 * The directory that holds what is called so below another, and the last
 * part of the path, whose parts have at most LIMIT_FILENAME bytes; *ret_fd is
 * the caller's. make: make what is missing.
 * false: errno says why.
 */
MUST_USE bool ctl_file_directory(int directory_fd, const char *path, bool make,
    int *ret_fd, const char **ret_name);

#endif
