/* SPDX-License-Identifier: ISC */
/* connections.c - the connections of a worker: accept(2), or epoll(7). */

#include "connections.h"

#include "base/rights.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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
	int control_fd;
	struct pool pool;
	struct scoreboard *scoreboard;
	struct slot *slot; /* its own */
	bool has_turn;
	int busy;	/* -1: none */
	unsigned count; /* of those that are kept */
	/* By descriptor; the busy one may be kept, too. */
	bool is_kept[CONNECTIONS_DESCRIPTORS];
	unsigned waits; /* since signals were last let in */
};

/* ---- the pool ---- */

static void
close_one(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

bool
pool_open(struct pool *pool)
{
	int fds[2];

	*pool = POOL_NONE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, fds) != 0)
		return false;
	*pool = (struct pool){ .take_fd = fds[0], .give_fd = fds[1] };
	return true;
}

void
pool_close(struct pool *pool)
{
	close_one(pool->take_fd);
	close_one(pool->give_fd);
	*pool = POOL_NONE;
}

void
pool_call_for_help(const struct pool *pool)
{
	(void)send(pool->give_fd, "", 1, MSG_NOSIGNAL); /* or it is full */
}

void
pool_settle(const struct pool *pool, const struct scoreboard *scoreboard)
{
	int fd;

	while (!scoreboard_has_turns(scoreboard) &&
	       rights_take(pool->take_fd, &fd))
		close_one(fd);
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

/* Wait for what comes to the pool, as the last in line: of those that wait the
 * system wakes the one that has been in line for longest (EPOLLEXCLUSIVE), or
 * more. */
static bool
stand_in_line(struct connections *connections)
{
	unwatch(connections, connections->pool.take_fd);
	return watch(
	    connections, connections->pool.take_fd, EPOLLIN | EPOLLEXCLUSIVE);
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

/* ---- turns ---- */

static void
end_turn(struct connections *connections)
{
	unwatch(connections, connections->pool.take_fd);
	slot_end_turn(connections->scoreboard, connections->slot);
	connections->has_turn = false;
}

static bool
begin_turn(struct connections *connections)
{
	connections->has_turn =
	    slot_begin_turn(connections->scoreboard, connections->slot);
	if (connections->has_turn && !stand_in_line(connections))
		end_turn(connections);
	return connections->has_turn;
}

/* Give a connection to a worker that has a turn. The last worker that had one
 * may have ended it meanwhile. */
static void
pass_on(struct connections *connections, int fd)
{
	if (scoreboard_has_turns(connections->scoreboard))
		(void)rights_give(connections->pool.give_fd, fd);
	(void)close(fd); /* nginx opens another, if the pool is full */
	pool_settle(&connections->pool, connections->scoreboard);
}

/* ---- open and close ---- */

struct connections *
connections_open(const struct process *process)
{
	struct connections *connections = calloc(1, sizeof(*connections));
	int flags = fcntl(process->listen_fd, F_GETFL);

	if (connections == NULL)
		return NULL;
	connections->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	connections->listen_fd = process->listen_fd;
	connections->control_fd = process->control_fd;
	connections->pool = process->pool;
	connections->scoreboard = process->scoreboard;
	connections->slot = process->slot;
	connections->busy = -1;
	/* The service manager keeps the socket, with the flags that another
	 * release may have set. */
	if (connections->epoll_fd < 0 || flags < 0 ||
	    fcntl(connections->listen_fd, F_SETFL, flags & ~O_NONBLOCK) != 0 ||
	    !watch(connections, connections->control_fd, EPOLLIN)) {
		connections_close(connections);
		return NULL;
	}
	(void)begin_turn(connections); /* or all are taken */
	return connections;
}

void
connections_close(struct connections *connections)
{
	if (connections == NULL)
		return;
	connections_share(connections);
	close_one(connections->epoll_fd);
	free(connections);
}

void
connections_share(struct connections *connections)
{
	int fd;

	if (!connections->has_turn)
		return;
	end_turn(connections);
	for (fd = 0; fd < CONNECTIONS_DESCRIPTORS && connections->count > 0;
	     fd++) {
		if (!connections->is_kept[fd] || fd == connections->busy)
			continue;
		forget(connections, fd);
		pass_on(connections, fd);
	}
	pool_settle(&connections->pool, connections->scoreboard);
}

/* ---- waiting ---- */

/* The next one is for another worker, so that all that have a turn keep about
 * as many. */
static bool
take_one(struct connections *connections)
{
	struct pollfd backlog = { .fd = connections->listen_fd,
		.events = POLLIN };
	int fd;

	if (!rights_take(connections->pool.take_fd, &fd))
		return true; /* another worker was faster */
	if (fd < 0) {
		/* A call for help: see scoreboard_needs_help. */
		if (poll(&backlog, 1, 0) == 1)
			connections_share(connections);
		return true;
	}
	if (!keep(connections, fd))
		(void)close(fd); /* nginx opens another */
	return stand_in_line(connections);
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

/* On one of the connections that are kept. */
static enum arrival
wait_for_request(
    struct connections *connections, const sigset_t *none, int *ret_fd)
{
	struct epoll_event event;
	int fd;

	let_signals_in(connections, none);
	if (epoll_pwait(connections->epoll_fd, &event, 1, -1, none) != 1)
		return errno == EINTR ? ARRIVAL_NOBODY : ARRIVAL_FAILED;
	fd = event.data.fd;
	if (fd == connections->control_fd)
		return ARRIVAL_NEWS;
	if (fd == connections->pool.take_fd)
		return take_one(connections) ? ARRIVAL_NOBODY : ARRIVAL_FAILED;
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

/* A signal that comes between the look at the flag and the wait is lost; the
 * master repeats it. */
static int
accept_with_signals(struct connections *connections, const sigset_t *none)
{
	sigset_t held;
	int fd = -1, code;

	(void)sigprocmask(SIG_SETMASK, none, &held); /* it is well-formed */
	errno = EINTR;
	if (!process_is_ending())
		fd = accept4(connections->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	code = errno;
	(void)sigprocmask(SIG_SETMASK, &held, NULL);
	errno = code;
	return fd;
}

/* A new connection. Of those that wait here the system wakes one. */
static enum arrival
wait_for_peer(
    struct connections *connections, const sigset_t *none, int *ret_fd)
{
	const struct timeval timeout = { .tv_sec = SLICE_SECONDS };
	int fd = accept_with_signals(connections, none);

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

enum arrival
connections_wait(struct connections *connections, int *ret_fd)
{
	sigset_t none;

	(void)sigemptyset(&none); /* it knows its argument */
	return connections->has_turn
		   ? wait_for_request(connections, &none, ret_fd)
		   : wait_for_peer(connections, &none, ret_fd);
}

bool
connections_has_room(const struct connections *connections)
{
	return !connections->has_turn ||
	       connections->is_kept[connections->busy] ||
	       connections->count < CONNECTIONS_KEPT;
}

void
connections_end(struct connections *connections, bool is_kept)
{
	int fd = connections->busy;

	connections->busy = -1;
	if (connections->is_kept[fd]) {
		if (is_kept && connections->has_turn)
			return;
		forget(connections, fd);
	}
	if (!is_kept)
		return;
	if (!connections->has_turn && !begin_turn(connections))
		pass_on(connections, fd);
	else if (!keep(connections, fd))
		(void)close(fd);
}
