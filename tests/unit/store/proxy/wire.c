/* SPDX-License-Identifier: ISC */
#include "store/proxy/wire.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct arena *arena;
static int fds[2];

static void
open_pair(void)
{
	arena = arena_open();
	cr_assert(wire_pair(fds));
}

static void
close_pair(void)
{
	arena_close(arena);
}

TestSuite(wire, .init = open_pair, .fini = close_pair);

Test(wire, carries_each_kind)
{
	struct change drop = { .kind = CHANGE_DROP, .number = 4, .blob = 5 };
	struct wire_message sent[] = {
		{ .kind = WIRE_BEGIN, .number = 1, .request = 2 },
		{ .kind = WIRE_BEGUN, .number = 1, .blob = 3 },
		{ .kind = WIRE_CHANGE, .change = &drop },
		{ .kind = WIRE_ANSWER,
		    .number = 4,
		    .outcome = { .result = RESULT_QUOTA,
			.id = { { 7 } },
			.is_deleted = true } },
		{ .kind = WIRE_READY },
		{ .kind = WIRE_LOST, .incarnation = 6 },
	};
	struct wire_message got;
	size_t i;

	for (i = 0; i < sizeof(sent) / sizeof(*sent); i++) {
		cr_assert_eq(
		    wire_send(fds[0], &sent[i], true, arena), WIRE_DONE);
		cr_assert_eq(wire_receive(fds[1], 0, arena, &got), WIRE_DONE);
		cr_assert_eq(got.kind, sent[i].kind);
		cr_assert_eq(got.number, sent[i].number);
		cr_assert_eq(got.request, sent[i].request);
		cr_assert_eq(got.incarnation, sent[i].incarnation);
		cr_assert_eq(got.blob, sent[i].blob);
		cr_assert_eq(got.outcome.result, sent[i].outcome.result);
		cr_assert_eq(
		    got.outcome.is_deleted, sent[i].outcome.is_deleted);
		cr_assert_eq(
		    got.outcome.id.bytes[0], sent[i].outcome.id.bytes[0]);
		if (got.kind == WIRE_CHANGE)
			cr_assert_eq(got.change->blob, 5);
	}
}

Test(wire, hands_over_a_descriptor)
{
	struct wire_message sent = { .kind = WIRE_CHANNEL, .incarnation = 42 };
	struct wire_message got;
	char byte = 'x';
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	sent.fd = ends[1];
	cr_assert_eq(wire_send(fds[0], &sent, true, arena), WIRE_DONE);
	cr_assert_eq(wire_receive(fds[1], 0, arena, &got), WIRE_DONE);
	cr_assert_eq(got.incarnation, 42);
	cr_assert_neq(got.fd, ends[1]);
	cr_assert(fcntl(got.fd, F_GETFD) & FD_CLOEXEC);
	cr_assert_eq(write(got.fd, &byte, 1), 1);
	byte = 0;
	cr_assert_eq(read(ends[0], &byte, 1), 1);
	cr_assert_eq(byte, 'x');
}

Test(wire, says_when_nothing_is_there)
{
	struct wire_message got;

	cr_assert_eq(wire_receive(fds[1], 0, arena, &got), WIRE_NOT_NOW);
	cr_assert_eq(wire_receive(fds[1], 1, arena, &got), WIRE_NOT_NOW);
}

Test(wire, says_when_the_peer_is_gone)
{
	struct wire_message sent = { .kind = WIRE_READY }, got;

	(void)close(fds[0]);
	cr_assert_eq(wire_receive(fds[1], -1, arena, &got), WIRE_GONE);
	cr_assert_eq(wire_send(fds[1], &sent, true, arena), WIRE_GONE);
}

Test(wire, never_blocks_in_a_send_that_may_not)
{
	struct wire_message sent = { .kind = WIRE_READY };
	enum wire_result result = WIRE_DONE;
	int i;

	for (i = 0; i < 100000 && result == WIRE_DONE; i++)
		result = wire_send(fds[0], &sent, false, arena);
	cr_assert_eq(result, WIRE_NOT_NOW);
}

Test(wire, refuses_nonsense)
{
	const struct span nonsense[] = {
		SPAN("\0"),		    /* no such kind */
		SPAN("\x63"), SPAN("\1\1"), /* cut off */
		SPAN("\6x"),		    /* something behind it */
		SPAN("\5\0\0\0\0\0\0\0\1"), /* a channel without a descriptor */
		SPAN("\4\0\0\0\0\0\0\0\1\xff"
		     "0123456789abcdef"), /* no such result */
	};
	struct wire_message got;
	size_t i;

	for (i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++) {
		cr_assert_gt(
		    send(fds[0], nonsense[i].data, nonsense[i].size, 0), 0);
		cr_assert_eq(wire_receive(fds[1], 0, arena, &got),
		    WIRE_MALFORMED, "row %zu", i);
	}
}

Test(wire, refuses_a_message_over_the_limit)
{
	char *bytes = arena_alloc(arena, LIMIT_MESSAGE + 1);
	struct wire_message got;

	cr_assert_gt(send(fds[0], bytes, LIMIT_MESSAGE + 1, 0), 0);
	cr_assert_eq(wire_receive(fds[1], 0, arena, &got), WIRE_MALFORMED);
}

Test(wire, keeps_a_message_while_the_next_one_comes)
{
	struct change stage = { .kind = CHANGE_STAGE, .blob = 1 };
	struct wire_message sent = { .kind = WIRE_CHANGE, .change = &stage };
	struct wire_message first, second;

	stage.bytes = SPAN("first");
	cr_assert_eq(wire_send(fds[0], &sent, true, arena), WIRE_DONE);
	stage.bytes = SPAN("other");
	cr_assert_eq(wire_send(fds[0], &sent, true, arena), WIRE_DONE);
	cr_assert_eq(wire_receive(fds[1], 0, arena, &first), WIRE_DONE);
	cr_assert_eq(wire_receive(fds[1], 0, arena, &second), WIRE_DONE);
	cr_assert(span_is(first.change->bytes, "first"));
	cr_assert(span_is(second.change->bytes, "other"));
}

/* A worker that was taken over must not use up the writer's descriptors. */
static void
expect_no_descriptor_kept(size_t message_size, int fd_count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec part = { .iov_base = "\6", .iov_len = message_size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	int both[2] = { fds[0], fds[1] }, before, after;
	size_t size = (size_t)fd_count * sizeof(int);
	struct wire_message got;

	header.msg_control = control.room;
	header.msg_controllen = CMSG_SPACE(size);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(size);
	memcpy(CMSG_DATA(&control.header), both, size);
	before = dup(fds[0]); /* the lowest that is free */
	cr_assert_eq(close(before), 0);
	cr_assert_eq(sendmsg(fds[0], &header, 0), (ssize_t)message_size);
	cr_assert_eq(wire_receive(fds[1], 0, arena, &got), WIRE_MALFORMED);
	after = dup(fds[0]);
	cr_assert_eq(after, before);
	cr_assert_eq(close(after), 0);
}

Test(wire, keeps_none_of_two_descriptors)
{
	expect_no_descriptor_kept(1, 2);
}

Test(wire, keeps_no_descriptor_that_comes_with_nothing)
{
	expect_no_descriptor_kept(0, 1);
}
