/* SPDX-License-Identifier: ISC */
/*
 * upkeep.c - copies of data.mdb: as it is, while others may write to it, and
 * without the pages that nothing uses, which LMDB keeps for later and never
 * gives back to the file system.
 *
 * LMDB copies page by page what one view sees. In a plain copy both meta pages
 * go with it, so that the copy is of the same commit by number. A compacting
 * copy begins its commits anew, and the counters hold the number of the commit
 * that wrote them; so one commit is made in the copy that puts them again.
 */

#include "internal.h"
#include "upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* ---- figures ---- */

uint32_t
store_lmdb_format(void)
{
	return LAYOUT_FORMAT;
}

uint64_t
store_lmdb_size(const struct store *store)
{
	return lmdb_file_size(lmdb_of(store));
}

uint64_t
store_lmdb_unused(struct store *store)
{
	struct lmdb *lmdb = lmdb_of(store);
	MDB_stat stat;
	uint64_t pages;

	if (mdb_txn_renew(lmdb->reader) != MDB_SUCCESS)
		return 0;
	(void)mdb_env_stat(lmdb->env, &stat); /* fails only for NULL */
	pages = lmdb_free_pages(lmdb->reader, SIZE_MAX, SIZE_MAX);
	mdb_txn_reset(lmdb->reader);
	return pages * stat.ms_psize;
}

/* ---- a copy as it is ---- */

static enum result
refuse(char error[256], const char *what, int code)
{
	(void)snprintf(error, 256, "%s: %s", what, mdb_strerror(code));
	return from_lmdb(code);
}

/* All of it, to its last byte on the disk; LMDB's code or errno's. */
static int
copy_to(struct lmdb *lmdb, int fd, unsigned flags)
{
	int code = mdb_env_copyfd2(lmdb->env, fd, flags);

	/* The copy is a reader of its own, beside the one of this process. */
	if (lmdb_freed_places(lmdb->env, code))
		code = mdb_env_copyfd2(lmdb->env, fd, flags);
	return code == MDB_SUCCESS && fsync(fd) != 0 ? errno : code;
}

enum result
store_lmdb_copy(struct store *store, int fd, char ret_error[256])
{
	int code = copy_to(lmdb_of(store), fd, 0);

	return code == MDB_SUCCESS
		   ? RESULT_OK
		   : refuse(ret_error, "the copy of data.mdb", code);
}

/* ---- a copy without unused pages ---- */

static enum result
copy_into(struct lmdb *lmdb, int directory, char error[256])
{
	int code, fd = openat(directory, "data.mdb",
		      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return refuse(error, "data.mdb", errno);
	code = copy_to(lmdb, fd, MDB_CP_COMPACT);
	if (close(fd) != 0 && code == MDB_SUCCESS)
		code = errno;
	if (code == MDB_SUCCESS && !store_lmdb_put_format(directory, "format"))
		code = errno;
	return code == MDB_SUCCESS ? RESULT_OK
				   : refuse(error, "the compacting copy", code);
}

/* Put the counters again, so that they name a commit of the copy. */
static enum result
put_meta(struct lmdb *copy, struct meta *ret_meta)
{
	struct view view;
	enum result result = lmdb_write_begin(copy, &view);

	if (result != RESULT_OK)
		return result;
	result = layout_get_meta(&view, ret_meta);
	if (result == RESULT_OK)
		result = layout_put_meta(&view, ret_meta);
	if (result == RESULT_OK)
		return lmdb_write_commit(copy, &view);
	lmdb_write_abort(copy, &view);
	return result;
}

static enum result
get_meta(struct lmdb *lmdb, struct meta *ret_meta)
{
	struct view view;
	enum result result = lmdb_read_begin(lmdb, &view);

	if (result != RESULT_OK)
		return result;
	return lmdb_read_end(lmdb, &view, layout_get_meta(&view, ret_meta));
}

/* Are they the same, but for the commit that they name? */
static bool
is_same(const struct meta *one, const struct meta *other)
{
	return one->last_moment == other->last_moment &&
	       one->next_blob == other->next_blob &&
	       one->artifacts == other->artifacts &&
	       one->bytes == other->bytes && one->staged == other->staged &&
	       one->sum == other->sum;
}

static enum result
finish_copy(struct lmdb *lmdb, struct store *copy, char error[256])
{
	struct meta mine = { 0 }, its = { 0 };
	enum result result = get_meta(lmdb, &mine);

	if (result == RESULT_OK)
		result = put_meta(lmdb_of(copy), &its);
	if (result == RESULT_OK && is_same(&mine, &its))
		return RESULT_OK;
	(void)snprintf(error, 256, "the counters of the copy: %s",
	    result == RESULT_OK ? "they differ" : store_reason(copy));
	return result == RESULT_OK ? RESULT_DAMAGED : result;
}

enum result
store_lmdb_compact(struct store *store, const char *directory,
    char ret_error[256], struct store **ret_copy)
{
	const struct store_lmdb_options options = { .directory = directory };
	struct lmdb *lmdb = lmdb_of(store);
	struct store *copy = NULL;
	enum result result;
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return refuse(ret_error, directory, errno);
	result = copy_into(lmdb, fd, ret_error);
	(void)close(fd); /* the caller syncs it */
	if (result == RESULT_OK)
		result = store_lmdb_open_writer(&options, ret_error, &copy);
	if (result != RESULT_OK)
		return result;
	result = finish_copy(lmdb, copy, ret_error);
	if (result == RESULT_OK)
		*ret_copy = copy;
	else
		store_close(copy);
	return result;
}
