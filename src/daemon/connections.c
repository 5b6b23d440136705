/* SPDX-License-Identifier: ISC */
/* connections.c - the connections of a worker, waited for by epoll(7). */

#include "connections.h"

#include "base/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* A call on a connection waits so long: see goes_on in fcgi.c. */
#define SLICE_SECONDS 1

/* After so many waits signals are let in, whether or not something has come. */
#define SIGNAL_WAITS 16

struct connections {
	int epoll_fd;
	int listen_fd;
	struct pool pool;
	int busy;	/* -1: none */
	unsigned count; /* of those that are kept */
	bool is_kept
	    [CONNECTIONS_DESCRIPTORS]; /* by number; the busy one may be, too */
	bool is_broken;		       /* it does not hear of new connections */
	unsigned waits;		       /* since signals were last let in */
};

/* ---- the pool ---- */

bool
pool_open(struct pool *pool)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, fds) != 0)
		return false;
	*pool = (struct pool){ .take_fd = fds[0], .give_fd = fds[1] };
	return true;
}

void
pool_close(struct pool *pool)
{
	if (pool->take_fd >= 0)
		(void)close(pool->take_fd);
	if (pool->give_fd >= 0)
		(void)close(pool->give_fd);
	*pool = (struct pool){ -1, -1 };
}

/* false: the pool is full, or nobody is left to take from it. */
static bool
pool_give(const struct pool *pool, int fd)
{
	char byte = 0;
	struct iovec part = { &byte, sizeof(byte) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union rights rights;

	rights_attach(&message, &rights, fd);
	return sendmsg(pool->give_fd, &message, MSG_NOSIGNAL) == 1;
}

/* -1: another worker was faster. */
static int
pool_take(const struct pool *pool)
{
	char byte;
	struct iovec part = { &byte, sizeof(byte) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union rights rights = { .room = { 0 } };

	rights_expect(&message, &rights);
	if (recvmsg(pool->take_fd, &message, MSG_CMSG_CLOEXEC) != 1)
		return -1;
	return rights_attached(&message);
}

/* ---- epoll ---- */

static bool
watch(struct connections *connections, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data = { .fd = fd } };

	return epoll_ctl(connections->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

/* What was closed elsewhere, or was never watched, is not watched either. */
static void
unwatch(struct connections *connections, int fd)
{
	struct epoll_event event = { 0 };

	(void)epoll_ctl(connections->epoll_fd, EPOLL_CTL_DEL, fd, &event);
}

/*
 * Wait, as the last in line, for what comes to all workers: of those that wait
 * the system wakes the one that has been in line for longest (EPOLLEXCLUSIVE),
 * or more.
 */
static bool
stand_in_line(struct connections *connections)
{
	unwatch(connections, connections->listen_fd);
	unwatch(connections, connections->pool.take_fd);
	return watch(connections, connections->listen_fd,
		   EPOLLIN | EPOLLEXCLUSIVE) &&
	       watch(connections, connections->pool.take_fd,
		   EPOLLIN | EPOLLEXCLUSIVE);
}

/* Keep a connection that is open; false: it cannot be. */
static bool
keep(struct connections *connections, int fd)
{
	if (fd >= CONNECTIONS_DESCRIPTORS ||
	    connections->count == CONNECTIONS_KEPT ||
	    !watch(connections, fd, EPOLLIN))
		return false;
	connections->is_kept[fd] = true;
	connections->count++;
	/* So that the next connection goes to another worker. */
	if (!stand_in_line(connections))
		connections->is_broken = true;
	return true;
}

/* Before it is closed: that does not end the watch while the pool has it, or
 * the worker that gave it has not closed it, too. */
static void
forget(struct connections *connections, int fd)
{
	unwatch(connections, fd);
	connections->is_kept[fd] = false;
	connections->count--;
}

/* ---- open and close ---- */

struct connections *
connections_open(int listen_fd, const struct pool *pool)
{
	struct connections *connections = calloc(1, sizeof(*connections));
	int flags = fcntl(listen_fd, F_GETFL);

	if (connections == NULL)
		return NULL;
	connections->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	connections->listen_fd = listen_fd;
	connections->pool = *pool;
	connections->busy = -1;
	/* Another worker may take the connection first. */
	if (connections->epoll_fd < 0 || flags < 0 ||
	    fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    !stand_in_line(connections)) {
		connections_close(connections);
		return NULL;
	}
	return connections;
}

void
connections_close(struct connections *connections)
{
	if (connections == NULL)
		return;
	connections_share(connections);
	if (connections->epoll_fd >= 0)
		(void)close(connections->epoll_fd);
	free(connections);
}

void
connections_share(struct connections *connections)
{
	int fd;

	for (fd = 0; fd < CONNECTIONS_DESCRIPTORS && connections->count > 0;
	     fd++) {
		if (!connections->is_kept[fd] || fd == connections->busy)
			continue;
		forget(connections, fd);
		(void)pool_give(&connections->pool, fd);
		(void)close(fd); /* nginx opens another, if the pool is full */
	}
}

/* ---- waiting ---- */

static enum arrival
accept_one(struct connections *connections, int *ret_fd)
{
	const struct timeval timeout = { .tv_sec = SLICE_SECONDS };
	int fd = accept4(connections->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return errno == EINTR || errno == EAGAIN ||
			       errno == ECONNABORTED
			   ? ARRIVAL_NOBODY
			   : ARRIVAL_FAILED;
	if (fd >= CONNECTIONS_DESCRIPTORS ||
	    setsockopt(
		fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) != 0 ||
	    setsockopt(
		fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) != 0) {
		(void)close(fd);
		return ARRIVAL_FAILED;
	}
	*ret_fd = connections->busy = fd;
	return ARRIVAL_PEER;
}

static void
take_one(struct connections *connections)
{
	int fd = pool_take(&connections->pool);

	if (fd >= 0 && !keep(connections, fd))
		(void)close(fd); /* nginx opens another */
}

/* epoll_pwait lets no signal in while there is something to return, which is
 * always so under load. */
static void
let_signals_in(struct connections *connections, const sigset_t *none)
{
	sigset_t held;

	if (++connections->waits < SIGNAL_WAITS)
		return;
	connections->waits = 0;
	(void)sigprocmask(SIG_SETMASK, none, &held); /* it is well-formed */
	(void)sigprocmask(SIG_SETMASK, &held, NULL);
}

enum arrival
connections_wait(struct connections *connections, int *ret_fd)
{
	struct epoll_event event;
	sigset_t none;
	int fd;

	(void)sigemptyset(&none); /* it knows its argument */
	if (connections->is_broken)
		return ARRIVAL_FAILED;
	let_signals_in(connections, &none);
	if (epoll_pwait(connections->epoll_fd, &event, 1, -1, &none) != 1)
		return errno == EINTR ? ARRIVAL_NOBODY : ARRIVAL_FAILED;
	fd = event.data.fd;
	if (fd == connections->listen_fd)
		return accept_one(connections, ret_fd);
	if (fd == connections->pool.take_fd) {
		take_one(connections);
		return ARRIVAL_NOBODY;
	}
	if (!connections->is_kept[fd])
		return ARRIVAL_NOBODY; /* closed, but not yet by its giver */
	if ((event.events & EPOLLHUP) != 0) {
		forget(connections, fd);
		(void)close(fd); /* the peer closed it first */
		return ARRIVAL_NOBODY;
	}
	*ret_fd = connections->busy = fd;
	return ARRIVAL_PEER;
}

bool
connections_has_room(const struct connections *connections)
{
	return connections->is_kept[connections->busy] ||
	       connections->count < CONNECTIONS_KEPT;
}

void
connections_end(struct connections *connections, bool is_kept)
{
	int fd = connections->busy;

	connections->busy = -1;
	if (is_kept && !connections->is_kept[fd] && !keep(connections, fd))
		(void)close(fd);
	if (!is_kept && connections->is_kept[fd])
		forget(connections, fd);
}
