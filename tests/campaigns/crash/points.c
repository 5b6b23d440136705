/* SPDX-License-Identifier: ISC */
/*
 * points.c - a preloaded library that kills a process at a named point, and
 * moves the clock.
 *
 * CRASH_POINTS names a file of 64 bytes that the test may write to at any
 * time: the number of the armed point; the number of calls after which one
 * process dies there, which disarms the point; microseconds to add to the
 * clock. All three are 64 bits wide.
 *
 * A process ends by a trap, which is as sudden as SIGKILL: no more code of the
 * process runs, and the sandbox cannot prevent it. At one point a call fails
 * instead.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NEXT(name) ((__typeof__(&name))next_##name)
#define FDS 1024

/* crash.py has the same names in the same order. */
enum point {
	NOWHERE,
	WRITER_HEARD,	  /* a change came, nothing is put yet */
	WRITER_WRITES,	  /* the first page of a commit is to be written */
	WRITER_SYNCED,	  /* all pages are on disk, the meta page is not */
	WRITER_COMMITTED, /* the meta page is too, nobody knows */
	WRITER_ANSWERS,
	WORKER_ASKS,
	WORKER_HEARD, /* the writer's answer */
	WORKER_ANSWERS,
	WRITER_SYNC_FAILS, /* and it has to end by itself */
};

struct orders {
	_Atomic uint64_t point;
	uint64_t one_in;
	int64_t clock;
};

static struct orders *orders;
static bool is_data[FDS], is_meta[FDS], is_writer, is_worker;
static uint64_t state;
static void *next_open, *next_pwrite, *next_writev, *next_fdatasync,
    *next_recvmsg, *next_send, *next_accept4, *next_clock_gettime;

__attribute__((constructor)) static void
start(void)
{
	const char *path = getenv("CRASH_POINTS");
	int fd;

	next_open = dlsym(RTLD_NEXT, "open");
	next_pwrite = dlsym(RTLD_NEXT, "pwrite");
	next_writev = dlsym(RTLD_NEXT, "writev");
	next_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
	next_recvmsg = dlsym(RTLD_NEXT, "recvmsg");
	next_send = dlsym(RTLD_NEXT, "send");
	next_accept4 = dlsym(RTLD_NEXT, "accept4");
	next_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	if (path == NULL)
		return;
	fd = NEXT(open)(path, O_RDWR | O_CLOEXEC);
	orders = mmap(
	    NULL, sizeof(*orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || orders == MAP_FAILED)
		abort();
	(void)close(fd);
}

/* Is it the one that is armed, and this call the one that meets it? */
static bool
comes(enum point point)
{
	if (orders == NULL || orders->point != point)
		return false;
	if (state == 0)
		state = (uint64_t)getpid() * 0x9e3779b97f4a7c15;
	state = state * 6364136223846793005 + 1442695040888963407;
	return (state >> 33) % orders->one_in == 0 &&
	       atomic_exchange(&orders->point, NOWHERE) == point;
}

static void
at(enum point point)
{
	if (comes(point))
		__builtin_trap();
}

int
open(const char *path, int flags, ...)
{
	const char *name = strrchr(path, '/');
	int fd = NEXT(open)(path, flags, 0600);

	if (fd < 0 || fd >= FDS)
		return fd;
	is_data[fd] = name != NULL && strcmp(name, "/data.mdb") == 0 &&
		      (flags & O_ACCMODE) != O_RDONLY;
	is_meta[fd] = is_data[fd] && (flags & O_DSYNC) != 0;
	is_writer |= is_data[fd];
	return fd;
}

ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	ssize_t written;

	if (is_data[fd % FDS] && !is_meta[fd % FDS])
		at(WRITER_WRITES);
	written = NEXT(pwrite)(fd, bytes, size, offset);
	if (is_meta[fd % FDS])
		at(WRITER_COMMITTED);
	return written;
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	if (is_data[fd % FDS])
		at(WRITER_WRITES);
	else if (is_worker)
		at(WORKER_ANSWERS);
	return NEXT(writev)(fd, parts, count);
}

int
fdatasync(int fd)
{
	int code;

	if (comes(WRITER_SYNC_FAILS)) {
		errno = EIO;
		return -1;
	}
	code = NEXT(fdatasync)(fd);
	at(WRITER_SYNCED);
	return code;
}

ssize_t
recvmsg(int fd, struct msghdr *header, int flags)
{
	ssize_t size = NEXT(recvmsg)(fd, header, flags);

	if (size > 0)
		at(is_writer ? WRITER_HEARD : WORKER_HEARD);
	return size;
}

ssize_t
send(int fd, const void *message, size_t size, int flags)
{
	if (is_writer)
		at(WRITER_ANSWERS);
	else if (is_worker)
		at(WORKER_ASKS);
	return NEXT(send)(fd, message, size, flags);
}

int
accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	is_worker = true;
	return NEXT(accept4)(fd, address, size, flags);
}

int
clock_gettime(clockid_t clock, struct timespec *ret_time)
{
	int code = NEXT(clock_gettime)(clock, ret_time);

	if (code == 0 && clock == CLOCK_REALTIME && orders != NULL)
		ret_time->tv_sec += orders->clock / 1000000;
	return code;
}
