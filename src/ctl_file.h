/* SPDX-License-Identifier: ISC */
/*
 * ctl_file.h - a file that has its name only when all of it is there.
 *
 * Until then it has none at all, so that nothing is left of it whatever
 * happens; on file systems that know no files without a name it is called
 * .artifactctl-XXXXXXXX.part, which a kill -9 leaves behind.
 */
#ifndef CTL_FILE_H
#define CTL_FILE_H

#include "ctl.h"

struct ctl_file {
	const char *directory; /* where it will be */
	int directory_fd;
	int fd;
	char part[40]; /* its name until it has one; "": none */
};

/* Functions that fail have said why. */

/* Begin a file in this directory. */
MUST_USE int ctl_file_open(const char *directory, struct ctl_file *ret_file);
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

#endif
