/* SPDX-License-Identifier: ISC */
/*
 * layout.h - keys and values: what stands where in data.mdb.
 *
 *	meta         name                       see struct meta
 *	ids          16 bytes of a uuid         moment
 *	records      moment                     artifact_encode
 *	index        tag, length, value, moment nothing
 *	chunks       blob, chunk                bytes of content
 *	pending      blob                       see struct pending
 *	idempotency  fingerprint, 32 bytes      see struct promise
 *	applied      incarnation                see struct applied
 *
 * Integers are big-endian; moments, blobs and incarnations take 8 bytes, a
 * chunk's number 4. Every value but those of index ends in 8 bytes of check
 * over key and bytes, and nothing is read here without verifying it.
 *
 * Only store_lmdb*.c include this file. Bytes that a function here hands out
 * stand in the map, until the next put or the end of the transaction.
 */
#ifndef STORE_LMDB_LAYOUT_H
#define STORE_LMDB_LAYOUT_H

#include "model/change.h"

#include <lmdb.h>

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
#define LAYOUT_FORMAT_SUMMED 2 /* since then sum and txn are in meta */

/* A transaction, the handles, and what went wrong in it. */
struct view {
	MDB_txn *txn;
	const MDB_dbi *databases;
	uint32_t format;     /* LAYOUT_FORMAT, or an old store's */
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

/* The four members of an artifact that have index entries. */
#define INDEX_TAGS 4

/* What stands in front of the moment in the index; value must not be over
 * its limit. Tag is 0 to INDEX_TAGS - 1. */
struct key index_prefix(size_t tag, struct span value);
size_t index_limit(size_t tag);
/* The member that a tag stands for: absent or empty ones have no entry. */
struct span index_value(const struct artifact *artifact, size_t tag);
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
struct promise {
	uint8_t meaning[32];
	struct id id;
	uint64_t expires; /* moment */
};

/* The last change of an incarnation. */
struct applied {
	uint64_t number;
	enum result result;
	struct id id;
};

MUST_USE enum result layout_get_format(struct view *view, uint32_t *ret_format);
MUST_USE enum result layout_put_format(struct view *view, uint32_t format);
/* sum and txn are 0 in a store whose format is older than they are. */
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
MUST_USE bool promise_decode(struct span bytes, struct promise *ret_promise);
MUST_USE enum result layout_get_promise(
    struct view *view, const uint8_t key[32], struct promise *ret_promise);
MUST_USE enum result layout_put_promise(
    struct view *view, const uint8_t key[32], const struct promise *promise);
MUST_USE bool applied_decode(struct span bytes, struct applied *ret_applied);
MUST_USE enum result layout_get_applied(
    struct view *view, uint64_t incarnation, struct applied *ret_applied);
MUST_USE enum result layout_put_applied(
    struct view *view, uint64_t incarnation, const struct applied *applied);
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

#endif
