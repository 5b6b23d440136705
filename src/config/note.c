/* SPDX-License-Identifier: ISC */
/*
 * note.c - reading and writing notes. What else may have the name of a note, a
 * pipe or a file without end, must not stop the reader: it takes a regular file
 * of bounded size, or nothing.
 */

#include "note.h"

#include "base/mem.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTE_MOST 1024 /* bytes; ours have some 100 */
#define DIGITS_MOST 18 /* so that every number fits */
#define NAME_MOST 64

enum key {
	PROBLEMS,
	IS_OK,
	DURATION,
	BYTES,
	DEEP,
	PLACE,
	SUCCEEDED,
	FINISHED,
	KEYS
};

/* In the order in which they are written. */
static const char *const keys[KEYS] = { "problems", "is_ok", "duration",
	"bytes", "deep", "place", "succeeded", "finished" };

/* ---- reading ---- */

/* *ret_key is KEYS for a key that is not ours. */
static bool
parse_line(struct span line, uint64_t values[KEYS], enum key *ret_key)
{
	struct span value = line;
	struct span name = span_split(&value, '=');
	enum key key = 0;

	while (key < KEYS && !span_is(name, keys[key]))
		key++;
	*ret_key = key;
	return value.data != NULL &&
	       (key == KEYS || (value.size <= DIGITS_MOST &&
				   span_number(value, &values[key])));
}

static enum result
parse(struct span text, struct note *ret_note)
{
	uint64_t values[KEYS] = { 0 };
	enum key last = KEYS;

	if (text.size == 0 || text.data[text.size - 1] != '\n')
		return RESULT_MALFORMED;
	text.size--;
	while (text.data != NULL)
		if (!parse_line(span_split(&text, '\n'), values, &last))
			return RESULT_MALFORMED;
	if (last != FINISHED)
		return RESULT_MALFORMED;
	*ret_note = (struct note){
		.finished = values[FINISHED],
		.is_ok = values[IS_OK] != 0,
		.problems = values[PROBLEMS],
		.duration = values[DURATION],
		.bytes = values[BYTES],
		.is_deep = values[DEEP] != 0,
		/* Notes of earlier versions lack it when they are of one. */
		.succeeded =
		    values[IS_OK] != 0 ? values[FINISHED] : values[SUCCEEDED],
		.place = values[PLACE] <= NOTE_PLACE_OTHER
			     ? (enum note_place)values[PLACE]
			     : NOTE_PLACE_UNKNOWN,
	};
	return RESULT_OK;
}

static enum result
read_file(int fd, struct note *ret_note)
{
	char text[NOTE_MOST];
	struct stat file;
	ssize_t size;

	if (fstat(fd, &file) != 0)
		return RESULT_IO;
	if (!S_ISREG(file.st_mode) || file.st_size > NOTE_MOST)
		return RESULT_MALFORMED;
	size = pread(fd, text, sizeof(text), 0);
	if (size < 0)
		return RESULT_IO;
	return parse(span_of(text, (size_t)size), ret_note);
}

static int
open_directory(const char *directory)
{
	return open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

enum result
note_read(const char *directory, const char *name, struct note *ret_note)
{
	int parent = open_directory(directory);
	enum result result;
	int fd, error;

	if (parent < 0)
		return RESULT_IO;
	fd = openat(parent, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	error = errno;
	(void)close(parent); /* nothing was written */
	if (fd < 0) {
		errno = error;
		/* ELOOP: a link, which none of ours is. */
		if (error == ELOOP)
			return RESULT_MALFORMED;
		return error == ENOENT ? RESULT_NOT_FOUND : RESULT_IO;
	}
	result = read_file(fd, ret_note);
	error = errno;
	(void)close(fd); /* nothing was written */
	errno = error;
	return result;
}

/* ---- writing ---- */

/*
 * Calls of stdio are not allowed in a handler of signals, in which a note of
 * what was ended half way is written.
 */
static size_t
put_text(char *text, const char *more)
{
	size_t size = strlen(more);

	memcpy(text, more, size);
	return size;
}

static size_t
put_number(char *text, uint64_t number)
{
	char digits[20];
	size_t count = 0, i;

	do
		digits[count++] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	for (i = 0; i < count; i++)
		text[i] = digits[count - 1 - i];
	return count;
}

static size_t
format(
    const struct note *note, const struct note *success, char text[NOTE_MOST])
{
	const uint64_t values[KEYS] = {
		[PROBLEMS] = note->problems,
		[IS_OK] = note->is_ok,
		[DURATION] = note->duration,
		[BYTES] = note->bytes,
		[DEEP] = note->is_deep,
		[PLACE] = success->place,
		[SUCCEEDED] = success->succeeded,
		[FINISHED] = note->finished,
	};
	size_t size = 0, key;

	/* Eight lines of 31 bytes each, at most. */
	for (key = 0; key < KEYS; key++) {
		size += put_text(text + size, keys[key]);
		size += put_text(text + size, "=");
		size += put_number(text + size, values[key]);
		size += put_text(text + size, "\n");
	}
	return size;
}

/* Does this name still stand for the open file? */
static bool
is_named(int parent, const char *name, int fd)
{
	struct stat here, there;

	return fstat(fd, &here) == 0 &&
	       fstatat(parent, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

/*
 * Open the draft of a note and lock it, so that no other process writes one at
 * the same time. A process that waited for the lock finds that the draft has
 * become the note, and makes another draft. -1: errno says why.
 */
static int
open_draft(int parent, const char *name)
{
	int fd, error;

	for (;;) {
		fd = openat(parent, name,
		    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		    0600);
		if (fd < 0)
			return -1;
		if (flock(fd, LOCK_EX) != 0)
			break;
		if (is_named(parent, name, fd))
			return fd;
		(void)close(fd); /* nothing was written */
	}
	error = errno;
	(void)close(fd); /* nothing was written */
	errno = error;
	return -1;
}

/* When a check or backup last ended well. To be called with the draft locked,
 * so that no other process writes a note of a success meanwhile. */
static struct note
last_success(const char *directory, const char *name, const struct note *note)
{
	struct note last = { .succeeded = note->finished,
		.place = note->place };

	if (note->is_ok)
		return last;
	last = (struct note){ 0 };
	/* A note that cannot be read tells of no success, and is replaced. */
	(void)!note_read(directory, name, &last);
	return last;
}

static bool
write_draft(int fd, const struct note *note, const struct note *success)
{
	char text[NOTE_MOST];
	size_t size = format(note, success, text);

	return ftruncate(fd, 0) == 0 &&
	       write(fd, text, size) == (ssize_t)size && fsync(fd) == 0;
}

enum result
note_write(const char *directory, const char *name, const struct note *note)
{
	int parent = open_directory(directory);
	char draft[NAME_MOST];
	size_t size;
	struct note success = { 0 };
	bool is_done;
	int fd, error;

	if (parent < 0)
		return RESULT_IO;
	assert(strlen(name) + sizeof(".new") <= sizeof(draft));
	size = put_text(draft, name);
	size += put_text(draft + size, ".new");
	draft[size] = '\0';
	fd = open_draft(parent, draft);
	if (fd >= 0)
		success = last_success(directory, name, note);
	is_done = fd >= 0 && write_draft(fd, note, &success) &&
		  renameat(parent, draft, parent, name) == 0 &&
		  fsync(parent) == 0;
	error = errno;
	if (!is_done && fd >= 0 && is_named(parent, draft, fd))
		(void)unlinkat(parent, draft, 0); /* or it stays */
	if (fd >= 0)
		(void)close(fd); /* it is synced, or has failed */
	(void)close(parent);	 /* likewise */
	errno = error;
	return is_done ? RESULT_OK : RESULT_IO;
}
