/* SPDX-License-Identifier: ISC */
/*
 * stage.c - content in the writer's transaction: chunks of
 * uploads, what a record takes over, what it lets go of.
 *
 *	      STAGE           CREATE, CONTENT         CONTENT, DELETE
 *	chunks ----> pending upload ----> a record's ----> pending garbage
 *	                 |                                       ^
 *	                 +------ DROP, or its request ended -----+
 *
 * A blob is in exactly one of these states. Content of one chunk that comes
 * with its change is a record's from the start.
 */

#include "state.h"

#include <assert.h>

/* How far ahead of what was handed out a blob may be: other writers, that
 * died, handed out numbers too. */
#define BLOBS_AHEAD 65536

static bool
is_owner(const struct pending *pending, const struct change *change)
{
	return pending->kind == PENDING_UPLOAD &&
	       pending->owner.incarnation == change->owner.incarnation &&
	       pending->owner.request == change->owner.request;
}

static enum result
no_space(const struct batch *batch)
{
	batch->lmdb->shortage = (struct shortage){ batch->space.free,
		batch->lmdb->reserve, batch->space.reusable };
	return RESULT_NO_SPACE;
}

/* May so many bytes come in, of which so many are one value? */
static enum result
judge_space(const struct batch *batch, uint64_t size, size_t longest)
{
	struct lmdb *lmdb = batch->lmdb;
	uint64_t used = batch->meta.bytes + batch->meta.staged;
	uint64_t room = batch->space.room[lmdb_run_of(longest)];

	if (room == 0 || size > room)
		return no_space(batch);
	if (lmdb->max_bytes != 0 && used + size > lmdb->max_bytes) {
		lmdb->shortage = (struct shortage){ used, lmdb->max_bytes, 0 };
		return RESULT_QUOTA;
	}
	return RESULT_OK;
}

enum result
growth_judge(struct batch *batch, uint64_t size, size_t record_size)
{
	if (size <= batch->space.slack[lmdb_run_of(record_size)])
		return RESULT_OK;
	return no_space(batch);
}

static void
spend(uint64_t *from, uint64_t bytes)
{
	*from -= bytes < *from ? bytes : *from;
}

void
batch_spend(struct batch *batch, uint64_t bytes)
{
	size_t i;

	/* What takes single pages may take them out of a long run. */
	for (i = 0; i < LMDB_RUNS; i++) {
		spend(&batch->space.room[i], bytes);
		spend(&batch->space.slack[i], bytes);
	}
}

/* Keep the counters of blob numbers above this one. */
static void
use_blob(struct batch *batch, uint64_t blob)
{
	if (batch->lmdb->next_blob <= blob)
		batch->lmdb->next_blob = blob + 1;
	if (batch->meta.next_blob <= blob)
		batch->meta.next_blob = blob + 1;
}

static enum result
put_garbage(struct batch *batch, uint64_t blob)
{
	const struct pending pending = { .kind = PENDING_GARBAGE };

	batch->is_changed = true;
	garbage_push(&batch->lmdb->garbage, blob);
	return layout_put_pending(&batch->view, blob, &pending);
}

/* ---- uploads ---- */

/* No row of this blob: RESULT_OK if it is new indeed. */
static enum result
judge_first(struct batch *batch, const struct change *change)
{
	struct key key = key_chunk(change->blob, 0);
	struct span bytes;
	enum result result;

	if (change->chunk != 0 ||
	    change->blob > batch->lmdb->next_blob + BLOBS_AHEAD)
		return RESULT_STALE;
	result = layout_get(&batch->view, DB_CHUNKS, &key, &bytes);
	if (result == RESULT_NOT_FOUND)
		return RESULT_OK;
	return result == RESULT_OK ? RESULT_STALE : result;
}

static enum result
judge_next(const struct pending *pending, const struct change *change)
{
	if (!is_owner(pending, change) || change->chunk > pending->chunks)
		return RESULT_STALE;
	if (change->chunk == pending->chunks &&
	    pending->bytes != (uint64_t)pending->chunks * LIMIT_CHUNK)
		return RESULT_MALFORMED; /* behind a short one, the last */
	return RESULT_OK;
}

static enum result
put_chunk(struct batch *batch, uint64_t blob, uint32_t chunk, struct span bytes)
{
	struct key key = key_chunk(blob, chunk);

	batch->is_changed = true;
	batch_spend(batch, bytes.size);
	use_blob(batch, blob);
	return layout_put(
	    &batch->view, DB_CHUNKS, &key, bytes, MDB_NOOVERWRITE);
}

enum result
batch_stage(struct batch *batch, const struct change *change)
{
	struct pending pending;
	enum result result;

	if (change->blob == 0 || change->bytes.size == 0 ||
	    change->bytes.size > LIMIT_CHUNK)
		return RESULT_MALFORMED;
	result = layout_get_pending(&batch->view, change->blob, &pending);
	if (result == RESULT_NOT_FOUND) {
		pending = (struct pending){ .kind = PENDING_UPLOAD,
			.owner = change->owner };
		result = judge_first(batch, change);
	} else if (result == RESULT_OK) {
		result = judge_next(&pending, change);
	}
	if (result != RESULT_OK || change->chunk < pending.chunks)
		return result; /* refused, or there already */
	result = judge_space(batch, change->bytes.size, change->bytes.size);
	if (result != RESULT_OK)
		return result;

	pending.chunks++;
	pending.bytes += change->bytes.size;
	batch->meta.staged += change->bytes.size;
	result = put_chunk(batch, change->blob, change->chunk, change->bytes);
	if (result != RESULT_OK)
		return result;
	return layout_put_pending(&batch->view, change->blob, &pending);
}

/* A blob that is gone, garbage, a record's or another's is nothing to drop. */
enum result
batch_drop(struct batch *batch, const struct change *change)
{
	struct pending pending;
	enum result result;

	result = layout_get_pending(&batch->view, change->blob, &pending);
	if (result == RESULT_NOT_FOUND)
		return RESULT_OK;
	if (result != RESULT_OK || !is_owner(&pending, change))
		return result;
	if (batch->meta.staged < pending.bytes)
		return layout_damaged(&batch->view, DB_META);
	batch->meta.staged -= pending.bytes;
	return put_garbage(batch, change->blob);
}

/* ---- content of records ---- */

static enum result
judge_staged(
    struct batch *batch, const struct change *change, size_t record_size)
{
	const struct content *content = &change->artifact->content;
	struct pending pending;
	enum result result;

	result = layout_get_pending(&batch->view, content->blob, &pending);
	if (result == RESULT_NOT_FOUND)
		return RESULT_STALE;
	if (result != RESULT_OK)
		return result;
	if (!is_owner(&pending, change) || pending.bytes != content->size)
		return RESULT_STALE;
	if (batch->meta.staged < pending.bytes)
		return layout_damaged(&batch->view, DB_META);
	/* Content was counted when it was staged. */
	return judge_space(batch, 0, record_size);
}

enum result
content_judge(
    struct batch *batch, const struct change *change, size_t record_size)
{
	const struct content *content = &change->artifact->content;
	size_t longest = change->bytes.size;

	if (content->blob != 0)
		return judge_staged(batch, change, record_size);
	if (change->bytes.size != content->size ||
	    change->bytes.size > LIMIT_CHUNK)
		return RESULT_MALFORMED;
	if (longest < record_size)
		longest = record_size;
	return judge_space(batch, content->size, longest);
}

enum result
content_take(
    struct batch *batch, const struct change *change, uint64_t *ret_blob)
{
	const struct content *content = &change->artifact->content;
	struct key key = key_number(content->blob);

	batch->is_changed = true;
	batch->meta.bytes += content->size;
	if (content->blob != 0) {
		batch->meta.staged -= content->size;
		*ret_blob = content->blob;
		return layout_delete(&batch->view, DB_PENDING, &key);
	}
	if (content->size == 0) {
		*ret_blob = 0;
		return RESULT_OK;
	}
	*ret_blob = batch->lmdb->next_blob;
	return put_chunk(batch, *ret_blob, 0, change->bytes);
}

enum result
content_release(struct batch *batch, const struct content *content)
{
	assert(batch->meta.bytes >= content->size); /* judged */
	batch->meta.bytes -= content->size;
	if (content->blob == 0)
		return RESULT_OK;
	return put_garbage(batch, content->blob);
}
