/* SPDX-License-Identifier: ISC */
/*
 * internal.h - what the files of this engine share: rows of data.mdb, an open
 * store, and the parts that more than one file needs. Nobody else includes
 * it.
 *
 *	meta         name                       see struct meta
 *	ids          16 bytes of a uuid         moment
 *	records      moment                     artifact_encode
 *	index        tag, length, value, moment nothing
 *	chunks       blob, chunk                bytes of content
 *	pending      blob                       see struct pending
 *	idempotency  fingerprint, 32 bytes      see struct idempotency
 *	applied      incarnation                see struct last_change
 *
 * Integers are big-endian; moments, blobs and incarnations take 8 bytes, a
 * chunk's number 4. Every value but those of index ends in 8 bytes of check
 * over key and bytes, and nothing is read here without verifying it.
 *
 * Bytes that a function of layout.c hands out stand in the map, until the
 * next put or the end of the transaction.
 */
#ifndef STORE_LMDB_INTERNAL_H
#define STORE_LMDB_INTERNAL_H

#include "store/engine.h"
#include "lmdb.h"

#include <lmdb.h>
#include <sys/types.h>

/* ---- what stands where: layout.c ---- */

enum database {
	DB_META,
	DB_IDS,
	DB_RECORDS,
	DB_INDEX,
	DB_CHUNKS,
	DB_PENDING,
	DB_IDEMPOTENCY,
	DB_APPLIED,
	DB_COUNT
};

#define LAYOUT_FORMAT 2

/* A transaction, the handles, and what went wrong in it. */
struct view {
	MDB_txn *txn;
	const MDB_dbi *databases;
	struct arena *arena; /* for bytes on their way into the map */
	uint64_t sum;	     /* what puts and deletes add to meta's */
	int error;	     /* LMDB's: the transaction is spoilt */
	enum database where; /* of the error or the damage */
	bool is_damaged;     /* a value did not match its check */
};

/* The name of a database in the file. */
const char *layout_name(enum database database);

/* ---- keys ---- */

#define LAYOUT_KEY (2 + LIMIT_WORKFLOW + 8)

struct key {
	size_t size;
	uint8_t bytes[LAYOUT_KEY];
};

/* size must be at most LAYOUT_KEY. */
struct key key_of(const void *bytes, size_t size);
struct key key_number(uint64_t number);
struct key key_chunk(uint64_t blob, uint32_t chunk);
struct key key_id(const struct id *id);
/* Copies a key out of the map; an over-long one (damage) is cut. */
struct key key_from(const MDB_val *value);
/* The key with a number behind it. */
struct key key_then(const struct key *prefix, uint64_t number);
bool key_has_prefix(const struct key *key, const struct key *prefix);
/* The number that the last 8 bytes of a key are. */
uint64_t key_last_number(const struct key *key);

/*
 * An artifact has an index entry for each row of filter_rows in which it has a
 * value; tag is the number of the row. One more row changes the form of the
 * store, and so LAYOUT_FORMAT.
 */

/* What stands in front of the moment in the index; value must be neither empty
 * nor over its limit. */
struct key index_prefix(size_t tag, struct span value);
/* The tag, value and moment of a key; false: it is none. */
MUST_USE bool index_parse(const struct key *key, size_t *ret_tag,
    struct span *ret_value, uint64_t *ret_moment);

/* ---- values ---- */

/* RESULT_NOT_FOUND is an answer; anything else but OK is noted in view. */
MUST_USE enum result layout_get(struct view *view, enum database database,
    const struct key *key, struct span *ret_bytes);
/* For what a cursor stands on. */
MUST_USE enum result layout_verify(struct view *view, enum database database,
    const MDB_val *key, const MDB_val *value, struct span *ret_bytes);
/* flags are mdb_put's: 0 (a row may stand there), MDB_APPEND,
 * MDB_NOOVERWRITE. */
MUST_USE enum result layout_put(struct view *view, enum database database,
    const struct key *key, struct span bytes, unsigned flags);
/* It must be there. */
MUST_USE enum result
layout_delete(struct view *view, enum database database, const struct key *key);
/* Index entries: keys without a value. */
MUST_USE enum result layout_put_index(struct view *view, const struct key *key);
MUST_USE enum result layout_has_index(struct view *view, const struct key *key);

/*
 * Meta has the sum of the checks of all rows of ids, records, pending,
 * idempotency and applied, kept by each put and delete. A page that the disk
 * lost a write to is sound, only old: the sum tells. (Content has its hash,
 * index entries their records.)
 */
bool layout_is_summed(enum database database);
/* What a row adds: its check as it stands there. */
uint64_t layout_addend(const MDB_val *value);

/* A cursor on a database, for the caller to close. */
MUST_USE enum result layout_cursor(
    struct view *view, enum database database, MDB_cursor **ret_cursor);
/* The first row behind the key of size bytes, or of all if size is 0; LMDB's
 * code. */
MUST_USE int layout_next(MDB_cursor *cursor, const void *last, size_t size,
    MDB_val *ret_name, MDB_val *ret_value);
/* Make *key the first one that is not before it, cut if it is over-long. */
MUST_USE enum result
layout_seek(struct view *view, enum database database, struct key *key);

/* Note the code of an LMDB call; MDB_NOTFOUND is not noted. */
enum result layout_note(struct view *view, enum database database, int code);
/* Note damage. Always RESULT_DAMAGED. */
enum result layout_damaged(struct view *view, enum database database);
/* LMDB's codes and errno as ours: the only place. */
enum result from_lmdb(int code);

/* ---- rows ---- */

/* What is counted, in the same transaction as what it counts. */
struct meta {
	uint64_t last_moment; /* of creates; imports may be younger */
	uint64_t next_blob;
	uint64_t artifacts;
	uint64_t bytes;	 /* of content that records name */
	uint64_t staged; /* of uploads in the making */
	uint64_t sum;	 /* of the checks of all rows of summed databases */
	uint64_t txn;	 /* LMDB's id of the transaction that put this */
};

enum pending_kind { PENDING_UPLOAD = 1, PENDING_GARBAGE };

/* A blob that no record names. */
struct pending {
	enum pending_kind kind;
	struct owner owner; /* these three of an upload, else 0 */
	uint32_t chunks;
	uint64_t bytes;
};

/* What an Idempotency-Key stands for. */
struct idempotency {
	uint8_t meaning[32];
	struct id id;
	uint64_t expires; /* moment */
};

/* The last change of an incarnation. */
struct last_change {
	uint64_t number;
	enum result result;
	struct id id;
};

MUST_USE enum result layout_get_format(struct view *view, uint32_t *ret_format);
MUST_USE enum result layout_put_format(struct view *view);
/* They are always there: RESULT_DAMAGED if not. */
MUST_USE enum result layout_get_meta(struct view *view, struct meta *ret_meta);
/* Once in each transaction, last: adds the view's sum, sets txn. */
MUST_USE enum result
layout_put_meta(struct view *view, const struct meta *meta);
/* Decoders say false for bytes that are no such row. */
MUST_USE bool pending_decode(struct span bytes, struct pending *ret_pending);
MUST_USE enum result layout_get_pending(
    struct view *view, uint64_t blob, struct pending *ret_pending);
MUST_USE enum result layout_put_pending(
    struct view *view, uint64_t blob, const struct pending *pending);
MUST_USE bool
idempotency_decode(struct span bytes, struct idempotency *ret_row);
MUST_USE enum result layout_get_idempotency(
    struct view *view, const uint8_t key[32], struct idempotency *ret_row);
MUST_USE enum result layout_put_idempotency(
    struct view *view, const uint8_t key[32], const struct idempotency *row);
MUST_USE bool
last_change_decode(struct span bytes, struct last_change *ret_last);
MUST_USE enum result layout_get_last_change(
    struct view *view, uint64_t incarnation, struct last_change *ret_last);
MUST_USE enum result layout_put_last_change(
    struct view *view, uint64_t incarnation, const struct last_change *last);
/* The first chunk there is of a blob; RESULT_NOT_FOUND: none is left. */
MUST_USE enum result
layout_first_chunk(struct view *view, uint64_t blob, struct key *ret_key);
MUST_USE enum result
layout_get_moment(struct view *view, const struct id *id, uint64_t *ret_moment);
MUST_USE enum result
layout_put_moment(struct view *view, const struct id *id, uint64_t moment);
/* A copy of the record in the arena, with created set. */
MUST_USE enum result layout_get_record(struct view *view, uint64_t moment,
    struct arena *arena, struct artifact **ret_artifact);
/* The record that an id leads to. */
MUST_USE enum result layout_find_record(struct view *view, const struct id *id,
    struct arena *arena, struct artifact **ret_artifact);

/* ---- an open store: lmdb.c ---- */

/* So much content waits in the queue to be swept; what does not fit is found by
 * a scan of pending. */
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

/* Where the sweep of a database stands: it goes through the rows in slices, and
 * begins again behind the last one. */
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
	bool is_copy;	/* no other process has it open: no lock.mdb */
	bool is_broken; /* a commit failed: what is on disk is not known */
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
	bool has_freed; /* the last sweep freed pages, which the commit
			 * after the next may use */
	char reason[256];
	struct shortage shortage; /* of the last change that found no room */
};

/* Give back everything; parts may be missing. */
void lmdb_close(void *state);
/* A store over this state, which it owns: a writer's can change, too. */
struct store *lmdb_store(struct lmdb *lmdb);
/* The state behind a store of this engine. */
struct lmdb *lmdb_of(const struct store *store);

/*
 * A view for reading. A function of store.h that begins one ends it before it
 * returns. RESULT_IO when the store is broken.
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
 * The write transaction. Anything but RESULT_OK: nothing to end.
 * RESULT_UNKNOWN: the store is broken, or somebody else wrote to it
 * (doc/rules.md 6).
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

/* The class that a value of this size needs. */
size_t lmdb_run_of(size_t size);

/*
 * What is counted. The disk, or what the limit on a file's size leaves of it:
 *
 *	|<------------------------ disk_free ----------------------->|
 *	|<------ for new content ------>|<-------- reserve --------->|
 *	|<-------------- for growth --------------->|<- a commit's ->|
 *
 * data.mdb, which never gets shorter:
 *
 *	| pages in use | free, but a reader may look | free: reusable |
 *	                                               in runs of 1, 2, 4, 8, 16
 *
 * A batch may fill either the disk up to these marks, or the runs that are
 * long enough for its longest value: the larger of the two counts, and half of
 * it is content. The runs do not count when half of the reserve is gone, since
 * the file might grow nevertheless.
 */
struct lmdb_space {
	uint64_t disk_free;
	uint64_t reusable; /* wherever these pages stand */
	/* By class: bytes of content that a batch may bring if the reserve is
	 * to stay free; UINT64_MAX: as many as it likes. */
	uint64_t for_new[LMDB_RUNS];
	/* Bytes that records which are there may grow by, into the reserve. */
	uint64_t for_growth[LMDB_RUNS];
};

/* from - bytes, or 0 where there are fewer. */
uint64_t lmdb_less(uint64_t from, uint64_t bytes);
/* If so much of the disk is to stay free. */
void lmdb_measure_space(
    struct lmdb *lmdb, uint64_t reserve, struct lmdb_space *ret_space);
/* Is there so little that pages of data.mdb have to be used again? */
bool lmdb_is_short(const struct lmdb *lmdb);
/* Is there room for a commit that brings nothing? */
bool lmdb_can_commit(struct lmdb *lmdb);
/* LMDB lists free pages by the commit that freed them. Of so many commits they
 * are counted for /metrics and `status`, since there can be millions. */
#define LMDB_COMMITS_MOST 10000
/* How many pages the first commits, so many and all before this one, have
 * freed (figures.c). */
uint64_t lmdb_free_pages(MDB_txn *txn, size_t before, size_t commits);
/* The commit that the oldest reader reads; 0: none does (figures.c). */
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

enum result lmdb_list(void *state, const struct filter *filter,
    const struct position *position, size_t limit, struct arena *arena,
    struct page *ret_page);

/* figures.c */
enum result lmdb_figures(void *state,
    void (*visit)(void *object, const struct store_figure *figure),
    void *object);

/* space.c */
enum result lmdb_store_room(void *state, uint64_t reserve, uint64_t max_bytes,
    struct store_room *ret_room);

/* apply.c */
void lmdb_apply(void *state, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes);

/* ---- content that waits: sweep.c ---- */

void garbage_push(struct garbage_queue *queue, uint64_t blob);
/* Forget what was pushed since there were count entries. */
void garbage_rewind(struct garbage_queue *queue, size_t count);
/* Fill the empty queue from what pending holds. */
MUST_USE enum result
garbage_load(struct garbage_queue *queue, struct view *view);

/* ---- a check in progress: check.c ---- */

#define CHECK_ROWS 256 /* of a slice, at most */

/* Content whose chunks are to be looked at. */
struct check_content {
	uint64_t blob;
	uint64_t size;
	uint64_t moment; /* of the record; 0: it is an upload */
	uint8_t hash[DIGEST_SHA256_SIZE];
};

struct check {
	struct lmdb *lmdb;
	struct store_check *order;
	struct arena *arena; /* for the row at hand */
	struct view view;    /* of the slice at hand, and so on */
	struct meta meta;
	bool has_meta; /* it was sound */
	size_t rows;
	uint64_t slice_bytes;
	int64_t until;		      /* monotonic: the slice ends */
	const struct artifact *about; /* whose the row at hand is; or NULL */
	struct check_content contents[CHECK_ROWS]; /* found by the slice */
	size_t content_count;
	uint64_t *blobs; /* in order, see check_content.c; owned */
	size_t blob_count;
	size_t blob_capacity;
	uint64_t done; /* bytes */
	uint64_t total;
};

/* One problem of a database; about what artifact, if check->about. */
void check_report(struct check *check, enum database database,
    const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The key in hex, until the next row. */
const char *check_hex(struct check *check, const struct key *key);
/* Did LMDB itself fail? Damage is to be reported, and no reason to stop. */
bool check_is_fatal(const struct check *check);

/*
 * A slice: what is read between these two is one view. The end passes result
 * on, and calls order->pace, which may wait for other work.
 */
MUST_USE enum result check_begin(struct check *check);
MUST_USE enum result check_end(struct check *check, enum result result);
/* One row or chunk more, of so many bytes: is the slice full? */
bool check_is_full(struct check *check, uint64_t bytes);

/* ---- ... and the content that it finds: check_content.c ---- */

/* Visit a row of pending. */
MUST_USE enum result
check_pending(struct check *check, const struct key *key, struct span bytes);
/* Before the records: which blobs have chunks and wait for nothing? */
MUST_USE enum result check_find_blobs(struct check *check);
/* A record names this one; false: another did before. */
MUST_USE bool check_name_blob(struct check *check, uint64_t blob);
/* Behind the records: who names those that none named? */
MUST_USE enum result check_unnamed(struct check *check);
MUST_USE enum result
check_content(struct check *check, const struct check_content *content);

#endif
