/* SPDX-License-Identifier: ISC */
/*
 * query.h - percent-encoding, the query string and its typed values.
 *
 * "4. Query" of doc/contract.md is the rule; it follows what FastAPI and
 * pydantic do. Knows nothing of artifacts.
 */
#ifndef QUERY_H
#define QUERY_H

#include "fault.h"

/*
 * Decode %XX; '+' stays. An escape that is not two hex digits stays as it
 * is. Bytes that are not UTF-8 become U+FFFD.
 */
struct span query_decode_path(struct arena *arena, struct span text);

/*
 * The value of the last pair with this name, decoded ('+' is a space, UTF-8
 * repaired); SPAN_NONE when there is none, "" for a pair without '='.
 */
struct span
query_find(struct arena *arena, struct span query, const char *name);

/*
 * A typed value: what is wrong with it is noted at ["query", name]. An absent or
 * a faulty one leaves the output as it is, so that the caller sets the default
 * before.
 */

/* An integer from 1 to most. */
void query_number(struct span value, const char *name, uint32_t most,
    struct faults *faults, uint64_t *ret_number);

/* true, false, 1, 0, yes, no, on, off, t, f, y, n, in any case. */
void query_bool(
    struct span value, const char *name, struct faults *faults, bool *ret_bool);

/* A date and time with an offset, as moment_parse_offset (date.h) reads it. */
void query_moment(struct span value, const char *name, struct faults *faults,
    uint64_t *ret_moment);

/* Percent-encode all but RFC 3986's unreserved characters. */
void query_encode(struct buffer *buffer, struct span text);

#endif
