/* SPDX-License-Identifier: ISC */
/*
 * read.h - answers from a record and its content, which may be
 * replaced between the two.
 */
#ifndef HANDLE_READ_H
#define HANDLE_READ_H

#include "id.h"

/* Whoever answers a request for one artifact. */
struct reading {
	const struct context *context;
	struct request *request;
	struct response *response;
	struct artifact *artifact;
};

/*
 * Find what the path means and let answer fill the response. RESULT_GONE
 * from it: the content was replaced meanwhile, so that it begins again with
 * the new record. Any result but RESULT_OK must leave the response as it
 * was.
 */
void handle_read(const struct context *context, struct request *request,
    struct response *response, enum result (*answer)(struct reading *reading));

/* See that content can be read from offset on, before the head goes out. */
MUST_USE enum result
handle_read_probe(struct reading *reading, uint64_t offset);

/*
 * 200 with the object, whose last member becomes `content`: the artifact's,
 * or null. 304 when the client has this state of the artifact, and
 * 412 when it wants another.
 */
MUST_USE enum result handle_read_answer(
    struct reading *reading, struct json_value *object, bool has_content);

#endif
