/* SPDX-License-Identifier: ISC */
/*
 * engine.h - the two tables behind a store: one that reads, one that changes.
 *
 * The functions are those of store.h with a state first, and keep its promises.
 * Before it calls one, store.c has seen that a limit is 1 to LIMIT_PAGE, and
 * that an offset is within the content and a size above 0.
 *
 * An engine fills both tables for its writer, and only the first for whoever
 * opens the store to read. proxy/ fills only the second, and puts it beside the
 * first of another engine:
 *
 *	                       reading         changing
 *	writer, import         lmdb            lmdb
 *	artifactctl's reading  lmdb            -
 *	worker                 lmdb            proxy: sends to the writer
 *
 * Not in the tables: opening a store, sweeping, the table of readers, checking,
 * copying. An engine has functions of its own for these (lmdb/lmdb.h and
 * lmdb/upkeep.h), which worker.c, writer.c and tool/local/ call by name.
 *
 * Only store/, the writer and import include this file.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store.h"

struct store_reading {
	enum result (*get)(void *state, const struct id *id,
	    struct arena *arena, struct artifact **ret_artifact);
	enum result (*find)(void *state, struct span prefix,
	    struct id ret_ids[LIMIT_CANDIDATES], size_t *ret_count);
	enum result (*list)(void *state, const struct filter *filter,
	    const struct position *position, size_t limit, struct arena *arena,
	    struct page *ret_page);
	enum result (*read)(void *state, const struct content *content,
	    uint64_t offset, char *data, size_t size, size_t *ret_size);
	enum result (*stat)(void *state, struct store_stat *ret_stat);
	enum result (*figures)(void *state,
	    void (*visit)(void *object, const struct store_figure *figure),
	    void *object);
	enum result (*room)(void *state, uint64_t reserve, uint64_t max_bytes,
	    struct store_room *ret_room);
	const char *(*reason)(const void *state);
	void (*close)(void *state);
};

/* A blob in the making. */
struct staging {
	struct owner owner;
	uint64_t blob;	 /* an engine may give it another until it is named */
	uint32_t chunks; /* handed over so far */
};

struct store_changing {
	/* Give staging->owner a blob. */
	enum result (*stage_begin)(void *state, struct staging *staging);
	/*
	 * Keep the next chunk (LIMIT_CHUNK bytes, the last one fewer). It may
	 * be durable only when a change names the blob; an engine that sends
	 * it somewhere keeps a copy until then.
	 */
	enum result (*stage)(
	    void *state, struct staging *staging, struct span bytes);
	/* All chunks were staged: staging->blob is final. */
	enum result (*stage_end)(void *state, struct staging *staging);
	/* No change will name the blob: remove it now, or leave it to a sweep
	 * if that cannot be done. */
	void (*stage_drop)(void *state, struct staging *staging);
	/*
	 * Judge and apply many changes, an outcome each, durably. When the
	 * commit itself fails all are RESULT_UNKNOWN, and the state must not
	 * be used again.
	 */
	void (*apply)(void *state, struct change *const *changes, size_t count,
	    struct outcome *ret_outcomes);
	const char *(*reason)(const void *state);
	struct shortage (*shortage)(const void *state);
	/* NULL: the state is the one that reading->close gives back. */
	void (*close)(void *state);
};

struct store {
	const struct store_reading *reading;
	void *read_state;
	const struct store_changing *changing; /* NULL: it only reads */
	void *change_state;
	bool was_changing; /* by the last call: the reason is that table's */
};

/* A store that reads with this table; it owns the state from now on. */
struct store *store_new(const struct store_reading *reading, void *state);
/* Let a store that only reads change too; it owns this state likewise. */
void store_add_changing(
    struct store *store, const struct store_changing *changing, void *state);

/* Many changes at once: for the writer and import. */
void store_apply_many(struct store *store, struct change *const *changes,
    size_t count, struct outcome *ret_outcomes);

/* The steps of staging, for upload.c: see struct store_changing. */
MUST_USE enum result
store_stage_begin(struct store *store, struct staging *staging);
/* Counts the chunk, if it was taken. */
MUST_USE enum result
store_stage(struct store *store, struct staging *staging, struct span bytes);
MUST_USE enum result
store_stage_end(struct store *store, struct staging *staging);
void store_stage_drop(struct store *store, struct staging *staging);

#endif
