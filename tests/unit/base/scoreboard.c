/* SPDX-License-Identifier: ISC */
#include "base/scoreboard.h"

#include <criterion/criterion.h>
#include <sys/wait.h>
#include <unistd.h>

static struct scoreboard *scoreboard;

static void
open_it(void)
{
	scoreboard = scoreboard_open();
	cr_assert_not_null(scoreboard);
}

static void
close_it(void)
{
	scoreboard_close(scoreboard);
}

TestSuite(scoreboard, .init = open_it, .fini = close_it);

Test(scoreboard, all_slots_are_empty_and_idle_at_first)
{
	size_t i;

	for (i = 0; i < SCOREBOARD_SLOTS; i++) {
		cr_assert_eq(scoreboard->slots[i].incarnation, 0);
		cr_assert_eq(scoreboard->slots[i].pid, 0);
		cr_assert_eq(scoreboard->slots[i].epoch, SCOREBOARD_IDLE);
	}
	cr_assert_eq(scoreboard_oldest(scoreboard), SCOREBOARD_IDLE);
	cr_assert_not(scoreboard_has(scoreboard, 42));
	scoreboard_close(NULL);
}

Test(scoreboard, the_oldest_epoch_is_that_of_the_longest_request)
{
	struct slot *slots = scoreboard->slots;

	scoreboard->epoch = 5;
	slot_occupy(&slots[0], 1);
	slot_occupy(&slots[SCOREBOARD_WORKERS - 1], 2);
	slot_begin(scoreboard, &slots[0]);
	slot_name(&slots[0], SPAN("one"));
	cr_assert_eq(scoreboard_oldest(scoreboard), 5);
	scoreboard->epoch = 9;
	slot_begin(scoreboard, &slots[SCOREBOARD_WORKERS - 1]);
	slot_name(&slots[SCOREBOARD_WORKERS - 1], SPAN("two"));
	cr_assert_eq(scoreboard_oldest(scoreboard), 5);
	slot_end(&slots[0]);
	cr_assert_eq(scoreboard_oldest(scoreboard), 9);
	slot_begin(scoreboard, &slots[0]);
	slot_name(&slots[0], SPAN("three"));
	slot_vacate(&slots[SCOREBOARD_WORKERS - 1]);
	cr_assert_eq(scoreboard_oldest(scoreboard), 9);
	slot_vacate(&slots[0]);
	cr_assert_eq(scoreboard_oldest(scoreboard), SCOREBOARD_IDLE);
}

Test(scoreboard, a_request_runs_between_begin_and_end)
{
	struct slot *slot = &scoreboard->slots[3];

	slot_occupy(slot, 7);
	cr_assert(scoreboard_has(scoreboard, 7));
	cr_assert_not(scoreboard_runs(scoreboard, 7, 0));
	slot_begin(scoreboard, slot);
	slot_name(slot, SPAN("r"));
	cr_assert_eq(slot->requests, 1);
	cr_assert_neq(slot->began, 0);
	cr_assert(scoreboard_runs(scoreboard, 7, 1));
	cr_assert_not(scoreboard_runs(scoreboard, 7, 2));
	cr_assert_not(scoreboard_runs(scoreboard, 8, 1));
	slot_end(slot);
	cr_assert_not(scoreboard_runs(scoreboard, 7, 1));
	slot_begin(scoreboard, slot);
	slot_name(slot, SPAN("r"));
	cr_assert_not(scoreboard_runs(scoreboard, 7, 1));
	cr_assert(scoreboard_runs(scoreboard, 7, 2));
	slot_vacate(slot);
	cr_assert_not(scoreboard_runs(scoreboard, 7, 2));
	cr_assert_not(scoreboard_has(scoreboard, 7));
}

Test(scoreboard, who_moves_in_starts_afresh)
{
	struct slot *slot = &scoreboard->slots[SCOREBOARD_WRITER];
	int64_t before = scoreboard_now();

	slot_occupy(slot, 7);
	slot_begin(scoreboard, slot);
	slot_name(slot, SPAN("r"));
	slot_occupy(slot, 8);
	cr_assert_not(scoreboard_has(scoreboard, 7));
	cr_assert(scoreboard_has(scoreboard, 8));
	cr_assert_eq(slot->requests, 0);
	cr_assert_eq(slot->began, 0);
	cr_assert_eq(slot->epoch, SCOREBOARD_IDLE);
	cr_assert_geq(slot->heartbeat, before);
	cr_assert_str_eq(slot->request_id, "");
}

Test(scoreboard, a_long_request_id_is_cut)
{
	struct slot *slot = &scoreboard->slots[0];
	char text[300];

	memset(text, 'x', sizeof(text));
	slot_begin(scoreboard, slot);
	slot_name(slot, span_of(text, sizeof(text)));
	cr_assert_eq(strlen(slot->request_id), SCOREBOARD_REQUEST_ID - 1);
	slot_begin(scoreboard, slot);
	slot_name(slot, SPAN("short"));
	cr_assert_str_eq(slot->request_id, "short");
	slot_begin(scoreboard, slot);
	slot_name(slot, SPAN_NONE);
	cr_assert_str_eq(slot->request_id, "");
}

Test(scoreboard, processes_see_each_other_across_a_fork)
{
	int status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0) {
		scoreboard->epoch = 3;
		slot_occupy(&scoreboard->slots[0], 99);
		slot_begin(scoreboard, &scoreboard->slots[0]);
		slot_name(&scoreboard->slots[0], SPAN("child"));
		_exit(0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	cr_assert_eq(scoreboard_oldest(scoreboard), 3);
	cr_assert(scoreboard_runs(scoreboard, 99, 1));
	cr_assert_str_eq(scoreboard->slots[0].request_id, "child");
}

Test(scoreboard, the_id_of_a_request_is_there_while_it_is_in_progress)
{
	struct slot *slot = &scoreboard->slots[3];
	char id[SCOREBOARD_REQUEST_ID];

	slot_occupy(slot, 1);
	slot_request(slot, id);
	cr_assert_str_eq(id, "");
	slot_begin(scoreboard, slot);
	slot_name(slot, SPAN("abc"));
	slot_request(slot, id);
	cr_assert_str_eq(id, "abc");
	/* A process that was taken over may leave no end. */
	memset(slot->request_id, 'x', sizeof(slot->request_id));
	slot_request(slot, id);
	cr_assert_eq(strlen(id), SCOREBOARD_REQUEST_ID - 1);
	slot_end(slot);
	slot_request(slot, id);
	cr_assert_str_eq(id, "");
}

Test(scoreboard, workers_are_counted_by_what_they_do)
{
	struct slot *slots = scoreboard->slots;
	unsigned busy, idle;

	slot_occupy(&slots[0], 1);
	slot_occupy(&slots[9], 2);
	slot_occupy(&slots[SCOREBOARD_WRITER], 3);
	slot_begin(scoreboard, &slots[9]);
	scoreboard_count(scoreboard, &busy, &idle);
	cr_assert_eq(busy, 1);
	cr_assert_eq(idle, 1);
	slot_end(&slots[9]);
	slot_vacate(&slots[0]);
	scoreboard_count(scoreboard, &busy, &idle);
	cr_assert_eq(busy, 0);
	cr_assert_eq(idle, 1);
}

/* ---- places ---- */

#define S INT64_C(1000000)

/* So many workers, all of which wait since a while, the first the longest. */
static void
let_wait(size_t workers)
{
	int64_t now = scoreboard_now();
	size_t i;

	for (i = 0; i < workers; i++) {
		slot_occupy(&scoreboard->slots[i], i + 1);
		scoreboard->slots[i].waits = now - 2 * S + (int64_t)i;
		slot_ask(&scoreboard->slots[i], 7);
	}
	scoreboard->answered = now - 3 * S;
}

static size_t
count_giving_way(void)
{
	size_t count = 0, i;

	for (i = 0; i < SCOREBOARD_WORKERS; i++)
		count +=
		    scoreboard->slots[i].waits != 0 &&
		    scoreboard_must_give_way(scoreboard, &scoreboard->slots[i]);
	return count;
}

Test(scoreboard, those_that_came_last_give_way_to_who_reads)
{
	static const struct {
		size_t workers, give_way;
	} cases[] = { { 1, 0 }, { 2, 1 }, { 3, 1 }, { 4, 2 }, { 8, 2 },
		{ SCOREBOARD_WORKERS, 2 } };
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		let_wait(cases[i].workers);
		cr_assert_eq(count_giving_way(), cases[i].give_way,
		    "of %zu: %zu", cases[i].workers, count_giving_way());
	}
	cr_assert(scoreboard_must_give_way(
	    scoreboard, &scoreboard->slots[SCOREBOARD_WORKERS - 1]));
	cr_assert_not(
	    scoreboard_must_give_way(scoreboard, &scoreboard->slots[0]));
}

Test(scoreboard, nobody_gives_way_to_a_writer_that_answers_or_is_not_asked)
{
	size_t i;

	let_wait(8);
	scoreboard_answers(scoreboard);
	cr_assert_eq(count_giving_way(), 0);
	scoreboard->answered = scoreboard_now() - 1000 * S;
	for (i = 0; i < 8; i++)
		slot_wait_begin(&scoreboard->slots[i]);
	cr_assert_eq(count_giving_way(), 0);
}

Test(scoreboard, what_the_writer_has_taken_stands_before_what_can_give_way)
{
	size_t i;

	let_wait(8);
	for (i = 4; i < 8; i++)
		cr_assert(slot_take(&scoreboard->slots[i], 7));
	for (i = 0; i < 4; i++)
		cr_assert_eq(
		    scoreboard_must_give_way(scoreboard, &scoreboard->slots[i]),
		    i >= 2, "%zu", i);
}

Test(scoreboard, a_change_is_taken_or_withdrawn_and_never_both)
{
	struct slot *slot = &scoreboard->slots[0];

	slot_occupy(slot, 1);
	slot_ask(slot, 1);
	cr_assert(slot_withdraw(slot, 1));
	cr_assert_not(slot_take(slot, 1));
	slot_ask(slot, 2);
	cr_assert_not(slot_take(slot, 1));
	cr_assert(slot_take(slot, 2));
	cr_assert_not(slot_withdraw(slot, 2));
	/* Sent again to the next writer, it stays taken. */
	slot_ask(slot, 2);
	cr_assert_not(slot_withdraw(slot, 2));
	cr_assert(slot_take(slot, 2));
	slot_ask_end(slot, 2);
	cr_assert_not(slot_take(slot, 2));
}

/* ---- turns ---- */

static void
occupy(size_t workers)
{
	size_t i;

	for (i = 0; i < workers; i++)
		slot_occupy(&scoreboard->slots[i], 1 + i);
}

/* How many of the workers get a turn, if all want one? */
static unsigned
begin_all(size_t workers)
{
	unsigned count = 0;
	size_t i;

	for (i = 0; i < workers; i++)
		count += slot_begin_turn(scoreboard, &scoreboard->slots[i]);
	return count;
}

Test(scoreboard, turns_are_as_many_as_processors_and_a_quarter_of_the_workers)
{
	static const struct {
		size_t workers;
		unsigned processors, turns;
	} cases[] = { { 1, 8, 0 }, { 2, 8, 1 }, { 7, 8, 1 }, { 8, 8, 2 },
		{ 32, 2, 2 }, { 32, 64, 8 }, { 256, 1, 1 }, { 256, 64, 64 } };
	size_t i, slot;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		occupy(cases[i].workers);
		scoreboard->processors = cases[i].processors;
		cr_assert_eq(begin_all(cases[i].workers), cases[i].turns,
		    "%zu workers", cases[i].workers);
		cr_assert_eq(begin_all(cases[i].workers), 0);
		for (slot = 0; slot < cases[i].workers; slot++)
			slot_end_turn(scoreboard, &scoreboard->slots[slot]);
		cr_assert_not(scoreboard_has_turns(scoreboard));
	}
}

Test(scoreboard, a_turn_that_ends_is_there_for_another)
{
	struct slot *slots = scoreboard->slots;

	occupy(8);
	scoreboard->processors = 2;
	cr_assert_eq(begin_all(8), 2);
	slot_end_turn(scoreboard, &slots[5]); /* it has none */
	cr_assert_not(slot_begin_turn(scoreboard, &slots[5]));
	slot_end_turn(scoreboard, &slots[0]);
	cr_assert(scoreboard_has_turns(scoreboard));
	cr_assert(slot_begin_turn(scoreboard, &slots[5]));
	slot_end_turn(scoreboard, &slots[1]);
	cr_assert(scoreboard_has_turns(scoreboard));
	slot_end_turn(scoreboard, &slots[5]);
	cr_assert_not(scoreboard_has_turns(scoreboard));
}

/* What a worker that was taken over could write, too. */
Test(scoreboard, turns_of_workers_that_are_not_there_end)
{
	occupy(8);
	scoreboard->processors = 2;
	cr_assert_eq(begin_all(8), 2);
	scoreboard->turns[2] = 200;
	scoreboard->turns[SCOREBOARD_TURNS - 1] = SCOREBOARD_SLOTS + 1;
	slot_vacate(&scoreboard->slots[1]);
	scoreboard_end_turns(scoreboard);
	cr_assert_eq(scoreboard->turns[0], 1);
	for (size_t i = 1; i < SCOREBOARD_TURNS; i++)
		cr_assert_eq(scoreboard->turns[i], 0);
}

Test(scoreboard, a_worker_begins_no_turn_if_nobody_else_accepts)
{
	struct slot *slots = scoreboard->slots;

	occupy(8);
	scoreboard->processors = 2;
	for (size_t i = 0; i < 8; i++)
		slot_begin(scoreboard, &slots[i]);
	slot_end(&slots[7]);
	cr_assert_not(slot_begin_turn(scoreboard, &slots[7]), "none but it");
	cr_assert(slot_begin_turn(scoreboard, &slots[0]), "7 is free");
	slot_end(&slots[0]);
	slot_begin(scoreboard, &slots[7]);
	cr_assert_not(
	    slot_begin_turn(scoreboard, &slots[1]), "0 is free and has a turn");
}

Test(scoreboard, help_is_needed_when_nobody_without_a_turn_gets_ready)
{
	struct slot *slots = scoreboard->slots;

	occupy(4);
	scoreboard->processors = 1;
	for (size_t i = 0; i < 4; i++) {
		slot_begin(scoreboard, &slots[i]);
		slots[i].began -= SECOND;
	}
	/* Whoever accepts nothing cannot help. */
	cr_assert_not(scoreboard_needs_help(scoreboard));
	slot_end(&slots[0]);
	slot_end(&slots[1]);
	cr_assert(slot_begin_turn(scoreboard, &slots[0]));
	cr_assert_not(scoreboard_needs_help(scoreboard), "1 is free");
	slot_begin(scoreboard, &slots[1]);
	cr_assert_not(scoreboard_needs_help(scoreboard), "1 goes on");
	slots[1].began -= SECOND;
	cr_assert(scoreboard_needs_help(scoreboard));
	slot_vacate(&slots[1]); /* one that is not there cannot accept */
	cr_assert(scoreboard_needs_help(scoreboard));
	slot_end_turn(scoreboard, &slots[0]);
	cr_assert_not(scoreboard_needs_help(scoreboard));
}
