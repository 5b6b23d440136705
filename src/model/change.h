/* SPDX-License-Identifier: ISC */
/*
 * change.h - what is asked of the store, and what came of it.
 *
 * A change is judged in full inside the transaction that applies it. It is
 * harmless to repeat: number and owner tell a store that it has seen it.
 */
#ifndef CHANGE_H
#define CHANGE_H

#include "artifact.h"

enum change_kind {
	CHANGE_CREATE = 1, /* artifact: all of it; bytes or a staged blob */
	CHANGE_UPDATE,	   /* id; the members that patch names */
	CHANGE_CONTENT,	   /* id; artifact->content; bytes or a staged blob */
	CHANGE_DELETE,	   /* id */
	CHANGE_STAGE,	   /* blob, chunk, bytes: content no record names */
	CHANGE_DROP,	   /* blob: staged content that no record will name */
	/*
	 * id; artifact: all of it, with its own moments; bytes or a staged
	 * blob. RESULT_EXISTS: it is there already; RESULT_MISMATCH: another
	 * one has the id, and it is not to replace it; RESULT_CLOCK: it is of
	 * a time that is yet to come. Never sent over the channel to the
	 * writer: a worker could give artifacts any date with it.
	 */
	CHANGE_IMPORT,
};

/* Which members of artifact a CHANGE_UPDATE sets. */
#define PATCH_TITLE 1u
#define PATCH_METADATA 2u
#define PATCH_PRIMARY 4u
#define PATCH_DERIVED 8u

/* A request of a process, as the scoreboard knows it. */
struct owner {
	uint64_t incarnation;
	uint64_t request;
};

/* If-Match or If-None-Match: absent, "*", or these of its tags that could be
 * ours. */
struct tags {
	bool is_there;
	bool is_any;
	uint8_t (*etags)[ETAG_SIZE]; /* of the detail */
	size_t etag_count;
	uint8_t (*hashes)[DIGEST_SHA256_SIZE]; /* of the content */
	size_t hash_count;
};

struct change {
	enum change_kind kind;
	uint64_t number;    /* of this incarnation's changes, rising; 0: none */
	struct owner owner; /* who asks; staged blobs belong to it */
	struct id id;
	struct artifact *artifact;
	unsigned patch;
	struct span bytes; /* at most LIMIT_CHUNK */
	uint64_t blob;
	uint32_t chunk; /* 0 is the first */
	bool replaces;	/* IMPORT: what has the id, but for its moment */
	/* What the artifact that is there has to be: UPDATE, CONTENT, DELETE. */
	struct tags if_match;
	struct tags if_none_match;
	bool has_unmodified_since;
	int64_t unmodified_since; /* in seconds */
	/* Idempotency-Key of a create: fingerprints of user and key, and of
	 * what the request means. */
	bool has_key;
	uint8_t key[32];
	uint8_t meaning[32];
};

/* Why there is no room, in bytes; all 0: not known. */
struct shortage {
	uint64_t have;	   /* NO_SPACE: free on the disk; QUOTA: in use */
	uint64_t limit;	   /* NO_SPACE: the reserve; QUOTA: max_bytes */
	uint64_t reusable; /* NO_SPACE: free within the store's own file */
};

struct outcome {
	enum result result;
	struct id id; /* CREATE: the artifact's, an earlier one for a repeat */
	bool is_deleted; /* CREATE: a repeat, whose artifact is no longer */
	struct shortage shortage; /* NO_SPACE, QUOTA */
};

/* Does a worker wait for what comes of it? Not of staged content, of which many
 * pieces are on their way at once. */
bool change_is_awaited(const struct change *change);

/*
 * Is the artifact in a state in which the change may be made (RFC 9110,
 * 13.2.2)? For engines, within the transaction that makes it.
 */
bool change_is_allowed(const struct change *change,
    const struct artifact *artifact, uint64_t now, struct arena *arena);

/* Append the change as bytes. */
void change_encode(const struct change *change, struct buffer *buffer);
/*
 * Read it into the arena; spans point into bytes. RESULT_MALFORMED when it is
 * not exactly one change within base/limits.h.
 */
MUST_USE enum result change_decode(
    struct span bytes, struct arena *arena, struct change **ret_change);

#endif
