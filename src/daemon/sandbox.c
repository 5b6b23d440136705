/* SPDX-License-Identifier: ISC */
/*
 * sandbox.c - the system calls of each role, and the way into them. The
 * door to libseccomp; knows nothing of what the roles do with their calls.
 *
 * A list holds the calls that the role makes after its start, and those that
 * libc may make for it: to grow the heap, to ask for the time where there is no
 * vdso, to abort. Files that a library opens when it first needs them must be
 * opened before sandbox_enter.
 *
 * A process could harm what outlives it, or what others use too, by calls on a
 * descriptor: shut the listening socket, append to lock.mdb. Such calls are
 * allowed for single descriptors: the log, and those that are opened from now
 * on, which are connections and channels. A filter sees 64 bits of a descriptor
 * where the kernel takes 32, so that a list of forbidden values could be passed
 * by: the lists have what is allowed.
 */

#include "sandbox.h"

#ifdef WITHOUT_SANDBOX

enum result
sandbox_enter(enum sandbox_role role, uint64_t memory, const struct pool *pool)
{
	(void)pool;
	(void)role;
	(void)memory;
	return RESULT_OK;
}

bool
sandbox_is_built(void)
{
	return false;
}

#else

#include "base/mem.h"
#include "connections.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHECKS 4		/* of arguments, at most */
#define STACK (8 * 1024 * 1024) /* a megabyte would do */

struct call {
	const char *name;
	const char *reason;
	/* All must hold; a call with several entries needs one of them. */
	unsigned check_count;
	struct scmp_arg_cmp checks[CHECKS];
};

#define INT_BITS UINT32_MAX /* what the kernel looks at */

#define IS(argument, value) \
	{ \
		argument, SCMP_CMP_EQ, (scmp_datum_t)(value), 0 \
	}
#define HAS(argument, mask, value) \
	{ \
		argument, SCMP_CMP_MASKED_EQ, (scmp_datum_t)(mask), \
		    (scmp_datum_t)(value) \
	}

/* clang-format off */
static const struct call common_calls[] = {
	{ "brk", "the heap", 0, { { 0 } } },
	/* No other flags: memory that grows by itself (MAP_GROWSDOWN) is not
	 * counted by RLIMIT_DATA. */
	{ "mmap", "the heap: nothing shared, no file, no code", 2,
		{ HAS(2, PROT_EXEC, 0), IS(3, MAP_PRIVATE | MAP_ANONYMOUS) } },
	{ "mmap", "malloc's last try, where there were threads", 2,
		{ IS(2, PROT_NONE),
		  IS(3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE) } },
	{ "mprotect", "the heap: no code", 1, { HAS(2, PROT_EXEC, 0) } },
	{ "munmap", "free, and the store's maps at the end", 0, { { 0 } } },
	{ "madvise", "free", 1, { IS(2, MADV_DONTNEED) } },
	{ "madvise", "free", 1, { IS(2, MADV_FREE) } },

	{ "clock_gettime", "time without the vdso", 0, { { 0 } } },
	{ "gettimeofday", "time without the vdso", 0, { { 0 } } },
	{ "time", "time without the vdso", 0, { { 0 } } },
	{ "getrandom", "ids, hash seeds", 0, { { 0 } } },

	{ "poll", "waiting for messages and peers", 0, { { 0 } } },
	{ "ppoll", "poll, where there is no such call", 0, { { 0 } } },
	{ "recvmsg", "messages", 0, { { 0 } } },
	/* sendmsg sends descriptors too, see allow_giving. */
	{ "sendto", "messages, to no address", 1, { IS(4, 0) } },
	{ "close", "connections, channels", 0, { { 0 } } },
	{ "futex", "LMDB's mutexes", 0, { { 0 } } },
	{ "fcntl", "LMDB: whose readers live", 1, { IS(1, F_GETLK) } },

	{ "rt_sigprocmask", "waits that hear SIGTERM, abort", 0, { { 0 } } },
	{ "rt_sigreturn", "the end of a handler", 0, { { 0 } } },
	{ "restart_syscall", "after SIGSTOP and SIGCONT", 0, { { 0 } } },
	{ "getpid", "the log, LMDB, abort", 0, { { 0 } } },
	{ "gettid", "abort", 0, { { 0 } } },
	{ "exit_group", "the end", 0, { { 0 } } },
};

static const struct call worker_calls[] = {
	{ "epoll_pwait", "waiting for requests", 0, { { 0 } } },
	{ "epoll_ctl", "what it waits for", 0, { { 0 } } },
	{ "accept4", "connections", 0, { { 0 } } },
	/* Behind a record that it cannot read libfcgi asks its own listening
	 * socket for the next connection; that is -1, see fcgi.c. */
	{ "accept", "libfcgi, in vain", 1, { HAS(0, INT_BITS, INT_BITS) } },
	{ "read", "requests", 0, { { 0 } } },
};

static const struct call writer_calls[] = {
	{ "pwrite64", "LMDB's pages", 0, { { 0 } } },
	{ "writev", "LMDB's pages", 0, { { 0 } } },
	{ "lseek", "LMDB, before writev", 0, { { 0 } } },
	{ "fdatasync", "a commit", 0, { { 0 } } },
	{ "fsync", "a commit that made the file longer", 0, { { 0 } } },
	{ "fstatfs", "is the disk full", 0, { { 0 } } },
	{ "fstat", "how much of it data.mdb holds", 0, { { 0 } } },
	{ "newfstatat", "fstat, in newer libc", 1, { IS(3, AT_EMPTY_PATH) } },
	/* A worker has done it when it opened the store. */
	{ "fcntl", "LMDB: a reader that lives", 1, { IS(1, F_SETLK) } },
};

/* On standard error. */
static const struct call log_calls[] = {
	{ "write", "the log", 0, { { 0 } } },
	{ "writev", "libc's last words", 0, { { 0 } } },
};

/* On what a worker opens from now on. */
static const struct call connection_calls[] = {
	{ "write", "answers", 0, { { 0 } } },
	{ "writev", "answers", 0, { { 0 } } },
	{ "setsockopt", "timeouts", 2,
		{ IS(1, SOL_SOCKET), IS(2, SO_RCVTIMEO) } },
	{ "setsockopt", "timeouts", 2,
		{ IS(1, SOL_SOCKET), IS(2, SO_SNDTIMEO) } },
	{ "shutdown", "the end of an answer", 1, { IS(1, SHUT_WR) } },
};
/* clang-format on */

static const struct {
	const struct call *calls;
	size_t count;
	rlim_t descriptors; /* the writer holds two channels a worker slot */
	bool has_connections;
} roles[] = {
	[SANDBOX_WORKER] = { worker_calls, COUNT_OF(worker_calls),
	    CONNECTIONS_DESCRIPTORS, true },
	[SANDBOX_WRITER] = { writer_calls, COUNT_OF(writer_calls), 1024,
	    false },
};

bool
sandbox_is_built(void)
{
	return true;
}

/* Add a rule; 0, or -errno, as libseccomp has it. */
static int
add(scmp_filter_ctx filter, const char *name, unsigned check_count,
    const struct scmp_arg_cmp *checks)
{
	int number = seccomp_syscall_resolve_name(name);

	/* Names of other architectures' calls get a number that
	 * seccomp_rule_add passes over. */
	if (number == __NR_SCMP_ERROR)
		return 0;
	return seccomp_rule_add_array(
	    filter, SCMP_ACT_ALLOW, number, check_count, checks);
}

/*
 * Allow calls, with a descriptor as their first argument: size of them from
 * first on, a power of two of which first is a multiple. size 0: with any.
 */
static int
allow(scmp_filter_ctx filter, const struct call *calls, size_t count, int first,
    unsigned size)
{
	struct call call;
	int code = 0;
	size_t i;

	for (i = 0; i < count && code == 0; i++) {
		call = calls[i];
		if (size > 0)
			call.checks[call.check_count++] =
			    (struct scmp_arg_cmp)HAS(
				0, INT_BITS & ~(size - 1), first);
		code = add(filter, call.name, call.check_count, call.checks);
	}
	return code;
}

static bool
are_free(unsigned first, unsigned size)
{
	unsigned fd;

	for (fd = first; fd < first + size; fd++)
		if (fcntl((int)fd, F_GETFD) >= 0)
			return false;
	return true;
}

/*
 * Allow the calls of connections on the descriptors that are free now, below
 * end: in blocks, each as large as one check of bits can tell, or a worker would
 * take ten times as long to start.
 */
static int
allow_on_new(scmp_filter_ctx filter, unsigned end)
{
	unsigned fd, size;
	int code = 0;

	for (fd = 0; fd < end && code == 0; fd += size) {
		size = 1;
		if (!are_free(fd, 1))
			continue;
		while (fd % (2 * size) == 0 && fd + 2 * size <= end &&
		       are_free(fd + size, size))
			size *= 2;
		code = allow(filter, connection_calls,
		    COUNT_OF(connection_calls), (int)fd, size);
	}
	return code;
}

/* Allow sendmsg, which sends descriptors too, to one socket alone. */
static int
allow_giving(scmp_filter_ctx filter, const struct pool *pool)
{
	static const struct call call = { "sendmsg", "connections", 0,
		{ { 0 } } };

	return pool == NULL ? 0 : allow(filter, &call, 1, pool->give_fd, 1);
}

/* Allow abort: there is one thread, and its number is that of the process. */
static int
allow_abort(scmp_filter_ctx filter)
{
	const struct scmp_arg_cmp checks[] = { HAS(0, INT_BITS, getpid()),
		HAS(1, INT_BITS, getpid()), HAS(2, INT_BITS, SIGABRT) };

	return add(filter, "tgkill", COUNT_OF(checks), checks);
}

/*
 * Allow the mremap of realloc, for the heap alone, which lies below all that the
 * stack can grow to: RLIMIT_DATA does not count a stack that mremap makes longer.
 */
static int
allow_realloc(scmp_filter_ctx filter)
{
	uintptr_t stack = (uintptr_t)__builtin_frame_address(0) - STACK;
	const struct scmp_arg_cmp checks[] = {
		{ 0, SCMP_CMP_LT, stack, 0 },
		IS(3, MREMAP_MAYMOVE),
	};

	return add(filter, "mremap", COUNT_OF(checks), checks);
}

static int
load(scmp_filter_ctx filter, enum sandbox_role role, const struct pool *pool)
{
	int code;

	code = seccomp_attr_set(
	    filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* A tree of rules: a call costs about the same wherever its rule is. */
	if (code == 0)
		code = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (code == 0)
		code =
		    allow(filter, common_calls, COUNT_OF(common_calls), 0, 0);
	if (code == 0)
		code =
		    allow(filter, roles[role].calls, roles[role].count, 0, 0);
	if (code == 0)
		code = allow_abort(filter);
	if (code == 0)
		code = allow_realloc(filter);
	if (code == 0)
		code = allow(
		    filter, log_calls, COUNT_OF(log_calls), STDERR_FILENO, 1);
	if (code == 0)
		code = allow_giving(filter, pool);
	if (code == 0 && roles[role].has_connections)
		code = allow_on_new(filter, (unsigned)roles[role].descriptors);
	if (code == 0)
		code = seccomp_load(filter);
	return code;
}

static bool
limit(__rlimit_resource_t resource, rlim_t most)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) != 0)
		return false;
	if (limit.rlim_max > most)
		limit.rlim_max = most;
	if (limit.rlim_cur > limit.rlim_max)
		limit.rlim_cur = limit.rlim_max;
	return setrlimit(resource, &limit) == 0;
}

enum result
sandbox_enter(enum sandbox_role role, uint64_t memory, const struct pool *pool)
{
	scmp_filter_ctx filter;
	int code;

	/* Otherwise the first gmtime_r or timegm would open the file of the time
	 * zone. */
	tzset();
	/* Otherwise malloc, if it takes the process for one with threads, would
	 * count the processors before it says that memory is used up. */
	if (mallopt(M_ARENA_MAX, 1) == 0)
		return RESULT_IO;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || !limit(RLIMIT_CORE, 0) ||
	    !limit(RLIMIT_NOFILE, roles[role].descriptors) ||
	    !limit(RLIMIT_STACK, STACK) ||
	    (memory != 0 && !limit(RLIMIT_DATA, memory)))
		return RESULT_IO;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (filter == NULL) {
		errno = ENOMEM;
		return RESULT_IO;
	}
	code = load(filter, role, pool);
	seccomp_release(filter);
	errno = -code;
	return code == 0 ? RESULT_OK : RESULT_IO;
}

#endif
