/* SPDX-License-Identifier: ISC */
/*
 * log.c - builds one line in a fixed buffer, and writes it at once or not at
 * all: a standard error that nobody reads must not stop the service.
 */

#include "log.h"

#include "metrics.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SIZE 2048 /* longer lines are cut: journald splits them anyway */

/* A pipe takes all of a line or nothing of it (pipe(7)). */
static_assert(LINE_SIZE <= PIPE_BUF, "LINE_SIZE");

static struct {
	char text[LINE_SIZE];
	size_t size;
	bool is_wanted;
} line;

static int wanted_level = LOG_INFO;
static const char *role;
static struct metrics *counts; /* of lines that were lost; or NULL */

static const struct {
	const char *name;
	int level;
} levels[] = {
	{ "error", LOG_ERR },
	{ "warning", LOG_WARNING },
	{ "notice", LOG_NOTICE },
	{ "info", LOG_INFO },
	{ "debug", LOG_DEBUG },
};

void
log_level(int level)
{
	wanted_level = level;
}

int
log_level_of(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT_OF(levels); i++)
		if (strcmp(levels[i].name, name) == 0)
			return levels[i].level;
	return -1;
}

void
log_role(const char *name)
{
	role = name;
}

/* Room for the newline always stays. */
static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
put(const char *format, ...)
{
	size_t room = sizeof(line.text) - 1 - line.size;
	va_list list;
	int size;

	if (!line.is_wanted)
		return;
	va_start(list, format);
	size = vsnprintf(line.text + line.size, room, format, list);
	va_end(list);
	if (size > 0)
		line.size += (size_t)size < room ? (size_t)size : room - 1;
}

void
log_open(int level, const char *event)
{
	line.size = 0;
	line.is_wanted = level <= wanted_level;
	put("<%d>event=%s", level, event);
	if (role != NULL && line.is_wanted)
		put(" role=%s pid=%d", role, (int)getpid());
}

static bool
is_plain(char byte)
{
	return byte > ' ' && byte < 0x7f && byte != '"' && byte != '\\' &&
	       byte != '=';
}

void
log_text(const char *key, struct span value)
{
	bool is_quoted = value.size == 0;
	size_t i;

	if (!line.is_wanted)
		return;
	for (i = 0; i < value.size && !is_quoted; i++)
		is_quoted = !is_plain(value.data[i]);
	put(" %s=%s", key, is_quoted ? "\"" : "");
	for (i = 0; i < value.size; i++) {
		if (is_plain(value.data[i]) || value.data[i] == ' ' ||
		    value.data[i] == '=')
			put("%c", value.data[i]);
		else
			put("\\x%02x", (unsigned char)value.data[i]);
	}
	if (is_quoted)
		put("\"");
}

void
log_string(const char *key, const char *value)
{
	log_text(key, span_str(value));
}

void
log_number(const char *key, int64_t value)
{
	put(" %s=%lld", key, (long long)value);
}

void
log_errno(const char *key, int error)
{
	log_string(key, strerror(error));
}

/*
 * Is standard error no pipe that is full? Another process may fill the pipe
 * before the write, which then blocks, unless log_own has opened it anew.
 */
static bool
is_writable(void)
{
	struct pollfd ready = { .fd = STDERR_FILENO, .events = POLLOUT };

	return poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0;
}

/*
 * Write the line, unless that would block. O_NONBLOCK is no way: it would be
 * set for all programs that share the descriptor. false: the line is lost.
 */
static bool
write_line(void)
{
	ssize_t size;

	if (!line.is_wanted)
		return true;
	line.text[line.size++] = '\n';
	size = send(
	    STDERR_FILENO, line.text, line.size, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (size < 0 && errno == ENOTSOCK && is_writable())
		size = write(STDERR_FILENO, line.text, line.size);
	return size == (ssize_t)line.size;
}

void
log_close(void)
{
	int error = errno;

	if (!write_line())
		metrics_add(counts, METRIC_LOG_LINES_LOST, LABELS_NONE, 1);
	errno = error;
}

void
log_count_lost(struct metrics *metrics)
{
	counts = metrics;
}

void
log_tell_lost(void)
{
	static uint64_t told;
	uint64_t lost = metrics_get(counts, METRIC_LOG_LINES_LOST, LABELS_NONE);

	if (lost == told)
		return;
	log_open(LOG_WARNING, "log_lines_lost");
	log_number("lines", (int64_t)(lost - told));
	if (write_line())
		told = lost;
}

void
log_own(void)
{
	struct stat about;
	int fd;

	if (fstat(STDERR_FILENO, &about) < 0 ||
	    (!S_ISFIFO(about.st_mode) && !isatty(STDERR_FILENO)))
		return;
	/* Through /proc a pipe is opened anew, where dup would share flags. It
	 * fails without /proc, without a reader, and for another user's pipe.
	 */
	fd = open(
	    "/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)dup2(fd, STDERR_FILENO); /* else the old one stays */
	(void)close(fd);
}

bool
log_keep_standard(void)
{
	/* Each is opened in the wrong direction, so that using it fails as if
	 * it were closed. */
	static const int modes[] = { O_WRONLY, O_RDONLY, O_RDONLY };
	int fd;

	for (fd = 0; fd < (int)COUNT_OF(modes); fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
		    open("/dev/null", modes[fd]) != fd)
			return false;
	return true;
}
