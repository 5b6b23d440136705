/* SPDX-License-Identifier: ISC */
/*
 * store_lmdb_space.c - how much content may come in: the disk's free bytes,
 * and the pages of data.mdb that are free to be written again.
 *
 * data.mdb never gets shorter. What deletes free is in it, not on the disk,
 * so that a store that filled its disk by itself has room again when the
 * disk has not.
 */

#include "store_lmdb_state.h"

#include <sys/resource.h>
#include <sys/statvfs.h>

/* A commit copies the pages that lead to what it changes. */
#define COMMIT_BYTES (UINT64_C(1) << 20)
/* From here on no batch meets the end of the disk. */
#define AMPLE (4 * (uint64_t)LIMIT_BATCH_BYTES)
/* A chunk and its header need as many pages in a row. */
#define CHUNK_PAGES 16

/* ---- the disk ---- */

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

/* What data.mdb may still grow by. */
static uint64_t
file_room(const struct lmdb *lmdb)
{
	uint64_t size;

	if (lmdb->file_limit == RLIM_INFINITY)
		return UINT64_MAX;
	size = lmdb_file_size(lmdb);
	return size < lmdb->file_limit ? lmdb->file_limit - size : 0;
}

static uint64_t
disk_room(const struct lmdb *lmdb)
{
	uint64_t file = file_room(lmdb);
	struct statvfs disk;
	uint64_t bytes;

	if (fstatvfs(lmdb->directory, &disk) != 0)
		return 0; /* if it cannot be said, be careful */
	bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	return bytes < file ? bytes : file;
}

/* ---- data.mdb ---- */

/*
 * Pages of one commit's list that stand in runs of so many or more. The list
 * is a length and as many numbers, falling.
 */
static size_t
count_runs(const MDB_val *value, size_t least)
{
	const size_t *list = value->mv_data;
	size_t room = value->mv_size / sizeof(*list);
	size_t count = 0, run = 1;
	size_t i;

	if (room == 0 || list[0] >= room)
		return 0; /* not what LMDB writes */
	for (i = 1; i <= list[0]; i++, run++) {
		if (i < list[0] && list[i] == list[i + 1] + 1)
			continue;
		if (run >= least)
			count += run;
		run = 0;
	}
	return count;
}

/*
 * Bytes of data.mdb in the free pages that commits before this one left, or
 * some that are enough.
 */
static uint64_t
reusable(struct lmdb *lmdb, size_t before, size_t least, uint64_t enough)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	uint64_t bytes = 0;
	MDB_stat stat;
	int code;

	(void)mdb_env_stat(lmdb->env, &stat); /* fails only for NULL */
	if (mdb_txn_renew(lmdb->reader) != MDB_SUCCESS)
		return 0;
	/* The list of free pages is database 0, for readers only. */
	code = mdb_cursor_open(lmdb->reader, 0, &cursor);
	if (code == MDB_SUCCESS) {
		code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
		while (code == MDB_SUCCESS && bytes < enough &&
		       key.mv_size == sizeof(size_t) &&
		       *(const size_t *)key.mv_data < before) {
			bytes +=
			    count_runs(&value, least) * (uint64_t)stat.ms_psize;
			code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
		}
		mdb_cursor_close(cursor);
	}
	mdb_txn_reset(lmdb->reader);
	return bytes;
}

/* ---- both ---- */

uint64_t
lmdb_room(struct lmdb *lmdb, uint64_t *ret_free)
{
	uint64_t disk = disk_room(lmdb);
	uint64_t room = disk > lmdb->reserve ? disk - lmdb->reserve : 0;
	/* What the last commit let go of is free for the one after the next:
	 * not to be counted on where the file cannot grow instead. */
	size_t before = lmdb->last_txn + (disk >= AMPLE ? 1 : 0);
	uint64_t file = 0;

	*ret_free = disk;
	if (room >= AMPLE)
		return UINT64_MAX;
	/* Should it grow nevertheless, then for half of the reserve. */
	if (disk >= lmdb->reserve / 2)
		file = reusable(lmdb, before, CHUNK_PAGES, AMPLE);
	if (room < file)
		room = file;
	return room < COMMIT_BYTES ? 0 : (room - COMMIT_BYTES) / 2;
}

bool
lmdb_can_commit(struct lmdb *lmdb)
{
	return disk_room(lmdb) >= COMMIT_BYTES ||
	       reusable(lmdb, lmdb->last_txn, 1, COMMIT_BYTES) >= COMMIT_BYTES;
}
