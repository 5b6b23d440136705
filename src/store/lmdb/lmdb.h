/* SPDX-License-Identifier: ISC */
/*
 * lmdb.h - the engine on LMDB: opening a store, to read or as its writer, and
 * what the writer does beside changing. upkeep.h has checking and copying.
 *
 * store/lmdb/ knows LMDB, what the bytes of a store look like and how they are
 * kept whole; no other folder does. It knows nothing of HTTP, of JSON and of the
 * processes that call it.
 *
 * doc/design.md 2 draws the databases. Open after fork, once per process,
 * never twice (doc/rules.md 1).
 */
#ifndef STORE_LMDB_H
#define STORE_LMDB_H

#include "base/scoreboard.h"
#include "store/store.h"

struct store_lmdb_options {
	const char *directory;
	uint64_t map_size;  /* when created; 0: from the file system */
	uint64_t max_bytes; /* quota over all content; 0: none */
	uint64_t reserve;   /* free bytes below which creates are refused */
	bool may_create;    /* where there is none, or half of one, make one */
	/* Called between the commits of a batch that takes several, so that
	 * the master sees that this process lives. NULL: no master watches. */
	void (*beat)(void *object);
	void *object;
};

/*
 * Open the store to write, and check that it is whole. Only with may_create
 * is one made: a service that makes what it misses would serve an empty store
 * where a disk is not mounted. One process at a time: it holds a lock on the
 * directory. On failure *ret_store stays and ret_error has a sentence for
 * people; RESULT_NOT_FOUND is that there is no store.
 */
MUST_USE enum result
store_lmdb_open_writer(const struct store_lmdb_options *options,
    char ret_error[256], struct store **ret_store);

/* Open what a writer has made, read-only. */
MUST_USE enum result store_lmdb_open_reader(
    const char *directory, char ret_error[256], struct store **ret_store);

/*
 * One bounded slice of sweeping, one commit at most. Uploads whose request has
 * ended become garbage; garbage that no request can still read is deleted, and
 * so are expired idempotency keys, and the last changes of processes that have
 * ended.
 * *ret_more: another slice would find work now. RESULT_IO and RESULT_DAMAGED
 * are as serious as in apply.
 */
MUST_USE enum result store_lmdb_sweep(
    struct store *store, struct scoreboard *scoreboard, bool *ret_more);

/* Free the reader slots of processes that were killed (doc/rules.md 12). */
void store_lmdb_clear_readers(struct store *store);

struct store_problem {
	const char *line;		 /* what is wrong */
	const char *advice;		 /* what to do about it */
	const struct artifact *artifact; /* whose; NULL: not known */
};

struct store_check {
	bool is_deep; /* hash all content too */
	void (*report)(void *object, const struct store_problem *problem);
	/* Between two slices, when nothing is held: so many bytes are done,
	 * of about so many. It may take its time. NULL: it is not called. */
	void (*pace)(void *object, uint64_t done, uint64_t total);
	void *object;
	/* What came of it: */
	uint64_t problems;
	uint64_t artifacts;
	uint64_t bytes;	 /* that were read */
	bool is_counted; /* counters were compared, which a service that
			  * runs leaves no time for in very large stores */
};

/*
 * Prove the invariants of doc/design.md 2 in both directions: records, ids,
 * index, counters, chunks, pending; and that the disk lost no write. A writer
 * may go on meanwhile, in this process or another: no view is held for long.
 */
MUST_USE enum result
store_lmdb_check(struct store *store, struct store_check *check);

#endif
