/* SPDX-License-Identifier: ISC */
/* rights.h - a descriptor beside a message: unix(7), SCM_RIGHTS. */
#ifndef RIGHTS_H
#define RIGHTS_H

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

#endif
