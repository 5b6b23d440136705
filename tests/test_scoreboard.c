/* SPDX-License-Identifier: ISC */
#include "scoreboard.h"

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
