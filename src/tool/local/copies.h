/* SPDX-License-Identifier: ISC */
/*
 * copies.h - a directory of backups.
 *
 *	artifactd-20261125T170000Z/           a backup: data.mdb and format
 *	artifactd-20261125T180000Z.partial/   none yet, or none any more
 *
 * A directory has its final name only when it is whole, synced and verified,
 * and loses it before its first file goes. Knows nothing of what is in the
 * files.
 */
#ifndef CTL_COPIES_H
#define CTL_COPIES_H

#include "base/mem.h"

#include <sys/types.h>

#define COPIES_NAME 32 /* room for that of a backup */
#define COPIES_PARTIAL ".partial"
#define COPIES_PARTIAL_NAME (COPIES_NAME + 8)

/* The name that a backup of now has. */
void ctl_copies_name(char ret_name[COPIES_NAME]);
/* Backups in the directory, newest first; in the arena. */
size_t
ctl_copies_list(int directory, struct arena *arena, const char ***ret_names);
/* Is there a backup in this directory itself? */
bool ctl_copies_is_one(int directory);
/*
 * Open a file of a backup to be read. -1: errno says why not, EBADF that it
 * is no plain file, of which reading might never end.
 */
MUST_USE int ctl_copies_open(int directory, const char *name);

/* Remove the unfinished ones; false: errno says why not. */
MUST_USE bool ctl_copies_clear(int directory);
/* Remove the directory of a copy, of any name; it may not be there. */
MUST_USE bool ctl_copies_remove(int directory, const char *name);
/* Remove a backup, which is a partial one first. */
MUST_USE bool ctl_copies_delete(int directory, const char *name);

#endif
