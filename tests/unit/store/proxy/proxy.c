/* SPDX-License-Identifier: ISC */
/*
 * Master and writers are played by a child: a script that hands out channels,
 * expects messages, answers or dies. Its exit code says whether what it was
 * sent is what it expected.
 */
#include "kit/store_mem.h"
#include "store/proxy/proxy.h"
#include "store/proxy/wire.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define INCARNATION 77

static struct arena *arena;
static struct store *store;
static pid_t child;

/* ---- the child's side ---- */

static int master_fd;
static int writer_fd = -1;

static void
expect(bool is_so)
{
	if (!is_so)
		_exit(1);
}

/* Returns the writer's end of a channel that the master has handed out. */
static int
hand_out_channel(void)
{
	struct wire_message message = { .kind = WIRE_CHANNEL,
		.incarnation = INCARNATION };
	int fds[2];

	expect(wire_pair(fds));
	message.fd = fds[0];
	expect(wire_send(master_fd, &message, true, arena) == WIRE_DONE);
	(void)close(fds[0]);
	return fds[1];
}

/* The writer that was dies, and the next one comes. */
static void
new_writer(void)
{
	int fd = hand_out_channel();

	if (writer_fd >= 0)
		(void)close(writer_fd);
	writer_fd = fd;
}

static struct wire_message
hear(void)
{
	struct wire_message message = { 0 };

	expect(wire_receive(writer_fd, 5000, arena, &message) == WIRE_DONE);
	return message;
}

/* The worker has closed its end, and has sent nothing more. */
static void
hear_end(int fd)
{
	struct wire_message message;

	expect(wire_receive(fd, 5000, arena, &message) == WIRE_GONE);
}

static void
answer_on(int fd, uint64_t number, enum result result)
{
	struct wire_message message = { .kind = WIRE_ANSWER,
		.number = number,
		.outcome = { .result = result } };

	if (result == RESULT_NO_SPACE)
		message.outcome.shortage = (struct shortage){ 5, 7, 9 };
	expect(wire_send(fd, &message, true, arena) == WIRE_DONE);
}

static void
say(uint64_t number, enum result result)
{
	answer_on(writer_fd, number, result);
}

static struct change *
hear_change(enum change_kind kind)
{
	struct wire_message message = hear();

	expect(message.kind == WIRE_CHANGE);
	expect(message.change->kind == kind);
	expect(message.change->owner.incarnation == INCARNATION);
	return message.change;
}

static void
give_blob(uint64_t blob)
{
	struct wire_message message = hear();

	expect(message.kind == WIRE_BEGIN && message.request == 5);
	message.kind = WIRE_BEGUN;
	message.blob = blob;
	expect(wire_send(writer_fd, &message, true, arena) == WIRE_DONE);
}

/* A chunk arrives; returns the number to answer. */
static uint64_t
hear_chunk(uint64_t blob, uint32_t chunk)
{
	struct change *change = hear_change(CHANGE_STAGE);

	expect(change->blob == blob && change->chunk == chunk);
	expect(change->bytes.size > 0);
	return change->number;
}

static uint64_t
hear_create(uint64_t blob)
{
	struct change *change = hear_change(CHANGE_CREATE);

	expect(change->artifact->content.blob == blob);
	return change->number;
}

/* ---- the worker's side ---- */

static struct scoreboard *scoreboard; /* NULL: it is alone */
static struct slot *slot;
static int control_fd;

static void
open_proxy_with(void (*script)(void))
{
	struct store_proxy_options options = { .incarnation = INCARNATION,
		.scoreboard = scoreboard,
		.slot = slot };
	int fds[2];

	arena = arena_open();
	cr_assert(wire_pair(fds));
	child = fork();
	cr_assert_geq(child, 0);
	if (child == 0) {
		master_fd = fds[0];
		(void)close(fds[1]);
		script();
		_exit(0);
	}
	(void)close(fds[0]);
	options.control_fd = control_fd = fds[1];
	store = store_mem_open_reader();
	store_proxy_add(store, &options);
}

/* The script went as written. */
static void
close_proxy(void)
{
	int status;

	store_close(store);
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status));
	cr_assert_eq(WEXITSTATUS(status), 0);
	arena_close(arena);
}

static enum result
delete_something(void)
{
	struct change change = { .kind = CHANGE_DELETE };
	struct outcome outcome;

	return store_apply(store, &change, &outcome);
}

/* Create an artifact with content of so many chunks, the last one short. */
static enum result
create_of(size_t chunks)
{
	struct artifact artifact = {
		.workflow = SPAN("w"), .type = SPAN("plan"), .title = SPAN("t")
	};
	struct change change = { .kind = CHANGE_CREATE, .artifact = &artifact };
	char *piece = arena_alloc(arena, LIMIT_CHUNK);
	struct upload *upload;
	struct outcome outcome;
	enum result result = RESULT_OK;
	size_t i;

	upload = upload_open(store, arena, (struct owner){ 0, 5 });
	for (i = 0; i < chunks && result == RESULT_OK; i++)
		result = upload_write(
		    upload, span_of(piece, i == chunks - 1 ? 10 : LIMIT_CHUNK));
	if (result == RESULT_OK)
		result =
		    upload_finish(upload, &artifact.content, &change.bytes);
	if (result == RESULT_OK)
		result = store_apply(store, &change, &outcome);
	return result;
}

/* ---- changes ---- */

static void
answers_two_changes(void)
{
	new_writer();
	expect(hear_change(CHANGE_DELETE)->number == 1);
	say(1, RESULT_NOT_FOUND);
	expect(hear_change(CHANGE_DELETE)->number == 2);
	say(2, RESULT_OK);
}

Test(store_proxy, sends_a_change_and_takes_its_answer)
{
	open_proxy_with(answers_two_changes);
	cr_assert_eq(delete_something(), RESULT_NOT_FOUND);
	cr_assert_eq(delete_something(), RESULT_OK);
	close_proxy();
}

static void
answers_the_change_that_comes(void)
{
	new_writer();
	expect(hear_change(CHANGE_DELETE)->number == 1);
	say(1, RESULT_OK);
}

/* Three others wait for a writer that is silent. */
Test(store_proxy, gives_way_instead_of_taking_one_of_the_last_workers)
{
	size_t i;

	scoreboard = scoreboard_open();
	slot = &scoreboard->slots[3];
	for (i = 0; i < 4; i++)
		slot_occupy(&scoreboard->slots[i], INCARNATION - 3 + i);
	for (i = 0; i < 3; i++)
		scoreboard->slots[i].waits = scoreboard_now() - 2000000;
	open_proxy_with(answers_the_change_that_comes);
	cr_assert_eq(delete_something(), RESULT_UNAVAILABLE);
	cr_assert_not(store_proxy_is_cut_off(store));
	cr_assert_eq(slot->waits, 0);
	cr_assert_eq(create_of(3), RESULT_UNAVAILABLE);
	cr_assert_not(store_proxy_is_cut_off(store));
	scoreboard_answers(scoreboard);
	cr_assert_eq(delete_something(), RESULT_OK);
	cr_assert_eq(slot->waits, 0);
	close_proxy();
	scoreboard_close(scoreboard);
}

static void
dies_with_a_change_in_hand(void)
{
	new_writer();
	expect(hear_change(CHANGE_DELETE)->number == 1);
	new_writer();
	expect(hear_change(CHANGE_DELETE)->number == 1);
	say(1, RESULT_OK);
}

Test(store_proxy, asks_the_next_writer_with_the_same_number)
{
	open_proxy_with(dies_with_a_change_in_hand);
	cr_assert_eq(delete_something(), RESULT_OK);
	cr_assert_not(store_proxy_is_cut_off(store));
	close_proxy();
}

static void
fails_to_commit(void)
{
	new_writer();
	(void)hear_change(CHANGE_DELETE);
	say(1, RESULT_UNKNOWN);
	new_writer();
	expect(hear_change(CHANGE_DELETE)->number == 1);
	say(1, RESULT_OK);
}

Test(store_proxy, asks_the_next_writer_after_a_failed_commit)
{
	open_proxy_with(fails_to_commit);
	cr_assert_eq(delete_something(), RESULT_OK);
	close_proxy();
}

static void
dies_again_and_again(void)
{
	int i;

	for (i = 0; i < 4; i++) {
		new_writer();
		expect(hear_change(CHANGE_DELETE)->number == 1);
	}
}

Test(store_proxy, gives_up_after_three_more_writers)
{
	open_proxy_with(dies_again_and_again);
	cr_assert_eq(delete_something(), RESULT_UNKNOWN);
	cr_assert(store_proxy_is_cut_off(store));
	close_proxy();
}

static void
is_not_there(void)
{
}

Test(store_proxy, says_unavailable_when_it_could_never_ask)
{
	open_proxy_with(is_not_there);
	cr_assert_eq(delete_something(), RESULT_UNAVAILABLE);
	cr_assert(store_proxy_is_cut_off(store));
	close_proxy();
}

/* ---- a channel that comes while nothing is asked ---- */

static bool
a_channel_waits(void)
{
	struct pollfd control = { .fd = control_fd, .events = POLLIN };

	return poll(&control, 1, 0) == 1;
}

/* The old writers live on, as those that hang do. Two channels have come before
 * the first answer. */
static void
hands_out_two_channels_more(void)
{
	int first, second;

	new_writer();
	(void)hear_change(CHANGE_DELETE);
	first = writer_fd;
	second = hand_out_channel();
	writer_fd = hand_out_channel();
	answer_on(first, 1, RESULT_OK);
	hear_end(first);
	hear_end(second);
	expect(hear_change(CHANGE_DELETE)->number == 2);
	say(2, RESULT_NOT_FOUND);
}

Test(store_proxy, hears_of_the_newest_channel_and_asks_over_it)
{
	open_proxy_with(hands_out_two_channels_more);
	cr_assert_eq(delete_something(), RESULT_OK);
	cr_assert(a_channel_waits());
	store_proxy_hear(store);
	cr_assert_not(a_channel_waits());
	cr_assert_eq(delete_something(), RESULT_NOT_FOUND);
	cr_assert_not(store_proxy_is_cut_off(store));
	close_proxy();
}

/* When the test says so. */
static void
hands_out_a_channel_late(void)
{
	char byte;

	expect(recv(master_fd, &byte, 1, 0) == 1);
	answers_two_changes();
}

Test(store_proxy, hears_at_once_that_no_channel_has_come)
{
	int64_t began = scoreboard_now();

	open_proxy_with(hands_out_a_channel_late);
	store_proxy_hear(store);
	cr_assert_lt(scoreboard_now() - began, SECOND);
	cr_assert_eq(send(control_fd, "x", 1, MSG_NOSIGNAL), 1);
	cr_assert_eq(delete_something(), RESULT_NOT_FOUND);
	store_proxy_hear(store); /* and the one that is open stays */
	cr_assert_eq(delete_something(), RESULT_OK);
	cr_assert_not(store_proxy_is_cut_off(store));
	close_proxy();
}

static void
dies_again_and_again_and_comes_late(void)
{
	dies_again_and_again();
	new_writer();
	hear_end(writer_fd); /* when the worker ends */
}

Test(store_proxy, hears_of_no_channel_when_it_has_given_up)
{
	open_proxy_with(dies_again_and_again_and_comes_late);
	cr_assert_eq(delete_something(), RESULT_UNKNOWN);
	cr_assert(a_channel_waits());
	store_proxy_hear(store);
	cr_assert(store_proxy_is_cut_off(store));
	(void)close(control_fd);
	close_proxy();
}

/* ---- content ---- */

static void
takes_content(void)
{
	uint64_t first, second;

	new_writer();
	give_blob(9);
	first = hear_chunk(9, 0);
	second = hear_chunk(9, 1);
	say(first, RESULT_OK);
	say(second, RESULT_OK);
	say(hear_create(9), RESULT_OK);
}

Test(store_proxy, stages_content_and_then_names_it)
{
	open_proxy_with(takes_content);
	cr_assert_eq(create_of(2), RESULT_OK);
	close_proxy();
}

static void
takes_content_with_the_change(void)
{
	new_writer();
	say(hear_create(0), RESULT_OK);
}

Test(store_proxy, stages_nothing_for_one_chunk)
{
	open_proxy_with(takes_content_with_the_change);
	cr_assert_eq(create_of(1), RESULT_OK);
	close_proxy();
}

static void
dies_before_chunks_are_durable(void)
{
	uint64_t first, second;

	new_writer();
	give_blob(9);
	first = hear_chunk(9, 0);
	second = hear_chunk(9, 1);
	(void)hear_create(9);
	say(first, RESULT_OK);
	new_writer();
	expect(hear_chunk(9, 1) == second);
	say(second, RESULT_OK);
	say(hear_create(9), RESULT_OK);
}

Test(store_proxy, sends_again_just_the_chunks_that_were_not_answered)
{
	open_proxy_with(dies_before_chunks_are_durable);
	cr_assert_eq(create_of(2), RESULT_OK);
	close_proxy();
}

static void
gives_the_blob_to_another(void)
{
	uint64_t first, second, create;

	new_writer();
	give_blob(9);
	first = hear_chunk(9, 0);
	second = hear_chunk(9, 1);
	create = hear_create(9);
	say(first, RESULT_STALE);
	say(second, RESULT_STALE);
	say(create, RESULT_STALE);
	give_blob(10);
	say(hear_chunk(10, 0), RESULT_OK);
	say(hear_chunk(10, 1), RESULT_OK);
	say(hear_create(10), RESULT_OK);
}

Test(store_proxy, begins_again_when_its_blob_went_to_another)
{
	open_proxy_with(gives_the_blob_to_another);
	cr_assert_eq(create_of(2), RESULT_OK);
	close_proxy();
}

static void
dies_when_asked_for_another_blob(void)
{
	uint64_t first;

	new_writer();
	give_blob(9);
	first = hear_chunk(9, 0);
	(void)hear_chunk(9, 1); /* the answer to the first says enough */
	(void)hear_create(9);
	say(first, RESULT_STALE);
	say(first + 1, RESULT_STALE);
	say(first + 2, RESULT_STALE);
	expect(hear().kind == WIRE_BEGIN);
	new_writer();
	give_blob(10); /* and nothing for blob 9 comes before */
	say(hear_chunk(10, 0), RESULT_OK);
	say(hear_chunk(10, 1), RESULT_OK);
	say(hear_create(10), RESULT_OK);
}

Test(store_proxy, sends_nothing_of_a_lost_blob_while_it_asks_for_another)
{
	open_proxy_with(dies_when_asked_for_another_blob);
	cr_assert_eq(create_of(2), RESULT_OK);
	close_proxy();
}

static void
has_no_space(void)
{
	uint64_t first, number;

	new_writer();
	give_blob(9);
	first = hear_chunk(9, 0);
	(void)hear_chunk(9, 1);
	number = hear_create(9);
	say(first, RESULT_NO_SPACE);
	say(number, RESULT_STALE);
}

Test(store_proxy, tells_why_content_was_not_staged)
{
	open_proxy_with(has_no_space);
	cr_assert_eq(create_of(2), RESULT_NO_SPACE);
	cr_assert_eq(store_shortage(store).have, 5);
	cr_assert_eq(store_shortage(store).limit, 7);
	close_proxy();
}

static void
answers_late(void)
{
	uint64_t numbers[LIMIT_UNACKNOWLEDGED / LIMIT_CHUNK];
	uint32_t i, held = LIMIT_UNACKNOWLEDGED / LIMIT_CHUNK;

	new_writer();
	give_blob(9);
	for (i = 0; i < held; i++)
		numbers[i] = hear_chunk(9, i);
	for (i = 0; i < held; i++)
		say(numbers[i], RESULT_OK);
	say(hear_chunk(9, held), RESULT_OK);
	say(hear_create(9), RESULT_OK);
}

Test(store_proxy, waits_when_it_holds_as_much_as_it_may)
{
	open_proxy_with(answers_late);
	cr_assert_eq(
	    create_of(LIMIT_UNACKNOWLEDGED / LIMIT_CHUNK + 1), RESULT_OK);
	close_proxy();
}
