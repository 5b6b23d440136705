/* SPDX-License-Identifier: ISC */
/* service.c - the socket that nginx connects to, and what reaches the service
 * manager. */

#include "daemon/service.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/test_listen.XXXXXX";
static char path[64];
static char error[256];

static void
setup(void)
{
	cr_assert_not_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/fcgi.sock", directory);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
}

static void
teardown(void)
{
	(void)unlink(path);
	(void)rmdir(directory);
}

TestSuite(listen, .init = setup, .fini = teardown);

static int
connect_to(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int result;

	memcpy(address.sun_path, name, strlen(name));
	result =
	    connect(fd, (const struct sockaddr *)&address, sizeof(address));
	(void)close(fd);
	return result;
}

/*
 * Call listen_open in a child whose descriptor 3 is a copy of fd, as after a
 * service manager: 3 is Criterion's own here. 0: judge was content.
 */
static int
inherit(int fd, const char *count,
    bool (*judge)(enum result result, const struct listener *listener))
{
	struct listener listener = { .fd = -1 };
	enum result result;
	char pid[32];
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
		if (dup2(fd, 3) != 3 || setenv("LISTEN_FDS", count, 1) != 0 ||
		    setenv("LISTEN_PID", pid, 1) != 0)
			_exit(2);
		result = listen_open("/nonexistent/x", error, &listener);
		_exit(judge(result, &listener) ? 0 : 1);
	}
	cr_assert_gt(child, 0);
	cr_assert_eq(waitpid(child, &status, 0), child);
	return status;
}

Test(listen, makes_a_socket_that_answers)
{
	struct listener listener;

	cr_assert_eq(listen_open(path, error, &listener), RESULT_OK);
	cr_assert_not(listener.is_inherited);
	cr_assert_eq(connect_to(path), 0);
	listen_close(&listener);
}

Test(listen, makes_it_for_owner_and_group_whatever_the_umask)
{
	static const mode_t masks[] = { 0, 022, 0777 };
	struct listener listener;
	struct stat stat_;
	size_t i;

	for (i = 0; i < sizeof(masks) / sizeof(*masks); i++) {
		(void)umask(masks[i]);
		cr_assert_eq(listen_open(path, error, &listener), RESULT_OK);
		cr_assert_eq(stat(path, &stat_), 0);
		cr_assert_eq(stat_.st_mode & 07777, 0660);
		cr_assert_eq(umask(022), masks[i]);
		listen_close(&listener);
	}
}

Test(listen, removes_its_own_socket_at_the_end)
{
	struct listener listener;

	cr_assert_eq(listen_open(path, error, &listener), RESULT_OK);
	listen_close(&listener);
	cr_assert_eq(access(path, F_OK), -1);
}

Test(listen, replaces_a_socket_that_nobody_listens_on)
{
	struct listener old;
	struct listener listener;

	cr_assert_eq(listen_open(path, error, &old), RESULT_OK);
	(void)close(old.fd);
	cr_assert_eq(
	    listen_open(path, error, &listener), RESULT_OK, "%s", error);
	cr_assert_eq(connect_to(path), 0);
	listen_close(&listener);
}

Test(listen, leaves_a_socket_alone_that_answers)
{
	struct listener other;
	struct listener listener = { .fd = -1 };

	cr_assert_eq(listen_open(path, error, &other), RESULT_OK);
	cr_assert_eq(listen_open(path, error, &listener), RESULT_UNAVAILABLE);
	cr_assert_not_null(strstr(error, "another artifactd answers on /"));
	cr_assert_eq(listener.fd, -1);
	cr_assert_eq(connect_to(path), 0);
	listen_close(&other);
}

Test(listen, leaves_other_files_alone)
{
	struct listener listener;
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	cr_assert_geq(fd, 0);
	(void)close(fd);
	cr_assert_eq(listen_open(path, error, &listener), RESULT_EXISTS);
	cr_assert_not_null(strstr(error, "is no socket"));
	cr_assert_eq(access(path, F_OK), 0);
}

Test(listen, names_a_directory_that_is_missing)
{
	struct listener listener;

	cr_assert_eq(
	    listen_open("/nonexistent/fcgi.sock", error, &listener), RESULT_IO);
	cr_assert_str_eq(error,
	    "cannot make the socket /nonexistent/fcgi.sock: "
	    "No such file or directory");
}

static bool
is_taken(enum result result, const struct listener *listener)
{
	struct listener copy = *listener;
	bool is_right = result == RESULT_OK && listener->is_inherited &&
			listener->fd == 3 && fcntl(3, F_GETFD) == FD_CLOEXEC &&
			(fcntl(3, F_GETFL) & O_NONBLOCK) == 0 &&
			getenv("LISTEN_FDS") == NULL &&
			getenv("LISTEN_PID") == NULL;

	listen_close(&copy);
	return is_right;
}

Test(listen, takes_the_one_socket_that_is_inherited)
{
	struct listener own;

	cr_assert_eq(listen_open(path, error, &own), RESULT_OK);
	cr_assert_geq(fcntl(own.fd, F_SETFL, O_NONBLOCK), 0);
	cr_assert_eq(inherit(own.fd, "1", is_taken), 0);
	cr_assert_eq(access(path, F_OK), 0, "it was not the child's");
	listen_close(&own);
}

static bool
is_one_too_many(enum result result, const struct listener *listener)
{
	(void)listener;
	return result == RESULT_MALFORMED &&
	       strcmp(error, "2 sockets were inherited: one is needed") == 0;
}

Test(listen, refuses_more_sockets_than_one)
{
	cr_assert_eq(inherit(STDERR_FILENO, "2", is_one_too_many), 0);
}

static bool
is_no_listener(enum result result, const struct listener *listener)
{
	(void)listener;
	return result == RESULT_MALFORMED &&
	       strstr(error, "no listening") != NULL;
}

Test(listen, refuses_to_inherit_what_does_not_listen)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	cr_assert_eq(inherit(fd, "1", is_no_listener), 0);
	cr_assert_eq(inherit(STDERR_FILENO, "1", is_no_listener), 0);
	(void)close(fd);
}

Test(listen, ignores_what_was_meant_for_another_process)
{
	struct listener listener;

	cr_assert_eq(setenv("LISTEN_FDS", "1", 1), 0);
	cr_assert_eq(setenv("LISTEN_PID", "1", 1), 0);
	cr_assert_eq(listen_open(path, error, &listener), RESULT_OK);
	cr_assert_not(listener.is_inherited);
	listen_close(&listener);
}

/* ---- notifications ---- */

/* A manager's socket at name, '@' standing for NUL; NOTIFY_SOCKET names it. */
static int
manager_open(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t size = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, name, size);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	cr_assert_eq(
	    bind(fd, (const struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)),
	    0);
	cr_assert_eq(setenv("NOTIFY_SOCKET", name, 1), 0);
	return fd;
}

static void
expect(int fd, const char *text)
{
	char got[600] = { 0 };
	ssize_t size = recv(fd, got, sizeof(got) - 1, 0);

	cr_assert_eq(size, (ssize_t)strlen(text));
	cr_assert_str_eq(got, text);
}

Test(notify, sends_one_datagram_to_a_socket_in_the_file_system)
{
	char made[] = "/tmp/test_notify.XXXXXX";
	char name[64];
	int fd;

	cr_assert_not_null(mkdtemp(made));
	(void)snprintf(name, sizeof(name), "%s/notify", made);
	fd = manager_open(name);
	notify_send("READY=1\nSTATUS=serving with %d workers", 3);
	expect(fd, "READY=1\nSTATUS=serving with 3 workers");
	(void)close(fd);
	(void)unlink(name);
	(void)rmdir(made);
}

Test(notify, sends_to_an_abstract_socket)
{
	char name[64];
	int fd;

	(void)snprintf(name, sizeof(name), "@test_notify/%d", (int)getpid());
	fd = manager_open(name);
	notify_send("STOPPING=1");
	expect(fd, "STOPPING=1");
	(void)close(fd);
}

Test(notify, sends_nothing_once_it_is_forgotten)
{
	char name[64];
	char byte;
	int fd;

	(void)snprintf(name, sizeof(name), "@test_notify/%d", (int)getpid());
	fd = manager_open(name);
	cr_assert_eq(setenv("WATCHDOG_USEC", "1000", 1), 0);
	notify_forget();
	notify_send("READY=1");
	cr_assert_lt(recv(fd, &byte, 1, 0), 0);
	cr_assert_eq(notify_watchdog(), 0);
	(void)close(fd);
}

Test(notify, is_harmless_without_a_manager)
{
	static const char *const sockets[] = {
		"",
		"relative",
		"/nonexistent/notify",
		"@nobody",
		("/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	};
	size_t i;

	(void)unsetenv("NOTIFY_SOCKET");
	notify_send("READY=1");
	for (i = 0; i < sizeof(sockets) / sizeof(*sockets); i++) {
		cr_assert_eq(setenv("NOTIFY_SOCKET", sockets[i], 1), 0);
		notify_send("READY=1");
	}
}

Test(notify, reads_the_watchdog_of_this_process_only)
{
	char pid[32];

	(void)unsetenv("WATCHDOG_PID");
	(void)unsetenv("WATCHDOG_USEC");
	cr_assert_eq(notify_watchdog(), 0);
	cr_assert_eq(setenv("WATCHDOG_USEC", "20000000", 1), 0);
	cr_assert_eq(notify_watchdog(), 20000000);
	cr_assert_eq(setenv("WATCHDOG_PID", "1", 1), 0);
	cr_assert_eq(notify_watchdog(), 0);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	cr_assert_eq(setenv("WATCHDOG_PID", pid, 1), 0);
	cr_assert_eq(notify_watchdog(), 20000000);
	cr_assert_eq(setenv("WATCHDOG_USEC", "20s", 1), 0);
	cr_assert_eq(notify_watchdog(), 0);
}
