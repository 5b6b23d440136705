/* SPDX-License-Identifier: ISC */
/*
 * migrate.c - from an older format to this version's.
 *
 * Format 2 has two more counters: the sum of the checks of all rows, and the
 * number of the commit (internal.h). One transaction puts them,
 * together with the format in meta; the file `format` follows. In between
 * each version refuses the store, and another migration finds what is left
 * to do.
 */

#include "internal.h"
#include "upkeep.h"

/* Nothing that is damaged is called sound from now on. */
static enum result
add_rows(struct view *view, enum database database, uint64_t *sum)
{
	enum result result = RESULT_OK;
	MDB_cursor *cursor;
	MDB_val key, value;
	struct span bytes;
	int code;

	code = mdb_cursor_open(view->txn, view->databases[database], &cursor);
	if (code != MDB_SUCCESS)
		return layout_note(view, database, code);
	code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	while (code == MDB_SUCCESS && result == RESULT_OK) {
		result = layout_verify(view, database, &key, &value, &bytes);
		*sum += layout_addend(&value);
		code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (result != RESULT_OK || code == MDB_NOTFOUND)
		return result;
	return layout_note(view, database, code);
}

static enum result
put_counters(struct view *view)
{
	enum database database;
	enum result result;
	struct meta meta;

	result = layout_get_meta(view, &meta);
	if (result == RESULT_NOT_FOUND)
		return layout_damaged(view, DB_META);
	meta.sum = 0;
	for (database = 0; database < DB_COUNT; database++)
		if (result == RESULT_OK && layout_is_summed(database))
			result = add_rows(view, database, &meta.sum);
	if (result == RESULT_OK)
		result = layout_put_format(view, LAYOUT_FORMAT);
	return result == RESULT_OK ? layout_put_meta(view, &meta) : result;
}

static enum result
migrate_rows(struct lmdb *lmdb)
{
	struct view view;
	enum result result = lmdb_write_begin(lmdb, &view);

	if (result != RESULT_OK)
		return result;
	result = put_counters(&view);
	if (result == RESULT_OK)
		return lmdb_write_commit(lmdb, &view);
	lmdb_write_abort(lmdb, &view);
	return result;
}

enum result
store_lmdb_migrate(struct store *store, char ret_error[256])
{
	struct lmdb *lmdb = lmdb_of(store);
	struct opening opening = {
		.lmdb = lmdb,
		.directory = "state_dir",
		.error = ret_error,
	};
	enum result result = RESULT_OK;

	if (lmdb->format < LAYOUT_FORMAT)
		result = migrate_rows(lmdb);
	if (result != RESULT_OK) {
		(void)snprintf(ret_error, 256, "%s", lmdb->reason);
		return result;
	}
	lmdb->format = LAYOUT_FORMAT;
	result = opening_announce(&opening);
	return result == RESULT_OK ? opening_confirm(&opening) : result;
}
