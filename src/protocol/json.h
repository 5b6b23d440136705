/* SPDX-License-Identifier: ISC */
/*
 * json.h - reading JSON, the door to json-c, and writing it.
 *
 * protocol/ turns text of the network into values and back: JSON, forms
 * (multipart.h), query strings (query.h), headers (header.h), dates (date.h). It
 * knows grammars and limits, and nothing of artifacts, stores and sockets.
 *
 * Reading: json_read checks (json_check.h), parses and gives a document,
 * whose typed getters note faults instead of coercing. Writing: build an
 * object or an array, then json_text. Documents and built values belong to
 * the arena and go with it.
 */
#ifndef JSON_H
#define JSON_H

#include "fault.h"
#include "json_check.h"

struct json; /* a json-c value; released with the arena */

/* ---- reading ---- */

/* A JSON object that a client sent. */
struct json_document {
	struct json *root;	 /* holds the members that were parsed so far */
	struct json_shape shape; /* here with decoded keys */
	struct arena *arena;
};

/*
 * Read a request's body as an object. JSON_VALID can still leave faults: an
 * empty text and null are `missing`, another value is not_object, and then
 * ret_document->root is NULL. JSON_SYNTAX notes json_invalid with the offset.
 * The other verdicts are the caller's to answer (400).
 */
MUST_USE enum json_verdict json_read(struct arena *arena, struct span text,
    struct faults *faults, struct json_document *ret_document);

enum json_need { JSON_OPTIONAL, JSON_NULLABLE, JSON_REQUIRED };

/*
 * A string member of at most limit bytes (0: any). Faults go to
 * ["body", name]. Absent, null (where nullable) or faulty gives SPAN_NONE;
 * the bytes are json-c's and live as long as the arena.
 */
struct span json_get_string(const struct json_document *document,
    const char *name, enum json_need need, size_t limit, struct faults *faults);

/* An optional bool member (bool_type); false: absent or faulty. */
bool json_get_bool(const struct json_document *document, const char *name,
    struct faults *faults, bool *ret_bool);

/*
 * An optional object member (dict_type) as json_object_kept has it, of at
 * most limit bytes (string_too_long); an unpaired surrogate in it is
 * string_unicode, a number that no double is near finite_number. Absent or
 * faulty gives SPAN_NONE.
 */
struct span json_get_object_text(const struct json_document *document,
    const char *name, size_t limit, struct faults *faults);

/*
 * An optional array member (list_type) of at most limit full ids (too_long),
 * each 36 characters 8-4-4-4-12 of hex digits, else uuid_parsing with its
 * index. false: absent or faulty. The spans live as long as the arena.
 */
bool json_get_ids(const struct json_document *document, const char *name,
    size_t limit, struct faults *faults, struct span **ret_ids,
    size_t *ret_count);

/*
 * Note extra_forbidden for each key that is not in names (NULL ends them),
 * in the order sent, each key once.
 */
void json_refuse_extra(const struct json_document *document,
    const char *const *names, struct faults *faults);

/*
 * What a key of checked text means, of which the span has what stands between
 * the quotes: in the arena, or where the key is.
 */
struct span json_decode_key(struct arena *arena, struct span key);

/*
 * The text of a checked object without white space, and in it, at any depth,
 * of members with the same key the last one; the rest as it was sent.
 */
struct span json_object_kept(struct arena *arena, struct span value);
/* Are all numbers of a checked text finite as doubles? */
bool json_is_finite(struct span text);

/* ---- reading what a server answered ---- */

/* An object; false: the text is no valid JSON, or none. */
MUST_USE bool json_read_object(struct arena *arena, struct span text,
    struct json_document *ret_document);

/* The source text of a member; SPAN_NONE when it is absent. */
struct span
json_get_source(const struct json_document *document, const char *name);
/* What a string means, in the arena; SPAN_NONE: absent, or no string. */
struct span
json_get_text(const struct json_document *document, const char *name);

/* A whole number that fits; false: absent or anything else. */
bool json_get_number(const struct json_document *document, const char *name,
    uint64_t *ret_number);
/* What the source text of a string means, in the arena; SPAN_NONE: it is
 * none. */
struct span json_text_of(struct arena *arena, struct span source);

/* ---- writing ---- */

struct json_value; /* an object or an array; in the arena */

struct json_value *json_object(struct arena *arena);
struct json_value *json_array(struct arena *arena);

/* Members in the order put; SPAN_NONE becomes null. Text should be UTF-8:
 * what is not becomes U+FFFD. */
void
json_put_text(struct json_value *object, const char *name, struct span text);
void
json_put_number(struct json_value *object, const char *name, uint64_t number);
void json_put_bool(struct json_value *object, const char *name, bool is_true);
/* JSON text that was checked before; it is copied as it is. */
void
json_put_source(struct json_value *object, const char *name, struct span text);
/* A copy of the value as it is now. */
void json_put(struct json_value *object, const char *name,
    const struct json_value *value);
void json_push(struct json_value *array, const struct json_value *value);
void json_push_text(struct json_value *array, struct span text);
void json_push_number(struct json_value *array, uint64_t number);

/* Compact text of a value, UTF-8 as it is, '/' not escaped; in the arena. */
struct span json_text(struct arena *arena, const struct json_value *value);

/* {"detail":"<text>"} */
struct span json_detail(struct arena *arena, struct span text);

/*
 * Content as the inside of a JSON string, a piece at a time: ill-formed
 * UTF-8 becomes U+FFFD, also where a sequence is spread over pieces.
 */
struct json_escaper {
	char carry[4]; /* the start of a sequence that the last piece cut */
	size_t carried;
};

/* Append the escaped piece; all zero bytes is a fresh escaper. */
void json_escape(struct json_escaper *escaper, struct span piece, bool is_last,
    struct buffer *buffer);

#endif
