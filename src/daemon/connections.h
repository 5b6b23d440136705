/* SPDX-License-Identifier: ISC */
/*
 * connections.h - the connections of a worker: new ones, and those that stay
 * open for another request.
 *
 *	             accept       kept          a request
 *	listening ----------> busy -----> idle -----------> busy
 *	socket                 |          | ^
 *	                  kept |    share | | take
 *	                       v          v |
 *	                       +-----------+
 *	                       |   pool    |
 *	                       +-----------+
 *
 * A worker serves one request at a time, and a request that comes on an idle
 * connection waits for its worker. So a few workers have a turn: they keep all
 * idle connections, and do nothing else. Few that are awake take less time than
 * many that are woken. All others accept, and pass on what is to be kept; what
 * is passed on lies in the pool.
 *
 * A worker that has a turn ends it before it does anything long, and shares its
 * idle connections with those that have one. The first worker that is free then
 * begins a turn. A request that came meanwhile stays in its socket, and nginx
 * notices nothing. If nobody has a turn, the connections are closed, and nginx
 * sends those requests once more, on new ones.
 */
#ifndef CONNECTIONS_H
#define CONNECTIONS_H

#include "base/mem.h"
#include "base/scoreboard.h"

/* How many connections a worker keeps at most, and how many descriptors it may
 * have for them and for all else. */
#define CONNECTIONS_KEPT 128
#define CONNECTIONS_DESCRIPTORS 256

/* A pair of sockets that carries descriptors: unix(7), SCM_RIGHTS. */
struct pool {
	int take_fd;
	int give_fd;
};
#define POOL_NONE ((struct pool){ -1, -1 })

/* false: errno says why. The master makes it before the first fork. */
MUST_USE bool pool_open(struct pool *pool);
void pool_close(struct pool *pool);
/* The master: a worker that has a turn is to end it, if new connections wait;
 * see scoreboard_needs_help. */
void pool_call_for_help(const struct pool *pool);
/* Close what lies in the pool, unless a worker has a turn and takes it. The
 * master, too, when one has ended: nginx then opens other connections. */
void pool_settle(const struct pool *pool, const struct scoreboard *scoreboard);

struct connections;
struct process;

/* Of the process: its sockets, its slot, and the rest. NULL: errno says why. */
struct connections *connections_open(const struct process *process);
/* Share what is idle, and close. */
void connections_close(struct connections *connections);

enum arrival {
	ARRIVAL_PEER,	/* a connection, on which a request comes */
	ARRIVAL_NEWS,	/* something came from the master */
	ARRIVAL_NOBODY, /* a signal came instead, or the peer left again */
	ARRIVAL_FAILED, /* the listening socket does not work; errno says why */
};

/*
 * Wait for a request. *ret_fd is then busy until connections_end; it is the
 * caller's to close, and its reads and writes fail after a second
 * (SO_RCVTIMEO). Only here is SIGTERM let in, if the caller holds it back.
 */
MUST_USE enum arrival
connections_wait(struct connections *connections, int *ret_fd);

/* Is there room to keep the one that is busy? */
bool connections_has_room(const struct connections *connections);

/* The request has ended. is_kept: its connection becomes idle, here or with
 * another worker; otherwise the caller closes it next. */
void connections_end(struct connections *connections, bool is_kept);

/* Let other workers have all that is idle. */
void connections_share(struct connections *connections);

#endif
