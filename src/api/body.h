/* SPDX-License-Identifier: ISC */
/*
 * body.h - a request's body: piece by piece, or as one JSON object;
 * and whether it is what its digests say (RFC 9530).
 */
#ifndef HANDLE_BODY_H
#define HANDLE_BODY_H

#include "handle.h"

/* A body being read; hashed on the way if a Content-Digest came with it. */
struct handle_body {
	struct request *request;
	char *piece;
	bool is_hashed;
	struct digest digest;
	uint8_t hash[DIGEST_SHA256_SIZE];
};

void handle_body_open(struct handle_body *body, struct request *request);

/*
 * The next piece, valid until the next call. RESULT_END after the last one,
 * RESULT_MALFORMED when the body is not as long as announced.
 */
MUST_USE enum result
handle_body_next(struct handle_body *body, struct span *ret_piece);

/* After the end: false if Content-Digest is another, and response says so. */
MUST_USE bool
handle_body_is_intact(struct handle_body *body, struct response *response);

/*
 * Does a digest header agree with the hash of what came? If there is none,
 * yes; false: response says 400, naming both.
 */
MUST_USE bool handle_body_agrees(struct response *response, const char *name,
    struct span header, const uint8_t hash[DIGEST_SHA256_SIZE]);

/* 413 for content over max_content, in the words of CONTRACT section 9. */
void handle_body_refuse_size(
    const struct context *context, struct response *response);

/*
 * Read the whole body as a JSON object. false: response says what is wrong.
 * True can leave faults: what is not an object, whose root is then NULL.
 */
MUST_USE bool handle_body_json(const struct context *context,
    struct handle_body *body, struct response *response, struct faults *faults,
    struct json_document *ret_document);

#endif
