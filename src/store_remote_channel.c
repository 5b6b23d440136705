/* SPDX-License-Identifier: ISC */
/*
 * store_remote_channel.c - the way to the writer: a channel that the master
 * hands out, and hands out anew when a writer was replaced. What was not
 * answered goes to the next writer with the number that it had, so that it
 * happens once.
 */

#include "store_remote_state.h"

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

/* The newest channel that the master has sent; older ones lead nowhere. */
static enum result
channel_open(struct remote *remote)
{
	struct wire_message message;
	int timeout_ms = CHANNEL_WAIT_MS;
	enum result result;

	remote_disconnect(remote);
	for (;;) {
		result = wire_receive(
		    remote->control_fd, timeout_ms, remote->scratch, &message);
		if (result != RESULT_OK)
			break;
		if (message.kind != WIRE_CHANNEL)
			continue;
		remote_disconnect(remote);
		remote->channel_fd = message.fd;
		timeout_ms = 0;
	}
	if (remote->channel_fd >= 0)
		return RESULT_OK;
	remote->is_cut_off = true;
	remote->reason = "no writer came within 10 seconds";
	return RESULT_UNAVAILABLE;
}

enum result
remote_send(struct remote *remote, const struct wire_message *message)
{
	if (remote->channel_fd < 0)
		return RESULT_IO;
	arena_reset(remote->scratch);
	return wire_send(remote->channel_fd, message, true, remote->scratch);
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

/*
 * Receive one message. RESULT_END: this writer is of no more use, also when
 * it says that a commit failed, for then it exits (RELIABILITY 7).
 */
enum result
remote_receive(struct remote *remote, int timeout_ms, struct wire_message *ret)
{
	enum result result;

	if (remote->channel_fd < 0)
		return RESULT_END;
	arena_reset(remote->scratch);
	result =
	    wire_receive(remote->channel_fd, timeout_ms, remote->scratch, ret);
	if (result == RESULT_MALFORMED)
		return RESULT_END;
	if (result == RESULT_OK && ret->kind == WIRE_ANSWER &&
	    ret->outcome.result == RESULT_UNKNOWN)
		return RESULT_END;
	return result;
}

/* Wait for the answer to this number; answers to chunks pass by. */
static enum result
await(struct remote *remote, uint64_t number, struct wire_message *ret)
{
	enum result result;

	for (;;) {
		result = remote_receive(remote, REMOTE_ANSWER_MS, ret);
		if (result == RESULT_UNAVAILABLE)
			remote->reason = "the writer did not answer in time";
		if (result != RESULT_OK || ret->number == number)
			return result;
		remote_chunk_answered(remote, ret);
	}
}

/*
 * Send a message and wait for its answer, from the next writer if need be.
 * RESULT_UNAVAILABLE: it never went out. RESULT_UNKNOWN: it did, and nobody
 * answered.
 */
enum result
remote_ask(struct remote *remote, const struct wire_message *message,
    uint64_t number, struct wire_message *ret_answer)
{
	bool was_sent = false;
	enum result result = RESULT_OK;
	int try;

	for (try = 0; try <= REMOTE_TRIES; try++) {
		if (try > 0 || remote->channel_fd < 0)
			result = remote_recover(remote);
		if (result != RESULT_OK)
			break;
		if (remote_send(remote, message) != RESULT_OK)
			continue;
		was_sent = true;
		result = await(remote, number, ret_answer);
		if (result == RESULT_OK)
			return RESULT_OK;
		if (result != RESULT_END)
			break;
		remote->reason = "the writer died with the change";
	}
	remote_disconnect(remote);
	remote->is_cut_off = true;
	return was_sent ? RESULT_UNKNOWN : RESULT_UNAVAILABLE;
}
