/* SPDX-License-Identifier: ISC */
/*
 * notify.h - the service manager's protocol (sd_notify(3)): 40 lines instead
 * of libsystemd and the four libraries that it drags in.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <stdint.h>

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
