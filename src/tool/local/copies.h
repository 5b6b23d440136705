/* SPDX-License-Identifier: ISC */
/*
 * copies.h - what artifactctl backup, restore and compact share: a copy of a
 * store is made in a partial directory, verified there, and put in its place
 * (doc/rules.md 14).
 *
 *	         source               partial, and then place
 *
 *	backup   the store, beside    DIR/artifactd-<time>.partial
 *	         a service or not     DIR/artifactd-<time>
 *	restore  a backup             state_dir/restore.partial
 *	                              state_dir, which has no store
 *	compact  the store, with the  state_dir/compact.partial
 *	         service stopped      state_dir, for the same store
 *
 * A copy is a directory with data.mdb and format. One of a partial name that
 * a killed command left is removed by the next command.
 */
#ifndef CTL_COPIES_H
#define CTL_COPIES_H

#include "local.h"
#include "tool/progress.h"

#define COPY_NAME_ROOM 32 /* for the name of a backup */
#define COPY_PARTIAL ".partial"
#define COPY_PARTIAL_ROOM (COPY_NAME_ROOM + 8)

struct ctl_copy;

/* What the commands do differently; the story is
 * ctl_copy_make. */
struct ctl_copy_kind {
	/* Look for room, and make the partial directory. */
	int (*begin)(struct ctl_copy *copy);
	/* Copy the source into it. */
	int (*fill)(struct ctl_copy *copy);
	/* Put what is verified in its place. */
	int (*put)(struct ctl_copy *copy);
	/* Say and note what was done. */
	int (*conclude)(struct ctl_copy *copy);
	/* Clean up what was not done: the clean_up of struct ctl_ending. */
	void (*leave)(void *copy, bool is_damaged);
	const char *what; /* for the sentence that there is no room */
	const char *advice;
};

struct ctl_copy {
	struct ctl_local local;
	const struct ctl_copy_kind *kind;
	struct arena *arena; /* of the whole run */
	/* The directory in which it is made: */
	const char *path;
	int directory; /* open; -1: not yet */
	/* The partial directory: */
	char partial[COPY_PARTIAL_ROOM]; /* its name; "": not begun */
	const char *partial_path;
	int fd;
	struct ctl_progress progress;
	struct ctl_verify verify;
	const char *if_damaged; /* a sentence */

	/* A backup: */
	char name[COPY_NAME_ROOM];
	uint64_t keep; /* so many backups; 0: all */
	int here;      /* the working directory of who called */
	uint64_t began;
	struct note note;

	/* A restore: */
	const char *backup;   /* its path */
	int source;	      /* its data.mdb */
	uint64_t size;	      /* of that */
	bool has_lock;	      /* of state_dir */
	bool has_made_format; /* the one in state_dir, to keep its place */

	/* A compaction: */
	struct store *store; /* open to write; NULL: not yet */
	uint64_t before;
	uint64_t unused;
	uint64_t waiting; /* contents that a dry run leaves unswept */
	uint64_t after;
};

/* Functions that give an int give an exit code; if it is not CTL_OK, they
 * have said why. */

/* Read the configuration, and fill in what all of them need. */
MUST_USE int ctl_copy_load(const struct ctl *ctl,
    const struct ctl_copy_kind *kind, struct ctl_copy *ret_copy);
/* Where restore and compact make their copy. */
MUST_USE int
ctl_copy_open_state_dir(struct ctl_copy *copy, const char *partial);
/* From the source through the partial directory into its place. */
MUST_USE int ctl_copy_make(struct ctl_copy *copy);

/* ---- the partial directory ---- */

uint64_t ctl_copy_free_bytes(const struct ctl_copy *copy);
MUST_USE int ctl_copy_no_room(const struct ctl_copy *copy, uint64_t needed);
/*
 * Make it, if there is room for so many bytes, with this name and COPY_PARTIAL
 * behind it. Nothing of that name is there.
 */
MUST_USE int
ctl_copy_begin(struct ctl_copy *copy, const char *name, uint64_t needed);
/* The file in it that the copy goes into; -1: that it cannot be made has been
 * said. */
MUST_USE int ctl_copy_make_data(const struct ctl_copy *copy);
/* Close that file, which is synced; put format beside it, and sync both
 * names. */
MUST_USE int
ctl_copy_end_data(const struct ctl_copy *copy, int fd, uint64_t needed);
/* Around a copy that LMDB makes. is_reader: beside the service. */
void ctl_copy_watch(struct ctl_copy *copy, bool is_reader, uint64_t total);
void ctl_copy_unwatch(const struct ctl_copy *copy);
/*
 * Remove the directory of a copy; it may not be there. Safe in a handler of
 * signals. false: errno says why not.
 */
MUST_USE bool ctl_copy_remove(int directory, const char *name);
/* Remove the partial one, if it was begun. Safe in a handler of signals. */
void ctl_copy_drop(const struct ctl_copy *copy);

/* ---- a directory of backups ---- */

/* The name that a backup of now has. */
void ctl_copies_name(char ret_name[COPY_NAME_ROOM]);
/* How many names end so behind their time; newest first, in the arena. */
size_t ctl_copies_list(int directory, const char *end, struct arena *arena,
    const char ***ret_names);

#endif
