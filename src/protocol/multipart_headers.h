/* SPDX-License-Identifier: ISC */
/*
 * multipart_headers.h - the header block of one part: what it says, or that
 * it is not well formed. For multipart*.c, and for tool/client/http_text.c: an answer
 * names a file in the same way.
 */
#ifndef MULTIPART_HEADERS_H
#define MULTIPART_HEADERS_H

#include "multipart.h"

/*
 * Parse "Name: value CRLF" lines, without the empty line that ends them. The
 * spans of *ret_part live in the arena or point into block; name is SPAN_NONE
 * when there is none. RESULT_MALFORMED: the lines are no headers, or one that
 * counts is there twice.
 */
MUST_USE enum result multipart_headers_parse(
    struct arena *arena, struct span block, struct multipart_part *ret_part);

#endif
