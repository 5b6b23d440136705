/* SPDX-License-Identifier: ISC */
/*
 * fuzz_wire.c - a packet on a channel between processes: an accepted packet is
 * the same when it is sent again. A CHANNEL has a descriptor, and so have
 * others when the last byte of the input is odd; none is left open.
 */
#include "fuzz.h"
#include "store/proxy/wire.h"

#include <sys/socket.h>
#include <unistd.h>

#define MOST 60000

static int pair[2] = { -1, -1 };

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	DEMAND(wire_pair(pair));
	return 0;
}

static void
send_packet(struct span bytes, bool has_fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct iovec part = { (void *)(uintptr_t)bytes.data, bytes.size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	int fd = 0;

	if (has_fd) {
		header.msg_control = control.room;
		header.msg_controllen = sizeof(control.room);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	DEMAND(sendmsg(pair[0], &header, MSG_DONTWAIT) == (ssize_t)bytes.size);
}

static void
demand_sent_again(
    struct arena *arena, const struct wire_message *message, struct span bytes)
{
	char *packet = arena_alloc(arena, LIMIT_MESSAGE);
	ssize_t size;

	DEMAND(wire_send(pair[1], message, false, arena) == WIRE_DONE);
	/* Without room for it, the kernel closes a descriptor. */
	size = recv(pair[0], packet, LIMIT_MESSAGE, MSG_DONTWAIT);
	DEMAND(size >= 0);
	DEMAND(span_equal(span_of(packet, (size_t)size), bytes));
}

static void
demand_packet(struct arena *arena, struct span bytes)
{
	unsigned char kind = (unsigned char)bytes.data[0];
	bool has_fd =
	    kind == WIRE_CHANNEL || bytes.data[bytes.size - 1] % 2 != 0;
	struct wire_message message;
	enum wire_result result;

	send_packet(bytes, has_fd);
	result = wire_receive(pair[1], 0, arena, &message);
	DEMAND(result == WIRE_DONE || result == WIRE_MALFORMED);
	if (result != WIRE_DONE)
		return;
	DEMAND(message.kind == (enum wire_kind)kind);
	DEMAND((message.fd >= 0) == (kind == WIRE_CHANNEL));
	demand_sent_again(arena, &message, bytes);
	if (message.fd >= 0)
		close(message.fd);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_open();
	int lowest = dup(0);

	close(lowest);
	if (size > 0 && size <= MOST)
		demand_packet(arena, arena_copy(arena, span_of(data, size)));
	DEMAND(dup(0) == lowest);
	close(lowest);
	arena_close(arena);
	return 0;
}
