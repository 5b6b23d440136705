/* SPDX-License-Identifier: ISC */
/*
 * proxy.h - the store as a worker has it: reads by itself, sends
 * changes to the writer.
 *
 * The channel to the writer comes over the control socket from the master,
 * and comes anew when the writer was replaced; what was not answered is then
 * sent again, at most three times (doc/design.md 1.5).
 */
#ifndef STORE_REMOTE_H
#define STORE_REMOTE_H

#include "base/scoreboard.h"
#include "store/store.h"

/* Who sends. */
struct store_remote_options {
	int control_fd; /* to the master; stays the caller's */
	uint64_t incarnation;
	/* With its own slot, to give way to others when the writer is silent
	 * (base/scoreboard.h). NULL: there are no others. */
	struct scoreboard *scoreboard;
	struct slot *slot;
};

/* Let a store that only reads send its changes to the writer. */
void store_remote_add(
    struct store *store, const struct store_remote_options *options);

/*
 * It gave up on a writer that may still live, and for which the master hands
 * out no second channel: this process had better end and be replaced.
 */
MUST_USE bool store_remote_is_cut_off(const struct store *store);

#endif
