/* SPDX-License-Identifier: ISC */
/*
 * listen.h - the FastCGI socket: inherited (sd_listen_fds(3)) or our own.
 */
#ifndef LISTEN_H
#define LISTEN_H

#include "base/result.h"

#include <stdbool.h>

/* listen(2)'s backlog; nginx's limit_conn is the same number, so overload is
 * an answer at once and not a queue (doc/rules.md 22). */
#define LISTEN_BACKLOG 512

struct listener {
	int fd;
	bool is_inherited;
	const char *path; /* our own socket's; it is removed at close */
};

/*
 * Take $LISTEN_FDS's only socket, or bind path (0660), replacing a socket
 * that nobody listens on. On failure ret_error has a sentence for people;
 * RESULT_UNAVAILABLE: somebody answers on it.
 */
MUST_USE enum result listen_open(
    const char *path, char ret_error[256], struct listener *ret_listener);
void listen_close(struct listener *listener);

#endif
