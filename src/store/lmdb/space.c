/* SPDX-License-Identifier: ISC */
/*
 * space.c - how much content may come in: the disk's free bytes,
 * and the pages of data.mdb that are free to be written again.
 *
 * data.mdb never gets shorter. A delete frees pages inside it, and nothing on
 * the disk: a store that filled its disk has room again after deletes, though
 * the disk has none.
 */

#include "internal.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* A commit copies the pages that lead to what it changes. */
#define COMMIT_BYTES (UINT64_C(1) << 20)
/* With so much free on the disk, no batch can fill it. */
#define AMPLE (4 * (uint64_t)LIMIT_BATCH_BYTES)

/* ---- the disk ---- */

uint64_t
lmdb_less(uint64_t from, uint64_t bytes)
{
	return from > bytes ? from - bytes : 0;
}

uint64_t
lmdb_file_limit(void)
{
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY };

	(void)getrlimit(RLIMIT_FSIZE, &limit); /* there is such a limit */
	return limit.rlim_cur;
}

uint64_t
lmdb_file_size(const struct lmdb *lmdb)
{
	MDB_envinfo info;
	MDB_stat stat;

	(void)mdb_env_info(lmdb->env, &info); /* fail only for NULL */
	(void)mdb_env_stat(lmdb->env, &stat);
	return ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
}

/*
 * What the file system holds for data.mdb behind its last page. XFS takes
 * as much again as there is, ahead of what is written, and calls it used.
 */
static uint64_t
held_bytes(const struct lmdb *lmdb)
{
	mdb_filehandle_t fd;
	struct stat file;

	(void)mdb_env_get_fd(lmdb->env, &fd); /* fails only for NULL */
	if (fstat(fd, &file) != 0)
		return 0;
	return lmdb_less((uint64_t)file.st_blocks * 512, lmdb_file_size(lmdb));
}

static uint64_t
disk_room(const struct lmdb *lmdb)
{
	uint64_t bytes, file = UINT64_MAX; /* it may still grow by */
	struct statvfs disk;

	if (lmdb->file_limit != RLIM_INFINITY)
		file = lmdb_less(lmdb->file_limit, lmdb_file_size(lmdb));
	if (fstatvfs(lmdb->directory, &disk) != 0)
		return 0; /* not known: count on none */
	bytes = (uint64_t)disk.f_bavail * disk.f_frsize + held_bytes(lmdb);
	return bytes < file ? bytes : file;
}

/* ---- data.mdb ---- */

/* Free pages, a bit each, since a run may come from many commits. */
struct pages {
	uint64_t *words;
	size_t last;  /* page of data.mdb */
	size_t count; /* of bits that are set */
};

#define PAGES_MOST (1u << 20) /* of 4 KiB: 4 GiB; a few milliseconds */

/* One commit's list: a length and as many page numbers. */
static void
mark_pages(struct pages *pages, const MDB_val *value)
{
	const size_t *list = value->mv_data;
	size_t room = value->mv_size / sizeof(*list);
	size_t i;

	if (room == 0 || list[0] >= room)
		return; /* not what LMDB writes */
	for (i = 1; i <= list[0]; i++) {
		if (list[i] > pages->last)
			continue;
		pages->words[list[i] / 64] |= UINT64_C(1) << list[i] % 64;
		pages->count++;
	}
}

/* The classes of runs. A chunk and its header need the last one. */
static const size_t run_least[LMDB_RUNS] = { 1, 2, 4, 8, 16 };

/* Pages may be larger, which then asks for more in a row than are needed. */
#define PAGE 4096
#define OVERHEAD 24 /* the head of a page, and the check behind a value */

size_t
lmdb_run_of(size_t size)
{
	size_t pages = (size + OVERHEAD + PAGE - 1) / PAGE;
	size_t i = 0;

	while (i + 1 < LMDB_RUNS && run_least[i] < pages)
		i++;
	return i;
}

static void
count_run(size_t counts[LMDB_RUNS], size_t length)
{
	size_t i;

	for (i = 0; i < LMDB_RUNS && run_least[i] <= length; i++)
		counts[i] += length;
}

/* Free pages by class, or so many of the last class as are enough. */
static void
count_runs(
    const struct pages *pages, size_t enough, size_t ret_counts[LMDB_RUNS])
{
	size_t run = 0;
	size_t i;

	for (i = 0; i <= pages->last && ret_counts[LMDB_RUNS - 1] < enough;
	     i++) {
		if (pages->words[i / 64] >> i % 64 & 1) {
			run++;
			continue;
		}
		count_run(ret_counts, run);
		run = 0;
		if (pages->words[i / 64] == 0)
			i |= 63; /* the next word */
	}
	count_run(ret_counts, run);
}

/* The list of free pages is database 0, for readers only. */
static void
read_pages(struct lmdb *lmdb, size_t before, size_t most, struct pages *pages)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int code;

	if (mdb_cursor_open(lmdb->reader, 0, &cursor) != MDB_SUCCESS)
		return;
	code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	while (code == MDB_SUCCESS && pages->count < most &&
	       key.mv_size == sizeof(size_t) &&
	       *(const size_t *)key.mv_data < before) {
		mark_pages(pages, &value);
		code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
}

/*
 * The pages that commits before this one freed can be written again: no reader
 * may still look at them. Those that the last commit freed can be written by
 * the one after the next, so that they count only if the file can grow until
 * then.
 */
static size_t
reusable_before(struct lmdb *lmdb, bool can_grow)
{
	uint64_t oldest = lmdb_oldest_reader(lmdb);
	size_t before = lmdb->last_txn; /* the writer's own commits */
	MDB_envinfo info;

	if (!lmdb->is_writer) {
		(void)mdb_env_info(lmdb->env, &info); /* fails only for NULL */
		before = info.me_last_txnid;
	}
	if (can_grow)
		before++;

	return oldest != 0 && oldest < before ? oldest : before;
}

static uint64_t
page_size(const struct lmdb *lmdb)
{
	MDB_stat stat;

	(void)mdb_env_stat(lmdb->env, &stat); /* fails only for NULL */
	return stat.ms_psize;
}

/* Bytes of data.mdb in such pages, of so many commits at most. */
static uint64_t
reusable(struct lmdb *lmdb, size_t before, size_t commits)
{
	uint64_t pages;

	if (mdb_txn_renew(lmdb->reader) != MDB_SUCCESS)
		return 0;
	pages = lmdb_free_pages(lmdb->reader, before, commits);
	mdb_txn_reset(lmdb->reader);
	return pages * page_size(lmdb);
}

/* The same by class, or some that are enough. */
static void
reusable_runs(struct lmdb *lmdb, size_t before, uint64_t enough,
    uint64_t ret_bytes[LMDB_RUNS])
{
	size_t counts[LMDB_RUNS] = { 0 };
	struct pages pages = { NULL, 0, 0 };
	uint64_t size = page_size(lmdb);
	MDB_envinfo info;
	size_t i;

	memset(ret_bytes, 0, LMDB_RUNS * sizeof(ret_bytes[0]));
	(void)mdb_env_info(lmdb->env, &info); /* fails only for NULL */
	if (mdb_txn_renew(lmdb->reader) != MDB_SUCCESS)
		return;
	pages.last = info.me_last_pgno;
	pages.words = calloc(pages.last / 64 + 1, sizeof(*pages.words));
	if (pages.words == NULL)
		abort();
	read_pages(lmdb, before, PAGES_MOST, &pages);
	mdb_txn_reset(lmdb->reader);
	count_runs(&pages, (size_t)(enough / size), counts);
	free(pages.words);
	for (i = 0; i < LMDB_RUNS; i++)
		ret_bytes[i] = counts[i] * size;
}

/* ---- both ---- */

/* Not every page of it holds content, and what is changed is copied. */
static uint64_t
content_in(uint64_t bytes)
{
	return lmdb_less(bytes, COMMIT_BYTES) / 2;
}

static uint64_t
larger(uint64_t one, uint64_t other)
{
	return one > other ? one : other;
}

void
lmdb_measure_space(
    struct lmdb *lmdb, uint64_t wanted, struct lmdb_space *ret_space)
{
	uint64_t disk = disk_room(lmdb);
	/* Whatever the setting: deletes and sweeping make room, and need some
	 * for their commits. */
	uint64_t reserve = larger(wanted, COMMIT_BYTES);
	uint64_t above_reserve = lmdb_less(disk, reserve);
	uint64_t above_commit = lmdb_less(disk, COMMIT_BYTES);
	uint64_t runs[LMDB_RUNS];
	size_t i;

	*ret_space = (struct lmdb_space){ .disk_free = disk };
	if (above_reserve >= AMPLE) {
		for (i = 0; i < LMDB_RUNS; i++) {
			ret_space->for_new[i] = UINT64_MAX;
			ret_space->for_growth[i] = content_in(above_commit);
		}
		return;
	}
	reusable_runs(lmdb, reusable_before(lmdb, disk >= AMPLE), AMPLE, runs);
	ret_space->reusable = runs[0];
	for (i = 0; i < LMDB_RUNS; i++) {
		/* Should the file grow nevertheless, then for half of the
		 * reserve. */
		if (disk < reserve / 2)
			runs[i] = 0;
		runs[i] = larger(runs[i], above_reserve);
		ret_space->for_new[i] = content_in(runs[i]);
		ret_space->for_growth[i] =
		    content_in(larger(runs[i], above_commit));
	}
}

bool
lmdb_is_short(const struct lmdb *lmdb)
{
	return lmdb_less(disk_room(lmdb), lmdb->reserve) < AMPLE;
}

bool
lmdb_can_commit(struct lmdb *lmdb)
{
	return disk_room(lmdb) >= COMMIT_BYTES ||
	       reusable(lmdb, reusable_before(lmdb, false), SIZE_MAX) >=
		   COMMIT_BYTES;
}

/* ---- for people ---- */

/* What the file system has given data.mdb. */
static uint64_t
file_bytes(const struct lmdb *lmdb)
{
	return lmdb_file_size(lmdb) + held_bytes(lmdb);
}

enum result
lmdb_store_room(void *state, uint64_t reserve, uint64_t max_bytes,
    struct store_room *ret_room)
{
	struct lmdb *lmdb = state;
	struct store_room room = { .verdict = RESULT_OK };
	struct lmdb_space space;
	struct store_stat stat;
	enum result result;

	result = lmdb_stat(lmdb, &stat);
	if (result != RESULT_OK)
		return result;
	room.file_bytes = file_bytes(lmdb);
	room.reusable =
	    reusable(lmdb, reusable_before(lmdb, false), LMDB_COMMITS_MOST);
	lmdb_measure_space(lmdb, reserve, &space);
	room.disk_free = space.disk_free;
	/* By the smallest of creates. */
	if (space.for_new[0] == 0) {
		room.verdict = RESULT_NO_SPACE;
		room.shortage = (struct shortage){ space.disk_free, reserve,
			space.reusable };
	} else if (max_bytes != 0 && stat.bytes + stat.staged >= max_bytes) {
		room.verdict = RESULT_QUOTA;
		room.shortage =
		    (struct shortage){ stat.bytes + stat.staged, max_bytes, 0 };
	}
	*ret_room = room;
	return RESULT_OK;
}
