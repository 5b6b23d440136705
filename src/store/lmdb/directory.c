/* SPDX-License-Identifier: ISC */
/*
 * directory.c - the directory of a store: is it fit, is it ours,
 * does it hold a store, a whole one? Knows nothing of what is in data.mdb.
 *
 * Every refusal has a sentence for people.
 */

#include "state.h"
#include "upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define FORMAT_TEXT "artifactd %" SCNu32 "%c" /* and a newline */
#define LMDB_MAGIC UINT32_C(0xbeefc0de)
#define UNFINISHED_SIZE 262144 /* more than an empty store has */

enum result
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

enum result
opening_refuse_errno(struct opening *opening, const char *what)
{
	int error = errno;

	return opening_refuse(opening, RESULT_IO, "%s: %s: %s%s",
	    opening->directory, what, strerror(error), way_out(error));
}

enum result
opening_refuse_code(struct opening *opening, const char *what, int code)
{
	return opening_refuse(opening, from_lmdb(code), "%s: %s: %s%s",
	    opening->directory, what, mdb_strerror(code), way_out(code));
}

/* By its first word; that of data.mdb is the same, but stands elsewhere. */
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
enum result
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
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (((unsigned long)system.f_type & 0xffffffff) ==
		    refused[i].magic)
			return opening_refuse(opening, RESULT_IO,
			    "%s is on %s, which cannot hold a store: use a "
			    "local file system",
			    opening->directory, refused[i].name);
	return RESULT_OK;
}

/* An empty one in its place would be served as if nothing was missing. */
enum result
opening_refuse_missing(struct opening *opening)
{
	return opening_refuse(opening, RESULT_NOT_FOUND,
	    "%s holds no store: is its disk mounted? Where a new, empty one is "
	    "to be, artifactctl init makes it",
	    opening->directory);
}

enum result
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

enum result
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

static bool
has_file(const struct opening *opening, const char *name)
{
	struct stat stat;

	return fstatat(opening->lmdb->directory, name, &stat, 0) == 0 &&
	       stat.st_size > 0;
}

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
judge_format(struct opening *opening, const char *name, const char *text)
{
	uint32_t format = format_of(text);
	bool is_old = format > 0 && format < LAYOUT_FORMAT;

	if (format == LAYOUT_FORMAT || (is_old && opening->lmdb->takes_old)) {
		opening->lmdb->format = format;
		return RESULT_OK;
	}
	return opening_refuse(opening, RESULT_MALFORMED,
	    "%s/%s says \"%.*s\", and this version reads format %d: %s",
	    opening->directory, name, (int)strcspn(text, "\n"), text,
	    LAYOUT_FORMAT,
	    is_old ? "artifactctl migrate --backup DIR makes it that"
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
	return judge_format(opening, name, text);
}

/*
 * Whoever made data.mdb died before it was ready: nobody was ever told that
 * something is in there. The size is for a doubt: a store that lost its
 * `format` may have the other file from whoever took it.
 */
static bool
is_unfinished(struct opening *opening)
{
	struct stat stat;

	return check_format_file(opening, "format.new") == RESULT_OK &&
	       fstatat(opening->lmdb->directory, "data.mdb", &stat, 0) == 0 &&
	       stat.st_size <= UNFINISHED_SIZE;
}

/* RESULT_NOT_FOUND: it is gone, or that it is there has been said. */
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

enum result
opening_check(struct opening *opening)
{
	enum result result = check_format_file(opening, "format");
	bool has_data = has_file(opening, "data.mdb");

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
store_lmdb_put_format(int directory, const char *name, uint32_t format)
{
	char text[32];
	int size = snprintf(text, sizeof(text), "artifactd %u\n", format);
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

enum result
opening_announce(struct opening *opening)
{
	int directory = opening->lmdb->directory;

	if (!store_lmdb_put_format(directory, "format.new", LAYOUT_FORMAT) ||
	    fsync(directory) != 0)
		return opening_refuse_errno(opening, "format.new");
	return RESULT_OK;
}

enum result
opening_confirm(struct opening *opening)
{
	int directory = opening->lmdb->directory;

	if (renameat(directory, "format.new", directory, "format") != 0 ||
	    fsync(directory) != 0)
		return opening_refuse_errno(opening, "format");
	return RESULT_OK;
}

/* A parent that is closed to us was synced by who made the directory for us. */
enum result
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
