/* SPDX-License-Identifier: ISC */
/* rights.c - a descriptor beside a message. */

#include "rights.h"

#include <string.h>

void
rights_expect(struct msghdr *message, union rights *rights)
{
	message->msg_control = rights->room;
	/* Not CMSG_SPACE: a second descriptor would fit into its padding. */
	message->msg_controllen = CMSG_LEN(sizeof(int));
}

void
rights_attach(struct msghdr *message, union rights *rights, int fd)
{
	struct cmsghdr *item;

	*rights = (union rights){ .room = { 0 } };
	message->msg_control = rights->room;
	message->msg_controllen = sizeof(rights->room);
	item = CMSG_FIRSTHDR(message);
	item->cmsg_level = SOL_SOCKET;
	item->cmsg_type = SCM_RIGHTS;
	item->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(item), &fd, sizeof(fd));
}

int
rights_attached(struct msghdr *message)
{
	struct cmsghdr *item = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (item != NULL && item->cmsg_level == SOL_SOCKET &&
	    item->cmsg_type == SCM_RIGHTS &&
	    item->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(item), sizeof(fd));
	return fd;
}

bool
rights_give(int socket, int fd)
{
	char byte = 0;
	struct iovec part = { &byte, sizeof(byte) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union rights rights;

	rights_attach(&message, &rights, fd);
	return sendmsg(socket, &message, MSG_NOSIGNAL) == 1;
}

bool
rights_take(int socket, int *ret_fd)
{
	char byte;
	struct iovec part = { &byte, sizeof(byte) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	union rights rights = { .room = { 0 } };

	rights_expect(&message, &rights);
	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1)
		return false;
	*ret_fd = rights_attached(&message);
	return true;
}
