/* SPDX-License-Identifier: ISC */
/*
 * check.c - a check that goes through the store in slices,
 * while between two of them others change it. What a check finds in a store
 * that is damaged is in sweep.c.
 */

#include "kit/lmdb_kit.h"
#include "store/engine.h"

#include <criterion/criterion.h>
#include <stdio.h>

#define MANY 600 /* artifacts: more than two slices of rows */
#define BATCH 60

static struct kit kit;
static struct scoreboard *board;

static void
report(void *object, const struct store_problem *problem)
{
	cr_log_error("%s", problem->line);
	++*(size_t *)object;
}

static void
sweep_all(void)
{
	bool more = true;

	while (more)
		cr_assert_eq(
		    store_lmdb_sweep(kit.store, board, &more), RESULT_OK);
}

/* ---- what is changed in between, one step for each slice ---- */

static struct artifact *artifacts[MANY];
static size_t steps;

static void
delete_one(void)
{
	if (steps < MANY)
		cr_assert_eq(kit_delete(&kit, &artifacts[MANY - 1 - steps]->id),
		    RESULT_OK);
}

static void
create_one(void)
{
	(void)kit_put(&kit, kit_bytes(&kit, 3 * LIMIT_CHUNK / 2, steps));
}

static void
replace_one(void)
{
	const struct id *id = &artifacts[steps * 7 % MANY]->id;
	enum result result = kit_content(&kit, id, SPAN("text/plain"),
	    kit_bytes(&kit, LIMIT_CHUNK + 1, steps));

	cr_assert(result == RESULT_OK || result == RESULT_NOT_FOUND);
}

static void
do_all(void)
{
	create_one();
	replace_one();
	delete_one();
}

/* Uploads that come, grow and are let go of. */
static void
stage_some(void)
{
	struct change change = { .kind = CHANGE_CONTENT };
	struct artifact artifact = { .title = SPAN_NONE };
	struct upload *upload;

	change.artifact = &artifact;
	cr_assert_eq(kit_upload(&kit, &change,
			 kit_bytes(&kit, 3 * LIMIT_CHUNK, steps), &upload),
	    RESULT_OK);
	if (steps % 2 == 0)
		upload_drop(upload);
}

static void (*const acts[])(
    void) = { delete_one, create_one, replace_one, do_all, stage_some };

static void
change_something(void *object, uint64_t done, uint64_t total)
{
	size_t problems = *(size_t *)object;

	(void)done;
	(void)total;
	if (steps < 60)
		acts[problems >> 32]();
	/* What is let go of last still waits when the check ends. */
	if (steps < 40)
		sweep_all();
	steps++;
}

/* So many artifacts from this one on, in one commit; some are large. */
static void
put_batch(size_t first)
{
	struct change changes[BATCH], *pointers[BATCH];
	struct outcome outcomes[BATCH];
	struct upload *upload;
	size_t i, number;

	for (i = 0; i < BATCH; i++) {
		number = first + i;
		artifacts[number] = kit_artifact(&kit);
		changes[i] = (struct change){
			.kind = CHANGE_CREATE,
			.owner = kit.owner,
			.id = artifacts[number]->id,
			.artifact = artifacts[number],
		};
		pointers[i] = &changes[i];
		cr_assert_eq(kit_upload(&kit, &changes[i],
				 kit_bytes(&kit,
				     number % 50 == 0 ? 2 * LIMIT_CHUNK + number
						      : number,
				     number),
				 &upload),
		    RESULT_OK);
	}
	store_apply_many(kit.store, pointers, BATCH, outcomes);
	for (i = 0; i < BATCH; i++)
		cr_assert_eq(outcomes[i].result, RESULT_OK);
}

static void
check_while(size_t act)
{
	size_t object = act << 32; /* the act, and problems counted up */
	struct store_check check = {
		.is_deep = true,
		.report = report,
		.pace = change_something,
		.object = &object,
	};
	size_t i;

	board = scoreboard_open();
	kit = lmdb_kit(NULL);
	steps = 0;
	for (i = 0; i < MANY; i += BATCH)
		put_batch(i);
	cr_assert_eq(store_lmdb_check(kit.store, &check), RESULT_OK, "%s",
	    store_reason(kit.store));
	cr_assert_eq(check.problems, 0, "while %zu", act);
	cr_assert(check.is_counted);
	cr_assert_gt(steps, 6);
	kit_close(&kit);
	scoreboard_close(board);
}

Test(store_lmdb_check, finds_nothing_while_artifacts_are_deleted)
{
	check_while(0);
}

Test(store_lmdb_check, finds_nothing_while_artifacts_come)
{
	check_while(1);
}

Test(store_lmdb_check, finds_nothing_while_contents_are_replaced)
{
	check_while(2);
}

Test(store_lmdb_check, finds_nothing_while_all_that_goes_on)
{
	check_while(3);
}

Test(store_lmdb_check, finds_nothing_while_uploads_come_and_go)
{
	check_while(4);
}

/* ---- one content of many slices ---- */

static struct artifact *large;

static void
delete_it(void *object, uint64_t done, uint64_t total)
{
	(void)object;
	(void)total;
	if (large == NULL || done < 5 << 20)
		return;
	cr_assert_eq(kit_delete(&kit, &large->id), RESULT_OK);
	sweep_all();
	large = NULL;
}

Test(store_lmdb_check, passes_over_content_that_goes_while_it_is_read)
{
	size_t problems = 0;
	struct store_check check = {
		.is_deep = true,
		.report = report,
		.pace = delete_it,
		.object = &problems,
	};

	board = scoreboard_open();
	kit = lmdb_kit(NULL);
	large = kit_put(&kit, kit_bytes(&kit, 12 << 20, 1));
	cr_assert_eq(store_lmdb_check(kit.store, &check), RESULT_OK);
	cr_assert_eq(problems, 0);
	cr_assert_null(large, "it was deleted on the way");
	kit_close(&kit);
	scoreboard_close(board);
}

/* ---- who is named ---- */

static char named[512];

static void
keep_name(void *object, const struct store_problem *problem)
{
	char id[ID_TEXT + 1] = "nobody";

	(void)object;
	if (problem->artifact != NULL)
		id_format(&problem->artifact->id, id);
	snprintf(named, sizeof(named), "%s %.*s: %s; %s", id,
	    problem->artifact != NULL ? (int)problem->artifact->title.size : 0,
	    problem->artifact != NULL ? problem->artifact->title.data : "",
	    problem->line, problem->advice);
}

Test(store_lmdb_check, names_the_artifact_and_what_to_do)
{
	struct store_check check = { .report = keep_name };
	struct artifact *artifact;
	char id[ID_TEXT + 1];

	kit = lmdb_kit(NULL);
	artifact = kit_put(&kit, kit_bytes(&kit, 100, 1));
	id_format(&artifact->id, id);
	store_close(kit.store);
	raw_flip("chunks", 3);
	kit.store = lmdb_writer();
	cr_assert_eq(store_lmdb_check(kit.store, &check), RESULT_OK);
	cr_assert_eq(check.problems, 1);
	cr_assert_not_null(strstr(named, id), "%s", named);
	cr_assert_not_null(strstr(named, "chunk 1 of 1 is damaged"));
	cr_assert_not_null(strstr(named, "upload the content again"));
	store_close(kit.store);
	lmdb_remove();
}
