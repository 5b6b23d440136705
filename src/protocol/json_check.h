/* SPDX-License-Identifier: ISC */
/*
 * json_check.h - strict RFC 8259 and UTF-8, with bounds, before json-c.
 *
 * json-c's strict mode still takes input that is not JSON, and replaces
 * unpaired surrogates silently; so what reaches it has passed here. Linear
 * time, no recursion, no allocation that grows with nesting.
 */
#ifndef JSON_CHECK_H
#define JSON_CHECK_H

#include "base/mem.h"

/* One member of the outermost object, in the order sent. */
struct json_member {
	struct span key;   /* source text between the quotes, not decoded */
	struct span value; /* source text, without white space around it */
	bool has_unpaired; /* an unpaired surrogate escape in key or value */
};

#define JSON_SPACE " \t\n\r" /* what may stand around values */

enum json_verdict {
	JSON_VALID,
	JSON_SYNTAX,   /* not RFC 8259; offset says where */
	JSON_ENCODING, /* not UTF-8 */
	JSON_TOO_DEEP, /* over LIMIT_JSON_DEPTH */
	JSON_TOO_MANY, /* over LIMIT_JSON_VALUES */
};

struct json_shape {
	struct span text; /* what was checked, without a leading BOM */
	struct json_member *members; /* in the arena; none if not an object */
	size_t member_count;
	size_t offset; /* of the first wrong byte, counted in characters */
};

/*
 * Check a whole text. Encoding is judged for all of it first: bytes that are
 * not UTF-8 anywhere are JSON_ENCODING. Of other faults the first counts.
 * *ret_shape is filled whatever the verdict, as far as the check came.
 */
MUST_USE enum json_verdict
json_check(struct arena *arena, struct span text, struct json_shape *ret_shape);

/*
 * The items of an array as checked source texts, each of which json_read
 * takes. false: it is no valid JSON, or no array.
 */
MUST_USE bool json_read_items(struct arena *arena, struct span text,
    struct span **ret_items, size_t *ret_count);

/*
 * A checked value's source text without insignificant white space, so that
 * numbers and escapes survive as they were sent.
 */
struct span json_compact(struct arena *arena, struct span value);

/*
 * Take the next value off checked text, at any depth, in the order sent: a
 * string decoded, a number, true and false as they are written. Keys and null
 * are no values here; neither are objects and arrays, only what is in them. An
 * unpaired surrogate is U+FFFD. false: there is no further value.
 *
 * *rest begins as the whole text, and moves behind the value. The value points
 * into the text; a string with a backslash in it is decoded into the buffer,
 * whose bytes before are forgotten, so that a walk needs the room of its longest
 * string. It needs no stack however deep the text is.
 */
MUST_USE bool json_next_value(
    struct span *rest, struct buffer *buffer, struct span *ret_value);

/* Behind the string that starts at i, its quotes included, of checked text. */
size_t json_string_end(struct span text, size_t i);

#endif
