/* SPDX-License-Identifier: ISC */
/*
 * writer.c - the writer's life: gather what waits, one commit for all,
 * answer each, sweep, clear stale readers.
 *
 * While one commit syncs, the next batch gathers in the sockets: the more
 * load, the larger the batch. Knows messages and the store, no HTTP.
 */

#include "writer.h"
#include "log.h"
#include "store_engine.h"
#include "store_lmdb.h"
#include "wire.h"

#include <poll.h>
#include <unistd.h>

#define PEERS (2 * SCOREBOARD_WORKERS) /* a reload may overlap */
#define STAGE_WAIT_US 20000  /* a commit follows the first staged chunk */
#define STAGE_BYTES 524288   /* or so many of them, if no more wait */
#define TICK_US 1000000	     /* stale readers, sweeping when idle */
#define BUSY_SWEEP_US 100000 /* sweeping goes on under load too */

/* A worker at the other end of a channel. */
struct peer {
	int fd;
	uint64_t incarnation;
	bool is_mistrusted; /* it talks nonsense, and gets no other channel */
};

/* What the next commit takes. */
struct batch {
	struct arena *arena;
	struct change *changes[LIMIT_BATCH_CHANGES];
	int fds[LIMIT_BATCH_CHANGES]; /* whom to answer; -1: gone */
	size_t count;
	size_t staged;	 /* bytes */
	size_t bytes;	 /* of all changes, that is what they cost */
	bool is_awaited; /* a worker waits for an answer */
	int64_t began;	 /* when its first change came */
};

struct writer {
	const struct process *process;
	struct store *store;
	struct arena *scratch;
	struct peer peers[PEERS];
	size_t peer_count;
	struct batch batch;
	bool is_orphan; /* the master is gone: serve who is left, then go */
	bool has_stale_readers;
	bool has_more_to_sweep;
	int64_t next_tick;
	int64_t next_sweep;
};

static enum result
answer(struct writer *writer, int fd, const struct wire_message *message)
{
	arena_reset(writer->scratch);
	return wire_send(fd, message, false, writer->scratch);
}

/* ---- peers ---- */

/* If the worker lives, the master is to give it another channel. */
static void
tell_loss(struct writer *writer, const struct peer *peer)
{
	struct wire_message lost = {
		.kind = WIRE_LOST,
		.incarnation = peer->incarnation,
	};

	if (writer->is_orphan || peer->is_mistrusted)
		return;
	/* A worker that the master does not hear of waits, and retires. */
	(void)answer(writer, writer->process->control_fd, &lost);
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
	tell_loss(writer, &writer->peers[index]);
	writer->peers[index] = writer->peers[--writer->peer_count];
	writer->has_stale_readers = true;
}

static void
peer_add(struct writer *writer, const struct wire_message *message)
{
	if (writer->peer_count == PEERS) {
		(void)close(message->fd);
		return;
	}
	writer->peers[writer->peer_count++] = (struct peer){ .fd = message->fd,
		.incarnation = message->incarnation };
}

/* The master hands out channels, and lets go of us by dying; true: there may
 * be more to hear. */
static bool
hear_master(struct writer *writer)
{
	struct wire_message message;
	enum result result;

	arena_reset(writer->scratch);
	result = wire_receive(
	    writer->process->control_fd, 0, writer->scratch, &message);
	if (result == RESULT_END)
		writer->is_orphan = true;
	else if (result == RESULT_OK && message.kind == WIRE_CHANNEL)
		peer_add(writer, &message);
	return result == RESULT_OK;
}

static enum result
answer_begin(struct writer *writer, const struct peer *peer,
    const struct wire_message *message)
{
	struct owner owner = { peer->incarnation, message->request };
	struct wire_message begun = { .kind = WIRE_BEGUN,
		.number = message->number };

	begun.blob = store_lmdb_new_blob(writer->store, owner);
	return answer(writer, peer->fd, &begun);
}

static void
batch_add(struct batch *batch, const struct peer *peer, struct change *change)
{
	if (batch->count == 0)
		batch->began = scoreboard_now();
	/* Whatever it says, it is the one that the master named. */
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
		batch->is_awaited = true;
}

/* Take one message of a peer; false: it is of no more use. */
static bool
hear_peer(struct writer *writer, struct peer *peer)
{
	struct wire_message message;
	enum result result;

	result = wire_receive(peer->fd, 0, writer->batch.arena, &message);
	if (result == RESULT_UNAVAILABLE)
		return true;
	if (result == RESULT_OK && message.kind == WIRE_CHANGE) {
		batch_add(&writer->batch, peer, message.change);
		return true;
	}
	if (result == RESULT_OK && message.kind == WIRE_BEGIN)
		return answer_begin(writer, peer, &message) == RESULT_OK;
	if (result != RESULT_END) {
		peer->is_mistrusted = true;
		log_open(LOG_ERR, "worker_talks_nonsense");
		log_string("cause", result_text(result));
		log_close();
		if (result == RESULT_OK && message.kind == WIRE_CHANNEL)
			(void)close(message.fd);
	}
	return false;
}

/* ---- gathering ---- */

static bool
batch_is_full(const struct batch *batch)
{
	return batch->count == LIMIT_BATCH_CHANGES ||
	       batch->bytes >= LIMIT_BATCH_BYTES;
}

static bool
batch_is_due(const struct batch *batch)
{
	return batch->is_awaited || batch->staged >= STAGE_BYTES ||
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
	return until <= now ? 0 : (int)((until - now + 999) / 1000);
}

/*
 * Wait for messages and take one of each peer that has some, so that none
 * starves the others; true: there may be more.
 */
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
	/* Downwards: closing one moves the last one into its place. */
	for (i = count; i-- > 0 && !batch_is_full(&writer->batch);)
		if (ready[1 + i].revents != 0 &&
		    !hear_peer(writer, &writer->peers[i]))
			peer_close(writer, i);
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
	batch->is_awaited = false;
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
	if (fd >= 0 && answer(writer, fd, &message) != RESULT_OK)
		peer_close_fd(writer, fd);
}

/* false: the commit failed, and this process can't go on (RELIABILITY 7). */
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
	writer_count(
	    writer->process->metrics, batch->count, scoreboard_now() - began);
	for (i = 0; i < batch->count; i++) {
		if (outcomes[i].result == RESULT_UNKNOWN)
			is_known = false;
		answer_change(writer, i, &outcomes[i]);
	}
	if (!is_known) {
		log_open(LOG_CRIT, "commit_failed");
		log_string("cause", store_reason(writer->store));
		log_close();
		metrics_add(writer->process->metrics, METRIC_COMMIT_FAILURES,
		    LABELS_NONE, 1);
	}
	batch_reset(batch);
	if (is_known)
		writer->process->slot->requests++; /* it is of use */
	return is_known;
}

/* ---- housekeeping ---- */

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
	writer_publish(writer->process, writer->store);
	writer->has_stale_readers = false;
	writer->next_tick = now + TICK_US;
}

static bool
is_ending(struct writer *writer)
{
	if (!process_is_ending())
		return false;
	/* The kernel tells us of the master's death by SIGTERM, too; then
	 * workers still end their requests, and need us for it. */
	while (!writer->is_orphan && hear_master(writer))
		continue;
	return !writer->is_orphan || writer->peer_count == 0;
}

static int
serve(struct writer *writer)
{
	size_t rounds;

	while (!is_ending(writer)) {
		/* Not all messages fill the batch: some would gather for ever.
		 */
		rounds = LIMIT_BATCH_CHANGES;
		while (rounds-- > 0 && gather_round(writer))
			continue;
		if (batch_is_due(&writer->batch) && !commit(writer))
			return PROCESS_FAILED;
		if (!sweep(writer))
			return PROCESS_FAILED;
		tick(writer);
	}
	if (writer->batch.count > 0 && !commit(writer))
		return PROCESS_FAILED;
	return PROCESS_DONE;
}

int
writer_run(const struct process *process)
{
	static struct writer writer;
	int code;

	process_signals();
	writer.process = process;
	writer.scratch = arena_open();
	writer.batch.arena = arena_open();
	code = writer_start(process, writer.scratch, &writer.store);
	if (code == PROCESS_DONE)
		code = serve(&writer);
	store_close(writer.store);
	arena_close(writer.batch.arena);
	arena_close(writer.scratch);
	return code;
}
