/* SPDX-License-Identifier: ISC */
/*
 * lmdb.c - the engine's tables, its state, and its transactions.
 *
 * Every way into LMDB goes through lmdb_read_begin and lmdb_write_begin, so
 * that each of them knows the process and refuses a broken store.
 */

#include "internal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* ---- reasons ---- */

/* "what: LMDB's words". */
static void
note_code(struct lmdb *lmdb, const char *what, int code)
{
	struct statvfs disk;

	(void)snprintf(lmdb->reason, sizeof(lmdb->reason), "%s: %s", what,
	    mdb_strerror(code)); /* too long: cut */
	if ((code != EIO && code != ENOSPC) || !lmdb->is_writer)
		return;
	/* A full disk usually arrives as EIO (doc/rules.md 8). Only a writer
	 * can meet one, and may ask: the call would end a worker, whose
	 * sandbox forbids it. */
	if (lmdb->directory >= 0 && fstatvfs(lmdb->directory, &disk) == 0 &&
	    disk.f_bavail == 0)
		(void)snprintf(lmdb->reason, sizeof(lmdb->reason),
		    "%s: the disk is full (%s)", what, mdb_strerror(code));
}

/* Keep in reason what a view has noted, if it has. */
static void
note(struct lmdb *lmdb, const struct view *view)
{
	if (view->error != 0)
		note_code(lmdb, layout_name(view->where), view->error);
	else if (view->is_damaged)
		(void)snprintf(lmdb->reason, sizeof(lmdb->reason),
		    "%s: stored bytes are damaged", layout_name(view->where));
}

/* ---- reading ---- */

/* An environment that was opened before a fork fails silently. Not asked before
 * a read, as getpid is a system call, and took a tenth of a worker's time. */
static void
assert_process(const struct lmdb *lmdb)
{
	assert(lmdb->pid == getpid());
}

static void
view_init(struct view *view, struct lmdb *lmdb, MDB_txn *txn)
{
	*view = (struct view){
		.txn = txn,
		.databases = lmdb->databases,
		.arena = lmdb->scratch,
	};
}

bool
lmdb_freed_places(MDB_env *env, int code)
{
	int dead = 0;

	return code == MDB_READERS_FULL &&
	       mdb_reader_check(env, &dead) == MDB_SUCCESS && dead > 0;
}

enum result
lmdb_read_begin(struct lmdb *lmdb, struct view *ret_view)
{
	int code;

	if (lmdb->is_broken)
		return RESULT_IO;
	code = mdb_txn_renew(lmdb->reader);
	if (code != MDB_SUCCESS) {
		note_code(lmdb, "mdb_txn_renew", code);
		return from_lmdb(code);
	}
	view_init(ret_view, lmdb, lmdb->reader);
	return RESULT_OK;
}

enum result
lmdb_read_end(struct lmdb *lmdb, struct view *view, enum result result)
{
	note(lmdb, view);
	mdb_txn_reset(view->txn);
	arena_reset(lmdb->scratch);
	return result;
}

/* ---- writing ---- */

static enum result
broken(struct lmdb *lmdb)
{
	lmdb->is_broken = true;
	return RESULT_UNKNOWN;
}

/*
 * Is the newest commit the last one of ours? lock.mdb says so to a
 * transaction, the meta pages of data.mdb for themselves: each may have been
 * written to by somebody else.
 */
static bool
is_our_own(const struct lmdb *lmdb, MDB_txn *txn)
{
	MDB_envinfo info;

	(void)mdb_env_info(lmdb->env, &info); /* fails only for NULL */
	return mdb_txn_id(txn) == lmdb->last_txn + 1 &&
	       info.me_last_txnid == lmdb->last_txn;
}

enum result
lmdb_write_begin(struct lmdb *lmdb, struct view *ret_view)
{
	MDB_txn *txn;
	int code;

	assert_process(lmdb);
	assert(lmdb->is_writer);
	if (lmdb->is_broken)
		return RESULT_UNKNOWN;
	code = mdb_txn_begin(lmdb->env, NULL, 0, &txn);
	if (code != MDB_SUCCESS) {
		note_code(lmdb, "mdb_txn_begin", code);
		return code == ENOMEM ? from_lmdb(code) : broken(lmdb);
	}
	if (!is_our_own(lmdb, txn)) {
		mdb_txn_abort(txn);
		(void)snprintf(lmdb->reason, sizeof(lmdb->reason),
		    "somebody else wrote to data.mdb or lock.mdb");
		return broken(lmdb);
	}
	view_init(ret_view, lmdb, txn);
	return RESULT_OK;
}

void
lmdb_write_abort(struct lmdb *lmdb, struct view *view)
{
	note(lmdb, view);
	mdb_txn_abort(view->txn);
	arena_reset(lmdb->scratch);
}

enum result
lmdb_write_commit(struct lmdb *lmdb, struct view *view)
{
	MDB_envinfo info;
	int code;

	note(lmdb, view); /* one change of many may have met damage */
	arena_reset(lmdb->scratch);
	code = mdb_txn_commit(view->txn);
	if (code == MDB_MAP_FULL || code == MDB_TXN_FULL) {
		/* LMDB had no room to list free pages: nothing is written. */
		note_code(lmdb, "mdb_txn_commit", code);
		return RESULT_NO_SPACE;
	}
	if (code != MDB_SUCCESS) {
		note_code(lmdb, "mdb_txn_commit", code);
		return broken(lmdb);
	}
	(void)mdb_env_info(lmdb->env, &info); /* fails only for NULL */
	lmdb->last_txn = info.me_last_txnid;
	return RESULT_OK;
}

void
store_lmdb_clear_readers(struct store *store)
{
	struct lmdb *lmdb = lmdb_of(store);
	int dead, code;

	assert_process(lmdb);
	code = mdb_reader_check(lmdb->env, &dead);
	if (code != MDB_SUCCESS)
		note_code(lmdb, "mdb_reader_check", code);
}

/* ---- content on its way in ---- */

/* The number is durable with the first chunk, in pending. */
static enum result
stage_begin(void *state, struct staging *staging)
{
	struct lmdb *lmdb = state;

	assert_process(lmdb);
	assert(lmdb->is_writer);
	staging->blob = lmdb->next_blob++;
	staging->chunks = 0;
	return RESULT_OK;
}

static enum result
apply_staging(struct lmdb *lmdb, const struct staging *staging,
    enum change_kind kind, struct span bytes)
{
	struct change change = {
		.kind = kind,
		.owner = staging->owner,
		.bytes = bytes,
		.blob = staging->blob,
		.chunk = staging->chunks,
	};
	struct change *changes = &change;
	struct outcome outcome;

	lmdb_apply(lmdb, &changes, 1, &outcome);
	return outcome.result;
}

static enum result
stage(void *state, struct staging *staging, struct span bytes)
{
	return apply_staging(state, staging, CHANGE_STAGE, bytes);
}

static enum result
stage_end(void *state, struct staging *staging)
{
	(void)state; /* each chunk is on disk already */
	(void)staging;
	return RESULT_OK;
}

static void
stage_drop(void *state, struct staging *staging)
{
	/* If it fails, the sweep finds it when the request has ended. */
	(void)apply_staging(state, staging, CHANGE_DROP, SPAN_NONE);
}

/* ---- the tables ---- */

static struct shortage
shortage(const void *state)
{
	const struct lmdb *lmdb = state;

	return lmdb->shortage;
}

static const char *
reason(const void *state)
{
	const struct lmdb *lmdb = state;

	return lmdb->reason;
}

void
lmdb_close(void *state)
{
	struct lmdb *lmdb = state;

	if (lmdb == NULL)
		return;
	mdb_txn_abort(lmdb->reader);
	if (lmdb->env != NULL)
		mdb_env_close(lmdb->env);
	if (lmdb->directory >= 0)
		(void)close(lmdb->directory); /* lets go of the lock */
	arena_close(lmdb->scratch);
	free(lmdb->garbage.entries);
	free(lmdb);
}

static const struct store_reading reading = {
	.get = lmdb_get,
	.find = lmdb_find,
	.list = lmdb_list,
	.read = lmdb_read,
	.stat = lmdb_stat,
	.figures = lmdb_figures,
	.room = lmdb_store_room,
	.reason = reason,
	.close = lmdb_close,
};

static const struct store_changing changing = {
	.stage_begin = stage_begin,
	.stage = stage,
	.stage_end = stage_end,
	.stage_drop = stage_drop,
	.apply = lmdb_apply,
	.reason = reason,
	.shortage = shortage,
};

struct store *
lmdb_store(struct lmdb *lmdb)
{
	struct store *store = store_new(&reading, lmdb);

	if (lmdb->is_writer)
		store_add_changing(store, &changing, lmdb);
	return store;
}

struct lmdb *
lmdb_of(const struct store *store)
{
	assert(store->reading == &reading);
	return store->read_state;
}
