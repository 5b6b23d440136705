/* SPDX-License-Identifier: ISC */
/*
 * fcgi.h - FastCGI: accept, parameters, body in, answer out. The door to
 * libfcgi, and the reasons of rules 16 to 19 of doc/rules.md.
 */
#ifndef FCGI_H
#define FCGI_H

#include "api/request.h"

struct fcgi;

/*
 * Serve the listening socket; timeout seconds bound each read and write. Time
 * in which the process was stopped does not count. NULL: libfcgi does not
 * start. Once in a process.
 */
struct fcgi *fcgi_open(int listen_fd, unsigned timeout);
void fcgi_close(struct fcgi *fcgi);

/*
 * Wait for a connection. RESULT_END: a signal came instead. RESULT_MALFORMED:
 * it came to nothing; accept the next. RESULT_IO: the listening socket is of
 * no use.
 */
MUST_USE enum result fcgi_accept(struct fcgi *fcgi);
/*
 * Read the request's parameters from the connection. RESULT_MALFORMED: they
 * did not come; accept the next. A peer that sends a byte now and then is
 * for the deadline of the request to end.
 */
MUST_USE enum result fcgi_receive(struct fcgi *fcgi);

/* NAME=VALUE strings, NULL at the end; valid until fcgi_finish. */
char *const *fcgi_parameters(const struct fcgi *fcgi);

/* The body, of the announced length (api/request.h); source is the fcgi. */
struct body fcgi_body(struct fcgi *fcgi, uint64_t length);

/* Bytes of the request's body that were read. */
uint64_t fcgi_received(const struct fcgi *fcgi);

/* Write bytes of the answer. RESULT_IO: the peer is gone or too slow. */
MUST_USE enum result fcgi_write(struct fcgi *fcgi, struct span bytes);

/*
 * End the request: read what is left of the body, so that the peer can take
 * the answer, and close. RESULT_IO when the answer did not go out whole.
 */
MUST_USE enum result fcgi_finish(struct fcgi *fcgi);

/* End the connection without ending the answer, so that nginx notices. */
void fcgi_abort(struct fcgi *fcgi);

#endif
