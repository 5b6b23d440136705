/* SPDX-License-Identifier: ISC */
/*
 * proxy.c - the store as a worker has it: reads through a read-only engine,
 * sends changes and the chunks of uploads to the writer, and waits for its
 * answers.
 *
 * The channel to the writer comes from the master, which hands out another
 * when a writer was replaced:
 *
 *	            the master sent a channel;
 *	            what was not answered goes again
 *	  none ---------------------------------------> open ---+ messages,
 *	  | ^                                           |  ^    | answers
 *	  | |                                           |  +----+
 *	  | +-------------------------------------------+
 *	  |    the writer is gone, or says that its commit failed,
 *	  |    or the message in hand cannot be sent
 *	  |
 *	  |    no channel came in 10 seconds, or no writer of four
 *	  |    answered, or one was silent for a minute
 *	  +---> cut off: the worker ends behind its request
 *
 * A change goes to the next writer with the number that it had, so that it
 * happens once. Chunks are sent ahead, and kept until the writer says that
 * they are durable.
 *
 * While it waits, a request may give way: it withdraws what the writer has not
 * taken, and the worker is there for those who read. The channel stays open.
 */

#include "proxy.h"
#include "wire.h"

#include "store/engine.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define SLICE_MS 100	      /* of waiting; then it may have to give way */
#define TRIES 3		      /* with a new writer each */
#define CHANNEL_WAIT_MS 10000 /* for the next writer */
#define ANSWER_WAIT_MS 60000  /* the master kills a hanging writer sooner */
#define KEPT (LIMIT_UNACKNOWLEDGED / LIMIT_CHUNK)

/* A chunk that was sent and not yet answered. */
struct kept {
	uint64_t number;
	uint32_t chunk;
	struct span bytes; /* malloc'd */
};

struct remote {
	int control_fd;
	int channel_fd;	 /* -1: none */
	bool is_cut_off; /* gave up on writers: proxy.h */
	uint64_t incarnation;
	struct scoreboard *scoreboard; /* NULL: nobody to give way to */
	struct slot *slot;
	uint64_t asked;	    /* the change that is being asked for; 0: none */
	bool has_given_way; /* since remote_enter */
	uint64_t last_number;
	struct arena *scratch; /* of one message */
	const char *reason;
	struct shortage shortage; /* the writer's */

	/* The upload that is being staged: one request, one at a time. */
	struct staging staging;
	struct kept kept[KEPT];
	size_t kept_count;
	bool is_partly_durable; /* a chunk of it was acknowledged */
	enum result stage_result;
};

/* ---- the channel ---- */

static void
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

/*
 * Around each call that may wait for the writer. RESULT_UNAVAILABLE: the writer
 * is silent, and the workers that are left are for those who read. What stands
 * between enter and leave may give way at any time while nothing has happened,
 * with the same result.
 */
static enum result
remote_enter(struct remote *remote)
{
	remote->has_given_way = false;
	if (remote->slot == NULL)
		return RESULT_OK;
	slot_wait_begin(remote->slot);
	return gives_way(remote) ? RESULT_UNAVAILABLE : RESULT_OK;
}

static void
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
		result = wire_receive(fd, timeout_ms > 0 ? SLICE_MS : 0,
		    remote->scratch, ret_message);
		waited += SLICE_MS;
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
	const struct timeval slice = { .tv_usec = SLICE_MS * 1000 };
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

/*
 * Send a message, waiting for room. RESULT_IO: there is no writer at the other
 * end. RESULT_UNAVAILABLE: this request gave way.
 */
static enum result
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

/* ---- chunks that were sent and are not durable yet ---- */

static void
forget_first(struct remote *remote)
{
	free((void *)(uintptr_t)remote->kept[0].bytes.data);
	remote->kept_count--;
	memmove(&remote->kept[0], &remote->kept[1],
	    remote->kept_count * sizeof(remote->kept[0]));
}

static void
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

static enum result
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
static void
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

/* ---- asking, from one writer after the other ---- */

/*
 * Take the next channel from the master and send again what was not answered.
 * RESULT_UNAVAILABLE: none came.
 */
static enum result
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
 * Receive one message, if is_waiting within ANSWER_WAIT_MS.
 * RESULT_UNAVAILABLE: none came, or this request gave way. RESULT_END: this
 * writer is of no more use, also when it says that a commit failed, for then
 * it exits (doc/rules.md 7).
 */
static enum result
remote_receive(
    struct remote *remote, bool is_waiting, struct wire_message *ret_message)
{
	enum result result;

	if (remote->channel_fd < 0)
		return RESULT_END;
	result = receive(remote, remote->channel_fd,
	    is_waiting ? ANSWER_WAIT_MS : 0, ret_message);
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

	for (try = 0; try <= TRIES; try++) {
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

/*
 * Send a message and wait for its answer, from the next writer if need be.
 * RESULT_UNAVAILABLE: no writer got it. RESULT_UNKNOWN: one got it, and nobody
 * answered.
 */
static enum result
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

static enum result
remote_stage_begin(void *state, struct staging *staging)
{
	struct remote *remote = state;
	enum result result;

	remote->reason = "";
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
static enum result
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
		else if (result != RESULT_END || tries++ == TRIES)
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

static enum result
remote_stage(void *state, struct staging *staging, struct span bytes)
{
	struct remote *remote = state;
	enum result result = remote_enter(remote);

	if (result == RESULT_OK)
		result = stage(remote, staging->chunks, bytes);
	remote_leave(remote);
	return result;
}

static enum result
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
static void
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

/* ---- changes ---- */

static bool
names_staged(const struct remote *remote, const struct change *change)
{
	return change->artifact != NULL && remote->staging.blob != 0 &&
	       change->artifact->content.blob == remote->staging.blob;
}

/* What came of a change whose staged content the writer does not know. */
static enum result
settle_staging(struct remote *remote, struct change *change)
{
	enum result result = remote->stage_result;

	if (result == RESULT_OK || result == RESULT_STALE)
		result = remote_stage_again(remote);
	change->artifact->content.blob = remote->staging.blob;
	return result;
}

static enum result
apply_one(
    struct remote *remote, struct change *change, struct outcome *ret_outcome)
{
	struct wire_message message = { .kind = WIRE_CHANGE, .change = change };
	struct wire_message answer;
	enum result result;
	int try;

	for (try = 0; try < TRIES; try++) {
		change->number = ++remote->last_number;
		result = remote_ask(remote, &message, change->number, &answer);
		if (result != RESULT_OK)
			return result;
		*ret_outcome = answer.outcome;
		if (answer.outcome.result != RESULT_STALE ||
		    !names_staged(remote, change)) {
			remote->shortage = answer.outcome.shortage;
			return answer.outcome.result;
		}
		result = settle_staging(remote, change);
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_UNAVAILABLE;
}

static void
remote_apply(void *state, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes)
{
	struct remote *remote = state;
	size_t i;

	remote->reason = "";
	for (i = 0; i < count; i++) {
		changes[i]->owner.incarnation = remote->incarnation;
		ret_outcomes[i].result = remote_enter(remote);
		if (ret_outcomes[i].result == RESULT_OK)
			ret_outcomes[i].result =
			    apply_one(remote, changes[i], &ret_outcomes[i]);
		remote_leave(remote);
		if (names_staged(remote, changes[i]) &&
		    ret_outcomes[i].result == RESULT_OK) {
			remote_forget(remote);
			remote->staging.blob = 0;
		}
	}
}

/* ---- the table ---- */

static const char *
remote_reason(const void *state)
{
	const struct remote *remote = state;

	return remote->reason;
}

static struct shortage
remote_shortage(const void *state)
{
	const struct remote *remote = state;

	return remote->shortage;
}

static void
remote_close(void *state)
{
	struct remote *remote = state;

	remote_forget(remote);
	remote_disconnect(remote);
	arena_close(remote->scratch);
	free(remote);
}

static const struct store_changing changing = {
	.stage_begin = remote_stage_begin,
	.stage = remote_stage,
	.stage_end = remote_stage_end,
	.stage_drop = remote_stage_drop,
	.apply = remote_apply,
	.reason = remote_reason,
	.shortage = remote_shortage,
	.close = remote_close,
};

void
store_remote_add(
    struct store *store, const struct store_remote_options *options)
{
	struct remote *remote = calloc(1, sizeof(*remote));

	if (remote == NULL)
		abort();
	remote->reason = "";
	remote->control_fd = options->control_fd;
	remote->channel_fd = -1;
	remote->incarnation = options->incarnation;
	remote->scoreboard = options->scoreboard;
	remote->slot = options->slot;
	remote->scratch = arena_open();
	store_add_changing(store, &changing, remote);
}

bool
store_remote_is_cut_off(const struct store *store)
{
	const struct remote *remote = store->change_state;

	return remote->is_cut_off;
}
