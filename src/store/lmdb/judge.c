/* SPDX-License-Identifier: ISC */
/*
 * judge.c - changes to records: create, update, content, delete,
 * import.
 *
 * Each function has two halves: the first only reads and may refuse, the
 * second only puts and may only fail. There are no nested transactions to
 * take half a change back (RELIABILITY 10).
 */

#include "state.h"

#define HOUR_MOMENTS UINT64_C(3600000000)
#define RECORD_BYTES 32768 /* the pages that a new record and its rows touch */

/* ---- idempotency keys ---- */

/* Has what the key stands for been deleted since? */
static enum result
promise_follow(struct batch *batch, const struct promise *promise)
{
	enum result result;
	uint64_t moment;

	result = layout_get_moment(&batch->view, &promise->id, &moment);
	if (result != RESULT_OK && result != RESULT_NOT_FOUND)
		return result;
	batch->is_repeat = true;
	batch->is_deleted = result == RESULT_NOT_FOUND;
	batch->id = promise->id;
	return RESULT_OK;
}

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
	return promise_follow(batch, &promise);
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

static size_t
encoded_size(struct batch *batch, const struct artifact *artifact)
{
	struct buffer buffer;

	buffer_init(&buffer, batch->view.arena);
	artifact_encode(artifact, &buffer);
	return buffer.size;
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
	    batch->meta.last_moment - batch->now > LIMIT_AHEAD)
		return RESULT_CLOCK;
	return content_judge(
	    batch, change, encoded_size(batch, change->artifact));
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

/* Behind the key that is a moment of a record, on to the next that is none. */
static int
skip_taken(MDB_cursor *cursor, uint64_t *moment)
{
	struct key taken = key_number(*moment);
	MDB_val key = { taken.size, taken.bytes };
	MDB_val value;
	int code;

	code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (code == MDB_SUCCESS && key.mv_size == taken.size &&
	       memcmp(key.mv_data, taken.bytes, taken.size) == 0) {
		taken = key_number(++*moment);
		code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	return code;
}

/*
 * Move on over moments that this batch has seen taken: of many records with
 * one moment each would go through all before it. The one found is taken by
 * the caller.
 */
static int
find_free(struct batch *batch, MDB_cursor *cursor, uint64_t *moment)
{
	uint64_t from = *moment;
	int code;

	if (from >= batch->taken_from && from < batch->taken_until) {
		from = batch->taken_from;
		*moment = batch->taken_until;
	}
	code = skip_taken(cursor, moment);
	batch->taken_from = from;
	batch->taken_until = *moment + 1;
	return code;
}

/*
 * From this moment on, the first that no record has: imported ones may be
 * younger than the last moment. *ret_flags are for the put.
 */
static enum result
free_moment(struct batch *batch, uint64_t *moment, unsigned *ret_flags)
{
	struct view *view = &batch->view;
	MDB_cursor *cursor;
	int code;

	code = mdb_cursor_open(view->txn, view->databases[DB_RECORDS], &cursor);
	if (code != MDB_SUCCESS)
		return layout_note(view, DB_RECORDS, code);
	code = find_free(batch, cursor, moment);
	mdb_cursor_close(cursor);
	if (code != MDB_SUCCESS && code != MDB_NOTFOUND)
		return layout_note(view, DB_RECORDS, code);
	/* Appended to, pages become full. */
	*ret_flags = code == MDB_NOTFOUND ? MDB_APPEND : MDB_NOOVERWRITE;
	return RESULT_OK;
}

enum result
batch_create(struct batch *batch, const struct change *change)
{
	struct artifact artifact = *change->artifact;
	enum result result;
	unsigned flags = 0;

	result = promise_judge(batch, change);
	if (result != RESULT_NOT_FOUND)
		return result;
	result = create_judge(batch, change);
	if (result != RESULT_OK)
		return result;

	batch_spend(batch, RECORD_BYTES);
	artifact.created = next_moment(batch);
	result = free_moment(batch, &artifact.created, &flags);
	batch->meta.last_moment = artifact.created;
	artifact.content.stored = artifact.created;
	batch->meta.artifacts++;
	if (result == RESULT_OK)
		result = content_take(batch, change, &artifact.content.blob);
	if (result == RESULT_OK)
		result = put_record(batch, &artifact, flags);
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
	if (!change_is_allowed(change, artifact, batch->now, arena))
		return RESULT_PRECONDITION;
	if (batch->meta.artifacts == 0 ||
	    batch->meta.bytes < artifact->content.size)
		return layout_damaged(&batch->view, DB_META);
	*ret_artifact = artifact;
	return RESULT_OK;
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
		result = growth_judge(batch, new - old, new);
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
	result = content_judge(batch, change, encoded_size(batch, artifact));
	if (result != RESULT_OK)
		return result;

	result = content_release(batch, &artifact->content);
	if (result == RESULT_OK)
		result = content_take(batch, change, &content.blob);
	if (result != RESULT_OK)
		return result;
	content.stored = content_moment(&artifact->content, batch->now);
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
	batch->taken_from = batch->taken_until = 0;
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

/* ---- import ---- */

/* *ret_there is what has the id, to be replaced; NULL: nothing has. */
static enum result
import_judge(struct batch *batch, const struct change *change,
    struct artifact **ret_there)
{
	const struct artifact *artifact = change->artifact;
	struct artifact *there = NULL;
	enum result result;

	result = find(batch, change, &there);
	if (result != RESULT_OK && result != RESULT_NOT_FOUND)
		return result;
	if (there != NULL &&
	    artifact_is_same(there, artifact, batch->view.arena))
		return RESULT_EXISTS;
	if (there != NULL && !change->replaces)
		return RESULT_MISMATCH;
	if (artifact->created > batch->now ||
	    artifact->content.stored > batch->now)
		return RESULT_CLOCK;
	*ret_there = there;
	return content_judge(batch, change, encoded_size(batch, artifact));
}

/* Its record goes where the old one stands, which leaves nothing else. */
static enum result
import_over(struct batch *batch, const struct artifact *there,
    struct artifact *artifact, unsigned *ret_flags)
{
	enum result result;

	artifact->created = there->created;
	*ret_flags = 0;
	result = content_release(batch, &there->content);
	if (result == RESULT_OK)
		result = each_index(batch, there, delete_index);
	return result;
}

/* The last moment is that of creates: an import does not raise it. */
static enum result
import_new(struct batch *batch, struct artifact *artifact, unsigned *ret_flags)
{
	enum result result;

	batch->meta.artifacts++;
	result = free_moment(batch, &artifact->created, ret_flags);
	if (result == RESULT_OK)
		result = layout_put_moment(
		    &batch->view, &artifact->id, artifact->created);
	return result;
}

enum result
batch_import(struct batch *batch, const struct change *change)
{
	struct artifact artifact = *change->artifact;
	struct artifact *there = NULL;
	enum result result;
	unsigned flags = 0;

	result = import_judge(batch, change, &there);
	if (result != RESULT_OK)
		return result;

	batch_spend(batch, RECORD_BYTES);
	batch->is_changed = true;
	result = there != NULL ? import_over(batch, there, &artifact, &flags)
			       : import_new(batch, &artifact, &flags);
	if (artifact.content.stored < artifact.created)
		artifact.content.stored = artifact.created;
	if (result == RESULT_OK)
		result = content_take(batch, change, &artifact.content.blob);
	if (result == RESULT_OK)
		result = put_record(batch, &artifact, flags);
	if (result == RESULT_OK)
		result = each_index(batch, &artifact, layout_put_index);
	return result;
}
