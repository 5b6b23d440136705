/* SPDX-License-Identifier: ISC */
/*
 * lmdb_kit.h - open, close, damage and check an LMDB store in a directory of
 * its own. A test has one such store at a time.
 */
#ifndef LMDB_KIT_H
#define LMDB_KIT_H

#include "store_kit.h"
#include "store/lmdb/lmdb.h"

#include <lmdb.h>

/* Empty stores below $TMPDIR; closing checks and removes them. */
extern const struct subject lmdb_subject;

/* The directory, made on first use; a file in it. */
const char *lmdb_directory(void);
const char *lmdb_path(const char *name);
void lmdb_remove(void);

/* Open the directory; a sentence is in lmdb_error when it is not RESULT_OK. */
extern char lmdb_error[256];
enum result
lmdb_try(const struct store_lmdb_options *options, struct store **ret_store);
/* The writer's store, as it was left, or the test fails. */
struct store *lmdb_writer(void);
/* A kit over a new store; kit_close checks and removes it. */
struct kit lmdb_kit(const struct store_lmdb_options *options);
/* Close the kit's store and open it again. */
void lmdb_reopen(struct kit *kit);

/* The problems that a check counts; lmdb_problem has a line for each. */
extern char lmdb_problem[2048];
uint64_t lmdb_check(struct store *store, bool is_deep);

/* An LMDB environment over the closed store's file, by hand. */
struct raw {
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi database;
	MDB_cursor *cursor; /* on the first row */
	MDB_val key, value;
	bool is_changed;
	bool keeps_sum; /* closing leaves it as it is */
};

struct raw raw_open(const char *database);
/* Commits; if is_changed, with the counters as the writer leaves them. */
void raw_close(struct raw *raw);
/* Put a row with a check that is right. */
void raw_put(const char *database, struct span key, struct span bytes);
void raw_delete(const char *database, struct span key);
/* Flip a bit of the first row's value. */
void raw_flip(const char *database, size_t bit);
/* Delete the first row, or the last. */
void raw_delete_first(const char *database);
void raw_delete_last(const char *database);
size_t raw_count(const char *database);

/* A number for a new blob of this owner. */
uint64_t lmdb_new_blob(struct store *store, struct owner owner);

#endif
