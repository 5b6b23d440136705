/* SPDX-License-Identifier: ISC */
/*
 * local.h - the store of this host: its configuration, its user, its
 * files.
 *
 * The store belongs to a user, the service's. A file made there by root would
 * lock the service out, so a command that root started becomes that user
 * before it opens anything of the store (doc/rules.md 2). What that user may
 * not open is opened before.
 *
 * A command works in one process. Whatever ends it half way, a signal or
 * damage under the memory map of data.mdb, is answered by a handler of
 * signals, which says a sentence and cleans up (ending.c).
 */
#ifndef CTL_LOCAL_H
#define CTL_LOCAL_H

#include "config/config.h"
#include "config/note.h"
#include "tool/ctl.h"
#include "store/lmdb/upkeep.h"

#include <sys/types.h>

struct ctl_local {
	const struct ctl *ctl;
	struct config *config;
	const char *directory; /* config->state_dir */
	uid_t uid;	       /* whom the store belongs to */
	gid_t gid;
	const char *user; /* their name, or number, as text */
	bool must_become; /* we are root, and they are not */
	bool may_return;  /* we are them for now, and can be root again */
};

/* Functions that give an int give an exit code; if it is not CTL_OK, they
 * have said why. */

/* ---- configuration and user ---- */

/* Read the configuration alone; NULL: *ret_error is a sentence. */
struct config *ctl_local_config(const struct ctl *ctl, const char **ret_error);

/* Read the configuration, and look whom the state_dir belongs to. */
MUST_USE int ctl_local_load(const struct ctl *ctl, struct ctl_local *ret_local);

/* Become its user for good, if we are root; the second time does nothing. */
MUST_USE int ctl_local_become(struct ctl_local *local);

/*
 * Become its user, but be able to return to root: for a command that reads
 * the store and puts its result into a directory where only root may. Between
 * ctl_local_as_root and ctl_local_as_user nothing of the store is touched.
 * Both do nothing where nobody can return, and are safe in a handler of
 * signals.
 */
MUST_USE int ctl_local_become_for_now(struct ctl_local *local);
void ctl_local_as_root(const struct ctl_local *local);
void ctl_local_as_user(const struct ctl_local *local);

/* Does this open directory belong to that user, while we are root? They could
 * have put a link to anything there, so become them before it is followed. */
bool ctl_local_is_theirs(const struct ctl_local *local, int directory);

/* ---- opening ---- */

/* Become its user and open the store, beside a service that runs or not. */
MUST_USE int
ctl_local_open_reader(struct ctl_local *local, struct store **ret_store);
/*
 * The same to write, which needs the service stopped, and keeps it from
 * starting until the store is closed. may_create: where there is none, one is
 * made.
 */
MUST_USE int ctl_local_open_writer(
    struct ctl_local *local, bool may_create, struct store **ret_store);

/*
 * Delete what waits for that in a store open to write: content deleted or
 * replaced, and what was staged by who is gone. Else it counts as in use
 * until the service runs.
 */
MUST_USE int ctl_local_sweep(struct store *store);

/* Say what opening the store came to, and give the exit code for it. */
MUST_USE int ctl_local_refusal(enum result result, const char *sentence);

/* Say what cannot be done with a path, for what errno says. */
int ctl_local_cannot(const char *path, const char *what);
/* Say that the service has to be stopped first. */
MUST_USE int ctl_local_in_use(void);
/* Say that there is none, and what to do. */
MUST_USE int ctl_local_no_store(const struct ctl_local *local);
/* Is there a store, or a part of one? */
bool ctl_local_has_store(const struct ctl_local *local);
/* Is the store in use by a service, or by a command that changes it? */
bool ctl_local_is_running(const struct ctl_local *local);

/* ---- disks ---- */

/* The length of directory if path is it, or lies in it; else 0. Slashes at the
 * end of directory do not count; the length of "/" is 1. */
size_t ctl_local_lies_in(const char *path, struct span directory);

/*
 * A disk that is not mounted leaves an empty directory, in which a store or a
 * backup would be made on the disk below. CTL_FAILED: fstab(5) names a mount
 * point at or above path, where nothing is mounted; what was to be there is
 * for the sentence ("the store"). path need not exist. $LIBMOUNT_FSTAB names
 * another file, as for mount(8).
 */
MUST_USE int
ctl_mount_judge(struct arena *arena, const char *path, const char *what);

/* Are both on one file system? Paths that are not there are not. */
bool ctl_mount_is_shared(const char *one, const char *other);

/* ---- when a signal ends it: ending.c ---- */

struct ctl_ending {
	const struct ctl_local *local;
	/*
	 * What to do before the end; NULL: nothing. is_damaged: pages of a
	 * data.mdb cannot be read. Called in a handler of signals, so that it
	 * may make only the calls that signal-safety(7) allows: no stdio, no
	 * malloc.
	 */
	void (*clean_up)(void *object, bool is_damaged);
	void *object;
	const char *if_damaged; /* one more sentence then; NULL: none */
};

/*
 * From now on SIGINT, SIGTERM and SIGHUP end this process with a sentence and
 * what *ending says, and so does what comes of damaged pages: exit code
 * CTL_INTEGRITY. To be called once.
 */
void ctl_local_guard(const struct ctl_ending *ending);
/*
 * SIGINT, SIGTERM and SIGHUP wait: for ctl_local_guard, or, before what is to
 * be done whole, for ctl_local_let_go, which lets them end the process, and
 * ends the guard.
 */
void ctl_local_hold(void);
void ctl_local_let_go(void);

/*
 * Start a process that watches this one, until ctl_local_unwatch. is_reader:
 * we read beside the service; should we be stopped for half a minute, by
 * Ctrl-Z for instance, we are ended, or else the store would keep for ever
 * what we were reading. look (NULL: nothing) is called there a few times a
 * second. Before the store is opened.
 */
void ctl_local_watch(bool is_reader, void (*look)(void *object), void *object);
void ctl_local_unwatch(void);

/* ---- checking, and what is noted: check.c ---- */

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

/*
 * Keep in state_dir what became of a check or a backup that began at this
 * moment; succeeded, finished and duration are filled in here. false: errno
 * says why not. Safe in a handler of signals.
 */
MUST_USE bool ctl_note(const struct ctl_local *local, const char *name,
    uint64_t began, struct note *note);
/* The same with a sentence. */
MUST_USE int ctl_keep_note(const struct ctl_local *local, const char *name,
    uint64_t began, struct note *note);

#endif
