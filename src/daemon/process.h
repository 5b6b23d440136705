/* SPDX-License-Identifier: ISC */
/*
 * process.h - what the master gives a child, the two kinds of children (worker
 * and writer), and how a child ends.
 *
 * daemon/ is artifactd: processes, their signals and sandbox, the doors to
 * libfcgi, libseccomp and the service manager. It knows nothing of JSON, and of
 * HTTP only what a status means for the log.
 */
#ifndef PROCESS_H
#define PROCESS_H

#include "config/config.h"
#include "base/metrics.h"
#include "base/scoreboard.h"
#include "connections.h"

struct process {
	const struct config *config;
	struct scoreboard *scoreboard;
	struct metrics *metrics;
	struct slot *slot; /* its own */
	int listen_fd;	   /* worker: the FastCGI socket; writer: -1 */
	struct pool pool;  /* worker: of idle connections */
	int control_fd;	   /* to the master: store/proxy/wire.h */
};

/*
 * A worker's life: one request at a time, from bytes to bytes. Serve until
 * SIGTERM, retirement or loss of the master; an exit code. Here and below the
 * caller has called process_signals.
 */
int worker_run(const struct process *process);

/*
 * The writer's life: gather changes, one commit for all, answer each, sweep.
 * Serve until SIGTERM or loss of the master; an exit code.
 */
int writer_run(const struct process *process);

/* Exit codes that the master understands (any other is a failure). */
#define PROCESS_DONE 0	   /* asked to end, or retired */
#define PROCESS_FAILED 70  /* it may work the next time (EX_SOFTWARE) */
#define PROCESS_REFUSED 78 /* it will not work: stop the service (EX_CONFIG) */

/*
 * Let SIGTERM interrupt system calls instead of killing, ignore SIGHUP, SIGINT,
 * SIGPIPE and SIGXFSZ, and ask the kernel for SIGTERM when the master dies.
 */
void process_signals(void);
/* Has SIGTERM come? */
bool process_is_ending(void);

/*
 * Hold SIGTERM back, except where a worker waits for a request: libfcgi takes an
 * interrupted read or write for the end of the connection.
 */
void process_hold(void);

#endif
