/* SPDX-License-Identifier: ISC */
/*
 * service.c - the socket that nginx connects to, and one datagram to the
 * service manager for each thing that it is told.
 *
 * The socket stays blocking: workers sleep in accept, so that the kernel wakes
 * one of them for each connection.
 */

#include "service.h"

#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST_INHERITED 3 /* sd_listen_fds(3) */
#define ACCEPT_SECONDS 5
#define ERROR_SIZE 256

/* The number in an environment variable; 0 where there is none. */
static uint64_t
number_in(const char *name)
{
	uint64_t number = 0;

	return span_number(span_str(getenv(name)), &number) ? number : 0;
}

/* ---- a socket that is inherited ---- */

/* How many sockets were handed to this very process; not to its children. */
static uint64_t
inherited_count(void)
{
	uint64_t count = 0;

	if (number_in("LISTEN_PID") == (uint64_t)getpid())
		count = number_in("LISTEN_FDS");
	(void)unsetenv("LISTEN_PID"); /* the names are well-formed */
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	return count;
}

static bool
is_listening(int fd)
{
	int value = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 &&
	       value != 0;
}

/*
 * Close-on-exec and blocking, whatever it came with. A signal that comes
 * between a worker's look at its flag and its accept is noticed late, not
 * never: accept ends with EAGAIN.
 */
static bool
set_flags(int fd)
{
	struct timeval timeout = { .tv_sec = ACCEPT_SECONDS };
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0 &&
	       fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
	       setsockopt(
		   fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0;
}

static enum result
take_inherited(
    uint64_t count, char ret_error[ERROR_SIZE], struct listener *ret_listener)
{
	if (count > 1) {
		(void)snprintf(ret_error, ERROR_SIZE,
		    "%llu sockets were inherited: one is needed",
		    (unsigned long long)count);
		return RESULT_MALFORMED;
	}
	if (!is_listening(FIRST_INHERITED) || !set_flags(FIRST_INHERITED)) {
		(void)snprintf(ret_error, ERROR_SIZE,
		    "what was inherited is no listening stream socket");
		return RESULT_MALFORMED;
	}
	*ret_listener = (struct listener){
		.fd = FIRST_INHERITED,
		.is_inherited = true,
	};
	return RESULT_OK;
}

/* ---- a socket of our own ---- */

static enum result
fail(char ret_error[ERROR_SIZE], const char *act, const char *path)
{
	(void)snprintf(
	    ret_error, ERROR_SIZE, "%s %s: %s", act, path, strerror(errno));
	return RESULT_IO;
}

/* Remove a socket that nobody listens on any more; other files stay. */
static enum result
clear_path(
    const struct sockaddr_un *address, int fd, char ret_error[ERROR_SIZE])
{
	const char *path = address->sun_path;
	struct stat stat;

	if (lstat(path, &stat) < 0)
		return errno == ENOENT
			   ? RESULT_OK
			   : fail(ret_error, "cannot look at", path);
	if (!S_ISSOCK(stat.st_mode)) {
		(void)snprintf(ret_error, ERROR_SIZE,
		    "%s is there and is no socket", path);
		return RESULT_EXISTS;
	}
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) ==
		0 ||
	    errno == EAGAIN) {
		(void)snprintf(ret_error, ERROR_SIZE,
		    "another artifactd answers on %s", path);
		return RESULT_UNAVAILABLE;
	}
	if (errno != ECONNREFUSED && errno != ENOENT)
		return fail(ret_error, "cannot ask who answers on", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return fail(ret_error, "cannot remove", path);
	return RESULT_OK;
}

static enum result
clear_way(const struct sockaddr_un *address, char ret_error[ERROR_SIZE])
{
	enum result result;
	int fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(
		    ret_error, "cannot make a socket for", address->sun_path);
	result = clear_path(address, fd, ret_error);
	(void)close(fd);
	return result;
}

/*
 * Nobody connects between bind and listen, so the mode may follow the bind;
 * the umask keeps it no wider meanwhile.
 */
static enum result
bind_path(int fd, const struct sockaddr_un *address, char ret_error[ERROR_SIZE])
{
	const char *path = address->sun_path;
	mode_t mask = umask(0177);
	int bound;

	bound = bind(fd, (const struct sockaddr *)address, sizeof(*address));
	(void)umask(mask);
	if (bound < 0)
		return fail(ret_error, "cannot make the socket", path);
	if (!set_flags(fd) || chmod(path, 0660) < 0 ||
	    listen(fd, LISTEN_BACKLOG) < 0) {
		(void)fail(ret_error, "cannot listen on", path);
		(void)unlink(path); /* it was of no use */
		return RESULT_IO;
	}
	return RESULT_OK;
}

static enum result
make_own(
    const char *path, char ret_error[ERROR_SIZE], struct listener *ret_listener)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	enum result result;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path)) {
		(void)snprintf(ret_error, ERROR_SIZE,
		    "the path of the socket is longer than %zu bytes",
		    sizeof(address.sun_path) - 1);
		return RESULT_TOO_LARGE;
	}
	memcpy(address.sun_path, path, strlen(path));
	result = clear_way(&address, ret_error);
	if (result != RESULT_OK)
		return result;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(ret_error, "cannot make a socket for", path);
	result = bind_path(fd, &address, ret_error);
	if (result != RESULT_OK) {
		(void)close(fd);
		return result;
	}
	*ret_listener = (struct listener){ .fd = fd, .path = path };
	return RESULT_OK;
}

enum result
listen_open(
    const char *path, char ret_error[ERROR_SIZE], struct listener *ret_listener)
{
	uint64_t count = inherited_count();

	if (count > 0)
		return take_inherited(count, ret_error, ret_listener);
	return make_own(path, ret_error, ret_listener);
}

void
listen_close(struct listener *listener)
{
	if (listener->fd < 0)
		return;
	if (listener->path != NULL)
		(void)unlink(listener->path); /* it may be gone already */
	(void)close(listener->fd);
	listener->fd = -1;
	listener->path = NULL;
}

/* ---- notifications ---- */

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
	/* Nothing follows from a manager that does not listen. */
	(void)sendto(fd, text, (size_t)size, MSG_NOSIGNAL,
	    (const struct sockaddr *)&address, address_size);
	(void)close(fd);
}

uint64_t
notify_watchdog(void)
{
	if (getenv("WATCHDOG_PID") != NULL &&
	    number_in("WATCHDOG_PID") != (uint64_t)getpid())
		return 0;
	return number_in("WATCHDOG_USEC");
}

void
notify_forget(void)
{
	(void)unsetenv("NOTIFY_SOCKET"); /* the names are well-formed */
	(void)unsetenv("WATCHDOG_PID");
	(void)unsetenv("WATCHDOG_USEC");
}
