/* SPDX-License-Identifier: ISC */
/*
 * proxy.h - the half of a worker's store that changes: it sends each change to
 * the writer. The worker reads by itself, with an engine's half.
 *
 * The channel to the writer comes over the control socket from the master,
 * and comes anew when the writer was replaced; what was not answered is then
 * sent again, at most three times (doc/design.md 1.5).
 */
#ifndef STORE_PROXY_H
#define STORE_PROXY_H

#include "base/scoreboard.h"
#include "store/store.h"

/* Who sends. */
struct store_proxy_options {
	int control_fd; /* to the master; stays the caller's */
	uint64_t incarnation;
	/* With its own slot, to give way to others when the writer is silent
	 * (base/scoreboard.h). NULL: there are no others. */
	struct scoreboard *scoreboard;
	struct slot *slot;
};

/* Let a store that only reads send its changes to the writer. */
void
store_proxy_add(struct store *store, const struct store_proxy_options *options);

/*
 * Take a channel that has come, when no request is served. One that is left in
 * its socket makes the system look for circles of descriptors whenever a unix
 * socket is closed, which takes long.
 */
void store_proxy_hear(struct store *store);

/*
 * It gave up on a writer that may still live, and for which the master hands
 * out no second channel: this process had better end and be replaced.
 */
MUST_USE bool store_proxy_is_cut_off(const struct store *store);

#endif
