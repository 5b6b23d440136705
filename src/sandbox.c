/* SPDX-License-Identifier: ISC */
/*
 * sandbox.c - the system calls of each role, and the way into them. The
 * door to libseccomp; knows nothing of what the roles do with their calls.
 *
 * A list holds what the role needs after its start, and what libc may turn
 * to: to grow the heap, to ask for the time without the vdso, to abort. What
 * is opened lazily elsewhere must be opened before sandbox_enter.
 */

#include "sandbox.h"

#ifdef WITHOUT_SANDBOX

enum result
sandbox_enter(enum sandbox_role role)
{
	(void)role;
	return RESULT_OK;
}

bool
sandbox_is_built(void)
{
	return false;
}

#else

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHECKS 2 /* of arguments, at most */

struct call {
	const char *name;
	const char *reason;
	/* All must hold; a call with several entries needs one of them. */
	unsigned check_count;
	struct scmp_arg_cmp checks[CHECKS];
};

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
	{ "mmap", "the heap: nothing shared, no file, no code", 2,
		{ HAS(2, PROT_EXEC, 0),
		  HAS(3, MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS,
		      MAP_PRIVATE | MAP_ANONYMOUS) } },
	{ "mmap2", "the same, where words have 32 bits", 2,
		{ HAS(2, PROT_EXEC, 0),
		  HAS(3, MAP_SHARED | MAP_PRIVATE | MAP_ANONYMOUS,
		      MAP_PRIVATE | MAP_ANONYMOUS) } },
	{ "mprotect", "the heap: no code", 1, { HAS(2, PROT_EXEC, 0) } },
	{ "mremap", "realloc", 0, { { 0 } } },
	{ "munmap", "free, and the store's maps at the end", 0, { { 0 } } },
	{ "madvise", "free", 0, { { 0 } } },

	{ "clock_gettime", "time without the vdso", 0, { { 0 } } },
	{ "clock_gettime64", "time without the vdso", 0, { { 0 } } },
	{ "gettimeofday", "time without the vdso", 0, { { 0 } } },
	{ "time", "time without the vdso", 0, { { 0 } } },
	{ "getrandom", "ids, hash seeds", 0, { { 0 } } },

	{ "poll", "waiting for messages and peers", 0, { { 0 } } },
	{ "ppoll", "poll, where there is no such call", 0, { { 0 } } },
	{ "ppoll_time64", "poll, where there is no such call", 0, { { 0 } } },
	{ "recvmsg", "messages", 0, { { 0 } } },
	{ "sendmsg", "messages", 0, { { 0 } } },
	{ "write", "the log, answers", 0, { { 0 } } },
	{ "close", "connections, channels", 0, { { 0 } } },
	{ "futex", "LMDB's mutexes", 0, { { 0 } } },
	{ "fcntl", "LMDB: whose readers live", 1, { IS(1, F_SETLK) } },
	{ "fcntl", "LMDB: whose readers live", 1, { IS(1, F_GETLK) } },
	{ "fcntl64", "LMDB: whose readers live", 1, { IS(1, F_SETLK) } },
	{ "fcntl64", "LMDB: whose readers live", 1, { IS(1, F_GETLK) } },

	{ "rt_sigprocmask", "process_hold, abort", 0, { { 0 } } },
	{ "rt_sigreturn", "the end of a handler", 0, { { 0 } } },
	{ "sigreturn", "the end of a handler", 0, { { 0 } } },
	{ "restart_syscall", "after SIGSTOP and SIGCONT", 0, { { 0 } } },
	{ "getpid", "the log, LMDB, abort", 0, { { 0 } } },
	{ "gettid", "abort", 0, { { 0 } } },
	{ "tgkill", "abort", 1, { IS(2, SIGABRT) } },
	{ "writev", "LMDB's pages, answers, libc's last words", 0, { { 0 } } },
	{ "exit_group", "the end", 0, { { 0 } } },
};

static const struct call worker_calls[] = {
	{ "accept4", "connections", 0, { { 0 } } },
	{ "accept", "accept4, where it is another's", 0, { { 0 } } },
	{ "setsockopt", "their timeouts", 2,
		{ IS(1, SOL_SOCKET), IS(2, SO_RCVTIMEO) } },
	{ "setsockopt", "their timeouts", 2,
		{ IS(1, SOL_SOCKET), IS(2, SO_SNDTIMEO) } },
	{ "read", "requests", 0, { { 0 } } },
	{ "shutdown", "the end of an answer", 0, { { 0 } } },
};

static const struct call writer_calls[] = {
	{ "pwrite64", "LMDB's pages", 0, { { 0 } } },
	{ "lseek", "LMDB, before writev", 0, { { 0 } } },
	{ "_llseek", "LMDB, before writev", 0, { { 0 } } },
	{ "fdatasync", "a commit", 0, { { 0 } } },
	{ "fsync", "a commit that made the file longer", 0, { { 0 } } },
	{ "fstatfs", "is the disk full", 0, { { 0 } } },
	{ "fstatfs64", "is the disk full", 0, { { 0 } } },
	{ "fstat", "how much of it data.mdb holds", 0, { { 0 } } },
	{ "fstat64", "how much of it data.mdb holds", 0, { { 0 } } },
	{ "newfstatat", "fstat, in newer libc", 1, { IS(3, AT_EMPTY_PATH) } },
};
/* clang-format on */

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
	const struct call *calls;
	size_t count;
	rlim_t descriptors; /* the writer holds two channels a worker slot */
} roles[] = {
	[SANDBOX_WORKER] = { worker_calls, COUNT(worker_calls), 64 },
	[SANDBOX_WRITER] = { writer_calls, COUNT(writer_calls), 1024 },
};

bool
sandbox_is_built(void)
{
	return true;
}

/* 0, or -errno, as libseccomp has it. */
static int
allow(scmp_filter_ctx filter, const struct call *calls, size_t count)
{
	int number, code = 0;
	size_t i;

	for (i = 0; i < count && code == 0; i++) {
		number = seccomp_syscall_resolve_name(calls[i].name);
		/* Names of other architectures' calls get a number that
		 * seccomp_rule_add passes over. */
		if (number == __NR_SCMP_ERROR)
			continue;
		code = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number,
		    calls[i].check_count, calls[i].checks);
	}
	return code;
}

static int
load(scmp_filter_ctx filter, enum sandbox_role role)
{
	int code;

	code = seccomp_attr_set(
	    filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* A tree: the cost of a call hangs little on its place. */
	if (code == 0)
		code = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (code == 0)
		code = allow(filter, common_calls, COUNT(common_calls));
	if (code == 0)
		code = allow(filter, roles[role].calls, roles[role].count);
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
sandbox_enter(enum sandbox_role role)
{
	scmp_filter_ctx filter;
	int code;

	/* Now, or the first gmtime_r or timegm opens the time zone's file. */
	tzset();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || !limit(RLIMIT_CORE, 0) ||
	    !limit(RLIMIT_NOFILE, roles[role].descriptors))
		return RESULT_IO;
	filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (filter == NULL) {
		errno = ENOMEM;
		return RESULT_IO;
	}
	code = load(filter, role);
	seccomp_release(filter);
	errno = -code;
	return code == 0 ? RESULT_OK : RESULT_IO;
}

#endif
