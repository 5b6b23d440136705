/* SPDX-License-Identifier: ISC */
/* rights.h - a descriptor beside a message: unix(7), SCM_RIGHTS. */
#ifndef RIGHTS_H
#define RIGHTS_H

#include <stdbool.h>
#include <sys/socket.h>

/* Room for one descriptor. */
union rights {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

/* Receive into rights what comes beside the message. */
void rights_expect(struct msghdr *message, union rights *rights);
/* Send fd beside the message; rights stays as long as the message. */
void rights_attach(struct msghdr *message, union rights *rights, int fd);
/* The descriptor that came beside the message, now the caller's; -1: none. */
int rights_attached(struct msghdr *message);

/* Send fd with a message of one byte; the caller's own stays open. */
bool rights_give(int socket, int fd);
/* Receive one byte, and the descriptor beside it, if any: the caller's now, or
 * -1. false: no message came; errno says why. */
bool rights_take(int socket, int *ret_fd);

#endif
