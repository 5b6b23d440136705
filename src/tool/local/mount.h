/* SPDX-License-Identifier: ISC */
/*
 * mount.h - disks of this host: is what ought to be mounted there, and do
 * two paths share one?
 *
 * A disk that is not mounted leaves an empty directory, in which a store or a
 * backup would be made on the disk below.
 */
#ifndef CTL_MOUNT_H
#define CTL_MOUNT_H

#include "base/mem.h"

/*
 * The mount point at or above path that fstab(5) names, if nothing is mounted
 * there; NULL: all is well, or nobody can say. path need not exist.
 * $LIBMOUNT_FSTAB names another file, as for mount(8).
 */
const char *ctl_mount_missing(struct arena *arena, const char *path);

/* The same as an exit code: CTL_OK, or CTL_FAILED, which has been said.
 * what is to be there: "the store". */
MUST_USE int
ctl_mount_judge(struct arena *arena, const char *path, const char *what);

/* Are both on one file system? Paths that are not there are not. */
bool ctl_mount_is_shared(const char *one, const char *other);

#endif
