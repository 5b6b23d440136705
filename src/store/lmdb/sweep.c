/* SPDX-License-Identifier: ISC */
/*
 * sweep.c - deleting what is no longer needed, a bounded slice at a time.
 *
 * Content that was deleted or replaced waits as garbage, and goes in the order
 * in which it came once no request is running that may still read it
 * (base/scoreboard.h has the proof). Uploads and last changes of processes that
 * have ended, and expired idempotency keys, are found by walks through their
 * databases, a few rows a second.
 *
 * A damaged row is left for check to report: it must not stop the writer. A
 * slice that finds nothing to do opens no transaction, or aborts it.
 */

#include "internal.h"

#define CHUNKS_A_SLICE 256
#define ROWS_AT_MOST 1024 /* a slice, of a large database */

struct sweep {
	struct lmdb *lmdb;
	struct scoreboard *scoreboard;
	struct view view;
	struct meta meta;
	uint64_t moment;
	int64_t now;  /* monotonic */
	size_t swept; /* entries at the head of the queue that are done */
	bool is_changed;
	bool is_freeing; /* it deletes something, and does not only settle */
};

/* ---- the queue of content that waits to be swept ---- */

/*
 * The database pending says what is garbage; the queue says in which order it
 * is due. What does not fit is found by a scan of pending when the queue is
 * empty.
 */
void
garbage_push(struct garbage_queue *queue, uint64_t blob)
{
	size_t place;

	/* Behind one that did not fit, this one would be out of order. */
	if (queue->count == GARBAGE_ROOM || queue->has_more) {
		queue->has_more = true;
		return;
	}
	place = (queue->head + queue->count) % GARBAGE_ROOM;
	queue->entries[place] = (struct garbage){ .blob = blob };
	queue->count++;
}

void
garbage_rewind(struct garbage_queue *queue, size_t count)
{
	queue->count = count;
}

static enum result
load(struct garbage_queue *queue, struct view *view, MDB_cursor *cursor)
{
	struct pending pending;
	struct span bytes;
	MDB_val key, value;
	struct key blob;
	int code;

	code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	while (code == MDB_SUCCESS && !queue->has_more) {
		blob = key_from(&key);
		/* A damaged row is left for check to report. */
		if (layout_verify(view, DB_PENDING, &key, &value, &bytes) ==
			RESULT_OK &&
		    blob.size == 8 && pending_decode(bytes, &pending) &&
		    pending.kind == PENDING_GARBAGE)
			garbage_push(queue, key_last_number(&blob));
		code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	if (code == MDB_NOTFOUND)
		code = MDB_SUCCESS;
	return layout_note(view, DB_PENDING, code);
}

enum result
garbage_load(struct garbage_queue *queue, struct view *view)
{
	MDB_cursor *cursor;
	enum result result;

	queue->head = queue->count = queue->tagged = 0;
	queue->has_more = false;
	result = layout_cursor(view, DB_PENDING, &cursor);
	if (result != RESULT_OK)
		return result;
	result = load(queue, view, cursor);
	mdb_cursor_close(cursor);
	return result;
}

static struct garbage *
garbage_at(struct garbage_queue *queue, size_t i)
{
	return &queue->entries[(queue->head + i) % GARBAGE_ROOM];
}

/*
 * What was pushed is committed by now, so that it belongs to the present epoch:
 * a request that sees the next epoch began to read after that commit.
 */
static void
garbage_tag(struct garbage_queue *queue, struct scoreboard *scoreboard)
{
	uint64_t epoch;

	if (queue->tagged == queue->count)
		return;
	epoch = atomic_fetch_add(&scoreboard->epoch, 1);
	for (; queue->tagged < queue->count; queue->tagged++)
		garbage_at(queue, queue->tagged)->epoch = epoch;
}

/* Is there an i-th entry, and can no request read its content any more? */
static bool
is_sweepable(
    struct garbage_queue *queue, size_t i, struct scoreboard *scoreboard)
{
	return i < queue->tagged &&
	       garbage_at(queue, i)->epoch < scoreboard_oldest(scoreboard);
}

/* *ret_is_gone: no chunk of it is left; else there are more than budget. */
static enum result
sweep_blob(
    struct sweep *sweep, uint64_t blob, size_t *budget, bool *ret_is_gone)
{
	struct view *view = &sweep->view;
	struct key row = key_number(blob);
	struct pending pending;
	enum result result;
	struct key key;

	*ret_is_gone = true;
	result = layout_get_pending(view, blob, &pending);
	if (view->error != 0)
		return result;
	if (result != RESULT_OK || pending.kind != PENDING_GARBAGE)
		return RESULT_OK; /* damaged, or garbage no more */
	for (;;) {
		result = layout_first_chunk(view, blob, &key);
		if (result == RESULT_NOT_FOUND)
			break;
		if (result == RESULT_OK && *budget == 0) {
			*ret_is_gone = false;
			return RESULT_OK;
		}
		if (result == RESULT_OK)
			result = layout_delete(view, DB_CHUNKS, &key);
		if (result != RESULT_OK)
			return result;
		sweep->is_changed = true;
		--*budget;
	}
	sweep->is_changed = true;
	return layout_delete(view, DB_PENDING, &row);
}

static enum result
sweep_garbage(struct sweep *sweep)
{
	struct garbage_queue *queue = &sweep->lmdb->garbage;
	size_t budget = CHUNKS_A_SLICE;
	enum result result = RESULT_OK;
	bool is_gone = true;

	while (budget > 0 && result == RESULT_OK && is_gone &&
	       is_sweepable(queue, sweep->swept, sweep->scoreboard)) {
		result = sweep_blob(sweep,
		    garbage_at(queue, sweep->swept)->blob, &budget, &is_gone);
		if (result == RESULT_OK && is_gone)
			sweep->swept++;
	}
	return result;
}

/* ---- walks ---- */

/* Each visit sees one row, and deletes or changes it if its time has come. */
static enum result
visit_upload(struct sweep *sweep, const struct key *key, struct span bytes)
{
	const struct pending garbage = { .kind = PENDING_GARBAGE };
	uint64_t blob = key_last_number(key);
	struct pending pending;

	if (!pending_decode(bytes, &pending) ||
	    pending.kind != PENDING_UPLOAD ||
	    sweep->meta.staged < pending.bytes ||
	    scoreboard_runs(sweep->scoreboard, pending.owner.incarnation,
		pending.owner.request))
		return RESULT_OK;
	sweep->meta.staged -= pending.bytes;
	sweep->is_changed = true;
	garbage_push(&sweep->lmdb->garbage, blob);
	return layout_put_pending(&sweep->view, blob, &garbage);
}

static enum result
visit_idempotency(struct sweep *sweep, const struct key *key, struct span bytes)
{
	struct idempotency row;

	if (!idempotency_decode(bytes, &row) || row.expires > sweep->moment)
		return RESULT_OK;
	sweep->is_changed = true;
	return layout_delete(&sweep->view, DB_IDEMPOTENCY, key);
}

static enum result
visit_last_change(struct sweep *sweep, const struct key *key, struct span bytes)
{
	(void)bytes; /* whose it is stands in the key */
	if (scoreboard_has(sweep->scoreboard, key_last_number(key)))
		return RESULT_OK;
	sweep->is_changed = true;
	return layout_delete(&sweep->view, DB_APPLIED, key);
}

static const struct {
	enum database database;
	size_t key_size;
	size_t rows; /* a slice, at least */
	enum result (*visit)(
	    struct sweep *sweep, const struct key *key, struct span bytes);
} walks[LMDB_WALKS] = {
	{ DB_PENDING, 8, 1024, visit_upload },
	{ DB_IDEMPOTENCY, 32, 64, visit_idempotency },
	{ DB_APPLIED, 8, 64, visit_last_change },
};

/* RESULT_END: it was the last row. */
static enum result
walk_row(struct sweep *sweep, size_t which, struct key *position)
{
	struct view *view = &sweep->view;
	enum database database = walks[which].database;
	MDB_cursor *cursor;
	MDB_val key, value;
	struct span bytes;
	enum result result;
	int code;

	result = layout_cursor(view, database, &cursor);
	if (result != RESULT_OK)
		return result;
	code =
	    layout_next(cursor, position->bytes, position->size, &key, &value);
	mdb_cursor_close(cursor);
	if (code == MDB_NOTFOUND)
		return RESULT_END;
	if (code != MDB_SUCCESS)
		return layout_note(view, database, code);
	*position = key_from(&key);
	if (position->size != walks[which].key_size ||
	    layout_verify(view, database, &key, &value, &bytes) != RESULT_OK)
		return RESULT_OK;
	return walks[which].visit(sweep, position, bytes);
}

/* So many that a walk through all rows takes an hour at most. */
static size_t
rows_a_slice(struct sweep *sweep, size_t which)
{
	MDB_stat stat;
	size_t rows = walks[which].rows;

	if (mdb_stat(sweep->view.txn,
		sweep->view.databases[walks[which].database],
		&stat) == MDB_SUCCESS)
		rows += stat.ms_entries / 3600;
	return rows < ROWS_AT_MOST ? rows : ROWS_AT_MOST;
}

static enum result
walk_slice(struct sweep *sweep, size_t which)
{
	struct walk *walk = &sweep->lmdb->walks[which];
	bool was_changed = sweep->is_changed;
	enum result result = RESULT_OK;
	size_t rows;

	if (sweep->now < walk->next)
		return RESULT_OK;
	rows = rows_a_slice(sweep, which);
	sweep->is_changed = false;
	for (; rows > 0 && result == RESULT_OK; rows--)
		result = walk_row(sweep, which, &walk->position);
	/* Where there was something to do there may be more. */
	walk->next = sweep->is_changed && result == RESULT_OK
			 ? sweep->now
			 : sweep->now + SECOND;
	sweep->is_changed |= was_changed;
	if (result != RESULT_END)
		return result;
	walk->position.size = 0;
	return RESULT_OK;
}

static bool
is_walk_due(const struct lmdb *lmdb, int64_t now)
{
	size_t i;

	for (i = 0; i < LMDB_WALKS; i++)
		if (lmdb->walks[i].next <= now)
			return true;
	return false;
}

/* ---- a slice ---- */

static bool
must_load(const struct garbage_queue *queue)
{
	return queue->count == 0 && queue->has_more;
}

/*
 * The commit after the next may use the pages that a commit freed. If there is
 * no other room, creates are refused and no commit comes: so make one that
 * changes nothing.
 */
static bool
must_settle(const struct lmdb *lmdb)
{
	return lmdb->has_freed && lmdb_is_short(lmdb);
}

static enum result
sweep_fill(struct sweep *sweep)
{
	struct lmdb *lmdb = sweep->lmdb;
	enum result result;
	size_t i;

	result = layout_get_meta(&sweep->view, &sweep->meta);
	if (result == RESULT_OK && must_load(&lmdb->garbage))
		result = garbage_load(&lmdb->garbage, &sweep->view);
	if (result == RESULT_OK)
		result = sweep_garbage(sweep);
	for (i = 0; i < LMDB_WALKS && result == RESULT_OK; i++)
		result = walk_slice(sweep, i);
	sweep->is_freeing = sweep->is_changed;
	sweep->is_changed |= must_settle(lmdb);
	if (result == RESULT_OK && sweep->is_changed)
		result = layout_put_meta(&sweep->view, &sweep->meta);
	return result;
}

static enum result
sweep_commit(struct sweep *sweep)
{
	struct lmdb *lmdb = sweep->lmdb;
	struct garbage_queue *queue = &lmdb->garbage;
	size_t waiting = queue->count;
	enum result result;

	result = lmdb_write_begin(lmdb, &sweep->view);
	if (result != RESULT_OK)
		return result;
	result = sweep_fill(sweep);
	if (result == RESULT_OK && sweep->is_changed)
		result = lmdb_write_commit(lmdb, &sweep->view);
	else
		lmdb_write_abort(lmdb, &sweep->view);
	if (result == RESULT_OK) {
		lmdb->has_freed = sweep->is_freeing ||
				  (lmdb->has_freed && !sweep->is_changed);
		queue->head = (queue->head + sweep->swept) % GARBAGE_ROOM;
		queue->count -= sweep->swept;
		queue->tagged -= sweep->swept;
	} else {
		garbage_rewind(queue, waiting);
		queue->has_more = true; /* it may have been loaded */
	}
	return result;
}

enum result
store_lmdb_sweep(
    struct store *store, struct scoreboard *scoreboard, bool *ret_more)
{
	struct lmdb *lmdb = lmdb_of(store);
	struct garbage_queue *queue = &lmdb->garbage;
	struct sweep sweep = {
		.lmdb = lmdb,
		.scoreboard = scoreboard,
		.moment = moment_now(),
		.now = scoreboard_now(),
	};
	enum result result;

	if (lmdb->is_broken)
		return RESULT_IO;
	/* Sweeping can wait, and a commit that fails would end this process. */
	if (!lmdb_can_commit(lmdb)) {
		*ret_more = false;
		return RESULT_OK;
	}
	garbage_tag(queue, scoreboard);
	if (is_sweepable(queue, 0, scoreboard) || must_load(queue) ||
	    is_walk_due(lmdb, sweep.now) || must_settle(lmdb)) {
		result = sweep_commit(&sweep);
		if (result == RESULT_NO_SPACE) {
			*ret_more = false; /* nothing happened: later */
			return RESULT_OK;
		}
		if (result != RESULT_OK)
			return result == RESULT_UNKNOWN ? RESULT_IO : result;
		garbage_tag(queue, scoreboard);
	}
	*ret_more = is_sweepable(queue, 0, scoreboard) || must_load(queue) ||
		    is_walk_due(lmdb, sweep.now) || must_settle(lmdb);
	return RESULT_OK;
}
