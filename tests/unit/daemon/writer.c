/* SPDX-License-Identifier: ISC */
/*
 * writer.c - a whole writer in a child; the test plays the master, and
 * workers at the other ends of channels.
 */
#include "kit/lmdb_kit.h"
#include "base/scoreboard.h"
#include "store/proxy/wire.h"
#include "daemon/process.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define INCARNATION 1000 /* of the first worker; the others follow */

static struct arena *arena;
static struct scoreboard *scoreboard;
static int master_fd;
static pid_t writer;

static void
start(size_t workers)
{
	struct config config = { .log_level = -1 };
	struct process process = { .config = &config, .listen_fd = -1 };
	struct wire_message message;
	int fds[2];
	size_t i;

	store_close(lmdb_writer()); /* makes it, with a small map */
	arena = arena_open();
	scoreboard = scoreboard_open();
	process.scoreboard = scoreboard;
	process.metrics = metrics_open();
	process.slot = &scoreboard->slots[SCOREBOARD_WRITER];
	for (i = 0; i < workers; i++)
		slot_occupy(&scoreboard->slots[i], INCARNATION + i);
	cr_assert(wire_pair(fds));
	config.state_dir = lmdb_directory();
	writer = fork();
	cr_assert_geq(writer, 0);
	if (writer == 0) {
		(void)close(fds[0]);
		process.control_fd = fds[1];
		process_signals();
		_exit(writer_run(&process));
	}
	(void)close(fds[1]);
	metrics_close(process.metrics);
	master_fd = fds[0];
	cr_assert_eq(
	    wire_receive(master_fd, 20000, arena, &message), WIRE_DONE);
	cr_assert_eq(message.kind, WIRE_READY);
}

static void
stop(void)
{
	int status;

	cr_assert_eq(kill(writer, SIGTERM), 0);
	cr_assert_eq(waitpid(writer, &status, 0), writer);
	cr_assert_eq(status, 0);
	(void)close(master_fd);
	scoreboard_close(scoreboard);
	arena_close(arena);
	lmdb_remove();
}

/* A channel for worker i: its end. */
static int
connect_worker(size_t i)
{
	struct wire_message message = { .kind = WIRE_CHANNEL,
		.incarnation = INCARNATION + i };
	int fds[2];

	cr_assert(wire_pair(fds));
	message.fd = fds[1];
	cr_assert_eq(wire_send(master_fd, &message, true, arena), WIRE_DONE);
	(void)close(fds[1]);
	return fds[0];
}

/* ---- asking ---- */

/* A delete of what there is not: an answer, and no commit. */
static void
ask(int fd, uint64_t number)
{
	struct change change = { .kind = CHANGE_DELETE, .number = number };
	struct wire_message message = { .kind = WIRE_CHANGE,
		.change = &change };

	cr_assert_eq(wire_send(fd, &message, true, arena), WIRE_DONE);
}

static void
expect_answer(int fd, uint64_t number)
{
	struct wire_message message;

	cr_assert_eq(wire_receive(fd, 20000, arena, &message), WIRE_DONE);
	cr_assert_eq(message.kind, WIRE_ANSWER);
	cr_assert_eq(message.number, number);
	cr_assert_eq(message.outcome.result, RESULT_NOT_FOUND);
}

/* ---- fairness ---- */

#define STREAMS 100
#define ANSWERS 2000

/* More than a channel takes. A worker never has as many on their way: who
 * reads no answers while he sends is cut off. */
#define STREAM_MOST 32

/* As many chunks as the channel takes, of a blob that there is not, so that
 * they cost no disk. What is unanswered: counted in *unanswered. */
static void
stream(int fd, struct span bytes, size_t *unanswered)
{
	struct change change = { .kind = CHANGE_STAGE,
		.number = 1,
		.blob = 99,
		.chunk = 1,
		.bytes = bytes };
	struct wire_message message = { .kind = WIRE_CHANGE,
		.change = &change };
	enum wire_result result = WIRE_DONE;

	while (*unanswered < STREAM_MOST) {
		result = wire_send(fd, &message, false, arena);
		if (result != WIRE_DONE)
			break;
		(*unanswered)++;
	}
	cr_assert(result == WIRE_DONE || result == WIRE_NOT_NOW);
	arena_reset(arena);
}

static size_t
take_answers(int fd)
{
	struct wire_message message;
	size_t count = 0;

	while (wire_receive(fd, 0, arena, &message) == WIRE_DONE)
		count++;
	arena_reset(arena);
	return count;
}

/*
 * A batch is full with the chunks of 65 of them. Each has some to send at any
 * time, so that none could be served for lack of it.
 */
Test(writer, serves_all_who_stream_though_a_batch_has_no_room_for_all)
{
	static char chunk[LIMIT_CHUNK];
	struct pollfd fds[STREAMS];
	size_t answers[STREAMS] = { 0 }, unanswered[STREAMS] = { 0 };
	size_t all = 0, least = ANSWERS, i;

	start(STREAMS);
	for (i = 0; i < STREAMS; i++) {
		fds[i] = (struct pollfd){ .fd = connect_worker(i),
			.events = POLLIN };
		ask(fds[i].fd, 1); /* it takes a channel a round */
		expect_answer(fds[i].fd, 1);
	}
	for (i = 0; i < STREAMS; i++)
		stream(
		    fds[i].fd, span_of(chunk, sizeof(chunk)), &unanswered[i]);
	while (all < ANSWERS) {
		cr_assert_gt(poll(fds, STREAMS, 20000), 0);
		for (i = 0; i < STREAMS; i++) {
			size_t count = take_answers(fds[i].fd);

			answers[i] += count;
			unanswered[i] -= count;
			all += count;
			if (count > 0)
				stream(fds[i].fd, span_of(chunk, sizeof(chunk)),
				    &unanswered[i]);
		}
	}
	for (i = 0; i < STREAMS; i++) {
		if (answers[i] < least)
			least = answers[i];
		(void)close(fds[i].fd);
	}
	cr_assert_geq(least, ANSWERS / STREAMS / 2, "%zu", least);
	stop();
}

/* ---- changes that are withdrawn ---- */

Test(writer, passes_over_a_change_that_its_worker_has_withdrawn)
{
	struct slot *slot;
	int fd;

	start(1);
	slot = &scoreboard->slots[0];
	fd = connect_worker(0);
	slot_ask(slot, 1);
	ask(fd, 1);
	expect_answer(fd, 1);
	cr_assert_not(slot_withdraw(slot, 1), "it was taken");
	slot_ask_end(slot, 1);

	slot_ask(slot, 2);
	cr_assert(slot_withdraw(slot, 2));
	ask(fd, 2); /* as if it had been on its way */
	slot_ask(slot, 3);
	ask(fd, 3);
	expect_answer(fd, 3);
	(void)close(fd);
	stop();
}

/* ---- who asks ---- */

/* An empty artifact, which the answer has to name. */
static void
create(int fd, uint64_t incarnation)
{
	struct artifact artifact = { .id = id_random(),
		.workflow = SPAN("w"),
		.type = SPAN("t"),
		.title = SPAN("t"),
		.content.type = SPAN("text/plain") };
	struct change change = { .kind = CHANGE_CREATE,
		.number = 1,
		.owner = { incarnation, 1 },
		.id = artifact.id,
		.artifact = &artifact };
	struct wire_message message = { .kind = WIRE_CHANGE,
		.change = &change };

	cr_assert_eq(wire_send(fd, &message, true, arena), WIRE_DONE);
	cr_assert_eq(wire_receive(fd, 20000, arena, &message), WIRE_DONE);
	cr_assert_eq(message.kind, WIRE_ANSWER);
	cr_assert_eq(message.outcome.result, RESULT_OK);
	cr_expect_arr_eq(&message.outcome.id, &artifact.id, sizeof(struct id),
	    "the answer is that of another change");
}

/* Else a worker that was taken over could use up the numbers of another, whose
 * change would then be answered and not made. */
Test(writer, takes_the_name_of_a_sender_from_the_master_alone)
{
	int fd, fd_of_other;

	start(2);
	fd = connect_worker(0);
	fd_of_other = connect_worker(1);
	create(fd, INCARNATION + 1);
	create(fd_of_other, INCARNATION + 1);
	(void)close(fd);
	(void)close(fd_of_other);
	stop();
}

/* ---- channels ---- */

Test(writer, tells_the_master_of_each_loss_when_that_has_time_to_listen)
{
	struct wire_message message;
	size_t lost, i;
	int round, fd;

	start(SCOREBOARD_WORKERS);
	/* More than fit the socket to a master that does not listen. */
	for (round = 0; round < 2; round++)
		for (i = 0; i < SCOREBOARD_WORKERS; i++) {
			fd = connect_worker(i);
			ask(fd, 1);
			expect_answer(fd, 1);
			(void)close(fd);
		}
	for (lost = 0; lost < 2 * SCOREBOARD_WORKERS; lost++) {
		cr_assert_eq(wire_receive(master_fd, 20000, arena, &message),
		    WIRE_DONE, "%zu", lost);
		cr_assert_eq(message.kind, WIRE_LOST);
	}
	stop();
}
