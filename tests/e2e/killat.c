/* SPDX-License-Identifier: ISC */
/*
 * killat.c - a preloaded library that kills a program at one of its calls.
 *
 * It counts calls that change files in the file KILLAT_COUNT, for all processes
 * of the program together. Before the call with the number KILLAT it kills the
 * whole process group. With KILLAT_ERROR that call fails with this errno
 * instead; with KILLAT_STOP its process is stopped.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static _Atomic long *count;
static long at;
static int error;

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("KILLAT_COUNT");
	const char *number = getenv("KILLAT");
	const char *code = getenv("KILLAT_ERROR");
	int fd;

	if (path == NULL || number == NULL)
		return;
	at = strtol(number, NULL, 10);
	error = code != NULL ? (int)strtol(code, NULL, 10) : 0;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0 || ftruncate(fd, sizeof(*count)) != 0)
		abort();
	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);
	if (count == MAP_FAILED)
		abort();
	close(fd);
}

/* Is this the one, and to fail? */
static bool
fails(void)
{
	if (count == NULL || atomic_fetch_add(count, 1) + 1 != at)
		return false;
	if (getenv("KILLAT_STOP") != NULL) {
		raise(SIGSTOP);
		return false;
	}
	if (error == 0)
		kill(0, SIGKILL);
	errno = error;
	return true;
}

/* A wrapper: what it gives, its name, parameters as declared and as passed. */
#define WRAP(type, name, parameters, arguments) \
	type name parameters; \
	type name parameters \
	{ \
		static type(*real) parameters; \
		if (real == NULL) \
			real = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
		if (fails()) \
			return -1; \
		return real arguments; \
	}

WRAP(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at_),
    (fd, data, size, at_))
WRAP(ssize_t, write, (int fd, const void *data, size_t size),
    (fd, data, size))
WRAP(ssize_t, writev, (int fd, const struct iovec *parts, int number),
    (fd, parts, number))
WRAP(ssize_t, pwritev,
    (int fd, const struct iovec *parts, int number, off_t at_),
    (fd, parts, number, at_))
WRAP(ssize_t, copy_file_range,
    (int from, off_t *from_at, int to, off_t *to_at, size_t size,
	unsigned flags),
    (from, from_at, to, to_at, size, flags))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, fdatasync, (int fd), (fd))
WRAP(int, ftruncate, (int fd, off_t size), (fd, size))
WRAP(int, rename, (const char *from, const char *to), (from, to))
WRAP(int, renameat, (int one, const char *from, int other, const char *to),
    (one, from, other, to))
WRAP(int, unlink, (const char *path), (path))
WRAP(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
WRAP(int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode))
