/* SPDX-License-Identifier: ISC */
/* connections.c - what a worker keeps, what it shares, and what it closes. */

#include "daemon/connections.h"

#include "base/rights.h"
#include "daemon/process.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define GUARD_SECONDS 60 /* a wait that does not end ends the test */
#define PEERS_FROM 400	 /* a worker has lower descriptors */
#define TRIES 10	 /* of a wait: in vain is not for ever */

/* Workers, so that there are two turns, and some without one who are free. */
#define SLOTS 12

static int listener;
static struct pool pool;
static struct scoreboard *scoreboard;
static size_t opened; /* slots of workers that a test has opened */
static int controls[SLOTS];
static struct sockaddr_un address;
static socklen_t address_size;

static volatile sig_atomic_t heard;

static void
hear(int signal)
{
	heard = signal;
}

/* No SA_RESTART. */
static void
listen_for(int signal)
{
	struct sigaction action = { .sa_handler = hear };

	cr_assert_eq(sigaction(signal, &action, NULL), 0);
}

/* The kernel finds the address, so that nothing stays behind. */
static void
set_up(void)
{
	struct rlimit limit;
	size_t i;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < 1024 && limit.rlim_max >= 1024)
		limit.rlim_cur = 1024;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	(void)alarm(GUARD_SECONDS);
	address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	address_size = sizeof(address);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(listener, (struct sockaddr *)&address,
			 sizeof(address.sun_family)),
	    0);
	cr_assert_eq(listen(listener, 300), 0);
	cr_assert_eq(
	    getsockname(listener, (struct sockaddr *)&address, &address_size),
	    0);
	cr_assert(pool_open(&pool));
	scoreboard = scoreboard_open();
	cr_assert_not_null(scoreboard);
	scoreboard->processors = 2;
	for (i = 0; i < SLOTS; i++)
		slot_occupy(&scoreboard->slots[i], 1 + i);
}

static void
tear_down(void)
{
	scoreboard_close(scoreboard);
	pool_close(&pool);
	(void)close(listener);
}

TestSuite(connections, .init = set_up, .fini = tear_down);

/* With a turn, if there is one. */
static struct connections *
open_worker(void)
{
	struct process process = {
		.listen_fd = listener,
		.pool = pool,
		.scoreboard = scoreboard,
		.slot = &scoreboard->slots[opened],
	};
	struct connections *worker;
	int fds[2];

	cr_assert_lt(opened, SLOTS);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	process.control_fd = fds[0];
	controls[opened++] = fds[1];
	worker = connections_open(&process);
	cr_assert_not_null(worker);
	return worker;
}

static struct connections *
open_without_turn(void)
{
	struct connections *worker;
	unsigned processors = scoreboard->processors;

	scoreboard->processors = 0;
	worker = open_worker();
	scoreboard->processors = processors;
	return worker;
}

static unsigned
count_turns(void)
{
	unsigned count = 0;
	size_t i;

	for (i = 0; i < SCOREBOARD_TURNS; i++)
		count += scoreboard->turns[i] != 0;
	return count;
}

static int
connect_peer(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), high;

	cr_assert_eq(
	    connect(fd, (const struct sockaddr *)&address, address_size), 0);
	high = fcntl(fd, F_DUPFD_CLOEXEC, PEERS_FROM);
	cr_assert_geq(high, PEERS_FROM);
	(void)close(fd);
	return high;
}

/* Wait, as often as nobody comes. */
static int
wait_for_peer(struct connections *worker)
{
	enum arrival arrival = ARRIVAL_NOBODY;
	int fd = -1, i;

	for (i = 0; i < TRIES && arrival == ARRIVAL_NOBODY; i++)
		arrival = connections_wait(worker, &fd);
	cr_assert_eq((int)arrival, ARRIVAL_PEER);
	return fd;
}

static void
set_timer(suseconds_t microseconds)
{
	const struct itimerval timer = {
		.it_value = { .tv_usec = microseconds },
		.it_interval = { .tv_usec = microseconds },
	};

	cr_assert_eq(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

/* Wait until a signal interrupts: nothing comes meanwhile. */
static void
wait_in_vain(struct connections *worker)
{
	int fd = -1;

	listen_for(SIGALRM);
	heard = 0;
	set_timer(20000);
	while (heard == 0)
		cr_assert_eq((int)connections_wait(worker, &fd), ARRIVAL_NOBODY,
		    "fd %d", fd);
	set_timer(0);
}

/* Wait for no longer than something comes at once; what comes is none. */
static void
take_what_waits(struct connections *worker)
{
	struct pollfd waiting = { .fd = pool.take_fd, .events = POLLIN };
	int fd;

	while (poll(&waiting, 1, 0) == 1)
		cr_assert_eq(
		    (int)connections_wait(worker, &fd), ARRIVAL_NOBODY);
}

/* A connection that the worker has a turn for; returns the peer's end. */
static int
keep_one(struct connections *worker)
{
	int pair[2], high;

	cr_assert_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	cr_assert(rights_give(pool.give_fd, pair[1]));
	(void)close(pair[1]);
	high = fcntl(pair[0], F_DUPFD_CLOEXEC, PEERS_FROM);
	cr_assert_geq(high, PEERS_FROM);
	(void)close(pair[0]);
	take_what_waits(worker);
	return high;
}

static void
say(int peer, const char *word)
{
	cr_assert_eq(send(peer, word, strlen(word), MSG_NOSIGNAL),
	    (ssize_t)strlen(word));
}

static bool
hears(int fd, const char *word)
{
	char bytes[16];
	ssize_t size = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	return size == (ssize_t)strlen(word) &&
	       memcmp(bytes, word, (size_t)size) == 0;
}

/* Has the worker closed the other end? */
static bool
is_left(int peer)
{
	char byte;
	ssize_t size = recv(peer, &byte, 1, MSG_DONTWAIT);

	return size == 0 || (size < 0 && errno == ECONNRESET);
}

/* ---- keeping ---- */

Test(connections, serve_one_after_the_other_while_they_are_kept)
{
	struct connections *worker = open_worker();
	int peer = keep_one(worker), other = keep_one(worker), fd, i;

	for (i = 0; i < 3; i++) {
		say(peer, "one");
		fd = wait_for_peer(worker);
		cr_assert(hears(fd, "one"));
		cr_assert(connections_has_room(worker));
		connections_end(worker, true);
		say(other, "two");
		fd = wait_for_peer(worker);
		cr_assert(hears(fd, "two"));
		connections_end(worker, true);
	}
	wait_in_vain(worker);
	connections_close(worker);
}

Test(connections, fail_after_a_second_of_silence)
{
	struct connections *worker = open_without_turn();
	int peer = connect_peer(), fd = wait_for_peer(worker);
	struct timeval timeout = { 0 };
	socklen_t size = sizeof(timeout);

	cr_assert_eq(
	    getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, &size), 0);
	cr_assert_eq(timeout.tv_sec, 1);
	cr_assert_eq(
	    getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, &size), 0);
	cr_assert_eq(timeout.tv_sec, 1);
	(void)close(peer);
	connections_end(worker, true);
	connections_close(worker);
}

Test(connections, are_128_at_most)
{
	struct connections *worker = open_worker();
	int peers[CONNECTIONS_KEPT], more, fd, i;

	for (i = 0; i < CONNECTIONS_KEPT; i++)
		peers[i] = keep_one(worker);
	more = keep_one(worker);
	cr_assert(is_left(more)); /* it closes what it cannot keep */
	/* One that is kept has its place while it is busy, and after. */
	for (i = 0; i < CONNECTIONS_KEPT; i++) {
		say(peers[i], "again");
		fd = wait_for_peer(worker);
		cr_assert(hears(fd, "again"));
		cr_assert(connections_has_room(worker));
		connections_end(worker, true);
	}
	/* And when it leaves, another has its place. */
	(void)close(peers[7]);
	wait_in_vain(worker);
	more = keep_one(worker);
	cr_assert_not(is_left(more));
	connections_close(worker);
}

Test(connections, are_forgotten_when_the_peer_leaves)
{
	struct connections *worker = open_worker();
	int peer = keep_one(worker), other = keep_one(worker), fd;
	int lowest = dup(0);

	(void)close(lowest);
	say(peer, "and gone"); /* it wants no answer any more */
	(void)close(peer);
	cr_assert_eq((int)connections_wait(worker, &fd), ARRIVAL_NOBODY);
	wait_in_vain(worker);
	fd = dup(0);
	cr_assert_lt(fd, lowest, "its descriptor is still open");
	(void)close(fd);
	say(other, "here");
	cr_assert(hears(wait_for_peer(worker), "here"));
	connections_end(worker, true);
	connections_close(worker);
}

Test(connections, are_free_for_another_after_an_end_without_keeping)
{
	struct connections *worker = open_worker();
	int peer = keep_one(worker), fd, i;

	for (i = 0; i < 2 * CONNECTIONS_KEPT; i++) {
		say(peer, "last");
		fd = wait_for_peer(worker);
		cr_assert(hears(fd, "last"));
		connections_end(worker, false);
		(void)close(fd);
		(void)close(peer);
		peer = keep_one(worker);
	}
	connections_close(worker);
}

/*
 * Whoever gave a connection has it open a moment longer. If it is stopped in
 * this moment, then the watch of the one that took it does not end with its
 * descriptor, which the next connection may get.
 */
static void
end_with_a_copy(bool is_left_first)
{
	struct connections *worker = open_worker();
	int peer = keep_one(worker), other, copy, fd, next;

	say(peer, "last");
	fd = wait_for_peer(worker);
	cr_assert(hears(fd, "last"));
	copy = fcntl(fd, F_DUPFD_CLOEXEC, PEERS_FROM);
	if (is_left_first) {
		connections_end(worker, true);
		(void)close(peer);
		wait_in_vain(worker);
	} else {
		connections_end(worker, false);
		(void)close(fd);
	}
	other = keep_one(worker);
	if (!is_left_first)
		(void)close(peer);
	wait_in_vain(worker);
	cr_assert_not(is_left(other));
	say(other, "here");
	next = wait_for_peer(worker);
	cr_assert_eq(next, fd);
	cr_assert(hears(next, "here"));
	connections_end(worker, true);
	(void)close(copy);
	(void)close(other);
	connections_close(worker);
}

Test(connections, are_not_watched_after_their_end)
{
	end_with_a_copy(true);
	end_with_a_copy(false);
}

/* ---- sharing ---- */

Test(connections, go_to_another_worker_with_what_waits_in_them)
{
	struct connections *worker = open_worker(), *other = open_worker();
	int kept[3], busy, i;

	for (i = 0; i < 3; i++)
		kept[i] = keep_one(worker);
	busy = keep_one(worker);
	say(busy, "long");
	cr_assert(hears(wait_for_peer(worker), "long"));
	say(kept[0], "before");
	connections_share(worker);
	say(kept[1], "after");
	cr_assert(hears(wait_for_peer(other), "before"));
	connections_end(other, true);
	cr_assert(hears(wait_for_peer(other), "after"));
	connections_end(other, true);
	take_what_waits(other);
	/* The busy one stays, and nobody else hears what it says. Its worker
	 * begins a turn anew, for there is one. */
	cr_assert_eq(count_turns(), 1);
	connections_end(worker, true);
	cr_assert_eq(count_turns(), 2);
	say(busy, "mine");
	cr_assert(hears(wait_for_peer(worker), "mine"));
	connections_end(worker, true);
	/* What the other took it keeps: the third, too. */
	say(kept[2], "third");
	cr_assert(hears(wait_for_peer(other), "third"));
	connections_end(other, true);
	wait_in_vain(worker);
	connections_close(worker);
	connections_close(other);
}

Test(connections, go_to_another_worker_at_the_end)
{
	struct connections *worker = open_worker(), *other = open_worker();
	int peer = keep_one(worker);

	say(peer, "late");
	connections_close(worker);
	cr_assert(hears(wait_for_peer(other), "late"));
	connections_end(other, true);
	connections_close(other);
}

Test(connections, are_closed_when_nobody_has_a_turn)
{
	struct connections *worker = open_worker();
	int peer = keep_one(worker), busy = keep_one(worker);

	say(busy, "long");
	cr_assert(hears(wait_for_peer(worker), "long"));
	cr_assert_not(is_left(peer));
	connections_share(worker);
	cr_assert(is_left(peer));
	cr_assert_not(is_left(busy));
	connections_end(worker, false);
	connections_close(worker);
}

Test(connections, in_the_pool_are_closed_after_the_last_turn)
{
	struct connections *worker = open_worker();
	int pair[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	cr_assert(rights_give(pool.give_fd, pair[1]));
	(void)close(pair[1]);
	pool_settle(&pool, scoreboard);
	cr_assert_not(is_left(pair[0]), "a worker would take it");
	/* It dies; the master ends its turn. */
	slot_end_turn(scoreboard, &scoreboard->slots[0]);
	pool_settle(&pool, scoreboard);
	cr_assert(is_left(pair[0]));
	connections_close(worker);
}

/* ---- without a turn ---- */

Test(connections, go_to_a_worker_that_has_a_turn)
{
	struct connections *worker = open_worker(), *also = open_worker(),
			   *other = open_without_turn();
	int peer = connect_peer(), fd = wait_for_peer(other);

	cr_assert(connections_has_room(other));
	connections_end(other, true);
	cr_assert_eq(fcntl(fd, F_GETFD), -1);
	cr_assert_not(is_left(peer));
	take_what_waits(worker);
	say(peer, "one");
	cr_assert(hears(wait_for_peer(worker), "one"));
	connections_end(worker, true);
	connections_close(other);
	connections_close(also);
	connections_close(worker);
}

Test(connections, begin_a_turn_with_the_first_that_is_kept)
{
	struct connections *worker = open_without_turn();
	int peer = connect_peer(), fd = wait_for_peer(worker);

	cr_assert_eq(count_turns(), 0);
	connections_end(worker, true);
	cr_assert_eq(count_turns(), 1);
	say(peer, "one");
	cr_assert_eq(wait_for_peer(worker), fd);
	cr_assert(hears(fd, "one"));
	connections_end(worker, true);
	connections_close(worker);
	cr_assert_eq(count_turns(), 0);
	cr_assert(is_left(peer));
}

/* As a release before this one left it to the service manager. */
Test(connections, are_waited_for_where_the_socket_did_not_wait)
{
	struct connections *worker;

	cr_assert_eq(fcntl(listener, F_SETFL, O_NONBLOCK), 0);
	worker = open_without_turn();
	wait_in_vain(worker);
	cr_assert_eq(fcntl(listener, F_GETFL) & O_NONBLOCK, 0);
	connections_close(worker);
}

Test(connections, are_not_kept_where_no_other_worker_is_free)
{
	struct connections *worker = open_without_turn();
	int peer = connect_peer(), i;

	(void)wait_for_peer(worker);
	for (i = 0; i < SLOTS; i++)
		slot_begin(scoreboard, &scoreboard->slots[i]);
	connections_end(worker, true);
	cr_assert(is_left(peer));
	cr_assert_eq(count_turns(), 0);
	connections_close(worker);
}

/* Let a worker that has a turn wait for a moment; does it end its turn? */
static bool
is_helping(struct connections *worker)
{
	pool_call_for_help(&pool);
	take_what_waits(worker);
	return count_turns() == 0;
}

Test(connections, that_nobody_accepts_end_a_turn)
{
	struct connections *worker = open_worker();
	int peer;

	cr_assert_not(is_helping(worker), "there is none");
	peer = connect_peer();
	cr_assert(is_helping(worker));
	say(peer, "help");
	cr_assert(hears(wait_for_peer(worker), "help"));
	connections_end(worker, false);
	connections_close(worker);
}

Test(connections, are_not_all_that_is_waited_for)
{
	struct connections *worker = open_worker();
	int fd;

	cr_assert_eq(send(controls[0], "x", 1, MSG_NOSIGNAL), 1);
	cr_assert_eq((int)connections_wait(worker, &fd), ARRIVAL_NEWS);
	connections_close(worker);
}

/* ---- the pool ---- */

Test(connections, are_closed_when_the_pool_is_full)
{
	struct connections *worker = open_worker(), *other = open_worker();
	const char byte = 0;
	int peer = keep_one(worker);

	while (send(pool.give_fd, &byte, 1, MSG_DONTWAIT) == 1)
		continue;
	cr_assert_eq(errno, EAGAIN);
	connections_share(worker);
	cr_assert(is_left(peer));
	take_what_waits(other); /* messages without a connection are none */
	connections_close(worker);
	connections_close(other);
}

Test(connections, beyond_128_are_closed_when_they_are_taken)
{
	struct connections *worker = open_worker(), *other = open_worker();
	int peers[CONNECTIONS_KEPT], one = keep_one(other), i;

	for (i = 0; i < CONNECTIONS_KEPT; i++)
		peers[i] = keep_one(worker);
	connections_share(other);
	wait_in_vain(worker);
	cr_assert(is_left(one));
	for (i = 0; i < CONNECTIONS_KEPT; i++)
		cr_assert_not(is_left(peers[i]));
	connections_close(worker);
	connections_close(other);
}

/* ---- what a worker that was taken over could give ---- */

static void
give(const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} control = { .header = { .cmsg_level = SOL_SOCKET,
			  .cmsg_type = SCM_RIGHTS,
			  .cmsg_len = CMSG_LEN(count * sizeof(int)) } };
	char byte = 0;
	struct iovec piece = { &byte, 1 };
	struct msghdr message = { .msg_iov = &piece,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)) };

	memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	cr_assert_eq(sendmsg(pool.give_fd, &message, MSG_NOSIGNAL), 1);
}

static int
lowest_free(void)
{
	int fd = dup(0);

	(void)close(fd);
	return fd;
}

Test(connections, are_not_files)
{
	struct connections *worker = open_worker();
	int file = memfd_create("no connection", MFD_CLOEXEC), before, fd;

	before = lowest_free();
	give(&file, 1);
	cr_assert_eq((int)connections_wait(worker, &fd), ARRIVAL_NOBODY);
	cr_assert_eq(lowest_free(), before, "it stays open");
	wait_in_vain(worker);
	connections_close(worker);
}

Test(connections, come_one_at_a_time)
{
	struct connections *worker = open_worker();
	int pair[2], many[8], before, i;

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	before = lowest_free();
	for (i = 0; i < 8; i++)
		many[i] = pair[0];
	for (i = 2; i <= 8; i += 2)
		give(many, (size_t)i);
	wait_in_vain(worker);
	connections_share(worker);
	cr_assert_eq(lowest_free(), before, "some stay open");
	connections_close(worker);
}

/* ---- signals ---- */

Test(connections, let_a_signal_in_while_a_worker_waits_and_only_then)
{
	struct connections *worker = open_worker();
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	cr_assert_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	listen_for(SIGTERM);
	(void)raise(SIGTERM);
	cr_assert_eq(heard, 0);
	cr_assert_eq((int)connections_wait(worker, &fd), ARRIVAL_NOBODY);
	cr_assert_eq(heard, SIGTERM);
	heard = 0;
	(void)raise(SIGTERM);
	cr_assert_eq(heard, 0, "it is let in outside of the wait");
	connections_close(worker);
}

Test(connections, let_a_signal_in_while_a_worker_accepts_and_only_then)
{
	struct connections *worker = open_without_turn();
	int fd;

	process_signals();
	process_hold();
	(void)raise(SIGTERM);
	cr_assert_not(process_is_ending(), "it is let in before");
	cr_assert_eq((int)connections_wait(worker, &fd), ARRIVAL_NOBODY);
	cr_assert(process_is_ending());
	connections_close(worker);
}

/* A worker that always finds a request has to hear of its end, too. */
Test(connections, let_a_signal_in_while_requests_come_one_after_the_other)
{
	struct connections *worker = open_worker();
	int peer = keep_one(worker), i;
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	cr_assert_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	listen_for(SIGTERM);
	say(peer, "more"); /* and nobody reads it */
	(void)raise(SIGTERM);
	for (i = 0; i < 20 && heard == 0; i++) {
		(void)wait_for_peer(worker);
		connections_end(worker, true);
	}
	cr_assert_eq(heard, SIGTERM);
	connections_close(worker);
}
