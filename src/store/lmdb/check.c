/* SPDX-License-Identifier: ISC */
/*
 * check.c - is all that DESIGN 2 promises true of this store?
 *
 * Slices, walks and reports. Each database is walked once and compared with
 * what it hangs together with, in both directions: a record has its id, index
 * entries and content; an id, an index entry and a blob lead to what they
 * belong to. What is kept in memory meanwhile is 8 bytes a blob.
 */

#include "check.h"

#include <stdarg.h>
#include <stdlib.h>

#define SLICE_BYTES (UINT64_C(4) << 20)
#define SLICE_US INT64_C(50000)
#define KEY_MOST 511 /* of LMDB */

/* ---- reports ---- */

static const char *const advice[DB_COUNT] = {
	[DB_META] = "restore a backup",
	[DB_IDS] = "restore a backup: lookups by id may miss it",
	[DB_RECORDS] = "restore a backup: it cannot be read",
	[DB_INDEX] = "restore a backup: lists may miss it",
	[DB_CHUNKS] = "upload the content again, or delete the artifact, or "
		      "restore a backup; no damaged byte is ever served",
	[DB_PENDING] = "no artifact is concerned; artifactctl export, and "
		       "import into a new store, leaves it behind",
	[DB_IDEMPOTENCY] = "no artifact is concerned; the row goes within "
			   "a day",
	[DB_APPLIED] = "no artifact is concerned; restart the service, and "
		       "the row goes",
};

void
check_report(
    struct check *check, enum database database, const char *format, ...)
{
	struct store_problem problem = { .advice = advice[database] };
	char line[256];
	va_list arguments;
	int size;

	size = snprintf(line, sizeof(line), "%s: ", layout_name(database));
	va_start(arguments, format);
	(void)vsnprintf(line + size, sizeof(line) - (size_t)size, format,
	    arguments); /* cut */
	va_end(arguments);
	problem.line = line;
	problem.artifact = check->about;
	check->order->problems++;
	check->order->report(check->order->object, &problem);
}

const char *
check_hex(struct check *check, const struct key *key)
{
	char *text = arena_alloc(check->arena, 2 * key->size + 1);

	digest_hex(key->bytes, key->size, text);
	return text;
}

bool
check_is_fatal(const struct check *check)
{
	return check->view.error != 0;
}

/* ---- slices ---- */

enum result
check_begin(struct check *check)
{
	enum result result = lmdb_read_begin(check->lmdb, &check->view);

	if (result != RESULT_OK)
		return result;
	check->about = NULL;
	check->rows = 0;
	check->slice_bytes = 0;
	check->until = scoreboard_now() + SLICE_US;
	result = layout_get_meta(&check->view, &check->meta);
	check->has_meta = result == RESULT_OK;
	if (!check_is_fatal(check))
		return RESULT_OK;
	return lmdb_read_end(check->lmdb, &check->view, result);
}

enum result
check_end(struct check *check, enum result result)
{
	struct store_check *order = check->order;

	check->about = NULL;
	arena_reset(check->arena);
	check->done += check->slice_bytes;
	result = lmdb_read_end(check->lmdb, &check->view, result);
	if (order->pace != NULL)
		order->pace(order->object, check->done, check->total);
	return result;
}

bool
check_is_full(struct check *check, uint64_t bytes)
{
	check->rows++;
	check->slice_bytes += bytes;
	return check->rows >= CHECK_ROWS || check->slice_bytes >= SLICE_BYTES ||
	       scoreboard_now() > check->until;
}

/* ---- walks ---- */

/* What a row costs to read: its share of the database's pages. */
static uint64_t
row_cost(const struct check *check, enum database database, uint64_t *ret_rows)
{
	MDB_stat stat;

	*ret_rows = 0;
	if (mdb_stat(check->view.txn, check->view.databases[database], &stat) !=
		MDB_SUCCESS ||
	    stat.ms_entries == 0)
		return 0;
	*ret_rows = stat.ms_entries;
	return (stat.ms_leaf_pages + stat.ms_overflow_pages) *
	       (uint64_t)stat.ms_psize / stat.ms_entries;
}

struct walker {
	enum database database;
	size_t key_size;
	check_visit *visit;
	size_t size; /* of the last key; 0: none yet */
	uint8_t last[KEY_MOST];
};

/* The row behind the last one, of the slice before. */
static int
seek(struct walker *walker, MDB_cursor *cursor, MDB_val *name, MDB_val *value)
{
	int code;

	if (walker->size == 0)
		return mdb_cursor_get(cursor, name, value, MDB_FIRST);
	*name = (MDB_val){ walker->size, walker->last };
	code = mdb_cursor_get(cursor, name, value, MDB_SET_RANGE);
	if (code != MDB_SUCCESS || name->mv_size != walker->size ||
	    memcmp(name->mv_data, walker->last, walker->size) != 0)
		return code;
	return mdb_cursor_get(cursor, name, value, MDB_NEXT);
}

/* Keys rise, or the walk would not find its way in the next slice. */
static bool
advance(struct walker *walker, const MDB_val *name)
{
	size_t size =
	    name->mv_size < walker->size ? name->mv_size : walker->size;
	int order = memcmp(name->mv_data, walker->last, size);

	if (order < 0 || (order == 0 && name->mv_size <= walker->size))
		return false;
	walker->size = name->mv_size;
	memcpy(walker->last, name->mv_data, name->mv_size);
	return true;
}

static enum result
look(struct check *check, const struct walker *walker, const MDB_val *name,
    const MDB_val *value)
{
	enum database database = walker->database;
	struct key key = key_from(name);
	struct span bytes = SPAN_NONE;

	check->about = NULL;
	if (walker->key_size != 0 && name->mv_size != walker->key_size)
		check_report(
		    check, database, "a key of %zu bytes", name->mv_size);
	else if (database != DB_INDEX && layout_verify(&check->view, database,
					     name, value, &bytes) != RESULT_OK)
		check_report(check, database, "a damaged value, key %s",
		    check_hex(check, &key));
	else
		return walker->visit(check, &key, bytes);
	return RESULT_OK;
}

/* RESULT_END: that was the last row. */
static enum result
walk_rows(struct check *check, struct walker *walker, MDB_cursor *cursor)
{
	MDB_val name, value;
	enum result result;
	uint64_t rows, cost = row_cost(check, walker->database, &rows);
	int code = seek(walker, cursor, &name, &value);

	while (code == MDB_SUCCESS) {
		/* One that is too long is no place to go on from. */
		if (name.mv_size <= KEY_MOST && !advance(walker, &name)) {
			check_report(check, walker->database,
			    "keys are out of order; those behind are not "
			    "looked at");
			return RESULT_END;
		}
		result = look(check, walker, &name, &value);
		arena_reset(check->arena);
		if (result != RESULT_OK)
			return result;
		if (check_is_full(check, cost) && name.mv_size <= KEY_MOST)
			return RESULT_OK;
		code = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	if (code == MDB_NOTFOUND)
		return RESULT_END;
	return layout_note(&check->view, walker->database, code);
}

static enum result
walk_slice(struct check *check, struct walker *walker)
{
	struct view *view = &check->view;
	MDB_cursor *cursor;
	enum result result;
	int code;

	result = check_begin(check);
	if (result != RESULT_OK)
		return result;
	check->content_count = 0;
	code = mdb_cursor_open(
	    view->txn, view->databases[walker->database], &cursor);
	if (code != MDB_SUCCESS)
		return check_end(
		    check, layout_note(view, walker->database, code));
	result = walk_rows(check, walker, cursor);
	mdb_cursor_close(cursor);
	return check_end(check, result);
}

enum result
check_walk(struct check *check, enum database database, size_t key_size,
    check_visit *visit)
{
	struct walker walker = { database, key_size, visit, 0, { 0 } };
	enum result result = RESULT_OK;
	enum result inner;
	size_t i;

	while (result == RESULT_OK) {
		result = walk_slice(check, &walker);
		if (result != RESULT_OK && result != RESULT_END)
			return result;
		for (i = 0; i < check->content_count; i++) {
			inner = check_content(check, &check->contents[i]);
			if (inner != RESULT_OK)
				return inner;
		}
	}
	return RESULT_OK;
}

/* ---- the whole ---- */

static const struct {
	enum database database;
	size_t key_size;
	check_visit *visit;
} walks[] = {
	{ DB_RECORDS, 8, check_record },
	{ DB_IDS, 16, check_id },
	{ DB_INDEX, 0, check_index },
	{ DB_PENDING, 8, check_pending },
	{ DB_IDEMPOTENCY, 32, check_promise },
	{ DB_APPLIED, 8, check_applied },
};

uint64_t
check_row_bytes(const struct check *check)
{
	uint64_t bytes = 0;
	uint64_t rows;
	size_t i;

	for (i = 0; i < sizeof(walks) / sizeof(walks[0]); i++)
		bytes += row_cost(check, walks[i].database, &rows) * rows;
	return bytes;
}

static enum result
check_all(struct check *check)
{
	enum result result;
	size_t i;

	result = check_commits(check);
	if (result == RESULT_OK)
		result = check_find_blobs(check);
	for (i = 0; i < sizeof(walks) / sizeof(walks[0]); i++)
		if (result == RESULT_OK)
			result = check_walk(check, walks[i].database,
			    walks[i].key_size, walks[i].visit);
	if (result == RESULT_OK)
		result = check_unnamed(check);
	return result == RESULT_OK ? check_totals(check) : result;
}

enum result
store_lmdb_check(struct store *store, struct store_check *order)
{
	struct check check = { .lmdb = lmdb_of(store), .order = order };
	enum result result;

	check.arena = arena_open();
	order->problems = 0;
	result = check_all(&check);
	order->bytes = check.done;
	arena_close(check.arena);
	free(check.blobs);
	return result;
}
