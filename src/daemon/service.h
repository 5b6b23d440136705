/* SPDX-License-Identifier: ISC */
/*
 * service.h - what the service manager hands to the master and is told by it:
 * the FastCGI socket (sd_listen_fds(3)), which the master makes itself where
 * none is handed to it, and how the service fares (sd_notify(3)). It is small
 * enough to do without libsystemd and the four libraries that come with that.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "base/result.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- the socket ---- */

/* listen(2)'s backlog. nginx's limit_conn is the same number, so that overload
 * is an answer at once and not a queue (doc/rules.md 22). */
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

/* ---- notifications ---- */

/*
 * Send assignments, newline-separated ("READY=1\nSTATUS=serving"), to
 * $NOTIFY_SOCKET; nothing when it is not set. Failure is harmless.
 */
void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Microseconds between two WATCHDOG=1, for this process; 0: not asked for. */
uint64_t notify_watchdog(void);

/* Take NOTIFY_SOCKET and WATCHDOG_* out of the environment of children. */
void notify_forget(void);

#endif
