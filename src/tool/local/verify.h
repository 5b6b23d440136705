/* SPDX-License-Identifier: ISC */
/*
 * verify.h - a check of a store or of a copy, with progress, at a rate,
 * and its problems printed; and what is noted of checks and backups.
 */
#ifndef CTL_VERIFY_H
#define CTL_VERIFY_H

#include "local.h"
#include "tool/progress.h"

struct ctl_verify {
	const struct ctl *ctl;
	const char *what; /* "check", for progress */
	bool is_deep;
	uint64_t rate; /* bytes a second to read at most; 0: no limit */
	/* What came of it: */
	uint64_t problems;
	uint64_t artifacts;
	uint64_t bytes;
	bool is_counted; /* store/lmdb/lmdb.h */
};

/* CTL_INTEGRITY: there are problems, and each was printed as a row. */
MUST_USE int ctl_verify(struct store *store, struct ctl_verify *verify);
/* The same for the copy in a directory, in the process of ctl_local_run. */
MUST_USE int ctl_verify_copy(const char *directory, struct ctl_verify *verify);

/* Memory that a process of ctl_local_run shares with us, zeroed; for good. */
void *ctl_shared(size_t size);

/*
 * Keep in state_dir what became of a check or a backup (config/note.h) that began at
 * this moment; bytes and problems are for the caller to fill in.
 */
struct note;
MUST_USE int ctl_keep_note(struct ctl_local *local, const char *name,
    uint64_t began, struct note *note);

#endif
