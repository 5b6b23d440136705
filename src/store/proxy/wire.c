/* SPDX-License-Identifier: ISC */
/* wire.c - one message to a packet; descriptors ride along (unix(7)). */

#include "wire.h"
#include "base/pack.h"

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

static enum result
decode(struct span bytes, struct arena *arena, struct wire_message *message)
{
	struct unpack unpack = { .rest = bytes };
	uint8_t flag;

	message->kind = unpack_u8(&unpack);
	switch (message->kind) {
	case WIRE_BEGIN:
		message->number = unpack_u64(&unpack);
		message->request = unpack_u64(&unpack);
		break;
	case WIRE_CHANGE:
		return change_decode(unpack.rest, arena, &message->change);
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
		flag = unpack_u8(&unpack);
		message->outcome.is_deleted = flag == 1;
		if (message->outcome.result >= RESULT_COUNT || flag > 1)
			return RESULT_MALFORMED;
		break;
	case WIRE_CHANNEL:
	case WIRE_LOST:
		message->incarnation = unpack_u64(&unpack);
		break;
	case WIRE_READY:
		break;
	default:
		return RESULT_MALFORMED;
	}
	return unpack_is_done(&unpack) ? RESULT_OK : RESULT_MALFORMED;
}

/* Room for one descriptor beside a message. */
union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static void
attach(struct msghdr *header, union control *control, int fd)
{
	struct cmsghdr *item;

	header->msg_control = control->room;
	header->msg_controllen = sizeof(control->room);
	item = CMSG_FIRSTHDR(header);
	item->cmsg_level = SOL_SOCKET;
	item->cmsg_type = SCM_RIGHTS;
	item->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(item), &fd, sizeof(fd));
}

/*
 * Only a message with a descriptor goes by sendmsg: who lives in a sandbox
 * sends none, and has no such call.
 */
static ssize_t
send_packet(
    int fd, struct span bytes, const struct wire_message *message, int flags)
{
	union control control = { .room = { 0 } };
	struct iovec part = { (void *)(uintptr_t)bytes.data, bytes.size };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };

	if (message->kind != WIRE_CHANNEL)
		return send(fd, bytes.data, bytes.size, flags);
	attach(&header, &control, message->fd);
	return sendmsg(fd, &header, flags);
}

/* Nothing was sent or received, and the next try may do better. */
static bool
is_passing(int error)
{
	return error == EAGAIN || error == EINTR || error == ENOMEM ||
	       error == ENOBUFS || error == ETOOMANYREFS;
}

enum result
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
	if (buffer.size > LIMIT_MESSAGE)
		return RESULT_TOO_LARGE;
	do
		sent = send_packet(fd, buffer_span(&buffer), message, flags);
	while (sent < 0 && errno == EINTR);
	if (sent >= 0)
		return RESULT_OK;
	if (errno == EAGAIN || (!is_waiting && is_passing(errno)))
		return RESULT_UNAVAILABLE;
	return RESULT_IO;
}

static int
attached(struct msghdr *header)
{
	struct cmsghdr *item = CMSG_FIRSTHDR(header);
	int fd = -1;

	if (item != NULL && item->cmsg_level == SOL_SOCKET &&
	    item->cmsg_type == SCM_RIGHTS &&
	    item->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(item), sizeof(fd));
	return fd;
}

/* Something to read, or the end; false: the time passed first. */
static bool
wait_readable(int fd, int timeout_ms)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	int count;

	/* A signal that ends the process does so after its request. */
	do
		count = poll(&ready, 1, timeout_ms);
	while (count < 0 && errno == EINTR);
	return count > 0;
}

/*
 * Received here first, so that what stays in the arena is as long as the
 * message. One thread, one process.
 */
static char packet[LIMIT_MESSAGE];

enum result
wire_receive(int fd, int timeout_ms, struct arena *arena,
    struct wire_message *ret_message)
{
	struct wire_message message = { 0 };
	union control control = { .room = { 0 } };
	struct msghdr header = { 0 };
	struct iovec part = { packet, sizeof(packet) };
	enum result result;
	struct span bytes;
	ssize_t size;

	if (timeout_ms != 0 && !wait_readable(fd, timeout_ms))
		return RESULT_UNAVAILABLE;
	header.msg_iov = &part;
	header.msg_iovlen = 1;
	header.msg_control = control.room;
	/* Without its padding, in which a second one would find room. */
	header.msg_controllen = CMSG_LEN(sizeof(int));
	size = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (size < 0)
		return is_passing(errno) ? RESULT_UNAVAILABLE : RESULT_END;
	message.fd = attached(&header);
	if (size == 0 && message.fd < 0)
		return RESULT_END;
	/* What is decoded points into it, and the next one comes soon. */
	bytes = arena_copy(arena, span_of(packet, (size_t)size));
	result = size == 0 || /* no end: a descriptor came with it */
			 (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0
		     ? RESULT_MALFORMED
		     : decode(bytes, arena, &message);
	if (result == RESULT_OK &&
	    (message.kind == WIRE_CHANNEL) != (message.fd >= 0))
		result = RESULT_MALFORMED;
	if (result == RESULT_OK)
		*ret_message = message;
	else if (message.fd >= 0)
		(void)close(message.fd);
	return result;
}
