/* SPDX-License-Identifier: ISC */
/*
 * writer.c - the writer's life: open the store, gather what waits, one commit
 * for all, answer each, sweep, clear stale readers.
 *
 * While one commit syncs, the next batch gathers in the sockets: the more
 * load, the larger the batch. Knows messages and the store, no HTTP.
 */

#include "process.h"
#include "base/log.h"
#include "sandbox.h"
#include "store/engine.h"
#include "store/lmdb/lmdb.h"
#include "store/proxy/wire.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define LOCK_WAIT_US (15 * SECOND) /* for a writer that still ends */
#define LOCK_RETRY_US 100000
#define PEERS (2 * SCOREBOARD_WORKERS) /* a reload may overlap */
#define STAGE_WAIT_US 20000  /* a commit follows the first staged chunk */
#define STAGE_BYTES 524288   /* so does one when they are more, if none waits */
#define LOSS_WAIT_US 50000   /* until the master is told again */
#define TICK_US SECOND	     /* stale readers, sweeping when idle */
#define BUSY_SWEEP_US 100000 /* sweeping goes on under load too */

/* A worker at the other end of a channel. */
struct peer {
	int fd;
	uint64_t incarnation;
	struct slot *slot;  /* NULL: it had ended when its channel came */
	bool is_gone;	    /* to be closed at the end of the round */
	bool is_mistrusted; /* it sent what no worker sends: it gets no other
			     * channel */
};

/* What the next commit takes. */
struct batch {
	struct arena *arena;
	struct change *changes[LIMIT_BATCH_CHANGES];
	int fds[LIMIT_BATCH_CHANGES]; /* whom to answer; -1: gone */
	size_t count;
	size_t staged;	/* bytes */
	size_t bytes;	/* of all changes, that is what they cost */
	size_t awaited; /* changes of which a worker waits for the answer */
	size_t most;	/* of awaited: the places (base/scoreboard.h) */
	int64_t began;	/* when its first change came */
};

struct writer {
	const struct process *process;
	struct store *store;
	struct arena *scratch;
	struct peer peers[PEERS];
	size_t peer_count;
	size_t next_peer;	/* whom the next round hears first */
	uint64_t losses[PEERS]; /* that the master has not been told yet */
	size_t loss_count;
	struct batch batch;
	bool is_orphan; /* the master is gone: serve who is left, then go */
	bool has_stale_readers;
	bool has_more_to_sweep;
	int64_t next_tick;
	int64_t next_sweep;
};

static enum wire_result
answer(struct writer *writer, int fd, const struct wire_message *message)
{
	arena_reset(writer->scratch);
	return wire_send(fd, message, false, writer->scratch);
}

/* ---- peers ---- */

/*
 * A channel is closed: if its worker lives, note it, so that the master is told
 * to give it another. If there are too many to note, the worker gets no answer,
 * and ends itself.
 */
static void
note_loss(struct writer *writer, uint64_t incarnation)
{
	size_t i;

	if (!scoreboard_has(writer->process->scoreboard, incarnation) ||
	    writer->loss_count == PEERS)
		return;
	for (i = 0; i < writer->loss_count; i++)
		if (writer->losses[i] == incarnation)
			return;
	writer->losses[writer->loss_count++] = incarnation;
}

/* Tell the master; what does not fit its socket now, in a later round. */
static void
tell_losses(struct writer *writer)
{
	struct wire_message lost = { .kind = WIRE_LOST };

	while (writer->loss_count > 0 && !writer->is_orphan) {
		lost.incarnation = writer->losses[writer->loss_count - 1];
		if (answer(writer, writer->process->control_fd, &lost) !=
		    WIRE_DONE)
			return;
		writer->loss_count--;
	}
}

static void
peer_close(struct writer *writer, size_t index)
{
	int fd = writer->peers[index].fd;
	size_t i;

	for (i = 0; i < writer->batch.count; i++)
		if (writer->batch.fds[i] == fd)
			writer->batch.fds[i] = -1;
	(void)close(fd);
	if (!writer->peers[index].is_mistrusted)
		note_loss(writer, writer->peers[index].incarnation);
	writer->peers[index] = writer->peers[--writer->peer_count];
	writer->has_stale_readers = true;
}

static void
peer_add(struct writer *writer, const struct wire_message *message)
{
	if (writer->peer_count == PEERS) {
		/* Some peers have died, which this round has not found yet. */
		(void)close(message->fd);
		note_loss(writer, message->incarnation);
		return;
	}
	writer->peers[writer->peer_count++] = (struct peer){
		.fd = message->fd,
		.incarnation = message->incarnation,
		.slot = scoreboard_slot(
		    writer->process->scoreboard, message->incarnation),
	};
}

/* Take a message of the master: a channel. EOF is its death. true: there may be
 * more messages. */
static bool
hear_master(struct writer *writer)
{
	struct wire_message message;
	enum wire_result result;

	arena_reset(writer->scratch);
	result = wire_receive(
	    writer->process->control_fd, 0, writer->scratch, &message);
	if (result == WIRE_GONE)
		writer->is_orphan = true;
	else if (result == WIRE_DONE && message.kind == WIRE_CHANNEL)
		peer_add(writer, &message);
	return result == WIRE_DONE;
}

/* Give an upload a blob; false: the channel is to be closed. */
static bool
answer_begin(struct writer *writer, const struct peer *peer,
    const struct wire_message *message)
{
	struct staging staging = { .owner = {
				       peer->incarnation, message->request } };
	struct wire_message begun = { .kind = WIRE_BEGUN,
		.number = message->number };

	if (store_stage_begin(writer->store, &staging) != RESULT_OK)
		return false;
	begun.blob = staging.blob;
	scoreboard_answers(writer->process->scoreboard);
	return answer(writer, peer->fd, &begun) == WIRE_DONE;
}

static void
batch_add(struct batch *batch, const struct peer *peer, struct change *change)
{
	if (batch->count == 0)
		batch->began = scoreboard_now();
	/* The owner is the worker that the master named, whatever the message
	 * says. */
	change->owner.incarnation = peer->incarnation;
	batch->changes[batch->count] = change;
	batch->fds[batch->count] = peer->fd;
	batch->count++;
	batch->bytes += change->bytes.size;
	if (change->artifact != NULL)
		batch->bytes += change->artifact->metadata.size;
	if (change->kind == CHANGE_STAGE)
		batch->staged += change->bytes.size;
	else if (change->kind != CHANGE_DROP)
		batch->awaited++;
}

/*
 * Does the worker still want the change? It may have given way while we did not
 * answer. Chunks are taken without asking, as a chunk alone changes nothing.
 */
static bool
is_wanted(const struct peer *peer, const struct change *change)
{
	if (peer->slot == NULL || peer->slot->incarnation != peer->incarnation)
		return true; /* it has ended, and has not withdrawn it */
	return !change_is_awaited(change) ||
	       slot_take(peer->slot, change->number);
}

/* Take one message of a peer; false: its channel is to be closed. */
static bool
hear_peer(struct writer *writer, struct peer *peer)
{
	struct wire_message message;
	enum wire_result result;

	result = wire_receive(peer->fd, 0, writer->batch.arena, &message);
	if (result == WIRE_NOT_NOW)
		return true;
	if (result == WIRE_DONE && message.kind == WIRE_CHANGE) {
		if (is_wanted(peer, message.change))
			batch_add(&writer->batch, peer, message.change);
		return true;
	}
	if (result == WIRE_DONE && message.kind == WIRE_BEGIN)
		return answer_begin(writer, peer, &message);
	if (result != WIRE_GONE) {
		peer->is_mistrusted = true;
		log_open(LOG_ERR, "worker_message_refused");
		log_string("cause", result == WIRE_MALFORMED
					? "malformed"
					: "not for the writer");
		log_close();
		if (result == WIRE_DONE && message.kind == WIRE_CHANNEL)
			(void)close(message.fd);
	}
	return false;
}

/* ---- gathering ---- */

static bool
batch_is_full(const struct batch *batch)
{
	return batch->count == LIMIT_BATCH_CHANGES ||
	       batch->bytes >= LIMIT_BATCH_BYTES ||
	       batch->awaited >= batch->most;
}

static bool
batch_is_due(const struct batch *batch)
{
	return batch->awaited > 0 || batch->staged >= STAGE_BYTES ||
	       batch->count == LIMIT_BATCH_CHANGES ||
	       (batch->count > 0 &&
		   scoreboard_now() - batch->began >= STAGE_WAIT_US);
}

/* Milliseconds until something is to be done without a message. */
static int
wait_ms(const struct writer *writer)
{
	int64_t until = writer->next_tick, now = scoreboard_now();

	if (batch_is_due(&writer->batch))
		return 0;
	if (writer->next_sweep < until)
		until = writer->next_sweep;
	if (writer->batch.count > 0 &&
	    writer->batch.began + STAGE_WAIT_US < until)
		until = writer->batch.began + STAGE_WAIT_US;
	if (writer->loss_count > 0 && now + LOSS_WAIT_US < until)
		until = now + LOSS_WAIT_US;
	return until <= now ? 0 : (int)((until - now + 999) / 1000);
}

static void
close_gone(struct writer *writer)
{
	size_t i;

	/* Downwards: closing one moves the last one into its place. */
	for (i = writer->peer_count; i-- > 0;)
		if (writer->peers[i].is_gone)
			peer_close(writer, i);
}

/*
 * Take one message of each peer that has some, beginning where the last batch
 * was full, so that none starves the others.
 */
static void
hear_peers(struct writer *writer, const struct pollfd *ready, size_t count)
{
	size_t i, n;

	if (count == 0)
		return;
	for (n = 0; n < count && !batch_is_full(&writer->batch); n++) {
		i = (writer->next_peer + n) % count;
		if (ready[i].revents != 0 &&
		    !hear_peer(writer, &writer->peers[i]))
			writer->peers[i].is_gone = true;
	}
	writer->next_peer = (writer->next_peer + n) % count;
	close_gone(writer);
}

/* Wait for messages and take some; true: there may be more. */
static bool
gather_round(struct writer *writer)
{
	struct pollfd ready[1 + PEERS];
	size_t count = writer->peer_count, i;

	ready[0] = (struct pollfd){ .fd = writer->process->control_fd,
		.events = POLLIN };
	if (writer->is_orphan)
		ready[0].fd = -1;
	for (i = 0; i < count; i++)
		ready[1 + i] = (struct pollfd){ .fd = writer->peers[i].fd,
			.events = POLLIN };
	if (poll(ready, count + 1, wait_ms(writer)) <= 0)
		return false;
	if (ready[0].revents != 0)
		(void)hear_master(writer); /* the next round hears more */
	hear_peers(writer, ready + 1, count);
	return !batch_is_full(&writer->batch);
}

/* ---- committing ---- */

static void
batch_reset(struct batch *batch)
{
	arena_reset(batch->arena);
	batch->count = 0;
	batch->staged = 0;
	batch->bytes = 0;
	batch->awaited = 0;
}

static void
peer_close_fd(struct writer *writer, int fd)
{
	size_t i;

	for (i = 0; i < writer->peer_count; i++)
		if (writer->peers[i].fd == fd) {
			peer_close(writer, i);
			return;
		}
}

/*
 * Answer change i of the batch. A worker whose socket is full does not read
 * its answers: it is given up rather than waited for.
 */
static void
answer_change(struct writer *writer, size_t i, const struct outcome *outcome)
{
	struct wire_message message = { .kind = WIRE_ANSWER,
		.outcome = *outcome };
	int fd = writer->batch.fds[i];

	message.number = writer->batch.changes[i]->number;
	if (fd >= 0 && answer(writer, fd, &message) != WIRE_DONE)
		peer_close_fd(writer, fd);
}

/*
 * false: the commit failed, and this process can't go on (rule 7 of
 * doc/rules.md).
 */
static bool
commit(struct writer *writer)
{
	static struct outcome outcomes[LIMIT_BATCH_CHANGES];
	struct batch *batch = &writer->batch;
	bool is_known = true;
	int64_t began;
	size_t i;

	began = scoreboard_now();
	store_apply_many(writer->store, batch->changes, batch->count, outcomes);
	metrics_observe(writer->process->metrics, METRIC_BATCHES, LABELS_NONE,
	    batch->count);
	metrics_observe(writer->process->metrics, METRIC_COMMIT_SECONDS,
	    LABELS_NONE, (uint64_t)(scoreboard_now() - began));
	for (i = 0; i < batch->count; i++) {
		if (outcomes[i].result == RESULT_UNKNOWN)
			is_known = false;
		answer_change(writer, i, &outcomes[i]);
	}
	scoreboard_answers(writer->process->scoreboard);
	if (!is_known) {
		log_open(LOG_CRIT, "commit_failed");
		log_string("cause", store_reason(writer->store));
		log_close();
		metrics_add(writer->process->metrics, METRIC_COMMIT_FAILURES,
		    LABELS_NONE, 1);
	}
	batch_reset(batch);
	if (is_known)
		/* Count the commit, so that the master sees that this writer
		 * did some work. */
		writer->process->slot->requests++;
	return is_known;
}

/* ---- housekeeping ---- */

static void
tell_no_room(const struct store_room *room)
{
	bool is_quota = room->verdict == RESULT_QUOTA;

	log_open(LOG_WARNING, "no_room");
	log_number(is_quota ? "used" : "free", (int64_t)room->shortage.have);
	log_number(
	    is_quota ? "max_bytes" : "reserve", (int64_t)room->shortage.limit);
	log_close();
}

/* Once when the room is used up, and once when there is some again. */
static void
tell_room(const struct store_room *room)
{
	static enum result told = RESULT_OK;

	if (room->verdict == told)
		return;
	told = room->verdict;
	if (told != RESULT_OK) {
		tell_no_room(room);
		return;
	}
	log_open(LOG_NOTICE, "room_again");
	log_close();
}

/*
 * How much room there is, once a second, for the processes that may not look.
 * The log says when that is none.
 */
static void
publish_room(const struct process *process, struct store *store)
{
	const struct config *config = process->config;
	struct metrics *metrics = process->metrics;
	struct store_room room;

	/* A store that cannot be read fails the next batch, which logs it. */
	if (store_room(store, config->reserve, config->max_bytes, &room) !=
	    RESULT_OK)
		return;
	tell_room(&room);
	metrics_set(metrics, METRIC_DISK_FREE, LABELS_NONE, room.disk_free);
	metrics_set(metrics, METRIC_REUSABLE, LABELS_NONE, room.reusable);
	metrics_set(metrics, METRIC_DISK_RESERVE, LABELS_NONE, config->reserve);
	metrics_set(metrics, METRIC_QUOTA, LABELS_NONE, config->max_bytes);
	metrics_set(metrics, METRIC_FILE_BYTES, LABELS_NONE, room.file_bytes);
	metrics_set(metrics, METRIC_HAS_ROOM, LABELS(METRICS_DISK),
	    room.verdict != RESULT_NO_SPACE);
	metrics_set(metrics, METRIC_HAS_ROOM, LABELS(METRICS_QUOTA),
	    room.verdict != RESULT_QUOTA);
}

static bool
sweep(struct writer *writer)
{
	int64_t now = scoreboard_now();
	enum result result;

	if (now < writer->next_sweep)
		return true;
	result = store_lmdb_sweep(writer->store, writer->process->scoreboard,
	    &writer->has_more_to_sweep);
	if (result != RESULT_OK) {
		log_open(LOG_CRIT, "sweep_failed");
		log_string("result", result_text(result));
		log_string("cause", store_reason(writer->store));
		log_close();
		return false;
	}
	writer->next_sweep =
	    now + (writer->has_more_to_sweep ? BUSY_SWEEP_US : TICK_US);
	return true;
}

static void
tick(struct writer *writer)
{
	int64_t now = scoreboard_now();

	writer->process->slot->heartbeat = now;
	if (now < writer->next_tick && !writer->has_stale_readers)
		return;
	store_lmdb_clear_readers(writer->store);
	publish_room(writer->process, writer->store);
	writer->has_stale_readers = false;
	writer->next_tick = now + TICK_US;
}

static bool
is_ending(struct writer *writer)
{
	if (!process_is_ending())
		return false;
	/* SIGTERM may also come from the kernel since the master died. Then
	 * workers still end their requests, for which they need the writer. */
	while (!writer->is_orphan && hear_master(writer))
		continue;
	return !writer->is_orphan || writer->peer_count == 0;
}

static int
serve(struct writer *writer)
{
	size_t rounds;

	while (!is_ending(writer)) {
		/* Some messages do not fill the batch, so that a number of
		 * rounds has to end the gathering. */
		rounds = LIMIT_BATCH_CHANGES;
		writer->batch.most =
		    scoreboard_places(writer->process->scoreboard);
		while (rounds-- > 0 && gather_round(writer))
			continue;
		if (batch_is_due(&writer->batch) && !commit(writer))
			return PROCESS_FAILED;
		if (!sweep(writer))
			return PROCESS_FAILED;
		tell_losses(writer);
		tick(writer);
	}
	if (writer->batch.count > 0 && !commit(writer))
		return PROCESS_FAILED;
	return PROCESS_DONE;
}

/* ---- start and end ---- */

static void
beat(void *object)
{
	struct slot *slot = object;

	slot->heartbeat = scoreboard_now();
}

static enum result
open_store(
    const struct process *process, char error[256], struct store **ret_store)
{
	const struct config *config = process->config;
	struct store_lmdb_options options = {
		.directory = config->state_dir,
		.max_bytes = config->max_bytes,
		.reserve = config->reserve,
		.beat = beat,
		.object = process->slot,
	};
	int64_t until = scoreboard_now() + LOCK_WAIT_US;
	enum result result;

	for (;;) {
		result = store_lmdb_open_writer(&options, error, ret_store);
		if (result != RESULT_UNAVAILABLE || process_is_ending() ||
		    scoreboard_now() > until)
			return result;
		(void)usleep(LOCK_RETRY_US);
	}
}

static int
fail(const char *event, const char *cause, int code)
{
	log_open(LOG_CRIT, event);
	log_string("cause", cause);
	log_close();
	return code;
}

/*
 * What comes before the first message: open the store, enter the sandbox, say
 * READY. The log says what did not work, the exit code whether another try may;
 * PROCESS_DONE: it is ready. *ret_store is set as soon as the store is open,
 * for the caller to close.
 */
static int
start(const struct process *process, struct arena *scratch,
    struct store **ret_store)
{
	struct wire_message ready = { .kind = WIRE_READY };
	char error[256] = "";
	enum result result;

	result = open_store(process, error, ret_store);
	if (result != RESULT_OK)
		/* Another try may do where the system is the cause, and will
		 * not where the store is. */
		return fail("store_refused", error,
		    result == RESULT_IO || result == RESULT_NO_SPACE
			? PROCESS_FAILED
			: PROCESS_REFUSED);
	/* LMDB's list of pages to reuse may need any amount of memory. */
	if (sandbox_enter(SANDBOX_WRITER, 0, NULL) != RESULT_OK)
		return fail("sandbox_failed", strerror(errno), PROCESS_FAILED);
	publish_room(process, *ret_store);
	scoreboard_answers(process->scoreboard);
	if (wire_send(process->control_fd, &ready, false, scratch) != WIRE_DONE)
		return fail("ready_not_sent", strerror(errno), PROCESS_FAILED);
	return PROCESS_DONE;
}

int
writer_run(const struct process *process)
{
	static struct writer writer;
	int code;

	scoreboard_answers(process->scoreboard); /* its silence begins now */
	writer.process = process;
	writer.scratch = arena_open();
	writer.batch.arena = arena_open();
	code = start(process, writer.scratch, &writer.store);
	if (code == PROCESS_DONE)
		code = serve(&writer);
	store_close(writer.store);
	arena_close(writer.batch.arena);
	arena_close(writer.scratch);
	return code;
}
