/* SPDX-License-Identifier: ISC */
/*
 * multipart.h - streaming multipart/form-data (RFC 7578, RFC 2046 5.1).
 *
 * Bytes go in as they come, in pieces of any size; parts come out through
 * callbacks. Nothing but the headers of the present part and less than a
 * boundary of its data is held. Time is linear in the bytes. Knows nothing
 * of artifacts.
 *
 *	preamble CRLF--B CRLF headers CRLF CRLF data CRLF--B ... CRLF--B-- rest
 */
#ifndef MULTIPART_H
#define MULTIPART_H

#include "base/mem.h"

/* What the headers of a part say. The spans die after part_begin returns. */
struct multipart_part {
	struct span name;
	struct span filename;	      /* SPAN_NONE: not a file; "" is a file */
	struct span content_type;     /* SPAN_NONE: not given */
	struct span repr_digest;      /* SPAN_NONE: not given */
	struct span content_encoding; /* SPAN_NONE: not given */
};

/* Any result but RESULT_OK stops the parser, which returns it. */
struct multipart_events {
	void *object;
	enum result (*part_begin)(
	    void *object, const struct multipart_part *part);
	enum result (*part_data)(void *object, struct span data);
	enum result (*part_end)(void *object);
};

struct multipart;

/*
 * The boundary parameter of a multipart/form-data Content-Type, in the
 * arena; quoted or not. SPAN_NONE: there is none, or it is not 1 to 70 legal
 * characters; *ret_reason is the answer's text.
 */
struct span multipart_boundary(
    struct arena *arena, struct span content_type, const char **ret_reason);

/*
 * Parse "Name: value CRLF" lines, without the empty line that ends them. The
 * spans of *ret_part live in the arena or point into block; name is SPAN_NONE
 * when there is none. RESULT_MALFORMED: the lines are no headers, or one of
 * those below is there twice. The tool uses this too, as the answer of a server
 * names a file in the same way.
 */
MUST_USE enum result multipart_headers_parse(
    struct arena *arena, struct span block, struct multipart_part *ret_part);

/* A parser in the arena. */
struct multipart *multipart_open(struct arena *arena, struct span boundary,
    const struct multipart_events *events);

/*
 * Feed bytes. RESULT_MALFORMED: multipart_error() is the answer's text;
 * other results are those of the callbacks.
 */
MUST_USE enum result
multipart_feed(struct multipart *multipart, struct span bytes);

/* The input ended. RESULT_MALFORMED without a closing boundary. */
MUST_USE enum result multipart_finish(struct multipart *multipart);

/* Why it is malformed, in the words of doc/contract.md; never NULL. */
const char *multipart_error(const struct multipart *multipart);

#endif
