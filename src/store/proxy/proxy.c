/* SPDX-License-Identifier: ISC */
/*
 * proxy.c - the half of a worker's store that changes: it sends changes and
 * the chunks of uploads to the writer, and waits for its answers.
 *
 * The channel to the writer comes from the master, which hands out another
 * when a writer was replaced:
 *
 *	        channel_open: the master sent one;
 *	        what was not answered goes again
 *	  NONE -----------------------------------> OPEN ---+ messages,
 *	  | ^                                       |  ^    | answers
 *	  | |                                       |  +----+
 *	  | +---------------------------------------+
 *	  |   channel_close: the writer is gone, or its commit failed
 *	  |
 *	  |   channel_give_up: no channel came in 10 seconds, or no writer of
 *	  |   four answered, or one was silent for a minute
 *	  +-> CUT_OFF: the worker ends after this request
 *
 * A change goes to the next writer with the number that it had, so that it
 * happens once. Chunks are sent ahead, and kept until the writer says that
 * they are durable.
 *
 * While it waits, a request may give way to others: it withdraws the change
 * that the writer has not taken yet, and the worker is free for requests that
 * read. The channel stays open.
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

enum channel {
	CHANNEL_NONE,
	CHANNEL_OPEN,
	CHANNEL_CUT_OFF,
};

/* What came of a step that needs the writer. */
enum step {
	STEP_DONE,
	STEP_GONE,	/* there is no writer at the other end */
	STEP_SILENT,	/* nothing came in the time that there was for it */
	STEP_WITHDRAWN, /* the request gave way: nothing has happened */
};

/* A chunk that was sent and not yet answered. */
struct kept {
	uint64_t number;
	uint32_t chunk;
	struct span bytes; /* malloc'd */
};

struct remote {
	int control_fd;
	enum channel channel;
	int channel_fd; /* of an open one */
	uint64_t incarnation;
	struct scoreboard *scoreboard; /* NULL: nobody to give way to */
	struct slot *slot;
	uint64_t asked; /* the change that is being asked for; 0: none */
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
	remote->reason = "the writer has answered nothing for a second";
	return true;
}

/*
 * Around each call that may wait for the writer. RESULT_UNAVAILABLE: the writer
 * is silent, and the last workers are kept for requests that read. Each step
 * between enter and leave may give way, too, as long as nothing has happened.
 */
static enum result
remote_enter(struct remote *remote)
{
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

/* ---- the channel ---- */

static void
channel_close(struct remote *remote)
{
	if (remote->channel != CHANNEL_OPEN)
		return;
	(void)close(remote->channel_fd);
	remote->channel = CHANNEL_NONE;
}

static void
channel_give_up(struct remote *remote)
{
	channel_close(remote);
	remote->channel = CHANNEL_CUT_OFF;
}

/*
 * Receive in slices, up to timeout_ms (0: look only). The slices are counted,
 * not the time, so that a process that was stopped has not waited meanwhile.
 */
static enum step
receive(struct remote *remote, int fd, int timeout_ms,
    struct wire_message *ret_message)
{
	enum wire_result result;
	int waited = 0;

	do {
		arena_reset(remote->scratch);
		result = wire_receive(fd, timeout_ms > 0 ? SLICE_MS : 0,
		    remote->scratch, ret_message);
		if (result != WIRE_NOT_NOW)
			return result == WIRE_DONE ? STEP_DONE : STEP_GONE;
		waited += SLICE_MS;
		if (waited >= timeout_ms)
			return STEP_SILENT;
	} while (!gives_way(remote));
	return STEP_WITHDRAWN;
}

/* Wait for the newest channel that the master has sent: older ones lead to
 * writers that are gone. */
static enum step
channel_open(struct remote *remote)
{
	/* A send that takes longer is tried again, unless it gives way. */
	const struct timeval slice = { .tv_usec = SLICE_MS * 1000 };
	struct wire_message message;
	enum step step;

	if (remote->channel == CHANNEL_CUT_OFF)
		return STEP_SILENT;
	channel_close(remote);
	for (;;) {
		step = receive(remote, remote->control_fd,
		    remote->channel == CHANNEL_OPEN ? 0 : CHANNEL_WAIT_MS,
		    &message);
		if (step != STEP_DONE)
			break;
		if (message.kind != WIRE_CHANNEL)
			continue;
		channel_close(remote);
		remote->channel_fd = message.fd;
		remote->channel = CHANNEL_OPEN;
	}
	if (remote->channel == CHANNEL_OPEN &&
	    setsockopt(remote->channel_fd, SOL_SOCKET, SO_SNDTIMEO, &slice,
		sizeof(slice)) == 0)
		return STEP_DONE;
	if (step == STEP_WITHDRAWN)
		return step;
	channel_give_up(remote);
	remote->reason = "no writer came within 10 seconds";
	return STEP_SILENT;
}

/* Send a message, waiting for room. */
static enum step
channel_send(struct remote *remote, const struct wire_message *message)
{
	enum wire_result result;

	if (remote->channel != CHANNEL_OPEN)
		return STEP_GONE;
	do {
		arena_reset(remote->scratch);
		result = wire_send(
		    remote->channel_fd, message, true, remote->scratch);
		if (result == WIRE_DONE)
			return STEP_DONE;
		if (result != WIRE_NOT_NOW) {
			channel_close(remote);
			return STEP_GONE;
		}
	} while (!gives_way(remote));
	return STEP_WITHDRAWN;
}

/*
 * Receive one message, if is_waiting within ANSWER_WAIT_MS. A writer that says
 * that a commit failed will exit (doc/rules.md 7): it counts as gone.
 */
static enum step
channel_receive(
    struct remote *remote, bool is_waiting, struct wire_message *ret_message)
{
	enum step step;

	if (remote->channel != CHANNEL_OPEN)
		return STEP_GONE;
	step = receive(remote, remote->channel_fd,
	    is_waiting ? ANSWER_WAIT_MS : 0, ret_message);
	if (step == STEP_DONE && ret_message->kind == WIRE_ANSWER &&
	    ret_message->outcome.result == RESULT_UNKNOWN)
		step = STEP_GONE;
	if (step == STEP_GONE)
		channel_close(remote);
	return step;
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
forget_chunks(struct remote *remote)
{
	while (remote->kept_count > 0)
		forget_first(remote);
}

static enum step
send_chunk(struct remote *remote, const struct kept *kept)
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

	return channel_send(remote, &message);
}

static enum step
send_chunks(struct remote *remote)
{
	enum step step = STEP_DONE;
	size_t i;

	if (remote->staging.blob == 0)
		return STEP_DONE; /* its number is being asked for */
	for (i = 0; i < remote->kept_count && step == STEP_DONE; i++)
		step = send_chunk(remote, &remote->kept[i]);
	return step;
}

/* The answers to one channel's chunks come in the order they were sent. */
static void
note_chunk_answer(struct remote *remote, const struct wire_message *message)
{
	if (remote->kept_count == 0 ||
	    remote->kept[0].number != message->number)
		return; /* of an upload that was dropped or begun again */
	if (message->outcome.result == RESULT_OK) {
		remote->is_partly_durable = true;
		forget_first(remote);
	} else if (remote->stage_result == RESULT_OK) {
		remote->stage_result = message->outcome.result;
		remote->shortage = message->outcome.shortage;
	}
}

/* ---- asking, from one writer after the other ---- */

/* Take the next channel, and send again the chunks that were not answered. */
static enum step
recover(struct remote *remote)
{
	enum step step = channel_open(remote);

	if (step == STEP_DONE)
		step = send_chunks(remote);
	/* If this writer died, too, then the next step finds no channel. */
	return step == STEP_GONE ? STEP_DONE : step;
}

/* Wait for the answer to this number; answers to chunks come before it. */
static enum step
await(struct remote *remote, uint64_t number, struct wire_message *ret)
{
	enum step step;

	for (;;) {
		step = channel_receive(remote, true, ret);
		if (step == STEP_SILENT)
			remote->reason = "the writer did not answer in time";
		if (step != STEP_DONE || ret->number == number)
			return step;
		note_chunk_answer(remote, ret);
	}
}

/*
 * Ask one writer after the other, until one answers. *ret_was_sent: one of them
 * may have the message.
 */
static enum step
ask(struct remote *remote, const struct wire_message *message, uint64_t number,
    struct wire_message *ret_answer, bool *ret_was_sent)
{
	enum step step = STEP_GONE;
	int try;

	for (try = 0; try <= TRIES && step == STEP_GONE; try++) {
		step = remote->channel == CHANNEL_OPEN ? STEP_DONE
						       : recover(remote);
		if (step == STEP_DONE)
			step = channel_send(remote, message);
		if (step != STEP_DONE)
			continue;
		*ret_was_sent = true;
		step = await(remote, number, ret_answer);
		if (step == STEP_GONE)
			remote->reason = "the writer died with the change";
	}
	return step;
}

/*
 * Send a message and wait for its answer. RESULT_UNAVAILABLE: no writer got the
 * message, or it was withdrawn. RESULT_UNKNOWN: a writer got it, and none
 * answered.
 */
static enum result
remote_ask(struct remote *remote, const struct wire_message *message,
    uint64_t number, struct wire_message *ret_answer)
{
	bool is_change = message->kind == WIRE_CHANGE && remote->slot != NULL;
	bool was_sent = false;
	enum step step;

	if (is_change) {
		slot_ask(remote->slot, number);
		remote->asked = number;
	}
	step = ask(remote, message, number, ret_answer, &was_sent);
	if (is_change) {
		slot_ask_end(remote->slot, number);
		remote->asked = 0;
	}
	if (step == STEP_DONE)
		return RESULT_OK;
	if (step == STEP_WITHDRAWN)
		return RESULT_UNAVAILABLE;
	channel_give_up(remote);
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
	forget_chunks(remote);
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
stage_again(struct remote *remote)
{
	enum result result;
	enum step step;
	size_t i;

	if (remote->is_partly_durable)
		return RESULT_UNAVAILABLE;
	remote->stage_result = RESULT_OK;
	/* Should a writer die meanwhile, then the next one must not get chunks
	 * under the old number. */
	remote->staging.blob = 0;
	result = ask_blob(remote);
	if (result != RESULT_OK)
		return result;
	for (i = 0; i < remote->kept_count; i++)
		remote->kept[i].number = ++remote->last_number;
	step = send_chunks(remote);
	if (step == STEP_GONE)
		step = recover(remote);
	return step == STEP_DONE ? RESULT_OK : RESULT_UNAVAILABLE;
}

/* Take the answers that are there; wait for one if no more can be kept. */
static enum result
take_answers(struct remote *remote)
{
	struct wire_message message;
	enum result result = RESULT_OK;
	enum step step;
	int tries = 0;

	while (result == RESULT_OK) {
		bool is_full = remote->kept_count == KEPT;

		step = channel_receive(remote, is_full, &message);
		if (step == STEP_SILENT && !is_full)
			return RESULT_OK;
		if (step == STEP_DONE)
			note_chunk_answer(remote, &message);
		else if (step != STEP_GONE || tries++ == TRIES ||
			 recover(remote) != STEP_DONE)
			return RESULT_UNAVAILABLE;
		result = remote->stage_result;
		if (result == RESULT_STALE)
			result = stage_again(remote);
	}
	return result;
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
	/* If there is no writer now, take_answers sends it to the next. */
	return send_chunk(remote, kept) == STEP_WITHDRAWN ? RESULT_UNAVAILABLE
							  : RESULT_OK;
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

/* Without being told, the writer sweeps the chunks when the request has
 * ended. */
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
	forget_chunks(remote);
	change.number = ++remote->last_number;
	change.blob = staging->blob;
	if (remote_enter(remote) == RESULT_OK)
		(void)channel_send(remote, &message);
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
		result = stage_again(remote);
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
			forget_chunks(remote);
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

	forget_chunks(remote);
	channel_close(remote);
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
	remote->channel = CHANNEL_NONE;
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

	return remote->channel == CHANNEL_CUT_OFF;
}
