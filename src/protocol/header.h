/* SPDX-License-Identifier: ISC */
/*
 * header.h - the values of HTTP headers, taken apart and put together: media
 * types, content codings, digests, entity tags, ranges and dispositions (RFC
 * 9110, 9530, 6266). Knows no request and no artifact.
 */
#ifndef HEADER_H
#define HEADER_H

#include "base/mem.h"

/*
 * Is the media type of a Content-Type this one? Case and parameters do not
 * count.
 */
bool header_media_is(struct span content_type, const char *media_type);
/*
 * The header if it names one type; SPAN_NONE for a range of types, which
 * libraries send (a star, a slash, a star) where they were told no type.
 */
struct span header_media_type(struct span content_type);
/* Is it one media type with its parameters, as a Content-Type may have it? */
bool header_is_media_type(struct span text);
/* application/json or application/…+json */
bool header_media_is_json(struct span content_type);

/*
 * Does this Content-Encoding leave the content as it is? "", "identity" and
 * lists of these do.
 */
bool header_is_uncoded(struct span content_encoding);

/*
 * The sha-256 member of a Content-Digest or Repr-Digest header (RFC 9530,
 * a dictionary of RFC 8941). RESULT_END: none, other algorithms are ignored.
 * RESULT_MALFORMED: there is one and it is not 32 bytes between colons.
 */
MUST_USE enum result header_digest(struct span header, uint8_t ret_hash[32]);

struct header_tag {
	struct span opaque; /* between the quotes */
	bool is_weak;
};

/*
 * Take the next entity tag off a list; false at its end. An element that is no
 * tag, or has more behind the tag, is skipped, and *is_list becomes false: no
 * change may go ahead because something like its tag stands in other text.
 * Elements may be empty (RFC 9110, 5.6.1).
 */
bool
header_next_tag(struct span *rest, struct header_tag *ret_tag, bool *is_list);

/* Does If-None-Match (weak comparison) name this tag, as hex? */
bool header_has_tag(struct span if_none_match, struct span hex);
/* Does If-Match (strong comparison)? */
bool header_has_strong_tag(struct span if_match, struct span hex);

enum range { RANGE_WHOLE, RANGE_PART, RANGE_UNSATISFIABLE };

/*
 * A Range header against size bytes: one byte range is honoured, anything
 * else is ignored (RFC 9110, 14.2). RANGE_PART sets offset and length.
 */
enum range header_range(struct span header, uint64_t size, uint64_t *ret_offset,
    uint64_t *ret_length);

/*
 * Content-Disposition (RFC 6266): inline or attachment, and the filename as
 * quoted ASCII and as RFC 8187; SPAN_NONE: no filename. In the arena.
 */
struct span
header_disposition(struct arena *arena, bool is_inline, struct span filename);

#endif
