/* SPDX-License-Identifier: ISC */
/*
 * store.c - from the interface to the two tables of an engine (engine.h).
 * What all engines do alike with an upload is in upload.c.
 */

#include "engine.h"

#include <assert.h>
#include <stdlib.h>

/* ---- a store and what went wrong in it ---- */

struct store *
store_new(const struct store_reading *reading, void *state)
{
	struct store *store = calloc(1, sizeof(*store));

	if (store == NULL)
		abort();
	store->reading = reading;
	store->read_state = state;
	return store;
}

void
store_add_changing(
    struct store *store, const struct store_changing *changing, void *state)
{
	assert(store->changing == NULL);
	store->changing = changing;
	store->change_state = state;
}

void
store_close(struct store *store)
{
	if (store == NULL)
		return;
	if (store->changing != NULL && store->changing->close != NULL)
		store->changing->close(store->change_state);
	store->reading->close(store->read_state);
	free(store);
}

const char *
store_reason(const struct store *store)
{
	return store->was_changing
		   ? store->changing->reason(store->change_state)
		   : store->reading->reason(store->read_state);
}

struct shortage
store_shortage(const struct store *store)
{
	assert(store->changing != NULL);
	return store->changing->shortage(store->change_state);
}

/* ---- reading ---- */

/* The table to read with. */
static const struct store_reading *
reading(struct store *store)
{
	store->was_changing = false;
	return store->reading;
}

enum result
store_get(struct store *store, const struct id *id, struct arena *arena,
    struct artifact **ret_artifact)
{
	return reading(store)->get(store->read_state, id, arena, ret_artifact);
}

enum result
store_find(struct store *store, struct span prefix,
    struct id ret_ids[LIMIT_CANDIDATES], size_t *ret_count)
{
	return reading(store)->find(
	    store->read_state, prefix, ret_ids, ret_count);
}

enum result
store_list(struct store *store, const struct filter *filter,
    const struct position *position, size_t limit, struct arena *arena,
    struct page *ret_page)
{
	assert(limit >= 1 && limit <= LIMIT_PAGE);
	return reading(store)->list(
	    store->read_state, filter, position, limit, arena, ret_page);
}

enum result
store_read(struct store *store, const struct content *content, uint64_t offset,
    char *data, size_t size, size_t *ret_size)
{
	if (offset >= content->size || size == 0) {
		*ret_size = 0;
		return RESULT_OK;
	}
	return reading(store)->read(
	    store->read_state, content, offset, data, size, ret_size);
}

enum result
store_stat(struct store *store, struct store_stat *ret_stat)
{
	return reading(store)->stat(store->read_state, ret_stat);
}

enum result
store_figures(struct store *store,
    void (*visit)(void *object, const struct store_figure *figure),
    void *object)
{
	return reading(store)->figures(store->read_state, visit, object);
}

enum result
store_room(struct store *store, uint64_t reserve, uint64_t max_bytes,
    struct store_room *ret_room)
{
	return reading(store)->room(
	    store->read_state, reserve, max_bytes, ret_room);
}

/* ---- changing ---- */

/* The table to change with. Whoever opened the store to read asks for none. */
static const struct store_changing *
changing(struct store *store)
{
	assert(store->changing != NULL);
	store->was_changing = true;
	return store->changing;
}

enum result
store_stage_begin(struct store *store, struct staging *staging)
{
	return changing(store)->stage_begin(store->change_state, staging);
}

enum result
store_stage(struct store *store, struct staging *staging, struct span bytes)
{
	enum result result =
	    changing(store)->stage(store->change_state, staging, bytes);

	if (result == RESULT_OK)
		staging->chunks++;
	return result;
}

enum result
store_stage_end(struct store *store, struct staging *staging)
{
	return changing(store)->stage_end(store->change_state, staging);
}

void
store_stage_drop(struct store *store, struct staging *staging)
{
	changing(store)->stage_drop(store->change_state, staging);
}

void
store_apply_many(struct store *store, struct change *const *changes,
    size_t count, struct outcome *ret_outcomes)
{
	changing(store)->apply(
	    store->change_state, changes, count, ret_outcomes);
}

enum result
store_apply(
    struct store *store, struct change *change, struct outcome *ret_outcome)
{
	store_apply_many(store, &change, 1, ret_outcome);
	return ret_outcome->result;
}
