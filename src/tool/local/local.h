/* SPDX-License-Identifier: ISC */
/*
 * local.h - the store of this host: its configuration, its user, its
 * files.
 *
 * The store belongs to a user, the service's. A file made there by root would
 * lock the service out, so a command that root started becomes that user
 * before it opens anything of the store (doc/rules.md 2): for good, or in a
 * process of its own while root goes on. What that user may not open is
 * opened before.
 */
#ifndef CTL_LOCAL_H
#define CTL_LOCAL_H

#include "config/config.h"
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
};

/* Functions that give an int give an exit code; if it is not CTL_OK, they
 * have said why. */

/* Read the configuration alone; NULL: *ret_error is a sentence. */
struct config *ctl_local_config(const struct ctl *ctl, const char **ret_error);

/* Read the configuration, and look whom the state_dir belongs to. */
MUST_USE int ctl_local_load(const struct ctl *ctl, struct ctl_local *ret_local);

/* Become its user for good, if we are root; the second time does nothing. */
MUST_USE int ctl_local_become(struct ctl_local *local);

/*
 * An open directory whose files we are about to touch: if it is that user's,
 * become them, who could have put a link to anything there.
 */
MUST_USE int ctl_local_yield(struct ctl_local *local, int directory);

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

/* Say that the service has to be stopped first. */
MUST_USE int ctl_local_in_use(void);
/* Say that there is none, and what to do. */
MUST_USE int ctl_local_no_store(const struct ctl_local *local);
/* Is there a store, or a part of one? */
bool ctl_local_has_store(const struct ctl_local *local);
/* Is the store in use by a service, or by a command that changes it? */
bool ctl_local_is_running(const struct ctl_local *local);

/*
 * Run job in a process of its own that is the store's user, wait for its end
 * and give its exit code. It dies with us; should it crash over damaged
 * pages, that is said. It must be called before we open the store ourselves.
 * while_it_runs (NULL: nothing) is called a few times a second.
 */
MUST_USE int ctl_local_run(struct ctl_local *local, int (*job)(void *object),
    void *object, void (*while_it_runs)(void *object));
/*
 * The same for what is to be done in the end, whatever came before:
 * cleaning up, a note. SIGINT, SIGTERM and SIGHUP do not end it.
 */
MUST_USE int ctl_local_run_last(
    struct ctl_local *local, int (*job)(void *object), void *object);

/*
 * In the process of a job that reads beside the service for long: should it be
 * stopped, by Ctrl-Z for instance, then end it after half a minute. Else the
 * store would keep for ever what it was reading.
 */
void ctl_local_end_when_stopped(void);

/*
 * Around what leaves something behind when it is ended half way: SIGINT,
 * SIGTERM and SIGHUP end the process of ctl_local_run, and no other begins,
 * but we go on, to clean up, and end by that signal where we let go. They
 * nest.
 */
void ctl_local_hold(void);
void ctl_local_let_go(void);

#endif
