/* SPDX-License-Identifier: ISC */
/*
 * faults.c - a preloaded library that fails one call of one process, once.
 *
 * FAULTS names a file (struct orders, shared) that the test may write to at
 * any time. The calls of all processes of the daemon are counted down
 * together. The call that comes to zero is not made and fails with the given
 * errno, or is made with half its bytes. Calls that do not fail in practice
 * (close, the time) are left alone.
 *
 * strace can inject errors too, but it counts in each process separately: when
 * a process that failed is replaced, its successor fails at the same place.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define HALF 1000 /* as an errno: do half of it */

/* faults.py has the same names. */
/* clang-format off */
#define CALLS(_) \
	_(open) _(openat) _(read) _(pread) _(write) _(writev) _(pwrite) \
	_(lseek) _(fdatasync) _(fsync) _(ftruncate) _(mkdir) _(renameat) \
	_(fchmod) _(fchmodat) _(fstatat) _(fstatfs) _(fstatvfs) _(flock) \
	_(fcntl) _(socket) _(bind) _(listen) _(chmod) _(connect) \
	_(unlink) _(accept4) _(recvmsg) _(sendmsg) _(send) _(poll) _(shutdown) \
	_(setsockopt) _(socketpair) _(fork) _(waitpid) _(signalfd) _(prctl) \
	_(setrlimit) _(getrandom) _(mmap) _(munmap) _(malloc) _(calloc) \
	_(realloc) _(posix_memalign)
/* clang-format on */

enum role { ROLE_MASTER, ROLE_WRITER, ROLE_WORKER };

struct orders {
	char call[32];		/* "": none */
	_Atomic int64_t left;	/* calls until it fails */
	int64_t error;		/* errno, or HALF */
	_Atomic int64_t failed; /* how many did */
	_Atomic int64_t role;	/* of the one that failed */
	_Atomic int64_t master; /* pid */
};

static struct orders *orders;
static bool is_writer;

#define AS_POINTER(name) static __typeof__(&name) next_##name;
CALLS(AS_POINTER)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

/* Other libraries begin before us, and call. dlsym may allocate. */
static void
look_up(void)
{
	static bool has_begun;

	if (has_begun)
		return;
	has_begun = true;
#define LOOK_UP(name) next_##name = (__typeof__(&name))dlsym(RTLD_NEXT, #name);
	CALLS(LOOK_UP)
}

__attribute__((constructor)) static void
start(void)
{
	const char *path = getenv("FAULTS");
	int fd;

	look_up();
	if (path == NULL)
		return;
	fd = next_open(path, O_RDWR | O_CLOEXEC);
	orders = next_mmap(
	    NULL, sizeof(*orders), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || (void *)orders == MAP_FAILED)
		abort();
	(void)close(fd);
	orders->master = getpid();
}

static enum role
role(void)
{
	if (getpid() == orders->master)
		return ROLE_MASTER;
	return is_writer ? ROLE_WRITER : ROLE_WORKER;
}

/* 0, or what is to be done instead. */
static int64_t
fault(const char *name)
{
	look_up();
	if (orders == NULL || strcmp(orders->call, name) != 0 ||
	    orders->left <= 0 || atomic_fetch_sub(&orders->left, 1) != 1)
		return 0;
	orders->role = role();
	orders->failed++;
	return orders->error;
}

/* true: it fails, with errno set. */
static bool
fails(const char *name)
{
	int64_t error = fault(name);

	if (error != 0)
		errno = (int)error;
	return error != 0;
}

/* ---- files ---- */

int
open(const char *path, int flags, ...)
{
	const char *name = strrchr(path, '/');
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = (flags & O_CREAT) ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	is_writer |= name != NULL && strcmp(name, "/data.mdb") == 0 &&
		     (flags & O_ACCMODE) != O_RDONLY;
	return fails("open") ? -1 : next_open(path, flags, mode);
}

int
openat(int directory, const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = (flags & O_CREAT) ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	return fails("openat") ? -1 : next_openat(directory, path, flags, mode);
}

int
fcntl(int fd, int what, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, what);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return fails("fcntl") ? -1 : next_fcntl(fd, what, argument);
}

ssize_t
write(int fd, const void *bytes, size_t size)
{
	int64_t error = fault("write");

	if (error == 0 || error == HALF)
		return next_write(fd, bytes, error == HALF ? size / 2 : size);
	errno = (int)error;
	return -1;
}

ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t at)
{
	int64_t error = fault("pwrite");

	if (error == 0 || error == HALF)
		return next_pwrite(
		    fd, bytes, error == HALF ? size / 2 : size, at);
	errno = (int)error;
	return -1;
}

ssize_t
writev(int fd, const struct iovec *parts, int count)
{
	int64_t error = fault("writev");
	struct iovec half = parts[0];

	if (error == 0)
		return next_writev(fd, parts, count);
	half.iov_len /= 2;
	if (error == HALF)
		return next_writev(fd, &half, 1);
	errno = (int)error;
	return -1;
}

int
mkdir(const char *path, mode_t mode)
{
	is_writer = true; /* nobody else makes one */
	return fails("mkdir") ? -1 : next_mkdir(path, mode);
}

/* ---- the rest: made, or not ---- */

/* Define name, which fails with `bad`. */
#define PASS(type, name, bad, parameters, ...) \
	type name parameters \
	{ \
		return fails(#name) ? (bad) : next_##name(__VA_ARGS__); \
	}

/* clang-format off */
PASS(ssize_t, read, -1, (int fd, void *room, size_t size), fd, room, size)
PASS(ssize_t, pread, -1, (int fd, void *room, size_t size, off_t at), fd, room,
    size, at)
PASS(off_t, lseek, -1, (int fd, off_t at, int whence), fd, at, whence)
PASS(int, fdatasync, -1, (int fd), fd)
PASS(int, fsync, -1, (int fd), fd)
PASS(int, ftruncate, -1, (int fd, off_t size), fd, size)
PASS(int, renameat, -1, (int from, const char *old, int to, const char *name),
    from, old, to, name)
PASS(int, fchmod, -1, (int fd, mode_t mode), fd, mode)
PASS(int, fchmodat, -1, (int fd, const char *path, mode_t mode, int flags), fd,
    path, mode, flags)
PASS(int, fstatat, -1,
    (int fd, const char *path, struct stat *stat, int flags), fd, path, stat,
    flags)
PASS(int, fstatfs, -1, (int fd, struct statfs *stat), fd, stat)
PASS(int, fstatvfs, -1, (int fd, struct statvfs *stat), fd, stat)
PASS(int, flock, -1, (int fd, int what), fd, what)
PASS(int, socket, -1, (int family, int type, int protocol), family, type,
    protocol)
PASS(int, bind, -1, (int fd, const struct sockaddr *address, socklen_t size),
    fd, address, size)
PASS(int, listen, -1, (int fd, int backlog), fd, backlog)
PASS(int, chmod, -1, (const char *path, mode_t mode), path, mode)
PASS(int, connect, -1,
    (int fd, const struct sockaddr *address, socklen_t size), fd, address,
    size)
PASS(int, unlink, -1, (const char *path), path)
PASS(int, accept4, -1,
    (int fd, struct sockaddr *address, socklen_t *size, int flags), fd,
    address, size, flags)
PASS(ssize_t, recvmsg, -1, (int fd, struct msghdr *header, int flags), fd,
    header, flags)
PASS(ssize_t, sendmsg, -1, (int fd, const struct msghdr *header, int flags),
    fd, header, flags)
PASS(ssize_t, send, -1, (int fd, const void *data, size_t size, int flags), fd,
    data, size, flags)
PASS(int, poll, -1, (struct pollfd *list, nfds_t count, int wait), list, count,
    wait)
PASS(int, shutdown, -1, (int fd, int how), fd, how)
PASS(int, setsockopt, -1,
    (int fd, int level, int name, const void *value, socklen_t size), fd,
    level, name, value, size)
PASS(int, socketpair, -1, (int family, int type, int protocol, int fds[2]),
    family, type, protocol, fds)
PASS(pid_t, fork, -1, (void), )
PASS(pid_t, waitpid, -1, (pid_t pid, int *status, int flags), pid, status,
    flags)
PASS(int, signalfd, -1, (int fd, const sigset_t *set, int flags), fd, set,
    flags)
PASS(int, setrlimit, -1,
    (__rlimit_resource_t what, const struct rlimit *limit), what, limit)
PASS(ssize_t, getrandom, -1, (void *room, size_t size, unsigned flags), room,
    size, flags)
PASS(void *, mmap, MAP_FAILED,
    (void *address, size_t size, int protection, int flags, int fd, off_t at),
    address, size, protection, flags, fd, at)
PASS(int, munmap, -1, (void *address, size_t size), address, size)
/* clang-format on */

int
prctl(int what, ...)
{
	va_list arguments;
	unsigned long list[4];
	size_t i;

	va_start(arguments, what);
	for (i = 0; i < 4; i++)
		list[i] = va_arg(arguments, unsigned long);
	va_end(arguments);
	return fails("prctl")
		   ? -1
		   : next_prctl(what, list[0], list[1], list[2], list[3]);
}

/* ---- memory: called before `start`, and by dlsym ---- */

void *
malloc(size_t size)
{
	return fails("malloc") ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails("calloc") ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return fails("realloc") ? NULL : __libc_realloc(old, size);
}

int
posix_memalign(void **ret_room, size_t boundary, size_t size)
{
	return fails("posix_memalign")
		   ? ENOMEM
		   : next_posix_memalign(ret_room, boundary, size);
}
