/* SPDX-License-Identifier: ISC */
/* figures.c - the numbers are those of what was done. */

#include "kit/lmdb_kit.h"
#include "store/engine.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB 1048576

struct wanted {
	const char *name;
	uint64_t value;
	size_t seen;
};

static void
look(void *object, const struct store_figure *figure)
{
	struct wanted *wanted = object;

	if (strcmp(figure->name, wanted->name) != 0)
		return;
	wanted->value = figure->value;
	wanted->seen++;
}

static uint64_t
figure(struct store *store, const char *name)
{
	struct wanted wanted = { .name = name };

	cr_assert_eq(store_figures(store, look, &wanted), RESULT_OK);
	cr_assert_eq(wanted.seen, 1, "%s is there once", name);
	return wanted.value;
}

static struct kit
open_kit(void)
{
	return lmdb_kit(&(struct store_lmdb_options){
	    .directory = lmdb_directory(), .map_size = 64 * MIB });
}

Test(store_lmdb_figures, follow_what_is_waiting)
{
	struct kit kit = open_kit();
	struct artifact *first = kit_put(&kit, SPAN("hello"));
	struct change change = { .kind = CHANGE_CREATE };
	struct upload *upload;

	(void)kit_put(&kit, SPAN("you"));
	cr_assert_eq(figure(kit.store, "artifacts"), 2);
	cr_assert_eq(figure(kit.store, "content_bytes"), 8);
	cr_assert_eq(figure(kit.store, "sweep_backlog"), 0);
	cr_assert_eq(kit_delete(&kit, &first->id), RESULT_OK);
	cr_assert_eq(figure(kit.store, "sweep_backlog"), 1);
	cr_assert_eq(figure(kit.store, "pending_uploads"), 0);
	change.artifact = kit_artifact(&kit);
	cr_assert_eq(kit_upload(&kit, &change,
			 kit_bytes(&kit, 2 * LIMIT_CHUNK, 7), &upload),
	    RESULT_OK);
	cr_assert_eq(figure(kit.store, "pending_uploads"), 1);
	cr_assert_eq(figure(kit.store, "staged_bytes"), 2 * LIMIT_CHUNK);
	cr_assert_eq(figure(kit.store, "sweep_backlog"), 1);
	upload_drop(upload);
	cr_assert_eq(figure(kit.store, "pending_uploads"), 0);
	kit_close(&kit);
}

/* So many creates, or deletes of what they made, in one commit. */
static void
apply_all(struct kit *kit, enum change_kind kind, struct id *ids, size_t count)
{
	static struct change *changes[LIMIT_BATCH_CHANGES];
	static struct outcome outcomes[LIMIT_BATCH_CHANGES];
	struct span bytes = SPAN("hello");
	struct upload *upload;
	size_t i;

	for (i = 0; i < count; i++) {
		changes[i] = arena_alloc(kit->arena, sizeof(struct change));
		*changes[i] = (struct change){ .kind = kind, .id = ids[i] };
		if (kind != CHANGE_CREATE)
			continue;
		changes[i]->artifact = kit_artifact(kit);
		ids[i] = changes[i]->artifact->id;
		cr_assert_eq(
		    kit_upload(kit, changes[i], bytes, &upload), RESULT_OK);
	}
	store_apply_many(kit->store, changes, count, outcomes);
	for (i = 0; i < count; i++)
		cr_assert_eq(outcomes[i].result, RESULT_OK);
}

Test(store_lmdb_figures, count_no_more_than_they_say)
{
	static struct id ids[LIMIT_BATCH_CHANGES];
	const size_t count = LIMIT_BATCH_CHANGES;
	struct change change = { .kind = CHANGE_CREATE };
	struct kit kit = open_kit();
	struct upload *upload;

	change.artifact = kit_artifact(&kit);
	cr_assert_eq(kit_upload(&kit, &change,
			 kit_bytes(&kit, 2 * LIMIT_CHUNK, 7), &upload),
	    RESULT_OK);
	apply_all(&kit, CHANGE_CREATE, ids, count);
	apply_all(&kit, CHANGE_DELETE, ids, count - 1);
	cr_assert_eq(figure(kit.store, "pending_uploads"), 1);
	cr_assert_eq(figure(kit.store, "sweep_backlog"), count - 1);
	/* Then the upload is behind the newest 1024. */
	apply_all(&kit, CHANGE_DELETE, ids + count - 1, 1);
	cr_assert_eq(figure(kit.store, "pending_uploads"), 0);
	cr_assert_eq(figure(kit.store, "sweep_backlog"), count + 1);
	upload_drop(upload);
	kit_close(&kit);
}

Test(store_lmdb_figures, know_the_file)
{
	struct kit kit = open_kit();
	uint64_t used, free_before;

	cr_assert_eq(figure(kit.store, "map_size_bytes"), 64 * MIB);
	used = figure(kit.store, "map_used_bytes");
	free_before = figure(kit.store, "free_pages");
	(void)kit_put(&kit, kit_bytes(&kit, 4 * LIMIT_CHUNK, 3));
	cr_assert_geq(
	    figure(kit.store, "map_used_bytes"), used + 4 * LIMIT_CHUNK);
	cr_assert_gt(figure(kit.store, "free_pages"), free_before,
	    "the pages that were copied are free now");
	cr_assert_eq(figure(kit.store, "free_bytes"),
	    4096 * figure(kit.store, "free_pages"));
	kit_close(&kit);
}

/* In a child: hold a view until killed, or until the test has failed. */
_Noreturn static void
stay_behind(int ready)
{
	MDB_env *env;
	MDB_txn *txn;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
	    mdb_env_create(&env) != 0 ||
	    mdb_env_set_maxreaders(env, 512) != 0 ||
	    mdb_env_open(env, lmdb_directory(), MDB_RDONLY | MDB_NOTLS, 0) !=
		0 ||
	    mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0 ||
	    write(ready, "r", 1) != 1)
		_exit(1);
	for (;;)
		(void)pause();
}

static pid_t
leave_behind(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe(ready), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0)
		stay_behind(ready[1]);
	cr_assert_eq(read(ready[0], &byte, 1), 1);
	return pid;
}

static void
let_go(struct kit *kit, pid_t pid)
{
	int status;

	(void)kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	store_lmdb_clear_readers(kit->store);
}

Test(store_lmdb_figures, see_readers_that_stay_behind)
{
	struct kit kit = open_kit();
	pid_t first, second;

	(void)kit_put(&kit, SPAN("hello"));
	cr_assert_eq(figure(kit.store, "readers"), 1, "the store's own");
	first = leave_behind();
	cr_assert_eq(figure(kit.store, "readers"), 2);
	cr_assert_eq(figure(kit.store, "oldest_reader_lag_commits"), 0);
	(void)kit_put(&kit, SPAN("how"));
	(void)kit_put(&kit, SPAN("are you"));
	cr_assert_eq(figure(kit.store, "oldest_reader_lag_commits"), 2);
	second = leave_behind();
	(void)kit_put(&kit, SPAN("today"));
	cr_assert_eq(figure(kit.store, "readers"), 3);
	cr_assert_eq(figure(kit.store, "oldest_reader_lag_commits"), 3);
	let_go(&kit, first);
	cr_assert_eq(figure(kit.store, "readers"), 2);
	cr_assert_eq(figure(kit.store, "oldest_reader_lag_commits"), 1);
	let_go(&kit, second);
	cr_assert_eq(figure(kit.store, "oldest_reader_lag_commits"), 0);
	kit_close(&kit);
}

Test(store_lmdb_figures, room_is_what_a_create_meets)
{
	struct kit kit = open_kit();
	struct store_room room;

	(void)kit_put(&kit, SPAN("hello"));
	cr_assert_eq(store_room(kit.store, MIB, 0, &room), RESULT_OK);
	cr_assert_eq(room.verdict, RESULT_OK);
	cr_assert_gt(room.disk_free, MIB);
	cr_assert_geq(room.file_bytes, figure(kit.store, "map_used_bytes"));
	cr_assert_eq(
	    store_room(kit.store, UINT64_MAX / 2, 0, &room), RESULT_OK);
	cr_assert_eq(room.verdict, RESULT_NO_SPACE);
	cr_assert_eq(room.shortage.limit, UINT64_MAX / 2);
	cr_assert_eq(room.shortage.have, room.disk_free);
	cr_assert_eq(store_room(kit.store, MIB, 5, &room), RESULT_OK);
	cr_assert_eq(room.verdict, RESULT_QUOTA);
	cr_assert_eq(room.shortage.have, 5);
	cr_assert_eq(store_room(kit.store, MIB, 6, &room), RESULT_OK);
	cr_assert_eq(room.verdict, RESULT_OK);
	kit_close(&kit);
}
