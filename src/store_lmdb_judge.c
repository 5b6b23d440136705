/* SPDX-License-Identifier: ISC */
/*
 * store_lmdb_judge.c - changes to records: create, update, content, delete.
 *
 * Each function has two halves: the first only reads and may refuse, the
 * second only puts and may only fail. There are no nested transactions to
 * take half a change back (RELIABILITY 10).
 */

#include "store_lmdb_state.h"

#define HOUR_MOMENTS UINT64_C(3600000000)
#define DAY_MOMENTS (24 * HOUR_MOMENTS)
#define RECORD_BYTES 32768 /* the pages that a new record and its rows touch */

/* ---- idempotency keys ---- */

/* RESULT_NOT_FOUND: the key stands for nothing yet, or not any more. */
static enum result
promise_judge(struct batch *batch, const struct change *change)
{
	struct promise promise;
	enum result result;

	if (!change->has_key)
		return RESULT_NOT_FOUND;
	result = layout_get_promise(&batch->view, change->key, &promise);
	if (result != RESULT_OK)
		return result;
	if (promise.expires <= batch->now)
		return RESULT_NOT_FOUND;
	if (memcmp(promise.meaning, change->meaning, sizeof(promise.meaning)) !=
	    0)
		return RESULT_MISMATCH;
	batch->is_repeat = true;
	batch->id = promise.id;
	return RESULT_OK;
}

static enum result
promise_keep(struct batch *batch, const struct change *change)
{
	struct promise promise = {
		.id = change->artifact->id,
		.expires = batch->now + LIMIT_IDEMPOTENCY_HOURS * HOUR_MOMENTS,
	};

	if (!change->has_key)
		return RESULT_OK;
	memcpy(promise.meaning, change->meaning, sizeof(promise.meaning));
	return layout_put_promise(&batch->view, change->key, &promise);
}

/* ---- records ---- */

static enum result
put_record(struct batch *batch, const struct artifact *artifact, unsigned flags)
{
	struct key key = key_number(artifact->created);
	struct buffer buffer;

	batch->is_changed = true;
	buffer_init(&buffer, batch->view.arena);
	artifact_encode(artifact, &buffer);
	return layout_put(
	    &batch->view, DB_RECORDS, &key, buffer_span(&buffer), flags);
}

/* put or layout_delete all index entries of an artifact. */
static enum result
each_index(struct batch *batch, const struct artifact *artifact,
    enum result (*act)(struct view *view, const struct key *key))
{
	enum result result = RESULT_OK;
	struct key key;
	struct span value;
	size_t tag;

	for (tag = 0; tag < INDEX_TAGS && result == RESULT_OK; tag++) {
		value = index_value(artifact, tag);
		if (value.size == 0)
			continue;
		key = index_prefix(tag, value);
		key = key_then(&key, artifact->created);
		result = act(&batch->view, &key);
	}
	return result;
}

static enum result
delete_index(struct view *view, const struct key *key)
{
	return layout_delete(view, DB_INDEX, key);
}

/* ---- create ---- */

static enum result
create_judge(struct batch *batch, const struct change *change)
{
	enum result result;
	uint64_t moment;

	result =
	    layout_get_moment(&batch->view, &change->artifact->id, &moment);
	if (result != RESULT_NOT_FOUND)
		return result == RESULT_OK ? RESULT_EXISTS : result;
	if (batch->meta.last_moment > batch->now &&
	    batch->meta.last_moment - batch->now > DAY_MOMENTS)
		return RESULT_CLOCK;
	return content_judge(batch, change);
}

/* Unique and rising, whatever the clock does. */
static uint64_t
next_moment(struct batch *batch)
{
	struct meta *meta = &batch->meta;

	meta->last_moment =
	    batch->now > meta->last_moment ? batch->now : meta->last_moment + 1;
	return meta->last_moment;
}

enum result
batch_create(struct batch *batch, const struct change *change)
{
	struct artifact artifact = *change->artifact;
	enum result result;

	result = promise_judge(batch, change);
	if (result != RESULT_NOT_FOUND)
		return result;
	result = create_judge(batch, change);
	if (result != RESULT_OK)
		return result;

	batch_spend(batch, RECORD_BYTES);
	artifact.created = next_moment(batch);
	artifact.content.stored = artifact.created;
	batch->meta.artifacts++;
	result = content_take(batch, change, &artifact.content.blob);
	if (result == RESULT_OK)
		result = put_record(batch, &artifact, MDB_APPEND);
	if (result == RESULT_OK)
		result = layout_put_moment(
		    &batch->view, &artifact.id, artifact.created);
	if (result == RESULT_OK)
		result = each_index(batch, &artifact, layout_put_index);
	if (result == RESULT_OK)
		result = promise_keep(batch, change);
	return result;
}

/* ---- changes to what is there ---- */

static bool
matches(const struct change *change, const struct artifact *artifact,
    struct arena *arena)
{
	uint8_t etag[ETAG_SIZE];
	size_t i;

	if (!change->has_if_match || change->if_match_any)
		return true;
	artifact_etag(artifact, arena, etag);
	for (i = 0; i < change->etag_count; i++)
		if (memcmp(change->etags[i], etag, ETAG_SIZE) == 0)
			return true;
	return false;
}

/* The artifact that a change is about, if it is in the state it names. */
static enum result
find(struct batch *batch, const struct change *change,
    struct artifact **ret_artifact)
{
	struct arena *arena = batch->view.arena;
	struct artifact *artifact;
	enum result result;

	result =
	    layout_find_record(&batch->view, &change->id, arena, &artifact);
	if (result != RESULT_OK)
		return result;
	if (!matches(change, artifact, arena))
		return RESULT_PRECONDITION;
	if (batch->meta.artifacts == 0 ||
	    batch->meta.bytes < artifact->content.size)
		return layout_damaged(&batch->view, DB_META);
	*ret_artifact = artifact;
	return RESULT_OK;
}

static size_t
encoded_size(struct batch *batch, const struct artifact *artifact)
{
	struct buffer buffer;

	buffer_init(&buffer, batch->view.arena);
	artifact_encode(artifact, &buffer);
	return buffer.size;
}

static void
patch_artifact(struct artifact *artifact, const struct change *change)
{
	const struct artifact *patch = change->artifact;

	if (change->patch & PATCH_TITLE)
		artifact->title = patch->title;
	if (change->patch & PATCH_METADATA)
		artifact->metadata = patch->metadata;
	if (change->patch & PATCH_PRIMARY)
		artifact->is_primary = patch->is_primary;
	if (change->patch & PATCH_DERIVED) {
		artifact->derived_from = patch->derived_from;
		artifact->derived_count = patch->derived_count;
	}
}

enum result
batch_update(struct batch *batch, const struct change *change)
{
	struct artifact *artifact;
	enum result result;
	size_t old, new;

	result = find(batch, change, &artifact);
	if (result != RESULT_OK)
		return result;
	old = encoded_size(batch, artifact);
	patch_artifact(artifact, change);
	new = encoded_size(batch, artifact);
	if (new > old) {
		result = growth_judge(batch, new - old);
		if (result != RESULT_OK)
			return result;
		batch_spend(batch, new - old);
	}
	return put_record(batch, artifact, 0);
}

enum result
batch_content(struct batch *batch, const struct change *change)
{
	struct content content = change->artifact->content;
	struct artifact *artifact;
	enum result result;

	result = find(batch, change, &artifact);
	if (result != RESULT_OK)
		return result;
	result = content_judge(batch, change);
	if (result != RESULT_OK)
		return result;

	result = content_release(batch, &artifact->content);
	if (result == RESULT_OK)
		result = content_take(batch, change, &content.blob);
	if (result != RESULT_OK)
		return result;
	content.stored =
	    batch->now > artifact->created ? batch->now : artifact->created + 1;
	artifact->content = content;
	return put_record(batch, artifact, 0);
}

enum result
batch_delete(struct batch *batch, const struct change *change)
{
	struct artifact *artifact;
	enum result result;
	struct key key;

	result = find(batch, change, &artifact);
	if (result != RESULT_OK)
		return result;

	batch->is_changed = true;
	batch->meta.artifacts--;
	result = content_release(batch, &artifact->content);
	if (result == RESULT_OK)
		result = each_index(batch, artifact, delete_index);
	key = key_id(&artifact->id);
	if (result == RESULT_OK)
		result = layout_delete(&batch->view, DB_IDS, &key);
	key = key_number(artifact->created);
	if (result == RESULT_OK)
		result = layout_delete(&batch->view, DB_RECORDS, &key);
	return result;
}
