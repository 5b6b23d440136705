/* SPDX-License-Identifier: ISC */
/*
 * backup.c - a copy of data.mdb while others may write to it.
 *
 * LMDB copies page by page what one view sees. Both meta pages go with it,
 * so that the copy is of the same commit by number.
 */

#include "internal.h"
#include "upkeep.h"

#include <errno.h>
#include <unistd.h>

uint32_t
store_lmdb_newest(void)
{
	return LAYOUT_FORMAT;
}

uint32_t
store_lmdb_format(const struct store *store)
{
	return lmdb_of(store)->format;
}

uint64_t
store_lmdb_size(const struct store *store)
{
	return lmdb_file_size(lmdb_of(store));
}

enum result
store_lmdb_copy(struct store *store, int fd, char ret_error[256])
{
	struct lmdb *lmdb = lmdb_of(store);
	int code = mdb_env_copyfd2(lmdb->env, fd, 0);

	/* It is a reader of its own, beside ours. */
	if (lmdb_freed_places(lmdb->env, code))
		code = mdb_env_copyfd2(lmdb->env, fd, 0);
	if (code == MDB_SUCCESS && fsync(fd) != 0)
		code = errno;
	if (code == MDB_SUCCESS)
		return RESULT_OK;
	(void)snprintf(ret_error, 256, "the copy of data.mdb: %s",
	    mdb_strerror(code)); /* too long: cut */
	return from_lmdb(code);
}
