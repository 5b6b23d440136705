/* SPDX-License-Identifier: ISC */
/*
 * sandbox_acts.c - acts that a role must not do, and some that it must, each
 * tried in a child of its own. The acts do no harm if they succeed.
 */

#include "base/rights.h"
#include "daemon/connections.h"
#include "daemon/sandbox.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOWHERE "/nonexistent/artifactd"
#define MIB ((size_t)1024 * 1024)
#define MEMORY (64 * MIB) /* that a worker gets here */

/* How a child ends that was not stopped. */
#define CHILD_DONE 0
#define CHILD_FAILED 1
#define CHILD_REFUSED 2 /* there was no sandbox to try it in */

#define BY_WORKER (1U << SANDBOX_WORKER)
#define BY_WRITER (1U << SANDBOX_WRITER)
#define BY_BOTH (BY_WORKER | BY_WRITER)

/* What is open before the sandbox, as the like is in a worker. */
struct things {
	int file;     /* in memory: lock.mdb */
	int listener; /* where a peer waits */
	int peer;
	int channel; /* and its other end: the writer's */
	int other_end;
	struct pool pool;
	int epoll;
};

/* ---- acts: true when the kernel did it ---- */

static bool
open_to_read(const struct things *things)
{
	(void)things;
	return open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool
open_to_write(const struct things *things)
{
	(void)things;
	return open("/dev/null", O_WRONLY | O_CLOEXEC) >= 0;
}

static bool
make_socket(const struct things *things)
{
	(void)things;
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool
make_connection(const struct things *things)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	return connect(things->file, &nobody, sizeof(nobody)) == 0;
}

static bool
execute(const struct things *things)
{
	char *nothing[] = { NULL };

	(void)things;
	return execve(NOWHERE, nothing, nothing) == 0;
}

static bool
make_process(const struct things *things)
{
	pid_t pid = fork();

	(void)things;
	if (pid == 0)
		_exit(CHILD_DONE);
	return pid > 0;
}

static bool
trace(const struct things *things)
{
	(void)things;
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool
map_code(const struct things *things)
{
	(void)things;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool
map_file(const struct things *things)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
		   things->file, 0) != MAP_FAILED;
}

static bool
signal_parent(const struct things *things)
{
	(void)things;
	return kill(getppid(), 0) == 0;
}

static bool
change_mode(const struct things *things)
{
	return fchmod(things->file, 0600) == 0;
}

static bool
remove_file(const struct things *things)
{
	(void)things;
	return unlink(NOWHERE) == 0;
}

static bool
shorten_file(const struct things *things)
{
	return ftruncate(things->file, 0) == 0;
}

static bool
write_at(const struct things *things)
{
	return pwrite(things->file, "x", 1, 0) == 1;
}

static bool
append(const struct things *things)
{
	return write(things->file, "x", 1) == 1;
}

static bool
append_pieces(const struct things *things)
{
	struct iovec piece = { (void *)(uintptr_t) "x", 1 };

	return writev(things->file, &piece, 1) == 1;
}

/* The kernel takes the lower half for the descriptor. */
static bool
append_by_long_number(const struct things *things)
{
	long number = (long)(UINT64_C(1) << 32 | (unsigned)things->file);

	return syscall(SYS_write, number, "x", 1) == 1;
}

static bool
lock_bytes(const struct things *things)
{
	struct flock lock = { .l_type = F_WRLCK, .l_len = 1 };

	return fcntl(things->file, F_SETLK, &lock) == 0;
}

static bool
ask_for_lock(const struct things *things)
{
	struct flock lock = { .l_type = F_WRLCK, .l_len = 1 };

	return fcntl(things->file, F_GETLK, &lock) == 0;
}

static bool
shut_listener(const struct things *things)
{
	return shutdown(things->listener, SHUT_RDWR) == 0;
}

static bool
shut_half_of_listener(const struct things *things)
{
	return shutdown(things->listener, SHUT_WR) == 0;
}

static bool
set_timeout(int fd, int option)
{
	struct timeval timeout = { .tv_sec = 1 };

	return setsockopt(fd, SOL_SOCKET, option, &timeout, sizeof(timeout)) ==
	       0;
}

static bool
hurry_listener(const struct things *things)
{
	return set_timeout(things->listener, SO_RCVTIMEO);
}

static bool
shut_connection(const struct things *things)
{
	int fd = accept4(things->listener, NULL, NULL, SOCK_CLOEXEC);

	return shutdown(fd, SHUT_RDWR) == 0;
}

/* As libfcgi does behind a record that it cannot read. */
static bool
accept_in_vain(const struct things *things)
{
	(void)things;
	return accept(-1, NULL, NULL) == -1 && errno == EBADF;
}

static bool
accept_without_flags(const struct things *things)
{
	return accept(things->listener, NULL, NULL) >= 0;
}

/* As fcgi.c does. */
static bool
serve_connection(const struct things *things)
{
	int fd = accept4(things->listener, NULL, NULL, SOCK_CLOEXEC);
	struct iovec piece = { (void *)(uintptr_t) "x", 1 };

	return set_timeout(fd, SO_RCVTIMEO) && set_timeout(fd, SO_SNDTIMEO) &&
	       write(fd, "x", 1) == 1 && writev(fd, &piece, 1) == 1 &&
	       shutdown(fd, SHUT_WR) == 0 && close(fd) == 0;
}

static bool
send_message(const struct things *things)
{
	return send(things->channel, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

static bool
send_to_address(const struct things *things)
{
	const struct sockaddr_un somebody = { .sun_family = AF_UNIX,
		.sun_path = NOWHERE };

	return sendto(things->channel, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT,
		   (const struct sockaddr *)&somebody, sizeof(somebody)) == 1;
}

static bool
send_descriptor(const struct things *things)
{
	return rights_give(things->channel, things->file);
}

static bool
send_descriptor_to_peer(const struct things *things)
{
	int fd = accept4(things->listener, NULL, NULL, SOCK_CLOEXEC);

	return fd >= 0 && rights_give(fd, things->file);
}

static bool
send_descriptor_back(const struct things *things)
{
	return rights_give(things->pool.take_fd, things->file);
}

static bool
share_connection(const struct things *things)
{
	int fd = accept4(things->listener, NULL, NULL, SOCK_CLOEXEC), taken;

	return fd >= 0 && rights_give(things->pool.give_fd, fd) &&
	       close(fd) == 0 && rights_take(things->pool.take_fd, &taken) &&
	       taken == fd && write(fd, "x", 1) == 1;
}

/* The lists of calls are by number: all that a worker can get. Of nothing, or
 * the peer's buffer would be full. */
static bool
write_to_all_that_come(const struct things *things)
{
	struct iovec piece = { NULL, 0 };
	int fd, last = -1;

	while (rights_give(things->pool.give_fd, things->peer) &&
	       rights_take(things->pool.take_fd, &fd) && fd >= 0) {
		if (write(fd, "", 0) != 0 || writev(fd, &piece, 1) != 0 ||
		    !set_timeout(fd, SO_RCVTIMEO))
			return false;
		last = fd;
	}
	return last == 255 && shutdown(last, SHUT_WR) == 0;
}

/* As a worker that has a turn does. */
static bool
wait_for_connection(const struct things *things)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	struct pollfd backlog = { .fd = things->listener, .events = POLLIN };
	int fd = things->pool.take_fd;
	sigset_t none;

	(void)sigemptyset(&none);
	return rights_give(things->pool.give_fd, things->peer) &&
	       epoll_ctl(things->epoll, EPOLL_CTL_ADD, fd, &event) == 0 &&
	       epoll_pwait(things->epoll, &event, 1, -1, &none) == 1 &&
	       epoll_ctl(things->epoll, EPOLL_CTL_DEL, fd, &event) == 0 &&
	       poll(&backlog, 1, 0) == 1;
}

static bool
make_epoll(const struct things *things)
{
	(void)things;
	return epoll_create1(EPOLL_CLOEXEC) >= 0;
}

/* Above what any system numbers its processes with. */
static bool
abort_other_process(const struct things *things)
{
	(void)things;
	return syscall(SYS_tgkill, INT_MAX, INT_MAX, SIGABRT) == 0;
}

static bool
signal_itself(const struct things *things)
{
	(void)things;
	return syscall(SYS_tgkill, getpid(), gettid(), 0) == 0;
}

static void *
map(size_t size, int flags)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static bool
map_what_grows(const struct things *things)
{
	(void)things;
	return map(MIB, MAP_GROWSDOWN) != MAP_FAILED;
}

/* A page of it that holds nothing moves, and becomes a mebibyte. */
static bool
enlarge_stack(const struct things *things)
{
	char room[3 * 4096];
	uintptr_t page = ((uintptr_t)room + 4095) & ~(uintptr_t)4095;

	(void)things;
	return mremap((void *)page, 4096, MIB, MREMAP_MAYMOVE) != MAP_FAILED;
}

static bool
advise_other(const struct things *things)
{
	(void)things;
	return madvise(map(4096, 0), 4096, MADV_NORMAL) == 0;
}

static bool
give_back(const struct things *things)
{
	char *piece = map(MIB, 0);

	(void)things;
	return piece != MAP_FAILED && madvise(piece, MIB, MADV_DONTNEED) == 0 &&
	       madvise(piece, MIB, MADV_FREE) == 0;
}

static bool
enlarge_block(const struct things *things)
{
	char *piece = map(MIB, 0);

	(void)things;
	return piece != MAP_FAILED &&
	       mremap(piece, MIB, 4 * MIB, MREMAP_MAYMOVE) != MAP_FAILED;
}

static bool
take_more_than_all(const struct things *things)
{
	(void)things;
	return map(MEMORY, 0) != MAP_FAILED;
}

/* All of it is refused, in one piece and in many, but not with death. */
static bool
hear_no(const struct things *things)
{
	size_t taken = 0;

	while (taken < MEMORY && map(MIB, 0) != MAP_FAILED)
		taken += MIB;
	return !take_more_than_all(things) && taken > MEMORY / 2 &&
	       taken < MEMORY;
}

static bool
take_memory(const struct things *things)
{
	volatile char *piece = malloc(MIB);

	(void)things;
	if (piece == NULL)
		return false;
	piece[MIB - 1] = 1;
	free((void *)piece);
	return true;
}

static bool
take_random(const struct things *things)
{
	char bytes[16];

	(void)things;
	return getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes);
}

static bool
tell_time(const struct things *things)
{
	struct timespec now;

	(void)things;
	return clock_gettime(CLOCK_REALTIME, &now) == 0;
}

static const struct act {
	const char *name;
	bool (*act)(const struct things *things);
	unsigned forbidden, allowed; /* roles */
} acts[] = {
	{ "open a file for writing", open_to_write, BY_BOTH, 0 },
	{ "open a file for reading", open_to_read, BY_BOTH, 0 },
	{ "make a socket", make_socket, BY_BOTH, 0 },
	{ "connect", make_connection, BY_BOTH, 0 },
	{ "execute a program", execute, BY_BOTH, 0 },
	{ "start a process", make_process, BY_BOTH, 0 },
	{ "trace", trace, BY_BOTH, 0 },
	{ "map memory as code", map_code, BY_BOTH, 0 },
	{ "map a file", map_file, BY_BOTH, 0 },
	{ "signal the parent", signal_parent, BY_BOTH, 0 },
	{ "change a mode", change_mode, BY_BOTH, 0 },
	{ "remove a file", remove_file, BY_BOTH, 0 },
	{ "shorten a file", shorten_file, BY_BOTH, 0 },
	{ "write into a file", write_at, BY_WORKER, BY_WRITER },
	{ "append to a file", append, BY_BOTH, 0 },
	{ "append pieces to a file", append_pieces, BY_WORKER, BY_WRITER },
	{ "append to a file by a long number", append_by_long_number, BY_BOTH,
	    0 },
	{ "lock bytes of a file", lock_bytes, BY_WORKER, BY_WRITER },
	{ "ask who has locked a file", ask_for_lock, 0, BY_BOTH },
	{ "shut the listening socket", shut_listener, BY_BOTH, 0 },
	{ "shut half of the listening socket", shut_half_of_listener, BY_BOTH,
	    0 },
	{ "change the listening socket's timeout", hurry_listener, BY_BOTH, 0 },
	{ "shut a connection both ways", shut_connection, BY_BOTH, 0 },
	{ "serve a connection", serve_connection, BY_WRITER, BY_WORKER },
	{ "accept in vain", accept_in_vain, BY_WRITER, BY_WORKER },
	{ "accept without flags", accept_without_flags, BY_BOTH, 0 },
	{ "send a message", send_message, 0, BY_BOTH },
	{ "send a message to an address", send_to_address, BY_BOTH, 0 },
	{ "send a descriptor", send_descriptor, BY_BOTH, 0 },
	{ "send a descriptor to a peer", send_descriptor_to_peer, BY_BOTH, 0 },
	{ "send a descriptor by where it takes them", send_descriptor_back,
	    BY_BOTH, 0 },
	{ "share a connection", share_connection, BY_WRITER, BY_WORKER },
	{ "write to all that comes after", write_to_all_that_come, BY_WRITER,
	    BY_WORKER },
	{ "wait for a connection", wait_for_connection, BY_WRITER, BY_WORKER },
	{ "make another thing to wait by", make_epoll, BY_BOTH, 0 },
	{ "abort another process", abort_other_process, BY_BOTH, 0 },
	{ "send itself another signal", signal_itself, BY_BOTH, 0 },
	{ "map memory that grows by itself", map_what_grows, BY_BOTH, 0 },
	{ "make its stack longer", enlarge_stack, BY_BOTH, 0 },
	{ "advise on memory", advise_other, BY_BOTH, 0 },
	{ "give memory back", give_back, 0, BY_BOTH },
	{ "make a block longer", enlarge_block, 0, BY_BOTH },
	{ "be refused more memory than its limit", hear_no, 0, BY_WORKER },
	{ "take more memory than a worker", take_more_than_all, 0, BY_WRITER },
	{ "take a mebibyte", take_memory, 0, BY_BOTH },
	{ "take random bytes", take_random, 0, BY_BOTH },
	{ "tell the time", tell_time, 0, BY_BOTH },
};

/* ---- trying them ---- */

_Noreturn static void
run_child(
    enum sandbox_role role, const struct act *act, const struct things *things)
{
	uint64_t memory = role == SANDBOX_WORKER ? MEMORY : 0;
	const struct pool *pool = role == SANDBOX_WORKER ? &things->pool : NULL;

	if (sandbox_enter(role, memory, pool) != RESULT_OK)
		_exit(CHILD_REFUSED);
	_exit(act->act(things) ? CHILD_DONE : CHILD_FAILED);
}

/* How the act went, in words; *ret_is_good: as it should. */
static const char *
tell_outcome(int status, bool is_allowed, bool *ret_is_good)
{
	bool is_stopped = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	bool is_done = WIFEXITED(status) && WEXITSTATUS(status) == CHILD_DONE;

	*ret_is_good = is_allowed ? is_done : is_stopped;
	if (is_stopped)
		return "stopped";
	if (is_done)
		return "done";
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_REFUSED)
		return "not tried: the kernel refuses the sandbox";
	return "not stopped, though it failed";
}

static void
try_act(
    enum sandbox_role role, const struct act *act, const struct things *things)
{
	bool is_allowed = (act->allowed & 1U << role) != 0, is_good;
	const char *outcome;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		run_child(role, act, things);
	cr_assert_gt(pid, 0);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	outcome = tell_outcome(status, is_allowed, &is_good);
	cr_expect(is_good, "%s, %s: %s: %s",
	    role == SANDBOX_WORKER ? "worker" : "writer",
	    is_allowed ? "may" : "must not", act->name, outcome);
}

/* ---- what they are tried on ---- */

/* The kernel finds the address, so that nothing stays behind. */
static int
listen_somewhere(struct sockaddr_un *ret_address, socklen_t *ret_size)
{
	struct sockaddr *address = (struct sockaddr *)ret_address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	*ret_size = sizeof(ret_address->sun_family);
	cr_assert_eq(bind(fd, address, *ret_size), 0);
	cr_assert_eq(listen(fd, 1), 0);
	*ret_size = sizeof(*ret_address);
	cr_assert_eq(getsockname(fd, address, ret_size), 0);
	return fd;
}

static void
open_things(struct things *things)
{
	struct sockaddr_un address;
	socklen_t size;
	int pair[2];

	cr_assert_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	things->channel = pair[0];
	things->other_end = pair[1];
	cr_assert(pool_open(&things->pool));
	things->epoll = epoll_create1(EPOLL_CLOEXEC);
	things->file = memfd_create("acts", MFD_CLOEXEC);
	things->listener = listen_somewhere(&address, &size);
	things->peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_geq(things->file, 0);
	cr_assert_eq(
	    connect(things->peer, (const struct sockaddr *)&address, size), 0);
}

static void
close_things(struct things *things)
{
	(void)close(things->channel);
	(void)close(things->other_end);
	pool_close(&things->pool);
	(void)close(things->epoll);
	(void)close(things->file);
	(void)close(things->listener);
	(void)close(things->peer);
}

/* With new things for each act, since the act before may have spoilt them. */
static void
try_role(enum sandbox_role role)
{
	struct things things;
	size_t i;

	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
		if (((acts[i].forbidden | acts[i].allowed) & 1U << role) == 0)
			continue;
		open_things(&things);
		try_act(role, &acts[i], &things);
		close_things(&things);
	}
}

Test(sandbox, stops_each_forbidden_act_and_no_other)
{
	if (!sandbox_is_built())
		cr_skip_test("built without the sandbox");
	try_role(SANDBOX_WORKER);
	try_role(SANDBOX_WRITER);
}

/* What is open before, wherever it lies among what comes after. */
static const int islands[] = { 31, 32, 63, 64, 77, 128, 191, 240, 254, 255 };

static int island;

static bool
append_to_island(const struct things *things)
{
	(void)things;
	return write(island, "x", 1) == 1;
}

static bool
write_around_islands(const struct things *things)
{
	size_t i, count = sizeof(islands) / sizeof(islands[0]);
	int fd, seen = 0;

	while (rights_give(things->pool.give_fd, things->peer) &&
	       rights_take(things->pool.take_fd, &fd) && fd >= 0) {
		for (i = 0; i < count; i++)
			if (fd == islands[i])
				return false;
		if (write(fd, "", 0) != 0)
			return false;
		seen = fd;
	}
	return seen == 253;
}

Test(sandbox, lets_only_what_comes_after_be_written_among_what_is_open)
{
	static const struct act refused = { "append to what was open",
		append_to_island, BY_WORKER, 0 };
	static const struct act allowed = { "write to what came after",
		write_around_islands, 0, BY_WORKER };
	size_t i, count = sizeof(islands) / sizeof(islands[0]);
	struct things things;

	if (!sandbox_is_built())
		cr_skip_test("built without the sandbox");
	open_things(&things);
	for (i = 0; i < count; i++)
		cr_assert_eq(dup2(things.file, islands[i]), islands[i]);
	for (i = 0; i < count; i++) {
		island = islands[i];
		try_act(SANDBOX_WORKER, &refused, &things);
	}
	try_act(SANDBOX_WORKER, &allowed, &things);
	for (i = 0; i < count; i++)
		(void)close(islands[i]);
	close_things(&things);
}
