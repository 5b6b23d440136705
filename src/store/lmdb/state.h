/* SPDX-License-Identifier: ISC */
/*
 * state.h - an open LMDB store, and what its files share.
 *
 * Only store_lmdb*.c include this file.
 */
#ifndef STORE_LMDB_STATE_H
#define STORE_LMDB_STATE_H

#include "store/engine.h"
#include "lmdb.h"
#include "layout.h"

#include <sys/types.h>

/* Content that waits to be swept: what fits; the rest is found by a scan. */
#define GARBAGE_ROOM 65536

struct garbage {
	uint64_t blob;
	uint64_t epoch; /* of the first `tagged` entries */
};

/* A ring, oldest first. Only what was committed stays in it. */
struct garbage_queue {
	struct garbage *entries; /* GARBAGE_ROOM; owned */
	size_t head;
	size_t count;
	size_t tagged; /* these have an epoch */
	bool has_more; /* pending has garbage that is not in here */
};

/* Goes through a database in slices, and again after a pause. */
struct walk {
	struct key position; /* go on behind this one; size 0: at the start */
	int64_t next;	     /* monotonic: not before */
};

#define LMDB_WALKS 3

struct lmdb {
	MDB_env *env;
	MDB_dbi databases[DB_COUNT];
	MDB_txn *reader; /* one for all reading, reset between calls */
	pid_t pid;	 /* of the process that opened it */
	int directory;	 /* of a writer: locked */
	bool is_writer;
	bool is_copy;	 /* nobody else has it open, nor will */
	bool takes_old;	 /* formats, to copy or migrate them */
	uint32_t format; /* LAYOUT_FORMAT, unless it takes_old */
	bool is_broken;	 /* a commit failed: nobody knows what is on disk */
	size_t last_txn;
	uint64_t max_bytes;
	uint64_t reserve;
	uint64_t file_limit;   /* lmdb_file_limit; no sandbox tells later */
	uint64_t next_blob;    /* not below the one in meta */
	struct arena *scratch; /* of one change at a time; owned */
	struct garbage_queue garbage;
	struct walk walks[LMDB_WALKS]; /* sweep.c */
	void (*beat)(void *object);    /* lmdb.h; or NULL */
	void *beat_object;
	bool has_freed; /* the last sweep did, and nobody can use it yet */
	char reason[256];
	struct shortage shortage; /* of the last change that found no room */
};

extern const struct store_engine lmdb_engine;

/* Give back everything; parts may be missing. */
void lmdb_close(void *state);
/* The state behind a store of this engine. */
struct lmdb *lmdb_of(const struct store *store);

/*
 * A view for reading; each is ended in the same call. RESULT_IO when the
 * store is broken.
 */
MUST_USE enum result lmdb_read_begin(struct lmdb *lmdb, struct view *ret_view);
/* Ends it, keeps in reason what went wrong, and passes the result on. */
enum result
lmdb_read_end(struct lmdb *lmdb, struct view *view, enum result result);

/*
 * What wanted a place in the table of readers got this code. True: the table
 * was full, and the places of processes that are dead have been freed, so that
 * another try is worth it.
 */
MUST_USE bool lmdb_freed_places(MDB_env *env, int code);

/*
 * The write transaction. Anything but RESULT_OK: nothing to end. RESULT_UNKNOWN:
 * the store is broken, or somebody else wrote to it (RELIABILITY 6).
 */
MUST_USE enum result lmdb_write_begin(struct lmdb *lmdb, struct view *ret_view);
void lmdb_write_abort(struct lmdb *lmdb, struct view *view);
/*
 * RESULT_NO_SPACE: the map is full, nothing happened. RESULT_UNKNOWN: the
 * commit failed and the store is broken now.
 */
MUST_USE enum result lmdb_write_commit(struct lmdb *lmdb, struct view *view);

/* ---- room: space.c ---- */

/* How large a file may become; RLIM_INFINITY: as large as it likes. */
uint64_t lmdb_file_limit(void);
/* What data.mdb says of its size; the file may end before its last page. */
uint64_t lmdb_file_size(const struct lmdb *lmdb);
/*
 * LMDB puts a value of some size into pages in a row. The free pages that it
 * can use are those that stand in runs of at least as many: of a class.
 */
#define LMDB_RUNS 5

/* Which class the longest of the values that a change brings needs. */
size_t lmdb_run_of(size_t size);

struct lmdb_space {
	uint64_t free;	   /* on the disk, or to the limit on a file's size */
	uint64_t reusable; /* in pages of data.mdb, wherever they stand */
	/* By class: bytes of content that a batch may bring if the reserve is
	 * to stay free; UINT64_MAX: as many as it likes. */
	uint64_t room[LMDB_RUNS];
	/* Bytes that records which are there may grow by, into the reserve. */
	uint64_t slack[LMDB_RUNS];
};

/* If so much of the disk is to stay free. */
void lmdb_look_at_space(
    struct lmdb *lmdb, uint64_t reserve, struct lmdb_space *ret_space);
/* Is there so little that pages of data.mdb have to be used again? */
bool lmdb_is_short(const struct lmdb *lmdb);
/* Is there room for a commit that brings nothing? */
bool lmdb_can_commit(struct lmdb *lmdb);
/* Pages that so many commits, oldest first, let go of before this one
 * (_figures.c). */
uint64_t lmdb_free_pages(MDB_txn *txn, size_t before, size_t commits);
/* The commit that the oldest reader reads; 0: none does (_figures.c). */
uint64_t lmdb_oldest_reader(struct lmdb *lmdb);

/* ---- the engine's rows, each in the file named ---- */

/* read.c */
enum result lmdb_get(void *state, const struct id *id, struct arena *arena,
    struct artifact **ret_artifact);
enum result lmdb_find(void *state, struct span prefix,
    struct id ret_ids[LIMIT_CANDIDATES], size_t *ret_count);
enum result lmdb_read(void *state, const struct content *content,
    uint64_t offset, char *data, size_t size, size_t *ret_size);
enum result lmdb_stat(void *state, struct store_stat *ret_stat);

/* figures.c */
enum result lmdb_figures(void *state,
    void (*visit)(void *object, const struct store_figure *figure),
    void *object);

/* space.c */
enum result lmdb_store_room(void *state, uint64_t reserve, uint64_t max_bytes,
    struct store_room *ret_room);

/* list.c */
enum result lmdb_list(void *state, const struct filter *filter,
    const struct position *position, size_t limit, struct arena *arena,
    struct page *ret_page);

/* apply.c */
void lmdb_apply(void *state, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes);

/* ---- inside a batch: apply.c, _judge.c and _stage.c ---- */

struct batch {
	struct lmdb *lmdb;
	struct view view;
	struct meta meta; /* put back at the end */
	uint64_t now;
	struct lmdb_space space; /* less what was spent */
	bool is_changed;      /* something was put */
	bool is_repeat;	      /* the change at hand was applied before */
	bool is_deleted;      /* ... and what it made is no longer there */
	struct id id;	      /* what the change at hand is answered with */
	uint64_t taken_from;  /* records have each moment from this one... */
	uint64_t taken_until; /* ... to before this one; both 0: who knows */
};

/*
 * One change, in full or not at all: each is judged before its first put.
 * When a put fails view.error is set, and the batch must be aborted.
 */
MUST_USE enum result
batch_create(struct batch *batch, const struct change *change);
MUST_USE enum result
batch_update(struct batch *batch, const struct change *change);
MUST_USE enum result
batch_content(struct batch *batch, const struct change *change);
MUST_USE enum result
batch_delete(struct batch *batch, const struct change *change);
MUST_USE enum result
batch_stage(struct batch *batch, const struct change *change);
MUST_USE enum result
batch_drop(struct batch *batch, const struct change *change);
MUST_USE enum result
batch_import(struct batch *batch, const struct change *change);

/* May a record that is there grow by so many bytes, to this size? */
MUST_USE enum result
growth_judge(struct batch *batch, uint64_t size, size_t record_size);
/* Count bytes that come in, which were judged. */
void batch_spend(struct batch *batch, uint64_t bytes);
/* Can the content that a CREATE or CONTENT brings be taken, with a record of
 * this size? */
MUST_USE enum result content_judge(
    struct batch *batch, const struct change *change, size_t record_size);
/* Make it a record's, which is to name *ret_blob. */
MUST_USE enum result content_take(
    struct batch *batch, const struct change *change, uint64_t *ret_blob);
/* Let go of what a record named. */
MUST_USE enum result
content_release(struct batch *batch, const struct content *content);

/* ---- opening: directory.c ---- */

struct opening {
	struct lmdb *lmdb;
	const char *directory;
	bool may_create;
	char *error; /* the sentence, 256 bytes */
};

/* That there is no store, and what to do: RESULT_NOT_FOUND. */
enum result opening_refuse_missing(struct opening *opening);
/* Say why; the result is passed on. */
enum result opening_refuse(struct opening *opening, enum result result,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
enum result opening_refuse_errno(struct opening *opening, const char *what);
enum result
opening_refuse_code(struct opening *opening, const char *what, int code);
/* The same of data.mdb and lock.mdb, which could not be opened. */
enum result opening_refuse_environment(struct opening *opening, int code);

/* Open it, unless its file system cannot hold a store. */
MUST_USE enum result opening_directory(struct opening *opening);
/* One writer at a time. */
MUST_USE enum result opening_lock(struct opening *opening);
/*
 * RESULT_OK: it holds a store. RESULT_NOT_FOUND: it holds none (any more, if
 * one that may create finds a creation that did not end). What lies between is
 * refused.
 */
MUST_USE enum result opening_check(struct opening *opening);
/* Make names of files durable, and the directory's own. */
MUST_USE enum result opening_sync(struct opening *opening);
/*
 * The first step of a creation, which writes `format.new`, and the last, which
 * names it `format`: what is made between them is nobody's, and cleared away
 * by the next that may create.
 */
MUST_USE enum result opening_announce(struct opening *opening);
MUST_USE enum result opening_confirm(struct opening *opening);

/* ---- garbage: garbage.c ---- */

void garbage_push(struct garbage_queue *queue, uint64_t blob);
/* Forget what was pushed since there were count entries. */
void garbage_rewind(struct garbage_queue *queue, size_t count);
/* Fill the empty queue from what pending holds. */
MUST_USE enum result
garbage_load(struct garbage_queue *queue, struct view *view);

#endif
