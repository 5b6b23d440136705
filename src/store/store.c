/* SPDX-License-Identifier: ISC */
/*
 * store.c - from the interface to the engine behind it. What engines have in
 * common is upload.c.
 */

#include "store.h"
#include "engine.h"

#include <assert.h>
#include <stdlib.h>

struct store *
store_new(const struct store_engine *engine, void *state)
{
	struct store *store = malloc(sizeof(*store));

	if (store == NULL)
		abort();
	store->engine = engine;
	store->state = state;
	return store;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	store->engine->close(store->state);
	free(store);
}

const char *
store_reason(const struct store *store)
{
	return store->engine->reason(store->state);
}

struct shortage
store_shortage(const struct store *store)
{
	return store->engine->shortage(store->state);
}

enum result
store_get(struct store *store, const struct id *id, struct arena *arena,
    struct artifact **ret_artifact)
{
	return store->engine->get(store->state, id, arena, ret_artifact);
}

enum result
store_find(struct store *store, struct span prefix,
    struct id ret_ids[LIMIT_CANDIDATES], size_t *ret_count)
{
	return store->engine->find(store->state, prefix, ret_ids, ret_count);
}

enum result
store_list(struct store *store, const struct filter *filter,
    const struct position *position, size_t limit, struct arena *arena,
    struct page *ret_page)
{
	assert(limit >= 1 && limit <= LIMIT_PAGE);
	return store->engine->list(
	    store->state, filter, position, limit, arena, ret_page);
}

enum result
store_read(struct store *store, const struct content *content, uint64_t offset,
    char *data, size_t size, size_t *ret_size)
{
	if (offset >= content->size) {
		*ret_size = 0;
		return RESULT_OK;
	}
	return store->engine->read(
	    store->state, content, offset, data, size, ret_size);
}

enum result
store_stat(struct store *store, struct store_stat *ret_stat)
{
	return store->engine->stat(store->state, ret_stat);
}

enum result
store_figures(struct store *store,
    void (*visit)(void *object, const struct store_figure *figure),
    void *object)
{
	return store->engine->figures(store->state, visit, object);
}

enum result
store_room(struct store *store, uint64_t reserve, uint64_t max_bytes,
    struct store_room *ret_room)
{
	return store->engine->room(store->state, reserve, max_bytes, ret_room);
}

void
store_apply_many(struct store *store, struct change *const *changes,
    size_t count, struct outcome *ret_outcomes)
{
	store->engine->apply(store->state, changes, count, ret_outcomes);
}

enum result
store_apply(
    struct store *store, struct change *change, struct outcome *ret_outcome)
{
	store_apply_many(store, &change, 1, ret_outcome);
	return ret_outcome->result;
}
