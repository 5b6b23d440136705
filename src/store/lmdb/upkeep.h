/* SPDX-License-Identifier: ISC */
/*
 * upkeep.h - an LMDB store as a thing to be copied and compacted. For
 * artifactctl; a service needs none of it.
 *
 * A copy is a directory of its own with data.mdb and format, like a store.
 * The sentences are for people; what went before stays as it was.
 */
#ifndef STORE_LMDB_UPKEEP_H
#define STORE_LMDB_UPKEEP_H

#include "lmdb.h"

/*
 * Open to read a copy that no other process has open: it may be on any file
 * system, and no lock.mdb is made.
 */
MUST_USE enum result store_lmdb_open_copy(
    const char *directory, char ret_error[256], struct store **ret_store);

/* The number of the format, which the file `format` holds. */
uint32_t store_lmdb_format(void);
/* Bytes of data.mdb, to its last page; and in pages that are not in use. */
uint64_t store_lmdb_size(const struct store *store);
uint64_t store_lmdb_unused(struct store *store);

/* Write such a file, durably but for its name; false: errno says why. */
MUST_USE bool store_lmdb_put_format(int directory, const char *name);

/*
 * All of data.mdb as it is now into the empty file fd, and sync it. The view
 * is held until the end: meanwhile what a service replaces or deletes is not
 * used again, and its data.mdb grows by what it writes (by 199 MiB, when a
 * copy took six seconds in which contents of 295 MiB were replaced).
 * RESULT_NO_SPACE: where the copy goes there is no room.
 */
MUST_USE enum result
store_lmdb_copy(struct store *store, int fd, char ret_error[256]);

/*
 * The store of a writer into the empty directory, without its unused pages,
 * synced but for the directory. The copy is open as a writer's; it has the
 * same rows.
 */
MUST_USE enum result store_lmdb_compact(struct store *store,
    const char *directory, char ret_error[256], struct store **ret_copy);

#endif
