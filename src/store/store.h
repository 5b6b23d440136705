/* SPDX-License-Identifier: ISC */
/*
 * store.h - artifacts that outlive the process.
 *
 * A record says what an artifact is, and may change. Its content is a blob of
 * its own, which never changes: new content is a new blob.
 * Many processes read; all changes go through store_apply.
 * Which engine keeps the bytes does not show through this file.
 */
#ifndef STORE_H
#define STORE_H

#include "model/change.h"

struct store;

/* Give it back; NULL is fine. */
void store_close(struct store *store);

/* A few words on the last failure of the world, for the log. Never NULL. */
const char *store_reason(const struct store *store);

/* What the last RESULT_NO_SPACE or RESULT_QUOTA was about. */
struct shortage store_shortage(const struct store *store);

/* ---- reading ---- */

/* Read the record of an artifact; *ret_artifact lives in arena. */
MUST_USE enum result store_get(struct store *store, const struct id *id,
    struct arena *arena, struct artifact **ret_artifact);

/*
 * The ids that start with the given text, in order, at most LIMIT_CANDIDATES.
 * None is RESULT_OK with *ret_count 0.
 */
MUST_USE enum result store_find(struct store *store, struct span prefix,
    struct id ret_ids[LIMIT_CANDIDATES], size_t *ret_count);

/*
 * Where a list goes on. The bytes mean something to the engine alone; size 0:
 * begin with the newest artifact.
 */
struct position {
	uint8_t size;
	uint8_t bytes[31];
};

struct page {
	struct artifact **artifacts; /* newest first, in the arena */
	size_t count;
	bool has_more;
	struct position next; /* behind the last one, if there are more */
};

/* At most limit (1 to LIMIT_PAGE) artifacts behind a position.
 * RESULT_MALFORMED: the position is none of this engine's. */
MUST_USE enum result store_list(struct store *store,
    const struct filter *filter, const struct position *position, size_t limit,
    struct arena *arena, struct page *ret_page);

/*
 * Read up to size bytes of content from an offset on. Fewer may come, but at
 * least one unless offset is at the end of the content. Every byte was
 * verified.
 * RESULT_GONE: it has been replaced or deleted since content was read.
 */
MUST_USE enum result
store_read(struct store *store, const struct content *content, uint64_t offset,
    char *data, size_t size, size_t *ret_size);

struct store_stat {
	uint64_t artifacts;
	uint64_t bytes;	 /* of all content that records name */
	uint64_t staged; /* of uploads in progress */
	uint64_t newest; /* moment of the last create; 0: none */
};

MUST_USE enum result
store_stat(struct store *store, struct store_stat *ret_stat);

/*
 * A number about the engine, for /metrics, which may go up and down.
 * Its name is of lower-case letters, digits and '_', and ends in `_bytes` or
 * else counts; help is a sentence without a full stop. Neither may change, since
 * dashboards use them.
 */
struct store_figure {
	const char *name;
	const char *help;
	uint64_t value;
};

/*
 * Give each figure to visit(object, figure), always the same ones in the same
 * order: first `artifacts`, `content_bytes` and `staged_bytes`, then the
 * engine's own. It takes at most a millisecond or two, whatever the size of
 * the store: what would take longer to count is counted in part, and its help
 * says so. It makes no system call, so that a worker in its sandbox may call
 * it. Anything but RESULT_OK: nothing was visited.
 */
MUST_USE enum result store_figures(struct store *store,
    void (*visit)(void *object, const struct store_figure *figure),
    void *object);

/* Where content goes, and whether more may come. */
struct store_room {
	enum result verdict; /* RESULT_OK, RESULT_NO_SPACE or RESULT_QUOTA */
	struct shortage shortage; /* of the latter two */
	uint64_t disk_free;	  /* bytes that the store could use */
	uint64_t reusable;	  /* bytes of its file that were freed, and can
				   * be written again now */
	uint64_t file_bytes;	  /* that it takes of the disk now */
};

/*
 * Would a create be taken, with these settings (config/config.h)? Asks the system
 * what is free, which a worker's sandbox forbids. Anything but RESULT_OK: the
 * store could not be read.
 */
MUST_USE enum result store_room(struct store *store, uint64_t reserve,
    uint64_t max_bytes, struct store_room *ret_room);

/* ---- content on its way in ---- */

/*
 * An upload hashes and counts what is written. It keeps at most one chunk in
 * memory; what is more goes to the engine, a chunk at a time.
 */
struct upload;

/* In the arena; owner is the request that it belongs to. */
struct upload *
upload_open(struct store *store, struct arena *arena, struct owner owner);
/*
 * The same without keeping a byte: counts and hashes only. For content that
 * is already known to be refused.
 */
struct upload *upload_open_nowhere(struct arena *arena);
MUST_USE enum result upload_write(struct upload *upload, struct span bytes);
/* Bytes written so far. */
uint64_t upload_size(const struct upload *upload);
/*
 * Nothing more comes. Fills content->size and hash, and either content->blob
 * or *ret_bytes (at most a chunk, living in the arena): what a CREATE or
 * CONTENT change takes.
 */
MUST_USE enum result upload_finish(
    struct upload *upload, struct content *content, struct span *ret_bytes);
/* No change will name this content: its chunks may go. Allowed after
 * upload_finish, too, and when nothing was staged. */
void upload_drop(struct upload *upload);

/* ---- changing ---- */

/*
 * Apply one change, durably and exactly once. ret_outcome->result, which is
 * also returned: RESULT_OK means that it is on disk; RESULT_UNKNOWN, that the
 * store stayed silent and either may be true; anything else, that nothing
 * happened.
 */
MUST_USE enum result store_apply(
    struct store *store, struct change *change, struct outcome *ret_outcome);

#endif
