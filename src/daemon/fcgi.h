/* SPDX-License-Identifier: ISC */
/*
 * fcgi.h - FastCGI: wait, parameters, body in, answer out. The door to
 * libfcgi, and the reasons of rules 16 to 19 of doc/rules.md.
 */
#ifndef FCGI_H
#define FCGI_H

#include "api/request.h"
#include "connections.h"

struct fcgi;

/*
 * Serve what comes to the listening socket and to the pool; io_timeout bounds
 * each read and write. Time in which the process was stopped does not count.
 * NULL: libfcgi does not start. Once in a process.
 */
struct fcgi *fcgi_open(const struct process *process);
void fcgi_close(struct fcgi *fcgi);

/* Wait for a connection with a request: a new one, or one that was kept. */
MUST_USE enum arrival fcgi_accept(struct fcgi *fcgi);
/*
 * Read the request's parameters from the connection. false: they did not come,
 * and the connection is closed. A peer that sends a byte now and then is for
 * the deadline of the request to end.
 */
MUST_USE bool fcgi_receive(struct fcgi *fcgi);

/* NAME=VALUE strings, NULL at the end; valid until fcgi_finish. */
char *const *fcgi_parameters(const struct fcgi *fcgi);

/* The body, of the announced length (api/request.h); source is the fcgi. */
struct body fcgi_body(struct fcgi *fcgi, uint64_t length);

/* How many bytes of the request's body were read. */
uint64_t fcgi_received(const struct fcgi *fcgi);

/* Let other workers have the connections that wait for this one: comes before
 * anything that may take long. */
void fcgi_share(struct fcgi *fcgi);

/* Write bytes of the answer. false: the peer is gone or too slow. Calls
 * fcgi_share before an answer that is long. */
MUST_USE bool fcgi_write(struct fcgi *fcgi, struct span bytes);

/*
 * End the request: read what is left of the body, so that the peer can take
 * the answer. The connection is then closed, unless may_keep is true, the peer
 * wishes to keep it, and neither side has anything left to say. false: the
 * answer did not go out whole.
 */
MUST_USE bool fcgi_finish(struct fcgi *fcgi, bool may_keep);

/* End the connection without ending the answer, so that nginx notices. */
void fcgi_abort(struct fcgi *fcgi);

#endif
