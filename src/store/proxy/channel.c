/* SPDX-License-Identifier: ISC */
/*
 * channel.c - the way to the writer: a channel that the master
 * hands out, and hands out anew when a writer was replaced. What was not
 * answered goes to the next writer with the number that it had, so that it
 * happens once.
 */

#include "state.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define CHANNEL_WAIT_MS 10000 /* for the next writer (DESIGN 1) */

/* ---- the channel ---- */

void
remote_disconnect(struct remote *remote)
{
	if (remote->channel_fd >= 0)
		(void)close(remote->channel_fd);
	remote->channel_fd = -1;
}

/* ---- giving way ---- */

/*
 * Must this request give way, and can it? What the writer has not taken is
 * withdrawn, and has not happened.
 */
static bool
gives_way(struct remote *remote)
{
	if (remote->scoreboard == NULL ||
	    !scoreboard_must_give_way(remote->scoreboard, remote->slot))
		return false;
	if (remote->asked != 0 && !slot_withdraw(remote->slot, remote->asked))
		return false;
	remote->has_given_way = true;
	remote->reason = "the writer has answered nothing for a second";
	return true;
}

enum result
remote_enter(struct remote *remote)
{
	remote->has_given_way = false;
	if (remote->slot == NULL)
		return RESULT_OK;
	slot_wait_begin(remote->slot);
	return gives_way(remote) ? RESULT_UNAVAILABLE : RESULT_OK;
}

void
remote_leave(struct remote *remote)
{
	if (remote->slot != NULL)
		slot_wait_end(remote->slot);
}

/*
 * Receive in slices, up to timeout_ms. They are counted, so that a process
 * that was stopped has not waited meanwhile.
 */
static enum result
receive(struct remote *remote, int fd, int timeout_ms,
    struct wire_message *ret_message)
{
	enum result result;
	int waited = 0;

	do {
		arena_reset(remote->scratch);
		result = wire_receive(fd, timeout_ms > 0 ? REMOTE_SLICE_MS : 0,
		    remote->scratch, ret_message);
		waited += REMOTE_SLICE_MS;
	} while (result == RESULT_UNAVAILABLE && waited < timeout_ms &&
		 !gives_way(remote));
	return result;
}

/* ---- opening, sending, receiving ---- */

/* The newest channel that the master has sent; older ones lead nowhere. */
static enum result
channel_open(struct remote *remote)
{
	/* A send that takes longer is tried again, unless it gives way. */
	const struct timeval slice = { .tv_usec = REMOTE_SLICE_MS * 1000 };
	struct wire_message message;
	int timeout_ms = CHANNEL_WAIT_MS;
	enum result result;

	remote_disconnect(remote);
	for (;;) {
		result =
		    receive(remote, remote->control_fd, timeout_ms, &message);
		if (result != RESULT_OK)
			break;
		if (message.kind != WIRE_CHANNEL)
			continue;
		remote_disconnect(remote);
		remote->channel_fd = message.fd;
		timeout_ms = 0;
	}
	if (remote->channel_fd >= 0)
		return setsockopt(remote->channel_fd, SOL_SOCKET, SO_SNDTIMEO,
			   &slice, sizeof(slice)) == 0
			   ? RESULT_OK
			   : RESULT_IO;
	if (remote->has_given_way)
		return RESULT_UNAVAILABLE;
	remote->is_cut_off = true;
	remote->reason = "no writer came within 10 seconds";
	return RESULT_UNAVAILABLE;
}

enum result
remote_send(struct remote *remote, const struct wire_message *message)
{
	enum result result;

	if (remote->channel_fd < 0)
		return RESULT_IO;
	do {
		arena_reset(remote->scratch);
		result = wire_send(
		    remote->channel_fd, message, true, remote->scratch);
	} while (result == RESULT_UNAVAILABLE && !gives_way(remote));
	return result;
}

/* ---- asking ---- */

/* Connect anew and send again what was not answered. */
enum result
remote_recover(struct remote *remote)
{
	enum result result;

	result = channel_open(remote);
	if (result == RESULT_OK)
		result = remote_send_kept(remote);
	/* A writer that died again is found out by the next step. */
	return result == RESULT_IO ? RESULT_OK : result;
}

enum result
remote_receive(
    struct remote *remote, bool is_waiting, struct wire_message *ret_message)
{
	enum result result;

	if (remote->channel_fd < 0)
		return RESULT_END;
	result = receive(remote, remote->channel_fd,
	    is_waiting ? REMOTE_ANSWER_MS : 0, ret_message);
	if (result == RESULT_MALFORMED)
		return RESULT_END;
	if (result == RESULT_OK && ret_message->kind == WIRE_ANSWER &&
	    ret_message->outcome.result == RESULT_UNKNOWN)
		return RESULT_END;
	return result;
}

/* Wait for the answer to this number; answers to chunks pass by. */
static enum result
await(struct remote *remote, uint64_t number, struct wire_message *ret)
{
	enum result result;

	for (;;) {
		result = remote_receive(remote, true, ret);
		if (result == RESULT_UNAVAILABLE && !remote->has_given_way)
			remote->reason = "the writer did not answer in time";
		if (result != RESULT_OK || ret->number == number)
			return result;
		remote_chunk_answered(remote, ret);
	}
}

/*
 * From one writer after the other, until one answers. *ret_was_sent: one may
 * have it.
 */
static enum result
ask(struct remote *remote, const struct wire_message *message, uint64_t number,
    struct wire_message *ret_answer, bool *ret_was_sent)
{
	enum result result = RESULT_OK;
	int try;

	for (try = 0; try <= REMOTE_TRIES; try++) {
		if (try > 0 || remote->channel_fd < 0)
			result = remote_recover(remote);
		if (result != RESULT_OK)
			return result;
		result = remote_send(remote, message);
		if (result == RESULT_UNAVAILABLE)
			return result;
		if (result != RESULT_OK)
			continue;
		*ret_was_sent = true;
		result = await(remote, number, ret_answer);
		if (result != RESULT_END)
			return result;
		remote->reason = "the writer died with the change";
	}
	return result;
}

enum result
remote_ask(struct remote *remote, const struct wire_message *message,
    uint64_t number, struct wire_message *ret_answer)
{
	bool is_change = message->kind == WIRE_CHANGE && remote->slot != NULL;
	bool was_sent = false;
	enum result result;

	if (is_change) {
		slot_ask(remote->slot, number);
		remote->asked = number;
	}
	result = ask(remote, message, number, ret_answer, &was_sent);
	if (is_change) {
		slot_ask_end(remote->slot, number);
		remote->asked = 0;
	}
	if (result == RESULT_OK)
		return RESULT_OK;
	if (remote->has_given_way)
		return RESULT_UNAVAILABLE;
	remote_disconnect(remote);
	remote->is_cut_off = true;
	return was_sent ? RESULT_UNKNOWN : RESULT_UNAVAILABLE;
}
