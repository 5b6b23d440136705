/* SPDX-License-Identifier: ISC */
/* wire.c - one message to a packet; descriptors ride along (unix(7)). */

#include "wire.h"
#include "base/pack.h"
#include "base/rights.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

bool
wire_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) ==
	       0;
}

static void
encode(const struct wire_message *message, struct buffer *buffer)
{
	pack_u8(buffer, (uint8_t)message->kind);
	switch (message->kind) {
	case WIRE_BEGIN:
		pack_u64(buffer, message->number);
		pack_u64(buffer, message->request);
		break;
	case WIRE_CHANGE:
		change_encode(message->change, buffer);
		break;
	case WIRE_BEGUN:
		pack_u64(buffer, message->number);
		pack_u64(buffer, message->blob);
		break;
	case WIRE_ANSWER:
		pack_u64(buffer, message->number);
		pack_u8(buffer, (uint8_t)message->outcome.result);
		pack_bytes(buffer, message->outcome.id.bytes, 16);
		pack_u64(buffer, message->outcome.shortage.have);
		pack_u64(buffer, message->outcome.shortage.limit);
		pack_u64(buffer, message->outcome.shortage.reusable);
		pack_u8(buffer, message->outcome.is_deleted);
		break;
	case WIRE_CHANNEL:
	case WIRE_LOST:
		pack_u64(buffer, message->incarnation);
		break;
	case WIRE_READY:
		break;
	}
}

/* False: the bytes are none of the messages. */
static bool
decode(struct span bytes, struct arena *arena, struct wire_message *message)
{
	struct unpack unpack = { .rest = bytes };

	message->kind = unpack_u8(&unpack);
	switch (message->kind) {
	case WIRE_BEGIN:
		message->number = unpack_u64(&unpack);
		message->request = unpack_u64(&unpack);
		break;
	case WIRE_CHANGE:
		return change_decode(unpack.rest, arena, &message->change) ==
		       RESULT_OK;
	case WIRE_BEGUN:
		message->number = unpack_u64(&unpack);
		message->blob = unpack_u64(&unpack);
		break;
	case WIRE_ANSWER:
		message->number = unpack_u64(&unpack);
		message->outcome.result = unpack_u8(&unpack);
		unpack_bytes(&unpack, message->outcome.id.bytes, 16);
		message->outcome.shortage.have = unpack_u64(&unpack);
		message->outcome.shortage.limit = unpack_u64(&unpack);
		message->outcome.shortage.reusable = unpack_u64(&unpack);
		message->outcome.is_deleted = unpack_bool(&unpack);
		if (message->outcome.result >= RESULT_COUNT)
			return false;
		break;
	case WIRE_CHANNEL:
	case WIRE_LOST:
		message->incarnation = unpack_u64(&unpack);
		break;
	case WIRE_READY:
		break;
	default:
		return false;
	}
	return unpack_is_done(&unpack);
}

/*
 * Only a message with a descriptor goes by sendmsg: a process in a sandbox may
 * not call it, and sends no descriptor.
 */
static ssize_t
send_packet(
    int fd, struct span bytes, const struct wire_message *message, int flags)
{
	union rights rights;
	struct iovec part = { (void *)(uintptr_t)bytes.data, bytes.size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	if (message->kind != WIRE_CHANNEL)
		return send(fd, bytes.data, bytes.size, flags);
	rights_attach(&header, &rights, message->fd);
	return sendmsg(fd, &header, flags);
}

/* Nothing was sent or received, and the next try may do better. */
static bool
is_passing(int error)
{
	return error == EAGAIN || error == EINTR || error == ENOMEM ||
	       error == ENOBUFS || error == ETOOMANYREFS;
}

enum wire_result
wire_send(int fd, const struct wire_message *message, bool is_waiting,
    struct arena *arena)
{
	int flags = MSG_NOSIGNAL | (is_waiting ? 0 : MSG_DONTWAIT);
	struct buffer buffer;
	ssize_t sent;

	buffer_init(&buffer, arena);
	buffer_reserve(&buffer, message->kind == WIRE_CHANGE
				    ? message->change->bytes.size + 1024
				    : 64);
	encode(message, &buffer);
	/* base/limits.h bounds each part so that a whole change fits. */
	assert(buffer.size <= LIMIT_MESSAGE);
	do
		sent = send_packet(fd, buffer_span(&buffer), message, flags);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return WIRE_DONE;
	if (errno == EAGAIN || (!is_waiting && is_passing(errno)))
		return WIRE_NOT_NOW;
	return WIRE_GONE;
}

/* Is there something to read, or the end, before the time has passed? */
static bool
wait_readable(int fd, int timeout_ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int count;

	/* After a signal that is to end it, the process finishes its request. */
	do
		count = poll(&ready, 1, timeout_ms);
	while (count < 0 && errno == EINTR);
	return count > 0;
}

/*
 * A message is received here and then copied, so that the arena holds no more
 * than its bytes. One thread a process, so one is enough.
 */
static char packet[LIMIT_MESSAGE];

enum wire_result
wire_receive(int fd, int timeout_ms, struct arena *arena,
    struct wire_message *ret_message)
{
	struct wire_message message = { 0 };
	union rights rights = { .room = { 0 } };
	struct msghdr header = { 0 };
	struct iovec part = { packet, sizeof(packet) };
	struct span bytes;
	ssize_t size;
	bool is_sound;

	if (timeout_ms != 0 && !wait_readable(fd, timeout_ms))
		return WIRE_NOT_NOW;
	header.msg_iov = &part;
	header.msg_iovlen = 1;
	rights_expect(&header, &rights);
	size = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (size < 0)
		return is_passing(errno) ? WIRE_NOT_NOW : WIRE_GONE;
	message.fd = rights_attached(&header);
	if (size == 0 && message.fd < 0)
		return WIRE_GONE;
	/* What is decoded points into the copy. */
	bytes = arena_copy(arena, span_of(packet, (size_t)size));
	/* 0 bytes with a descriptor are no end, and no message either. */
	is_sound = size > 0 &&
		   (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
		   decode(bytes, arena, &message) &&
		   (message.kind == WIRE_CHANNEL) == (message.fd >= 0);
	if (!is_sound) {
		if (message.fd >= 0)
			(void)close(message.fd);
		return WIRE_MALFORMED;
	}
	*ret_message = message;
	return WIRE_DONE;
}
