/* SPDX-License-Identifier: ISC */
/*
 * store_lmdb_check.h - a check in progress, shared by its two files.
 */
#ifndef STORE_LMDB_CHECK_H
#define STORE_LMDB_CHECK_H

#include "store_lmdb_state.h"

struct passing;

/* Content that a record names. */
struct check_content {
	uint64_t blob;
	uint64_t size;
	uint64_t moment; /* of the record */
	uint8_t hash[DIGEST_SHA256_SIZE];
	bool is_found;
};

struct check {
	struct view view;
	struct arena *arena; /* for the row at hand */
	bool is_deep;
	void (*report)(void *object, const char *line);
	void *object;
	uint64_t problems;
	struct meta meta;		/* what is said */
	struct meta seen;		/* what is there */
	struct check_content *contents; /* owned */
	size_t count;
	size_t capacity;
	struct passing *passing; /* the chunks being walked */
};

/* One problem, one line. */
void check_report(struct check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The key in hex, until the next row. */
const char *check_hex(struct check *check, const struct key *key);
/* Visit each row whose key (0: of any size) and value are sound; report the
 * others. Index entries have no value: bytes is SPAN_NONE. */
MUST_USE enum result
check_walk(struct check *check, enum database database, size_t key_size,
    enum result (*visit)(
	struct check *check, const struct key *key, struct span bytes));

/* store_lmdb_check_content.c: chunks and pending, when records are known. */
MUST_USE enum result check_contents(struct check *check);

#endif
