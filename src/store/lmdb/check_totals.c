/* SPDX-License-Identifier: ISC */
/*
 * check_totals.c - did the disk lose a write? The commit's number,
 * the two meta pages, and counters and sum against all rows.
 *
 * The rows are counted in one view, since only in one they add up. It is the
 * last step, when walks have just read them, and takes no hash: a second for
 * a million artifacts. Beside a service it gives up after a few.
 */

#include "check.h"

#include <errno.h>
#include <unistd.h>

#define TOTALS_US INT64_C(10000000)
#define LOOK_EVERY 1024 /* rows */

/* ---- commits ---- */

/*
 * Each commit writes the one of LMDB's two meta pages that is older, so their
 * ids are neighbours; lmdb.h does not say where an id stands, mdb.c 0.9.24
 * does (MDB_page, MDB_meta). Between the two reads others may commit.
 */
#define META_TXN 144 /* of a page, 64 bits wide */
#define META_TRIES 10

static enum result
read_meta_ids(struct check *check, size_t page_size, uint64_t ret_ids[2])
{
	ssize_t size = sizeof(ret_ids[0]);
	mdb_filehandle_t fd;
	off_t second = (off_t)page_size + META_TXN;
	int code;

	code = mdb_env_get_fd(mdb_txn_env(check->view.txn), &fd);
	if (code == MDB_SUCCESS &&
	    (pread(fd, &ret_ids[0], (size_t)size, META_TXN) != size ||
		pread(fd, &ret_ids[1], (size_t)size, second) != size))
		code = EIO;
	return layout_note(&check->view, DB_META, code);
}

static enum result
check_meta_pages(struct check *check)
{
	uint64_t ids[2] = { 0, 0 };
	enum result result = RESULT_OK;
	MDB_stat stat;
	int tries;

	if (mdb_env_stat(mdb_txn_env(check->view.txn), &stat) != MDB_SUCCESS)
		return RESULT_OK; /* only for NULL */
	for (tries = 0; tries < META_TRIES && result == RESULT_OK; tries++) {
		result = read_meta_ids(check, stat.ms_psize, ids);
		if (ids[0] + 1 == ids[1] || ids[1] + 1 == ids[0])
			return result;
	}
	if (result == RESULT_OK)
		check_report(check, DB_META,
		    "its pages are of commits %llu and %llu, which are no "
		    "neighbours: commits were lost",
		    (unsigned long long)ids[0], (unsigned long long)ids[1]);
	return result;
}

enum result
check_commits(struct check *check)
{
	enum result result = check_begin(check);
	uint64_t txn;

	if (result != RESULT_OK)
		return result;
	txn = mdb_txn_id(check->view.txn);
	if (!check->has_meta)
		check_report(check, DB_META, "the counters are damaged");
	else if (check->view.format >= LAYOUT_FORMAT_SUMMED &&
		 check->meta.txn != txn)
		check_report(check, DB_META,
		    "of commit %llu, where %llu is the last: a write was lost",
		    (unsigned long long)check->meta.txn,
		    (unsigned long long)txn);
	check->total =
	    check->meta.bytes + check->meta.staged + check_row_bytes(check);
	check->order->artifacts = check->meta.artifacts;
	return check_end(check, check_meta_pages(check));
}

/* ---- rows ---- */

static void
count_row(struct check *check, enum database database, const MDB_val *name,
    const MDB_val *value, struct meta *seen)
{
	struct span bytes = span_of(value->mv_data, value->mv_size);
	struct artifact *artifact;
	struct pending pending;

	seen->sum += layout_addend(value);
	bytes.size -= bytes.size < 8 ? bytes.size : 8;
	if (database == DB_RECORDS) {
		seen->artifacts += name->mv_size == 8;
		if (artifact_decode(bytes, check->arena, &artifact) ==
		    RESULT_OK)
			seen->bytes += artifact->content.size;
		arena_reset(check->arena);
	} else if (database == DB_PENDING && pending_decode(bytes, &pending) &&
		   pending.kind == PENDING_UPLOAD) {
		seen->staged += pending.bytes;
	}
}

/* RESULT_END: it took too long. */
static enum result
count_rows(struct check *check, enum database database, int64_t until,
    struct meta *seen)
{
	struct view *view = &check->view;
	MDB_cursor *cursor;
	MDB_val name, value;
	size_t rows = 0;
	int code;

	code = mdb_cursor_open(view->txn, view->databases[database], &cursor);
	if (code != MDB_SUCCESS)
		return layout_note(view, database, code);
	code = mdb_cursor_get(cursor, &name, &value, MDB_FIRST);
	while (code == MDB_SUCCESS) {
		count_row(check, database, &name, &value, seen);
		if (++rows % LOOK_EVERY == 0 && scoreboard_now() > until)
			break;
		code = mdb_cursor_get(cursor, &name, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	if (code == MDB_SUCCESS)
		return RESULT_END;
	return code == MDB_NOTFOUND ? RESULT_OK
				    : layout_note(view, database, code);
}

static void
compare(struct check *check, const char *name, uint64_t counted, uint64_t seen)
{
	if (counted != seen)
		check_report(check, DB_META, "%s is %llu, not %llu", name,
		    (unsigned long long)counted, (unsigned long long)seen);
}

static void
compare_all(struct check *check, const struct meta *seen)
{
	const struct meta *meta = &check->meta;

	compare(check, "artifacts", meta->artifacts, seen->artifacts);
	compare(check, "bytes", meta->bytes, seen->bytes);
	compare(check, "staged", meta->staged, seen->staged);
	if (check->order->problems == 0 && meta->sum != seen->sum &&
	    check->view.format >= LAYOUT_FORMAT_SUMMED)
		check_report(check, DB_META,
		    "each row is sound, but not all are the latest: a write "
		    "was lost");
	check->order->artifacts = meta->artifacts;
	check->order->is_counted = true;
}

enum result
check_totals(struct check *check)
{
	bool is_alone = check->lmdb->is_writer || check->lmdb->is_copy;
	struct meta seen = { 0 };
	enum result result = check_begin(check);
	enum database database;
	int64_t until = is_alone ? INT64_MAX : scoreboard_now() + TOTALS_US;

	check->order->is_counted = false;
	if (result != RESULT_OK)
		return result;
	for (database = 0; database < DB_COUNT; database++)
		if (layout_is_summed(database) && result == RESULT_OK)
			result = count_rows(check, database, until, &seen);
	if (result == RESULT_OK && check->has_meta)
		compare_all(check, &seen);
	return check_end(check, result == RESULT_END ? RESULT_OK : result);
}
