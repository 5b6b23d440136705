/* SPDX-License-Identifier: ISC */
/*
 * source.c - the file that put sends: opening it, copying what cannot be read
 * twice, hashing it, and guessing its media type. libmagic knows formats that
 * have a signature. Of a text it knows only that it is text, so there the end
 * of the name decides.
 */

#include "source.h"

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNKNOWN "application/octet-stream"
#define TYPE_START 262144 /* bytes that libmagic gets to see */
#define PIECE 262144

/* ---- standard input, and what else cannot be read twice ---- */

/* A file without a name; -1: errno says why. */
static int
open_aside(const char *directory)
{
	char path[4096];
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 ||
	    (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	(void)snprintf(path, sizeof(path), "%s/artifactctl-XXXXXX", directory);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		(void)unlink(path);
	return fd;
}

/* Copy from one descriptor to the other; false: why has been said. */
static bool
copy(const struct ctl_source *source, int from, int to, const char *directory)
{
	char piece[65536];
	ssize_t count;

	while ((count = read(from, piece, sizeof(piece))) != 0) {
		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0) {
			(void)ctl_fail("cannot read %s: %m", source->name);
			return false;
		}
		if (!ctl_file_write_all(to, span_of(piece, (size_t)count))) {
			(void)ctl_fail("cannot copy %s to %.200s: %m; $TMPDIR "
				       "may name another directory",
			    source->name, directory);
			return false;
		}
	}
	return true;
}

/* Copy what cannot be read twice into a file without a name, and go on with
 * that. */
static int
set_aside(struct ctl_source *source)
{
	const char *directory = getenv("TMPDIR");
	int from = source->fd;
	bool is_good;

	if (directory == NULL || *directory == '\0')
		directory = "/var/tmp";
	source->fd = open_aside(directory);
	if (source->fd < 0) {
		source->fd = from;
		return ctl_fail(
		    "cannot make a temporary file in %.200s: %m; $TMPDIR may "
		    "name another directory",
		    directory);
	}
	source->is_copy = true;
	is_good = copy(source, from, source->fd, directory);
	(void)close(from);
	return is_good ? CTL_OK : CTL_FAILED;
}

/* ---- opening ---- */

/* Can it be read twice, and is its size right? Files of /proc say 0. */
static bool
can_be_read_twice(const struct ctl_source *source, const struct stat *status)
{
	char byte;

	return S_ISREG(status->st_mode) &&
	       (status->st_size > 0 || pread(source->fd, &byte, 1, 0) <= 0);
}

static int
open_path(const char *path, bool is_found, struct ctl_source *source,
    struct stat *ret_status)
{
	int flags = O_RDONLY | O_CLOEXEC;

	if (is_found)
		flags |= O_NOFOLLOW | O_NONBLOCK;
	source->name = path;
	if (strcmp(path, "-") == 0 && !is_found) {
		source->name = "standard input";
		source->fd = dup(STDIN_FILENO);
	} else {
		source->fd = open(path, flags);
	}
	if (source->fd < 0 || fstat(source->fd, ret_status) != 0)
		return ctl_fail("cannot open %.200s: %m", source->name);
	if (S_ISDIR(ret_status->st_mode))
		return ctl_fail("%.200s is a directory", source->name);
	if (is_found && !S_ISREG(ret_status->st_mode))
		return ctl_fail(
		    "%.200s is no regular file any more", source->name);
	return CTL_OK;
}

bool
ctl_source_hash(int fd, uint64_t most, struct ctl_progress *progress,
    uint64_t *ret_size, uint8_t ret_hash[DIGEST_SHA256_SIZE])
{
	struct arena *arena = arena_open();
	char *piece = arena_room(arena, PIECE);
	struct digest digest;
	uint64_t size = 0;
	ssize_t count = 0;

	digest_begin(&digest);
	while (size < most && (count = pread(fd, piece,
				   most - size < PIECE ? most - size : PIECE,
				   (off_t)size)) > 0) {
		digest_add(&digest, span_of(piece, (size_t)count));
		size += (uint64_t)count;
		if (progress != NULL)
			ctl_progress_at(progress, size);
	}
	digest_end(&digest, ret_hash);
	arena_close(arena);
	*ret_size = size;
	return count >= 0;
}

/*
 * Hash the bytes that the file has now, not those that are added meanwhile: a
 * log may grow faster than we read.
 */
static int
hash(const struct ctl *ctl, struct ctl_source *source)
{
	struct ctl_progress progress;
	struct stat status;
	bool is_good;

	if (fstat(source->fd, &status) != 0)
		return ctl_fail("cannot read %.200s: %m", source->name);
	ctl_progress_begin(
	    &progress, ctl, source->name, (uint64_t)status.st_size);
	is_good = ctl_source_hash(source->fd, (uint64_t)status.st_size,
	    &progress, &source->size, source->hash);
	ctl_progress_end(&progress);
	return is_good ? CTL_OK
		       : ctl_fail("cannot read %.200s: %m", source->name);
}

int
ctl_source_open(const struct ctl *ctl, const char *path, bool is_found,
    struct ctl_source *ret_source)
{
	struct ctl_source source = { .fd = -1 };
	struct stat status;
	int exit_code;

	exit_code = open_path(path, is_found, &source, &status);
	/* stdin is always copied: a part of the file may have been read. */
	if (exit_code == CTL_OK && ((strcmp(path, "-") == 0 && !is_found) ||
				       !can_be_read_twice(&source, &status)))
		exit_code = set_aside(&source);
	if (exit_code == CTL_OK)
		exit_code = hash(ctl, &source);
	if (exit_code == CTL_OK)
		*ret_source = source;
	else
		ctl_source_close(&source);
	return exit_code;
}

void
ctl_source_close(struct ctl_source *source)
{
	if (source->fd >= 0)
		(void)close(source->fd);
	source->fd = -1;
}

/* ---- its media type ---- */

/* The media type of text files by the end of their names. */
static const char *const text_types[][2] = {
	{ ".md", "text/markdown" },
	{ ".markdown", "text/markdown" },
	{ ".csv", "text/csv" },
	{ ".css", "text/css" },
	{ ".html", "text/html" },
	{ ".js", "text/javascript" },
	{ ".json", "application/json" },
	{ ".jsonl", "application/x-ndjson" },
	{ ".yaml", "application/yaml" },
	{ ".yml", "application/yaml" },
	{ ".toml", "application/toml" },
	{ ".xml", "application/xml" },
};

static const char *
type_of_text(const char *name, const char *guess)
{
	const char *dot = strrchr(name, '.');
	size_t i;

	if (dot == NULL)
		return guess;
	for (i = 0; i < COUNT_OF(text_types); i++)
		if (span_is_nocase(span_str(dot), text_types[i][0]))
			return text_types[i][1];
	return guess;
}

/*
 * The database of libmagic; NULL: it cannot be loaded. To load it takes longer
 * than to send a small file, so it is loaded once and never closed.
 */
static magic_t
database(void)
{
	static magic_t magic;
	static bool was_tried;

	if (!was_tried) {
		was_tried = true;
		magic = magic_open(MAGIC_MIME_TYPE);
		if (magic != NULL && magic_load(magic, NULL) != 0) {
			magic_close(magic);
			magic = NULL;
		}
	}
	return magic;
}

/*
 * Guess a media type, in the arena, from the first bytes and, if these are
 * text, from the end of the name; else application/octet-stream.
 */
static const char *
guess_type(struct arena *arena, const char *name, struct span start)
{
	const char *guess = NULL;

	if (start.size == 0)
		guess = type_of_text(name, UNKNOWN);
	else if (database() != NULL)
		guess = magic_buffer(database(), start.data, start.size);
	guess = guess == NULL ? UNKNOWN : guess;
	if (strncmp(guess, "text/", 5) == 0)
		guess = type_of_text(name, guess);
	return arena_string(arena, span_str(guess));
}

int
ctl_source_type(const struct ctl_source *source, const char *path,
    struct arena *arena, const char **ret_type)
{
	size_t size =
	    source->size < TYPE_START ? (size_t)source->size : TYPE_START;
	char *start = arena_room(arena, size);
	ssize_t count = pread(source->fd, start, size, 0);

	if (count < 0)
		return ctl_fail("cannot read %.200s: %m", source->name);
	*ret_type = guess_type(arena, path, span_of(start, (size_t)count));
	return CTL_OK;
}

static void
say_cut(const struct ctl_source *source)
{
	struct stat status = { 0 };

	(void)fstat(source->fd, &status);
	(void)ctl_fail("%.200s was cut to %llu bytes while it was sent as "
		       "%llu; nothing was stored",
	    source->name, (unsigned long long)status.st_size,
	    (unsigned long long)source->size);
}

ssize_t
ctl_source_read(void *object, char *room, size_t size, uint64_t offset)
{
	const struct ctl_source *source = object;
	uint64_t left = source->size - offset;
	ssize_t count;

	if (size > left)
		size = (size_t)left;
	if (size == 0)
		return 0;
	do
		count = pread(source->fd, room, size, (off_t)offset);
	while (count < 0 && errno == EINTR);
	if (count < 0)
		(void)ctl_fail(
		    "cannot read %.200s: %m; nothing was stored", source->name);
	else if (count == 0)
		say_cut(source);
	return count > 0 ? count : -1;
}

void
ctl_source_tell_growth(const struct ctl_source *source)
{
	struct stat status;

	if (source->is_copy || fstat(source->fd, &status) != 0 ||
	    (uint64_t)status.st_size <= source->size)
		return;
	(void)ctl_error(CTL_OK,
	    "%.200s has grown to %llu bytes: the first %llu were sent",
	    source->name, (unsigned long long)status.st_size,
	    (unsigned long long)source->size);
}
