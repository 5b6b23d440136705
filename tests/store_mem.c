/* SPDX-License-Identifier: ISC */
/*
 * store_mem.c - rows in arrays of one arena, which goes when the store is
 * closed. Only content is given back earlier, so that a test that reads it
 * too late is seen.
 */

#include "store_mem.h"

#include "store_engine.h"

#include <assert.h>
#include <stdlib.h>

#define NOWHERE SIZE_MAX

struct blob {
	uint64_t number;
	struct owner owner;
	bool is_named; /* by a record; else it is an upload's */
	uint32_t chunks;
	char *data; /* malloc */
	size_t size;
};

/* What an Idempotency-Key stands for. */
struct promise {
	uint8_t key[32];
	uint8_t meaning[32];
	struct id id;
};

/* The last change of an incarnation. */
struct applied {
	uint64_t incarnation;
	uint64_t number;
	struct outcome outcome;
};

/* Rows of one size, in the order they were added. */
struct table {
	char *rows;
	size_t row_size;
	size_t count;
	size_t capacity;
};

struct mem {
	struct arena *arena;
	uint64_t max_bytes;
	uint64_t last_moment;
	uint64_t last_blob;
	struct table records; /* struct artifact *, oldest first */
	struct table blobs;
	struct table promises;
	struct table applied;
};

/* ---- tables ---- */

static void *
row(const struct table *table, size_t place)
{
	assert(place < table->count);
	return table->rows + place * table->row_size;
}

/* A zeroed row; all pointers to rows are void then. */
static void *
row_add(struct mem *mem, struct table *table)
{
	size_t size = table->capacity * table->row_size;

	if (table->count == table->capacity) {
		table->capacity = table->capacity == 0 ? 16 : 2 * table->count;
		table->rows = arena_resize(mem->arena, table->rows, size,
		    table->capacity * table->row_size);
	}
	table->count++;
	memset(row(table, table->count - 1), 0, table->row_size);
	return row(table, table->count - 1);
}

static void
row_remove(struct table *table, size_t place)
{
	char *gone = row(table, place);

	table->count--;
	memmove(gone, gone + table->row_size,
	    (table->count - place) * table->row_size);
}

static struct artifact *
record_at(const struct mem *mem, size_t place)
{
	return *(struct artifact **)row(&mem->records, place);
}

static size_t
record_find(const struct mem *mem, const struct id *id)
{
	size_t i;

	for (i = 0; i < mem->records.count; i++)
		if (memcmp(&record_at(mem, i)->id, id, sizeof(*id)) == 0)
			return i;
	return NOWHERE;
}

static struct blob *
blob_find(const struct mem *mem, uint64_t number)
{
	size_t i;

	for (i = 0; i < mem->blobs.count; i++) {
		struct blob *blob = row(&mem->blobs, i);

		if (blob->number == number)
			return blob;
	}
	return NULL;
}

static struct blob *
blob_add(struct mem *mem, struct owner owner)
{
	struct blob *blob = row_add(mem, &mem->blobs);

	blob->number = ++mem->last_blob;
	blob->owner = owner;
	return blob;
}

static void
blob_append(struct blob *blob, struct span bytes)
{
	blob->data = realloc(blob->data, blob->size + bytes.size);
	if (blob->data == NULL)
		abort();
	memcpy(blob->data + blob->size, bytes.data, bytes.size);
	blob->size += bytes.size;
	blob->chunks++;
}

static void
blob_free(struct mem *mem, uint64_t number)
{
	struct blob *blob = blob_find(mem, number);

	if (blob == NULL)
		return;
	free(blob->data);
	row_remove(&mem->blobs,
	    (size_t)((char *)blob - mem->blobs.rows) / sizeof(*blob));
}

/* A copy that shares nothing. */
static struct artifact *
copy_of(const struct artifact *artifact, struct arena *arena)
{
	struct artifact *copy = NULL;
	struct buffer buffer;
	enum result result;

	buffer_init(&buffer, arena);
	artifact_encode(artifact, &buffer);
	result = artifact_decode(buffer_span(&buffer), arena, &copy);
	assert(result == RESULT_OK);
	copy->created = artifact->created;
	return copy;
}

/* ---- reading ---- */

static enum result
mem_get(void *state, const struct id *id, struct arena *arena,
    struct artifact **ret_artifact)
{
	struct mem *mem = state;
	size_t place = record_find(mem, id);

	if (place == NOWHERE)
		return RESULT_NOT_FOUND;
	*ret_artifact = copy_of(record_at(mem, place), arena);
	return RESULT_OK;
}

/* Put it where it belongs; of too many the last ones go. */
static void
insert_id(struct id ids[LIMIT_CANDIDATES], size_t *count, const struct id *id)
{
	size_t place = *count;

	while (place > 0 && memcmp(&ids[place - 1], id, sizeof(*id)) > 0)
		place--;
	if (place == LIMIT_CANDIDATES)
		return;
	if (*count < LIMIT_CANDIDATES)
		++*count;
	memmove(
	    ids + place + 1, ids + place, (*count - place - 1) * sizeof(*ids));
	ids[place] = *id;
}

static enum result
mem_find(void *state, struct span prefix, struct id ret_ids[LIMIT_CANDIDATES],
    size_t *ret_count)
{
	struct mem *mem = state;
	char text[ID_TEXT + 1];
	size_t i;

	*ret_count = 0;
	for (i = 0; i < mem->records.count && prefix.size <= ID_TEXT; i++) {
		id_format(&record_at(mem, i)->id, text);
		if (span_equal(span_of(text, prefix.size), prefix))
			insert_id(ret_ids, ret_count, &record_at(mem, i)->id);
	}
	return RESULT_OK;
}

static bool
is_wanted(struct span filter, struct span member)
{
	return filter.size == 0 || span_equal(filter, member);
}

static bool
matches(const struct filter *filter, const struct artifact *artifact)
{
	return is_wanted(filter->workflow, artifact->workflow) &&
	       is_wanted(filter->phase, artifact->phase) &&
	       is_wanted(filter->type, artifact->type) &&
	       is_wanted(filter->session, artifact->session);
}

/* A position is the moment of the last artifact that was given. */
static bool
moment_of(const struct position *position, uint64_t *ret_moment)
{
	*ret_moment = UINT64_MAX;
	if (position->size == sizeof(*ret_moment))
		memcpy(ret_moment, position->bytes, sizeof(*ret_moment));
	return position->size == 0 || position->size == sizeof(*ret_moment);
}

static enum result
mem_list(void *state, const struct filter *filter,
    const struct position *position, size_t limit, struct arena *arena,
    struct page *ret_page)
{
	struct page page = { 0 };
	struct mem *mem = state;
	struct artifact *artifact;
	uint64_t moment;
	size_t i;

	if (!moment_of(position, &moment))
		return RESULT_MALFORMED;
	page.artifacts = arena_alloc(arena, limit * sizeof(*page.artifacts));
	for (i = mem->records.count; i-- > 0 && !page.has_more;) {
		artifact = record_at(mem, i);
		if (artifact->created >= moment || !matches(filter, artifact))
			continue;
		if (page.count == limit)
			page.has_more = true;
		else
			page.artifacts[page.count++] = copy_of(artifact, arena);
	}
	if (page.has_more) {
		moment = page.artifacts[page.count - 1]->created;
		page.next.size = sizeof(moment);
		memcpy(page.next.bytes, &moment, sizeof(moment));
	}
	*ret_page = page;
	return RESULT_OK;
}

static enum result
mem_read(void *state, const struct content *content, uint64_t offset,
    char *data, size_t size, size_t *ret_size)
{
	struct blob *blob = blob_find(state, content->blob);

	if (blob == NULL)
		return RESULT_GONE;
	if (offset > blob->size)
		offset = blob->size;
	if (size > blob->size - offset)
		size = blob->size - (size_t)offset;
	memcpy(data, blob->data + offset, size);
	*ret_size = size;
	return RESULT_OK;
}

static enum result
mem_stat(void *state, struct store_stat *ret_stat)
{
	struct store_stat stat = { 0 };
	struct mem *mem = state;
	size_t i;

	stat.artifacts = mem->records.count;
	for (i = 0; i < mem->blobs.count; i++) {
		struct blob *blob = row(&mem->blobs, i);

		*(blob->is_named ? &stat.bytes : &stat.staged) += blob->size;
	}
	*ret_stat = stat;
	return RESULT_OK;
}

/* ---- judging ---- */

static bool
is_over_quota(struct mem *mem, uint64_t added)
{
	struct store_stat stat;

	(void)mem_stat(mem, &stat); /* cannot fail */
	return mem->max_bytes != 0 &&
	       stat.bytes + stat.staged + added > mem->max_bytes;
}

static bool
is_owned(const struct blob *blob, const struct owner *owner)
{
	return blob != NULL && !blob->is_named &&
	       blob->owner.incarnation == owner->incarnation &&
	       blob->owner.request == owner->request;
}

/* May the record name this content? Nothing happens yet. */
static enum result
judge_content(struct mem *mem, const struct change *change)
{
	const struct content *content = &change->artifact->content;
	struct blob *blob = blob_find(mem, content->blob);

	if (content->blob == 0 && content->size != change->bytes.size)
		return RESULT_MALFORMED;
	if (content->blob == 0)
		return is_over_quota(mem, change->bytes.size) ? RESULT_QUOTA
							      : RESULT_OK;
	if (!is_owned(blob, &change->owner) || blob->size != content->size)
		return RESULT_STALE;
	return RESULT_OK;
}

/* The blob that the record is to name; judged before. */
static uint64_t
name_content(struct mem *mem, const struct change *change)
{
	struct blob *blob = blob_find(mem, change->artifact->content.blob);

	if (blob == NULL && change->bytes.size == 0)
		return 0;
	if (blob == NULL) {
		blob = blob_add(mem, change->owner);
		blob_append(blob, change->bytes);
	}
	blob->is_named = true;
	return blob->number;
}

static bool
is_state_named(struct mem *mem, const struct change *change,
    const struct artifact *artifact)
{
	uint8_t etag[ETAG_SIZE];
	size_t i;

	if (!change->has_if_match || change->if_match_any)
		return true;
	artifact_etag(artifact, mem->arena, etag);
	for (i = 0; i < change->etag_count; i++)
		if (memcmp(change->etags[i], etag, ETAG_SIZE) == 0)
			return true;
	return false;
}

/* ---- applying ---- */

static struct promise *
promise_find(struct mem *mem, const struct change *change)
{
	struct promise *promise;
	size_t i;

	for (i = 0; change->has_key && i < mem->promises.count; i++) {
		promise = row(&mem->promises, i);
		if (memcmp(promise->key, change->key, 32) == 0)
			return promise;
	}
	return NULL;
}

static enum result
repeat(const struct promise *promise, const struct change *change,
    struct outcome *outcome)
{
	if (memcmp(promise->meaning, change->meaning, 32) != 0)
		return RESULT_MISMATCH;
	outcome->id = promise->id;
	return RESULT_OK;
}

static void
remember(struct mem *mem, const struct change *change)
{
	struct promise *promise = row_add(mem, &mem->promises);

	memcpy(promise->key, change->key, 32);
	memcpy(promise->meaning, change->meaning, 32);
	promise->id = change->artifact->id;
}

static enum result
create(struct mem *mem, const struct change *change, struct outcome *outcome)
{
	struct promise *promise = promise_find(mem, change);
	struct artifact *artifact;
	uint64_t now = moment_now();
	enum result result;

	if (promise != NULL)
		return repeat(promise, change, outcome);
	if (record_find(mem, &change->artifact->id) != NOWHERE)
		return RESULT_EXISTS;
	result = judge_content(mem, change);
	if (result != RESULT_OK)
		return result;
	artifact = copy_of(change->artifact, mem->arena);
	artifact->content.blob = name_content(mem, change);
	if (now <= mem->last_moment)
		now = mem->last_moment + 1;
	mem->last_moment = artifact->created = artifact->content.stored = now;
	*(struct artifact **)row_add(mem, &mem->records) = artifact;
	if (change->has_key)
		remember(mem, change);
	outcome->id = artifact->id;
	return RESULT_OK;
}

static enum result
update(struct mem *mem, const struct change *change, struct artifact *artifact)
{
	struct artifact *source = copy_of(change->artifact, mem->arena);

	if (change->patch & PATCH_TITLE)
		artifact->title = source->title;
	if (change->patch & PATCH_METADATA)
		artifact->metadata = source->metadata;
	if (change->patch & PATCH_PRIMARY)
		artifact->is_primary = source->is_primary;
	if (change->patch & PATCH_DERIVED) {
		artifact->derived_from = source->derived_from;
		artifact->derived_count = source->derived_count;
	}
	return RESULT_OK;
}

static enum result
replace(struct mem *mem, const struct change *change, struct artifact *artifact)
{
	uint64_t old = artifact->content.blob;
	enum result result = judge_content(mem, change);

	if (result != RESULT_OK)
		return result;
	artifact->content = copy_of(change->artifact, mem->arena)->content;
	artifact->content.blob = name_content(mem, change);
	artifact->content.stored = moment_now();
	blob_free(mem, old);
	return RESULT_OK;
}

/* A change to an artifact that has to be there. */
static enum result
alter(struct mem *mem, const struct change *change)
{
	size_t place = record_find(mem, &change->id);
	struct artifact *artifact;

	if (place == NOWHERE)
		return RESULT_NOT_FOUND;
	artifact = record_at(mem, place);
	if (!is_state_named(mem, change, artifact))
		return RESULT_PRECONDITION;
	if (change->kind == CHANGE_UPDATE)
		return update(mem, change, artifact);
	if (change->kind == CHANGE_CONTENT)
		return replace(mem, change, artifact);
	blob_free(mem, artifact->content.blob);
	row_remove(&mem->records, place);
	return RESULT_OK;
}

/* Chunks but the last are whole, so the size says which one comes next. */
static enum result
stage(struct mem *mem, const struct change *change)
{
	struct blob *blob = blob_find(mem, change->blob);

	if (!is_owned(blob, &change->owner))
		return RESULT_STALE;
	if (change->chunk < blob->chunks)
		return RESULT_OK;
	if (blob->size != (uint64_t)change->chunk * LIMIT_CHUNK)
		return RESULT_STALE;
	if (is_over_quota(mem, change->bytes.size))
		return RESULT_QUOTA;
	blob_append(blob, change->bytes);
	return RESULT_OK;
}

/* What a record names, or somebody else stages, stays. */
static enum result
drop(struct mem *mem, const struct change *change)
{
	if (is_owned(blob_find(mem, change->blob), &change->owner))
		blob_free(mem, change->blob);
	return RESULT_OK;
}

static enum result
apply_new(struct mem *mem, const struct change *change, struct outcome *outcome)
{
	switch (change->kind) {
	case CHANGE_CREATE:
		return create(mem, change, outcome);
	case CHANGE_STAGE:
		return stage(mem, change);
	case CHANGE_DROP:
		return drop(mem, change);
	case CHANGE_UPDATE:
	case CHANGE_CONTENT:
	case CHANGE_DELETE:
		return alter(mem, change);
	}
	return RESULT_MALFORMED;
}

static struct applied *
applied_of(struct mem *mem, uint64_t incarnation)
{
	struct applied *applied;
	size_t i;

	for (i = 0; i < mem->applied.count; i++) {
		applied = row(&mem->applied, i);
		if (applied->incarnation == incarnation)
			return applied;
	}
	applied = row_add(mem, &mem->applied);
	applied->incarnation = incarnation;
	return applied;
}

static void
apply_one(struct mem *mem, const struct change *change, struct outcome *outcome)
{
	struct applied *applied = NULL;

	if (change->number != 0)
		applied = applied_of(mem, change->owner.incarnation);
	if (applied != NULL && applied->number == change->number) {
		*outcome = applied->outcome;
		return;
	}
	*outcome = (struct outcome){ 0 };
	outcome->result = apply_new(mem, change, outcome);
	if (applied != NULL) {
		applied->number = change->number;
		applied->outcome = *outcome;
	}
}

static void
mem_apply(void *state, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes)
{
	size_t i;

	for (i = 0; i < count; i++)
		apply_one(state, changes[i], &ret_outcomes[i]);
}

/* ---- content on its way in ---- */

static enum result
mem_stage_begin(void *state, struct staging *staging)
{
	staging->blob = blob_add(state, staging->owner)->number;
	return RESULT_OK;
}

static enum result
mem_stage(void *state, struct staging *staging, struct span bytes)
{
	struct change change = {
		.kind = CHANGE_STAGE,
		.owner = staging->owner,
		.blob = staging->blob,
		.chunk = staging->chunks,
		.bytes = bytes,
	};

	return stage(state, &change);
}

static enum result
mem_stage_end(void *state, struct staging *staging)
{
	struct blob *blob = blob_find(state, staging->blob);

	return is_owned(blob, &staging->owner) ? RESULT_OK : RESULT_STALE;
}

static void
mem_stage_drop(void *state, struct staging *staging)
{
	struct change change = {
		.kind = CHANGE_DROP,
		.owner = staging->owner,
		.blob = staging->blob,
	};

	(void)drop(state, &change); /* cannot fail */
}

/* ---- opening ---- */

static const char *
mem_reason(const void *state)
{
	(void)state; /* nothing fails in memory */
	return "";
}

static void
mem_close(void *state)
{
	struct mem *mem = state;
	size_t i;

	for (i = 0; i < mem->blobs.count; i++)
		free(((struct blob *)row(&mem->blobs, i))->data);
	arena_close(mem->arena);
	free(mem);
}

static const struct store_engine engine = {
	.name = "mem",
	.get = mem_get,
	.find = mem_find,
	.list = mem_list,
	.read = mem_read,
	.stat = mem_stat,
	.stage_begin = mem_stage_begin,
	.stage = mem_stage,
	.stage_end = mem_stage_end,
	.stage_drop = mem_stage_drop,
	.apply = mem_apply,
	.reason = mem_reason,
	.close = mem_close,
};

struct store *
store_mem_open(uint64_t max_bytes)
{
	struct mem *mem = calloc(1, sizeof(*mem));

	if (mem == NULL)
		abort();
	mem->arena = arena_open();
	mem->max_bytes = max_bytes;
	mem->records.row_size = sizeof(struct artifact *);
	mem->blobs.row_size = sizeof(struct blob);
	mem->promises.row_size = sizeof(struct promise);
	mem->applied.row_size = sizeof(struct applied);
	return store_new(&engine, mem);
}
