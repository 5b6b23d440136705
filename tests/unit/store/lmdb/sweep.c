/* SPDX-License-Identifier: ISC */
/* sweep.c - what the LMDB engine sweeps, when, and what a
 * check of the whole finds. */

#include "kit/lmdb_kit.h"

#include "base/pack.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

static struct scoreboard *
scoreboard(void)
{
	static struct scoreboard *board;

	if (board == NULL)
		board = scoreboard_open();
	cr_assert_not_null(board);
	return board;
}

/* A worker's slot with the kit's incarnation. */
static struct slot *
slot_of(struct kit *kit, size_t i)
{
	struct slot *slot = &scoreboard()->slots[i];

	slot_occupy(slot, kit->owner.incarnation + i);
	return slot;
}

/* Slices until there is nothing more to do now; their number. */
static size_t
sweep(struct kit *kit)
{
	bool more = true;
	size_t slices;

	for (slices = 0; more; slices++) {
		cr_assert_lt(slices, 1000);
		cr_assert_eq(store_lmdb_sweep(kit->store, scoreboard(), &more),
		    RESULT_OK, "%s", store_reason(kit->store));
	}
	return slices;
}

/* Rows of a database of the open store. */
static size_t
count(struct kit *kit, const char *database)
{
	size_t rows;

	store_close(kit->store);
	rows = raw_count(database);
	kit->store = lmdb_writer();
	return rows;
}

static bool
is_readable(struct kit *kit, const struct content *content)
{
	char byte;
	size_t size;
	enum result result =
	    store_read(kit->store, content, 0, &byte, 1, &size);

	cr_assert(result == RESULT_OK || result == RESULT_GONE);
	return result == RESULT_OK;
}

/* ---- a disk at its reserve ---- */

/* The kit's store, with a reserve that the disk is a little below. */
static void
reopen_below_reserve(struct kit *kit)
{
	struct store_lmdb_options options = { 0 };
	struct statvfs disk;

	store_close(kit->store);
	cr_assert_eq(statvfs(lmdb_directory(), &disk), 0);
	options.reserve = (uint64_t)disk.f_bavail * disk.f_frsize / 3 * 4;
	cr_assert_eq(
	    lmdb_try(&options, &kit->store), RESULT_OK, "%s", lmdb_error);
}

/* data.mdb never gets shorter: a store that filled its disk would be full
 * for ever. */
Test(store_lmdb_sweep, what_was_deleted_makes_room_below_the_reserve)
{
	struct kit kit = lmdb_kit(NULL);
	struct span bytes = kit_bytes(&kit, 64 * LIMIT_CHUNK, 1);
	struct span less = span_of(bytes.data, 10 * LIMIT_CHUNK);
	struct artifact *artifact = kit_put(&kit, bytes);

	reopen_below_reserve(&kit);
	cr_assert_eq(
	    kit_create(&kit, kit_artifact(&kit), less), RESULT_NO_SPACE);
	cr_assert_eq(kit_delete(&kit, &artifact->id), RESULT_OK);
	sweep(&kit);
	cr_assert_eq(kit_create(&kit, kit_artifact(&kit), less), RESULT_OK);
	cr_assert_eq(
	    kit_create(&kit, kit_artifact(&kit), bytes), RESULT_NO_SPACE);
	kit_close(&kit);
}

/* Each leaves a run too short for a chunk, in a commit of its own. */
Test(store_lmdb_sweep, what_small_content_left_makes_room_together)
{
	struct kit kit = lmdb_kit(NULL);
	struct span bytes = kit_bytes(&kit, LIMIT_CHUNK / 3, 1);
	struct span more = kit_bytes(&kit, 10 * LIMIT_CHUNK, 2);
	struct artifact *artifacts[300];
	size_t i;

	for (i = 0; i < 300; i++)
		artifacts[i] = kit_put(&kit, bytes);
	reopen_below_reserve(&kit);
	for (i = 0; i < 300; i++) {
		cr_assert_eq(kit_delete(&kit, &artifacts[i]->id), RESULT_OK);
		sweep(&kit);
	}
	cr_assert_eq(kit_create(&kit, kit_artifact(&kit), more), RESULT_OK);
	kit_close(&kit);
}

/* The kit's store without a reserve, and a data.mdb of 8 MiB at most. */
static void
reopen_on_a_small_disk(struct kit *kit)
{
	struct store_lmdb_options options = { 0 };
	struct rlimit limit;

	(void)signal(SIGXFSZ, SIG_IGN); /* EFBIG instead */
	store_close(kit->store);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = 8 << 20;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_assert_eq(
	    lmdb_try(&options, &kit->store), RESULT_OK, "%s", lmdb_error);
}

/* In a process of its own: a view of LMDB's, until a byte comes. */
static void
hold_a_view(int ready, int done)
{
	MDB_env *env;
	MDB_txn *txn;
	char word = 1;

	if (mdb_env_create(&env) != 0 ||
	    mdb_env_open(env, lmdb_directory(), MDB_RDONLY | MDB_NOTLS, 0600) !=
		0 ||
	    mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) != 0)
		_exit(1);
	(void)!write(ready, &word, 1);
	(void)!read(done, &word, 1);
	mdb_txn_abort(txn);
	mdb_env_close(env);
}

/* Else nothing would ever be swept, and 507 stay. */
Test(store_lmdb_sweep, without_a_reserve_there_is_room_left_to_sweep)
{
	struct kit kit = lmdb_kit(NULL);
	struct span bytes = kit_bytes(&kit, LIMIT_CHUNK, 1);
	struct artifact *artifacts[200];
	enum result result = RESULT_OK;
	size_t i, count;

	reopen_on_a_small_disk(&kit);
	for (count = 0; count < 200; count++) {
		artifacts[count] = kit_artifact(&kit);
		result = kit_create(&kit, artifacts[count], bytes);
		if (result != RESULT_OK)
			break;
	}
	cr_assert_eq(result, RESULT_NO_SPACE);
	cr_assert_gt(count, 50);
	for (i = 0; i < count; i++)
		cr_assert_eq(
		    kit_delete(&kit, &artifacts[i]->id), RESULT_OK, "%zu", i);
	sweep(&kit);
	for (i = 0; i < count / 2; i++)
		cr_assert_eq(kit_create(&kit, kit_artifact(&kit), bytes),
		    RESULT_OK, "%zu", i);
	kit_close(&kit);
}

/*
 * What small artifacts leave is single pages. Where they are all the room
 * there is they take small ones again, and nothing that needs pages in a row
 * is let in to find out that there are none: then the commit would fail.
 */
Test(store_lmdb_sweep, single_pages_are_room_for_what_is_small)
{
	struct kit kit = lmdb_kit(NULL);
	struct span small = kit_bytes(&kit, 3000, 1);
	struct span large = kit_bytes(&kit, LIMIT_CHUNK, 1);
	static struct artifact *artifacts[4000];
	enum result result = RESULT_OK;
	struct store_room room;
	size_t i, count;

	reopen_on_a_small_disk(&kit);
	for (count = 0; count < 4000 && result == RESULT_OK; count++) {
		artifacts[count] = kit_artifact(&kit);
		result = kit_create(&kit, artifacts[count], small);
	}
	cr_assert_eq(result, RESULT_NO_SPACE);
	cr_assert_gt(--count, 500);
	/* Of each three in a row the last one stays. */
	for (i = 0; i < count; i++)
		if (i % 3 != 2)
			cr_assert_eq(kit_delete(&kit, &artifacts[i]->id),
			    RESULT_OK, "%zu", i);
	sweep(&kit);
	/* What the last commit let go of waits for one more. */
	cr_assert_eq(kit_delete(&kit, &artifacts[2]->id), RESULT_OK);
	sweep(&kit);
	cr_assert_eq(store_room(kit.store, 0, 0, &room), RESULT_OK);
	cr_assert_eq(room.verdict, RESULT_OK);
	cr_assert_gt(room.reusable, 2 << 20);
	for (i = 0; i < 200; i++) {
		result = kit_create(&kit, kit_artifact(&kit),
		    i % 4 == 3	 ? large
		    : i % 4 == 2 ? small
				 : SPAN("abc"));
		if (i == 0)
			cr_assert_eq(result, RESULT_OK);
		cr_assert(result == RESULT_OK || result == RESULT_NO_SPACE,
		    "%zu: %s", i, result_text(result));
	}
	kit_close(&kit);
}

/* Their pages cannot be written again: to count on them is to grow. */
Test(store_lmdb_sweep, what_a_reader_holds_is_no_room)
{
	struct kit kit = lmdb_kit(NULL);
	struct span bytes = kit_bytes(&kit, LIMIT_CHUNK, 1);
	struct artifact *artifacts[200];
	enum result result = RESULT_OK;
	int ready[2], done[2], status;
	size_t i, count;
	char word = 0;
	pid_t pid;

	reopen_on_a_small_disk(&kit);
	for (count = 0; count < 200 && result == RESULT_OK; count++) {
		artifacts[count] = kit_artifact(&kit);
		result = kit_create(&kit, artifacts[count], bytes);
	}
	cr_assert_eq(result, RESULT_NO_SPACE);
	cr_assert_eq(pipe(ready), 0);
	cr_assert_eq(pipe(done), 0);
	pid = fork();
	if (pid == 0) {
		(void)close(done[1]); /* ends with the test, at the latest */
		hold_a_view(ready[1], done[0]);
		_exit(0);
	}
	cr_assert_eq(read(ready[0], &word, 1), 1);
	/* Not more: deletes take pages too. */
	for (i = 0; i < 25; i++)
		cr_assert_eq(
		    kit_delete(&kit, &artifacts[i]->id), RESULT_OK, "%zu", i);
	sweep(&kit);
	cr_assert_eq(
	    kit_create(&kit, kit_artifact(&kit), bytes), RESULT_NO_SPACE);
	cr_assert_eq(write(done[1], &word, 1), 1);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	sweep(&kit);
	cr_assert_eq(kit_create(&kit, kit_artifact(&kit), bytes), RESULT_OK);
	kit_close(&kit);
}

Test(store_lmdb_sweep, longer_records_do_not_fill_the_disk)
{
	struct kit kit = lmdb_kit(NULL);
	struct artifact *artifacts[200];
	struct change update = { .kind = CHANGE_UPDATE,
		.patch = PATCH_METADATA };
	enum result result = RESULT_OK;
	size_t i;

	reopen_on_a_small_disk(&kit);
	for (i = 0; i < 200; i++)
		artifacts[i] = kit_put(&kit, SPAN("x"));
	for (i = 0; i < 200 && result == RESULT_OK; i++) {
		update.id = artifacts[i]->id;
		update.artifact = kit_artifact(&kit);
		update.artifact->metadata = kit_bytes(&kit, LIMIT_METADATA, i);
		result = kit_apply(&kit, &update);
	}
	cr_assert_eq(result, RESULT_NO_SPACE);
	cr_assert_gt(i, 20);
	/* One that gets shorter goes on, as deletes do. */
	update.id = artifacts[0]->id;
	update.artifact->metadata = SPAN("{}");
	cr_assert_eq(kit_apply(&kit, &update), RESULT_OK);
	for (i = 0; i < 200; i++)
		cr_assert_eq(
		    kit_delete(&kit, &artifacts[i]->id), RESULT_OK, "%zu", i);
	kit_close(&kit);
}

/* ---- waiting content ---- */

Test(store_lmdb_sweep, content_goes_once_its_last_reader_has_ended)
{
	struct kit kit = lmdb_kit(NULL);
	struct slot *slot = slot_of(&kit, 0);
	struct artifact *artifact = kit_put(&kit, SPAN("hello"));

	slot_begin(scoreboard(), slot);
	cr_assert_eq(kit_delete(&kit, &artifact->id), RESULT_OK);
	sweep(&kit);
	cr_assert(is_readable(&kit, &artifact->content));
	slot_end(slot);
	/* Whoever begins now cannot see it any more. */
	slot_begin(scoreboard(), slot);
	sweep(&kit);
	cr_assert_not(is_readable(&kit, &artifact->content));
	cr_assert_eq(count(&kit, "pending"), 0);
	cr_assert_eq(count(&kit, "chunks"), 0);
	kit_close(&kit);
}

Test(store_lmdb_sweep, a_reader_before_the_raise_holds_it)
{
	struct kit kit = lmdb_kit(NULL);
	struct slot *slot = slot_of(&kit, 0);
	struct artifact *artifact = kit_put(&kit, SPAN("hello"));

	cr_assert_eq(kit_delete(&kit, &artifact->id), RESULT_OK);
	slot_begin(scoreboard(), slot);
	sweep(&kit);
	cr_assert(is_readable(&kit, &artifact->content));
	slot_end(slot);
	sweep(&kit);
	cr_assert_not(is_readable(&kit, &artifact->content));
	kit_close(&kit);
}

Test(store_lmdb_sweep, replaced_content_goes_and_the_new_one_stays)
{
	struct kit kit = lmdb_kit(NULL);
	struct artifact *before = kit_put(&kit, SPAN("old"));
	struct artifact *after;

	cr_assert_eq(
	    kit_content(&kit, &before->id, SPAN("t"), SPAN("new")), RESULT_OK);
	sweep(&kit);
	after = kit_get(&kit, &before->id);
	cr_assert_not(is_readable(&kit, &before->content));
	kit_expect_content(&kit, &after->content, SPAN("new"));
	kit_close(&kit);
}

Test(store_lmdb_sweep, a_new_writer_sweeps_what_the_last_one_left)
{
	struct kit kit = lmdb_kit(NULL);
	struct artifact *artifact = kit_put(&kit, SPAN("hello"));
	struct slot *slot = slot_of(&kit, 0);

	slot_begin(scoreboard(), slot);
	cr_assert_eq(kit_delete(&kit, &artifact->id), RESULT_OK);
	lmdb_reopen(&kit);
	sweep(&kit);
	cr_assert(is_readable(&kit, &artifact->content));
	slot_end(slot);
	sweep(&kit);
	cr_assert_not(is_readable(&kit, &artifact->content));
	kit_close(&kit);
}

Test(store_lmdb_sweep, a_slice_is_bounded)
{
	struct kit kit = lmdb_kit(NULL);
	struct span bytes = kit_bytes(&kit, 600 * (size_t)LIMIT_CHUNK, 1);
	struct artifact *artifact = kit_put(&kit, bytes);
	bool more = false;

	cr_assert_eq(kit_delete(&kit, &artifact->id), RESULT_OK);
	cr_assert_eq(
	    store_lmdb_sweep(kit.store, scoreboard(), &more), RESULT_OK);
	cr_assert(more);
	cr_assert_eq(count(&kit, "chunks"), 600 - 256);
	cr_assert_eq(lmdb_check(kit.store, false), 0, "%s", lmdb_problem);
	cr_assert_eq(sweep(&kit), 2);
	cr_assert_eq(count(&kit, "chunks"), 0);
	kit_close(&kit);
}

Test(store_lmdb_sweep, an_idle_sweep_commits_nothing)
{
	struct kit kit = lmdb_kit(NULL);
	struct raw raw;
	size_t before;

	slot_begin(scoreboard(), slot_of(&kit, 0));
	(void)kit_put(&kit, SPAN("stays"));
	store_close(kit.store);
	raw = raw_open("meta");
	before = mdb_txn_id(raw.txn);
	raw_close(&raw);
	kit.store = lmdb_writer();
	cr_assert_eq(sweep(&kit), 1);
	store_close(kit.store);
	raw = raw_open("meta");
	cr_assert_eq(mdb_txn_id(raw.txn), before);
	raw_close(&raw);
	kit.store = lmdb_writer();
	kit_close(&kit);
}

/* ---- what the dead leave ---- */

static struct change
stage_of(struct kit *kit, struct owner owner)
{
	return (struct change){
		.kind = CHANGE_STAGE,
		.owner = owner,
		.blob = lmdb_new_blob(kit->store, owner),
		.bytes = SPAN("staged"),
	};
}

Test(store_lmdb_sweep, uploads_go_with_their_request)
{
	struct kit kit = lmdb_kit(NULL);
	struct slot *slot = slot_of(&kit, 0);
	struct change running, ended;

	slot_begin(scoreboard(), slot);
	kit.owner.request = slot->requests;
	running = stage_of(&kit, kit.owner);
	ended = stage_of(&kit, (struct owner){ kit.owner.incarnation, 0 });
	cr_assert_eq(kit_apply(&kit, &running), RESULT_OK);
	cr_assert_eq(kit_apply(&kit, &ended), RESULT_OK);
	kit_expect_stat(&kit, 0, 0, 12);
	sweep(&kit);
	kit_expect_stat(&kit, 0, 0, 6);
	slot_end(slot);
	lmdb_reopen(&kit); /* or the walk would pause a second */
	sweep(&kit);
	kit_expect_stat(&kit, 0, 0, 0);
	/* Nobody can go on with it. */
	running.chunk = 1;
	cr_assert_eq(kit_apply(&kit, &running), RESULT_STALE);
	cr_assert_eq(count(&kit, "pending"), 0);
	cr_assert_eq(count(&kit, "chunks"), 0);
	kit_close(&kit);
}

Test(store_lmdb_sweep, applied_rows_go_with_their_process)
{
	struct kit kit = lmdb_kit(NULL);
	struct change change = { .kind = CHANGE_UPDATE, .number = 1 };
	struct artifact *artifact = kit_put(&kit, SPAN(""));

	change.id = artifact->id;
	change.artifact = artifact;
	change.patch = PATCH_TITLE;
	change.owner.incarnation = 77;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	change.owner.incarnation = 78;
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	(void)slot_of(&kit, 1); /* incarnation 78 */
	sweep(&kit);
	cr_assert_eq(count(&kit, "applied"), 1);
	slot_vacate(&scoreboard()->slots[1]);
	sweep(&kit);
	cr_assert_eq(count(&kit, "applied"), 0);
	kit_close(&kit);
}

/* A row of idempotency that expires then. */
static void
plant_promise(uint64_t i, uint64_t expires)
{
	uint8_t key[32] = { 0 };
	uint8_t row[32 + 16 + 8] = { 0 };

	pack_key(key, i);
	pack_key(row + 48, expires);
	raw_put("idempotency", span_of(key, 32), span_of(row, 56));
}

Test(store_lmdb_sweep, idempotency_keys_expire)
{
	struct kit kit = lmdb_kit(NULL);
	struct artifact *artifact = kit_artifact(&kit);
	struct change change = {
		.kind = CHANGE_CREATE,
		.artifact = artifact,
		.has_key = true,
	};
	uint64_t now = moment_now();
	uint64_t i;

	store_close(kit.store);
	for (i = 0; i < 100; i++)
		plant_promise(i, i % 3 == 0 ? now + 60000000 : now - 1);
	kit.store = lmdb_writer();
	/* Key 0 stands for something; 1 does not any more. */
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	kit_expect_stat(&kit, 0, 0, 0);
	pack_key(change.key, 1);
	cr_assert_eq(kit_apply(&kit, &change), RESULT_OK);
	kit_expect_stat(&kit, 1, 0, 0);
	sweep(&kit);
	cr_assert_eq(count(&kit, "idempotency"), 35);
	kit_close(&kit);
}

/* ---- what a check finds ---- */

static struct kit planted;
static struct artifact *planted_artifact;

/* A store with a bit of everything. */
static void
plant(void)
{
	struct change stage;

	planted = lmdb_kit(NULL);
	planted_artifact = kit_put(
	    &planted, kit_bytes(&planted, 2 * (size_t)LIMIT_CHUNK + 1, 1));
	stage = stage_of(&planted, planted.owner);
	cr_assert_eq(kit_apply(&planted, &stage), RESULT_OK);
	cr_assert_eq(lmdb_check(planted.store, true), 0, "%s", lmdb_problem);
	store_close(planted.store);
}

static void
expect_problem(const char *what)
{
	planted.store = lmdb_writer();
	cr_assert_gt(lmdb_check(planted.store, true), 0, "%s", what);
	cr_assert_not_null(
	    strstr(lmdb_problem, what), "%s, not %s", lmdb_problem, what);
	store_close(planted.store);
	lmdb_remove();
	arena_close(planted.arena);
}

Test(store_lmdb_check, finds_a_record_without_id)
{
	plant();
	raw_delete_first("ids");
	expect_problem("does not lead to its record");
}

Test(store_lmdb_check, finds_an_id_without_record)
{
	uint8_t moment[8] = { 0 };

	plant();
	raw_put("ids", SPAN("0123456789abcdef"), span_of(moment, 8));
	expect_problem("leads to no record");
}

Test(store_lmdb_check, finds_a_record_without_index_entry)
{
	plant();
	raw_delete_first("index");
	expect_problem("has no entry");
}

Test(store_lmdb_check, finds_an_index_entry_without_record)
{
	plant();
	raw_put("index", SPAN("w\1w12345678"), SPAN_NONE);
	expect_problem("leads to no such record");
}

Test(store_lmdb_check, finds_a_key_that_is_none)
{
	plant();
	raw_put("index", SPAN("x\1w12345678"), SPAN_NONE);
	expect_problem("is no key");
}

/* The artifact has no phase, so that the record would agree. */
Test(store_lmdb_check, finds_an_index_entry_of_nothing)
{
	uint8_t key[10] = { 'p', 0 };

	plant();
	pack_key(key + 2, planted_artifact->created);
	raw_put("index", span_of(key, sizeof(key)), SPAN_NONE);
	expect_problem("is no key");
}

Test(store_lmdb_check, finds_a_lost_record)
{
	plant();
	raw_delete_first("records");
	expect_problem("meta: bytes");
}

Test(store_lmdb_check, finds_a_missing_chunk)
{
	uint8_t key[12] = { 0 };

	plant();
	pack_key(key, planted_artifact->content.blob);
	key[11] = 1;
	raw_delete("chunks", span_of(key, 12));
	expect_problem("is not whole");
}

Test(store_lmdb_check, finds_a_chunk_of_nothing)
{
	uint8_t key[12] = { 1 };

	plant();
	raw_put("chunks", span_of(key, 12), SPAN("x"));
	expect_problem("belongs to nothing");
}

Test(store_lmdb_check, finds_an_upload_without_its_chunks)
{
	plant();
	raw_delete_last("chunks");
	expect_problem("lacks chunks");
}

Test(store_lmdb_check, finds_a_blob_with_two_states)
{
	uint8_t key[8];
	uint8_t row[1 + 8 + 8 + 4 + 8] = { 2 };

	plant();
	pack_key(key, planted_artifact->content.blob);
	raw_put("pending", span_of(key, 8), span_of(row, sizeof(row)));
	expect_problem("is also a record's");
}

Test(store_lmdb_check, finds_counters_that_are_wrong)
{
	uint8_t counters[56] = { 0 };

	plant();
	memset(counters, 0x7f, 16);
	counters[23] = 1;
	pack_key(counters + 24, 2 * (uint64_t)LIMIT_CHUNK + 1);
	counters[39] = 7;
	raw_put("meta", SPAN("counters"), span_of(counters, 56));
	expect_problem("meta: staged is 7, not 6");
}

/* What a lost write leaves: the first record as it was, sound. */
static void
bring_back(const char *record, size_t size, bool is_commit_right)
{
	struct raw raw = raw_open("records");
	MDB_val value = { size, (void *)(uintptr_t)record };
	uint8_t key[8];
	MDB_val name = { 8, key };

	memcpy(key, raw.key.mv_data, 8);
	cr_assert_eq(mdb_put(raw.txn, raw.database, &name, &value, 0), 0);
	raw.is_changed = is_commit_right;
	raw.keeps_sum = true;
	raw_close(&raw);
}

static void
retitle_and_bring_back(bool is_commit_right)
{
	struct change change = { .kind = CHANGE_UPDATE, .patch = PATCH_TITLE };
	struct artifact patch = { .title = SPAN("another") };
	char record[4096];
	struct raw raw;
	size_t size;

	plant();
	raw = raw_open("records");
	size = raw.value.mv_size;
	cr_assert_leq(size, sizeof(record));
	memcpy(record, raw.value.mv_data, size);
	raw_close(&raw);
	planted.store = lmdb_writer();
	change.id = planted_artifact->id;
	change.artifact = &patch;
	cr_assert_eq(kit_apply(&planted, &change), RESULT_OK);
	cr_assert_eq(lmdb_check(planted.store, true), 0, "%s", lmdb_problem);
	store_close(planted.store);
	bring_back(record, size, is_commit_right);
}

Test(store_lmdb_check, finds_a_row_that_is_sound_but_old)
{
	retitle_and_bring_back(true);
	expect_problem("a write was lost");
}

Test(store_lmdb_check, finds_a_commit_that_is_not_the_last)
{
	retitle_and_bring_back(false);
	expect_problem("is the last: a write was lost");
}

Test(store_lmdb_check, finds_meta_pages_that_are_no_neighbours)
{
	const uint64_t id = 1;
	int fd;

	plant();
	planted.store = lmdb_writer();
	(void)kit_put(&planted, SPAN("x"));
	(void)kit_put(&planted, SPAN("x"));
	store_close(planted.store);
	fd = open(lmdb_path("data.mdb"), O_RDWR);
	cr_assert_geq(fd, 0);
	cr_assert_eq(pwrite(fd, &id, 8, 4096 + 144), 8);
	close(fd);
	expect_problem("are no neighbours");
}

Test(store_lmdb_check, finds_content_of_another_hash)
{
	uint8_t key[12] = { 0 };

	plant();
	pack_key(key, planted_artifact->content.blob);
	key[11] = 2;
	raw_put("chunks", span_of(key, 12), SPAN("!"));
	planted.store = lmdb_writer();
	cr_assert_eq(lmdb_check(planted.store, false), 0);
	store_close(planted.store);
	expect_problem("has another hash");
}

Test(store_lmdb_check, finds_damaged_values_everywhere)
{
	static const char *const names[] = { "ids", "records", "chunks",
		"pending" };
	size_t i;

	for (i = 0; i < 4; i++) {
		plant();
		raw_flip(names[i], 3);
		planted.store = lmdb_writer();
		cr_assert_gt(
		    lmdb_check(planted.store, false), 0, "%s", names[i]);
		store_close(planted.store);
		lmdb_remove();
		arena_close(planted.arena);
	}
}
