/* SPDX-License-Identifier: ISC */
/*
 * check.h - a check in progress, shared by its files.
 *
 * It goes through the store in slices, a read transaction each, since one
 * that is held for hours makes data.mdb grow (RELIABILITY 11). Within a slice
 * everything agrees; between two of them others may commit. So whatever
 * hangs together is compared inside one slice, and the content of a record,
 * which takes many, is missing only if the record, read again in the slice
 * that misses it, still names it.
 */
#ifndef STORE_LMDB_CHECK_H
#define STORE_LMDB_CHECK_H

#include "internal.h"

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
 * on, and lets whoever waits for us go first.
 */
MUST_USE enum result check_begin(struct check *check);
MUST_USE enum result check_end(struct check *check, enum result result);
/* One row or chunk more, of so many bytes: is the slice full? */
bool check_is_full(struct check *check, uint64_t bytes);

typedef enum result
check_visit(struct check *check, const struct key *key, struct span bytes);

/*
 * Visit each row whose key (0: of any size) and value are sound; report the
 * others. Index entries have no value: bytes is SPAN_NONE. Behind each slice
 * the contents that it found are looked at.
 */
MUST_USE enum result check_walk(struct check *check, enum database database,
    size_t key_size, check_visit *visit);

/* What all walks together will count as done, of rows. */
uint64_t check_row_bytes(const struct check *check);

/* check_rows.c */
check_visit check_record, check_id, check_index, check_promise, check_applied;

/* check_content.c */
check_visit check_pending;
/* Before the records: which blobs have chunks and wait for nothing? */
MUST_USE enum result check_find_blobs(struct check *check);
/* A record names this one; false: another did before. */
MUST_USE bool check_name_blob(struct check *check, uint64_t blob);
/* Behind the records: who names those that none named? */
MUST_USE enum result check_unnamed(struct check *check);
MUST_USE enum result
check_content(struct check *check, const struct check_content *content);

/* check_totals.c */
MUST_USE enum result check_commits(struct check *check);
MUST_USE enum result check_totals(struct check *check);

#endif
