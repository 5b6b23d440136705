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
#define MORE_WRITERS 3	      /* to ask, after one that died */
#define STALE_TRIES 3	      /* to apply, while writers lost the upload */
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

struct proxy {
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
gives_way(struct proxy *proxy)
{
	if (proxy->scoreboard == NULL ||
	    !scoreboard_must_give_way(proxy->scoreboard, proxy->slot))
		return false;
	if (proxy->asked != 0 && !slot_withdraw(proxy->slot, proxy->asked))
		return false;
	proxy->reason = "the writer has answered nothing for a second";
	return true;
}

/*
 * Around each call that may wait for the writer. RESULT_UNAVAILABLE: the writer
 * is silent, and the last workers are kept for requests that read. Each step
 * between enter and leave may give way, too, as long as nothing has happened.
 */
static enum result
proxy_enter(struct proxy *proxy)
{
	if (proxy->slot == NULL)
		return RESULT_OK;
	slot_wait_begin(proxy->slot);
	return gives_way(proxy) ? RESULT_UNAVAILABLE : RESULT_OK;
}

static void
proxy_leave(struct proxy *proxy)
{
	if (proxy->slot != NULL)
		slot_wait_end(proxy->slot);
}

/* ---- the channel ---- */

static void
channel_close(struct proxy *proxy)
{
	if (proxy->channel != CHANNEL_OPEN)
		return;
	(void)close(proxy->channel_fd);
	proxy->channel = CHANNEL_NONE;
}

static void
channel_give_up(struct proxy *proxy)
{
	channel_close(proxy);
	proxy->channel = CHANNEL_CUT_OFF;
}

/*
 * Receive in slices, up to timeout_ms (0: look only). The slices are counted,
 * not the time, so that a process that was stopped has not waited meanwhile.
 */
static enum step
receive(struct proxy *proxy, int fd, int timeout_ms,
    struct wire_message *ret_message)
{
	enum wire_result result;
	int waited = 0;

	do {
		arena_reset(proxy->scratch);
		result = wire_receive(fd, timeout_ms > 0 ? SLICE_MS : 0,
		    proxy->scratch, ret_message);
		if (result != WIRE_NOT_NOW)
			return result == WIRE_DONE ? STEP_DONE : STEP_GONE;
		waited += SLICE_MS;
		if (waited >= timeout_ms)
			return STEP_SILENT;
	} while (!gives_way(proxy));
	return STEP_WITHDRAWN;
}

/* Take the newest channel that the master has sent, since older ones lead to
 * writers that are gone; wait for one, up to timeout_ms (0: look only). */
static enum step
channel_take(struct proxy *proxy, int timeout_ms)
{
	/* A send that takes longer is tried again, unless it gives way. */
	const struct timeval slice = { .tv_usec = SLICE_MS * 1000 };
	struct wire_message message;
	enum step step;

	while ((step = receive(proxy, proxy->control_fd, timeout_ms,
		    &message)) == STEP_DONE) {
		if (message.kind != WIRE_CHANNEL)
			continue;
		channel_close(proxy);
		proxy->channel_fd = message.fd;
		proxy->channel = CHANNEL_OPEN;
		timeout_ms = 0;
		if (setsockopt(proxy->channel_fd, SOL_SOCKET, SO_SNDTIMEO,
			&slice, sizeof(slice)) != 0)
			channel_close(proxy);
	}
	return step;
}

static enum step
channel_open(struct proxy *proxy)
{
	enum step step;

	if (proxy->channel == CHANNEL_CUT_OFF)
		return STEP_SILENT;
	channel_close(proxy);
	step = channel_take(proxy, CHANNEL_WAIT_MS);
	if (proxy->channel == CHANNEL_OPEN)
		return STEP_DONE;
	if (step == STEP_WITHDRAWN)
		return step;
	channel_give_up(proxy);
	proxy->reason = "no writer came within 10 seconds";
	return STEP_SILENT;
}

/* Send a message, waiting for room. */
static enum step
channel_send(struct proxy *proxy, const struct wire_message *message)
{
	enum wire_result result;

	if (proxy->channel != CHANNEL_OPEN)
		return STEP_GONE;
	do {
		arena_reset(proxy->scratch);
		result =
		    wire_send(proxy->channel_fd, message, true, proxy->scratch);
		if (result == WIRE_DONE)
			return STEP_DONE;
		if (result != WIRE_NOT_NOW) {
			channel_close(proxy);
			return STEP_GONE;
		}
	} while (!gives_way(proxy));
	return STEP_WITHDRAWN;
}

/*
 * Receive one message, if is_waiting within ANSWER_WAIT_MS. A writer that says
 * that a commit failed will exit (doc/rules.md 7): it counts as gone.
 */
static enum step
channel_receive(
    struct proxy *proxy, bool is_waiting, struct wire_message *ret_message)
{
	enum step step;

	if (proxy->channel != CHANNEL_OPEN)
		return STEP_GONE;
	step = receive(proxy, proxy->channel_fd,
	    is_waiting ? ANSWER_WAIT_MS : 0, ret_message);
	if (step == STEP_DONE && ret_message->kind == WIRE_ANSWER &&
	    ret_message->outcome.result == RESULT_UNKNOWN)
		step = STEP_GONE;
	if (step == STEP_GONE)
		channel_close(proxy);
	return step;
}

/* ---- chunks that were sent and are not durable yet ---- */

static void
forget_first(struct proxy *proxy)
{
	free((void *)(uintptr_t)proxy->kept[0].bytes.data);
	proxy->kept_count--;
	memmove(&proxy->kept[0], &proxy->kept[1],
	    proxy->kept_count * sizeof(proxy->kept[0]));
}

static void
forget_chunks(struct proxy *proxy)
{
	while (proxy->kept_count > 0)
		forget_first(proxy);
}

static enum step
send_chunk(struct proxy *proxy, const struct kept *kept)
{
	struct change change = {
		.kind = CHANGE_STAGE,
		.number = kept->number,
		.owner = proxy->staging.owner,
		.blob = proxy->staging.blob,
		.chunk = kept->chunk,
		.bytes = kept->bytes,
	};
	struct wire_message message = { .kind = WIRE_CHANGE,
		.change = &change };

	return channel_send(proxy, &message);
}

static enum step
send_chunks(struct proxy *proxy)
{
	enum step step = STEP_DONE;
	size_t i;

	if (proxy->staging.blob == 0)
		return STEP_DONE; /* not before the blob's number is known */
	for (i = 0; i < proxy->kept_count && step == STEP_DONE; i++)
		step = send_chunk(proxy, &proxy->kept[i]);
	return step;
}

/* The answers to one channel's chunks come in the order they were sent. */
static void
note_chunk_answer(struct proxy *proxy, const struct wire_message *message)
{
	if (proxy->kept_count == 0 || proxy->kept[0].number != message->number)
		return; /* of an upload that was dropped or begun again */
	if (message->outcome.result == RESULT_OK) {
		proxy->is_partly_durable = true;
		forget_first(proxy);
	} else if (proxy->stage_result == RESULT_OK) {
		proxy->stage_result = message->outcome.result;
		proxy->shortage = message->outcome.shortage;
	}
}

/* ---- asking, from one writer after the other ---- */

/* Take the next channel, and send again the chunks that were not answered. */
static enum step
recover(struct proxy *proxy)
{
	enum step step = channel_open(proxy);

	if (step == STEP_DONE)
		step = send_chunks(proxy);
	/* If this writer died, too, then the next step finds no channel. */
	return step == STEP_GONE ? STEP_DONE : step;
}

/* Wait for the answer to this number; answers to chunks come before it. */
static enum step
await(struct proxy *proxy, uint64_t number, struct wire_message *ret)
{
	enum step step;

	for (;;) {
		step = channel_receive(proxy, true, ret);
		if (step == STEP_SILENT)
			proxy->reason = "the writer did not answer in time";
		if (step != STEP_DONE || ret->number == number)
			return step;
		note_chunk_answer(proxy, ret);
	}
}

/*
 * Ask one writer after the other, until one answers. *ret_was_sent: one of them
 * may have the message.
 */
static enum step
ask(struct proxy *proxy, const struct wire_message *message, uint64_t number,
    struct wire_message *ret_answer, bool *ret_was_sent)
{
	enum step step = STEP_GONE;
	int try;

	for (try = 0; try <= MORE_WRITERS && step == STEP_GONE; try++) {
		step =
		    proxy->channel == CHANNEL_OPEN ? STEP_DONE : recover(proxy);
		if (step == STEP_DONE)
			step = channel_send(proxy, message);
		if (step != STEP_DONE)
			continue;
		*ret_was_sent = true;
		step = await(proxy, number, ret_answer);
		if (step == STEP_GONE)
			proxy->reason = "the writer died with the change";
	}
	return step;
}

/*
 * Send a message and wait for its answer. RESULT_UNAVAILABLE: no writer got the
 * message, or it was withdrawn. RESULT_UNKNOWN: a writer got it, and none
 * answered.
 */
static enum result
proxy_ask(struct proxy *proxy, const struct wire_message *message,
    uint64_t number, struct wire_message *ret_answer)
{
	bool is_change = message->kind == WIRE_CHANGE && proxy->slot != NULL;
	bool was_sent = false;
	enum step step;

	if (is_change) {
		slot_ask(proxy->slot, number);
		proxy->asked = number;
	}
	step = ask(proxy, message, number, ret_answer, &was_sent);
	if (is_change) {
		slot_ask_end(proxy->slot, number);
		proxy->asked = 0;
	}
	if (step == STEP_DONE)
		return RESULT_OK;
	if (step == STEP_WITHDRAWN)
		return RESULT_UNAVAILABLE;
	channel_give_up(proxy);
	return was_sent ? RESULT_UNKNOWN : RESULT_UNAVAILABLE;
}

/* ---- staging ---- */

static enum result
ask_blob(struct proxy *proxy)
{
	struct wire_message message = { .kind = WIRE_BEGIN };
	struct wire_message answer;
	enum result result;

	message.number = ++proxy->last_number;
	message.request = proxy->staging.owner.request;
	result = proxy_ask(proxy, &message, message.number, &answer);
	if (result == RESULT_OK)
		proxy->staging.blob = answer.blob;
	/* Nothing is lost by a number that was given and never used. */
	return result == RESULT_UNKNOWN ? RESULT_UNAVAILABLE : result;
}

static enum result
proxy_stage_begin(void *state, struct staging *staging)
{
	struct proxy *proxy = state;
	enum result result;

	proxy->reason = "";
	forget_chunks(proxy);
	proxy->staging = *staging;
	proxy->staging.owner.incarnation = proxy->incarnation;
	proxy->is_partly_durable = false;
	proxy->stage_result = RESULT_OK;
	result = proxy_enter(proxy);
	if (result == RESULT_OK)
		result = ask_blob(proxy);
	proxy_leave(proxy);
	staging->blob = proxy->staging.blob;
	return result;
}

/*
 * The blob's number went to another upload, since this one's first chunk was
 * not durable when a writer died. Begin again with what is kept: all of it.
 */
static enum result
stage_again(struct proxy *proxy)
{
	enum result result;
	enum step step;
	size_t i;

	if (proxy->is_partly_durable)
		return RESULT_UNAVAILABLE;
	proxy->stage_result = RESULT_OK;
	/* Should a writer die meanwhile, then the next one must not get chunks
	 * under the old number. */
	proxy->staging.blob = 0;
	result = ask_blob(proxy);
	if (result != RESULT_OK)
		return result;
	for (i = 0; i < proxy->kept_count; i++)
		proxy->kept[i].number = ++proxy->last_number;
	step = send_chunks(proxy);
	if (step == STEP_GONE)
		step = recover(proxy);
	return step == STEP_DONE ? RESULT_OK : RESULT_UNAVAILABLE;
}

/* Take the answers that are there; wait for one if no more can be kept. */
static enum result
take_answers(struct proxy *proxy)
{
	struct wire_message message;
	enum result result = RESULT_OK;
	enum step step;
	int tries = 0;

	while (result == RESULT_OK) {
		bool is_full = proxy->kept_count == KEPT;

		step = channel_receive(proxy, is_full, &message);
		if (step == STEP_SILENT && !is_full)
			return RESULT_OK;
		if (step == STEP_DONE)
			note_chunk_answer(proxy, &message);
		else if (step != STEP_GONE || tries++ == MORE_WRITERS ||
			 recover(proxy) != STEP_DONE)
			return RESULT_UNAVAILABLE;
		result = proxy->stage_result;
		if (result == RESULT_STALE)
			result = stage_again(proxy);
	}
	return result;
}

static enum result
stage_chunk(struct proxy *proxy, uint32_t chunk, struct span bytes)
{
	struct kept *kept;
	enum result result;
	char *copy;

	result = take_answers(proxy);
	if (result != RESULT_OK)
		return result;
	copy = malloc(bytes.size);
	if (copy == NULL)
		abort();
	memcpy(copy, bytes.data, bytes.size);
	kept = &proxy->kept[proxy->kept_count++];
	kept->number = ++proxy->last_number;
	kept->chunk = chunk;
	kept->bytes = span_of(copy, bytes.size);
	/* If there is no writer now, take_answers sends it to the next. */
	return send_chunk(proxy, kept) == STEP_WITHDRAWN ? RESULT_UNAVAILABLE
							 : RESULT_OK;
}

static enum result
proxy_stage(void *state, struct staging *staging, struct span bytes)
{
	struct proxy *proxy = state;
	enum result result = proxy_enter(proxy);

	if (result == RESULT_OK)
		result = stage_chunk(proxy, staging->chunks, bytes);
	proxy_leave(proxy);
	return result;
}

static enum result
proxy_stage_end(void *state, struct staging *staging)
{
	struct proxy *proxy = state;
	enum result result = proxy_enter(proxy);

	if (result == RESULT_OK)
		result = take_answers(proxy);
	proxy_leave(proxy);
	staging->blob = proxy->staging.blob;
	return result;
}

/* Without being told, the writer sweeps the chunks when the request has
 * ended. */
static void
proxy_stage_drop(void *state, struct staging *staging)
{
	struct proxy *proxy = state;
	struct change change = { .kind = CHANGE_DROP,
		.owner = proxy->staging.owner };
	struct wire_message message = { .kind = WIRE_CHANGE,
		.change = &change };

	if (staging->blob != proxy->staging.blob)
		return;
	forget_chunks(proxy);
	change.number = ++proxy->last_number;
	change.blob = staging->blob;
	if (proxy_enter(proxy) == RESULT_OK)
		(void)channel_send(proxy, &message);
	proxy_leave(proxy);
}

/* ---- changes ---- */

static bool
names_staged(const struct proxy *proxy, const struct change *change)
{
	return change->artifact != NULL && proxy->staging.blob != 0 &&
	       change->artifact->content.blob == proxy->staging.blob;
}

/* What came of a change whose staged content the writer does not know. */
static enum result
settle_staging(struct proxy *proxy, struct change *change)
{
	enum result result = proxy->stage_result;

	if (result == RESULT_OK || result == RESULT_STALE)
		result = stage_again(proxy);
	change->artifact->content.blob = proxy->staging.blob;
	return result;
}

static enum result
send_change(
    struct proxy *proxy, struct change *change, struct outcome *ret_outcome)
{
	struct wire_message message = { .kind = WIRE_CHANGE, .change = change };
	struct wire_message answer;
	enum result result;
	int try;

	for (try = 0; try < STALE_TRIES; try++) {
		change->number = ++proxy->last_number;
		result = proxy_ask(proxy, &message, change->number, &answer);
		if (result != RESULT_OK)
			return result;
		*ret_outcome = answer.outcome;
		if (answer.outcome.result != RESULT_STALE ||
		    !names_staged(proxy, change)) {
			proxy->shortage = answer.outcome.shortage;
			return answer.outcome.result;
		}
		result = settle_staging(proxy, change);
		if (result != RESULT_OK)
			return result;
	}
	return RESULT_UNAVAILABLE;
}

static void
proxy_apply(void *state, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes)
{
	struct proxy *proxy = state;
	size_t i;

	proxy->reason = "";
	for (i = 0; i < count; i++) {
		changes[i]->owner.incarnation = proxy->incarnation;
		ret_outcomes[i].result = proxy_enter(proxy);
		if (ret_outcomes[i].result == RESULT_OK)
			ret_outcomes[i].result =
			    send_change(proxy, changes[i], &ret_outcomes[i]);
		proxy_leave(proxy);
		if (names_staged(proxy, changes[i]) &&
		    ret_outcomes[i].result == RESULT_OK) {
			forget_chunks(proxy);
			proxy->staging.blob = 0;
		}
	}
}

/* ---- the table ---- */

static const char *
proxy_reason(const void *state)
{
	const struct proxy *proxy = state;

	return proxy->reason;
}

static struct shortage
proxy_shortage(const void *state)
{
	const struct proxy *proxy = state;

	return proxy->shortage;
}

static void
proxy_close(void *state)
{
	struct proxy *proxy = state;

	forget_chunks(proxy);
	channel_close(proxy);
	arena_close(proxy->scratch);
	free(proxy);
}

static const struct store_changing changing = {
	.stage_begin = proxy_stage_begin,
	.stage = proxy_stage,
	.stage_end = proxy_stage_end,
	.stage_drop = proxy_stage_drop,
	.apply = proxy_apply,
	.reason = proxy_reason,
	.shortage = proxy_shortage,
	.close = proxy_close,
};

void
store_proxy_add(struct store *store, const struct store_proxy_options *options)
{
	struct proxy *proxy = calloc(1, sizeof(*proxy));

	if (proxy == NULL)
		abort();
	proxy->reason = "";
	proxy->control_fd = options->control_fd;
	proxy->channel = CHANNEL_NONE;
	proxy->incarnation = options->incarnation;
	proxy->scoreboard = options->scoreboard;
	proxy->slot = options->slot;
	proxy->scratch = arena_open();
	store_add_changing(store, &changing, proxy);
}

void
store_proxy_hear(struct store *store)
{
	struct proxy *proxy = store->change_state;

	if (proxy->channel != CHANNEL_CUT_OFF)
		(void)channel_take(proxy, 0); /* the next change looks, too */
}

bool
store_proxy_is_cut_off(const struct store *store)
{
	const struct proxy *proxy = store->change_state;

	return proxy->channel == CHANNEL_CUT_OFF;
}
