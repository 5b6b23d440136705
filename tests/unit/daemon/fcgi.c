/* SPDX-License-Identifier: ISC */
/*
 * fcgi.c - when a connection is kept and when it is closed, and that no byte of
 * a body is ever served as a request, wherever the bytes are divided.
 *
 * The worker has a turn, so that it keeps what is to be kept: its connections
 * come through the pool, as if another worker had accepted them.
 */

#include "base/rights.h"
#include "daemon/fcgi.h"
#include "daemon/process.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fastcgi.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/sockios.h>

#define GUARD_SECONDS 100   /* a read that does not end ends the test */
#define LIBFCGI_BUFFER 8192 /* it reads so much at once */
#define FITS (96 * 1024)    /* into the peer's socket */

static int listener, master;
static struct pool pool;
static struct sockaddr_un address;
static socklen_t address_size = sizeof(address);
static struct scoreboard *scoreboard;
static struct slot *another; /* a worker of which there is the slot alone */
static struct fcgi *fcgi;

static void
set_up(void)
{
	const struct config config = { .io_timeout = 2 };
	struct process process = { .config = &config };
	int control[2];

	(void)alarm(GUARD_SECONDS);
	(void)signal(SIGPIPE, SIG_IGN);
	address.sun_family = AF_UNIX;
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* The kernel finds the address, so that nothing stays behind. */
	cr_assert_eq(bind(listener, (struct sockaddr *)&address,
			 sizeof(address.sun_family)),
	    0);
	cr_assert_eq(listen(listener, 5), 0);
	cr_assert_eq(
	    getsockname(listener, (struct sockaddr *)&address, &address_size),
	    0);
	cr_assert_eq(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
	master = control[0];
	cr_assert(pool_open(&pool));
	scoreboard = scoreboard_open();
	cr_assert_not_null(scoreboard);
	another = &scoreboard->slots[1];
	slot_occupy(&scoreboard->slots[0], 1);
	slot_occupy(another, 2);
	process.listen_fd = listener;
	process.control_fd = control[1];
	process.pool = pool;
	process.scoreboard = scoreboard;
	process.slot = &scoreboard->slots[0];
	fcgi = fcgi_open(&process);
	cr_assert_not_null(fcgi);
	cr_assert(scoreboard_has_turns(scoreboard));
}

static void
tear_down(void)
{
	fcgi_close(fcgi);
	scoreboard_close(scoreboard);
	pool_close(&pool);
	(void)close(master);
	(void)close(listener);
}

TestSuite(fcgi, .init = set_up, .fini = tear_down);

/* ---- the peer's bytes ---- */

struct wire {
	char bytes[80000];
	size_t size;
};

static void
put(struct wire *wire, const void *bytes, size_t size)
{
	cr_assert_leq(size, sizeof(wire->bytes) - wire->size);
	memcpy(wire->bytes + wire->size, bytes, size);
	wire->size += size;
}

static void
put_record(struct wire *wire, unsigned char type, const void *content,
    size_t size, unsigned char padding)
{
	const FCGI_Header header = { .version = FCGI_VERSION_1,
		.type = type,
		.requestIdB0 = 1,
		.contentLengthB1 = (unsigned char)(size >> 8),
		.contentLengthB0 = (unsigned char)size,
		.paddingLength = padding };
	const char nothing[255] = { 0 };

	put(wire, &header, sizeof(header));
	put(wire, content, size);
	put(wire, nothing, padding);
}

struct sent {
	bool is_to_close;
	/* Padding of records; libfcgi forgets that of the first three. */
	unsigned char begin, end_of_parameters, end_of_body;
	unsigned char parameters, body_part;
};

static void
put_begin(struct wire *wire, const struct sent *sent)
{
	const FCGI_BeginRequestBody body = {
		.roleB0 = FCGI_RESPONDER,
		.flags = sent->is_to_close ? 0 : FCGI_KEEP_CONN,
	};

	put_record(wire, FCGI_BEGIN_REQUEST, &body, sizeof(body), sent->begin);
}

static void
put_parameters(struct wire *wire, const struct sent *sent, const char *name)
{
	char pair[100];
	int size = snprintf(pair, sizeof(pair), "%c%cNAME%s", 4,
	    (int)strlen(name), name);

	cr_assert(size > 0 && strlen(name) < 90);
	put_record(wire, FCGI_PARAMS, pair, (size_t)size, sent->parameters);
	put_record(wire, FCGI_PARAMS, "", 0, sent->end_of_parameters);
}

static void
put_request(struct wire *wire, const struct sent *sent, const char *name,
    struct span body)
{
	put_begin(wire, sent);
	put_parameters(wire, sent, name);
	if (body.size > 0)
		put_record(
		    wire, FCGI_STDIN, body.data, body.size, sent->body_part);
	put_record(wire, FCGI_STDIN, "", 0, sent->end_of_body);
}

static const struct sent plain; /* a clean request that asks to be kept */

/* ---- the peer ---- */

static int
connect_to_listener(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(
	    connect(fd, (const struct sockaddr *)&address, address_size), 0);
	return fd;
}

/* What the worker that accepted it would pass on, a call of which waits for a
 * second. */
static int
connect_peer(void)
{
	const struct timeval timeout = { .tv_sec = 1 };
	int pair[2];

	cr_assert_eq(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	cr_assert_eq(setsockopt(pair[1], SOL_SOCKET, SO_RCVTIMEO, &timeout,
			 sizeof(timeout)),
	    0);
	cr_assert_eq(setsockopt(pair[1], SOL_SOCKET, SO_SNDTIMEO, &timeout,
			 sizeof(timeout)),
	    0);
	cr_assert(rights_give(pool.give_fd, pair[1]));
	(void)close(pair[1]);
	return pair[0];
}

static void
say(int peer, const char *bytes, size_t size)
{
	cr_assert_eq(send(peer, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT),
	    (ssize_t)size);
}

static void
ask(int peer, const struct sent *sent, const char *name, struct span body)
{
	struct wire wire;

	wire.size = 0;
	put_request(&wire, sent, name, body);
	say(peer, wire.bytes, wire.size);
}

enum heard { HEARD_NOTHING, HEARD_END, HEARD_LEFT, HEARD_END_AND_LEFT };

/* What came back: the end of one answer, the end of the connection. */
static enum heard
hear(int peer)
{
	char bytes[1000];
	size_t size = 0;
	ssize_t count;
	bool is_end;

	while ((count = recv(peer, bytes + size, sizeof(bytes) - size,
		    MSG_DONTWAIT)) > 0)
		size += (size_t)count;
	cr_assert_lt(size, sizeof(bytes));
	is_end = size >= 16 && bytes[size - 15] == FCGI_END_REQUEST;
	if (count == 0 || errno == ECONNRESET)
		return is_end ? HEARD_END_AND_LEFT : HEARD_LEFT;
	return is_end ? HEARD_END : HEARD_NOTHING;
}

/* ---- a worker ---- */

static void
receive(const char *name)
{
	enum arrival arrival;
	char expected[100];

	do
		arrival = fcgi_accept(fcgi);
	while (arrival == ARRIVAL_NOBODY);
	cr_assert_eq((int)arrival, ARRIVAL_PEER);
	cr_assert(fcgi_receive(fcgi), "%s is not received", name);
	(void)snprintf(expected, sizeof(expected), "NAME=%s", name);
	/* libfcgi puts FCGI_ROLE before it. */
	cr_assert_str_eq(fcgi_parameters(fcgi)[1], expected);
}

static bool
answer(bool may_keep)
{
	return fcgi_write(fcgi, SPAN("Status: 200\r\n\r\n")) &&
	       fcgi_finish(fcgi, may_keep);
}

/* A read: its body, if there is one, is not asked for. */
static void
serve(const char *name)
{
	receive(name);
	cr_assert(answer(true));
}

static void
demand_kept(int peer)
{
	cr_assert_eq((int)hear(peer), HEARD_END);
	ask(peer, &plain, "the next one", SPAN(""));
	serve("the next one");
	cr_assert_eq((int)hear(peer), HEARD_END);
}

/* ---- kept or closed ---- */

Test(fcgi, keeps_a_connection_with_nothing_left_to_say)
{
	int peer = connect_peer(), i;

	for (i = 0; i < 5; i++) {
		ask(peer, &plain, "a read", SPAN(""));
		serve("a read");
		demand_kept(peer);
	}
}

Test(fcgi, closes_what_the_peer_does_not_ask_to_keep)
{
	const struct sent sent = { .is_to_close = true };
	int peer = connect_peer();

	ask(peer, &sent, "first", SPAN(""));
	serve("first");
	cr_assert_eq((int)hear(peer), HEARD_END_AND_LEFT);
	/* Also when it was kept before. */
	peer = connect_peer();
	ask(peer, &plain, "first", SPAN(""));
	serve("first");
	demand_kept(peer);
	ask(peer, &sent, "last", SPAN(""));
	serve("last");
	cr_assert_eq((int)hear(peer), HEARD_END_AND_LEFT);
}

Test(fcgi, closes_what_the_worker_may_not_keep)
{
	int peer = connect_peer();

	ask(peer, &plain, "a change", SPAN(""));
	receive("a change");
	cr_assert(answer(false));
	cr_assert_eq((int)hear(peer), HEARD_END_AND_LEFT);
}

Test(fcgi, closes_after_an_abort)
{
	int peer = connect_peer();

	ask(peer, &plain, "cut off", SPAN(""));
	receive("cut off");
	fcgi_abort(fcgi);
	cr_assert_eq((int)hear(peer), HEARD_LEFT);
}

Test(fcgi, closes_after_padding_that_libfcgi_forgets)
{
	static const struct sent odd[] = { { .begin = 8 }, { .begin = 255 },
		{ .end_of_parameters = 8 }, { .end_of_body = 8 },
		{ .end_of_body = 1 } };
	size_t i;
	int peer;

	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		peer = connect_peer();
		ask(peer, &odd[i], "odd", SPAN(""));
		/* It may take the padding for a record, and fail. */
		while (fcgi_accept(fcgi) != ARRIVAL_PEER)
			continue;
		if (fcgi_receive(fcgi))
			(void)answer(true);
		cr_expect((hear(peer) & HEARD_LEFT) != 0, "%zu", i);
		(void)close(peer);
	}
}

/* libfcgi takes it for a record of another request, and goes on behind it; a
 * longer one would swallow true records. */
Test(fcgi, closes_after_padding_that_is_a_record_in_itself)
{
	const struct sent odd = { .end_of_parameters = 8 };
	const FCGI_Header other = {
		.version = FCGI_VERSION_1, .type = FCGI_STDIN, .requestIdB0 = 2
	};
	struct wire wire;
	int peer = connect_peer();

	wire.size = 0;
	put_begin(&wire, &odd);
	put_parameters(&wire, &odd, "padded");
	memcpy(wire.bytes + wire.size - sizeof(other), &other, sizeof(other));
	put_record(&wire, FCGI_STDIN, "", 0, 0);
	say(peer, wire.bytes, wire.size);
	serve("padded");
	cr_assert_eq((int)hear(peer), HEARD_END_AND_LEFT);
}

Test(fcgi, keeps_after_padding_that_libfcgi_knows)
{
	const struct sent sent = { .parameters = 7, .body_part = 255 };
	int peer = connect_peer();

	ask(peer, &sent, "padded", SPAN("a body"));
	serve("padded");
	demand_kept(peer);
}

Test(fcgi, closes_when_anything_follows)
{
	struct wire wire;
	size_t whole, size;
	int peer;

	wire.size = 0;
	put_request(&wire, &plain, "first", SPAN(""));
	whole = wire.size;
	put_request(&wire, &plain, "second", SPAN(""));
	for (size = whole + 1; size <= wire.size; size++) {
		peer = connect_peer();
		say(peer, wire.bytes, size);
		serve("first");
		cr_assert((hear(peer) & HEARD_LEFT) != 0, "%zu", size);
		(void)close(peer);
	}
}

Test(fcgi, keeps_after_a_body_that_nobody_asked_for)
{
	char body[20000];
	int peer = connect_peer();

	memset(body, 'x', sizeof(body));
	ask(peer, &plain, "a body", span_of(body, sizeof(body)));
	serve("a body");
	demand_kept(peer);
}

Test(fcgi, closes_after_a_body_that_breaks_off)
{
	struct wire wire;
	int peer = connect_peer();

	wire.size = 0;
	put_request(&wire, &plain, "half", SPAN("a body"));
	say(peer, wire.bytes, wire.size - 11);
	cr_assert_eq(shutdown(peer, SHUT_WR), 0);
	serve("half");
	cr_assert((hear(peer) & HEARD_LEFT) != 0);
}

Test(fcgi, closes_after_a_body_that_ends_without_its_end)
{
	struct wire wire;
	int peer = connect_peer();

	wire.size = 0;
	put_request(&wire, &plain, "half", SPAN("a body"));
	say(peer, wire.bytes, wire.size - 8);
	serve("half"); /* after io_timeout */
	cr_assert((hear(peer) & HEARD_LEFT) != 0);
}

Test(fcgi, closes_after_a_record_that_is_none)
{
	struct wire wire;
	int peer = connect_peer();

	wire.size = 0;
	put_request(&wire, &plain, "broken", SPAN("a body"));
	wire.bytes[wire.size - 8] = 2; /* the version */
	say(peer, wire.bytes, wire.size);
	serve("broken");
	cr_assert((hear(peer) & HEARD_LEFT) != 0);
}

Test(fcgi, closes_a_connection_without_a_request)
{
	int peer = connect_peer(), i;

	for (i = 0; i < 300; i++) {
		ask(peer, &plain, "first", SPAN(""));
		serve("first");
		(void)hear(peer);
		say(peer, "nonsense", 8);
		cr_assert_eq(shutdown(peer, SHUT_WR), 0);
		while (fcgi_accept(fcgi) != ARRIVAL_PEER)
			continue;
		cr_assert_not(fcgi_receive(fcgi));
		cr_assert((hear(peer) & HEARD_LEFT) != 0);
		(void)close(peer);
		peer = connect_peer();
	}
}

Test(fcgi, closes_when_the_peer_does_not_take_the_answer)
{
	char bytes[60000];
	int peer = connect_peer(), i;
	bool is_out = true;

	memset(bytes, 'x', sizeof(bytes));
	ask(peer, &plain, "stalls", SPAN(""));
	receive("stalls");
	for (i = 0; i < 100 && is_out; i++)
		is_out = fcgi_write(fcgi, span_of(bytes, sizeof(bytes)));
	cr_assert_not(is_out);
	cr_assert_not(fcgi_finish(fcgi, true));
	while (recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
	cr_assert((hear(peer) & HEARD_LEFT) != 0);
}

/* ---- who waits ---- */

static bool
is_shared(void)
{
	char byte;

	return recv(pool.take_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* So that what is shared stays in the pool, a second worker has a turn. */
static void
give_turn_to_another(void)
{
	size_t i;

	scoreboard->processors = 2;
	for (i = 2; i < 8; i++)
		slot_occupy(&scoreboard->slots[i], i + 1);
	cr_assert(slot_begin_turn(scoreboard, another));
}

Test(fcgi, shares_before_a_long_answer_and_no_other)
{
	char bytes[FITS];
	int idle = connect_peer(), peer = connect_peer();

	give_turn_to_another();
	memset(bytes, 'x', sizeof(bytes));
	ask(idle, &plain, "first", SPAN(""));
	ask(peer, &plain, "second", SPAN(""));
	serve("first");
	serve("second");
	ask(peer, &plain, "short", SPAN(""));
	receive("short");
	/* It goes out at once, though nobody reads it. */
	cr_assert(fcgi_write(fcgi, span_of(bytes, sizeof(bytes))));
	cr_assert(fcgi_finish(fcgi, true));
	cr_assert_not(is_shared());
	while (recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
	ask(peer, &plain, "long", SPAN(""));
	receive("long");
	cr_assert(fcgi_write(fcgi, SPAN("x")));
	cr_assert_not(is_shared());
	cr_assert(fcgi_write(fcgi, span_of(bytes, sizeof(bytes))));
	cr_assert(is_shared());
	cr_assert(fcgi_finish(fcgi, true));
	cr_assert_eq((int)hear(idle), HEARD_END); /* and not left */
}

Test(fcgi, closes_what_nobody_else_can_take_before_a_long_answer)
{
	char bytes[FITS];
	int idle = connect_peer(), peer;

	memset(bytes, 'x', sizeof(bytes));
	ask(idle, &plain, "first", SPAN(""));
	serve("first");
	cr_assert_eq((int)hear(idle), HEARD_END);
	peer = connect_peer();
	ask(peer, &plain, "long", SPAN(""));
	receive("long");
	cr_assert(fcgi_write(fcgi, SPAN("x")));
	cr_assert_eq((int)hear(idle), HEARD_NOTHING);
	cr_assert(fcgi_write(fcgi, span_of(bytes, sizeof(bytes))));
	cr_assert_eq((int)hear(idle), HEARD_LEFT);
	cr_assert(fcgi_finish(fcgi, true));
	/* The busy one is kept, since the worker begins another turn. */
	while (recv(peer, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
	ask(peer, &plain, "after", SPAN(""));
	serve("after");
	cr_assert_eq((int)hear(peer), HEARD_END);
	cr_assert_not(is_shared());
}

Test(fcgi, passes_on_what_it_accepted_and_is_to_be_kept)
{
	const struct sent sent = { .is_to_close = true };
	int kept, peer;

	fcgi_share(fcgi); /* ends its turn */
	cr_assert(slot_begin_turn(scoreboard, another));
	kept = connect_to_listener();
	ask(kept, &plain, "to keep", SPAN(""));
	serve("to keep");
	cr_assert(is_shared());
	cr_assert_eq((int)hear(kept), HEARD_END);
	/* It has no turn, so it takes nothing, and accepts again. */
	ask(kept, &plain, "for another", SPAN(""));
	peer = connect_to_listener();
	ask(peer, &sent, "to close", SPAN(""));
	serve("to close");
	cr_assert_eq((int)hear(peer), HEARD_END_AND_LEFT);
	cr_assert(is_shared());
	cr_assert_eq((int)hear(kept), HEARD_NOTHING);
	/* Nobody has a turn, or can begin one: the other worker is busy. */
	slot_end_turn(scoreboard, another);
	slot_begin(scoreboard, another);
	peer = connect_to_listener();
	ask(peer, &plain, "for nobody", SPAN(""));
	serve("for nobody");
	cr_assert_eq((int)hear(peer), HEARD_END_AND_LEFT);
	cr_assert_not(is_shared());
	cr_assert_eq((int)hear(kept), HEARD_LEFT);
	/* As soon as another worker is free, it keeps one itself. */
	slot_end(another);
	peer = connect_to_listener();
	ask(peer, &plain, "for itself", SPAN(""));
	serve("for itself");
	cr_assert_not(is_shared());
	demand_kept(peer);
}

/* ---- wherever bytes are divided ---- */

struct split {
	int peer;
	const struct wire *wire;
	size_t first; /* bytes that have gone out */
	pthread_t thread;
};

/* When the first part was read, the second follows. */
static void *
say_rest(void *object)
{
	const struct split *split = object;
	int unread = 1;

	while (ioctl(split->peer, SIOCOUTQ, &unread) == 0 && unread > 0)
		(void)usleep(20);
	(void)send(split->peer, split->wire->bytes + split->first,
	    split->wire->size - split->first, MSG_NOSIGNAL);
	return NULL;
}

static void
begin_split(struct split *split, const struct wire *wire, size_t first)
{
	split->wire = wire;
	split->first = first;
	say(split->peer, wire->bytes, first);
	cr_assert_eq(pthread_create(&split->thread, NULL, say_rest, split), 0);
}

static void
try_splits(const struct wire *wire, struct span body)
{
	struct split split = { .peer = connect_peer() };
	char text[100];
	size_t at, size;
	struct body source;

	for (at = 1; at < wire->size; at++) {
		begin_split(&split, wire, at);
		receive("split");
		source = fcgi_body(fcgi, body.size);
		if (body.size > 0) {
			for (size = 0; size < body.size;) {
				size_t part = 0;

				cr_assert_eq(
				    (int)source.read(source.source, text + size,
					sizeof(text) - size, &part),
				    RESULT_OK);
				size += part;
			}
			cr_assert_arr_eq(text, body.data, body.size);
		}
		cr_assert(answer(true), "%zu", at);
		cr_assert_eq(pthread_join(split.thread, NULL), 0);
		cr_assert_eq((int)hear(split.peer), HEARD_END, "%zu", at);
		ask(split.peer, &plain, "whole", SPAN(""));
		serve("whole");
		cr_assert_eq((int)hear(split.peer), HEARD_END, "%zu", at);
	}
}

Test(fcgi, keeps_a_connection_wherever_its_bytes_are_divided)
{
	const struct sent padded = { .parameters = 3, .body_part = 5 };
	struct wire wire;

	wire.size = 0;
	put_request(&wire, &plain, "split", SPAN(""));
	try_splits(&wire, SPAN(""));
	wire.size = 0;
	put_request(&wire, &padded, "split", SPAN("a body in two parts"));
	try_splits(&wire, SPAN("a body in two parts"));
}

/* ---- bodies that look like requests ---- */

/* How much of its body a request is asked for. */
enum taken { TAKEN_NOTHING, TAKEN_SOME, TAKEN_ALL };

static void
take(enum taken taken, size_t size)
{
	struct body source = fcgi_body(fcgi, size);
	enum result result = RESULT_OK;
	char bytes[1000];
	size_t part = 0;

	while (taken != TAKEN_NOTHING && result == RESULT_OK) {
		result =
		    source.read(source.source, bytes, sizeof(bytes), &part);
		if (taken == TAKEN_SOME)
			return;
	}
}

/*
 * A body of so many bytes, and then of requests. None is served: the next that
 * the worker receives is what the peer asks after it, on whichever connection.
 */
static void
try_forged(size_t before, enum taken taken, bool is_kept)
{
	static struct wire body, wire;
	int peer = connect_peer();

	memset(body.bytes, ' ', before);
	body.size = before;
	put_request(&body, &plain, "forged", SPAN(""));
	put_request(&body, &plain, "forged", SPAN(""));
	wire.size = 0;
	put_request(&wire, &plain, "outer", span_of(body.bytes, body.size));
	say(peer, wire.bytes, wire.size);
	receive("outer");
	take(taken, body.size);
	cr_assert(answer(is_kept));
	if (is_kept) {
		cr_assert_eq((int)hear(peer), HEARD_END, "%zu", before);
	} else {
		cr_assert_eq((int)hear(peer), HEARD_END_AND_LEFT);
		(void)close(peer);
		peer = connect_peer();
	}
	ask(peer, &plain, "true", SPAN(""));
	serve("true");
	cr_assert_eq((int)hear(peer), HEARD_END, "%zu", before);
	(void)close(peer);
}

static void
try_forged_in_all_ways(size_t before)
{
	static const enum taken all[] = { TAKEN_NOTHING, TAKEN_SOME,
		TAKEN_ALL };
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		try_forged(before, all[i], true);
		try_forged(before, all[i], false);
	}
}

Test(fcgi, never_serves_what_a_body_holds)
{
	struct wire head;
	size_t before, start, request;

	head.size = 0;
	put_begin(&head, &plain);
	put_parameters(&head, &plain, "outer");
	start = head.size + sizeof(FCGI_Header); /* the body begins */
	head.size = 0;
	put_request(&head, &plain, "forged", SPAN(""));
	request = head.size;
	for (before = 0; before <= 16; before++)
		try_forged_in_all_ways(before);
	/* The first or the second is where libfcgi reads on, or close by; or
	 * the end of the true request is. */
	for (before = LIBFCGI_BUFFER - start - 2 * request - 24;
	     before <= LIBFCGI_BUFFER - start + 16; before++)
		try_forged_in_all_ways(before);
	for (before = 2 * LIBFCGI_BUFFER - start - 2 * request - 24;
	     before <= 2 * LIBFCGI_BUFFER - start + 16; before++)
		try_forged_in_all_ways(before);
}
