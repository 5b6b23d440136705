/* SPDX-License-Identifier: ISC */
/*
 * master_channels.c - bringing workers and the writer together.
 *
 * A pair of sockets for each worker, one end to each side; the master keeps
 * none, so that the death of either side is EOF for the other. Where both
 * live and a channel broke, the writer says so, and the worker gets another.
 */

#include "master_state.h"

#include "log.h"
#include "wire.h"

#include <errno.h>
#include <unistd.h>

static void
forget_channels(struct master *master)
{
	size_t i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++)
		master->children[i].is_connected = false;
}

/* The worker may be gone, which is the usual reason. */
static void
forget_channel(struct master *master, uint64_t incarnation)
{
	size_t i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++)
		if (master->scoreboard->slots[i].incarnation == incarnation)
			master->children[i].is_connected = false;
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
 * A writer that does not take its end hangs.
 */
static void
hand_over(struct master *master, struct child *worker, const int fds[2])
{
	struct child *writer = master_writer(master);
	uint64_t incarnation = child_slot(master, worker)->incarnation;
	enum result result;

	if (send_channel(master, worker, incarnation, fds[0]) != RESULT_OK) {
		child_end(worker);
		return;
	}
	result = send_channel(master, writer, incarnation, fds[1]);
	if (result == RESULT_UNAVAILABLE && !writer->is_killed) {
		log_open(LOG_ERR, "writer_stuck");
		log_number("child_pid", writer->pid);
		log_close();
		child_kill(writer);
	}
	worker->is_connected = result == RESULT_OK;
}

static void
connect_worker(struct master *master, struct child *worker)
{
	int fds[2];

	if (!wire_pair(fds)) {
		log_open(LOG_ERR, "channel_failed");
		log_errno("cause", errno);
		log_close();
		return;
	}
	hand_over(master, worker, fds);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

void
master_connect(struct master *master)
{
	struct child *writer = master_writer(master);
	struct child *worker;
	size_t i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++) {
		if (!writer->is_ready || writer->is_killed)
			return;
		worker = &master->children[i];
		if (worker->pid != 0 && !worker->is_connected)
			connect_worker(master, worker);
	}
}
