/* SPDX-License-Identifier: ISC */
/*
 * program.c - run other programs of this host. Their output goes into memory: a
 * pipe could be full, and then the program would wait for us to read while we
 * wait for the program to end.
 */

#include "program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_MOST (16 << 20)
#define WAIT_MS 30000

extern char **environ;

/* Put the directories of administrators' programs, as nginx is, at the end of
 * PATH. */
static void
extend_path(struct arena *arena)
{
	const char *path = getenv("PATH");

	if (path != NULL && strstr(path, ":/usr/sbin") != NULL)
		return;
	(void)setenv("PATH",
	    arena_printf(arena, "%s:/usr/sbin:/sbin",
		path == NULL ? "/usr/bin:/bin" : path)
		.data,
	    1); /* out of memory: the shorter one stays */
}

static bool
spawn(const char *const *words, int output, int errors, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	bool is_done;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return false;
	is_done = posix_spawn_file_actions_addopen(
		      &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) == 0 &&
		  posix_spawn_file_actions_adddup2(&actions, output, 1) == 0 &&
		  posix_spawn_file_actions_adddup2(&actions, errors, 2) == 0 &&
		  posix_spawnp(ret_pid, words[0], &actions, NULL,
		      (char *const *)words, environ) == 0;
	(void)posix_spawn_file_actions_destroy(&actions); /* always 0 */
	return is_done;
}

/* The exit code; -1: a signal ended the program, or it took too long. */
static int
wait_for(pid_t pid)
{
	struct pollfd end = { .fd = pidfd_open(pid, 0), .events = POLLIN };
	int status;

	if (poll(&end, 1, WAIT_MS) <= 0)
		(void)kill(pid, SIGKILL); /* a child not waited for yet */
	if (end.fd >= 0)
		(void)close(end.fd);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static struct span
contents(struct arena *arena, int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	ssize_t got;
	char *text;

	if (size <= 0)
		return SPAN("");
	if (size > OUTPUT_MOST)
		size = OUTPUT_MOST;
	text = arena_room(arena, (size_t)size);
	got = pread(fd, text, (size_t)size, 0);
	return span_of(text, got > 0 ? (size_t)got : 0);
}

bool
ctl_program_run(struct arena *arena, const char *const *words,
    struct ctl_program *ret_program)
{
	int output = memfd_create("output", MFD_CLOEXEC);
	int errors = memfd_create("errors", MFD_CLOEXEC);
	bool is_started = false;
	pid_t pid;

	extend_path(arena);
	if (output >= 0 && errors >= 0)
		is_started = spawn(words, output, errors, &pid);
	if (is_started) {
		ret_program->exit_code = wait_for(pid);
		ret_program->output = contents(arena, output);
		ret_program->errors = contents(arena, errors);
	}
	if (output >= 0)
		(void)close(output); /* memory */
	if (errors >= 0)
		(void)close(errors);
	return is_started;
}
