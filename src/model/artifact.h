/* SPDX-License-Identifier: ISC */
/*
 * artifact.h - what an artifact is: members, stored form, JSON form.
 *
 * The stored form is the same for every engine: a version byte, then each
 * member with its length. It does not hold the moment, which is the key of
 * the record. Knows nothing of where it is kept or who asks.
 */
#ifndef ARTIFACT_H
#define ARTIFACT_H

#include "base/digest.h"
#include "protocol/date.h"
#include "protocol/json.h"
#include "base/limits.h"

#define ID_TEXT 36
#define ETAG_SIZE 16
#define MOMENT_TEXT 27 /* 2026-03-31T12:00:00.123456Z */

/* A UUID (RFC 4122, version 4). */
struct id {
	uint8_t bytes[16];
};

/* A fresh random id. */
struct id id_random(void);
/* 36 characters, lower case, and a NUL. */
void id_format(const struct id *id, char ret_text[ID_TEXT + 1]);
/* Exactly that form; false for any other, upper case too. */
MUST_USE bool id_parse(struct span text, struct id *ret_id);
/* The lowest id whose form begins with this text; false: none does. */
MUST_USE bool id_parse_prefix(struct span text, struct id *ret_id);

/*
 * Creation moments are unique and rise in creation order, so they are also the
 * order and the cursor of lists. protocol/date.h reads them.
 */

/* doc/contract.md 1: always six digits, and a NUL. */
void moment_format(uint64_t moment, char ret_text[MOMENT_TEXT + 1]);
/* The clock. */
uint64_t moment_now(void);

/*
 * The bytes of an artifact, as a whole: replaced together, never changed.
 * What blob means is the engine's: it is to be carried, not looked at.
 */
struct content {
	uint64_t blob; /* 0: no bytes are kept (size 0) */
	uint64_t size;
	uint8_t hash[DIGEST_SHA256_SIZE];
	uint64_t stored;      /* when these bytes came: created, or later */
	struct span type;     /* at most LIMIT_CONTENT_TYPE, any UTF-8 */
	struct span filename; /* as uploaded; SPAN_NONE: none */
};

/*
 * HTTP's dates have whole seconds, so that a date tells one content from
 * another only if no other can have it. Hence these three.
 *
 * When content that takes the place of old comes: now, or, where the clock
 * was set back behind the old one's second, in the next one after that. So
 * no content has a second that older content was said to be of.
 */
uint64_t content_moment(const struct content *old, uint64_t now);
/* Is its second over, so that none will come that has the same date? */
bool content_has_date(const struct content *content, uint64_t now);
/* Is it as old as that second? When it came in that very one, only if the
 * date is its own. */
bool content_is_unmodified_since(
    const struct content *content, int64_t second, uint64_t now);

/* Strings are UTF-8 within base/limits.h; SPAN_NONE is null. */
struct artifact {
	struct id id;
	uint64_t created; /* moment; not part of the stored form */
	struct span workflow;
	struct span phase;   /* or SPAN_NONE */
	struct span session; /* or SPAN_NONE */
	struct span type;    /* lower case */
	struct span title;
	struct span creator; /* or SPAN_NONE */
	bool is_primary;
	struct span metadata;	   /* compact JSON object; SPAN_NONE: {} */
	struct span *derived_from; /* ids of ID_TEXT characters, as given */
	size_t derived_count;
	struct content content;
};

/* ---- what artifacts are listed by ---- */

#define FILTERS 4

/*
 * What a list is to hold: the artifacts that have each of these values,
 * exactly. An empty value leaves nothing out.
 */
struct filter {
	union {
		struct {
			struct span workflow;
			struct span phase;
			struct span type;
			struct span session;
		};
		struct span values[FILTERS];
	};
};

/* A row for each value of struct filter, in order. */
extern const struct filter_row {
	const char *name; /* of the parameter in a query */
	size_t member;	  /* offset of the span in struct artifact */
	size_t limit;	  /* bytes: no artifact has a longer value */
	bool is_lower;	  /* artifacts have the value in lower case */
} filter_rows[FILTERS];

/* The value that an artifact is listed by in this row. */
struct span artifact_value(const struct artifact *artifact, size_t row);
/* Set a value as sent, in the case that artifacts have the value in. */
void filter_set(
    struct arena *arena, struct filter *filter, size_t row, struct span value);
/* Does the filter leave anything out? */
bool filter_is_narrow(const struct filter *filter);
/* As a query, with "&" behind each pair. */
void filter_append(struct buffer *query, const struct filter *filter);

/* ---- forms ---- */

/* Append the stored form. */
void artifact_encode(const struct artifact *artifact, struct buffer *buffer);

/*
 * Read the stored form into the arena; bytes may come from anywhere.
 * RESULT_DAMAGED when they are not exactly one artifact within base/limits.h.
 * The spans point into bytes. created is for the caller to set.
 */
MUST_USE enum result artifact_decode(
    struct span bytes, struct arena *arena, struct artifact **ret_artifact);

/* One ETag for all that the detail shows, fingerprint of the stored form. */
void artifact_etag(const struct artifact *artifact, struct arena *arena,
    uint8_t ret_etag[ETAG_SIZE]);

/* Are all members and bytes the same? Moments do not count, nor does where
 * content is kept. */
bool artifact_is_same(const struct artifact *one, const struct artifact *other,
    struct arena *arena);

/* The members of doc/contract.md 1. */
struct json_value *
artifact_summary(const struct artifact *artifact, struct arena *arena);
/*
 * The detail without `content`, which the answer's last member will be: it
 * is streamed, or null.
 */
struct json_value *
artifact_detail(const struct artifact *artifact, struct arena *arena);

#endif
