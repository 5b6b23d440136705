/* SPDX-License-Identifier: ISC */
/*
 * execute.c - print what can be run from inside a service.
 *
 *	execute DIRECTORY...
 *
 * It runs as an ExecStartPre= of the unit, so that the limits of the unit hold
 * for it. It tries to run a shell, a program in one of the directories, which
 * the service can write, and a program that is in no directory, and to map one
 * as code. It prints a line for each act that was possible, and one for each
 * directory from which a program can be run, with "writable" if the service can
 * change it. It fails if it could not try an act or a directory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "/bin/true"

static int tries_failed;

static void
cannot_try(const char *what, const char *path)
{
	printf("cannot try: %s %s: %s\n", what, path, strerror(errno));
	tries_failed++;
}

/* A program that begins says so by its status; one that does not, by errno. */
static void
try_to_run(int fd, const char *path, const char *first)
{
	char *words[] = { (char *)path, (char *)first, NULL };
	char *none[] = { NULL };
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (fd >= 0)
			fexecve(fd, words, none);
		else
			execve(path, words, none);
		/* Only this refusal counts as one: a file that is missing
		 * or broken would show nothing. */
		_exit(errno == EACCES ? 126 : 125);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		cannot_try("run", path);
		return;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 125) {
		errno = 0;
		cannot_try("run (not EACCES)", path);
	} else if (!WIFEXITED(status) || WEXITSTATUS(status) != 126) {
		printf("can run %s\n", path);
	}
}

static bool
copy(int to)
{
	char bytes[65536];
	ssize_t size;
	int from = open(PROGRAM, O_RDONLY | O_CLOEXEC);

	if (from < 0)
		return false;
	while ((size = read(from, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, (size_t)size) != size) {
			size = -1;
			break;
		}
	close(from);
	return size == 0;
}

static void
try_directory(const char *directory)
{
	char path[PATH_MAX];
	void *map;
	int fd;

	snprintf(path, sizeof(path), "%s/execute.XXXXXX", directory);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0) {
		cannot_try("make", path);
		return;
	}
	if (!copy(fd) || fchmod(fd, 0700) != 0)
		cannot_try("copy to", path);
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	map = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	if (map != MAP_FAILED)
		printf("can map %s\n", path);
	else if (errno != EPERM)
		cannot_try("map (not EPERM)", path);
	close(fd);
	try_to_run(-1, path, NULL);
	unlink(path);
}

static void
try_memory(void)
{
	int fd = memfd_create("execute", 0);

	if (fd < 0)
		return;
	if (!copy(fd))
		cannot_try("copy to", "memory");
	try_to_run(fd, "memory", NULL);
	close(fd);
}

/* Of mounts on the same place, statvfs tells about the one on top. What this
 * user cannot enter is nothing that could be run. */
static void
tell_mounts(void)
{
	char line[4 * PATH_MAX], path[PATH_MAX];
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	struct statvfs of;

	if (mounts == NULL) {
		cannot_try("read", "mountinfo");
		return;
	}
	while (fgets(line, sizeof(line), mounts) != NULL)
		if (sscanf(line, "%*s %*s %*s %*s %4095s", path) == 1 &&
		    access(path, X_OK) == 0 && statvfs(path, &of) == 0 &&
		    !(of.f_flag & ST_NOEXEC))
			printf("code: %s%s\n", path,
			    of.f_flag & ST_RDONLY ? "" : " writable");
	fclose(mounts);
}

int
main(int argc, char **argv)
{
	int i;

	try_to_run(-1, "/bin/sh", "-c");
	try_to_run(-1, PROGRAM, NULL);
	for (i = 1; i < argc; i++)
		try_directory(argv[i]);
	try_memory();
	tell_mounts();
	printf("tried all\n");
	return tries_failed != 0;
}
