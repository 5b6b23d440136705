/* SPDX-License-Identifier: ISC */
/*
 * engine.h - the table that an engine of the store fills.
 *
 * The functions are those of store.h with the engine's own state first; what
 * is said there holds here. Only store.c and engines include this file.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "store.h"

/* A blob in the making. */
struct staging {
	struct owner owner;
	uint64_t blob;	 /* an engine may give it another until it is named */
	uint32_t chunks; /* handed over so far */
};

struct store_engine {
	const char *name;
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
	/* Let go of it, if it can be said now; else it is found later. */
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
	void (*close)(void *state);
};

struct store {
	const struct store_engine *engine;
	void *state;
};

/* A store over an engine's state; it owns the state from now on. */
struct store *store_new(const struct store_engine *engine, void *state);

/*
 * Many changes at once (the writer's way in).
 */
void store_apply_many(struct store *store, struct change *const *changes,
    size_t count, struct outcome *ret_outcomes);

#endif
