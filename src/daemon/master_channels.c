/* SPDX-License-Identifier: ISC */
/*
 * master_channels.c - bringing workers and the writer together.
 *
 * A pair of sockets for each worker, one end to each side; the master keeps
 * none, so that the death of either side is EOF for the other. Where both
 * live and a channel broke, the writer says so, and the worker gets another.
 *
 * A writer that waits for its disk takes nothing meanwhile, and its control
 * socket may be full. That says nothing about it: its end is kept, and offered
 * again in each round. Whether the writer hangs is for master_watch.c to say.
 * The worker has its end by then, and may send: that waits in the channel.
 */

#include "master_state.h"

#include "base/log.h"
#include "store/proxy/wire.h"

#include <errno.h>
#include <unistd.h>

void
child_take_back(struct child *child)
{
	if (child->offered_fd >= 0)
		(void)close(child->offered_fd);
	child->offered_fd = -1;
}

static void
disconnect(struct child *worker)
{
	child_take_back(worker);
	worker->is_connected = false;
}

static void
forget_channels(struct master *master)
{
	size_t i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++)
		disconnect(&master->children[i]);
}

/* The worker may be gone, which is the usual reason. */
static void
forget_channel(struct master *master, uint64_t incarnation)
{
	size_t i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++)
		if (master->scoreboard->slots[i].incarnation == incarnation)
			disconnect(&master->children[i]);
}

/* false: no writer says this now. */
static bool
take_word(struct master *master, const struct wire_message *message)
{
	struct child *writer = master_writer(master);

	if (message->kind == WIRE_READY && !writer->is_ready) {
		writer->is_ready = true;
		forget_channels(master);
		return true;
	}
	if (message->kind == WIRE_LOST && writer->is_ready) {
		forget_channel(master, message->incarnation);
		return true;
	}
	return false;
}

void
master_hear_writer(struct master *master)
{
	struct child *writer = master_writer(master);
	struct wire_message message;
	enum result result;

	if (writer->pid == 0 || writer->control_fd < 0)
		return;
	arena_reset(master->scratch);
	result = wire_receive(writer->control_fd, 0, master->scratch, &message);
	if (result == RESULT_UNAVAILABLE)
		return;
	if (result == RESULT_OK && take_word(master, &message))
		return; /* the next round hears more */
	/* It has ended, or is not what we think it is. */
	(void)close(writer->control_fd);
	writer->control_fd = -1;
	child_kill(writer);
}

static enum result
send_channel(
    struct master *master, const struct child *to, uint64_t incarnation, int fd)
{
	struct wire_message message = {
		.kind = WIRE_CHANNEL,
		.incarnation = incarnation,
		.fd = fd,
	};

	arena_reset(master->scratch);
	return wire_send(to->control_fd, &message, false, master->scratch);
}

/*
 * A worker that does not take its end, since it has a queue of them from
 * writers that it never needed, is replaced; nothing of a request is lost.
 */
static void
connect_worker(struct master *master, struct child *worker)
{
	uint64_t incarnation = child_slot(master, worker)->incarnation;
	int fds[2];

	if (!wire_pair(fds)) {
		log_open(LOG_ERR, "channel_failed");
		log_errno("cause", errno);
		log_close();
		return;
	}
	worker->offered_fd = fds[1];
	if (send_channel(master, worker, incarnation, fds[0]) == RESULT_OK) {
		worker->is_connected = true;
	} else {
		child_take_back(worker);
		child_end(worker);
	}
	(void)close(fds[0]);
}

/* Its end to the writer, which may not take it now. */
static void
offer(struct master *master, struct child *worker)
{
	uint64_t incarnation = child_slot(master, worker)->incarnation;
	enum result result;

	result = send_channel(
	    master, master_writer(master), incarnation, worker->offered_fd);
	/* One that has ended is followed by another, and all begin anew. */
	if (result != RESULT_UNAVAILABLE)
		child_take_back(worker);
}

void
master_connect(struct master *master)
{
	struct child *writer = master_writer(master);
	struct child *worker;
	size_t i;

	if (!writer->is_ready || writer->is_killed)
		return;
	for (i = 0; i < SCOREBOARD_WORKERS; i++) {
		worker = &master->children[i];
		if (worker->pid != 0 && !worker->is_connected)
			connect_worker(master, worker);
		if (worker->offered_fd >= 0)
			offer(master, worker);
	}
}
