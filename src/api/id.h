/* SPDX-License-Identifier: ISC */
/*
 * id.h - which artifact a path means (CONTRACT section 8), and the
 * URLs that lead back to one.
 */
#ifndef HANDLE_ID_H
#define HANDLE_ID_H

#include "handle.h"

struct target {
	enum result result; /* RESULT_OK: artifact is the one that is meant */
	struct artifact *artifact;
	struct id candidates[LIMIT_CANDIDATES];
	size_t count; /* over 1: the prefix is ambiguous */
};

/* Find what the path means, by full id or prefix, without answering. */
void handle_id_resolve(const struct context *context, struct request *request,
    struct target *ret_target);
/* 404, 409 or 5xx for a target whose result is not RESULT_OK. */
void handle_id_refuse(const struct request *request,
    const struct target *target, struct response *response);

/* The path's full id; false: it is none, and response says 404. */
MUST_USE bool handle_id_full(const struct request *request,
    struct response *response, struct id *ret_id);

/* The id as text in the arena. */
struct span handle_id_text(struct arena *arena, const struct id *id);

/* What Location, Link and storage_url begin with: …/artifacts */
void handle_id_root(const struct context *context,
    const struct request *request, struct buffer *buffer);
/* The same and "/<id>" and a suffix, in the request's arena. */
struct span handle_id_url(const struct context *context,
    const struct request *request, const struct id *id, const char *suffix);

#endif
