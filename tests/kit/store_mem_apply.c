/* SPDX-License-Identifier: ISC */
/* store_mem_apply.c - checks and applies changes, one after the other. */

#include "store_mem_state.h"

#include <stdlib.h>

/* ---- content ---- */

static struct blob *
blob_add(struct mem *mem, struct owner owner)
{
	struct blob *blob = mem_row_add(mem, &mem->blobs);

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
	struct blob *blob = mem_blob(mem, number);

	if (blob == NULL)
		return;
	free(blob->data);
	mem_row_remove(&mem->blobs,
	    (size_t)((char *)blob - mem->blobs.rows) / sizeof(*blob));
}

/* ---- judging ---- */

static bool
is_over_quota(struct mem *mem, uint64_t added)
{
	struct store_stat stat = mem_count(mem);
	uint64_t used = stat.bytes + stat.staged;

	mem->shortage = (struct shortage){ used, mem->max_bytes, 0 };
	return mem->max_bytes != 0 && used + added > mem->max_bytes;
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
	struct blob *blob = mem_blob(mem, content->blob);

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
	struct blob *blob = mem_blob(mem, change->artifact->content.blob);

	if (blob == NULL && change->bytes.size == 0)
		return 0;
	if (blob == NULL) {
		blob = blob_add(mem, change->owner);
		blob_append(blob, change->bytes);
	}
	blob->is_named = true;
	return blob->number;
}

/* ---- applying ---- */

static struct idempotency *
key_find(struct mem *mem, const struct change *change)
{
	struct idempotency *row;
	size_t i;

	for (i = 0; change->has_key && i < mem->keys.count; i++) {
		row = mem_row(&mem->keys, i);
		if (memcmp(row->key, change->key, 32) == 0)
			return row;
	}
	return NULL;
}

static enum result
repeat(struct mem *mem, const struct idempotency *row,
    const struct change *change, struct outcome *outcome)
{
	if (memcmp(row->meaning, change->meaning, 32) != 0)
		return RESULT_MISMATCH;
	outcome->id = row->id;
	outcome->is_deleted = mem_record_find(mem, &row->id) == MEM_NOWHERE;
	return RESULT_OK;
}

static void
remember(struct mem *mem, const struct change *change)
{
	struct idempotency *row = mem_row_add(mem, &mem->keys);

	memcpy(row->key, change->key, 32);
	memcpy(row->meaning, change->meaning, 32);
	row->id = change->artifact->id;
}

/* Where a record of that moment belongs; taken ones are passed over. */
static size_t
place_for(struct mem *mem, uint64_t *moment)
{
	size_t place = 0;

	while (place < mem->records.count &&
	       mem_record(mem, place)->created <= *moment) {
		if (mem_record(mem, place)->created == *moment)
			++*moment;
		place++;
	}
	return place;
}

static void
insert(struct mem *mem, struct artifact *artifact)
{
	size_t place = place_for(mem, &artifact->created);
	struct artifact **row;

	(void)mem_row_add(mem, &mem->records);
	row = mem_row(&mem->records, place);
	memmove(row + 1, row, (mem->records.count - 1 - place) * sizeof(*row));
	*row = artifact;
}

static enum result
create(struct mem *mem, const struct change *change, struct outcome *outcome)
{
	struct idempotency *row = key_find(mem, change);
	struct artifact *artifact;
	uint64_t now = moment_now();
	enum result result;

	if (row != NULL)
		return repeat(mem, row, change, outcome);
	if (mem_record_find(mem, &change->artifact->id) != MEM_NOWHERE)
		return RESULT_EXISTS;
	result = judge_content(mem, change);
	if (result != RESULT_OK)
		return result;
	artifact = mem_copy(change->artifact, mem->arena);
	artifact->content.blob = name_content(mem, change);
	if (now <= mem->last_moment)
		now = mem->last_moment + 1;
	artifact->created = now;
	insert(mem, artifact);
	mem->last_moment = artifact->content.stored = artifact->created;
	if (change->has_key)
		remember(mem, change);
	outcome->id = artifact->id;
	return RESULT_OK;
}

static enum result
update(struct mem *mem, const struct change *change, struct artifact *artifact)
{
	struct artifact *source = mem_copy(change->artifact, mem->arena);

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
	uint64_t stored = content_moment(&artifact->content, moment_now());
	enum result result = judge_content(mem, change);

	if (result != RESULT_OK)
		return result;
	artifact->content = mem_copy(change->artifact, mem->arena)->content;
	artifact->content.blob = name_content(mem, change);
	artifact->content.stored = stored;
	blob_free(mem, old);
	return RESULT_OK;
}

static bool
is_past(const struct artifact *artifact)
{
	return artifact->created <= moment_now() &&
	       artifact->content.stored <= moment_now();
}

/* What has the id goes, but for its moment. */
static enum result
import(struct mem *mem, const struct change *change)
{
	struct artifact *artifact = mem_copy(change->artifact, mem->arena);
	size_t place = mem_record_find(mem, &artifact->id);
	struct artifact *there =
	    place == MEM_NOWHERE ? NULL : mem_record(mem, place);
	enum result result;

	if (there != NULL && artifact_is_same(there, artifact, mem->arena))
		return RESULT_EXISTS;
	if (there != NULL && !change->replaces)
		return RESULT_MISMATCH;
	if (!is_past(artifact))
		return RESULT_CLOCK;
	result = judge_content(mem, change);
	if (result != RESULT_OK)
		return result;
	artifact->content.blob = name_content(mem, change);
	if (there != NULL) {
		artifact->created = there->created;
		blob_free(mem, there->content.blob);
		mem_row_remove(&mem->records, place);
	}
	insert(mem, artifact);
	if (artifact->content.stored < artifact->created)
		artifact->content.stored = artifact->created;
	return RESULT_OK;
}

/* A change to an artifact that has to be there. */
static enum result
alter(struct mem *mem, const struct change *change)
{
	size_t place = mem_record_find(mem, &change->id);
	struct artifact *artifact;

	if (place == MEM_NOWHERE)
		return RESULT_NOT_FOUND;
	artifact = mem_record(mem, place);
	if (!change_is_allowed(change, artifact, moment_now(), mem->arena))
		return RESULT_PRECONDITION;
	if (change->kind == CHANGE_UPDATE)
		return update(mem, change, artifact);
	if (change->kind == CHANGE_CONTENT)
		return replace(mem, change, artifact);
	blob_free(mem, artifact->content.blob);
	mem_row_remove(&mem->records, place);
	return RESULT_OK;
}

/* Chunks but the last are whole, so the size says which one comes next. */
static enum result
stage(struct mem *mem, const struct change *change)
{
	struct blob *blob = mem_blob(mem, change->blob);

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
	if (is_owned(mem_blob(mem, change->blob), &change->owner))
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
	case CHANGE_IMPORT:
		outcome->id = change->id;
		return import(mem, change);
	case CHANGE_UPDATE:
	case CHANGE_CONTENT:
	case CHANGE_DELETE:
		return alter(mem, change);
	}
	return RESULT_MALFORMED;
}

static struct last_change *
last_change_of(struct mem *mem, uint64_t incarnation)
{
	struct last_change *last;
	size_t i;

	for (i = 0; i < mem->last_changes.count; i++) {
		last = mem_row(&mem->last_changes, i);
		if (last->incarnation == incarnation)
			return last;
	}
	last = mem_row_add(mem, &mem->last_changes);
	last->incarnation = incarnation;
	return last;
}

static void
apply_one(struct mem *mem, const struct change *change, struct outcome *outcome)
{
	struct last_change *last = NULL;

	if (change->number != 0)
		last = last_change_of(mem, change->owner.incarnation);
	if (last != NULL && last->number == change->number) {
		*outcome = last->outcome;
		return;
	}
	*outcome = (struct outcome){ 0 };
	outcome->result = apply_new(mem, change, outcome);
	if (last != NULL) {
		last->number = change->number;
		last->outcome = *outcome;
	}
}

void
mem_apply(void *state, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes)
{
	size_t i;

	for (i = 0; i < count; i++)
		apply_one(state, changes[i], &ret_outcomes[i]);
}

/* ---- content on its way in ---- */

enum result
mem_stage_begin(void *state, struct staging *staging)
{
	staging->blob = blob_add(state, staging->owner)->number;
	return RESULT_OK;
}

enum result
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

enum result
mem_stage_end(void *state, struct staging *staging)
{
	struct blob *blob = mem_blob(state, staging->blob);

	return is_owned(blob, &staging->owner) ? RESULT_OK : RESULT_STALE;
}

void
mem_stage_drop(void *state, struct staging *staging)
{
	struct change change = {
		.kind = CHANGE_DROP,
		.owner = staging->owner,
		.blob = staging->blob,
	};

	(void)drop(state, &change); /* cannot fail */
}
