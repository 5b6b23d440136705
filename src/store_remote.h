/* SPDX-License-Identifier: ISC */
/*
 * store_remote.h - the store as a worker has it: reads by itself, sends
 * changes to the writer.
 *
 * The channel to the writer comes over the control socket from the master,
 * and comes anew when the writer was replaced; what was not answered is then
 * sent again, at most three times (DESIGN 1).
 */
#ifndef STORE_REMOTE_H
#define STORE_REMOTE_H

#include "store.h"

/*
 * A store that reads through reader and sends to the writer; it owns reader,
 * but not the control socket.
 */
struct store *
store_remote_open(struct store *reader, int control_fd, uint64_t incarnation);

/*
 * It gave up on a writer that may still live, and for which the master hands
 * out no second channel: this process had better end and be replaced.
 */
MUST_USE bool store_remote_is_cut_off(const struct store *store);

#endif
