/* SPDX-License-Identifier: ISC */
/*
 * apply.c - a batch: many changes, one commit, an outcome each.
 *
 * A change that is refused leaves no trace, so the others go on. A put that
 * fails spoils the transaction: it is aborted and the changes are applied
 * one by one, so that only the one that cannot be put fails (doc/rules.md 9).
 *
 * Each kind of change has two halves: the first only reads and may refuse,
 * the second only puts and may only fail. There are no nested transactions to
 * take half a change back (doc/rules.md 10).
 *
 * A blob is in exactly one of these states. Content of one chunk that comes
 * with its change is a record's from the start.
 *
 *	      STAGE           CREATE, CONTENT         CONTENT, DELETE
 *	chunks ----> pending upload ----> a record's ----> pending garbage
 *	                 |                                       ^
 *	                 +------ DROP, or its request ended -----+
 */

#include "internal.h"

#include <assert.h>

struct batch {
	struct lmdb *lmdb;
	struct view view;
	struct meta meta; /* put back at the end */
	uint64_t now;
	struct lmdb_space space; /* less what was used */
	bool is_changed;	 /* something was put */
	bool is_repeat;		 /* the change at hand was applied before */
	bool is_deleted;	 /* ... and what it made is no longer there */
	struct id id;		 /* what the change at hand is answered with */
	uint64_t taken_from;	 /* records have each moment from this one... */
	uint64_t taken_until;	 /* ... to before this one; both 0: not known */
};

/* So far may a blob's number be above the last one that this writer gave out:
 * an upload may have its number from a writer that died. */
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
	batch->lmdb->shortage = (struct shortage){ batch->space.disk_free,
		batch->lmdb->reserve, batch->space.reusable };
	return RESULT_NO_SPACE;
}

/* Is there room for size bytes, whose longest value has longest of them? */
static enum result
check_space(const struct batch *batch, uint64_t size, size_t longest)
{
	struct lmdb *lmdb = batch->lmdb;
	uint64_t used = batch->meta.bytes + batch->meta.staged;
	uint64_t room = batch->space.for_new[lmdb_run_of(longest)];

	if (room == 0 || size > room)
		return no_space(batch);
	if (lmdb->max_bytes != 0 && used + size > lmdb->max_bytes) {
		lmdb->shortage = (struct shortage){ used, lmdb->max_bytes, 0 };
		return RESULT_QUOTA;
	}
	return RESULT_OK;
}

static void
use_space(struct batch *batch, uint64_t bytes)
{
	size_t i;

	/* What takes single pages may take them out of a long run. */
	for (i = 0; i < LMDB_RUNS; i++) {
		batch->space.for_new[i] =
		    lmdb_less(batch->space.for_new[i], bytes);
		batch->space.for_growth[i] =
		    lmdb_less(batch->space.for_growth[i], bytes);
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

/* Pending has no row of this blob. RESULT_STALE: its number is that of another
 * content, or none that a writer gave out. */
static enum result
check_first_chunk(struct batch *batch, const struct change *change)
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
check_next_chunk(const struct pending *pending, const struct change *change)
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
	use_space(batch, bytes.size);
	use_blob(batch, blob);
	return layout_put(
	    &batch->view, DB_CHUNKS, &key, bytes, MDB_NOOVERWRITE);
}

static enum result
apply_stage(struct batch *batch, const struct change *change)
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
		result = check_first_chunk(batch, change);
	} else if (result == RESULT_OK) {
		result = check_next_chunk(&pending, change);
	}
	if (result != RESULT_OK || change->chunk < pending.chunks)
		return result; /* refused, or there already */
	result = check_space(batch, change->bytes.size, change->bytes.size);
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

/* A blob that is not an upload of this owner any more is left as it is. */
static enum result
apply_drop(struct batch *batch, const struct change *change)
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
check_staged(
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
	return check_space(batch, 0, record_size);
}

static enum result
content_check(
    struct batch *batch, const struct change *change, size_t record_size)
{
	const struct content *content = &change->artifact->content;
	size_t longest = change->bytes.size;

	if (content->blob != 0)
		return check_staged(batch, change, record_size);
	if (change->bytes.size != content->size ||
	    change->bytes.size > LIMIT_CHUNK)
		return RESULT_MALFORMED;
	if (longest < record_size)
		longest = record_size;
	return check_space(batch, content->size, longest);
}

static enum result
content_adopt(
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

static enum result
content_release(struct batch *batch, const struct content *content)
{
	assert(batch->meta.bytes >= content->size); /* checked before */
	batch->meta.bytes -= content->size;
	if (content->blob == 0)
		return RESULT_OK;
	return put_garbage(batch, content->blob);
}

#define HOUR_MOMENTS (3600 * MOMENT_SECOND)
#define RECORD_BYTES 32768 /* the pages that a new record and its rows touch */

/* ---- idempotency keys ---- */

/* Has what the key stands for been deleted since? */
static enum result
key_follow(struct batch *batch, const struct idempotency *row)
{
	enum result result;
	uint64_t moment;

	result = layout_get_moment(&batch->view, &row->id, &moment);
	if (result != RESULT_OK && result != RESULT_NOT_FOUND)
		return result;
	batch->is_repeat = true;
	batch->is_deleted = result == RESULT_NOT_FOUND;
	batch->id = row->id;
	return RESULT_OK;
}

/* RESULT_NOT_FOUND: the key stands for nothing yet, or not any more. */
static enum result
key_find(struct batch *batch, const struct change *change)
{
	struct idempotency row;
	enum result result;

	if (!change->has_key)
		return RESULT_NOT_FOUND;
	result = layout_get_idempotency(&batch->view, change->key, &row);
	if (result != RESULT_OK)
		return result;
	if (row.expires <= batch->now)
		return RESULT_NOT_FOUND;
	if (memcmp(row.meaning, change->meaning, sizeof(row.meaning)) != 0)
		return RESULT_MISMATCH;
	return key_follow(batch, &row);
}

static enum result
key_keep(struct batch *batch, const struct change *change)
{
	struct idempotency row = {
		.id = change->artifact->id,
		.expires = batch->now + LIMIT_IDEMPOTENCY_HOURS * HOUR_MOMENTS,
	};

	if (!change->has_key)
		return RESULT_OK;
	memcpy(row.meaning, change->meaning, sizeof(row.meaning));
	return layout_put_idempotency(&batch->view, change->key, &row);
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

	for (tag = 0; tag < FILTERS && result == RESULT_OK; tag++) {
		value = artifact_value(artifact, tag);
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
create_check(struct batch *batch, const struct change *change)
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
	return content_check(
	    batch, change, encoded_size(batch, change->artifact));
}

/*
 * Raise *moment to the first, from there on, that no record has. What the
 * cursor said last: MDB_NOTFOUND if no younger record follows.
 */
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
 * The same, without another look at moments that this batch found taken: when
 * many records with one moment are imported, each would look at all before it.
 * The caller takes the moment that is found.
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
	enum result result;
	MDB_cursor *cursor;
	int code;

	result = layout_cursor(view, DB_RECORDS, &cursor);
	if (result != RESULT_OK)
		return result;
	code = find_free(batch, cursor, moment);
	mdb_cursor_close(cursor);
	if (code != MDB_SUCCESS && code != MDB_NOTFOUND)
		return layout_note(view, DB_RECORDS, code);
	/* Appended to, pages become full. */
	*ret_flags = code == MDB_NOTFOUND ? MDB_APPEND : MDB_NOOVERWRITE;
	return RESULT_OK;
}

static enum result
apply_create(struct batch *batch, const struct change *change)
{
	struct artifact artifact = *change->artifact;
	enum result result;
	unsigned flags = 0;

	result = key_find(batch, change);
	if (result != RESULT_NOT_FOUND)
		return result;
	result = create_check(batch, change);
	if (result != RESULT_OK)
		return result;

	use_space(batch, RECORD_BYTES);
	/* Unique and rising, whatever the clock does. */
	artifact.created = batch->now > batch->meta.last_moment
			       ? batch->now
			       : batch->meta.last_moment + 1;
	result = free_moment(batch, &artifact.created, &flags);
	batch->meta.last_moment = artifact.created;
	artifact.content.stored = artifact.created;
	batch->meta.artifacts++;
	if (result == RESULT_OK)
		result = content_adopt(batch, change, &artifact.content.blob);
	if (result == RESULT_OK)
		result = put_record(batch, &artifact, flags);
	if (result == RESULT_OK)
		result = layout_put_moment(
		    &batch->view, &artifact.id, artifact.created);
	if (result == RESULT_OK)
		result = each_index(batch, &artifact, layout_put_index);
	if (result == RESULT_OK)
		result = key_keep(batch, change);
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

static enum result
apply_update(struct batch *batch, const struct change *change)
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
		if (new - old > batch->space.for_growth[lmdb_run_of(new)])
			return no_space(batch);
		use_space(batch, new - old);
	}
	return put_record(batch, artifact, 0);
}

static enum result
apply_content(struct batch *batch, const struct change *change)
{
	struct content content = change->artifact->content;
	struct artifact *artifact;
	enum result result;

	result = find(batch, change, &artifact);
	if (result != RESULT_OK)
		return result;
	result = content_check(batch, change, encoded_size(batch, artifact));
	if (result != RESULT_OK)
		return result;

	result = content_release(batch, &artifact->content);
	if (result == RESULT_OK)
		result = content_adopt(batch, change, &content.blob);
	if (result != RESULT_OK)
		return result;
	content.stored = content_moment(&artifact->content, batch->now);
	artifact->content = content;
	return put_record(batch, artifact, 0);
}

static enum result
apply_delete(struct batch *batch, const struct change *change)
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
import_check(struct batch *batch, const struct change *change,
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
	return content_check(batch, change, encoded_size(batch, artifact));
}

/* The record takes the place of the old one, whose content and index entries
 * go. */
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

static enum result
apply_import(struct batch *batch, const struct change *change)
{
	struct artifact artifact = *change->artifact;
	struct artifact *there = NULL;
	enum result result;
	unsigned flags = 0;

	result = import_check(batch, change, &there);
	if (result != RESULT_OK)
		return result;

	use_space(batch, RECORD_BYTES);
	batch->is_changed = true;
	result = there != NULL ? import_over(batch, there, &artifact, &flags)
			       : import_new(batch, &artifact, &flags);
	if (artifact.content.stored < artifact.created)
		artifact.content.stored = artifact.created;
	if (result == RESULT_OK)
		result = content_adopt(batch, change, &artifact.content.blob);
	if (result == RESULT_OK)
		result = put_record(batch, &artifact, flags);
	if (result == RESULT_OK)
		result = each_index(batch, &artifact, layout_put_index);
	return result;
}

static enum result (*const kinds[])(
    struct batch *batch, const struct change *change) = {
	[CHANGE_CREATE] = apply_create,
	[CHANGE_UPDATE] = apply_update,
	[CHANGE_CONTENT] = apply_content,
	[CHANGE_DELETE] = apply_delete,
	[CHANGE_STAGE] = apply_stage,
	[CHANGE_DROP] = apply_drop,
	[CHANGE_IMPORT] = apply_import,
};

/* ---- exactly once ---- */

/* Staging is harmless to repeat by itself, and far more frequent. */
static bool
is_numbered(const struct change *change)
{
	return change->number != 0 && change_is_awaited(change);
}

/* RESULT_NOT_FOUND: it is new. */
static enum result
find_last_change(struct batch *batch, const struct change *change)
{
	struct last_change last;
	enum result result;

	if (!is_numbered(change))
		return RESULT_NOT_FOUND;
	result = layout_get_last_change(
	    &batch->view, change->owner.incarnation, &last);
	if (result != RESULT_OK)
		return result;
	if (change->number > last.number)
		return RESULT_NOT_FOUND;
	if (change->number < last.number)
		return RESULT_MALFORMED; /* numbers rise */
	batch->is_repeat = true;
	batch->id = last.id;
	return last.result;
}

static enum result
keep_last_change(struct batch *batch, const struct change *change)
{
	struct last_change last = {
		.number = change->number,
		.result = RESULT_OK,
		.id = batch->id,
	};

	if (!is_numbered(change) || batch->is_repeat)
		return RESULT_OK;
	return layout_put_last_change(
	    &batch->view, change->owner.incarnation, &last);
}

static enum result
apply_change(struct batch *batch, const struct change *change)
{
	enum result result;

	assert(change->kind >= CHANGE_CREATE && change->kind <= CHANGE_IMPORT);
	batch->is_repeat = batch->is_deleted = false;
	batch->id =
	    change->kind == CHANGE_CREATE ? change->artifact->id : change->id;
	result = find_last_change(batch, change);
	if (result != RESULT_NOT_FOUND)
		return result;
	result = kinds[change->kind](batch, change);
	if (result != RESULT_OK)
		return result;
	return keep_last_change(batch, change);
}

/* ---- a batch ---- */

static enum result
apply_begin(struct batch *batch)
{
	enum result result;

	result = layout_get_meta(&batch->view, &batch->meta);
	batch->now = moment_now();
	batch->lmdb->shortage = (struct shortage){ 0 };
	lmdb_measure_space(batch->lmdb, batch->lmdb->reserve, &batch->space);
	return result;
}

/* Anything but RESULT_OK: the transaction is to be aborted. */
static enum result
apply_all(struct batch *batch, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes)
{
	enum result result;
	size_t i;

	result = apply_begin(batch);
	if (result != RESULT_OK)
		return result;
	for (i = 0; i < count; i++) {
		result = apply_change(batch, changes[i]);
		arena_reset(batch->lmdb->scratch);
		if (batch->view.error != 0)
			return result;
		ret_outcomes[i] = (struct outcome){ .result = result,
			.id = batch->id,
			.is_deleted = batch->is_deleted,
			.shortage = batch->lmdb->shortage };
	}
	if (!batch->is_changed)
		return RESULT_OK;
	return layout_put_meta(&batch->view, &batch->meta);
}

/*
 * RESULT_OK: each change has its outcome. RESULT_UNKNOWN: the commit failed.
 * Anything else: nothing happened; of a single change it is the outcome.
 */
static enum result
apply_run(struct lmdb *lmdb, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes)
{
	struct batch batch = { .lmdb = lmdb };
	size_t waiting = lmdb->garbage.count;
	enum result result;

	result = lmdb_write_begin(lmdb, &batch.view);
	if (result != RESULT_OK)
		return result;
	result = apply_all(&batch, changes, count, ret_outcomes);
	if (result == RESULT_OK && batch.is_changed)
		result = lmdb_write_commit(lmdb, &batch.view);
	else
		lmdb_write_abort(lmdb, &batch.view);
	if (result != RESULT_OK)
		garbage_rewind(&lmdb->garbage, waiting);
	return result;
}

static void
fill_outcomes(struct outcome *outcomes, size_t count, enum result result)
{
	size_t i;

	for (i = 0; i < count; i++)
		outcomes[i] = (struct outcome){ .result = result };
}

void
lmdb_apply(void *state, struct change *const *changes, size_t count,
    struct outcome *ret_outcomes)
{
	struct lmdb *lmdb = state;
	enum result result;
	size_t i;

	if (count == 0)
		return;
	result = apply_run(lmdb, changes, count, ret_outcomes);
	if (result == RESULT_OK)
		return;
	if (result == RESULT_UNKNOWN || count == 1) {
		fill_outcomes(ret_outcomes, count, result);
		return;
	}
	for (i = 0; i < count; i++) {
		/* On a slow disk each is a long wait, and there may be a
		 * thousand. */
		if (lmdb->beat != NULL)
			lmdb->beat(lmdb->beat_object);
		result = apply_run(lmdb, changes + i, 1, ret_outcomes + i);
		if (result != RESULT_OK)
			fill_outcomes(ret_outcomes + i, 1, result);
	}
}
