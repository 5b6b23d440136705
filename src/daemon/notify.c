/* SPDX-License-Identifier: ISC */
/* notify.c - one datagram to the socket that the service manager names. */

#include "notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The address of $NOTIFY_SOCKET, 0 when there is none to use. '@' stands
 * for the NUL of an abstract socket. */
static socklen_t
manager_address(struct sockaddr_un *ret_address)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t size;

	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return 0;
	size = strlen(path);
	if (size >= sizeof(ret_address->sun_path))
		return 0;
	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret_address->sun_path, path, size);
	if (path[0] == '@')
		ret_address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

void
notify_send(const char *format, ...)
{
	struct sockaddr_un address;
	socklen_t address_size = manager_address(&address);
	char text[512];
	va_list list;
	int size;
	int fd;

	if (address_size == 0)
		return;
	va_start(list, format);
	size = vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	if (size <= 0 || (size_t)size >= sizeof(text))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	/* A manager that does not listen will ask in other ways. */
	(void)sendto(fd, text, (size_t)size, MSG_NOSIGNAL,
	    (const struct sockaddr *)&address, address_size);
	(void)close(fd);
}

/* A positive decimal number; 0 for anything else. */
static uint64_t
number_of(const char *text)
{
	unsigned long long number;
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return 0;
	errno = 0;
	number = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' ? number : 0;
}

uint64_t
notify_watchdog(void)
{
	const char *pid = getenv("WATCHDOG_PID");

	if (pid != NULL && number_of(pid) != (uint64_t)getpid())
		return 0;
	return number_of(getenv("WATCHDOG_USEC"));
}

void
notify_forget(void)
{
	(void)unsetenv("NOTIFY_SOCKET"); /* the names are well-formed */
	(void)unsetenv("WATCHDOG_PID");
	(void)unsetenv("WATCHDOG_USEC");
}
