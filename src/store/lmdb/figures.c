/* SPDX-License-Identifier: ISC */
/*
 * figures.c - what the store tells of itself in numbers.
 *
 * All that is counted one by one is bounded: a scrape comes every few
 * seconds, also when a million rows wait to be swept.
 */

#include "internal.h"

#include <stdlib.h>

#define ROWS_MOST 1024 /* of pending that are looked at, newest first */

/* A number as part of a sentence. */
#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

/* ---- readers ---- */

struct readers {
	uint64_t count;
	uint64_t oldest; /* commit that one of them still reads; 0: none */
};

/*
 * LMDB gives its table as text: a line of heads, then "pid thread txnid" of
 * each, where "-" stands for one that reads nothing now.
 */
static int
note_reader(const char *line, void *object)
{
	struct readers *readers = object;
	const char *last = strrchr(line, ' ');
	uint64_t txn;

	while (*line == ' ')
		line++;
	if (last == NULL || *line < '0' || *line > '9')
		return 0;
	readers->count++;
	txn = strtoull(last, NULL, 10); /* "-" is 0 */
	if (txn != 0 && (readers->oldest == 0 || txn < readers->oldest))
		readers->oldest = txn;
	return 0;
}

uint64_t
lmdb_oldest_reader(struct lmdb *lmdb)
{
	struct readers readers = { 0 };

	(void)mdb_reader_list(lmdb->env, note_reader, &readers);
	return readers.oldest;
}

/* ---- free pages ---- */

/* Database 0 has a row for each commit that freed pages: how many, and their
 * numbers. */
uint64_t
lmdb_free_pages(MDB_txn *txn, size_t before, size_t commits)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	uint64_t count = 0;
	size_t rows;
	int code;

	if (mdb_cursor_open(txn, 0, &cursor) != MDB_SUCCESS)
		return 0;
	code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	for (rows = 0; code == MDB_SUCCESS && rows < commits; rows++) {
		if (key.mv_size != sizeof(size_t) ||
		    *(const size_t *)key.mv_data >= before)
			break;
		if (value.mv_size >= sizeof(size_t))
			count += *(const size_t *)value.mv_data;
		code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return count;
}

/* ---- pending ---- */

static bool
is_upload(struct view *view, const MDB_val *key, const MDB_val *value)
{
	struct pending pending;
	struct span bytes;

	return layout_verify(view, DB_PENDING, key, value, &bytes) ==
		   RESULT_OK &&
	       pending_decode(bytes, &pending) &&
	       pending.kind == PENDING_UPLOAD;
}

/* Uploads have the newest blobs, nearly always: seen from the end. */
static uint64_t
count_uploads(struct view *view)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	uint64_t count = 0;
	size_t rows;
	int code;

	if (layout_cursor(view, DB_PENDING, &cursor) != RESULT_OK)
		return 0;
	code = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
	for (rows = 0; code == MDB_SUCCESS && rows < ROWS_MOST; rows++) {
		if (is_upload(view, &key, &value))
			count++;
		code = mdb_cursor_get(cursor, &key, &value, MDB_PREV);
	}
	mdb_cursor_close(cursor);
	return count;
}

static uint64_t
count_rows(struct view *view, enum database database)
{
	MDB_stat stat;

	if (mdb_stat(view->txn, view->databases[database], &stat) !=
	    MDB_SUCCESS)
		return 0;
	return stat.ms_entries;
}

/* ---- all of them ---- */

struct counts {
	struct meta meta;
	struct readers readers;
	MDB_envinfo info;
	uint64_t page_size;
	uint64_t free_pages;
	uint64_t uploads;
	uint64_t pending;
};

static enum result
count(struct lmdb *lmdb, struct counts *counts)
{
	struct view view;
	enum result result;
	MDB_stat stat;

	/* Before this process reads: its own view does not count. */
	(void)mdb_reader_list(lmdb->env, note_reader, &counts->readers);
	result = lmdb_read_begin(lmdb, &view);
	if (result != RESULT_OK)
		return result;
	(void)mdb_env_info(lmdb->env, &counts->info); /* fail only for NULL */
	(void)mdb_env_stat(lmdb->env, &stat);
	counts->page_size = stat.ms_psize;
	counts->free_pages =
	    lmdb_free_pages(view.txn, SIZE_MAX, LMDB_COMMITS_MOST);
	counts->pending = count_rows(&view, DB_PENDING);
	counts->uploads = count_uploads(&view);
	result = layout_get_meta(&view, &counts->meta);
	return lmdb_read_end(lmdb, &view, result);
}

/* Commits that came since the view of the oldest reader. */
static uint64_t
lag(const struct counts *counts)
{
	uint64_t oldest = counts->readers.oldest;

	return oldest == 0 || oldest > counts->info.me_last_txnid
		   ? 0
		   : counts->info.me_last_txnid - oldest;
}

static void
visit_all(const struct counts *counts,
    void (*visit)(void *object, const struct store_figure *figure),
    void *object)
{
	const struct store_figure figures[] = {
		{ "artifacts", "Artifacts in the store",
		    counts->meta.artifacts },
		{ "content_bytes", "Bytes of content that artifacts name",
		    counts->meta.bytes },
		{ "staged_bytes", "Bytes of uploads in progress",
		    counts->meta.staged },
		{ "pending_uploads",
		    "Uploads in progress, or left by a worker that died",
		    counts->uploads },
		{ "sweep_backlog",
		    "Contents deleted or replaced that wait to be swept; "
		    "uploads older than " TEXT(ROWS_MOST) " of them count here",
		    counts->pending - counts->uploads },
		{ "map_size_bytes", "Bytes that data.mdb can grow to",
		    counts->info.me_mapsize },
		{ "map_used_bytes", "Bytes of data.mdb up to its last page",
		    (counts->info.me_last_pgno + 1) * counts->page_size },
		{ "free_pages",
		    "Pages of data.mdb that are free to be written again; "
		    "of " TEXT(LMDB_COMMITS_MOST) " commits at most",
		    counts->free_pages },
		{ "free_bytes", "Bytes of these pages",
		    counts->free_pages * counts->page_size },
		{ "readers", "Processes that have the store open to read",
		    counts->readers.count },
		{ "oldest_reader_lag_commits",
		    "Commits since what the oldest reader is reading: their "
		    "pages cannot be written again",
		    lag(counts) },
	};
	size_t i;

	for (i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		visit(object, &figures[i]);
}

enum result
lmdb_figures(void *state,
    void (*visit)(void *object, const struct store_figure *figure),
    void *object)
{
	struct counts counts = { 0 };
	enum result result;

	result = count(state, &counts);
	if (result == RESULT_OK)
		visit_all(&counts, visit, object);
	return result;
}
