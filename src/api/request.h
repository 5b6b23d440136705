/* SPDX-License-Identifier: ISC */
/*
 * request.h - a request, from the parameters that nginx sends.
 *
 * api/ turns a request (here) into an answer (response.h) by a table of routes
 * (router.h); the handlers behind it are in handle.h. It knows HTTP and the
 * store, but no socket, no process and no engine.
 *
 * Knows the names of FastCGI parameters and the limits of headers. What a
 * header means for an artifact is left to the handlers.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "base/mem.h"

/* Where the bytes of the body come from. */
struct body {
	void *source;
	/*
	 * Up to size bytes; RESULT_END after exactly the bytes that were
	 * announced, RESULT_MALFORMED when they are fewer or more,
	 * RESULT_STALLED when the rest did not come.
	 */
	enum result (*read)(
	    void *source, char *data, size_t size, size_t *ret_size);
};

/* All spans live in the arena; SPAN_NONE is a header that was not sent. */
struct request {
	struct arena *arena;
	struct span method;
	struct span target; /* REQUEST_URI as sent, at most LIMIT_PATH */
	struct span query;  /* of the target, after '?', not decoded */
	struct span id;	    /* path parameter, decoded; set by the router */
	struct span prefix; /* below which nginx serves us; absent: none */
	struct span base;   /* prefix and "" or "/api/v1"; by the router */
	unsigned route;	    /* router_routes, from 1; 0: none; likewise */
	struct span request_id;
	struct span user;    /* REMOTE_USER; "" is absent */
	struct span address; /* of the client, for the log; or SPAN_NONE */
	struct span content_type;
	uint64_t content_length;
	bool has_length; /* a body was announced, be it of 0 bytes */
	struct span content_encoding;
	struct span content_digest;
	struct span repr_digest;
	struct span idempotency_key;
	struct span if_match;
	struct span if_none_match;
	struct span if_modified_since;
	struct span if_unmodified_since;
	struct span if_range;
	struct span range;
	struct span content_range;
	struct body body;
};

enum request_verdict {
	REQUEST_GOOD,
	REQUEST_BAD,
	REQUEST_NOT_OURS, /* another program than our nginx sent it */
};

/*
 * Fill a request from NAME=VALUE strings (NULL ends them), all but the body.
 * REQUEST_BAD: *ret_reason says what is wrong, for a 400: a parameter
 * twice, a control byte (other than a tab) in one that is read, no method,
 * no target or one not beginning with '/', a length that is no number, a
 * user, key or request id over its limit, a prefix that is no path.
 * REQUEST_NOT_OURS: the same, and an operator should know: the secret that
 * ends the parameter file as a sentinel (ARTIFACTD_PARAMS) is another, or
 * missing. Either way request holds what the log has of it, as far as it was
 * understood: method, target, request id, user and address.
 */
MUST_USE enum request_verdict
request_parse(struct arena *arena, char *const *parameters, struct span secret,
    struct request *ret_request, const char **ret_reason);

/* GET or HEAD: the client wants what is there. */
bool request_is_read(const struct request *request);

#endif
