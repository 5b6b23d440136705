/* SPDX-License-Identifier: ISC */
/*
 * sandbox_selftest.c - acts that a role must not do, and some that it must,
 * each tried in a child of its own. The acts do no harm if they succeed.
 */

#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOWHERE "/nonexistent/artifactd"
#define MIB (1024 * 1024)

/* How a child ends that was not stopped. */
#define CHILD_DONE 0
#define CHILD_FAILED 1
#define CHILD_REFUSED 2 /* there was no sandbox to try it in */

#define BY_WORKER (1U << SANDBOX_WORKER)
#define BY_WRITER (1U << SANDBOX_WRITER)
#define BY_BOTH (BY_WORKER | BY_WRITER)

/* ---- acts: true when the kernel did it; fd is a file in memory ---- */

static bool
open_to_read(int fd)
{
	(void)fd;
	return open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool
open_to_write(int fd)
{
	(void)fd;
	return open("/dev/null", O_WRONLY | O_CLOEXEC) >= 0;
}

static bool
make_socket(int fd)
{
	(void)fd;
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool
make_connection(int fd)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	return connect(fd, &nobody, sizeof(nobody)) == 0;
}

static bool
execute(int fd)
{
	char *nothing[] = { NULL };

	(void)fd;
	return execve(NOWHERE, nothing, nothing) == 0;
}

static bool
make_process(int fd)
{
	pid_t pid = fork();

	(void)fd;
	if (pid == 0)
		_exit(CHILD_DONE);
	return pid > 0;
}

static bool
trace(int fd)
{
	(void)fd;
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool
map_code(int fd)
{
	(void)fd;
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool
map_file(int fd)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) !=
	       MAP_FAILED;
}

static bool
signal_parent(int fd)
{
	(void)fd;
	return kill(getppid(), 0) == 0;
}

static bool
change_mode(int fd)
{
	return fchmod(fd, 0600) == 0;
}

static bool
remove_file(int fd)
{
	(void)fd;
	return unlink(NOWHERE) == 0;
}

static bool
shorten_file(int fd)
{
	return ftruncate(fd, 0) == 0;
}

static bool
write_at(int fd)
{
	return pwrite(fd, "x", 1, 0) == 1;
}

static bool
take_memory(int fd)
{
	volatile char *piece = malloc(MIB);

	(void)fd;
	if (piece == NULL)
		return false;
	piece[MIB - 1] = 1;
	free((void *)piece);
	return true;
}

static bool
take_random(int fd)
{
	char bytes[16];

	(void)fd;
	return getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes);
}

static bool
tell_time(int fd)
{
	struct timespec now;

	(void)fd;
	return clock_gettime(CLOCK_REALTIME, &now) == 0;
}

static const struct act {
	const char *name;
	bool (*act)(int fd);
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
	{ "take a mebibyte", take_memory, 0, BY_BOTH },
	{ "take random bytes", take_random, 0, BY_BOTH },
	{ "tell the time", tell_time, 0, BY_BOTH },
};

/* ---- trying them ---- */

_Noreturn static void
run_child(enum sandbox_role role, const struct act *act, int fd)
{
	if (sandbox_enter(role) != RESULT_OK)
		_exit(CHILD_REFUSED);
	_exit(act->act(fd) ? CHILD_DONE : CHILD_FAILED);
}

/* How it went in words; *ret_is_good: as it should. */
static const char *
judge(int status, bool is_allowed, bool *ret_is_good)
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

static bool
try_act(enum sandbox_role role, const struct act *act, int fd)
{
	bool is_allowed = (act->allowed & 1U << role) != 0, is_good = false;
	const char *outcome = "not tried: no process could be started";
	int status;
	pid_t pid;

	(void)fflush(stdout); /* or the child holds the text, too */
	pid = fork();
	if (pid == 0)
		run_child(role, act, fd);
	if (pid > 0 && waitpid(pid, &status, 0) == pid)
		outcome = judge(status, is_allowed, &is_good);
	printf("%-5s %s, %s: %s: %s\n", is_good ? "ok" : "WRONG",
	    role == SANDBOX_WORKER ? "worker" : "writer",
	    is_allowed ? "may" : "must not", act->name, outcome);
	return is_good;
}

static bool
try_role(enum sandbox_role role, int fd)
{
	bool is_good = true;
	size_t i;

	for (i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (((acts[i].forbidden | acts[i].allowed) & 1U << role) != 0 &&
		    !try_act(role, &acts[i], fd))
			is_good = false;
	return is_good;
}

bool
sandbox_selftest(void)
{
	bool is_good;
	int fd;

	if (!sandbox_is_built()) {
		printf("this program was built without the sandbox\n");
		return false;
	}
	fd = memfd_create("selftest", MFD_CLOEXEC);
	if (fd < 0) {
		printf("no file in memory: %s\n", strerror(errno));
		return false;
	}
	is_good = try_role(SANDBOX_WORKER, fd);
	is_good = try_role(SANDBOX_WRITER, fd) && is_good;
	(void)close(fd); /* nobody wants what it holds */
	return is_good;
}
