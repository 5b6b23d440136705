/* SPDX-License-Identifier: ISC */
/*
 * stage.c - content on its way to the writer: chunks are sent
 * ahead, and kept until the writer says that they are durable.
 */

#include "state.h"

#include <stdlib.h>

/* ---- staged chunks ---- */

static void
forget_first(struct remote *remote)
{
	free((void *)(uintptr_t)remote->kept[0].bytes.data);
	remote->kept_count--;
	memmove(&remote->kept[0], &remote->kept[1],
	    remote->kept_count * sizeof(remote->kept[0]));
}

void
remote_forget(struct remote *remote)
{
	while (remote->kept_count > 0)
		forget_first(remote);
}

static enum result
send_kept(struct remote *remote, const struct kept *kept)
{
	struct change change = {
		.kind = CHANGE_STAGE,
		.number = kept->number,
		.owner = remote->staging.owner,
		.blob = remote->staging.blob,
		.chunk = kept->chunk,
		.bytes = kept->bytes,
	};
	struct wire_message message = { .kind = WIRE_CHANGE,
		.change = &change };

	return remote_send(remote, &message);
}

enum result
remote_send_kept(struct remote *remote)
{
	enum result result = RESULT_OK;
	size_t i;

	if (remote->staging.blob == 0)
		return RESULT_OK; /* it is being asked for */
	for (i = 0; i < remote->kept_count && result == RESULT_OK; i++)
		result = send_kept(remote, &remote->kept[i]);
	return result;
}

/* The answers to one channel's chunks come in the order they were sent. */
void
remote_chunk_answered(struct remote *remote, const struct wire_message *message)
{
	if (remote->kept_count == 0 ||
	    remote->kept[0].number != message->number)
		return; /* of an upload that was dropped or begun again */
	if (message->outcome.result != RESULT_OK) {
		if (remote->stage_result != RESULT_OK)
			return;
		remote->stage_result = message->outcome.result;
		remote->shortage = message->outcome.shortage;
		return;
	}
	remote->is_partly_durable = true;
	forget_first(remote);
}

/* ---- staging ---- */

static enum result
ask_blob(struct remote *remote)
{
	struct wire_message message = { .kind = WIRE_BEGIN };
	struct wire_message answer;
	enum result result;

	message.number = ++remote->last_number;
	message.request = remote->staging.owner.request;
	result = remote_ask(remote, &message, message.number, &answer);
	if (result == RESULT_OK)
		remote->staging.blob = answer.blob;
	/* Nothing is lost by a number that was given and never used. */
	return result == RESULT_UNKNOWN ? RESULT_UNAVAILABLE : result;
}

enum result
remote_stage_begin(void *state, struct staging *staging)
{
	struct remote *remote = state;
	enum result result;

	remote_forget(remote);
	remote->staging = *staging;
	remote->staging.owner.incarnation = remote->incarnation;
	remote->is_partly_durable = false;
	remote->stage_result = RESULT_OK;
	result = remote_enter(remote);
	if (result == RESULT_OK)
		result = ask_blob(remote);
	remote_leave(remote);
	staging->blob = remote->staging.blob;
	return result;
}

/*
 * The blob's number went to another upload, since this one's first chunk was
 * not durable when a writer died. Begin again with what is kept: all of it.
 */
enum result
remote_stage_again(struct remote *remote)
{
	enum result result;
	size_t i;

	if (remote->is_partly_durable)
		return RESULT_UNAVAILABLE;
	remote->stage_result = RESULT_OK;
	/* Should a writer die meanwhile, the next gets nothing of the old. */
	remote->staging.blob = 0;
	result = ask_blob(remote);
	if (result != RESULT_OK)
		return result;
	for (i = 0; i < remote->kept_count; i++)
		remote->kept[i].number = ++remote->last_number;
	result = remote_send_kept(remote);
	return result == RESULT_IO ? remote_recover(remote) : result;
}

/* Take the answers that are there; wait for one if there is no more room. */
static enum result
take_answers(struct remote *remote)
{
	struct wire_message message;
	enum result result;
	int tries = 0;

	for (;;) {
		bool is_full = remote->kept_count == KEPT;

		result = remote_receive(remote, is_full, &message);
		if (result == RESULT_UNAVAILABLE && !is_full)
			return RESULT_OK;
		if (result == RESULT_OK)
			remote_chunk_answered(remote, &message);
		else if (result != RESULT_END || tries++ == REMOTE_TRIES)
			return RESULT_UNAVAILABLE;
		else if ((result = remote_recover(remote)) != RESULT_OK)
			return result;
		if (remote->stage_result == RESULT_STALE)
			result = remote_stage_again(remote);
		else
			result = remote->stage_result;
		if (result != RESULT_OK)
			return result;
	}
}

static enum result
stage(struct remote *remote, uint32_t chunk, struct span bytes)
{
	struct kept *kept;
	enum result result;
	char *copy;

	result = take_answers(remote);
	if (result != RESULT_OK)
		return result;
	copy = malloc(bytes.size);
	if (copy == NULL)
		abort();
	memcpy(copy, bytes.data, bytes.size);
	kept = &remote->kept[remote->kept_count++];
	kept->number = ++remote->last_number;
	kept->chunk = chunk;
	kept->bytes = span_of(copy, bytes.size);
	result = send_kept(remote, kept);
	if (result != RESULT_IO)
		return result;
	/* What cannot be sent now is kept: take_answers sends it again. */
	remote_disconnect(remote);
	return RESULT_OK;
}

enum result
remote_stage(void *state, struct staging *staging, struct span bytes)
{
	struct remote *remote = state;
	enum result result = remote_enter(remote);

	if (result == RESULT_OK)
		result = stage(remote, staging->chunks, bytes);
	remote_leave(remote);
	return result;
}

enum result
remote_stage_end(void *state, struct staging *staging)
{
	struct remote *remote = state;
	enum result result = remote_enter(remote);

	if (result == RESULT_OK)
		result = take_answers(remote);
	remote_leave(remote);
	staging->blob = remote->staging.blob;
	return result;
}

/* The writer finds by itself what this cannot tell it. */
void
remote_stage_drop(void *state, struct staging *staging)
{
	struct remote *remote = state;
	struct change change = { .kind = CHANGE_DROP,
		.owner = remote->staging.owner };
	struct wire_message message = { .kind = WIRE_CHANGE,
		.change = &change };

	if (staging->blob != remote->staging.blob)
		return;
	remote_forget(remote);
	change.number = ++remote->last_number;
	change.blob = staging->blob;
	if (remote_enter(remote) != RESULT_OK ||
	    remote_send(remote, &message) != RESULT_OK)
		remote_disconnect(remote);
	remote_leave(remote);
}
