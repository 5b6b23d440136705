/* SPDX-License-Identifier: ISC */
/*
 * backup.h - making one backup, for the command backup.
 */
#ifndef CTL_BACKUP_H
#define CTL_BACKUP_H

#include "copies.h"
#include "verify.h"

struct ctl_backup {
	struct ctl_local *local;
	const char *path; /* of the directory of backups */
	int directory;	  /* open and locked; -1: not yet */
	/* What came of it: */
	bool is_made;
	char name[COPIES_NAME];
	uint64_t bytes; /* of its data.mdb */
	struct ctl_verify verify;
};

/* Open the directory of backups, or make it; one at a time works in it. */
MUST_USE int ctl_backup_open(
    struct ctl_local *local, const char *path, struct ctl_backup *ret_backup);
/*
 * Copy, verify, name, and note in state_dir what became of it. CTL_OK: the
 * backup is whole and on disk. Anything else: nothing is left of it, unless
 * is_made says that only the note could not be written.
 */
MUST_USE int ctl_backup_make(struct ctl_backup *backup);
void ctl_backup_close(struct ctl_backup *backup);

#endif
