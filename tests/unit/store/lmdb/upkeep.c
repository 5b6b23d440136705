/* SPDX-License-Identifier: ISC */
/*
 * upkeep.c - copies and compaction of an LMDB store, and the refusal of
 * other formats.
 */

#include "store/lmdb/upkeep.h"

#include "kit/lmdb_kit.h"
#include "base/pack.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory beside the store's, for a copy. */
static char copies[512];

static int
open_copies(void)
{
	int fd;

	snprintf(copies, sizeof(copies), "%s.copy", lmdb_directory());
	cr_assert_eq(mkdir(copies, 0700), 0);
	fd = open(copies, O_RDONLY | O_DIRECTORY);
	cr_assert_geq(fd, 0);
	return fd;
}

static void
close_copies(int fd)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "format" };
	size_t i;

	for (i = 0; i < 3; i++)
		(void)unlinkat(fd, names[i], 0); /* it may not be there */
	close(fd);
	cr_assert_eq(rmdir(copies), 0, "nothing else is left there");
}

static void
copy(struct kit *kit, int directory)
{
	int fd = openat(directory, "data.mdb", O_WRONLY | O_CREAT, 0600);

	cr_assert_geq(fd, 0);
	cr_assert_eq(store_lmdb_copy(kit->store, fd, lmdb_error), RESULT_OK,
	    "%s", lmdb_error);
	close(fd);
	cr_assert(store_lmdb_put_format(directory, "format"));
}

/* ---- copies ---- */

Test(store_lmdb_backup, a_copy_is_the_store_as_it_was)
{
	struct kit kit = lmdb_kit(NULL);
	struct span bytes = kit_bytes(&kit, 3 * LIMIT_CHUNK + 5, 1);
	struct artifact *artifact = kit_put(&kit, bytes);
	int directory = open_copies();
	struct store *mine = kit.store;

	copy(&kit, directory);
	(void)kit_put(&kit, SPAN("later"));
	cr_assert_eq(store_lmdb_open_copy(copies, lmdb_error, &kit.store),
	    RESULT_OK, "%s", lmdb_error);
	cr_assert_eq(lmdb_check(kit.store, true), 0, "%s", lmdb_problem);
	kit_expect_stat(&kit, 1, bytes.size, 0);
	kit_expect_content(&kit, &kit_get(&kit, &artifact->id)->content, bytes);
	store_close(kit.store);
	cr_assert_neq(faccessat(directory, "lock.mdb", F_OK, 0), 0,
	    "opening a copy leaves no file");
	kit.store = mine;
	close_copies(directory);
	kit_close(&kit);
}

Test(store_lmdb_backup, a_damaged_copy_is_told_from_a_sound_one)
{
	struct kit kit = lmdb_kit(NULL);
	struct store *copied;
	int directory = open_copies();
	int fd;

	(void)kit_put(&kit, kit_bytes(&kit, 3 * LIMIT_CHUNK, 1));
	copy(&kit, directory);
	fd = openat(directory, "data.mdb", O_WRONLY);
	cr_assert_eq(pwrite(fd, "x", 1, 12 * 4096 + 100), 1);
	close(fd);
	cr_assert_eq(
	    store_lmdb_open_copy(copies, lmdb_error, &copied), RESULT_OK);
	cr_assert_gt(lmdb_check(copied, true), 0);
	store_close(copied);
	close_copies(directory);
	kit_close(&kit);
}

/* A page that is never written may be the last: the file ends before it. */
Test(store_lmdb_backup, a_copy_that_ends_early_is_filled_up)
{
	struct kit kit = lmdb_kit(NULL);
	struct store *copied;
	int directory = open_copies();
	int fd;

	(void)kit_put(&kit, kit_bytes(&kit, 3 * LIMIT_CHUNK, 1));
	copy(&kit, directory);
	fd = openat(directory, "data.mdb", O_WRONLY);
	cr_assert_eq(ftruncate(fd, 4 * 4096), 0);
	close(fd);
	if (store_lmdb_open_copy(copies, lmdb_error, &copied) == RESULT_OK) {
		cr_assert_gt(lmdb_check(copied, false), 0);
		store_close(copied);
	}
	close_copies(directory);
	kit_close(&kit);
}

/* ---- compaction ---- */

/* Half of what was there is deleted and swept. */
static struct kit
half_empty(void)
{
	struct kit kit = lmdb_kit(NULL);
	struct scoreboard *board = scoreboard_open();
	struct artifact *artifact;
	bool more = true;
	size_t i;

	for (i = 0; i < 20; i++) {
		artifact = kit_put(&kit, kit_bytes(&kit, 2 * LIMIT_CHUNK, i));
		if (i % 2 == 0)
			cr_assert_eq(
			    kit_delete(&kit, &artifact->id), RESULT_OK);
	}
	while (more)
		cr_assert_eq(
		    store_lmdb_sweep(kit.store, board, &more), RESULT_OK);
	scoreboard_close(board);
	return kit;
}

Test(store_lmdb_compact, a_compacted_copy_has_all_in_fewer_pages)
{
	struct kit kit = half_empty();
	struct store *mine = kit.store;
	uint64_t size = store_lmdb_size(mine);
	uint64_t unused = store_lmdb_unused(mine);
	int directory = open_copies();

	cr_assert_gt(unused, 15 * LIMIT_CHUNK);
	cr_assert_eq(store_lmdb_compact(mine, copies, lmdb_error, &kit.store),
	    RESULT_OK, "%s", lmdb_error);
	cr_assert_eq(lmdb_check(kit.store, true), 0, "%s", lmdb_problem);
	kit_expect_stat(&kit, 10, 20 * LIMIT_CHUNK, 0);
	cr_assert_lt(store_lmdb_size(kit.store), size - unused + (64 << 10));
	/* It goes on like any other. */
	(void)kit_put(&kit, kit_bytes(&kit, LIMIT_CHUNK + 1, 7));
	store_close(kit.store);
	kit.store = mine;
	kit_expect_stat(&kit, 10, 20 * LIMIT_CHUNK, 0);
	close_copies(directory);
	kit_close(&kit);
}

/* ---- formats ---- */

static void
write_format(const char *text)
{
	FILE *file = fopen(lmdb_path("format"), "w");

	cr_assert_not_null(file);
	cr_assert_geq(fputs(text, file), 0);
	cr_assert_eq(fclose(file), 0);
}

/* What format 1 had: five counters, and its number. */
static void
make_old(struct kit *kit)
{
	static const uint8_t one[4] = { 0, 0, 0, 1 };
	uint8_t counters[40];
	struct raw raw;

	store_close(kit->store);
	kit->store = NULL;
	raw = raw_open("meta");
	memcpy(counters, raw.value.mv_data, sizeof(counters));
	raw_close(&raw);
	raw_put("meta", SPAN("counters"), span_of(counters, 40));
	raw_put("meta", SPAN("format"), span_of(one, 4));
	write_format("artifactd 1\n");
}

/* Whoever opens it: to write, to read, or a copy. */
static void
expect_refused(const char *way_out)
{
	struct store *store = NULL;

	cr_assert_eq(lmdb_try(NULL, &store), RESULT_MALFORMED);
	cr_assert_not_null(strstr(lmdb_error, way_out), "%s", lmdb_error);
	cr_assert_eq(
	    store_lmdb_open_reader(lmdb_directory(), lmdb_error, &store),
	    RESULT_MALFORMED);
	cr_assert_not_null(strstr(lmdb_error, way_out), "%s", lmdb_error);
	cr_assert_eq(store_lmdb_open_copy(lmdb_directory(), lmdb_error, &store),
	    RESULT_MALFORMED);
	cr_assert_not_null(strstr(lmdb_error, way_out), "%s", lmdb_error);
}

Test(store_lmdb_format, an_old_store_is_refused_with_the_way_out)
{
	struct kit kit = lmdb_kit(NULL);

	make_old(&kit);
	expect_refused("artifactctl export with the version that made it, and "
		       "import into a new store");
	lmdb_remove();
	arena_close(kit.arena);
}

/* The file says this format, and the rows are of the old one. */
Test(store_lmdb_format, an_old_store_is_not_taken_for_a_new_one)
{
	struct kit kit = lmdb_kit(NULL);

	make_old(&kit);
	write_format("artifactd 2\n");
	cr_assert_eq(lmdb_try(NULL, &kit.store), RESULT_DAMAGED);
	lmdb_remove();
	arena_close(kit.arena);
}

Test(store_lmdb_format, a_newer_store_is_refused)
{
	struct kit kit = lmdb_kit(NULL);

	store_close(kit.store);
	write_format("artifactd 3\n");
	expect_refused("start the version that made");
	lmdb_remove();
	arena_close(kit.arena);
}
