/* SPDX-License-Identifier: ISC */
/*
 * open.c - from a directory to an open store: is the directory fit, is it
 * ours, does it hold a store, a whole one? Then environment, databases, first
 * rows.
 *
 * LMDB syncs neither its first meta pages nor the directory, so that a store
 * may be lost in a power cut while it is made. Hence the file `format`, which
 * gets its name last, when all else is on disk. A data.mdb without it is
 * refused; if that file still has its first name, `format.new`, a process that
 * may create begins anew (doc/rules.md 4). Every failure has a sentence for
 * people.
 */

#include "internal.h"
#include "upkeep.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

struct opening {
	struct lmdb *lmdb;
	const char *directory;
	bool may_create;
	uint64_t map_size; /* of what is created; 0: from the file system */
	char *error;	   /* the sentence, 256 bytes */
};

#define FORMAT_TEXT "artifactd %" SCNu32 "%c" /* and a newline */
#define LMDB_MAGIC UINT32_C(0xbeefc0de)
#define UNFINISHED_SIZE 262144 /* more than an empty store has */

__attribute__((format(printf, 3, 4))) static enum result
opening_refuse(
    struct opening *opening, enum result result, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(opening->error, 256, format, arguments);
	va_end(arguments);
	return result;
}

/* What to do, where the reason does not say it. */
static const char *
way_out(int code)
{
	return code == EACCES
		   ? "; \"artifactctl doctor\" says whose its files have to be"
		   : "";
}

static enum result
opening_refuse_errno(struct opening *opening, const char *what)
{
	int error = errno;

	return opening_refuse(opening, RESULT_IO, "%s: %s: %s%s",
	    opening->directory, what, strerror(error), way_out(error));
}

static enum result
opening_refuse_code(struct opening *opening, const char *what, int code)
{
	return opening_refuse(opening, from_lmdb(code), "%s: %s: %s%s",
	    opening->directory, what, mdb_strerror(code), way_out(code));
}

/* Does it not begin with LMDB's number, as each lock.mdb does? */
static bool
is_lock_spoilt(const struct opening *opening)
{
	uint32_t word = LMDB_MAGIC;
	int fd = openat(opening->lmdb->directory, "lock.mdb",
	    O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || read(fd, &word, sizeof(word)) != sizeof(word))
		word = LMDB_MAGIC;
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
	return word != LMDB_MAGIC;
}

/* Nothing is open any more: LMDB has closed what it had. */
static enum result
opening_refuse_environment(struct opening *opening, int code)
{
	/* A map larger than memory is a reservation, but counts. */
	if (code == ENOMEM)
		return opening_refuse(opening, RESULT_IO,
		    "%s: data.mdb cannot be mapped: %s. Is the address space "
		    "limited (ulimit -v, LimitAS=)? It must not be",
		    opening->directory, strerror(code));
	if (code != MDB_INVALID)
		return opening_refuse_code(opening, "data.mdb", code);
	if (!opening->lmdb->is_copy && is_lock_spoilt(opening))
		return opening_refuse(opening, RESULT_DAMAGED,
		    "%s: lock.mdb is damaged; end all that has the store open, "
		    "and the next to open it makes it anew",
		    opening->directory);
	return opening_refuse(opening, RESULT_DAMAGED,
	    "%s: data.mdb is damaged at its start; restore a backup",
	    opening->directory);
}

/* ---- the directory ---- */

/* Where locks or shared maps cannot be trusted (statfs(2)). */
static const struct {
	unsigned long magic;
	const char *name;
} refused[] = {
	{ 0x6969, "NFS" },
	{ 0x517b, "SMB" },
	{ 0xff534d42, "CIFS" },
	{ 0xfe534d42, "SMB" },
	{ 0x65735546, "FUSE" },
};

static enum result
check_file_system(struct opening *opening)
{
	struct statfs system;
	size_t i;

	if (fstatfs(opening->lmdb->directory, &system) != 0)
		return opening_refuse_errno(opening, "fstatfs");
	for (i = 0; i < COUNT_OF(refused); i++)
		if (((unsigned long)system.f_type & 0xffffffff) ==
		    refused[i].magic)
			return opening_refuse(opening, RESULT_IO,
			    "%s is on %s, which cannot hold a store: use a "
			    "local file system",
			    opening->directory, refused[i].name);
	return RESULT_OK;
}

/* The sentence asks for the disk first: where it is not mounted, a new store
 * would be served as if nothing was missing. */
static enum result
opening_refuse_missing(struct opening *opening)
{
	return opening_refuse(opening, RESULT_NOT_FOUND,
	    "%s holds no store: is its disk mounted? Where a new, empty one is "
	    "to be, artifactctl init makes it",
	    opening->directory);
}

static enum result
opening_directory(struct opening *opening)
{
	int fd;

	fd = open(opening->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return opening_refuse_missing(opening);
	if (fd < 0)
		return opening_refuse_errno(opening, "open");
	opening->lmdb->directory = fd;
	return opening->lmdb->is_copy ? RESULT_OK : check_file_system(opening);
}

static enum result
opening_lock(struct opening *opening)
{
	if (flock(opening->lmdb->directory, LOCK_EX | LOCK_NB) == 0)
		return RESULT_OK;
	if (errno != EWOULDBLOCK)
		return opening_refuse_errno(opening, "flock");
	return opening_refuse(opening, RESULT_UNAVAILABLE,
	    "another artifactd uses this state_dir: %s", opening->directory);
}

/* ---- the file `format`, and its first name ---- */

/* 0: it is no text of a format. */
static uint32_t
format_of(const char *text)
{
	uint32_t format;
	char end;

	if (sscanf(text, FORMAT_TEXT, &format, &end) != 2 || end != '\n')
		return 0;
	return format;
}

static enum result
check_format(struct opening *opening, const char *name, const char *text)
{
	uint32_t format = format_of(text);
	bool is_old = format > 0 && format < LAYOUT_FORMAT;

	if (format == LAYOUT_FORMAT)
		return RESULT_OK;
	return opening_refuse(opening, RESULT_MALFORMED,
	    "%s/%s says \"%.*s\", and this version reads format %d: %s",
	    opening->directory, name, (int)strcspn(text, "\n"), text,
	    LAYOUT_FORMAT,
	    is_old ? "artifactctl export with the version that made it, and "
		     "import into a new store"
		   : "start the version that made the store");
}

/* RESULT_NOT_FOUND: there is no file of this name. */
static enum result
check_format_file(struct opening *opening, const char *name)
{
	char text[32] = { 0 };
	ssize_t size;
	int fd;

	/* A pipe in its place has nothing in it, and is not waited for. */
	fd = openat(
	    opening->lmdb->directory, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? RESULT_NOT_FOUND
				       : opening_refuse_errno(opening, name);
	size = read(fd, text, sizeof(text) - 1);
	(void)close(fd); /* nothing was written */
	if (size < 0)
		return opening_refuse_errno(opening, name);
	return check_format(opening, name, text);
}

/*
 * The process that made data.mdb died before it was ready, so that no client
 * was told that something is in it. The size counts too, in case that somebody
 * who moved `format` away left a `format.new` beside a store in use.
 */
static bool
is_unfinished(struct opening *opening)
{
	struct stat stat;

	return check_format_file(opening, "format.new") == RESULT_OK &&
	       fstatat(opening->lmdb->directory, "data.mdb", &stat, 0) == 0 &&
	       stat.st_size <= UNFINISHED_SIZE;
}

/* Delete the unfinished data.mdb, for a new one. RESULT_NOT_FOUND: it is gone,
 * or may not be deleted, and error says what to do. */
static enum result
clear_unfinished(struct opening *opening)
{
	int directory = opening->lmdb->directory;

	if (!opening->may_create)
		return opening_refuse(opening, RESULT_NOT_FOUND,
		    "%s holds a store whose making did not end, with nothing "
		    "in it: artifactctl init makes it anew",
		    opening->directory);
	if (unlinkat(directory, "data.mdb", 0) != 0 ||
	    (unlinkat(directory, "lock.mdb", 0) != 0 && errno != ENOENT))
		return opening_refuse_errno(opening, "data.mdb");
	return RESULT_NOT_FOUND;
}

static enum result
opening_check(struct opening *opening)
{
	enum result result = check_format_file(opening, "format");
	struct stat stat;
	bool has_data =
	    fstatat(opening->lmdb->directory, "data.mdb", &stat, 0) == 0 &&
	    stat.st_size > 0;

	if (result == RESULT_OK && !has_data)
		return opening_refuse(opening, RESULT_DAMAGED,
		    "%s has the file format but no data.mdb: the data is "
		    "gone; restore a backup",
		    opening->directory);
	if (result == RESULT_NOT_FOUND && has_data && is_unfinished(opening))
		return clear_unfinished(opening);
	if (result == RESULT_NOT_FOUND && has_data)
		return opening_refuse(opening, RESULT_DAMAGED,
		    "%s has a data.mdb but no file format: its creation did "
		    "not end, or it is no store; move data.mdb and lock.mdb "
		    "away",
		    opening->directory);
	if (result == RESULT_NOT_FOUND && !opening->may_create)
		return opening_refuse_missing(opening);
	return result;
}

bool
store_lmdb_put_format(int directory, const char *name)
{
	char text[32];
	int size =
	    snprintf(text, sizeof(text), "artifactd %d\n", LAYOUT_FORMAT);
	int fd = openat(
	    directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error;

	if (fd < 0)
		return false;
	if (fchmod(fd, 0600) == 0 && write(fd, text, (size_t)size) == size &&
	    fsync(fd) == 0)
		return close(fd) == 0;
	error = errno;
	(void)close(fd); /* it has failed already */
	errno = error;
	return false;
}

/* A parent that this user may not open was synced by the process that made the
 * directory in it. */
static enum result
opening_sync(struct opening *opening)
{
	int directory = opening->lmdb->directory;
	int parent;

	if (fsync(directory) != 0)
		return opening_refuse_errno(opening, "fsync");
	parent = openat(directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 && errno == EACCES)
		return RESULT_OK;
	if (parent < 0)
		return opening_refuse_errno(opening, "its parent");
	if (fsync(parent) != 0) {
		(void)opening_refuse_errno(opening, "its parent");
		(void)close(parent); /* it is refused already */
		return RESULT_IO;
	}
	(void)close(parent); /* nothing was written */
	return RESULT_OK;
}

#define READERS 512
#define GIB (UINT64_C(1) << 30)
#define MAP_LEAST (64 * GIB)
#define MAP_MOST (16384 * GIB)

/* Flags with which commits can be lost, or a stray write or a full disk can
 * destroy the store. */
#define FORBIDDEN \
	(MDB_NOSYNC | MDB_NOMETASYNC | MDB_WRITEMAP | MDB_MAPASYNC | \
	    MDB_NOMEMINIT | MDB_NOLOCK)

/* ---- the environment ---- */

static uint64_t
default_map_size(const struct lmdb *lmdb)
{
	struct statvfs disk;
	uint64_t size = 0;

	if (fstatvfs(lmdb->directory, &disk) == 0)
		size = 2 * (uint64_t)disk.f_blocks * disk.f_frsize;
	if (size < MAP_LEAST)
		size = MAP_LEAST;
	return size < MAP_MOST ? size : MAP_MOST;
}

/* map_size 0: what the file says. */
static enum result
open_environment(struct opening *opening, uint64_t map_size)
{
	struct lmdb *lmdb = opening->lmdb;
	unsigned alone = lmdb->is_copy ? MDB_NOLOCK : 0;
	unsigned flags = MDB_NOTLS | (lmdb->is_writer ? 0 : MDB_RDONLY);
	int code;

	code = mdb_env_create(&lmdb->env);
	if (code == MDB_SUCCESS)
		code = mdb_env_set_maxdbs(lmdb->env, DB_COUNT);
	if (code == MDB_SUCCESS)
		code = mdb_env_set_maxreaders(lmdb->env, READERS);
	if (code == MDB_SUCCESS && map_size != 0)
		code = mdb_env_set_mapsize(lmdb->env, map_size);
	if (code == MDB_SUCCESS)
		code = mdb_env_open(
		    lmdb->env, opening->directory, flags | alone, 0600);
	if (code == MDB_SUCCESS)
		code = mdb_env_get_flags(lmdb->env, &flags);
	if (code != MDB_SUCCESS)
		return opening_refuse_environment(opening, code);
	assert((flags & FORBIDDEN & ~alone) == 0);
	return RESULT_OK;
}

static enum result
open_databases(struct opening *opening, bool is_new)
{
	struct lmdb *lmdb = opening->lmdb;
	MDB_txn *txn;
	size_t i;
	int code;

	code = mdb_txn_begin(lmdb->env, NULL, is_new ? 0 : MDB_RDONLY, &txn);
	if (lmdb_freed_places(lmdb->env, code))
		code = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &txn);
	if (code != MDB_SUCCESS)
		return opening_refuse_code(opening, "data.mdb", code);
	for (i = 0; i < DB_COUNT && code == MDB_SUCCESS; i++)
		code = mdb_dbi_open(txn, layout_name((enum database)i),
		    is_new ? MDB_CREATE : 0, &lmdb->databases[i]);
	if (code != MDB_SUCCESS)
		mdb_txn_abort(txn);
	/* The commit that made the store made all of them. */
	if (!is_new && (code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE))
		return opening_refuse(opening, RESULT_DAMAGED,
		    "%s: data.mdb is damaged: the list of its databases is "
		    "not whole; restore a backup",
		    opening->directory);
	if (code != MDB_SUCCESS)
		return opening_refuse_code(opening, "its databases", code);
	code = mdb_txn_commit(txn); /* keeps the handles */
	if (code != MDB_SUCCESS)
		return opening_refuse_code(opening, "its databases", code);
	return RESULT_OK;
}

/* One read transaction for the life of the store, which keeps its slot in the
 * table of readers; reset until it is used. */
static enum result
open_reader(struct opening *opening)
{
	struct lmdb *lmdb = opening->lmdb;
	MDB_envinfo info;
	int code;

	code = mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &lmdb->reader);
	if (lmdb_freed_places(lmdb->env, code))
		code =
		    mdb_txn_begin(lmdb->env, NULL, MDB_RDONLY, &lmdb->reader);
	if (code != MDB_SUCCESS)
		return opening_refuse_code(opening, "mdb_txn_begin", code);
	mdb_txn_reset(lmdb->reader);
	code = mdb_env_info(lmdb->env, &info);
	if (code != MDB_SUCCESS)
		return opening_refuse_code(opening, "mdb_env_info", code);
	lmdb->last_txn = info.me_last_txnid;
	return RESULT_OK;
}

/* ---- creation ---- */

static enum result
put_first_rows(struct opening *opening)
{
	const struct meta meta = { .next_blob = 1 };
	struct lmdb *lmdb = opening->lmdb;
	struct view view;
	enum result result;

	result = lmdb_write_begin(lmdb, &view);
	if (result == RESULT_OK) {
		result = layout_put_format(&view);
		if (result == RESULT_OK)
			result = layout_put_meta(&view, &meta);
		if (result == RESULT_OK)
			result = lmdb_write_commit(lmdb, &view);
		else
			lmdb_write_abort(lmdb, &view);
	}
	if (result != RESULT_OK)
		return opening_refuse(opening, RESULT_IO, "%s: %s",
		    opening->directory, lmdb->reason);
	return RESULT_OK;
}

/*
 * What is made between the first step, which writes `format.new`, and the last,
 * which names it `format`, belongs to nobody: the next that may create clears
 * it away.
 */
static enum result
create(struct opening *opening)
{
	struct lmdb *lmdb = opening->lmdb;
	uint64_t map_size = opening->map_size;
	enum result result;
	int code;

	if (!store_lmdb_put_format(lmdb->directory, "format.new") ||
	    fsync(lmdb->directory) != 0)
		return opening_refuse_errno(opening, "format.new");
	result = open_environment(
	    opening, map_size != 0 ? map_size : default_map_size(lmdb));
	/* Two commits: each of the two meta pages is written once. */
	if (result == RESULT_OK)
		result = open_databases(opening, true);
	if (result == RESULT_OK)
		result = open_reader(opening);
	if (result == RESULT_OK)
		result = put_first_rows(opening);
	if (result != RESULT_OK)
		return result;
	/* The mode is ours, whatever the umask. */
	if (fchmodat(lmdb->directory, "data.mdb", 0600, 0) != 0 ||
	    fchmodat(lmdb->directory, "lock.mdb", 0600, 0) != 0)
		return opening_refuse_errno(opening, "chmod");
	code = mdb_env_sync(lmdb->env, 1);
	if (code != MDB_SUCCESS)
		return opening_refuse_code(opening, "mdb_env_sync", code);
	result = opening_sync(opening);
	if (result != RESULT_OK)
		return result;
	if (renameat(lmdb->directory, "format.new", lmdb->directory,
		"format") != 0 ||
	    fsync(lmdb->directory) != 0)
		return opening_refuse_errno(opening, "format");
	return RESULT_OK;
}

/* ---- opening what is there ---- */

/* LMDB has a copy open to read only; but this process may write to the file. */
static bool
lengthen(const struct opening *opening, int fd, off_t size)
{
	bool is_long;

	if (opening->lmdb->is_writer)
		return ftruncate(fd, size) == 0;
	fd = openat(opening->lmdb->directory, "data.mdb", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	is_long = ftruncate(fd, size) == 0;
	(void)close(fd); /* it is synced by whoever made the copy */
	return is_long;
}

/*
 * A read behind the end of the file ends the process by SIGBUS, at each start
 * anew. Filled up with zeros, what was cut off is damage like any other: found
 * and named when it is read. A short file is no reason to refuse the store: a
 * page that one commit both took and freed is never written, so that a file
 * that is whole may end before its last page.
 */
static enum result
fill_up(struct opening *opening)
{
	uint64_t size = lmdb_file_size(opening->lmdb);
	mdb_filehandle_t fd;
	struct stat file;

	if (size > MAP_MOST)
		return opening_refuse(opening, RESULT_DAMAGED,
		    "%s: data.mdb is damaged: it says that it is larger than "
		    "a store can be; restore a backup",
		    opening->directory);
	/* Fails only for NULL. */
	(void)mdb_env_get_fd(opening->lmdb->env, &fd);
	if (fstat(fd, &file) != 0)
		return opening_refuse_errno(opening, "data.mdb");
	if (file.st_size < (off_t)size && !lengthen(opening, fd, (off_t)size))
		return opening_refuse(opening, RESULT_IO,
		    "%s: data.mdb ends %lld bytes before its last page, and "
		    "cannot be filled up: %s",
		    opening->directory,
		    (long long)size - (long long)file.st_size, strerror(errno));
	return RESULT_OK;
}

/*
 * A writer that was killed between writing a commit and telling the readers
 * of it in lock.mdb leaves them, and us, with the view before it. Taking its
 * lock mends that; else blob numbers would be given twice, and content that
 * the commit made garbage would wait for the next start. If lock.mdb is
 * damaged, no further try helps as long as a process has it open, and the
 * master has to know.
 */
static enum result
take_over(struct opening *opening)
{
	struct lmdb *lmdb = opening->lmdb;
	struct view view;
	enum result result;

	result = lmdb_write_begin(lmdb, &view);
	if (result == RESULT_UNKNOWN)
		result = RESULT_DAMAGED; /* of lock.mdb */
	if (result != RESULT_OK)
		return opening_refuse(opening, result, "%s: %s",
		    opening->directory, lmdb->reason);
	lmdb_write_abort(lmdb, &view);
	return RESULT_OK;
}

static enum result
open_existing(struct opening *opening)
{
	enum result result;

	result = open_environment(opening, 0);
	if (result == RESULT_OK &&
	    (opening->lmdb->is_writer || opening->lmdb->is_copy))
		result = fill_up(opening);
	if (result == RESULT_OK)
		result = open_databases(opening, false);
	if (result == RESULT_OK)
		result = open_reader(opening);
	if (result == RESULT_OK && opening->lmdb->is_writer)
		result = take_over(opening);
	return result;
}

/* Read the format, the counters and, for a writer, what waits to be swept. */
static enum result
read_state(struct lmdb *lmdb)
{
	struct view view;
	struct meta meta = { 0 };
	enum result result;
	uint32_t format = 0;

	result = lmdb_read_begin(lmdb, &view);
	if (result != RESULT_OK)
		return result;
	result = layout_get_format(&view, &format);
	if (result == RESULT_OK && format != LAYOUT_FORMAT)
		result = layout_damaged(&view, DB_META);
	if (result == RESULT_NOT_FOUND)
		result = layout_damaged(&view, DB_META);
	if (result == RESULT_OK)
		result = layout_get_meta(&view, &meta);
	if (result == RESULT_OK && lmdb->is_writer)
		result = garbage_load(&lmdb->garbage, &view);
	lmdb->next_blob = meta.next_blob;
	return lmdb_read_end(lmdb, &view, result);
}

static enum result
check_state(struct opening *opening)
{
	enum result result = read_state(opening->lmdb);

	if (result == RESULT_OK)
		return RESULT_OK;
	return opening_refuse(opening, result, "%s: %s", opening->directory,
	    opening->lmdb->reason);
}

static struct lmdb *
lmdb_new(bool is_writer)
{
	struct lmdb *lmdb = calloc(1, sizeof(*lmdb));

	if (lmdb == NULL)
		abort();
	lmdb->pid = getpid();
	lmdb->directory = -1;
	lmdb->is_writer = is_writer;
	lmdb->file_limit = lmdb_file_limit();
	lmdb->scratch = arena_open();
	if (!is_writer)
		return lmdb;
	lmdb->garbage.entries =
	    calloc(GARBAGE_ROOM, sizeof(lmdb->garbage.entries[0]));
	if (lmdb->garbage.entries == NULL)
		abort();
	return lmdb;
}

static enum result
open_store(struct opening *opening)
{
	enum result result = opening_directory(opening);

	if (result == RESULT_OK && opening->lmdb->is_writer)
		result = opening_lock(opening);
	if (result != RESULT_OK)
		return result;
	result = opening_check(opening);
	if (result == RESULT_OK)
		result = open_existing(opening);
	else if (result == RESULT_NOT_FOUND && opening->may_create)
		result = create(opening);
	return result == RESULT_OK ? check_state(opening) : result;
}

/* Open it, or close what is open of it. */
static enum result
open_or_close(struct opening *opening, struct store **ret_store)
{
	enum result result = open_store(opening);

	if (result == RESULT_OK)
		*ret_store = lmdb_store(opening->lmdb);
	else
		lmdb_close(opening->lmdb);
	return result;
}

enum result
store_lmdb_open_writer(const struct store_lmdb_options *options,
    char ret_error[256], struct store **ret_store)
{
	struct opening opening = {
		.lmdb = lmdb_new(true),
		.directory = options->directory,
		.may_create = options->may_create,
		.map_size = options->map_size,
		.error = ret_error,
	};

	opening.lmdb->max_bytes = options->max_bytes;
	opening.lmdb->reserve = options->reserve;
	opening.lmdb->beat = options->beat;
	opening.lmdb->beat_object = options->object;
	return open_or_close(&opening, ret_store);
}

enum result
store_lmdb_open_reader(
    const char *directory, char ret_error[256], struct store **ret_store)
{
	struct opening opening = {
		.lmdb = lmdb_new(false),
		.directory = directory,
		.error = ret_error,
	};

	return open_or_close(&opening, ret_store);
}

enum result
store_lmdb_open_copy(
    const char *directory, char ret_error[256], struct store **ret_store)
{
	struct opening opening = {
		.lmdb = lmdb_new(false),
		.directory = directory,
		.error = ret_error,
	};

	opening.lmdb->is_copy = true;
	return open_or_close(&opening, ret_store);
}
