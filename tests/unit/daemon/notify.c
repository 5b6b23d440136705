/* SPDX-License-Identifier: ISC */
/* notify.c - what reaches the service manager. */

#include "daemon/notify.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
	char directory[] = "/tmp/test_notify.XXXXXX";
	char path[64];
	int fd;

	cr_assert_not_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/notify", directory);
	fd = manager_open(path);
	notify_send("READY=1\nSTATUS=serving with %d workers", 3);
	expect(fd, "READY=1\nSTATUS=serving with 3 workers");
	(void)close(fd);
	(void)unlink(path);
	(void)rmdir(directory);
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
