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
