/* SPDX-License-Identifier: ISC */
/*
 * connections.h - the connections of a worker: those that come to the
 * listening socket, those that stay open for another request, and those that
 * go to another worker.
 *
 *	listening socket --accept--> busy --kept--> idle --a request--> busy
 *	                                             | ^
 *	                                       share | | take
 *	                                             v |
 *	                                             pool
 *
 * A worker serves one request at a time, and a request that comes on one of its
 * idle connections waits for it. So a worker shares its idle connections before
 * it begins anything long: they lie in the pool, which all workers have in
 * common, until a worker that waits takes them, as new connections lie in the
 * backlog of the listening socket. A request that came meanwhile stays in its
 * socket, and nginx notices nothing.
 */
#ifndef CONNECTIONS_H
#define CONNECTIONS_H

#include "base/mem.h"

/* How many connections a worker keeps at most, and how many descriptors it may
 * have for them and for all else. */
#define CONNECTIONS_KEPT 128
#define CONNECTIONS_DESCRIPTORS 256

/* The pool is a pair of sockets that carries descriptors: unix(7), SCM_RIGHTS.
 */
struct pool {
	int take_fd;
	int give_fd;
};

/* false: errno says why. The master makes it before the first fork. */
MUST_USE bool pool_open(struct pool *pool);
void pool_close(struct pool *pool);

struct connections;

/* The listening socket gets O_NONBLOCK. NULL: errno says why. */
struct connections *connections_open(int listen_fd, const struct pool *pool);
/* Share what is idle, and close. */
void connections_close(struct connections *connections);

enum arrival {
	ARRIVAL_PEER,	/* a connection, on which a request comes */
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

/* The request has ended. is_kept: its connection becomes idle; otherwise the
 * caller closes it next. */
void connections_end(struct connections *connections, bool is_kept);

/* Let other workers have all that is idle. */
void connections_share(struct connections *connections);

#endif
